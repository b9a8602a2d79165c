"""Debouncer: doing something once a run of changes is over."""

import asyncio
import threading
from collections.abc import Callable

__all__ = ["Debouncer", "running_loop"]


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Debouncer:
    """Calls `act` when no change has come for `delay_s`; at once where no event loop runs, or without a delay.

    Front ends may send changes to a thread and a loop of their own, so a newer change does not
    cancel the timer of an older one, which may tick elsewhere, but outdates it.
    """

    def __init__(self, act: Callable[[], object], *, delay_s: float) -> None:
        self._act, self._delay_s = act, delay_s
        self._newest = 0
        self._lock = threading.Lock()

    def changed(self) -> None:
        """Something changed."""
        mine = self.forget()
        loop = running_loop() if self._delay_s > 0 else None
        if loop is None:
            self._act()
        else:
            loop.call_later(self._delay_s, self._settle, mine)

    def forget(self) -> int:
        """The number of the change that is now the newest; those before it are outdated."""
        with self._lock:
            self._newest += 1
            return self._newest

    def _settle(self, mine: int) -> None:
        if mine == self._newest:
            self._act()
