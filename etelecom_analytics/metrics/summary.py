"""summarize: any measures by any dimensions; one group_by a grain, joined on the dimensions."""

from collections.abc import Sequence
from functools import reduce
from typing import overload

import polars as pl

from ..errors import InputError, UnknownName
from ..frames import Frame
from .call_facts import CALL_COLUMNS, NAME_COLUMNS, facts, quotient
from .confidence import wilson
from .dimensions import START_DIMENSIONS, start_dimensions
from .legs_and_offers import leg_facts, offer_facts
from .options import MetricOptions
from .registry import DEFAULT_MEASURES, Grain, Mean, Measure, Quantile, Ratio, Total, measure
from .selection import Calls, Selection

__all__ = [
    "DIMENSIONS",
    "LEG_DIMENSIONS",
    "NAME_DIMENSIONS",
    "columns_of",
    "groups_of",
    "microseconds",
    "rows_of",
    "summarize",
]

LEG_DIMENSIONS = ("target_number", "trunk_name", "outcome", "fail_code")
DIMENSIONS = (*START_DIMENSIONS, *CALL_COLUMNS, *LEG_DIMENSIONS)
"""What numbers can be grouped by. The last four belong to a leg or an offer: call measures know nothing of them.

An offer's are those of its best leg, a leg's its own. Asked for together by `trunk_name`, both
stand in the row of that name: the offers that ended on the trunk beside all legs that tried it.
"""

NAME_DIMENSIONS = NAME_COLUMNS
"""What they can be grouped by too, once `logs.with_names(...)` has joined names to the calls."""


@overload
def summarize(
    calls: Frame,
    by: Sequence[str] = ...,
    measures: Sequence[str] = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool = ...,
) -> Frame: ...


@overload
def summarize(
    calls: Calls,
    by: Sequence[str] = ...,
    measures: Sequence[str] = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool = ...,
) -> pl.DataFrame | pl.LazyFrame: ...


def summarize(
    calls: Calls,
    by: Sequence[str] = (),
    measures: Sequence[str] = DEFAULT_MEASURES,
    *,
    options: MetricOptions = MetricOptions(),
    confidence: bool = False,
) -> pl.DataFrame | pl.LazyFrame:
    """The measures of these calls, one row a group, sorted by the dimensions, nulls last; without dimensions, one row.

    Counts are Int64, seconds and shares Float64; a mean or a share over nothing is null. LazyFrame
    in, LazyFrame out.

    Args:
        calls: calls of any direction, or a `Selection` of some; no measure filters in secret.
        by: dimensions, from `DIMENSIONS`, and from `NAME_DIMENSIONS` where calls carry names.
        measures: names of measures; `etelecom_analytics.measures()` is their table.
        options: what the numbers depend on besides the calls.
        confidence: for each share add `<name>_num` and `<name>_den`, its counts, and `<name>_low`
            and `<name>_high`, Wilson's interval at 95 %.

    Raises:
        UnknownName: a dimension or a measure that does not exist; the message lists the nearest.
        MeasureUnavailable: a measure that call logs cannot give, such as "occupancy"; the message
            says why, and what to use instead.
        InputError: a call measure by a leg's dimension, or a dimension of names that these calls do
            not carry.
    """
    grouped = groups_of(calls, by, measures, options=options, confidence=confidence)
    dimensions = list(dict.fromkeys(by))
    in_order = grouped.sort(dimensions, nulls_last=True) if dimensions else grouped
    return in_order if isinstance(calls, pl.LazyFrame) else in_order.collect()


def groups_of(
    calls: Calls,
    by: Sequence[str],
    measures: Sequence[str],
    *,
    options: MetricOptions,
    confidence: bool,
) -> pl.LazyFrame:
    """The rows of `summarize` in no order, and its errors: half a million callers take four times as long to sort as to count."""
    dimensions, asked = _checked(calls, by, measures)
    tables = []
    for grain in dict.fromkeys(each.grain for each in asked):
        of_grain = [each for each in asked if each.grain == grain]
        rows = _rows(calls, grain, of_grain, options).with_columns(
            **start_dimensions(dimensions, options)
        )
        columns = [column for each in of_grain for column in _columns(each, confidence=confidence)]
        tables.append(
            rows.group_by(dimensions).agg(columns) if dimensions else rows.select(columns)
        )
    joined = reduce(lambda left, right: _joined(left, right, dimensions), tables)
    empty_sums = [name for each in asked for name in _sums(each, confidence=confidence)]
    return joined.with_columns(pl.col(empty_sums).fill_null(0)).select(
        *dimensions, *_in_order(asked, confidence=confidence)
    )


def rows_of(calls: Calls, by: Sequence[str], name: str, *, options: MetricOptions) -> pl.LazyFrame:
    """The rows that `summarize` sums up for this measure, each with the dimensions of `by`, and the same errors; not yet grouped."""
    dimensions, asked = _checked(calls, by, [name])
    return _rows(calls, asked[0].grain, asked, options).with_columns(
        **start_dimensions(dimensions, options)
    )


