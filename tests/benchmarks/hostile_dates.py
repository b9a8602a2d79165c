"""Table of the calls that fetches lose if a server misreads the dates of requests.

    PYTHONPATH=tests python tests/benchmarks/hostile_dates.py [--calls N]

It runs 285 combinations of shifted dates, exclusive ends, ranges with open ends, and 1, 4 and 16
workers. A line is one reading of dates; the last column has the combinations that lost calls and
were reported as complete, which must be 0.
"""

import argparse
import time
from collections import defaultdict

from support.date_readings import Combination, Result, combinations, dated_calls, fetch_with

from etelecom_analytics.simulator import serve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--calls", type=int, default=700)
    calls = dated_calls(parser.parse_args().calls)
    cases = combinations(calls)
    results: dict[tuple[float, bool], list[tuple[Combination, Result]]] = defaultdict(list)
    began = time.monotonic()
    with serve(calls) as server:
        for case in cases:
            results[case.shift_h, case.exclusive].append((case, fetch_with(case, server, calls)))
    print("| shift | ends | fetches | calls lost | date requests | lost, but complete |")
    print("|---|---|---|---|---|---|")
    total = 0
    for (shift_h, exclusive), fetches in results.items():
        lost = sum(result.lost for _, result in fetches)
        wrong = sum(bool(result.lost) and result.logs.report.complete for _, result in fetches)
        extra = max(
            sum(each.requests for each in result.logs.report.extra_requests)
            for _, result in fetches
        )
        total += wrong
        ends = "exclusive" if exclusive else "inclusive"
        print(f"| {shift_h:+g} h | {ends} | {len(fetches)} | {lost} | {extra} | {wrong} |")
    seconds = time.monotonic() - began
    print(f"\n{total} of {len(cases)} lose calls and are reported as complete ({seconds:.0f} s).")


if __name__ == "__main__":
    main()
