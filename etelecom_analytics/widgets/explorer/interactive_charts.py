"""The charts of the Explorer: their options, their code, and the groups that a click selects."""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from types import MappingProxyType
from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from ...charts import heatmap, ring_durations, wait_distribution
from ...charts.finish import whole_notes
from ...charts.group_bars import HIT, draw_groups
from ...charts.group_table import Groups, groups
from ...charts.previous_period import PreviousPeriod
from ...charts.texts import CLOCK, TIME
from ...codegen import literal
from ...errors import QueryError, UnknownName
from ...fetch_report import FetchReport
from ...language import mark, number, short_day, tr
from ...locale.display import Display
from ...locale.number_note import number_note
from ...metrics import MEASURES, NAME_DIMENSIONS, MetricOptions, Selection
from ...metrics.call_facts import CALL_COLUMNS
from ...metrics.dimensions import LEG_DIMENSIONS, is_of_owners
from ...names import labels
from ...phone_numbers import describe, printable
from ...query import CallQuery
from .call_columns import short_ids
from .highlights import CELL, KEY, POSITION, add_brush, add_highlights, limit_bars
from .interactive_chart import ChartCalls, ChartGroup, InteractiveChart, TimeSpan
from .state import ChartState

__all__ = ["TABS", "ChartFactory", "dimension_names"]

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
_DRAWING = Lock()
_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {"waits": "wait_distribution", "rings": "ring_durations"}
)


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

    def draw(self, data: ChartCalls, chart: ChartState) -> InteractiveChart:
        """The chart of these calls."""
        # Altair would check each part when it is made, which takes as long as the measures. The
        # setting is that of the process, so charts are drawn one after the other.
        with _DRAWING, debug_mode(False):
            return self._draw(data, chart)

    def _draw(self, data: ChartCalls, chart: ChartState) -> InteractiveChart:
        options, coverage = self._display.options, data.coverage
        if chart.tab in ("time", "group"):
            return self._draw_groups(data, chart)
        if chart.tab == "heat":
            chart_of_cells = heatmap(
                data.calls, measure=chart.measure, options=options, coverage=coverage
            )
            return _with_cells(chart_of_cells, chart.measure)
        draw = wait_distribution if chart.tab == "waits" else ring_durations
        return InteractiveChart(spec=_spec(draw(data.calls, options=options, coverage=coverage)))

    def code(self, chart: ChartState, calls: str, query: CallQuery | None, name: str) -> str:
        """Python code that draws the chart.

        Args:
            chart: the chart.
            calls: the variable of its calls.
            query: has the dates of these calls; None if their days have gaps.
            name: the variable of the query.
        """
        arguments = "options=options"
        if self._has_report and query:
            has_dates = query.date_from or query.date_to
            dates = f".clip({name}.date_from, {name}.date_to)" if has_dates else ""
            arguments += f", coverage=logs.report{dates}"
        measure = f'{calls}, measure="{chart.measure}"'
        if chart.tab in ("time", "group"):
            by = f'by="{chart.by}", {arguments}{self._masking_code()}'
            return f"et.charts.measure_by({measure}, {by})\n"
        if chart.tab == "heat":
            return f"et.charts.heatmap({measure}, {arguments})\n"
        return f"et.charts.{_FUNCTIONS[chart.tab]}({calls}, {arguments})\n"

    def _masking_code(self) -> str:
        display = self._display
        if display.show_numbers:
            return ""
        ivr_numbers = display.options.ivr_numbers
        own = tuple(number for number in display.own_numbers if number not in ivr_numbers)
        return ", masked=True" + (f", own_numbers={literal(own)}" if own else "")

    def _draw_groups(self, data: ChartCalls, chart: ChartState) -> InteractiveChart:
        measure, by, display = chart.measure, chart.by, self._display
        table = self._groups(data.calls, chart, data.coverage)
        previous = None
        if chart.tab == "time" and data.previous and table.rows.height:
            before = data.previous
            previous = PreviousPeriod.of(
                self._groups(before.calls, chart, before.coverage).rows,
                table.rows,
                by=by,
                days=before.days,
                first=short_day(before.first),
                last=short_day(before.last),
            )
        spec = _spec(
            draw_groups(
                table,
                measure=measure,
                by=by,
                display=display,
                coverage=data.coverage,
                any_calls=data.calls.height > 0,
                warning=number_note(data.calls, display.options),
                previous=previous,
            )
        )
        if not any(layer.get("name") == HIT for layer in spec.get("layer", [])):
            return InteractiveChart(spec=spec)
        is_time = chart.tab == "time"
        mark_id = "middle" if is_time else "key"
        groups: dict[tuple[object, ...], ChartGroup] = {
            (row["key"],): ChartGroup(row["key"], {by: row[by]}, row[mark_id], _text(row))
            for row in table.rows.iter_rows(named=True)
        }
        add_highlights(spec, POSITION if is_time else KEY)
        if not is_time:
            return InteractiveChart(spec=spec, fields=("key",), groups=groups)
        add_brush(spec)
        limit_bars(spec, table.rows.select("begin", "end").rows())
        spans = table.rows.select("begin", "middle", "end").iter_rows()
        return InteractiveChart(
            spec=spec,
            fields=("key",),
            groups=groups,
            spans=tuple(TimeSpan(*row) for row in spans),
        )

    def _groups(self, calls: Selection, chart: ChartState, coverage: FetchReport | None) -> Groups:
        """The table of a chart of groups."""
        return groups(
            calls, measure=chart.measure, by=chart.by, display=self._display, coverage=coverage
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
    """The specification, without validation: it takes as long as the measures.

    The page wraps the texts, and has short ids.
    """
    spec: dict[str, Any] = chart.to_dict(validate=False)
    title = spec["title"]
    title["text"] = short_ids(" ".join(title["text"]))
    title["subtitle"] = whole_notes(title.get("subtitle", []))
    return spec


def _with_cells(chart: alt.TopLevelMixin, measure: str) -> InteractiveChart:
    """A heat map whose cells can be clicked; its tooltips have the intervals of shares."""
    spec = _spec(chart)
    cells: dict[tuple[int, int], ChartGroup] = {}
    for rows in spec.get("datasets", {}).values():
        for row in rows:
            weekday, hour = row.get("weekday"), row.get("hour")
            if weekday is not None and hour is not None and row["value"] is not None:
                if row.get(f"{measure}_low") is not None:
                    row["over"] = _with_interval(row, measure)
                label = f"{row['weekday_key']} {row['hour_key']}:00"
                group = {"weekday": weekday, "hour": hour}
                cells[weekday, hour] = ChartGroup(label, group, weekday * 24 + hour, _text(row))
    if not cells:
        return InteractiveChart(spec=spec)
    add_highlights(spec, CELL)
    ordered: dict[tuple[object, ...], ChartGroup] = dict(sorted(cells.items()))
    return InteractiveChart(spec=spec, fields=("weekday", "hour"), groups=ordered)


def _with_interval(row: Mapping[str, Any], measure: str) -> str:
    """What the share of a cell is over, and its interval."""
    low, high = (number(100 * row[f"{measure}_{end}"], ".1f") for end in ("low", "high"))
    return tr("{share}; 95 %: {low} to {high} %", share=row["over"], low=low, high=high)


def _text(row: Mapping[str, Any]) -> str:
    """The value of a group, and what it is over, as its tooltip has it."""
    return ", ".join(part for part in (row.get("text"), row.get("over")) if part)
