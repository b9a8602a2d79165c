"""etelecom watch: exit codes, what it prints, logs and posts, over HTTP and in real processes."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from etelecom_analytics.cli import app
from etelecom_analytics.local_time import HOME_ZONE, zone
from etelecom_analytics.simulator import CallLogServer
from etelecom_analytics.watch.alert_log import watch_lock

from .conftest import ROOT, Watch

MEASURES = 'measures = ["offered"]\n'
Printed = pytest.CaptureFixture[str]


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted; answers with the statuses in turn, then with 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.documents: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.address = f"http://127.0.0.1:{self.server_port}/hook/secret-token"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.documents.append(json.loads(body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def write_site(*lines: str) -> None:
    Path("etelecom.toml").write_text("\n".join(["[watch]", *lines, ""]), encoding="utf-8")


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    path = folder.with_name("calls.alerts.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [each for line in lines if (each := json.loads(line))["event"] == kind]


def quiet_now() -> str:
    """Quiet hours that began an hour ago and end in two hours."""
    now = datetime.now(UTC).astimezone(zone(HOME_ZONE))
    begin, end = (now + timedelta(hours=hours) for hours in (-1, 2))
    return f'quiet_hours = ["{begin:%H:%M}", "{end:%H:%M}"]'


@pytest.mark.slow
def test_ordinary_day_has_exit_code_0(
    watch_process: Watch, watch: Watch, ordinary: CallLogServer, folder: Path
):
    first, second = watch_process(), watch("--quiet")

    assert (first.returncode, first.stderr) == (0, "")
    assert "Nothing new: checked " in first.stdout
    assert "Settings: no site file" in first.stdout
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert events(folder, "alarm") == []


@pytest.mark.slow
def test_drop_has_exit_code_1_once(
    watch: Watch, dropped: CallLogServer, folder: Path, last_day: date, receiver: Receiver
):
    write_site(MEASURES, f'address = "{receiver.address}"')
    receiver.statuses = [503]

    first, second = watch("--quiet"), watch("--quiet")

    assert first.returncode == 1
    assert first.stdout.startswith("Offered on ")
    assert f"{last_day}: " in first.stdout
    assert ", below the usual range of " in first.stdout
    assert (second.returncode, second.stdout) == (0, "")
    assert len(receiver.documents) == 2  # the first answer was 503
    assert receiver.documents[0] == receiver.documents[1]
    (alarm,) = receiver.documents[0]["alarms"]
    assert alarm["id"] == f"{last_day}.usual_range.offered.low"
    assert alarm["text"] + "\n" == first.stdout
    assert set(alarm) == {
        *("id", "rule", "signal", "measure", "side", "day", "value", "usual", "low", "high"),
        *("unit", "value_text", "text"),
    }
    path = folder.with_name("calls.alerts.jsonl")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kinds = [json.loads(line)["event"] for line in path.read_text().splitlines()]
    assert kinds == ["alarm", "printed", "posted", "checked"]
    assert "secret-token" not in path.read_text()


@pytest.mark.slow
def test_failed_post_is_repeated_by_the_next_run(
    watch: Watch, dropped: CallLogServer, receiver: Receiver
):
    write_site(MEASURES, f'address = "{receiver.address}"')
    receiver.statuses = [400]

    first = watch("--quiet")
    receiver.statuses = [302]
    second, third, fourth = (watch("--quiet") for _ in range(3))

    codes = [each.returncode for each in (first, second, third, fourth)]
    assert codes == [1, 1, 0, 0]
    assert "The alarms could not be posted at 127.0.0.1 (400)" in first.stderr
    assert "secret-token" not in first.stderr + second.stderr
    assert second.stdout == ""  # printed once, posted until it arrived
    assert len(receiver.documents) == 3


@pytest.mark.slow
def test_alarm_in_quiet_hours_is_held_back_and_not_lost(
    watch: Watch, dropped: CallLogServer, folder: Path, receiver: Receiver
):
    address = f'address = "{receiver.address}"'
    write_site(MEASURES, address, quiet_now())
    held, again = watch(), watch("--quiet")

    assert (held.returncode, again.returncode) == (0, 0)
    assert "Quiet hours: 1 alarm is held back until " in held.stdout
    assert "below the usual range" not in held.stdout
    assert (again.stdout, receiver.documents) == ("", [])

    write_site(MEASURES, address)  # the quiet hours are over
    released, later = watch("--quiet"), watch("--quiet")

    assert (released.returncode, later.returncode) == (1, 0)
    assert "below the usual range" in released.stdout
    assert len(receiver.documents) == len(events(folder, "alarm")) == 1


def test_dry_run_changes_nothing(
    watch: Watch, dropped: CallLogServer, folder: Path, receiver: Receiver, tmp_path: Path
):
    write_site(MEASURES, f'address = "{receiver.address}"')
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    without_day = watch("--dry-run")

    assert without_day.returncode == 2  # nothing was synced
    assert "was not checked" in without_day.stderr
    assert before == {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()
    }
    assert dropped.requests == []

    app.main(["sync", str(folder), "--quiet"])
    with_day, again = watch("--dry-run"), watch("--dry-run")

    assert with_day.returncode == again.returncode == 1
    assert "below the usual range" in again.stdout
    assert receiver.documents == []
    assert not folder.with_name("calls.alerts.jsonl").exists()


def test_what_cannot_be_checked_has_exit_code_2(
    folder: Path, ordinary: CallLogServer, capsys: Printed, monkeypatch: pytest.MonkeyPatch
):
    command = ["watch", str(folder), "--quiet"]
    for lines, text in (
        (['measures = ["ofered"]'], "offered"),
        (["quiet_hours = [7, 21]"], "watch.quiet_hours"),
        (['quiet_hours = ["21:00", "21:00"]'], "watch.quiet_hours"),
        (['address = "http://hooks.example/secret"'], "watch.address must begin with https"),
        (['adress = "https://hooks.example/"'], "address"),
        (["measures = []"], "nothing to check"),
    ):
        write_site(*lines)
        assert app.main(command) == 2
        error = capsys.readouterr().err
        assert text in error
        assert "secret" not in error
    Path("etelecom.toml").unlink()

    monkeypatch.setenv("ETELECOM_API_KEY", "wrong-key")
    assert app.main(command) == 2
    assert "does not accept this API key" in capsys.readouterr().err

    folder.with_name("calls.alerts.jsonl").write_text('{"event": "alarm"}\n')
    assert app.main(command) == 2
    assert "Line 1 of the log of alerts" in capsys.readouterr().err


def test_short_history_has_exit_code_2(
    ordinary: CallLogServer, capsys: Printed, last_day: date, folder: Path
):
    since = (last_day - timedelta(days=3)).isoformat()

    assert app.main(["watch", "other", "--since", since, "--quiet"]) == 2

    captured = capsys.readouterr()
    assert "have 0 complete days; 21 are needed" in captured.err
    assert captured.out == ""


@pytest.mark.slow
def test_incomplete_day_is_checked_once_it_is_complete(
    watch: Watch, dropped: CallLogServer, folder: Path, last_day: date
):
    """A missed run loses nothing either: the day before is checked with the last one."""
    log = {"event": "checked", "since": f"{last_day - timedelta(days=1)}", "days": []}
    folder.with_name("calls.alerts.jsonl").write_text(json.dumps(log) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ETELECOM_API_KEY", "wrong-key")
        failed = watch("--quiet")

    complete = watch()

    assert (failed.returncode, failed.stdout) == (2, "")
    assert "does not accept this API key" in failed.stderr
    assert complete.returncode == 1
    assert events(folder, "checked")[0]["days"] == [
        f"{last_day - timedelta(days=number)}" for number in (1, 0)
    ]


def test_second_watch_at_the_same_time_is_refused(
    watch: Watch, ordinary: CallLogServer, folder: Path
):
    with watch_lock(folder):
        result = watch("--quiet")

    assert result.returncode == 2
    assert "Another etelecom watch" in result.stderr
    assert ordinary.requests == []


_STOPPING = """
import sys, time
from etelecom_analytics.cli import app, watch
from etelecom_analytics.watch import alert_log, posting

