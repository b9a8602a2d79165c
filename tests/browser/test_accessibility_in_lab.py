"""axe finds no serious barrier in the panels in JupyterLab, on light and dark pages."""

from collections.abc import Callable
from typing import Any

import pytest
from support.browser import THEMES, Lab, barriers

pytestmark = pytest.mark.browser

PANELS = {
    "Explorer": """import etelecom_analytics as et

logs = et.sample_logs()
explorer = et.Explorer(logs, options=et.MetricOptions(ivr_numbers=["8000", "8100"]))
explorer.restore({"direction": "in", "group_filters": {"hour": 9}, "chart": {"tab": "group"}})
explorer""",
    "FilterPanel": """import etelecom_analytics as et
import ipywidgets as ui

panel = et.FilterPanel(et.sample_logs().calls)
view = et.ChartView(panel, et.charts.answer_rate)
ui.VBox([panel, view]).add_class("etelecom-panel")""",
    "FetchPanel": """import etelecom_analytics as et

server = et.simulator.serve(et.sample_logs().calls)
fetch = et.fetcher(et.Client(server.base_url, server.api_key))
panel = et.FetchPanel(fetch=fetch, as_of="2026-11-08")
panel.apply()
panel.wait()
panel""",
}


@pytest.mark.parametrize("name", PANELS)
def test_panel_has_no_serious_barrier(name: str, lab: Lab, open_page: Callable[..., Any]):
    """The notebook runs once and is shown in both themes."""
    lab.add(f"{name}.ipynb", PANELS[name])
    browser_page = open_page()
    page = lab.run(browser_page, f"{name}.ipynb")
    page.locator(".etelecom-panel").first.wait_for()
    page.get_by_text("of 400 calls" if name == "Explorer" else "400").first.wait_for()
    if name == "Explorer":
        page.locator(".groups_marks path").first.wait_for()
        page.locator(".etelecom-calls tbody tr").first.click()
    if name != "FetchPanel":
        page.locator(".etelecom-panel .jp-OutputArea svg.marks").first.wait_for()

    for theme in THEMES:
        lab.change_theme(page, theme)
        if name == "Explorer":
            page.locator(".etelecom-chip", has_text="More filters").click()
            page.locator(".etelecom-popover:popover-open").wait_for()
        browser_page.screenshot(f"{name}-{theme.split()[-1].lower()}")
        assert barriers(page, ".etelecom-panel") == []
        page.keyboard.press("Escape")


def test_axe_finds_a_barrier(open_page: Callable[..., Any]):
    """The check can fail."""
    page = open_page().page
    page.set_content("<main><input><p style='color:#aaa;background:#fff'>pale</p></main>")

    assert {text.split(":")[0] for text in barriers(page, "main")} == {"label", "color-contrast"}
