"""Where the parts of the Explorer are; the style sheet of panels has their sizes."""

from collections.abc import Sequence

import ipywidgets as ui

from ..keep_keys import KeepKeys
from ..panel_style import PanelStyle

__all__ = ["place_parts"]


def place_parts(
    panel: ui.VBox,
    top: Sequence[ui.DOMWidget],
    sides: Sequence[ui.DOMWidget],
) -> None:
    """Place the parts in the panel.

    Args:
        panel: the panel.
        top: what is at the top, from side to side.
        sides: what is side by side below it, where the panel is wide enough.
    """
    split = ui.Box(list(sides))
    split.add_class("etelecom-split")
    panel.layout.max_width = "1840px"
    panel.add_class("etelecom-explorer")
    panel.children = [PanelStyle(), *top, split, KeepKeys()]
