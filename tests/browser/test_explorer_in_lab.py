"""The Explorer in JupyterLab in Chromium: mouse and keyboard give the results of `summarize`."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.browser import BrowserPage, Lab, assert_no_errors

import etelecom_analytics as et
from etelecom_analytics.locale.comparison_text import comparison_texts
from etelecom_analytics.metrics import drill_through

pytestmark = pytest.mark.browser

SAMPLE = et.read_snapshot(Path(__file__).parent.parent.parent / "data" / "sample")
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"), as_of="2026-11-09")
EXPLORER_CELL = """import etelecom_analytics as et

logs = et.read_snapshot("../data/sample")
options = et.MetricOptions(ivr_numbers=("8000", "8100"))
explorer = et.Explorer(logs, options=options, debounce_s=0.05)
explorer"""
COPIED_CELL = """expected = explorer.filtered
exec(open("copied.py").read())
print("the same:", filtered.equals(expected), filtered.height)"""
STARTED = (
    pl.col("started_at").dt.convert_time_zone(OPTIONS.time_zone).dt.strftime("%a %-d %b %H:%M:%S")
)
BARS = ".groups_marks path"
LABELS = [
    *("Dates", "First day", "Last day", "Direction", "Call state", "Number", "Duration"),
    *("Extensions", "User", "Reset", "Copy as code"),
    *("Over time", "By group", "Heat map", "Waits", "Rings", "Measure", "By", "Only"),
    *("Search the calls", "Columns", "Sort by Started", "Sort by Wait", "Next page", "Last page"),
    *("File", "Full numbers", "Export"),
]
FOCUSED = """() => {
    const element = document.activeElement;
    const label = element.labels?.[0]?.textContent
        || element.getAttribute("aria-label") || element.textContent || "";
    return label.trim();
}"""


class ExplorerPage:
    """The Explorer on a page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.panel = page.locator(".etelecom-panel")
        self.rows = self.panel.locator(".etelecom-calls tbody")

    def check(self, query: et.CallQuery, group: Mapping[str, object] | None = None) -> pl.DataFrame:
        """Wait until KPIs, chart and table match these filters; returns the matching calls."""
        calls = drill_through(SAMPLE.calls.filter(query.to_expr()), group or {}, options=OPTIONS)
        assert isinstance(calls, pl.DataFrame)
        caption = self.panel.locator(
            ".etelecom-caption", has_text=f"{calls.height:,} matching calls"
        )
        caption.wait_for()
        self.panel.get_by_text(f"{calls.height:,} of 1,200 calls", exact=True).first.wait_for()
        scope = re.compile(f"^{calls.height:,} calls? · ")  # of the chart
        self.panel.get_by_text(scope).first.wait_for()
        comparison = et.metrics.compare(calls.clear(), calls, options=OPTIONS)
        for index, row in enumerate(comparison.iter_rows(named=True)):
            texts = list(comparison_texts({**row, "difference": None}, OPTIONS))
            card = self.panel.locator(".etelecom-kpi").nth(index)
            assert card.inner_text().splitlines()[:3] == texts[:3]
        started = (
            calls.sort("started_at", descending=True, nulls_last=True)
            .select(STARTED)
            .head(12)["started_at"]
            .to_list()
        )
        assert self.rows.locator("td:nth-child(1)").all_inner_texts() == started
        return calls

    def press(self, name: str) -> None:
        self.panel.get_by_role("button", name=name, exact=True).click()

    def bar(self, index: int) -> tuple[float, float]:
        """The centre of a group on the chart."""
        box = self.panel.locator(BARS).nth(index).bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture(scope="module")
def shared_page(running_lab: Lab, browser: Any) -> Iterator[tuple[ExplorerPage, BrowserPage]]:
    """One page for several tests, because opening it takes longer than most of them."""
    (running_lab.folder / "notebooks" / "copied.py").write_text("filtered = explorer.filtered")
    running_lab.add("explorer.ipynb", EXPLORER_CELL, COPIED_CELL)
    browser_page = BrowserPage(browser)
    browser_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    browser_page.page.set_viewport_size({"width": 1280, "height": 1700})
    yield ExplorerPage(running_lab.run(browser_page, "explorer.ipynb")), browser_page
    browser_page.context.close()
    running_lab.end_kernels()


