"""ChartView: a chart that follows a panel."""

import json
from collections.abc import Callable
from typing import Any

import altair as alt
import ipywidgets as ui

from ..charts.theme import CHART_MIME, of_any_page, offline_bundle
from ..errors import InputError
from ..metrics import Selection
from ..phone_numbers import describe
from .cell_outputs import note_output
from .closing import close_parts
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
        self._stop_following = panel.observe_query(lambda _: self.draw())

    @property
    def description(self) -> str:
        """The chart as text."""
        return self._description

    @in_own_language
    def draw(self) -> None:
        """Draw the chart of the matching calls; an error is shown in its place."""
        self.outputs = chart_outputs(lambda: self._draw_chart(self._panel.selection))
        self._description = str(self.outputs[0]["data"]["text/plain"])

    def close(self) -> None:
        """Remove the chart from the page; it no longer follows the panel."""
        if hasattr(self, "_stop_following"):  # ipywidgets also closes a view whose __init__ failed
            self._stop_following()
        close_parts(self)
        super().close()

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, object] | None:
        note_output(self)
        bundle: dict[str, object] | None = super()._repr_mimebundle_()
        return bundle

    def _mime_(self) -> tuple[str, str]:
        """What marimo shows, which runs no Jupyter widgets: the chart, drawn once."""
        data = self.outputs[0]["data"]
        if CHART_MIME not in data:  # the message of an error
            return "text/plain", data["text/plain"]
        return CHART_MIME, json.dumps(of_any_page(data[CHART_MIME]))

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
