"""Staffing: Erlang's formulas, and how many agents each interval of the day needs by them, marked where the model does not fit.

The model: calls arrive at random at an even rate (Poisson), talks vary like exponential times,
whoever must wait waits without end, and the agents do nothing else. Traffic in Erlangs = arrivals a
second * mean talk seconds: how many would talk at once if nobody waited.

A. K. Erlang, Solution of Some Problems in the Theory of Probabilities of Significance in Automatic
Telephone Exchanges (1917).
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

import polars as pl

from .. import local_time
from ..errors import InputError, UnknownName
from .call_facts import facts
from .confidence import Z95
from .dimensions import start_dimensions
from .options import MetricOptions
from .selection import Calls, Selection

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
"""With fewer days the test for uneven arrivals finds only what is gross."""
_LEVEL = 0.01
_EXPECTED = {
    "agents_needed": pl.Int64,
    "agents": pl.Int64,
    "load_per_agent": pl.Float64,
    "asa_s": pl.Float64,
    "service_level": pl.Float64,
}


def erlang_b(traffic: float, lines: int) -> float:
    """The share of calls that find all lines busy, where these are lost: Erlang's first formula.

    By the recursion B(0) = 1, B(n) = A * B(n - 1) / (n + A * B(n - 1)), whose terms all lie within
    0 and 1, however large the traffic A.
    """
    return _blocked(_number("traffic", traffic), _count("lines", lines))


def erlang_c(traffic: float, agents: int) -> float:
    """The share of calls that must wait, where all wait until they are answered: Erlang's second formula.

    n * B / (n - A * (1 - B)), with B = erlang_b(A, n); 1 where agents <= traffic, since the queue
    then grows without end.
    """
    return _must_wait(
        traffic, agents, _blocked(_number("traffic", traffic), _count("agents", agents))
    )


def erlang_c_asa(traffic: float, agents: int, talk_s: float) -> float:
    """The mean wait of all calls in seconds, C * talk_s / (n - A); infinite where agents <= traffic."""
    waits = erlang_c(traffic, agents) * _talk(talk_s)
    return math.inf if agents <= traffic else waits / (agents - traffic)


def erlang_c_service_level(traffic: float, agents: int, talk_s: float, threshold_s: float) -> float:
    """The share of calls that wait for at most `threshold_s`, 1 - C * exp(-(n - A) * threshold_s / talk_s); 0 where agents <= traffic."""
    return _level(
        erlang_c(traffic, agents),
        traffic,
        agents,
        _number("threshold_s", threshold_s) / _talk(talk_s),
    )


def agents_needed(
    traffic: float, talk_s: float, *, threshold_s: float = 20.0, target: float = 0.8
) -> int:
    """The fewest agents with whom at least the share `target` of calls waits for at most `threshold_s`, by Erlang C; 0 without traffic."""
    talks, wanted = _number("threshold_s", threshold_s) / _talk(talk_s), _target(target)
    if _number("traffic", traffic) == 0:
        return 0
    agents = math.floor(traffic) + 1
    blocked = _blocked(traffic, agents)
    while _level(_must_wait(traffic, agents, blocked), traffic, agents, talks) < wanted:
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
    """How many agents each interval of the local day needs for a service level, from measured arrivals and talk; collects once.

    Only `in` calls count, the offered ones. All local days from the first to the last of the calls
    (of any direction) count, those without calls too, so give whole days that were fetched. One row
    an interval, those without arrivals too, sorted; with `by_weekday` one row a weekday and
    interval. Columns, after those of the interval:

    - `days`, how many days had this interval; `calls`, offered in it; `arrivals`, their mean a day,
      with the interval of a Poisson count at 95 % (the score interval, the twin of Wilson's) in
      `arrivals_low` and `arrivals_high`; `dispersion`, see below.
    - `talk_s`, the mean talk of answered calls: with agents where the legs tell it, else
      `duration`; `talk_low_s` and `talk_high_s`, the mean ± z * sd / sqrt(n). An interval without
      any has the mean of all.
    - `traffic` in Erlangs, and `agents_needed` for the `target` of calls to wait for at most
      `options.threshold_s`.
    - `agents`, those given, else those needed; `load_per_agent`, traffic / agents; `asa_s` and
      `service_level`, what Erlang C expects of
      them: null where nobody calls, asa_s also where it is infinite.
    - Where the model does not fit: `more_load_than_agents`, so the queue would grow without end;
      `uneven`, the calls differ more from day to day than Poisson's would, at 1 % (null with one
      day or without calls); `few_days`, fewer than 5: too few to tell.

    Callers who hang up make queues shorter than Erlang C expects. dispersion is the sum over days
    of (calls - expected)^2 / expected, with the mean of all days expected, divided by days - 1;
    about 1 if Poisson. uneven holds it against chi-square with days - 1 degrees of
    freedom: the index of dispersion test. R. A. Fisher, Statistical Methods for Research Workers
        (1925).

    Raises:
        InputError: target is not between 0 and 1, or agents is below 1.
        UnknownName: interval is neither "hour" nor "quarter_hour".
    """
    if interval not in _SLICES:
        raise UnknownName("interval", interval, _SLICES)
    there = None if agents is None else _count("agents", agents, least=1)
    wanted = _target(target)
    measured = _measured(
        calls, interval, ["weekday", interval] if by_weekday else [interval], options
    )
    loads = measured.select("traffic", "talk_s").iter_rows()
    staffed = [
        _staffed(traffic, talk_s, there, wanted, options.threshold_s) for traffic, talk_s in loads
    ]
    expected = pl.DataFrame(staffed, schema=_EXPECTED, orient="row")
    uneven = [
        _uneven(dispersion, days)
        for dispersion, days in measured.select("dispersion", "days").iter_rows()
    ]
    return pl.concat([measured, expected], how="horizontal").with_columns(
        more_load_than_agents=(pl.col("traffic") > 0) & (pl.col("traffic") >= pl.col("agents")),
        uneven=pl.Series(uneven, dtype=pl.Boolean),
        few_days=pl.col("days") < _FEW_DAYS,
    )


def _number(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InputError(f"{name} is a number, 0 or more and not infinite; got {value!r}.")
    return value


def _count(name: str, value: int, *, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} is a whole number, {least} or more; got {value!r}.")
    return value


def _talk(talk_s: float) -> float:
    if _number("talk_s", talk_s) == 0:
        raise InputError("talk_s is the mean talk in seconds, more than 0.")
    return talk_s


def _target(target: float) -> float:
    if not 0 < _number("target", target) < 1:
        raise InputError(
            f"target is a share between 0 and 1, such as 0.8; got {target!r}. No number of agents promises all."
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
    """Erlang C's service level for a threshold of so many mean talks."""
    return 0.0 if agents <= traffic else 1 - must_wait * math.exp((traffic - agents) * talks)


