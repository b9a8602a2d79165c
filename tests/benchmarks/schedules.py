"""Run many seeded schedules of fetches, or search for planted bugs with them.

    python tests/benchmarks/schedules.py [--count 1000000] [--seed 1] [--minutes 60] [--undated]
    python tests/benchmarks/schedules.py --bugs [--count 1000]

Schedule number n is the same on each machine. One that breaks a promise is made as small as
possible and printed as code, to be pasted into tests/api/test_schedules.py. With `--undated`, each
schedule has calls without a start, short pages, and calls that appear and vanish. With `--bugs` the
script plants one bug after another, and prints the number of schedules until it is noticed.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # the tables are small
sys.path.insert(0, str(Path(__file__).parents[1]))

from support.planted_bugs import BUGS, planted
from support.schedules import (
    Schedule,
    Violation,
    random_schedule,
    run_schedule,
    shrink,
    undated_schedule,
)

_REPORT_EVERY = 1_000


def run_many(
    schedule_of: Callable[[int], Schedule], first: int, count: int, minutes: float
) -> None:
    """Run schedules, and print the figures and each failure."""
    began, kinds = time.monotonic(), Counter[str]()
    requests = failures = done = 0
    for number in range(first, first + count):
        if time.monotonic() - began > 60 * minutes:
            break
        schedule = schedule_of(number)
        try:
            result = run_schedule(schedule)
        except Violation as violation:
            failures += 1
            print(f"\nschedule {number}: {violation}\n{shrink(schedule)!r}", flush=True)
        else:
            requests += len(result.requests)
            kinds["complete at once" if result.complete_at_once else "resumed"] += 1
            kinds["ended by an error"] += bool(result.error)
        done += 1
        if done % _REPORT_EVERY == 0:
            rate = done / (time.monotonic() - began)
            print(f"{done:,} schedules, {failures} failures, {rate:.1f} per s", flush=True)
    seconds = time.monotonic() - began
    print(
        f"{done:,} schedules from number {first} in {seconds:,.0f} s ({done / seconds:.1f} per s), "
        f"{requests:,} requests, {failures} failures; "
        + ", ".join(f"{value:,} {name}" for name, value in kinds.items())
    )


def find_bugs(count: int) -> None:
    """Print how many schedules it takes to notice each planted bug."""
    for name, bug in BUGS.items():
        began, noticed = time.monotonic(), f"not noticed in {count:,}"
        with planted(bug):
            for number in range(count):
                schedule = bug.schedule_of(number)
                if not bug.may_show_in(schedule):
                    continue
                try:
                    run_schedule(schedule)
                except Violation as violation:
                    noticed = f"noticed by {number + 1:,}: {str(violation)[:60]}"
                    break
        print(f"{name}: {noticed} ({time.monotonic() - began:.1f} s)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs seeded schedules of fetches.")
    parser.add_argument("--count", type=int, help="number of schedules")
    parser.add_argument(
        "--seed", type=int, default=1, help="the first number is a million times it"
    )
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so many minutes")
    parser.add_argument("--undated", action="store_true", help="calls without a start only")
    parser.add_argument("--bugs", action="store_true", help="search for planted bugs")
    arguments = parser.parse_args()
    if arguments.bugs:
        find_bugs(arguments.count or 1_000)
    else:
        schedule_of = undated_schedule if arguments.undated else random_schedule
        run_many(
            schedule_of, arguments.seed * 1_000_000, arguments.count or 1_000_000, arguments.minutes
        )


if __name__ == "__main__":
    main()
