"""The offered calls of each interval of the day over open days, and their traffic."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import nan
from typing import Literal, NamedTuple

import polars as pl

from .. import local_time
from ..errors import UnknownName
from ..phone_numbers import describe
from .confidence import NO_INTERVAL, mean_interval
from .day_values import is_open_day
from .hours import minutes_of_week
from .local_dimensions import start_dimensions
from .options import MetricOptions
from .selection import Calls, fact_rows

__all__ = [
    "Interval",
    "IntervalCalls",
    "interval_calls",
    "interval_keys",
    "seconds_of",
    "traffic_by_interval",
]

Interval = Literal["hour", "quarter_hour"]

_MINUTES = 15
_SLICE = timedelta(minutes=_MINUTES)
_SLICES_OF_DAY = 24 * 60 // _MINUTES
_SLICES = {"hour": 4, "quarter_hour": 1}


class IntervalCalls(NamedTuple):
    """Offered inbound calls by interval.

    Attributes:
        keys: the columns of an interval, such as weekday and hour.
        cells: one row per interval of each day that counts: `day`, the keys, `slices` (its length
            in quarters of an hour) and `calls`.
        offered: one row per call of these cells: `day`, the keys, `started_at`, `talk_s`, `wait_s`,
            `is_in_time` and `is_abandoned`.
    """

    keys: list[str]
    cells: pl.DataFrame
    offered: pl.DataFrame


def interval_keys(interval: object, *, by_weekday: bool) -> list[str]:
    """The columns of an interval.

    Raises:
        UnknownName: interval is neither "hour" nor "quarter_hour".
    """
    if not isinstance(interval, str) or interval not in _SLICES:
        raise UnknownName(
            "interval", interval if isinstance(interval, str) else describe(interval), _SLICES
        )
    return ["weekday", interval] if by_weekday else [interval]


def seconds_of(keys: Sequence[str]) -> float:
    """The length of an interval."""
    return _SLICES[keys[-1]] * _SLICE.total_seconds()


def interval_calls(calls: Calls, keys: list[str], options: MetricOptions) -> IntervalCalls:
    """The offered inbound calls by interval, on the days that count.

    All local days from the first to the last call (of any direction) count, except closed ones:
    holidays, and weekdays without business hours. An interval that is open on some weekdays counts
    on these only; one that never is counts on all open days.
    """
    local = start_dimensions(["day", *keys], options)
    is_inbound = (pl.col("direction").cast(pl.String) == "in").fill_null(value=False)
    is_unknown_end = pl.col("end_unknown") & (options.unknown_endings == "event")
    rows = (
        fact_rows(calls, options)
        .filter(pl.col("started_at").is_not_null())
        .select(
            **local,
            started_at="started_at",
            counts=is_inbound & pl.col("offered"),
            talk_s=pl.coalesce("agent_talk_s", "talk_s"),
            wait_s="wait_s",
            is_in_time=(pl.col("answered_wait_s") <= options.threshold_s).fill_null(value=False),
            is_abandoned=pl.col("abandoned") | is_unknown_end,
        )
        .collect()
    )
    cells = _cells(rows["day"], keys, options)
    offered = rows.filter("counts").drop("counts").join(cells, on=["day", *keys], how="semi")
    counts = offered.group_by("day", *keys).agg(calls=pl.len().cast(pl.Int64))
    counted = cells.join(counts, on=["day", *keys], how="left")
    return IntervalCalls(keys, counted.with_columns(pl.col("calls").fill_null(0)), offered)


def traffic_by_interval(
    rows: IntervalCalls, *, wrap_up_s: float = 0.0, level: float = 0.95
) -> pl.DataFrame:
    """The arrivals, talk times and traffic of each interval over its days, sorted."""
    keys, slices = rows.keys, _SLICES[rows.keys[-1]]
    arrivals = rows.cells.group_by(keys).agg(**_arrivals(slices))
    arrivals = _with_interval(arrivals, slices, level).drop("length")
    # Sorted, so that sums do not depend on the order of the calls.
    known = pl.col("talk_s").sort()
    talks = rows.offered.group_by(keys).agg(
        talk_s=known.mean(), variance=known.var(), skewness=known.skew(), talks=known.count()
    )
    overall = rows.offered.select(known.mean()).item()
    mean_talk = pl.col("talk_s").fill_null(pl.lit(overall, pl.Float64))
    traffic = pl.col("arrivals") / seconds_of(keys) * pl.col("handle_s")
    return (
        arrivals.join(talks, on=keys, how="left")
        .with_columns(_talk_interval(level))
        .unnest("talk_interval")
        .with_columns(talk_s=pl.when(mean_talk > 0).then(mean_talk))
        .with_columns(handle_s=pl.col("talk_s") + wrap_up_s)
        .with_columns(traffic=pl.when(pl.col("calls") == 0).then(0.0).otherwise(traffic))
        .drop("variance", "skewness", "talks")
        .sort(keys)
    )


def _arrivals(slices: int) -> dict[str, pl.Expr]:
    """The statistics of an interval's arrivals over its days.

    An interval has `slices` slices of 15 minutes, more or fewer on days when clocks change.
    """
    calls, days = pl.col("calls").sum(), pl.len().cast(pl.Int64)
    total = pl.col("slices").sum()
    expected = calls * pl.col("slices") / total
    chi_square = ((pl.col("calls") - expected) ** 2 / expected).sort().sum()
    return {
        "days": days,
        "calls": calls,
        "length": total,
        "arrivals": calls * slices / total,
        "dispersion": pl.when((calls > 0) & (days > 1)).then(chi_square / (days - 1)),
    }


def _with_interval(arrivals: pl.DataFrame, slices: int, level: float) -> pl.DataFrame:
    """The table with the ends of the interval of `arrivals`.

    The score interval of a count whose variance is phi times that of Poisson: |calls - mean| =
    t * sqrt(phi * mean). phi is the dispersion, at least 1; t has days - 1 degrees of freedom.
    """
    phi = pl.col("dispersion").clip(1.0)
    # Without any call there is no dispersion, and the count is taken as Poisson.
    phi = pl.when((pl.col("calls") == 0) & (pl.col("days") > 1)).then(1.0).otherwise(phi)
    square = phi * _quantile(pl.col("days") - 1, level) ** 2
    center = pl.col("calls") + square / 2
    spread = (square * (pl.col("calls") + square / 4)).sqrt()
    scale = slices / pl.col("length")
    ends = arrivals.with_columns(
        arrivals_low=((center - spread) * scale).clip(0.0), arrivals_high=(center + spread) * scale
    )
    order = [name for name in arrivals.columns if name != "dispersion"]
    return ends.select(*order, "arrivals_low", "arrivals_high", "dispersion")


def _talk_interval(level: float) -> pl.Expr:
    """The ends of the interval of `talk_s`, as a struct; null with too few talks."""
    types = pl.Struct({"talk_low_s": pl.Float64, "talk_high_s": pl.Float64})

    def ends(row: dict[str, float | None]) -> dict[str, float | None]:
        mean, variance, talks = row["talk_s"], row["variance"], row["talks"]
        interval = NO_INTERVAL
        if mean is not None and variance is not None and talks is not None:
            # The skewness of equal values is not a number.
            skewness = row["skewness"] if variance > 0 else None
            interval = mean_interval(mean, variance, skewness or 0.0, int(talks), level=level)
        return {"talk_low_s": interval.low, "talk_high_s": interval.high}

    rows = pl.struct("talk_s", "variance", "skewness", "talks")
    return rows.map_elements(ends, return_dtype=types).alias("talk_interval")


def _quantile(freedom: pl.Expr, level: float) -> pl.Expr:
    """The quantile of Student's t for a two-sided interval; null without degrees of freedom."""

    def of_series(values: pl.Series) -> pl.Series:
        from scipy import special

        quantiles = special.stdtrit(
            values.cast(pl.Float64).fill_null(nan).to_numpy(), (1 + level) / 2
        )
        return pl.Series(quantiles, dtype=pl.Float64).fill_nan(None)

    return freedom.map_batches(of_series, return_dtype=pl.Float64)


