"""The marks of one measure by one dimension: over time, over the clock, and by name."""

from typing import Any

import altair as alt
import polars as pl

from ..metrics.registry import Measure, Ratio, Total
from .asked import measure_title
from .axes import in_order, shade, time_axis
from .theme import ANSWERED, FAINT, WIDTH, whole_ticks

__all__ = ["HIT", "by_name", "over_clock", "over_time"]

HIT = "groups"
"""The name of the unseen marks that stand for whole groups."""

_TELL, _MANY, _CROWD = 25, 60, 120
"""How many groups leave room for words, for large points, and between bars."""
_ROW, _PLOT, _HEIGHT, _GUTTER = 22, 520, 260, 42


def _form(asked: Measure) -> str:
    return {"share": ".0%", "s": ",.0f"}.get(asked.unit, ",d")


def _tooltip(by: str, asked: Measure, table: pl.DataFrame) -> list[alt.Tooltip]:
    form = {"share": ".1%", "s": ",.1f"}.get(asked.unit, ",d")
    made_of = (
        []
        if isinstance(asked.made_of, Total)
        else [alt.Tooltip("over:N", title="which is" if asked.unit == "share" else "over")]
    )
    fetched = [alt.Tooltip("fetched:N")] if table["hours"].is_not_null().any() else []
    value = alt.Tooltip("value:Q", title=measure_title(asked), format=form)
    counted = alt.Tooltip("count:Q", title=f"{asked.grain} in all", format=",")
    return [alt.Tooltip("key:N", title=by.replace("_", " ")), value, *made_of, counted, *fetched]


def _axis_of(
    asked: Measure, table: pl.DataFrame, *, extent: int | None
) -> tuple[alt.Axis, alt.Scale]:
    counts = isinstance(asked.made_of, Total)
    values = (
        whole_ticks(table["value"].cast(pl.Int64))
        if counts and asked.unit != "s"
        else alt.Undefined
    )
    axis = alt.Axis(
        format=_form(asked), tickCount=5, values=values, minExtent=extent or alt.Undefined
    )
    return axis, alt.Scale(zero=counts, nice=True)


def over_time(table: pl.DataFrame, by: str, asked: Measure, gaps: pl.DataFrame) -> alt.LayerChart:
    """Days, weeks or months on an axis of time, with grey spans of what is not here."""
    width = min(WIDTH, max(300, 90 * table.height))
    axis, scale = _axis_of(asked, table, extent=_GUTTER)
    y = alt.Y("value:Q", title=measure_title(asked).lower(), axis=axis, scale=scale)
    middle, begin = (
        time_axis(table, by, field=field, labels=True) for field in ("middle", "begin")
    )
    known, end = alt.Chart(table.filter(pl.col("value").is_not_null())), alt.X2("end:T")
    apart = 0.06 * width / table.height if table.height <= _CROWD else 0
    layers = shade(gaps)
    if isinstance(asked.made_of, Total):
        layers.append(
            known.mark_rect(color=ANSWERED, xOffset=apart, x2Offset=-apart).encode(
                begin, end, y, alt.Y2Datum(0)
            )
        )
    else:
        layers += [
            known.mark_line(color=FAINT, strokeWidth=1).encode(middle, y),
            *_points(known, table, asked, middle, y),
        ]
    if table.height <= _TELL:
        layers.append(_words(known, table, middle, up=True))
    hit = _hit(table, by, asked).encode(begin, end, y=alt.value(0), y2=alt.value("height"))
    return alt.LayerChart(layer=[*layers, hit], width=width, height=_HEIGHT)


