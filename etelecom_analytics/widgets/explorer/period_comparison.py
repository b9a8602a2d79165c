"""The KPIs of an Explorer, compared with the previous period."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import time, timedelta

import polars as pl

from ...language import tr
from ...metrics import MetricOptions, Selection, compare
from ...metrics.known_talk import with_known_talk
from ...query import CallQuery
from ..panel_state import PanelState
from .interactive_chart import ChartCalls, PreviousCalls
from .periods import day_queries, period_query, without_days
from .source import CallSource

__all__ = ["chart_calls", "compare_periods"]


def compare_periods(
    source: CallSource,
    state: PanelState,
    matching: Callable[[PanelState], Selection],
    options: MetricOptions,
) -> tuple[pl.DataFrame, str]:
    """The table of `compare` for the default measures, and a note on the previous period.

    Selected days that are consecutive are compared with the equally long period before them. The
    history is all calls of the source that match, of any date. Without a previous period the table
    has nulls in its place, and the note has the reason.

    Args:
        source: the calls, and what was fetched.
        state: the filters of the Explorer.
        matching: the calls that match filters.
        options: the options of the measures.
    """
    queries, any_day = day_queries(state), without_days(state)
    if len(queries) == 1:
        earlier, note = source.previous_period(queries[0])
    else:
        earlier, note = None, _no_period_note(source, queries)
    calls = matching(state)
    before = None if earlier is None else matching(any_day._replace(query=earlier))
    names = with_known_talk(calls, options=options)
    history = matching(any_day._replace(query=replace(state.query, date_from=None, date_to=None)))
    comparison = compare(before, calls, names, options=options, history=history)
    if earlier is None:
        unfetched = all(source.is_unfetched(query) for query in queries or [state.query])
        comparison = _without_comparison(comparison, unfetched=unfetched)
    return comparison, note


def chart_calls(
    source: CallSource, state: PanelState, *, matching: Callable[[PanelState], Selection]
) -> ChartCalls:
    """What a chart with these filters is drawn of.

    Days with gaps have no coverage, or the days between them would be days without calls.
    """
    query = period_query(state)
    coverage = None if query is None else source.coverage(query)
    return ChartCalls(matching(state), coverage, _previous_calls(source, state, matching))


def _previous_calls(
    source: CallSource, state: PanelState, matching: Callable[[PanelState], Selection]
) -> PreviousCalls | None:
    """The calls of the previous period; None if there is none, or it was not fetched completely.

    None too for a period that begins or ends within a day: its groups have no counterparts.
    """
    query = period_query(state)
    earlier = None if query is None else source.previous_period(query)[0]
    if query is None or earlier is None:
        return None
    edges = [earlier.date_from, earlier.date_to, query.date_to]
    days = [moment.date() for moment in edges if moment and moment.time() == time()]
    if len(days) < len(edges):
        return None
    return PreviousCalls(
        matching(without_days(state)._replace(query=earlier)),
        source.coverage(earlier),
        first=days[0],
        last=days[1] - timedelta(days=1),
        days=(days[1] - days[0]).days,
    )


def _no_period_note(source: CallSource, queries: Sequence[CallQuery]) -> str:
    """Why days with gaps have no previous period, and a warning if not all were fetched."""
    note = tr(
        "No change is shown: the selected days are not consecutive, so they have no previous "
        "period."
    )
    if all(source.is_complete(query) for query in queries):
        return note
    warning = tr("These days were not fetched completely, so their counts are too low.")
    return f"{note} {warning}"


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