@pytest.fixture
def pages(
    shared_page: tuple[ExplorerPage, BrowserPage], running_lab: Lab
) -> Iterator[tuple[ExplorerPage, BrowserPage]]:
    explorer, browser_page = shared_page
    explorer.press("Over time")
    explorer.press("Reset")
    explorer.check(et.CallQuery(direction="in"))
    explorer.panel.locator(BARS).first.wait_for()
    yield explorer, browser_page
    assert_no_errors(browser_page, running_lab)


def test_range_brush_click_and_undo_change_all_parts(
    pages: tuple[ExplorerPage, BrowserPage], running_lab: Lab
):
    explorer, browser_page = pages
    page, panel = explorer.page, explorer.panel
    inbound = et.CallQuery(direction="in")
    browser_page.screenshot_of(panel, "explorer-light-1280")

    # A named range.
    panel.get_by_label("Dates", exact=True).select_option(label="yesterday")
    explorer.check(et.CallQuery(direction="in", date_from="2026-11-07", date_to="2026-11-08"))
    panel.get_by_text(
        re.compile("Changes are against the previous period: 2026-11-06 up to 2026-11-07")
    ).wait_for()
    explorer.press("Undo")
    explorer.check(inbound)

    # A brush over Tuesday, Wednesday and most of Thursday.
    panel.locator(BARS).nth(6).wait_for()
    (begin, height), (end, _) = explorer.bar(1), explorer.bar(3)
    page.mouse.move(begin - 25, height)
    page.mouse.down()
    page.mouse.move(end, height, steps=6)
    page.mouse.move(end + 12, height)
    page.mouse.up()
    some_days = et.CallQuery(direction="in", date_from="2026-11-03", date_to="2026-11-06")
    explorer.check(some_days)
    assert panel.get_by_label("First day", exact=True).input_value() == "2026-11-03"

    # A click on a bar, and a second click.
    explorer.press("By group")
    panel.get_by_text("Offered (calls) by hour").first.wait_for()
    page.mouse.click(*explorer.bar(9))
    hour = int(
        re.findall(
            r"hour: (\d+)", panel.get_by_role("button", name=re.compile("^hour: ")).inner_text()
        )[0]
    )
    explorer.check(some_days, {"hour": hour})
    browser_page.screenshot_of(panel, "explorer-clicked")
    page.mouse.click(*explorer.bar(9))
    explorer.check(some_days)

    # A cell of the heat map.
    explorer.press("Heat map")
    panel.get_by_text("by weekday and hour").first.wait_for()
    # Only cells of weekdays within the query.
    cells = panel.locator(".mark-rect path[aria-label*='total calls']")
    labels = [str(cell.get_attribute("aria-label")) for cell in cells.all()]
    index = max(
        range(len(labels)),
        key=lambda index: int(re.findall(r"total calls: (\d+)", labels[index])[0]),
    )
    label = labels[index]
    cells.nth(index).click(force=True)  # its text covers it
    weekday = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].index(
        re.findall(r"weekday: (\w+)", label)[0]
    ) + 1
    group = {"weekday": weekday, "hour": int(re.findall(r"hour: (\d+)", label)[0])}
    explorer.check(some_days, group)

    # The copied code returns the same calls.
    explorer.press("Copy as code")
    panel.get_by_text("Copied.").wait_for()
    (running_lab.folder / "notebooks" / "copied.py").write_text(
        page.evaluate("() => navigator.clipboard.readText()")
    )
    page.locator(".jp-CodeCell", has_text="exec(open(").locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    matching = drill_through(SAMPLE.calls.filter(some_days.to_expr()), group, options=OPTIONS)
    page.get_by_text(f"the same: True {matching.height}").wait_for()

    # The files have the rows of the table in its order.
    explorer.press("Sort by Talk")
    panel.locator("th[aria-sort=descending]", has_text="Talk").wait_for()
    started = explorer.rows.locator("td:nth-child(1)").all_inner_texts()
    for name in ("calls.parquet", "calls.csv"):
        panel.get_by_label("File", exact=True).fill(name)
        explorer.press("Export")
        panel.get_by_text(re.compile(f"{matching.height} calls written to .*{name}")).wait_for()
    folder = running_lab.folder / "notebooks"
    files = [
        pl.read_parquet(folder / "calls.parquet"),
        pl.read_csv(folder / "calls.csv", infer_schema=False),
    ]
    assert files[0].select(STARTED)["started_at"].to_list()[: len(started)] == started
    assert sorted(files[0]["id"]) == sorted(matching["id"])
    assert files[1]["id"].to_list() == files[0]["id"].to_list()
    assert files[0]["caller"].drop_nulls().str.contains(r"\*|^\D|^\d{1,5}$").all()

    # One call.
    explorer.rows.locator("tr").nth(0).click()
    panel.locator(".jp-OutputArea svg.marks").first.wait_for()
    panel.locator(".jp-OutputArea svg.marks").first.wait_for()
    browser_page.screenshot_of(panel, "explorer-journey")

    # Back to the start.
    explorer.press("Sort by Started")
    for _ in range(6):
        explorer.press("Undo")
    explorer.check(inbound)
    explorer.press("Redo")
    explorer.check(some_days)


