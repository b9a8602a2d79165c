"""ChartTabs: controls for the tab, the measure and the dimension of a chart, and the chart."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import ipywidgets as ui

from ...language import keep_language, mark, tr
from ...locale.terms import dimension_name
from ...metrics import MEASURES
from ..event_chart import EventChart
from ..fields import WIDE
from ..panel_state import PanelState
from ..status import StatusLine, chart_error_text
from .call_columns import short_ids
from .chart_groups import ChartGroups
from .interactive_chart import ChartCalls, ChartGroup, InteractiveChart
from .interactive_charts import TABS, ChartFactory
from .state import ChartState, ExplorerState

__all__ = ["ChartTabs"]

_HINTS = {
    "time": mark("Click or drag to select days; Shift adds. By keyboard: arrows and Enter."),
    "group": mark(
        "Click a row or a bar to select its calls; Shift adds. By keyboard: arrows, Enter."
    ),
    "heat": mark("Click a cell to select its calls; Shift adds. By keyboard: arrows and Enter."),
}
_OWNERS_HINT = mark(
    "Click a row or a bar to select the calls with an offer to this person; Shift adds. By "
    "keyboard: arrows, Enter."
)
_MAX_NAMES = 3
_STYLE = {"description_width": "initial"}


class ChartTabs(ui.VBox):  # type: ignore[misc]
    """Tabs of charts.

    Args:
        factory: draws the charts.
        on_chart: called with the chart that the user selects.
        on_select: called when the user selects groups, with a function that returns the filters
            with this selection.
    """

    def __init__(
        self,
        factory: ChartFactory,
        *,
        on_chart: Callable[[ChartState], object],
        on_select: Callable[[Callable[[PanelState], PanelState]], object],
    ) -> None:
        self._factory = factory
        self._on_chart, self._on_select = on_chart, on_select
        self._chart, self._updating = InteractiveChart(spec={}), False
        self._drawn: ExplorerState | None = None
        self._height = 0
        self.chart_state = ChartState()
        self._groups = self._groups_of(self.chart_state)
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
        self._hint, self._error_line = StatusLine(is_error=False), StatusLine()
        self._view = EventChart(on_click=self._clicked, on_brush=self._brushed)
        for control in (self._tab, self._measure, self._by):
            control.observe(keep_language(self._changed), "value")
        row = ui.HBox([self._measure, self._by], layout={"flex_flow": "wrap"})
        super().__init__(
            [self._tab, row, self._hint, self._error_line, self._view],
            layout={"overflow": "visible", "min_width": "0"},
        )
        self.show(self.chart_state)

    @property
    def chart(self) -> InteractiveChart:
        """The current chart."""
        return self._chart

    def use(self, factory: ChartFactory) -> None:
        """Draw the charts of another table from now on."""
        self._factory, self._drawn = factory, None

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

    def draw(
        self, state: ExplorerState, selected: int, calls_of: Callable[[PanelState], ChartCalls]
    ) -> None:
        """Draw the chart of a state, with the selected groups; an error is shown in its place.

        The chart has all groups of the other filters, so a selection does not draw it again. The
        user may choose another chart meanwhile, in another thread.

        Args:
            state: the filters and the chart.
            selected: the number of calls that match the filters.
            calls_of: the calls of filters.
        """
        groups = self._groups_of(state.chart)
        context = ExplorerState(groups.context(state.filters), state.chart)
        if self._drawn != context:
            try:
                data = calls_of(context.filters)
                self._chart = self._factory.draw(data, state.chart)
                self._drawn, self._height = context, data.calls.height
                self._error_line.show("")
            # The other parts of the panel still work, so any error is shown here.
            except Exception as error:  # noqa: BLE001
                self._chart, self._drawn = InteractiveChart(spec={}), None
                self._error_line.show(chart_error_text(error))
            self._groups = groups
        chosen = [
            each
            for each in self._chart.groups.values()
            if groups.is_chosen(state.filters, each.group)
        ]
        note = self._note(chosen, selected) if context != state and self._drawn else ""
        self._view.show(self._chart, [each.mark_id for each in chosen], note)

    def _note(self, chosen: Sequence[ChartGroup], selected: int) -> str:
        """Which groups are selected, and how many of the calls of the chart."""
        labels = [short_ids(each.label) for each in chosen]
        if len(labels) > 2 and self._chart.span_of([each.mark_id for each in chosen]):
            names = tr("{first} to {last}", first=labels[0], last=labels[-1])
        elif len(labels) > _MAX_NAMES:
            first = ", ".join(labels[:_MAX_NAMES])
            names = tr("{text} and {n} more", text=first, n=len(labels) - _MAX_NAMES)
        else:
            names = ", ".join(labels) or tr("none of these groups")
        return tr(
            "Selected: {names}: {n} of {total} calls.", names=names, n=selected, total=self._height
        )

    def context(self, state: PanelState) -> PanelState:
        """The filters of all calls of the chart: those without its selected groups."""
        return self._groups_of(self.chart_state).context(state)

    def _groups_of(self, chart: ChartState) -> ChartGroups:
        """The groups of a chart as filters."""
        return ChartGroups.of(chart, of_offers=self._factory.is_of_owners(chart))

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

    def _clicked(self, values: Sequence[object], add: bool) -> None:
        clicked = self._chart.groups.get(tuple(values))
        if clicked is not None:
            shown = [each.group for each in self._chart.groups.values()]
            groups = self._groups
            self._on_select(
                lambda state: groups.toggled(state, clicked.group, add=add, groups=shown)
            )

    def _brushed(self, begin: float, end: float, add: bool) -> None:
        covered = self._chart.covered(begin, end)
        if not covered:
            return
        shown, groups = self._chart.groups.values(), self._groups

        def brushed(state: PanelState) -> PanelState:
            kept: list[ChartGroup] = []
            if add:
                kept = [each for each in shown if groups.is_chosen(state, each.group)]
            return groups.with_groups(state, [each.group for each in [*kept, *covered]])

        self._on_select(brushed)
        self._view.restore_span()  # also where the selection stays the same
