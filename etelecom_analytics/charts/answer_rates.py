"""Answer rates over time, by hour or weekday, and by any other dimension of calls."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..language import Language, in_language, tr
from ..locale.number_note import number_note
from ..locale.terms import count
from ..metrics import MEASURES, Calls, MetricOptions, summarize_fetched
from ..metrics.local_dimensions import START_DIMENSIONS
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
from .finish import coverage_note, empty_chart, finish_chart, lower_first, range_text, range_title
from .group_table import null_key_notes
from .grouping import (
    dimension_text,
    group_keys,
    group_names,
    only_dimension,
    tooltip_title,
)
from .inputs import Names, chart_input, names_of, row_limit
from .marks import MAX_GROUPS, interval_points, limit_groups, span_bars
from .rate_rows import rate_rows
from .texts import (
    CLOCK,
    TIME,
    fetched_text,
    formula_note,
    interval_text,
    percent,
    short_number,
)
from .theme import (
    ANSWERED,
    FAINT,
    GUTTER,
    INK,
    NOT_FETCHED,
    SHADE,
    SHADE_OPACITY,
    WIDTH,
    count_ticks,
    round_floats,
    total,
)

__all__ = ["answer_rate"]


@in_language
def answer_rate(
    calls: Calls,
    *,
    by: Names = "day",
    limit: int | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.VConcatChart | alt.HConcatChart | alt.Chart:
    """The answer rate of each group with its 95 % interval, and its offered calls. Collects.

    Days, weeks and months are on an axis of time. All hours or weekdays are shown in order. Other
    groups are rows, with the most offered calls first; combinations of several dimensions, such
    as "Mon, 09", are rows in the order of the dimensions.

    Args:
        calls: calls of any direction; all of them count.
        by: a dimension of calls, such as "day", "hour", "direction" or "callee", or a list of
            several, such as ["weekday", "hour"]. Extensions and users have names if the calls do
            (`logs.with_names(...)`): "An (101)".
        limit: the maximum number of groups, up to 400: the latest days, weeks or months, or the
            groups with the most offered calls. None: 370 or 40 of these. Hours and weekdays are
            always complete.
        options: parameters of the measures, such as the time zone.
        coverage: `logs.report`. Times that were not fetched or not requested are shaded; fetched
            times without calls count 0.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: no such dimension; the message lists the nearest.
        InputError: `by` has a dimension of offers, or `limit` is out of range.

    Examples:
        >>> inbound = et.sample_logs().calls.filter(direction="in")
        >>> chart = et.charts.answer_rate(inbound, by="weekday")
        >>> chart.title.text
        ['Answer rate by weekday: lowest 98 % (Thu), highest 100 % (Sat)']
        >>> chart = et.charts.answer_rate(inbound, by=["weekday", "hour"], limit=10)
    """
    data, dimensions = chart_input(calls, options, coverage), names_of(by, "by", "day")
    limit = None if limit is None else row_limit(limit, MAX_GROUPS)
    options, dimension = data.options, only_dimension(dimensions)
    measures = ["calls", "offered", "answered", "missed", "answer_rate"]
    table = round_floats(
        summarize_fetched(
            data.calls, dimensions, measures, coverage=coverage, options=options, confidence=True
        )
    )
    subject = f"{tr('Answer rate')} {dimension_text(dimensions)}"
    about = [formula_note(MEASURES["answer_rate"], options, interval=True)]
    complete = coverage_note(coverage, options.time_zone)
    scope = [options.time_zone]
    all_calls, offered = total(table, "calls"), total(table, "offered")
    if not offered:
        if all_calls:
            calls_text = count(all_calls, "call")
            scope.insert(0, tr("{calls}, running or of unknown state", calls=calls_text))
        message = tr("No offered calls") if all_calls else tr("No calls")
        title = f"{subject}: {lower_first(message)}"
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    scope.insert(0, count(offered, "offered call"))
    scope.extend(null_key_notes(data.calls, table, dimensions))
    chosen, limits = _limit(table, dimensions, limit)
    scope.extend(limits)
    if not chosen.height:
        message = tr("No calls with a start")
        return empty_chart(subject, scope, about=about, coverage=complete, message=message)
    keys = group_keys(chosen, group_names(data.calls, dimensions))
    rows = chosen.with_columns(keys, fetched=fetched_text(), **_texts())
    chart: alt.VConcatChart | alt.HConcatChart
    tooltip = _tooltip(dimensions, coverage)
    if dimension in TIME:
        gaps = missing_spans(coverage, rows, options.time_zone)
        scope.append(shading_note(gaps))
        chart = _over_time(rows, dimension, gaps, tooltip)
    elif dimension in CLOCK:
        chart = _over_clock(rows, dimension, tooltip)
    else:
        chart = rate_rows(rows, tooltip)
    return finish_chart(
        chart,
        title=range_title(subject, rows, "answer_rate", tr("{percent} ({key})"), size="offered"),
        scope=scope,
        warnings=[number_note(data.calls, options)],
        about=about,
        coverage=complete,
        description=_alt_text(rows),
    )


def _limit(
    table: pl.DataFrame, by: Sequence[str], limit: int | None
) -> tuple[pl.DataFrame, list[str]]:
    dimension = only_dimension(by)
    if dimension and limit is None and isinstance(table.schema[dimension], pl.Enum):
        return table, []  # few groups, in their own order
    counts = table.with_columns(count="calls")
    return limit_groups(counts, by, limit, noun="call", size="offered", size_noun="offered call")


def _tooltip(by: Sequence[str], coverage: FetchReport | None) -> list[alt.Tooltip]:
    has_hours = coverage and all(name in START_DIMENSIONS for name in by)
    return [
        alt.Tooltip("key:N", title=tooltip_title(by)),
        alt.Tooltip("answer_rate:Q", title=tr("answer rate"), format=".1%"),
        alt.Tooltip("interval:N", title=tr("95 % interval")),
        alt.Tooltip("answered:Q", title=tr("answered"), format=","),
        alt.Tooltip("missed:Q", title=tr("missed"), format=","),
        alt.Tooltip("offered:Q", title=tr("offered"), format=","),
        alt.Tooltip("calls:Q", title=tr("all calls"), format=","),
        *([alt.Tooltip("fetched:N", title=tr("fetched"))] if has_hours else []),
    ]


def _texts() -> dict[str, pl.Expr]:
    points = percent(pl.col("answer_rate"))
    interval = interval_text("answer_rate_low", "answer_rate_high")
    return {
        "interval": interval.fill_null(tr("none offered")),
        "percent": pl.format("{} %", points).fill_null("-"),
        "points": points,
        "size": short_number(pl.col("offered")),
    }


def _alt_text(table: pl.DataFrame) -> str:
    if table["answer_rate"].null_count() == table.height:
        return tr("No group has offered calls.")
    return range_text(table, "answer_rate", tr("{percent} of {offered} in {key}"))


def _over_time(
    table: pl.DataFrame, by: str, gaps: pl.DataFrame, tooltip: list[alt.Tooltip]
) -> alt.VConcatChart:
    """Days, weeks or months on an axis of time, with the times without data shaded."""
    width = min(WIDTH, max(260, 90 * table.height))
    upper, lower = (time_axis(table, by, field="middle", labels=labels) for labels in (False, True))
    bars = span_bars(alt.Chart(table), table, by, width=width)
    return _stack(
        [*shade(gaps), _line(table, upper), *_rates(table, upper, tooltip)],
        [*shade(gaps), *_offered(table, bars, lower, tooltip)],
        width,
    )


def _line(table: pl.DataFrame, axis: alt.X) -> alt.Chart:
    """A line through the points, interrupted where a group has no rate."""
    rated = table.filter(pl.col("answer_rate").is_not_null())
    starts_run = pl.col("begin") != pl.col("end").shift(1)
    runs = rated.with_columns(run=starts_run.cum_sum().fill_null(0))
    line: alt.Chart = (
        alt.Chart(runs)
        .mark_line(color=FAINT, strokeWidth=1)
        .encode(axis, _rate_axis(), detail=alt.Detail("run:N"))
    )
    return line


def _over_clock(table: pl.DataFrame, by: str, tooltip: list[alt.Tooltip]) -> alt.VConcatChart:
    """All hours or weekdays in order; those never fetched are shaded and have a sign."""
    order = key_order(table, by)
    upper, lower = (clock_axis(order, by, labels=labels) for labels in (False, True))
    rates = _rates(table, upper, tooltip)
    bars = alt.Chart(table).mark_bar(color=ANSWERED).encode(lower)
    offered = _offered(table, bars, lower, tooltip)
    unfetched = table.filter(pl.col("fetched_hours") <= 0)
    if unfetched.height:
        base = alt.Chart(unfetched)
        band = base.mark_rect(color=SHADE, opacity=SHADE_OPACITY).encode(tooltip=tooltip)
        sign = base.mark_text(style=INK, text=NOT_FETCHED, baseline="bottom", fontSize=12).encode(
            lower, y=alt.YValue("height")
        )
        rates = [band.encode(upper), *rates]
        offered = [band.encode(lower), sign, *offered]
    return _stack(rates, offered, min(WIDTH, 60 * len(order)))


def _rate_axis() -> alt.Y:
    axis = alt.Axis(format=".0%", tickCount=5, minExtent=GUTTER)
    scale = alt.Scale(zero=False, nice=True)
    return alt.Y("answer_rate:Q", title=tr("answer rate"), axis=axis, scale=scale)


def _rates(table: pl.DataFrame, axis: alt.X, tooltip: list[alt.Tooltip]) -> list[alt.Chart]:
    """A point and an interval for each rate, and the rate as text where there is room."""
    base = alt.Chart(table.filter(pl.col("answer_rate").is_not_null())).encode(
        axis, tooltip=tooltip
    )
    points = interval_points(
        base,
        _rate_axis(),
        groups=table.height,
        interval=("answer_rate_low", "answer_rate_high"),
    )
    if table.height > MAX_LABELLED_GROUPS:
        return points
    size, field = (11, "percent:N") if table.height <= MAX_LONG_LABELS else (10, "points:N")
    text = base.mark_text(style=INK, baseline="bottom", dy=-3, fontSize=size)
    return [*points, text.encode(alt.Y("answer_rate_high:Q"), text=alt.Text(field))]


def _offered(
    table: pl.DataFrame, bars: alt.Chart, axis: alt.X, tooltip: list[alt.Tooltip]
) -> list[alt.Chart]:
    """A bar for the offered calls of each group, with their number where there is room."""
    size = alt.Y(
        "offered:Q",
        title=tr("offered calls", context="axis"),
        axis=alt.Axis(
            tickCount=3, format=",d", values=count_ticks(table["offered"]), minExtent=GUTTER
        ),
    )
    layer = bars.encode(size, tooltip=tooltip)
    if table.height > MAX_LABELLED_GROUPS:
        return [layer]
    long_labels = table.height <= MAX_LONG_LABELS
    text = alt.Text("offered:Q", format=",") if long_labels else alt.Text("size:N")
    known = alt.Chart(table.filter(pl.col("offered").is_not_null()))
    labels = known.mark_text(style=INK, baseline="bottom", dy=-2, fontSize=10)
    return [layer, labels.encode(axis, size, text=text)]


def _stack(rates: list[alt.Chart], offered: list[alt.Chart], width: int) -> alt.VConcatChart:
    return alt.vconcat(
        alt.LayerChart(layer=rates, width=width, height=200),
        alt.LayerChart(layer=offered, width=width, height=80),
        spacing=6,
    )
