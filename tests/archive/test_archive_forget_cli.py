"""etelecom forget: the proof on success, and one sentence and an exit code otherwise."""

import io
import json
from pathlib import Path

import polars as pl
import pytest
from support.forgotten_person import NUMBER, PSEUDONYM_KEY, add_person, places

import etelecom_analytics as et
from etelecom_analytics.archive.folder import exclusive_lock
from etelecom_analytics.cli import app
from etelecom_analytics.phone_numbers import pseudonym
from etelecom_analytics.simulator import CallLogServer, serve
from etelecom_analytics.simulator.rows import wire_rows

Printed = pytest.CaptureFixture[str]
SPAN = ["--since", "2024-01-01", "--until", "2024-01-04"]


@pytest.fixture(scope="module")
def server(past_calls: pl.DataFrame):
    with serve(add_person(wire_rows(past_calls.tail(150)))) as server:
        yield server


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, server: CallLogServer, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)


@pytest.mark.slow
def test_proof_is_printed_without_the_number(capsys: Printed, monkeypatch: pytest.MonkeyPatch):
    assert app.main(["sync", "calls", *SPAN]) == 0
    et.Archive("calls").snapshot(None, "week")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NUMBER}\n"))
    assert app.main(["forget", "calls", "--snapshot", "week"]) == 0

    printed = capsys.readouterr()
    assert "the number occurs 0 times" in printed.out
    assert "1 snapshots replaced" in printed.out
    assert NUMBER not in printed.out + printed.err
    assert not places(Path("calls"))
    assert not places(Path("week"))
    assert app.main(["forget", "calls", "+84 912 345 678"]) == 0
    assert app.main(["sync", "calls", *SPAN, "--lookback", "90000d"]) == 0
    assert not places(Path("calls"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("hello", "is not a phone number"),
        ("102", "is an own extension"),
        ("0911111111", "does not occur in the archive"),
    ],
)
def test_number_of_nobody_has_exit_code_1(number: str, sentence: str, capsys: Printed):
    assert app.main(["sync", "calls", *SPAN, "--quiet"]) == 0
    assert app.main(["forget", "calls", number]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("etelecom: ")
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
    assert not (Path("calls") / "_forgotten").exists()


def test_folder_without_an_archive_has_exit_code_1(capsys: Printed):
    assert app.main(["forget", "nothing", NUMBER]) == 1
    assert "There is no archive" in capsys.readouterr().err
    assert app.main(["sync", "calls", *SPAN]) == 0
    assert app.main(["forget", "calls", NUMBER, "--snapshot", "nothing"]) == 1
    assert "No snapshot could be read" in capsys.readouterr().err
    assert places(Path("calls"))
    assert not (Path("calls") / "_forgotten").exists()


def test_running_sync_has_exit_code_75(capsys: Printed):
    assert app.main(["sync", "calls", *SPAN]) == 0
    with exclusive_lock(Path("calls")):
        assert app.main(["forget", "calls", NUMBER]) == 75
    assert "another process: try again" in capsys.readouterr().err
    assert places(Path("calls"))
    assert not (Path("calls") / "_forgotten").exists()


def test_key_of_pseudonyms_is_in_the_environment(capsys: Printed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ETELECOM_PRIVACY_KEY", PSEUDONYM_KEY)
    assert app.main(["sync", "calls", *SPAN, "--numbers", "pseudonymized"]) == 0
    word = pseudonym(NUMBER, PSEUDONYM_KEY.encode())
    assert places(Path("calls"), word)
    monkeypatch.delenv("ETELECOM_PRIVACY_KEY")
    assert app.main(["forget", "calls", NUMBER]) == 1
    assert "set ETELECOM_PRIVACY_KEY" in capsys.readouterr().err
    monkeypatch.setenv("ETELECOM_PRIVACY_KEY", PSEUDONYM_KEY)
    assert app.main(["forget", "calls", NUMBER]) == 0
    assert not places(Path("calls"), word)
    (line,) = (Path("calls") / "_forgotten" / "audit.jsonl").read_text().splitlines()
    assert json.loads(line)["hits"] == 0
