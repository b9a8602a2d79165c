"""Staffing: the number of agents that each interval of the day needs, by Erlang C."""

import math
from typing import Literal

import polars as pl

from ..errors import InputError
from ..phone_numbers import describe
from .confidence import confidence_level
from .erlang_formulas import (
    agents_needed,
    erlang_c_asa,
    erlang_c_service_level,
    real_number,
    target_share,
    whole_number,
)
from .interval_traffic import interval_calls, interval_keys, traffic_by_interval
from .options import MetricOptions, checked_options
from .selection import Calls, collected
from .staffing_check import backtest_of

__all__ = ["agents_by_interval"]

_FEW_DAYS = 5
"""With fewer days, the test for uneven arrivals has little power."""
_SIGNIFICANCE = 0.01
_EXPECTED = {
    "agents_needed": pl.Int64,
    "agents": pl.Int64,
    "agents_scheduled": pl.Int64,
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
    wrap_up_s: float = 0.0,
    shrinkage: float = 0.0,
    max_occupancy: float = 1.0,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame:
    """The number of agents that each interval of the local day needs, from measured traffic.

    Arrivals are the offered inbound calls. All local days from the first to the last call (of any
    direction) count, including days without calls, so pass complete days. Closed days are left out:
    holidays, and weekdays without `options.business_hours`; an interval that is open on some
    weekdays counts on these only. One row per interval, also without arrivals, sorted; with
    `by_weekday`, one row per weekday and interval. Collects. Columns, after those of the interval:

    - `days`: the number of days with this interval; `calls`: the offered calls; `arrivals`: their
      mean per day. `arrivals_low` and `arrivals_high` are the ends of its interval, the score
      interval of a count with `dispersion` (at least 1) times the variance of Poisson, with
      Student's t of days - 1 degrees of freedom; null with one day.
    - `talk_s`: the mean talk time of answered calls, with agents if the legs report it, else
      `duration`; `talk_low_s` and `talk_high_s`: the ends of its interval, corrected for
      skewness, null with fewer than 20 talks. An interval without talks uses the mean of all
      calls. `handle_s`: talk_s + wrap_up_s.
    - `traffic` in Erlangs, arrivals per second * handle_s; `agents_needed`, so that the share
      `target` of calls waits at most `options.threshold_s`, and that traffic / agents is at most
      `max_occupancy`.
    - `agents`: the argument, else `agents_needed`; `agents_scheduled`: agents_needed / (1 -
      shrinkage), rounded up; `load_per_agent`: traffic / agents; `asa_s` and `service_level`, as
      expected by Erlang C. Both are null without calls; `asa_s` is null if it is infinite.
    - Where the model does not fit: `more_load_than_agents`: the queue would grow without limit;
      `uneven`: calls vary more between days than a Poisson count would, at the 1 % level (null with
      one day or without calls); `few_days`: fewer than 5 days, too few to judge; `not_reliable`:
      in these past intervals, Erlang A misses the observed service level or abandonment by more
      than 5 points, see `staffing_backtest` (null if that cannot be checked).

    dispersion is the sum over days of (calls - expected)^2 / expected, divided by days - 1, where
    expected is the mean of all days. It is about 1 for Poisson counts. uneven compares it with
    chi-square with days - 1 degrees of freedom, the index of dispersion test. R. A. Fisher,
    Statistical Methods for Research Workers (1925). Wrap-up, shrinkage and occupancy are not in
    call logs; take them from your own records.

    Args:
        calls: calls of any direction, of complete days.
        interval: "hour" or "quarter_hour".
        by_weekday: one row per weekday and interval, instead of one per interval.
        target: the share of calls that should wait at most `options.threshold_s`.
        agents: the number of available agents. None: as many as needed.
        wrap_up_s: the mean time in seconds that agents need after a talk (after-call work).
        shrinkage: the share of paid time in which agents are not available, such as 0.3 for
            breaks, meetings and leave.
        max_occupancy: the largest share of time that agents may be busy, such as 0.85.
        options: the threshold, the time zone, and the business hours.
        confidence: False leaves the intervals out; True is 95 %; or a level such as 0.9.

    Raises:
        InputError: target is not between 0 and 1, or another number is out of range.
        UnknownName: interval is neither "hour" nor "quarter_hour".

    Examples:
        >>> calls = et.sample_logs().calls
        >>> table = et.metrics.agents_by_interval(calls, wrap_up_s=60, shrinkage=0.3)
        >>> columns = ["hour", "calls", "agents_needed", "agents_scheduled"]
        >>> table.sort("traffic").select(columns).row(-1)
        (10, 35, 2, 3)
    """
    options = checked_options(options)
    keys = interval_keys(interval, by_weekday=by_weekday)
    level = confidence_level(confidence)
    agents = None if agents is None else whole_number("agents", agents, minimum=1)
    target = target_share(target)
    wrap_up_s = real_number("wrap_up_s", wrap_up_s)
    shrinkage, max_occupancy = _shrinkage(shrinkage), _occupancy(max_occupancy)
    calls = collected(calls)
    rows = interval_calls(calls, keys, options)
    measured = traffic_by_interval(rows, wrap_up_s=wrap_up_s, level=level or 0.95)
    if level is None:
        measured = measured.drop("arrivals_low", "arrivals_high", "talk_low_s", "talk_high_s")
    staffed = [
        _staffed(traffic, handle_s, agents, target, options.threshold_s, shrinkage, max_occupancy)
        for traffic, handle_s in measured.select("traffic", "handle_s").iter_rows()
    ]
    expected = pl.DataFrame(staffed, schema=_EXPECTED, orient="row")
    from scipy import special

    uneven = [
        None
        if dispersion is None
        else bool(special.chdtrc(days - 1, dispersion * (days - 1)) < _SIGNIFICANCE)
        for dispersion, days in measured.select("dispersion", "days").iter_rows()
    ]
    checked = backtest_of(calls, rows, wrap_up_s, options).select(*keys, "not_reliable")
    return (
        pl.concat([measured, expected], how="horizontal")
        .with_columns(
            more_load_than_agents=(pl.col("traffic") > 0) & (pl.col("traffic") >= pl.col("agents")),
            uneven=pl.Series(uneven, dtype=pl.Boolean),
            few_days=pl.col("days") < _FEW_DAYS,
        )
        .join(checked, on=keys, how="left", maintain_order="left")
    )


def _staffed(
    traffic: float | None,
    handle_s: float | None,
    agents: int | None,
    target: float,
    threshold_s: float,
    shrinkage: float,
    max_occupancy: float,
) -> tuple[int | None, int | None, int | None, float | None, float | None, float | None]:
    """A row of `_EXPECTED`, with nulls if the traffic is unknown or there are no calls."""
    if traffic is None:
        return None, agents, None, None, None, None
    if traffic == 0 or handle_s is None:
        return 0, agents or 0, 0, 0.0 if agents else None, None, None
    needed = agents_needed(traffic, handle_s, threshold_s=threshold_s, target=target)
    # Rounded, so that 8 agents suffice for 6 Erlangs at 75 % whatever the last digit is.
    needed = max(needed, math.ceil(round(traffic / max_occupancy, 9)))
    scheduled = math.ceil(round(needed / (1 - shrinkage), 9))
    agents = agents or needed
    asa_s = erlang_c_asa(traffic, agents, handle_s)
    level = erlang_c_service_level(traffic, agents, handle_s, threshold_s)
    return (
        needed,
        agents,
        scheduled,
        traffic / agents,
        None if math.isinf(asa_s) else asa_s,
        level,
    )


def _shrinkage(value: object) -> float:
    if (share := real_number("shrinkage", value)) >= 1:
        raise InputError(f"shrinkage is a share from 0 to below 1; got {describe(value)}.")
    return share


def _occupancy(value: object) -> float:
    if not 0 < (share := real_number("max_occupancy", value)) <= 1:
        raise InputError(f"max_occupancy is a share above 0, at most 1; got {describe(value)}.")
    return share
