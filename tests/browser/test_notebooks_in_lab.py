"""The notebooks in JupyterLab in Chromium, run from top to bottom without the internet."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from support.browser import THEMES, assert_no_errors

pytestmark = pytest.mark.browser

NOTEBOOKS = {
    "01_first_look": (
        "et.charts.answer_rate(",
        "et.charts.heatmap(",
        "et.charts.extension_performance(",
        "et.charts.ring_durations(",
    ),
    "03_service_level": (
        "charts.service_level(inbound",
        "wait_distribution(",
        "heatmap(",
        "patience(",
    ),
    "04_extensions_and_hunting": (
        "extension_performance(",
        "ring_durations(",
        "charts.hunt_paths(",
        "journey(",
    ),
    "05_missed_callers": (
        "funnel(",
        "heatmap(",
        "time_to_callback(logs.calls, options",
        'by="weekday", options',
    ),
    "06_traffic_and_staffing": (
        "charts.concurrency(",
        "charts.erlangs(",
        "trunk_failures(",
        "charts.agents_by_interval(",
        "gallery[",
    ),
    "09_questions_of_a_manager": (
        "charts.control(",
        "charts.outbound_attempts(",
    ),
}
"""For each notebook, the code of the cells that draw a chart."""

COLOURED = """chart => {
    const rgb = colour => (colour.match(/[\\d.]+/g) ?? []).slice(0, 3).map(Number);
    const isColoured = colour => Math.max(0, ...rgb(colour)) - Math.min(255, ...rgb(colour)) > 60;
    return [...chart.querySelectorAll(".role-mark :is(path, line, rect)")].filter(mark => {
        const { fill, stroke } = getComputedStyle(mark);
        return isColoured(fill) || isColoured(stroke);
    }).length;
}"""
"""Counts the marks with a colour, without axes and legends."""

INK = "chart => getComputedStyle(chart.querySelector('.role-title-text text')).fill"
"""The colour of the title."""


def coloured_marks(chart: Any) -> int:
    return int(chart.evaluate(COLOURED))


def chart_of(page: Any, cell: str) -> Any:
    """The chart below the cell with this code."""
    chart = page.locator(".jp-CodeCell", has_text=cell).locator(".jp-OutputArea svg.marks").first
    chart.wait_for()
    return chart


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_draw_every_chart(name: str, lab: Any, open_page: Callable[..., Any]):
    """The notebook runs once and is shown in both themes."""
    browser_page = open_page()
    page = lab.run(browser_page, f"{name}.ipynb")

    for theme in THEMES:
        lab.change_theme(page, theme)
        for code in NOTEBOOKS[name]:
            chart = chart_of(page, code)
            chart.scroll_into_view_if_needed()
            assert coloured_marks(chart) > 0, code
            # The text follows the theme, without another drawing.
            brightness = sum(int(part) for part in re.findall(r"\d+", chart.evaluate(INK))[:3]) / 3
            assert brightness > 200 if "Dark" in theme else brightness < 60, code
            browser_page.screenshot_of(
                chart, f"{name[:2]}-{re.sub(r'[^a-z]+', '-', code)}-{theme.split()[-1].lower()}"
            )
    assert_no_errors(browser_page, lab)


def test_gallery_shows_every_chart(lab: Any, open_page: Callable[..., Any]):
    lab.add(
        "gallery.ipynb",
        """import etelecom_analytics as et

