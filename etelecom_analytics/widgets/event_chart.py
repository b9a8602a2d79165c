"""EventChart: a chart that reports clicks and brushes, and needs no internet."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import anywidget
import traitlets
import vl_convert

from ..charts.theme import embed_script, vega_lite_version
from ..language import tr

__all__ = ["ACTIVE", "CHOSEN", "SPAN", "EventChart"]

CHOSEN, ACTIVE, SPAN = "chosen", "active", "span"
"""The parameters that the page sets: the chosen marks, the active mark, the ends of the brush."""

_SCRIPTS = ("chart_brush.js", "chart_keys.js", "event_chart.js")


class MarkGroup(Protocol):
    """A group of marks."""

    @property
    def label(self) -> str:
        """Its label."""

    @property
    def mark_id(self) -> object:
        """What identifies its marks."""

    @property
    def text(self) -> str:
        """Its value."""


class Chart(Protocol):
    """A chart with groups of marks."""

    @property
    def spec(self) -> dict[str, Any]:
        """The Vega-Lite specification."""

    @property
    def fields(self) -> Sequence[str]:
        """The fields of a mark that a click reports."""

    @property
    def groups(self) -> Mapping[tuple[object, ...], MarkGroup]:
        """The groups by these fields."""

    @property
    def edges(self) -> tuple[int, int] | None:
        """Where an axis that can be brushed begins and ends."""

    def span_of(self, chosen: Collection[object]) -> tuple[int, int] | None:
        """Where chosen groups begin and end on this axis; None if they have gaps."""


class EventChart(anywidget.AnyWidget):
    """A widget that shows one chart after another, so that the drawing script is sent once.

    A click reports the values of some fields of the mark; a brush reports its span on the axis;
    both with whether Shift, Ctrl or Cmd was pressed. The keyboard selects groups as clicks do.
    """

    chart = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Dict().tag(sync=True)
    texts = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        *,
        on_click: Callable[[Sequence[object], bool], object],
        on_brush: Callable[[float, float, bool], object],
    ) -> None:
        self._esm = _script()
        texts = {
            "failure": tr("The chart failed:"),
            "groups": tr(
                "Groups of the chart. Arrow keys move, Enter selects, Shift and Enter adds."
            ),
        }
        super().__init__(texts=texts, layout={"width": "auto", "overflow": "auto"})
        self._on_click, self._on_brush = on_click, on_brush
        self._shown: Chart | None = None
        self.on_msg(self._receive)

    def show(self, chart: Chart, chosen: Collection[object], note: str) -> None:
        """Draw a chart with its chosen groups, by the identity of their marks, and a note."""
        span = chart.span_of(chosen)
        with self.hold_sync():  # one message, so that the page never shows one without the other
            if chart is not self._shown:
                self.chart = _content(chart)
                self._shown = chart
            self.chosen = {"ids": list(chosen), "span": span and list(span), "note": note}

    def restore_span(self) -> None:
        """Move the brush to the chosen groups, after it was dropped somewhere else."""
        self.send({"kind": "span"})

    def _receive(self, _: object, content: Mapping[str, Any], __: object) -> None:
        match content:
            case {"kind": "click", "values": list(values), **rest} if all(
                isinstance(value, str | int | float | None) for value in values
            ):
                self._on_click(values, rest.get("add") is True)
            case {"kind": "brush", "span": [int() | float() as begin, int() | float() as end]}:
                first, last = sorted((begin, end))
                self._on_brush(first, last, content.get("add") is True)


def _content(chart: Chart) -> dict[str, Any]:
    """What the page needs to draw the chart, and to report its groups."""
    groups = [
        {"values": list(values), "id": each.mark_id, "label": each.label}
        | ({"text": each.text} if each.text else {})
        for values, each in chart.groups.items()
    ]
    return {
        "spec": chart.spec,
        "fields": list(chart.fields),
        "edges": chart.edges and list(chart.edges),
        "groups": groups,
    }


@cache
def _script() -> str:
    """The script with the libraries that it draws with."""
    folder = Path(__file__).parent
    sources = [(folder / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    script = "\n".join([embed_script(), *sources])
    return str(vl_convert.javascript_bundle(script, vl_version=vega_lite_version()))
