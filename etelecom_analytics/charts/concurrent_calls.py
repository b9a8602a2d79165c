"""Calls on the line at once over local time, and their peak."""

from datetime import datetime

import altair as alt
import polars as pl

from .. import local_time, metrics
from ..fetch_report import FetchReport
from ..language import Language, in_language, tr
from ..language import number as number_text
from ..locale.number_note import number_note
from ..locale.terms import count, plural, unit_name
from ..metrics import Calls, MetricOptions, concurrency_peaks
from ..readable_dates import CLOCK_SECOND, long_date
from .axes import (
    local_milliseconds,
    missing_spans,
    moment_axis,
    shade,
    shading_note,
    with_positions,
)
from .finish import coverage_note, finish_chart
from .inputs import chart_input
from .theme import ANSWERED, GUTTER, INK, LOST, WIDTH, count_ticks
from .traffic import no_line_held

__all__ = ["concurrency"]


@in_language
def concurrency(
    calls: Calls,
    *,
    trunk: str | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.LayerChart | alt.Chart:
    """The number of calls on the line at once over local time, with the peak marked. Collects.

    With more than 1,000 changes the maximum of each interval is drawn, so that no peak is lost; a
    note states the length of an interval.

    Args:
        calls: calls of any direction; calls that were not fetched do not count.
        trunk: the name of a trunk: count its lines, held by legs. None: count calls.
        options: the time zone.
        coverage: `logs.report`. Times that were not fetched or not requested are shaded.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Examples:
        >>> chart = et.charts.concurrency(et.sample_logs().calls)
        >>> chart.title.text[0]
        'Calls on the line at once: peak 4, first on Tue 3 Nov 2026 14:10:05'
    """
    data = chart_input(calls, options, coverage)
    calls, options = data
    result = metrics.concurrency(calls, trunk=trunk, options=options)
    unit = "leg" if trunk else "call"
    subject = tr("Calls on the line at once")
    if trunk:
        subject = tr("Legs on the line at once of trunk {trunk}", trunk=trunk)
    begin, end = ("add_time", "ended_time") if trunk else ("started_at", "ended_at")
    about = [
        tr(
            "On the line at t = {calls} with {begin} <= t < {end}.",
            calls=plural(unit),
            begin=begin,
            end=end,
        )
    ]
    if result.without_span:
        about.append(
            tr(
                "Not counted: {calls} without both times, that did not end after the start, or "
                "that are too long.",
                calls=count(result.without_span, unit),
            )
        )
    complete = coverage_note(coverage, options.time_zone)
    number = data.height
    if result.at is None:
        return no_line_held(subject, unit, number, about, complete, options)
    levels, drawn = concurrency_peaks(result), ""
    if levels.height < result.over_time.height - 1:
        seconds = (levels["end"][0] - levels["begin"][0]).total_seconds()
        drawn = tr("drawn: the maximum of every {duration}", duration=_duration_text(seconds))
    at = long_date(result.at.astimezone(local_time.zone(options.time_zone)), CLOCK_SECOND)
    rows = with_positions(levels, options.time_zone)
    gaps = missing_spans(coverage, rows, options.time_zone)
    return finish_chart(
        _levels(rows, result.at, result.peak, gaps, options),
        title=tr(
            "{subject}: peak {n}, first on {moment}", subject=subject, n=result.peak, moment=at
        ),
        scope=[count(number, "call"), options.time_zone, drawn, shading_note(gaps)],
        warnings=[number_note(calls, options)],
        about=about,
        coverage=complete,
        description="",
    )


def _duration_text(seconds: float) -> str:
    """A duration in its largest unit: "15 min"."""
    units = (("days", 86_400), ("h", 3_600), ("min", 60))
    unit, size = next(((unit, size) for unit, size in units if seconds >= size), ("s", 1))
    return f"{number_text(seconds / size, 'g')} {unit_name(unit)}"


def _levels(
    rows: pl.DataFrame, at: datetime, peak: int, gaps: pl.DataFrame, options: MetricOptions
) -> alt.LayerChart:
    axis = alt.Axis(tickCount=5, format=",d", values=count_ticks(rows["calls"]), minExtent=GUTTER)
    size = alt.Y("calls:Q", title=tr("on the line"), axis=axis, scale=alt.Scale(domainMin=0))
    bars = (
        alt.Chart(rows.filter(pl.col("calls") > 0))
        .mark_rect(color=ANSWERED, stroke=ANSWERED, strokeWidth=0.3)
        .encode(
            moment_axis(rows, field="begin"),
            alt.X2("end:T"),
            size,
            alt.Y2Datum(0),
            tooltip=[
                alt.Tooltip("since:N", title=tr("from", context="time")),
                alt.Tooltip("calls:Q", title=tr("on the line"), format=","),
            ],
        )
    )
    moment = pl.DataFrame(
        {"moment": [at], "calls": [peak]},
        schema={"moment": pl.Datetime("us", "UTC"), "calls": pl.Int64},
    ).select(
        "calls",
        begin=local_milliseconds(pl.col("moment"), options.time_zone),
        text=pl.format(tr("peak {}"), "calls"),
    )
    first, last = rows.select(pl.col("begin").min(), pl.col("end").max()).row(0)
    near_end = moment["begin"].item() > first + (last - first) * 0.8
    base = alt.Chart(moment).encode(alt.X("begin:T"), size)
    point = base.mark_point(
        shape="triangle-down", filled=True, color=LOST, opacity=1, size=70, yOffset=-7
    ).encode(tooltip=[alt.Tooltip("calls:Q", title=tr("peak"), format=",")])
    text = base.mark_text(
        style=INK, align="right" if near_end else "left", dx=-9 if near_end else 9, dy=-8
    ).encode(text=alt.Text("text:N"))
    return alt.LayerChart(layer=[*shade(gaps), bars, point, text], width=WIDTH, height=200)
