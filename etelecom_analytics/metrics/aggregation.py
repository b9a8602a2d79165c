"""The columns of a measure as expressions over the parts of its facts: sums, counts, quantiles.

The parts are aggregated from rows of facts, or added up from partial results. The formulas of
measures are the same for both.
"""

from collections.abc import Sequence
from typing import Protocol

import polars as pl

from .call_legs import quotient
from .confidence import confidence_level, wilson
from .registry import MEASURES, Mean, Measure, Quantile, Ratio, Total

__all__ = [
    "ROWS",
    "SUMMED",
    "Parts",
    "columns_of",
    "facts_of",
    "facts_of_measures",
    "is_sum",
    "microseconds",
    "moments",
    "quantile_name",
    "rank_name",
]


class Parts(Protocol):
    """The parts of facts from which the columns of measures are computed."""

    def total(self, fact: str) -> pl.Expr:
        """The sum of a fact as Int64: a number, or whole microseconds."""

    def known(self, fact: str) -> pl.Expr:
        """The number of known values of a fact as Int64."""

    def quantile(self, fact: str, share: float) -> pl.Expr:
        """A quantile of the known values in seconds, linearly interpolated; null without values."""


class _RowParts:
    """The parts as aggregations of the rows of facts."""

    def total(self, fact: str) -> pl.Expr:
        # A number is Int64, since unsigned counts wrap around when they are subtracted.
        values = microseconds(fact) if fact.endswith("_s") else pl.col(fact).cast(pl.Int64)
        return values.sum()

    def known(self, fact: str) -> pl.Expr:
        return pl.col(fact).count().cast(pl.Int64)

    def quantile(self, fact: str, share: float) -> pl.Expr:
        return pl.col(fact).quantile(share, interpolation="linear")


ROWS: Parts = _RowParts()
"""The parts of facts that are columns of rows, to aggregate them."""


class _SummedParts:
    """The parts as columns of a table, one row per group."""

    def total(self, fact: str) -> pl.Expr:
        return pl.col(f"sum of {fact}")

    def known(self, fact: str) -> pl.Expr:
        return pl.col(f"count of {fact}")

    def quantile(self, fact: str, share: float) -> pl.Expr:
        return pl.col(quantile_name(fact, share))


SUMMED: Parts = _SummedParts()
"""The parts of facts that were summed before, in columns of a table with one row per group."""


def quantile_name(fact: str, share: float) -> str:
    """The column of a quantile in a table of parts."""
    return f"quantile {share} of {fact}"


def rank_name(end: str, fact: str, share: float) -> str:
    """The column of the low or high end of the interval of a quantile in a table of parts."""
    return f"{end} of {quantile_name(fact, share)}"


def moments(fact: str) -> dict[str, pl.Expr]:
    """Sums of powers of seconds as whole numbers of any size, for a variance and a skewness."""
    exact = microseconds(fact).cast(pl.Int128)
    # In milliseconds, since cubes of microseconds would exceed 128 bits.
    short = (pl.col(fact) * 1_000).round().cast(pl.Int64).cast(pl.Int128)
    powers = {"squares": exact * exact, "power_1": short}
    powers |= {"power_2": short * short, "power_3": short * short * short}
    return {name: each.sum() for name, each in powers.items()}


def columns_of(
    each: Measure, parts: Parts = ROWS, *, confidence: bool | float = False, counts: bool = False
) -> dict[str, pl.Expr]:
    """The measure as an expression by its column name, and further columns.

    Args:
        each: the measure.
        parts: the parts of facts; by default aggregations of rows.
        confidence: for a share, add `_num` and `_den`, its counts, and `_low` and `_high`, its
            interval (Wilson); True is 95 %, a number the level.
        counts: for a mean or a quantile, add `_n`, the number of its values; for a share, its
            counts.
    """
    name, level = each.name, confidence_level(confidence)
    columns: dict[str, pl.Expr] = {}
    match each.aggregation:
        case Total(fact):
            columns[name] = _sum(parts, fact)
        case Mean(fact):
            n = parts.known(fact)
            columns[name] = pl.when(n > 0).then(parts.total(fact) / (n * 1_000_000))
            if counts:
                columns[f"{name}_n"] = n
        case Quantile(fact, share):
            columns[name] = parts.quantile(fact, share)
            if counts:
                columns[f"{name}_n"] = parts.known(fact)
        case Ratio(above, below):
            numerator, denominator = _sum(parts, above), _sum(parts, below)
            columns[name] = pl.when(denominator > 0).then(numerator / denominator)
            if counts or level is not None:
                columns[f"{name}_num"], columns[f"{name}_den"] = numerator, denominator
            if level is not None:
                columns[f"{name}_low"], columns[f"{name}_high"] = wilson(
                    numerator, denominator, level=level
                )
    return columns


def facts_of(each: Measure) -> tuple[str, ...]:
    """The facts whose parts `columns_of` uses."""
    match each.aggregation:
        case Ratio(numerator, denominator):
            return numerator, denominator
        case Total(fact) | Mean(fact) | Quantile(fact, _):
            return (fact,)


def facts_of_measures(requested: Sequence[Measure]) -> tuple[set[str], set[str]]:
    """The facts of these measures, and those of which each value is counted."""
    facts = {fact for each in requested for fact in facts_of(each)}
    quantiles = (each for each in requested if isinstance(each.aggregation, Quantile))
    return facts, {fact for each in quantiles for fact in facts_of(each)}


def is_sum(column: str) -> bool:
    """Whether a column of a summary is a sum, which is 0, not null, in a group without rows."""
    return column.endswith(("_num", "_den", "_n")) or (
        column in MEASURES and isinstance(MEASURES[column].aggregation, Total)
    )


def microseconds(fact: str) -> pl.Expr:
    """Seconds as whole microseconds, whose sum does not depend on the order of the rows."""
    return (pl.col(fact) * 1_000_000).round().cast(pl.Int64)


def _sum(parts: Parts, fact: str) -> pl.Expr:
    """The sum of a fact in seconds, or the number of rows for which a flag is true."""
    total = parts.total(fact)
    return quotient(total, 1_000_000) if fact.endswith("_s") else total
