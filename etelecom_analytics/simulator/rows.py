"""Typed calls -> the rows that the API would send: no nulls, but "", "0" and the zero time in their places."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from ..local_time import HOME_ZONE, zone
from ..schema import CALLS, LEGS, Column, Kind

__all__ = ["ZERO_TIME", "wire_rows"]

ZERO_TIME = "0001-01-01T00:00:00Z"
"""How the API writes a time that is not known."""

_HOME = zone(HOME_ZONE)


def wire_rows(calls: pl.DataFrame) -> list[dict[str, Any]]:
    """One object a call, as the API writes it, in the order of the table."""
    return [_object(call, CALLS) for call in calls.iter_rows(named=True)]


def _object(values: Mapping[str, Any], columns: tuple[Column, ...]) -> dict[str, Any]:
    return {column.name: _value(values[column.name], column) for column in columns}


def _value(value: Any, column: Column) -> Any:
    match column.kind:
        case Kind.LEGS:
            return [
                _object(leg or {leg_column.name: None for leg_column in LEGS}, LEGS)
                for leg in value or []
            ]
        case Kind.LINKS:
            return value or []
        case Kind.ID:
            return value or "0"
        case Kind.TIME:
            return _time(value)
        case Kind.INTEGER:
            return value or 0
        case _:
            return value or ""


def _time(moment: datetime | None) -> str:
    """The moment with an offset: the backend writes UTC for even seconds and its own zone for odd ones, as differing rows do."""
    if moment is None:
        return ZERO_TIME
    if moment.second % 2:
        return moment.astimezone(_HOME).isoformat()
    return moment.isoformat().replace("+00:00", "Z")
