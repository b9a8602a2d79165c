"""Reports in Vietnamese, and no text of them outside of the catalogues."""

import dataclasses
import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.pseudo import html_texts, untranslated
from support.weeks import LAST_WEEK, OPTIONS, weeks_of_calls

import etelecom_analytics as et
from etelecom_analytics import language
from etelecom_analytics.cli.app import main
from etelecom_analytics.errors import UnknownName
from etelecom_analytics.fetch_report import Gap
from etelecom_analytics.language import speaking
from etelecom_analytics.locale.display import Display
from etelecom_analytics.metrics.service_level_variants import SERVICE_LEVELS
from etelecom_analytics.reports.document import write_files
from etelecom_analytics.reports.notebook import Cell, Notebook
from etelecom_analytics.reports.overview_content import overview_markup
from etelecom_analytics.reports.page import page_html
from etelecom_analytics.reports.provenance import options_text
from etelecom_analytics.reports.redaction import Redactor
from etelecom_analytics.reports.rendering import render_notebook
from etelecom_analytics.reports.request import read_request

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample"
IVR = {"ivr_numbers": ["8000"], "queue_numbers": ["8100"]}
SITE = et.Site(targets={"service_level": 0.8, "asa_s": 20})
WEEK = et.CallQuery(direction="in", date_from=LAST_WEEK[0], date_to=LAST_WEEK[1])
DAY = dataclasses.replace(WEEK, date_from="2026-11-04", date_to="2026-11-05")
NAMES = [
    "Asia/Ho_Chi_Minh", "Altair", "Polars", "PNG", "SHA-256", "SVG", "calls.parquet",
    "etelecom_analytics", "ivr_numbers", "queue_numbers",
]  # fmt: skip
CODES = {"missed", *(word for name in SERVICE_LEVELS for word in name.split("_"))}
"""The words of names in formulas, such as "no_short: a<=T / (a + q - s)"."""


@pytest.fixture(scope="module")
def bad_week() -> et.CallLogs:
    return weeks_of_calls(4, calls=150, missed=0.4)


def words_of(texts: Iterable[str], *names: str) -> list[str]:
    """The words of a page outside of brackets; a sentence may have several elements.

    Queries and the name of the site file have tests of their own.
    """
    text = re.sub(r"\b[0-9a-f]{64}\b", "", " ".join(texts))
    assert text.count("[") == text.count("]")
    with speaking("pseudo"):
        others = [str(et.read_snapshot(SAMPLE).query), et.Site().fingerprint]
    return untranslated(text, [*NAMES, *others, *names])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "subject"),
    [
        (WEEK, "calls"),
        (DAY, "calls"),
        (dataclasses.replace(WEEK, direction=None), "calls"),
        (dataclasses.replace(WEEK, direction="out"), "calls"),
        (dataclasses.replace(WEEK, direction=None), "extensions"),
        (dataclasses.replace(WEEK, date_from="2027-01-04", date_to="2027-01-11"), "calls"),
    ],
    ids=["week", "day", "all", "out", "extensions", "not fetched"],
)
def test_first_page_has_no_text_outside_of_the_catalogue(
    bad_week: et.CallLogs, query: et.CallQuery, subject: Any
):
    with speaking("pseudo"):
        page = et.reports.first_page(
            bad_week, query, subject=subject, options=OPTIONS, targets=SITE.targets
        )
        markup = overview_markup(page.data)

    assert words_of(html_texts(markup)) == []
    assert words_of([repr(page)]) == []


def test_warnings_of_a_page_are_in_the_catalogue(bad_week: et.CallLogs):
    begin = datetime.fromisoformat("2026-11-03T08:00+07:00")
    report = dataclasses.replace(
        bad_week.report,
        gaps=tuple(Gap(begin + timedelta(hours=n), begin + timedelta(hours=n + 1)) for n in (0, 3)),
        running_long=("1",),
    )
    partly = dataclasses.replace(bad_week, report=report)
    with speaking("pseudo"):
        page = et.reports.first_page(partly, WEEK, options=et.MetricOptions())

    assert len(page.data["notices"]) >= 3
    assert words_of(page.data["notices"]) == []


