"""The KPIs of an Explorer, compared with the previous period."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from ...metrics import MetricOptions, Selection, compare
from ...metrics.known_talk import with_known_talk
from ...query import CallQuery
from .source import CallSource

__all__ = ["compare_periods"]


def compare_periods(
    source: CallSource,
    query: CallQuery,
    matching: Callable[[CallQuery], Selection],
    options: MetricOptions,
) -> tuple[pl.DataFrame, str]:
    """The table of `compare` for the default measures, and a note on the previous period.

    The history is all calls of the source that match, of any date. Without a previous period the
    table has nulls in its place, and the note has the reason.

    Args:
        source: the calls, and what was fetched.
        query: which calls.
        matching: the calls that match a query and the group filters of the Explorer.
        options: the options of the measures.
    """
    earlier, note = source.previous_period(query)
    calls = matching(query)
    before = calls.none() if earlier is None else matching(earlier)
    names = with_known_talk(calls, options=options)
    history = matching(replace(query, date_from=None, date_to=None))
    comparison = compare(before, calls, names, options=options, history=history)
    if earlier is None:
        comparison = _without_comparison(comparison, unfetched=source.is_unfetched(query))
    return comparison, note


def _without_comparison(comparison: pl.DataFrame, *, unfetched: bool) -> pl.DataFrame:
    """The table of `compare` with nulls for the previous period and the change.

    Where the calls were not fetched either (`unfetched`), their KPIs are null too.
    """
    sides = ("before", "after") if unfetched else ("before",)
    changes = ("difference", "adjusted", "low", "high", "smallest", "p_value", "q_value", "verdict")
    return comparison.with_columns(
        pl.lit(None).cast(dtype).alias(name)
        for name, dtype in comparison.schema.items()
        if name.startswith(sides) or name in (*changes, "scale", "method")
    )
