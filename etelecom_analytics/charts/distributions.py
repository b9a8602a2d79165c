"""Distributions of durations: how long callers waited, and how long offers rang."""

from dataclasses import dataclass

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..metrics import Calls, MetricOptions, RingSeconds, WaitSeconds, ring_seconds, wait_seconds
from .finish import coverage_note, empty_chart, finish_chart, lower_first, panel_title
from .theme import (
    ANSWERED,
    ELSEWHERE,
    GUTTER,
    LOST,
    TEXT,
    WIDTH,
    count,
    count_ticks,
    round_floats,
    total,
)

__all__ = ["WAIT_STARTS", "ring_durations", "wait_distribution"]

WAIT_STARTS = {"started_at": "the call's start", "first_ring": "the first ring of a person"}
"""The start of a wait as text."""

_HUES = {"answered": ANSWERED, "missed": LOST, "lost": LOST, "elsewhere": ELSEWHERE}
_DASHES = {"answered": [1, 0], "missed": [7, 3], "lost": [7, 3], "elsewhere": [2, 2]}


_LOST_OUTCOMES = {
    "rna_timeout": "rang out",
    "caller_gave_up": "caller gave up",
    "busy_or_rejected": "busy or rejected",
}
"""Columns of outcomes in the tooltip of lost offers, and their titles."""


@dataclass(frozen=True, kw_only=True)
class _Duration:
    """What differs between the charts of waits and of rings."""

    name: str
    noun: str  # of what is counted
    verb: str
    digits: int  # decimals of the quantiles
    start: float  # left edge of the first bar
    heights: tuple[int, int]  # of a histogram and of the cumulative shares, in pixels

    @property
    def counts(self) -> str:
        return f"{self.noun}s"

    @property
    def quantiles(self) -> tuple[str, str]:
        return f"{self.name}_p50_s", f"{self.name}_p90_s"


_WAIT = _Duration(name="wait", noun="call", verb="waited", digits=1, start=0.0, heights=(80, 140))
# Rings are whole seconds: the bar of a ring of 4 s is centred on 4.
_RING = _Duration(name="ring", noun="offer", verb="rang", digits=0, start=-0.5, heights=(70, 130))


