"""Business hours: parsed from several notations, stored in one, and written in the shortest."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby

from .. import local_time
from ..errors import InputError, UnknownName
from ..phone_numbers import printable

__all__ = [
    "BusinessHours",
    "HoursInput",
    "hours_to_dict",
    "minutes_of_week",
    "parse_holidays",
    "parse_hours",
]

BusinessHours = tuple[tuple[int, str, str], ...]
"""Sorted spans such as (1, "08:00", "17:30"): ISO weekday, begin and end (exclusive).

No two spans touch.
"""

HoursInput = (
    Mapping[str, Sequence[str | Sequence[str]]]
    | Mapping[int, Sequence[str | Sequence[str]]]
    | BusinessHours
)
"""The notations of business hours that `parse_hours` accepts."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = {
    name: number for names in (_DAYS, _LONG_DAYS, "1234567") for number, name in enumerate(names, 1)
}
_MIDNIGHT = 24 * 60

_FORMAT = (
    'business_hours lists spans of "HH:MM" for each weekday, such as '
    '{"mon-fri": ("08:00", "17:30"), "sat": [("08:00", "12:00")]}; a weekday is a name, a number '
    "from 1 for Monday, or a range; other days are closed"
)


def parse_hours(value: object) -> BusinessHours:
    """Business hours in their stored form; hours in that form are returned unchanged.

    A span whose end is before its begin continues past midnight: {"fri": ("20:00", "04:00")} is
    open on Saturday until 04:00. Spans that touch are merged. A day ends at "24:00".

    Raises:
        InputError: the value is not business hours, or it has no span.
        UnknownName: a weekday does not exist; the message lists the nearest names.
    """
    spans: dict[int, list[tuple[int, int]]] = {}
    for weekday, begin, end in _spans(value):
        if begin in (end, _MIDNIGHT):
            raise InputError(
                f'business_hours has an empty span; a whole day is ("00:00", "24:00"). {_FORMAT}.'
            )
        spans.setdefault(weekday, []).append((begin, end if begin < end else _MIDNIGHT))
        if end < begin and end:
            spans.setdefault(weekday % 7 + 1, []).append((0, end))
    if not spans:
        raise InputError(f"business_hours has no span; None means always open. {_FORMAT}.")
    return tuple(
        (weekday, _clock_text(begin), _clock_text(end))
        for weekday in sorted(spans)
        for begin, end in _merged(spans[weekday])
    )


def parse_holidays(value: object) -> tuple[date, ...]:
    """The dates, sorted and without duplicates.

    Raises:
        InputError: the value is not a list or tuple of dates.
    """
    if isinstance(value, list | tuple):
        days = [_parse_day(item) for item in value]
        if None not in days:
            return tuple(sorted({day for day in days if day is not None}))
    raise InputError(
        'holidays are local dates such as ["2026-09-02", date(2027, 1, 1)]; '
        f"got {printable(repr(value))}."
    )


def minutes_of_week(hours: BusinessHours) -> list[tuple[int, int]]:
    """The spans as sorted minutes [begin, end) since Monday 00:00, merged across midnight."""
    return _merged(
        [
            ((weekday - 1) * _MIDNIGHT + _minute(begin), (weekday - 1) * _MIDNIGHT + _minute(end))
            for weekday, begin, end in hours
        ]
    )


def hours_to_dict(hours: BusinessHours) -> dict[str, object]:
    """The hours in JSON types, such as {"mon-fri": ["08:00", "17:30"]}.

    Consecutive days with equal hours share one key.
    """
    spans_of = {
        day: [[begin, end] for weekday, begin, end in hours if weekday == day]
        for day in range(1, 8)
    }
    result: dict[str, object] = {}
    for spans, group in groupby(spans_of, key=spans_of.__getitem__):
        days = [_DAYS[day - 1] for day in group]
        if spans:
            name = days[0] if len(days) == 1 else f"{days[0]}-{days[-1]}"
            result[name] = spans[0] if len(spans) == 1 else spans
    return result


def _spans(value: object) -> Iterator[tuple[int, int, int]]:
    """Weekday, begin and end (in minutes) of each span, before merging."""
    if isinstance(value, Mapping):
        used: set[int] = set()
        for name, spans in value.items():
            weekdays = _weekdays(name)
            if not used.isdisjoint(weekdays):
                raise InputError(
                    f"business_hours names a weekday twice: {printable(repr(name))}. {_FORMAT}."
                )
            used.update(weekdays)
            pairs = [spans] if _is_pair(spans) else spans
            if not isinstance(pairs, list | tuple):
                raise _format_error(spans)
            for pair in pairs:
                begin, end = _parse_pair(pair)
                yield from ((weekday, begin, end) for weekday in weekdays)
    elif isinstance(value, list | tuple):
        for span in value:
            if not isinstance(span, list | tuple) or len(span) != 3:
                raise _format_error(span)
            begin, end = _parse_pair(span[1:])
            yield from ((weekday, begin, end) for weekday in _weekdays(span[0]))
    else:
        raise _format_error(value)


def _format_error(value: object) -> InputError:
    return InputError(f"{_FORMAT}; got {printable(repr(value))}.")


def _weekdays(name: object) -> list[int]:
    """The weekdays of a name or a range; "sat-mon" wraps around Sunday."""
    if isinstance(name, bool) or not isinstance(name, int | str):
        raise _format_error(name)
    ends = [end.strip().lower() for end in str(name).split("-", maxsplit=1)]
    for end in ends:
        if end not in _NUMBERS:
            raise UnknownName("weekday", end, _NUMBERS)
    first, last = _NUMBERS[ends[0]], _NUMBERS[ends[-1]]
    return [(first - 1 + step) % 7 + 1 for step in range((last - first) % 7 + 1)]


def _is_pair(spans: object) -> bool:
    return (
        isinstance(spans, list | tuple)
        and len(spans) == 2
        and all(isinstance(item, str) for item in spans)
    )


def _parse_pair(span: object) -> tuple[int, int]:
    if isinstance(span, list | tuple) and _is_pair(span):
        return _minute(span[0]), _minute(span[1])
    raise _format_error(span)


def _minute(text: str) -> int:
    """The minute of the day of "HH:MM"."""
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00", text.strip())
    if not match:
        raise _format_error(text)
    return int(match[1]) * 60 + int(match[2]) if match[1] else _MIDNIGHT


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, with touching spans merged."""
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def _parse_day(value: object) -> date | None:
    if isinstance(value, str):
        try:
            return local_time.parse_day(value)
        except ValueError:
            return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None
