"""Any measure by any dimension, as bars or points."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..language import Language, in_language, tr
from ..locale.display import Display
from ..locale.number_note import number_note
from ..locale.terms import count
from ..metrics import Calls, MetricOptions
from ..metrics.registry import Measure, Ratio, Total
from ..metrics.registry import measure as measure_named
from ..privacy import check_own_numbers
from .axes import (
    MAX_LABELLED_GROUPS,
    MAX_LONG_LABELS,
    clock_axis,
    key_order,
    missing_spans,
    shade,
    shading_note,
    time_axis,
)
from .durations import duration_axis
from .finish import (
    coverage_note,
    empty_chart,
    finish_chart,
    lower_first,
    none_of,
    range_text,
    range_title,
    stack_charts,
)
from .group_table import Groups, groups
from .grouping import dimension_text, only_dimension, tooltip_title
from .inputs import Names, chart_input, names_of
from .marks import interval_points, measure_tooltip, span_bars
from .previous_period import PreviousPeriod, previous_tooltip
from .shades import CELL_TEXT
from .texts import CLOCK, TIME, formula_note, measure_title
from .theme import ANSWERED, FAINT, GUTTER, INK, WIDTH, count_ticks

__all__ = ["HIT", "draw_groups", "measure_by"]

HIT = "groups"
"""Name of the invisible marks that cover the whole area of each group."""

_ROW, _ROWS_WIDTH, _HEIGHT = 22, 520, 260


@in_language
def measure_by(
    calls: Calls,
    *,
    measure: Names = "offered",
    by: Names = "day",
    limit: int | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    masked: bool = False,
    own_numbers: Sequence[str] = (),
    language: Language | None = None,
) -> alt.LayerChart | alt.VConcatChart | alt.Chart:
    """A measure by a dimension: bars for counts and sums, points for means and shares. Collects.

    A share has its 95 % interval. Days, weeks and months are on an axis of time. All hours or
    weekdays are shown in order. Other groups are rows, the biggest first; combinations of several
    dimensions, such as "Mon, 09", are rows in the order of the dimensions.

    Args:
        calls: calls of any direction; all of them count.
        measure: any of `etelecom_analytics.measures()`; of a list, one chart below the other.
        by: any dimension of that measure, or a list of several. Extensions, users and target
            numbers have names if the calls do.
        limit: the maximum number of groups, up to 400: the latest days, weeks or months, or the
            groups with the most calls, offers or legs. None: 370 or 40 of these. Hours and
            weekdays are always complete.
        options: parameters of the measure, such as the time zone.
        coverage: `logs.report`. Times that were not fetched or not requested are shaded; fetched
            times without calls count 0.
        masked: whether external phone numbers are masked.
        own_numbers: numbers that are never masked, such as the organisation's hotlines; nor are
            the options' `ivr_numbers`.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: no such measure or dimension; the message lists the nearest.
        InputError: the dimension is one of legs but the measure one of calls, the dimension needs
            names that the calls do not have, or `limit` is out of range.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> chart = et.charts.measure_by(calls, measure="asa_s", by="direction")
        >>> chart.title.text
        ['Average speed of answer by direction: lowest 1.4 s (in), highest 15.2 s (out)']
        >>> chart = et.charts.measure_by(calls, measure="answer_rate", by=["weekday", "hour"])
    """
    data, dimensions = chart_input(calls, options, coverage), names_of(by, "by", "day")
    numbers = check_own_numbers(own_numbers)
    display = Display(options=data.options, show_numbers=not masked, own_numbers=numbers)
    charts: list[alt.LayerChart | alt.Chart] = []
    warning = number_note(*data)
    for name in names_of(measure, "measure", "offered"):
        table = groups(
            data.calls,
            measure=name,
            by=dimensions,
            limit=limit,
            display=display,
            coverage=coverage,
        )
        any_calls = bool(table.total or data.height)
        charts.append(
            draw_groups(
                table,
                measure=name,
                by=dimensions,
                display=display,
                coverage=coverage,
                any_calls=any_calls,
                warning="" if charts else warning,
            )
        )
    return charts[0] if len(charts) == 1 else stack_charts(charts)


def draw_groups(
    table: Groups,
    *,
    measure: str,
    by: Names,
    display: Display,
    coverage: FetchReport | None,
    any_calls: bool,
    warning: str,
    previous: PreviousPeriod | None = None,
) -> alt.LayerChart | alt.Chart:
    """The chart of the result of `groups`; `warning` is its first note.

    Days, weeks or months may have the line of a previous period.
    """
    options, definition = display.options, measure_named(measure)
    dimensions = names_of(by, "by", "day")
    dimension = only_dimension(dimensions)
    subject = f"{measure_title(definition)} {dimension_text(dimensions)}"
    about = [formula_note(definition, options, interval=True)]
    complete = coverage_note(coverage, options.time_zone)
    scope = [options.time_zone]
    if not table.total:
        message = none_of(definition.grain) if any_calls else tr("No calls")
        title = f"{subject}: {lower_first(message)}"
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    rows, noun = table.rows, definition.grain.removesuffix("s")
    scope.insert(0, count(table.total, noun))
    scope.extend(table.notes)
    if rows["value"].null_count() == rows.height:
        message = tr("No value of {measure}", measure=measure)
        return empty_chart(subject, scope, about=about, coverage=complete, message=message)
    if dimension in TIME:
        gaps = missing_spans(coverage, rows, options.time_zone)
        scope.append(shading_note(gaps))
        scope.append(previous.note if previous else "")
        chart = _over_time(rows, dimension, definition, gaps, previous)
    elif dimension in CLOCK:
        chart = _over_clock(rows, dimension, definition)
    else:
        # Without the columns of the dimensions, which have the numbers that `key` masks.
        chart = _by_name(rows.drop(dimensions), dimensions, definition)
    return finish_chart(
        chart,
        title=range_title(subject, rows, "value", tr("{text} ({key})"), size="count"),
        scope=scope,
        warnings=[warning],
        about=about,
        coverage=complete,
        description=range_text(rows, "value", tr("{text} at {key}")),
    )


def _over_time(
    table: pl.DataFrame,
    by: str,
    measure: Measure,
    gaps: pl.DataFrame,
    previous: PreviousPeriod | None,
) -> alt.LayerChart:
    """Days, weeks or months on an axis of time, with the times without data shaded."""
    width = min(WIDTH, max(300, 90 * table.height))
    middle, begin = (
        time_axis(table, by, field=field, labels=True) for field in ("middle", "begin")
    )
    values = table["value"]
    if previous:
        table = previous.joined(table)
        values = pl.concat([values, previous.rows["value"]])
    value = _value_axis(values, measure, alt.Y)
    layers = _layers(table, by, measure, middle, value, width=width)
    line = [previous.line(middle, value)] if previous else []
    hit = _hit(table, [by], measure, previous=previous is not None).encode(
        begin, alt.X2("end:T"), y=alt.YValue(0), y2=alt.Y2Value("height")
    )
    layers = [*shade(gaps), *layers, *line, hit]
    return alt.LayerChart(layer=layers, width=width, height=_HEIGHT)


def _over_clock(table: pl.DataFrame, by: str, measure: Measure) -> alt.LayerChart:
    """All hours or weekdays in order."""
    order = key_order(table, by)
    across = clock_axis(order, by)
    value = _value_axis(table["value"], measure, alt.Y)
    layers = _layers(table, by, measure, across, value)
    hit = _hit(table, [by], measure).encode(across, y=alt.YValue(0), y2=alt.Y2Value("height"))
    width = min(WIDTH, 60 * len(order))
    return alt.LayerChart(layer=[*layers, hit], width=width, height=_HEIGHT)


def _by_name(table: pl.DataFrame, by: Sequence[str], measure: Measure) -> alt.LayerChart:
    """One row per group, in the table's order."""
    axis = alt.Axis(grid=not isinstance(measure.aggregation, Total), labelPadding=6)
    scale = alt.Scale(domain=table["key"].to_list())
    across = alt.Y("key:N", scale=scale, title=None, axis=axis)
    value = _value_axis(table["value"], measure, alt.X)
    layers = _layers(table, None, measure, across, value)
    hit = _hit(table, by, measure).encode(across, x=alt.XValue(0), x2=alt.X2Value("width"))
    return alt.LayerChart(layer=[*layers, hit], width=_ROWS_WIDTH, height={"step": _ROW})