def test_fragments_have_no_text_outside_of_the_catalogue(bad_week: et.CallLogs):
    calls = bad_week.calls
    with speaking("pseudo"):
        outcomes = et.summarize(et.metrics.inward(calls), "outcome", ["offers"], options=OPTIONS)
        quality = et.metrics.data_quality(bad_week, options=OPTIONS)
        counts = quality.select("check", "meaning", "count", of="share_den", share="share")
        fragments = [
            et.reports.kpis(calls, options=OPTIONS, targets=SITE.targets),
            et.reports.changes(bad_week, WEEK, options=OPTIONS),
            et.reports.changes(bad_week, DAY, options=OPTIONS),
            et.reports.findings(bad_week, WEEK, options=OPTIONS),
            et.reports.open_callers(calls, options=OPTIONS, limit=2),
            et.reports.table(counts),
            et.reports.table(outcomes),
            et.reports.table(et.summarize(calls, "weekday", ["calls"]), limit=3),
        ]
        texts = [et.reports.completeness(bad_week, WEEK)]

        note = et.metrics.previous_period(WEEK, bad_week.report)[1]  # has a test of its own

    for fragment in fragments:
        texts += html_texts(fragment._repr_html_())
    assert words_of(texts, note) == []


@pytest.mark.parametrize("name", ["daily", "weekly", "monthly", "extensions"])
def test_page_around_a_report_is_in_the_catalogue(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The headings of the notebook and "About this report", without its outputs."""
    monkeypatch.setattr(language, "LANGUAGES", ("en", "vi", "pseudo"))
    arguments: dict[str, Any] = {"parameters": {"options": IVR}, "png_folder": None, "site": SITE}
    with read_request(
        SAMPLE, tmp_path / "report.html", notebook=name, language="pseudo", **arguments
    ) as request:
        assert request.options
        with request.display.speaking():
            write_files(request, request.notebook)
    texts = html_texts((tmp_path / "report.html").read_text(encoding="utf-8"))
    values = next(text for text in texts if "show_numbers=" in text)

    assert words_of(texts, f"{name}.ipynb", options_text(request.options), values) == []


@pytest.mark.slow
def test_report_has_no_text_outside_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(language, "LANGUAGES", ("en", "vi", "pseudo"))
    path = et.write_report(
        SAMPLE,
        tmp_path / "report.html",
        parameters={"options": IVR},
        site=SITE,
        language="pseudo",
    )
    body, _ = path.read_text(encoding="utf-8").split('<details class="about">')
    report = et.read_snapshot(SAMPLE).report
    days = et.CallQuery(date_from=LAST_WEEK[0], date_to=LAST_WEEK[1])
    with speaking("pseudo"):
        note = et.metrics.previous_period(days, report)[1]

    assert set(words_of(html_texts(body), note)) <= CODES


@pytest.fixture(scope="module")
def vietnamese(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weekly report and its charts."""
    folder = tmp_path_factory.mktemp("vietnamese")
    return et.write_report(
        SAMPLE,
        folder / "report.html",
        parameters={"options": IVR},
        png_folder=folder / "png",
        site=SITE,
        language="vi",
    )


@pytest.mark.slow
def test_weekly_report_in_vietnamese(vietnamese: Path):
    page = vietnamese.read_text(encoding="utf-8")
    texts = html_texts(page)

    assert '<html lang="vi">' in page
    for text in (
        "Báo cáo tuần",
        "T2 02/11 – CN 08/11/2026 · cuộc gọi đến · Asia/Ho_Chi_Minh · đầy đủ",
        "Ngày nào kém nhất?",
        "Người gọi chờ bao lâu?",
        "Về báo cáo này",
        "từ 02/11/2026 00:00+07:00 đến 09/11/2026 00:00+07:00",
        "thấp hơn mục tiêu 80\u00a0%",
    ):
        assert any(text in each for each in texts), text
    names = sorted(path.name for path in (vietnamese.parent / "png").iterdir())
    assert names[0] == "01-ty-le-tra-loi-theo-ngay.png"
    assert all(name.isascii() for name in names)


@pytest.mark.slow
def test_command_line_writes_the_same_bytes(vietnamese: Path, tmp_path: Path):
    output = tmp_path / "again.html"
    parameters = {"options": IVR, "targets": SITE.targets}
    pairs = [f"{name}={json.dumps(dict(value))}" for name, value in parameters.items()]
    options = [each for pair in pairs for each in ("-p", pair)]
    command = ["report", str(SAMPLE), "--language", "vi", "--no-site", "--quiet"]

    assert main([*command, *options, "-o", str(output)]) == 0
    assert output.read_bytes() == vietnamese.read_bytes()


def test_language_is_that_of_the_site_unless_it_is_chosen(tmp_path: Path):
    site = et.Site(language="vi")
    arguments: dict[str, Any] = {"parameters": {}, "png_folder": None, "notebook": "weekly"}
    for chosen, expected in ((None, "vi"), ("en", "en"), ("vi", "vi")):
        with read_request(
            SAMPLE, tmp_path / "report.html", site=site, language=chosen, **arguments
        ) as request:
            assert request.display.language == expected


def test_own_texts_of_a_notebook_stay_as_they_are():
    source = "# Báo cáo của tôi\n\nMy text.\n\n## How long do callers wait?"
    notebook = Notebook(cells=[Cell(cell_type="markdown", source=source)])
    redactor = Redactor(et.read_snapshot(SAMPLE), Display())
    with speaking("vi"):
        rendered = render_notebook(notebook, redactor, name="mine.ipynb")

    assert rendered.title == "Báo cáo của tôi"
    assert rendered.parts == ["<p>My text.</p>\n<h2>Người gọi chờ bao lâu?</h2>\n"]


def test_fragment_is_in_the_language_of_its_argument():
    calls = et.sample_logs().calls
    fragment = et.reports.kpis(calls, "calls", language="vi")

    assert repr(fragment) == "Cuộc gọi: 384 (cuộc gọi)"
    assert repr(et.reports.kpis(calls, "calls")) == "Calls: 384 (calls)"


def test_unknown_language_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    unknown: Any = "fr"
    with pytest.raises(UnknownName, match=r"language 'fr'. Available: en, vi"):
        et.write_report(SAMPLE, tmp_path / "report.html", language=unknown)
    with pytest.raises(UnknownName, match=r"language 'fr'. Available: en, vi"):
        et.write_workbook(et.sample_logs(), tmp_path / "week.xlsx", language=unknown)
    with pytest.raises(UnknownName, match=r"language 'fr'. Available: en, vi"):
        et.reports.kpis(et.sample_logs().calls, language=unknown)
    with pytest.raises(SystemExit):
        main(["report", str(SAMPLE), "--language", "fr"])
    assert "invalid choice: 'fr'" in capsys.readouterr().err

    assert list(tmp_path.iterdir()) == []


def test_page_without_calls_is_in_the_catalogue():
    with speaking("pseudo"):
        page = page_html(title="", parts=[], charts={}, facts=[], definitions=[{
            "title": "", "value": "", "counts": "", "formula": "",
        }])  # fmt: skip

    assert words_of(html_texts(page)) == []


@pytest.mark.parametrize("direction", ["in", "out", "ext", "ext_in", "ext_out", "unknown", None])
def test_first_page_of_each_direction_is_in_the_catalogue(direction: Any):
    with speaking("pseudo"):
        page = et.reports.first_page(
            et.sample_logs(), et.CallQuery(direction=direction), options=et.MetricOptions(**IVR)
        )
        markup = overview_markup(page.data)

    assert words_of(html_texts(markup)) == []
