"""Filters that a server reads wrongly: shifted dates, exclusive ends, ignored fields."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from .base import Reading

__all__ = ["dates_as_utc", "exclusive_dates", "ignoring", "shifted_dates"]

_SMALLEST_STEP = timedelta(microseconds=1)


def ignoring(*fields: str) -> Reading:
    """Ignore these fields of the filter, as if they were not sent, even if they are not valid."""
    return Reading(
        lambda query: {name: value for name, value in query.items() if name not in fields}
    )


def dates_as_utc() -> Reading:
    """Read the wall clock times of both dates as UTC, whatever their offset is."""
    return _on_dates(lambda field, moment: moment.replace(tzinfo=UTC))


def shifted_dates(hours: float) -> Reading:
    """Add so many hours to both dates before the starts of calls are compared with them."""
    return _on_dates(lambda field, moment: moment + timedelta(hours=hours))


def exclusive_dates(*fields: str) -> Reading:
    """Exclude calls that start exactly at a date.

    Args:
        fields: "date_from", "date_to", or by default both.
    """

    def narrow(field: str, moment: datetime) -> datetime:
        if fields and field not in fields:
            return moment
        return moment + (_SMALLEST_STEP if field == "date_from" else -_SMALLEST_STEP)

    return _on_dates(narrow)


def _on_dates(change: Callable[[str, datetime], datetime]) -> Reading:
    """A reading of valid dates as others; the server refuses the rest as usual."""

    def read(query: dict[str, Any]) -> dict[str, Any]:
        dates = {}
        for field in ("date_from", "date_to"):
            with suppress(KeyError, TypeError, ValueError, OverflowError):
                moment = datetime.fromisoformat(query[field])
                if moment.tzinfo is not None:
                    dates[field] = change(field, moment).isoformat()
        return {**query, **dates}

    return Reading(read)
