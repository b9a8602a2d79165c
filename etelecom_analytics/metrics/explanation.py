"""explain: the formula, the counts and the calls of one value of a summary."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from .. import local_time
from ..errors import InputError
from ..formatting import facts_html, facts_text, format_value
from ..phone_numbers import describe, printable
from .aggregation import columns_of, facts_of
from .call_facts import COUNT_FACTS
from .dimensions import OWNER_DIMENSIONS, Names, as_names, is_of_owners
from .measure_rows import rows_of
from .options import MetricOptions, checked_options
from .registry import Measure, Ratio, Total, source_of
from .registry import measure as named_measure
from .results import Result
from .selection import Calls, calls_frame

__all__ = ["Explanation", "explain"]

_MAX_IDS = 5


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Explanation(Result):
    """The formula, the counts and the calls of one value.

    Attributes:
        measure: the measure: name, title, unit, grain.
        formula: its definition with these options.
        source: the source of the definition; empty where none is needed.
        options: the settings of the measure.
        at: the group as (dimension, value) pairs; empty for all calls.
        of_owners: whether a person in `at` is the owner of the offers, not the person of the calls.
        value: the value, as in `summarize`; None without data.
        numerator, denominator: the counts of a share, else None.
        low, high: the 95 % interval of a share (Wilson), else None.
        n: the number of calls (offers, legs) in the value: the denominator of a share, the counted
            rows, or the known values of a time.
        rows: one sorted row for each of these: `call_id`; `target_number`, of an offer or leg; and
            `in_numerator`, of a share, or `seconds`, of a time.

    Examples:
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> explanation = et.metrics.explain(inbound, "answer_rate")
        >>> explanation.numerator, explanation.denominator, explanation.formula
        (288, 298, 'answered / offered')
    """

    measure: Measure
    formula: str
    source: str
    options: MetricOptions
    at: tuple[tuple[str, object], ...]
    of_owners: bool
    value: float | None
    numerator: int | None
    denominator: int | None
    low: float | None
    high: float | None
    n: int
    rows: pl.DataFrame

    @property
    def denominator_ids(self) -> tuple[str, ...]:
        """The call id of each of the `n` rows; a call with two offers is listed twice."""
        return tuple(self.rows["call_id"])

    @property
    def numerator_ids(self) -> tuple[str, ...]:
        """The call ids in the numerator of a share; of other measures, all call ids."""
        is_share = isinstance(self.measure.aggregation, Ratio)
        return tuple((self.rows.filter("in_numerator") if is_share else self.rows)["call_id"])

    def _facts(self) -> Iterable[tuple[str, str]]:
        grain = self.measure.grain
        yield "measure", f"{self.measure.name}: {self.measure.title}, {self.measure.unit}"
        yield "formula", f"{self.formula}{f' ({self.source})' if self.source else ''}"
        if self.measure.name == "service_level":
            options = self.options
            yield (
                "where",
                f"T = {options.threshold_s:g} s, m = {options.min_talk_s:g} s, "
                f"s: below {options.short_s:g} s, waits from {options.wait_from}",
            )
        group = ", ".join(f"{name} {printable(str(value))}" for name, value in self.at)
        if any(name in OWNER_DIMENSIONS for name, _ in self.at):
            group += "; the owner of the offers" if self.of_owners else "; the person of the calls"
        yield "group", group or f"all {grain}"
        yield "value", self._value_text()
        yield "counted", f"{self.n:,} {grain}: {_ids_text(self.denominator_ids)}"
        if self.numerator is not None:
            yield "numerator", f"{self.numerator:,} of them: {_ids_text(self.numerator_ids)}"

    def _value_text(self) -> str:
        if self.value is None:
            return "none: no data"
        unit = self.measure.unit
        text = format_value(self.value, unit)
        if self.numerator is not None:
            low, high = format_value(self.low, unit), format_value(self.high, unit)
            counts = f"{self.numerator:,} / {self.denominator:,}"
            return f"{counts} = {text}, 95 % interval: {low} to {high}"
        return text if isinstance(self.measure.aggregation, Total) else f"{text}, n = {self.n:,}"

    def __repr__(self) -> str:
        return facts_text("Explanation", self._facts())

    def _repr_html_(self) -> str:
        return facts_html("Explanation", self._facts())


def explain(
    calls: Calls,
    measure: str,
    *,
    by: Names = (),
    at: object = (),
    options: MetricOptions = MetricOptions(),
) -> Explanation:
    """The formula, the counts and the call ids of one value of `summarize`. Collects.

    `explain(calls, "service_level", by="hour", at=9)` explains one cell of `summarize(calls,
    by="hour", measures="service_level")`, and so does `explain(calls, "service_level",
    at={"hour": 9})`.

    Args:
        calls: the calls of the summary, or a `Selection`.
        measure: the name of the measure.
        by: the dimension or dimensions of the summary.
        at: the group: the value of the only dimension, a list of one value for each dimension, or a
            mapping of values by dimension. A day may be text, such as "2026-11-02"; None is the
            group of missing values. A group without calls is allowed.
        options: the settings of the summary.

    Raises:
        UnknownName, MeasureUnavailable, InputError: as in `summarize`; InputError also if a
            dimension cannot have a value.

    Examples:
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> et.metrics.explain(inbound, "missed", by="day", at="2026-11-03").n
        4
    """
    group, each, options = _group(by, at), named_measure(measure), checked_options(options)
    # Cached, since a lazy frame may have another order each time.
    lazy = calls_frame(calls).cache()
    all_rows = rows_of(lazy, list(group), measure, options=options)
    schema = all_rows.collect_schema()
    in_group = all_rows.filter(
        *(
            pl.col(name).eq_missing(_literal(name, value, schema[name]))
            for name, value in group.items()
        )
    )
    facts, targets = facts_of(each), [] if each.grain == "calls" else ["target_number"]
    rows = (
        _with_call_ids(in_group, lazy, each)
        .sort("call_id", *targets, *facts, nulls_last=True)
        .collect()
    )
    values = rows.select(**columns_of(each, confidence=True)).row(0)
    value, numerator, denominator, low, high = (
        values if isinstance(each.aggregation, Ratio) else (*values, None, None, None, None)
    )
    if isinstance(each.aggregation, Ratio):
        is_counted, extra = pl.col(facts[1]), {"in_numerator": facts[0]}
    elif facts[0].endswith("_s"):
        is_counted, extra = pl.col(facts[0]).is_not_null(), {"seconds": facts[0]}
    elif facts[0] in COUNT_FACTS:
        is_counted, extra = pl.col(facts[0]) > 0, {}
    else:
        is_counted, extra = pl.col(facts[0]), {}
    rows = rows.filter(is_counted).select("call_id", *targets, **extra)
    return Explanation(
        measure=each,
        formula=each.formula(options),
        source=source_of(each, options),
        options=options,
        at=tuple(group.items()),
        of_owners=is_of_owners(calls, group, each.grain),
        value=value,
        numerator=numerator,
        denominator=denominator,
        low=low,
        high=high,
        n=rows.height,
        rows=rows,
    )


def _group(by: Names, at: object) -> Mapping[str, object]:
    """The values by dimension."""
    dimensions = as_names(by, "by")
    if isinstance(at, Mapping) and set(dimensions) in (set(), set(at)):
        return at
    values = list(at) if isinstance(at, list | tuple) else [at]
    if isinstance(at, Mapping) or len(dimensions) != len(values):
        raise InputError(
            'The group is by="hour" and at=9, a list of each with one value for each dimension, '
            'or at={"hour": 9} alone.'
        )
    return dict(zip(dimensions, values, strict=True))


def _literal(name: str, value: object, dtype: pl.DataType) -> pl.Expr:
    """The value as a literal with the dtype of its dimension."""
    # Polars would convert True to 1, and 5 to the fifth day of 1970.
    is_misread = (isinstance(value, bool) and dtype != pl.Boolean) or (
        isinstance(value, int | datetime) and dtype == pl.Date
    )
    try:
        if is_misread:
            raise TypeError
        if dtype == pl.Date and isinstance(value, str):
            value = local_time.parse_day(value)
        return pl.lit(pl.Series([value], dtype=dtype, strict=True).first(), dtype)
    except (ValueError, TypeError, OverflowError, pl.exceptions.PolarsError):
        names = f", one of {', '.join(dtype.categories)}" if isinstance(dtype, pl.Enum) else ""
        raise InputError(
            f"at: {name} is {dtype.base_type()}{names}; got {describe(value)}."
        ) from None


def _with_call_ids(rows: pl.LazyFrame, calls: pl.LazyFrame, each: Measure) -> pl.LazyFrame:
    """The facts of the rows with the id of their call; offers and legs have only its row number."""
    if each.grain == "calls":
        return rows.select(*facts_of(each), call_id="id")
    ids = calls.with_row_index("call_row").select("call_row", call_id="id")
    return rows.select("call_row", "target_number", *facts_of(each)).join(
        ids, on="call_row", how="left"
    )


def _ids_text(ids: tuple[str | None, ...]) -> str:
    """The first ids as text, each on one line."""
    if not ids:
        return "none"
    names = [
        "(no id)" if one is None else "".join(c if c.isprintable() else "?" for c in one)[:40]
        for one in ids[:_MAX_IDS]
    ]
    rest = len(ids) - _MAX_IDS
    return ", ".join(names) + (f" and {rest:,} more" if rest > 0 else "")
