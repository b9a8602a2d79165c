"""What a person does with a panel, without a browser: find a control by its label, set it, press it, read what stands there."""

from collections.abc import Iterator
from typing import Any

import ipywidgets as ui

from etelecom_analytics.widgets.panel import Panel

__all__ = ["control", "press", "put", "said", "walk"]


def walk(widget: ui.Widget) -> Iterator[ui.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def control(panel: Panel, label: str) -> Any:
    found = [part for part in walk(panel) if getattr(part, "description", None) == label]
    assert len(found) == 1, f"{len(found)} controls are labelled {label!r}"
    return found[0]


def put(panel: Panel, label: str, value: object) -> None:
    control(panel, label).value = value


def press(panel: Panel, label: str) -> None:
    button = control(panel, label)
    assert not button.disabled, f"{label} cannot be pressed"
    button.click()


def said(panel: Panel) -> str:
    """All HTML that stands on the panel now."""
    return "\n".join(
        part.value
        for part in walk(panel)
        if isinstance(part, ui.HTML) and part.layout.display != "none"
    )
