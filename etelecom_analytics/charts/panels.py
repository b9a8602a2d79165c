"""The panels of answer rates: the rates with their intervals, and the counts below or beside them."""

import altair as alt
import polars as pl

from .axes import key_order, shade, time_axis
from .theme import ANSWERED, FAINT, NOT_FETCHED, SHADE, SHADE_OPACITY, WIDTH, count_ticks

__all__ = ["by_name", "over_clock", "over_time"]

_ROW, _NAMED = 22, 340
_GUTTER = 42
"""Room for the labels of both panels, so that they stand below one another."""
_FEW, _TELL, _MANY, _CROWD = 14, 25, 60, 120
"""How many groups leave room for long numbers, for short ones, for large points, and between bars."""


def over_time(
    table: pl.DataFrame, by: str, gaps: pl.DataFrame, tooltip: list[alt.Tooltip]
) -> alt.VConcatChart:
    """Days, weeks or months on an axis of time, with grey spans where nothing was fetched."""
    width = min(WIDTH, max(260, 90 * table.height))
    axis, labelled = (
        time_axis(table, by, field="middle", labels=labels) for labels in (False, True)
    )
    apart = 0.06 * width / table.height if table.height <= _CROWD else 0
    bars = (
        alt.Chart(table)
        .mark_rect(xOffset=apart, x2Offset=-apart)
        .encode(time_axis(table, by, field="begin", labels=True), alt.X2("end:T"), alt.Y2Datum(0))
    )
    rate, offered = (
        [_line(table, axis), *_rates(table, axis, tooltip)],
        _offered(table, bars, labelled, tooltip),
    )
    return _stacked([*shade(gaps), *rate], [*shade(gaps), *offered], width)


def _line(table: pl.DataFrame, axis: alt.X) -> alt.Chart:
    """A line from point to point that leaves out what has no rate."""
    rated = table.filter(pl.col("answer_rate").is_not_null())
    runs = rated.with_columns(
        run=(pl.col("begin") != pl.col("end").shift(1)).cum_sum().fill_null(0)
    )
    line: alt.Chart = (
        alt.Chart(runs).mark_line(color=FAINT, strokeWidth=1).encode(axis, _share(), detail="run:N")
    )
    return line


def over_clock(table: pl.DataFrame, by: str, tooltip: list[alt.Tooltip]) -> alt.VConcatChart:
    """All hours or weekdays in their order; grey and crossed those that were never fetched."""
    order = key_order(table, by)
    bare, labelled = (_clock_axis(order, by, labels=labels) for labels in (False, True))
    rate, offered = (
        _rates(table, bare, tooltip),
        _offered(table, alt.Chart(table).mark_bar().encode(labelled), labelled, tooltip),
    )
    unfetched = table.filter(pl.col("fetched_hours") <= 0)
    if unfetched.height:
        band = (
            alt.Chart(unfetched)
            .mark_rect(color=SHADE, opacity=SHADE_OPACITY)
            .encode(tooltip=tooltip)
        )
        sign = (
            alt.Chart(unfetched)
            .mark_text(text=NOT_FETCHED, baseline="bottom", fontSize=12)
            .encode(labelled, y=alt.value("height"))
        )
        rate, offered = [band.encode(bare), *rate], [band.encode(labelled), sign, *offered]
    return _stacked(rate, offered, min(WIDTH, 60 * len(order)))


def _clock_axis(order: list[str], by: str, *, labels: bool) -> alt.X:
    title = by.replace("_", " ") if labels and by != "weekday" else None
    shown = order if len(order) <= _TELL else order[::8]
    axis = alt.Axis(
        values=shown,
        title=title,
        labels=labels,
        ticks=labels,
        labelAngle=0,
        labelOverlap=True,
        grid=False,
    )
    return alt.X(
        "key:N", scale=alt.Scale(domain=order, paddingInner=0.12, paddingOuter=0.06), axis=axis
    )


def _share() -> alt.Y:
    axis = alt.Axis(format=".0%", tickCount=5, minExtent=_GUTTER)
    return alt.Y(
        "answer_rate:Q", title="answer rate", axis=axis, scale=alt.Scale(zero=False, nice=True)
    )


