"""Debouncer: waits for further changes before it acts."""

import asyncio
import threading
from collections.abc import Callable

__all__ = ["Debouncer", "running_loop"]


class Debouncer:
    """Calls `action` when there was no change for `delay_s`; at once without a delay or event loop.

    A front end may send changes to a thread with its own event loop. So a change does not cancel
    the timer of an earlier one, which may run elsewhere, but makes it outdated.
    """

    def __init__(self, action: Callable[[], object], *, delay_s: float) -> None:
        self._action, self._delay_s = action, delay_s
        self._latest = 0
        self._lock = threading.Lock()

    def trigger(self) -> None:
        """Call the action after the delay."""
        number = self.cancel()
        loop = running_loop() if self._delay_s > 0 else None
        if loop is None:
            self._action()
        else:
            loop.call_later(self._delay_s, self._run, number)

    def cancel(self) -> int:
        """Make all earlier changes outdated; returns the number of the next one."""
        with self._lock:
            self._latest += 1
            return self._latest

    def _run(self, number: int) -> None:
        if number == self._latest:
            self._action()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread, if there is one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
