"""How often verdicts, findings and alarms are right on ordinary days, and on planted changes.

    python tests/benchmarks/uncertainty.py bank [PART] [SEEDS]
    python tests/benchmarks/uncertainty.py busy [QUARTERS] [SIMULATIONS]

`bank` needs ETELECOM_REAL_CALLS; its parts are `halves` (1,000 random half-splits within weekday),
`calls` (1,000 random halves of one day's calls), `findings` (200 half-splits), `alarms` and
`drops`. `busy` draws 200 quarters, each with 8 weeks before it, from the days of 12 simulations of
28 days with 33,484 inbound calls: 336 days, 48 of each weekday. Simulating each quarter would take
hours; days of the preset are independent of each other, so a quarter of drawn days is as likely as
a simulated one. Quarters share days, so their shares vary more than those of independent ones.
"""

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

import etelecom_analytics as et

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.ordinary_days import (
    Days,
    alarm_counts,
    day_tables,
    is_changed,
    quarter_of,
    simulated_days,
    step_is_found,
    weeks_of,
)
from support.real_calls import real_calls

MEASURES = ("offered", "answer_rate", "service_level", "asa_s", "wait_p90_s", "talk_avg_s")
BANK = et.MetricOptions(time_zone="Asia/Jerusalem")
DROPS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
STEP_SIGMAS = 3.5
CALLS = 47_237


def print_shares(title: str, shares: dict[str, Sequence[float]], columns: Sequence[str]) -> None:
    print(f"\n{title}\n\n| measure | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, values in shares.items():
        print(f"| `{name}` | {' | '.join(f'{value:.1%}' for value in values)} |")
    sys.stdout.flush()


def halves(calls: pl.DataFrame, seeds: int) -> None:
    """Half of the days of each weekday against the other half."""
    days = day_tables(calls, MEASURES, BANK)
    flagged = {name: [_flagged(name, table, (2, 2), 1.0, seeds)] for name, table in days.items()}
    print_shares(f"{seeds} random half-splits within weekday (2-9 %)", flagged, ["changed"])


def halves_of_one_day(calls: pl.DataFrame, seeds: int) -> None:
    """Random halves of the calls of one day, as independent calls."""
    day = pl.col("started_at").dt.convert_time_zone(BANK.time_zone).dt.date()
    busiest = calls.group_by(day=day).len().sort("len", "day")["day"][-1]
    one_day = calls.filter(day == busiest)
    counts = dict.fromkeys(MEASURES, 0)
    for seed in range(seeds):
        is_after = pl.Series(np.random.default_rng(seed).random(one_day.height) < 0.5)
        table = et.metrics.compare(
            one_day.filter(~is_after),
            one_day.filter(is_after),
            MEASURES,
            options=BANK,
            uncertainty="calls",
        )
        for name, p_value in table.select("measure", "p_value").iter_rows():
            counts[name] += p_value is not None and p_value <= 0.05
    shares = {name: [count / seeds] for name, count in counts.items()}
    print_shares(f"{seeds} random halves of one day's calls (3-7 %)", shares, ["changed"])


def finding_halves(calls: pl.DataFrame, seeds: int) -> None:
    """Half of the days of each weekday against all others."""
    day = pl.col("started_at").dt.convert_time_zone(BANK.time_zone).dt.date()
    days = calls.with_columns(day=day).partition_by("day", as_dict=True, include_key=False)
    names = sorted(name for (name,) in days)
    with_findings = 0
    for seed in range(seeds):
        rng = random.Random(seed)
        chosen = [name for place in range(7) for name in rng.sample(names[place::7], 2)]
        half = pl.concat(days[(name,)] for name in chosen)
        with_findings += et.metrics.findings(half, history=calls, options=BANK).verdict == "found"
        if (seed + 1) % 20 == 0:
            print(f"{with_findings} of {seed + 1} half-splits have any finding", flush=True)
    print(f"\nany finding in {with_findings / seeds:.1%} of {seeds} half-splits (at most 10 %)")


def alarms_of_month(calls: pl.DataFrame, _: int) -> None:
    """Alarms of the month, with its own limits."""
    print("\n| measure | alarms in the month (at most 1) |\n|---|---|")
    for name, table in day_tables(calls, MEASURES, BANK).items():
        print(f"| `{name}` | {alarm_counts(name, table, table)} |")


def bank_drops(calls: pl.DataFrame, seeds: int) -> None:
    """Planted changes, one week against another."""
    _print_drops(
        "bank, one week against one week", day_tables(calls, MEASURES, BANK), (1, 1), seeds
    )


def _print_drops(title: str, days: Days, weeks: tuple[int, int], seeds: int) -> None:
    shares = {
        name: [
            _flagged(name, table, weeks, 1 + drop if name.endswith("_s") else 1 - drop, seeds)
            for drop in DROPS
        ]
        for name, table in days.items()
    }
    print_shares(
        f"Planted drop (times: rise) and the share found, {title}, {seeds} draws",
        shares,
        [f"{drop:.0%}" for drop in DROPS],
    )


def _flagged(
    name: str, days: pl.DataFrame, weeks: tuple[int, int], factor: float, seeds: int
) -> float:
    count = 0
    for seed in range(seeds):
        drawn = weeks_of(days, weeks, np.random.default_rng(seed))
        count += is_changed(name, drawn.head(7 * weeks[0]), drawn.tail(7 * weeks[1]), factor)
    return count / seeds


def busy(quarters: int, simulations: int) -> None:
    """Alarms and steps of quarters of the preset "busy", and planted drops."""
    days = simulated_days(range(100, 100 + simulations), MEASURES, calls=CALLS)
    shares = {}
    for name, table in days.items():
        rng = np.random.default_rng(9)
        false, down, up = 0, 0, 0
        for _ in range(quarters):
            baseline, quarter = quarter_of(table, rng)
            start = int(rng.integers(0, 85))
            false += alarm_counts(name, baseline, quarter) > 1
            down += step_is_found(name, baseline, quarter, -STEP_SIGMAS, start)
            up += step_is_found(name, baseline, quarter, STEP_SIGMAS, start)
        shares[name] = [each / quarters for each in (false, down, up, (down + up) / 2)]
    print_shares(
        f"{quarters} quarters drawn from {28 * simulations} days",
        shares,
        ["more than one alarm (at most 10 %)", "step down", "step up", "step found (90 %)"],
    )
    for weeks in ((1, 1), (4, 4)):
        title = f"simulator, {weeks[0]} against {weeks[1]} weeks"
        _print_drops(title, days, weeks, quarters)


BANK_PARTS: dict[str, tuple[Callable[[pl.DataFrame, int], None], int]] = {
    "halves": (halves, 1_000),
    "calls": (halves_of_one_day, 1_000),
    "alarms": (alarms_of_month, 1),
    "drops": (bank_drops, 400),
    "findings": (finding_halves, 200),
}


def main(kind: str, *arguments: str) -> None:
    if kind == "busy":
        quarters, simulations = [*map(int, arguments), *(200, 12)[len(arguments) :]]
        busy(quarters, simulations)
        return
    calls = et.metrics.inward(real_calls())
    for name in arguments[:1] or BANK_PARTS:
        part, seeds = BANK_PARTS[name]
        part(calls, int(arguments[1]) if len(arguments) > 1 else seeds)


if __name__ == "__main__":
    main(*sys.argv[1:])
