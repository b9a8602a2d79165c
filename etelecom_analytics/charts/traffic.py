"""How many calls were on the line at once, and the Erlangs that they carried."""

from datetime import datetime

import altair as alt
import polars as pl

from .. import local_time, metrics
from ..logs import FetchReport
from ..metrics import Calls, MetricOptions, concurrency_peaks, erlangs_profile
from .axes import CLOCK, local_milliseconds, missing_spans, moment_axis, shade, shading_note
from .finish import coverage_note, empty_chart, finish_chart
from .theme import ANSWERED, LOST, WIDTH, count, count_ticks, round_floats

__all__ = ["concurrency", "erlangs"]

_GUTTER = 42
_MOST_HOURS = 1_400
"""Of more, each day has one bar."""
_MOST_DAYS = 1_500

_BRIGHT = 0.5
"""From this part of the highest value on a cell is bright, and its words dark: an expression cannot ask the scale of one panel of many."""


def concurrency(
    calls: Calls,
    *,
    trunk: str | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.LayerChart | alt.Chart:
    """How many calls were on the line at once, over local time, the peak marked. Collects.

    Of more than 1,000 changes the highest level of each stretch of time is drawn, so no peak is
    lost; the subtitle says how long one is.

    Args:
        calls: calls of any direction; those that were not fetched were on no line.
        trunk: only the lines of the trunk of this name, held by legs.
        options: whose local time is meant.
        coverage: `logs.report`; shades what was not fetched or not asked for.
    """
    found = metrics.concurrency(calls, trunk=trunk)
    zone, unit = f"({options.time_zone})", "leg" if trunk else "call"
    named = f"{unit.capitalize()}s on the line at once{f', of {trunk}' if trunk else ''}"
    notes: list[str] = [
        f"on the line at t = {unit}s with {'add_time' if trunk else 'started_at'} <= t < {'ended_time' if trunk else 'ended_at'}."
    ]
    if found.without_span:
        notes.append(
            f"Not counted: {count(found.without_span, unit)} without both times, or that did not end after it started."
        )
    notes.append(coverage_note(coverage, options.time_zone))
    of_calls = calls.lazy().select(pl.len()).collect().item()
    if found.at is None:
        words = f"No {unit} held a line" if of_calls else "No calls"
        return empty_chart(
            f"{named}: {words[0].lower()}{words[1:]}, of {count(of_calls, 'call')} {zone}",
            notes,
            message=words,
        )
    levels = concurrency_peaks(found)
    if levels.height < found.over_time.height - 1:
        seconds = (levels["end"][0] - levels["begin"][0]).total_seconds()
        notes.insert(1, f"Drawn: the most at once in every {_length(seconds)}.")
    at = f"{found.at.astimezone(local_time.zone(options.time_zone)):%a %Y-%m-%d %H:%M:%S}"
    title = (
        f"{named}: {found.peak:,} at the most, first on {at}, of {count(of_calls, 'call')} {zone}"
    )
    drawn = _placed(levels, options.time_zone)
    gaps = missing_spans(coverage, drawn, options.time_zone)
    notes.append(shading_note(gaps))
    chart = _levels(drawn, found.at, found.peak, gaps, options)
    return finish_chart(
        chart, title=title, notes=notes, description=f"Peak: {found.peak:,} at {at}."
    )


def _length(seconds: float) -> str:
    """A stretch of time in words, such as "15 min"."""
    unit, size = next(
        (
            (unit, size)
            for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60))
            if seconds >= size
        ),
        ("s", 1),
    )
    return f"{seconds / size:g} {unit}"


