"""CopyButton: copies text to the clipboard of the browser."""

from pathlib import Path

import anywidget
import traitlets

from ..language import tr

__all__ = ["CopyButton"]


class CopyButton(anywidget.AnyWidget):
    """A button that copies `code`.

    Where the browser does not allow it, the code is shown and selected, to be copied by hand.
    """

    # A path would start a file watcher, which keeps every instance alive.
    _esm = Path(__file__).with_name("copy_button.js").read_text(encoding="utf-8")

    def __init__(self) -> None:
        texts = {
            "area": tr("Code to copy by hand"),
            "copied": tr("Copied."),
            "blocked": tr(
                "This page cannot write to the clipboard: press Ctrl+C (or Cmd+C) to copy the "
                "selected code."
            ),
        }
        super().__init__(
            label=tr("Copy as code"), texts=texts, layout={"width": "auto", "flex": "1 1 auto"}
        )
        self.add_class("etelecom-copy")

    label = traitlets.Unicode().tag(sync=True)
    texts = traitlets.Dict().tag(sync=True)
    code = traitlets.Unicode("").tag(sync=True)
