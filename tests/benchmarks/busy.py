"""How well the preset "busy" agrees with what is known of real calls.

    python tests/benchmarks/busy.py [SEEDS] [CALLS]

Prints a table: the mean over the seeds, its range, and the value of real calls. With 20 seeds of
47,237 call logs (33,484 inbound) in 28 days, the mean of each dispersion is within a factor of 1.5
of that of the "Anonymous Bank". One seed takes about 10 s.
"""

import sys
from pathlib import Path

import polars as pl

import etelecom_analytics as et
from etelecom_analytics.local_time import HOME_ZONE

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.call_dispersion import CELLS, call_dispersion

EXPECTED = {
    "phi of day": 21.6,
    "phi of hour": 6.0,
    "phi of quarter hour": 2.7,
    "calls of the top 1 % of callers": 0.20,
    "redial within 10 minutes": 0.26,
    "redial within an hour": 0.48,
}
FACTOR = 1.5


def values(calls: pl.DataFrame) -> dict[str, float]:
    """The values of these calls, with the names of `EXPECTED`."""
    inbound = calls.filter(direction="in")
    callers = (
        inbound.filter(pl.col("caller").is_not_null())
        .with_columns(customer=pl.col("caller").str.replace(r"^\+?84", "0"))
        .sort("started_at")
        .with_columns(again=pl.col("started_at").shift(-1).over("customer"))
    )
    counts = callers["customer"].value_counts(sort=True)["count"]
    delay = callers.filter(call_state="not_answered").select(pl.col("again") - pl.col("ended_at"))
    within = [
        delay.to_series().dt.total_seconds().le(limit).fill_null(value=False).mean()
        for limit in (600, 3_600)
    ]
    return dict(
        zip(
            EXPECTED,
            (
                *(call_dispersion(inbound, cell, time_zone=HOME_ZONE) for cell in CELLS),
                counts.head(round(len(counts) / 100)).sum() / counts.sum(),
                *within,
            ),
            strict=True,
        )
    )


def main(seeds: int, calls: int) -> int:
    rows = [
        values(et.simulate_calls(calls, seed=seed, days=28, preset="busy").calls)
        for seed in range(seeds)
    ]
    table = pl.DataFrame(rows)
    print(f"{seeds} seeds of {calls:,} call logs in 28 days\n")
    print("| value | mean | lowest | highest | real calls |\n|---|---|---|---|---|")
    is_close = True
    for name, expected in EXPECTED.items():
        mean, low, high = table[name].mean(), table[name].min(), table[name].max()
        print(f"| {name} | {mean:.2f} | {low:.2f} | {high:.2f} | {expected} |")
        is_close &= expected / FACTOR <= mean <= expected * FACTOR
    print("\nall within a factor of 1.5" if is_close else "\nNOT all within a factor of 1.5")
    return 0 if is_close else 1


if __name__ == "__main__":
    arguments = [int(each) for each in sys.argv[1:]]
    sys.exit(main(*arguments, *(20, 47_237)[len(arguments) :]))
