"""Typed calls as rows of the API: instead of nulls, the API sends "", "0" and a zero time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from ..local_time import HOME_ZONE, zone
from ..schema import CALLS, LEGS, Column, Kind

__all__ = ["ZERO_TIME", "wire_rows"]

ZERO_TIME = "0001-01-01T00:00:00Z"
"""An unknown time, as the API writes it."""

_HOME_ZONE = zone(HOME_ZONE)


def wire_rows(calls: pl.DataFrame) -> list[dict[str, Any]]:
    """One dictionary per call, as the API writes it, in the order of the frame."""
    return [_api_object(call, CALLS) for call in calls.iter_rows(named=True)]


def _api_object(values: Mapping[str, Any], columns: tuple[Column, ...]) -> dict[str, Any]:
    return {column.name: _api_value(values[column.name], column) for column in columns}


def _api_value(value: Any, column: Column) -> Any:
    match column.kind:
        case Kind.LEGS:
            return [
                _api_object(leg or {leg_column.name: None for leg_column in LEGS}, LEGS)
                for leg in value or []
            ]
        case Kind.LINKS:
            return value or []
        case Kind.ID:
            return value or "0"
        case Kind.TIME:
            return _api_time(value)
        case Kind.INTEGER:
            return value or 0
        case _:
            return value or ""


def _api_time(moment: datetime | None) -> str:
    """The time in RFC 3339: in UTC for even seconds, else in the home zone.

    The API also mixes offsets between rows.
    """
    if moment is None:
        return ZERO_TIME
    if moment.second % 2:
        return moment.astimezone(_HOME_ZONE).isoformat()
    return moment.isoformat().replace("+00:00", "Z")