et.charts.use_offline_renderer()
gallery = et.charts.gallery(et.simulate_calls(400, seed=5).calls)
gallery""",
    )
    browser_page = open_page()
    page = lab.run(browser_page, "gallery.ipynb")

    drawn = page.locator(".jp-OutputArea svg.marks")
    drawn.nth(13).wait_for()
    assert drawn.count() == 14
    assert all(coloured_marks(drawn.nth(index)) > 0 for index in range(14))
    assert_no_errors(browser_page, lab)


def test_panels_of_the_second_notebook(lab: Any, open_page: Callable[..., Any]):
    """The notebook runs in the light theme and is then shown in both."""
    browser_page = open_page()
    page = lab.run(browser_page, "02_filter_and_fetch.ipynb")

    # The filter panel: a dropdown and a date range change text and chart.
    panel = page.locator(".jp-CodeCell", has_text="et.FilterPanel(").locator(".jp-OutputArea")
    chart = chart_of(page, "et.ChartView(")
    panel.get_by_text(re.compile("1,418 of 2,000 calls")).first.wait_for()
    browser_page.screenshot_of(panel, "panel-light")
    before = chart.evaluate("chart => chart.outerHTML")
    panel.get_by_label("Direction", exact=True).select_option("out")
    panel.get_by_text(re.compile("422 of 2,000 calls")).first.wait_for()
    page.wait_for_function(
        "before => [...document.querySelectorAll('.jp-OutputArea svg.marks')]"
        ".every(each => each.outerHTML !== before)",
        arg=before,
    )
    panel.get_by_label("Dates", exact=True).select_option(label="today")
    panel.get_by_text(re.compile(r"outbound direction, Sun 8 Nov 2026")).first.wait_for()
    assert coloured_marks(chart_of(page, "et.ChartView(")) > 0

    # The first fetch panel has fetched; the panel with a wrong key shows an error after Apply.
    fetching = page.locator(".jp-CodeCell", has_text="fetch_panel = et.FetchPanel(").locator(
        ".jp-OutputArea"
    )
    fetching.get_by_text(re.compile("calls were fetched: all calls")).first.wait_for()
    wrong = page.locator(".jp-CodeCell", has_text="a-wrong-key").locator(".jp-OutputArea")
    wrong.get_by_role("button", name="Apply").click()
    wrong.get_by_text(re.compile("The server does not accept this API key")).first.wait_for()
    assert "a-wrong-key" not in wrong.inner_text()

    for theme in THEMES:
        lab.change_theme(page, theme)
        assert coloured_marks(chart_of(page, "et.ChartView(")) > 0
        for part, name in ((panel, "filter"), (fetching, "fetch"), (wrong, "wrong-key")):
            part.scroll_into_view_if_needed()
            browser_page.screenshot(f"02-{name}-{theme.split()[-1].lower()}")
    assert_no_errors(browser_page, lab)


def test_fetch_shows_progress_and_can_be_cancelled(lab: Any, open_page: Callable[..., Any]):
    lab.add(
        "slow.ipynb",
        """import time
import etelecom_analytics as et

def slow(request, answer):
    time.sleep(0.4)
    return answer

server = et.simulator.serve(et.simulate_calls(600, seed=5).calls, rewrite=slow)
fetch = et.fetcher(et.Client(server.base_url, server.api_key))
panel = et.FetchPanel(fetch=fetch, query=et.CallQuery(date_from="2026-11-02", date_to="2026-11-09"))
panel""",
    )
    browser_page = open_page()
    page = lab.run(browser_page, "slow.ipynb")
    panel = page.locator(".jp-CodeCell .jp-OutputArea").first

    panel.get_by_role("button", name="Apply").click()
    panel.get_by_text(re.compile(r"fetching: \d+ calls so far")).first.wait_for()
    browser_page.screenshot("fetching")
    panel.get_by_role("button", name="Cancel").click()
    panel.get_by_text(re.compile("cancelled")).first.wait_for()
    assert panel.get_by_role("button", name="Apply").is_enabled()
    panel.get_by_role("button", name="Apply").click()
    panel.get_by_text(re.compile("600, with")).first.wait_for()
    panel.get_by_label("Direction", exact=True).select_option("in")
    panel.get_by_role("button", name="Apply").click()
    # The last result stays until the next one.
    assert panel.get_by_text(re.compile("600, with")).first.is_visible()
    panel.get_by_text(re.compile(r"[34]\d\d, with")).first.wait_for()
    browser_page.screenshot("fetched")
    assert_no_errors(browser_page, lab)


def test_values_of_calls_are_escaped(lab: Any, open_page: Callable[..., Any]):
    lab.add(
        "hostile.ipynb",
        """import polars as pl
import etelecom_analytics as et

et.charts.use_offline_renderer()
hostile = "<img src=x onerror=document.title='pwned'><script>document.title='pwned'</script>"
calls = et.simulate_calls(60, seed=5).calls.with_columns(
    note=pl.lit(hostile),
    caller=pl.lit(hostile),
    callee=pl.lit(hostile),
    extension_id=pl.lit(hostile),
    external_id=pl.lit(hostile),
)
legs = pl.element().struct.with_fields(target_number=pl.lit(hostile), trunk_name=pl.lit(hostile))
calls = calls.with_columns(call_targets=pl.col("call_targets").list.eval(legs)).cast(calls.schema)
server = et.simulator.serve([{"id": "1", hostile: hostile, "direction": hostile}])
client = et.Client(server.base_url, server.api_key)
et.fetch_calls(client, et.CallQuery(external_id=hostile), progress=False)""",
        "calls.head(3)",
        "panel = et.FilterPanel(calls)\npanel",
        "et.charts.extension_performance(calls, min_offers=1)",
        "et.charts.answer_rate(calls, by='caller')",
    )
    browser_page = open_page()
    page = lab.run(browser_page, "hostile.ipynb")
    chart_of(page, "et.charts.answer_rate(").hover()
    page.locator(".jp-CodeCell", has_text="et.FilterPanel(").locator(".jp-OutputArea").get_by_role(
        "textbox", name="Number"
    ).fill("<img src=x onerror=alert(1)>")
    page.wait_for_timeout(600)

    browser_page.screenshot("hostile")
    assert "pwned" not in page.title()
    assert page.locator("img[src='x']").count() == 0
    assert [error for error in browser_page.errors if "x" in error] == []
