"""PanelState: what the controls of a panel say. A range of dates by its name, and the query it comes to; to JSON and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date, timedelta
from typing import NamedTuple

from .. import local_time
from ..errors import QueryError, UnknownName
from ..query import CallQuery

__all__ = ["CUSTOM", "EVERYTHING", "RANGES", "PanelState", "choice_of", "days_of"]

CUSTOM, EVERYTHING = "custom", "all"
_LONGEST_S = 2**31 - 1
_DAY = timedelta(days=1)

RANGES: Mapping[str, Callable[[date], tuple[date, date]]] = {
    "today": lambda today: (today, today),
    "yesterday": lambda today: (today - _DAY, today - _DAY),
    "last 7 days": lambda today: (today - 6 * _DAY, today),
    "this month": lambda today: (today.replace(day=1), today),
}
"""Today -> the first and the last day of a range, both in it. The last 7 days and this month end with today."""

_STATE = ["dates", *(field.name for field in fields(CallQuery))]


class PanelState(NamedTuple):
    """A name out of RANGES, "all" or "custom"; the query; and what is asked beside it, as (dimension, value)."""

    dates: str
    query: CallQuery
    beside: tuple[tuple[str, object], ...] = ()

    def state(self) -> dict[str, object]:
        """What is chosen, as JSON can keep it. A range with a name is kept by its name, so that "today" is the reader's today."""
        told = self.query.to_dict()
        for edge in ("date_from", "date_to"):
            told.pop(edge, None)
            if self.dates == CUSTOM and (moment := getattr(self.query, edge)):
                told[edge] = local_time.moment_text(moment, self.query.time_zone)
        return {
            "dates": self.dates,
            **told,
            **({"beside": dict(self.beside)} if self.beside else {}),
        }


def choice_of(
    state: Mapping[str, object],
    *,
    time_zone: str,
    today: Callable[[], date | None],
    beside: Sequence[str] = (),
) -> PanelState:
    """The choice that `state` tells; a key, a word or a zone that does not exist here is an error that lists what does.

    `beside` are the dimensions that may be asked beside the query.
    """
    known = [*_STATE, "beside", "chart"] if beside else _STATE
    if not isinstance(state, Mapping):
        raise QueryError(
            f"A state is a dictionary with keys out of {', '.join(known)}; got {type(state).__name__}."
        )
    for key in state:
        if key not in known:
            raise UnknownName("key of a panel's state", str(key), known)
    told = dict(state)
    asked = _beside(told.pop("beside", None) or {}, beside)
    edges = [edge for edge in ("date_from", "date_to") if told.get(edge) is not None]
    dates = told.pop("dates", CUSTOM if edges else EVERYTHING)
    if not isinstance(dates, str) or dates not in (*RANGES, EVERYTHING, CUSTOM):
        raise QueryError(
            f"dates is one of {', '.join([*RANGES, EVERYTHING, CUSTOM])}; got {dates!r}.",
            "date_from",
        )
    if edges and dates != CUSTOM:
        raise QueryError(
            f'{" and ".join(edges)} go with "dates": "custom"; got "dates": "{dates}".', edges[0]
        )
    if told.setdefault("time_zone", time_zone) != time_zone:
        raise QueryError(
            f"This panel speaks of days in {time_zone}, not in {told['time_zone']!r}.", "time_zone"
        )
    if dates != CUSTOM:
        told |= dict(zip(("date_from", "date_to"), days_of(dates, today()), strict=True))
    query = CallQuery.from_dict(told)
    if query.duration and query.duration[1] > _LONGEST_S:
        raise QueryError(f"duration is at most {_LONGEST_S} seconds.", "duration")
    return PanelState(dates, query, asked)


def _beside(asked: object, known: Sequence[str]) -> tuple[tuple[str, object], ...]:
    """What is asked beside the query, in the order of the dimensions."""
    if not isinstance(asked, Mapping):
        raise QueryError(
            f"beside is a dictionary of dimensions and their values; got {type(asked).__name__}."
        )
    for name in asked:
        if name not in known:
            raise UnknownName("dimension", str(name), known)
    # Days as text: a state is to be kept as JSON, and code to be pasted.
    told = {
        name: value.isoformat() if type(value) is date else value for name, value in asked.items()
    }
    return tuple((name, told[name]) for name in known if name in told)


def days_of(dates: str, today: date | None) -> tuple[date | None, date | None]:
    """The first day of a range with a name, and the day after its last: `date_from` and `date_to` of a query."""
    if dates == EVERYTHING:
        return None, None
    if today is None:
        raise QueryError(
            f"No call here has a start, so {dates!r} cannot be told: choose days instead.",
            "date_from",
        )
    first, last = RANGES[dates](today)
    return first, last + _DAY
