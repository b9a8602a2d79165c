"""Syncs that are killed at random moments: after each, the archive must hold whole days only, and a further sync must make it whole.

    python tests/benchmarks/killed_syncs.py [--kills 100] [--seed 1]

An archive of an older state of the server is copied, a process begins to bring it in step, and is
killed (-9) somewhere in the middle. Every day must then be as it was or as it is now, never a
mixture; and after an undisturbed sync the rows are those of the server. The tests of the project
run fifteen of these.
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

SINCE, UNTIL, EVER = "2024-01-01", "2024-01-08", "90000d"
_LATENCY_S = 0.01
_SYNC = f"""
import sys
import deltalake, requests, tqdm
import etelecom_analytics as et
archive, client = et.Archive(sys.argv[1]), et.Client(sys.argv[2], sys.argv[3])
import etelecom_analytics.api.fetch
print("begins", flush=True)
archive.sync(client, since={SINCE!r}, until={UNTIL!r}, lookback={EVER!r}, progress=False, workers=2)
print("done", flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Killing:
    """What is killed again and again: an archive of the old state, a server of the new one, and how long a sync takes there."""

    folder: Path
    server: CallLogServer
    old: pl.DataFrame
    new: pl.DataFrame
    seconds: float

    def kill_once(self, chance: random.Random, after: float | None = None) -> bool:
        """Whether the sync was cut short, and not over by then; an AssertionError where something was lost."""
        place = self.folder / "killed"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.folder / "old", place)
        command = [
            sys.executable,
            "-c",
            _SYNC,
            str(place),
            self.server.base_url,
            self.server.api_key,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "begins\n"
            time.sleep(self.seconds * chance.random() if after is None else after)
            process.kill()
            cut_short = "done" not in process.stdout.read()
        archive = et.Archive(place)
        _whole_days_only(in_order(archive.scan().collect()), self.old, self.new)
        archive.status()
        self.server.latency_s = 0.0
        with et.Client(self.server.base_url, self.server.api_key) as client:
            archive.sync(client, since=SINCE, until=UNTIL, lookback=EVER, progress=False)
        self.server.latency_s = _LATENCY_S
        assert in_order(archive.scan().collect()).equals(self.new)
        assert archive.status().gaps == ()
        return cut_short


@contextmanager
def killing(calls: int = 700) -> Iterator[Killing]:
    """Everything that is needed, made beforehand."""
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
        shutil.copytree(folder / "old", folder / "undisturbed")
        began = time.monotonic()
        undisturbed = et.Archive(folder / "undisturbed")
        undisturbed.sync(client, since=SINCE, until=UNTIL, lookback=EVER, progress=False, workers=2)
        seconds = time.monotonic() - began
        new = in_order(undisturbed.scan().collect())
        assert new.height == before.height
        yield Killing(folder=folder, server=server, old=old, new=new, seconds=seconds)


def _whole_days_only(found: pl.DataFrame, old: pl.DataFrame, new: pl.DataFrame) -> None:
    day = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.date()
    for each in pl.concat([old, new]).select(day.unique()).to_series():
        of_day = [table.filter(day == each) for table in (found, old, new)]
        assert of_day[0].equals(of_day[1]) or of_day[0].equals(of_day[2]), (
            f"{each} is neither as it was nor as it is"
        )
    assert found["id"].n_unique() == found.height


def main() -> None:
    parser = argparse.ArgumentParser(description="Kills syncs, and looks at what is left.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with killing() as subject:
        cut_short = sum(
            subject.kill_once(random.Random(given.seed * 10_000 + number))
            for number in range(given.kills)
        )
    print(
        f"{given.kills} syncs of {subject.seconds:.2f} s killed, {cut_short} of them before their end: nothing lost, nothing twice."
    )


if __name__ == "__main__":
    main()
