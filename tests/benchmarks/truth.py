"""How often 95 % confidence intervals of simulated calls contain the true parameters.

    python tests/benchmarks/truth.py [SEEDS] [CALLS]

Prints a table. With 200 seeds, each line should be 90 to 98 %.

Patience has an exponential distribution from the start of the call, so its survival is
exp(-t / mean) and its median is mean * ln 2. The simulated PBX holds callers for 2.5 s after some
events, such as the end of the IVR; this delays some abandons and increases survival at 10 s by
0.0015, a quarter of its standard error at 6,000 calls. The number of inbound calls is fixed, and
their times are drawn by local hour and weekday, so the arrivals of an hour are approximately
Poisson distributed.
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
from etelecom_analytics.simulator.call_center import hours_between

SURVIVAL_AT_S = (10, 20, 30)
HOURS = (10, 15)
"""Local hours in the two peaks of the day."""

_START, _DAYS = "2026-11-02", 7

Bounds = tuple[float | None, float | None]


def truth(simulation: Simulation) -> dict[str, float]:
    """The true parameters of the simulation."""
    parameters = simulation.truth.parameters
    begin = parse_moment(_START, HOME_ZONE, "start")
    hours = hours_between(begin, begin + timedelta(_DAYS), HOME_ZONE)
    weight = {
        hour: sum(each.weight for each in hours if _local_hour(each.start) == hour)
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
            f"arrivals of {hour}:00": parameters.arrivals_per_day * weight[hour] / all_hours
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
    """The 95 % confidence intervals from the calls; None means no bound."""
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    table = patience(simulation.calls.filter(pl.col("direction") == "in"), options=options)
    staffing = agents_by_interval(simulation.calls, options=options)

    def bounds(rows: pl.DataFrame, low: str, high: str) -> Bounds:
        row = rows.row(0, named=True)
        return row[low], row[high]

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


def truths_and_intervals(
    seeds: Iterable[int], calls: int
) -> list[tuple[dict[str, float], dict[str, Bounds]]]:
    """The truth and the intervals of each seed."""
    simulations = (et.simulate_calls(calls, seed=seed, start=_START, days=_DAYS) for seed in seeds)
    return [(truth(simulation), intervals(simulation)) for simulation in simulations]


def hits(
    samples: Iterable[tuple[dict[str, float], dict[str, Bounds]]], *, factor: float = 1.0
) -> Counter[str]:
    """For each parameter, the number of seeds whose interval contains it times `factor`."""
    counts: Counter[str] = Counter()
    for truths, bounds in samples:
        for name, true in truths.items():
            low, high = bounds[name]
            counts[name] += (low is None or low <= true * factor) and (
                high is None or true * factor <= high
            )
    return counts


def main(seeds: int, calls: int) -> None:
    print(f"{seeds} seeds of {calls:,} calls\n")
    print("| parameter | inside its 95 % interval |\n|---|---|")
    for name, count in hits(truths_and_intervals(range(seeds), calls)).items():
        print(f"| {name} | {count / seeds:.1%} |")


if __name__ == "__main__":
    arguments = [int(each) for each in sys.argv[1:]]
    main(*arguments, *(200, 3_000)[len(arguments) :])
