"""Filters of calls that cubes can answer: conditions on dimensions."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from .. import local_time
from ..query import CallQuery
from .options import MetricOptions

__all__ = ["CellFilter", "filters_of_query"]

_EQUAL = ("direction", "call_state", "user_id")


class CellFilter(NamedTuple):
    """Conditions on dimensions, which are true of all rows of a cell or of none.

    Attributes:
        dimensions: their names.
        holds: the conditions, as expressions of the columns with these names; all must be true.
        options: the options with which the dimension was computed; None for any.
        time_zone: the time zone of its days; empty for any.
    """

    dimensions: tuple[str, ...]
    holds: Sequence[pl.Expr]
    options: MetricOptions | None = None
    time_zone: str = ""

    def is_of(self, options: MetricOptions) -> bool:
        """Whether a cube with these options has the dimension as it is meant here."""
        return self.options in (None, options) and self.time_zone in ("", options.time_zone)


def filters_of_query(query: CallQuery) -> Sequence[CellFilter] | None:
    """The conditions of a query; None if it has one that is not of a dimension of cubes."""
    fields = (query.call_number, query.duration, query.external_id, query.external_session_id)
    moments = [moment for moment in (query.date_from, query.date_to) if moment]
    if any(fields) or not all(local_time.is_midnight(each, query.time_zone) for each in moments):
        return None
    filters = [
        CellFilter((name,), [pl.col(name) == value])
        for name in _EQUAL
        if (value := getattr(query, name))
    ]
    if query.extension_ids:
        is_one = pl.col("extension_id").is_in(query.extension_ids)
        filters.append(CellFilter(("extension_id",), [is_one]))
    if moments:
        day, holds = pl.col("day"), pl.lit(value=True)
        if query.date_from:
            holds &= day >= query.date_from.date()
        if query.date_to:
            holds &= day < query.date_to.date()
        # Calls without a start match all dates, as in the query.
        holds = day.is_null() | holds
        filters.append(CellFilter(("day",), [holds], time_zone=query.time_zone))
    return filters
