"""Of which moment calls speak, and which day is their today."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from ... import local_time
from ...logs import CallLogs
from ...metrics import MetricOptions

__all__ = ["as_of", "day_of", "reporting_options"]

_MOMENT = timedelta(microseconds=1)


def as_of(logs: CallLogs) -> datetime:
    """The moment of which these logs speak: the end of what was asked for, or when the fetch began; the earlier."""
    return min(
        moment for moment in (logs.query.date_to, logs.report.began_at) if moment is not None
    )


def reporting_options(logs: CallLogs, options: MetricOptions) -> MetricOptions:
    """The options, with the moment of which the logs speak where they name none."""
    return options if options.as_of else replace(options, as_of=as_of(logs))


def day_of(moment: datetime, time_zone: str) -> date:
    """The local day that ends with this moment, or in which it lies."""
    return (moment - _MOMENT).astimezone(local_time.zone(time_zone)).date()