stage = sys.argv.pop(1)

def stop(*_, **__):
    print("stopped here", flush=True)
    time.sleep(60)

write = alert_log.AlertLog.write

def write_or_stop(log):
    if log.checked and stage == "before the log":
        stop()
    write(log)
    if log.checked and stage == "after the log":
        stop()

alert_log.AlertLog.write = write_or_stop
if stage == "before the post":
    posting.post_json = stop
sys.exit(app.main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.parametrize(
    "stage",
    [
        "before the log",
        pytest.param("after the log", marks=pytest.mark.slow),
        pytest.param("before the post", marks=pytest.mark.slow),
    ],
)
def test_killed_run_neither_loses_nor_repeats_an_alarm(
    stage: str, watch: Watch, dropped: CallLogServer, folder: Path, receiver: Receiver
):
    write_site(MEASURES, f'address = "{receiver.address}"')
    command = [sys.executable, "-c", _STOPPING, stage, "watch", str(folder), "--quiet"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        printed = "".join(iter(lambda: next(lines), "stopped here\n"))
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert len(events(folder, "alarm")) == (stage != "before the log")

    following, later = watch("--quiet"), watch("--quiet")

    assert following.returncode == (1 if stage != "before the post" else 0)
    assert (printed + following.stdout).count("below the usual range") == 1
    assert (later.returncode, later.stdout) == (0, "")
    assert len(receiver.documents) == len(events(folder, "alarm")) == 1


@pytest.mark.slow
def test_report_is_written(watch: Watch, dropped: CallLogServer, tmp_path: Path, last_day: date):
    result = watch("--report", "week.html")

    assert (result.returncode, result.stderr) == (1, "")
    assert str(tmp_path / "week.html") in result.stdout
    assert last_day.isoformat() in Path("week.html").read_text(encoding="utf-8")
