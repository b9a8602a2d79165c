"""PageCollector: parses pages in a thread of its own while others are fetched."""

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from ..errors import EtelecomError, Unreadable
from ..fetch_report import PageSetAside
from ..parsing.pages import PageReader
from .chain import Chain
from .page_scan import scan_body
from .wire import Page
from .workers import FetchedPage, FetchPool

__all__ = ["ChainParser", "Hole", "PageCollector"]

_BATCH_PAGES = 16
"""Pages that are parsed together: smaller batches are slower, larger ones need more memory."""
_MAX_REPEATED_PAGES = 10
_POLL_S = 1.0
_FORCED_POLL_S = 0.1
_GRACE_S = 1.5
"""Even a few pages take a while to parse on a busy machine."""
_SMALLEST_STEP = timedelta(microseconds=1)


class Hole(NamedTuple):
    """A part [begin, end) of the range whose calls may be missing; None means no bound."""

    begin: datetime | None
    end: datetime | None


class PageCollector:
    """Parses the pages of a fetch in a thread of its own, which Ctrl-C does not interrupt.

    Args:
        pool: the source of the pages.
        refetch_page: fetches a page again, and decodes it to check it.

    Attributes:
        refetched: the number of pages that were fetched again.
    """

    def __init__(self, pool: FetchPool, refetch_page: Callable[[Chain, str], Page]) -> None:
        self._pool, self._refetch_page = pool, refetch_page
        self._parsers: dict[Chain, ChainParser] = {}
        self._error: BaseException | None = None
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._abandoned = False
        self.refetched = 0
        threading.Thread(target=self._work, name="etelecom-parse", daemon=True).start()

    @property
    def error(self) -> BaseException | None:
        """The error that ended the fetch, or that of a page that could not be parsed, or None."""
        return self._error or next(
            (parser.error for parser in self._parsers.values() if parser.error), None
        )

    @property
    def pages(self) -> int:
        """The number of pages, with those that could not be parsed."""
        return sum(parser.pages for parser in self._parsers.values())

    @property
    def parsers(self) -> dict[Chain, "ChainParser"]:
        """The parser of each chain."""
        return self._parsers

    def is_running(self, timeout_s: float) -> bool:
        """Whether it still runs after so many seconds."""
        # Not Thread.join: after an interrupt, Python 3.11 takes the thread for ended.
        return not self._finished.wait(timeout_s)

    def finish(self, is_forced: Callable[[], bool]) -> None:
        """Wait until all pages are parsed; once it is forced, only for a short time."""
        while self.is_running(_FORCED_POLL_S):
            if is_forced() and self.is_running(_GRACE_S):
                self.abandon()
                return

    def abandon(self) -> None:
        """End at once: pages that are not parsed yet are missing."""
        self._abandoned = True
        with self._lock:
            for chain, parser in self._parsers.items():
                if parser.has_waiting_pages:
                    chain.invalidate()
            for page in self._pool.take_pages(0):
                page.chain.invalidate()

    def _work(self) -> None:
        try:
            while (pages := self._pool.take_pages(_POLL_S)) or not self._pool.ended:
                self._add(pages)
                self._parse(at_least=_BATCH_PAGES)
            self._parse(at_least=1)
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

    def _parse(self, *, at_least: int) -> None:
        for parser in self._parsers.values():
            if not self._abandoned:
                parser.parse(at_least=at_least)

    def _add(self, pages: list[FetchedPage]) -> None:
        with self._lock:
            for page in pages:
                self._parsers.setdefault(page.chain, ChainParser(self._refetch)).add(page)

    def _refetch(self, chain: Chain, cursor: str) -> Page:
        self.refetched += 1
        return self._refetch_page(chain, cursor)


class ChainParser:
    """Parses the pages of one chain in batches.

    Attributes:
        reader: counts irregularities.
        tables: the calls.
        pages: the number of pages, with those that could not be parsed.
        error: the error of the first page that could not be parsed, or None.
    """

    def __init__(self, refetch: Callable[[Chain, str], Page]) -> None:
        self.reader = PageReader()
        self.tables: list[pl.DataFrame] = []
        self.pages = 0
        self.error: EtelecomError | None = None
        self._refetch = refetch
        self._waiting: list[FetchedPage] = []
        self._set_aside: list[tuple[FetchedPage, Hole]] = []
        self._open_holes = 0
        self._oldest: datetime | None = None

    @property
    def has_waiting_pages(self) -> bool:
        """Whether there are pages that are not parsed yet."""
        return bool(self._waiting)

    @property
    def set_aside(self) -> list[PageSetAside]:
        """The pages that could not be parsed."""
        return [
            PageSetAside(hashlib.sha256(page.body).hexdigest(), page.cursor, *hole)
            for page, hole in self._set_aside
        ]

    def add(self, page: FetchedPage) -> None:
        """Add a page; the pages of a chain are in order."""
        self._waiting.append(page)

    def parse(self, *, at_least: int = 1) -> None:
        """Parse the waiting pages, if there are at least so many.

        The scan of a page does not decode its rows. If they are not valid JSON, the page is fetched
        again as often as the retry policy allows; if that fails, it is set aside.
        """
        if len(self._waiting) < at_least:
            return
        batch = self._waiting
        try:
            try:
                self._read(batch)
            except Unreadable:
                for page in batch:
                    self._read_one(page)
        except BaseException:
            batch[0].chain.invalidate()
            raise
        finally:
            self._waiting = self._waiting[len(batch) :]

    def _read(self, pages: list[FetchedPage]) -> None:
        self.tables.append(self.reader.read([page.body for page in pages]))
        self.pages += len(pages)
        for page in pages:
            if page.newest and page.oldest:
                self._close_holes(page.newest)
                self._oldest = page.oldest

    def _read_one(self, page: FetchedPage) -> None:
        try:
            self._read([page])
        except Unreadable:
            try:
                self._read([page._replace(body=body) for body in self._repeat(page)])
            except EtelecomError as error:
                self.error = self.error or error
                self.reader.skip_page()
                self.pages += 1
                chain = page.chain
                end = self._oldest + _SMALLEST_STEP if self._oldest else chain.end
                hole = Hole(chain.begin, end) if chain.in_order else Hole(chain.begin, chain.end)
                self._set_aside.append((page, hole))
                self._open_holes += chain.in_order

    def _repeat(self, page: FetchedPage) -> list[bytes]:
        """The page again, with further pages if others were added and it ends earlier now.

        Raises:
            EtelecomError: a request failed, or there are too many further pages.
        """
        bodies: list[bytes] = []
        cursor = page.cursor
        while len(bodies) < _MAX_REPEATED_PAGES:
            again = self._refetch(page.chain, cursor)
            bodies.append(again.body)
            starts = scan_body(again.body).starts if page.chain.in_order else ()
            has_passed = bool(starts and page.oldest and starts[-1] < page.oldest)
            if has_passed or again.next in ("", page.next):
                return bodies
            cursor = again.next
        raise Unreadable("a page could not be parsed, and its calls have moved to other pages")

    def _close_holes(self, newest: datetime) -> None:
        """Limit the last holes to the calls before the next page, which begins at this time."""
        for index in range(len(self._set_aside) - self._open_holes, len(self._set_aside)):
            page, hole = self._set_aside[index]
            # Calls that began at the same moment may be split between two pages.
            end = max(hole.end, newest + _SMALLEST_STEP) if hole.end else None
            self._set_aside[index] = page, Hole(newest, end)
        self._open_holes = 0
