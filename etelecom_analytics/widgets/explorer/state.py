"""The state of the Explorer: its filters and chart, how clicks change them, and undo."""

from collections.abc import Mapping
from datetime import date
from typing import Generic, NamedTuple, TypeVar

import polars as pl

from ...charts.texts import TIME
from ...errors import InputError
from ...metrics import DIMENSIONS, NAME_DIMENSIONS
from ...metrics.dimensions import OWNER_DIMENSIONS
from ...query import CallQuery
from ..panel_state import ALL_DATES, CUSTOM, PanelState

__all__ = [
    "GROUP_DIMENSIONS",
    "ChartState",
    "ExplorerState",
    "History",
    "toggle_group",
    "with_dates",
    "without_filter",
]

GROUP_DIMENSIONS = (*DIMENSIONS, *NAME_DIMENSIONS)
"""The dimensions of group filters: all, since a query cannot filter by a missing value."""

_QUERY_FIELDS = {
    "direction": "direction",
    "call_state": "call_state",
    "user_id": "user_id",
    "extension_id": "extension_ids",
}
_MAX_STEPS = 200

Value = TypeVar("Value")


class ChartState(NamedTuple):
    """The chart: a tab, a measure, and a dimension."""

    tab: str = "time"
    measure: str = "offered"
    by: str = "day"

    def to_dict(self) -> dict[str, str]:
        """The state as JSON values."""
        return self._asdict()


class ExplorerState(NamedTuple):
    """One step of undo: the filters and the chart."""

    filters: PanelState
    chart: ChartState


class History(Generic[Value]):
    """The values so far and the current one. A new value removes those that were undone."""

    def __init__(self, first: Value) -> None:
        self._values, self._index = [first], 0

    @property
    def current(self) -> Value:
        """The current value."""
        return self._values[self._index]

    def add(self, value: Value) -> None:
        """Make this the current value; an equal one is no new step."""
        if value != self.current:
            self._values = [*self._values[: self._index + 1], value][-_MAX_STEPS:]
            self._index = len(self._values) - 1

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier value."""
        return self._index > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a later value."""
        return self._index < len(self._values) - 1

    def undo(self) -> Value:
        """Make the previous value current and return it; the first stays."""
        self._index = max(self._index - 1, 0)
        return self.current

    def redo(self) -> Value:
        """Make the next value current and return it; the last stays."""
        self._index = min(self._index + 1, len(self._values) - 1)
        return self.current


def toggle_group(
    state: PanelState, group: Mapping[str, object], *, of_offers: bool = False
) -> PanelState:
    """The state with filters on this group, or without them if it has them already.

    `of_offers` filters by offers to the people of the group.
    """
    result = state
    for name, value in group.items():
        result = (
            _with_offers(result, name, value) if of_offers else _with_filter(result, name, value)
        )
    if result != state:
        return result
    for name in group:
        result = without_filter(result, name, of_offers=of_offers)
    return result


def with_dates(state: PanelState, first: date, after: date) -> PanelState:
    """The state with the days from `first` up to `after`, exclusive."""
    query = _replace(state.query, date_from=first.isoformat(), date_to=after.isoformat())
    return state._replace(dates=CUSTOM, query=query)


def without_filter(state: PanelState, name: str, *, of_offers: bool = False) -> PanelState:
    """The state without any filter on this dimension, of calls or of offers."""
    if of_offers:
        offers = tuple(pair for pair in state.offer_filters if pair[0] != name)
        return state._replace(offer_filters=offers)
    groups = tuple(pair for pair in state.group_filters if pair[0] != name)
    if name in TIME and groups == state.group_filters:
        query = _replace(state.query, date_from=None, date_to=None)
        return state._replace(dates=ALL_DATES, query=query)
    return state._replace(query=_without_field(state.query, name), group_filters=groups)


def _with_filter(state: PanelState, name: str, value: object) -> PanelState:
    if name in TIME and isinstance(value, date):
        after = pl.select(pl.lit(value).dt.offset_by(TIME[name])).item()
        return with_dates(state, value, after)
    groups = dict(state.group_filters)
    if name in _QUERY_FIELDS and value is not None:
        field_value = [str(value)] if name == "extension_id" else str(value)
        try:
            query = _replace(state.query, **{_QUERY_FIELDS[name]: field_value})
        except InputError:  # an id that is not valid in a query, such as a text
            pass
        else:
            groups.pop(name, None)
            return state._replace(query=query, group_filters=tuple(groups.items()))
    groups[name] = value
    ordered = tuple((key, groups[key]) for key in GROUP_DIMENSIONS if key in groups)
    return state._replace(query=_without_field(state.query, name), group_filters=ordered)


def _with_offers(state: PanelState, name: str, value: object) -> PanelState:
    filters = {**dict(state.offer_filters), name: value}
    ordered = tuple((key, filters[key]) for key in OWNER_DIMENSIONS if key in filters)
    return state._replace(offer_filters=ordered)


def _without_field(query: CallQuery, name: str) -> CallQuery:
    return _replace(query, **{_QUERY_FIELDS[name]: None}) if name in _QUERY_FIELDS else query


def _replace(query: CallQuery, **fields: object) -> CallQuery:
    values = {**query.to_dict(), **fields}
    return CallQuery.from_dict({name: value for name, value in values.items() if value is not None})
