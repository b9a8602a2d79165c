"""ChartView: a chart that follows a panel."""

from collections.abc import Callable
from typing import Any

import altair as alt
import ipywidgets as ui

from ..charts.theme import offline_bundle
from ..metrics import Selection
from .filter_panel import FilterPanel
from .words import in_words

__all__ = ["ChartView", "outputs_of"]


class ChartView(ui.Output):  # type: ignore[misc]  # ipywidgets has no types
    """A chart of the calls that a panel lets through, drawn anew whenever the panel asks something else.

    It is sent as a specification that JupyterLab draws by itself, so it needs neither the internet
    nor a megabyte of script.

    Args:
        panel: whose calls are drawn.
        draw: makes the chart of the calls selected, such as `et.charts.answer_rate`; a function of
            one's own finds their table in `selection.calls`.
    """

    def __init__(self, panel: FilterPanel, draw: Callable[[Selection], alt.TopLevelMixin]) -> None:
        super().__init__()
        self._description = ""
        self._panel, self._draw_of = panel, draw
        self.draw()
        panel.observe_query(lambda _: self.draw())

    @property
    def description(self) -> str:
        """What the chart shows, in words."""
        return self._description

    def draw(self) -> None:
        """Draw the chart of the calls that the panel lets through now; what fails is said in its place."""
        self.outputs = outputs_of(lambda: self._draw_of(self._panel.selection))
        self._description = str(self.outputs[0]["data"]["text/plain"])

    def __repr__(self) -> str:
        return f"ChartView: {self.description}"


def outputs_of(draw: Callable[[], alt.TopLevelMixin]) -> tuple[dict[str, Any], ...]:
    """What an Output shows of a chart: its specification, and its description; what fails is said in its place."""
    try:
        # Altair's check of its own specification takes as long as the numbers do.
        bundle = offline_bundle(draw().to_dict(validate=False))
    # `draw` may be the reader's own, and nobody is there to catch what it raises
    except Exception as error:  # noqa: BLE001
        bundle = {"text/plain": f"The chart failed: {in_words(error)}"}
    return ({"output_type": "display_data", "data": bundle, "metadata": {}},)
