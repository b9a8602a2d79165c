"""`etelecom fetch`: calls of a fetch that ends early are kept, and the next run continues it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.cli import app
from etelecom_analytics.simulator import CallLogServer, faults

Printed = pytest.CaptureFixture[str]
COMMAND = ["fetch", "calls", "--from", "2026-11-01", "--to", "2026-11-30"]


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, server: CallLogServer, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)


def fail_from(server: CallLogServer, request_number: int) -> None:
    server.misbehave(
        faults.error_status(400), when=lambda request: request.number >= request_number
    )


@pytest.mark.slow
def test_next_run_continues_by_itself_and_says_so(
    capsys: Printed, server: CallLogServer, calls: pl.DataFrame
):
    fail_from(server, 9)
    assert app.main([*COMMAND, "--workers", "1"]) == 1
    message = capsys.readouterr().err
    received = et.read_snapshot("calls.partial").calls.height
    assert f"{received:,} calls were received before that and are in calls.partial" in message
    server.forget()

    assert app.main(COMMAND) == 0
    assert f"continuing the fetch of {received:,} calls in calls.partial" in capsys.readouterr().err
    assert et.read_snapshot("calls").calls.equals(calls)
    assert not Path("calls.partial").exists()


def test_partial_calls_of_another_query_are_kept(capsys: Printed, server: CallLogServer):
    fail_from(server, 9)
    app.main(COMMAND)
    server.forget()
    capsys.readouterr()

    assert app.main([*COMMAND, "--direction", "in"]) == 2
    assert "calls.partial has the calls of a fetch with another query" in capsys.readouterr().err
    assert et.read_snapshot("calls.partial").calls.height
    assert not server.requests


def test_partial_folder_is_checked_before_the_fetch(capsys: Printed, server: CallLogServer):
    Path("calls.partial").mkdir()
    Path("calls.partial", "notes.txt").write_text("mine")

    assert app.main(COMMAND) == 1
    assert "calls.partial exists and is not a snapshot" in capsys.readouterr().err
    assert not server.requests
    assert Path("calls.partial", "notes.txt").read_text() == "mine"


def test_larger_partial_is_not_replaced_by_a_smaller_one(
    capsys: Printed, server: CallLogServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Another run writes more calls to the same folder during this one."""
    fail_from(server, 14)
    app.main([*COMMAND, "--workers", "1"])
    larger = et.read_snapshot("calls.partial").calls.height
    shutil.move("calls.partial", "other")
    server.forget()
    server.misbehave(
        faults.then(lambda: (tmp_path / "other").rename(tmp_path / "calls.partial")),
        when=lambda request: request.number == 4,
    )
    fail_from(server, 6)

    assert app.main([*COMMAND, "--workers", "1"]) == 1
    assert "are in calls.partial-2" in capsys.readouterr().err
    assert et.read_snapshot("calls.partial").calls.height == larger
    assert 0 < et.read_snapshot("calls.partial-2").calls.height < larger


def test_calls_are_kept_if_the_snapshot_cannot_be_written(
    capsys: Printed, server: CallLogServer, calls: pl.DataFrame, tmp_path: Path
):
    """Another process takes the folder during the fetch."""
    server.misbehave(
        faults.then(lambda: (tmp_path / "calls").mkdir()),
        when=lambda request: request.number == 4,
    )

    assert app.main(COMMAND) == 1
    assert "The calls are in calls.partial" in capsys.readouterr().err
    assert et.read_snapshot("calls.partial").calls.equals(calls)


@pytest.mark.slow
@pytest.mark.parametrize(
    "signals",
    [
        [signal.SIGINT],
        [signal.SIGINT] * 2,
        [signal.SIGINT] * 3,
        [signal.SIGINT] * 5,
        [signal.SIGTERM],
    ],
)
def test_interrupted_command_writes_what_it_has(
    signals: list[signal.Signals], server: CallLogServer
):
    server.latency_s = 0.02
    server.misbehave(faults.late(30), when=lambda request: request.number > 9)
    with subprocess.Popen(
        [sys.executable, "-m", "etelecom_analytics", *COMMAND, "--workers", "1", "--quiet"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while len(server.requests) < 11:
            time.sleep(0.05)
        for each in signals:
            os.kill(process.pid, each)
            time.sleep(0.01)
        _, messages = process.communicate(timeout=60)

    assert process.returncode == 130, messages
    assert "The fetch was stopped." in messages
    assert et.read_snapshot("calls.partial").calls.height >= 700
