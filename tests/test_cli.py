"""The command line: help, results, exit codes, and errors without tracebacks."""

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

import etelecom_analytics as et
from etelecom_analytics.cli import app
from etelecom_analytics.reports import BUNDLED
from etelecom_analytics.reports.request import notebook_parameters
from etelecom_analytics.simulator import Answer, CallLogServer

Printed = pytest.CaptureFixture[str]
SAMPLE = str(Path(__file__).parent.parent / "data" / "sample")


def run_process(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A real process of the command, with pipes for its output."""
    return subprocess.run(
        [sys.executable, "-m", "etelecom_analytics", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | variables,
    )


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _settings(monkeypatch: pytest.MonkeyPatch, server: CallLogServer) -> None:
    monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)


@pytest.mark.slow
def test_demo_prints_days_and_kpis_and_writes_a_snapshot(capsys: Printed, tmp_path: Path):
    assert app.main(["demo", "--calls", "400"]) == 0

    out = capsys.readouterr().out
    assert len(re.findall(r"^\| 2026-11-0[2-8] ", out, re.MULTILINE)) == 7
    for name in ("offered", "answer_rate", "asa_s", "wait_p90_s", "agent_talk_avg_s"):
        assert re.search(rf"^  {name} +\S+", out, re.MULTILINE)
    assert str(tmp_path / "etelecom-demo") in out
    logs = et.read_snapshot("etelecom-demo")
    assert logs.calls.height == 400
    assert logs.report.drift == ()


@pytest.mark.slow
def test_demo_prints_the_measures_of_its_snapshot(capsys: Printed):
    app.main(["demo", "--calls", "300", "--seed", "3", "--snapshot-only"])
    calls = et.read_snapshot("etelecom-demo").calls

    ivr = et.simulate_calls(300, seed=3).truth.ivr_numbers
    inbound = calls.filter(et.CallQuery(direction="in").to_expr())
    row = et.summarize(inbound, options=et.MetricOptions(ivr_numbers=ivr)).row(0, named=True)
    out = capsys.readouterr().out
    assert re.search(rf"offered +{row['offered']} ", out)
    assert re.search(rf"answer_rate +{row['answer_rate'] * 100:.1f} % ", out)
    assert re.search(rf"asa_s +{row['asa_s']:.1f} s ", out)


@pytest.mark.slow
def test_demo_replaces_a_snapshot_only_with_replace(capsys: Printed):
    assert app.main(["demo", "--calls", "50", "--snapshot-only"]) == 0
    assert app.main(["demo", "--calls", "60"]) == 1
    assert "--replace" in capsys.readouterr().err
    assert app.main(["demo", "--calls", "60", "--replace"]) == 0
    assert et.read_snapshot("etelecom-demo").calls.height == 60


@pytest.mark.usefixtures("_settings")
def test_check_sends_one_request(capsys: Printed, server: CallLogServer):
    assert app.main(["check"]) == 0

    assert "accepts the key" in capsys.readouterr().out
    assert [received.body["paging"] for received in server.requests] == [{"limit": 1}]


@pytest.mark.usefixtures("_settings")
def test_check_does_not_retry(capsys: Printed, server: CallLogServer):
    server.script(Answer(status=503))

    assert app.main(["check"]) == 1
    assert len(server.requests) == 1
    assert "Try again in a few minutes" in capsys.readouterr().err


@pytest.mark.usefixtures("_settings")
def test_invalid_key_is_not_printed(capsys: Printed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ETELECOM_API_KEY", "sk-wrong-123456789")

    assert app.main(["check"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("etelecom: The server does not accept this API key")
    assert "Check the key in ETELECOM_API_KEY" in err
    assert "sk-wrong" not in err


def test_missing_settings_are_named(capsys: Printed):
    assert app.main(["check"]) == 2
    assert "ETELECOM_BASE_URL is not set" in capsys.readouterr().err


@pytest.mark.usefixtures("_settings")
def test_fetch_writes_a_snapshot_of_the_query(capsys: Printed):
    arguments = [
        "--from",
        "03/11/2026",
        "--to",
        "2026-11-05",
        "--direction",
        "in",
        "--duration",
        "greater_than",
        "10",
        "--quiet",
    ]

    assert app.main(["fetch", "week", *arguments]) == 0
    logs = et.read_snapshot("week")
    assert logs.query == et.CallQuery(
        date_from="2026-11-03", date_to="2026-11-05", direction="in", duration=("greater_than", 10)
    )
    assert logs.calls.height > 0
    assert f"{logs.calls.height:,}, with" in capsys.readouterr().out


@pytest.mark.usefixtures("_settings")
def test_every_filter_of_the_api_has_an_option(server: CallLogServer):
    options = {
        "--state": "answered", "--number": "0900000001", "--extension": "11", "--user": "12",
        "--hotline": "13", "--department": "14", "--external-id": "a",
        "--external-session-id": "b", "--direction": "in", "--from": "2026-11-02",
        "--to": "2026-11-03",
    }  # fmt: skip
    arguments = [word for pair in options.items() for word in pair]

    assert (
        app.main(["fetch", "week", *arguments, "--extension", "15", "--duration", "less_than", "9"])
        == 0
    )
    assert len(server.requests[-1].body["filter"]) == 12
    assert server.requests[-1].body["filter"]["extension_ids"] == ["11", "15"]


@pytest.mark.usefixtures("_settings")
def test_fetch_without_matches_suggests_wider_filters(capsys: Printed):
    assert app.main(["fetch", "nothing", "--to", "2020-01-01"]) == 0
    assert "widen the dates" in capsys.readouterr().out


@pytest.mark.usefixtures("_settings")
def test_fetch_of_the_future_states_that_nothing_was_fetched(capsys: Printed):
    assert app.main(["fetch", "nothing", "--from", "2090-01-01", "--to", "2090-01-02"]) == 0

    out = capsys.readouterr().out
    assert "\n  complete   none\n  missing    2090-01-01 00:00:00+07:00 to 2090-01-02 00:" in out
    assert out.endswith("Nothing was fetched: these dates are not in the past.\n")


@pytest.mark.usefixtures("_settings")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "yesterday"], "--from must be a date"),
        (["--to", "13/14/2026"], "--to must be a date that exists: month 14 of 2026 has no day 13"),
        (["--from", "05/11/2026", "--to", "2026-11-05"], "for a single day, --to is the day after"),
        (["--extension", "abc"], "--extension must be an id"),
        (["--duration", "under", "30"], "less_than_or_equal_to"),
        (["--duration", "less_than", "half"], "whole seconds"),
        (["--time-zone", "Hanoi"], "There is no time zone 'Hanoi'"),
    ],
)
def test_invalid_query_is_rejected_before_a_request(
    arguments: list[str], message: str, capsys: Printed, server: CallLogServer
):
    assert app.main(["fetch", "week", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert not re.search(r"date_from|date_to|_ids", err)
    assert not server.requests


@pytest.mark.usefixtures("_settings")
def test_existing_folder_is_rejected_before_a_request(capsys: Printed, server: CallLogServer):
    Path("week").mkdir()

    for arguments in (["fetch", "week"], ["fetch", "week", "--replace"]):
        assert app.main(arguments) == 1
        assert "is not a snapshot, so it is not replaced" in capsys.readouterr().err
    assert not server.requests


@pytest.mark.parametrize(
    "arguments",
    [
        ["0912345678"],
        ["check", "+84912345678"],
        ["demo", "--days", "0912345678"],
        ["demo", "--calls", "0912345678.5"],
        ["serve", "--port", "0912 345 678"],
        ["fetch", "week", "--direction", "0912345678"],
        ["fetch", "week", "--from", "0912345678"],
        ["fetch", "week", "--duration", "0912345678", "3"],
        ["fetch", "week", "--duration", "equal_to", "0912345678x"],
        ["fetch", "week", "--time-zone", "0912345678"],
        ["sync", "archive", "--lookback", "0912345678"],
        ["sync", "archive", "--since", "0912345678"],
        ["report", SAMPLE, "-p", "0912345678"],
        ["report", SAMPLE, "-p", "0912345678=3"],
        ["report", SAMPLE, "-p", "own_numbers=0912345678"],
        ["report", SAMPLE, "-p", "direction=0912345678"],
        ["report", SAMPLE, "-p", 'options={"threshold_s": "0912345678"}'],
        ["report", SAMPLE, "-p", 'options={"time_zone": "0912345678"}'],
        ["report", SAMPLE, "--notebook", "0912345678"],
        ["report", SAMPLE, "--notebook", "0912345678.ipynb"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("_settings")
def test_invalid_arguments_are_printed_without_phone_numbers(
    arguments: list[str], capsys: Printed, server: CallLogServer
):
    with suppress(SystemExit):
        assert app.main(arguments) != 0

    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("etelecom")
    assert not re.search(r"\d[\d ]{5}", message), message
    assert not server.requests


@pytest.mark.parametrize(
    "command", ["demo", "check", "fetch", "sync", "watch", "verify", "publish", "report", "serve"]
)
def test_every_command_has_help(command: str, capsys: Printed):
    with pytest.raises(SystemExit) as caught:
        app.main([command, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert f"usage: etelecom {command}" in out
    assert ("ETELECOM_API_KEY" in out) is (command in ("check", "fetch", "sync", "watch"))
    assert "exit codes: 0 " in out


def test_command_line_without_a_command_prints_the_help():
    result = run_process()

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: etelecom")
    for command in ("demo", "fetch", "sync", "report"):
        assert re.search(rf"^    {command} +\S", result.stderr, re.MULTILINE)
    assert "exit codes: 0 done" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["demonstrate"], ["demo", "--calls", "-3"], ["demo", "--days", "many"]]
)
def test_invalid_commands_have_exit_code_2(arguments: list[str], capsys: Printed):
    with pytest.raises(SystemExit) as caught:
        app.main(arguments)
    assert caught.value.code == 2
    assert "usage: etelecom" in capsys.readouterr().err


@pytest.mark.usefixtures("_settings")
def test_fetch_shows_progress_unless_it_is_quiet(capsys: Printed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TQDM_DISABLE")

    app.main(["fetch", "loud"])
    assert "Fetching calls" in capsys.readouterr().err
    app.main(["fetch", "quiet", "--quiet"])
    assert capsys.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "message", "code"),
    [
        ("demo --calls 20 --snapshot-only > /dev/full", "No space left on device", 1),
        ("demo --calls 20 --snapshot-only --output " + "x" * 300, "File name too long", 1),
        ("demo --calls 20 --snapshot-only --output /proc/nope", "to /proc/nope", 1),
        ("demo --days 99999999", "at most 3660 days", 2),
        ("demo --calls 20 --snapshot-only | head -n 1", "", 0),
        ("demo --calls 20 --snapshot-only >&-", "", 0),
        ("demo --calls 20 --snapshot-only 2>&-", "", 0),
        ("PYTHONIOENCODING=ascii demo --calls 20 --snapshot-only --output 'thư mục'", "", 0),
        (
            "ETELECOM_BASE_URL='https://[::1' ETELECOM_API_KEY=x check",
            "base_url must be an address",
            2,
        ),
    ],
)
def test_errors_are_printed_without_traceback(command: str, message: str, code: int):
    variables, _, rest = (
        command.rpartition("demo ") if "demo" in command else command.rpartition("check")
    )
    name = "demo" if "demo" in command else "check"
    shell = f"set -o pipefail; {variables}{sys.executable} -m etelecom_analytics {name} {rest}"
    result = subprocess.run(["/bin/bash", "-c", shell], capture_output=True, text=True, check=False)

    assert "Traceback" not in result.stderr
    assert message in result.stderr
    assert result.returncode == code, result.stderr


def test_port_in_use_is_an_error(capsys: Printed, server: CallLogServer):
    port = server.base_url.split(":")[2].split("/")[0]

    assert app.main(["serve", "--calls", "5", "--port", port]) == 2
    assert f"Cannot listen on port {port}" in capsys.readouterr().err


def test_help_lists_every_parameter_of_the_bundled_reports(capsys: Printed):
    with pytest.raises(SystemExit):
        app.main(["report", "--help"])
    text = capsys.readouterr().out

    for name in BUNDLED:
        for parameter in notebook_parameters(name):
            words = text.replace(",", " ").replace(" date_to", "  date_to")
            assert parameter == "snapshot" or f"  {parameter} " in words
    assert "ETELECOM_API_KEY" not in text  # no key is needed


@pytest.mark.slow
def test_report_writes_one_file_and_pngs(capsys: Printed, tmp_path: Path):
    parameters = [
        "-p",
        'options={"ivr_numbers": ["8000", "8100"]}',
        "-p",
        "min_offers=5",
        "-p",
        "date_from=2026-11-03",
    ]

    assert (
        app.main(
            [
                "report",
                SAMPLE,
                "--notebook",
                "extensions",
                *parameters,
                "-o",
                "sent/r.html",
                "--png",
                "charts",
            ]
        )
        == 0
    )
    assert str(tmp_path / "sent" / "r.html") in capsys.readouterr().out
    text = html.unescape(Path("sent/r.html").read_text(encoding="utf-8"))
    assert 'date_from="2026-11-03", date_to="", show_numbers=false, ' in text
    assert "own_numbers=[], targets={}, min_offers=5" in text
    assert "ivr_numbers=('8000', '8100')" in text
    assert len(list(Path("charts").glob("*.png"))) == 3


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["nothing"], "No snapshot could be read: there is no folder nothing", 1),
        (
            [SAMPLE, "--notebook", "weakly"],
            f"? Available: {', '.join(BUNDLED)}.",
            2,
        ),
        ([SAMPLE, "--notebook", "mine.ipynb"], "There is no notebook mine.ipynb", 1),
        (
            [SAMPLE, "-p", "date=2026-11-02"],
            "There is no parameter 'date'. Did you mean date_to or date_from? Available: snap",
            2,
        ),
        ([SAMPLE, "-p", "date_to"], "Write a parameter as name=value; got 'date_to'", 2),
        (
            [SAMPLE, "-p", "show_numbers=yes"],
            "The parameter 'show_numbers' must be true or false; got yes",
            2,
        ),
        ([SAMPLE, "-p", "direction=inn"], "direction must be one of unknown, in, out", 2),
        (
            [SAMPLE, "-p", "options=[8000]"],
            "The parameter 'options' must be a mapping; got [8000]",
            2,
        ),
        ([SAMPLE, "--from", "31/02/2026"], "--from must be a date that exists: month 02 of", 2),
        ([SAMPLE, "-p", "date_to=tomorrow"], "--to must be a date, a datetime, or text", 2),
        (
            [SAMPLE, "--from", "05/11/2026", "--to", "05/11/2026"],
            "--from (2026-11-05T00:00:00+07:00) must be before --to",
            2,
        ),
        ([SAMPLE, "--from", "2027-01-01"], "--from must be before the end of the snapshot", 2),
        (
            [SAMPLE, "--to", "2026-11-05", "-p", "date_to=2026-11-05"],
            "--to and the parameter 'date_to' are the same setting: omit one of them.",
            2,
        ),
        (
            [SAMPLE, "-p", 'options={"threshold": 3}'],
            "There is no option 'threshold'. Did you mean threshold_s? Available: time_zone, ",
            2,
        ),
        ([SAMPLE, "-p", 'targets={"asa": 3}'], "There is no measure 'asa'. Did you mean asa_s", 2),
        ([SAMPLE, "-p", "snapshot=other"], "The snapshot is the report's first argument", 2),
        ([SAMPLE, "-o", "."], ". is a folder", 1),
        ([SAMPLE, "-o", "/dev/null/r.html"], "No file can be written in /dev/null", 1),
    ],
)
def test_invalid_reports_are_rejected(
    arguments: list[str], message: str, code: int, capsys: Printed, tmp_path: Path
):
    assert app.main(["report", *arguments]) == code
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


HEAVY = (
    "altair", "vl_convert", "scipy", "IPython", "ipykernel", "nbclient", "nbconvert", "nbformat",
    "bleach", "mistune", "etelecom_analytics.charts", "etelecom_analytics.widgets",
)  # fmt: skip
REFUSALS = f"""
import sys, json, time
from etelecom_analytics.cli.app import main
cases = json.loads(sys.argv[1])
codes = [main(["report", *case]) for case in cases]
loaded = [name for name in {HEAVY!r} if name in sys.modules]
print(json.dumps([codes, loaded, time.process_time()]))
"""


def test_invalid_reports_are_refused_before_anything_heavy_is_imported(tmp_path: Path):
    cases = [
        [SAMPLE, "-p", "nope=1"],
        [SAMPLE, "-p", "show_numbers=yes"],
        [SAMPLE, "--from", "13/14/2026"],
        [SAMPLE, "--notebook", "weakly"],
        [SAMPLE, "--notebook", "mine.ipynb"],
        [SAMPLE, "-p", 'options={"threshold": 3}'],
        [SAMPLE, "-p", 'targets={"asa": 3}'],
        [SAMPLE, "-p", "direction=inn"],
        ["nothing"],
        [SAMPLE, "-o", "."],
    ]
    result = subprocess.run(
        [sys.executable, "-c", REFUSALS, json.dumps(cases)],
        capture_output=True,
        text=True,
        check=True,
    )

    codes, loaded, seconds = json.loads(result.stdout)
    assert codes == [2, 2, 2, 2, 1, 2, 2, 2, 1, 1]
    assert len(result.stderr.splitlines()) == len(cases)  # one line each
    assert loaded == []
    assert seconds < 2 * 2  # all of them in twice the time of one, on a busy machine
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_report_shows_progress_and_says_that_a_range_is_empty(capsys: Printed):
    arguments = ["report", SAMPLE, "--from", "01/01/2027", "--to", "08/01/2027"]
    shown = run_process(*arguments, TQDM_DISABLE="0")

    assert shown.returncode == 0
    assert "Running cells:" in shown.stderr
    assert re.search(r"100%.* (\d+)/\1 ", shown.stderr)
    first, *others = shown.stdout.splitlines()
    assert first == (
        "The snapshot has no calls in this range (from 2027-01-01, before 2027-01-08 "
        "(Asia/Ho_Chi_Minh)), so the report is empty: choose days from 2026-11-02 to 2026-11-08."
    )
    assert others[0].startswith("Settings: ")
    page = Path("report.html").read_bytes()
    iso = ["-p", "date_from=2027-01-01", "--to", "2027-01-08"]
    assert app.main(["report", SAMPLE, *iso]) == 0
    assert capsys.readouterr().err == ""
    assert Path("report.html").read_bytes() == page


@pytest.mark.slow
def test_serve_runs_until_ctrl_c(tmp_path: Path):
    command = [sys.executable, "-m", "etelecom_analytics", "serve", "--calls", "30", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        settings: dict[str, str] = {}
        while len(settings) < 2:
            name, _, value = process.stdout.readline().strip().partition("=")
            settings |= {name: value} if value else {}
        check = subprocess.run(
            [sys.executable, "-m", "etelecom_analytics", "check"],
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        code = process.wait(timeout=10)
        message = process.stderr.read() if process.stderr else ""
    assert check.returncode == 0, check.stderr
    assert "There are calls to fetch" in check.stdout
    assert (code, message) == (130, "etelecom: stopped.\n")
    assert time.monotonic() - start < 5


@pytest.mark.slow
def test_serve_can_use_a_snapshot(capsys: Printed, monkeypatch: pytest.MonkeyPatch):
    app.main(["demo", "--calls", "20"])
    monkeypatch.setattr(time, "sleep", lambda seconds: (_ for _ in ()).throw(KeyboardInterrupt))

    assert app.main(["serve", "--snapshot", "etelecom-demo", "--port", "0"]) == 130
    assert "Serving 20 calls" in capsys.readouterr().out


def test_serve_has_the_preset_and_its_directory(capsys: Printed, monkeypatch: pytest.MonkeyPatch):
    """The calls of the preset "full", and the names of its people, while the server runs."""
    expected = et.simulate_calls(60, seed=7, preset="full", start="2026-11-02", days=3)
    received: list[bool] = []

    def fetch(_: float) -> None:
        settings = dict(
            line.split("=", 1)
            for line in capsys.readouterr().out.splitlines()
            if line.startswith("ETELECOM_")
        )
        with et.Client(settings["ETELECOM_BASE_URL"], settings["ETELECOM_API_KEY"]) as client:
            received.append(et.fetch_calls(client, progress=False).calls.equals(expected.calls))
            former = et.fetch_extensions(client)["expires_at"].drop_nulls()
            received.append(former.len() == 1)
        raise KeyboardInterrupt

    monkeypatch.setattr("etelecom_analytics.cli.serve.time", SimpleNamespace(sleep=fetch))
    arguments = ["--calls", "60", "--days", "3", "--seed", "7", "--port", "0"]

    assert app.main(["serve", "--preset", "full", *arguments]) == 130
    assert received == [True, True]
    assert app.main(["serve", "--preset", "ful", *arguments]) == 2
    assert "Did you mean full" in capsys.readouterr().err
