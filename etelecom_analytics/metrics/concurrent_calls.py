"""Concurrent calls: how many calls or trunk lines were in use at the same time.

A call holds a line in [started_at, ended_at). A call without both times, that did not end after it
started, or that is longer than `longest_call_s` holds none and is counted in `without_span`. An
internal call in two logs is one call. The line of a trunk is held by a leg: from
`add_time` (else `ring_time`, else `answered_time`) until the leg's `ended_time`. So a call that
moves from one trunk to another holds a line of each in turn, and a call that rings two numbers
through one trunk holds two of its lines. Calls of all directions and states count.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import overload

import polars as pl

from ..errors import InputError
from ..phone_numbers import describe
from .arguments import row_limit, trunk_or_none
from .call_facts import is_too_long
from .call_legs import legs_of
from .internal_calls import without_second_logs
from .options import MetricOptions, checked_options
from .results import Result
from .selection import Calls, Selection, calls_frame, like_input

__all__ = [
    "HOLDS_LINE",
    "Concurrency",
    "concurrency",
    "concurrency_peaks",
    "line_spans",
    "trunk_peaks",
]

HOLDS_LINE = (pl.col("begin") < pl.col("end")).fill_null(value=False)
"""Whether a row of `line_spans` holds a line."""

_CALL_COLUMNS = ("id", "started_at", "ended_at")
_INTERNAL_COLUMNS = ("direction", "caller", "callee")
"""The columns that show which internal calls have two logs."""
_LEG_COLUMNS = ("id", "direction", "started_at", "ended_at", "call_targets")
_STEPS = (1, 5, 15, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400)


@dataclass(frozen=True, kw_only=True, eq=False)
class Concurrency(Result):
    """The number of calls on the line over time, and its peak.

    Attributes:
        peak: the highest number of calls at once; 0 if no call held a line.
        at: the first moment of the peak; None if no call held a line.
        call_ids: the ids of the calls at that moment, sorted, one per line: a call that held two
            lines of a trunk occurs twice.
        over_time: one row per change, in order: `at` (UTC) and `calls`, the number of calls from
            then on. The last row is 0.
        without_span: number of calls (of a trunk: legs) that held no line, because a time is
            missing, they did not end after they started, or they are too long.

    Examples:
        >>> busy = et.metrics.concurrency(et.sample_logs().calls)
        >>> busy.peak == busy.over_time["calls"].max() == len(busy.call_ids)
        True
    """

    peak: int
    at: datetime | None
    call_ids: tuple[str, ...]
    over_time: pl.DataFrame
    without_span: int


def concurrency(
    calls: Calls, *, trunk: str | None = None, options: MetricOptions = MetricOptions()
) -> Concurrency:
    """The exact number of these calls on the line at every moment. Collects.

    If a call ends at the moment when another begins, they do not overlap.

    Args:
        calls: calls of any direction.
        trunk: count only the lines of this trunk, held by legs. The peak of an unknown trunk is 0.
        options: `longest_call_s`; longer calls hold no line.

    Examples:
        >>> busy = et.metrics.concurrency(et.sample_logs().calls)
        >>> busy.peak, len(busy.call_ids)
        (4, 4)
    """
    spans = line_spans(calls, trunk, checked_options(options)).collect()
    held_spans = spans.filter(HOLDS_LINE)
    level = (
        pl.concat(
            [
                held_spans.select(at="begin", change=pl.lit(1, pl.Int64)),
                held_spans.select(at="end", change=pl.lit(-1, pl.Int64)),
            ]
        )
        .sort("at")
        .select("at", calls=pl.col("change").cum_sum())
        .filter((pl.col("at") != pl.col("at").shift(-1)).fill_null(value=True))
    )
    over_time = level.filter(pl.col("calls") != pl.col("calls").shift(1, fill_value=0))
    # Changes at one moment are summed and no span is empty, so the level after a moment is also the
    # highest at that moment.
    top = over_time.filter(pl.col("calls") == pl.col("calls").max()).head(1)
    at: datetime | None = top["at"].item() if held_spans.height else None
    on_line = (
        held_spans.filter(pl.col("begin") <= at, pl.col("end") > at)
        if held_spans.height
        else held_spans
    )
    return Concurrency(
        peak=on_line.height,
        at=at,
        call_ids=tuple(on_line["id"].sort(nulls_last=True)),
        over_time=over_time,
        without_span=spans.height - held_spans.height,
    )


@overload
def trunk_peaks(calls: pl.LazyFrame, *, options: MetricOptions = ...) -> pl.LazyFrame: ...


@overload
def trunk_peaks(
    calls: pl.DataFrame | Selection, *, options: MetricOptions = ...
) -> pl.DataFrame: ...


def trunk_peaks(
    calls: Calls, *, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """The highest number of lines in use at once on each trunk, one row per trunk, by name.

    Columns: `trunk_name`; `peak`, 0 if no leg held a line; `at`, the first moment of the peak;
    `legs`, all legs of the trunk, also of running calls; `without_span`, the legs that held no
    line. Use `concurrency(calls, trunk=...)` for the details of one trunk. LazyFrame in, LazyFrame
    out.

    Args:
        calls: calls of any direction.
        options: `longest_call_s`; legs of longer calls hold no line.

    Examples:
        >>> et.metrics.trunk_peaks(et.sample_logs().calls).select("trunk_name", "peak").rows()
        [('trunk-mobifone', 1), ('trunk-viettel', 2)]
    """
    spans = _leg_spans(calls, checked_options(options)).filter(pl.col("trunk_name").is_not_null())
    held_spans = spans.filter(HOLDS_LINE)

    def event(at: str, change: int) -> pl.LazyFrame:
        return held_spans.select("trunk_name", at=at, change=pl.lit(change, pl.Int64))

    # Every span begins and ends, so the changes of a trunk add up to 0 before those of the next
    # trunk. So one cumulative sum serves all trunks.
    levels = (
        pl.concat([event("begin", 1), event("end", -1)])
        .sort("trunk_name", "at", "change")
        .with_columns(level=pl.col("change").cum_sum())
    )
    is_peak = pl.col("level") == pl.col("level").max()
    peaks = levels.group_by("trunk_name").agg(
        peak=pl.col("level").max(), at=pl.col("at").filter(is_peak).min()
    )
    counts = spans.group_by("trunk_name").agg(
        legs=pl.len().cast(pl.Int64), without_span=(~HOLDS_LINE).cast(pl.Int64).sum()
    )
    table = counts.join(peaks, on="trunk_name", how="left").with_columns(
        pl.col("peak").fill_null(0)
    )
    return like_input(
        calls, table.select("trunk_name", "peak", "at", "legs", "without_span").sort("trunk_name")
    )


def concurrency_peaks(result: Concurrency, *, limit: int = 1_000) -> pl.DataFrame:
    """The levels of `result.over_time` in at most `limit` rows, without the loss of any peak.

    If there are more levels, each row has the highest level of a time interval. The intervals have
    equal lengths, from a second to a number of days.

    Columns: `begin` and `end` (UTC), adjoining; `calls`, the highest number of calls at once.

    Args:
        result: a result of `concurrency`.
        limit: the largest number of rows, at least 3.

    Raises:
        InputError: an argument is of another type, or `limit` is below 3.

    Examples:
        >>> busy = et.metrics.concurrency(et.sample_logs().calls)
        >>> peaks = et.metrics.concurrency_peaks(busy, limit=50)
        >>> peaks["calls"].max() == busy.peak
        True
    """
    if not isinstance(result, Concurrency):
        raise InputError(f"result is a result of concurrency(calls); got {describe(result)}.")
    limit = row_limit(limit, minimum=3)
    levels = result.over_time.select(begin="at", end=pl.col("at").shift(-1), calls="calls").filter(
        pl.col("end").is_not_null()
    )
    if levels.height <= limit:
        return levels
    first, last = levels.select(pl.col("begin").min(), pl.col("end").max()).row(0)
    duration_s = (last - first) / timedelta(seconds=1)
    # Two intervals are spare, because the first and the last may be partial.
    step = next(
        (step for step in _STEPS if duration_s / step <= limit - 2),
        _STEPS[-1] * (int(duration_s / _STEPS[-1] / (limit - 2)) + 1),
    )
    length = timedelta(seconds=step)
    slot = pl.col("begin").dt.truncate(f"{step}s")
    edges = pl.datetime_range(
        levels.select(slot.first()).item(),
        last,
        length,
        closed="left",
        time_unit="us",
        time_zone="UTC",
        eager=True,
    )
    # The level at the begin of an interval belongs to the interval too.
    entering = (
        edges.alias("begin")
        .to_frame()
        .join_asof(levels.select("begin", "calls"), on="begin")
        .with_columns(slot="begin")
    )
    within = levels.select("begin", "calls", slot=slot)
    return (
        pl.concat([entering, within])
        .group_by("slot")
        .agg(calls=pl.col("calls").max().fill_null(0))
        .sort("slot")
        .select(begin="slot", end=pl.col("slot") + length, calls="calls")
    )


def line_spans(calls: Calls, trunk: str | None, options: MetricOptions) -> pl.LazyFrame:
    """The `id`, `begin` and `end` of everything that may hold a line: calls, or a trunk's legs.

    Calls longer than `longest_call_s`, and their legs, have no end.
    """
    if trunk_or_none(trunk) is None:
        rows = _counted_once(calls_frame(calls, columns=_CALL_COLUMNS))
        end = pl.when(~is_too_long(options)).then("ended_at")
        return rows.select("id", begin="started_at", end=end)
    return _leg_spans(calls, options).filter(pl.col("trunk_name") == trunk).drop("trunk_name")


def _leg_spans(calls: Calls, options: MetricOptions) -> pl.LazyFrame:
    begin = pl.coalesce("add_time", "ring_time", "answered_time")
    end = pl.when(~is_too_long(options)).then("ended_time")
    rows = _counted_once(calls_frame(calls, columns=_LEG_COLUMNS)).with_row_index("call_row")
    return legs_of(rows, "id").select("trunk_name", "id", begin=begin, end=end)


def _counted_once(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The calls without the second logs of internal calls, where the table has their numbers."""
    if set(_INTERNAL_COLUMNS) <= set(rows.collect_schema()):
        return without_second_logs(rows)
    return rows
