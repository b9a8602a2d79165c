"""Survival curves: steps with their intervals and medians, one curve per group."""

from dataclasses import dataclass

import altair as alt
import polars as pl

from ..language import tr
from ..locale.terms import unit_name
from .durations import unit_axis
from .theme import DASHES, FAINT, HUES, SHADE, SHADE_OPACITY, WIDTH

__all__ = ["MAX_CURVES", "CurveText", "draw_curves"]

MAX_CURVES = len(HUES)
"""No two curves share a hue."""

_HEIGHT = 260
_MAX_TICKS = 25


@dataclass(frozen=True, kw_only=True)
class CurveText:
    """The texts of a chart."""

    title: str
    noun: str  # of what is counted
    y: str
    x: str  # before the unit
    event: str
    formula: str


def draw_curves(
    steps: pl.DataFrame,
    groups: pl.DataFrame,
    text: CurveText,
    unit: str,
    end: float,
    *,
    whole: bool = False,
) -> alt.LayerChart:
    """The curve of each group, its interval and its median.

    Args:
        steps: the steps of all curves, by `key`.
        groups: one row per curve, in the order of the legend, with its median.
        text: the texts of the axes and tooltips.
        unit: the unit of time.
        end: the end of the axis in this unit.
        whole: whether the axis has whole numbers, such as attempts, in place of times.
    """
    names = groups["label"].to_list()
    legend = alt.Legend(
        title=None,
        orient="top",
        direction="vertical",
        symbolType="stroke",
        symbolSize=400,
        labelLimit=WIDTH,
        columns=2,
    )
    hues = alt.Scale(domain=names, range=list(HUES[: len(names)]))
    dashes = alt.Scale(domain=names, range=list(DASHES[: len(names)]))
    # The title has the median of a single curve.
    shown = legend if len(names) > 1 else None
    hue = alt.Color("label:N", scale=hues, legend=shown)
    dash = alt.StrokeDash("label:N", scale=dashes, legend=shown)
    scale = alt.Scale(domain=[0, end or 1.0], nice=False)
    ticks = list(range(int(end) + 1)) if end <= _MAX_TICKS else alt.Undefined
    whole_axis = alt.Axis(grid=True, values=ticks, format=",d", labelOverlap=True)
    title, axis_x = text.x, whole_axis
    if not whole:
        title, axis_x = f"{text.x} ({unit_name(unit)})", unit_axis(unit)
    x = alt.X("at:Q", title=title, scale=scale, axis=axis_x)
    axis = alt.Axis(format=".0%", tickCount=5)
    y = alt.Y("survival:Q", title=text.y, scale=alt.Scale(domain=[0, 1]), axis=axis)
    tooltip = [
        *([alt.Tooltip("key:N", title=tr("group"))] if len(names) > 1 else []),
        alt.Tooltip("after:N", title=tr("after")),
        alt.Tooltip("survival:Q", title=text.y, format=".1%"),
        alt.Tooltip("low:Q", title=tr("95 % from"), format=".1%"),
        alt.Tooltip("high:Q", title=tr("to"), format=".1%"),
        alt.Tooltip("left:Q", title=tr("at risk after it"), format=","),
        alt.Tooltip("events:Q", title=text.event, format=","),
        alt.Tooltip("censored:Q", title=tr("censored"), format=","),
    ]
    curves = steps.drop("slot", "at_risk", strict=False).join(
        groups.select("key", "label"), on="key", how="left", maintain_order="left"
    )
    base = alt.Chart(curves)
    # The bands of several groups would hide each other; the tooltip has them.
    band = []
    if len(names) == 1:
        area = base.mark_area(interpolate="step-after", color=SHADE, opacity=2 * SHADE_OPACITY)
        band = [area.encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))]
    line = base.mark_line(interpolate="step-after", strokeWidth=2)
    half = alt.Chart(pl.DataFrame({"half": [0.5]})).mark_rule(color=FAINT, strokeDash=[2, 3])
    reached = groups.filter(pl.col("median").is_not_null(), pl.col("median") <= end)
    points = alt.Chart(reached.with_columns(half=pl.lit(0.5))).mark_point(
        filled=True, opacity=1, size=70
    )
    median_tooltip = [
        alt.Tooltip("key:N", title=tr("group")),
        alt.Tooltip("median_text:N", title=tr("with its 95 % interval")),
        alt.Tooltip("n:Q", title=tr("of"), format=","),
    ]
    layers = [
        *band,
        half.encode(alt.Y("half:Q")),
        line.encode(x, y, hue, dash, tooltip=tooltip),
        points.encode(alt.X("median:Q"), alt.Y("half:Q"), hue, tooltip=median_tooltip),
    ]
    return alt.LayerChart(layer=layers, width=WIDTH, height=_HEIGHT)
