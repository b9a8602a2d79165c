"""What charts of groups share: the groups that fit, points with intervals, bars and tooltips."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from ..language import tr
from ..locale.terms import count, plural
from ..metrics.registry import Measure, Total
from .axes import spans, time_axis
from .grouping import only_dimension
from .texts import CLOCK, TIME, measure_title
from .theme import ANSWERED, FAINT, total

__all__ = ["MAX_GROUPS", "interval_points", "limit_groups", "measure_tooltip", "span_bars"]

MAX_GROUPS = 400
"""The largest limit: a group has up to six marks, and a chart at most 5,000."""

_DEFAULT_SPANS, _DEFAULT_ROWS = 370, 40
_MAX_LARGE_POINTS, _MAX_SEPARATE_BARS = 60, 120


def limit_groups(
    table: pl.DataFrame,
    by: Sequence[str],
    limit: int | None,
    *,
    noun: str,
    size: str = "count",
    size_noun: str = "",
) -> tuple[pl.DataFrame, list[str]]:
    """The groups that fit on a chart, in its order, and notes about the others.

    These are the latest days, weeks or months (with `spans`), all hours or weekdays, or the
    biggest other groups, the biggest first. Combinations are in the order of their dimensions.

    Args:
        table: one row per group, with its number of calls, offers or legs as `count`.
        by: the dimensions.
        limit: the maximum number of groups. None: 370 days, weeks or months, or 40 other groups.
        noun: what `count` counts, in the singular.
        size: the column that orders groups by size.
        size_noun: what `size` counts; `noun` by default.
    """
    nouns, dimension = plural(size_noun or noun), only_dimension(by)
    if dimension in CLOCK:
        return table, []
    if dimension not in TIME:
        number = limit or _DEFAULT_ROWS
        # Sort only the groups that can be among the biggest: callers may be many.
        fits = pl.col(size) >= pl.col(size).top_k(number).min()
        descending = [True, *(False for _ in by)]
        ordered = table.filter(fits).sort(size, *by, descending=descending, nulls_last=True)
        biggest = ordered.head(number)
        note = tr(
            "the {n} groups with the most {nouns}, of {total}",
            n=biggest.height,
            nouns=nouns,
            total=table.height,
        )
        notes = [note] if biggest.height < table.height else []
        return biggest if dimension else biggest.sort(by, nulls_last=True), notes
    dated = table.filter(pl.col(dimension).is_not_null())
    latest = dated.tail(limit or _DEFAULT_SPANS)
    notes = []
    if undated := total(table, "count") - total(dated, "count"):
        notes.append(tr("not on the axis: {calls} without a start", calls=count(undated, noun)))
    if latest.height < dated.height:
        notes.append(
            tr(
                "the latest {n} of {spans}, with {part} of the {nouns}",
                n=latest.height,
                spans=count(dated.height, dimension),
                part=total(latest, size),
                nouns=nouns,
            )
        )
    return latest.with_columns(**spans(dimension)), notes


def interval_points(
    base: alt.Chart, value: alt.X | alt.Y, *, groups: int, interval: Sequence[str] = ()
) -> list[alt.Chart]:
    """Points at a value, and below them the intervals between two columns.

    Args:
        base: the chart, with the axis of the groups.
        value: the axis of the value.
        groups: number of groups; marks of many groups are smaller.
        interval: the columns of the lower and the upper end; empty for no interval.
    """
    many = groups > _MAX_LARGE_POINTS
    size = 14 if many else 75
    point = base.mark_point(color=ANSWERED, filled=True, opacity=1, size=size).encode(value)
    if not interval:
        return [point]
    low, high = (f"{column}:Q" for column in interval)
    ends = (alt.Y(low), alt.Y2(high)) if isinstance(value, alt.Y) else (alt.X(low), alt.X2(high))
    hue = ANSWERED if groups <= _MAX_SEPARATE_BARS else FAINT
    return [base.mark_rule(color=hue, strokeWidth=1 if many else 2).encode(*ends), point]


def span_bars(base: alt.Chart, table: pl.DataFrame, by: str, *, width: int) -> alt.Chart:
    """Bars as wide as the days, weeks or months of a table with `spans`; the height is open."""
    gap = 0.06 * width / table.height if table.height <= _MAX_SEPARATE_BARS else 0
    begin = time_axis(table, by, field="begin", labels=True)
    bars: alt.Chart = base.mark_rect(color=ANSWERED, xOffset=gap, x2Offset=-gap).encode(
        begin, alt.X2("end:T"), alt.Y2Datum(0)
    )
    return bars


def measure_tooltip(measure: Measure, *, fetched: bool) -> list[alt.Tooltip]:
    """The tooltip of a measure: its value, what it is over, and how much was fetched."""
    form = ".1%" if measure.unit == "share" else ",d"
    tooltip = [
        alt.Tooltip("text:N", title=measure_title(measure))
        if measure.unit == "s"
        else alt.Tooltip("value:Q", title=measure_title(measure), format=form)
    ]
    if not isinstance(measure.aggregation, Total):
        title = tr("which is") if measure.unit == "share" else tr("over")
        tooltip.append(alt.Tooltip("over:N", title=title))
    title = tr("total {population}", population=tr(measure.grain))
    tooltip.append(alt.Tooltip("count:Q", title=title, format=","))
    return [*tooltip, alt.Tooltip("fetched:N", title=tr("fetched"))] if fetched else tooltip
