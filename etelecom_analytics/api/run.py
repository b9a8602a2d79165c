"""One run of a fetch: its checks, its walks over pages, and what is left when it ends early."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import NamedTuple

from ..errors import BadRequest, EtelecomError, Stopped
from ..logs import CallLogs, Progress
from ..phone_numbers import notations
from ..query import CallQuery
from .assemble import FetchRecord, Walk, assemble_logs
from .chain import Chain
from .client import Client
from .collect import PageCollector
from .interrupts import Interrupts, noted_interrupts
from .page_edges import Part, parts_of, recheck
from .page_scan import scan_body
from .paging import follow
from .plan import Plan
from .server_checks import DATE_MARGIN, DateCheck
from .warning_texts import UNPROVABLE, warning_texts
from .wire import Page
from .workers import FetchPool

__all__ = ["Outcome", "run_fetch"]

_POLL_S = 0.1
"""A request to stop is noticed within this time."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_OLDEST_FIRST = "started_at"


class Outcome(NamedTuple):
    """The end of a run.

    Attributes:
        logs: the received calls; None if there are none, and an error.
        error: the error that ended it early, or None.
        warnings: what the user should know.
    """

    logs: CallLogs | None
    error: BaseException | None
    warnings: tuple[str, ...] = ()


def run_fetch(
    client: Client,
    query: CallQuery,
    on_progress: Progress,
    *,
    stop: Callable[[], bool],
    workers: int,
    resume: CallLogs | None,
    max_pages: int,
    page_limit: int,
) -> Outcome:
    """Fetch the calls of a query, or the missing parts of `resume`.

    Raises:
        ApiError: a check of the server failed, before the first page.
    """
    ranges = (
        [window[:2] for window in resume.report.windows if not window.whole]
        if resume
        else [_utc_range(query)]
    )
    if resume and not ranges:
        return Outcome(resume, None)
    run = _Run(
        client, query, on_progress, stop, workers=workers, max_pages=max_pages, limit=page_limit
    )
    with noted_interrupts() as interrupts:
        return run.run(ranges, resume, interrupts)


