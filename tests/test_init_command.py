"""etelecom init, and the commands that read the file that it wrote."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.cli import app
from etelecom_analytics.simulator import CallLogServer
from etelecom_analytics.site import SITE_VARIABLE
from etelecom_analytics.site_file import SETTINGS
from etelecom_analytics.site_template import site_template

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample"
Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(SITE_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _settings(monkeypatch: pytest.MonkeyPatch, server: CallLogServer) -> None:
    monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The result of a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "etelecom_analytics", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_init_proposes_a_file_from_a_snapshot():
    result = command("init", str(SAMPLE))

    assert (result.returncode, result.stderr) == (0, "")
    assert str(Path("etelecom.toml").resolve()) in result.stdout
    assert "IVR numbers that the calls show: 8000" in result.stdout
    text = Path("etelecom.toml").read_text(encoding="utf-8")
    assert "#   8100: 145 calls, 100% of the legs answered within 1 s, 99% followed" in text
    assert "dialled in 78% of inbound calls" in text
    site = et.Site.load()
    assert (site.ivr_numbers, site.queue_numbers) == (("8000",), ("8100",))
    assert site.own_numbers == ("19000123", "02873000456")


def test_init_without_data_writes_comments_only(capsys: Printed):
    assert app.main(["init"]) == 0

    assert "etelecom init FOLDER proposes numbers" in capsys.readouterr().out
    assert et.Site.load() == et.Site()


def test_init_never_overwrites_a_file_without_force(capsys: Printed):
    Path("etelecom.toml").write_text('ivr_numbers = ["1"]', encoding="utf-8")

    assert app.main(["init", str(SAMPLE)]) == 2
    assert "pass --force" in capsys.readouterr().err
    assert et.Site.load().ivr_numbers == ("1",)
    assert app.main(["init", str(SAMPLE), "--force"]) == 0
    assert et.Site.load().ivr_numbers == ("8000",)


def test_init_names_a_folder_that_has_no_calls(capsys: Printed):
    assert app.main(["init", "."]) == 2
    assert "no snapshot and no archive" in capsys.readouterr().err
    assert not Path("etelecom.toml").exists()


def test_init_reads_an_archive(server: CallLogServer):
    client = et.Client(server.base_url, server.api_key)
    et.Archive("archive", time_zone="UTC").sync(
        client, since="2026-11-02", until="2026-11-09", progress=False
    )

    assert app.main(["init", "archive"]) == 0
    site = et.Site.load()
    assert (site.ivr_numbers, site.time_zone) == (("8000",), "UTC")


def test_each_line_of_the_template_is_valid_without_its_mark():
    text = site_template(et.sample_logs().calls)
    lines = [line.removeprefix("# ") for line in text.splitlines() if not line.startswith("#  ")]
    settings = [
        line for line in lines if line.startswith("[") or (" = " in line and line.split()[1] == "=")
    ]
    site = tomllib.loads("\n".join(settings))

    assert set(site) == set(SETTINGS)
    Path("etelecom.toml").write_text("\n".join(settings), encoding="utf-8")
    assert et.Site.load().business_hours is not None


def test_text_of_calls_cannot_add_lines_to_the_template():
    calls = et.sample_logs().calls
    hostile = '8000\n[targets]\n"x"'
    leg = pl.element()
    number = leg.struct.field("target_number")
    renamed = calls.with_columns(
        pl.lit(hostile).alias("callee"),
        call_targets=pl.col("call_targets").list.eval(
            leg.struct.with_fields(
                target_number=pl.when(number == "8000").then(pl.lit(hostile)).otherwise(number)
            )
        ),
    )

    values = tomllib.loads(site_template(renamed))
    assert "targets" not in values
    assert values["queue_numbers"] == ["8100"]


@pytest.mark.slow
def test_a_report_of_the_command_line_reads_and_states_the_file(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    assert app.main(["init", str(SAMPLE)]) == 0
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    capsys.readouterr()

    assert app.main(["report", str(SAMPLE)]) == 0
    assert f"Settings: {tmp_path / 'etelecom.toml'}" in capsys.readouterr().out
    page = Path("report.html").read_text(encoding="utf-8")
    assert et.Site.load(tmp_path / "etelecom.toml").digest in page
    assert "looks like" not in page
    assert app.main(["report", str(SAMPLE), "--no-site"]) == 0
    assert "Settings: no site file" in capsys.readouterr().out
    page = Path("report.html").read_text(encoding="utf-8")
    assert page.index("8000 looks like an IVR and 8100 like a queue") < page.index("Answer rate")


@pytest.mark.usefixtures("_settings")
def test_fetch_takes_the_zone_and_the_privacy_of_the_file(capsys: Printed):
    Path("etelecom.toml").write_text(
        'time_zone = "UTC"\nivr_numbers = ["8000"]\n[privacy]\nnumbers = "masked"', encoding="utf-8"
    )
    dates = ["--from", "2026-11-03", "--to", "2026-11-04", "--quiet"]

    assert app.main(["fetch", "week", *dates]) == 0
    assert f"Settings: {Path('etelecom.toml').resolve()}" in capsys.readouterr().out
    logs = et.read_snapshot("week")
    assert logs.query.time_zone == "UTC"
    assert not logs.calls["caller"].drop_nulls().str.contains(r"\d{6}").any()
    arguments = ["fetch", "other", *dates, "--no-site", "--time-zone", "Asia/Tokyo"]
    assert app.main(arguments) == 0
    assert "Settings: no site file" in capsys.readouterr().out
    logs = et.read_snapshot("other")
    assert logs.query.time_zone == "Asia/Tokyo"
    assert logs.calls["caller"].drop_nulls().str.contains(r"\d{6}").any()


@pytest.mark.usefixtures("_settings")
def test_sync_reads_the_file_and_warns_where_the_archive_differs(capsys: Printed):
    Path("etelecom.toml").write_text('ivr_numbers = ["8000"]', encoding="utf-8")
    sync = ["sync", "archive", "--until", "2026-11-04", "--quiet"]

    assert app.main([*sync, "--since", "2026-11-03"]) == 0
    assert capsys.readouterr() == ("", "")
    assert et.Archive("archive").options.ivr_numbers == ("8000",)
    Path("etelecom.toml").write_text(
        'ivr_numbers = ["8100"]\n[privacy]\nnumbers = "masked"', encoding="utf-8"
    )
    assert app.main(sync) == 0
    message = "other settings than etelecom.toml: ivr_numbers, privacy"
    assert message in capsys.readouterr().err
    assert app.main([*sync, "--no-site"]) == 0
    assert capsys.readouterr().err == ""


def test_an_unknown_key_stops_a_command(capsys: Printed):
    Path("etelecom.toml").write_text('ivr_number = ["8000"]', encoding="utf-8")

    assert app.main(["report", str(SAMPLE)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("etelecom: ")
    assert "Did you mean ivr_numbers" in err
    assert not Path("report.html").exists()
    assert app.main(["fetch", "week", "--site", "none.toml"]) == 2
    assert "There is no file none.toml" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["fetch", "sync", "report"])
def test_help_of_a_command_describes_the_file(name: str, capsys: Printed):
    with pytest.raises(SystemExit):
        app.main([name, "--help"])

    out = capsys.readouterr().out
    assert "--site FILE" in out
    assert "--no-site" in out
