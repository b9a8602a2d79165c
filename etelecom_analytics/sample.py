"""sample_logs: one simulated week for examples and tests."""

from datetime import date, timedelta
from functools import cache

from .fetch_report import FetchReport, Window
from .local_time import HOME_ZONE, midnight
from .logs import CallLogs
from .query import CallQuery
from .report_merge import certify
from .simulator import simulate_calls

__all__ = ["sample_logs"]

_FIRST_DAY, _DAYS = date(2026, 11, 2), 7
_CALLS, _SEED = 400, 7


@cache
def sample_logs() -> CallLogs:
    """One simulated week of 400 calls, the same each time; it needs no file and no network.

    The week begins on Monday, 2026-11-02. Target number 8000 is an IVR, and 8100 a queue; all
    numbers are invented.

    Examples:
        >>> logs = et.sample_logs()
        >>> logs.calls.height
        400
        >>> logs.report.complete
        True
    """
    query = CallQuery(date_from=_FIRST_DAY, date_to=_FIRST_DAY + timedelta(days=_DAYS))
    calls = simulate_calls(_CALLS, seed=_SEED, start=_FIRST_DAY, days=_DAYS).calls
    begin = midnight(_FIRST_DAY, HOME_ZONE)
    end = midnight(_FIRST_DAY + timedelta(days=_DAYS), HOME_ZONE)
    report = FetchReport(
        rows=calls.height,
        received=calls.height,
        repeated=0,
        outside=0,
        pages=calls.height // 100 + 1,
        began_at=end,
        complete_from=begin,
        complete_to=end,
        seconds=0.0,
        windows=(Window(begin, end, whole=True, pages=calls.height // 100 + 1, rows=0),),
    )
    return CallLogs(calls=calls, query=query, report=certify(report, calls))
