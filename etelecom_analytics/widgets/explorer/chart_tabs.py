"""ChartTabs: controls for the tab, the measure and the dimension of a chart, and the chart."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

import ipywidgets as ui

from ...fetch_report import FetchReport
from ...language import keep_language, mark, tr
from ...locale.terms import dimension_name
from ...metrics import MEASURES, Selection
from ..event_chart import EventChart
from ..fields import WIDE
from ..status import StatusLine, chart_error_text
from .interactive_charts import TABS, ChartFactory, InteractiveChart
from .state import ChartState

__all__ = ["ChartTabs"]

_HINTS = {
    "time": mark("Drag over the chart to select days, or click one day."),
    "group": mark("Click a row or a bar to show only its calls; click it again to show all calls."),
    "heat": mark("Click a cell to show only its calls; click it again to show all calls."),
}
_OWNERS_HINT = mark(
    "Click a row or a bar to show only the calls with an offer to this person, or another one to "
    "show theirs instead; click it again to show all calls."
)
_NO_GROUP = ""
_STYLE = {"description_width": "initial"}


class ChartTabs(ui.VBox):  # type: ignore[misc]
    """Tabs of charts.

    Args:
        factory: draws the charts.
        on_chart: called with the chart that the user selects.
        on_group: called with the group that the user clicks, as dimensions and values, and whether
            it is one of the owners of offers.
        on_dates: called with the first day of a brush and the day after its last.
    """

    def __init__(
        self,
        factory: ChartFactory,
        *,
        on_chart: Callable[[ChartState], object],
        on_group: Callable[[Mapping[str, object], bool], object],
        on_dates: Callable[[date, date], object],
    ) -> None:
        self._factory = factory
        self._on_chart, self._on_group, self._on_dates = on_chart, on_group, on_dates
        self._chart, self._updating = InteractiveChart(spec={}), False
        self.chart_state = ChartState()
        self._tab = ui.ToggleButtons(
            options=[(tr(label), name) for name, label in TABS.items()],
            description=tr("Chart"),
            style={**_STYLE, "button_width": "auto"},
            layout=WIDE,
        )
        self._measure = ui.Dropdown(
            options=[(f"{tr(MEASURES[name].title)} ({name})", name) for name in factory.measures],
            description=tr("Measure"),
            style=_STYLE,
            layout={**WIDE, "width": "500px"},
        )
        self._by = ui.Dropdown(description=tr("By"), style=_STYLE, layout=WIDE)
        self._only = ui.Dropdown(
            description=tr("Only"),
            style=_STYLE,
            layout=WIDE,
            tooltip=tr("Selects a group, like a click on the chart"),
        )
        self._hint, self._error_line = StatusLine(is_error=False), StatusLine()
        self._view = EventChart(on_click=self._clicked, on_brush=self._brushed)
        for control in (self._tab, self._measure, self._by):
            control.observe(keep_language(self._changed), "value")
        self._only.observe(self._only_changed, "value")
        row = ui.HBox([self._measure, self._by, self._only], layout={"flex_flow": "wrap"})
        super().__init__(
            [self._tab, row, self._hint, self._error_line, self._view],
            layout={"overflow": "visible", "min_width": "0"},
        )
        self.show(self.chart_state)

    @property
    def chart(self) -> InteractiveChart:
        """The current chart."""
        return self._chart

    def show(self, state: ChartState) -> None:
        """Set the controls; observers are not called."""
        state = self.chart_state = self._factory.with_dimension(state)
        dimensions = self._factory.dimensions(state.tab, state.measure)
        with self._update():
            self._tab.value, self._measure.value = state.tab, state.measure
            self._by.options = [(dimension_name(name), name) for name in dimensions]
            self._by.value = state.by if dimensions else None
        self._by.layout.display = None if dimensions else "none"
        self._measure.layout.display = None if state.tab in _HINTS else "none"
        of_owners = self._factory.is_of_owners(state)
        hint = _OWNERS_HINT if of_owners else _HINTS.get(state.tab)
        self._hint.show(tr(hint) if hint else "")

    def draw(self, selection: Selection, coverage: FetchReport | None) -> None:
        """Draw the chart of these calls; an error is shown in its place."""
        try:
            self._chart = self._factory.draw(selection, self.chart_state, coverage)
            self._error_line.show("")
        # The other parts of the panel still work, so any error is shown here.
        except Exception as error:  # noqa: BLE001
            self._chart = InteractiveChart(spec={})
            self._error_line.show(chart_error_text(error))
        chart = self._chart
        self._view.show(chart.spec, fields=chart.fields, brush=bool(chart.spans))
        with self._update():
            self._only.options = [
                (tr("choose a group"), _NO_GROUP),
                *((label, key) for key, (label, _) in chart.groups.items()),
            ]
            self._only.value = _NO_GROUP
        self._only.layout.display = None if chart.groups else "none"

    @contextmanager
    def _update(self) -> Iterator[None]:
        before, self._updating = self._updating, True
        try:
            yield
        finally:
            self._updating = before

    def _changed(self, _: object) -> None:
        if not self._updating:
            by = self._by.value or self.chart_state.by
            self.show(ChartState(self._tab.value, self._measure.value, by))
            self._on_chart(self.chart_state)

    def _only_changed(self, change: Mapping[str, object]) -> None:
        if not self._updating and change["new"] != _NO_GROUP:
            self._on_group(self._chart.groups[tuple(self._only.value)][1], self._chart.is_of_owners)

    def _clicked(self, values: Sequence[object]) -> None:
        if (mark := self._chart.groups.get(tuple(values))) is not None:
            self._on_group(mark[1], self._chart.is_of_owners)

    def _brushed(self, begin: float, end: float) -> None:
        if days := self._chart.dates(begin, end):
            self._on_dates(*days)
