"""EventChart: a chart that reports clicks and brushes, and needs no internet."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets
import vl_convert

from ..charts.theme import embed_script, vega_lite_version
from ..language import tr

__all__ = ["BRUSH", "EventChart"]

BRUSH = "brush"
"""The name of the selection parameter that is reported."""


class EventChart(anywidget.AnyWidget):
    """A widget that shows one chart after another, so that the drawing script is sent once.

    A click reports the values of some fields of the mark; a brush reports its span on the axis.
    """

    chart = traitlets.Dict().tag(sync=True)
    failure = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        *,
        on_click: Callable[[Sequence[object]], object],
        on_brush: Callable[[float, float], object],
    ) -> None:
        self._esm = _script()
        super().__init__(
            failure=tr("The chart failed:"), layout={"width": "auto", "overflow": "auto"}
        )
        self._on_click, self._on_brush = on_click, on_brush
        self.on_msg(self._receive)

    def show(self, spec: Mapping[str, Any], *, fields: Sequence[str], brush: bool) -> None:
        """Draw this specification; a click reports these fields of marks that have all of them."""
        self.chart = {"spec": dict(spec), "fields": list(fields), "brush": brush}

    def _receive(self, _: object, content: Mapping[str, Any], __: object) -> None:
        match content:
            case {"kind": "click", "values": list(values)} if all(
                isinstance(value, str | int | float | None) for value in values
            ):
                self._on_click(values)
            case {"kind": "brush", "span": [int() | float() as begin, int() | float() as end]}:
                self._on_brush(min(begin, end), max(begin, end))


@cache
def _script() -> str:
    """The script with the libraries that it draws with."""
    source = Path(__file__).with_name("event_chart.js").read_text(encoding="utf-8")
    script = f"{embed_script()}\n{source}"
    return str(vl_convert.javascript_bundle(script, vl_version=vega_lite_version()))
