"""fetch_calls: all calls of a query as one table, and a report of every received row."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from tqdm.auto import tqdm

from .. import local_time
from ..errors import InputError, Stopped
from ..language import ntr, tr
from ..logs import CallLogs, Fetch, Progress
from ..query import CallQuery
from ..system_calls import progress_disabled
from .client import MAX_WORKERS, Client
from .hotline_labels import HotlineLabeller, LabelSettings, OnLabels
from .incomplete import FetchStopped, IncompleteFetch, incomplete_fetch
from .interrupts import noted_interrupts
from .run import Outcome, run_fetch
from .wire import PAGE_LIMIT

__all__ = [
    "MAX_WORKERS",
    "FetchOptions",
    "FetchStopped",
    "Fetcher",
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
    label_hotlines: bool = False,
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
        label_hotlines: add `hotline_id`, `hotline`, its number or name, and `department_id`. After
            the calls, the missed inbound calls of each hotline are requested again, because a
            missed call has no extension: at most (1 + share of missed inbound calls) times the
            pages, plus 2 per hotline. Other calls have the hotline of their extension, unless the
            server returned them for another one. The department is that of the call's user, or of
            the extensions that rang (see `CallLogs.with_names`). `.report.hotline_labels` counts
            the calls without a hotline and has what went wrong; no call is lost. With complete logs
            as `resume`, only the hotlines are requested.
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
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     client = et.Client(server.base_url, server.api_key)
        ...     logs = et.fetch_calls(client, query, label_hotlines=True, progress=False)
        >>> logs.calls.columns[-2:], logs.report.hotline_labels.unlabelled_missed
        (['hotline_id', 'hotline'], 0)
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
            desc=tr("Fetching calls"),
            unit=f" {tr('calls')}",
            disable=not progress or progress_disabled(),
        ) as bar,
    ):

        def show_progress(rows: int, reached: datetime | None) -> None:
            if reached:
                day = reached.astimezone(local_time.zone(query.time_zone))
                bar.set_postfix_str(tr("back to {day}", day=day.date()), refresh=False)
            bar.update(rows - bar.n)

        pages_shown = 0

        def show_labels(pages: int) -> None:
            nonlocal pages_shown
            if pages != pages_shown:
                pages_shown = pages
                text = ntr("{n} page of hotlines", "{n} pages of hotlines", pages)
                bar.set_postfix_str(text)

        logs = _fetch(
            client,
            query,
            show_progress,
            stop=lambda: False,
            workers=workers,
            resume=resume,
            labeller=HotlineLabeller(client) if label_hotlines else None,
            on_label_pages=show_labels,
            fetch_options=fetch_options,
        )
        # A call at the edge of two parts is received with both of them.
        bar.update(logs.calls.height - bar.n)
        return logs


def fetcher(
    client: Client | None = None, *, workers: int = 4, label_hotlines: bool = False
) -> Fetch:
    """A function `fetch(query, on_progress, stop)` with this client, as panels take it.

    Without a client, the first call makes one by `Client.from_env`, so a missing key is an error of
    the call.

    It calls `on_progress` while pages are received. Soon after `stop()` returns True, it raises
    `Stopped`: a `FetchStopped` with the calls received before, if there are any. Its optional
    argument `resume` is that of `fetch_calls`, and so is `label_hotlines`.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     fetch = et.fetcher(et.Client(server.base_url, server.api_key))
        ...     logs = fetch(et.CallQuery(), lambda calls, reached: None, lambda: False)
        >>> logs.calls.height
        400
    """
    if client is None:
        return _LazyFetcher(workers=workers, label_hotlines=label_hotlines)
    return Fetcher(
        client=client,
        workers=workers,
        labeller=(lambda: HotlineLabeller(client)) if label_hotlines else None,
    )


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """The function that `fetcher` returns.

    Attributes:
        client, workers: those of `fetcher`.
        labeller: returns what labels the calls of a fetch; None: they are not labelled.
    """

    client: Client
    workers: int
    labeller: Callable[[], HotlineLabeller] | None = None

    @property
    def label_hotlines(self) -> bool:
        """Whether calls are labelled."""
        return self.labeller is not None

    def __call__(
        self,
        query: CallQuery,
        on_progress: Progress,
        stop: Callable[[], bool],
        *,
        resume: CallLogs | None = None,
    ) -> CallLogs:
        """The calls of the query."""
        return _fetch(
            self.client,
            query,
            on_progress,
            stop=stop,
            workers=self.workers,
            resume=resume,
            labeller=self.labeller() if self.labeller else None,
            fetch_options=FetchOptions(),
        )


class _LazyFetcher:
    """A Fetcher whose client is made when it is used."""

    client_code = "client = et.Client.from_env()"

    def __init__(self, *, workers: int, label_hotlines: bool) -> None:
        self.workers, self.label_hotlines = workers, label_hotlines

    @cached_property
    def client(self) -> Client:
        return Client.from_env()

    def __call__(
        self,
        query: CallQuery,
        on_progress: Progress,
        stop: Callable[[], bool],
        *,
        resume: CallLogs | None = None,
    ) -> CallLogs:
        fetch = fetcher(self.client, workers=self.workers, label_hotlines=self.label_hotlines)
        return fetch(query, on_progress, stop, resume=resume)


def _fetch(
    client: Client,
    query: CallQuery,
    on_progress: Progress,
    *,
    stop: Callable[[], bool],
    workers: int,
    resume: CallLogs | None,
    labeller: HotlineLabeller | None,
    fetch_options: FetchOptions,
    on_label_pages: OnLabels = lambda pages: None,
) -> CallLogs:
    with noted_interrupts() as interrupts:
        outcome = run_fetch(
            client,
            query,
            on_progress,
            stop=stop,
            workers=workers,
            resume=resume,
            max_pages=fetch_options.max_pages,
            page_limit=fetch_options.page_limit,
        )
        if labeller and outcome.logs and not outcome.error:
            settings = LabelSettings(
                workers=workers,
                max_pages=fetch_options.max_pages,
                page_limit=fetch_options.page_limit,
                is_stopped=lambda: interrupts.is_pressed or stop(),
                on_pages=on_label_pages,
            )
            with interrupts.hold():
                labelled = labeller.label(outcome.logs, settings)
            texts = (*outcome.warnings, *labelled.warnings)
            outcome = Outcome(labelled.logs, labelled.error, texts)
    logs, error, texts = outcome
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
