"""FetchPool: worker threads that follow the chains of a plan in parallel.

Workers wait for the network; the caller of `take_pages` waits for workers only, so that it can stop
at any moment. Under one lock, a page is recorded in the plan and added to the queue, so that both
always agree. No page is added after the end.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from ..errors import PagingError
from .chain import Chain
from .page_scan import scan_body
from .paging import follow
from .plan import Plan
from .wire import Page

__all__ = ["FetchPool", "FetchedPage"]

_MAX_QUEUED_PAGES = 64
"""Workers wait while so many pages are not parsed yet, to limit memory."""


class FetchedPage(NamedTuple):
    """A received page.

    Attributes:
        chain, cursor: its chain, and the cursor with which it was requested.
        body: the body of the response.
        next: the cursor of the next page.
        newest, oldest: the first and the last start on the page, or None.
    """

    chain: Chain
    cursor: str
    body: bytes
    next: str
    newest: datetime | None
    oldest: datetime | None


class _ChainCancelled(Exception):
    """The chain, or the whole fetch, is not needed any more."""


class FetchPool:
    """Worker threads for the chains of a plan.

    Args:
        plan: the chains; only the workers change it while they run.
        fetch_page: returns the page of a chain after a cursor.
        workers: the number of threads.
        max_pages: more pages than these, over all chains, are an error.

    Attributes:
        error: the error that ended the fetch, or None.
    """

    def __init__(
        self, plan: Plan, fetch_page: Callable[[Chain, str], Page], *, workers: int, max_pages: int
    ) -> None:
        self.error: BaseException | None = None
        self._plan, self._fetch_page, self._max_pages = plan, fetch_page, max_pages
        self._queue: deque[FetchedPage] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._pages, self._idle, self._running = 0, 0, workers

    def start(self) -> None:
        """Start the workers."""
        for number in range(self._running):
            # Daemon threads: the program can exit without waiting for a pending response.
            threading.Thread(
                target=self._work, name=f"etelecom-fetch-{number}", daemon=True
            ).start()

    def take_pages(self, timeout_s: float) -> list[FetchedPage]:
        """The pages received since the last call; the pages of a chain are in order.

        The list is empty if no page arrives within the timeout, or after the end.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self.ended, timeout_s)
            pages = list(self._queue)
            self._queue.clear()
            self._changed.notify_all()
            return pages

    @property
    def stopped(self) -> bool:
        """Whether it was stopped, or ended by an error."""
        return self._stopped

    @property
    def ended(self) -> bool:
        """Whether no more pages will be added."""
        return self._stopped or not self._running

    def stop(self) -> None:
        """End the fetch now; responses that are still pending are discarded."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def progress(self) -> tuple[int, datetime | None]:
        """The number of calls so far, and the moment from which on all calls were received."""
        with self._changed:
            return self._plan.rows, self._plan.reached

    def _work(self) -> None:
        try:
            while chain := self._next_chain():
                with suppress(_ChainCancelled):
                    self._follow(chain)
        except BaseException as error:  # reported by the thread that waits  # noqa: BLE001
            with self._changed:
                self.error = self.error or error
                self._stopped = True
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _next_chain(self) -> Chain | None:
        """The next chain to follow, once there is one; None after the end."""
        with self._changed:
            self._idle += 1
            try:
                while not self._stopped and not self._plan.all_done:
                    if chain := self._plan.next_chain(self._idle):
                        return chain
                    self._changed.wait()
            finally:
                self._idle -= 1
        return None

    def _follow(self, chain: Chain) -> None:
        known_rows: set[bytes] = set()
        last_cursor = ""

        def fetch_page(cursor: str) -> Page:
            nonlocal last_cursor
            last_cursor = cursor
            return self._fetch_page(chain, cursor)

        def add_page(page: Page) -> int:
            scan = scan_body(page.body)
            rows = set(scan.ids) or (set() if page.is_empty else {page.body})
            new_rows = rows - known_rows
            known_rows.update(new_rows)
            with self._changed:
                self._changed.wait_for(
                    lambda: self._stopped or len(self._queue) < _MAX_QUEUED_PAGES
                )
                if self._stopped or chain not in self._plan.chains:
                    raise _ChainCancelled
                self._pages += 1
                if self._pages > self._max_pages:
                    raise PagingError(
                        f"{self._max_pages:,} pages were read, and there are more",
                        cursor=last_cursor,
                        pages=self._max_pages,
                    )
                self._plan.record_page(
                    chain,
                    scan,
                    len(new_rows),
                    cursor=page.next,
                    repeats=len(new_rows) < len(rows),
                )
                newest, oldest = (scan.starts[0], scan.starts[-1]) if scan.starts else (None, None)
                self._queue.append(
                    FetchedPage(chain, last_cursor, page.body, page.next, newest, oldest)
                )
                self._changed.notify_all()
            return len(new_rows)

        def is_complete() -> bool:
            with self._changed:
                return self._plan.is_complete(chain)

        follow(fetch_page, add_page, is_complete=is_complete)
        with self._changed:
            chain.close(by_cursor=not self._plan.is_complete(chain))
            self._changed.notify_all()
