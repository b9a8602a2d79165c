"""Keys that JupyterLab would take for itself, kept for the controls of a panel."""

from pathlib import Path

import anywidget

__all__ = ["PANEL_CLASS", "KeepKeys"]

PANEL_CLASS = "etelecom-panel"


class KeepKeys(anywidget.AnyWidget):
    """Nothing to see: within the panel that holds it, plain keys reach the controls."""

    _esm = (
        Path(__file__).with_name("keep_keys.js").read_text(encoding="utf-8")
    )  # a path would keep every instance alive, to watch it

    def __init__(self) -> None:
        super().__init__(layout={"display": "none"})
