"""The previous period of a query, and what a fetch included."""

from dataclasses import replace
from datetime import datetime

from ..errors import InputError
from ..fetch_report import FetchReport
from ..language import tr
from ..phone_numbers import describe
from ..query import CallQuery
from ..readable_dates import period_text

__all__ = ["only_fetched", "period_start", "previous_period"]


def only_fetched(query: CallQuery) -> str:
    """The filters of a fetch as text, without dates; empty if all calls were fetched.

    Examples:
        >>> et.metrics.only_fetched(et.CallQuery(date_from="2026-11-02", direction="in"))
        'inbound direction'
    """
    _check_query(query)
    undated = replace(query, date_from=None, date_to=None)
    return (
        "" if undated == CallQuery(time_zone=query.time_zone) else str(undated).rpartition(" (")[0]
    )


def previous_period(query: CallQuery, report: FetchReport) -> tuple[CallQuery | None, str]:
    """The query for the previous period, and a text about it.

    The previous period has the length of the query's own and ends where that begins, in local time.
    The query is None if there is none to compare with, and the text has the reason: the query has
    no first or no last day, the previous period was not fetched completely, or nothing of the
    query's own was fetched. If that was fetched in part, the text is a warning.

    Examples:
        >>> logs = et.sample_logs()
        >>> query = et.CallQuery(date_from="2026-11-04", date_to="2026-11-05")
        >>> previous, text = et.metrics.previous_period(query, logs.report)
        >>> text
        'Changes are against the previous period: Tue 3 Nov 2026.'
    """
    _check_query(query)
    if not isinstance(report, FetchReport):
        raise InputError(f"report is a FetchReport, logs.report; got {describe(report)}.")
    begin, end = query.date_from, query.date_to
    if begin is None or end is None:
        return None, tr("No previous period to compare with: choose a first and a last day.")
    start = period_start(begin, end)
    if report.clip(begin, end).has_no_coverage:
        return None, tr("This period was not fetched, so its measures are unknown.")
    period = period_text(start, begin, query.time_zone)
    warning = (
        f" {tr('This period was not fetched completely, so its counts are too low.')}"
        if report.gaps_between(begin, end)
        else ""
    )
    if report.gaps_between(start, begin):
        reason = tr(
            "No change is shown: the previous period, {dates}, was not fetched completely.",
            dates=period,
        )
        return None, reason + warning
    dates = {"date_from": start.isoformat(), "date_to": begin.isoformat()}
    previous = CallQuery.from_dict(query.to_dict() | dates)
    text = tr("Changes are against the previous period: {dates}.", dates=period)
    return previous, text + warning


def period_start(begin: datetime, end: datetime) -> datetime:
    """When the previous period of the one from `begin` up to `end` begins.

    The difference is that of local clock times: the previous week begins at midnight too, also if
    the clocks changed since.
    """
    length = end.replace(tzinfo=None) - begin.replace(tzinfo=None)
    return (begin - length).replace(tzinfo=begin.tzinfo)


def _check_query(query: object) -> None:
    if not isinstance(query, CallQuery):
        raise InputError(f"query is a CallQuery, et.CallQuery(...); got {describe(query)}.")
