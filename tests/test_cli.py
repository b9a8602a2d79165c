"""The command line as an analyst meets it: help, results, exit codes, and sentences instead of tracebacks."""

import html
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

import etelecom_analytics as et
from etelecom_analytics.cli import app
from etelecom_analytics.reports import BUNDLED
from etelecom_analytics.reports.parameters import parameters_of
from etelecom_analytics.simulator import Answer, CallLogServer

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _settings(monkeypatch: pytest.MonkeyPatch, server: CallLogServer) -> None:
    monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)


def test_demo_shows_days_and_headline_numbers_and_leaves_a_snapshot(
    capsys: Printed, tmp_path: Path
):
    assert app.main(["demo", "--calls", "400"]) == 0

    out = capsys.readouterr().out
    assert len(re.findall(r"^\| 2026-11-0[2-8] ", out, re.MULTILINE)) == 7
    for name in ("offered", "answer_rate", "asa_s", "wait_p90_s", "talk_avg_s"):
        assert re.search(rf"^  {name} +\S+", out, re.MULTILINE)
    assert str(tmp_path / "etelecom-demo") in out
    logs = et.read_snapshot("etelecom-demo")
    assert logs.calls.height == 400
    assert logs.report.drift == ()


def test_the_numbers_of_the_demo_are_those_of_its_snapshot(capsys: Printed):
    app.main(["demo", "--calls", "300", "--seed", "3"])
    calls = et.read_snapshot("etelecom-demo").calls

    ivr = et.simulate_calls(300, seed=3).truth.ivr_numbers
    calls_in = calls.filter(et.CallQuery(direction="in").to_expr())
    row = et.summarize(calls_in, options=et.MetricOptions(ivr_numbers=ivr)).row(0, named=True)
    out = capsys.readouterr().out
    assert re.search(rf"offered +{row['offered']} ", out)
    assert re.search(rf"answer_rate +{row['answer_rate']:.1%} ", out)
    assert re.search(rf"asa_s +{row['asa_s']:.1f} s ", out)


def test_a_second_demo_replaces_the_first_only_when_asked(capsys: Printed):
    assert app.main(["demo", "--calls", "50"]) == 0
    assert app.main(["demo", "--calls", "60"]) == 1
    assert "--replace" in capsys.readouterr().err
    assert app.main(["demo", "--calls", "60", "--replace"]) == 0
    assert et.read_snapshot("etelecom-demo").calls.height == 60


@pytest.mark.usefixtures("_settings")
def test_check_asks_once_and_says_that_all_is_well(capsys: Printed, server: CallLogServer):
    assert app.main(["check"]) == 0

    assert "takes the key" in capsys.readouterr().out
    assert [received.body["paging"] for received in server.requests] == [{"limit": 1}]


@pytest.mark.usefixtures("_settings")
def test_check_does_not_retry(capsys: Printed, server: CallLogServer):
    server.script(Answer(status=503))

    assert app.main(["check"]) == 1
    assert len(server.requests) == 1
    assert "Try again in a few minutes" in capsys.readouterr().err


