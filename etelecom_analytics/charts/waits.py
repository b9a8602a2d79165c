"""How long callers waited, by whether they were answered."""

import altair as alt
import polars as pl

from ..logs import FetchReport
from ..metrics import Calls, MetricOptions, WaitSeconds, wait_seconds
from .finish import coverage_note, empty_chart, finish_chart
from .theme import ANSWERED, LOST, TEXT, WIDTH, count, count_ticks, round_floats, total

__all__ = ["WAIT_STARTS", "wait_distribution"]

WAIT_STARTS = {"started_at": "the call's start", "first_ring": "the first ring of a person"}
"""Where a wait begins, in words."""

_HUES = {"answered": ANSWERED, "missed": LOST}
_DASHES = {"answered": [1, 0], "missed": [7, 3]}
_GUTTER = 42
"""Room for the labels of all panels, so that they stand below one another."""


def wait_distribution(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """How many calls waited how long, one histogram for answered and one for missed; below, the share that waited at most so long.

    The threshold of the service level is marked; the line of answered calls crosses it at the level
    "answered_only". Collects.

    Args:
        calls: calls of any direction; what is counted is what is given.
        options: what the numbers depend on besides the calls: where a wait begins, and the
            threshold.
        coverage: `logs.report`; up to when the calls are complete is told.
    """
    waits: WaitSeconds = wait_seconds(calls, options=options)
    known, zone = total(waits.groups, "calls"), f"({options.time_zone})"
    notes: list[str] = [
        f"wait_s = from {WAIT_STARTS[options.wait_from]} to the first answer by a person, or to the end of a missed call.",
        _left_out(waits, known),
        coverage_note(coverage, options.time_zone),
    ]
    if not known:
        words = f"No known waits in {count(waits.calls, 'call')}" if waits.calls else "No calls"
        return empty_chart(
            f"Waits of callers: {words[0].lower()}{words[1:]} {zone}", notes, message=words
        )
    title = f"Waits of {count(known, 'offered call')}, in {count(waits.calls, 'call')} {zone}"
    return finish_chart(
        _drawn(waits, options.threshold_s), title=title, notes=notes, description=_alt_text(waits)
    )


def _left_out(waits: WaitSeconds, known: int) -> str:
    """What the panels do not show as it is."""
    tail = waits.bins.filter(pl.col("to_s").is_null())
    unknown = (
        [f"Not drawn: {count(waits.offered - known, 'offered call')} of unknown wait."]
        if waits.offered > known
        else []
    )
    last = (
        [f"The last bar holds all waits of more than {tail['from_s'][0]} s."] if tail.height else []
    )
    return " ".join([*unknown, *last])


def _alt_text(waits: WaitSeconds) -> str:
    """What the panels show, for who cannot see them."""
    return " ".join(
        f"{row['group']}: {count(row['calls'], 'call')}, median {row['wait_p50_s']:.1f} s, 90 % within {row['wait_p90_s']:.1f} s."
        for row in waits.groups.iter_rows(named=True)
    )


def _drawn(waits: WaitSeconds, threshold_s: float) -> alt.VConcatChart:
    bins = round_floats(waits.bins).with_columns(
        pl.col("group").cast(pl.String), wait=_range(), end=pl.col("from_s") + waits.width_s
    )
    groups = waits.groups.with_columns(pl.col("group").cast(pl.String))
    last = bins["end"].to_list()[-1]
    seconds = alt.Scale(domain=[0, last], nice=False)
    marked = threshold_s if threshold_s <= last else None
    rows = [
        _histogram(bins.filter(pl.col("group") == name), group, seconds, marked)
        for (name,), group in groups.group_by("group", maintain_order=True)
    ]
    apart = alt.Resolve(scale=alt.ScaleResolveMap(color="independent", strokeDash="independent"))
    return alt.vconcat(*rows, _cumulative(bins, seconds, marked), spacing=10, resolve=apart)


def _range() -> pl.Expr:
    """The waits of a bin, in words: "0 to 1 s", "more than 1, to 2 s"."""
    first = pl.when(pl.col("from_s") == 0).then(pl.format("0 to {} s", "to_s"))
    closed = first.otherwise(pl.format("more than {}, to {} s", "from_s", "to_s"))
    return (
        pl.when(pl.col("to_s").is_null())
        .then(pl.format("more than {} s", "from_s"))
        .otherwise(closed)
    )


def _heading(words: str) -> alt.TitleParams:
    return alt.TitleParams(
        words, anchor="start", frame="group", fontSize=12, fontWeight="normal", offset=8
    )


def _threshold(threshold_s: float | None, *, told_up_to: float | None = None) -> list[alt.Chart]:
    """A line at the threshold, if it lies on the axis; its words, on an axis up to so many seconds, keep out of the legend on the right."""
    if threshold_s is None:
        return []
    base = alt.Chart(
        pl.DataFrame({"threshold_s": [threshold_s], "words": [f"threshold {threshold_s:g} s"]})
    )
    line = base.mark_rule(color=TEXT, strokeDash=[2, 3]).encode(alt.X("threshold_s:Q"))
    if told_up_to is None:
        return [line]
    left = threshold_s > told_up_to / 2
    words = base.mark_text(
        align="right" if left else "left", dx=-4 if left else 4, baseline="bottom"
    ).encode(alt.X("threshold_s:Q"), y=alt.value("height"), text="words:N")
    return [line, words]


def _histogram(
    bins: pl.DataFrame, group: pl.DataFrame, seconds: alt.Scale, threshold_s: float | None
) -> alt.LayerChart:
    name, counted, median = group.select("group", "calls", "wait_p50_s").row(0)
    tooltip = [
        alt.Tooltip("wait:N"),
        alt.Tooltip("calls:Q", title=name, format=","),
        alt.Tooltip("share:Q", title=f"of all {name}", format=".1%"),
    ]
    x = alt.X(
        "from_s:Q", scale=seconds, axis=alt.Axis(labels=False, ticks=False, title=None, grid=False)
    )
    y = alt.Y(
        "calls:Q",
        axis=alt.Axis(
            tickCount=3, values=count_ticks(bins["calls"]), format=",d", minExtent=_GUTTER
        ),
    )
    bars = (
        alt.Chart(bins)
        .mark_rect(color=_HUES[name], xOffset=0.5, x2Offset=-0.5)
        .encode(x, alt.X2("end:Q"), y, alt.Y2Datum(0), tooltip=tooltip)
    )
    told = [
        alt.Tooltip("wait_p50_s:Q", title="median, s", format=",.1f"),
        alt.Tooltip("wait_p90_s:Q", title="90 % within, s", format=",.1f"),
        alt.Tooltip("calls:Q", format=","),
    ]
    pointer = alt.Chart(group).mark_point(
        shape="triangle-down", filled=True, color=TEXT, opacity=1, size=60, clip=False
    )
    middle = pointer.encode(alt.X("wait_p50_s:Q"), y=alt.value(-5), tooltip=told)
    layers = [bars, *_threshold(threshold_s), middle]
    return alt.LayerChart(
        layer=layers,
        width=WIDTH,
        height=80,
        title=_heading(f"{name}: {count(counted, 'call')}, median {median:,.1f} s"),
    )


def _cumulative(
    bins: pl.DataFrame, seconds: alt.Scale, threshold_s: float | None
) -> alt.LayerChart:
    names = bins["group"].unique(maintain_order=True).to_list()
    start = {"to_s": pl.lit(0, pl.Int64), "up_to": pl.lit(0.0), "up_to_calls": pl.lit(0, pl.Int64)}
    reached = bins.filter(pl.col("to_s").is_not_null()).select(
        "group", "to_s", "up_to", "up_to_calls"
    )
    curve = pl.concat([pl.DataFrame({"group": names}).with_columns(**start), reached])
    legend = alt.Legend(
        title=None, orient="bottom-right", symbolType="stroke", symbolSize=400, offset=8
    )
    tooltip = [
        alt.Tooltip("group:N"),
        alt.Tooltip("to_s:Q", title="waited at most, s"),
        alt.Tooltip("up_to_calls:Q", title="calls", format=","),
        alt.Tooltip("up_to:Q", title="share", format=".1%"),
    ]
    drawn = (
        alt.Chart(curve)
        .mark_line(strokeWidth=2)
        .encode(
            alt.X(
                "to_s:Q",
                scale=seconds,
                title="wait, seconds",
                axis=alt.Axis(grid=True, tickMinStep=1),
            ),
            alt.Y(
                "up_to:Q",
                title="share",
                axis=alt.Axis(format=".0%", tickCount=4, minExtent=_GUTTER),
                scale=alt.Scale(domain=[0, 1]),
            ),
            alt.Color(
                "group:N",
                scale=alt.Scale(domain=names, range=[_HUES[name] for name in names]),
                legend=legend,
            ),
            alt.StrokeDash(
                "group:N", scale=alt.Scale(domain=names, range=[_DASHES[name] for name in names])
            ),
            tooltip=tooltip,
        )
    )
    words = "Share of each group that had waited for at most so long"
    return alt.LayerChart(
        layer=[drawn, *_threshold(threshold_s, told_up_to=bins["end"].to_list()[-1])],
        width=WIDTH,
        height=140,
        title=_heading(words),
    )
