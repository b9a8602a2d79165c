"""Days, local times and periods as readers write them, such as "Mon 2 Nov 2026 09:30"."""

from datetime import date, datetime, timedelta

from . import local_time
from .language import current_language, short_day, tr

__all__ = ["CLOCK_MINUTE", "CLOCK_SECOND", "long_date", "period_text"]

CLOCK_MINUTE, CLOCK_SECOND = " %H:%M", " %H:%M:%S"
"""Clock times to append to a date."""
_MOMENT = timedelta(microseconds=1)


def long_date(day: date, clock: str = "") -> str:
    """The weekday and the date, and the clock time in the given format.

    In Vietnamese "T2 02/11/2026 09:30".

    Examples:
        >>> from datetime import datetime
        >>> from etelecom_analytics.readable_dates import CLOCK_MINUTE, long_date
        >>> long_date(datetime(2026, 11, 2, 9, 30), CLOCK_MINUTE)
        'Mon 2 Nov 2026 09:30'
    """
    separator = " " if current_language() == "en" else "/"
    return f"{short_day(day)}{separator}{day.year}{format(day, clock) if clock else ''}"


def period_text(
    begin: datetime | None, end: datetime | None, time_zone: str, *, year: bool = True
) -> str:
    """The local times from `begin` up to `end`: days where both are midnights; "" without a bound.

    In Vietnamese "02/11/2026 – 08/11/2026".

    Examples:
        >>> from etelecom_analytics.readable_dates import period_text
        >>> week = et.CallQuery(date_from="2026-11-02", date_to="2026-11-09")
        >>> period_text(week.date_from, week.date_to, week.time_zone)
        '2–8 Nov 2026'
        >>> period_text(week.date_from, None, week.time_zone, year=False)
        'from Mon 2 Nov'
    """
    is_whole = all(local_time.is_midnight(each, time_zone) for each in (begin, end) if each)
    has_seconds = any(each.second or each.microsecond for each in (begin, end) if each)
    clock = "" if is_whole else CLOCK_SECOND if has_seconds else CLOCK_MINUTE
    zone = local_time.zone(time_zone)
    first = begin and begin.astimezone(zone)
    last = end and end.astimezone(zone) - (_MOMENT if is_whole else timedelta(0))

    def text(moment: datetime) -> str:
        day = long_date(moment) if year else short_day(moment)
        return f"{day}{format(moment, clock) if clock else ''}"

    if first and last:
        if is_whole:
            return _days_text(first.date(), last.date(), year=year)
        return f"{text(first)} – {text(last)}"
    if first:
        return tr("from {moment}", moment=text(first))
    if last:
        return (
            tr("through {day}", day=text(last))
            if is_whole
            else tr("before {moment}", moment=text(last))
        )
    return ""


def _days_text(first: date, last: date, *, year: bool) -> str:
    if first == last:
        return long_date(first) if year else short_day(first)
    if current_language() != "en":
        pattern = "%d/%m/%Y" if year else "%d/%m"
        return f"{first:{pattern}} – {last:{pattern}}"
    end = f"{last.day} {last:%b}{f' {last.year}' if year else ''}"
    if first.year != last.year and year:
        return f"{first.day} {first:%b} {first.year} – {end}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{end}"
    return f"{first.day} {first:%b} – {end}"
