"""Axes of groups: labels, order, position in time, and the times without data.

A day, week or month is a span of an axis of local time. Hours and weekdays are all on the axis,
in their order. Other groups are rows.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import altair as alt
import polars as pl

from .. import local_time
from ..fetch_report import FetchReport
from ..language import current_language, tr
from ..locale.dates import long_date_expr
from ..locale.terms import dimension_name, or_list
from ..readable_dates import CLOCK_MINUTE, CLOCK_SECOND
from .texts import CLOCK, TIME, clock_labels, none_label
from .theme import FAINT, SHADE, SHADE_OPACITY

__all__ = [
    "MAX_LABELLED_GROUPS",
    "MAX_LONG_LABELS",
    "clock_axis",
    "key_order",
    "local_milliseconds",
    "missing_spans",
    "moment_axis",
    "shade",
    "shading_note",
    "spans",
    "time_axis",
    "with_positions",
]

MAX_LABELLED_GROUPS = 25
"""With more groups there is no room for a label on each."""

MAX_LONG_LABELS = 14
"""With more groups there is room for short labels only."""

_MAX_TIME_LABELS = 12
_MAX_MILLISECONDS_WITH_CLOCK_TIMES = 4 * 86_400_000
_MAX_MILLISECONDS_WITH_WEEKDAYS = 21 * 86_400_000


def key_order(table: pl.DataFrame, by: str) -> list[str]:
    """The labels of an axis in order: all hours or weekdays, else the table's keys; null last."""
    keys = table.filter(pl.col(by).is_not_null())["key"].unique(maintain_order=True)
    labels = list(clock_labels(by) if by in CLOCK else keys)
    return [*labels, none_label()] if table[by].null_count() else labels


class _TimeFormats(NamedTuple):
    """Formats of the labels of an axis of time."""

    weekday: str
    day: str
    date: str
    month: str


def _time_formats() -> _TimeFormats:
    if current_language() == "en":
        return _TimeFormats("%a %-d %b", "%-d %b", "%-d %b %Y", "%b %Y")
    return _TimeFormats("%a %d/%m", "%d/%m", "%d/%m/%Y", "%m/%Y")


def clock_axis(order: list[str], by: str, *, labels: bool = True) -> alt.X:
    """The axis of all hours or weekdays; with `labels=False` the axis of a panel above it."""
    title = dimension_name(by) if labels and by != "weekday" else None
    axis = alt.Axis(
        values=order if len(order) <= MAX_LABELLED_GROUPS else order[::8],
        title=title,
        labels=labels,
        ticks=labels,
        labelAngle=0,
        labelOverlap=True,
        grid=False,
    )
    scale = alt.Scale(domain=order, paddingInner=0.12, paddingOuter=0.06)
    return alt.X("key:N", scale=scale, axis=axis)


def _milliseconds(local: pl.Expr) -> pl.Expr:
    """Local wall-clock time as a number, so that no viewer's time zone shifts it."""
    return local.cast(pl.Datetime("ms")).cast(pl.Int64)


def local_milliseconds(moment: pl.Expr, time_zone: str) -> pl.Expr:
    """The position of a moment on the axis of local time."""
    zone = local_time.zone(time_zone).key
    return _milliseconds(moment.dt.convert_time_zone(zone).dt.replace_time_zone(None))


def with_positions(table: pl.DataFrame, time_zone: str) -> pl.DataFrame:
    """The table with `begin` and `end` on the axis of local time, and `since`: begin as text."""
    local = pl.col("begin").dt.convert_time_zone(local_time.zone(time_zone).key)
    return table.with_columns(
        since=long_date_expr(local, CLOCK_SECOND),
        begin=local_milliseconds(pl.col("begin"), time_zone),
        end=local_milliseconds(pl.col("end"), time_zone),
    )


