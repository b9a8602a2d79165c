"""Traffic: the Erlangs carried per local hour, the busy hour, and the profile of a day or week.

One Erlang is one line in use for the whole hour. `concurrent_calls` defines which calls and legs
hold a line, and when.
"""

from datetime import timedelta
from typing import overload

import polars as pl

from ..errors import InputError, UnknownName
from ..fetch_report import FetchReport
from ..local_time import LOCAL_DIMENSIONS
from ..phone_numbers import describe
from .call_legs import quotient
from .concurrent_calls import HOLDS_LINE, line_spans
from .dimensions import Names, as_names
from .options import MetricOptions, checked_options
from .selection import Calls, Selection, like_input

__all__ = ["busy_hour", "busy_hours", "erlangs", "erlangs_profile"]

_HOUR = 3_600_000_000
_SLOT = _HOUR // 4
"""Microseconds. All current time zone offsets are multiples of 15 minutes, so no slot spans two
local hours."""

_ERLANGS = quotient(pl.col("line_us"), _HOUR)

_MARGIN = 26 * 4
"""Slots that reach beyond the local midnight before and after any moment, even of a day of 25 h."""

_PROFILE_DIMENSIONS = ("hour", "weekday")


@overload
def erlangs(
    calls: pl.LazyFrame, *, trunk: str | None = ..., options: MetricOptions = ...
) -> pl.LazyFrame: ...


@overload
def erlangs(
    calls: pl.DataFrame | Selection, *, trunk: str | None = ..., options: MetricOptions = ...
) -> pl.DataFrame: ...


