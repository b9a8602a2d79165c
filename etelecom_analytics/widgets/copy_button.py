"""CopyButton: copies text to the clipboard of the browser."""

from pathlib import Path

import anywidget
import traitlets

__all__ = ["CopyButton"]


class CopyButton(anywidget.AnyWidget):
    """A button that copies `code`.

    Where the browser does not allow it, the code is shown and selected, to be copied by hand.
    """

    # A path would start a file watcher, which keeps every instance alive.
    _esm = Path(__file__).with_name("copy_button.js").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__(layout={"width": "auto", "flex": "1 1 auto"})

    label = traitlets.Unicode("Copy as code").tag(sync=True)
    code = traitlets.Unicode("").tag(sync=True)
