"""Traffic: how many calls were on the line at once, and the Erlangs that they carried, hour by hour.

A call holds a line from `started_at` until `ended_at`: [started_at, ended_at). One without both
times, or that did not end after it started, holds none, and is counted. A trunk's line is held by a
leg, not by its call: from `add_time` (else `ring_time`, else `answered_time`) until the leg's
`ended_time`. So a call that moved from one trunk to the next held each in its time, and one that
rang two numbers through a trunk held two of its lines. All calls count, of any direction and state,
and all functions take the calls as they are given: those that were not fetched were on no line.
"""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from ..frames import Frame, call_targets, same_kind
from ..local_time import LOCAL_DIMENSIONS
from .call_facts import quotient
from .options import MetricOptions
from .selection import Calls

__all__ = ["Concurrency", "busy_hour", "busy_hours", "concurrency", "erlangs", "trunk_peaks"]

_HOUR = 3_600_000_000
_SLOT = _HOUR // 4
"""Microseconds. The offsets of today's zones are whole quarters of an hour, so no quarter lies in two local hours."""

_A_DAY_AND_MORE = 26 * 4
"""Slots that reach back beyond the local midnight before any moment, even of a day of 25 hours."""

_HOLDS = (pl.col("begin") < pl.col("end")).fill_null(value=False)


@dataclass(frozen=True, kw_only=True)
class Concurrency:
    """How many calls were on the line at once.

    Attributes:
        peak: the most at once; 0 where none held a line.
        at: the first moment at which so many were; None where none held a line.
        call_ids: the calls on the line at that moment, sorted, one for each line: a call that held
            two lines of a trunk stands twice.
        over_time: one row a change, in order: `at` (UTC) and `calls`, how many were on the line
            from then on. The last row is 0.
        without_span: calls (of a trunk: legs) that held no line, for want of a time or because they
            did not end after they started.
    """

    peak: int
    at: datetime | None
    call_ids: tuple[str, ...]
    over_time: pl.DataFrame
    without_span: int


def concurrency(calls: Calls, *, trunk: str | None = None) -> Concurrency:
    """How many of these calls were on the line at once, exactly: at every moment, not at sampled ones. Collects.

    At a tie the end comes first: who hangs up when another calls was not on the line with him.

    Args:
        calls: calls of any direction.
        trunk: only the lines of the trunk of this name, held by legs; a name that no leg has gives
            a peak of 0.
    """
    spans = _spans(calls.lazy(), trunk).collect()
    held = spans.filter(_HOLDS)
    level = (
        pl.concat(
            [
                held.select(at="begin", change=pl.lit(1, pl.Int64)),
                held.select(at="end", change=pl.lit(-1, pl.Int64)),
            ]
        )
        .sort("at")
        .select("at", calls=pl.col("change").cum_sum())
        .filter((pl.col("at") != pl.col("at").shift(-1)).fill_null(value=True))
    )
    over_time = level.filter(pl.col("calls") != pl.col("calls").shift(1, fill_value=0))
    # What ends and what begins at one moment is summed up, and no span is empty, so the level after
    # a moment is the most at it.
    highest = over_time.filter(pl.col("calls") == pl.col("calls").max()).head(1)
    at: datetime | None = highest["at"].item() if held.height else None
    on_line = held.filter(pl.col("begin") <= at, pl.col("end") > at) if held.height else held
    return Concurrency(
        peak=on_line.height,
        at=at,
        call_ids=tuple(on_line["id"].sort(nulls_last=True)),
        over_time=over_time,
        without_span=spans.height - held.height,
    )