class _Run:
    def __init__(
        self,
        client: Client,
        query: CallQuery,
        on_progress: Progress,
        stop: Callable[[], bool],
        *,
        workers: int,
        max_pages: int,
        limit: int,
    ) -> None:
        self._client, self._checks, self._query = client, client._checks, query
        self._on_progress, self._stop = on_progress, stop
        self._workers, self._max_pages, self._limit = workers, max_pages, limit
        self._date_check = DateCheck(result="")
        self._error: BaseException | None = None
        self._rows_before = 0

    def run(
        self,
        ranges: list[tuple[datetime | None, datetime | None]],
        resume: CallLogs | None,
        interrupts: Interrupts,
    ) -> Outcome:
        began_at, started = datetime.now(UTC), time.monotonic()
        self._began_at, self._interrupts = began_at, interrupts
        number = self._query.call_number
        forms = notations(number) if number else (None,)
        record = FetchRecord(
            query=self._query,
            ranges=ranges,
            forms=len(forms),
            began_at=began_at,
            previous=resume,
        )
        extra, checks_before = Counter[str](), self._checks.requests.copy()
        self._extra = extra
        if any(moment for bounds in ranges for moment in bounds):
            self._date_check = record.date_check = self._checks.dates()
        for field in UNPROVABLE:
            if getattr(self._query, field):
                record.filter_checks[field] = self._checks.filter_result(field)
        oldest = self._oldest_start()
        self._rows_before = resume.calls.height if resume else 0
        with interrupts.hold():
            for form in forms:
                self._walk(replace(self._query, call_number=form), record, oldest)
                if self._error:
                    break
            self._recheck(record)
            error = self._error or next(
                (walk.collector.error for walk in record.walks if walk.collector.error), None
            )
            if error and not resume and not any(walk.collector.pages for walk in record.walks):
                return Outcome(None, error)
            extra += self._checks.requests - checks_before
            extra["repeated page"] = sum(walk.collector.refetched for walk in record.walks)
            record.extra_requests, record.seconds = extra, time.monotonic() - started
            logs = assemble_logs(record)
            date_warning = self._checks.warning_of_dates() if record.date_check else ""
            return Outcome(logs, error, warning_texts(record, logs.report, date_warning))

    def _request_query(
        self, query: CallQuery, begin: datetime | None, end: datetime | None
    ) -> CallQuery:
        """The query of a request for the calls of a range, corrected for this server."""
        ranged = replace(query, date_from=begin, date_to=end)
        return self._date_check.request_query(ranged, self._began_at)

    def _oldest_start(self) -> datetime | None:
        """The start of the oldest call if the query has no `date_from`, to share out the work."""
        query = self._query
        if self._workers == 1 or query.date_from or not query.date_to or not self._may_split:
            return None
        self._extra["oldest call"] += 1
        try:
            page = self._client.list_calls(
                self._request_query(query, None, query.date_to), limit=1, sort=_OLDEST_FIRST
            )
        except BadRequest:  # The server may not support this order.
            return None
        return next(iter(scan_body(page.body).starts), None)

    @property
    def _may_split(self) -> bool:
        """Whether parts of the range cost less than the whole range."""
        check = self._date_check
        return check.result != "ignored" and check.margin <= 2 * DATE_MARGIN

    def _walk(self, query: CallQuery, record: FetchRecord, oldest: datetime | None) -> None:
        """Follow the chains of one form of the query, and add them to the record."""
        # Calls without a start match no dates, so without dates in the query they need none.
        undated = not query.date_from and not query.date_to
        chains = [
            Chain(begin=begin, end=end, undated=undated and not begin)
            for begin, end in sorted(
                record.ranges, key=lambda bounds: bounds[1] or _NEVER, reverse=True
            )
        ]
        plan = Plan(
            chains,
            full_range=_utc_range(query),
            oldest=oldest,
            margin=self._date_check.margin,
            may_split=self._may_split,
            page_limit=self._limit,
        )
        if self._date_check.result == "ignored":
            plan.ignore_dates()

        @cache
        def query_of(chain: Chain) -> CallQuery:
            end = None if chain.undated else chain.end
            return self._request_query(query, chain.requested_from, end)

        def fetch_page(chain: Chain, cursor: str, *, decode: bool = False) -> Page:
            return self._client._scan_calls(
                query_of(chain),
                after=cursor,
                limit=self._limit,
                keep_trying=lambda: not (pool.stopped if decode else pool.ended),
                decode=decode,
            )

        pool = FetchPool(plan, fetch_page, workers=self._workers, max_pages=self._max_pages)
        collector = PageCollector(
            pool, lambda chain, cursor: fetch_page(chain, cursor, decode=True)
        )
        record.walks.append(Walk(query=query, plan=plan, collector=collector))
        pool.start()
        try:
            self._wait(pool, collector)
        except BaseException as error:  # reported with the calls so far  # noqa: BLE001
            self._error = error
        finally:
            pool.stop()
            collector.finish(lambda: self._interrupts.is_forced)
        self._error = self._error or pool.error
        self._rows_before += plan.rows

    def _wait(self, pool: FetchPool, collector: PageCollector) -> None:
        """Report progress until the collector ends."""

        def report_progress() -> None:
            rows, reached = pool.progress()
            self._on_progress(self._rows_before + rows, reached)

        while not self._is_stopped() and collector.is_running(_POLL_S):
            report_progress()
        report_progress()
        if self._interrupts.is_pressed:
            raise KeyboardInterrupt
        if self._is_stopped() and collector.is_running(0):
            raise Stopped("The fetch was stopped.")

    def _is_stopped(self) -> bool:
        return self._interrupts.is_pressed or self._stop()

    def _recheck(self, record: FetchRecord) -> None:
        """Look again at the places where rows may have been skipped."""
        for walk in record.walks:
            may_request = partial(self._may_request_ranges, record, walk)
            parts, holes = parts_of(walk.plan.chains, may_request)
            record.holes += holes
            if not parts:
                continue
            result = recheck(
                parts,
                walk.call_ids,
                partial(self._read_again, walk.query),
                limit=self._limit,
                workers=self._workers,
                is_stopped=lambda: bool(self._error) or self._is_stopped(),
            )
            self._extra["page edge"] += result.looks
            self._extra["page edge, more pages"] += result.more_pages
            record.edges.add(result)
            self._error = self._error or result.error
        if self._interrupts.is_pressed:
            self._error = KeyboardInterrupt()

    def _may_request_ranges(self, record: FetchRecord, walk: Walk) -> bool:
        """Whether a request for a short range shows all of its calls."""
        if self._error or walk.plan.dates_ignored:
            return False
        if not record.date_check:
            try:
                self._date_check = self._checks.dates()
            except EtelecomError as error:
                self._error = error
                return False
        return self._may_split and self._date_check.result in ("verified", "shifted")

    def _read_again(self, query: CallQuery, part: Part, cursor: str) -> list[bytes]:
        request = self._request_query(query, part.begin, part.end)
        bodies: list[bytes] = []
        ids: set[bytes] = set()

        def add_page(page: Page) -> int:
            bodies.append(page.body)
            new = set(scan_body(page.body).ids) - ids
            ids.update(new)
            return len(new)

        follow(
            lambda cursor: self._client._scan_calls(
                request,
                after=cursor,
                limit=self._limit,
                keep_trying=lambda: not self._is_stopped(),
                decode=True,
            ),
            add_page,
            first=cursor,
            is_complete=lambda: part.until_dated and bool(scan_body(bodies[-1]).starts),
        )
        return bodies


def _utc_range(query: CallQuery) -> tuple[datetime | None, datetime | None]:
    """The range of a query in UTC: sums of local times are wrong where clocks change."""
    begin, end = query.date_from, query.date_to
    return begin and begin.astimezone(UTC), end and end.astimezone(UTC)
