"""Local time: parse dates in a time zone, and derive the local hour, day or week of a call.

Frames contain UTC. 18:30 UTC is already the next day in Ho Chi Minh City, so all code that deals
with local hours or days uses this module.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType
from zoneinfo import ZoneInfo, available_timezones

import polars as pl

from .errors import InputError, QueryError, UnknownName
from .language import current_language, date_text, tr
from .phone_numbers import describe, printable

__all__ = [
    "COARSER_DIMENSIONS",
    "HOME_ZONE",
    "LOCAL_DIMENSIONS",
    "display_text",
    "edge_text",
    "in_hours",
    "is_midnight",
    "midnight",
    "moment_text",
    "parse_day",
    "parse_moment",
    "parse_span",
    "rfc3339",
    "week_minute",
    "zone",
]

HOME_ZONE = "Asia/Ho_Chi_Minh"

_SPAN_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}

_DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T]+(\S+))?", re.ASCII)
"""A date as it is written in Vietnam: 02/11/2026 is 2 November, never 11 February."""

_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def zone(time_zone: str) -> ZoneInfo:
    """The time zone of an IANA name such as "Asia/Ho_Chi_Minh"; `UnknownName` for other names."""
    if time_zone not in _zones():
        raise UnknownName("time zone", str(time_zone), _zones())
    return ZoneInfo(time_zone)


def midnight(day: date, time_zone: str) -> datetime:
    """The time at which the local day begins, in UTC."""
    return datetime.combine(day, time(), zone(time_zone)).astimezone(UTC)


def parse_span(value: object, parameter: str) -> timedelta:
    """A length of time from a timedelta or from text such as "90s", "30m", "24h", "3d" or "2w".

    Raises:
        InputError: it is neither, or not above 0.
    """
    span = value if isinstance(value, timedelta) else None
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d{1,6})\s*([smhdw])\s*", value)):
        span = int(match[1]) * _SPAN_UNITS[match[2]]
    if span is None or span <= timedelta(0):
        raise InputError(
            f'{parameter} is a length of time above 0: a timedelta, or text such as "24h" or "3d"; '
            f"got {describe(value)}."
        )
    return span


@cache
def _zones() -> tuple[str, ...]:
    """The names of all time zones; cached, because reading them opens hundreds of files."""
    return (HOME_ZONE, "UTC", *sorted(available_timezones() - {HOME_ZONE, "UTC"}))


def parse_day(text: str) -> date:
    """The date of ISO text, or of day/month/year: "2026-11-02" and "02/11/2026" are one day.

    Raises:
        ValueError: the text is no date, or has a time.
    """
    return date.fromisoformat(_iso_text(text))


def parse_moment(value: date | datetime | str, time_zone: str, field: str) -> datetime:
    """The value as a timezone-aware datetime in `time_zone`.

    A date, or "2026-11-01" or "01/11/2026", is the local midnight at which the day begins. A time
    without an offset is local. `QueryError`, with the name of the `field`, for other values.
    """
    try:
        parsed = datetime.fromisoformat(_iso_text(value)) if isinstance(value, str) else value
    except ValueError:
        parsed = None
    if not isinstance(parsed, date):
        match = _DAY_FIRST.fullmatch(value.strip()) if isinstance(value, str) else None
        if match and not match[4]:
            raise QueryError(
                f"{field} must be a date that exists: month {match[2]} of {match[3]} has no day "
                f"{match[1]} (the day comes first).",
                field,
            ) from None
        raise QueryError(
            f'{field} must be a date, a datetime, or text such as "2026-11-01", "01/11/2026" (day '
            f'first) or "2026-11-01T08:30"; got {printable(repr(value))}.',
            field,
        ) from None
    moment = parsed if isinstance(parsed, datetime) else datetime.combine(parsed, time())
    local_zone = zone(time_zone)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=local_zone)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = _LATEST
    if not _EARLIEST <= moment < _LATEST:
        raise QueryError(
            tr(
                "{field} must be in the years {first} to {last}.",
                field=field,
                first=str(_EARLIEST.year),
                last=str(_LATEST.year - 1),
            ),
            field,
        )
    return moment.astimezone(local_zone)


def _iso_text(text: str) -> str:
    """The text with day/month/year in ISO order; the rest of it, such as a time, is kept."""
    text = text.strip()
    if match := _DAY_FIRST.fullmatch(text):
        day, month, year, clock = match.groups()
        hour, colon, rest = (clock or "").partition(":")
        return f"{year}-{month:>02}-{day:>02}" + (f"T{hour:>02}{colon}{rest}" if clock else "")
    return text


def moment_text(moment: datetime, time_zone: str) -> str:
    """The text that `parse_moment` reads as this time: a date at midnight, else ISO with offset."""
    local = moment.astimezone(zone(time_zone))
    day = local.date().isoformat()
    return day if parse_moment(day, time_zone, "day") == local else local.isoformat()


def is_midnight(moment: datetime, time_zone: str) -> bool:
    """Whether it is the first moment of a local day."""
    return len(moment_text(moment, time_zone)) == len("2026-11-02")


def edge_text(moment: datetime, time_zone: str) -> str:
    """The begin or end of a range in the current language; at midnight a date."""
    if current_language() == "en":
        return moment_text(moment, time_zone)
    local = moment.astimezone(zone(time_zone))
    return date_text(local) if is_midnight(moment, time_zone) else display_text(moment, time_zone)


def display_text(moment: datetime, time_zone: str) -> str:
    """The local time to the second with its offset, in the current language."""
    local = moment.astimezone(zone(time_zone))
    text = local.isoformat(sep=" ", timespec="seconds")
    return text if current_language() == "en" else f"{date_text(local)} {text[11:]}"


def rfc3339(moment: datetime, *, round_up: bool = False) -> str:
    """The time in the format of the API: whole seconds with an offset."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    if round_up and whole < moment:
        whole += timedelta(seconds=1)
    local = whole.astimezone(moment.tzinfo)
    offset = local.utcoffset() or timedelta()
    # Local mean time, used before standard time, has offsets with seconds, which RFC 3339 lacks.
    return (whole if offset % timedelta(minutes=1) else local).isoformat()


