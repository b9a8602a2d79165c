"""explain: one number taken apart, into its formula, its counts, and the calls behind it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from ..errors import InputError
from ..formatting import facts_html, facts_text
from ..phone_numbers import printable
from .options import MetricOptions
from .registry import Mean, Measure, Quantile, Ratio, Total, source_of
from .registry import measure as named
from .selection import Calls
from .summary import columns_of, rows_of

__all__ = ["Explanation", "explain"]

_MOST_IDS = 5


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Explanation:
    """One number, and what it is made of.

    Attributes:
        measure: which measure it is: name, title, unit, grain.
        formula: its definition, for these options.
        source: who defines it so; empty where it needs no authority.
        options: what it depends on besides the calls.
        at: the group that it is of, as (dimension, value); empty: all calls.
        value: the number, as `summarize` gives it; None over nothing.
        numerator, denominator: of a share, how many calls (offers, legs) are above and below the
        line; else None. low, high: of a share, Wilson's interval at 95 %; else None.
        n: how many calls (offers, legs) it is made of: those below the line, those that are
            counted, or those whose seconds are known.
        behind: one row for each of these, sorted: `call_id`; `target_number`, of an offer or a leg;
            and what it adds: `in_numerator`, of a share, or `seconds`.
    """

    measure: Measure
    formula: str
    source: str
    options: MetricOptions
    at: tuple[tuple[str, object], ...]
    value: float | None
    numerator: int | None
    denominator: int | None
    low: float | None
    high: float | None
    n: int
    behind: pl.DataFrame

    @property
    def denominator_ids(self) -> tuple[str, ...]:
        """The ids of the calls behind it, one for each of `n`: a call with two offers stands twice."""
        return tuple(self.behind["call_id"])

    @property
    def numerator_ids(self) -> tuple[str, ...]:
        """Of a share, the ids of the calls above the line; of any other measure, of all behind it."""
        is_share = isinstance(self.measure.made_of, Ratio)
        return (
            tuple(self.behind.filter("in_numerator")["call_id"])
            if is_share
            else self.denominator_ids
        )

    def _facts(self) -> Iterable[tuple[str, str]]:
        yield "measure", f"{self.measure.name}: {self.measure.title}, {self.measure.unit}"
        yield "formula", f"{self.formula}{f' ({self.source})' if self.source else ''}"
        if self.measure.name == "service_level":
            given = self.options
            yield (
                "where",
                f"T = {given.threshold_s:g} s, m = {given.min_talk_s:g} s, s: below {given.short_s:g} s, waits from {given.wait_from}",
            )
        yield (
            "at",
            ", ".join(f"{name} {printable(str(value))}" for name, value in self.at)
            or f"all {self.measure.grain}",
        )
        yield "value", self._value()
        yield "behind it", f"{self.n:,} {self.measure.grain}: {_some(self.denominator_ids)}"
        if self.numerator is not None:
            yield "above", f"{self.numerator:,} of them: {_some(self.numerator_ids)}"

    def _value(self) -> str:
        if self.value is None:
            return "none: there is nothing to reckon it from"
        if self.numerator is not None:
            return f"{self.numerator:,} / {self.denominator:,} = {self.value:.4f}, 95 %: {self.low:.4f} to {self.high:.4f}"
        told = f"{self.value:,}" if isinstance(self.value, int) else f"{self.value:,.3f} s"
        return told if isinstance(self.measure.made_of, Total) else f"{told}, n = {self.n:,}"

    def __repr__(self) -> str:
        return facts_text("Explanation", self._facts())

    def _repr_html_(self) -> str:
        return facts_html("Explanation", self._facts())


def explain(
    calls: Calls,
    measure: str,
    *,
    by: Sequence[str] = (),
    at: Mapping[str, object] | Sequence[object] = (),
    options: MetricOptions = MetricOptions(),
) -> Explanation:
    """What one number of `summarize` is made of: its formula, its counts, and the ids of the calls behind it. Collects.

    `explain(calls, "service_level", by=["hour"], at=[9])` is the cell of `summarize(calls,
    by=["hour"], measures=["service_level"])`, and so is `explain(calls, "service_level",
    at={"hour": 9})`.

    Args:
        calls: the calls that were summarized, or a `Selection` of them.
        measure: its name.
        by: the dimensions of the summary.
        at: the group: its values in the order of `by`, or, without `by`, its values by dimension.
            Days may be text, such as "2026-11-02", and None is the group of those that have no
            value. A value that no call has is a group of nothing.
        options: those of the summary.

    Raises:
        UnknownName, MeasureUnavailable, InputError: as `summarize`; InputError too where a value
        cannot be one of its dimension.
    """
    group, each = _group(by, at), named(measure)
    lazy = (
        calls.lazy().cache() if isinstance(calls, Calls) else calls
    )  # whose rows may have another order each time
    rows = rows_of(lazy, list(group), measure, options=options)
    chosen = rows.filter(*_conditions(group, rows.collect_schema()))
    found = (
        _with_ids(chosen, lazy, each)
        .sort("call_id", *_targets(each), *_facts_of(each), nulls_last=True)
        .collect()
    )
    numbers = found.select(columns_of(each)).row(0)
    value, numerator, denominator, low, high = (
        numbers if isinstance(each.made_of, Ratio) else (*numbers, None, None, None, None)
    )
    behind = found.filter(_counts(each)).select("call_id", *_targets(each), *_adds(each))
    return Explanation(
        measure=each,
        formula=each.formula(options),
        source=source_of(each, options),
        options=options,
        at=tuple(group.items()),
        value=value,
        numerator=numerator,
        denominator=denominator,
        low=low,
        high=high,
        n=behind.height,
        behind=behind,
    )


def _group(by: Sequence[str], at: Mapping[str, object] | Sequence[object]) -> Mapping[str, object]:
    """The values by dimension."""
    if isinstance(at, Mapping) and not by:
        return at
    if (
        isinstance(by, str)
        or isinstance(at, str | Mapping)
        or not isinstance(at, Sequence)
        or len(by) != len(at)
    ):
        raise InputError(
            'The group is by=["hour"] with a value for each, at=[9]; or at={"hour": 9} alone.'
        )
    return dict(zip(by, at, strict=True))


def _conditions(at: Mapping[str, object], schema: pl.Schema) -> list[pl.Expr]:
    return [
        pl.col(name).eq_missing(_literal(name, value, schema[name])) for name, value in at.items()
    ]


def _literal(name: str, value: object, dtype: pl.DataType) -> pl.Expr:
    """The value as one of its dimension."""
    # Polars would take True for 1, and 5 for the fifth day of 1970.
    misread = (isinstance(value, bool) and dtype != pl.Boolean) or (
        isinstance(value, int | datetime) and dtype == pl.Date
    )
    try:
        if misread:
            raise TypeError
        given = date.fromisoformat(value) if dtype == pl.Date and isinstance(value, str) else value
        return pl.lit(pl.Series([given], dtype=dtype, strict=True).first(), dtype)
    except (ValueError, TypeError, OverflowError, pl.exceptions.PolarsError):
        words = f", one of {', '.join(dtype.categories)}" if isinstance(dtype, pl.Enum) else ""
        raise InputError(
            f"at: {name} is {dtype.base_type()}{words}; got {printable(repr(value))}."
        ) from None


def _with_ids(rows: pl.LazyFrame, calls: pl.LazyFrame, each: Measure) -> pl.LazyFrame:
    """The rows with the id of their call; those of offers and legs know only in which row it stands."""
    if each.grain == "calls":
        return rows.select(*_facts_of(each), call_id="id")
    ids = calls.with_row_index("call_row").select("call_row", call_id="id")
    return rows.select("call_row", "target_number", *_facts_of(each)).join(
        ids, on="call_row", how="left"
    )


def _targets(each: Measure) -> list[str]:
    return [] if each.grain == "calls" else ["target_number"]


def _facts_of(each: Measure) -> list[str]:
    match each.made_of:
        case Total(fact) | Mean(fact) | Quantile(fact, _):
            return [fact]
        case Ratio(numerator, denominator):
            return [numerator, denominator]


def _counts(each: Measure) -> pl.Expr:
    """Whether a row is behind the number."""
    fact = _facts_of(each)[-1]
    return pl.col(fact).is_not_null() if fact.endswith("_s") else pl.col(fact)


def _adds(each: Measure) -> list[pl.Expr]:
    fact = _facts_of(each)[0]
    if isinstance(each.made_of, Ratio):
        return [pl.col(fact).alias("in_numerator")]
    return [pl.col(fact).alias("seconds")] if fact.endswith("_s") else []


def _some(ids: tuple[str, ...]) -> str:
    """The first few ids, in words."""
    if not ids:
        return "none"
    told = ", ".join(_shown_id(one) for one in ids[:_MOST_IDS])
    return told if len(ids) <= _MOST_IDS else f"{told} and {len(ids) - _MOST_IDS:,} more"


def _shown_id(one: str | None) -> str:
    """An id as it is, but for what does not belong in one line."""
    return (
        "(no id)"
        if one is None
        else "".join(letter if letter.isprintable() else "?" for letter in one)[:40]
    )
