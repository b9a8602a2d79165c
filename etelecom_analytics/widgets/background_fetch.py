"""BackgroundFetch: a fetch in its own thread, which reports to the event loop that started it."""

import math
import threading
import time
from collections.abc import Callable
from datetime import datetime

from ..logs import Fetch
from ..query import CallQuery
from .panel import running_loop

__all__ = ["BackgroundFetch"]

_POLL_S = 0.1


class BackgroundFetch:
    """One fetch in a thread.

    `on_progress(rows, reached)` and `on_end(outcome)` are called in the thread of the event loop
    that ran at the start, or by `wait`; without a loop, in the thread of the fetch. The outcome is
    the return value of `fetch` or the error that it raised. Both are called with `lock` held.
    """

    def __init__(
        self,
        fetch: Fetch,
        query: CallQuery,
        *,
        on_progress: Callable[[int, datetime | None], object],
        on_end: Callable[[object], object],
        lock: threading.RLock,
    ) -> None:
        self.query = query
        self._fetch, self._on_progress, self._on_end = fetch, on_progress, on_end
        self._stop, self._done, self._lock = threading.Event(), threading.Event(), lock
        self._progress: tuple[int, datetime | None] | None = None
        self._outcome: list[object] = []
        self._loop = running_loop()
        self._thread = threading.Thread(target=self._run, name="etelecom-fetch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Request the end of the fetch."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether the end was requested."""
        return self._stop.is_set()

    def wait(self, timeout_s: float | None) -> bool:
        """Whether the fetch ended within the timeout; None waits without limit.

        Meanwhile it delivers progress, so a caller may block the event loop.
        """
        end = time.monotonic() + (math.inf if timeout_s is None else timeout_s)
        while (
            not self._done.wait(max(0.0, min(_POLL_S, end - time.monotonic())))
            and time.monotonic() < end
        ):
            self.deliver()
        self.deliver()
        return self._done.is_set()

    def deliver(self) -> None:
        """Report new progress or the outcome, each once."""
        with self._lock:
            progress, self._progress = self._progress, None
            if self._outcome:
                self._on_end(self._outcome.pop())
            elif progress:
                self._on_progress(*progress)

    def _run(self) -> None:
        try:
            outcome: object = self._fetch(self.query, self._add_progress, self._stop.is_set)
        # The panel shows any error; the thread ends without one.
        except BaseException as error:  # noqa: BLE001
            outcome = error
        self._outcome.append(outcome)
        self._done.set()
        self._schedule()

    def _add_progress(self, rows: int, reached: datetime | None) -> None:
        self._progress = rows, reached
        self._schedule()

    def _schedule(self) -> None:
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self.deliver)
                return
        except RuntimeError:
            pass  # the loop is closed, as after the page was closed
        self.deliver()
