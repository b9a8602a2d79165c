"""EventChart: a chart that tells what was clicked and what was brushed, without the internet."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
import anywidget
import traitlets
import vl_convert

__all__ = ["BRUSH", "EventChart", "vega_lite_version"]

BRUSH = "brush"
"""The name of the selection in a specification whose spans are told."""


class EventChart(anywidget.AnyWidget):
    """A chart in one place: another takes it over, so that the script that draws comes once and each chart is a few kB.

    A click tells, of the mark under it, the values of some fields; a brush the span that it covers
    on its axis.
    """

    told = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        *,
        clicked: Callable[[Sequence[object]], object],
        brushed: Callable[[float, float], object],
    ) -> None:
        self._esm = _script()
        super().__init__(layout={"width": "auto", "overflow": "auto"})
        self._clicked, self._brushed = clicked, brushed
        self.on_msg(self._heard)

    def show(self, spec: Mapping[str, Any], *, fields: Sequence[str], brush: bool) -> None:
        """Draw this specification; a click tells these fields of marks that have them all."""
        self.told = {"spec": dict(spec), "fields": list(fields), "brush": brush}

    def _heard(self, _: object, content: Mapping[str, Any], __: object) -> None:
        match content:
            case {"kind": "click", "values": list(values)} if all(
                isinstance(value, str | int | float | None) for value in values
            ):
                self._clicked(values)
            case {"kind": "brush", "span": [int() | float() as one, int() | float() as other]}:
                self._brushed(min(one, other), max(one, other))


def vega_lite_version() -> str:
    """The newest Vega-Lite that the bundler has of the major version that Altair writes."""
    major = alt.SCHEMA_VERSION.removeprefix("v").split(".")[0]
    known = [text for text in vl_convert.get_vegalite_versions() if text.split(".")[0] == major]
    return str(max(known, key=lambda text: tuple(map(int, text.split(".")))))


@cache
def _script() -> str:
    """The script with all that it draws with; made when the first chart asks for it."""
    source = Path(__file__).with_name("event_chart.js").read_text(encoding="utf-8")
    return str(vl_convert.javascript_bundle(source, vl_version=vega_lite_version()))