def _placed(table: pl.DataFrame, time_zone: str) -> pl.DataFrame:
    """The table with `begin` and `end` on the axis of local time, and `since`, when it begins, in words."""
    local = pl.col("begin").dt.convert_time_zone(local_time.zone(time_zone).key)
    return table.with_columns(
        since=local.dt.strftime("%a %Y-%m-%d %H:%M:%S"),
        begin=local_milliseconds(pl.col("begin"), time_zone),
        end=local_milliseconds(pl.col("end"), time_zone),
    ).with_columns(middle=(pl.col("begin") + pl.col("end")) // 2)


def _levels(
    drawn: pl.DataFrame, at: datetime, peak: int, gaps: pl.DataFrame, options: MetricOptions
) -> alt.LayerChart:
    tooltip = [
        alt.Tooltip("since:N", title="from"),
        alt.Tooltip("calls:Q", title="on the line", format=","),
    ]
    axis = alt.Axis(tickCount=5, format=",d", values=count_ticks(drawn["calls"]), minExtent=_GUTTER)
    size = alt.Y("calls:Q", title="on the line", axis=axis, scale=alt.Scale(domainMin=0))
    base = alt.Chart(drawn.filter(pl.col("calls") > 0).drop("middle")).mark_rect(
        color=ANSWERED, stroke=ANSWERED, strokeWidth=0.3
    )
    bars = base.encode(
        moment_axis(drawn, field="begin"),
        alt.X2("end:T"),
        size,
        alt.Y2Datum(0),
        tooltip=tooltip,
    )
    moment = pl.DataFrame(
        {"moment": [at], "calls": [peak]},
        schema={"moment": pl.Datetime("us", "UTC"), "calls": pl.Int64},
    )
    first, last = drawn.select(pl.col("begin").min(), pl.col("end").max()).row(0)
    place = local_milliseconds(pl.col("moment"), options.time_zone)
    left = moment.select(place > first + (last - first) * 0.8).item()
    marked = moment.select("calls", begin=place, words=pl.format("peak {}", "calls"))
    top = alt.Chart(marked).encode(alt.X("begin:T"), size)
    point = top.mark_point(
        shape="triangle-down", filled=True, color=LOST, opacity=1, size=70, yOffset=-7
    ).encode(tooltip=[alt.Tooltip("calls:Q", title="peak", format=",")])
    words = top.mark_text(align="right" if left else "left", dx=-9 if left else 9, dy=-8).encode(
        text="words:N"
    )
    layers = [*shade(gaps), bars, point, words]
    return alt.LayerChart(layer=layers, width=WIDTH, height=200)


def erlangs(
    calls: Calls,
    *,
    trunk: str | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """The Erlangs of each local hour; below, of a usual day, the busy hour marked, and of a usual week. Collects.

    Of more than 1,400 hours each day's own busiest one is drawn, at most of the latest 1,500 days.

    Args:
        calls: calls of any direction; those that were not fetched were on no line.
        trunk: only the lines of the trunk of this name, held by legs.
        options: whose local time is meant.
        coverage: `logs.report`; shades what was not fetched or not asked for, and leaves hours of
            which that holds out of the means.
    """
    hours = metrics.erlangs(calls.lazy(), trunk=trunk, options=options).collect()
    zone, of_calls = f"({options.time_zone})", calls.lazy().select(pl.len()).collect().item()
    named = f"Erlangs{f' of {trunk}' if trunk else ''} by hour"
    notes: list[str] = [
        "erlangs = seconds that calls held a line in an hour / 3600; 1 Erlang is one line in use all the hour."
    ]
    if not hours.height:
        words = "No call held a line" if of_calls else "No calls"
        title = f"{named}: {words[0].lower()}{words[1:]}, of {count(of_calls, 'call')} {zone}"
        return empty_chart(
            title, [*notes, coverage_note(coverage, options.time_zone)], message=words
        )
    day, week = (
        erlangs_profile(calls, by, trunk=trunk, coverage=coverage, options=options)
        for by in (["hour"], ["weekday", "hour"])
    )
    days = hours["day"].n_unique()
    title = f"{named}, of {count(of_calls, 'call')} on {count(days, 'day')} {zone}"
    busy = day.sort("erlangs", "hour", descending=[True, False]).head(1)
    drawn, told = _bars_of(hours, options)
    said, definition = "No hour was wholly fetched.", ""
    if busy.height:
        said = (
            f"Busy hour: {_clock(busy['hour'].item())}, mean {busy['erlangs'].item():.2f} Erlangs."
        )
        definition = (
            " It is the clock hour with the highest mean over all days (TCBH, ITU-T E.600)."
        )
    notes += [told, f"{said}{definition}", coverage_note(coverage, options.time_zone)]
    gaps = missing_spans(coverage, drawn, options.time_zone)
    notes.append(shading_note(gaps))
    panels = [
        _over_time(drawn, gaps, daily=bool(told)),
        *([_day(day, busy), _week(week)] if busy.height else []),
    ]
    apart = alt.Resolve(scale=alt.ScaleResolveMap(color="independent"))
    return finish_chart(
        alt.vconcat(*panels, spacing=14, resolve=apart), title=title, notes=notes, description=said
    )


def _clock(hour: int) -> str:
    return f"{hour}:00 to {hour + 1}:00"


def _bars_of(hours: pl.DataFrame, options: MetricOptions) -> tuple[pl.DataFrame, str]:
    """The bars over time: hours, or each day's own busiest; and what is to be said of that."""
    shown, told = hours, ""
    if hours.height > _MOST_HOURS:
        ordered = hours.sort("day", "erlangs", "hour_begin", descending=[False, True, False])
        busiest = ordered.unique("day", keep="first", maintain_order=True)
        shown = busiest.tail(_MOST_DAYS)
        told = "Above: each day's own busiest hour"
        told += (
            f", of the latest {shown.height:,} of {busiest.height:,} days."
            if shown.height < busiest.height
            else "."
        )
    length = pl.duration(days=1) if told else pl.duration(hours=1)
    begin = (
        pl.col("day")
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone(options.time_zone, non_existent="null", ambiguous="earliest")
    )
    begin = (
        pl.coalesce(begin.dt.convert_time_zone("UTC"), "hour_begin")
        if told
        else pl.col("hour_begin")
    )
    placed = _placed(
        shown.with_columns(begin=begin).with_columns(end=pl.col("begin") + length),
        options.time_zone,
    )
    return round_floats(
        placed.with_columns(
            clock=pl.format("{} {}:00", pl.col("day").dt.strftime("%a %Y-%m-%d"), "hour")
        )
    ), told


def _over_time(drawn: pl.DataFrame, gaps: pl.DataFrame, *, daily: bool) -> alt.LayerChart:
    tooltip = [
        alt.Tooltip("clock:N", title="hour"),
        alt.Tooltip("erlangs:Q", format=",.2f"),
        alt.Tooltip("calls:Q", title="calls in it", format=","),
    ]
    # What was not fetched is no zero.
    seen = drawn
    for gap in gaps.iter_rows(named=True):
        seen = seen.filter(~((pl.col("begin") >= gap["begin"]) & (pl.col("end") <= gap["end"])))
    size = alt.Y("erlangs:Q", title="Erlangs", axis=alt.Axis(tickCount=4, minExtent=_GUTTER))
    bars = (
        alt.Chart(
            seen.filter(pl.col("erlangs") > 0).select("begin", "end", "erlangs", "calls", "clock")
        )
        .mark_rect(color=ANSWERED)
        .encode(
            moment_axis(drawn, field="begin"),
            alt.X2("end:T"),
            size,
            alt.Y2Datum(0),
            tooltip=tooltip,
        )
    )
    words = "Each day's own busiest hour" if daily else "Each hour"
    return alt.LayerChart(
        layer=[*shade(gaps), bars], width=WIDTH, height=120, title=_heading(words)
    )


def _heading(words: str) -> alt.TitleParams:
    return alt.TitleParams(
        words, anchor="start", frame="group", fontSize=12, fontWeight="normal", offset=8
    )


def _hours_axis(*, title: str | None) -> alt.X:
    inner = 0.0 if title else 0.12
    axis = alt.Axis(title=title, labelAngle=0, labelOverlap=True, grid=False)
    return alt.X(
        "key:N",
        scale=alt.Scale(domain=CLOCK["hour"], paddingInner=inner, paddingOuter=inner / 2),
        axis=axis,
    )


def _day(day: pl.DataFrame, busy: pl.DataFrame) -> alt.LayerChart:
    hour = pl.col("hour").cast(pl.Int64)
    table = round_floats(
        day.with_columns(key=hour.cast(pl.String), is_busy=pl.col("hour") == busy["hour"].item())
    )
    tooltip = [
        alt.Tooltip("key:N", title="hour"),
        alt.Tooltip("erlangs:Q", title="mean Erlangs", format=",.2f"),
        alt.Tooltip("peak:Q", title="the most", format=",.2f"),
        alt.Tooltip("calls:Q", title="calls in it, mean", format=",.1f"),
        alt.Tooltip("hours:Q", title="over hours", format=","),
    ]
    hours = _hours_axis(title=None)
    size = alt.Y("erlangs:Q", title="mean", axis=alt.Axis(tickCount=4, minExtent=_GUTTER))
    bars = alt.Chart(table).mark_bar(color=ANSWERED).encode(hours, size, tooltip=tooltip)
    marked = alt.Chart(table.filter("is_busy")).encode(hours, size)
    over = marked.mark_bar(color=LOST).encode(tooltip=tooltip)
    words = marked.mark_text(baseline="bottom", dy=-3, text="busy hour")
    return alt.LayerChart(
        layer=[bars, over, words],
        width=WIDTH,
        height=110,
        title=_heading("Mean of each clock hour"),
    )


def _week(week: pl.DataFrame) -> alt.LayerChart:
    weekdays = {number + 1: label for number, label in enumerate(CLOCK["weekday"])}
    most = week.select(pl.col("erlangs").max()).item()
    table = round_floats(
        week.with_columns(
            key=pl.col("hour").cast(pl.String),
            weekday_key=pl.col("weekday")
            .cast(pl.Int64)
            .replace_strict(weekdays, return_dtype=pl.String),
            text=pl.when(pl.col("erlangs") >= 0.05)
            .then(pl.col("erlangs").round(1).cast(pl.String))
            .otherwise(pl.lit("")),
            bright=pl.col("erlangs") > most * _BRIGHT,
        )
    )
    tooltip = [
        alt.Tooltip("weekday_key:N", title="weekday"),
        alt.Tooltip("key:N", title="hour"),
        alt.Tooltip("erlangs:Q", title="mean Erlangs", format=",.2f"),
        alt.Tooltip("peak:Q", title="the most", format=",.2f"),
        alt.Tooltip("hours:Q", title="over hours", format=","),
    ]
    days = alt.Y(
        "weekday_key:N",
        scale=alt.Scale(domain=CLOCK["weekday"]),
        title=None,
        axis=alt.Axis(grid=False, minExtent=_GUTTER),
    )
    base = alt.Chart(table.drop("calls")).encode(_hours_axis(title="hour of the day"), days)
    scale = alt.Scale(
        scheme=alt.SchemeParams(name="viridis", extent=[0.12, 1]), domain=[0, max(most, 1e-6)]
    )
    cells = base.mark_rect().encode(
        alt.Color("erlangs:Q", scale=scale, legend=None), tooltip=tooltip
    )
    ink = alt.condition("datum.bright", alt.value("#111111"), alt.value("#ffffff"))
    text = base.mark_text(fontSize=10).encode(text="text:N", color=ink)
    return alt.LayerChart(
        layer=[cells, text],
        width=WIDTH,
        height={"step": 22},
        title=_heading("Mean of each weekday and hour, Erlangs"),
    )