def erlangs(
    calls: Calls, *, trunk: str | None = None, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """The Erlangs carried in each local hour: seconds of held lines in the hour / 3600.

    One row per hour, in order, from the first hour of the first local day with a held line to the
    last hour of the last such day. Hours without calls have rows with 0.

    Columns: `hour_begin` (UTC); `day` and `hour`, local to `options.time_zone`; `erlangs`; `calls`,
    the number of calls (of a trunk: legs) that held a line during any part of the hour. A call that
    spans several hours counts in each. The Erlangs of all rows add up to the total hours of held
    lines. LazyFrame in, LazyFrame out.

    When clocks are set back, the repeated hour has two rows with the same `day` and `hour`; a
    skipped hour has none. If clocks move by half an hour (Lord Howe Island), the remaining part is
    a separate row.

    Args:
        calls: calls of any direction.
        trunk: count only the lines of this trunk, held by legs.
        options: which time zone is local.

    Examples:
        >>> hours = et.metrics.erlangs(et.sample_logs().calls)
        >>> hours.height, round(hours["erlangs"].sum(), 2)
        (168, 14.5)
    """
    hours = _hours(calls, trunk, options)
    return like_input(
        calls,
        hours.select("hour_begin", "day", "hour", erlangs=_ERLANGS, calls="calls"),
    )


@overload
def busy_hours(
    calls: pl.LazyFrame, *, trunk: str | None = ..., options: MetricOptions = ...
) -> pl.LazyFrame: ...


@overload
def busy_hours(
    calls: pl.DataFrame | Selection, *, trunk: str | None = ..., options: MetricOptions = ...
) -> pl.DataFrame: ...


def busy_hours(
    calls: Calls, *, trunk: str | None = None, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """The busy hour of each local day: its clock hour with the most Erlangs, the first if tied.

    One row per day, from the first to the last. Columns: `day`, `hour_begin` (UTC), `hour`,
    `erlangs` and `calls`, as in `erlangs`. A day without calls has 0 Erlangs and null hours.
    LazyFrame in, LazyFrame out.

    Args:
        calls: calls of any direction.
        trunk: count only the lines of this trunk, held by legs.
        options: which time zone is local.

    Examples:
        >>> et.metrics.busy_hours(et.sample_logs().calls)["hour"].to_list()
        [11, 14, 9, 9, 10, 10, 10]
    """
    own = _busiest_hours(_hours(calls, trunk, options))
    return like_input(
        calls,
        own.select("day", "hour_begin", "hour", erlangs=_ERLANGS, calls="calls"),
    )


@overload
def busy_hour(
    calls: pl.LazyFrame, *, trunk: str | None = ..., options: MetricOptions = ...
) -> pl.LazyFrame: ...


@overload
def busy_hour(
    calls: pl.DataFrame | Selection, *, trunk: str | None = ..., options: MetricOptions = ...
) -> pl.DataFrame: ...


def busy_hour(
    calls: Calls, *, trunk: str | None = None, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """The busy hour of all days by two definitions, in one row.

    - `hour`: the clock hour with the highest mean Erlangs over all local days from the first to the
      last, the earliest if tied; `erlangs`: that mean. This is the time-consistent busy hour
      (TCBH), used to plan lines and shifts that are the same every day.
    - `days`: the number of these days, including days without calls.
    - `daily_peak_erlangs`: the mean of the busiest clock hours of all days, the average daily peak
      hour traffic (ADPH). It is at least `erlangs`, and larger if the days differ more.

    Without calls that held a line, `days` is 0 and the other values are null. When clocks change,
    the means are taken over the hours that occurred. LazyFrame in, LazyFrame out.

    ITU-T E.600 defines the terms. Hours are clock hours, as in the full-hour measurements of E.500
    (ADPFH), so a busy hour that spans two clock hours is not detected.

    Args:
        calls: calls of any direction.
        trunk: count only the lines of this trunk, held by legs.
        options: which time zone is local.

    Examples:
        >>> et.metrics.busy_hour(et.sample_logs().calls).select("hour", "days").row(0)
        (10, 7)
    """
    hours = _hours(calls, trunk, options)
    means = (
        hours.group_by("hour")
        .agg(erlangs=pl.col("line_us").sum() / (pl.len().cast(pl.Int64) * _HOUR))
        .sort("erlangs", "hour", descending=[True, False])
        .select(pl.col("hour", "erlangs").first())
    )
    own = _busiest_hours(hours).select(
        days=pl.len().cast(pl.Int64),
        daily_peak_erlangs=pl.when(pl.len() > 0).then(
            pl.col("line_us").sum() / (pl.len().cast(pl.Int64) * _HOUR)
        ),
    )
    return like_input(calls, pl.concat([means, own], how="horizontal"))


def erlangs_profile(
    calls: Calls,
    by: Names = "hour",
    *,
    trunk: str | None = None,
    coverage: FetchReport | None = None,
    options: MetricOptions = MetricOptions(),
) -> pl.DataFrame:
    """The mean Erlangs by local hour, by weekday, or by weekday and hour. Collects.

    One row per group, sorted. Columns, after those of `by`: `hours`, the number of hours in the
    group; `erlangs`, their mean; `peak`, their maximum; `calls`, the mean number of calls that held
    a line in them. By "hour", the highest mean is that of `busy_hour`.

    Args:
        calls: calls of any direction.
        by: "hour", "weekday" or both.
        trunk: count only the lines of this trunk, held by legs.
        coverage: `logs.report`; hours that were not completely fetched are excluded. None: all
            hours count.
        options: which time zone is local.

    Raises:
        UnknownName: `by` has another dimension.
        InputError: `by` is empty, or `coverage` is no report.

    Examples:
        >>> profile = et.metrics.erlangs_profile(et.sample_logs().calls, by="weekday")
        >>> profile.select("weekday", "hours").head(2).rows()
        [(1, 24), (2, 24)]
    """
    keys = as_names(by, "by")
    if not keys:
        raise InputError('by needs a dimension of hours, such as by="hour".')
    if coverage is not None and not isinstance(coverage, FetchReport):
        raise InputError(
            f"coverage is the report of the fetch, logs.report; got {describe(coverage)}."
        )
    for name in keys:
        if name not in _PROFILE_DIMENSIONS:
            raise UnknownName("dimension of hours", name, _PROFILE_DIMENSIONS)
    hours = (
        _hours(calls, trunk, options)
        .select("hour_begin", "hour", "line_us", "calls", erlangs=_ERLANGS)
        .collect()
    )
    if coverage is not None and hours.height:
        begin, hour = pl.col("hour_begin"), timedelta(hours=1)
        first, last = hours["hour_begin"].to_list()[0], hours["hour_begin"].to_list()[-1] + hour
        for gap in coverage.gaps_between(first, last):
            hours = hours.filter(~((begin < gap.end) & (begin + hour > gap.begin)))
    weekday = LOCAL_DIMENSIONS["weekday"](checked_options(options).time_zone)
    return (
        hours.with_columns(started_at="hour_begin")
        .with_columns(weekday=weekday)
        .group_by(keys)
        .agg(
            hours=pl.len().cast(pl.Int64),
            erlangs=pl.col("line_us").sum() / (pl.len().cast(pl.Int64) * _HOUR),
            peak=pl.col("erlangs").max(),
            calls=pl.col("calls").sum() / pl.len(),
        )
        .sort(keys)
    )


def _hours(calls: Calls, trunk: str | None, options: MetricOptions) -> pl.LazyFrame:
    """One row per local hour, sorted: `hour_begin`, `day`, `hour`, `line_us`, `calls`.

    Calls are not split into hours. Each call adds its share of the slots in which it begins and
    ends. The slots in between are held by the calls that began before and end later, a cumulative
    sum over the slots. So a call of a month costs as much as a call of a minute. All durations are
    integer microseconds, so the order of the rows does not matter.
    """
    spans = line_spans(calls, trunk, checked_options(options)).filter(HOLDS_LINE)
    begin, end = pl.col("begin").dt.timestamp("us"), pl.col("end").dt.timestamp("us")
    # A span that ends at the edge of a slot ends in the previous slot.
    first, last = begin // _SLOT, (end - 1) // _SLOT
    one, zero = pl.lit(1, pl.Int64), pl.lit(0, pl.Int64)
    edges = (
        pl.concat(
            [
                spans.select(
                    slot=first, begins=one, ends=zero, line_us=(first + 1) * _SLOT - begin
                ),
                spans.select(slot=last, begins=zero, ends=one, line_us=end - (last + 1) * _SLOT),
            ]
        )
        .group_by("slot")
        .agg(pl.col("begins", "ends", "line_us").sum())
    )
    slot_range = pl.int_ranges(
        pl.col("slot").min() - _MARGIN,
        pl.col("slot").max() + _MARGIN,
        dtype=pl.Int64,
    )
    slots = edges.select(slot=slot_range).explode("slot", empty_as_null=False, keep_nulls=False)
    ongoing = (pl.col("begins") - pl.col("ends")).cum_sum().shift(1, fill_value=0)
    day, quarter = pl.col("day"), pl.col("quarter_hour")
    first_day, last_day = (
        day.filter(pl.col("begins") > 0).min(),
        day.filter(pl.col("ends") > 0).max(),
    )
    # A new hour begins at another clock hour, or where the clock goes back.
    is_new = (quarter // 4 != quarter.shift(1) // 4) | (quarter <= quarter.shift(1))
    return (
        slots.join(edges, on="slot", how="left")
        .sort("slot")
        .with_columns(pl.col("begins", "ends", "line_us").fill_null(0))
        .with_columns(
            ongoing=ongoing, started_at=(pl.col("slot") * _SLOT).cast(pl.Datetime("us", "UTC"))
        )
        .with_columns(
            **{
                name: LOCAL_DIMENSIONS[name](checked_options(options).time_zone)
                for name in ("day", "hour", "quarter_hour")
            }
        )
        .filter(day.is_between(first_day, last_day))
        .with_columns(is_new=is_new.fill_null(value=True))
        .with_columns(
            nth=pl.col("is_new").cum_sum(),
            present=pl.when("is_new").then("ongoing").otherwise(0) + pl.col("begins"),
        )
        .group_by("nth")
        .agg(
            pl.col("started_at").min().alias("hour_begin"),
            pl.col("day", "hour").first(),
            line_us=(pl.col("ongoing") * _SLOT + pl.col("line_us")).sum(),
            calls=pl.col("present").sum(),
        )
        .sort("nth")
        .drop("nth")
    )


def _busiest_hours(hours: pl.LazyFrame) -> pl.LazyFrame:
    """The hour of each day with the most traffic, the first if tied; null hours without traffic."""
    busiest = hours.sort("day", "line_us", "hour_begin", descending=[False, True, False]).unique(
        "day", keep="first", maintain_order=True
    )
    with_traffic = pl.when(pl.col("line_us") > 0).then(pl.col("hour_begin", "hour"))
    return busiest.with_columns(with_traffic).select(
        "day", "hour_begin", "hour", "line_us", "calls"
    )
