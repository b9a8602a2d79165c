"""The columns of a measure as expressions over facts."""

import polars as pl

from .call_legs import quotient
from .confidence import confidence_level, wilson
from .registry import MEASURES, Mean, Measure, Quantile, Ratio, Total

__all__ = ["columns_of", "is_sum", "microseconds"]


def columns_of(
    each: Measure, *, confidence: bool | float = False, counts: bool = False
) -> dict[str, pl.Expr]:
    """The measure as an expression by its column name, and further columns.

    Args:
        each: the measure.
        confidence: for a share, add `_num` and `_den`, its counts, and `_low` and `_high`, its
            interval (Wilson); True is 95 %, a number the level.
        counts: for a mean or a quantile, add `_n`, the number of its values.
    """
    name, level = each.name, confidence_level(confidence)
    columns: dict[str, pl.Expr] = {}
    match each.aggregation:
        case Total(fact):
            columns[name] = _sum(fact)
        case Mean(fact):
            values = microseconds(fact)
            n = values.count().cast(pl.Int64)
            columns[name] = pl.when(n > 0).then(values.sum() / (n * 1_000_000))
            if counts:
                columns[f"{name}_n"] = n
        case Quantile(fact, share):
            columns[name] = pl.col(fact).quantile(share, interpolation="linear")
            if counts:
                columns[f"{name}_n"] = pl.col(fact).count().cast(pl.Int64)
        case Ratio(above, below):
            numerator, denominator = _sum(above), _sum(below)
            columns[name] = pl.when(denominator > 0).then(numerator / denominator)
            if level is not None:
                columns[f"{name}_num"], columns[f"{name}_den"] = numerator, denominator
                columns[f"{name}_low"], columns[f"{name}_high"] = wilson(
                    numerator, denominator, level=level
                )
    return columns


def is_sum(column: str) -> bool:
    """Whether a column of a summary is a sum, which is 0, not null, in a group without rows."""
    return column.endswith(("_num", "_den", "_n")) or (
        column in MEASURES and isinstance(MEASURES[column].aggregation, Total)
    )


def microseconds(fact: str) -> pl.Expr:
    """Seconds as whole microseconds, whose sum does not depend on the order of the rows."""
    return (pl.col(fact) * 1_000_000).round().cast(pl.Int64)


def _sum(fact: str) -> pl.Expr:
    """The sum of a fact in seconds, or the number of rows for which a flag is true.

    A number is Int64, since unsigned counts wrap around when they are subtracted.
    """
    if fact.endswith("_s"):
        return quotient(microseconds(fact).sum(), 1_000_000)
    return pl.col(fact).cast(pl.Int64).sum()
