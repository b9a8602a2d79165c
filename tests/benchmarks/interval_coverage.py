"""How often each kind of 95 % interval contains the true value of simulated data.

    python tests/benchmarks/interval_coverage.py [ROUNDS]

Prints the table of docs/uncertainty.md. With 2,000 rounds its last digit is uncertain by one point.

Talks are log-normal with sigma 1, whose standard deviation is 1.3 times the mean, as that of a
bank's talks is (1.23), and exponential. Days share a factor: the odds of an answer, the number of
calls and the mean talk of a day vary by 30 %, 20 % and 15 % (log-normal).
"""

import sys
from collections.abc import Callable, Iterator
from math import exp
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from etelecom_analytics.metrics.call_estimates import (
    Estimate,
    _estimate,
    _statistics,
    difference_of_calls,
)
from etelecom_analytics.metrics.day_statistics import (
    change_between_days,
    change_from_history,
    interval_of_days,
)
from etelecom_analytics.metrics.interval_traffic import _arrivals, _with_interval
from etelecom_analytics.metrics.registry import MEASURES, Mean, Measure, Quantile, Ratio

TALK, WAIT_P90, RATE, OFFERED = (
    MEASURES[name] for name in ("talk_avg_s", "wait_p90_s", "answer_rate", "offered")
)
_SIGMA = 1.0
_CALLS_A_DAY = 200
_SPREADS = {"answer_rate": 0.3, "offered": 0.2, "talk_avg_s": 0.15}


class Coverage(NamedTuple):
    """The share of intervals that contain the true value, and of samples without an interval."""

    kind: str
    sample: str
    covered: float
    unknown: float


def _draws(rng: np.random.Generator, each: Measure, size: int, shape: str) -> tuple[Any, float]:
    """Values of the fact of a measure, and the true value of the measure."""
    match each.aggregation:
        case Ratio():
            return rng.random(size) < float(shape), float(shape)
        case Quantile():
            return rng.lognormal(3, _SIGMA, size), exp(3 + 1.2815515655446004 * _SIGMA)
    if shape == "exponential":
        return rng.exponential(180, size), 180.0
    return rng.lognormal(5, _SIGMA, size), exp(5 + _SIGMA**2 / 2)


def _estimates(
    rng: np.random.Generator, each: Measure, n: int, shape: str, rounds: int
) -> tuple[list[Estimate], float]:
    """The estimates of so many samples of n calls, in the way of `compare`."""
    values, true = _draws(rng, each, n * rounds, shape)
    aggregation = each.aggregation
    columns: dict[str, Any] = {"round": np.repeat(np.arange(rounds), n)}
    match aggregation:
        case Ratio(numerator, denominator):
            columns |= {numerator: values, denominator: np.ones(n * rounds, dtype=bool)}
        case Mean(fact) | Quantile(fact, _):
            columns[fact] = values
    rows = pl.DataFrame(columns).group_by("round", maintain_order=True)
    structs = rows.agg(statistics=_statistics(each, summed=False))["statistics"]
    return [_estimate(each, struct) for struct in structs], true


def _share(intervals: list[tuple[float | None, float | None]], true: float) -> tuple[float, float]:
    known = [(low, high) for low, high in intervals if low is not None and high is not None]
    inside = sum(low <= true <= high for low, high in known)
    return inside / len(known) if known else float("nan"), 1 - len(known) / len(intervals)


def of_calls(each: Measure, n: int, shape: str, rounds: int) -> tuple[float, float]:
    """Coverage of the interval of n independent calls."""
    results, true = _estimates(np.random.default_rng(n), each, n, shape, rounds)
    return _share([tuple(estimate.interval) for estimate in results], true)


def of_differences(each: Measure, n: int, shape: str, rounds: int) -> tuple[float, float]:
    """Coverage of the interval of the difference of two samples, of n and 3 n calls."""
    rng = np.random.default_rng(n)
    first, _ = _estimates(rng, each, n, shape, rounds)
    second, _ = _estimates(rng, each, 3 * n, shape, rounds)
    pairs = zip(first, second, strict=True)
    return _share([tuple(difference_of_calls(each, a, b)) for a, b in pairs], 0.0)


def of_counts(mean: float, rounds: int) -> tuple[float, float]:
    """Coverage of the interval of a Poisson count."""
    counts = np.random.default_rng(int(mean)).poisson(mean, rounds).tolist()
    intervals = [_estimate(OFFERED, {"offered": count}).interval for count in counts]
    return _share([tuple(interval) for interval in intervals], mean)


