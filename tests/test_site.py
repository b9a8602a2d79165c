"""The site file: how it is found, what it may contain, and what reads it."""

import json
import pickle
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.widget_driver import visible_html

import etelecom_analytics as et
from etelecom_analytics.charts import png
from etelecom_analytics.errors import ArchiveError, InputError, SettingError, UnknownName
from etelecom_analytics.metrics.internal_calls import counted_flat
from etelecom_analytics.simulator import CallLogServer
from etelecom_analytics.site import SITE_VARIABLE, find_site_file

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
WHOLE_FILE = """\
time_zone = "Asia/Bangkok"
ivr_numbers = ["8000"]
queue_numbers = ["8100"]
voicemail_numbers = ["*98*"]
own_numbers = ["19000123"]
agent_numbers = ["0900 000 001"]
holidays = [2026-09-02, "2027-01-01"]
language = "en"

[business_hours]
"mon-fri" = ["08:00", "17:30"]
sat = [["08:00", "12:00"], ["13:00", "15:00"]]

[targets]
service_level = 0.8
asa_s = 20

[privacy]
numbers = "masked"
notes = "kept"

[hotline_names]
"02873000456" = "Sales"
"""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(SITE_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


def site_file(text: str, path: str = "etelecom.toml") -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_every_setting_is_read():
    site = et.Site.load(site_file(WHOLE_FILE))

    assert site.options() == et.MetricOptions(
        time_zone="Asia/Bangkok",
        ivr_numbers=["8000"],
        queue_numbers=["8100"],
        voicemail_numbers=["*98*"],
        agent_numbers=["0900 000 001"],
        business_hours={
            "mon-fri": ("08:00", "17:30"),
            "sat": [("08:00", "12:00"), ("13:00", "15:00")],
        },
        holidays=[date(2026, 9, 2), date(2027, 1, 1)],
    )
    assert site.targets == {"service_level": 0.8, "asa_s": 20.0}
    assert site.privacy == {"numbers": "masked", "notes": "kept", "recordings": "dropped"}
    assert site.known_numbers == ("19000123", "02873000456")


def test_a_site_is_a_value():
    site = et.Site.load(site_file(WHOLE_FILE))

    assert pickle.loads(pickle.dumps(site)) == site  # noqa: S301
    assert hash(site) == hash(et.Site.load("etelecom.toml"))
    assert site != et.Site()
    assert repr(et.Site()) == "Site()"
    assert "900 000" not in repr(site)
    assert "73000456" not in repr(site)


def test_the_argument_wins_over_the_variable_and_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    site_file('ivr_numbers = ["1"]')
    monkeypatch.setenv(SITE_VARIABLE, str(site_file('ivr_numbers = ["2"]', "variable.toml")))
    argument = site_file('ivr_numbers = ["3"]', "argument.toml")

    assert et.Site.load(argument).ivr_numbers == ("3",)
    assert et.Site.load().ivr_numbers == ("2",)
    monkeypatch.setenv(SITE_VARIABLE, "")
    assert et.Site.load().ivr_numbers == ("1",)
    assert et.Site.load().file == tmp_path / "etelecom.toml"


def test_the_nearest_file_above_is_found_up_to_a_repository(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    site_file('ivr_numbers = ["1"]')
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / "deep").mkdir()
    (tmp_path / "plain" / "deep").mkdir(parents=True)

    monkeypatch.chdir(tmp_path / "plain" / "deep")
    assert et.Site.load().ivr_numbers == ("1",)
    monkeypatch.chdir(tmp_path / "project" / "deep")
    assert find_site_file() is None
    assert et.Site.load() == et.Site()
    site_file('ivr_numbers = ["2"]', "../etelecom.toml")
    assert et.Site.load().ivr_numbers == ("2",)


def test_nothing_above_the_home_folder_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    site_file('ivr_numbers = ["1"]')
    (tmp_path / "home" / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "home" / "work")

    assert et.Site.load() == et.Site()


def test_a_missing_file_is_an_error_where_it_is_named(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(InputError, match=r"There is no file none\.toml \(site file\)"):
        et.Site.load("none.toml")
    monkeypatch.setenv(SITE_VARIABLE, "none.toml")
    with pytest.raises(InputError, match=r"none\.toml \(ETELECOM_SITE\)"):
        et.Site.load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('ivr_number = ["8000"]', "no setting 'ivr_number'. Did you mean ivr_numbers"),
        ("ivr_numbers = [8000]", 'ivr_numbers is a list of numbers in quotes, such as ["8000"'),
        ('own_numbers = "19000123"', "own_numbers is a list of numbers in quotes"),
        ("time_zone = 7", "time_zone is the name of a time zone in quotes"),
        ('time_zone = "Asia/Hanoi"', "no time zone 'Asia/Hanoi'"),
        ("holidays = [2026-09-02T00:00:00]", "holidays is a list of dates"),
        ('holidays = ["2 September"]', "holidays are local dates"),
        ('business_hours = "08:00"', "business_hours is a table"),
        ('[business_hours]\nmonn = ["08:00", "17:00"]', "no weekday 'monn'. Did you mean mon"),
        ("[targets]\nservice_levle = 0.8", "'service_levle'. Did you mean service_level"),
        ("[targets]\nservice_level = 80", "targets.service_level is a share between 0 and 1"),
        ('[targets]\nasa_s = "20"', "targets.asa_s is a number of at least 0"),
        ("[targets]\nasa_s = nan", "targets.asa_s is a number of at least 0"),
        ('[privacy]\nnumber = "masked"', "no setting of privacy 'number'. Did you mean numbers"),
        ('[privacy]\nnumbers = "hidden"', "no option for numbers 'hidden'"),
        ("[privacy]\nnotes = true", "privacy.notes is text"),
        ('[hotline_names]\n"19000123" = 1', "hotline_names maps numbers to names"),
        ('language = "fr"', "no language 'fr'"),
        ("ivr_numbers = ", "is not valid TOML"),
        ('queue_numbers = ["0912345678", 1]', "queue_numbers is a list of numbers in quotes"),
    ],
)
def test_an_error_names_the_file_and_the_setting(text: str, message: str):
    with pytest.raises(InputError) as error:
        et.Site.load(site_file(text))

    assert str(error.value).startswith("etelecom.toml")
    assert message in str(error.value)
    assert "0912345678" not in str(error.value)
    assert str(error.value).count("\n") == 0


