"""The page: one file, the same bytes for the same calls, numbers that are summarize's, and no text from outside that becomes markup."""

import dataclasses
import html
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.metrics import DEFAULT_MEASURES
from etelecom_analytics.simulator import serve

ROOT = Path(__file__).parent.parent.parent
CHARTS = ["answer_rate", "heatmap", "ring_durations", "extension_performance"]
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))


@pytest.fixture(scope="module")
def logs() -> et.CallLogs:
    return et.read_snapshot(ROOT / "data" / "sample")


@pytest.fixture(scope="module")
def page(logs: et.CallLogs, tmp_path_factory: pytest.TempPathFactory) -> str:
    return et.write_page(
        logs, tmp_path_factory.mktemp("page") / "deeper" / "report.html", options=OPTIONS
    ).read_text(encoding="utf-8")


def text_of(page: str) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def test_the_headline_numbers_are_those_of_the_calls_in(page: str, logs: et.CallLogs):
    calls_in = logs.calls.filter(pl.col("direction") == "in")
    row = et.summarize(calls_in, options=OPTIONS, confidence=True).row(0, named=True)
    shown = text_of(page)

    assert "Calls in, 2026-11-02 to 2026-11-08" in shown
    assert f"Offered {row['offered']:,}" in shown
    assert (
        f"Answer rate {row['answer_rate']:.1%} {row['answer_rate_num']:,} of {row['answer_rate_den']:,}"
        in shown
    )
    assert f"95 %: {row['answer_rate_low']:.1%} to {row['answer_rate_high']:.1%}" in shown
    assert (
        f"Average speed of answer {row['asa_s']:,.1f} s over {row['answer_rate_num']:,} answered calls"
        in shown
    )
    assert len(DEFAULT_MEASURES) == page.count('<span class="value">')


def test_every_formula_and_what_it_depends_on_are_told(page: str):
    shown = text_of(page)

    for formula in et.measures(options=OPTIONS).filter(pl.col("name").is_in(DEFAULT_MEASURES))[
        "formula"
    ]:
        assert formula in shown
    for told in (
        "ivr_numbers=('8000', '8100')",
        "threshold_s=20.0",
        f"etelecom_analytics {et.__version__}",
        "Asia/Ho_Chi_Minh",
    ):
        assert told in shown


def test_it_names_the_hash_of_the_snapshot(page: str):
    import json

    manifest = json.loads((ROOT / "data" / "sample" / "manifest.json").read_text())

    assert manifest["files"]["calls.parquet"]["sha256"] in page


def test_the_same_calls_give_the_same_bytes_even_after_other_charts(
    page: str, logs: et.CallLogs, tmp_path: Path
):
    et.charts.heatmap(logs.calls).to_dict()

    assert (
        et.write_page(logs, tmp_path / "again.html", options=OPTIONS).read_text(encoding="utf-8")
        == page
    )


def test_every_chart_has_a_place_and_a_text_for_screen_readers(page: str):
    found = re.findall(r'<div id="(\w+)" role="img" aria-label="([^"]+)">', page)

    assert [name for name, _ in found] == CHARTS
    assert all(len(description) > 20 for _, description in found)


def test_it_reaches_for_nothing(page: str):
    without_scripts = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)

    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", without_scripts)
    assert page.count("<script>") == page.count("</script>") == 2


def test_nothing_from_outside_becomes_markup(logs: et.CallLogs, tmp_path: Path):
    evil = "</script><img src=x onerror=alert(1)>"
    legs = pl.element().struct.with_fields(target_number=pl.lit(evil), trunk_name=pl.lit(evil))
    calls = logs.calls.with_columns(
        note=pl.lit(evil),
        caller=pl.lit(evil),
        callee=pl.lit(evil),
        call_targets=pl.col("call_targets").list.eval(legs),
    ).cast(logs.calls.schema)
    page = et.write_page(dataclasses.replace(logs, calls=calls), tmp_path / "evil.html").read_text(
        encoding="utf-8"
    )

    assert "<img src=x" not in page
    assert page.count("</script>") == 2


@pytest.mark.parametrize("height", [0, 1])
def test_no_calls_and_one_call_make_a_page_too(height: int, logs: et.CallLogs, tmp_path: Path):
    few = dataclasses.replace(
        logs, calls=logs.calls.filter(pl.col("direction") == "in").tail(height)
    )

    shown = text_of(et.write_page(few, tmp_path / "few.html").read_text(encoding="utf-8"))
    assert ("Calls in: none" in shown) is (height == 0)
    assert ("Answer rate none" in shown) is (height == 0)


def test_a_drift_and_a_record_set_aside_are_told(
    client_of: Callable[..., et.Client], tmp_path: Path
):
    with serve([{"id": "5", "<b>odd</b>": 1}, {"no": "id"}]) as server:
        logs = et.fetch_calls(client_of(server))
    page = et.write_page(logs, tmp_path / "odd.html").read_text(encoding="utf-8")

    assert "1 records set aside" in page
    assert "&lt;b&gt;odd&lt;/b&gt;: new field, 1 x" in page


def test_the_charts_are_written_as_pictures(logs: et.CallLogs, tmp_path: Path):
    paths = et.write_charts(logs, tmp_path / "charts", options=OPTIONS)

    assert [path.name for path in paths] == [f"{name}.png" for name in CHARTS]
    assert all(
        path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5_000 for path in paths
    )
    again = et.write_charts(logs, tmp_path / "again", options=OPTIONS)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]
