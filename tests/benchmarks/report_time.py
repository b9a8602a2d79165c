"""Benchmark of the processor time of a weekly report, from a command to its HTML file.

    python tests/benchmarks/report_time.py [CALLS]

Prints a table of the processor time of whole processes, children included, and the time to import
Polars and Altair, which depends on the machine in the same way. The snapshot has two weeks, so that
the report compares them. Fails if a report of 2,000 calls takes more than 6 s, or a refusal 2 s.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import etelecom_analytics as et

ROUNDS = 3
MAX_REPORT_S, MAX_REFUSAL_S = 6.0, 2.0
COMMAND = ["-m", "etelecom_analytics", "report"]


def processor_s(arguments: list[str]) -> float:
    """The least processor time of a Python process and its children; other load adds to it."""
    times_s = []
    for _ in range(ROUNDS):
        before = os.times()
        subprocess.run([sys.executable, *arguments], check=False, capture_output=True)
        after = os.times()
        times_s.append(
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system
        )
    return min(times_s)


def main(count: int) -> int:
    """The exit code; prints the table."""
    simulation = et.simulate_calls(count, seed=7, start="2026-11-02", days=14)
    query = et.CallQuery(date_from="2026-11-02", date_to="2026-11-16")
    with et.simulator.serve(simulation.calls) as server:
        logs = et.fetch_calls(et.Client(server.base_url, server.api_key), query, progress=False)
    with tempfile.TemporaryDirectory() as folder:
        snapshot, page = et.write_snapshot(logs, Path(folder, "two-weeks")), Path(folder, "r.html")
        common = [*COMMAND, str(snapshot), "-o", str(page), "--no-site"]
        report_s = processor_s([*common, "--from", "09/11/2026", "--to", "16/11/2026"])
        if not page.exists():
            raise SystemExit("No report was written.")
        refusal_s = processor_s([*common, "--from", "31/02/2026"])
    import_s = processor_s(["-c", "import polars, altair"])
    print(f"{'what':<24}{'s':>6}{'limit':>7}{'imports':>9}")
    for what, seconds, limit in (
        (f"weekly, {count:,} calls", report_s, MAX_REPORT_S),
        ("refused parameter", refusal_s, MAX_REFUSAL_S),
    ):
        print(f"{what:<24}{seconds:>6.2f}{limit:>7.1f}{seconds / import_s:>8.1f}x")
    return int(report_s > MAX_REPORT_S or refusal_s > MAX_REFUSAL_S)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000))
