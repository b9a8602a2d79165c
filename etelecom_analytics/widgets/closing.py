"""Closing widgets with all their parts: ipywidgets keeps each widget until it is closed."""

from collections.abc import Iterator

import ipywidgets as ui

__all__ = ["close_children", "close_parts", "parts_of"]


def parts_of(widget: ui.Widget) -> Iterator[ui.Widget]:
    """The widgets below this one, also layouts and styles, which are widgets too."""
    for child in getattr(widget, "children", ()):
        yield from parts_of(child)
        yield child
    for name in ("layout", "style"):
        if isinstance(part := getattr(widget, name, None), ui.Widget):
            yield part


def close_parts(widget: ui.Widget) -> None:
    """Close the widgets below this one."""
    for part in tuple(parts_of(widget)):
        part.close()


def close_children(box: ui.Box) -> None:
    """Close the widgets in this box, which itself stays on the page."""
    for child in box.children:
        close_parts(child)
        child.close()