@pytest.mark.usefixtures("_settings")
def test_a_wrong_key_is_a_sentence_without_the_key(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ETELECOM_API_KEY", "sk-wrong-123456789")

    assert app.main(["check"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("etelecom: The server does not accept this API key")
    assert "Check the key in ETELECOM_API_KEY" in err
    assert "sk-wrong" not in err


def test_without_settings_it_says_how_to_set_them(capsys: Printed):
    assert app.main(["check"]) == 2
    assert "ETELECOM_BASE_URL is not set" in capsys.readouterr().err


@pytest.mark.usefixtures("_settings")
def test_fetch_leaves_a_snapshot_of_the_query(capsys: Printed):
    arguments = [
        "--from",
        "2026-11-03",
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
def test_every_filter_of_the_api_can_be_given(server: CallLogServer):
    options = {
        "--state": "answered", "--number": "0900000001", "--extension": "11", "--user": "12", "--hotline": "13", "--department": "14",
        "--external-id": "a", "--external-session-id": "b", "--direction": "in", "--from": "2026-11-02", "--to": "2026-11-03",
    }  # fmt: skip
    arguments = [word for pair in options.items() for word in pair]

    assert (
        app.main(["fetch", "week", *arguments, "--extension", "15", "--duration", "less_than", "9"])
        == 0
    )
    assert len(server.requests[-1].body["filter"]) == 12
    assert server.requests[-1].body["filter"]["extension_ids"] == ["11", "15"]


@pytest.mark.usefixtures("_settings")
def test_an_empty_range_says_what_to_try(capsys: Printed):
    assert app.main(["fetch", "nothing", "--to", "2020-01-01"]) == 0
    assert "widen the dates" in capsys.readouterr().out


@pytest.mark.usefixtures("_settings")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "yesterday"], "date_from takes a date"),
        (["--from", "2026-11-05", "--to", "2026-11-05"], "date_to is the day after"),
        (["--extension", "abc"], "extension_ids is an id"),
        (["--duration", "under", "30"], "less_than_or_equal_to"),
        (["--duration", "less_than", "half"], "whole seconds"),
        (["--time-zone", "Hanoi"], "There is no time zone 'Hanoi'"),
    ],
)
def test_a_wrong_query_is_refused_before_anything_is_sent(
    arguments: list[str], says: str, capsys: Printed, server: CallLogServer
):
    assert app.main(["fetch", "week", *arguments]) == 2
    assert says in capsys.readouterr().err
    assert not server.requests


@pytest.mark.usefixtures("_settings")
def test_an_existing_folder_is_noticed_before_the_fetch(capsys: Printed, server: CallLogServer):
    Path("week").mkdir()

    for arguments in (["fetch", "week"], ["fetch", "week", "--replace"]):
        assert app.main(arguments) == 1
        assert "is no snapshot, so it is not replaced" in capsys.readouterr().err
    assert not server.requests