def columns_of(each: Measure) -> list[pl.Expr]:
    """The columns that `summarize` makes of these rows with `confidence=True`."""
    return _columns(each, confidence=True)


def _checked(
    calls: object, by: Sequence[str], measures: Sequence[str]
) -> tuple[list[str], list[Measure]]:
    if not isinstance(calls, Calls):
        raise InputError(
            f"summarize takes a table of calls, such as logs.calls; got {type(calls).__name__}."
        )
    if isinstance(by, str) or isinstance(measures, str):
        raise InputError('by and measures are lists of names, such as by=["hour"].')
    dimensions, asked = list(dict.fromkeys(by)), [measure(name) for name in dict.fromkeys(measures)]
    if not asked:
        raise InputError("summarize needs at least one measure.")
    for name in dimensions:
        if name not in (*DIMENSIONS, *NAME_DIMENSIONS):
            raise UnknownName("dimension", name, (*DIMENSIONS, *NAME_DIMENSIONS))
        if name in NAME_DIMENSIONS and name not in calls.lazy().collect_schema():
            raise InputError(
                f"These calls carry no {name}: join it with logs.with_names(extensions, users, hotlines), and take its calls."
            )
        of_calls = [each.name for each in asked if each.grain == "calls"]
        if name in LEG_DIMENSIONS and of_calls:
            raise InputError(
                f"{of_calls[0]} counts calls, and a call has many legs, so it cannot be told by {name}: ask for a measure of offers "
                "or of legs, such as fair_answer_rate or asr."
            )
    return dimensions, asked


def _rows(
    calls: Calls, grain: Grain, asked: Sequence[Measure], options: MetricOptions
) -> pl.LazyFrame:
    busy = any(each.name == "busy_offers" for each in asked)
    if isinstance(calls, Selection) and not busy:
        reckoned = {"calls": calls.facts, "offers": calls.offer_facts, "legs": calls.leg_facts}
        return reckoned[grain](options)
    if grain == "calls":
        return facts(calls.lazy(), options=options)
    return (
        leg_facts(calls.lazy(), options=options)
        if grain == "legs"
        else offer_facts(calls.lazy(), options=options, busy=busy)
    )


def _joined(left: pl.LazyFrame, right: pl.LazyFrame, dimensions: Sequence[str]) -> pl.LazyFrame:
    """Both grains side by side; a group that only one of them has stays."""
    if not dimensions:
        return pl.concat([left, right], how="horizontal")
    return left.join(right, on=dimensions, how="full", coalesce=True, nulls_equal=True)


def _sum(fact: str) -> pl.Expr:
    """The sum of a fact in seconds, or how many rows a flag holds for; as Int64, since unsigned counts wrap when subtracted."""
    return (
        quotient(microseconds(fact).sum(), 1_000_000)
        if fact.endswith("_s")
        else pl.col(fact).cast(pl.Int64).sum()
    )


def microseconds(fact: str) -> pl.Expr:
    """Seconds as whole microseconds: their sum does not depend on the order of rows, which threads do not keep."""
    return (pl.col(fact) * 1_000_000).round().cast(pl.Int64)


def _columns(each: Measure, *, confidence: bool) -> list[pl.Expr]:
    """The measure's column, and with confidence the counts and the interval of a share."""
    match each.made_of:
        case Total(fact):
            return [_sum(fact).alias(each.name)]
        case Mean(fact):
            known = microseconds(fact)
            return [
                pl.when(known.count() > 0)
                .then(known.sum() / (known.count().cast(pl.Int64) * 1_000_000))
                .alias(each.name)
            ]
        case Quantile(fact, share):
            return [pl.col(fact).quantile(share, interpolation="linear").alias(each.name)]
        case Ratio(numerator, denominator):
            above, below = _sum(numerator), _sum(denominator)
            low, high = wilson(above, below)
            columns = [pl.when(below > 0).then(above / below), above, below, low, high]
            names = _of_share(each, confidence=confidence)
            return [
                column.alias(name)
                for name, column in zip(names, columns[: len(names)], strict=True)
            ]


def _sums(each: Measure, *, confidence: bool) -> list[str]:
    """The columns that are 0, not null, in a group that has no row of this grain."""
    if isinstance(each.made_of, Total):
        return [each.name]
    return [
        name for name in _of_share(each, confidence=confidence) if name.endswith(("_num", "_den"))
    ]


def _of_share(each: Measure, *, confidence: bool) -> list[str]:
    more = (
        ("_num", "_den", "_low", "_high") if confidence and isinstance(each.made_of, Ratio) else ()
    )
    return [each.name, *(each.name + ending for ending in more)]


def _in_order(asked: Sequence[Measure], *, confidence: bool) -> list[str]:
    return [name for each in asked for name in _of_share(each, confidence=confidence)]
