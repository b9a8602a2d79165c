"""The Explorer in JupyterLab in Chromium, without the internet: pointed at, brushed and typed, it says what `summarize` says."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import Lab, Watched
from test_notebooks_in_lab import assert_well

import etelecom_analytics as et
from etelecom_analytics.locale.comparison_text import comparison_texts
from etelecom_analytics.metrics import drill_through

SAMPLE = et.read_snapshot(Path(__file__).parent.parent.parent / "data" / "sample")
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"), as_of="2026-11-09")
DESK = """import etelecom_analytics as et

logs = et.read_snapshot("../data/sample")
options = et.MetricOptions(ivr_numbers=("8000", "8100"))
explorer = et.Explorer(logs, options=options, debounce_s=0.05)
explorer"""
AGAIN = """seen = explorer.filtered
exec(open("copied.py").read())
print("the same:", filtered.equals(seen), filtered.height)"""
STARTED = (
    pl.col("started_at").dt.convert_time_zone(OPTIONS.time_zone).dt.strftime("%Y-%m-%d %H:%M:%S")
)
BARS = ".groups_marks path"
KEYS = [
    "Dates", "First day", "Last day", "Direction", "Call state", "Number", "Duration", "Extensions", "User", "Reset", "Copy as code",
    "Over time", "By group", "Heat map", "Waits", "Rings", "Measure", "By", "Only", "Sort by started", "Sort by wait, s",
    "Journey of call 1", "Next page", "Last page", "File", "Full numbers", "Export",
]  # fmt: skip
FOCUSED = """() => {
    const at = document.activeElement;
    const label = at.labels?.[0]?.textContent || at.getAttribute("aria-label") || at.textContent || "";
    return label.trim();
}"""


class Desk:
    """The Explorer on a page: what it shows, and hands to use it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.panel = page.locator(".etelecom-panel")
        self.rows = self.panel.locator("table", has_text="calls behind these numbers").locator(
            "tbody"
        )

    def shows(self, query: et.CallQuery, group: Mapping[str, object] | None = None) -> pl.DataFrame:
        """Wait until numbers, chart and table are those of this filter; the calls that match it."""
        calls = drill_through(SAMPLE.calls.filter(query.to_expr()), group or {}, options=OPTIONS)
        assert isinstance(calls, pl.DataFrame)
        caption = self.panel.locator(
            "caption", has_text=f"{calls.height:,} calls behind these numbers"
        )
        caption.wait_for()
        self.panel.get_by_text(f"{calls.height:,} of 1,200 calls", exact=True).first.wait_for()
        self.panel.get_by_text(
            re.compile(f"over {calls.height:,} calls? ")
        ).first.wait_for()  # the chart's title
        compared = et.metrics.compare(calls.clear(), calls, options=OPTIONS)
        for place, told in enumerate(compared.iter_rows(named=True)):
            title, value, doubt, *_ = comparison_texts({**told, "difference": None}, OPTIONS)
            assert self.panel.locator(".etelecom-number").nth(place).inner_text().splitlines()[
                :3
            ] == [title, value, doubt]
        started = (
            calls.sort("started_at", descending=True, nulls_last=True)
            .select(STARTED)
            .head(12)["started_at"]
            .to_list()
        )
        assert self.rows.locator("td:nth-child(2)").all_inner_texts() == started
        return calls

    def drawn(self) -> str:
        return str(self.panel.locator("[data-drawn]").get_attribute("data-drawn"))

    def press(self, name: str) -> None:
        self.panel.get_by_role("button", name=name, exact=True).click()

    def bar(self, place: int) -> tuple[float, float]:
        """The middle of a group on the chart."""
        box = self.panel.locator(BARS).nth(place).bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture(scope="module")
def opened(running_lab: Lab, browser: Any) -> Iterator[tuple[Desk, Watched]]:
    """One page for all tests that use the same desk: to open it takes longer than most of them."""
    (running_lab.folder / "notebooks" / "copied.py").write_text("filtered = explorer.filtered")
    running_lab.add("desk.ipynb", DESK, AGAIN)
    seen = Watched(browser)
    seen.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen.page.set_viewport_size({"width": 1280, "height": 1700})
    yield Desk(running_lab.run(seen, "desk.ipynb")), seen
    seen.context.close()
    running_lab.end_kernels()