def wait_distribution(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """Histograms of the waits of answered and of missed calls, and their cumulative shares.

    The threshold of the service level is marked; the curve of answered calls crosses it at the
    level "answered_only". Collects.

    Args:
        calls: calls of any direction; all of them count.
        options: where a wait begins, and the threshold.
        coverage: `logs.report`; a note states which times are complete.
    """
    waits: WaitSeconds = wait_seconds(calls, options=options, confidence=False)
    known, zone = total(waits.groups, "calls"), f"({options.time_zone})"
    omitted = []
    if waits.offered > known:
        unknown = count(waits.offered - known, "offered call")
        omitted.append(f"Not drawn: {unknown} of unknown wait.")
    if (tail := _tail(waits.bins)) is not None:
        omitted.append(f"The last bar has all waits of more than {tail} s.")
    notes = [
        f"wait_s = from {WAIT_STARTS[options.wait_from]} to the first answer by a person, "
        "or to the end of a missed call.",
        " ".join(omitted),
        coverage_note(coverage, options.time_zone),
    ]
    if not known:
        message = f"No known waits in {count(waits.calls, 'call')}" if waits.calls else "No calls"
        title = f"Waits of callers: {lower_first(message)} {zone}"
        return empty_chart(title, notes, message=message)
    text = (
        pl.when(pl.col("to_s").is_null())
        .then(pl.format("more than {} s", "from_s"))
        .when(pl.col("from_s") == 0)
        .then(pl.format("0 to {} s", "to_s"))
        .otherwise(pl.format("more than {}, to {} s", "from_s", "to_s"))
    )
    bins = waits.bins.with_columns(wait=text, longest="to_s")
    chart = _draw(_WAIT, bins, waits.groups, waits.width_s, options.threshold_s)
    title = f"Waits of {count(known, 'offered call')}, in {count(waits.calls, 'call')} {zone}"
    return finish_chart(chart, title=title, notes=notes, description=_alt_text(_WAIT, waits.groups))


def ring_durations(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """Histograms of the ring durations of offers by outcome, and their cumulative shares.

    An offer is one ring of one person (also called presented or alerted). It is answered, lost
    (rang out, caller gave up, busy or rejected, and the like) or answered elsewhere. Collects.

    Args:
        calls: calls of any direction; all of them count.
        options: parameters of the metrics; offers to `ivr_numbers` are left out.
        coverage: `logs.report`; a note states which times are complete.
    """
    rings: RingSeconds = ring_seconds(calls, options=options, confidence=False)
    rang, zone = total(rings.groups, "offers"), f"({options.time_zone})"
    complete = coverage_note(coverage, options.time_zone)
    if not rang:
        message = f"No offer rang in {count(rings.calls, 'call')}" if rings.calls else "No calls"
        title = f"Ring seconds of offers: {message.lower()} {zone}"
        return empty_chart(title, [complete], message=message)
    omitted = []
    if rings.offers > rang:
        omitted.append(f"Not drawn: {count(rings.offers - rang, 'offer')} that did not ring.")
    if (tail := _tail(rings.bins)) is not None:
        omitted.append(f"The last bar has all rings of {tail} s and longer.")
    notes = [
        "ring_s = longest ring of the legs of one offer. Lost: rang out, caller gave up, "
        "busy or rejected, and the like.",
        " ".join(omitted),
        complete,
    ]
    first, last = pl.col("from_s"), pl.col("to_s") - 1
    text = (
        pl.when(last.is_null())
        .then(pl.format("{} s or more", first))
        .when(first == last)
        .then(pl.format("{} s", first))
        .otherwise(pl.format("{} to {} s", first, last))
    )
    chart = _draw(
        _RING, rings.bins.with_columns(ring=text, longest=last), rings.groups, rings.width_s
    )
    scope = f"{count(rang, 'offer')} that rang, in {count(rings.calls, 'call')}"
    return finish_chart(
        chart,
        title=f"Ring seconds of {scope} {zone}",
        notes=notes,
        description=_alt_text(_RING, rings.groups),
    )


def _tail(bins: pl.DataFrame) -> int | None:
    """The lower end of the open last bin in seconds; None without one."""
    tail = bins.filter(pl.col("to_s").is_null())
    return int(tail["from_s"][0]) if tail.height else None


def _alt_text(duration: _Duration, groups: pl.DataFrame) -> str:
    rows = groups.select("group", duration.counts, *duration.quantiles).iter_rows()
    return " ".join(
        f"{name}: {count(number, duration.noun)}, median {p50:.{duration.digits}f} s, "
        f"90th percentile {p90:.{duration.digits}f} s."
        for name, number, p50, p90 in rows
    )


def _draw(
    duration: _Duration,
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
    table = pl.DataFrame({"threshold_s": [threshold_s], "text": [f"threshold {threshold_s:g} s"]})
    base = alt.Chart(table).encode(alt.X("threshold_s:Q"))
    line = base.mark_rule(color=TEXT, strokeDash=[2, 3])
    if end is None:
        return [line]
    left = threshold_s > end / 2
    text = base.mark_text(
        align="right" if left else "left", dx=-4 if left else 4, baseline="bottom"
    )
    return [line, text.encode(y=alt.value("height"), text="text:N")]


def _histogram(
    duration: _Duration,
    bins: pl.DataFrame,
    group: pl.DataFrame,
    seconds: alt.Scale,
    threshold_s: float | None,
) -> alt.LayerChart:
    counts, (p50, p90) = duration.counts, duration.quantiles
    name, number, median = group.select("group", counts, p50).row(0)
    outcomes = _LOST_OUTCOMES if name == "lost" else {}
    tooltip = [
        alt.Tooltip(f"{duration.name}:N"),
        alt.Tooltip(f"{counts}:Q", title=name, format=","),
        alt.Tooltip("share:Q", title=f"of all {name}", format=".1%"),
        *(alt.Tooltip(f"{key}:Q", title=title, format=",") for key, title in outcomes.items()),
    ]
    no_axis = alt.Axis(labels=False, ticks=False, title=None, grid=False)
    ticks = alt.Axis(tickCount=3, values=count_ticks(bins[counts]), format=",d", minExtent=GUTTER)
    bars = (
        alt.Chart(bins)
        .mark_rect(color=_HUES[name], xOffset=0.5, x2Offset=-0.5)
        .encode(
            alt.X("begin:Q", scale=seconds, axis=no_axis),
            alt.X2("end:Q"),
            alt.Y(f"{counts}:Q", axis=ticks),
            alt.Y2Datum(0),
            tooltip=tooltip,
        )
    )
    form = f",.{duration.digits}f"
    pointer = (
        alt.Chart(group)
        .mark_point(shape="triangle-down", filled=True, color=TEXT, opacity=1, size=60)
        .encode(
            alt.X(f"{p50}:Q"),
            y=alt.value(-5),
            tooltip=[
                alt.Tooltip(f"{p50}:Q", title="median, s", format=form),
                alt.Tooltip(f"{p90}:Q", title="90th percentile, s", format=form),
                alt.Tooltip(f"{counts}:Q", format=","),
            ],
        )
    )
    title = f"{name}: {count(number, duration.counts.removesuffix('s'))}, median {median:{form}} s"
    return alt.LayerChart(
        layer=[bars, *_threshold(threshold_s), pointer],
        width=WIDTH,
        height=duration.heights[0],
        title=panel_title(title),
    )


def _cumulative(
    duration: _Duration, bins: pl.DataFrame, seconds: alt.Scale, threshold_s: float | None
) -> alt.LayerChart:
    names = bins["group"].unique(maintain_order=True).to_list()
    closed = bins.filter(pl.col("to_s").is_not_null()).select(
        "group", pl.col("longest").cast(pl.Float64), "up_to", "up_to_num"
    )
    origin = pl.DataFrame({"group": names}).with_columns(
        longest=pl.lit(duration.start), up_to=pl.lit(0.0), up_to_num=pl.lit(0, pl.Int64)
    )
    share_axis = alt.Axis(format=".0%", tickCount=4, minExtent=GUTTER)
    legend = alt.Legend(
        title=None, orient="bottom-right", symbolType="stroke", symbolSize=400, offset=8
    )
    hues = alt.Scale(domain=names, range=[_HUES[name] for name in names])
    dashes = alt.Scale(domain=names, range=[_DASHES[name] for name in names])
    lines = (
        alt.Chart(pl.concat([origin, closed]))
        .mark_line(strokeWidth=2)
        .encode(
            alt.X(
                "longest:Q",
                scale=seconds,
                title=f"{duration.name}, seconds",
                axis=alt.Axis(grid=True, tickMinStep=1),
            ),
            alt.Y("up_to:Q", title="share", axis=share_axis, scale=alt.Scale(domain=[0, 1])),
            alt.Color("group:N", scale=hues, legend=legend),
            alt.StrokeDash("group:N", scale=dashes),
            tooltip=[
                alt.Tooltip("group:N"),
                alt.Tooltip("longest:Q", title=f"{duration.verb} at most, s"),
                alt.Tooltip("up_to_num:Q", title=duration.counts, format=","),
                alt.Tooltip("up_to:Q", title="share", format=".1%"),
            ],
        )
    )
    return alt.LayerChart(
        layer=[lines, *_threshold(threshold_s, end=bins["end"].to_list()[-1])],
        width=WIDTH,
        height=duration.heights[1],
        title=panel_title(f"Share of each group that {duration.verb} at most this long"),
    )
