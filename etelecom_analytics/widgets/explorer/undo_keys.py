"""UndoKeys: Ctrl+Z undoes a change of the panel; Ctrl+Shift+Z and Ctrl+Y redo it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget

__all__ = ["UndoKeys"]


class UndoKeys(anywidget.AnyWidget):
    """An invisible part of a panel, which receives the keys except in text fields.

    It also keeps the focus in the panel when an undone change replaces the focused control.
    """

    # A path would start a file watcher, which keeps every instance alive.
    _esm = Path(__file__).with_name("undo_keys.js").read_text(encoding="utf-8")

    def __init__(self, *, on_undo: Callable[[], object], on_redo: Callable[[], object]) -> None:
        super().__init__(layout={"display": "none"})
        self._on_undo, self._on_redo = on_undo, on_redo
        self.on_msg(self._receive)

    def _receive(self, _: object, content: Mapping[str, Any], __: object) -> None:
        match content:
            case {"kind": "undo"}:
                self._on_undo()
            case {"kind": "redo"}:
                self._on_redo()
