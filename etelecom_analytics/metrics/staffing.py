"""Staffing: Erlang's formulas, and the number of agents that each interval of the day needs.

Erlang C assumes that calls arrive at random at a constant rate (Poisson), that talk times are
exponentially distributed, that callers never hang up while they wait, and that agents do nothing
else. Traffic in Erlangs = arrivals per second * mean talk seconds, the mean number of simultaneous
talks if nobody waits.

A. K. Erlang, Solution of Some Problems in the Theory of Probabilities of Significance in Automatic
Telephone Exchanges (1917).
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import polars as pl

from .. import local_time
from ..errors import InputError, UnknownName
from .confidence import Z95
from .dimensions import start_dimensions
from .options import MetricOptions
from .selection import Calls, fact_rows

__all__ = [
    "agents_by_interval",
    "agents_needed",
    "erlang_b",
    "erlang_c",
    "erlang_c_asa",
    "erlang_c_service_level",
]

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


def erlang_b(traffic: float, lines: int) -> float:
    """Erlang B: the share of calls that find all lines busy and are lost.

    Computed by the recursion B(0) = 1, B(n) = A * B(n - 1) / (n + A * B(n - 1)), whose terms stay
    within 0 and 1 for any traffic A.
    """
    return _blocked(_number("traffic", traffic), _count("lines", lines))


def erlang_c(traffic: float, agents: int) -> float:
    """Erlang C: the share of calls that must wait, if all wait until they are answered.

    n * B / (n - A * (1 - B)), with B = erlang_b(A, n). It is 1 if agents <= traffic, because then
    the queue grows without limit.
    """
    blocked = _blocked(_number("traffic", traffic), _count("agents", agents))
    return _must_wait(traffic, agents, blocked)


def erlang_c_asa(traffic: float, agents: int, talk_s: float) -> float:
    """The mean wait of all calls in seconds (average speed of answer) by Erlang C.

    C * talk_s / (n - A); infinite if agents <= traffic.
    """
    waits = erlang_c(traffic, agents) * _talk(talk_s)
    return math.inf if agents <= traffic else waits / (agents - traffic)


def erlang_c_service_level(traffic: float, agents: int, talk_s: float, threshold_s: float) -> float:
    """The share of calls that wait at most `threshold_s`, by Erlang C.

    1 - C * exp(-(n - A) * threshold_s / talk_s); 0 if agents <= traffic.
    """
    must_wait = erlang_c(traffic, agents)
    talks = _number("threshold_s", threshold_s) / _talk(talk_s)
    return _level(must_wait, traffic, agents, talks)


def agents_needed(
    traffic: float, talk_s: float, *, threshold_s: float = 20.0, target: float = 0.8
) -> int:
    """The smallest number of agents for the service level `target` by Erlang C; 0 without traffic.

    At least the share `target` of calls then waits at most `threshold_s`.
    """
    talks, target = _number("threshold_s", threshold_s) / _talk(talk_s), _target(target)
    if _number("traffic", traffic) == 0:
        return 0
    agents = math.floor(traffic) + 1
    blocked = _blocked(traffic, agents)
    while _level(_must_wait(traffic, agents, blocked), traffic, agents, talks) < target:
        agents += 1
        blocked = traffic * blocked / (agents + traffic * blocked)
    return agents


def agents_by_interval(
    calls: Calls,
    *,
    interval: Literal["hour", "quarter_hour"] = "hour",
    by_weekday: bool = False,
    target: float = 0.8,
    agents: int | None = None,
    options: MetricOptions = MetricOptions(),
) -> pl.DataFrame:
    """The number of agents that each interval of the local day needs, from measured traffic.

    Arrivals are the offered inbound calls. All local days from the first to the last call (of any
    direction) count, including days without calls, so pass complete days. One row per interval,
    also without arrivals, sorted; with `by_weekday`, one row per weekday and interval. Collects
    once. Columns, after those of the interval:

    - `days`: the number of days with this interval; `calls`: the offered calls; `arrivals`: their
      mean per day, with the 95 % interval of a Poisson count (score interval) in `arrivals_low` and
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

    Raises:
        InputError: target is not between 0 and 1, or agents is below 1.
        UnknownName: interval is neither "hour" nor "quarter_hour".
    """
    if interval not in _SLICES:
        raise UnknownName("interval", interval, _SLICES)
    agents = None if agents is None else _count("agents", agents, minimum=1)
    target = _target(target)
    measured = _measured(
        calls, interval, ["weekday", interval] if by_weekday else [interval], options
    )
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


def _number(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InputError(f"{name} must be a finite number of 0 or more; got {value!r}.")
    return value


def _count(name: str, value: int, *, minimum: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise InputError(f"{name} must be an integer of at least {minimum}; got {value!r}.")
    return value


def _talk(talk_s: float) -> float:
    if _number("talk_s", talk_s) == 0:
        raise InputError("talk_s must be the mean talk in seconds, above 0.")
    return talk_s


def _target(target: float) -> float:
    if not 0 < _number("target", target) < 1:
        raise InputError(
            f"target must be a share between 0 and 1, such as 0.8; got {target!r}. "
            "No number of agents guarantees 100 %."
        )
    return target


def _blocked(traffic: float, lines: int) -> float:
    blocked = 1.0
    for line in range(1, lines + 1):
        blocked = traffic * blocked / (line + traffic * blocked)
    return blocked


def _must_wait(traffic: float, agents: int, blocked: float) -> float:
    return 1.0 if agents <= traffic else agents * blocked / (agents - traffic * (1 - blocked))


def _level(must_wait: float, traffic: float, agents: int, talks: float) -> float:
    """The service level of Erlang C for a threshold in units of the mean talk."""
    return 0.0 if agents <= traffic else 1 - must_wait * math.exp((traffic - agents) * talks)


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
    calls: Calls, interval: str, keys: Sequence[str], options: MetricOptions
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
        .agg(**_arrivals(_SLICES[interval]))
    )
    # Sorted, so that sums do not depend on the order of the calls.
    known = pl.col("talk_s").sort()
    margin = Z95 * known.std() / known.count().sqrt()
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


def _arrivals(slices: int) -> dict[str, pl.Expr]:
    """The statistics of an interval's arrivals over its days.

    An interval has `slices` slices of 15 minutes, more or fewer on days when clocks change.
    """
    calls, days = pl.col("calls").sum(), pl.len().cast(pl.Int64)
    total = pl.col("slices").sum()
    expected = calls * pl.col("slices") / total
    chi_square = ((pl.col("calls") - expected) ** 2 / expected).sort().sum()
    center, spread = calls + Z95**2 / 2, Z95 * (calls + Z95**2 / 4).sqrt()
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
