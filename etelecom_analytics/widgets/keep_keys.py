"""KeepKeys: lets the controls of a panel receive keys that JupyterLab uses as shortcuts."""

from pathlib import Path

import anywidget

__all__ = ["PANEL_CLASS", "KeepKeys"]

PANEL_CLASS = "etelecom-panel"
"""The CSS class of a panel."""


class KeepKeys(anywidget.AnyWidget):
    """An invisible part of a panel."""

    # A path would start a file watcher, which keeps every instance alive.
    _esm = Path(__file__).with_name("keep_keys.js").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__(layout={"display": "none"})
