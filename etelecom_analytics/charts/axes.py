"""Axes of groups: labels, order, position in time, and the times without data.

A day, week or month is a span of an axis of local time. Hours and weekdays are all on the axis,
in their order. Other groups are rows.
"""

from datetime import UTC, datetime, timedelta

import altair as alt
import polars as pl

from .. import local_time
from ..fetch_report import FetchReport
from ..locale.dates import CLOCK_MINUTE, CLOCK_SECOND, long_date_expr
from ..metrics import MetricOptions
from ..metrics.registry import Measure, Ratio
from .theme import FAINT, NONE_LABEL, SHADE, SHADE_OPACITY

__all__ = [
    "CLOCK",
    "MAX_LABELLED_GROUPS",
    "MAX_LONG_LABELS",
    "TIME",
    "clock_axis",
    "fetched_text",
    "formula_note",
    "key_order",
    "key_text",
    "local_milliseconds",
    "measure_title",
    "missing_spans",
    "moment_axis",
    "shade",
    "shading_note",
    "spans",
    "time_axis",
    "with_positions",
]

TIME = {"day": "1d", "week": "1w", "month": "1mo"}
"""Dimensions on an axis of time, and the length of their groups."""

CLOCK = {
    "hour": tuple(f"{hour}" for hour in range(24)),
    "half_hour": tuple(f"{half // 2}:{half % 2 * 30:02}" for half in range(48)),
    "quarter_hour": tuple(f"{quarter // 4}:{quarter % 4 * 15:02}" for quarter in range(96)),
    "weekday": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
"""Cyclic dimensions, and the labels of all their groups in order."""

MAX_LABELLED_GROUPS = 25
"""With more groups there is no room for a label on each."""

MAX_LONG_LABELS = 14
"""With more groups there is room for short labels only."""

_MAX_TIME_LABELS = 12
_MAX_MILLISECONDS_WITH_CLOCK_TIMES = 4 * 86_400_000
_MAX_MILLISECONDS_WITH_WEEKDAYS = 21 * 86_400_000


def measure_title(measure: Measure) -> str:
    """The measure's title, with its unit unless the title or the values have it."""
    if measure.unit in ("share", "s") or measure.unit in measure.title.lower():
        return measure.title
    return f"{measure.title} ({measure.unit})"


def formula_note(measure: Measure, options: MetricOptions, *, interval: bool = False) -> str:
    """The formula of a measure as a note; `interval` adds which interval a share has."""
    suffix = ", with its 95 % interval (Wilson)" if interval and _is_share(measure) else ""
    note = f"{measure.name} = {measure.formula(options)}{suffix}."
    if measure.name != "service_level":
        return note
    min_talk = f"; m: {options.min_talk_s:g} s" if options.variant == "min_talk" else ""
    return (
        f"{note} a, q, s: answered, missed, short calls of known wait; "
        f"T: {options.threshold_s:g} s{min_talk}."
    )


def _is_share(measure: Measure) -> bool:
    return isinstance(measure.aggregation, Ratio)


def key_text(by: str) -> pl.Expr:
    """The key of a group as text."""
    key = pl.col(by)
    if by in TIME:
        text = key.dt.strftime("%b %Y") if by == "month" else long_date_expr(key)
    elif by in CLOCK:
        labels = dict(enumerate(CLOCK[by], start=int(by == "weekday")))
        text = key.cast(pl.Int64).replace_strict(labels, return_dtype=pl.String)
    elif by == "in_hours":
        text = pl.when(key).then(pl.lit("in hours")).when(~key).then(pl.lit("out of hours"))
    else:
        text = key.cast(pl.String)
    return text.fill_null(NONE_LABEL)


def key_order(table: pl.DataFrame, by: str) -> list[str]:
    """The labels of an axis in order: all hours or weekdays, else the table's keys; null last."""
    keys = table.filter(pl.col(by).is_not_null())["key"].unique(maintain_order=True)
    labels = list(CLOCK.get(by, keys))
    return [*labels, NONE_LABEL] if table[by].null_count() else labels


def fetched_text() -> pl.Expr:
    """The fetched part of a group: "all", "no", "8 of 24 h", or "unknown" without coverage."""
    hours, fetched = pl.col("hours"), pl.col("fetched_hours")
    numbers = (
        column.round(2).cast(pl.String).str.strip_suffix(".0") for column in (fetched, hours)
    )
    return (
        pl.when(fetched.is_null())
        .then(pl.lit("unknown"))
        .when(fetched <= 0)
        .then(pl.lit("no"))
        .when(fetched < hours)
        .then(pl.format("{} of {} h", *numbers))
        .otherwise(pl.lit("all"))
    )


def clock_axis(order: list[str], by: str, *, labels: bool = True) -> alt.X:
    """The axis of all hours or weekdays; with `labels=False` the axis of a panel above it."""
    title = by.replace("_", " ") if labels and by != "weekday" else None
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
    text = {"day": "%a %-d %b", "week": "%-d %b %Y", "month": "%b %Y"}[by]
    if by == "day" and step > 1:
        text = "%-d %b %Y" if table[by].dt.year().n_unique() > 1 else "%-d %b"
    to_monday = (
        table.select((pl.col("middle") - pl.col("begin")).max()).item() if by == "week" else 0
    )
    axis = alt.Axis(
        values=table["middle"].to_list()[::step],
        labelExpr=f"utcFormat(datum.value - {to_monday}, '{text}')",
        labelOverlap=True,
        title="week from Monday" if labels and by == "week" else None,
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
    day, time = "utcFormat(datum.value, '%a %-d %b')", "utcFormat(datum.value, '%H:%M')"
    if last - first >= _MAX_MILLISECONDS_WITH_WEEKDAYS:
        label = "utcFormat(datum.value, '%-d %b %Y')"
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
        (begin, since, "not requested"),
        *((*gap, "not fetched") for gap in coverage.gaps_between(since, until)),
        (until, end, "not requested"),
    ]
    return [part for part in parts if part[0] < part[1]]


def shade(gaps: pl.DataFrame) -> list[alt.Chart]:
    """The layers that shade the spans of `missing_spans`; none if there are no spans."""
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
    """The meaning of the shading as a note; empty if nothing is shaded."""
    reasons = gaps["why"].unique().sort()
    return f"shaded: {' or '.join(reasons)}" if gaps.height else ""
