"""The Explorer in JupyterLab in Chromium: mouse and keyboard give the results of `summarize`."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.browser import BrowserPage, Lab, assert_no_errors
from support.day_archives import archive_of

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
ARCHIVE_CELL = """import time
from pathlib import Path

import etelecom_analytics as et

read = et.Archive.read

def slowly(self, query=None):
    while not Path("go").exists():
        time.sleep(0.1)
    return read(self, query)

et.Archive.read = slowly
explorer = et.Explorer(et.Archive("../archive"))
explorer"""
STARTED = (
    pl.col("started_at").dt.convert_time_zone(OPTIONS.time_zone).dt.strftime("%a %-d %b %H:%M:%S")
)
BARS = ".groups_marks path"
LABELS = [
    *("Dates", "First day", "Last day", "Direction", "State", "Call state", "Agent", "Number"),
    *("Duration", "More filters", "Extensions", "Reset", "Code", "Export", "File", "Full numbers"),
    *("Show all directions", "About these calls", "Answer rate, "),
    *("Over time", "By group", "Heat map", "Waits", "Rings"),
    *("Measure", "By", "Groups of the chart"),
    *("Search the calls", "Columns", "Sort by Started", "Sort by Wait", "Next page", "Last page"),
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

    def check(
        self,
        query: et.CallQuery,
        group: Mapping[str, object] | None = None,
        *,
        shown: Mapping[str, object] | None = None,
    ) -> pl.DataFrame:
        """Wait until KPIs, chart and table match these filters; returns the matching calls.

        `shown` is the group of all calls of the chart, where some of its groups are selected.
        """
        calls = drill_through(SAMPLE.calls.filter(query.to_expr()), group or {}, options=OPTIONS)
        assert isinstance(calls, pl.DataFrame)
        caption = self.panel.locator(
            ".etelecom-caption", has_text=f"{calls.height:,} matching calls"
        )
        caption.wait_for()
        count = re.compile(f": {calls.height:,} of 1,200 calls\\.")
        self.panel.locator(".etelecom-status").get_by_text(count).wait_for()
        context = calls
        if shown is not None:
            context = drill_through(SAMPLE.calls.filter(query.to_expr()), shown, options=OPTIONS)
            selected = re.compile(f"^Selected: .*: {calls.height:,} of {context.height:,} calls")
            self.panel.get_by_text(selected).wait_for()
        scope = re.compile(f"^{context.height:,} calls? · ")  # of the chart
        self.panel.get_by_text(scope).first.wait_for()
        comparison = et.metrics.compare(calls.clear(), calls, options=OPTIONS)
        for index, row in enumerate(comparison.iter_rows(named=True)):
            text = comparison_texts({**row, "difference": None}, OPTIONS)
            lines = self.panel.locator(".etelecom-kpi").nth(index).inner_text().splitlines()
            assert (lines[0], lines[-1]) == (text.value, text.title)
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

    def open(self, name: str) -> Any:
        """The popover that the button with this name opens."""
        button = self.panel.locator(f".etelecom-chip[aria-label^='{name}']")
        button.click()
        return self.panel.locator(".etelecom-popover:popover-open")

    def select(self, name: str, label: str) -> None:
        """Filter by this option of the control with this name."""
        self.open(name).get_by_label(name, exact=True).select_option(label=label)
        self.page.keyboard.press("Escape")

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
    explorer.select("Dates", "yesterday")
    explorer.check(et.CallQuery(direction="in", date_from="2026-11-07", date_to="2026-11-08"))
    panel.get_by_text(re.compile("Compared with Fri 6 Nov 2026")).wait_for()
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
    days = {"day": ["2026-11-03", "2026-11-04", "2026-11-05"]}
    explorer.check(inbound, days, shown={})
    assert panel.get_by_role("button", name="Tue 3 Nov to Thu 5 Nov ✕").count() == 1
    assert panel.locator(BARS).count() == 7  # the other days stay

    # The brush moved by a day, and its end moved by another.
    (inside, _), (right, _) = explorer.bar(2), explorer.bar(3)
    drag(page, (inside, height), (right, height))
    explorer.check(inbound, {"day": ["2026-11-04", "2026-11-05", "2026-11-06"]}, shown={})
    width = right - inside
    drag(page, (explorer.bar(4)[0] + width / 2, height), (right + width / 3, height))
    explorer.check(inbound, {"day": ["2026-11-04", "2026-11-05"]}, shown={})
    explorer.press("Undo")
    explorer.press("Undo")
    explorer.check(inbound, days, shown={})

    # A click on a bar, one with Shift, and a second click.
    explorer.press("By group")
    panel.get_by_text("Offered (calls) by hour").first.wait_for()
    page.mouse.click(*explorer.bar(9))
    explorer.check(inbound, {**days, "hour": 9}, shown=days)
    page.keyboard.down("Shift")
    page.mouse.click(*explorer.bar(10))
    page.keyboard.up("Shift")
    explorer.check(inbound, {**days, "hour": [9, 10]}, shown=days)
    browser_page.screenshot_of(panel, "explorer-clicked")
    page.mouse.click(*explorer.bar(9))
    explorer.check(inbound, {**days, "hour": 9}, shown=days)
    page.mouse.click(*explorer.bar(9))
    explorer.check(inbound, days)

    # A cell of the heat map.
    explorer.press("Heat map")
    panel.get_by_text("by weekday and hour").first.wait_for()
    # Only cells of the selected days.
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
    group = {**days, "weekday": weekday, "hour": int(re.findall(r"hour: (\d+)", label)[0])}
    explorer.check(inbound, group, shown=days)

    # The copied code returns the same calls.
    explorer.press("Code")
    panel.get_by_text("Copied.").wait_for()
    (running_lab.folder / "notebooks" / "copied.py").write_text(
        page.evaluate("() => navigator.clipboard.readText()")
    )
    page.locator(".jp-CodeCell", has_text="exec(open(").locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    matching = drill_through(SAMPLE.calls.filter(inbound.to_expr()), group, options=OPTIONS)
    page.get_by_text(f"the same: True {matching.height}").wait_for()

    # The files have the rows of the table in its order.
    explorer.press("Sort by Talk")
    panel.locator("th[aria-sort=descending]", has_text="Talk").wait_for()
    started = explorer.rows.locator("td:nth-child(1)").all_inner_texts()
    form = explorer.open("Export")
    for name in ("calls.parquet", "calls.csv"):
        form.get_by_label("File", exact=True).fill(name)
        form.get_by_role("button", name="Export", exact=True).click()
        form.get_by_text(re.compile(f"{matching.height} calls written to .*{name}")).wait_for()
    page.keyboard.press("Escape")
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

    # Back to the start, by keys.
    explorer.press("Sort by Started")
    panel.get_by_role("button", name="Over time", exact=True).focus()
    for _ in range(8):
        page.keyboard.press("Control+z")
    explorer.check(inbound)
    page.keyboard.press("Control+Shift+Z")
    explorer.check(inbound, days, shown={})
    assert page.evaluate(FOCUSED) == "Over time"


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place to another."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=6)
    page.mouse.up()


def test_keyboard_reaches_every_control(pages: tuple[ExplorerPage, BrowserPage]):
    explorer, _ = pages
    page, panel = explorer.page, explorer.panel
    panel.locator(".etelecom-chip").first.focus()
    labels = []
    for _ in range(120):
        labels.append(page.evaluate(FOCUSED))
        if labels[-1] == "Last page":
            break
        if page.evaluate("() => document.activeElement.matches('.etelecom-chip')"):
            page.keyboard.press("Enter")
            page.wait_for_function("() => document.activeElement.closest('.etelecom-popover')")
            labels.append(page.evaluate(FOCUSED))
        page.keyboard.press("Tab")
    assert panel.locator(".etelecom-popover:popover-open").count() == 0
    assert [name for name in LABELS if not any(label.startswith(name) for label in labels)] == []

    # Select groups without a click.
    groups = panel.get_by_role("listbox", name=re.compile("^Groups of the chart"))
    groups.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    inbound = et.CallQuery(direction="in")
    explorer.check(inbound, {"day": "2026-11-03"}, shown={})
    page.keyboard.press("End")
    page.keyboard.press("Shift+Enter")
    explorer.check(inbound, {"day": ["2026-11-03", "2026-11-08"]}, shown={})
    assert page.evaluate("() => document.activeElement.getAttribute('role')") == "listbox"
    selected = groups.get_by_role("option", selected=True)
    assert [each.split(":")[0] for each in selected.all_text_contents()] == [
        "Tue 3 Nov 2026",
        "Sun 8 Nov 2026",
    ]
    panel.get_by_role("button", name=re.compile("✕")).focus()
    page.keyboard.press("Enter")
    explorer.check(inbound)
    assert page.evaluate(FOCUSED) == "Undo"
    panel.get_by_role("button", name="Next page", exact=True).focus()
    page.keyboard.press("Enter")
    panel.get_by_text("page 2 of").wait_for()
    assert page.evaluate(FOCUSED) == "Next page"
    explorer.press("First page")
    panel.get_by_text("page 1 of").wait_for()


def test_popovers_return_the_focus(pages: tuple[ExplorerPage, BrowserPage]):
    """Esc and a click elsewhere close a popover, and a screen reader learns whether it is open."""
    explorer, _ = pages
    page, panel = explorer.page, explorer.panel
    button = panel.locator(".etelecom-chip").first
    for close in (
        lambda: page.keyboard.press("Escape"),
        lambda: panel.locator(".etelecom-note").click(),
        button.click,
    ):
        popover = explorer.open("Dates")
        popover.wait_for()
        assert button.get_attribute("aria-expanded") == "true"
        page.wait_for_function("() => document.activeElement.closest('.etelecom-popover')")
        close()
        popover.wait_for(state="hidden")
        page.wait_for_function("() => document.activeElement.className.includes('etelecom-chip')")
        assert button.get_attribute("aria-expanded") == "false"


def test_all_parts_are_visible_in_a_small_window(pages: tuple[ExplorerPage, BrowserPage]):
    """At 1280 x 900 without side panels; and nothing is wider than the cell at 900 and 390."""
    explorer, browser_page = pages
    page, panel = explorer.page, explorer.panel
    size = page.viewport_size
    toggle = "() => void jupyterapp.commands.execute('application:toggle-left-area')"
    page.evaluate(toggle)
    for width, columns in ((1280, 2), (900, 1), (390, 1)):
        page.set_viewport_size({"width": width, "height": 900})
        is_placed = f"""() => getComputedStyle(document.querySelector(".etelecom-split"))
            .gridTemplateColumns.split(" ").length === {columns}"""
        page.wait_for_function(is_placed)
        page.wait_for_timeout(400)  # the chart is drawn again
        browser_page.screenshot(f"explorer-{width}x900")
        if columns == 2:  # the picture of the README
            panel.locator(BARS).nth(1).click()
            panel.get_by_text(re.compile("^Selected: Tue 3 Nov 2026")).wait_for()
            page.mouse.move(0, 0)
            browser_page.screenshot_of(panel, "explorer")
        height = panel.bounding_box()["height"]
        assert height < 780 or columns == 1
        for part in (panel, panel.locator(".etelecom-bar"), panel.locator(".etelecom-kpis")):
            assert part.evaluate("each => each.scrollWidth <= each.clientWidth")
        cell = panel.locator("xpath=ancestor::*[contains(@class, 'jp-OutputArea-output')]").first
        assert cell.evaluate("each => each.scrollWidth <= each.clientWidth")
    page.evaluate(toggle)
    page.set_viewport_size(size)


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

    def wait_for_focus(row: int) -> None:
        focused = f"tr:nth-child({row}):focus"
        explorer.rows.locator(focused).wait_for()

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
    wait_for_focus(3)
    panel.get_by_role("button", name="Next call").focus()
    page.keyboard.press("ArrowUp")
    panel.get_by_text(re.compile("Call 2 of ")).wait_for()
    page.keyboard.press("Escape")
    panel.locator(".etelecom-journey").wait_for(state="hidden")
    wait_for_focus(2)
    search.focus()
    page.keyboard.press("Escape")
    panel.get_by_text("calls match").wait_for(state="detached")


def test_the_table_follows_reset_and_the_window(pages: tuple[ExplorerPage, BrowserPage]):
    explorer, browser_page = pages
    page, panel = browser_page.page, explorer.panel
    search = panel.get_by_label("Search the calls")
    search.fill("no such text")
    panel.get_by_text("0 of 851 calls match").wait_for()
    explorer.press("Reset")
    explorer.check(et.CallQuery(direction="in"))
    assert search.input_value() == ""

    explorer.rows.locator("tr").first.click()
    picture = panel.locator(".etelecom-journey .vega-embed svg").first
    picture.wait_for()
    before = picture.get_attribute("width")
    page.set_viewport_size({"width": 900, "height": 1700})
    panel.locator(f".etelecom-journey .vega-embed svg:not([width='{before}'])").first.wait_for()
    browser_page.screenshot("explorer-journey-at-900")
    page.set_viewport_size({"width": 1280, "height": 1700})
    explorer.press("Close")


def test_themes_and_widths(pages: tuple[ExplorerPage, BrowserPage]):
    explorer, browser_page = pages
    page, panel = explorer.page, explorer.panel
    explorer.press("By group")
    panel.get_by_label("Measure", exact=True).select_option(
        label="Answer rate of offers that the agent could take (fair_answer_rate)"
    )
    panel.get_by_label("By", exact=True).select_option(label="target number")
    explorer.select("Dates", "yesterday")
    panel.locator(".etelecom-status", has_text="Inbound, Sat 7 Nov 2026: 57 of").wait_for()
    panel.get_by_text(
        "Answer rate of offers that the agent could take by target number"
    ).first.wait_for()
    explorer.rows.locator("tr").nth(1).click()
    panel.locator(".jp-OutputArea svg.marks").first.wait_for()
    page.set_viewport_size({"width": 1280, "height": 2400})  # the picture has the whole panel
    browser_page.screenshot_of(panel, "explorer-panel")
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
    panel.get_by_text("Offered (calls) by hour").first.wait_for()
    for by in ("caller", "user", "hotline"):
        panel.get_by_label("By", exact=True).select_option(label=by)
        panel.get_by_text(f"Offered (calls) by {by}").first.wait_for()
    panel.locator(BARS).first.hover()
    panel.locator(BARS).first.click()
    panel.get_by_role("button", name=re.compile("^Hotline: <img")).wait_for()
    explorer.rows.locator("tr").nth(0).click()
    panel.locator(".jp-OutputArea svg.marks").first.wait_for()
    browser_page.screenshot("explorer-hostile")

    assert "<script>" in explorer.rows.inner_text()
    assert "pwned" not in page.title()
    assert page.locator("img[src='x']").count() == 0
    assert_no_errors(browser_page, lab)


def test_an_archive_is_read_after_its_outline_is_on_the_page(
    lab: Lab, open_page: Callable[..., BrowserPage]
):
    archive_of(lab.folder / "archive", SAMPLE.calls)
    lab.add("archive.ipynb", ARCHIVE_CELL)
    browser_page = open_page()
    page = lab.start(browser_page, "archive.ipynb")
    panel = page.locator(".etelecom-panel")
    panel.get_by_text("Reading 1,200 calls, 2–8 Nov 2026, from the archive.").wait_for()
    cards = panel.locator(".etelecom-kpi")
    assert cards.count() == 5
    assert cards.all_inner_texts() == [""] * 5
    assert panel.locator("svg.marks").count() == 0
    browser_page.screenshot("explorer-outline")

    (lab.folder / "notebooks" / "go").touch()
    panel.locator(".etelecom-status").get_by_text(
        "Inbound: 851 of 1,200 calls. Complete."
    ).wait_for()
    panel.locator(".etelecom-caption", has_text="851 matching calls").wait_for()
    panel.locator(BARS).nth(6).wait_for()
    assert "" not in cards.all_inner_texts()
    assert_no_errors(browser_page, lab)
