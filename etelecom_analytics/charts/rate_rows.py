"""Answer rates of groups as rows, each with its interval and its number of calls."""

import altair as alt
import polars as pl

from ..language import tr
from .marks import interval_points
from .theme import ANSWERED, FAINT, INK, count_ticks

__all__ = ["rate_rows"]

_ROW, _WIDTH = 22, 340


def rate_rows(
    table: pl.DataFrame,
    tooltip: list[alt.Tooltip],
    *,
    size_title: str = "",
    reference: str = "",
) -> alt.HConcatChart:
    """One row per group, in the table's order.

    Args:
        table: `key`, `answer_rate` with its interval, `percent` and `offered` of each group.
        tooltip: the tooltip of every mark.
        size_title: what `offered` counts; offered calls by default.
        reference: the column of another rate of each group, drawn as a tick; empty for none.
    """
    scale = alt.Scale(domain=table["key"].to_list())
    rows = alt.Y("key:N", scale=scale, title=None, axis=alt.Axis(grid=True, labelPadding=6))
    rate = alt.X(
        "answer_rate:Q",
        title=tr("answer rate"),
        axis=alt.Axis(format=".0%", tickCount=5, grid=False),
        scale=alt.Scale(domain=[0, 1]),
    )
    rated = alt.Chart(table.filter(pl.col("answer_rate").is_not_null()))
    points = interval_points(
        rated.encode(rows, tooltip=tooltip),
        rate,
        groups=table.height,
        interval=("answer_rate_low", "answer_rate_high"),
    )
    if reference:
        tick = rated.mark_tick(color=FAINT, thickness=2, size=14).encode(
            rows, alt.X(f"{reference}:Q"), tooltip=tooltip
        )
        points = [tick, *points]
    text = alt.Chart(table).mark_text(style=INK, align="right", dx=42)
    offered = alt.X(
        "offered:Q",
        title=size_title or tr("offered calls", context="axis"),
        axis=alt.Axis(tickCount=3, format=",d", values=count_ticks(table["offered"]), grid=False),
    )
    bars = (
        alt.Chart(table)
        .mark_bar(color=ANSWERED)
        .encode(alt.Y("key:N", scale=scale, axis=None), offered, tooltip=tooltip)
    )
    counts = bars.mark_text(style=INK, align="left", dx=4).encode(
        text=alt.Text("offered:Q", format=",")
    )
    height = {"step": _ROW}
    return alt.hconcat(
        alt.LayerChart(
            layer=[*points, text.encode(rows, x=alt.XValue("width"), text=alt.Text("percent:N"))],
            width=_WIDTH,
            height=height,
        ),
        alt.LayerChart(layer=[bars, counts], width=180, height=height),
        spacing=20,
    )
