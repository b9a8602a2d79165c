"""The funnel: what became of all calls, and where missed ones were lost."""

import altair as alt
import polars as pl

from .. import metrics
from ..logs import FetchReport
from ..metrics import LOST_STAGES, Calls, MetricOptions
from .finish import coverage_note, empty_chart, finish_chart
from .theme import ANSWERED, FAINT, LOST, count, round_floats

__all__ = ["funnel"]

_ROW, _BAR = 24, 200
_DEPTHS = {"calls": 0, "running": 1, "unknown": 1, "offered": 1, "answered": 2, "missed": 2}
_INDENT = "\N{EN DASH} "
_HUES = {"calls": FAINT, "running": FAINT, "unknown": FAINT, "offered": FAINT, "answered": ANSWERED}
_WORDS = {
    "short": "lost: short",
    "in_ivr": "lost: in IVR or queue",
    "ringing": "lost: ringing",
    "before_ringing": "lost: before any ring",
}
_WORDS["between_rings"] = "lost: between rings"


def funnel(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.LayerChart | alt.Chart:
    """What became of all calls: running, unknown, answered, missed, and at which stage the missed ones were lost; it adds up. Collects.

    Args:
        calls: calls of any direction; what is counted is what is given.
        options: what the numbers depend on besides the calls; a call that only `ivr_numbers`
            answered is a missed one.
        coverage: `logs.report`; up to when the calls are complete is told.
    """
    table = round_floats(metrics.funnel(calls, options=options))
    counts = dict(table.select(pl.col("stage").cast(pl.String), "calls").iter_rows())
    zone = f"({options.time_zone})"
    notes: list[str] = [
        "calls = running + unknown + offered; offered = answered + missed; missed = the stages at which they were lost. Shares are of the "
        "stage above; pointed at, each tells its 95 % interval (Wilson).",
        coverage_note(coverage, options.time_zone),
    ]
    if not counts["calls"]:
        return empty_chart(f"Funnel: no calls {zone}", notes)
    title = f"Funnel of {count(counts['calls'], 'call')}: {counts['answered']:,} answered, {counts['missed']:,} missed {zone}"
    return finish_chart(_drawn(table), title=title, notes=notes, description=_alt_text(table))


def _alt_text(table: pl.DataFrame) -> str:
    """All stages, for who cannot see them."""
    return " ".join(
        f"{stage}: {calls:,}." for stage, calls in table.select("stage", "calls").iter_rows()
    )


def _drawn(table: pl.DataFrame) -> alt.LayerChart:
    stage = pl.col("stage").cast(pl.String)
    depth = stage.replace_strict(_DEPTHS, default=3, return_dtype=pl.Int64)
    label = pl.concat_str(pl.lit(_INDENT).repeat_by(depth).list.join(""), stage.replace(_WORDS))
    low, high = (pl.col(end) * 100 for end in ("low", "high"))
    shares = pl.format(
        "{}: {} % of {}",
        "calls",
        (pl.col("share") * 100).round(1),
        pl.col("parent").cast(pl.String),
    )
    rows = table.with_columns(
        label=label,
        told=shares.fill_null(pl.col("calls").cast(pl.String)),
        interval=pl.format("{} to {} %", low.round(1), high.round(1)).fill_null("-"),
        within=pl.col("parent").cast(pl.String).fill_null("-"),
        hue=stage.replace_strict(_HUES, default=LOST, return_dtype=pl.String),
        meaning=pl.when(stage.is_in(list(LOST_STAGES))).then("meaning").otherwise(pl.lit("")),
        says="meaning",
    )
    tooltip = [
        alt.Tooltip("stage:N"),
        alt.Tooltip("says:N", title="meaning"),
        alt.Tooltip("calls:Q", format=","),
        alt.Tooltip("share:Q", format=".1%"),
        alt.Tooltip("within:N", title="of"),
        alt.Tooltip("of:Q", title="which are", format=","),
        alt.Tooltip("interval:N", title="95 % interval"),
    ]
    axis = alt.Axis(
        grid=False, ticks=False, domain=False, labelAlign="left", labelPadding=178, labelFontSize=12
    )
    y = alt.Y("label:N", scale=alt.Scale(domain=rows["label"].to_list()), title=None, axis=axis)
    most = max(rows["calls"].to_list())
    size = alt.X(
        "calls:Q", axis=None, scale=alt.Scale(domain=[0, most], range=[0, _BAR], nice=False)
    )
    base = alt.Chart(rows).encode(y, tooltip=tooltip)
    bars = base.mark_bar().encode(size, alt.Color("hue:N", scale=None, legend=None))
    words = base.mark_text(align="left", dx=5).encode(size, text="told:N")
    meanings = base.mark_text(align="left", fontStyle="italic").encode(
        x=alt.value(_BAR + 124), text="meaning:N"
    )
    return alt.LayerChart(layer=[bars, words, meanings], width=_BAR + 320, height={"step": _ROW})
