"""Calls out of an archive as CallLogs, with one account of how their days were fetched."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date
from functools import reduce

import polars as pl

from .. import frames
from ..errors import ArchiveError
from ..fetch_report import FetchReport, certify, merge_reports
from ..logs import CallLogs
from ..query import CallQuery
from .certificates import Certificate
from .status import gaps_of

__all__ = ["logs_of"]


def logs_of(
    calls: pl.DataFrame,
    query: CallQuery,
    certificates: Mapping[date, Certificate],
    days: tuple[date | None, date | None],
    time_zone: str,
) -> CallLogs:
    """These calls of the archive, with the query that chose them, and the account of the days that it touches.

    Raises:
        ArchiveError: none of these days was fetched.
    """
    first, last = days
    within = {
        day: each for day, each in certificates.items() if (first or day) <= day <= (last or day)
    }
    if not within:
        raise ArchiveError("None of the days that the query asks for was fetched: sync them first.")
    report = reduce(merge_reports, (within[day].report for day in sorted(within)))
    return CallLogs(
        calls=frames.in_order(calls),
        query=query,
        report=certify(
            _cut(
                report,
                query,
                within,
                (first or min(within), last or max(within)),
                calls.height,
                time_zone,
            ),
            calls,
        ),
    )


def _cut(
    report: FetchReport,
    query: CallQuery,
    within: Mapping[date, Certificate],
    days: tuple[date, date],
    rows: int,
    time_zone: str,
) -> FetchReport:
    """The account of whole days, cut to the range of the query, and to the rows that match."""
    begin, end = query.date_from or report.complete_from, query.date_to or report.complete_to
    holes = (
        hole._replace(begin=max(hole.begin, begin or hole.begin), end=min(hole.end, end))
        for hole in gaps_of(within, *days, time_zone)
    )
    return replace(
        report,
        received=rows + len(report.set_aside),
        repeated=0,
        outside=0,
        gaps=tuple(hole for hole in holes if hole.begin < hole.end),
        complete_from=begin and begin.astimezone(UTC),
        complete_to=min(end, report.complete_to).astimezone(UTC),
        time_zone=query.time_zone,
    )
