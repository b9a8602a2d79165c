"""Fetching: a fetch in a thread of its own, whose news come back to the loop that began it."""

import math
import threading
import time
from collections.abc import Callable
from datetime import datetime

from ..logs import Fetch
from ..query import CallQuery
from .settling import running_loop

__all__ = ["Fetching"]

_BREATH_S = 0.1


class Fetching:
    """One fetch, under way.

    `show(rows, reached)` and `end(outcome)` are called in the thread of the event loop that ran
    when the fetch began, or by `wait`; where no loop ran, in the fetch's own thread. The outcome is
    what `fetch` gave, or what it raised. Both are called with `lock` held.
    """

    def __init__(
        self,
        fetch: Fetch,
        query: CallQuery,
        *,
        show: Callable[[int, datetime | None], object],
        end: Callable[[object], object],
        lock: threading.RLock,
    ) -> None:
        self.query = query
        self._fetch, self._show, self._end = fetch, show, end
        self._stop, self._done, self._lock = threading.Event(), threading.Event(), lock
        self._news: tuple[int, datetime | None] | None = None
        self._outcome: list[object] = []
        self._loop = running_loop()
        self._thread = threading.Thread(target=self._work, name="etelecom-fetch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to end."""
        return self._stop.is_set()

    def wait(self, timeout_s: float | None) -> bool:
        """Whether it ended within so many seconds; its news are told while it goes on, so that blocking the loop stops nothing."""
        until = time.monotonic() + (math.inf if timeout_s is None else timeout_s)
        while (
            not self._done.wait(max(0.0, min(_BREATH_S, until - time.monotonic())))
            and time.monotonic() < until
        ):
            self.deliver()
        self.deliver()
        return self._done.is_set()

    def deliver(self) -> None:
        """Tell what is new; what was told already is not told again."""
        with self._lock:
            news, self._news = self._news, None
            if self._outcome:
                self._end(self._outcome.pop())
            elif news:
                self._show(*news)

    def _work(self) -> None:
        try:
            outcome: object = self._fetch(self.query, self._on_progress, self._stop.is_set)
        # whatever it is, the panel says it, and the thread ends quietly
        except BaseException as error:  # noqa: BLE001
            outcome = error
        self._outcome.append(outcome)
        self._done.set()
        self._tell()

    def _on_progress(self, rows: int, reached: datetime | None) -> None:
        self._news = rows, reached
        self._tell()

    def _tell(self) -> None:
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self.deliver)
                return
        except RuntimeError:
            pass  # the loop has ended, as that of a page that was closed
        self.deliver()
