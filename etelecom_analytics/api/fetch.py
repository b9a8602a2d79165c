"""fetch_calls: from the first page to typed, deduplicated, ordered calls, with an account of every row that came."""

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
from .client import Client
from .collect import PageCollector
from .page_scan import glance
from .plan import Chain, Plan
from .wire import PAGE_LIMIT, Page
from .workers import FetchPool

__all__ = [
    "MAX_WORKERS",
    "FetchOptions",
    "FetchStopped",
    "IncompleteFetch",
    "progress_disabled",
    "fetch_calls",
    "fetcher",
]

MAX_WORKERS = 32
_LOOK_S = 0.1
"""How long a stop may wait to be noticed."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_OLDEST_FIRST = "started_at"
_NO_HEED = (
    "The server ignores the dates that it is asked for, so all of its calls were read in one chain and cut to the query here. "
    "The result is whole; a shorter range is no faster."
)


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """What is seldom changed of a fetch.

    Attributes:
        max_pages: the last guard against a server that never ends: more pages than these are an
            error.
        page_limit: rows a page at most, from 1 to 100; fewer help where something on the way cuts
            long answers.

    Raises:
        InputError: a value is not one of those allowed.
    """

    max_pages: int = 1_000_000
    page_limit: int = PAGE_LIMIT

    def __post_init__(self) -> None:
        if self.max_pages < 1 or not 1 <= self.page_limit <= PAGE_LIMIT:
            raise InputError(
                f"FetchOptions takes at least one page, and 1 to {PAGE_LIMIT} rows a page."
            )


class IncompleteFetch(EtelecomError):
    """A fetch ended before its end; what came until then is kept, and can be completed.

    What is raised is this and, at once, the kind of error that ended it: `except NoAnswer` catches
    a server that died in the middle too.

    Attributes:
        partial: the calls that came, with a report that says which parts of the range they are;
            `fetch_calls(..., resume=partial)` fetches the others. It can be kept as a snapshot
            meanwhile.
        cause: what ended it.
    """

    def __init__(self, cause: BaseException, partial: CallLogs) -> None:
        Exception.__init__(self, cause, partial)  # not that of the other kind
        vars(self).update(vars(cause))
        self.cause, self.partial = cause, partial

    @property
    def missing(self) -> tuple[Window, ...]:
        """The windows that were not read to their end."""
        return tuple(window for window in self.partial.report.windows if not window.whole)

    def __str__(self) -> str:
        return (
            f"{self.cause} {self.partial.calls.height:,} calls came until then: they are the error's .partial, and "
            "fetch_calls(client, query, resume=error.partial) fetches the rest."
        ).lstrip()

    def __reduce__(self) -> tuple[object, ...]:
        return _incomplete, (self.cause, self.partial)


class FetchStopped(IncompleteFetch, Stopped, KeyboardInterrupt):
    """Somebody stopped the fetch: by Ctrl-C, a notebook's stop button, or a panel's Cancel."""


def _incomplete(cause: BaseException, partial: CallLogs) -> IncompleteFetch:
    return _kind(type(cause))(cause, partial)


def _kind(cause: type[BaseException]) -> type[IncompleteFetch]:
    """The class of errors that are both incomplete fetches and errors of this kind."""
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
    """Every call that the query asks for, once, newest first.

    The range of dates is walked in parts side by side; the result does not depend on how many. Of a
    call that comes twice, as calls do that change while they are read, the newest state is kept;
    calls that began outside the query's half-open range are cut away. What was read, from when to
    when, and what was strange is told in `.report`.

    Args:
        client: where to ask.
        query: which calls; all by default. Without any date it is walked as one chain of pages,
            which takes longer.
        workers: how many requests may be under way at once, up to 32.
        progress: show a bar with the calls so far and the date reached; the environment variable
            TQDM_DISABLE=1 turns it off too.
        resume: the `.partial` of a fetch that ended early; only what it lacks is fetched, and the
            whole is returned.
        options: what is seldom changed.

    Raises:
        IncompleteFetch: it ended early, by an error or by Ctrl-C (`FetchStopped`); what came until
            then is its `.partial`.
        ApiError: no answer, or a refusal, before anything came; its kind says what to do.
    """
    if resume is not None:
        query = _resumed(query, resume)
    query = query or CallQuery()
    if not isinstance(query, CallQuery):
        raise InputError(
            f'fetch_calls takes a CallQuery, such as et.CallQuery(date_from="2026-11-01"); got {type(query).__name__}.'
        )
    if not 1 <= workers <= MAX_WORKERS:
        raise InputError(
            f"workers is how many requests may be under way at once, from 1 to {MAX_WORKERS}; got {workers!r}."
        )
    with tqdm(
        desc="Fetching calls", unit=" calls", disable=not progress or progress_disabled()
    ) as bar:

        def show(rows: int, reached: datetime | None) -> None:
            if reached:
                bar.set_postfix_str(
                    f"back to {reached.astimezone(local_time.zone(query.time_zone)):%Y-%m-%d}",
                    refresh=False,
                )
            bar.update(rows - bar.n)

        logs = _fetch(
            client, query, show, stop=lambda: False, workers=workers, resume=resume, options=options
        )
        bar.update(logs.calls.height - bar.n)  # a call at the edge of two parts came with both
        return logs


def progress_disabled() -> bool:
    """Whether no progress bar can or shall be shown: there is no stderr, or TQDM_DISABLE is set.

    tqdm reads TQDM_DISABLE when it is imported; a notebook may set it after that.
    """
    return sys.stderr is None or os.environ.get("TQDM_DISABLE", "0") not in ("", "0")


def fetcher(client: Client, *, workers: int = 4) -> Fetch:
    """`fetch(query, on_progress, stop)` over this client, as a panel wants it.

    `on_progress` is told while pages come; soon after `stop()` has become true, the fetch ends with
    `Stopped`: a `FetchStopped`, with what came until then, if anything did. That can be given as
        `resume`.
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
    spans = (
        [window[:2] for window in resume.report.windows if not window.whole]
        if resume
        else [(query.date_from, query.date_to)]
    )
    if resume and not spans:
        return resume

    @cache
    def part_of(chain: Chain) -> CallQuery:
        return replace(query, date_from=chain.asked_from, date_to=chain.end)

    def ask(chain: Chain, cursor: str) -> Page:
        return client.scan_calls(
            part_of(chain), after=cursor, limit=options.page_limit, wanted=lambda: not walk.ended
        )

    began_at, started = datetime.now(UTC), time.monotonic()
    chains = [
        Chain(begin=begin, end=end)
        for begin, end in sorted(spans, key=lambda span: span[1] or _NEVER, reverse=True)
    ]
    plan = Plan(
        chains,
        whole=(query.date_from, query.date_to),
        oldest=_oldest(client, query) if workers > 1 else None,
    )
    walk = FetchPool(plan, ask, workers=workers, max_pages=options.max_pages)
    gathering = PageCollector(walk, ask)
    walk.start()
    rows_before = resume.calls.height if resume else 0
    stopped: Stopped | KeyboardInterrupt | None = None
    try:
        while not (
            stopped := Stopped("The fetch was stopped.") if stop() else None
        ) and gathering.goes_on(_LOOK_S):
            _tell(on_progress, walk, rows_before)
        _tell(on_progress, walk, rows_before)
    except KeyboardInterrupt as interrupt:
        stopped = interrupt
    finally:
        walk.stop()
        gathering.goes_on(None)
    ended_by = stopped or gathering.error
    if ended_by and not (
        gathering.pages and isinstance(ended_by, EtelecomError | KeyboardInterrupt)
    ):
        raise ended_by
    logs = gathering.logs(
        query, plan, began_at=began_at, seconds=time.monotonic() - started, before=resume
    )
    if plan.dates_ignored:
        warnings.warn(_NO_HEED, stacklevel=3)
    if ended_by:
        raise _incomplete(ended_by, logs) from ended_by
    return logs


def _tell(on_progress: Progress, walk: FetchPool, rows_before: int) -> None:
    rows, reached = walk.progress()
    on_progress(rows_before + rows, reached)


def _resumed(query: CallQuery | None, partial: CallLogs) -> CallQuery:
    """The query that the partial result is of, which must be the one that is asked, if one is."""
    if not isinstance(partial, CallLogs):
        raise InputError(
            f"resume takes the .partial of an IncompleteFetch, or the snapshot of one; got {type(partial).__name__}."
        )
    if query is not None and query != partial.query:
        raise InputError(
            f"What is resumed asked for something else: {partial.query}. Leave the query out, or fetch anew."
        )
    return partial.query


def _oldest(client: Client, query: CallQuery) -> datetime | None:
    """When the oldest call began, if the query leaves it open and one request can tell; only used to share out the work."""
    if query.date_from or not query.date_to:
        return None
    try:
        page = client.list_calls(query, limit=1, sort=_OLDEST_FIRST)
    except BadRequest:  # a server that knows no such order
        return None
    return next(iter(glance(page.body).starts), None)
