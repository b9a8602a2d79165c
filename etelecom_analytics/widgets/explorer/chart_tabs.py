"""ChartTabs: which chart is seen, of which measure and by which dimension, and the chart itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

import ipywidgets as ui

from ...logs import FetchReport
from ...metrics import MEASURES, Selection
from ..event_chart import EventChart
from ..fields import WIDE
from ..words import StatusLine, in_words
from .figures import FIGURES, ChartState, Figure, Figures

__all__ = ["ChartTabs"]

_HINTS = {
    "time": "Brush the chart to choose its days, click one to see it alone.",
    "group": "Click a row or a bar to see its calls alone; click it once more to see all again.",
    "heat": "Click a cell to see its calls alone; click it once more to see all again.",
}
_NOTHING = ""
_STYLE = {"description_width": "initial"}


class ChartTabs(ui.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Tabs of charts.

    Args:
        figures: draws them.
        chose: called with what somebody chooses.
        picked: called with the group that somebody points at, as (dimension, value).
        dated: called with the first day and the day after the last of what somebody brushes.
    """

    def __init__(
        self,
        figures: Figures,
        *,
        chose: Callable[[ChartState], object],
        picked: Callable[[Mapping[str, object]], object],
        dated: Callable[[date, date], object],
    ) -> None:
        self._figures, self._chose, self._picked, self._dated = figures, chose, picked, dated
        self._figure, self._quiet = Figure(spec={}), False
        self.chosen = ChartState()
        tabs = [(title, name) for name, title in FIGURES.items()]
        self._tab = ui.ToggleButtons(
            options=tabs, description="Chart", style={**_STYLE, "button_width": "auto"}, layout=WIDE
        )
        measures = [(f"{MEASURES[name].title} ({name})", name) for name in figures.measures]
        self._measure = ui.Dropdown(
            options=measures, description="Measure", style=_STYLE, layout={**WIDE, "width": "340px"}
        )
        self._by = ui.Dropdown(description="By", style=_STYLE, layout=WIDE)
        self._only = ui.Dropdown(
            description="Only",
            style=_STYLE,
            layout=WIDE,
            tooltip="What a click on the chart does, by keyboard",
        )
        self._hint, self._failed = StatusLine(alarming=False), StatusLine()
        self._chart = EventChart(clicked=self._clicked, brushed=self._brushed)
        for control in (self._tab, self._measure, self._by):
            control.observe(self._changed, "value")
        self._only.observe(self._only_changed, "value")
        row = ui.HBox([self._measure, self._by, self._only], layout={"flex_flow": "wrap"})
        super().__init__(
            [self._tab, row, self._hint, self._failed, self._chart],
            layout={"overflow": "visible", "min_width": "0"},
        )
        self.show(self.chosen)

    @property
    def figure(self) -> Figure:
        """The chart that is seen."""
        return self._figure

    def show(self, chosen: ChartState) -> None:
        """Set the controls to what is chosen; nobody is told."""
        self.chosen = self._figures.fitting(chosen)
        dimensions = self._figures.dimensions(self.chosen.tab, self.chosen.measure)
        with self._silence():
            self._tab.value, self._measure.value = self.chosen.tab, self.chosen.measure
            self._by.options = [(name.replace("_", " "), name) for name in dimensions]
            self._by.value = self.chosen.by if dimensions else None
        self._by.layout.display = None if dimensions else "none"
        self._measure.layout.display = None if self.chosen.tab in _HINTS else "none"
        self._hint.say(_HINTS.get(self.chosen.tab, ""))

    def draw(self, selection: Selection, coverage: FetchReport) -> None:
        """Draw the chart of these calls; what fails is said in its place."""
        try:
            self._figure = self._figures.draw(selection, self.chosen, coverage)
            self._failed.say("")
        except Exception as error:  # nobody is there to catch it, and the rest of the panel goes on  # noqa: BLE001
            self._figure = Figure(spec={})
            self._failed.say(f"The chart failed: {in_words(error)}")
        self._chart.show(
            self._figure.spec, fields=self._figure.fields, brush=bool(self._figure.spans)
        )
        with self._silence():
            self._only.options = [
                ("choose a group", _NOTHING),
                *((label, key) for key, (label, _) in self._figure.groups.items()),
            ]
            self._only.value = _NOTHING
        self._only.layout.display = None if self._figure.groups else "none"

    @contextmanager
    def _silence(self) -> Iterator[None]:
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _changed(self, _: object) -> None:
        if not self._quiet:
            chosen = self._figures.fitting(
                ChartState(self._tab.value, self._measure.value, self._by.value or self.chosen.by)
            )
            self.show(chosen)
            self._chose(chosen)

    def _only_changed(self, change: Mapping[str, object]) -> None:
        if not self._quiet and change["new"] != _NOTHING:
            self._picked(self._figure.groups[tuple(self._only.value)][1])

    def _clicked(self, values: Sequence[object]) -> None:
        if (found := self._figure.groups.get(tuple(values))) is not None:
            self._picked(found[1])

    def _brushed(self, begin: float, end: float) -> None:
        if days := self._figure.dates(begin, end):
            self._dated(*days)
