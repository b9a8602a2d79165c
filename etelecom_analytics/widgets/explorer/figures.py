"""The charts of the Explorer: which there are, what can be chosen for each, and what a click or a brush on one comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

import altair as alt
import polars as pl

from ...charts import heatmap, ring_durations, wait_distribution
from ...charts.axes import CLOCK, TIME
from ...charts.group_bars import draw_groups, groups
from ...charts.group_marks import HIT
from ...codegen import literal
from ...errors import QueryError, UnknownName
from ...locale.display import Display
from ...logs import FetchReport
from ...metrics import MEASURES, NAME_DIMENSIONS, MetricOptions, Selection
from ...metrics.call_facts import CALL_COLUMNS
from ...metrics.summary import LEG_DIMENSIONS
from ...names import labels
from ...query import CallQuery
from ..event_chart import BRUSH

__all__ = ["FIGURES", "ChartState", "Figure", "Figures", "Span"]

FIGURES: Mapping[str, str] = MappingProxyType(
    {
        "time": "Over time",
        "group": "By group",
        "heat": "Heat map",
        "waits": "Waits",
        "rings": "Rings",
    }
)
"""The charts, and how their tabs are called."""

_NOT_OFFERED = "busy_offers"
"""It depends on the other calls that are selected, so nothing of it can be reckoned once."""
_CODE: Mapping[str, str] = MappingProxyType(
    {"waits": "wait_distribution", "rings": "ring_durations"}
)


_Groups = dict[tuple[object, ...], tuple[str, dict[str, object]]]


class ChartState(NamedTuple):
    """Which chart: a name out of FIGURES, a measure, and a dimension."""

    tab: str = "time"
    measure: str = "offered"
    by: str = "day"

    def state(self) -> dict[str, str]:
        """What is chosen, as JSON can keep it."""
        return self._asdict()


class Span(NamedTuple):
    """A group on an axis of time: where it begins, has its middle and ends, and its first day and the day after its last."""

    begin: int
    middle: int
    end: int
    first: date
    after: date


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart that can be pointed at.

    Attributes:
        spec: its specification.
        fields: of a mark, what a click tells.
        groups: what a click tells -> the group that it means, as (dimension, value); and how it is
            told.
        spans: the groups along an axis of time, which can be brushed.
    """

    spec: dict[str, Any]
    fields: tuple[str, ...] = ()
    groups: Mapping[tuple[object, ...], tuple[str, dict[str, object]]] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()

    def dates(self, begin: float, end: float) -> tuple[date, date] | None:
        """The first day and the day after the last of the groups whose middle is covered, or of the one that holds it all."""
        covered = [span for span in self.spans if begin <= span.middle <= end]
        covered = covered or [
            span for span in self.spans if span.begin <= (begin + end) / 2 < span.end
        ]
        return (covered[0].first, covered[-1].after) if covered else None


