"""fetch_calls: from the first page to typed, deduplicated, ordered calls, with an account of every row that came."""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
from tqdm.auto import tqdm

from .. import clock, frames
from ..errors import InputError, Stopped
from ..logs import CallLogs, FetchReport, Gap
from ..query import CallQuery
from ..schema import CALL_SCHEMA
from .client import Client
from .paging import follow
from .wire import Page

__all__ = ["Progress", "fetch_calls", "fetcher"]


_LONG_AGO = datetime.min.replace(tzinfo=UTC)

Progress = Callable[[int, datetime | None], None]
"""Told after each page: calls so far, and the start of the oldest of them if it is known."""


def fetch_calls(client: Client, query: CallQuery | None = None, *, progress: bool = True) -> CallLogs:
    """Every call that the query asks for, once, newest first.

    The chain of pages is followed to its end. Of a call that comes twice, as calls do that change while they are read, the newest state
    is kept; calls that began outside the query's half-open range are cut away.

    Args:
        client: where to ask.
        query: which calls; all by default.
        progress: show a bar with the calls so far and the date reached; the environment variable TQDM_DISABLE=1 turns it off too.

    Raises:
        ApiError: no answer, or a refusal; its kind says what to do. Nothing is returned then.
    """
    query = query or CallQuery()
    if not isinstance(query, CallQuery):
        raise InputError(f'fetch_calls takes a CallQuery, such as et.CallQuery(date_from="2026-11-01"); got {type(query).__name__}.')
    # tqdm looks at TQDM_DISABLE when it is imported; a notebook may set it after that.
    disable = not progress or sys.stderr is None or os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
    with tqdm(desc="Fetching calls", unit=" calls", disable=disable) as bar:

        def show(rows: int, reached: datetime | None) -> None:
            if reached:
                bar.set_postfix_str(f"back to {reached.astimezone(clock.zone(query.time_zone)):%Y-%m-%d}", refresh=False)
            bar.update(rows - bar.n)

        return _fetch(client, query, show, stop=lambda: False)


def fetcher(client: Client) -> Callable[[CallQuery, Progress, Callable[[], bool]], CallLogs]:
    """`fetch(query, on_progress, stop)` over this client, as a panel wants it.

    `on_progress` is told after each page; once `stop()` is true, the fetch ends with `Stopped` before its next page.
    """
    return lambda query, on_progress, stop: _fetch(client, query, on_progress, stop=stop)


def _fetch(client: Client, query: CallQuery, on_progress: Progress, *, stop: Callable[[], bool]) -> CallLogs:
    began_at, started = datetime.now(UTC), time.monotonic()
    reader = frames.PageReader()
    pages: list[pl.DataFrame] = []

    def ask(cursor: str) -> Page:
        if stop():
            raise Stopped("The fetch was stopped; nothing of it is kept.")
        return client.list_calls(query, after=cursor)

    rows, reached = 0, None

    def take(page: Page) -> int:
        nonlocal rows, reached
        before = reader.distinct
        pages.append(reader.read(page.body))
        rows += pages[-1].height
        reached = _earlier(reached, pages[-1]["started_at"].min())
        on_progress(rows, reached)
        return reader.distinct - before

    follow(ask, take)

    received = pl.concat([pl.DataFrame(schema=CALL_SCHEMA), *pages])
    unique = frames.newest(received)
    calls = frames.in_order(unique.filter(query.in_range()))
    complete_to = max(min(query.date_to or began_at, began_at), query.date_from or _LONG_AGO)
    report = FetchReport(
        rows=calls.height,
        received=received.height + len(reader.set_aside),
        repeated=received.height - unique.height,
        outside=unique.height - calls.height,
        pages=len(pages),
        began_at=began_at,
        complete_from=query.date_from,
        complete_to=complete_to,
        gaps=(Gap(complete_to, query.date_to),) if query.date_to and complete_to < query.date_to else (),
        seconds=round(time.monotonic() - started, 3),
        drift=reader.drift,
        set_aside=tuple(reader.set_aside),
    )
    return CallLogs(calls=calls, query=query, report=report)


def _earlier(one: datetime | None, other: object) -> datetime | None:
    if not isinstance(other, datetime):
        return one
    return other if one is None else min(one, other)
