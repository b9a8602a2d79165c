"""BackgroundTask: work in its own thread, which reports to the event loop that started it."""

import math
import threading
import time
from collections.abc import Callable
from typing import Generic, ParamSpec

from .debouncer import running_loop

__all__ = ["BackgroundTask", "Stop"]

Progress = ParamSpec("Progress")

Stop = Callable[[], bool]
"""Whether the end was requested."""

_POLL_S = 0.1


class BackgroundTask(Generic[Progress]):
    """One piece of work in a thread.

    `work(report, stop)` may call `report` at any time, and should end soon after `stop()` is True.
    `on_progress`, with the latest arguments of `report`, and `on_end(outcome)` are called in the
    thread of the event loop that ran at the start, or by `wait`; without a loop, in the thread of
    the work. The outcome is the return value of `work` or the error that it raised. Both are called
    with `lock` held.
    """

    def __init__(
        self,
        work: Callable[[Callable[Progress, None], Stop], object],
        *,
        on_progress: Callable[Progress, object],
        on_end: Callable[[object], object],
        lock: threading.RLock,
    ) -> None:
        self._work, self._on_progress, self._on_end = work, on_progress, on_end
        self._stop, self._done, self._lock = threading.Event(), threading.Event(), lock
        self._progress: Callable[[], object] | None = None
        self._outcome: list[object] = []
        self._loop = running_loop()
        self._thread = threading.Thread(target=self._run, name="etelecom-task", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Request the end of the work."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether the end was requested."""
        return self._stop.is_set()

    def wait(self, timeout_s: float | None) -> bool:
        """Whether the work ended within the timeout; None waits without limit.

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
                progress()

    def _run(self) -> None:
        try:
            outcome: object = self._work(self._report, self._stop.is_set)
        # The panel shows any error; the thread ends without one.
        except BaseException as error:  # noqa: BLE001
            outcome = error
        self._outcome.append(outcome)
        self._done.set()
        self._schedule()

    def _report(self, *args: Progress.args, **kwargs: Progress.kwargs) -> None:
        self._progress = lambda: self._on_progress(*args, **kwargs)
        self._schedule()

    def _schedule(self) -> None:
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self.deliver)
                return
        except RuntimeError:
            pass  # the loop is closed, as after the page was closed
        self.deliver()
