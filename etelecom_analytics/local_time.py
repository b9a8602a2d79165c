"""Local time: reading dates in a zone, and the local hour, day and week of a call. The only room that knows zones.

Frames hold UTC. 18:30 UTC is already tomorrow in Ho Chi Minh City, so everything that speaks of
hours or days passes through here.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType
from zoneinfo import ZoneInfo, available_timezones

import polars as pl

from .errors import QueryError, UnknownName
from .phone_numbers import printable

__all__ = [
    "HOME_ZONE",
    "LOCAL_DIMENSIONS",
    "in_hours",
    "midnight",
    "moment_text",
    "parse_moment",
    "rfc3339",
    "zone",
]

HOME_ZONE = "Asia/Ho_Chi_Minh"

_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def zone(time_zone: str) -> ZoneInfo:
    """The zone of an IANA name such as "Asia/Ho_Chi_Minh"; an unknown name is an error that lists the nearest."""
    if time_zone not in _zones():
        raise UnknownName("time zone", str(time_zone), _zones())
    return ZoneInfo(time_zone)


def midnight(day: date, time_zone: str) -> datetime:
    """The moment at which the local day begins, in UTC."""
    return datetime.combine(day, time(), zone(time_zone)).astimezone(UTC)


@cache
def _zones() -> tuple[str, ...]:
    """Every zone's name; to look for them walks hundreds of files."""
    return (HOME_ZONE, "UTC", *sorted(available_timezones() - {HOME_ZONE, "UTC"}))


def parse_moment(value: date | datetime | str, time_zone: str, field: str) -> datetime:
    """The moment that `value` names, in `time_zone`.

    A `date` or "2026-11-01" is the midnight that begins that day there; a time without an offset is
    local to the zone; one with an offset is that instant. `QueryError` names `field` where the
    value is none of these.
    """
    try:
        read = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    except ValueError:
        read = None
    if not isinstance(read, date):
        told = f'"2026-11-01" or "2026-11-01T08:30"; got {printable(repr(value))}.'
        raise QueryError(
            f"{field} takes a date, a datetime, or text such as {told}", field
        ) from None
    moment = read if isinstance(read, datetime) else datetime.combine(read, time())
    local_zone = zone(time_zone)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=local_zone)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = _LATEST
    if not _EARLIEST <= moment < _LATEST:
        raise QueryError(
            f"{field} lies outside the years {_EARLIEST.year} to {_LATEST.year - 1}.", field
        )
    return moment.astimezone(local_zone)


def moment_text(moment: datetime, time_zone: str) -> str:
    """The shortest text that `parse_moment` reads as this moment: a bare date at midnight, else with its offset."""
    local = moment.astimezone(zone(time_zone))
    day = local.date().isoformat()
    return day if parse_moment(day, time_zone, "day") == local else local.isoformat()


def rfc3339(moment: datetime, *, round_up: bool = False) -> str:
    """The moment as the API writes it: whole seconds with an offset, rounded down, or up."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    if round_up and whole < moment:
        whole += timedelta(seconds=1)
    local = whole.astimezone(moment.tzinfo)
    offset = local.utcoffset() or timedelta()
    # Offsets of the time before standard time have seconds, which RFC 3339 cannot say.
    return (whole if offset % timedelta(minutes=1) else local).isoformat()


def _local(time_zone: str) -> pl.Expr:
    return pl.col("started_at").dt.convert_time_zone(zone(time_zone).key)


def _hour(time_zone: str) -> pl.Expr:
    return _local(time_zone).dt.hour()


def _quarter_hour(time_zone: str) -> pl.Expr:
    return _hour(time_zone) * 4 + _local(time_zone).dt.minute() // 15


def _weekday(time_zone: str) -> pl.Expr:
    return _local(time_zone).dt.weekday()


def _day(time_zone: str) -> pl.Expr:
    return _local(time_zone).dt.date()


def _week(time_zone: str) -> pl.Expr:
    return _day(time_zone).dt.truncate("1w")


def _month(time_zone: str) -> pl.Expr:
    return _day(time_zone).dt.truncate("1mo")


LOCAL_DIMENSIONS: Mapping[str, Callable[[str], pl.Expr]] = MappingProxyType(
    {
        "hour": _hour,
        "quarter_hour": _quarter_hour,
        "weekday": _weekday,
        "day": _day,
        "week": _week,
        "month": _month,
    }
)
"""Dimensions made from `started_at` as the caller lived through it: hour 0-23, quarter_hour 0-95, weekday (ISO, 1 = Monday), all
Int8; day, week (its Monday), month (its first), all Date. Each takes a time zone and gives an
expression."""


def in_hours(
    time_zone: str, week: Sequence[tuple[int, int]] | None, holidays: Sequence[date]
) -> pl.Expr:
    """Whether a call began within these spans of the local week, and on none of these local days; null where its start is not known.

    Spans are minutes since Monday's midnight, the end not included; None is always. Minutes are
    those that the clock shows, so where it is set back an hour is open twice.
    """
    local = _local(time_zone)
    minute = (
        (local.dt.weekday().cast(pl.Int32) - 1) * 1_440
        + local.dt.hour().cast(pl.Int32) * 60
        + local.dt.minute()
    )
    within = (
        [minute.is_between(begin, end - 1) for begin, end in week]
        if week is not None
        else [pl.col("started_at").is_not_null()]
    )
    opened = pl.any_horizontal(within) & ~_day(time_zone).is_in(list(holidays))
    return pl.when(pl.col("started_at").is_not_null()).then(opened)