def _staffed(
    traffic: float | None,
    talk_s: float | None,
    agents: int | None,
    target: float,
    threshold_s: float,
) -> tuple[int | None, int | None, float | None, float | None, float | None]:
    """A row of `_EXPECTED`; nulls where the traffic is not known, or nobody calls."""
    if traffic is None:
        return None, agents, None, None, None
    if traffic == 0 or talk_s is None:
        return 0, agents or 0, 0.0 if agents else None, None, None
    needed = agents_needed(traffic, talk_s, threshold_s=threshold_s, target=target)
    there = agents or needed
    asa_s = erlang_c_asa(traffic, there, talk_s)
    level = erlang_c_service_level(traffic, there, talk_s, threshold_s)
    return needed, there, traffic / there, None if math.isinf(asa_s) else asa_s, level


def _uneven(dispersion: float | None, days: int) -> bool | None:
    return (
        None if dispersion is None else _chi_square_tail(dispersion * (days - 1), days - 1) < _LEVEL
    )


def _chi_square_tail(value: float, degrees: int) -> float:
    """The probability that chi-square is above a value: a finite sum (Abramowitz and Stegun, Handbook, 26.4.4 and 26.4.5)."""
    half = value / 2
    if half == 0:
        return 1.0
    orders = (order / 2 for order in range(degrees % 2 or 2, degrees, 2))
    terms = [math.exp(order * math.log(half) - half - math.lgamma(order + 1)) for order in orders]
    return math.fsum([math.erfc(math.sqrt(half)) if degrees % 2 else math.exp(-half), *terms])


def _measured(
    calls: Calls, interval: str, keys: Sequence[str], options: MetricOptions
) -> pl.DataFrame:
    """One row an interval, sorted: what was measured in it, over all days."""
    found = (
        calls.facts(options)
        if isinstance(calls, Selection)
        else facts(calls.lazy(), options=options)
    )
    local = start_dimensions(["day", *keys], options)
    comes = (pl.col("direction").cast(pl.String) == "in").fill_null(value=False)
    talk_s = pl.coalesce("agent_talk_s", "talk_s")
    rows = (
        found.filter(pl.col("started_at").is_not_null())
        .select(**local, counts=comes & pl.col("offered"), talk_s=talk_s)
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
    doubt = Z95 * known.std() / known.count().sqrt()
    talks = offered.group_by(keys).agg(
        talk_s=known.mean(),
        talk_low_s=(known.mean() - doubt).clip(0.0),
        talk_high_s=known.mean() + doubt,
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
    """What the calls of an interval's days say about its arrivals; an interval lasts so many slices, but where clocks are changed."""
    calls, days = pl.col("calls").sum(), pl.len().cast(pl.Int64)
    lasted = pl.col("slices").sum()
    expected = calls * pl.col("slices") / lasted
    chi_square = ((pl.col("calls") - expected) ** 2 / expected).sort().sum()
    middle, spread = calls + Z95**2 / 2, Z95 * (calls + Z95**2 / 4).sqrt()
    return {
        "days": days,
        "calls": calls,
        "arrivals": calls * slices / lasted,
        "arrivals_low": (middle - spread).clip(0.0) * slices / lasted,
        "arrivals_high": (middle + spread) * slices / lasted,
        "dispersion": pl.when((calls > 0) & (days > 1)).then(chi_square / (days - 1)),
    }


def _cells(days: pl.Series, local: Mapping[str, pl.Expr], time_zone: str) -> pl.DataFrame:
    """Every interval of every local day from the first of these days to the last, and how many slices it lasted."""
    zone, first, last = local_time.zone(time_zone), days.min(), days.max()
    begin = end = datetime(2000, 1, 1, tzinfo=UTC)
    if isinstance(first, date) and isinstance(last, date):
        begin, end = (
            datetime.combine(day, time(), zone).astimezone(UTC)
            for day in (first, last + timedelta(1))
        )
    slices = (
        pl.datetime_range(begin, end, _SLICE, closed="left", time_unit="us", eager=True)
        .alias("started_at")
        .to_frame()
    )
    return slices.select(**local).group_by(list(local)).agg(slices=pl.len().cast(pl.Int64))
