"""Kill syncs at random times: days must stay complete, and the next sync must finish the work.

    python tests/benchmarks/killed_syncs.py [--kills 100] [--seed 1]

The script copies an archive of an older state of the server, starts a process that syncs it, and
kills this process (SIGKILL) during the sync. Each day must then have either its old or its new
calls, and after an uninterrupted sync all rows must be those of the server. The test suite runs
five repetitions.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

import etelecom_analytics as et
from etelecom_analytics.frames import in_order
from etelecom_analytics.simulator import CallLogServer, serve

SINCE, UNTIL, LOOKBACK = "2024-01-01", "2024-01-08", "90000d"
_LATENCY_S = 0.01
_SYNC = f"""
import sys
import deltalake, requests, tqdm
import etelecom_analytics as et
archive, client = et.Archive(sys.argv[1]), et.Client(sys.argv[2], sys.argv[3])
import etelecom_analytics.api.fetch
print("begins", flush=True)
archive.sync(
    client, since={SINCE!r}, until={UNTIL!r}, lookback={LOOKBACK!r}, progress=False, workers=2
)
print("done", flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Killing:
    """An archive of the old state, a server of the new state, and the duration of a sync."""

    folder: Path
    server: CallLogServer
    old: pl.DataFrame
    new: pl.DataFrame
    seconds: float

    def kill_once(self, generator: random.Random, after: float | None = None) -> bool:
        """Whether the sync was interrupted; `AssertionError` if calls were lost or repeated."""
        copy = self.folder / "killed"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder / "old", copy)
        command = [
            sys.executable,
            "-c",
            _SYNC,
            str(copy),
            self.server.base_url,
            self.server.api_key,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "begins\n"
            time.sleep(self.seconds * generator.random() if after is None else after)
            process.kill()
            interrupted = "done" not in process.stdout.read()
        archive = et.Archive(copy)
        _check_complete_days(in_order(archive.scan().collect()), self.old, self.new)
        archive.status()
        self.server.latency_s = 0.0
        with et.Client(self.server.base_url, self.server.api_key) as client:
            archive.sync(client, since=SINCE, until=UNTIL, lookback=LOOKBACK, progress=False)
        self.server.latency_s = _LATENCY_S
        assert in_order(archive.scan().collect()).equals(self.new)
        assert archive.status().gaps == ()
        assert archive.verify().is_empty()
        return interrupted


@contextmanager
def killing(calls: int = 700) -> Iterator[Killing]:
    """Create the archive and the server."""
    before = et.simulate_calls(calls, seed=3, start=date(2024, 1, 1), days=7).calls
    with (
        tempfile.TemporaryDirectory() as name,
        serve(before) as server,
        et.Client(server.base_url, server.api_key) as client,
    ):
        folder = Path(name)
        et.Archive(folder / "old").sync(client, since=SINCE, until="2024-01-06", progress=False)
        old = in_order(et.Archive(folder / "old").scan().collect())
        server.latency_s = _LATENCY_S
        server.change(*[{**row, "note": "changed since"} for row in server.rows[::3]])
        shutil.copytree(folder / "old", folder / "reference")
        began = time.monotonic()
        reference = et.Archive(folder / "reference")
        reference.sync(
            client, since=SINCE, until=UNTIL, lookback=LOOKBACK, progress=False, workers=2
        )
        seconds = time.monotonic() - began
        new = in_order(reference.scan().collect())
        assert new.height == before.height
        yield Killing(folder=folder, server=server, old=old, new=new, seconds=seconds)


def _check_complete_days(calls: pl.DataFrame, old: pl.DataFrame, new: pl.DataFrame) -> None:
    day = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.date()
    for each in pl.concat([old, new]).select(day.unique()).to_series():
        states = [table.filter(day == each) for table in (calls, old, new)]
        assert states[0].equals(states[1]) or states[0].equals(states[2]), (
            f"{each} has neither its old nor its new calls"
        )
    assert calls["id"].n_unique() == calls.height


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Kills syncs at random times and checks the archive."
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with killing() as subject:
        interrupted = sum(
            subject.kill_once(random.Random(arguments.seed * 10_000 + number))
            for number in range(arguments.kills)
        )
    print(
        f"{arguments.kills} syncs of {subject.seconds:.2f} s killed, {interrupted} of them before "
        "their end: no call was lost or repeated."
    )


if __name__ == "__main__":
    main()