def _layers(
    table: pl.DataFrame,
    by: str | None,
    measure: Measure,
    across: alt.X | alt.Y,
    value: alt.X | alt.Y,
    *,
    width: int = WIDTH,
) -> list[alt.Chart]:
    """Bars of a sum, points of anything else, and the values as text where there is room."""
    vertical = isinstance(value, alt.Y)
    known = alt.Chart(table.filter(pl.col("value").is_not_null()))
    if isinstance(measure.aggregation, Total):
        bars = known.mark_bar(color=ANSWERED).encode(across)
        bars = span_bars(known, table, by, width=width) if by in TIME else bars
        layers = [bars.encode(value)]
    else:
        interval = ("low", "high") if isinstance(measure.aggregation, Ratio) else ()
        line = known.mark_line(color=FAINT, strokeWidth=1).encode(across, value)
        points = interval_points(
            known.encode(across), value, groups=table.height, interval=interval
        )
        layers = [line, *points] if by in TIME else points
    if vertical and table.height > MAX_LABELLED_GROUPS:
        return layers
    end = "high:Q" if table["high"].is_not_null().any() else "value:Q"
    place: dict[str, Any] = {"align": "left", "dx": 8, "style": INK}
    labelled = table.filter(pl.col("value").is_not_null())
    if vertical:
        place = {"baseline": "bottom", "dy": -5, "fontSize": 10, "style": INK}
        if table.height > MAX_LONG_LABELS:
            seconds = tr("{seconds} s").removeprefix("{seconds}")
            labelled = labelled.with_columns(
                pl.col("text").str.strip_suffix(" %").str.strip_suffix(seconds)
            )
            place["style"] = [CELL_TEXT, INK]
    return [
        *layers,
        alt.Chart(labelled)
        .mark_text(**place)
        .encode(across, type(value)(end), text=alt.Text("text:N")),
    ]


