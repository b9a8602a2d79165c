"""The command line in another language: --language, the site file, and every printed text."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from support.pseudo import untranslated

import etelecom_analytics as et
from etelecom_analytics.cli import app
from etelecom_analytics.language import PSEUDO, current_language, speaking
from etelecom_analytics.metrics import DEFAULT_MEASURES
from etelecom_analytics.simulator import CallLogServer, faults, serve

Printed = pytest.CaptureFixture[str]
Run = Callable[..., str]
SPAN = ["--since", "2024-01-01", "--until", "2024-01-03"]
NAMES = [
    *(
        "etelecom.toml",
        "Asia/Ho_Chi_Minh",
        "CallLogs",
        "SyncReport",
        "ArchiveStatus",
        "ForgetProof",
    ),
    *("etelecom:", "ETELECOM_BASE_URL", "ETELECOM_API_KEY", "parquet", "json", "local_day"),
]
"""Names of files and of this package."""


@pytest.fixture(scope="module")
def served() -> pl.DataFrame:
    return et.simulate_calls(260, seed=3, start=date(2024, 1, 1), days=2).calls


@pytest.fixture
def server(
    served: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[CallLogServer]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ETELECOM_SITE", raising=False)
    with serve(served) as one:
        monkeypatch.setenv("ETELECOM_BASE_URL", one.base_url)
        monkeypatch.setenv("ETELECOM_API_KEY", one.api_key)
        yield one


@pytest.fixture
def pseudo(
    server: CallLogServer, monkeypatch: pytest.MonkeyPatch, capsys: Printed, tmp_path: Path
) -> Run:
    """Runs a command in the pseudo-language; returns the words outside of the catalogue."""
    monkeypatch.setattr(app, "language_of", lambda _: PSEUDO)

    def run(*arguments: str) -> str:
        app.main(arguments)
        captured = capsys.readouterr()
        text = captured.out + captured.err
        assert text.strip()
        names = [*NAMES, server.base_url, server.api_key, str(tmp_path)]
        return " ".join(untranslated(text, names))

    return run


def test_fetch_has_no_text_outside_of_the_catalogue(pseudo: Run):
    assert pseudo("check") == ""
    assert (
        pseudo("fetch", "week", "--quiet", "--from", "2024-01-01", "--to", "2024-01-02") == "week"
    )
    assert (
        pseudo("fetch", "none", "--quiet", "--from", "2023-01-01", "--to", "2023-01-02") == "none"
    )
    assert (
        pseudo("fetch", "out", "--quiet", "--direction", "out", "--duration", "less_than", "9")
        == "out"
    )


def test_labels_of_hotlines_have_no_text_outside_of_the_catalogue(pseudo: Run):
    assert pseudo("fetch", "week", "--quiet", "--label-hotlines") == "week"
    assert pseudo("sync", "calls", *SPAN, "--label-hotlines") == ""


def test_an_incomplete_fetch_has_no_other_text_than_its_error(server: CallLogServer, pseudo: Run):
    command = ["fetch", "week", "--quiet", "--workers", "1"]
    server.misbehave(faults.error_status(400), when=lambda request: request.number >= 3)
    words = pseudo(*command)

    assert Path("week.partial").is_dir()
    assert words
    assert "received" not in words  # the sentence before it is the error of the server
    assert pseudo(*command, "--direction", "in") == ""  # the calls of another query
    server.forget()
    assert pseudo(*command) == "week"


def test_sync_and_verify_have_no_text_outside_of_the_catalogue(pseudo: Run, served: pl.DataFrame):
    assert pseudo("sync", "calls", *SPAN) == ""
    assert pseudo("sync", "calls", *SPAN) == ""  # nothing to fetch
    assert pseudo("sync", "empty", "--since", "2023-01-01", "--until", "2023-01-02") == ""
    assert pseudo("verify", "calls") == ""
    file = next(Path("calls").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-9])
    places = str(file.relative_to("calls")).replace("/", " ")
    for arguments in (["verify", "calls"], ["verify", "calls", "--repair"]):
        words = pseudo(*arguments)
        assert set(words.split()) <= set(untranslated(places)) | {"local", "day"}
    caller = served.filter(direction="in")["caller"].drop_nulls()[0]
    assert pseudo("sync", "calls", *SPAN) is not None  # it fetches the damaged day again
    assert pseudo("forget", "calls", caller) == ""


def test_a_site_with_other_settings_is_reported_in_the_language(pseudo: Run):
    pseudo("sync", "calls", *SPAN, "--no-site")
    Path("etelecom.toml").write_text('ivr_numbers = ["8000"]\n', encoding="utf-8")

    assert pseudo("sync", "calls", *SPAN) == ""


def test_init_has_no_text_outside_of_the_catalogue(pseudo: Run):
    assert pseudo("init") == ""
    assert pseudo("init") == ""  # the file exists
    assert pseudo("init", "none", "--force") == ""
    pseudo("fetch", "week", "--quiet")
    assert pseudo("init", "week", "--force") == ""


def test_serve_has_no_text_outside_of_the_catalogue(pseudo: Run, monkeypatch: pytest.MonkeyPatch):
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", stop)
    words = pseudo("serve", "--port", "0", "--calls", "5")

    assert "Serving" not in words
    assert "stopped" not in words


def test_demo_has_no_text_outside_of_the_catalogue(
    server: CallLogServer, monkeypatch: pytest.MonkeyPatch, capsys: Printed, tmp_path: Path
):
    monkeypatch.setattr(app, "language_of", lambda _: PSEUDO)
    app.main(["demo", "--calls", "40", "--days", "1", "--snapshot-only"])
    out = capsys.readouterr().out
    code = "import etelecom_analytics as et; logs = et.read_snapshot('etelecom-demo')"
    names = [*NAMES, *DEFAULT_MEASURES, code, str(tmp_path), "| day"]

    assert untranslated(out, names) == []
    assert "| 02/11/2026 |" in out


def test_the_language_is_an_option_of_the_program_and_of_each_command(
    server: CallLogServer, capsys: Printed
):
    for arguments in (["--language", "vi", "check"], ["check", "--language", "vi"]):
        assert app.main(arguments) == 0
        assert capsys.readouterr().out == (
            f"{server.base_url} trả lời và chấp nhận khóa. Có cuộc gọi để tải.\n"
        )
    assert app.main(["--language", "vi", "check", "--language", "en"]) == 0
    assert capsys.readouterr().out.endswith("There are calls to fetch.\n")
    assert current_language() == "en"
    with pytest.raises(SystemExit):
        app.main(["--language", "fr", "check"])


def test_the_site_file_has_the_language(server: CallLogServer, capsys: Printed):
    Path("etelecom.toml").write_text('language = "vi"\n', encoding="utf-8")
    app.main(["check"])
    assert "Có cuộc gọi để tải." in capsys.readouterr().out
    app.main(["sync", "calls", *SPAN])
    assert "đã tải 2, trong đó 2 mới" in capsys.readouterr().out
    app.main(["sync", "calls", *SPAN, "--no-site"])
    assert "No day was fetched" in capsys.readouterr().out
    app.main(["check", "--language", "en"])
    assert "There are calls to fetch." in capsys.readouterr().out


def test_a_broken_site_file_stops_only_commands_that_need_it(
    server: CallLogServer, capsys: Printed
):
    Path("etelecom.toml").write_text('language = "fr"\n', encoding="utf-8")
    assert app.main(["check"]) == 0
    assert app.main(["sync", "calls", *SPAN]) == 2
    assert "language" in capsys.readouterr().err


def test_files_do_not_depend_on_the_language(server: CallLogServer):
    contents = []
    for language in ("en", "vi"):
        folder = Path(language)
        app.main(["fetch", language, "--quiet", "--direction", "in", "--language", language])
        app.main(["--language", language, "init", str(folder), "-o", f"{language}.toml"])
        calls = et.read_snapshot(folder)
        contents.append((calls.calls, calls.query.to_dict(), Path(f"{language}.toml").read_text()))

    assert contents[0][0].equals(contents[1][0])
    assert contents[0][1:] == contents[1][1:]


def test_queries_are_described_in_vietnamese():
    query = et.CallQuery(
        direction="in",
        call_state="not_answered",
        duration=("less_than", 30),
        extension_ids=["1140000000000000003", "1140000000000000010"],
        date_from="2026-11-02T08:30",
        date_to="2026-11-09",
    )
    with speaking("vi"):
        text = str(query)

    assert text == (
        "cuộc gọi đến, trạng thái không được trả lời, thời lượng dưới 30 giây, máy nhánh "
        "1140000000000000003 hoặc 1140000000000000010, từ 02/11/2026 08:30:00+07:00, trước "
        "09/11/2026 (Asia/Ho_Chi_Minh)"
    )
    assert str(query).startswith("inbound direction, call state not_answered, duration less than")
