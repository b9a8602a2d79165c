"""Business hours: read from the forms in which people write them, kept in one, and written again in the shortest."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby

from ..errors import InputError, UnknownName
from ..phone_numbers import shown

__all__ = [
    "BusinessHours",
    "GivenHours",
    "minutes_of_week",
    "read_holidays",
    "read_hours",
    "written",
]

BusinessHours = tuple[tuple[int, str, str], ...]
"""Spans of a weekday (ISO, 1 = Monday): (1, "08:00", "17:30"), sorted, none touching the next; an end is not part of its span."""

GivenHours = (
    Mapping[str, Sequence[str | Sequence[str]]]
    | Mapping[int, Sequence[str | Sequence[str]]]
    | BusinessHours
)
"""What is taken for business hours."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = {
    name: number for names in (_DAYS, _LONG_DAYS, "1234567") for number, name in enumerate(names, 1)
}
_MIDNIGHT = 24 * 60

_ALLOWED = (
    'business_hours are spans of "HH:MM" for each weekday, such as {"mon-fri": ("08:00", "17:30"), "sat": [("08:00", "12:00")]}; a weekday '
    "is a name, a number from 1 for Monday, or a range, and what is not named is closed"
)


def read_hours(given: object) -> BusinessHours:
    """The hours that were given, in the one form in which they are kept; what is kept already stays as it is.

    A span that ends before it begins goes on past midnight: {"fri": ("20:00", "04:00")} is open on
    Saturday until four. Spans that touch are one. A day ends at "24:00".

    Raises:
        InputError: these are no hours, or there are none of them; the message says what is allowed.
        UnknownName: there is no such weekday; the message lists the nearest.
    """
    spans: dict[int, list[tuple[int, int]]] = {}
    for weekday, begin, end in _spans(given):
        if begin in (end, _MIDNIGHT):
            raise InputError(
                f'A span of business_hours would hold nothing; a whole day is ("00:00", "24:00"). {_ALLOWED}.'
            )
        until = end if begin < end else _MIDNIGHT
        spans.setdefault(weekday, []).append((begin, until))
        if end < begin and end:
            spans.setdefault(weekday % 7 + 1, []).append((0, end))
    if not spans:
        raise InputError(
            f"business_hours with no span would be no hours at all, and None is always. {_ALLOWED}."
        )
    return tuple(
        (weekday, _clock(begin), _clock(end))
        for weekday in sorted(spans)
        for begin, end in _joined(spans[weekday])
    )


def read_holidays(given: object) -> tuple[date, ...]:
    """The dates that were given, sorted, each once.

    Raises:
        InputError: one of them is no date.
    """
    if isinstance(given, list | tuple):
        days = [_day(each) for each in given]
        if None not in days:
            return tuple(sorted({day for day in days if day is not None}))
    raise InputError(
        f'holidays are local dates such as ["2026-09-02", date(2027, 1, 1)]; got {shown(repr(given))}.'
    )


def minutes_of_week(hours: BusinessHours) -> list[tuple[int, int]]:
    """The spans in minutes since Monday's midnight, [begin, end), in order; what touches over midnight is one."""
    return _joined(
        [
            ((weekday - 1) * _MIDNIGHT + _minute(begin), (weekday - 1) * _MIDNIGHT + _minute(end))
            for weekday, begin, end in hours
        ]
    )


def written(hours: BusinessHours) -> dict[str, object]:
    """The hours as people write them, and as JSON has them: {"mon-fri": ["08:00", "17:30"]}; days in a row that are alike are a range."""
    of_day = {
        day: [[begin, end] for weekday, begin, end in hours if weekday == day]
        for day in range(1, 8)
    }
    told: dict[str, object] = {}
    for spans, alike in groupby(of_day, key=of_day.__getitem__):
        days = list(alike)
        if spans:
            name = (
                _DAYS[days[0] - 1]
                if len(days) == 1
                else f"{_DAYS[days[0] - 1]}-{_DAYS[days[-1] - 1]}"
            )
            told[name] = spans[0] if len(spans) == 1 else spans
    return told


def _spans(given: object) -> Iterator[tuple[int, int, int]]:
    """Weekday, begin and end in minutes, as they were given."""
    if isinstance(given, Mapping):
        taken: set[int] = set()
        for name, spans in given.items():
            weekdays = _weekdays(name)
            if not taken.isdisjoint(weekdays):
                raise InputError(
                    f"business_hours names a weekday twice: {shown(repr(name))} is told already. {_ALLOWED}."
                )
            taken.update(weekdays)
            pairs = [spans] if _is_pair(spans) else spans
            if not isinstance(pairs, list | tuple):
                raise InputError(f"{_ALLOWED}; got {shown(repr(spans))}.")
            for pair in pairs:
                begin, end = _pair(pair)
                yield from ((weekday, begin, end) for weekday in weekdays)
    elif isinstance(given, list | tuple):
        for span in given:
            if not isinstance(span, list | tuple) or len(span) != 3:
                raise InputError(f"{_ALLOWED}; got {shown(repr(span))}.")
            begin, end = _pair(span[1:])
            yield from ((weekday, begin, end) for weekday in _weekdays(span[0]))
    else:
        raise InputError(f"{_ALLOWED}; got {shown(repr(given))}.")


def _weekdays(name: object) -> list[int]:
    """The weekdays of a name or of a range of them; "sat-mon" goes on past Sunday."""
    if isinstance(name, bool) or not isinstance(name, int | str):
        raise InputError(f"{_ALLOWED}; got {shown(repr(name))}.")
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
        and all(isinstance(each, str) for each in spans)
    )


def _pair(span: object) -> tuple[int, int]:
    if isinstance(span, list | tuple) and _is_pair(span):
        return _minute(span[0]), _minute(span[1])
    raise InputError(f"{_ALLOWED}; got {shown(repr(span))}.")


def _minute(text: str) -> int:
    """The minute of the day that "HH:MM" names."""
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00", text.strip())
    if not found:
        raise InputError(f"{_ALLOWED}; got {shown(repr(text))}.")
    return int(found[1]) * 60 + int(found[2]) if found[1] else _MIDNIGHT


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, those that touch made one."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((begin, end))
    return joined


def _day(given: object) -> date | None:
    if isinstance(given, str):
        try:
            return date.fromisoformat(given.strip())
        except ValueError:
            return None
    return given if isinstance(given, date) and not isinstance(given, datetime) else None
