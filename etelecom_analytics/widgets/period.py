"""The period that a query asks about, and the one before it."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from .. import clock
from ..logs import CallLogs, FetchReport
from ..metrics import MetricOptions
from ..query import CallQuery

__all__ = ["as_of", "before", "day_of", "looked_at"]

_MOMENT = timedelta(microseconds=1)


def as_of(logs: CallLogs) -> datetime:
    """The moment of which these logs speak: the end of what was asked for, or when the fetch began; the earlier."""
    return min(moment for moment in (logs.query.date_to, logs.report.began_at) if moment is not None)


def looked_at(logs: CallLogs, options: MetricOptions) -> MetricOptions:
    """The options, with the moment of which the logs speak where they name none."""
    return options if options.as_of else replace(options, as_of=as_of(logs))


def day_of(moment: datetime, time_zone: str) -> date:
    """The local day that ends with this moment, or in which it lies."""
    return (moment - _MOMENT).astimezone(clock.zone(time_zone)).date()


def before(query: CallQuery, report: FetchReport) -> tuple[CallQuery | None, str]:
    """The same question about the period before, as long as its own; and in words which it is, or why there is none."""
    first, after = query.date_from, query.date_to
    if first is None or after is None:
        return None, "No period before to compare with: choose a first and a last day."
    # Of two moments in one zone Python takes the clock times: the week before begins at midnight too, whatever the clocks did since.
    start = (first - (after.replace(tzinfo=None) - first.replace(tzinfo=None))).replace(tzinfo=first.tzinfo)
    told = {**query.to_dict(), "date_from": start.isoformat(), "date_to": first.isoformat()}
    earlier = CallQuery.from_dict(told)
    span = f"{clock.moment_text(start, query.time_zone)} up to {clock.moment_text(first, query.time_zone)}, exclusive"
    if report.unfetched(start, first):
        return None, f"No change is told: the period before, {span}, was not wholly fetched."
    partly = " This period was not wholly fetched, so its counts are too low." if report.unfetched(first, after) else ""
    return earlier, f"Changes are against the period before: {span}.{partly}"
