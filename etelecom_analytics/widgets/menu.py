"""Menu: a button that opens a popover with widgets."""

from collections.abc import Sequence
from pathlib import Path

import anywidget
import ipywidgets as ui
import traitlets

__all__ = ["Menu", "MenuButton", "popover_script"]


def popover_script(file: Path) -> str:
    """The script of this file, after the functions for a button with a popover."""
    files = (Path(__file__).with_name("popover.js"), file)
    return "\n".join(each.read_text(encoding="utf-8") for each in files)


class MenuButton(anywidget.AnyWidget):
    """The button of a menu.

    Attributes:
        label: the text on the button.
        name: what it opens, with its whole value: the tooltip, and the name for screen readers.
        active: whether the button is highlighted.
    """

    # A path would start a file watcher, which keeps every instance alive.
    _esm = popover_script(Path(__file__).with_name("menu.js"))
    label = traitlets.Unicode().tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    active = traitlets.Bool(default_value=False).tag(sync=True)


class Menu(ui.Box):  # type: ignore[misc]
    """A button and its popover, which Esc and a click elsewhere close.

    The panel needs a `PanelStyle`, which hides the popover until it is opened.

    Args:
        label: the text on the button.
        content: what the popover contains.
        name: the name of the button; by default its text.

    Attributes:
        button: the button.
    """

    def __init__(self, label: str, content: Sequence[ui.DOMWidget], *, name: str = "") -> None:
        self.button = MenuButton(label=label, name=name or label)
        popover = ui.VBox(content)
        popover.add_class("etelecom-popover")
        super().__init__([self.button, popover])
        self.add_class("etelecom-menu")

    def show(self, *, label: str, name: str, active: bool) -> None:
        """Show these texts on the button, highlighted if `active`."""
        with self.button.hold_sync():
            self.button.label, self.button.name, self.button.active = label, name, active
