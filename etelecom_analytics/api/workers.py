"""FetchPool: the chains of a plan, walked by workers side by side, while somebody else parses the pages that they bring.

A worker waits for the network; who asks for `arrivals` waits for workers, and never for the
network, so that a stop is a stop at once. What the plan says was shown and what was handed over
never differ: both happen under one lock, and nothing is added after the end.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from ..errors import PagingError
from .page_scan import glance
from .paging import follow
from .plan import Chain, Plan
from .wire import Page

__all__ = ["FetchedPage", "FetchPool"]

_MOST_WAITING = 64
"""Pages that lie unparsed before workers wait: they hold memory."""


class FetchedPage(NamedTuple):
    """A page that came."""

    chain: Chain
    cursor: str
    body: bytes


class _GivenUp(Exception):
    """Nobody wants this chain, or all of the walk, any more."""


class FetchPool:
    """Workers on a plan.

    Args:
        plan: what is to be walked; while workers are at it, it is theirs.
        ask: gives the page of a chain after a cursor.
        workers: how many walk at once.
        max_pages: more than these, all chains together, is an error.

    Attributes:
        error: what ended it, if something did.
    """

    def __init__(
        self, plan: Plan, ask: Callable[[Chain, str], Page], *, workers: int, max_pages: int
    ) -> None:
        self.error: BaseException | None = None
        self._plan, self._ask, self._max_pages = plan, ask, max_pages
        self._arrived: deque[FetchedPage] = deque()
        self._changed = threading.Condition()
        self._over = False
        self._pages, self._idle, self._working = 0, 0, workers

    def start(self) -> None:
        """Let the workers begin."""
        for number in range(self._working):
            # Daemons: a program that ends does not wait for an answer that nobody wants any more.
            threading.Thread(
                target=self._work, name=f"etelecom-fetch-{number}", daemon=True
            ).start()

    def take_pages(self, timeout_s: float) -> list[FetchedPage]:
        """The pages that came since, each chain's in its order; none after so many seconds without one, or where it has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._arrived or self.ended, timeout_s)
            came = list(self._arrived)
            self._arrived.clear()
            self._changed.notify_all()
            return came

    @property
    def ended(self) -> bool:
        """Whether nothing comes any more."""
        return self._over or not self._working

    def stop(self) -> None:
        """End it now; workers that wait for an answer are left to themselves, and what they get is not wanted."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def progress(self) -> tuple[int, datetime | None]:
        """How many calls came so far, and the moment from which on all are here."""
        with self._changed:
            return self._plan.rows, self._plan.reached

    def _work(self) -> None:
        try:
            while chain := self._next_chain():
                with suppress(_GivenUp):
                    self._follow(chain)
        except BaseException as error:  # whatever it is, it is told to who waits for the pages  # noqa: BLE001
            with self._changed:
                self.error = self.error or error
                self._over = True
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def _next_chain(self) -> Chain | None:
        """A chain to follow, once there is one; None where there will be none."""
        with self._changed:
            self._idle += 1
            try:
                while not self._over and not self._plan.all_done:
                    if chain := self._plan.next_chain(self._idle):
                        return chain
                    self._changed.wait()
            finally:
                self._idle -= 1
        return None

    def _follow(self, chain: Chain) -> None:
        seen: set[bytes] = set()
        last = ""

        def ask(cursor: str) -> Page:
            nonlocal last
            last = cursor
            return self._ask(chain, cursor)

        def take(page: Page) -> int:
            look = glance(page.body)
            rows = set(look.ids) or (set() if page.is_empty else {page.body})
            new = rows - seen
            seen.update(new)
            with self._changed:
                self._changed.wait_for(lambda: self._over or len(self._arrived) < _MOST_WAITING)
                if self._over or chain not in self._plan.chains:
                    raise _GivenUp
                self._pages += 1
                if self._pages > self._max_pages:
                    raise PagingError(
                        f"{self._max_pages:,} pages were read, and there are more",
                        cursor=last,
                        pages=self._max_pages,
                    )
                self._plan.saw(chain, look, len(new))
                self._arrived.append(FetchedPage(chain, last, page.body))
                self._changed.notify_all()
            return len(new)

        def enough() -> bool:
            with self._changed:
                return self._plan.has_enough(chain)

        follow(ask, take, enough=enough)
        with self._changed:
            chain.done = True
            self._changed.notify_all()
