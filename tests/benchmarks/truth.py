"""How often the truth of a simulation lies within the intervals of 95 % that are reckoned from its calls.

    python tests/benchmarks/truth.py [SEEDS] [CALLS]

Not a test: it prints a table. Of 200 seeds each line should tell 90 to 98 %.

Patience is drawn from an exponential distribution and counts from the call's start, so its survival
is exp(-t / mean) and its median mean * ln 2. The exchange keeps callers for 2.5 s after some
events, such as the end of the IVR, which shifts those who would have left then; survival at 10 s is
0.0015 higher for it, a quarter of its standard error at 6,000 calls. How many calls come in is
given, and when they come is drawn by the local hour and weekday, so that an hour's arrivals are
nearly Poisson about its share of them.
"""

import math
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import polars as pl

import etelecom_analytics as et
from etelecom_analytics.local_time import HOME_ZONE, parse_moment, zone
from etelecom_analytics.metrics.staffing import agents_by_interval
from etelecom_analytics.metrics.survival import median_survival, patience
from etelecom_analytics.simulator import Simulation
from etelecom_analytics.simulator.centre import hours_between

SURVIVAL_AT_S = (10, 20, 30)
HOURS = (10, 15)
"""Local hours in the two humps of the day."""

_START, _DAYS = "2026-11-02", 7

Bounds = tuple[float | None, float | None]


def truth(simulation: Simulation) -> dict[str, float]:
    """What the simulation was drawn from."""
    parameters = simulation.truth.parameters
    begin = parse_moment(_START, HOME_ZONE, "start")
    hours = hours_between(begin, begin + timedelta(_DAYS), HOME_ZONE)
    weight = {
        hour: sum(each.weight for each in hours if _local_hour(each.begins) == hour)
        for hour in HOURS
    }
    all_hours = sum(each.weight for each in hours)
    return {
        **{
            f"patience: survival at {at} s": math.exp(-at / parameters.mean_patience_s)
            for at in SURVIVAL_AT_S
        },
        "patience: median": parameters.mean_patience_s * math.log(2),
        **{f"mean talk of {hour}:00": parameters.mean_talk_s for hour in HOURS},
        **{
            f"arrivals of {hour}:00": parameters.arrivals_a_day * weight[hour] / all_hours
            for hour in HOURS
        },
    }


def _local_hour(milliseconds: int) -> int:
    return (
        (parse_moment("1970-01-01", "UTC", "epoch") + timedelta(milliseconds=milliseconds))
        .astimezone(zone(HOME_ZONE))
        .hour
    )


def intervals(simulation: Simulation) -> dict[str, Bounds]:
    """What the calls say of it, at 95 %; None is no bound."""
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    table = patience(simulation.calls.filter(pl.col("direction") == "in"), options=options)
    staffing = agents_by_interval(simulation.calls, options=options)

    def bounds(rows: pl.DataFrame, low: str, high: str) -> Bounds:
        found = rows.row(0, named=True)
        return found[low], found[high]

    def of_hour(hour: int) -> pl.DataFrame:
        return staffing.filter(pl.col("hour") == hour)

    return {
        **{
            f"patience: survival at {at} s": bounds(
                table.filter(pl.col("time_s") <= at).tail(1), "low", "high"
            )
            for at in SURVIVAL_AT_S
        },
        "patience: median": bounds(median_survival(table), "low_s", "high_s"),
        **{
            f"mean talk of {hour}:00": bounds(of_hour(hour), "talk_low_s", "talk_high_s")
            for hour in HOURS
        },
        **{
            f"arrivals of {hour}:00": bounds(of_hour(hour), "arrivals_low", "arrivals_high")
            for hour in HOURS
        },
    }


def reporting_options(
    seeds: Iterable[int], calls: int
) -> list[tuple[dict[str, float], dict[str, Bounds]]]:
    """The truth and the intervals of each seed."""
    simulations = (et.simulate_calls(calls, seed=seed, start=_START, days=_DAYS) for seed in seeds)
    return [(truth(simulation), intervals(simulation)) for simulation in simulations]


def hits(
    looked: Iterable[tuple[dict[str, float], dict[str, Bounds]]], *, wrong_by: float = 1.0
) -> Counter[str]:
    """For how many seeds each truth, times `wrong_by`, lies within its interval."""
    counted: Counter[str] = Counter()
    for truths, bounds in looked:
        for name, true in truths.items():
            low, high = bounds[name]
            counted[name] += (low is None or low <= true * wrong_by) and (
                high is None or true * wrong_by <= high
            )
    return counted


def main(seeds: int, calls: int) -> None:
    print(f"{seeds} seeds of {calls:,} calls\n")
    print("| truth | within its 95 % interval |\n|---|---|")
    for name, count in hits(reporting_options(range(seeds), calls)).items():
        print(f"| {name} | {count / seeds:.1%} |")


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*given, *(200, 3_000)[len(given) :])