class Figures:
    """Draws the charts of one table of calls."""

    def __init__(
        self, everything: Selection, *, options: MetricOptions, keep: tuple[str, ...] | None
    ) -> None:
        self._options, self._keep = options, keep
        carried = everything.lazy().collect_schema().names()
        of_start = [*CLOCK, *(["in_hours"] if options.business_hours else [])]
        self._of_calls = [
            name
            for name in (*of_start, *CALL_COLUMNS, *NAME_DIMENSIONS)
            if name in (*of_start, *carried)
        ]
        self._names = {
            by: labels(everything.calls, by) for by in (*self._of_calls, *LEG_DIMENSIONS)
        }
        self._every_dimension = [*TIME, *self._of_calls, *LEG_DIMENSIONS]
        self.measures = [name for name in MEASURES if name != _NOT_OFFERED]

    def dimensions(self, tab: str, measure: str) -> list[str]:
        """What can be chosen for this chart of this measure; nothing where it has its own."""
        if tab == "group":
            return [
                *self._of_calls,
                *(LEG_DIMENSIONS if MEASURES[measure].grain != "calls" else ()),
            ]
        return list(TIME) if tab == "time" else []

    def chosen(self, state: object) -> ChartState:
        """What a state tells of the chart; a word that does not exist, or not for this chart, is an error that lists what does."""
        if not isinstance(state, Mapping):
            raise QueryError(
                f"chart is a dictionary with keys out of {', '.join(ChartState._fields)}; got {type(state).__name__}."
            )
        known: dict[str, Sequence[str]] = {"tab": list(FIGURES), "measure": self.measures}
        for key, value in state.items():
            if key not in ChartState._fields:
                raise UnknownName("key of a chart's state", str(key), ChartState._fields)
            if key in known and value not in known[key]:
                raise UnknownName(key, str(value), known[key])
        chosen = ChartState(**state)
        possible = self.dimensions(chosen.tab, chosen.measure)
        if "by" in state and chosen.by not in (possible or self._every_dimension):
            kind = {"group": f"dimension of {chosen.measure}", "time": "dimension over time"}.get(
                chosen.tab, "dimension"
            )
            raise UnknownName(kind, str(chosen.by), possible or self._every_dimension)
        return self.fitting(chosen)

    def fitting(self, chosen: ChartState) -> ChartState:
        """The same, with a dimension that this chart of this measure has."""
        possible = self.dimensions(chosen.tab, chosen.measure)
        return chosen if not possible or chosen.by in possible else chosen._replace(by=possible[0])

    def draw(self, selection: Selection, chosen: ChartState, coverage: FetchReport) -> Figure:
        """The chart of these calls; `coverage` tells of which days they are."""
        options = self._options
        if chosen.tab in ("time", "group"):
            return self._grouped(selection, chosen, coverage)
        if chosen.tab == "heat":
            return _heat(
                _spec(
                    heatmap(selection, measure=chosen.measure, options=options, coverage=coverage)
                )
            )
        draw = wait_distribution if chosen.tab == "waits" else ring_durations
        return Figure(spec=_spec(draw(selection, options=options, coverage=coverage)))

    def code(self, chosen: ChartState, query: CallQuery) -> str:
        """Python that draws the chart of `filtered`, the calls that match `query`."""
        dates = ".clip(query.date_from, query.date_to)" if query.date_from or query.date_to else ""
        shared = f"options=options, coverage=logs.report{dates}"
        if chosen.tab in ("time", "group"):
            own = tuple(
                number for number in self._keep or () if number not in self._options.ivr_numbers
            )
            masked = (
                (", masked=True" + (f", own_numbers={literal(own)}" if own else ""))
                if self._keep is not None
                else ""
            )
            return f'et.charts.measure_by(filtered, measure="{chosen.measure}", by="{chosen.by}", {shared}{masked})\n'
        if chosen.tab == "heat":
            return f'et.charts.heatmap(filtered, measure="{chosen.measure}", {shared})\n'
        return f"et.charts.{_CODE[chosen.tab]}(filtered, {shared})\n"

    def label(self, by: str, value: object) -> str:
        """How a value of a dimension is told, where it has a name."""
        return self._names.get(by, {}).get(str(value), str(value))

    def _grouped(self, selection: Selection, chosen: ChartState, coverage: FetchReport) -> Figure:
        by, measure, options = chosen.by, chosen.measure, self._options
        names = self._names.get(by, {})
        display = Display(
            options=options,
            show_numbers=self._keep is None,
            own_numbers=self._keep or (),
            names={by: names},
        )
        found = groups(selection, measure=measure, by=by, display=display, coverage=coverage)
        any_calls = selection.height > 0
        chart = draw_groups(
            found, measure=measure, by=by, display=display, coverage=coverage, any_calls=any_calls
        )
        spec = _spec(chart)
        hit = next((layer for layer in spec.get("layer", []) if layer.get("name") == HIT), None)
        if hit is None:
            return Figure(spec=spec)
        told: dict[tuple[object, ...], tuple[str, dict[str, object]]] = {
            (key,): (key, {by: value}) for key, value in found.shown.select("key", by).iter_rows()
        }
        if chosen.tab == "group":
            hit["mark"]["cursor"] = "pointer"
            return Figure(spec=spec, fields=("key",), groups=told)
        hit["params"] = [{"name": BRUSH, "select": {"type": "interval", "encodings": ["x"]}}]
        hit["mark"]["cursor"] = "crosshair"
        return Figure(spec=spec, fields=("key",), groups=told, spans=_spans(found.shown, by))


def _spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """The specification; Altair's check of its own takes as long as the numbers do."""
    spec: dict[str, Any] = chart.to_dict(validate=False)
    return spec


def _spans(shown: pl.DataFrame, by: str) -> tuple[Span, ...]:
    """The spans of the groups that are drawn, in their order."""
    told = shown.select("begin", "middle", "end", first=by, after=pl.col(by).dt.offset_by(TIME[by]))
    return tuple(Span(*row) for row in told.iter_rows())


def _heat(spec: dict[str, Any]) -> Figure:
    told: _Groups = {}
    for rows in spec.get("datasets", {}).values():
        for row in rows:
            if row.get("weekday") is not None and row.get("hour") is not None:
                cell = {"weekday": row["weekday"], "hour": row["hour"]}
                told[row["weekday"], row["hour"]] = (
                    f"{row['weekday_key']} {row['hour_key']}",
                    cell,
                )
    ordered = dict(sorted(told.items()))
    return Figure(spec=spec, fields=("weekday", "hour"), groups=ordered)
