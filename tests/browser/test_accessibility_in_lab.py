"""axe finds no serious barrier in the panels in JupyterLab, on light and dark pages."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from support.browser import Lab

pytestmark = pytest.mark.browser

SERIOUS = ("serious", "critical")
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


def findings(page: Any, context: Any) -> list[str]:
    """The serious findings of axe: the rule, the element and the reason."""
    options = {"resultTypes": ["violations"]}
    violations = Axe().run(page, context, options).response["violations"]
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("name", PANELS)
def test_panel_has_no_serious_barrier(
    name: str, theme: str, lab: Lab, open_page: Callable[..., Any]
):
    lab.add(f"{name}.ipynb", PANELS[name])
    browser_page = open_page(dark="Dark" in theme)
    page = lab.run(browser_page, f"{name}.ipynb", theme=theme)
    page.locator(".etelecom-panel").first.wait_for()
    page.get_by_text("400").first.wait_for()
    if name == "Explorer":
        page.locator(".groups_marks path").first.wait_for()
        page.get_by_role("button", name="Journey of call 1 on this page").click()
    if name != "FetchPanel":
        page.locator(".etelecom-panel canvas").first.wait_for()
    browser_page.screenshot(f"{name}-{theme.split()[-1].lower()}")

    assert findings(page, ".etelecom-panel") == []


def test_axe_finds_a_barrier(open_page: Callable[..., Any]):
    """The check can fail."""
    page = open_page().page
    page.set_content("<main><input><p style='color:#aaa;background:#fff'>pale</p></main>")

    assert {text.split(":")[0] for text in findings(page, "main")} == {"label", "color-contrast"}
