"""After a killed process, a full disk or a concurrent sync, the archive is intact."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from benchmarks.killed_syncs import killing
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.frames import in_order
from etelecom_analytics.simulator import CallLogServer

pytestmark = pytest.mark.slow

UNTIL = "2024-01-09"


def test_sync_after_a_killed_sync_completes_the_archive():
    """Kill a sync at 3 different times; `tests/benchmarks/killed_syncs.py` does so 100 times."""
    chance, kills = random.Random(11), 3
    with killing() as subject:
        cut_short = [
            subject.kill_once(chance, after=subject.seconds * (number + chance.random()) / kills)
            for number in range(kills)
        ]
    assert sum(cut_short) >= 1


_WITH_SMALL_FILES = """
import resource, sys
import etelecom_analytics as et
archive = et.Archive(sys.argv[1])
client = et.Client(sys.argv[2], sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))
try:
    archive.sync(client, since="2024-01-01", until="2024-01-09", lookback="90000d", progress=False)
except et.errors.ArchiveError as error:
    print(type(error).__name__, error)
"""


def test_full_disk_is_an_error_and_loses_nothing(
    archive: et.Archive,
    client_of: Callable[..., et.Client],
    past_server: CallLogServer,
    past_calls: pl.DataFrame,
):
    """A limit on the file size simulates a full disk."""
    past_server.change(*[{**row, "note": "changed since"} for row in past_server.rows[::3]])
    days, version = archive.days(), archive.status().version
    command = [
        sys.executable,
        "-c",
        _WITH_SMALL_FILES,
        str(archive.path),
        past_server.base_url,
        past_server.api_key,
    ]
    process = subprocess.run(command, capture_output=True, text=True, check=False)

    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("ArchiveError Cannot read or write the archive at ")
    assert "File too large" in process.stdout
    assert "Each day has its old or its new calls." in process.stdout
    assert archive.status().version == version
    assert_frame_equal(in_order(archive.scan().collect()), past_calls)
    assert_frame_equal(
        archive.days().drop("fetched_at", "certificate"), days.drop("fetched_at", "certificate")
    )
    client = client_of(past_server)
    archive.sync(client, until=UNTIL, lookback="90000d")
    assert_frame_equal(in_order(archive.scan().collect()), et.fetch_calls(client).calls)


def test_two_processes_at_once_give_the_same_rows(
    past_server: CallLogServer, past_calls: pl.DataFrame, tmp_path: Path
):
    """Either one of them exits with 75, because the archive is locked, or both succeed in turn."""
    command = [
        sys.executable,
        "-m",
        "etelecom_analytics",
        "sync",
        str(tmp_path / "calls"),
        "--since",
        "2024-01-01",
        "--until",
        UNTIL,
    ]
    environment = {
        "ETELECOM_BASE_URL": past_server.base_url,
        "ETELECOM_API_KEY": past_server.api_key,
        "PYTHONPATH": ":".join(sys.path),
    }
    past_server.latency_s = 0.05
    processes = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    results = {process.communicate()[1]: process.returncode for process in processes}

    assert sorted(results.values()) in ([0, 75], [0])
    assert all(code == 0 or "another process: try again" in text for text, code in results.items())
    assert_frame_equal(in_order(et.Archive(tmp_path / "calls").scan().collect()), past_calls)


def test_sync_creates_an_archive_after_a_crash_during_its_creation(
    past_server: CallLogServer,
    past_calls: pl.DataFrame,
    client_of: Callable[..., et.Client],
    tmp_path: Path,
):
    """The folder looks the same while another process is creating the archive."""
    (tmp_path / "calls" / "_delta_log").mkdir(parents=True)
    (tmp_path / "calls" / "_lock").touch()
    archive = et.Archive(tmp_path / "calls")
    archive.sync(client_of(past_server), since="2024-01-01", until=UNTIL, progress=False)

    assert_frame_equal(in_order(archive.scan().collect()), past_calls)


def test_staged_files_of_killed_writers_are_removed_after_an_hour(
    archive: et.Archive, past_client: et.Client
):
    """A new file has a name that ends in #1 until it is whole; younger ones may be in use."""
    places = (archive.path / "_delta_log", min(archive.path.glob("local_day=*")))
    old, new = ([place / f"{name}.json#1" for place in places] for name in ("old", "new"))
    for path in (*old, *new):
        path.write_bytes(b"half")
    for path in old:
        os.utime(path, (time.time() - 7_200,) * 2)
    archive.sync(past_client, until=UNTIL)

    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in new)
