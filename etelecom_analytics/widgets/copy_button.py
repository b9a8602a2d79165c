"""A button that puts text on the clipboard of the reader's browser."""

from pathlib import Path

import anywidget
import traitlets

__all__ = ["CopyButton"]


class CopyButton(anywidget.AnyWidget):
    """A button with a label, which copies `code`; where the browser forbids it, the code is shown, selected, to be copied by hand."""

    _esm = (
        Path(__file__).with_name("copy_button.js").read_text(encoding="utf-8")
    )  # a path would keep every instance alive, to watch it

    def __init__(self) -> None:
        super().__init__(layout={"width": "auto", "flex": "1 1 auto"})

    label = traitlets.Unicode("Copy as code").tag(sync=True)
    code = traitlets.Unicode("").tag(sync=True)