def _rates(table: pl.DataFrame, axis: alt.X, tooltip: list[alt.Tooltip]) -> list[alt.Chart]:
    """A point for each rate, its interval, and above it the rate in words where there is room."""
    rated = table.filter(pl.col("answer_rate").is_not_null())
    many, few = table.height > _MANY, table.height <= _FEW
    base = alt.Chart(rated).encode(axis, tooltip=tooltip)
    ends = (alt.Y("answer_rate_low:Q"), alt.Y2("answer_rate_high:Q"))
    doubt = base.mark_rule(
        color=ANSWERED if table.height <= _CROWD else FAINT, strokeWidth=1 if many else 2
    ).encode(*ends)
    point = base.mark_point(color=ANSWERED, filled=True, opacity=1, size=14 if many else 75).encode(
        _share()
    )
    words = base.mark_text(baseline="bottom", dy=-3, fontSize=11 if few else 10).encode(
        alt.Y("answer_rate_high:Q"), text="percent:N" if few else "points:N"
    )
    return [doubt, point] if table.height > _TELL else [doubt, point, words]


def _offered(
    table: pl.DataFrame, bars: alt.Chart, axis: alt.X, tooltip: list[alt.Tooltip]
) -> list[alt.Chart]:
    size = alt.Y(
        "offered:Q",
        title="offered calls",
        axis=alt.Axis(
            tickCount=3, format=",d", values=count_ticks(table["offered"]), minExtent=_GUTTER
        ),
    )
    hued = bars.encode(size, color=alt.value(ANSWERED), tooltip=tooltip)
    known = alt.Chart(table.filter(pl.col("offered").is_not_null()))
    text = alt.Text("offered:Q", format=",") if table.height <= _FEW else alt.Text("size:N")
    words = known.mark_text(baseline="bottom", dy=-2, fontSize=10).encode(axis, size, text=text)
    return [hued] if table.height > _TELL else [hued, words]


def _stacked(rate: list[alt.Chart], offered: list[alt.Chart], width: int) -> alt.VConcatChart:
    return alt.vconcat(
        alt.LayerChart(layer=rate, width=width, height=200),
        alt.LayerChart(layer=offered, width=width, height=80),
        spacing=6,
    )


def by_name(table: pl.DataFrame, by: str, tooltip: list[alt.Tooltip]) -> alt.HConcatChart:
    """One row a group, in the table's order."""
    scale = alt.Scale(domain=key_order(table, by))
    rows = alt.Y("key:N", scale=scale, title=None, axis=alt.Axis(grid=True, labelPadding=6))
    bare = alt.Y("key:N", scale=scale, axis=None)
    share = alt.X(
        "answer_rate:Q",
        title="answer rate",
        axis=alt.Axis(format=".0%", tickCount=5, grid=False),
        scale=alt.Scale(domain=[0, 1]),
    )
    base = alt.Chart(table.filter(pl.col("answer_rate").is_not_null())).encode(
        rows, tooltip=tooltip
    )
    ends = (alt.X("answer_rate_low:Q"), alt.X2("answer_rate_high:Q"))
    doubt = base.mark_rule(color=ANSWERED, strokeWidth=2).encode(*ends)
    point = base.mark_point(color=ANSWERED, filled=True, opacity=1, size=75).encode(share)
    words = (
        alt.Chart(table)
        .mark_text(align="right")
        .encode(rows, x=alt.value(_NAMED + 42), text="percent:N")
    )
    size = alt.X(
        "offered:Q",
        title="offered calls",
        axis=alt.Axis(tickCount=3, format=",d", values=count_ticks(table["offered"]), grid=False),
    )
    bars = alt.Chart(table).mark_bar(color=ANSWERED).encode(bare, size, tooltip=tooltip)
    counts = bars.mark_text(align="left", dx=4).encode(text=alt.Text("offered:Q", format=","))
    height = {"step": _ROW}
    return alt.hconcat(
        alt.LayerChart(layer=[doubt, point, words], width=_NAMED, height=height),
        alt.LayerChart(layer=[bars, counts], width=180, height=height),
        spacing=20,
    )
