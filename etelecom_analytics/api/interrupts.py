"""Ctrl-C during a fetch: noted instead of raised, so that no received call is lost."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupts", "noted_interrupts"]

_FORCE_S = 2.0
"""A third Ctrl-C within this time of the one before it ends the wait for work in progress."""


class Interrupts:
    """The presses of Ctrl-C.

    Attributes:
        is_held: whether a press is only noted; otherwise it raises KeyboardInterrupt as usual.
    """

    def __init__(self) -> None:
        self.is_held = False
        self._times: list[float] = []

    @property
    def is_pressed(self) -> bool:
        """Whether Ctrl-C was pressed while it was held."""
        return bool(self._times)

    @property
    def is_forced(self) -> bool:
        """Whether it was pressed at least three times, the last two within two seconds."""
        return len(self._times) > 2 and self._times[-1] - self._times[-2] <= _FORCE_S

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Only note presses; after a press also later, until the end of `noted_interrupts`."""
        self.is_held = True
        try:
            yield
        finally:
            self.is_held = self.is_pressed

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Handle SIGINT."""
        if not self.is_held:
            raise KeyboardInterrupt
        self._times.append(time.monotonic())


_active: Interrupts | None = None


@contextmanager
def noted_interrupts() -> Iterator[Interrupts]:
    """Interrupts that can be held; within another such block, those of that block.

    Only the main thread receives Ctrl-C, and a handler that is not Python's own is kept.
    """
    global _active  # there is one handler per process
    if threading.current_thread() is not threading.main_thread():
        yield Interrupts()
    elif _active is not None:
        yield _active
    elif signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield Interrupts()
    else:
        _active = Interrupts()
        signal.signal(signal.SIGINT, _active.on_signal)
        try:
            yield _active
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _active = None
