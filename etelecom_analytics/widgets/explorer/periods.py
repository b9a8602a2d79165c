"""The days that the filters of an Explorer select, and the query of their period."""

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from ... import local_time
from ...charts.texts import TIME
from ...query import CallQuery
from ..filter_values import values_of
from ..panel_state import PanelState
from .state import without_filter

__all__ = ["dated_query", "day_queries", "day_spans", "period_query", "without_days"]

_DAY = timedelta(days=1)


def without_days(state: PanelState) -> PanelState:
    """The state without filters on days, weeks and months; the query keeps its dates."""
    for name in TIME:
        state = without_filter(state, name)
    return state


def day_queries(state: PanelState) -> list[CallQuery]:
    """The query of each span of selected days; that of the state if all its days are selected.

    Without the days outside of the dates of the query.
    """
    spans: list[tuple[date, date]] | None = None
    for name, value in state.group_filters:
        if name in TIME:
            days = [day for each in values_of(value) for day in _days(name, each)]
            chosen = day_spans(days)
            spans = chosen if spans is None else _common(spans, chosen)
    if spans is None:
        return [state.query]
    clipped = (_clipped(state.query, *span) for span in spans)
    return [query for query in clipped if query is not None]


def period_query(state: PanelState) -> CallQuery | None:
    """The query of the state, with the dates of the selected days; None if these have gaps."""
    queries = day_queries(state)
    return queries[0] if len(queries) == 1 else None


def dated_query(state: PanelState) -> CallQuery:
    """The query of the state, with the dates of the selected days if these have no gaps."""
    return period_query(state) or state.query


def day_spans(days: Iterable[date]) -> list[tuple[date, date]]:
    """The spans of consecutive days: the first day, and the day after the last."""
    spans: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if spans and spans[-1][1] == day:
            spans[-1] = (spans[-1][0], day + _DAY)
        else:
            spans.append((day, day + _DAY))
    return spans


def _days(name: str, value: object) -> list[date]:
    """The days of a day, week or month; none of the calls without a start."""
    if not isinstance(value, str):
        return []
    first = date.fromisoformat(value)
    after = pl.select(pl.lit(first).dt.offset_by(TIME[name])).item()
    return [first + index * _DAY for index in range((after - first).days)]


def _common(
    spans: list[tuple[date, date]], others: list[tuple[date, date]]
) -> list[tuple[date, date]]:
    pairs = ((max(a[0], b[0]), min(a[1], b[1])) for a in spans for b in others)
    return [(first, after) for first, after in pairs if first < after]


def _clipped(query: CallQuery, first: date, after: date) -> CallQuery | None:
    """The query with these days of its dates; None if there are none."""
    begin, end = (local_time.midnight(day, query.time_zone) for day in (first, after))
    begin = max(begin, query.date_from or begin)
    end = min(end, query.date_to or end)
    if begin >= end:
        return None
    dates = {"date_from": begin.isoformat(), "date_to": end.isoformat()}
    return CallQuery.from_dict(query.to_dict() | dates)
