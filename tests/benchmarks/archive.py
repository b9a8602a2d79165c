"""Benchmark of an archive by size: syncing a day, reading a day or everything, bytes, memory.

    python tests/benchmarks/archive.py [--sizes 100000 1000000 10000000] [--memory-calls 1000000]
    [--rounds 3] [--only LINE ...]

Prints two tables. Targets: syncing a day into the largest archive takes at most twice as long as
into an empty one; a scan of one day reads only the files of that day; the archive is at most 1.3
times as large as one zstd parquet file of the same calls; and a sync of a million calls needs less
than 800 MB. `killed_syncs.py` tests interrupted syncs.

The calls are five simulated days of 20,000 calls, repeated with other ids on other days. The
archive is in the folder for temporary files and needs about 2 GB, including the parquet file.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from fetch_memory import peak_bytes
from pages import DATE_FROM, DATE_TO, serving

import etelecom_analytics as et
from etelecom_analytics.archive.certificates import (
    Certificate,
    day_query,
    write_certificates,
)
from etelecom_analytics.archive.config import ArchiveConfig, to_stored_rows
from etelecom_analytics.archive.table import Table
from etelecom_analytics.fetch_report import FetchReport, Window
from etelecom_analytics.local_time import midnight
from etelecom_analytics.schema import CALL_SCHEMA, LEGS

CALLS_PER_DAY = 20_000
CONFIG = ArchiveConfig(ivr_numbers=("8000", "8100"))
MEASURES = [
    "offered",
    "answered",
    "missed",
    "answer_rate",
    "service_level",
    "asa_s",
    "wait_p90_s",
    "talk_avg_s",
]
FIRST_SYNC_DAY = date.fromisoformat(DATE_FROM) + timedelta(days=2)
SERVER_CALLS = 300_000
MB = 1_000_000
_SIMULATED_DAYS = 5


def day_of(simulated: list[pl.DataFrame], number: int, day: date) -> pl.DataFrame:
    """The calls of a day: those of a simulated day, with shifted times and new ids."""
    calls = simulated[number % _SIMULATED_DAYS]
    shift = midnight(day, CONFIG.time_zone) - midnight(
        date(2024, 1, 1) + timedelta(days=number % _SIMULATED_DAYS), CONFIG.time_zone
    )
    times = [name for name, dtype in CALL_SCHEMA.items() if isinstance(dtype, pl.Datetime)]
    leg_times = [leg.name for leg in LEGS if isinstance(leg.dtype, pl.Datetime)]
    shifted_leg = pl.element().struct.with_fields(
        **{name: pl.element().struct.field(name) + shift for name in leg_times}
    )
    ids = (
        pl.lit(5_000_000_000_000_000_000 + number * CALLS_PER_DAY) + pl.int_range(pl.len())
    ).cast(pl.String)
    return calls.with_columns(
        pl.col(times) + shift, pl.col("call_targets").list.eval(shifted_leg), id=ids
    )


def simulated_days() -> list[pl.DataFrame]:
    """Simulated days of about 20,000 calls each."""
    calls = et.simulate_calls(
        _SIMULATED_DAYS * CALLS_PER_DAY, seed=3, start=date(2024, 1, 1), days=_SIMULATED_DAYS
    ).calls
    day = pl.col("started_at").dt.convert_time_zone(CONFIG.time_zone).dt.date()
    return [
        calls.filter(day == date(2024, 1, 1) + timedelta(days=number))
        for number in range(_SIMULATED_DAYS)
    ]


def create_archive(folder: Path, calls: int, simulated: list[pl.DataFrame]) -> et.Archive:
    """An archive of this many calls before the first day to sync, written like a sync does."""
    folder.mkdir()
    table, certificates, rows, number = Table.create(folder, CONFIG), [], 0, 0
    while rows < calls:
        day = FIRST_SYNC_DAY - timedelta(days=number + 1)
        day_calls = day_of(simulated, number, day).head(calls - rows)
        certificate = certificate_of(day, day_calls.height)
        commit = {
            "what": "day",
            "day": day.isoformat(),
            "rows": day_calls.height,
            "certificate": certificate.to_json(),
        }
        table.write_day(day, to_stored_rows(day_calls, day, CONFIG, None), commit)
        certificates.append(certificate)
        rows, number = rows + day_calls.height, number + 1
    write_certificates(folder, lambda: (certificates, table.version))
    return et.Archive(folder)


def certificate_of(day: date, rows: int) -> Certificate:
    """The certificate that a fetch of the day would create."""
    query = day_query(day, CONFIG.time_zone)
    assert query.date_from
    assert query.date_to
    begin, end = query.date_from.astimezone(UTC), query.date_to.astimezone(UTC)
    report = FetchReport(
        rows=rows,
        received=rows,
        repeated=0,
        outside=0,
        pages=rows // 100 + 2,
        began_at=datetime.now(UTC),
        complete_from=begin,
        complete_to=end,
        seconds=1.0,
        windows=(Window(begin, end, whole=True, pages=rows // 100 + 2, rows=rows),),
    )
    return Certificate(day=day, time_zone=CONFIG.time_zone, report=report)


class FsyncTimer:
    """Adds up the seconds that this process waits for fsync.

    Attributes:
        seconds: the sum.
        count: the number of calls.
    """

    def __init__(self) -> None:
        self.seconds, self.count = 0.0, 0
        self._fsync, os.fsync = os.fsync, self._timed

    def _timed(self, descriptor: int) -> None:
        began = time.perf_counter()
        self._fsync(descriptor)
        self.seconds += time.perf_counter() - began
        self.count += 1


FSYNC = FsyncTimer()


def seconds_of(action: Callable[[], object]) -> float:
    """The duration of the action."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def measures_by_day(archive: et.Archive) -> pl.DataFrame:
    """Eight measures of all calls by day."""
    options = et.MetricOptions(ivr_numbers=CONFIG.ivr_numbers)
    return et.summarize(archive.scan(), by=["day"], measures=MEASURES, options=options).collect(
        engine="streaming"
    )


