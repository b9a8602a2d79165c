"""The days of a report: the last whole period of a snapshot, and what it is compared with."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal, get_args

import polars as pl

from .. import local_time
from ..errors import UnknownName
from ..fetch_report import FetchReport, Gap
from ..language import current_language, short_day, tr
from ..logs import CallLogs
from ..metrics import previous_period
from ..phone_numbers import describe
from ..query import CallQuery
from ..readable_dates import long_date

__all__ = [
    "Period",
    "dated_query",
    "days_text",
    "gaps_text",
    "is_one_day",
    "last_period",
    "period_text",
    "reference_period",
    "than_text",
    "whole_days",
]

Period = Literal["day", "week", "month"]

_DATES = ("date_from", "date_to")
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_MAX_GAPS = 3


def last_period(logs: CallLogs, period: Period) -> tuple[date, date] | None:
    """The first day of the last whole period that was fetched, and the day after its last.

    A week begins on Monday, a month on its first day. None if no whole period was fetched.

    Raises:
        UnknownName: there is no such period.
    """
    if period not in get_args(Period):
        text = period if isinstance(period, str) else describe(period)
        raise UnknownName("period", text, get_args(Period))
    zone = local_time.zone(logs.query.time_zone)
    begin = logs.report.complete_from or logs.calls["started_at"].min()
    if not isinstance(begin, datetime):
        return None
    begin, end = begin.astimezone(zone), logs.report.complete_to.astimezone(zone).date()
    is_midnight = begin.replace(tzinfo=None) == datetime.combine(begin.date(), datetime.min.time())
    earliest = begin.date() if is_midnight else begin.date() + _DAY
    match period:
        case "day":
            first, after = end - _DAY, end
        case "week":
            after = end - timedelta(days=end.weekday())
            first = after - _WEEK
        case "month":
            after = end.replace(day=1)
            first = (after - _DAY).replace(day=1)
    return (first, after) if first >= earliest else None


def dated_query(logs: CallLogs, query: CallQuery) -> CallQuery:
    """The query with the dates of the fetch where it has none."""
    dates = {name: getattr(query, name) or getattr(logs.query, name) for name in _DATES}
    return _with_dates(query, dates["date_from"], dates["date_to"])


def _with_dates(query: CallQuery, begin: datetime | None, end: datetime | None) -> CallQuery:
    dates = zip(_DATES, (begin, end), strict=True)
    return CallQuery.from_dict(
        {**query.to_dict(), **{name: each.isoformat() if each else None for name, each in dates}}
    )


def reference_period(query: CallQuery, report: FetchReport) -> tuple[CallQuery | None, str]:
    """The query for the calls to compare with, and a text about them.

    That of one day is the same weekday of the week before: a Monday differs from a Sunday anyway.
    Any other is the previous period. The query is None if there is none, and the text says why.
    """
    begin, end = query.date_from, query.date_to
    if begin is None or end is None or not is_one_day(query):
        return previous_period(query, report)
    if report.clip(begin, end).has_no_coverage:
        return None, tr("This period was not fetched, so its measures are unknown.")
    first, after = (_days_earlier(moment, _WEEK) for moment in (begin, end))
    name = short_day(first)
    if report.gaps_between(first, after):
        return None, tr(
            "No change is shown: the same weekday of the week before, {day}, was not fetched "
            "completely.",
            day=name,
        )
    text = tr("Changes are against the same weekday of the week before, {day}.", day=name)
    return _with_dates(query, first, after), text


def is_one_day(query: CallQuery) -> bool:
    """Whether the query has both dates, at most a day apart."""
    begin, end = query.date_from, query.date_to
    if begin is None or end is None:
        return False
    return end.replace(tzinfo=None) - begin.replace(tzinfo=None) <= _DAY


def _days_earlier(moment: datetime, span: timedelta) -> datetime:
    """The same local clock time on an earlier day, also if the clocks changed since."""
    return (moment.replace(tzinfo=None) - span).replace(tzinfo=moment.tzinfo)


def whole_days(logs: CallLogs, time_zone: str) -> pl.DataFrame:
    """The calls of the local days that were fetched completely."""
    started = pl.col("started_at")
    first, last = logs.calls.select(first=started.min(), last=started.max()).row(0)
    if first is None:
        return logs.calls
    zone = local_time.zone(time_zone)

    def midnight(moment: datetime, days: int) -> datetime:
        day = moment.astimezone(zone).date() + timedelta(days=days)
        return local_time.midnight(day, time_zone)

    gaps = logs.report.gaps_between(midnight(first, 0), midnight(last, 1))
    partly = [
        started.is_between(midnight(gap.begin, 0), midnight(gap.end - _MOMENT, 1), closed="left")
        for gap in gaps
    ]
    return logs.calls.filter(~pl.any_horizontal(partly)) if partly else logs.calls


def period_text(logs: CallLogs, query: CallQuery) -> str:
    """The days of the query, or else those of its calls, such as "Mon 2 – Sun 8 Nov 2026"."""
    if query.date_from and query.date_to:
        return days_text(query)
    calls = logs.calls.filter(query.to_expr())["started_at"]
    begin = query.date_from or calls.min()
    end = calls.max() if query.date_to is None else query.date_to - _MOMENT
    if not isinstance(begin, datetime) or not isinstance(end, datetime):
        return tr("no calls")
    return _range_text(begin, end, query.time_zone)


def days_text(query: CallQuery) -> str:
    """The days of a query that has both dates."""
    if query.date_from is None or query.date_to is None:
        return str(query)
    return _range_text(query.date_from, query.date_to - _MOMENT, query.time_zone)


def than_text(reference: CallQuery) -> str:
    """The end of "more than": "on Sun 21 Feb 1999", or "in the previous period"."""
    if is_one_day(reference):
        return tr("on {day}", context="than", day=days_text(reference))
    return tr("in the previous period", context="than")


def _range_text(begin: datetime, end: datetime, time_zone: str) -> str:
    begin, end = (each.astimezone(local_time.zone(time_zone)) for each in (begin, end))
    if begin.date() == end.date():
        return long_date(begin)
    is_same_month = (begin.year, begin.month) == (end.year, end.month)
    if begin.year != end.year:
        start = long_date(begin)
    else:  # a day without its month does not read as a date in Vietnamese
        start = short_day(begin, month=not is_same_month or current_language() != "en")
    return f"{start} – {long_date(end)}"


def gaps_text(gaps: Sequence[Gap], time_zone: str) -> str:
    """The parts that were not fetched, in local time."""
    zone = local_time.zone(time_zone)

    def local(moment: datetime) -> str:
        moment = moment.astimezone(zone)
        return f"{short_day(moment)} {moment:%H:%M}"

    texts = [
        tr("{begin} to {end}", begin=local(gap.begin), end=local(gap.end))
        for gap in gaps[:_MAX_GAPS]
    ]
    more = [tr("{n} more", n=len(gaps) - _MAX_GAPS)] if len(gaps) > _MAX_GAPS else []
    return ", ".join([*texts, *more])
