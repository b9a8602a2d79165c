"""summarize: any measures by any dimensions, also with the groups of a fetch without calls."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial, reduce
from typing import overload

import polars as pl

from .. import local_time
from ..errors import InputError
from ..fetch_report import FetchReport
from ..phone_numbers import describe
from .aggregation import ROWS, SUMMED, columns_of, is_sum
from .confidence import confidence_level
from .dimensions import Names
from .ivr_check import warn_of_other_ivr_numbers
from .local_dimensions import START_DIMENSIONS, common_minutes, start_dimensions
from .measure_rows import checked_request, grain_rows, has_busy_offers, parts_in_cube
from .options import MetricOptions, checked_options
from .registry import DEFAULT_MEASURES
from .selection import Calls, Selection, calls_frame, like_input

__all__ = ["summarize", "summarize_fetched", "summary_groups"]


@overload
def summarize(
    calls: pl.LazyFrame,
    by: Names = ...,
    measures: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...


@overload
def summarize(
    calls: pl.DataFrame | Selection,
    by: Names = ...,
    measures: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...


def summarize(
    calls: Calls,
    by: Names = (),
    measures: Names = DEFAULT_MEASURES,
    *,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = False,
) -> pl.DataFrame | pl.LazyFrame:
    """The measures of these calls, one row per group, sorted by the dimensions, nulls last.

    Without dimensions there is one row. Counts are Int64, seconds and shares Float64; a mean or a
    share of nothing is null. LazyFrame in, LazyFrame out.

    Args:
        calls: calls of any direction, or a `Selection`; no measure filters by direction.
        by: a dimension or several, from `DIMENSIONS`, and from `NAME_DIMENSIONS` if the calls have
            names.
        measures: a measure or several; `etelecom_analytics.measures()` lists them.
        options: the settings of the measures.
        confidence: for each share add `<name>_num` and `<name>_den`, its counts, and `<name>_low`
            and `<name>_high`, its interval (Wilson): True for 95 %, or a level such as 0.9.

    Raises:
        UnknownName: a dimension or a measure does not exist; the message lists the nearest names.
        MeasureUnavailable: call logs cannot give a measure, such as "occupancy"; the message has
            the reason and an alternative.
        InputError: a call measure by a dimension of legs, or a dimension of names that the calls do
            not have; or an argument of the wrong type.

    Examples:
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> et.summarize(inbound, by="weekday", measures=["offered", "missed"]).head(2).rows()
        [(1, 61, 1), (2, 59, 4)]
        >>> et.summarize(inbound, measures="answer_rate", confidence=0.9).columns
        ['answer_rate', 'answer_rate_num', 'answer_rate_den', 'answer_rate_low', 'answer_rate_high']
    """
    groups, dimensions = summary_groups(calls, by, measures, options=options, confidence=confidence)
    table = groups.sort(dimensions, nulls_last=True) if dimensions else groups
    return like_input(calls, table)


def summarize_fetched(
    calls: Calls,
    by: Names,
    measures: Names,
    *,
    coverage: FetchReport | None,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = False,
    in_order: bool = True,
) -> pl.DataFrame:
    """The table of `summarize` with `hours`, the length of each group, and `fetched_hours`.

    Over dimensions of the start (hour, day, in_hours, ...) with `coverage` the table also has the
    groups without calls, from the first requested day or call to the last: their counts and sums
    are 0 where something was fetched, else null. Otherwise both columns are null. Collects.

    Args:
        calls: as in `summarize`.
        by: as in `summarize`.
        measures: as in `summarize`.
        coverage: the report of the fetch, `logs.report`.
        options: as in `summarize`.
        confidence: the columns of `summarize`, and for each mean and quantile `<name>_n`, the
            number of its values.
        in_order: whether to sort the groups. Sorting half a million callers takes four times as
            long as counting them.

    Raises:
        UnknownName, MeasureUnavailable, InputError: as in `summarize`.

    Examples:
        >>> logs = et.sample_logs()
        >>> days = et.metrics.summarize_fetched(
        ...     logs.calls, by="day", measures="calls", coverage=logs.report
        ... )
        >>> days.select("calls", "fetched_hours").row(0)
        (80, 24.0)
    """
    if coverage is not None and not isinstance(coverage, FetchReport):
        raise InputError(
            f"coverage is a FetchReport, logs.report, or None; got {describe(coverage)}."
        )
    table, dimensions = summary_groups(
        calls,
        by,
        measures,
        options=options,
        confidence=confidence,
        counts=confidence_level(confidence) is not None,
    )
    in_order = in_order and bool(dimensions)
    if coverage is None or not dimensions or not set(dimensions) <= set(START_DIMENSIONS):
        no_hours = pl.lit(None, pl.Float64)
        table = table.with_columns(hours=no_hours, fetched_hours=no_hours)
        return (table.sort(dimensions, nulls_last=True) if in_order else table).collect()
    sums = [name for name in table.collect_schema() if is_sum(name)]
    joined = table.join(
        _fetched_hours(calls, dimensions, coverage, checked_options(options)),
        on=dimensions,
        how="full",
        coalesce=True,
        nulls_equal=True,
    )
    zero_if_fetched = pl.col(sums).fill_null(pl.when(pl.col("fetched_hours") > 0).then(0))
    filled = joined.with_columns(zero_if_fetched)
    return (filled.sort(dimensions, nulls_last=True) if in_order else filled).collect()


def summary_groups(
    calls: Calls,
    by: Names,
    measures: Names,
    *,
    options: MetricOptions,
    confidence: bool | float = False,
    counts: bool = False,
) -> tuple[pl.LazyFrame, list[str]]:
    """The unsorted rows of `summarize`, and the dimensions; `counts` as in `columns_of`.

    There is one group_by per grain; their results are joined on the dimensions.
    """
    table = calls if isinstance(calls, Selection) else calls_frame(calls)
    dimensions, requested = checked_request(table, by, measures)
    options = checked_options(options)
    warn_of_other_ivr_numbers(calls, options)
    columns = partial(columns_of, confidence=confidence, counts=counts)
    tables = []
    for grain in dict.fromkeys(each.grain for each in requested):
        of_grain = [each for each in requested if each.grain == grain]
        parts = parts_in_cube(table, dimensions, of_grain, options)
        form = ROWS if parts is None else SUMMED
        aggregated = {k: v for each in of_grain for k, v in columns(each, form).items()}
        if parts is not None:
            tables.append(parts.lazy().select(*dimensions, **aggregated))
            continue
        rows = grain_rows(table, grain, dimensions, has_busy_offers(of_grain), options)
        tables.append(
            rows.group_by(dimensions).agg(**aggregated) if dimensions else rows.select(**aggregated)
        )
    names = [name for each in requested for name in columns(each)]
    sums = [name for name in names if is_sum(name)]
    joined = reduce(lambda left, right: _join(left, right, dimensions), tables)
    return joined.with_columns(pl.col(sums).fill_null(0)).select(*dimensions, *names), dimensions


def _join(left: pl.LazyFrame, right: pl.LazyFrame, dimensions: Sequence[str]) -> pl.LazyFrame:
    """The columns of both grains; a group of one grain only is included."""
    if not dimensions:
        return pl.concat([left, right], how="horizontal")
    return left.join(right, on=dimensions, how="full", coalesce=True, nulls_equal=True)


def _fetched_hours(
    calls: Calls, by: Sequence[str], coverage: FetchReport, options: MetricOptions
) -> pl.LazyFrame:
    """`hours` and `fetched_hours` of each group from the first requested moment or call on."""
    moments = [
        coverage.complete_to,
        *(moment for gap in coverage.gaps for moment in gap),
        *_call_span(calls, options),
    ]
    if coverage.complete_from:
        moments.append(coverage.complete_from)
    begin, end = _whole_groups(min(moments), max(moments), by, options.time_zone)
    # A weekday that was not requested is a group too, of 0 hours.
    is_cyclic = "weekday" in by and not {"day", "week", "month"} & set(by)
    step = timedelta(minutes=common_minutes(by, options))
    slices = pl.datetime_range(
        begin, end + timedelta(7 * is_cyclic), step, closed="left", time_unit="us", eager=True
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
        pl.LazyFrame({"started_at": slices})
        .with_columns(**hours, **start_dimensions(by, options))
        .group_by(by)
        .agg(pl.col(*hours).sum() / (timedelta(hours=1) / timedelta(microseconds=1)))
    )


def _call_span(calls: Calls, options: MetricOptions) -> tuple[datetime, ...]:
    """The start of the first call and the moment after that of the last; empty if unknown."""
    if isinstance(calls, Selection):
        first, last = calls.span(options)
    else:
        start = pl.col("started_at")
        span = calls_frame(calls).select(first=start.min(), last=start.max())
        first, last = span.collect().row(0)
    return () if first is None or last is None else (first, last + timedelta(microseconds=1))


def _whole_groups(
    begin: datetime, end: datetime, by: Sequence[str], time_zone: str
) -> tuple[datetime, datetime]:
    """The range extended to whole local days, or to whole weeks or months if grouped by these."""
    zone = local_time.zone(time_zone)
    first = begin.astimezone(zone).date()
    last = max(first, (end - timedelta(microseconds=1)).astimezone(zone).date())
    if "week" in by:
        first, last = first - timedelta(first.weekday()), last + timedelta(6 - last.weekday())
    if "month" in by:
        first, last = first.replace(day=1), (last.replace(day=1) + timedelta(31)).replace(day=1)
        last -= timedelta(1)
    return (
        local_time.midnight(first, time_zone),
        local_time.midnight(last + timedelta(1), time_zone),
    )
