"""What a click or a brush makes of a choice."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from ...charts.axes import TIME
from ...errors import InputError
from ...metrics import DIMENSIONS, NAME_DIMENSIONS
from ...query import CallQuery
from ..choice import CUSTOM, EVERYTHING, PanelState

__all__ = ["BESIDE", "dated", "picked", "without"]

BESIDE = tuple(name for name in (*DIMENSIONS, *NAME_DIMENSIONS))
"""What may be asked beside a query: every dimension; those that a query can ask have no value there but none at all."""

_IN_QUERY = {
    "direction": "direction",
    "call_state": "call_state",
    "user_id": "user_id",
    "extension_id": "extension_ids",
}


def picked(choice: PanelState, group: Mapping[str, object]) -> PanelState:
    """The choice that asks for this group as well; if it asks for it already, the one that does not."""
    taken = choice
    for name, value in group.items():
        taken = _with(taken, name, value)
    if taken != choice:
        return taken
    for name in group:
        taken = without(taken, name)
    return taken


def dated(choice: PanelState, first: date, after: date) -> PanelState:
    """The choice with these days instead of its own, from the first on and before `after`."""
    return PanelState(
        CUSTOM,
        _changed(choice.query, date_from=first.isoformat(), date_to=after.isoformat()),
        choice.beside,
    )


def without(choice: PanelState, name: str) -> PanelState:
    """The choice that does not ask for anything of this dimension."""
    beside = tuple(pair for pair in choice.beside if pair[0] != name)
    if name in TIME and beside == choice.beside:
        return PanelState(EVERYTHING, _changed(choice.query, date_from=None, date_to=None), beside)
    query = _changed(choice.query, **{_IN_QUERY[name]: None}) if name in _IN_QUERY else choice.query
    return PanelState(choice.dates, query, beside)


def _with(choice: PanelState, name: str, value: object) -> PanelState:
    if name in TIME and isinstance(value, date):
        after = pl.select(pl.lit(value).dt.offset_by(TIME[name])).item()
        return dated(choice, value, after)
    if name in _IN_QUERY and value is not None:
        asked = [str(value)] if name == "extension_id" else str(value)
        try:
            query = _changed(choice.query, **{_IN_QUERY[name]: asked})
        except InputError:  # an id that no query can ask, such as one of letters
            query = choice.query
        else:
            return PanelState(
                choice.dates, query, tuple(pair for pair in choice.beside if pair[0] != name)
            )
    beside = {**dict(choice.beside), name: value}
    query = _changed(choice.query, **{_IN_QUERY[name]: None}) if name in _IN_QUERY else choice.query
    return PanelState(
        choice.dates, query, tuple((known, beside[known]) for known in BESIDE if known in beside)
    )


def _changed(query: CallQuery, **fields: object) -> CallQuery:
    told = {**query.to_dict(), **fields}
    return CallQuery.from_dict({name: value for name, value in told.items() if value is not None})
