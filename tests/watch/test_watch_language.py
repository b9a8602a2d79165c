"""etelecom watch in Vietnamese: printed sentences; the log and what is posted stay English."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.pseudo import untranslated

from etelecom_analytics.cli import app
from etelecom_analytics.language import PSEUDO, speaking
from etelecom_analytics.simulator import CallLogServer
from etelecom_analytics.watch.delivery import post_document
from etelecom_analytics.watch.rules import Alarm

from .conftest import Watch

pytestmark = pytest.mark.slow

NAMES = ["Asia/Ho_Chi_Minh", "etelecom.toml", "etelecom:", "Sync", "--since"]


def write_site(*lines: str) -> None:
    text = "\n".join(["[watch]", 'measures = ["offered"]', *lines, ""])
    Path("etelecom.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def words(watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs the command in the pseudo-language; returns the words outside of the catalogue."""
    monkeypatch.setattr(app, "language_of", lambda _: PSEUDO)

    def run(*arguments: str) -> list[str]:
        result = watch(*arguments)
        assert result.stdout + result.stderr
        return untranslated(result.stdout + result.stderr, [*NAMES, str(tmp_path)])

    return run


def test_an_ordinary_day_has_no_text_outside_of_the_catalogue(words, ordinary: CallLogServer):
    write_site()
    assert words("--dry-run") == []  # the last day is missing
    assert words() == []
    assert words() == []  # no new day


def test_an_alarm_has_no_text_outside_of_the_catalogue(words, dropped: CallLogServer):
    write_site('quiet_hours = ["00:00", "23:59"]')
    assert words() == []  # held back
    write_site()
    assert words("--quiet") == []


def test_an_alarm_is_printed_in_vietnamese_and_logged_in_english(
    watch: Watch, dropped: CallLogServer, folder: Path, last_day: date
):
    write_site()
    result = watch("--quiet", "--language", "vi")

    assert result.returncode == 1
    assert result.stdout.startswith("Cuộc gọi cần trả lời ")
    assert f"{last_day:%d/%m/%Y}" in result.stdout
    (event,) = [
        json.loads(line)
        for line in folder.with_name("calls.alerts.jsonl").read_text("utf-8").splitlines()
        if '"alarm"' in line
    ]
    assert (event["measure"], event["day"]) == ("offered", last_day.isoformat())


def test_what_is_posted_is_english():
    alarm = Alarm(
        rule="usual_range",
        signal="outside",
        measure="answer_rate",
        side="low",
        day=date(2026, 11, 2),
        value=0.62,
        usual=0.88,
        low=0.8,
        high=0.93,
    )
    english = post_document([alarm])
    with speaking("vi"):
        assert post_document([alarm]) == english

    assert english["text"] == (
        "Answer rate on Monday, 2026-11-02: 62.0 %, below the usual range of 80.0 % to 93.0 %."
    )


def test_a_short_history_is_reported_in_the_language(
    words, ordinary: CallLogServer, last_day: date, capsys: pytest.CaptureFixture[str]
):
    since = (last_day - timedelta(days=3)).isoformat()
    app.main(["watch", "other", "--since", since, "--quiet"])

    assert untranslated(capsys.readouterr().err, NAMES) == []
