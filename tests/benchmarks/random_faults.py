"""Fetches of many calls from a server that fails at a fifth of the requests.

    PYTHONPATH=tests python tests/benchmarks/random_faults.py [--calls N]

Each call must be fetched exactly once with 1, 4 and 16 workers; otherwise the script fails.
"""

import argparse
import time

from support.random_faults import check_fetch_with_random_faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--calls", type=int, default=200_000)
    count = parser.parse_args().calls
    print("| workers | calls, each once | seconds |")
    print("|---|---|---|")
    for workers in (1, 4, 16):
        began = time.monotonic()
        calls = check_fetch_with_random_faults(count, workers)
        print(f"| {workers} | {calls:,} | {time.monotonic() - began:.0f} |", flush=True)


if __name__ == "__main__":
    main()
