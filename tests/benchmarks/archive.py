"""What an archive costs, against its size: a day synced into it, a day and everything read from it, its bytes, and its memory.

    python tests/benchmarks/archive.py [--sizes 100000 1000000 10000000] [--memory-calls 1000000]
    [--rounds 3] [--only LINE ...]

Not a test: it prints two tables. Wanted: a day synced into the largest archive takes at most twice
what it takes into an empty one; a scan of one day reads that day's files only; the archive is at
most 1.3 times the same calls in one zstd parquet file; and a sync of a million calls stays under
800 MB. `killed_syncs.py` looks at what is left of a sync that was killed.

The calls of an archive are five simulated days of 20,000 calls, again and again under other ids and
on other days. It lies in the folder for temporary files, about 2 GB of it with its peer, and is
gone at the end.
"""

import argparse
import json
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
    midnight,
    write_certificates,
)
from etelecom_analytics.archive.config import ArchiveConfig, flattened
from etelecom_analytics.archive.table import Table
from etelecom_analytics.fetch_report import FetchReport, Window
from etelecom_analytics.schema import CALL_SCHEMA, LEGS

A_DAY = 20_000
CHARTER = ArchiveConfig(ivr_numbers=("8000", "8100"))
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
FIRST_SYNCED = date.fromisoformat(DATE_FROM) + timedelta(days=2)
SERVED = 300_000
MB = 1_000_000
_SIMULATED = 5


def day_of(simulated: list[pl.DataFrame], number: int, day: date) -> pl.DataFrame:
    """The calls of a day: those of one of the simulated, moved there."""
    calls = simulated[number % _SIMULATED]
    shift = midnight(day, CHARTER.time_zone) - midnight(
        date(2024, 1, 1) + timedelta(days=number % _SIMULATED), CHARTER.time_zone
    )
    times = [name for name, dtype in CALL_SCHEMA.items() if isinstance(dtype, pl.Datetime)]
    leg_times = [leg.name for leg in LEGS if isinstance(leg.dtype, pl.Datetime)]
    moved_leg = pl.element().struct.with_fields(
        **{name: pl.element().struct.field(name) + shift for name in leg_times}
    )
    ids = (pl.lit(5_000_000_000_000_000_000 + number * A_DAY) + pl.int_range(pl.len())).cast(
        pl.String
    )
    return calls.with_columns(
        pl.col(times) + shift, pl.col("call_targets").list.eval(moved_leg), id=ids
    )


def simulated_days() -> list[pl.DataFrame]:
    """Some days of about so many calls each."""
    calls = et.simulate_calls(
        _SIMULATED * A_DAY, seed=3, start=date(2024, 1, 1), days=_SIMULATED
    ).calls
    day = pl.col("started_at").dt.convert_time_zone(CHARTER.time_zone).dt.date()
    return [
        calls.filter(day == date(2024, 1, 1) + timedelta(days=number))
        for number in range(_SIMULATED)
    ]


def filled(folder: Path, calls: int, simulated: list[pl.DataFrame]) -> et.Archive:
    """An archive of so many calls, up to the day before the first that will be synced, written as a sync writes it."""
    folder.mkdir()
    table, certificates, rows, number = Table.create(folder, CHARTER), [], 0, 0
    while rows < calls:
        day = FIRST_SYNCED - timedelta(days=number + 1)
        of_day = day_of(simulated, number, day).head(calls - rows)
        certificate = certificate_of(day, of_day.height)
        said = {
            "what": "day",
            "day": day.isoformat(),
            "rows": of_day.height,
            "certificate": certificate.to_json(),
        }
        table.write_day(day, flattened(of_day, day, CHARTER, None), said)
        certificates.append(certificate)
        rows, number = rows + of_day.height, number + 1
    write_certificates(folder, certificates, through=table.version)
    return et.Archive(folder)


def certificate_of(day: date, rows: int) -> Certificate:
    """A certificate as a fetch of the day would have left it."""
    query = day_query(day, CHARTER.time_zone)
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
    return Certificate(day=day, time_zone=CHARTER.time_zone, report=report)


