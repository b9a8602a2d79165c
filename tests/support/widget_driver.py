"""Use a panel without a browser: find a control by its label, set it, press it, read the HTML."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import altair as alt
import ipywidgets as ui

from etelecom_analytics.widgets.panel import Panel

__all__ = ["control", "press", "put", "run_code", "visible_html", "walk"]


def walk(widget: ui.Widget) -> Iterator[ui.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def control(panel: Panel, label: str) -> Any:
    controls = [part for part in walk(panel) if getattr(part, "description", None) == label]
    assert len(controls) == 1, f"{len(controls)} controls have the label {label!r}"
    return controls[0]


def put(panel: Panel, label: str, value: object) -> None:
    control(panel, label).value = value


def press(panel: Panel, label: str) -> None:
    button = control(panel, label)
    assert not button.disabled, f"{label} is disabled"
    button.click()


def visible_html(panel: Panel) -> str:
    """All visible HTML of the panel."""
    return "\n".join(
        part.value
        for part in walk(panel)
        if isinstance(part, ui.HTML) and part.layout.display != "none"
    )


def run_code(code: str, **names: Any) -> dict[str, Any]:
    """The variables after running copied code, which uses these variables."""
    variables: dict[str, Any] = {"display": lambda _: None, **names}
    with _renderer_restored():
        exec(code, variables)  # as a user does in a notebook  # noqa: S102
    return variables


@contextmanager
def _renderer_restored() -> Iterator[None]:
    active = alt.renderers.active
    try:
        yield
    finally:
        alt.renderers.enable(active)
