"""etelecom sync: its summary, silence with --quiet, and an exit code for each kind of failure."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.archive.folder import exclusive_lock
from etelecom_analytics.cli import app
from etelecom_analytics.simulator import CallLogServer

Printed = pytest.CaptureFixture[str]
SPAN = ["--since", "2024-01-01", "--until", "2024-01-09"]


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, past_server: CallLogServer, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", past_server.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", past_server.api_key)


@pytest.mark.slow
def test_quiet_sync_prints_nothing(capsys: Printed, past_calls: pl.DataFrame):
    ivr = ["--ivr", "8000", "--ivr", "8100"]
    assert app.main(["sync", "calls", *SPAN, *ivr, "--quiet"]) == 0

    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    archive = et.Archive("calls")
    assert archive.status().rows == past_calls.height
    assert archive.ivr_numbers == ("8000", "8100")


@pytest.mark.slow
def test_sync_prints_a_summary_into_a_pipe(past_calls: pl.DataFrame):
    first, second = (
        subprocess.run(
            [sys.executable, "-m", "etelecom_analytics", "sync", "calls", *SPAN],
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    )

    assert f"{past_calls.height:,} added" in first.stdout
    assert "complete   through 2024-01-09" in first.stdout
    assert "No day was fetched" in second.stdout
    assert (first.stderr, second.stderr) == ("", "")  # no progress bar without a terminal


def test_empty_range_is_not_called_a_success(capsys: Printed):
    assert app.main(["sync", "calls", "--since", "09/01/2024", "--until", "2024-01-09"]) == 2
    assert capsys.readouterr().err == (
        "etelecom: --since must be before the end of the range, which is not part of it: "
        "2024-01-09 is not before 2024-01-09.\n"
    )
    assert not Path("calls").exists()

    assert app.main(["sync", "calls", "--since", "01/02/2020", "--until", "03/02/2020"]) == 0
    assert "These days have no calls" in capsys.readouterr().out


def test_days_in_the_future_are_not_called_days_without_calls(capsys: Printed):
    assert app.main(["sync", "calls", "--since", "01/01/2090", "--until", "03/01/2090"]) == 0

    out = capsys.readouterr().out
    assert "\n  complete   none\n  missing    2090-01-01 00:00+07:00 to 2090-01-03 00:00" in out
    assert "unfinished 2090-01-01, 2090-01-02: will be fetched again" in out
    assert out.endswith("Nothing was fetched: these dates are not in the past.\n")


@pytest.mark.slow
def test_data_loss_has_exit_code_3(capsys: Printed, past_server: CallLogServer):
    app.main(["sync", "calls", *SPAN])
    past_server.misbehave(
        lambda received, answer: et.simulator.Answer(body={"call_logs": [], "paging": {"next": ""}})
    )

    assert app.main(["sync", "calls", *SPAN, "--lookback", "90000d"]) == 3
    assert "--accept-loss" in capsys.readouterr().err
    assert app.main(["sync", "calls", *SPAN, "--lookback", "90000d", "--accept-loss"]) == 0
    assert et.Archive("calls").status().rows == 0


@pytest.mark.slow
def test_running_sync_has_exit_code_75(capsys: Printed):
    app.main(["sync", "calls", *SPAN])
    with exclusive_lock(Path("calls")):
        assert app.main(["sync", "calls", *SPAN]) == 75
    assert "another process: try again" in capsys.readouterr().err


@pytest.mark.slow
def test_failed_sync_has_exit_code_1_and_the_next_one_continues(
    capsys: Printed, past_server: CallLogServer, past_calls: pl.DataFrame
):
    past_server.misbehave(
        lambda received, answer: et.simulator.Answer(
            status=400, body={"code": "invalid_argument", "msg": "no"}
        ),
        when=lambda received: received.number > 6,
    )
    assert app.main(["sync", "calls", *SPAN]) == 1
    assert "sync again for the rest" in capsys.readouterr().err
    past_server.forget()
    assert app.main(["sync", "calls", *SPAN]) == 0
    assert et.Archive("calls").status().rows == past_calls.height


def test_invalid_input_has_exit_code_2(capsys: Printed):
    assert app.main(["sync", "calls"]) == 2
    assert "--since" in capsys.readouterr().err
    assert app.main(["sync", "calls", *SPAN, "--lookback", "soon"]) == 2
    assert app.main(["sync", "calls", *SPAN, "--numbers", "pseudonymized"]) == 2
    assert "ETELECOM_PRIVACY_KEY is not set" in capsys.readouterr().err
    assert not Path("calls").exists()


@pytest.mark.slow
def test_numbers_are_pseudonymized_before_they_are_written(
    monkeypatch: pytest.MonkeyPatch, past_calls: pl.DataFrame
):
    monkeypatch.setenv("ETELECOM_PRIVACY_KEY", "a key for the tests, 0123456789")
    assert app.main(["sync", "calls", *SPAN, "--numbers", "pseudonymized", "--ivr", "8000"]) == 0
    assert app.main(["sync", "calls", *SPAN, "--numbers", "pseudonymized"]) == 0

    callers = set(et.Archive("calls").scan().collect()["caller"].drop_nulls())
    assert not callers & {number for number in past_calls["caller"].drop_nulls() if len(number) > 5}
    assert app.main(["sync", "calls", *SPAN]) == 1
    assert (
        app.main(
            ["sync", "masked", *SPAN, "--numbers", "masked", "--keep-notes", "--keep-recordings"]
        )
        == 0
    )
    stored = et.Archive("masked").scan().collect().sort("id")
    assert_frame_equal(
        stored.select("note", "recording_urls"),
        past_calls.sort("id").select("note", "recording_urls"),
    )
