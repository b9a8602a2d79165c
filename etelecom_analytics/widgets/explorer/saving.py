"""Saving: a name, whether numbers are told in full, and a button that writes what is seen."""

from collections.abc import Callable
from pathlib import Path

import ipywidgets as ui

from ..fields import STYLE
from ..panel import BUTTON
from ..words import StatusLine, in_words

__all__ = ["Saving"]


class Saving(ui.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Writes the calls that are seen; `write(path, full)` does it, and gives the file and how many calls it holds."""

    def __init__(self, write: Callable[[str, bool], tuple[Path, int]], *, full: bool) -> None:
        self._write = write
        self._name = ui.Text(
            value="calls.parquet",
            description="File",
            placeholder="ends in .parquet or .csv",
            style=STYLE,
        )
        self._full = ui.Checkbox(
            value=full, description="Full numbers", indent=False, layout={"width": "auto"}
        )
        self._save = ui.Button(
            description="Export",
            tooltip="Write the calls of the table, all pages, into this file",
            layout=BUTTON,
        )
        self._done, self._failed = StatusLine(alarming=False), StatusLine()
        self._save.on_click(self._pressed)
        row = ui.HBox([self._name, self._full, self._save], layout={"flex_flow": "wrap"})
        super().__init__([row, self._done, self._failed], layout={"overflow": "visible"})

    def forget(self) -> None:
        """Say no more of what was written: other calls are seen now."""
        self._done.say("")
        self._failed.say("")

    def _pressed(self, _: object) -> None:
        self.forget()
        try:
            path, count = self._write(self._name.value.strip(), self._full.value)
        except Exception as error:  # a full disk, too: it is said beside the button  # noqa: BLE001
            self._failed.say(in_words(error))
        else:
            self._done.say(f"{count:,} calls written to {path}")