@pytest.fixture
def desk(opened: tuple[Desk, Watched], running_lab: Lab) -> Iterator[tuple[Desk, Watched]]:
    here, seen = opened
    here.press("Over time")
    here.press("Reset")
    here.shows(et.CallQuery(direction="in"))
    here.panel.locator(BARS).first.wait_for()
    yield here, seen
    assert_well(seen, running_lab)


def test_a_preset_a_brush_a_click_and_undo_change_everything_together(
    desk: tuple[Desk, Watched], running_lab: Lab
):
    here, seen = desk
    page, panel = here.page, here.panel
    calls_in = et.CallQuery(direction="in")
    seen.picture_of(panel, "explorer-light-1280")

    # A preset.
    panel.get_by_label("Dates", exact=True).select_option(label="yesterday")
    here.shows(et.CallQuery(direction="in", date_from="2026-11-07", date_to="2026-11-08"))
    panel.get_by_text(
        re.compile("Changes are against the period before: 2026-11-06 up to 2026-11-07")
    ).wait_for()
    here.press("Undo")
    here.shows(calls_in)

    # A brush over Tuesday, Wednesday and most of Thursday.
    panel.locator(BARS).nth(6).wait_for()
    (begin, height), (end, _) = here.bar(1), here.bar(3)
    page.mouse.move(begin - 25, height)
    page.mouse.down()
    page.mouse.move(end, height, steps=6)
    page.mouse.move(end + 12, height)
    page.mouse.up()
    some_days = et.CallQuery(direction="in", date_from="2026-11-03", date_to="2026-11-06")
    here.shows(some_days)
    assert panel.get_by_label("First day", exact=True).input_value() == "2026-11-03"

    # A click on a bar; once more takes it away.
    here.press("By group")
    panel.get_by_text("Offered (calls) by hour").first.wait_for()
    page.mouse.click(*here.bar(9))
    hour = int(
        re.findall(
            r"hour: (\d+)", panel.get_by_role("button", name=re.compile("^hour: ")).inner_text()
        )[0]
    )
    here.shows(some_days, {"hour": hour})
    seen.picture_of(panel, "explorer-clicked")
    page.mouse.click(*here.bar(9))
    here.shows(some_days)

    # A cell of the heat map.
    here.press("Heat map")
    panel.get_by_text("by weekday and hour").first.wait_for()
    cells = panel.locator(
        ".mark-rect path[aria-label*='calls in all']"
    )  # the others are of weekdays that are not asked for
    labels = [str(cell.get_attribute("aria-label")) for cell in cells.all()]
    place = max(
        range(len(labels)),
        key=lambda place: int(re.findall(r"calls in all: (\d+)", labels[place])[0]),
    )
    told = labels[place]
    cells.nth(place).click(force=True)  # its number stands over it
    weekday = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].index(
        re.findall(r"weekday: (\w+)", told)[0]
    ) + 1
    group = {"weekday": weekday, "hour": int(re.findall(r"hour: (\d+)", told)[0])}
    here.shows(some_days, group)

    # Copied code gives the same calls.
    here.press("Copy as code")
    panel.get_by_text("Copied.").wait_for()
    (running_lab.folder / "notebooks" / "copied.py").write_text(
        page.evaluate("() => navigator.clipboard.readText()")
    )
    page.locator(".jp-CodeCell", has_text="exec(open(").locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    matching = drill_through(SAMPLE.calls.filter(some_days.to_expr()), group, options=OPTIONS)
    page.get_by_text(f"the same: True {matching.height}").wait_for()

    # What is exported is what the table shows, in its order.
    here.press("Sort by talk, s")
    panel.locator("th[aria-sort=descending]", has_text="talk").wait_for()
    shown = here.rows.locator("td:nth-child(2)").all_inner_texts()
    for name in ("seen.parquet", "seen.csv"):
        panel.get_by_label("File", exact=True).fill(name)
        here.press("Export")
        panel.get_by_text(re.compile(f"{matching.height} calls written to .*{name}")).wait_for()
    folder = running_lab.folder / "notebooks"
    files = [
        pl.read_parquet(folder / "seen.parquet"),
        pl.read_csv(folder / "seen.csv", infer_schema=False),
    ]
    assert files[0].select(STARTED)["started_at"].to_list()[: len(shown)] == shown
    assert sorted(files[0]["id"]) == sorted(matching["id"])
    assert files[1]["id"].to_list() == files[0]["id"].to_list()
    assert files[0]["caller"].drop_nulls().str.contains(r"\*|^\D|^\d{1,5}$").all()

    # One call.
    panel.get_by_role("button", name=re.compile("^Journey of call 1 on this page")).click()
    panel.locator("canvas").first.wait_for()
    panel.locator("canvas").first.wait_for()
    seen.picture_of(panel, "explorer-journey")

    # Back to where it began.
    here.press("Sort by started")
    for _ in range(6):
        here.press("Undo")
    here.shows(calls_in)
    here.press("Redo")
    here.shows(some_days)


