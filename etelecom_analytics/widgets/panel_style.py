"""PanelStyle: the style sheet of a panel."""

from pathlib import Path

import anywidget

__all__ = ["PanelStyle"]

_FOLDER = Path(__file__).parent


class PanelStyle(anywidget.AnyWidget):
    """An invisible part of a panel that sends the style sheet; its rules are for panels only."""

    # A path would start a file watcher, which keeps every instance alive.
    _esm = "export default { render() {} };"
    _css = (_FOLDER / "panel.css").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__(layout={"display": "none"})