def _cells(days: pl.Series, keys: Sequence[str], options: MetricOptions) -> pl.DataFrame:
    """Every interval of every local day that counts, with its number of slices."""
    local: Mapping[str, pl.Expr] = start_dimensions(["day", *keys, "in_hours"], options)
    first, last = days.min(), days.max()
    begin = end = datetime(2000, 1, 1, tzinfo=UTC)
    if isinstance(first, date) and isinstance(last, date):
        begin = local_time.midnight(first, options.time_zone)
        end = local_time.midnight(last + timedelta(1), options.time_zone)
    slices = (
        pl.datetime_range(begin, end, _SLICE, closed="left", time_unit="us", eager=True)
        .alias("started_at")
        .to_frame()
    )
    cells = (
        slices.select(**local)
        .filter(is_open_day(options))
        .group_by("day", *keys)
        .agg(slices=pl.len().cast(pl.Int64), is_open=pl.col("in_hours").any())
    )
    sometimes_open = _open_intervals(keys, options)
    if sometimes_open is None:
        return cells.drop("is_open")
    return (
        cells.join(sometimes_open, on=keys, how="left")
        .filter(pl.col("is_open") | pl.col("opens").is_null())
        .drop("is_open", "opens")
    )


def _open_intervals(keys: Sequence[str], options: MetricOptions) -> pl.DataFrame | None:
    """The intervals with business hours on any weekday; None if always open."""
    if options.business_hours is None:
        return None
    slices = sorted(
        {
            place
            for begin, end in minutes_of_week(options.business_hours)
            for place in range(begin // _MINUTES, -(-end // _MINUTES))
        }
    )
    place = pl.col("place")
    columns = {
        "weekday": place // _SLICES_OF_DAY + 1,
        "hour": place % _SLICES_OF_DAY // _SLICES["hour"],
        "quarter_hour": place % _SLICES_OF_DAY,
    }
    week = pl.DataFrame({"place": slices}, schema={"place": pl.Int64})
    return week.select(
        **{name: columns[name].cast(pl.Int8) for name in keys}, opens=pl.lit(value=True)
    ).unique()
