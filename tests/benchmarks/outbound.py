"""Dates of planted collapses of an own number, false changes, and false verdicts of times to call.

Run `python tests/benchmarks/outbound.py [seeds]`; a seed takes about two seconds.
"""

import sys
from collections import Counter
from datetime import date, timedelta

import polars as pl

import etelecom_analytics as et

__all__ = ["dated_within", "false_changes", "wrong_customers", "verdicts_by"]

START = date(2026, 11, 2)
BLOCKED = "02471080002"
DAYS = 28
CUSTOMERS = (500, 1_500, 4_000)
"""About 8, 25 and 65 attempts a day from each of four own numbers."""


def desk(
    seed: int, *, n: int = 1_500, days: int = DAYS, odds: float = 0.15
) -> tuple[et.simulator.OutboundSimulation, date]:
    """A desk whose second number is blocked on a day of its own, at least 4 days from both ends."""
    day = START + timedelta(days=4 + seed * 7 % (days - 8))
    simulation = et.simulator.simulate_outbound(
        n, seed=seed, start=START, days=days, blocked={BLOCKED: day}, blocked_odds=odds
    )
    return simulation, day


def dated_within(levels: pl.DataFrame, day: date) -> int | None:
    """The days between the planted change and that found; None if none or several were found."""
    days = levels.filter(own_number=BLOCKED)["from_day"].to_list()[1:]
    return abs((days[0] - day).days) if len(days) == 1 else None


def false_changes(levels: pl.DataFrame) -> int:
    """The number of changes of numbers that were not blocked."""
    others = levels.filter(pl.col("own_number") != BLOCKED)
    return int(others["change"].count())


def wrong_customers(simulation: et.simulator.OutboundSimulation) -> bool:
    """Whether a count of customers differs from the truth."""
    truth = simulation.customers
    table = et.metrics.outbound_customers(simulation.calls).row(0, named=True)
    by_day = et.metrics.outbound_customers(simulation.calls, "day")
    reached = truth["reached_at"].count()
    return (
        (table["customers"], table["reached"], table["attempts"])
        != (truth.height, reached, truth["attempts"].sum())
        or by_day["customers"].sum() != truth.height
        or by_day["reached"].sum() != reached
    )


def verdicts_by(simulation: et.simulator.OutboundSimulation, by: str) -> dict[int, str]:
    """The verdict of each hour or weekday."""
    table = et.metrics.outbound_hours(simulation.calls, by)
    return dict(table.select(by, "verdict").iter_rows())


def main(seeds: int) -> None:
    counts: dict[int, Counter[int | None]] = {n: Counter() for n in CUSTOMERS}
    with_false, wrong, best, opposite, weekdays = 0, 0, 0, 0, 0
    for seed in range(seeds):
        for n in CUSTOMERS:
            simulation, day = desk(seed, n=n)
            levels = et.metrics.outbound_levels(simulation.calls)
            counts[n][dated_within(levels, day)] += 1
            with_false += false_changes(levels) > 0
            wrong += wrong_customers(simulation)
        hours = verdicts_by(simulation, "hour")
        best += hours[simulation.best_hour] == "better"
        opposite += "worse" in (hours[11], hours[17]) or "better" in (hours[8], hours[14])
        long = et.simulator.simulate_outbound(2_000, seed=seed, start=START, days=56)
        weekdays += bool({"better", "worse"} & {*verdicts_by(long, "weekday").values()})
    for n, distances in counts.items():
        dated = sum(count for distance, count in distances.items() if distance in (0, 1))
        print(
            f"{n:,} customers: dated within a day {dated} of {seeds}, on the day {distances[0]}, "
            f"no or several changes {distances[None]}"
        )
    all_desks = seeds * len(CUSTOMERS)
    print(f"a change of one of the three other numbers: {with_false} of {all_desks}")
    print(f"a wrong count of customers: {wrong} of {all_desks}")
    print(f"the best hour is better: {best} of {seeds}; a wrong direction: {opposite}")
    print(f"a verdict on one of seven equal weekdays: {weekdays} of {seeds}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