@pytest.mark.parametrize("command", ["demo", "check", "fetch", "sync", "report", "serve"])
def test_every_command_explains_itself(command: str, capsys: Printed):
    with pytest.raises(SystemExit) as caught:
        app.main([command, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert f"usage: etelecom {command}" in out
    assert ("ETELECOM_API_KEY" in out) is (command in ("check", "fetch", "sync"))
    assert "exit codes: 0 done" in out


@pytest.mark.parametrize(
    "arguments", [[], ["demonstrate"], ["demo", "--calls", "-3"], ["demo", "--days", "many"]]
)
def test_what_is_no_command_is_exit_code_2(arguments: list[str], capsys: Printed):
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


@pytest.mark.parametrize(
    ("command", "says", "code"),
    [
        ("demo --calls 20 --snapshot-only > /dev/full", "No space left on device", 1),
        ("demo --calls 20 --snapshot-only --output " + "x" * 300, "File name too long", 1),
        ("demo --calls 20 --snapshot-only --output /proc/nope", "at /proc/nope", 1),
        ("demo --days 99999999", "at most 3660 days", 2),
        ("demo --calls 20 --snapshot-only | head -n 1", "", 0),
        ("demo --calls 20 --snapshot-only >&-", "", 0),
        ("demo --calls 20 --snapshot-only 2>&-", "", 0),
        ("PYTHONIOENCODING=ascii demo --calls 20 --snapshot-only --output 'thư mục'", "", 0),
        ("ETELECOM_BASE_URL='https://[::1' ETELECOM_API_KEY=x check", "base_url is an address", 2),
    ],
)
def test_nothing_of_this_is_a_traceback(command: str, says: str, code: int):
    variables, _, rest = (
        command.rpartition("demo ") if "demo" in command else command.rpartition("check")
    )
    name = "demo" if "demo" in command else "check"
    shell = f"set -o pipefail; {variables}{sys.executable} -m etelecom_analytics {name} {rest}"
    done = subprocess.run(["/bin/bash", "-c", shell], capture_output=True, text=True, check=False)

    assert "Traceback" not in done.stderr
    assert says in done.stderr
    assert done.returncode == code, done.stderr


def test_a_port_that_is_taken_is_a_sentence(capsys: Printed, server: CallLogServer):
    port = server.base_url.split(":")[2].split("/")[0]

    assert app.main(["serve", "--calls", "5", "--port", port]) == 2
    assert f"Port {port} cannot be listened on" in capsys.readouterr().err


SAMPLE = str(Path(__file__).parent.parent / "data" / "sample")


def test_the_help_tells_every_parameter_of_the_bundled_reports(capsys: Printed):
    with pytest.raises(SystemExit):
        app.main(["report", "--help"])
    told = capsys.readouterr().out

    folder = Path(et.__file__).parent / "reports" / "notebooks"
    for name in BUNDLED:
        for parameter in parameters_of(nbformat.read(folder / f"{name}.ipynb", 4), name):
            assert parameter == "snapshot" or f"  {parameter} " in told.replace(",", " ").replace(
                " date_to", "  date_to"
            )
    assert "ETELECOM_API_KEY" not in told  # no key is needed


def test_report_leaves_one_file_and_pictures(capsys: Printed, tmp_path: Path):
    given = [
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
                *given,
                "-o",
                "sent/r.html",
                "--png",
                "charts",
            ]
        )
        == 0
    )
    assert str(tmp_path / "sent" / "r.html") in capsys.readouterr().out
    shown = html.unescape(Path("sent/r.html").read_text(encoding="utf-8"))
    assert (
        'date_from="2026-11-03", date_to="", show_numbers=false, own_numbers=[], min_offers=5'
        in shown
    )
    assert "ivr_numbers=('8000', '8100')" in shown
    assert len(list(Path("charts").glob("*.png"))) == 3


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["nothing"], "No snapshot could be read: there is no folder nothing", 1),
        (
            [SAMPLE, "--notebook", "weakly"],
            "There is no bundled report 'weakly'. Did you mean weekly?",
            2,
        ),
        ([SAMPLE, "--notebook", "mine.ipynb"], "There is no notebook mine.ipynb", 1),
        (
            [SAMPLE, "-p", "date=2026-11-02"],
            "There is no parameter 'date'. Did you mean date_to or date_from?",
            2,
        ),
        ([SAMPLE, "-p", "date_to"], "A parameter is given as name=value; got 'date_to'", 2),
        (
            [SAMPLE, "-p", "show_numbers=yes"],
            "The parameter 'show_numbers' is true or false; got yes",
            2,
        ),
        ([SAMPLE, "-p", "direction=inn"], "direction is one of unknown, in, out", 2),
        ([SAMPLE, "-p", "options=[8000]"], "The parameter 'options' is a mapping; got [8000]", 2),
        ([SAMPLE, "-p", "snapshot=other"], "The snapshot is the report's first argument", 2),
        ([SAMPLE, "-o", "."], ". is a folder", 1),
        ([SAMPLE, "-o", "/dev/null/r.html"], "Nothing can be written in /dev/null", 1),
    ],
)
def test_what_is_wrong_with_a_report_is_a_sentence(
    arguments: list[str], says: str, code: int, capsys: Printed, tmp_path: Path
):
    assert app.main(["report", *arguments]) == code
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_serve_serves_until_ctrl_c(tmp_path: Path):
    command = [sys.executable, "-m", "etelecom_analytics", "serve", "--calls", "30", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        settings: dict[str, str] = {}
        while len(settings) < 2:
            name, _, value = process.stdout.readline().strip().partition("=")
            settings |= {name: value} if value else {}
        checked = subprocess.run(
            [sys.executable, "-m", "etelecom_analytics", "check"],
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        code = process.wait(timeout=10)
        told = process.stderr.read() if process.stderr else ""
    assert checked.returncode == 0, checked.stderr
    assert "There are calls to fetch" in checked.stdout
    assert (code, told) == (130, "etelecom: stopped.\n")
    assert time.monotonic() - began < 5


def test_a_snapshot_can_be_served(capsys: Printed, monkeypatch: pytest.MonkeyPatch):
    app.main(["demo", "--calls", "20"])
    monkeypatch.setattr(time, "sleep", lambda seconds: (_ for _ in ()).throw(KeyboardInterrupt))

    assert app.main(["serve", "--snapshot", "etelecom-demo", "--port", "0"]) == 130
    assert "Serving 20 calls" in capsys.readouterr().out