def test_a_file_that_is_no_text_is_an_error():
    Path("etelecom.toml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InputError, match="is not valid TOML: no UTF-8"):
        et.Site.load()


def test_arguments_are_checked_like_the_file():
    with pytest.raises(InputError, match="ivr_numbers"):
        et.Site(ivr_numbers="8000")
    with pytest.raises(UnknownName, match="answer_rate"):
        et.Site(targets={"answer_rat": 0.9})
    with pytest.raises(InputError, match=r"site is a Site.*got 'etelecom\.toml'"):
        et.Explorer(et.sample_logs(), site="etelecom.toml")


def test_pseudonyms_need_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    site = et.Site(privacy={"numbers": "pseudonymized"}, queue_numbers=["8100"])
    monkeypatch.delenv("ETELECOM_PRIVACY_KEY", raising=False)
    with pytest.raises(SettingError, match="ETELECOM_PRIVACY_KEY is not set"):
        site.to_privacy()
    monkeypatch.setenv("ETELECOM_PRIVACY_KEY", "a key for this test")
    privacy = site.to_privacy()

    assert privacy is not None
    assert privacy.to_dict()["own_numbers"] == ["8100"]
    assert et.Site().to_privacy() is None


@pytest.mark.slow
def test_the_explorer_reads_the_file_and_states_it():
    file = site_file(
        'ivr_numbers = ["8000", "8100"]\n[targets]\nasa_s = 1\n'
        '[hotline_names]\n"19000123" = "Sales"'
    )
    explorer = et.Explorer(et.sample_logs(), debounce_s=0)

    assert f"settings   {file.resolve()}" in repr(explorer)
    assert "warning" not in repr(explorer)
    assert "target at most 1.0 s: not met" in explorer._kpi_cards.value
    assert "s; target at most 1.0 s: not met" in repr(explorer)
    assert explorer._display.label("callee", "19000123") == "Sales"
    expected = et.Explorer(
        et.sample_logs(), options=et.MetricOptions(ivr_numbers=["8000", "8100"]), site=et.Site()
    )
    assert explorer.kpis.equals(expected.kpis)


def test_explicit_arguments_of_the_explorer_win():
    site_file('ivr_numbers = ["8000", "8100"]')
    options = et.MetricOptions(ivr_numbers=["8000"], threshold_s=30)

    explorer = et.Explorer(et.sample_logs(), options=options, debounce_s=0)

    assert explorer._options.ivr_numbers == ("8000",)
    assert "8100 looks like a queue: set queue_numbers" in repr(explorer)


def test_other_panels_state_the_file_and_take_its_time_zone():
    file = site_file('time_zone = "Asia/Tokyo"')
    panel = et.FilterPanel(et.sample_logs().calls)
    fetch_panel = et.FetchPanel(fetch=lambda *_: et.sample_logs())

    assert panel.query.time_zone == fetch_panel.query.time_zone == "Asia/Tokyo"
    for each in (panel, fetch_panel):
        assert f"settings   {file.resolve()}" in repr(each)
    assert et.FilterPanel(et.sample_logs().calls, time_zone="UTC").query.time_zone == "UTC"


def test_each_picture_states_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The specifications of all, and that the line is drawn: the picture is higher with it."""
    drawn: list[Mapping[str, Any]] = []
    draw = png.png_bytes
    monkeypatch.setattr(png, "png_bytes", lambda chart, _: drawn.append(chart) or b"")
    et.write_charts(et.sample_logs(), tmp_path / "without")
    site_file('time_zone = "Asia/Ho_Chi_Minh"')
    et.write_charts(et.sample_logs(), tmp_path / "pictures")

    without, stated = drawn[:4], drawn[4:]
    assert not any("Settings" in str(chart["title"]) for chart in without)
    text = f"Settings: {et.Site.load().fingerprint}"
    assert [chart["title"]["subtitle"][-1] for chart in stated] == [text] * 4
    low, high = (int.from_bytes(draw(each[0])[20:24]) for each in (without, stated))
    assert high > low


@pytest.mark.slow
def test_a_page_states_the_file_and_compares_with_targets():
    site_file('ivr_numbers = ["8000", "8100"]\n[targets]\nanswer_rate = 0.99')
    site = et.Site.load()

    page = et.write_page(et.sample_logs(), "page.html").read_text(encoding="utf-8")

    assert f"etelecom.toml, SHA-256 {site.digest}" in page
    assert "below the target of 99\u00a0%" in page
    assert 'class="banner"' not in page


@pytest.mark.slow
def test_a_page_without_a_file_says_so_and_warns():
    page = et.write_page(et.sample_logs(), "page.html").read_text(encoding="utf-8")

    assert "<td>no site file</td>" in page
    banner = page.split('<div class="banner" role="note">')[1].split("</div>")[0]
    assert (
        "<p>8000 looks like an IVR and 8100 like a queue: "
        "set ivr_numbers and queue_numbers, or waits are too short.</p>"
    ) in banner


@pytest.mark.slow
def test_a_report_fills_what_its_parameters_omit():
    site_file(
        'time_zone = "UTC"\nivr_numbers = ["8000", "8100"]\nown_numbers = ["19000123"]\n'
        "[targets]\nanswer_rate = 0.99"
    )
    options = {"threshold_s": 30}
    path = et.write_report(SAMPLE, "report.html", parameters={"options": options})
    page = path.read_text(encoding="utf-8")

    assert "below the target of 99\u00a0%" in page
    assert "threshold_s=30" in page
    assert "ivr_numbers=(&#39;8000&#39;, &#39;8100&#39;)" in page
    assert "time_zone=&#39;Asia/Ho_Chi_Minh&#39;" in page
    assert "etelecom.toml, SHA-256" in page
    assert 'class="banner"' not in page


def test_targets_of_a_report_are_checked_before_it_runs():
    with pytest.raises(UnknownName, match="Did you mean answer_rate"):
        et.write_report(SAMPLE, "report.html", parameters={"targets": {"answer_rat": 0.9}})


def test_a_new_archive_takes_the_settings_and_keeps_them(server: CallLogServer):
    site = et.Site(
        ivr_numbers=["8000"],
        queue_numbers=["8100"],
        privacy={"numbers": "masked"},
        holidays=["2026-11-03"],
    )
    client = et.Client(server.base_url, server.api_key)
    archive = et.Archive("archive", site=site)
    archive.sync(client, since="2026-11-02", until="2026-11-03", progress=False)

    again = et.Archive("archive", site=et.Site())
    assert again.options == et.MetricOptions(ivr_numbers=["8000"], queue_numbers=["8100"])
    assert again.privacy is not None
    assert again.privacy["numbers"] == "masked"
    assert archive.options.holidays == (date(2026, 11, 3),)
    callers = archive.scan().select("caller").unique().collect()["caller"].drop_nulls()
    assert not callers.str.contains(r"\d{6}").any()
    # A changed file does not stop the next sync, as a changed argument does.
    changed = et.Site(ivr_numbers=["9"], own_numbers=["19000123"], privacy={"numbers": "masked"})
    later = et.Archive("archive", site=changed)
    later.sync(client, until="2026-11-04", progress=False)
    assert later.options.ivr_numbers == ("8000",)
    with pytest.raises(ArchiveError, match="ivr_numbers"):
        et.Archive("archive", ivr_numbers=["9"], site=changed)


@pytest.mark.slow
def test_states_of_an_archive_follow_all_lists(server: CallLogServer):
    site = et.Site(ivr_numbers=["8000"], queue_numbers=["8100"])
    client = et.Client(server.base_url, server.api_key)
    archive = et.Archive("archive", site=site)
    archive.sync(client, since="2026-11-02", until="2026-11-09", progress=False)

    stored = archive.scan(facts=True).collect()
    listed = counted_flat(archive.scan().collect(), options=site.options())
    assert stored["state"].equals(listed["state"])
    unlisted = counted_flat(
        archive.scan().collect(), options=et.MetricOptions(ivr_numbers=["8000"])
    )
    assert not stored["answered_at"].equals(unlisted["answered_at"])


def test_the_digest_is_that_of_the_file():
    file = site_file(WHOLE_FILE)
    before = et.Site.load(file)
    file.write_text(f"{WHOLE_FILE}# a comment\n", encoding="utf-8")
    after = et.Site.load(file)

    assert before == after
    assert before.digest != after.digest
    assert before.fingerprint == f"etelecom.toml, SHA-256 {before.digest}"
    assert et.Site().fingerprint == et.Site().source == "no site file"


def test_targets_are_words_in_both_directions():
    calls = et.sample_logs().calls
    options = et.MetricOptions(ivr_numbers=["8000", "8100"])
    targets = {"asa_s": 1, "answer_rate": 0.1, "calls": 500}
    text = repr(et.reports.kpis(calls, list(targets), options=options, targets=targets))

    assert "target at most 1.0 s: not met" in text
    assert "target at least 10.0 %: met" in text
    assert "target 500)" in text
    none = et.reports.kpis(calls.clear(), "answer_rate", options=options, targets=targets)
    assert repr(none).endswith("target at least 10.0 %)")


def test_settings_are_json_for_notebooks():
    site = et.Site.load(site_file(WHOLE_FILE))

    assert json.loads(json.dumps(site.targets)) == site.targets
    assert isinstance(site.options().to_dict(), dict)
    assert pl.Series(site.known_numbers).dtype == pl.String


def test_the_filter_panel_names_numbers_that_are_in_no_option():
    calls = et.sample_logs().calls
    panel = et.FilterPanel(calls, debounce_s=0)
    warning = (
        "8000 looks like an IVR and 8100 like a queue: set ivr_numbers and queue_numbers, or waits "
        "are too short."
    )
    for text in (repr(panel), panel._repr_html_(), visible_html(panel)):
        assert text.count(warning) == 1
    panel.restore({"direction": "out"})  # calls without such legs
    assert panel.filtered.height > 0
    assert "looks like" not in repr(panel) + visible_html(panel)

    site_file('ivr_numbers = ["8000"]')
    listed = et.FilterPanel(calls, debounce_s=0)
    assert "8100 looks like a queue: set queue_numbers" in visible_html(listed)
    assert "8000" not in visible_html(listed)
    site = et.Site(ivr_numbers=["8000"], queue_numbers=["8100"])
    assert "looks like" not in visible_html(et.FilterPanel(calls, debounce_s=0, site=site))


def test_the_fetch_panel_names_numbers_of_its_result():
    """Only after a fetch, and until another result has no such numbers."""
    calls = et.sample_logs().calls
    with et.simulator.serve(calls) as server, et.Client(server.base_url, server.api_key) as client:
        panel = et.FetchPanel(fetch=et.fetcher(client), as_of="2026-11-08")
        assert "looks like" not in repr(panel) + visible_html(panel)
        for direction, expected in ((None, 1), ("out", 0)):
            panel.restore({"dates": "last 7 days", "direction": direction})
            panel.apply()
            assert panel.wait(20)
            assert panel.result is not None
            assert panel.result.calls.height > 0
            for text in (repr(panel), panel._repr_html_(), visible_html(panel)):
                assert text.count("8000 looks like an IVR and 8100 like a queue") == expected
        listed = et.FetchPanel(
            fetch=et.fetcher(client),
            as_of="2026-11-08",
            site=et.Site(ivr_numbers=["8000", "8100"]),
        )
        listed.apply()
        assert listed.wait(20)
        assert "looks like" not in repr(listed) + visible_html(listed)


def test_the_language_of_the_file_is_that_of_texts():
    assert et.Site.load(site_file('language = "vi"')).language == "vi"
    assert et.Site().language == "en"
