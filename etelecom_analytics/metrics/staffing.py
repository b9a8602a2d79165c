"""Staffing: the number of agents that each interval of the day needs, by Erlang C."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import polars as pl

from .. import local_time
from ..errors import UnknownName
from ..phone_numbers import describe
from .confidence import confidence_level, z_of
from .dimensions import start_dimensions
from .erlang_formulas import (
    agents_needed,
    erlang_c_asa,
    erlang_c_service_level,
    target_share,
    whole_number,
)
from .options import MetricOptions, checked_options
from .selection import Calls, fact_rows

__all__ = ["agents_by_interval"]

_SLICE = timedelta(minutes=15)
_SLICES = {"hour": 4, "quarter_hour": 1}
_FEW_DAYS = 5
"""With fewer days, the test for uneven arrivals has little power."""
_SIGNIFICANCE = 0.01
_EXPECTED = {
    "agents_needed": pl.Int64,
    "agents": pl.Int64,
    "load_per_agent": pl.Float64,
    "asa_s": pl.Float64,
    "service_level": pl.Float64,
}


def agents_by_interval(
    calls: Calls,
    *,
    interval: Literal["hour", "quarter_hour"] = "hour",
    by_weekday: bool = False,
    target: float = 0.8,
    agents: int | None = None,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame:
    """The number of agents that each interval of the local day needs, from measured traffic.

    Arrivals are the offered inbound calls. All local days from the first to the last call (of any
    direction) count, including days without calls, so pass complete days. One row per interval,
    also without arrivals, sorted; with `by_weekday`, one row per weekday and interval. Collects.
    Columns, after those of the interval:

    - `days`: the number of days with this interval; `calls`: the offered calls; `arrivals`: their
      mean per day, with the interval of a Poisson count (score interval) in `arrivals_low` and
      `arrivals_high`; `dispersion`: see below.
    - `talk_s`: the mean talk time of answered calls, with agents if the legs report it, else
      `duration`; `talk_low_s` and `talk_high_s`: the mean ± z * sd / sqrt(n). An interval without
      talks uses the mean of all calls.
    - `traffic` in Erlangs; `agents_needed`, so that the share `target` of calls waits at most
      `options.threshold_s`.
    - `agents`: the argument, else `agents_needed`; `load_per_agent`: traffic / agents; `asa_s` and
      `service_level`, as expected by Erlang C. Both are null without calls; `asa_s` is null if it
      is infinite.
    - Where the model does not fit: `more_load_than_agents`: the queue would grow without limit;
      `uneven`: calls vary more between days than a Poisson count would, at the 1 % level (null with
      one day or without calls); `few_days`: fewer than 5 days, too few to judge.

    Real queues are shorter than Erlang C expects, because callers hang up. dispersion is the sum
    over days of (calls - expected)^2 / expected, divided by days - 1, where expected is the mean of
    all days. It is about 1 for Poisson counts. uneven compares it with chi-square with days - 1
    degrees of freedom, the index of dispersion test. R. A. Fisher, Statistical Methods for Research
    Workers (1925).

    Args:
        calls: calls of any direction, of complete days.
        interval: "hour" or "quarter_hour".
        by_weekday: one row per weekday and interval, instead of one per interval.
        target: the share of calls that should wait at most `options.threshold_s`.
        agents: the number of available agents. None: as many as needed.
        options: the threshold and the time zone.
        confidence: False leaves the intervals out; True is 95 %; or a level such as 0.9.

    Raises:
        InputError: target is not between 0 and 1, or agents is below 1.
        UnknownName: interval is neither "hour" nor "quarter_hour".

    Examples:
        >>> table = et.metrics.agents_by_interval(et.sample_logs().calls)
        >>> table.sort("traffic").select("hour", "calls", "agents_needed").row(-1)
        (10, 35, 1)
    """
    options = checked_options(options)
    if not isinstance(interval, str) or interval not in _SLICES:
        raise UnknownName(
            "interval", interval if isinstance(interval, str) else describe(interval), _SLICES
        )
    level = confidence_level(confidence)
    agents = None if agents is None else whole_number("agents", agents, minimum=1)
    target = target_share(target)
    keys = ["weekday", interval] if by_weekday else [interval]
    measured = _measured(calls, interval, keys, options, z_of(level or 0.95))
    if level is None:
        measured = measured.drop("arrivals_low", "arrivals_high", "talk_low_s", "talk_high_s")
    loads = measured.select("traffic", "talk_s").iter_rows()
    staffed = [
        _staffed(traffic, talk_s, agents, target, options.threshold_s) for traffic, talk_s in loads
    ]
    expected = pl.DataFrame(staffed, schema=_EXPECTED, orient="row")
    uneven = [
        None
        if dispersion is None
        else _chi_square_tail(dispersion * (days - 1), days - 1) < _SIGNIFICANCE
        for dispersion, days in measured.select("dispersion", "days").iter_rows()
    ]
    return pl.concat([measured, expected], how="horizontal").with_columns(
        more_load_than_agents=(pl.col("traffic") > 0) & (pl.col("traffic") >= pl.col("agents")),
        uneven=pl.Series(uneven, dtype=pl.Boolean),
        few_days=pl.col("days") < _FEW_DAYS,
    )


def _staffed(
    traffic: float | None,
    talk_s: float | None,
    agents: int | None,
    target: float,
    threshold_s: float,
) -> tuple[int | None, int | None, float | None, float | None, float | None]:
    """A row of `_EXPECTED`, with nulls if the traffic is unknown or there are no calls."""
    if traffic is None:
        return None, agents, None, None, None
    if traffic == 0 or talk_s is None:
        return 0, agents or 0, 0.0 if agents else None, None, None
    needed = agents_needed(traffic, talk_s, threshold_s=threshold_s, target=target)
    agents = agents or needed
    asa_s = erlang_c_asa(traffic, agents, talk_s)
    level = erlang_c_service_level(traffic, agents, talk_s, threshold_s)
    return needed, agents, traffic / agents, None if math.isinf(asa_s) else asa_s, level


def _chi_square_tail(value: float, degrees: int) -> float:
    """The probability that chi-square exceeds a value.

    A finite sum: Abramowitz and Stegun, Handbook, 26.4.4 and 26.4.5.
    """
    half = value / 2
    if half == 0:
        return 1.0
    orders = (order / 2 for order in range(degrees % 2 or 2, degrees, 2))
    terms = [math.exp(order * math.log(half) - half - math.lgamma(order + 1)) for order in orders]
    return math.fsum([math.erfc(math.sqrt(half)) if degrees % 2 else math.exp(-half), *terms])


def _measured(
    calls: Calls, interval: str, keys: Sequence[str], options: MetricOptions, z: float
) -> pl.DataFrame:
    """The arrivals, talk times and traffic of each interval over all days, sorted."""
    local = start_dimensions(["day", *keys], options)
    is_inbound = (pl.col("direction").cast(pl.String) == "in").fill_null(value=False)
    talk_s = pl.coalesce("agent_talk_s", "talk_s")
    rows = (
        fact_rows(calls, options)
        .filter(pl.col("started_at").is_not_null())
        .select(**local, counts=is_inbound & pl.col("offered"), talk_s=talk_s)
        .collect()
    )
    offered = rows.filter("counts")
    calls_a_day = offered.group_by("day", *keys).agg(calls=pl.len().cast(pl.Int64))
    cells = _cells(rows["day"], local, options.time_zone).join(
        calls_a_day, on=["day", *keys], how="left"
    )
    arrivals = (
        cells.with_columns(pl.col("calls").fill_null(0))
        .group_by(keys)
        .agg(**_arrivals(_SLICES[interval], z))
    )
    # Sorted, so that sums do not depend on the order of the calls.
    known = pl.col("talk_s").sort()
    margin = z * known.std() / known.count().sqrt()
    talks = offered.group_by(keys).agg(
        talk_s=known.mean(),
        talk_low_s=(known.mean() - margin).clip(0.0),
        talk_high_s=known.mean() + margin,
    )
    mean_talk = pl.col("talk_s").fill_null(pl.lit(offered.select(known.mean()).item(), pl.Float64))
    traffic = pl.col("arrivals") / (_SLICES[interval] * _SLICE.total_seconds()) * pl.col("talk_s")
    return (
        arrivals.join(talks, on=keys, how="left")
        .with_columns(talk_s=pl.when(mean_talk > 0).then(mean_talk))
        .with_columns(traffic=pl.when(pl.col("calls") == 0).then(0.0).otherwise(traffic))
        .sort(keys)
    )


def _arrivals(slices: int, z: float) -> dict[str, pl.Expr]:
    """The statistics of an interval's arrivals over its days.

    An interval has `slices` slices of 15 minutes, more or fewer on days when clocks change.
    """
    calls, days = pl.col("calls").sum(), pl.len().cast(pl.Int64)
    total = pl.col("slices").sum()
    expected = calls * pl.col("slices") / total
    chi_square = ((pl.col("calls") - expected) ** 2 / expected).sort().sum()
    center, spread = calls + z**2 / 2, z * (calls + z**2 / 4).sqrt()
    return {
        "days": days,
        "calls": calls,
        "arrivals": calls * slices / total,
        "arrivals_low": (center - spread).clip(0.0) * slices / total,
        "arrivals_high": (center + spread) * slices / total,
        "dispersion": pl.when((calls > 0) & (days > 1)).then(chi_square / (days - 1)),
    }


def _cells(days: pl.Series, local: Mapping[str, pl.Expr], time_zone: str) -> pl.DataFrame:
    """Every interval of every local day, from the first to the last, with its number of slices."""
    first, last = days.min(), days.max()
    begin = end = datetime(2000, 1, 1, tzinfo=UTC)
    if isinstance(first, date) and isinstance(last, date):
        begin = local_time.midnight(first, time_zone)
        end = local_time.midnight(last + timedelta(1), time_zone)
    slices = (
        pl.datetime_range(begin, end, _SLICE, closed="left", time_unit="us", eager=True)
        .alias("started_at")
        .to_frame()
    )
    return slices.select(**local).group_by(list(local)).agg(slices=pl.len().cast(pl.Int64))