def days(rng: np.random.Generator, each: Measure, count: int) -> pl.DataFrame:
    """Days of a measure, of which each has a factor of its own."""
    factor = rng.lognormal(0, _SPREADS[each.name], count)
    n = rng.poisson(_CALLS_A_DAY, count).astype(float)
    if each is OFFERED:
        totals, n = rng.poisson(_CALLS_A_DAY * factor).astype(float), np.ones(count)
    elif each is RATE:
        odds = 4 * factor
        totals = rng.binomial(n.astype(int), odds / (1 + odds)).astype(float)
    else:
        sums = [rng.lognormal(5, _SIGMA, int(size)).sum() for size in n]
        totals = np.array(sums) * factor
    weekday = np.arange(count) % 7 + 1
    return pl.DataFrame(
        {"day": np.arange(count), "weekday": weekday, "total": totals, "n": n},
        schema={"day": pl.Int64, "weekday": pl.Int8, "total": pl.Float64, "n": pl.Float64},
    )


def of_days(each: Measure, count: int, rounds: int) -> tuple[float, float]:
    """Coverage of the interval of some days: the ratio estimator."""
    rng = np.random.default_rng(count)
    if each is RATE:
        odds = 4 * np.random.default_rng(1).lognormal(0, _SPREADS[each.name], 1_000_000)
        true = float((odds / (1 + odds)).mean())
    else:
        mean = exp(_SPREADS[each.name] ** 2 / 2)
        true = (_CALLS_A_DAY * count if each is OFFERED else exp(5 + _SIGMA**2 / 2)) * mean
    intervals = []
    for _ in range(rounds):
        some = days(rng, each, count)
        value = some["total"].sum() / (1 if each is OFFERED else some["n"].sum())
        intervals.append(tuple(interval_of_days(some, value, each)))
    return _share(intervals, true)


def of_changes(each: Measure, before: int, after: int, rounds: int) -> tuple[float, float]:
    """Coverage of the interval of a change by days, where nothing changed.

    Fewer than 5 days are judged by a history of 28.
    """
    rng, intervals = np.random.default_rng(before + after), []
    for _ in range(rounds):
        if min(before, after) < 5:
            history = days(rng, each, 28)
            sides = history.slice(14, before), history.slice(21, after)
            change = change_from_history(*sides, history, each)
        else:
            change = change_between_days(days(rng, each, before), days(rng, each, after), each)
        intervals.append((None, None) if change is None else tuple(change.interval))
    return _share(intervals, 1.0 if each is OFFERED else 0.0)


def of_arrivals(count: int, rounds: int) -> tuple[float, float]:
    """Coverage of the interval of arrivals in the staffing table, of so many days."""
    rng = np.random.default_rng(count)
    factor = rng.lognormal(0, 0.3, rounds * count) / exp(0.3**2 / 2)
    cells = pl.DataFrame(
        {
            "round": np.repeat(np.arange(rounds), count),
            "calls": rng.poisson(30 * factor),
            "slices": np.full(rounds * count, 4),
        }
    )
    arrivals = cells.group_by("round").agg(**_arrivals(4))
    table = _with_interval(arrivals, 4, 0.95)
    return _share(table.select("arrivals_low", "arrivals_high").rows(), 30.0)


def table(rounds: int) -> Iterator[Coverage]:
    """The rows of the table."""

    def row(
        kind: str, sample: str, coverage: Callable[..., tuple[float, float]], *arguments: Any
    ) -> Coverage:
        return Coverage(kind, sample, *coverage(*arguments, rounds))

    for n, share in ((20, "0.8"), (20, "0.95"), (200, "0.8"), (200, "0.98")):
        yield row("share (Wilson)", f"{n} calls, true share {share}", of_calls, RATE, n, share)
    for mean in (5, 20, 200):
        yield row("count (Byar)", f"{mean} expected", of_counts, mean)
    for n in (20, 50, 200):
        yield row("90 % quantile (ranks)", f"{n} calls", of_calls, WAIT_P90, n, "")
    for shape in ("log-normal", "exponential"):
        for n in (10, 20, 50, 200):
            yield row("mean (Hall)", f"{n} {shape} talks", of_calls, TALK, n, shape)
    for n in (20, 200):
        yield row("difference of shares (Newcombe)", f"{n} and {3 * n} calls", of_differences,
            RATE, n, "0.8")  # fmt: skip
        yield row("difference of means (Welch)", f"{n} and {3 * n} log-normal talks",
            of_differences, TALK, n, "log-normal")  # fmt: skip
    for each in (RATE, OFFERED, TALK):
        for count in (5, 7, 28):
            yield row(f"{each.title.lower()} of some days", f"{count} days", of_days, each, count)
    for each in (RATE, OFFERED, TALK):
        for before, after in ((1, 1), (7, 7), (28, 7), (28, 28)):
            sample = f"{before} and {after} days" if before > 1 else "1 and 1 day, history of 28"
            yield row(f"change of {each.title.lower()}", sample, of_changes, each, before, after)
    for count in (2, 7, 28):
        yield row("arrivals (staffing)", f"{count} days", of_arrivals, count)


def main(rounds: int = 2_000) -> None:
    print("| interval | sample | covers | none |\n|---|---|---|---|")
    for kind, sample, covered, unknown in table(rounds):
        share = "-" if covered != covered else f"{covered:.3f}"
        print(
            f"| {kind} | {sample} | {share} | {f'{unknown:.0%}' if unknown else ''} |", flush=True
        )


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:2]))
