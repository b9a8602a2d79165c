"""Charts in the pseudo-language and in Vietnamese: texts, numbers and dates."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from support.all_charts import CHARTS
from support.chart_specs import spec, subtitle, svg, title
from support.pseudo import chart_texts, untranslated

import etelecom_analytics as et
from etelecom_analytics import charts
from etelecom_analytics.language import PSEUDO, speaking
from etelecom_analytics.metrics import MEASURES
from etelecom_analytics.metrics.service_level_formulas import SERVICE_LEVELS

EDGES = (datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 6, tzinfo=UTC))
ZONE = "Asia/Ho_Chi_Minh"
NAMES = [ZONE, *MEASURES, *SERVICE_LEVELS]
"""What stays as it is: time zones, and the names of measures and formulas in code."""
TABLES = ("one_call", "no_call", "null_row")
ENGLISH_NUMBER_OR_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\.\d{1,2}(?!\d)|[1-9]\d{0,2},\d{3}(?!\d)")
OPTIONS = et.MetricOptions(ivr_numbers=["8000"])  # without the queue: charts warn of it
VALUES_OF_DATA = re.compile(r"[A-Z]+(_[A-Z]+)+|TRANSFERRED|UNREGISTERED")
"""Reasons of an end as the API writes them."""


@pytest.fixture(params=CHARTS)
def draw(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return CHARTS[request.param]


@pytest.fixture(scope="module")
def desk() -> pl.DataFrame:
    """An outbound desk of which one number is blocked."""
    blocked = {"02471080002": date(2026, 11, 17)}
    return et.simulator.simulate_outbound(1_500, blocked=blocked).calls


def words(chart: Any) -> list[str]:
    """The untranslated words of a chart in the pseudo-language."""
    texts = chart_texts(spec(chart, validate=False))
    return [word for text in texts for word in untranslated(VALUES_OF_DATA.sub(" ", text), NAMES)]


@pytest.mark.slow
def test_every_text_of_a_chart_is_in_the_catalogue(draw: Callable[..., Any], sample: et.CallLogs):
    with speaking(PSEUDO):
        chart = draw(sample.calls, options=OPTIONS)

    assert words(chart) == []


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_texts_of_empty_charts_are_in_the_catalogue(
    draw: Callable[..., Any], table: str, request: pytest.FixtureRequest
):
    with speaking(PSEUDO):
        chart = draw(request.getfixturevalue(table))

    assert words(chart) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "function", [charts.answer_rate, charts.heatmap, charts.erlangs, charts.concurrency]
)
def test_texts_about_the_coverage_are_in_the_catalogue(
    function: Callable[..., Any], sample: et.CallLogs, no_call: pl.DataFrame
):
    report = sample.report.clip(*EDGES)

    with speaking(PSEUDO):
        drawn = [function(calls, coverage=report) for calls in (sample.calls, no_call)]

    assert [words(chart) for chart in drawn] == [[], []]


@pytest.mark.slow
def test_a_journey_and_a_gallery_are_in_the_catalogue(sample: et.CallLogs):
    calls = sample.calls
    with speaking(PSEUDO):
        journeys = [charts.journey(calls, call_id) for call_id in calls["id"][:5]]
        gallery = charts.gallery(calls)

    assert [words(chart) for chart in journeys] == [[]] * 5
    assert words(gallery["funnel"]) == []
    assert subtitle(gallery["funnel"]).startswith("[inbound calls only] · ")


@pytest.mark.slow
@pytest.mark.parametrize("by", [["carrier"], ["own_number"], ["hour"]])
def test_texts_of_an_outbound_desk_are_in_the_catalogue(by: list[str], desk: pl.DataFrame):
    functions = (
        charts.outbound_answer_rate,
        charts.outbound_attempts,
        charts.outbound_hours,
        charts.outbound_levels,
    )
    with speaking(PSEUDO):
        drawn = [function(desk, by=by) for function in functions]

    assert [words(chart) for chart in drawn] == [[]] * len(drawn)


@pytest.mark.slow
def test_vietnamese_charts_have_no_english_numbers_and_dates(
    draw: Callable[..., Any], sample: et.CallLogs
):
    chart = draw(sample.calls, options=OPTIONS, coverage=sample.report, language="vi")

    texts = chart_texts(spec(chart, validate=False))
    assert [text for text in texts if ENGLISH_NUMBER_OR_DATE.search(text)] == []


@pytest.mark.slow
def test_vega_writes_numbers_and_dates_in_vietnamese(sample: et.CallLogs):
    chart = charts.answer_rate(sample.calls, language="vi")

    picture = svg(chart)
    assert ">T2 02/11<" in picture
    assert re.search(r">\d+\u00a0%<", picture)


def test_a_vietnamese_chart_reads_naturally(sample: et.CallLogs):
    inbound = sample.calls.filter(direction="in")

    chart = charts.answer_rate(inbound, by="weekday", language="vi")

    assert title(chart) == "Tỷ lệ trả lời theo thứ: thấp nhất 98 % (T6), cao nhất 100 % (CN)"
    assert subtitle(chart).startswith("849 cuộc gọi cần trả lời · Asia/Ho_Chi_Minh")


def test_the_language_of_a_chart_ends_with_it(no_call: pl.DataFrame):
    assert title(charts.funnel(no_call, language="vi")).startswith("Kết quả của các cuộc gọi: ")
    assert title(charts.funnel(no_call)) == "What became of the calls: no calls"


def test_an_unknown_language_is_an_error(no_call: pl.DataFrame):
    with pytest.raises(et.errors.UnknownName, match="en, vi"):
        charts.funnel(no_call, language="fr")  # type: ignore[arg-type]


def test_no_line_of_a_title_begins_with_a_percent_sign(desk: pl.DataFrame):
    lines = charts.outbound_levels(desk, language="vi").title.text

    assert len(lines) == 2
    assert lines[1].startswith("11 % vào T3 17/11")
