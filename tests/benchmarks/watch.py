"""Alarms of the default rules of `etelecom watch` on ordinary days, and after a planted step.

    python tests/benchmarks/watch.py [SEEDS] [SIMULATIONS]

Each seed draws 90 days, after ten weeks of history, from the days of 12 simulations of 28 days of
the preset "busy" with about 1,200 inbound calls a day; see `uncertainty.py` for why. The targets
are as hard as can be: the mean of all days for one, and 0.8 for the other. At most 2 alarms are
allowed in the median of the seeds, and a step of 3.5 sigmas of the days has to fire within two days
in 18 of 20, for each watched measure and direction.
"""

import sys
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.ordinary_days import Days, simulated_days
from support.watched_days import FIRST, alarms_of, drawn_days, with_step

from etelecom_analytics.watch_settings import WATCHED_MEASURES

STEP_SIGMAS, CALLS = 3.5, 47_237


def targets_of(days: Days) -> dict[str, float]:
    """Targets that ordinary weeks miss half of the time."""
    return {
        name: float(days[name]["total"].sum() / days[name]["n"].sum())
        for name in ("service_level", "asa_s")
    }


def main(seeds: int = 20, simulations: int = 12) -> None:
    days = simulated_days(range(100, 100 + simulations), WATCHED_MEASURES, calls=CALLS)
    targets = targets_of(days)
    print(f"targets: {targets}")
    for name, chosen in (("no targets", {}), ("targets at the mean of all days", targets)):
        alarms = [
            alarms_of(drawn_days(days, np.random.default_rng(seed)), WATCHED_MEASURES, chosen)
            for seed in range(seeds)
        ]
        counts = [len(each) for each in alarms]
        by_rule = pl.Series([a.signal for each in alarms for a in each], dtype=pl.String)
        print(f"90 days without change, {name}: median {median(counts)}, {sorted(counts)}")
        print(f"  by signal: {by_rule.value_counts(sort=True).rows()}", flush=True)
    print("\nsteps of 3.5 sigmas that fire within two days (18 of 20):")
    for name in WATCHED_MEASURES:
        fired = {-1: 0, 1: 0}
        for sign in fired:
            for seed in range(seeds):
                rng = np.random.default_rng([seed, sign + 1])
                ordinary, start = drawn_days(days, rng), int(rng.integers(0, 80))
                stepped = with_step(ordinary, name, sign * STEP_SIGMAS, start)
                fired[sign] += any(
                    alarm.measure == name and (alarm.day - FIRST).days >= start
                    for alarm in alarms_of(
                        stepped, [name], {}, begin=max(start - 21, 0), until=start + 2
                    )
                )
        print(f"  {name}: down {fired[-1]} of {seeds}, up {fired[1]} of {seeds}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
