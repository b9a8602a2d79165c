"""The shape of the traffic: the highest level in each stretch of time, and the Erlangs of a usual day or week."""

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from ..errors import InputError, UnknownName
from ..local_time import LOCAL_DIMENSIONS
from ..logs import FetchReport
from .options import MetricOptions
from .selection import Calls
from .traffic import Concurrency, erlangs

__all__ = ["erlangs_profile", "highest"]

_HOUR = 3_600_000_000
_OF_HOURS = ("hour", "weekday")
_STEPS = (1, 5, 15, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400)


def highest(found: Concurrency, *, limit: int = 1_000) -> pl.DataFrame:
    """The levels of `found.over_time` in at most `limit` rows: as they are, or the highest of each stretch of time, so that no peak is lost.

    Columns: `begin` and `end` (UTC), adjoining, and `calls`, the most on the line at once between
        them. Stretches are of equal length, a
    second to a day or a number of days.
    """
    levels = found.over_time.select(begin="at", end=pl.col("at").shift(-1), calls="calls").filter(
        pl.col("end").is_not_null()
    )
    if levels.height <= limit:
        return levels
    first, last = levels.select(pl.col("begin").min(), pl.col("end").max()).row(0)
    length = (last - first) / timedelta(seconds=1)
    # Of a stretch more than fits: the first and the last are there in part.
    step = next(
        (step for step in _STEPS if length / step <= limit - 2),
        _STEPS[-1] * (int(length / _STEPS[-1] / (limit - 2)) + 1),
    )
    stretch = timedelta(seconds=step)
    slot = pl.col("begin").dt.truncate(f"{step}s")
    edges = pl.datetime_range(
        levels.select(slot.first()).item(),
        last,
        stretch,
        closed="left",
        time_unit="us",
        time_zone="UTC",
        eager=True,
    )
    # What goes on at an edge belongs to the stretch that begins there, too.
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
        .select(begin="slot", end=pl.col("slot") + stretch, calls="calls")
    )


def erlangs_profile(
    calls: Calls,
    by: Sequence[str] = ("hour",),
    *,
    trunk: str | None = None,
    coverage: FetchReport | None = None,
    options: MetricOptions = MetricOptions(),
) -> pl.DataFrame:
    """The Erlangs of a usual day, by local `hour`; of a usual week, by `weekday` and `hour`; or of each weekday. Collects.

    One row a group, sorted. Columns, after those of `by`: `hours`, how many hours of `erlangs` it
    has; `erlangs`, their mean; `peak`, the most of one of them; `calls`, the mean of those that
    held a line in them. The hour with the highest mean is that of `busy_hour`.

    Args:
        calls: calls of any direction.
        by: "hour" and "weekday", or one of them.
        trunk: only the lines of the trunk of this name, held by legs.
        coverage: `logs.report`; hours that were not wholly fetched are left out. None: all hours
            count.
        options: whose local time is meant.

    Raises:
        UnknownName: another dimension.
        InputError: `by` is one name, not a list, or names nothing.
    """
    if isinstance(by, str) or not by:
        raise InputError('by is a list of names, such as by=["hour"].')
    keys = list(dict.fromkeys(by))
    for name in keys:
        if name not in _OF_HOURS:
            raise UnknownName("dimension of hours", name, _OF_HOURS)
    hours = erlangs(calls.lazy(), trunk=trunk, options=options).collect()
    if coverage is not None and hours.height:
        begin, hour = pl.col("hour_begin"), timedelta(hours=1)
        first, last = hours["hour_begin"].to_list()[0], hours["hour_begin"].to_list()[-1] + hour
        for gap in coverage.gaps_between(first, last):
            hours = hours.filter(~((begin < gap.end) & (begin + hour > gap.begin)))
    weekday = LOCAL_DIMENSIONS["weekday"](options.time_zone)
    # Whole microseconds, so that the mean does not depend on the order of the rows.
    held = (pl.col("erlangs") * _HOUR).round(0).cast(pl.Int64)
    return (
        hours.with_columns(started_at="hour_begin")
        .with_columns(weekday=weekday)
        .group_by(keys)
        .agg(
            hours=pl.len().cast(pl.Int64),
            erlangs=held.sum() / (pl.len().cast(pl.Int64) * _HOUR),
            peak=pl.col("erlangs").max(),
            calls=pl.col("calls").sum() / pl.len(),
        )
        .sort(keys)
    )
