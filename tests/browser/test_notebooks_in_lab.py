"""The notebooks as an analyst sees them: JupyterLab in Chromium, run from top to bottom, without the internet."""

import re
from collections.abc import Callable
from typing import Any

import pytest

THEMES = ["JupyterLab Light", "JupyterLab Dark"]
OTHER_NOTEBOOKS = {
    "03_service_level": (
        "charts.service_level(calls_in",
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
        "charts.agents_needed(",
        "gallery[",
    ),
}
"""Each with the code of the cells that draw a chart."""

COLOURED = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let count = 0;
    for (let at = 0; at < pixels.length; at += 4) {
        const rgb = pixels.slice(at, at + 3);
        if (pixels[at + 3] > 60 && Math.max(...rgb) - Math.min(...rgb) > 60) count += 1;
    }
    return count;
}"""
"""How many pixels of a drawing have a hue: axes and text are grey, marks are not."""


def coloured(chart: Any) -> int:
    return int(chart.evaluate(COLOURED))


def assert_well(watched: Any, lab: Any) -> None:
    """No error in the console, nothing on stderr, and no word to anybody but the notebook's own server."""
    page = watched.page
    assert (
        page.locator(
            "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type='application/vnd.jupyter.error']"
        ).count()
        == 0
    )
    assert watched.errors == []
    assert {url.split("/")[2] for url in watched.asked if url.startswith(("http", "ws"))} == {
        lab.url.split("/")[2]
    }


def chart_of(page: Any, cell: str) -> Any:
    """The drawing below the cell that holds this code."""
    found = page.locator(".jp-CodeCell", has_text=cell).locator(".jp-OutputArea canvas").first
    found.wait_for()
    return found


@pytest.mark.parametrize("theme", THEMES)
def test_the_first_notebook_draws_every_chart(theme: str, lab: Any, watched: Callable[..., Any]):
    seen = watched(dark="Dark" in theme)
    page = lab.run(seen, "01_first_look.ipynb", theme=theme)

    for name in ("answer_rate", "heatmap", "extension_performance", "ring_durations"):
        chart = chart_of(page, f"et.charts.{name}(")
        chart.scroll_into_view_if_needed()
        assert coloured(chart) > 500, name
        seen.picture_of(chart, f"01-{name}-{theme.split()[-1].lower()}")
    assert_well(seen, lab)


@pytest.mark.parametrize("name", OTHER_NOTEBOOKS)
def test_the_other_notebooks_draw_every_chart(name: str, lab: Any, watched: Callable[..., Any]):
    """Run once, and seen in both themes."""
    seen = watched()
    page = lab.run(seen, f"{name}.ipynb")

    for theme in THEMES:
        lab.change_theme(page, theme)
        for code in OTHER_NOTEBOOKS[name]:
            chart = chart_of(page, code)
            chart.scroll_into_view_if_needed()
            assert coloured(chart) > 200, code
            seen.picture_of(
                chart, f"{name[:2]}-{re.sub(r'[^a-z]+', '-', code)}-{theme.split()[-1].lower()}"
            )
    assert_well(seen, lab)


def test_a_gallery_is_shown_chart_by_chart(lab: Any, watched: Callable[..., Any]):
    lab.add(
        "gallery.ipynb",
        """import etelecom_analytics as et

et.charts.use_offline_renderer()
gallery = et.charts.gallery(et.simulate_calls(400, seed=5).calls)
gallery""",
    )
    seen = watched()
    page = lab.run(seen, "gallery.ipynb")

    drawn = page.locator(".jp-OutputArea canvas")
    drawn.nth(13).wait_for()
    assert drawn.count() == 14
    assert all(coloured(drawn.nth(place)) > 100 for place in range(14))
    assert_well(seen, lab)


