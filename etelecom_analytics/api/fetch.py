"""fetch_calls: from the first page to typed, deduplicated, ordered calls, with an account of every row that came."""

import os
import time
from datetime import UTC, datetime

import polars as pl
from tqdm.auto import tqdm

from .. import clock, frames
from ..logs import CallLogs, FetchReport
from ..query import CallQuery
from ..schema import CALL_SCHEMA
from .client import Client
from .paging import follow
from .wire import Page

__all__ = ["fetch_calls"]


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
    began_at, started = datetime.now(UTC), time.monotonic()
    reader = frames.PageReader()
    pages: list[pl.DataFrame] = []

    def ask(cursor: str) -> Page:
        return client.list_calls(query, after=cursor)

    def brings_new(page: Page) -> bool:
        known = pl.concat([read["id"] for read in pages])
        return not frames.PageReader().read(page.body)["id"].is_in(known.implode()).all()

    # tqdm looks at TQDM_DISABLE when it is imported; a notebook may set it after that.
    disable = not progress or os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
    with tqdm(desc="Fetching calls", unit=" calls", disable=disable) as bar:
        for page in follow(ask, brings_new):
            pages.append(reader.read(page.body))
            if reached := _reached(pages[-1], query.time_zone):
                bar.set_postfix_str(reached, refresh=False)
            bar.update(pages[-1].height)

    received = pl.concat([pl.DataFrame(schema=CALL_SCHEMA), *pages])
    unique = frames.newest(received)
    calls = frames.in_order(unique.filter(query.in_range()))
    report = FetchReport(
        rows=calls.height,
        received=received.height + len(reader.set_aside),
        repeated=received.height - unique.height,
        outside=unique.height - calls.height,
        pages=len(pages),
        began_at=began_at,
        complete_from=query.date_from,
        complete_to=min(query.date_to or began_at, began_at),
        seconds=round(time.monotonic() - started, 3),
        drift=reader.drift,
        set_aside=tuple(reader.set_aside),
    )
    return CallLogs(calls=calls, query=query, report=report)


def _reached(page: pl.DataFrame, time_zone: str) -> str:
    """The local date that the walk, newest first, has come down to."""
    oldest = page["started_at"].min()
    return f"back to {oldest.astimezone(clock.zone(time_zone)):%Y-%m-%d}" if isinstance(oldest, datetime) else ""
