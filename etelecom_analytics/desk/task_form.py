"""TaskForm: inputs and a button that starts work in a thread; its progress, result or error."""

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import ipywidgets as ui

from ..errors import EtelecomError, Stopped
from ..language import keep_language, tr
from ..widgets.background_task import BackgroundTask, Stop
from ..widgets.panel import make_button
from ..widgets.progress_bar import ProgressBar
from ..widgets.status import StatusLine, error_text

__all__ = ["Report", "TaskForm", "TaskResult", "Work"]

Report = Callable[[str, float | None], None]
"""Receives what is being done, and how much of it is done: a share, or None if it is unknown."""


class TaskResult(NamedTuple):
    """What a task did.

    Attributes:
        text: the sentence about its result.
        code: Python code that does the same with `logs` and `client`.
    """

    text: str
    code: str


Work = Callable[[Report, Stop], TaskResult]
"""The work of a task, in a thread. It raises `Stopped` soon after `stop()` is True, if it can."""


class TaskForm(ui.VBox):  # type: ignore[misc]
    """Inputs and a button; below them progress, result or error.

    Args:
        note: a sentence on what is written.
        inputs: the controls.
        label: the text of the button.
        tooltip: what it does.
        prepare: returns the work for the present inputs; an EtelecomError is shown.
        can_stop: whether the work ends early after Cancel.
        on_change: called when a task starts and after it ended.
        lock: held while the state changes.
    """

    def __init__(
        self,
        note: str,
        inputs: Sequence[ui.DOMWidget],
        *,
        label: str,
        tooltip: str,
        prepare: Callable[[], Work],
        can_stop: bool,
        on_change: Callable[[], object],
        lock: threading.RLock,
    ) -> None:
        self.codes: list[str] = []
        self._prepare, self._on_change, self._lock = prepare, on_change, lock
        self._can_stop, self._is_blocked = can_stop, False
        self._task: BackgroundTask[str, float | None] | None = None
        self._inputs = inputs
        self._button = make_button(label, tooltip, keep_language(self.start))
        self._cancel = make_button(tr("Stop"), tr("Stop this task"), keep_language(self.stop))
        self._bar = ProgressBar(label)
        self._note, self._status = StatusLine(is_error=False), StatusLine(is_error=False)
        self._error_line = StatusLine()
        self._note.show(note)
        row = ui.HBox([*inputs, self._button, self._cancel], layout={"flex_flow": "wrap"})
        super().__init__(
            [self._note, row, self._bar, self._status, self._error_line],
            layout={"overflow": "visible", "margin": "0 0 12px 0"},
        )
        self._show()

    @property
    def running(self) -> bool:
        """Whether its task is running."""
        return self._task is not None

    def start(self) -> None:
        """Start the task; does nothing while one is running."""
        with self._lock:
            if self.running or self._is_blocked:
                return
            self.clear()
            try:
                work = self._prepare()
            except EtelecomError as error:
                self._error_line.show(error_text(error))
                return
            self._status.show(tr("working"))
            self._task = BackgroundTask(
                keep_language(work),
                on_progress=keep_language(self._progressed),
                on_end=keep_language(self._ended),
                lock=self._lock,
            )
            self._show()
            self._on_change()
            self._task.start()

    def stop(self) -> None:
        """Request the end of the task."""
        with self._lock:
            if self._task:
                self._task.stop()
                self._status.show(tr("stopping"))
                self._show()

    def wait(self, timeout_s: float | None) -> bool:
        """Whether no task is running after at most this time; None waits for its end."""
        with self._lock:
            task = self._task
        return task is None or task.wait(timeout_s)

    def block(self, is_blocked: bool) -> None:
        """Disable the form while something else runs."""
        self._is_blocked = is_blocked
        self._show()

    def clear(self) -> None:
        """Remove the messages of the last task."""
        self._status.show("")
        self._error_line.show("")

    def _progressed(self, text: str, share: float | None) -> None:
        if self._task and not self._task.is_stopping:
            self._status.show(text)
            self._bar.show(share)

    def _ended(self, outcome: object) -> None:
        self._task = None
        self.clear()
        self._bar.hide()
        if isinstance(outcome, TaskResult):
            self._status.show(outcome.text)
            self.codes.append(outcome.code)
        elif isinstance(outcome, Stopped):
            self._status.show(str(outcome))
        elif isinstance(outcome, BaseException):
            self._error_line.show(error_text(outcome))
        self._show()
        self._on_change()

    def _show(self) -> None:
        for part in (*self._inputs, self._button):
            part.disabled = self._is_blocked or self._task is not None
        self._cancel.disabled = self._task is None or self._task.is_stopping
        self._cancel.layout.display = None if self._can_stop and self._task else "none"
