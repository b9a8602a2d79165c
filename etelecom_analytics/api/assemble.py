"""Assembling the logs of a fetch: one table of its pages, and the report of every received row."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import polars as pl

from .. import frames
from ..fetch_report import ExtraRequests, FetchReport
from ..logs import CallLogs
from ..parsing.records import SetAside, merge_drift
from ..query import CallQuery
from ..report_merge import certify, merge_extra_requests
from ..schema import CALL_SCHEMA
from .collect import ChainParser, Hole, PageCollector
from .page_edges import EdgeResult
from .plan import Plan
from .server_checks import DateCheck
from .windows import coverage_of, windows_of

__all__ = ["FetchRecord", "Walk", "assemble_logs"]

_NEVER = datetime.max.replace(tzinfo=UTC)
_PROVABLE = (
    "direction",
    "call_state",
    "call_number",
    "duration",
    "extension_ids",
    "user_id",
    "external_id",
    "external_session_id",
)
"""The fields of a query that its calls prove."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The chains of one form of a query, and their pages."""

    query: CallQuery
    plan: Plan
    collector: PageCollector

    @property
    def parsers(self) -> list[ChainParser]:
        """The parsers of its chains, newest first."""
        return [
            parser
            for _, parser in sorted(
                self.collector.parsers.items(),
                key=lambda item: item[0].end or _NEVER,
                reverse=True,
            )
        ]

    @property
    def call_ids(self) -> set[str]:
        """The ids of its calls."""
        return {
            call_id
            for parser in self.collector.parsers.values()
            for table in parser.tables
            for call_id in table["id"]
        }


@dataclass(kw_only=True)
class FetchRecord:
    """What happened during a fetch.

    Attributes:
        query: the query.
        ranges: the requested ranges.
        walks: one for each form of the query that was begun.
        forms: the number of forms of the query.
        began_at, seconds: when it began, and how long it took.
        previous: the logs that it resumed, or None.
        date_check: how the server reads dates; None if none were sent.
        filter_checks: how the server treats the filters that calls do not prove.
        extra_requests: the numbers of requests in addition to those for pages, by purpose.
        edges: the result of the second look at the ends of pages.
        holes: parts that are not known to be complete, for other reasons.
    """

    query: CallQuery
    ranges: Sequence[tuple[datetime | None, datetime | None]]
    forms: int
    began_at: datetime
    previous: CallLogs | None
    walks: list[Walk] = field(default_factory=list)
    seconds: float = 0.0
    date_check: DateCheck | None = None
    filter_checks: dict[str, str] = field(default_factory=dict)
    extra_requests: dict[str, int] = field(default_factory=dict)
    edges: EdgeResult = field(default_factory=EdgeResult)
    holes: list[Hole] = field(default_factory=list)

    @property
    def parsers(self) -> list[ChainParser]:
        """The parsers of all walks."""
        return [parser for walk in self.walks for parser in walk.parsers]

    @property
    def dates_ignored(self) -> bool:
        """Whether the server ignores dates."""
        return any(walk.plan.dates_ignored for walk in self.walks)

    @property
    def finished(self) -> bool:
        """Whether all forms of the query were followed to their end."""
        return len(self.walks) == self.forms and all(walk.plan.all_done for walk in self.walks)

    def filters_with(self, result: str) -> list[str]:
        """The filters whose check has this result."""
        return sorted(name for name, each in self.filter_checks.items() if each == result)


