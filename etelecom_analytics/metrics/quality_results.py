"""The results of data quality checks: how many rows match, of how many, with examples."""

from collections.abc import Mapping, Sequence

import polars as pl

__all__ = ["ALWAYS", "MAX_EXAMPLES", "Check", "Result", "results_of"]

MAX_EXAMPLES = 5

ALWAYS = pl.lit(value=True)

Check = tuple[pl.Expr, pl.Expr]
"""The rows that a check applies to, and the condition that matches; null is false."""

Result = tuple[int, int | None, Sequence[str]]
"""The values of count, of and examples."""


def results_of(
    rows: pl.LazyFrame, checks: Mapping[str, Check], example: str = "id"
) -> dict[str, Result]:
    """The result of each check of these rows; `example` is the column of its examples."""
    matches = {
        check: (applies & condition).fill_null(value=False)
        for check, (applies, condition) in checks.items()
    }
    totals = {
        f"{check} of": applies.fill_null(value=False) for check, (applies, _) in checks.items()
    }
    examples = {
        f"{check} examples": pl.col(example)
        .filter(check)
        .drop_nulls()
        .unique()
        .sort()
        .head(MAX_EXAMPLES)
        .implode()
        for check in checks
    }
    row = (
        rows.select(example, **matches, **totals)
        .select(pl.col(*matches, *totals).cast(pl.Int64).sum(), **examples)
        .collect()
        .row(0, named=True)
    )
    return {check: (row[check], row[f"{check} of"], row[f"{check} examples"]) for check in checks}
