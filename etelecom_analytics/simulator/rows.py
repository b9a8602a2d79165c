"""Typed calls as rows of the API: instead of nulls, the API sends "", "0" and a zero time."""

from collections.abc import Callable, Mapping, Sequence
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
    return [_api_object(call, _CALL) for call in calls.iter_rows(named=True)]


def _api_object(
    values: Mapping[str, Any], writers: Mapping[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    return {name: write(values[name]) for name, write in writers.items()}


def _api_time(moment: datetime | None) -> str:
    """The time in RFC 3339: in UTC for even seconds, else in the home zone.

    The API also mixes offsets between rows.
    """
    if moment is None:
        return ZERO_TIME
    if moment.second % 2:
        return moment.astimezone(_HOME_ZONE).isoformat()
    return moment.isoformat().replace("+00:00", "Z")


def _api_legs(legs: Sequence[Mapping[str, Any] | None] | None) -> list[dict[str, Any]]:
    return [_api_object(leg or _NO_LEG, _LEG) for leg in legs or ()]


def _writers(columns: tuple[Column, ...]) -> dict[str, Callable[[Any], Any]]:
    """The functions that write the values of these columns, by name."""
    by_kind: dict[Kind | None, Callable[[Any], Any]] = {
        Kind.LEGS: _api_legs,
        Kind.LINKS: lambda value: value or [],
        Kind.ID: lambda value: value or "0",
        Kind.TIME: _api_time,
        Kind.INTEGER: lambda value: value or 0,
    }
    return {column.name: by_kind.get(column.kind, lambda value: value or "") for column in columns}


_NO_LEG: dict[str, Any] = {column.name: None for column in LEGS}
_CALL, _LEG = _writers(CALLS), _writers(LEGS)
