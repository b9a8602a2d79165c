"""How groups stand on an axis: days as spans of time, hours in their order, names by size; and what is not there."""

from datetime import UTC, datetime, timedelta

import altair as alt
import polars as pl

from .. import local_time
from ..logs import FetchReport
from .theme import FAINT, NONE_LABEL, SHADE, SHADE_OPACITY

__all__ = [
    "CLOCK",
    "TIME",
    "fetched_text",
    "in_order",
    "key_text",
    "local_milliseconds",
    "missing",
    "moment_axis",
    "shade",
    "shading_note",
    "spans",
    "time_axis",
    "time_unit",
]

TIME = {"day": "1d", "week": "1w", "month": "1mo"}
"""Dimensions on an axis of time, and how long their groups last."""

CLOCK = {
    "hour": tuple(f"{hour}" for hour in range(24)),
    "quarter_hour": tuple(f"{quarter // 4}:{quarter % 4 * 15:02}" for quarter in range(96)),
    "weekday": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
"""Dimensions that come round again, and the labels of all their groups, in order."""

_UNITS = (
    ("s", 1.0, 600.0),
    ("min", 60.0, 4 * 3_600.0),
    ("h", 3_600.0, 4 * 86_400.0),
    ("days", 86_400.0, float("inf")),
)

_FIRST = {"hour": 0, "quarter_hour": 0, "weekday": 1}
_LABELS = 12
_WEEKS_MS = 21 * 86_400_000
_MINUTE = "%Y-%m-%d %H:%M"


def key_text(by: str) -> pl.Expr:
    """The group's key as people read it."""
    key = pl.col(by)
    if by in TIME:
        text = key.dt.strftime("%Y-%m" if by == "month" else "%a %Y-%m-%d")
    elif by in CLOCK:
        first = _FIRST[by]
        text = key.cast(pl.Int64).replace_strict(
            {first + place: label for place, label in enumerate(CLOCK[by])}, return_dtype=pl.String
        )
    elif by == "in_hours":
        text = pl.when(key).then(pl.lit("in hours")).when(~key).then(pl.lit("out of hours"))
    else:
        text = key.cast(pl.String)
    return text.fill_null(NONE_LABEL)


def in_order(table: pl.DataFrame, by: str) -> list[str]:
    """The labels of the axis: all hours or weekdays, or the groups that there are as they stand; a null key last."""
    known = list(
        CLOCK.get(by, table.filter(pl.col(by).is_not_null())["key"].unique(maintain_order=True))
    )
    return [*known, NONE_LABEL] if table[by].null_count() else known


def fetched_text() -> pl.Expr:
    """How much of a group was fetched, in words: "all", "no", or "8 of 24 h"."""
    hours, fetched = (
        pl.col(name).round(2).cast(pl.String).str.strip_suffix(".0")
        for name in ("hours", "fetched_hours")
    )
    part = pl.format("{} of {} h", fetched, hours)
    some = pl.when(pl.col("fetched_hours") < pl.col("hours")).then(part).otherwise(pl.lit("all"))
    some = pl.when(pl.col("fetched_hours") <= 0).then(pl.lit("no")).otherwise(some)
    return pl.when(pl.col("fetched_hours").is_null()).then(pl.lit("unknown")).otherwise(some)


def milliseconds(local: pl.Expr) -> pl.Expr:
    """Local wall-clock time as milliseconds: a number that every viewer, in whatever zone, draws at the same place."""
    return local.cast(pl.Datetime("ms")).cast(pl.Int64)


def spans(by: str) -> dict[str, pl.Expr]:
    """Where a day, week or month begins, ends and has its middle on the axis of time."""
    begin, end = milliseconds(pl.col(by)), milliseconds(pl.col(by).dt.offset_by(TIME[by]))
    return {"begin": begin, "middle": (begin + end) // 2, "end": end}


def time_axis(table: pl.DataFrame, by: str, *, field: str, labels: bool) -> alt.X:
    """The axis of time on which a field of a table with `spans` stands: as wide as these, labelled at the middle of at most 12."""
    each = -(-table.height // _LABELS)
    text = {"day": "%a %-d %b", "week": "%-d %b %Y", "month": "%b %Y"}[by]
    if by == "day" and each > 1:
        text = "%-d %b %Y" if table[by].dt.year().n_unique() > 1 else "%-d %b"
    back = table.select((pl.col("middle") - pl.col("begin")).max()).item() if by == "week" else 0
    axis = alt.Axis(
        values=table["middle"].to_list()[::each], labelExpr=f"utcFormat(datum.value - {back}, '{text}')", labelOverlap=True,
        title={"day": None, "week": "week from Monday", "month": None}[by] if labels else None, labels=labels, ticks=labels, grid=False,
    )  # fmt: skip
    return alt.X(
        f"{field}:T", axis=axis, scale=alt.Scale(type="utc", domain=_edges(table), nice=False)
    )


def time_unit(seconds: float) -> tuple[str, float]:
    """In which unit so long a time is told, and its seconds."""
    return next((unit, size) for unit, size, most in _UNITS if seconds <= most)


def local_milliseconds(moment: pl.Expr, time_zone: str) -> pl.Expr:
    """Where a moment stands on the axis of local time."""
    return milliseconds(
        moment.dt.convert_time_zone(local_time.zone(time_zone).key).dt.replace_time_zone(None)
    )


def moment_axis(table: pl.DataFrame, *, field: str, labels: bool) -> alt.X:
    """The axis of time for moments of any fineness, of a table with `begin` and `end` in its order: dates at midnight, else clock times."""
    first, last = _edges(table)
    midnight = "utchours(datum.value) === 0 && utcminutes(datum.value) === 0"
    dates = f"{midnight} ? utcFormat(datum.value, '%a %-d %b') : utcFormat(datum.value, '%H:%M')"
    text = dates if last - first < _WEEKS_MS else "utcFormat(datum.value, '%-d %b %Y')"
    axis = alt.Axis(
        labelExpr=text,
        labelOverlap=True,
        title=None,
        labels=labels,
        ticks=labels,
        grid=False,
        tickCount=_LABELS - 2,
    )
    return alt.X(
        f"{field}:T", axis=axis, scale=alt.Scale(type="utc", domain=[first, last], nice=False)
    )


def _edges(table: pl.DataFrame) -> list[int]:
    return [int(table["begin"].to_list()[0]), int(table["end"].to_list()[-1])]


def missing(coverage: FetchReport | None, table: pl.DataFrame, time_zone: str) -> pl.DataFrame:
    """The spans that are not here within those of a table with `spans`: where they begin and end, on the axis and in words, and why."""
    first, last = _edges(table)
    zone = local_time.zone(time_zone)
    epoch = datetime(1970, 1, 1)
    edges = [
        (epoch + timedelta(milliseconds=edge)).replace(tzinfo=zone).astimezone(UTC)
        for edge in (first, last)
    ]
    gaps = pl.DataFrame(
        _parts(coverage, *edges) if coverage else (),
        schema={
            "begin": pl.Datetime("us", "UTC"),
            "end": pl.Datetime("us", "UTC"),
            "why": pl.String,
        },
        orient="row",
    )
    local = gaps.with_columns(
        pl.col("begin", "end").dt.convert_time_zone(zone.key).dt.replace_time_zone(None)
    )
    return local.select(
        begin=milliseconds(pl.col("begin")),
        end=milliseconds(pl.col("end")),
        since=pl.col("begin").dt.strftime(_MINUTE),
        until=pl.col("end").dt.strftime(_MINUTE),
        why="why",
    )


def _parts(
    coverage: FetchReport, begin: datetime, end: datetime
) -> list[tuple[datetime, datetime, str]]:
    """The parts of [begin, end) that are not here, in order, and why.

    What a fetch left of the range that it was asked for are its gaps. A week that the range cuts
    lies outside it in part, and that says nothing about the fetch; but of a range without an end
    all that came after is not fetched yet. One that ends in the future has a gap.
    """
    edges = [moment for gap in coverage.gaps for moment in gap]
    first, last = (
        min([coverage.complete_from or begin, *edges]),
        max([coverage.complete_to, *edges]),
    )
    reached = max([coverage.began_at, *(window.end for window in coverage.windows if window.end)])
    bounded = last < reached or last > coverage.complete_to
    asked, until = min(max(begin, first), end), max(begin, min(end, last)) if bounded else end
    not_fetched = ((*gap, "not fetched") for gap in coverage.gaps_between(asked, until))
    parts = [(begin, asked, "not asked for"), *not_fetched, (until, end, "not asked for")]
    return [part for part in parts if part[0] < part[1]]


def shade(gaps: pl.DataFrame) -> list[alt.Chart]:
    """Grey spans of what `missing` found; none if there is nothing."""
    if not gaps.height:
        return []
    base = alt.Chart(gaps)
    tooltip = [
        alt.Tooltip("why:N", title="no calls"),
        alt.Tooltip("since:N", title="from"),
        alt.Tooltip("until:N", title="to"),
    ]
    band = base.mark_rect(color=SHADE, opacity=SHADE_OPACITY, clip=True).encode(
        alt.X("begin:T"), alt.X2("end:T"), tooltip=tooltip
    )
    edges = [
        base.mark_rule(color=FAINT, strokeDash=[2, 3]).encode(alt.X(f"{edge}:T"))
        for edge in ("begin", "end")
    ]
    return [band, *edges]


def shading_note(gaps: pl.DataFrame) -> str:
    """What the grey spans mean; empty if there are none. On the spans themselves bars would hide it."""
    return (
        f"Shaded: {' or '.join(gaps['why'].unique().sort(descending=True))}." if gaps.height else ""
    )
