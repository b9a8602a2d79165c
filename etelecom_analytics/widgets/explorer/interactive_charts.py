"""The charts of the Explorer: their options, their code, and the groups that a click selects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

import altair as alt
import polars as pl

from ...charts import heatmap, ring_durations, wait_distribution
from ...charts.group_bars import HIT, draw_groups
from ...charts.group_table import groups
from ...charts.texts import CLOCK, TIME
from ...codegen import literal
from ...errors import QueryError, UnknownName
from ...fetch_report import FetchReport
from ...language import mark
from ...locale.display import Display
from ...locale.number_note import number_note
from ...metrics import MEASURES, NAME_DIMENSIONS, MetricOptions, Selection
from ...metrics.call_facts import CALL_COLUMNS
from ...metrics.dimensions import LEG_DIMENSIONS, is_of_owners
from ...names import labels
from ...phone_numbers import describe, printable
from ...query import CallQuery
from ..event_chart import BRUSH
from .state import ChartState

__all__ = ["TABS", "ChartFactory", "InteractiveChart", "TimeSpan", "dimension_names"]

TABS: Mapping[str, str] = MappingProxyType(
    {
        "time": mark("Over time"),
        "group": mark("By group"),
        "heat": mark("Heat map"),
        "waits": mark("Waits"),
        "rings": mark("Rings"),
    }
)
"""The name of each tab, and its label."""

_EXCLUDED_MEASURE = "busy_offers"
"""It depends on the other selected calls, so its facts cannot be computed in advance."""
_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {"waits": "wait_distribution", "rings": "ring_durations"}
)

_Groups = dict[tuple[object, ...], tuple[str, dict[str, object]]]


class TimeSpan(NamedTuple):
    """A day, week or month on a time axis.

    Attributes:
        begin: where it begins on the axis, in milliseconds; `middle` and `end` too.
        first: its first day.
        after: the day after its last.
    """

    begin: int
    middle: int
    end: int
    first: date
    after: date


@dataclass(frozen=True, kw_only=True)
class InteractiveChart:
    """A chart whose groups can be clicked or brushed.

    Attributes:
        spec: the Vega-Lite specification.
        fields: the fields of a mark that a click reports.
        groups: the label and the group of each mark, as dimensions and values, by these fields.
        spans: the groups on a time axis, which can be brushed.
        is_of_owners: whether the groups are the owners of offers, not the people of calls.
    """

    spec: dict[str, Any]
    fields: tuple[str, ...] = ()
    groups: Mapping[tuple[object, ...], tuple[str, dict[str, object]]] = field(default_factory=dict)
    spans: tuple[TimeSpan, ...] = ()
    is_of_owners: bool = False

    def dates(self, begin: float, end: float) -> tuple[date, date] | None:
        """The first day of a brush and the day after its last.

        A brush selects the spans whose middle it covers, or the one span that contains it.
        """
        covered = [span for span in self.spans if begin <= span.middle <= end]
        covered = covered or [
            span for span in self.spans if span.begin <= (begin + end) / 2 < span.end
        ]
        return (covered[0].first, covered[-1].after) if covered else None


class ChartFactory:
    """Draws the charts of one table of calls."""

    def __init__(self, calls: Selection, display: Display, *, has_report: bool) -> None:
        self._display, self._has_report = display, has_report
        self._call_dimensions = list(_call_dimensions(calls, display.options))
        self._calls = calls
        self._dimensions = [*TIME, *self._call_dimensions, *LEG_DIMENSIONS]
        self.measures = [name for name in MEASURES if name != _EXCLUDED_MEASURE]

    def dimensions(self, tab: str, measure: str) -> list[str]:
        """The dimensions of this chart of this measure; none where the chart has its own."""
        if tab == "group":
            by_leg = LEG_DIMENSIONS if MEASURES[measure].grain != "calls" else ()
            return [*self._call_dimensions, *by_leg]
        return list(TIME) if tab == "time" else []

    def is_of_owners(self, chart: ChartState) -> bool:
        """Whether the groups of this chart are the owners of offers, not the people of calls."""
        grain = MEASURES[chart.measure].grain
        return chart.tab == "group" and is_of_owners(self._calls, [chart.by], grain)

    def parse(self, state: object) -> ChartState:
        """The chart of a dictionary; an error lists what is allowed."""
        keys = ChartState._fields
        if not isinstance(state, Mapping):
            raise QueryError(
                f"chart is a dictionary with keys from {', '.join(keys)}; got {describe(state)}."
            )
        allowed_values: dict[str, Sequence[str]] = {"tab": list(TABS), "measure": self.measures}
        for key, value in state.items():
            if key not in keys:
                raise UnknownName("key of a chart's state", printable(str(key)), keys)
            if key in allowed_values and value not in allowed_values[key]:
                raise UnknownName(key, printable(str(value)), allowed_values[key])
        chart = ChartState(**state)
        allowed = self.dimensions(chart.tab, chart.measure) or self._dimensions
        if "by" in state and chart.by not in allowed:
            kind = {"group": f"dimension of {chart.measure}", "time": "dimension over time"}.get(
                chart.tab, "dimension"
            )
            raise UnknownName(kind, printable(str(chart.by)), allowed)
        return self.with_dimension(chart)

    def with_dimension(self, chart: ChartState) -> ChartState:
        """The same chart, with a dimension that it has."""
        allowed = self.dimensions(chart.tab, chart.measure)
        return chart if not allowed or chart.by in allowed else chart._replace(by=allowed[0])

    def draw(
        self, selection: Selection, chart: ChartState, coverage: FetchReport | None
    ) -> InteractiveChart:
        """The chart of these calls; `coverage` reports which of their days were fetched."""
        options = self._display.options
        if chart.tab in ("time", "group"):
            return self._draw_groups(selection, chart, coverage)
        if chart.tab == "heat":
            return _with_cells(
                heatmap(selection, measure=chart.measure, options=options, coverage=coverage)
            )
        draw = wait_distribution if chart.tab == "waits" else ring_durations
        return InteractiveChart(spec=_spec(draw(selection, options=options, coverage=coverage)))

    def code(self, chart: ChartState, query: CallQuery) -> str:
        """Python code that draws the chart of `filtered`, the calls that match the query."""
        dates = ".clip(query.date_from, query.date_to)" if query.date_from or query.date_to else ""
        arguments = "options=options"
        if self._has_report:
            arguments += f", coverage=logs.report{dates}"
        measure = f'filtered, measure="{chart.measure}"'
        if chart.tab in ("time", "group"):
            by = f'by="{chart.by}", {arguments}{self._masking_code()}'
            return f"et.charts.measure_by({measure}, {by})\n"
        if chart.tab == "heat":
            return f"et.charts.heatmap({measure}, {arguments})\n"
        return f"et.charts.{_FUNCTIONS[chart.tab]}(filtered, {arguments})\n"

    def _masking_code(self) -> str:
        display = self._display
        if display.show_numbers:
            return ""
        ivr_numbers = display.options.ivr_numbers
        own = tuple(number for number in display.own_numbers if number not in ivr_numbers)
        return ", masked=True" + (f", own_numbers={literal(own)}" if own else "")

    def _draw_groups(
        self, selection: Selection, chart: ChartState, coverage: FetchReport | None
    ) -> InteractiveChart:
        measure, by, display = chart.measure, chart.by, self._display
        table = groups(selection, measure=measure, by=by, display=display, coverage=coverage)
        spec = _spec(
            draw_groups(
                table,
                measure=measure,
                by=by,
                display=display,
                coverage=coverage,
                any_calls=selection.height > 0,
                warning=number_note(selection, display.options),
            )
        )
        hit = next((layer for layer in spec.get("layer", []) if layer.get("name") == HIT), None)
        if hit is None:
            return InteractiveChart(spec=spec)
        marks: _Groups = {
            (key,): (key, {by: value}) for key, value in table.rows.select("key", by).iter_rows()
        }
        if chart.tab == "group":
            hit["mark"]["cursor"] = "pointer"
            return InteractiveChart(
                spec=spec, fields=("key",), groups=marks, is_of_owners=self.is_of_owners(chart)
            )
        hit["params"] = [{"name": BRUSH, "select": {"type": "interval", "encodings": ["x"]}}]
        hit["mark"]["cursor"] = "crosshair"
        spans = table.rows.select(
            "begin", "middle", "end", first=by, after=pl.col(by).dt.offset_by(TIME[by])
        )
        return InteractiveChart(
            spec=spec,
            fields=("key",),
            groups=marks,
            spans=tuple(TimeSpan(*row) for row in spans.iter_rows()),
        )


def dimension_names(calls: Selection, options: MetricOptions) -> dict[str, Mapping[str, str]]:
    """For each dimension of the charts, the names of its values."""
    dimensions = (*_call_dimensions(calls, options), *LEG_DIMENSIONS)
    return {name: labels(calls.calls, name) for name in dimensions}


def _call_dimensions(calls: Selection, options: MetricOptions) -> Iterable[str]:
    """The dimensions of calls that this table has, without days, weeks and months."""
    yield from CLOCK
    if options.business_hours:
        yield "in_hours"
    columns = calls.lazy().collect_schema().names()
    yield from (name for name in (*CALL_COLUMNS, *NAME_DIMENSIONS) if name in columns)


def _spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """The specification, without validation: it takes as long as the measures."""
    spec: dict[str, Any] = chart.to_dict(validate=False)
    return spec


def _with_cells(chart: alt.TopLevelMixin) -> InteractiveChart:
    """A heat map whose cells can be clicked."""
    spec = _spec(chart)
    cells: _Groups = {}
    for rows in spec.get("datasets", {}).values():
        for row in rows:
            weekday, hour = row.get("weekday"), row.get("hour")
            if weekday is not None and hour is not None:
                label = f"{row['weekday_key']} {row['hour_key']}"
                cells[weekday, hour] = (label, {"weekday": weekday, "hour": hour})
    ordered = dict(sorted(cells.items()))
    return InteractiveChart(spec=spec, fields=("weekday", "hour"), groups=ordered)