def trunk_peaks(calls: Frame) -> Frame:
    """One row a trunk, by name: how many of its lines were held at once, at the most. LazyFrame in, LazyFrame out.

    Columns: `trunk_name`; `peak`, 0 where no leg held a line; `at`, the first moment of it; `legs`,
        all that have the trunk's name, also
    of running calls; `without_span`, those of them that held no line. `concurrency(calls,
    trunk=...)` tells more of one trunk.
    """
    spans = _leg_spans(calls.lazy()).filter(pl.col("trunk_name").is_not_null())
    held = spans.filter(_HOLDS)

    def event(at: str, change: int) -> pl.LazyFrame:
        return held.select("trunk_name", at=at, change=pl.lit(change, pl.Int64))

    # Every leg begins and ends, so a trunk's changes come to 0 before the next trunk's begin: one
    # sum runs over all of them.
    levels = (
        pl.concat([event("begin", 1), event("end", -1)])
        .sort("trunk_name", "at", "change")
        .with_columns(level=pl.col("change").cum_sum())
    )
    at_most = pl.col("level") == pl.col("level").max()
    peaks = levels.group_by("trunk_name").agg(
        peak=pl.col("level").max(), at=pl.col("at").filter(at_most).min()
    )
    counts = spans.group_by("trunk_name").agg(
        legs=pl.len().cast(pl.Int64), without_span=(~_HOLDS).cast(pl.Int64).sum()
    )
    table = counts.join(peaks, on="trunk_name", how="left").with_columns(
        pl.col("peak").fill_null(0)
    )
    return same_kind(
        calls, table.select("trunk_name", "peak", "at", "legs", "without_span").sort("trunk_name")
    )


def erlangs(
    calls: Frame,
    *,
    trunk: str | None = None,
    options: MetricOptions = MetricOptions(),
) -> Frame:
    """The Erlangs carried in each local hour: the seconds that calls held a line in it / 3600. LazyFrame in, LazyFrame out.

    One row an hour, in order, from the first hour of the local day on which a line was first held
    to the last of that on which one was last; hours without calls are rows with 0. Columns:
    `hour_begin` (UTC), `day` and `hour` (local, of `options.time_zone`), `erlangs`, `calls`, how
    many held a line in some part of the hour (of a trunk: legs). A call of several hours counts in
    each of them; the Erlangs of all rows add up to the hours that were held in all.

    An hour that comes twice when clocks are set back is two rows of one `day` and `hour`; one that
    is left out is none. Where clocks move by half an hour (Lord Howe Island), what is cut off is a
    row of its own.
    """
    hours = _hours(calls.lazy(), trunk, options)
    return same_kind(
        calls,
        hours.select(
            "hour_begin", "day", "hour", erlangs=quotient(pl.col("held"), _HOUR), calls="calls"
        ),
    )


def busy_hours(
    calls: Frame,
    *,
    trunk: str | None = None,
    options: MetricOptions = MetricOptions(),
) -> Frame:
    """Each local day's own busy hour: of its clock hours the one with the most Erlangs, at a tie the first. LazyFrame in, LazyFrame out.

    One row a day, from the first to the last: `day`, `hour_begin` (UTC), `hour`, `erlangs`,
    `calls`, as in `erlangs`. A day without calls has 0 Erlangs and no busy hour: both hours are
    null.
    """
    own = _own_hours(_hours(calls.lazy(), trunk, options))
    return same_kind(
        calls,
        own.select(
            "day", "hour_begin", "hour", erlangs=quotient(pl.col("held"), _HOUR), calls="calls"
        ),
    )


def busy_hour(
    calls: Frame,
    *,
    trunk: str | None = None,
    options: MetricOptions = MetricOptions(),
) -> Frame:
    """The busy hour of all days, both ways, in one row. LazyFrame in, LazyFrame out.

    - `hour`, the clock hour with the highest mean Erlangs over all local days from first to last,
      at a tie the earliest, and `erlangs`, that mean: the time-consistent busy hour (TCBH), by
      which lines and shifts that are the same every day are planned.
    - `days`, how many they are, days without calls too.
    - `daily_peak_erlangs`, the mean of each day's own busiest clock hour, whichever it was: average
      daily peak hour traffic (ADPH). It is no lower, and higher the less days are alike.

    Without calls that held a line, `days` is 0 and the rest is null. Where clocks are set, the mean
    is over the hours that there were.

    ITU-T E.600 defines the terms. Hours are those of the clock, as in the full-hour measurements of
    E.500 (ADPFH), so a busy hour that lies across two of them is not found.
    """
    hours = _hours(calls.lazy(), trunk, options)
    means = (
        hours.group_by("hour")
        .agg(erlangs=pl.col("held").sum() / (pl.len().cast(pl.Int64) * _HOUR))
        .sort("erlangs", "hour", descending=[True, False])
        .select(pl.col("hour", "erlangs").first())
    )
    own = _own_hours(hours).select(
        days=pl.len().cast(pl.Int64),
        daily_peak_erlangs=pl.when(pl.len() > 0).then(
            pl.col("held").sum() / (pl.len().cast(pl.Int64) * _HOUR)
        ),
    )
    return same_kind(calls, pl.concat([means, own], how="horizontal"))