def test_keyboard_reaches_every_control(pages: tuple[ExplorerPage, BrowserPage]):
    explorer, _ = pages
    page, panel = explorer.page, explorer.panel
    panel.get_by_label("Dates", exact=True).focus()
    labels = []
    for _ in range(90):
        labels.append(page.evaluate(FOCUSED))
        if labels[-1] == "Export":
            break
        page.keyboard.press("Tab")
    assert [name for name in LABELS if not any(label.startswith(name) for label in labels)] == []

    # Select a group without a click.
    panel.get_by_label("Only", exact=True).focus()
    page.keyboard.press("ArrowDown")
    explorer.check(et.CallQuery(direction="in", date_from="2026-11-02", date_to="2026-11-03"))
    panel.get_by_role("button", name="Next page", exact=True).focus()
    page.keyboard.press("Enter")
    panel.get_by_text("page 2 of").wait_for()
    assert page.evaluate(FOCUSED) == "Next page"


def test_narrow_table_is_searched_and_opened_by_keyboard(pages: tuple[ExplorerPage, BrowserPage]):
    explorer, _ = pages
    page, panel = explorer.page, explorer.panel
    page.set_viewport_size({"width": 900, "height": 1700})
    frame, scroller = panel.locator(".etelecom-frame"), panel.locator(".etelecom-scroller")
    panel.locator(".etelecom-frame.more-right").wait_for()
    scroller.evaluate("element => { element.scrollLeft = element.scrollWidth; }")
    panel.locator(".etelecom-frame.more-left:not(.more-right)").wait_for()
    edges = [frame.bounding_box(), explorer.rows.locator("td:nth-child(1)").first.bounding_box()]
    assert abs(edges[0]["x"] - edges[1]["x"]) < 2  # the first column stays
    page.set_viewport_size({"width": 1280, "height": 1700})

    def focused() -> int:
        """The index of the row that has the focus, or -1."""
        return int(
            page.evaluate(
                "[...document.activeElement.parentElement.children]"
                ".filter(each => each.tagName === 'TR').indexOf(document.activeElement)"
            )
        )

    search = panel.get_by_role("searchbox")
    search.focus()
    page.keyboard.type("missed")
    panel.get_by_text(re.compile("[0-9]+ of 851 calls match 'missed'")).wait_for()
    page.keyboard.press("Tab")  # to the list of columns
    page.keyboard.press("Enter")
    box = panel.get_by_label("Legs", exact=True)
    box.focus()
    page.keyboard.press("Space")
    panel.get_by_role("button", name="Sort by Legs").wait_for()
    assert box.is_visible()
    page.keyboard.press("Escape")
    assert not box.is_visible()
    assert page.evaluate(FOCUSED).startswith("Columns")

    explorer.rows.locator("tr[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    panel.get_by_text(re.compile("Call 2 of ")).wait_for()
    page.keyboard.press("ArrowDown")
    panel.get_by_text(re.compile("Call 3 of ")).wait_for()
    explorer.rows.locator("tr:nth-child(3)[aria-current]").wait_for()
    assert focused() == 2
    panel.get_by_role("button", name="Next call").focus()
    page.keyboard.press("ArrowUp")
    panel.get_by_text(re.compile("Call 2 of ")).wait_for()
    page.keyboard.press("Escape")
    panel.locator(".etelecom-journey").wait_for(state="hidden")
    assert focused() == 1
    search.focus()
    page.keyboard.press("Escape")
    panel.get_by_text("calls match").wait_for(state="detached")


def test_themes_and_widths(pages: tuple[ExplorerPage, BrowserPage]):
    explorer, browser_page = pages
    page, panel = explorer.page, explorer.panel
    explorer.press("By group")
    panel.get_by_label("Measure", exact=True).select_option(
        label="Answer rate of offers that the agent could take (fair_answer_rate)"
    )
    panel.get_by_label("By", exact=True).select_option(label="target number")
    panel.get_by_label("Dates", exact=True).select_option(label="yesterday")
    panel.get_by_text(
        "Answer rate of offers that the agent could take by target number"
    ).first.wait_for()
    explorer.rows.locator("tr").nth(1).click()
    panel.locator(".jp-OutputArea svg.marks").first.wait_for()
    page.set_viewport_size({"width": 1280, "height": 2400})  # the picture has the whole panel
    browser_page.screenshot_of(panel, "explorer")
    for theme in ("Light", "Dark"):
        page.evaluate(
            "theme => void jupyterapp.commands.execute('apputils:change-theme', { theme })",
            f"JupyterLab {theme}",
        )
        page.wait_for_function(
            "theme => document.body.dataset.jpThemeName === theme", arg=f"JupyterLab {theme}"
        )
        for width in (1280, 1920):
            page.set_viewport_size({"width": width, "height": 1700})
            page.wait_for_timeout(300)
            browser_page.screenshot(f"explorer-{theme.lower()}-{width}")
            box = panel.first.bounding_box()
            assert box
            assert box["width"] <= width
            cards = [card.bounding_box()["y"] for card in panel.locator(".etelecom-kpi").all()]
            assert len(set(cards)) == 1  # one row


def test_values_of_calls_are_escaped_in_the_explorer(lab: Any, open_page: Callable[..., Any]):
    lab.add(
        "hostile_explorer.ipynb",
        """import dataclasses
import polars as pl
import etelecom_analytics as et

hostile = "<img src=x onerror=document.title='pwned'><script>document.title='pwned'</script>"
logs = et.read_snapshot("../data/sample")
legs = pl.element().struct.with_fields(
    **{name: pl.lit(hostile) for name in ("target_number", "trunk_name", "end_reason")}
)
names = [
    *("note", "caller", "callee", "extension_id", "user_id"),
    *("extension_number", "user", "hotline", "department_id"),
]
calls = logs.calls.with_columns(
    **{name: pl.lit(hostile) for name in names},
    call_targets=pl.col("call_targets").list.eval(legs),
)
explorer = et.Explorer(dataclasses.replace(logs, calls=calls), show_numbers=True, debounce_s=0.05)
explorer""",
    )
    browser_page = open_page()
    browser_page.page.set_viewport_size({"width": 1280, "height": 1700})
    page = lab.run(browser_page, "hostile_explorer.ipynb")
    explorer = ExplorerPage(page)
    panel = explorer.panel
    panel.get_by_role("button", name="By group", exact=True).click()
    for by in ("caller", "user", "hotline"):
        panel.get_by_label("By", exact=True).select_option(label=by)
        panel.get_by_text(f"Offered (calls) by {by}").first.wait_for()
    panel.locator(BARS).first.hover()
    panel.locator(BARS).first.click()
    panel.get_by_role("button", name=re.compile("^hotline: <img")).wait_for()
    explorer.rows.locator("tr").nth(0).click()
    panel.locator(".jp-OutputArea svg.marks").first.wait_for()
    browser_page.screenshot("explorer-hostile")

    assert "<script>" in explorer.rows.inner_text()
    assert "pwned" not in page.title()
    assert page.locator("img[src='x']").count() == 0
    assert_no_errors(browser_page, lab)
