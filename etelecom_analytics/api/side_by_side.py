"""SideBySide: tasks in threads of their own, which the user can stop at any moment."""

import threading
from collections import deque
from collections.abc import Callable, Iterable

from ..errors import Stopped

__all__ = ["SideBySide"]

_POLL_S = 0.1

Task = Callable[[], None]


class SideBySide:
    """Runs tasks until all have ended, one has failed, or the user stops them.

    A stop does not wait for responses that are pending, so a task checks `has_ended`, with `lock`
    held, before it changes what others read.

    Args:
        workers: maximum number of tasks at a time.
        is_stopped: whether the user has stopped them.
        on_poll: called in the waiting thread from time to time.

    Attributes:
        error: the error of the first task that failed, `Stopped`, `KeyboardInterrupt`, or None.
        lock: protects the results of the tasks.
        has_ended: whether a task has failed, or the user has stopped them.
    """

    def __init__(
        self, *, workers: int, is_stopped: Callable[[], bool], on_poll: Callable[[], None]
    ) -> None:
        self.error: BaseException | None = None
        self.has_ended = False
        self.lock = threading.RLock()
        self._workers, self._is_stopped, self._on_poll = workers, is_stopped, on_poll

    def run(self, tasks: Iterable[Task]) -> None:
        """Run the tasks; does nothing after an end."""
        pending = deque(tasks)
        running, finished = min(self._workers, len(pending)), threading.Event()

        def work() -> None:
            nonlocal running
            try:
                while not self.has_ended:
                    with self.lock:
                        task = pending.popleft() if pending else None
                    if task is None:
                        break
                    task()
            except BaseException as error:  # noqa: BLE001  kept for the thread that waits
                self._end(error)
            finally:
                with self.lock:
                    running -= 1
                    if not running:
                        finished.set()

        if self.has_ended or not pending:
            return
        try:
            for number in range(running):
                # Daemon threads: the program can exit without waiting for a pending response.
                threading.Thread(target=work, name=f"etelecom-label-{number}", daemon=True).start()
            has_finished = False
            while not has_finished:
                has_finished = finished.wait(_POLL_S)
                self._on_poll()
                if self._is_stopped():
                    raise Stopped("The fetch was stopped.")
        except BaseException as error:  # noqa: BLE001  the caller must still get its calls
            self._end(error)

    def _end(self, error: BaseException) -> None:
        with self.lock:
            self.error = self.error or error
            self.has_ended = True
