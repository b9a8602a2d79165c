"""Fixtures: weeks of equal days up to yesterday, a server of them, and an archive of them.

All days have the calls of one simulated day, so that no ordinary day can be an alarm.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.cli import app
from etelecom_analytics.local_time import HOME_ZONE, zone
from etelecom_analytics.simulator import CallLogServer, serve

ROOT = Path(__file__).parents[2]
DAYS = 37


class Finished(NamedTuple):
    """The result of a command."""

    returncode: int
    stdout: str
    stderr: str


Watch = Callable[..., Finished]


def yesterday() -> date:
    """The last day that has ended where the calls are."""
    return datetime.now(UTC).astimezone(zone(HOME_ZONE)).date() - timedelta(days=1)


def equal_days(last: date, *, dropped_share_of_last: float = 0.0) -> pl.DataFrame:
    """The same calls on each of `DAYS` days up to the last one, of which a share may be missing."""
    day = et.simulate_calls(40, seed=4, start=last, days=1)
    rows = [row for row in day.calls.to_dicts() if row["ended_at"]]
    kept = rows[: round(len(rows) * (1 - dropped_share_of_last))]
    shifted = [
        {**_earlier(row, timedelta(days=number)), "id": f"{row['id']}-{number}"}
        for number in range(DAYS)
        for row in (rows if number else kept)
    ]
    return pl.DataFrame(shifted, schema=day.calls.schema).sort("started_at", descending=True)


def _earlier(value: Any, time: timedelta) -> Any:
    if isinstance(value, datetime):
        return value - time
    if isinstance(value, dict):
        return {name: _earlier(each, time) for name, each in value.items()}
    return [_earlier(each, time) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="session")
def last_day() -> date:
    return yesterday()


@pytest.fixture(scope="session")
def _old_archive(last_day: date, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an archive of all days before the last one, to be copied."""
    folder = tmp_path_factory.mktemp("watched") / "calls"
    archive = et.Archive(folder, ivr_numbers=["8000", "8100"], site=et.Site())
    with serve(equal_days(last_day)) as server:
        client = et.Client(server.base_url, server.api_key)
        first = last_day - timedelta(days=DAYS - 1)
        archive.sync(client, since=first, until=last_day, progress=False)
    return folder


@pytest.fixture
def folder(_old_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the archive, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ETELECOM_SITE", raising=False)
    return Path(shutil.copytree(_old_archive, tmp_path / "calls"))


def _serving(calls: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Iterator[CallLogServer]:
    with serve(calls) as server:
        monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url)
        monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)
        yield server


@pytest.fixture
def ordinary(last_day: date, monkeypatch: pytest.MonkeyPatch) -> Iterator[CallLogServer]:
    """A server whose last day is like all others."""
    yield from _serving(equal_days(last_day), monkeypatch)


@pytest.fixture
def dropped(last_day: date, monkeypatch: pytest.MonkeyPatch) -> Iterator[CallLogServer]:
    """A server whose last day has a quarter of the calls of the others."""
    yield from _serving(equal_days(last_day, dropped_share_of_last=0.75), monkeypatch)


@pytest.fixture
def watch(folder: Path, capsys: pytest.CaptureFixture[str]) -> Watch:
    """Runs `etelecom watch` on the archive."""

    def run(*arguments: str) -> Finished:
        capsys.readouterr()
        code = app.main(["watch", str(folder), "--lookback", "1h", *arguments])
        captured = capsys.readouterr()
        return Finished(code, captured.out, captured.err)

    return run


@pytest.fixture
def watch_process(folder: Path) -> Watch:
    """Runs it in a process of its own."""

    def run(*arguments: str) -> Finished:
        result = subprocess.run(
            [sys.executable, "-m", "etelecom_analytics", "watch", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return Finished(result.returncode, result.stdout, result.stderr)

    return run
