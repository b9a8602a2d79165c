"""Summaries that know what was fetched: what was fetched and had no calls is zero, what was not fetched is unknown."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import polars as pl

from .. import local_time
from ..logs import FetchReport
from .dimensions import START_DIMENSIONS, minutes_alike, start_dimensions
from .options import MetricOptions
from .registry import MEASURES, Total
from .selection import Calls
from .summary import groups_of, summarize

__all__ = ["summarize_fetched"]


def summarize_fetched(
    calls: Calls,
    by: Sequence[str],
    measures: Sequence[str],
    *,
    coverage: FetchReport | None,
    options: MetricOptions = MetricOptions(),
    confidence: bool = False,
    in_order: bool = True,
) -> pl.DataFrame:
    """The table of `summarize`, and for each group `hours`, how long it lasts, and `fetched_hours`, how much of that was fetched.

    Over dimensions of the start (hour, day, in_hours, ...) with `coverage` it also has the groups
    without calls, from the first day that was asked for or has a call to the last: their counts and
    sums are 0 where something was fetched, else null. Elsewhere both columns are null. Collects.
    Without `in_order` the groups come as they do: whoever wants the biggest of many need not sort
    them all.
    """
    reckoned = summarize if in_order else groups_of
    summary = reckoned(calls, by, measures, options=options, confidence=confidence).lazy().collect()
    if coverage is None or not by or any(name not in START_DIMENSIONS for name in by):
        return summary.with_columns(
            hours=pl.lit(None, pl.Float64), fetched_hours=pl.lit(None, pl.Float64)
        )
    joined = summary.join(
        _fetched_hours(calls, by, coverage, options),
        on=list(by),
        how="full",
        coalesce=True,
        nulls_equal=True,
    )
    sums = [name for name in summary.columns if _adds_up(name)]
    zero_where_fetched = pl.col(sums).fill_null(pl.when(pl.col("fetched_hours") > 0).then(0))
    known = joined.with_columns(zero_where_fetched)
    return known.sort(by, nulls_last=True) if in_order else known


def _call_span(calls: Calls) -> tuple[datetime, datetime] | None:
    """When the first of these calls began, and the moment after the last did; None where no call has a start."""
    began = pl.col("started_at")
    first, last = calls.lazy().select(first=began.min(), last=began.max()).collect().row(0)
    return None if first is None else (first, last + timedelta(microseconds=1))


def _adds_up(column: str) -> bool:
    return column.endswith(("_num", "_den")) or (
        column in MEASURES and isinstance(MEASURES[column].made_of, Total)
    )


def _fetched_hours(
    calls: Calls, by: Sequence[str], coverage: FetchReport, options: MetricOptions
) -> pl.DataFrame:
    """`hours` and `fetched_hours` of every group between the first and the last moment that was asked for or has a call."""
    moments = [
        coverage.complete_to,
        *(moment for gap in coverage.gaps for moment in gap),
        *(_call_span(calls) or ()),
    ]
    if coverage.complete_from:
        moments.append(coverage.complete_from)
    begin, end = _whole_groups(min(moments), max(moments), by, options.time_zone)
    # A weekday that was never asked for is a group all the same, of no hours.
    comes_round = "weekday" in by and not {"day", "week", "month"} & set(by)
    step = timedelta(minutes=minutes_alike(by, options))
    slices = pl.datetime_range(
        begin, end + timedelta(7 * comes_round), step, closed="left", time_unit="us", eager=True
    )
    start, until = pl.col("started_at"), pl.col("started_at") + step
    missing = [
        (pl.min_horizontal(until, pl.lit(gap.end)) - pl.max_horizontal(start, pl.lit(gap.begin)))
        .dt.total_microseconds()
        .clip(0)
        for gap in coverage.gaps_between(begin, end)
    ]
    whole = pl.when(start < end).then(step / timedelta(microseconds=1)).otherwise(0)
    hours = {"hours": whole, "fetched_hours": whole - pl.sum_horizontal(pl.lit(0), *missing)}
    return (
        slices.alias("started_at")
        .to_frame()
        .with_columns(**hours, **start_dimensions(by, options))
        .group_by(by)
        .agg(pl.col(*hours).sum() / (timedelta(hours=1) / timedelta(microseconds=1)))
    )


def _whole_groups(
    begin: datetime, end: datetime, by: Sequence[str], time_zone: str
) -> tuple[datetime, datetime]:
    """The range widened to whole local days, or to whole weeks or months where these are the groups."""
    zone = local_time.zone(time_zone)
    first, last = (
        begin.astimezone(zone).date(),
        (end - timedelta(microseconds=1)).astimezone(zone).date(),
    )
    last = max(first, last)
    if "week" in by:
        first, last = first - timedelta(first.weekday()), last + timedelta(6 - last.weekday())
    if "month" in by:
        first, last = (
            first.replace(day=1),
            (last.replace(day=1) + timedelta(31)).replace(day=1) - timedelta(1),
        )
    midnights = (
        datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last + timedelta(1))
    )
    return next(midnights), next(midnights)