def spans(by: str) -> dict[str, pl.Expr]:
    """The positions of a day, week or month on the axis of time: `begin`, `middle`, `end`."""
    begin, end = _milliseconds(pl.col(by)), _milliseconds(pl.col(by).dt.offset_by(TIME[by]))
    return {"begin": begin, "middle": (begin + end) // 2, "end": end}


def time_axis(table: pl.DataFrame, by: str, *, field: str, labels: bool) -> alt.X:
    """The axis of days, weeks or months of a table with `spans`, with at most 12 labels.

    A label is at the middle of its span. `field` is the column to encode.
    """
    step = -(-table.height // _MAX_TIME_LABELS)
    formats = _time_formats()
    text = {"day": formats.weekday, "week": formats.date, "month": formats.month}[by]
    if by == "day" and step > 1:
        text = formats.date if table[by].dt.year().n_unique() > 1 else formats.day
    to_monday = (
        table.select((pl.col("middle") - pl.col("begin")).max()).item() if by == "week" else 0
    )
    axis = alt.Axis(
        values=table["middle"].to_list()[::step],
        labelExpr=f"utcFormat(datum.value - {to_monday}, '{text}')",
        labelOverlap=True,
        title=tr("week from Monday") if labels and by == "week" else None,
        labels=labels,
        ticks=labels,
        grid=False,
    )
    return _time_channel(table, field, axis)


def moment_axis(table: pl.DataFrame, *, field: str) -> alt.X:
    """The axis of time for a table with `begin` and `end` of any length, in order.

    Labels are dates at midnight and clock times otherwise; dates alone for four days or more.
    """
    first, last = _edges(table)
    midnight = "utchours(datum.value) === 0 && utcminutes(datum.value) === 0"
    formats = _time_formats()
    day, time = f"utcFormat(datum.value, '{formats.weekday}')", "utcFormat(datum.value, '%H:%M')"
    if last - first >= _MAX_MILLISECONDS_WITH_WEEKDAYS:
        label = f"utcFormat(datum.value, '{formats.date}')"
    elif last - first >= _MAX_MILLISECONDS_WITH_CLOCK_TIMES:
        label = f"{midnight} ? {day} : ''"
    else:
        label = f"{midnight} ? {day} : {time}"
    axis = alt.Axis(
        labelExpr=label,
        labelOverlap=True,
        title=None,
        grid=False,
        tickCount=_MAX_TIME_LABELS - 2,
    )
    return _time_channel(table, field, axis)


def _time_channel(table: pl.DataFrame, field: str, axis: alt.Axis) -> alt.X:
    first, last = _edges(table)  # `domain` would be two different ones where a mark has two ends
    scale = alt.Scale(type="utc", domainMin=first, domainMax=last, nice=False)
    return alt.X(f"{field}:T", axis=axis, scale=scale)


def _edges(table: pl.DataFrame) -> list[int]:
    return [int(table["begin"].to_list()[0]), int(table["end"].to_list()[-1])]


def missing_spans(
    coverage: FetchReport | None, table: pl.DataFrame, time_zone: str
) -> pl.DataFrame:
    """The spans without data on the axis of a table with `begin` and `end`.

    Returns:
        One row per span: `begin` and `end` on the axis, `since` and `until` as text, and `why`.
    """
    zone = local_time.zone(time_zone)
    epoch = datetime(1970, 1, 1)
    begin, end = (
        (epoch + timedelta(milliseconds=edge)).replace(tzinfo=zone).astimezone(UTC)
        for edge in _edges(table)
    )
    moment = pl.Datetime("us", "UTC")
    gaps = pl.DataFrame(
        _missing_parts(coverage, begin, end) if coverage else (),
        schema={"begin": moment, "end": moment, "why": pl.String},
        orient="row",
    )
    local = gaps.with_columns(
        pl.col("begin", "end").dt.convert_time_zone(zone.key).dt.replace_time_zone(None)
    )
    return local.select(
        begin=_milliseconds(pl.col("begin")),
        end=_milliseconds(pl.col("end")),
        since=long_date_expr(pl.col("begin"), CLOCK_MINUTE),
        until=long_date_expr(pl.col("end"), CLOCK_MINUTE),
        why="why",
    )


def _missing_parts(
    coverage: FetchReport, begin: datetime, end: datetime
) -> list[tuple[datetime, datetime, str]]:
    """The parts of [begin, end) without data in order, each with the reason.

    The gaps of a fetch are "not fetched". A week that the requested range cuts is partly "not
    requested". A range without an end requests everything: times after the fetch are "not
    fetched". A range that ends in the future has a gap.
    """
    edges = [moment for gap in coverage.gaps for moment in gap]
    first = min([coverage.complete_from or begin, *edges])
    last = max([coverage.complete_to, *edges])
    fetched_at = max([coverage.began_at, *(part.end for part in coverage.windows if part.end)])
    has_end = last < fetched_at or last > coverage.complete_to
    since = min(max(begin, first), end)
    until = max(begin, min(end, last)) if has_end else end
    parts = [
        (begin, since, tr("not requested")),
        *((*gap, tr("not fetched")) for gap in coverage.gaps_between(since, until)),
        (until, end, tr("not requested")),
    ]
    return [part for part in parts if part[0] < part[1]]


def shade(gaps: pl.DataFrame) -> list[alt.Chart]:
    """The layers that shade the spans of `missing_spans`; none if there are no spans."""
    if not gaps.height:
        return []
    base = alt.Chart(gaps)
    tooltip = [
        alt.Tooltip("why:N", title=tr("no calls")),
        alt.Tooltip("since:N", title=tr("from", context="time")),
        alt.Tooltip("until:N", title=tr("to", context="time")),
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
    """The meaning of the shading as a note; empty if nothing is shaded."""
    reasons = gaps["why"].unique().sort()
    return tr("shaded: {reasons}", reasons=or_list(reasons.to_list())) if gaps.height else ""
