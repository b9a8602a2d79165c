"""Benchmark of `summarize` against an earlier version of this package.

    git worktree add /tmp/earlier main
    python tests/benchmarks/summarize.py /tmp/earlier [CALLS] [ROUNDS]

Summarizes a million calls by hour (all measures of calls) and by target number (all of offers and
legs) with both versions, in turns and each in its own process. Prints the times of the fastest
rounds; both must give equal tables. Target: at most 1.05 times the time of the earlier version.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

import etelecom_analytics as et

_OWN = Path(__file__).parent.parent.parent


def run(file: Path, results: Path) -> None:
    """Summarize the calls in this process, write the tables, and print the seconds as JSON."""
    calls, options = pl.read_parquet(file), et.MetricOptions(ivr_numbers=("8000", "8100"))
    measures = et.metrics.MEASURES.items()
    requests = {
        "hour": [name for name, each in measures if each.grain == "calls"],
        "target_number": [name for name, each in measures if each.grain != "calls"],
    }
    seconds = {}
    for by, names in requests.items():
        began = time.perf_counter()
        table = et.summarize(calls, by, names, options=options)
        seconds[by] = time.perf_counter() - began
        table.write_parquet(results / f"{by}.parquet")
    print(json.dumps({"seconds": seconds, "package": et.__file__}))


def run_in_process(checkout: Path, file: Path, results: Path) -> dict[str, float]:
    """The seconds of `run` in another process, with the package in a checkout."""
    results.mkdir(exist_ok=True)
    process = subprocess.run(
        [sys.executable, __file__, "run", str(file), str(results)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(checkout)},
    )
    output: dict[str, Any] = json.loads(process.stdout)
    if not Path(output["package"]).is_relative_to(checkout):
        raise SystemExit(f"{checkout} was not used, but {output['package']}.")
    seconds: dict[str, float] = output["seconds"]
    return seconds


def main(earlier: str, calls: int = 1_000_000, rounds: int = 5) -> None:
    """Print the table."""
    from ten_million import prepare

    with tempfile.TemporaryDirectory() as folder:
        file, before, after = (Path(folder) / name for name in ("calls.parquet", "before", "after"))
        prepare(file, calls)
        times = [
            (
                run_in_process(Path(earlier).resolve(), file, before),
                run_in_process(_OWN, file, after),
            )
            for _ in range(rounds)
        ]
        print("| by | before, s | after, s | ratio | equal |\n|---|---|---|---|---|")
        for by in times[0][0]:
            old, new = (min(each[side][by] for each in times) for side in (0, 1))
            tables = [pl.read_parquet(each / f"{by}.parquet") for each in (before, after)]
            equal = tables[0].equals(tables[1])
            print(f"| {by} | {old:.2f} | {new:.2f} | {new / old:.3f} | {equal} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(sys.argv[1], *(int(each) for each in sys.argv[2:]))