def _local(time_zone: str) -> pl.Expr:
    return pl.col("started_at").dt.convert_time_zone(zone(time_zone).key)


def _hour(time_zone: str) -> pl.Expr:
    return _local(time_zone).dt.hour()


def _quarter_hour(time_zone: str) -> pl.Expr:
    return _hour(time_zone) * 4 + _local(time_zone).dt.minute() // 15


def _half_hour(time_zone: str) -> pl.Expr:
    return _hour(time_zone) * 2 + _local(time_zone).dt.minute() // 30


def _weekday(time_zone: str) -> pl.Expr:
    return _weekday_of(_local(time_zone))


def _day(time_zone: str) -> pl.Expr:
    return _local(time_zone).dt.date()


def _week(time_zone: str) -> pl.Expr:
    return _week_of(_day(time_zone))


def _month(time_zone: str) -> pl.Expr:
    return _month_of(_day(time_zone))


def _weekday_of(day: pl.Expr) -> pl.Expr:
    return day.dt.weekday()


def _week_of(day: pl.Expr) -> pl.Expr:
    return day.dt.truncate("1w")


def _month_of(day: pl.Expr) -> pl.Expr:
    return day.dt.truncate("1mo")


COARSER_DIMENSIONS: Mapping[str, Mapping[str, Callable[[pl.Expr], pl.Expr]]] = MappingProxyType(
    {
        "weekday": {"day": _weekday_of},
        "week": {"day": _week_of},
        "month": {"day": _month_of},
        "hour": {"quarter_hour": lambda quarter: quarter // 4, "half_hour": lambda half: half // 2},
        "half_hour": {"quarter_hour": lambda quarter: quarter // 2},
    }
)
"""Dimensions of the local time that follow from finer ones: functions of an expression of these."""


LOCAL_DIMENSIONS: Mapping[str, Callable[[str], pl.Expr]] = MappingProxyType(
    {
        "hour": _hour,
        "half_hour": _half_hour,
        "quarter_hour": _quarter_hour,
        "weekday": _weekday,
        "day": _day,
        "week": _week,
        "month": _month,
    }
)
"""Dimensions of the local `started_at`: functions that return an expression for a time zone.

hour 0-23, half_hour 0-47, quarter_hour 0-95 and weekday (ISO, 1 = Monday) are Int8; day, week (its
Monday) and month (its first day) are Date.
"""


def week_minute(time_zone: str) -> pl.Expr:
    """The minutes from Monday 00:00 of the local week to the start of a call, as Int32."""
    local = _local(time_zone)
    return (
        (local.dt.weekday().cast(pl.Int32) - 1) * 1_440
        + local.dt.hour().cast(pl.Int32) * 60
        + local.dt.minute()
    )


def in_hours(
    time_zone: str, week: Sequence[tuple[int, int]] | None, holidays: Sequence[date]
) -> pl.Expr:
    """Whether a call began in these spans of the local week and not on a holiday.

    Null if the start is null. Spans are minutes since Monday 00:00, the end excluded; None means
    always. When clocks are set back, the repeated hour counts twice.
    """
    minute = week_minute(time_zone)
    within = (
        [minute.is_between(begin, end - 1) for begin, end in week]
        if week is not None
        else [pl.col("started_at").is_not_null()]
    )
    opened = pl.any_horizontal(within) & ~_day(time_zone).is_in(list(holidays))
    return pl.when(pl.col("started_at").is_not_null()).then(opened)