def _spans(calls: pl.LazyFrame, trunk: str | None) -> pl.LazyFrame:
    """`id`, `begin` and `end` of whatever may hold a line: calls, or the legs of a trunk."""
    if trunk is None:
        return calls.select("id", begin="started_at", end="ended_at")
    return _leg_spans(calls).filter(pl.col("trunk_name") == trunk).drop("trunk_name")


def _leg_spans(calls: pl.LazyFrame) -> pl.LazyFrame:
    begin = pl.coalesce("add_time", "ring_time", "answered_time")
    return call_targets(calls).select("trunk_name", id="call_id", begin=begin, end="ended_time")


def _hours(calls: pl.LazyFrame, trunk: str | None, options: MetricOptions) -> pl.LazyFrame:
    """One row a local hour, in order: `hour_begin`, `day`, `hour`, `held` (microseconds), `calls`.

    No call is cut into hours. One that begins in a slot holds the rest of it, one that ends in a
    slot does not hold the rest of it, and the slots between are held by as many as began before and
    ended after: two sums over all calls, and a walk along the slots. A call of a month costs what
    one of a minute does. Whole microseconds, so that the order of rows does not matter.
    """
    held = _spans(calls, trunk).filter(_HOLDS)
    begin, end = pl.col("begin").dt.timestamp("us"), pl.col("end").dt.timestamp("us")
    # An end at a slot's edge is that of the slot before it: the next one is not held at all.
    first, last = begin // _SLOT, (end - 1) // _SLOT
    one, none = pl.lit(1, pl.Int64), pl.lit(0, pl.Int64)
    edges = (
        pl.concat(
            [
                held.select(slot=first, begins=one, ends=none, held=(first + 1) * _SLOT - begin),
                held.select(slot=last, begins=none, ends=one, held=end - (last + 1) * _SLOT),
            ]
        )
        .group_by("slot")
        .agg(pl.col("begins", "ends", "held").sum())
    )
    around = pl.int_ranges(
        pl.col("slot").min() - _A_DAY_AND_MORE,
        pl.col("slot").max() + _A_DAY_AND_MORE,
        dtype=pl.Int64,
    )
    slots = edges.select(slot=around).explode("slot", empty_as_null=False, keep_nulls=False)
    went_on = (pl.col("begins") - pl.col("ends")).cum_sum().shift(1, fill_value=0)
    day, quarter = pl.col("day"), pl.col("quarter_hour")
    first_day, last_day = (
        day.filter(pl.col("begins") > 0).min(),
        day.filter(pl.col("ends") > 0).max(),
    )
    # Back at a quarter that was there already, or on to another hour: the hour before is over.
    opens = (quarter // 4 != quarter.shift(1) // 4) | (quarter <= quarter.shift(1))
    return (
        slots.join(edges, on="slot", how="left")
        .sort("slot")
        .with_columns(pl.col("begins", "ends", "held").fill_null(0))
        .with_columns(
            went_on=went_on, started_at=(pl.col("slot") * _SLOT).cast(pl.Datetime("us", "UTC"))
        )
        .with_columns(
            **{
                name: LOCAL_DIMENSIONS[name](options.time_zone)
                for name in ("day", "hour", "quarter_hour")
            }
        )
        .filter(day.is_between(first_day, last_day))
        .with_columns(opens=opens.fill_null(value=True))
        .with_columns(
            nth=pl.col("opens").cum_sum(),
            there=pl.when("opens").then("went_on").otherwise(0) + pl.col("begins"),
        )
        .group_by("nth")
        .agg(
            pl.col("started_at").min().alias("hour_begin"),
            pl.col("day", "hour").first(),
            held=(pl.col("went_on") * _SLOT + pl.col("held")).sum(),
            calls=pl.col("there").sum(),
        )
        .sort("nth")
        .drop("nth")
    )


def _own_hours(hours: pl.LazyFrame) -> pl.LazyFrame:
    """Of each day's hours the one that was held longest, at a tie the first: `day`, `hour_begin`, `hour`, `held`, `calls`."""
    busiest = hours.sort("day", "held", "hour_begin", descending=[False, True, False]).unique(
        "day", keep="first", maintain_order=True
    )
    of_traffic = pl.when(pl.col("held") > 0).then(pl.col("hour_begin", "hour"))
    return busiest.with_columns(of_traffic).select("day", "hour_begin", "hour", "held", "calls")
