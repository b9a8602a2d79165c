"""The traffic that calls carried in Erlangs: by hour, and its means by hour and weekday."""

import altair as alt
import polars as pl

from .. import metrics
from ..fetch_report import FetchReport
from ..language import Language, in_language, tr
from ..language import number as decimal
from ..locale.dates import long_date_expr
from ..locale.number_note import number_note
from ..locale.terms import count
from ..metrics import Calls, MetricOptions, erlangs_profile
from .axes import missing_spans, moment_axis, shade, shading_note, with_positions
from .finish import CoverageNote, coverage_note, empty_chart, finish_chart, lower_first, panel_title
from .inputs import chart_input
from .shades import shades_of
from .texts import CLOCK, clock_labels, key_text, rounded
from .theme import ANSWERED, GUTTER, INK, LOST, WIDTH, round_floats

__all__ = ["erlangs", "no_line_held"]

_MAX_HOURS, _MAX_DAYS = 1_400, 1_500
"""With more hours, each day has one bar; at most the latest days are drawn."""


@in_language
def erlangs(
    calls: Calls,
    *,
    trunk: str | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.VConcatChart | alt.Chart:
    """The Erlangs of each local hour, and their means by hour and by weekday and hour. Collects.

    The busy hour is marked. With more than 1,400 hours the busiest hour of each day is drawn, at
    most of the latest 1,500 days.

    Args:
        calls: calls of any direction; calls that were not fetched do not count.
        trunk: the name of a trunk: count its lines, held by legs. None: count calls.
        options: the time zone.
        coverage: `logs.report`. Times that were not fetched or not requested are shaded; their
            hours are left out of the means.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Examples:
        >>> chart = et.charts.erlangs(et.sample_logs().calls)
        >>> chart.title.text
        ['Erlangs by hour: busy hour 10:00 to 11:00, mean 0.28']
    """
    data = chart_input(calls, options, coverage)
    calls, options = data
    hours = metrics.erlangs(calls.lazy(), trunk=trunk, options=options).collect()
    number = data.height
    subject = tr("Erlangs by hour")
    if trunk:
        subject = tr("Erlangs of trunk {trunk} by hour", trunk=trunk)
    complete = coverage_note(coverage, options.time_zone)
    formula = tr(
        "erlangs = seconds that calls held a line in an hour / 3600; "
        "1 Erlang is one line in use for the whole hour."
    )
    if not hours.height:
        return no_line_held(subject, "call", number, [formula], complete, options)
    by_hour, by_weekday = (
        erlangs_profile(calls, by, trunk=trunk, coverage=coverage, options=options)
        for by in (["hour"], ["weekday", "hour"])
    )
    busy = by_hour.sort("erlangs", "hour", descending=[True, False]).head(1)
    summary, method = tr("no hour was fetched completely"), ""
    if busy.height:
        hour, mean = busy["hour"].item(), busy["erlangs"].item()
        summary = tr(
            "busy hour {begin} to {end}, mean {mean}",
            begin=f"{hour}:00",
            end=f"{hour + 1}:00",
            mean=decimal(mean, ".2f"),
        )
        method = tr("The busy hour has the highest mean of all clock hours (TCBH, ITU-T E.600).")
    daily = hours.height > _MAX_HOURS
    bars, limit = _busiest_hours(hours) if daily else (hours, "")
    rows = _bars(bars, options.time_zone, daily=daily)
    gaps = missing_spans(coverage, rows, options.time_zone)
    panels = [_over_time(rows, gaps, daily=daily)]
    if busy.height:
        panels += [_by_hour(by_hour, busy["hour"].item()), _by_weekday(by_weekday)]
    resolve = alt.Resolve(scale=alt.ScaleResolveMap(color="independent"))
    days = count(hours["day"].n_unique(), "day")
    return finish_chart(
        alt.vconcat(*panels, spacing=14, resolve=resolve),
        title=f"{subject}: {summary}",
        scope=[
            tr("{calls} on {days}", calls=count(number, "call"), days=days),
            options.time_zone,
            limit,
            shading_note(gaps),
        ],
        warnings=[number_note(calls, options)],
        about=[formula, method],
        coverage=complete,
        description="",
    )


def no_line_held(
    subject: str,
    unit: str,
    number: int,
    about: list[str],
    complete: CoverageNote,
    options: MetricOptions,
) -> alt.Chart:
    """The chart of calls of which none held a line."""
    message = tr("No call held a line") if unit == "call" else tr("No leg held a line")
    message = message if number else tr("No calls")
    title, scope = f"{subject}: {lower_first(message)}", [count(number, "call"), options.time_zone]
    return empty_chart(title, scope, about=about, coverage=complete, message=message)


def _busiest_hours(hours: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """The busiest hour of each day, of the latest 1,500 days, and a note about it."""
    ordered = hours.sort("day", "erlangs", "hour_begin", descending=[False, True, False])
    busiest = ordered.unique("day", keep="first", maintain_order=True)
    latest = busiest.tail(_MAX_DAYS)
    if latest.height == busiest.height:
        return latest, tr("top: the busiest hour of each day")
    return latest, tr(
        "top: the busiest hour of each day, of the latest {n} of {total} days",
        n=latest.height,
        total=busiest.height,
    )


def _bars(hours: pl.DataFrame, time_zone: str, *, daily: bool) -> pl.DataFrame:
    """One row per bar: an hour, or a whole day of which it is the busiest."""
    begin, length = pl.col("hour_begin"), pl.duration(hours=1)
    if daily:
        midnight = (
            pl.col("day")
            .cast(pl.Datetime("us"))
            .dt.replace_time_zone(time_zone, non_existent="null", ambiguous="earliest")
        )
        begin = pl.coalesce(midnight.dt.convert_time_zone("UTC"), begin)
        length = pl.duration(days=1)
    day = long_date_expr(pl.col("day"))
    bars = hours.with_columns(begin=begin, clock=pl.format("{} {}:00", day, "hour"))
    return round_floats(with_positions(bars.with_columns(end=pl.col("begin") + length), time_zone))


def _over_time(rows: pl.DataFrame, gaps: pl.DataFrame, *, daily: bool) -> alt.LayerChart:
    bars = rows.filter(pl.col("erlangs") > 0)
    for gap in gaps.iter_rows(named=True):
        inside = (pl.col("begin") >= gap["begin"]) & (pl.col("end") <= gap["end"])
        bars = bars.filter(~inside)
    size = alt.Y("erlangs:Q", title=tr("Erlangs"), axis=alt.Axis(tickCount=4, minExtent=GUTTER))
    layer = (
        alt.Chart(bars.select("begin", "end", "erlangs", "calls", "clock"))
        .mark_rect(color=ANSWERED)
        .encode(
            moment_axis(rows, field="begin"),
            alt.X2("end:T"),
            size,
            alt.Y2Datum(0),
            tooltip=[
                alt.Tooltip("clock:N", title=tr("hour")),
                alt.Tooltip("erlangs:Q", title=tr("Erlangs"), format=",.2f"),
                alt.Tooltip("calls:Q", title=tr("calls"), format=","),
            ],
        )
    )
    title = panel_title(tr("Busiest hour of each day") if daily else tr("Each hour"))
    return alt.LayerChart(layer=[*shade(gaps), layer], width=WIDTH, height=120, title=title)


def _hour_axis(*, title: str | None, padding: float) -> alt.X:
    return alt.X(
        "key:N",
        scale=alt.Scale(domain=CLOCK["hour"], paddingInner=padding, paddingOuter=padding / 2),
        axis=alt.Axis(title=title, labelAngle=0, labelOverlap=True, grid=False),
    )


def _mean_tooltip(*extra: alt.Tooltip) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("key:N", title=tr("hour")),
        alt.Tooltip("erlangs:Q", title=tr("mean Erlangs"), format=",.2f"),
        alt.Tooltip("peak:Q", title=tr("maximum"), format=",.2f"),
        *extra,
        alt.Tooltip("hours:Q", title=tr("over hours"), format=","),
    ]


def _by_hour(table: pl.DataFrame, busy_hour: int) -> alt.LayerChart:
    rows = round_floats(
        table.with_columns(key=key_text("hour"), is_busy=pl.col("hour") == busy_hour)
    )
    size = alt.Y("erlangs:Q", title=tr("mean"), axis=alt.Axis(tickCount=4, minExtent=GUTTER))
    tooltip = _mean_tooltip(alt.Tooltip("calls:Q", title=tr("mean calls"), format=",.1f"))
    hours = _hour_axis(title=None, padding=0.12)
    base, busy = (alt.Chart(table).encode(hours, size) for table in (rows, rows.filter("is_busy")))
    layers = [
        base.mark_bar(color=ANSWERED).encode(tooltip=tooltip),
        busy.mark_bar(color=LOST).encode(tooltip=tooltip),
        busy.mark_text(style=INK, baseline="bottom", dy=-3, text=tr("busy hour")),
    ]
    title = panel_title(tr("Mean of each clock hour"))
    return alt.LayerChart(layer=layers, width=WIDTH, height=110, title=title)


def _by_weekday(table: pl.DataFrame) -> alt.LayerChart:
    value = pl.col("erlangs")
    shades = shades_of(table["erlangs"])
    text = pl.when(value >= 0.05).then(rounded(value)).otherwise(pl.lit(""))
    rows = table.drop("calls").with_columns(
        key=key_text("hour"), weekday_key=key_text("weekday"), text=text
    )
    rows = shades.with_ink(round_floats(rows), "erlangs")
    axis = alt.Axis(grid=False, minExtent=GUTTER)
    days = alt.Y(
        "weekday_key:N", scale=alt.Scale(domain=clock_labels("weekday")), title=None, axis=axis
    )
    base = alt.Chart(rows).encode(_hour_axis(title=tr("hour of the day"), padding=0.0), days)
    colour = alt.Color("erlangs:Q", scale=shades.scale, legend=None)
    tooltip = [alt.Tooltip("weekday_key:N", title=tr("weekday")), *_mean_tooltip()]
    layers = [
        base.mark_rect().encode(colour, tooltip=tooltip),
        shades.texts(base, "text"),
    ]
    title = panel_title(tr("Mean of each weekday and hour, Erlangs"))
    return alt.LayerChart(layer=layers, width=WIDTH, height={"step": 22}, title=title)
