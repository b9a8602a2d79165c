"""Benchmark of an archive that is summarized whole, day by day, by processes, and from a roll-up.

    python tests/benchmarks/large_archive.py [CALLS]

Writes a million simulated calls of ten weeks into an archive. Each computation of eight measures by
day and hour runs in its own process; prints seconds and the peak of memory, without that of the
processes of an executor. All must give the same table. Targets: day by day, the peak is that of a
few days, however many there are; the second roll-up computes one day; a roll-up answers in less
than a tenth of the time.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from fetch_memory import peak_bytes
from polars.testing import assert_frame_equal

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.day_archives import archive_of, write_day
from ten_million import IVR, MEASURES, prepare

import etelecom_analytics as et
from etelecom_analytics.archive.table import Table
from etelecom_analytics.local_time import LOCAL_DIMENSIONS

BY = ["day", "hour"]


def whole(archive: et.Archive) -> pl.DataFrame:
    rows = et.summarize(archive.scan(), BY, MEASURES, options=archive.options)
    return rows.collect(engine="streaming")


def by_days(archive: et.Archive) -> pl.DataFrame:
    return archive.summarize(BY, MEASURES, progress=False)


def by_processes(archive: et.Archive) -> pl.DataFrame:
    executor = et.archive.ProcessExecutor(2)
    return archive.summarize(BY, MEASURES, executor=executor, progress=False)


def first_roll_up(archive: et.Archive) -> pl.DataFrame:
    return pl.DataFrame({"days": archive.roll_up(BY, MEASURES, progress=False)})


def rolled_up(archive: et.Archive) -> pl.DataFrame:
    return archive.rolled_up(BY, MEASURES)


def change_a_day(archive: et.Archive) -> pl.DataFrame:
    """Remove a call of a day in the middle."""
    table, days = Table.open(archive.path), sorted(archive.days()["local_day"])
    assert table is not None
    day = days[len(days) // 2]
    is_of_day = LOCAL_DIMENSIONS["day"](archive.time_zone) == day
    write_day(table, day, archive.scan().filter(is_of_day).collect()[1:])
    return pl.DataFrame({"days": [day]})


STEPS: dict[str, Callable[[et.Archive], pl.DataFrame]] = {
    "whole, streaming": whole,
    "day by day": by_days,
    "two processes": by_processes,
    "first roll-up": first_roll_up,
    "from the roll-up": rolled_up,
    "one day changes": change_a_day,
    "second roll-up": first_roll_up,
    "from it": rolled_up,
    "whole again": whole,
}


def run(step: str, folder: Path, result: Path) -> None:
    """Run one step in this process; print seconds and memory as JSON."""
    archive = et.Archive(folder)
    began = time.perf_counter()
    table = STEPS[step](archive)
    seconds = time.perf_counter() - began
    table.write_parquet(result)
    print(json.dumps({"seconds": seconds, "peak": peak_bytes(), "rows": table.height}))


def main(calls: int = 1_000_000) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder, file = Path(name), Path(name) / "calls.parquet"
        prepare(file, calls)
        archive = archive_of(folder / "calls", pl.read_parquet(file), ivr_numbers=list(IVR))
        days = archive.days().height
        print(
            f"{calls:,} calls of {days} days\n\n| step | rows | s | peak, MB |\n|---|---|---|---|"
        )
        results = {}
        for number, step in enumerate(STEPS):
            result = folder / f"{number}.parquet"
            process = subprocess.run(
                [sys.executable, __file__, "run", step, str(archive.path), str(result)],
                capture_output=True,
                text=True,
                check=True,
            )
            values = json.loads(process.stdout)
            figures = f"{values['rows']:,} | {values['seconds']:.2f} | {values['peak'] / 1e6:,.0f}"
            print(f"| {step} | {figures} |", flush=True)
            results[step] = pl.read_parquet(result)
    before, after = results["whole, streaming"], results["whole again"]
    for step in ("day by day", "two processes", "from the roll-up"):
        assert_frame_equal(results[step], before, rel_tol=1e-9, abs_tol=1e-9)
    assert_frame_equal(results["from it"], after, rel_tol=1e-9, abs_tol=1e-9)
    assert results["second roll-up"].equals(results["one day changes"])
    assert not before.equals(after)
    print("\nAll tables are equal.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main(*(int(each) for each in sys.argv[1:]))
