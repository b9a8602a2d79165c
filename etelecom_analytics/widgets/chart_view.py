"""ChartView: a chart that follows a panel."""

from collections.abc import Callable
from typing import Any

import altair as alt
import ipywidgets as ui

from ..charts.theme import offline_bundle
from ..errors import InputError
from ..metrics import Selection
from ..phone_numbers import describe
from .copying import Copyable
from .filter_panel import FilterPanel
from .own_language import in_own_language
from .status import chart_error_text

__all__ = ["ChartView", "chart_outputs"]


class ChartView(Copyable, ui.Output):  # type: ignore[misc]
    """A chart of the calls that match a panel's query, drawn again for each new query.

    The chart is in the language of the panel. It is sent as a specification that JupyterLab draws
    without the internet.

    Args:
        panel: its matching calls are drawn.
        draw: returns the chart of a selection, such as `et.charts.answer_rate`; other functions
            find the table in `selection.calls`.

    Raises:
        InputError: `panel` is no FilterPanel, or `draw` is no function.

    Examples:
        >>> panel = et.FilterPanel(et.sample_logs().calls)
        >>> view = et.ChartView(panel, et.charts.answer_rate)
        >>> "382 offered calls" in view.description
        True
        >>> panel.restore({"direction": "in"})
        >>> "282 offered calls" in view.description
        True
    """

    _pickle_advice = " Pickle the result of its panel's state() instead."

    def __init__(self, panel: FilterPanel, draw: Callable[[Selection], alt.TopLevelMixin]) -> None:
        if not isinstance(panel, FilterPanel):
            raise InputError(f"ChartView follows a FilterPanel; got {describe(panel)}.")
        if not callable(draw):
            raise InputError(
                "draw is a function that returns a chart, such as et.charts.answer_rate; "
                f"got {describe(draw)}."
            )
        super().__init__()
        self._arguments = {"panel": panel, "draw": draw}
        self._description = ""
        self._panel, self._draw_chart = panel, draw
        self._language = panel.language
        self.draw()
        panel.observe_query(lambda _: self.draw())

    @property
    def description(self) -> str:
        """The chart as text."""
        return self._description

    @in_own_language
    def draw(self) -> None:
        """Draw the chart of the matching calls; an error is shown in its place."""
        self.outputs = chart_outputs(lambda: self._draw_chart(self._panel.selection))
        self._description = str(self.outputs[0]["data"]["text/plain"])

    def __repr__(self) -> str:
        return f"ChartView: {self.description}"


def chart_outputs(draw: Callable[[], alt.TopLevelMixin]) -> tuple[dict[str, Any], ...]:
    """The outputs of an `ipywidgets.Output` with this chart; an error is shown in its place."""
    try:
        # Validation takes as long as the measures, and charts of this package are tested.
        bundle = offline_bundle(draw().to_dict(validate=False))
    # `draw` may be any function, and no caller can catch its error.
    except Exception as error:  # noqa: BLE001
        bundle = {"text/plain": chart_error_text(error)}
    # The menu of JupyterLab's renderer has no name that a screen reader can read.
    metadata = {kind: {"embed_options": {"actions": False}} for kind in bundle}
    return ({"output_type": "display_data", "data": bundle, "metadata": metadata},)
