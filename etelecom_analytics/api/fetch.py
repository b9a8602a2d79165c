"""fetch_calls: all calls of a query as one table, and a report of every received row."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tqdm.auto import tqdm

from .. import local_time
from ..errors import InputError, Stopped
from ..logs import CallLogs, Fetch, Progress
from ..query import CallQuery
from ..system_calls import progress_disabled
from .client import MAX_WORKERS, Client
from .incomplete import FetchStopped, IncompleteFetch, incomplete_fetch
from .interrupts import noted_interrupts
from .run import run_fetch
from .wire import PAGE_LIMIT

__all__ = [
    "MAX_WORKERS",
    "FetchOptions",
    "FetchStopped",
    "IncompleteFetch",
    "fetch_calls",
    "fetcher",
]


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """Advanced options of a fetch.

    Attributes:
        max_pages: more pages than this are an error, to guard against a server that never ends.
        page_limit: maximum number of rows per page, from 1 to 100. Smaller pages help if a proxy
            truncates long responses.

    Raises:
        InputError: a value is out of range.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     client = et.Client(server.base_url, server.api_key)
        ...     small_pages = et.FetchOptions(page_limit=25)
        ...     logs = et.fetch_calls(client, fetch_options=small_pages, progress=False)
        >>> logs.report.pages
        17
    """

    max_pages: int = 1_000_000
    page_limit: int = PAGE_LIMIT

    def __post_init__(self) -> None:
        if self.max_pages < 1 or not 1 <= self.page_limit <= PAGE_LIMIT:
            raise InputError(
                "FetchOptions needs max_pages of at least 1, "
                f"and page_limit from 1 to {PAGE_LIMIT}."
            )


def fetch_calls(
    client: Client,
    query: CallQuery | None = None,
    *,
    workers: int = 4,
    progress: bool = True,
    resume: CallLogs | None = None,
    fetch_options: FetchOptions = FetchOptions(),
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
        fetch_options: advanced options.

    Raises:
        IncompleteFetch: the fetch ended early, by an error or by Ctrl-C (`FetchStopped`); the calls
            received before are in its `.partial`.
        ApiError: the first request failed; the class of the error shows what to do.
        InputError: an argument is not valid.

    Examples:
        >>> query = et.CallQuery(date_from="2026-11-02", date_to="2026-11-03", direction="in")
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     client = et.Client(server.base_url, server.api_key)
        ...     logs = et.fetch_calls(client, query, progress=False)
        >>> logs.calls.height, logs.report.complete
        (59, True)
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
    with (
        noted_interrupts(),
        tqdm(
            desc="Fetching calls", unit=" calls", disable=not progress or progress_disabled()
        ) as bar,
    ):

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
            fetch_options=fetch_options,
        )
        # A call at the edge of two parts is received with both of them.
        bar.update(logs.calls.height - bar.n)
        return logs


def fetcher(client: Client, *, workers: int = 4) -> Fetch:
    """A function `fetch(query, on_progress, stop)` with this client, as panels take it.

    It calls `on_progress` while pages are received. Soon after `stop()` returns True, it raises
    `Stopped`: a `FetchStopped` with the calls received before, if there are any. Its optional
    argument `resume` is that of `fetch_calls`.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     fetch = et.fetcher(et.Client(server.base_url, server.api_key))
        ...     logs = fetch(et.CallQuery(), lambda calls, reached: None, lambda: False)
        >>> logs.calls.height
        400
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
            fetch_options=FetchOptions(),
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
    fetch_options: FetchOptions,
) -> CallLogs:
    logs, error, texts = run_fetch(
        client,
        query,
        on_progress,
        stop=stop,
        workers=workers,
        resume=resume,
        max_pages=fetch_options.max_pages,
        page_limit=fetch_options.page_limit,
    )
    for text in texts:
        warnings.warn(text, stacklevel=3)
    if error and logs:
        raise incomplete_fetch(error, logs) from error
    if logs is None:
        raise error or Stopped("The fetch was stopped.")
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
