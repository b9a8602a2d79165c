"""CallLogs from an archive, with one report for all days that the query covers."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, timedelta
from functools import reduce

import polars as pl

from .. import frames, local_time
from ..errors import ArchiveError
from ..fetch_report import FetchReport
from ..logs import CallLogs
from ..query import CallQuery
from ..report_merge import certify, merge_reports
from .certificates import Certificate
from .status import missing_parts

__all__ = ["extract_logs", "local_days"]


def extract_logs(
    calls: pl.DataFrame,
    query: CallQuery,
    certificates: Mapping[date, Certificate],
    time_zone: str,
) -> CallLogs:
    """Calls of the archive as CallLogs.

    Args:
        calls: the calls that match the query.
        query: the query.
        certificates: the certificates of the archive.
        time_zone: the time zone of the archive.

    Raises:
        ArchiveError: none of the days was fetched.
    """
    first, last = local_days(query, time_zone)
    covered = {
        day: each for day, each in certificates.items() if (first or day) <= day <= (last or day)
    }
    if not covered:
        raise ArchiveError("The archive has none of the days of the query: sync them first.")
    report = _clip(
        reduce(merge_reports, (covered[day].report for day in sorted(covered))),
        query,
        covered,
        (first or min(covered), last or max(covered)),
        calls.height,
        time_zone,
    )
    return CallLogs(calls=frames.in_order(calls), query=query, report=certify(report, calls))


def local_days(query: CallQuery | None, time_zone: str) -> tuple[date | None, date | None]:
    """The first and the last local day in the range of a query; None means no bound."""
    zone = local_time.zone(time_zone)
    first = query.date_from.astimezone(zone).date() if query and query.date_from else None
    last = (
        (query.date_to - timedelta(microseconds=1)).astimezone(zone).date()
        if query and query.date_to
        else None
    )
    return first, last


def _clip(
    report: FetchReport,
    query: CallQuery,
    certificates: Mapping[date, Certificate],
    days: tuple[date, date],
    rows: int,
    time_zone: str,
) -> FetchReport:
    """The report of whole days, limited to the range of the query and to the matching rows."""
    begin, end = query.date_from or report.complete_from, query.date_to or report.complete_to
    gaps = (
        gap._replace(begin=max(gap.begin, begin or gap.begin), end=min(gap.end, end))
        for gap in missing_parts(certificates, *days, time_zone)
    )
    return replace(
        report,
        received=rows + len(report.set_aside),
        repeated=0,
        outside=0,
        gaps=tuple(gap for gap in gaps if gap.begin < gap.end),
        complete_from=begin and begin.astimezone(UTC),
        complete_to=min(end, report.complete_to).astimezone(UTC),
        time_zone=query.time_zone,
    )