@pytest.mark.parametrize("theme", THEMES)
def test_the_panels_of_the_second_notebook(theme: str, lab: Any, watched: Callable[..., Any]):
    seen = watched(dark="Dark" in theme)
    page = lab.run(seen, "02_filter_and_fetch.ipynb", theme=theme)
    colour = theme.split()[-1].lower()

    # The filter panel: a dropdown and a date preset change words and chart.
    panel = page.locator(".jp-CodeCell", has_text="et.FilterPanel(").locator(".jp-OutputArea")
    chart = chart_of(page, "et.ChartView(")
    panel.get_by_text(re.compile("1,418 of 2,000 calls")).first.wait_for()
    seen.picture_of(panel, f"panel-{colour}")
    before = chart.evaluate("canvas => canvas.toDataURL()")
    panel.get_by_label("Direction", exact=True).select_option("out")
    panel.get_by_text(re.compile("422 of 2,000 calls")).first.wait_for()
    page.wait_for_function(
        "before => [...document.querySelectorAll('.jp-OutputArea canvas')].every(each => each.toDataURL() !== before)",
        arg=before,
    )
    panel.get_by_label("Dates", exact=True).select_option(label="today")
    panel.get_by_text(re.compile(r"from 2026-11-08, before 2026-11-09")).first.wait_for()
    assert coloured(chart_of(page, "et.ChartView(")) > 200
    panel.scroll_into_view_if_needed()
    seen.picture(f"02-filter-{colour}")

    # The fetch panel fetched already; the wrong key is said in words when its Apply is pressed.
    fetching = page.locator(".jp-CodeCell", has_text="fetch_panel = et.FetchPanel(").locator(
        ".jp-OutputArea"
    )
    fetching.get_by_text(re.compile("done")).first.wait_for()
    fetching.scroll_into_view_if_needed()
    seen.picture(f"02-fetch-{colour}")
    wrong = page.locator(".jp-CodeCell", has_text="a-wrong-key").locator(".jp-OutputArea")
    wrong.get_by_role("button", name="Apply").click()
    wrong.get_by_text(re.compile("The server does not accept this API key")).first.wait_for()
    wrong.scroll_into_view_if_needed()
    seen.picture(f"02-wrong-key-{colour}")
    assert "a-wrong-key" not in wrong.inner_text()
    assert_well(seen, lab)


def test_a_fetch_is_pressed_watched_and_cancelled(lab: Any, watched: Callable[..., Any]):
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
    seen = watched()
    page = lab.run(seen, "slow.ipynb")
    panel = page.locator(".jp-CodeCell .jp-OutputArea").first

    panel.get_by_role("button", name="Apply").click()
    panel.get_by_text(re.compile(r"fetching: \d+ calls so far")).first.wait_for()
    seen.picture("fetching")
    panel.get_by_role("button", name="Cancel").click()
    panel.get_by_text(re.compile("cancelled")).first.wait_for()
    assert panel.get_by_role("button", name="Apply").is_enabled()
    panel.get_by_role("button", name="Apply").click()
    panel.get_by_text(re.compile("600, with")).first.wait_for()
    panel.get_by_label("Direction", exact=True).select_option("in")
    panel.get_by_role("button", name="Apply").click()
    assert panel.get_by_text(
        re.compile("600, with")
    ).first.is_visible()  # the last result stays until the new one is there
    panel.get_by_text(re.compile(r"[34]\d\d, with")).first.wait_for()
    seen.picture("fetched")
    assert_well(seen, lab)


def test_what_comes_from_outside_stays_text(lab: Any, watched: Callable[..., Any]):
    lab.add(
        "evil.ipynb",
        """import polars as pl
import etelecom_analytics as et

et.charts.use_offline_renderer()
evil = "<img src=x onerror=document.title='pwned'><script>document.title='pwned'</script>"
calls = et.simulate_calls(60, seed=5).calls.with_columns(
    note=pl.lit(evil), caller=pl.lit(evil), callee=pl.lit(evil), extension_id=pl.lit(evil), external_id=pl.lit(evil)
)
legs = pl.element().struct.with_fields(target_number=pl.lit(evil), trunk_name=pl.lit(evil))
calls = calls.with_columns(call_targets=pl.col("call_targets").list.eval(legs)).cast(calls.schema)
server = et.simulator.serve([{"id": "1", evil: evil, "direction": evil}])
et.fetch_calls(et.Client(server.base_url, server.api_key), et.CallQuery(external_id=evil), progress=False)""",
        "calls.head(3)",
        "panel = et.FilterPanel(calls)\npanel",
        "et.charts.extension_performance(calls, min_offers=1)",
        "et.charts.answer_rate(calls, by='caller')",
    )
    seen = watched()
    page = lab.run(seen, "evil.ipynb")
    chart_of(page, "et.charts.answer_rate(").hover()
    page.locator(".jp-CodeCell", has_text="et.FilterPanel(").locator(".jp-OutputArea").get_by_role(
        "textbox", name="Number"
    ).fill("<img src=x onerror=alert(1)>")
    page.wait_for_timeout(600)

    seen.picture("evil")
    assert "pwned" not in page.title()
    assert page.locator("img[src='x']").count() == 0
    assert [error for error in seen.errors if "x" in error] == []