def _value_axis(values: pl.Series, measure: Measure, channel: type[alt.X | alt.Y]) -> alt.X | alt.Y:
    is_total = isinstance(measure.aggregation, Total)
    axis: dict[str, Any] = {"minExtent": GUTTER} if channel is alt.Y else {}
    title = lower_first(measure_title(measure))
    if measure.unit == "s":
        axis |= duration_axis(values.drop_nulls().to_list(), zero=is_total)
    else:
        axis |= {"format": ".0%" if measure.unit == "share" else ",d", "tickCount": 5}
        if is_total:
            axis["values"] = count_ticks(values.cast(pl.Int64))
    scale = alt.Scale(zero=is_total, nice=True)
    return channel("value:Q", title=title, axis=alt.Axis(**axis), scale=scale)


def _hit(
    table: pl.DataFrame, by: Sequence[str], measure: Measure, *, previous: bool = False
) -> alt.Chart:
    """Invisible marks with the tooltips: a point alone is too small to point at."""
    key = alt.Tooltip("key:N", title=tooltip_title(by))
    tooltip = [key, *measure_tooltip(measure, fetched=table["hours"].is_not_null().any())]
    if previous:
        tooltip.append(previous_tooltip())
    base = alt.Chart(table, name=HIT)
    hit: alt.Chart = base.mark_rect(color="transparent").encode(tooltip=tooltip)
    return hit
