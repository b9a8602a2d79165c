"""Histograms of durations by outcome, and the cumulative shares of each outcome below them."""

from dataclasses import dataclass

import altair as alt
import polars as pl

from ..formatting import format_value
from ..language import mark, tr
from ..locale.terms import count, plural
from ..locale.value_text import target_value
from .durations import duration_axis, duration_text
from .finish import panel_title
from .theme import (
    ANSWERED,
    ELSEWHERE,
    FAINT,
    GUTTER,
    INK,
    LOST,
    WIDTH,
    count_ticks,
    round_floats,
)

__all__ = ["RING", "WAIT", "Duration", "draw_histograms"]

_HUES = {
    mark("answered", context="outcome"): ANSWERED,
    mark("missed", context="outcome"): LOST,
    mark("lost", context="outcome"): LOST,
    mark("elsewhere", context="outcome"): ELSEWHERE,
}
_DASHES = {"answered": [1, 0], "missed": [7, 3], "lost": [7, 3], "elsewhere": [2, 2]}


_LOST_OUTCOMES = {
    "rna_timeout": mark("rang out"),
    "caller_gave_up": mark("caller gave up"),
    "busy_or_rejected": mark("busy or rejected"),
}
"""Columns of outcomes in the tooltip of lost offers, and their titles."""


@dataclass(frozen=True, kw_only=True)
class Duration:
    """What differs between the charts of waits and of rings."""

    name: str
    noun: str  # of what is counted
    title: str  # of the duration
    longest: str  # the title of the longest duration that a share is of
    share: str  # the title of the cumulative shares
    axis: str  # the title of counts
    start: float  # left edge of the first bar
    heights: tuple[int, int]  # of a histogram and of the cumulative shares, in pixels

    @property
    def counts(self) -> str:
        """The column of counts."""
        return f"{self.noun}s"

    @property
    def quantiles(self) -> tuple[str, str]:
        """The columns of the median and of the 90th percentile."""
        return f"{self.name}_p50_s", f"{self.name}_p90_s"


WAIT = Duration(
    name="wait",
    noun="call",
    title=mark("wait"),
    longest=mark("waited at most"),
    share=mark("Share that waited at most this long"),
    axis=mark("calls", context="axis"),
    start=0.0,
    heights=(80, 140),
)
# Rings are whole seconds: the bar of a ring of 4 s is centred on 4.
RING = Duration(
    name="ring",
    noun="offer",
    title=mark("ring"),
    longest=mark("rang at most"),
    share=mark("Share that rang at most this long"),
    axis=mark("offers", context="axis"),
    start=-0.5,
    heights=(70, 130),
)


def draw_histograms(
    duration: Duration,
    bins: pl.DataFrame,
    groups: pl.DataFrame,
    width_s: float,
    threshold_s: float | None = None,
) -> alt.VConcatChart:
    """A histogram of each group, and below them the cumulative shares."""
    begin = pl.col("from_s") + duration.start
    bins = round_floats(bins).with_columns(
        pl.col("group").cast(pl.String), begin=begin, end=begin + width_s
    )
    groups = groups.with_columns(pl.col("group").cast(pl.String))
    end = bins["end"].to_list()[-1]
    seconds = alt.Scale(domain=[duration.start, end], nice=False)
    marked = threshold_s if threshold_s is not None and threshold_s <= end else None
    panels = [
        _histogram(duration, bins.filter(pl.col("group") == name), group, seconds, marked)
        for (name,), group in groups.group_by("group", maintain_order=True)
    ]
    panels.append(_cumulative(duration, bins, seconds, marked))
    resolve = alt.Resolve(scale=alt.ScaleResolveMap(color="independent", strokeDash="independent"))
    return alt.vconcat(*panels, spacing=10, resolve=resolve)


def _threshold(threshold_s: float | None, *, end: float | None = None) -> list[alt.Chart]:
    """A line at the threshold; on an axis to `end` it has a label, away from the legend."""
    if threshold_s is None:
        return []
    text = tr("threshold {threshold}", threshold=target_value(threshold_s, "s"))
    table = pl.DataFrame({"threshold_s": [threshold_s], "text": [text]})
    base = alt.Chart(table).encode(alt.X("threshold_s:Q"))
    line = base.mark_rule(color=FAINT, strokeDash=[2, 3])
    if end is None:
        return [line]
    left = threshold_s > end / 4
    label = base.mark_text(
        style=INK, align="right" if left else "left", dx=-4 if left else 4, baseline="bottom"
    )
    return [line, label.encode(y=alt.YValue("height"), text=alt.Text("text:N"))]


