"""The summary page: KPIs of summarize, reproducible bytes, and escaped text."""

import dataclasses
import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.simulator import serve

pytestmark = pytest.mark.slow

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


def percent(value: float) -> str:
    return f"{value * 100:.1f} %"


def test_kpis_are_those_of_inbound_calls(page: str, logs: et.CallLogs):
    inbound = logs.calls.filter(pl.col("direction") == "in")
    row = et.summarize(inbound, options=OPTIONS, confidence=True).row(0, named=True)
    text = text_of(page)
    counts = f"{row['answer_rate_num']:,} of {row['answer_rate_den']:,}"
    interval = f"{percent(row['answer_rate_low'])} to {percent(row['answer_rate_high'])}"

    assert "Inbound calls, 2–8 Nov 2026" in text
    assert f"Offered calls {row['offered']:,}" in text
    assert f"Answer rate {percent(row['answer_rate'])} {counts}" in text
    assert f"95 %: {interval}" in text
    assert (
        f"Average speed of answer {row['asa_s']:,.1f} s "
        f"over {row['answer_rate_num']:,} answered calls" in text
    )
    assert page.count('<span class="value">') == 6
    assert "Service level" in text


def test_formulas_options_and_versions_are_listed(page: str):
    text = text_of(page)
    is_shown = pl.col("name").is_in(["offered", "answer_rate", "service_level", "asa_s"])

    for formula in et.measures(options=OPTIONS).filter(is_shown)["formula"]:
        assert formula in text
    for fact in (
        "About this report",
        "ivr_numbers=('8000', '8100')",
        "threshold_s=20.0",
        f"etelecom_analytics {et.__version__}",
        "Asia/Ho_Chi_Minh",
    ):
        assert fact in text


def test_snapshot_hash_is_listed(page: str):
    manifest = json.loads((ROOT / "data" / "sample" / "manifest.json").read_text())

    assert manifest["files"]["calls.parquet"]["sha256"] in page


def test_same_calls_give_same_bytes_after_other_charts(
    page: str, logs: et.CallLogs, tmp_path: Path
):
    et.charts.heatmap(logs.calls).to_dict()

    assert (
        et.write_page(logs, tmp_path / "again.html", options=OPTIONS).read_text(encoding="utf-8")
        == page
    )


def test_every_chart_has_an_element_with_a_text_alternative(page: str):
    elements = re.findall(r'<div id="(\w+)" role="img" aria-label="([^"]+)">', page)

    assert [name for name, _ in elements] == CHARTS
    assert all(len(label) > 20 for _, label in elements)


def test_page_needs_no_network(page: str):
    without_scripts = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)

    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", without_scripts)
    assert page.count("<script>") == page.count("</script>") == 2


def test_text_of_calls_is_escaped(logs: et.CallLogs, tmp_path: Path):
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
def test_page_of_no_call_or_one_call(height: int, logs: et.CallLogs, tmp_path: Path):
    few = dataclasses.replace(
        logs, calls=logs.calls.filter(pl.col("direction") == "in").tail(height)
    )

    text = text_of(et.write_page(few, tmp_path / "few.html").read_text(encoding="utf-8"))
    assert ("Inbound calls: none" in text) is (height == 0)
    assert ("There were no inbound calls in this period." in text) is (height == 0)


def test_drift_and_invalid_records_are_listed(client_of: Callable[..., et.Client], tmp_path: Path):
    with serve([{"id": "5", "<b>odd</b>": 1}, {"no": "id"}]) as server:
        logs = et.fetch_calls(client_of(server))
    page = et.write_page(logs, tmp_path / "odd.html").read_text(encoding="utf-8")

    assert "1 records set aside" in page
    assert "&lt;b&gt;odd&lt;/b&gt;: new field, 1 x" in page


def test_charts_are_written_as_png(logs: et.CallLogs, tmp_path: Path):
    paths = et.write_charts(logs, tmp_path / "charts", options=OPTIONS)

    assert [path.name for path in paths] == [f"{name}.png" for name in CHARTS]
    assert all(
        path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5_000 for path in paths
    )
    again = et.write_charts(logs, tmp_path / "again", options=OPTIONS)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_page_is_in_the_language_of_the_site(logs: et.CallLogs, tmp_path: Path):
    site = et.Site(language="vi")
    path = et.write_page(logs, tmp_path / "page.html", options=OPTIONS, site=site)
    page = path.read_text(encoding="utf-8")

    assert '<html lang="vi">' in page
    assert "<h1>Cuộc gọi đến, 02/11/2026 – 08/11/2026</h1>" in page