def _points(
    known: alt.Chart,
    table: pl.DataFrame,
    asked: Measure,
    across: alt.X | alt.Y,
    along: alt.X | alt.Y,
) -> list[alt.Chart]:
    """A point for each value, and the interval of a share."""
    many = table.height > _MANY
    point = known.mark_point(
        color=ANSWERED, filled=True, opacity=1, size=14 if many else 75
    ).encode(across, along)
    if not isinstance(asked.made_of, Ratio):
        return [point]
    ends = (
        (alt.Y("low:Q"), alt.Y2("high:Q"))
        if isinstance(along, alt.Y)
        else (alt.X("low:Q"), alt.X2("high:Q"))
    )
    hue = ANSWERED if table.height <= _CROWD else FAINT
    return [known.mark_rule(color=hue, strokeWidth=1 if many else 2).encode(across, *ends), point]


def _words(known: alt.Chart, table: pl.DataFrame, across: alt.X | alt.Y, *, up: bool) -> alt.Chart:
    """The value in words, beyond the end of its interval."""
    field = "high:Q" if table["high"].is_not_null().any() else "value:Q"
    ends: dict[str, Any] = (
        {"baseline": "bottom", "dy": -5, "fontSize": 10} if up else {"align": "left", "dx": 8}
    )
    words: alt.Chart = known.mark_text(**ends).encode(
        across, alt.Y(field) if up else alt.X(field), text="told:N"
    )
    return words


def over_clock(table: pl.DataFrame, by: str, asked: Measure) -> alt.LayerChart:
    """All hours or weekdays in their order."""
    order = in_order(table, by)
    marks = order if len(order) <= _TELL else order[::8]
    named = None if by == "weekday" else by.replace("_", " ")
    bottom = alt.Axis(values=marks, title=named, labelAngle=0, labelOverlap=True, grid=False)
    across = alt.X(
        "key:N", scale=alt.Scale(domain=order, paddingInner=0.12, paddingOuter=0.06), axis=bottom
    )
    axis, scale = _axis_of(asked, table, extent=_GUTTER)
    layers = _marks(
        table,
        asked,
        across,
        alt.Y("value:Q", title=measure_title(asked).lower(), axis=axis, scale=scale),
    )
    hit = _hit(table, by, asked).encode(across, y=alt.value(0), y2=alt.value("height"))
    return alt.LayerChart(layer=[*layers, hit], width=min(WIDTH, 60 * len(order)), height=_HEIGHT)


def by_name(table: pl.DataFrame, by: str, asked: Measure) -> alt.LayerChart:
    """One row a group, in the table's order."""
    rows = alt.Axis(grid=not isinstance(asked.made_of, Total), labelPadding=6)
    across = alt.Y("key:N", scale=alt.Scale(domain=table["key"].to_list()), title=None, axis=rows)
    axis, scale = _axis_of(asked, table, extent=None)
    layers = _marks(
        table,
        asked,
        across,
        alt.X("value:Q", title=measure_title(asked).lower(), axis=axis, scale=scale),
    )
    hit = _hit(table, by, asked).encode(across, x=alt.value(0), x2=alt.value("width"))
    return alt.LayerChart(layer=[*layers, hit], width=_PLOT, height={"step": _ROW})


def _marks(
    table: pl.DataFrame, asked: Measure, across: alt.X | alt.Y, along: alt.X | alt.Y
) -> list[alt.Chart]:
    """Bars of what adds up, points of what does not, and their values in words where there is room."""
    known, up = alt.Chart(table.filter(pl.col("value").is_not_null())), isinstance(along, alt.Y)
    bars = isinstance(asked.made_of, Total)
    layers = (
        [known.mark_bar(color=ANSWERED).encode(across, along)]
        if bars
        else _points(known, table, asked, across, along)
    )
    return (
        [*layers, _words(known, table, across, up=up)]
        if table.height <= _TELL or not up
        else layers
    )


def _hit(table: pl.DataFrame, by: str, asked: Measure) -> alt.Chart:
    """Unseen marks over the whole room of each group, to be pointed at: a point is small."""
    hit: alt.Chart = (
        alt.Chart(table, name=HIT)
        .mark_rect(color="transparent")
        .encode(tooltip=_tooltip(by, asked, table))
    )
    return hit