def _histogram(
    duration: Duration,
    bins: pl.DataFrame,
    group: pl.DataFrame,
    seconds: alt.Scale,
    threshold_s: float | None,
) -> alt.LayerChart:
    counts, (p50, p90) = duration.counts, duration.quantiles
    name, size, median = group.select("group", counts, p50).row(0)
    shown = tr(name, context="outcome")
    outcomes = _LOST_OUTCOMES if name == "lost" else {}
    tooltip = [
        alt.Tooltip(f"{duration.name}:N", title=tr(duration.title)),
        alt.Tooltip(f"{counts}:Q", title=shown, format=","),
        alt.Tooltip("share:Q", title=tr("of all {outcome}", outcome=shown), format=".1%"),
        *(alt.Tooltip(f"{key}:Q", title=tr(title), format=",") for key, title in outcomes.items()),
    ]
    no_axis = alt.Axis(labels=False, ticks=False, title=None, grid=False)
    ticks = alt.Axis(tickCount=3, values=count_ticks(bins[counts]), format=",d", minExtent=GUTTER)
    bars = (
        alt.Chart(bins)
        .mark_rect(color=_HUES[name], xOffset=0.5, x2Offset=-0.5)
        .encode(
            alt.X("begin:Q", scale=seconds, axis=no_axis),
            alt.X2("end:Q"),
            alt.Y(f"{counts}:Q", title=tr(duration.axis, context="axis"), axis=ticks),
            alt.Y2Datum(0),
            tooltip=tooltip,
        )
    )
    pointer = (
        alt.Chart(group.with_columns(median=duration_text(p50), p90=duration_text(p90)))
        .mark_point(shape="triangle-down", filled=True, color=FAINT, opacity=1, size=60)
        .encode(
            alt.X(f"{p50}:Q"),
            y=alt.YValue(-5),
            tooltip=[
                alt.Tooltip("median:N", title=tr("median")),
                alt.Tooltip("p90:N", title=tr("90th percentile")),
                alt.Tooltip(f"{counts}:Q", title=plural(duration.noun), format=","),
            ],
        )
    )
    title = tr(
        "{group}: {counted}, median {median}",
        group=shown,
        counted=count(size, duration.noun),
        median=format_value(median, "s"),
    )
    return alt.LayerChart(
        layer=[bars, *_threshold(threshold_s), pointer],
        width=WIDTH,
        height=duration.heights[0],
        title=panel_title(title),
    )


def _cumulative(
    duration: Duration, bins: pl.DataFrame, seconds: alt.Scale, threshold_s: float | None
) -> alt.LayerChart:
    names = bins["group"].unique(maintain_order=True).to_list()
    shown = [tr(name, context="outcome") for name in names]
    closed = bins.filter(pl.col("to_s").is_not_null()).select(
        "group", pl.col("longest").cast(pl.Float64), "up_to", "up_to_num"
    )
    end = bins["end"].to_list()[-1]
    origin = pl.DataFrame({"group": names}).with_columns(
        longest=pl.lit(duration.start), up_to=pl.lit(0.0), up_to_num=pl.lit(0, pl.Int64)
    )
    renamed = pl.col("group").replace(dict(zip(names, shown, strict=True)))
    curves = pl.concat([origin, closed]).with_columns(renamed, at_most=duration_text("longest"))
    share_axis = alt.Axis(format=".0%", tickCount=4, minExtent=GUTTER)
    legend = alt.Legend(
        title=None, orient="bottom-right", symbolType="stroke", symbolSize=400, offset=8
    )
    hues = alt.Scale(domain=shown, range=[_HUES[name] for name in names])
    dashes = alt.Scale(domain=shown, range=[_DASHES[name] for name in names])
    lines = (
        alt.Chart(curves)
        .mark_line(strokeWidth=2)
        .encode(
            alt.X(
                "longest:Q",
                scale=seconds,
                title=tr(duration.title),
                axis=alt.Axis(grid=True, **duration_axis([end], zero=True)),
            ),
            alt.Y("up_to:Q", title=tr("share"), axis=share_axis, scale=alt.Scale(domain=[0, 1])),
            alt.Color("group:N", scale=hues, legend=legend),
            alt.StrokeDash("group:N", scale=dashes),
            tooltip=[
                alt.Tooltip("group:N", title=tr("group")),
                alt.Tooltip("at_most:N", title=tr(duration.longest)),
                alt.Tooltip("up_to_num:Q", title=plural(duration.noun), format=","),
                alt.Tooltip("up_to:Q", title=tr("share"), format=".1%"),
            ],
        )
    )
    return alt.LayerChart(
        layer=[lines, *_threshold(threshold_s, end=end)],
        width=WIDTH,
        height=duration.heights[1],
        title=panel_title(tr(duration.share)),
    )
