"""The columns of a measure as expressions over the parts of its facts: sums, counts, quantiles.

The parts are aggregated from rows of facts, or added up from partial results. The formulas of
measures are the same for both.
"""

from typing import Protocol

import polars as pl

from .call_legs import quotient
from .confidence import confidence_level, wilson
from .registry import MEASURES, Mean, Measure, Quantile, Ratio, Total

__all__ = ["ROWS", "Parts", "columns_of", "facts_of", "is_sum", "microseconds"]


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


def columns_of(
    each: Measure, parts: Parts = ROWS, *, confidence: bool | float = False, counts: bool = False
) -> dict[str, pl.Expr]:
    """The measure as an expression by its column name, and further columns.

    Args:
        each: the measure.
        parts: the parts of facts; by default aggregations of rows.
        confidence: for a share, add `_num` and `_den`, its counts, and `_low` and `_high`, its
            interval (Wilson); True is 95 %, a number the level.
        counts: for a mean or a quantile, add `_n`, the number of its values.
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
            if level is not None:
                columns[f"{name}_num"], columns[f"{name}_den"] = numerator, denominator
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