def test_the_keyboard_alone_reaches_every_control_and_filters(desk: tuple[Desk, Watched]):
    here, _ = desk
    page, panel = here.page, here.panel
    panel.get_by_label("Dates", exact=True).focus()
    reached = []
    for _ in range(90):
        reached.append(page.evaluate(FOCUSED))
        if reached[-1] == "Export":
            break
        page.keyboard.press("Tab")
    assert [name for name in KEYS if not any(label.startswith(name) for label in reached)] == []

    # What a click on a chart does, by keyboard.
    panel.get_by_label("Only", exact=True).focus()
    page.keyboard.press("ArrowDown")
    here.shows(et.CallQuery(direction="in", date_from="2026-11-02", date_to="2026-11-03"))
    panel.get_by_role("button", name="Next page", exact=True).focus()
    page.keyboard.press("Enter")
    panel.get_by_text("page 2 of").wait_for()
    assert page.evaluate(FOCUSED) == "Next page"


def test_it_can_be_read_light_and_dark_narrow_and_wide(desk: tuple[Desk, Watched]):
    here, seen = desk
    page, panel = here.page, here.panel
    here.press("By group")
    panel.get_by_label("Measure", exact=True).select_option(
        label="Fair answer rate (fair_answer_rate)"
    )
    panel.get_by_label("By", exact=True).select_option(label="target number")
    panel.get_by_label("Dates", exact=True).select_option(label="yesterday")
    panel.get_by_text("Fair answer rate by target number").first.wait_for()
    panel.get_by_role("button", name=re.compile("^Journey of call 2 on this page")).click()
    panel.locator("canvas").first.wait_for()
    seen.picture_of(panel, "explorer")
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
            seen.picture(f"explorer-{theme.lower()}-{width}")
            box = panel.first.bounding_box()
            assert box
            assert box["width"] <= width
            cards = [card.bounding_box()["y"] for card in panel.locator(".etelecom-number").all()]
            assert len(set(cards)) == 1  # five side by side


def test_what_comes_from_outside_stays_text_in_it(lab: Any, watched: Callable[..., Any]):
    lab.add(
        "evil_desk.ipynb",
        """import dataclasses
import polars as pl
import etelecom_analytics as et

evil = "<img src=x onerror=document.title='pwned'><script>document.title='pwned'</script>"
logs = et.read_snapshot("../data/sample")
legs = pl.element().struct.with_fields(target_number=pl.lit(evil), trunk_name=pl.lit(evil), end_reason=pl.lit(evil))
names = ["note", "caller", "callee", "extension_id", "user_id", "extension_number", "user", "hotline", "department_id"]
calls = logs.calls.with_columns(
    **{name: pl.lit(evil) for name in names},
    call_targets=pl.col("call_targets").list.eval(legs),
)
explorer = et.Explorer(dataclasses.replace(logs, calls=calls), show_numbers=True, debounce_s=0.05)
explorer""",
    )
    seen = watched()
    seen.page.set_viewport_size({"width": 1280, "height": 1700})
    page = lab.run(seen, "evil_desk.ipynb")
    panel = Desk(page).panel
    panel.get_by_role("button", name="By group", exact=True).click()
    for by in ("caller", "user", "hotline"):
        panel.get_by_label("By", exact=True).select_option(label=by)
        panel.get_by_text(f"Offered (calls) by {by}").first.wait_for()
    panel.locator(BARS).first.hover()
    panel.locator(BARS).first.click()
    panel.get_by_role("button", name=re.compile("^hotline: <img")).wait_for()
    panel.get_by_role("button", name=re.compile("^Journey of call 1 on this page")).click()
    panel.locator("canvas").first.wait_for()
    seen.picture("explorer-evil")

    assert "<script>" in Desk(page).rows.inner_text()
    assert "pwned" not in page.title()
    assert page.locator("img[src='x']").count() == 0
    assert_well(seen, lab)
