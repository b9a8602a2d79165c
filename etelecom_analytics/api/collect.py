"""PageCollector: parses pages while others are fetched, and builds the table and its report."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from .. import frames
from ..errors import Unreadable
from ..fetch_report import FetchReport, Gap, Window
from ..logs import CallLogs
from ..parsing.pages import PageReader
from ..parsing.records import SetAside, merge_drift
from ..query import CallQuery
from ..report_merge import certify
from ..schema import CALL_SCHEMA
from .plan import Chain, Plan
from .wire import Page
from .workers import FetchedPage, FetchPool

__all__ = ["PageCollector"]

_BATCH_PAGES = 16
"""Pages that are parsed together: smaller batches are slower, larger ones need more memory."""
_POLL_S = 1.0
_LONG_AGO, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class PageCollector:
    """Parses the pages of a fetch in a thread of its own, which Ctrl-C does not interrupt.

    Args:
        pool: the source of the pages.
        fetch_page: fetches a page again if its rows are not valid JSON.
    """

    def __init__(self, pool: FetchPool, fetch_page: Callable[[Chain, str], Page]) -> None:
        self._pool, self._fetch_page = pool, fetch_page
        self._parsers: dict[Chain, _ChainParser] = {}
        self._error: BaseException | None = None
        self._finished = threading.Event()
        threading.Thread(target=self._work, name="etelecom-parse", daemon=True).start()

    @property
    def error(self) -> BaseException | None:
        """The error that ended the fetch, or None."""
        return self._error or self._pool.error

    @property
    def pages(self) -> int:
        """The number of parsed pages."""
        return sum(parser.pages for parser in self._parsers.values())

    def is_running(self, timeout_s: float | None) -> bool:
        """Whether it still runs after so many seconds; None waits for its end."""
        # Not Thread.join: after an interrupt, Python 3.11 takes the thread for ended.
        return not self._finished.wait(timeout_s)

    def build_logs(
        self,
        query: CallQuery,
        plan: Plan,
        *,
        began_at: datetime,
        seconds: float,
        previous: CallLogs | None,
    ) -> CallLogs:
        """The parsed calls, and those of the previous fetch that this one resumed, with a report.

        Call it only after the pool and this collector have ended.
        """
        newest_first = sorted(
            self._parsers.items(), key=lambda item: item[0].end or _NEVER, reverse=True
        )
        parsers = [parser for _, parser in newest_first]
        tables = [
            pl.DataFrame(schema=CALL_SCHEMA),
            *([previous.calls.select(*CALL_SCHEMA)] if previous else []),
            *(table for parser in parsers for table in parser.tables),
        ]
        # References are dropped early, so that the calls are not in memory twice.
        for parser in parsers:
            parser.tables.clear()
        rows = pl.concat(tables)
        del tables
        received = rows.height
        unique = frames.newest(rows)
        del rows
        # A filter copies the table even if it keeps all rows.
        in_range = unique.select(query.in_range()).to_series()
        calls = frames.in_order(unique if in_range.all() else unique.filter(in_range))
        windows = _windows(plan, previous.report.windows if previous else ())
        coverage = _coverage(query, windows, previous.report.began_at if previous else began_at)
        report = FetchReport(
            rows=calls.height,
            received=received + sum(len(parser.reader.set_aside) for parser in parsers),
            repeated=received - unique.height,
            outside=unique.height - calls.height,
            pages=self.pages,
            began_at=began_at,
            seconds=round(seconds, 3),
            windows=windows,
            dates_ignored=plan.dates_ignored,
            drift=merge_drift(*(parser.reader.drift for parser in parsers)),
            set_aside=_set_aside(parsers),
            time_zone=query.time_zone,
            complete_from=coverage.complete_from,
            complete_to=coverage.complete_to,
            gaps=coverage.gaps,
        )
        if previous:
            report = _add_previous(report, previous)
        return CallLogs(calls=calls, query=query, report=certify(report, calls))

    def _work(self) -> None:
        try:
            while (pages := self._pool.take_pages(_POLL_S)) or not self._pool.ended:
                self._add(pages)
                for parser in self._parsers.values():
                    parser.parse(at_least=_BATCH_PAGES)
            for parser in self._parsers.values():
                parser.parse()
        except BaseException as error:  # reported by the thread that waits  # noqa: BLE001
            self._error = error
            self._pool.stop()
            # The plan has recorded these pages, so they must be in the table.
            self._add(self._pool.take_pages(0))
            for parser in self._parsers.values():
                with suppress(Exception):
                    parser.parse()
        finally:
            self._finished.set()

    def _add(self, pages: list[FetchedPage]) -> None:
        for page in pages:
            self._parsers.setdefault(page.chain, _ChainParser(self._fetch_page)).add(page)


class _ChainParser:
    """Parses the pages of one chain in batches."""

    def __init__(self, fetch_page: Callable[[Chain, str], Page]) -> None:
        self.reader = PageReader()
        self.tables: list[pl.DataFrame] = []
        self.pages = 0
        self._fetch_page = fetch_page
        self._waiting: list[FetchedPage] = []

    def add(self, page: FetchedPage) -> None:
        self._waiting.append(page)

    def parse(self, *, at_least: int = 1) -> None:
        """Parse the waiting pages, if there are at least so many.

        The scan of a page does not decode its rows. If they are not valid JSON, the page is fetched
        once more; if that fails too, the pages before it are used.
        """
        if len(self._waiting) < at_least:
            return
        batch, self._waiting = self._waiting, []
        try:
            try:
                self._read([page.body for page in batch])
            except Unreadable:
                for page in batch:
                    self._read([self._valid_body(page)])
        except BaseException:
            batch[0].chain.invalidate()
            raise

    def _read(self, bodies: list[bytes]) -> None:
        self.tables.append(self.reader.read(bodies))
        self.pages += len(bodies)

    def _valid_body(self, page: FetchedPage) -> bytes:
        with suppress(ValueError, RecursionError):
            json.loads(page.body.decode(errors="replace"))
            return page.body
        return self._fetch_page(page.chain, page.cursor).body


def _windows(plan: Plan, previous: tuple[Window, ...]) -> tuple[Window, ...]:
    """The windows of the fetch, oldest first; an unfinished chain has a whole and an open one."""
    windows = [window for window in previous if window.whole]
    for chain in plan.chains:
        missing = chain.missing
        if missing is None:
            windows.append(Window(chain.begin, chain.end, whole=True, pages=chain.pages))
            continue
        windows.append(
            Window(*missing, whole=False, pages=0 if missing[1] != chain.end else chain.pages)
        )
        if missing[1] != chain.end:
            windows.append(Window(missing[1], chain.end, whole=True, pages=chain.pages))
    in_utc = (window._replace(begin=_utc(window.begin), end=_utc(window.end)) for window in windows)
    return tuple(
        sorted(in_utc, key=lambda window: (window.begin or _LONG_AGO, window.end or _NEVER))
    )


class _Coverage(NamedTuple):
    """The range in which the calls are complete, except for its gaps."""

    complete_from: datetime | None
    complete_to: datetime
    gaps: tuple[Gap, ...]


def _coverage(query: CallQuery, windows: tuple[Window, ...], began_at: datetime) -> _Coverage:
    incomplete = [window for window in windows if not window.whole]
    date_from, date_to = _utc(query.date_from), _utc(query.date_to)
    complete_to = max(min(date_to or began_at, began_at), date_from or _LONG_AGO)
    unbounded = [window.end or complete_to for window in incomplete if window.begin is None]
    gaps = [
        Gap(window.begin, min(window.end or complete_to, complete_to))
        for window in incomplete
        if window.begin is not None
    ]
    if date_to and complete_to < date_to:
        gaps.append(Gap(complete_to, date_to))
    complete_from = max(unbounded) if unbounded else date_from
    return _Coverage(complete_from, complete_to, tuple(gap for gap in gaps if gap.begin < gap.end))


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC)


def _set_aside(parsers: list[_ChainParser]) -> tuple[SetAside, ...]:
    """The records without an id; pages are numbered over all chains, newest first."""
    records, pages = [], 0
    for parser in parsers:
        records += [record._replace(page=pages + record.page) for record in parser.reader.set_aside]
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
        drift=merge_drift(report.drift, old.drift),
        set_aside=(*old.set_aside, *report.set_aside),
    )