# Child processes, to measure their memory.


def child_measures(folder: str) -> None:
    table = measures_by_day(et.Archive(folder))
    print(json.dumps({"peak": peak_bytes(), "rows": table.height}))


def child_sync(base_url: str, folder: str) -> None:
    archive = et.Archive(folder)
    began = time.perf_counter()
    archive.sync(
        et.Client(base_url, "benchmark"), since=DATE_FROM, until=DATE_TO, progress=False, workers=4
    )
    output = {
        "peak": peak_bytes(),
        "rows": archive.status().rows,
        "seconds": time.perf_counter() - began,
        "fsync_seconds": FSYNC.seconds,
        "fsyncs": FSYNC.count,
    }
    print(json.dumps(output))


def child_output(*arguments: str) -> dict[str, float]:
    """The output of this script as a child process."""
    process = subprocess.run(
        [sys.executable, __file__, "--child", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    output: dict[str, float] = json.loads(process.stdout)
    return output


# The tables.


def cost_table(folder: Path, sizes: list[int], rounds: int) -> Iterator[str]:
    """Cost by size, and whether the three targets are met."""
    simulated, targets = simulated_days(), list[str]()
    columns = (
        "calls",
        "days",
        "MB",
        "plain parquet",
        "status",
        "sync of a day",
        "scan of a day",
        "files read",
        "measures by day",
        "peak",
    )
    yield f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    with serving(SERVER_CALLS) as base_url, et.Client(base_url, "benchmark") as client:
        for size in sizes:
            archive = create_archive(folder / str(size), size, simulated)
            line, targets = cost_of(archive, client, folder, rounds)
            yield line
    yield "\n| what | result | target | met |\n|---|---|---|---|"
    yield from targets


def cost_of(
    archive: et.Archive, client: et.Client, folder: Path, rounds: int
) -> tuple[str, list[str]]:
    """The lines of one archive in both tables."""
    status, plain = archive.status(), folder / "plain.parquet"
    archive.scan().sink_parquet(plain, compression="zstd")
    mb, plain_mb = status.bytes / MB, plain.stat().st_size / MB
    plain.unlink()
    query = day_query(FIRST_SYNC_DAY - timedelta(days=status.days // 2 + 1), CONFIG.time_zone)
    files, plan = archive.files(query), archive.scan(query).explain()
    other_files = sum(str(path) in plan for path in set(archive.files()) - set(files))
    scan_s = median_of(lambda: archive.scan(query).collect(), rounds)
    status_s = median_of(lambda: et.Archive(archive.path).status(), rounds)
    measures_s = median_of(lambda: measures_by_day(archive), rounds)
    peak = child_output("measures", str(archive.path))["peak"] / MB
    day_s, empty_s = sync_seconds(client, archive, folder / f"empty-{status.rows}", rounds)
    cells = (
        *(
            f"{status.rows:,}",
            status.days,
            f"{mb:,.0f}",
            f"{plain_mb:,.0f} MB",
            f"{status_s:.2f} s",
        ),
        *(
            f"{day_s:.2f} s, into an empty archive {empty_s:.2f} s",
            f"{scan_s:.3f} s",
            f"{len(files)} of {status.files}, {other_files} others",
        ),
        *(f"{measures_s:.2f} s", f"{peak:,.0f} MB"),
    )
    targets = [
        (
            f"a day synced into {status.rows:,} calls, relative to an empty archive",
            f"{day_s / empty_s:.2f} x",
            "at most 2 x",
            day_s <= 2 * empty_s,
        ),
        (
            "files that a scan of one day reads",
            f"{len(files) + other_files} of {status.files}",
            "those of the day",
            len(files) == 1 and not other_files,
        ),
        (
            "size relative to plain zstd parquet",
            f"{mb / plain_mb:.2f} x",
            "at most 1.3 x",
            mb <= 1.3 * plain_mb,
        ),
    ]
    return f"| {' | '.join(map(str, cells))} |", [
        f"| {what} | {result} | {target} | {yes(met)} |" for what, result, target, met in targets
    ]


def median_of(action: Callable[[], object], rounds: int) -> float:
    """The median duration of the action in seconds."""
    return statistics.median(seconds_of(action) for _ in range(rounds))


def sync_seconds(
    client: et.Client, archive: et.Archive, empty: Path, rounds: int
) -> tuple[float, float]:
    """The median seconds to sync a day into the archive and into an empty one.

    Prints which share of the former is fsync.
    """
    fsync_s: list[float] = []
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        day = FIRST_SYNC_DAY + timedelta(days=number)
        for times, target in zip(
            seconds,
            (archive, et.Archive(empty / str(number), ivr_numbers=CONFIG.ivr_numbers)),
            strict=True,
        ):
            until = day + timedelta(days=1)
            before = FSYNC.seconds
            times.append(
                seconds_of(
                    lambda target=target, day=day, until=until: target.sync(
                        client, since=day, until=until, progress=False
                    )
                )
            )
            if target is archive:
                fsync_s.append(FSYNC.seconds - before)
    share = statistics.median(fsync_s[1:]) / statistics.median(seconds[0][1:])
    print(f"fsync: {share:.1%} of the sync of a day", file=sys.stderr)
    # The first round is a warm-up.
    return statistics.median(seconds[0][1:]), statistics.median(seconds[1][1:])


def memory_table(folder: Path, calls: int) -> Iterator[str]:
    """The peak memory of a process that syncs a month."""
    with serving(calls) as base_url:
        output = child_output("sync", base_url, str(folder / "month"))
    assert output["rows"] == calls
    peak, seconds = output["peak"] / MB, output["seconds"]
    share = output["fsync_seconds"] / seconds
    fsync = f"{output['fsyncs']:,} fsyncs take {share:.1%} of it"
    what = f"peak of a sync of {calls:,} calls ({seconds:.0f} s; {fsync}), including imports"
    yield f"| {what} | {peak:,.0f} MB | under 800 MB | {yes(peak < 800)} |"


def yes(met: bool) -> str:
    """Whether the target is met, as a word."""
    return "yes" if met else "NO"


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints the cost of an archive by size.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--memory-calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=("cost", "memory"), default=["cost", "memory"])
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        {"measures": child_measures, "sync": child_sync}[arguments.child[0]](*arguments.child[1:])
        return
    with tempfile.TemporaryDirectory() as name:
        for line in (
            cost_table(Path(name), arguments.sizes, arguments.rounds)
            if "cost" in arguments.only
            else ()
        ):
            print(line, flush=True)
        for line in (
            memory_table(Path(name), arguments.memory_calls) if "memory" in arguments.only else ()
        ):
            print(line, flush=True)


if __name__ == "__main__":
    main()
