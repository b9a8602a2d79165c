"""Any measure by weekday and hour."""

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..language import Language, in_language, tr
from ..locale.number_note import number_note
from ..locale.terms import count, dimension_name, or_list
from ..metrics import Calls, MetricOptions, summarize_fetched
from ..metrics.registry import TOTALS, Measure, Ratio, Total
from ..metrics.registry import measure as measure_named
from .durations import duration_axis, duration_text
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
from .inputs import ChartInput, Names, chart_input, names_of, non_negative_number
from .marks import measure_tooltip
from .shades import CELL_TEXT, shades_of
from .texts import (
    CLOCK,
    clock_labels,
    fetched_text,
    formula_note,
    key_text,
    measure_title,
    percent,
    short_number,
)
from .theme import (
    FAINT,
    INK,
    NOT_FETCHED,
    SHADE,
    SHADE_OPACITY,
    WIDTH,
    count_ticks,
    round_floats,
    total,
)

__all__ = ["heatmap"]

_CELL, _MIN_BASIS = 27, 5


@in_language
def heatmap(
    calls: Calls,
    *,
    measure: Names = "offered",
    target: float | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.LayerChart | alt.VConcatChart | alt.Chart:
    """A measure by weekday and hour of the local start; cells without a value are blank. Collects.

    Args:
        calls: calls of any direction; all of them count.
        measure: any of `etelecom_analytics.measures()`; of a list, one chart below the other.
        target: the value without colour: orange is worse, blue is better. For service measures;
            None: one colour.
        options: parameters of the measure, such as the time zone.
        coverage: `logs.report`. Hours that were not fetched are shaded; fetched hours without
            calls count 0.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: no such measure; the message lists the nearest.
        InputError: `target` is no number of 0 or more.

    Examples:
        >>> inbound = et.sample_logs().calls.filter(direction="in")
        >>> chart = et.charts.heatmap(inbound, measure="missed")
        >>> chart.title.text
        ['Missed (calls) by weekday and hour: most on Mon at 9:00, 1']
    """
    data = chart_input(calls, options, coverage)
    names = names_of(measure, "measure", "offered")
    target = None if target is None else non_negative_number(target, "target")
    note = number_note(*data)
    charts = [
        _heatmap(data, name, target, coverage, note if index == 0 else "")
        for index, name in enumerate(names)
    ]
    return charts[0] if len(charts) == 1 else stack_charts(charts)


def _heatmap(
    data: ChartInput,
    measure: str,
    target: float | None,
    coverage: FetchReport | None,
    warning: str,
) -> alt.LayerChart | alt.Chart:
    definition, options = measure_named(measure), data.options
    grain, count_column = definition.grain, TOTALS[definition.grain]
    noun = grain.removesuffix("s")
    table = round_floats(
        summarize_fetched(
            data.calls,
            ["weekday", "hour"],
            list(dict.fromkeys([measure, count_column])),
            coverage=coverage,
            options=options,
            confidence=True,
        )
    )
    subject = tr("{measure} by weekday and hour", measure=measure_title(definition))
    about = [formula_note(definition, options)]
    complete = coverage_note(coverage, options.time_zone)
    counted = total(table, count_column)
    if not counted:
        message = none_of(grain) if data.height else tr("No calls")
        title, scope = f"{subject}: {lower_first(message)}", [options.time_zone]
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    scope = [count(counted, noun), options.time_zone]
    dated = table.filter(pl.col("weekday").is_not_null())
    if undated := counted - total(dated, count_column):
        scope.append(tr("not in a cell: {calls} without a start", calls=count(undated, noun)))
    if not dated.height:
        message = tr("No calls with a start")
        return empty_chart(subject, scope, about=about, coverage=complete, message=message)
    rows = dated.with_columns(
        **_value_columns(definition),
        fetched=fetched_text(),
        hour_key=key_text("hour"),
        weekday_key=key_text("weekday"),
    )
    cells = rows.filter(pl.col("value").is_not_null())
    unfetched = rows.filter(pl.col("fetched_hours") <= 0, pl.col("value").is_null())
    scope.extend(_legend_notes(cells, unfetched, definition))
    if not cells.height:
        message = tr("No value of {measure}", measure=measure)
        return empty_chart(subject, scope, about=about, coverage=complete, message=message)
    return finish_chart(
        _draw(cells, unfetched, definition, target),
        title=_title(subject, cells, definition),
        scope=scope,
        warnings=[warning],
        about=about,
        coverage=complete,
        description=range_text(
            cells, "value", tr("{text} on {weekday_key} at {hour_key}"), noun="cell"
        ),
    )


def _value_columns(measure: Measure) -> dict[str, pl.Expr]:
    """The value, its text and its basis, in columns of the same name for every measure."""
    value = pl.col(measure.name).cast(pl.Float64)
    over, few = pl.lit(None, pl.String), pl.lit(value=False)
    if isinstance(measure.aggregation, Ratio):
        denominator = f"{measure.name}_den"
        over = pl.format(tr("{} of {}"), f"{measure.name}_num", denominator)
        few = pl.col(denominator) < _MIN_BASIS
    elif not isinstance(measure.aggregation, Total):
        over = pl.format("{} {}", f"{measure.name}_n", pl.lit(tr(measure.population)))
        few = pl.col(f"{measure.name}_n") < _MIN_BASIS
    match measure.unit:
        case "share":
            text = percent(value)
        case "s":
            text = duration_text(measure.name)
        case _:
            text = short_number(value)
    return {
        "value": value,
        "text": text,
        "cell": text if measure.unit != "s" else _short_duration(value),
        "over": over,
        "count": pl.col(TOTALS[measure.grain]),
        "few": few,
    }


def _short_duration(seconds: pl.Expr) -> pl.Expr:
    """Seconds as text of about four characters: 45, 2:39, 12m, 3h."""
    whole = seconds.round(0).cast(pl.Int64)
    clock = pl.format("{}:{}", whole // 60, (whole % 60).cast(pl.String).str.zfill(2))
    minutes, hours = ((seconds / size).round(0).cast(pl.Int64) for size in (60, 3_600))
    return (
        pl.when(seconds < 59.5)
        .then(pl.format("{}", whole))
        .when(seconds < 599.5)
        .then(clock)
        .when(seconds < 5_970)
        .then(pl.format(tr("{}m", context="minutes"), minutes))
        .otherwise(pl.format(tr("{}h", context="hours"), hours))
    )


def _title(subject: str, cells: pl.DataFrame, measure: Measure) -> str:
    """The subject and its finding: the cell with the most, or the lowest and the highest value."""
    if not isinstance(measure.aggregation, Total):
        text = (
            tr("{text} % on {weekday_key} at {hour_key}:00")
            if measure.unit == "share"
            else tr("{text} on {weekday_key} at {hour_key}:00")
        )
        return range_title(subject, cells, "value", text, size="count")
    order = ["value", "weekday", "hour"]
    most = cells.sort(order, descending=[True, False, False]).row(0, named=True)
    if not most["value"]:
        return tr("{subject}: none", subject=subject)
    return tr(
        "{subject}: most on {weekday} at {hour}:00, {text}",
        subject=subject,
        weekday=most["weekday_key"],
        hour=most["hour_key"],
        text=most["text"],
    )


def _legend_notes(cells: pl.DataFrame, unfetched: pl.DataFrame, measure: Measure) -> list[str]:
    """The meaning of blank, crossed and outlined cells, if there are any."""
    notes = []
    if cells.height + unfetched.height < len(CLOCK["weekday"]) * len(CLOCK["hour"]):
        is_total = isinstance(measure.aggregation, Total)
        reason = lower_first(none_of(measure.grain)) if is_total else tr("nothing to measure")
        notes.append(tr("blank: {reason}", reason=reason))
    if unfetched.height:
        # A weekday of which the requested range has no day has no hours at all.
        reasons = [tr("not fetched")] * (unfetched["hours"] > 0).any()
        reasons += [tr("not requested")] * (unfetched["hours"] == 0).any()
        notes.append(f"{NOT_FETCHED}: {or_list(reasons)}")
    if cells["few"].any():
        notes.append(tr("outlined: over fewer than {n}", n=_MIN_BASIS))
    return notes


def _draw(
    cells: pl.DataFrame, unfetched: pl.DataFrame, measure: Measure, target: float | None
) -> alt.LayerChart:
    hours = alt.X(
        "hour_key:N",
        scale=alt.Scale(domain=CLOCK["hour"]),
        title=tr("hour of the day"),
        axis=alt.Axis(labelAngle=0, labelOverlap=True, grid=False),
    )
    days = alt.Y(
        "weekday_key:N",
        scale=alt.Scale(domain=clock_labels("weekday")),
        title=None,
        axis=alt.Axis(grid=False),
    )
    cell = [
        alt.Tooltip("weekday_key:N", title=dimension_name("weekday")),
        alt.Tooltip("hour_key:N", title=dimension_name("hour")),
    ]
    tooltip = [*cell, *measure_tooltip(measure, fetched=cells["hours"].is_not_null().any())]
    shades = shades_of(cells["value"], measure, target=target)
    cells = shades.with_ink(cells, "value")
    filled, outlined = (
        alt.Chart(cells.filter(pl.col("few") == few)).encode(hours, days, tooltip=tooltip)
        for few in (False, True)
    )
    layers = [
        filled.mark_rect(stroke=FAINT, strokeWidth=0.5).encode(
            alt.Color("value:Q", scale=shades.scale, legend=_legend(cells, measure))
        ),
        shades.texts(filled, "cell"),
    ]
    if cells["few"].any():
        inset = alt.RelativeBandSize(band=0.8)
        layers += [
            outlined.mark_rect(fill="transparent", stroke=FAINT, width=inset, height=inset),
            outlined.mark_text(style=[CELL_TEXT, INK], fontSize=10).encode(text=alt.Text("cell:N")),
        ]
    if unfetched.height:
        fetched = alt.Tooltip("fetched:N", title=tr("fetched"))
        base = alt.Chart(unfetched).encode(hours, days, tooltip=[*cell, fetched])
        layers += [
            base.mark_rect(color=SHADE, opacity=SHADE_OPACITY),
            base.mark_text(style=[CELL_TEXT, INK], text=NOT_FETCHED, fontSize=12),
        ]
    return alt.LayerChart(layer=layers, width=WIDTH, height={"step": _CELL})


def _legend(cells: pl.DataFrame, measure: Measure) -> alt.Legend:
    is_count = measure.unit in ("calls", "offers")
    if measure.unit == "s":
        ticks = duration_axis(cells["value"].to_list(), zero=False)
        return alt.Legend(title=None, orient="top", **ticks)
    return alt.Legend(
        title=None,
        format=".0%" if measure.unit == "share" else "~s",
        orient="top",
        values=count_ticks(cells["value"].cast(pl.Int64)) if is_count else alt.Undefined,
        tickCount=5,
    )
