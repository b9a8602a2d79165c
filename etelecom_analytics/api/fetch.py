"""fetch_calls: all calls of a query as one table, and a report of every received row."""

import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache

from tqdm.auto import tqdm

from .. import local_time
from ..errors import BadRequest, EtelecomError, InputError, Stopped
from ..fetch_report import Window
from ..logs import CallLogs, Fetch, Progress
from ..query import CallQuery
from .client import MAX_WORKERS, Client
from .collect import PageCollector
from .page_scan import scan_body
from .plan import Chain, Plan
from .wire import PAGE_LIMIT, Page
from .workers import FetchPool

__all__ = [
    "MAX_WORKERS",
    "FetchOptions",
    "FetchStopped",
    "IncompleteFetch",
    "fetch_calls",
    "fetcher",
    "progress_disabled",
]

_POLL_S = 0.1
"""A request to stop is noticed within this time."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_OLDEST_FIRST = "started_at"
_DATES_IGNORED = (
    "The server ignores the dates of the query, so all of its calls were read in one chain and "
    "filtered here. The result is complete, but a shorter range is not faster."
)


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """Advanced options of a fetch.

    Attributes:
        max_pages: more pages than this are an error, to guard against a server that never ends.
        page_limit: maximum number of rows per page, from 1 to 100. Smaller pages help if a proxy
            truncates long responses.

    Raises:
        InputError: a value is out of range.
    """

    max_pages: int = 1_000_000
    page_limit: int = PAGE_LIMIT

    def __post_init__(self) -> None:
        if self.max_pages < 1 or not 1 <= self.page_limit <= PAGE_LIMIT:
            raise InputError(
                "FetchOptions needs max_pages of at least 1, "
                f"and page_limit from 1 to {PAGE_LIMIT}."
            )


class IncompleteFetch(EtelecomError):
    """A fetch ended early; the calls received before are kept, and the fetch can be resumed.

    The raised error is also of the class of its cause: `except NoAnswer` catches a server that
    failed during a fetch, too.

    Attributes:
        partial: the received calls, with a report that shows which parts of the range are complete.
            `fetch_calls(..., resume=partial)` fetches the rest. It can be saved as a snapshot.
        cause: the error that ended the fetch.
    """

    def __init__(self, cause: BaseException, partial: CallLogs) -> None:
        # Not super().__init__, which is the constructor of the class of the cause.
        Exception.__init__(self, cause, partial)
        vars(self).update(vars(cause))
        self.cause, self.partial = cause, partial

    @property
    def missing(self) -> tuple[Window, ...]:
        """The windows that were not read to their end."""
        return tuple(window for window in self.partial.report.windows if not window.whole)

    def __str__(self) -> str:
        return (
            f"{self.cause} {self.partial.calls.height:,} calls were received before that: see "
            "the error's .partial. "
            "fetch_calls(client, query, resume=error.partial) fetches the rest."
        ).lstrip()

    def __reduce__(self) -> tuple[object, ...]:
        return _incomplete, (self.cause, self.partial)


class FetchStopped(IncompleteFetch, Stopped, KeyboardInterrupt):
    """The user stopped the fetch with Ctrl-C, a notebook's stop button, or a panel's Cancel."""


def _incomplete(cause: BaseException, partial: CallLogs) -> IncompleteFetch:
    return _incomplete_class(type(cause))(cause, partial)


def _incomplete_class(cause: type[BaseException]) -> type[IncompleteFetch]:
    """A class of errors that are incomplete fetches and also of the class of the cause."""
    if issubclass(cause, Stopped | KeyboardInterrupt):
        return FetchStopped
    return type(f"Incomplete{cause.__name__}", (IncompleteFetch, cause), {"__doc__": cause.__doc__})


def fetch_calls(
    client: Client,
    query: CallQuery | None = None,
    *,
    workers: int = 4,
    progress: bool = True,
    resume: CallLogs | None = None,
    options: FetchOptions = FetchOptions(),
) -> CallLogs:
    """All calls that match the query, without duplicates, newest first.

    Workers read parts of the range of dates in parallel; the result does not depend on their
    number. If a call is received more than once, for example because it changed during the fetch,
    its newest state is kept. Calls outside the half-open range of the query are removed. `.report`
    shows what was read, which range is complete, and which values were unexpected.

    Args:
        client: the connection to the API.
        query: which calls; all by default. Without any date the calls are read as one chain of
            pages, which takes longer.
        workers: maximum number of parallel requests, from 1 to 32.
        progress: show a bar with the number of calls and the date reached. The environment variable
            TQDM_DISABLE=1 turns it off, too.
        resume: the `.partial` of a fetch that ended early. Only the missing parts are fetched, and
            the complete logs are returned.
        options: advanced options.

    Raises:
        IncompleteFetch: the fetch ended early, by an error or by Ctrl-C (`FetchStopped`); the calls
            received before are in its `.partial`.
        ApiError: the first request failed; the class of the error shows what to do.
        InputError: an argument is not valid.
    """
    if resume is not None:
        query = _resumed_query(query, resume)
    query = query or CallQuery()
    if not isinstance(query, CallQuery):
        raise InputError(
            'query must be a CallQuery, such as et.CallQuery(date_from="2026-11-01"); '
            f"got {type(query).__name__}."
        )
    if not 1 <= workers <= MAX_WORKERS:
        raise InputError(f"workers must be from 1 to {MAX_WORKERS}; got {workers!r}.")
    with tqdm(
        desc="Fetching calls", unit=" calls", disable=not progress or progress_disabled()
    ) as bar:

        def show_progress(rows: int, reached: datetime | None) -> None:
            if reached:
                day = reached.astimezone(local_time.zone(query.time_zone))
                bar.set_postfix_str(f"back to {day:%Y-%m-%d}", refresh=False)
            bar.update(rows - bar.n)

        logs = _fetch(
            client,
            query,
            show_progress,
            stop=lambda: False,
            workers=workers,
            resume=resume,
            options=options,
        )
        # A call at the edge of two parts is received with both of them.
        bar.update(logs.calls.height - bar.n)
        return logs


def progress_disabled() -> bool:
    """Whether no progress bar can be shown: there is no stderr, or TQDM_DISABLE is set.

    tqdm reads TQDM_DISABLE when it is imported; a notebook may set it after that.
    """
    return sys.stderr is None or os.environ.get("TQDM_DISABLE", "0") not in ("", "0")


def fetcher(client: Client, *, workers: int = 4) -> Fetch:
    """A function `fetch(query, on_progress, stop)` with this client, as panels take it.

    It calls `on_progress` while pages are received. Soon after `stop()` returns True, it raises
    `Stopped`: a `FetchStopped` with the calls received before, if there are any. Its optional
    argument `resume` is that of `fetch_calls`.
    """

    def fetch(
        query: CallQuery,
        on_progress: Progress,
        stop: Callable[[], bool],
        *,
        resume: CallLogs | None = None,
    ) -> CallLogs:
        return _fetch(
            client,
            query,
            on_progress,
            stop=stop,
            workers=workers,
            resume=resume,
            options=FetchOptions(),
        )

    return fetch


def _fetch(
    client: Client,
    query: CallQuery,
    on_progress: Progress,
    *,
    stop: Callable[[], bool],
    workers: int,
    resume: CallLogs | None,
    options: FetchOptions,
) -> CallLogs:
    ranges = (
        [window[:2] for window in resume.report.windows if not window.whole]
        if resume
        else [(query.date_from, query.date_to)]
    )
    if resume and not ranges:
        return resume

    @cache
    def query_of(chain: Chain) -> CallQuery:
        return replace(query, date_from=chain.requested_from, date_to=chain.end)

    def fetch_page(chain: Chain, cursor: str) -> Page:
        return client._scan_calls(
            query_of(chain),
            after=cursor,
            limit=options.page_limit,
            keep_trying=lambda: not pool.ended,
        )

    began_at, started = datetime.now(UTC), time.monotonic()
    chains = [
        Chain(begin=begin, end=end)
        for begin, end in sorted(ranges, key=lambda bounds: bounds[1] or _NEVER, reverse=True)
    ]
    plan = Plan(
        chains,
        full_range=(query.date_from, query.date_to),
        oldest=_oldest_start(client, query) if workers > 1 else None,
    )
    pool = FetchPool(plan, fetch_page, workers=workers, max_pages=options.max_pages)
    collector = PageCollector(pool, fetch_page)
    rows_before = resume.calls.height if resume else 0

    def report_progress() -> None:
        rows, reached = pool.progress()
        on_progress(rows_before + rows, reached)

    pool.start()
    stopped: Stopped | KeyboardInterrupt | None = None
    try:
        while not (
            stopped := Stopped("The fetch was stopped.") if stop() else None
        ) and collector.is_running(_POLL_S):
            report_progress()
        report_progress()
    except KeyboardInterrupt as interrupt:
        stopped = interrupt
    finally:
        pool.stop()
        collector.is_running(None)
    error = stopped or collector.error
    if error and not (collector.pages and isinstance(error, EtelecomError | KeyboardInterrupt)):
        raise error
    logs = collector.build_logs(
        query, plan, began_at=began_at, seconds=time.monotonic() - started, previous=resume
    )
    if plan.dates_ignored:
        warnings.warn(_DATES_IGNORED, stacklevel=3)
    if error:
        raise _incomplete(error, logs) from error
    return logs


def _resumed_query(query: CallQuery | None, partial: CallLogs) -> CallQuery:
    """The query of a partial result, after a check that the query argument is the same."""
    if not isinstance(partial, CallLogs):
        raise InputError(
            "resume must be the .partial of an IncompleteFetch, or the snapshot of one; "
            f"got {type(partial).__name__}."
        )
    if query is not None and query != partial.query:
        raise InputError(
            f"The logs to resume have another query: {partial.query}. "
            "Leave out `query`, or start a new fetch."
        )
    return partial.query


def _oldest_start(client: Client, query: CallQuery) -> datetime | None:
    """The start of the oldest call if the query has no `date_from`, to share out the work."""
    if query.date_from or not query.date_to:
        return None
    try:
        page = client.list_calls(query, limit=1, sort=_OLDEST_FIRST)
    except BadRequest:  # The server may not support this order.
        return None
    return next(iter(scan_body(page.body).starts), None)
