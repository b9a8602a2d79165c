"""PanelState: the values of a panel's controls, as a query and as a JSON dictionary."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date, timedelta
from typing import NamedTuple

from .. import local_time
from ..errors import QueryError, UnknownName
from ..language import tr
from ..phone_numbers import describe, printable
from ..query import CallQuery
from .filter_values import checked_filter, filters_dict

__all__ = ["ALL_DATES", "CUSTOM", "MAX_DURATION_S", "RANGES", "PanelState", "range_dates"]

CUSTOM, ALL_DATES = "custom", "all"
MAX_DURATION_S = 2**31 - 1
_DAY = timedelta(days=1)

RANGES: Mapping[str, Callable[[date], tuple[date, date]]] = {
    "today": lambda today: (today, today),
    "yesterday": lambda today: (today - _DAY, today - _DAY),
    "last 7 days": lambda today: (today - 6 * _DAY, today),
    "this month": lambda today: (today.replace(day=1), today),
}
"""Today -> the first and the last day of a named range, both included."""

_FILTER_KEYS = ("group_filters", "offer_filters")
_QUERY_KEYS = ["dates", *(field.name for field in fields(CallQuery))]


class PanelState(NamedTuple):
    """The filters of a panel.

    Attributes:
        dates: a name from RANGES, "all" or "custom".
        query: the query, with the dates of the range.
        group_filters: (dimension, value) pairs that a query cannot express; a tuple of several
            values selects the calls with any of them.
        offer_filters: (dimension, value) pairs of persons to whom a call must have an offer.
    """

    dates: str
    query: CallQuery
    group_filters: tuple[tuple[str, object], ...] = ()
    offer_filters: tuple[tuple[str, object], ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The state as JSON values.

        A named range keeps its name and not its dates, so "today" is the day of the reader.
        """
        state = self.query.to_dict()
        for edge in ("date_from", "date_to"):
            state.pop(edge, None)
            if self.dates == CUSTOM and (moment := getattr(self.query, edge)):
                state[edge] = local_time.moment_text(moment, self.query.time_zone)
        filters = {
            key: filters_dict(pairs) for key in _FILTER_KEYS if (pairs := getattr(self, key))
        }
        return {"dates": self.dates, **state, **filters}

    @classmethod
    def from_dict(
        cls,
        state: Mapping[str, object],
        *,
        time_zone: str,
        today: Callable[[], date | None],
        group_dimensions: Sequence[str] = (),
        offer_dimensions: Sequence[str] = (),
    ) -> "PanelState":
        """The state that `to_dict` wrote; missing keys are not filtered.

        Args:
            state: the dictionary.
            time_zone: the panel's time zone.
            today: returns the day that "today" means; None if it is unknown.
            group_dimensions: the dimensions that `group_filters` may contain.
            offer_dimensions: the dimensions that `offer_filters` may contain.

        Raises:
            UnknownName: a key or a dimension is unknown; the message lists the known ones.
            QueryError: a value is not valid here.
        """
        keys = [*_QUERY_KEYS, *_FILTER_KEYS, "chart"] if group_dimensions else _QUERY_KEYS
        if not isinstance(state, Mapping):
            raise QueryError(
                f"A state is a dictionary with keys from {', '.join(keys)}; got {describe(state)}."
            )
        for key in state:
            if key not in keys:
                raise UnknownName("key of a panel's state", printable(str(key)), keys)
        values = dict(state)
        filters = [
            _filters(key, values.pop(key, None), dimensions)
            for key, dimensions in zip(
                _FILTER_KEYS, (group_dimensions, offer_dimensions), strict=True
            )
        ]
        edges = [edge for edge in ("date_from", "date_to") if values.get(edge) is not None]
        dates = values.pop("dates", CUSTOM if edges else ALL_DATES)
        if not isinstance(dates, str) or dates not in (*RANGES, ALL_DATES, CUSTOM):
            names = ", ".join([*RANGES, ALL_DATES, CUSTOM])
            raise QueryError(f"dates is one of {names}; got {describe(dates)}.", "date_from")
        if edges and dates != CUSTOM:
            raise QueryError(
                f'Use {" and ".join(edges)} with "dates": "custom"; got "dates": "{dates}".',
                edges[0],
            )
        if values.setdefault("time_zone", time_zone) != time_zone:
            raise QueryError(
                f"The time zone of this panel is {time_zone}; got {describe(values['time_zone'])}.",
                "time_zone",
            )
        if dates != CUSTOM:
            values |= dict(zip(("date_from", "date_to"), range_dates(dates, today()), strict=True))
        query = CallQuery.from_dict(values)
        if query.duration and query.duration[1] > MAX_DURATION_S:
            raise QueryError(f"duration is at most {MAX_DURATION_S} seconds.", "duration")
        return cls(dates, query, *filters)


def _filters(key: str, groups: object, dimensions: Sequence[str]) -> tuple[tuple[str, object], ...]:
    """The filters of a key of the state, in the order of the dimensions."""
    groups = {} if groups is None else groups
    if not isinstance(groups, Mapping):
        raise QueryError(f"{key} is a dictionary of dimensions and values; got {describe(groups)}.")
    for name in groups:
        if name not in dimensions:
            raise UnknownName("dimension", printable(str(name)), dimensions)
    values = {name: checked_filter(key, name, value) for name, value in groups.items()}
    return tuple((name, values[name]) for name in dimensions if name in values)


def range_dates(dates: str, today: date | None) -> tuple[date | None, date | None]:
    """The first day of a named range and the day after its last: a query's two dates."""
    if dates == ALL_DATES:
        return None, None
    if today is None:
        raise QueryError(
            tr(
                "No call has a start time, so {dates} is unknown: choose days instead.",
                dates=repr(tr(dates, context="dates")),
            ),
            "date_from",
        )
    first, last = RANGES[dates](today)
    return first, last + _DAY
