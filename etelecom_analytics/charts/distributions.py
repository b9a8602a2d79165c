"""How long offers rang, by what became of them."""

import altair as alt
import polars as pl

from ..logs import FetchReport
from ..metrics import Calls, MetricOptions, RingSeconds, ring_seconds
from .finish import coverage_note, empty_chart, finish_chart
from .theme import ANSWERED, ELSEWHERE, LOST, TEXT, WIDTH, count, count_ticks, round_floats, total

__all__ = ["ring_durations"]

_HUES = {"answered": ANSWERED, "lost": LOST, "elsewhere": ELSEWHERE}
_DASHES = {"answered": [1, 0], "lost": [7, 3], "elsewhere": [2, 2]}
_LOST_WORDS = {
    "rna_timeout": "rang out",
    "caller_gave_up": "caller gave up",
    "busy_or_rejected": "busy or rejected",
}
_GUTTER = 42
"""Room for the labels of all panels, so that they stand below one another."""


def ring_durations(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """How many offers rang how long, one histogram for each of answered, lost and elsewhere; below, the share that had ended by then.

    An offer is one ring of one person. Lost are those that rang out, that the caller gave up, that
    were busy or rejected, and the like. Collects.

    Args:
        calls: calls of any direction; what is counted is what is given.
        options: what the numbers depend on besides the calls; offers to `ivr_numbers` are left out.
        coverage: `logs.report`; up to when the calls are complete is told.
    """
    rings: RingSeconds = ring_seconds(calls, options=options)
    rang, zone = total(rings.groups, "offers"), f"({options.time_zone})"
    if not rang:
        words = "No calls" if not rings.calls else f"No offer rang in {count(rings.calls, 'call')}"
        return empty_chart(
            f"Ring seconds of offers: {words.lower()} {zone}",
            [coverage_note(coverage, options.time_zone)],
            message=words,
        )
    title = (
        f"Ring seconds of {count(rang, 'offer')} that rang, in {count(rings.calls, 'call')} {zone}"
    )
    notes: list[str] = [
        "ring_s = longest ring of the legs of one offer. Lost: rang out, given up by the caller, busy or rejected, and the like.",
        _left_out(rings.offers - rang, rings.bins),
        coverage_note(coverage, options.time_zone),
    ]
    return finish_chart(_drawn(rings), title=title, notes=notes, description=_alt_text(rings))


def _left_out(silent: int, bins: pl.DataFrame) -> str:
    tail = bins.filter(pl.col("to_s").is_null())
    words = [f"Not drawn: {count(silent, 'offer')} that did not ring."] if silent else []
    return " ".join(
        [
            *words,
            *(
                [f"The last bar holds all rings of {tail['from_s'][0]} s and longer."]
                if tail.height
                else []
            ),
        ]
    )


def _alt_text(rings: RingSeconds) -> str:
    """What the panels show, for who cannot see them."""
    return " ".join(
        f"{row['group']}: {count(row['offers'], 'offer')}, median {row['ring_p50_s']:.0f} s, 90 % within {row['ring_p90_s']:.0f} s."
        for row in rings.groups.iter_rows(named=True)
    )


def _drawn(rings: RingSeconds) -> alt.VConcatChart:
    # A ring of 4 s stands above the 4: rings are told in whole seconds.
    begin = pl.col("from_s") - 0.5
    bins = round_floats(rings.bins).with_columns(
        pl.col("group").cast(pl.String),
        ring=_range(),
        begin=begin,
        end=begin + rings.width_s,
        latest=pl.col("to_s") - 1,
    )
    groups = rings.groups.with_columns(pl.col("group").cast(pl.String))
    seconds = alt.Scale(domain=[-0.5, bins["end"].to_list()[-1]], nice=False)
    rows = [
        _histogram(bins.filter(pl.col("group") == name), group, seconds)
        for (name,), group in groups.group_by("group", maintain_order=True)
    ]
    apart = alt.Resolve(scale=alt.ScaleResolveMap(color="independent", strokeDash="independent"))
    return alt.vconcat(*rows, _cumulative(bins, seconds), spacing=10, resolve=apart)


def _range() -> pl.Expr:
    one = pl.col("to_s") - pl.col("from_s") == 1
    closed = (
        pl.when(one)
        .then(pl.format("{} s", "from_s"))
        .otherwise(pl.format("{} to {} s", "from_s", pl.col("to_s") - 1))
    )
    return (
        pl.when(pl.col("to_s").is_null())
        .then(pl.format("{} s or more", "from_s"))
        .otherwise(closed)
    )


def _heading(words: str) -> alt.TitleParams:
    return alt.TitleParams(
        words, anchor="start", frame="group", fontSize=12, fontWeight="normal", offset=8
    )


def _histogram(bins: pl.DataFrame, group: pl.DataFrame, seconds: alt.Scale) -> alt.LayerChart:
    name, offers, median = group.select("group", "offers", "ring_p50_s").row(0)
    tooltip = [
        alt.Tooltip("ring:N"),
        alt.Tooltip("offers:Q", title=name, format=","),
        alt.Tooltip("share:Q", title=f"of all {name}", format=".1%"),
    ]
    if name == "lost":
        tooltip += [
            alt.Tooltip(f"{outcome}:Q", title=words, format=",")
            for outcome, words in _LOST_WORDS.items()
        ]
    x = alt.X(
        "begin:Q", scale=seconds, axis=alt.Axis(labels=False, ticks=False, title=None, grid=False)
    )
    y = alt.Y(
        "offers:Q",
        axis=alt.Axis(
            tickCount=3, values=count_ticks(bins["offers"]), format=",d", minExtent=_GUTTER
        ),
    )
    bars = (
        alt.Chart(bins)
        .mark_rect(color=_HUES[name], xOffset=0.5, x2Offset=-0.5)
        .encode(x, alt.X2("end:Q"), y, alt.Y2Datum(0), tooltip=tooltip)
    )
    told = [
        alt.Tooltip("ring_p50_s:Q", title="median, s"),
        alt.Tooltip("ring_p90_s:Q", title="90 % within, s"),
    ]
    pointer = alt.Chart(group).mark_point(
        shape="triangle-down", filled=True, color=TEXT, opacity=1, size=60
    )
    middle = pointer.encode(alt.X("ring_p50_s:Q"), y=alt.value(-5), tooltip=told)
    return alt.LayerChart(
        layer=[bars, middle],
        width=WIDTH,
        height=70,
        title=_heading(f"{name}: {count(offers, 'offer')}, median {median:.0f} s"),
    )


def _cumulative(bins: pl.DataFrame, seconds: alt.Scale) -> alt.Chart:
    names, words = (
        bins["group"].unique(maintain_order=True).to_list(),
        "Share of each group that had ended by then",
    )
    start = {"latest": pl.lit(-0.5), "up_to": pl.lit(0.0), "up_to_offers": pl.lit(0, pl.Int64)}
    reached = bins.filter(pl.col("to_s").is_not_null()).select(
        "group", pl.col("latest").cast(pl.Float64), "up_to", "up_to_offers"
    )
    curve = pl.concat([pl.DataFrame({"group": names}).with_columns(**start), reached])
    legend = alt.Legend(
        title=None, orient="bottom-right", symbolType="stroke", symbolSize=400, offset=8
    )
    tooltip = [
        alt.Tooltip("group:N"),
        alt.Tooltip("latest:Q", title="had ended after, s"),
        alt.Tooltip("up_to_offers:Q", title="offers", format=","),
        alt.Tooltip("up_to:Q", title="share", format=".1%"),
    ]
    drawn: alt.Chart = (
        alt.Chart(curve)
        .mark_line(strokeWidth=2)
        .encode(
            alt.X(
                "latest:Q",
                scale=seconds,
                title="ring, seconds",
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
        .properties(width=WIDTH, height=130, title=_heading(words))
    )
    return drawn
