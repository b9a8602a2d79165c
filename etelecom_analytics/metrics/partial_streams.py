"""Finishing partial results that arrive one after the other, with few of them in memory."""

from collections.abc import Iterable

import polars as pl

from .dimensions import Names, as_names
from .partial_checks import MARKS, PARTIAL_COLUMNS
from .partial_tables import dimension_of_partial, finish, merge_partials

__all__ = ["finish_in_parts"]


def finish_in_parts(
    partials: Iterable[pl.DataFrame],
    by: Names,
    measures: Names,
    *,
    confidence: bool | float = False,
    days_apart: bool = False,
) -> pl.DataFrame:
    """The table of `finish` of all these partials, of which there is at least one.

    Args:
        partials: as in `finish`.
        by: as in `finish`.
        measures: as in `finish`.
        confidence: as in `finish`.
        days_apart: whether all calls of a local day are in one partial. By day, each is then
            finished on its own, and the counts of its values do not stay in memory.

    Raises:
        UnknownName, MeasureUnavailable, InputError: as in `finish`.
    """
    dimensions = as_names(by, "by")
    finished: list[pl.DataFrame] = []
    merged: list[pl.DataFrame] = []
    for each in partials:
        partial = _regrouped(each, dimensions)
        if days_apart and "day" in dimensions:
            has_day, is_mark = pl.col("day").is_not_null(), pl.col("kind").is_in(MARKS)
            of_days = partial.filter(has_day | is_mark)
            finished.append(finish(of_days, dimensions, measures, confidence=confidence))
            partial = partial.filter(~has_day)  # calls without a start may be in any partial
        merged = [merge_partials([*merged, partial])]
    table = pl.concat([*finished, finish(merged, dimensions, measures, confidence=confidence)])
    return table.sort(dimensions, nulls_last=True) if dimensions else table


def _regrouped(partial: pl.DataFrame, dimensions: list[str]) -> pl.DataFrame:
    """The partial by these dimensions, which follow from its own."""
    columns = {name: dimension_of_partial(partial, name) for name in dimensions}
    rows = partial.select(*PARTIAL_COLUMNS, **columns)
    return rows.group_by(pl.exclude("n")).agg(pl.col("n").sum())