def seconds_of(action: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def measured(archive: et.Archive) -> pl.DataFrame:
    """Eight measures by day of all calls."""
    options = et.MetricOptions(ivr_numbers=CHARTER.ivr_numbers)
    return et.summarize(archive.scan(), by=["day"], measures=MEASURES, options=options).collect(
        engine="streaming"
    )


# Child processes, whose memory is looked at.


def child_measures(folder: str) -> None:
    table = measured(et.Archive(folder))
    print(json.dumps({"peak": peak_bytes(), "rows": table.height}))


def child_sync(base_url: str, folder: str) -> None:
    archive = et.Archive(folder)
    archive.sync(
        et.Client(base_url, "benchmark"), since=DATE_FROM, until=DATE_TO, progress=False, workers=4
    )
    print(json.dumps({"peak": peak_bytes(), "rows": archive.status().rows}))


def told_by(*arguments: str) -> dict[str, int]:
    """What a child of this script prints."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, int] = json.loads(done.stdout)
    return told


# The lines.


def cost(folder: Path, sizes: list[int], rounds: int) -> Iterator[str]:
    """Cost against size, and the three promises that come from it."""
    simulated, promises = simulated_days(), list[str]()
    heads = (
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
    yield f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|"
    with serving(SERVED) as base_url, et.Client(base_url, "benchmark") as client:
        for size in sizes:
            archive = filled(folder / str(size), size, simulated)
            line, promises = cost_of(archive, client, folder, rounds)
            yield line
    yield "\n| what | came out | wanted | met |\n|---|---|---|---|"
    yield from promises


def cost_of(
    archive: et.Archive, client: et.Client, folder: Path, rounds: int
) -> tuple[str, list[str]]:
    """The line of one archive, and what it makes of the promises."""
    status, plain = archive.status(), folder / "plain.parquet"
    archive.scan().sink_parquet(plain, compression="zstd")
    mb, plain_mb = status.bytes / MB, plain.stat().st_size / MB
    plain.unlink()
    query = day_query(FIRST_SYNCED - timedelta(days=status.days // 2 + 1), CHARTER.time_zone)
    files, plan = archive.files(query), archive.scan(query).explain()
    others = sum(str(path) in plan for path in set(archive.files()) - set(files))
    scan_s = median_of(lambda: archive.scan(query).collect(), rounds)
    status_s = median_of(lambda: et.Archive(archive.path).status(), rounds)
    measures_s = median_of(lambda: measured(archive), rounds)
    peak = told_by("measures", str(archive.path))["peak"] / MB
    day_s, empty_s = syncs(client, archive, folder / f"empty-{status.rows}", rounds)
    cells = (
        *(
            f"{status.rows:,}",
            status.days,
            f"{mb:,.0f}",
            f"{plain_mb:,.0f} MB",
            f"{status_s:.2f} s",
        ),
        *(
            f"{day_s:.2f} s, into an empty one {empty_s:.2f} s",
            f"{scan_s:.3f} s",
            f"{len(files)} of {status.files}, {others} others",
        ),
        *(f"{measures_s:.2f} s", f"{peak:,.0f} MB"),
    )
    promises = [
        (
            f"a day synced into {status.rows:,} calls, against an empty archive",
            f"{day_s / empty_s:.2f} x",
            "at most 2 x",
            day_s <= 2 * empty_s,
        ),
        (
            "files that a scan of one day reads",
            f"{len(files) + others} of {status.files}",
            "that day's only",
            len(files) == 1 and not others,
        ),
        (
            "size against plain zstd parquet",
            f"{mb / plain_mb:.2f} x",
            "at most 1.3 x",
            mb <= 1.3 * plain_mb,
        ),
    ]
    return f"| {' | '.join(map(str, cells))} |", [
        f"| {what} | {came} | {wanted} | {yes(met)} |" for what, came, wanted, met in promises
    ]


def median_of(action: Callable[[], object], rounds: int) -> float:
    """The median of what it takes, in seconds."""
    return statistics.median(seconds_of(action) for _ in range(rounds))


def syncs(client: et.Client, archive: et.Archive, empty: Path, rounds: int) -> tuple[float, float]:
    """Median seconds of a day's sync into the archive, and into an empty one; another day each round, both the same."""
    spent: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        day = FIRST_SYNCED + timedelta(days=number)
        for times, into in zip(
            spent,
            (archive, et.Archive(empty / str(number), ivr_numbers=CHARTER.ivr_numbers)),
            strict=True,
        ):
            until = day + timedelta(days=1)
            times.append(
                seconds_of(
                    lambda into=into, day=day, until=until: into.sync(
                        client, since=day, until=until, progress=False
                    )
                )
            )
    return statistics.median(spent[0][1:]), statistics.median(
        spent[1][1:]
    )  # the first round warms up


def memory(folder: Path, calls: int) -> Iterator[str]:
    """The peak of a process that syncs a month."""
    with serving(calls) as base_url:
        began = time.perf_counter()
        told = told_by("sync", base_url, str(folder / "month"))
    assert told["rows"] == calls
    peak, seconds = told["peak"] / MB, time.perf_counter() - began
    yield f"| peak of a sync of {calls:,} calls ({seconds:.0f} s), importing included | {peak:,.0f} MB | under 800 MB | {yes(peak < 800)} |"


def yes(met: bool) -> str:
    """Whether it was met."""
    return "yes" if met else "NO"


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints what an archive costs, against its size.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--memory-calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=("cost", "memory"), default=["cost", "memory"])
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        {"measures": child_measures, "sync": child_sync}[given.child[0]](*given.child[1:])
        return
    with tempfile.TemporaryDirectory() as name:
        for line in cost(Path(name), given.sizes, given.rounds) if "cost" in given.only else ():
            print(line, flush=True)
        for line in memory(Path(name), given.memory_calls) if "memory" in given.only else ():
            print(line, flush=True)


if __name__ == "__main__":
    main()