def assemble_logs(record: FetchRecord) -> CallLogs:
    """The parsed calls, and those of the previous fetch that this one resumed, with a report.

    Call it only after all collectors have ended.
    """
    query, previous, parsers = record.query, record.previous, record.parsers
    set_aside = _set_aside(parsers)
    pages_set_aside = tuple(page for parser in parsers for page in parser.set_aside)
    for walk in record.walks:
        for chain, parser in walk.collector.parsers.items():
            if parser.set_aside and not chain.in_order:
                chain.invalidate()
    unique, received = _unique_rows(record)
    # A filter copies the table even if it keeps all rows.
    in_range = unique.select(query.in_range()).to_series()
    calls = unique if in_range.all() else unique.filter(in_range)
    ignored = _ignored_filters(query, calls)
    if ignored:
        calls = calls.filter(_provable(query).to_expr())
    calls = frames.in_order(calls)
    windows = windows_of(
        [walk.plan for walk in record.walks],
        record.ranges,
        previous.report.windows if previous else (),
        [
            *(Hole(page.begin, page.end) for page in pages_set_aside),
            *record.edges.holes,
            *record.holes,
        ],
        forms=record.forms,
        finished=record.finished,
    )
    coverage = coverage_of(
        query, windows, previous.report.began_at if previous else record.began_at
    )
    report = FetchReport(
        rows=calls.height,
        received=received + len(set_aside),
        repeated=received - unique.height,
        outside=unique.height - calls.height,
        pages=sum(parser.pages for parser in parsers),
        began_at=record.began_at,
        seconds=round(record.seconds, 3),
        windows=windows,
        dates_ignored=record.dates_ignored,
        date_check=_date_check(record),
        date_shift_s=record.date_check.shift.total_seconds() if record.date_check else 0.0,
        filters_ignored=tuple(sorted({*ignored, *record.filters_with("ignored")})),
        filters_not_verified=tuple(record.filters_with("not verified")),
        number_forms=record.forms,
        extra_requests=tuple(
            ExtraRequests(purpose, count)
            for purpose, count in sorted(record.extra_requests.items())
            if count
        ),
        drift=merge_drift(*(parser.reader.drift for parser in parsers), record.edges.drift),
        set_aside=set_aside,
        pages_set_aside=pages_set_aside,
        time_zone=query.time_zone,
        complete_from=coverage.complete_from,
        complete_to=coverage.complete_to,
        gaps=coverage.gaps,
    )
    if previous:
        report = _add_previous(report, previous)
    return CallLogs(calls=calls, query=query, report=certify(report, calls))


def _unique_rows(record: FetchRecord) -> tuple[pl.DataFrame, int]:
    """One row per call, and the number of rows received."""
    parsers = record.parsers
    tables = [
        pl.DataFrame(schema=CALL_SCHEMA),
        *([record.previous.calls.select(*CALL_SCHEMA)] if record.previous else []),
        *(table for parser in parsers for table in parser.tables),
        *record.edges.tables,
    ]
    # References are dropped early, so that the calls are not in memory twice.
    for parser in parsers:
        parser.tables.clear()
    record.edges.tables.clear()
    rows = pl.concat(tables)
    del tables
    return frames.newest(rows), rows.height


def _provable(query: CallQuery) -> CallQuery:
    return replace(query, hotline_ids=(), department_id=None)


def _ignored_filters(query: CallQuery, calls: pl.DataFrame) -> list[str]:
    """The fields of the query that do not hold for all of the calls."""
    return [
        name
        for name in _PROVABLE
        if (value := getattr(query, name))
        and not calls.select(CallQuery(**{name: value}).to_expr().all()).item()
    ]


def _date_check(record: FetchRecord) -> str:
    if record.date_check is None:
        return ""
    return "ignored" if record.dates_ignored else record.date_check.result


def _set_aside(parsers: list[ChainParser]) -> tuple[SetAside, ...]:
    """The records without an id; pages are numbered over all chains, newest first."""
    records, pages = [], 0
    for parser in parsers:
        records += [each._replace(page=pages + each.page) for each in parser.reader.set_aside]
        pages += parser.pages
    return tuple(records)


def _add_previous(report: FetchReport, previous: CallLogs) -> FetchReport:
    """One report of a fetch and the previous one that it resumed.

    `report` counts the rows of the previous table as received; they are counted only once here.
    """
    old = previous.report
    return replace(
        report,
        began_at=old.began_at,
        received=report.received - previous.calls.height + old.received,
        repeated=report.repeated + old.repeated,
        outside=report.outside + old.outside,
        pages=report.pages + old.pages,
        seconds=round(report.seconds + old.seconds, 3),
        dates_ignored=report.dates_ignored or old.dates_ignored,
        date_shift_s=report.date_shift_s or old.date_shift_s,
        filters_ignored=tuple(sorted({*report.filters_ignored, *old.filters_ignored})),
        filters_not_verified=tuple(
            sorted({*report.filters_not_verified, *old.filters_not_verified})
        ),
        extra_requests=merge_extra_requests(report, old),
        drift=merge_drift(report.drift, old.drift),
        set_aside=(*old.set_aside, *report.set_aside),
    )
