"""The state of the Explorer: its filters and chart, the filters on a dimension, and undo."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar

from ...errors import InputError
from ...metrics import DIMENSIONS, NAME_DIMENSIONS
from ...metrics.dimensions import OWNER_DIMENSIONS
from ...query import CallQuery
from ..filter_values import CELLS, filter_of, values_of
from ..panel_state import PanelState

__all__ = [
    "GROUP_DIMENSIONS",
    "ChartState",
    "ExplorerState",
    "History",
    "filter_values",
    "with_filter",
    "without_filter",
]

GROUP_DIMENSIONS = (*DIMENSIONS, CELLS, *NAME_DIMENSIONS)
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


def filter_values(
    state: PanelState, name: str, *, of_offers: bool = False
) -> tuple[object, ...] | None:
    """The values that the state selects of a dimension; None without a filter on it."""
    filters = dict(state.offer_filters if of_offers else state.group_filters)
    values = values_of(filters[name]) if name in filters else None
    field = None if of_offers else getattr(state.query, _QUERY_FIELDS.get(name, ""), None)
    if field is None:
        return values
    of_query = tuple(field) if isinstance(field, list | tuple) else (field,)
    return of_query if values is None else tuple(each for each in values if each in of_query)


def with_filter(
    state: PanelState, name: str, values: Iterable[object], *, of_offers: bool = False
) -> PanelState:
    """The state that selects these values of a dimension, and no others; at least one.

    The query has the filter if it can express it, else `group_filters`.
    """
    state = without_filter(state, name, of_offers=of_offers)
    value = filter_of(name, values)
    if of_offers:
        offers = _added(state.offer_filters, name, value, order=OWNER_DIMENSIONS)
        return state._replace(offer_filters=offers)
    if name in _QUERY_FIELDS and None not in values_of(value):
        ids = [str(each) for each in values_of(value)]
        field = ids if name == "extension_id" else ids[0]
        if len(ids) == 1 or name == "extension_id":
            # An id that is not valid in a query, such as a text, is a group filter.
            with suppress(InputError):
                return state._replace(query=_replace(state.query, **{_QUERY_FIELDS[name]: field}))
    groups = _added(state.group_filters, name, value, order=GROUP_DIMENSIONS)
    return state._replace(group_filters=groups)


def without_filter(state: PanelState, name: str, *, of_offers: bool = False) -> PanelState:
    """The state without any filter on this dimension, of calls or of offers."""
    if of_offers:
        offers = tuple(pair for pair in state.offer_filters if pair[0] != name)
        return state._replace(offer_filters=offers)
    groups = tuple(pair for pair in state.group_filters if pair[0] != name)
    query = state.query
    if name in _QUERY_FIELDS:
        query = _replace(query, **{_QUERY_FIELDS[name]: None})
    return state._replace(query=query, group_filters=groups)


def _added(
    filters: tuple[tuple[str, object], ...], name: str, value: object, *, order: Sequence[str]
) -> tuple[tuple[str, object], ...]:
    """The filters with one more, in the order of the dimensions."""
    known = {**dict(filters), name: value}
    return tuple((key, known[key]) for key in order if key in known)


def _replace(query: CallQuery, **fields: object) -> CallQuery:
    values = {**query.to_dict(), **fields}
    return CallQuery.from_dict({name: value for name, value in values.items() if value is not None})
