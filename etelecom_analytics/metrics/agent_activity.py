"""Activity of agents: calls per hour, and the first call, last call and longest gap of a day."""

from typing import overload

import polars as pl

from .call_legs import seconds
from .legs_and_offers import offer_spans
from .local_dimensions import start_dimensions
from .options import MetricOptions, checked_options
from .selection import Calls, Selection, calls_frame, like_input

__all__ = ["agent_days", "agent_hours"]

_COUNTS = {
    "calls": pl.len().cast(pl.Int64),
    "answered_calls": (~pl.col("placed")).cast(pl.Int64).sum(),
    "placed_calls": pl.col("placed").cast(pl.Int64).sum(),
}


@overload
def agent_hours(calls: pl.LazyFrame, *, options: MetricOptions = ...) -> pl.LazyFrame: ...
@overload
def agent_hours(
    calls: pl.DataFrame | Selection, *, options: MetricOptions = ...
) -> pl.DataFrame: ...
def agent_hours(
    calls: Calls, *, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """The number of calls per agent, local day and hour; hours without calls have no row.

    Columns: `agent`, the number that answered or placed the call; `day`; `hour`, of the answer or
    of the start of a placed call; `calls`; `answered_calls`, answered offers; `placed_calls`, ended
    outbound calls, which need the column `extension_number` of `logs.with_names`. Sorted by agent,
    day and hour. LazyFrame in, LazyFrame out.

    Args:
        calls: calls of any direction.
        options: the time zone, and the numbers that are not agents.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> hours = et.metrics.agent_hours(et.sample_logs().calls, options=options)
        >>> hours.group_by("agent").agg(pl.col("calls").max()).sort("agent").row(0)
        ('101', 6)
    """
    options = checked_options(options)
    keys = ("agent", "day", "hour")
    table = _activities(calls_frame(calls), options).group_by(keys).agg(**_COUNTS).sort(keys)
    return like_input(calls, table)


@overload
def agent_days(calls: pl.LazyFrame, *, options: MetricOptions = ...) -> pl.LazyFrame: ...
@overload
def agent_days(
    calls: pl.DataFrame | Selection, *, options: MetricOptions = ...
) -> pl.DataFrame: ...
def agent_days(
    calls: Calls, *, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """The first call, the last call and the longest gap per agent and local day.

    Columns: `agent` and `day`, and `calls`, `answered_calls` and `placed_calls`, as in
    `agent_hours`; `first_call_at` and `last_call_at`, the begins of the first and the last call;
    `longest_gap_s`, the longest time from the end of all earlier calls of the day to the begin of
    the next, 0 if they overlap, null with one call; `active_hours`, the clock hours in which a call
    began; `calls_per_hour`, calls / active_hours. Sorted by agent and day. LazyFrame in, LazyFrame
    out.

    A call without a known end, or longer than `longest_call_s`, ends when it begins. A gap is not
    idle time: breaks, work after calls and other channels are not in call logs.

    Args:
        calls: calls of any direction.
        options: the time zone, and the numbers that are not agents.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> days = et.metrics.agent_days(et.sample_logs().calls, options=options)
        >>> days.select("agent", "calls", "active_hours").row(0)
        ('101', 13, 8)
    """
    options = checked_options(options)
    keys = ["agent", "day"]
    begin, end = pl.col("started_at"), pl.col("over_at")
    reached = end.cum_max().shift(1).over(keys)
    gap = seconds(reached, begin).clip(lower_bound=0.0)
    hours = pl.col("hour").n_unique().cast(pl.Int64)
    table = (
        _activities(calls_frame(calls), options)
        .sort(*keys, "started_at", "over_at")
        .with_columns(gap_s=gap)
        .group_by(keys, maintain_order=True)
        .agg(
            **_COUNTS,
            first_call_at=begin.min(),
            last_call_at=begin.max(),
            longest_gap_s=pl.col("gap_s").max(),
            active_hours=hours,
            calls_per_hour=pl.len() / hours,
        )
        .sort(keys)
    )
    return like_input(calls, table)


def _activities(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """One row per call of an agent: `agent`, `started_at`, `over_at`, `placed`, `day`, `hour`."""
    parts = [
        offer_spans(calls, options=options)
        .filter(pl.col("outcome") == "answered")
        .select(
            agent="target_number",
            started_at=pl.coalesce("answered_at", "offered_at"),
            over_at="over_at",
            placed=pl.lit(value=False),
        )
    ]
    if "extension_number" in calls.collect_schema():
        is_placed = pl.col("direction").cast(pl.String) == "out"
        parts.append(
            calls.filter(is_placed, pl.col("ended_at").is_not_null()).select(
                agent="extension_number",
                started_at="started_at",
                over_at="ended_at",
                placed=pl.lit(value=True),
            )
        )
    begin, end = pl.col("started_at"), pl.col("over_at")
    is_known = seconds(begin, end).is_between(0, options.longest_call_s)
    return (
        pl.concat(parts)
        .filter(pl.col("agent").is_not_null(), begin.is_not_null())
        .with_columns(over_at=pl.when(is_known).then(end).otherwise(begin))
        .with_columns(**start_dimensions(["day", "hour"], options))
    )
