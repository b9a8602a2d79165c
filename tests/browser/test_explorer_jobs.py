"""Thirteen jobs of an analyst in the Explorer, by mouse and by keyboard, in at most five actions.

An action is one click, one choice from a list, one key or chord that does something, or one typed
text with Enter. Getting to a control is none: neither moving the pointer, nor Tab and arrow keys,
which the keyboard really presses, and which are limited too. The devices count what they do. Each
job starts with the inbound calls of the sample, and its result is read from the kernel.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.browser import BrowserPage, Lab, assert_no_errors

import etelecom_analytics as et
from etelecom_analytics.metrics import drill_through

pytestmark = pytest.mark.browser

MAX_ACTIONS, MAX_MOVES = 5, 60
CELL = """import dataclasses, json
import polars as pl
import etelecom_analytics as et

logs = et.read_snapshot("../data/sample")
hotline = pl.when(pl.col("direction") == "in").then("callee")
logs = dataclasses.replace(logs, calls=logs.calls.with_columns(hotline=hotline))
options = et.MetricOptions(ivr_numbers=("8000", "8100"))
explorer = et.Explorer(logs, options=options, debounce_s=0.05)
start = explorer.state()
explorer"""
RESET = """explorer.restore(start)
explorer._export_form._name.value = "calls.parquet"
calls = explorer._calls
calls.close_journey()
calls.search("")
if calls._pages.sort[0] != "started_at":
    calls.sort("started_at")
"""
READ = """print(json.dumps({
    "state": explorer.state(),
    "offers": explorer.offer_filters,
    "ids": sorted(explorer.filtered["id"]),
}))"""
EXECUTE = """async code => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({ code, store_history: false });
    let text = "";
    future.onIOPub = ({ header, content }) => {
        if (header.msg_type === "stream") text += content.text;
        if (header.msg_type === "error") text += content.traceback.join("\\n");
    };
    await future.done;
    return text;
}"""
FOCUSED = """() => {
    const element = document.activeElement;
    const label = element.getAttribute("aria-label") || element.labels?.[0]?.textContent
        || element.textContent || "";
    const inPanel = Boolean(element.closest(".etelecom-panel"));
    return [label.trim(), inPanel ? element.tagName : ""];
}"""
DISTANCE = """(list, id) => {
    const ids = [...list.children].map(each => each.id);
    return ids.indexOf(id) - ids.indexOf(list.getAttribute("aria-activedescendant"));
}"""
MARKS = ".groups_marks path, .mark-rect path[aria-label*='total calls']"
HOURS = 24
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"), as_of="2026-11-09")
LOGS = et.read_snapshot(Path(__file__).parents[2] / "data" / "sample")
CALLS = LOGS.calls.with_columns(hotline=pl.when(pl.col("direction") == "in").then("callee"))
INBOUND = CALLS.filter(pl.col("direction") == "in")


def ids(calls: Any) -> list[str]:
    return sorted(calls["id"])


def in_group(**group: Any) -> list[str]:
    """The ids of the inbound calls of a group."""
    return ids(drill_through(INBOUND, group, options=OPTIONS))


class Device:
    """How a user works with the Explorer; counts the actions, and the keys that only move."""

    name = ""

    def __init__(self, page: Any) -> None:
        self.page, self.panel = page, page.locator(".etelecom-panel")
        self.actions = self.moves = 0

    def act(self) -> None:
        self.actions += 1
        assert self.actions <= MAX_ACTIONS

    def choices(self, label: str, option: str) -> tuple[Any, int]:
        """A list to choose from, and the index of the option that starts so, once it is there."""
        choices = self.panel.locator("select").and_(self.panel.get_by_label(label, exact=True))
        choices.locator("option").filter(
            has_text=re.compile(option.replace(" ", r"\s"))
        ).first.wait_for(state="attached")
        texts = [" ".join(text.split()) for text in choices.locator("option").all_text_contents()]
        return choices, next(at for at, text in enumerate(texts) if text.startswith(option))

    def option(self, label: str) -> Any:
        """The group of the chart whose text starts so, as screen readers have it."""
        options = self.panel.get_by_role("option", name=re.compile(rf"^{re.escape(label)}\b"))
        options.first.wait_for(state="attached")
        return options.first


class Mouse(Device):
    name = "mouse"

    def press(self, name: str, *, back: bool = False) -> None:
        """Press the button whose name starts so; in a popover, if one is open."""
        self.act()
        pattern = re.compile(rf"^{re.escape(name)}(\W|$)")
        inside = self.panel.locator(":popover-open")
        place = inside if inside.count() else self.panel
        place.get_by_role("button", name=pattern).locator("visible=true").first.click()

    def choose(self, label: str, option: str) -> None:
        """Choose from a list; the text of the option starts so."""
        self.act()
        choices, index = self.choices(label, option)
        choices.select_option(index=index)

    def pick(self, label: str, *, add: bool = False) -> None:
        """Click the group of the chart with this label, with Shift to add it."""
        self.act()
        index = int(
            self.option(label).evaluate("each => [...each.parentElement.children].indexOf(each)")
        )
        marks = self.panel.locator(
            "svg.marks .groups_marks path, svg.marks .mark-rect path[aria-label*='total calls']"
        )
        marks.nth(index).click(modifiers=["Shift"] if add else [], force=True)

    def type(self, label: str, text: str) -> None:
        """Type into the field and press Enter."""
        self.act()
        field = self.panel.locator("input").and_(self.panel.get_by_label(label)).first
        field.click()
        field.fill(text)
        field.press("Enter")

    def tick(self, label: str) -> None:
        """Click a check box."""
        self.act()
        self.panel.get_by_role("checkbox", name=label, exact=True).click()

    def open_row(self, number: int) -> None:
        """Click a row of the table."""
        self.act()
        self.panel.locator(".etelecom-frame tbody tr").nth(number - 1).click()

    def next_call(self) -> None:
        self.press("Next call")

    def undo(self) -> None:
        self.press("Undo")

    def redo(self) -> None:
        self.press("Redo")


class Keyboard(Device):
    name = "keyboard"

    def move(self, key: str) -> None:
        self.moves += 1
        assert self.moves <= MAX_MOVES
        self.page.keyboard.press(key)

    def key(self, key: str) -> None:
        """A key that does something."""
        self.act()
        self.page.keyboard.press(key)

    def go_to(self, name: str, *tags: str, back: bool = False) -> None:
        """Press Tab until the focus is on the control whose name starts so."""
        passed = []
        while True:
            label, tag = self.page.evaluate(FOCUSED)
            passed.append(label)
            starts = not name or re.match(rf"{re.escape(name)}(\W|$)", label)
            if starts and tag in (tags or ("BUTTON",)):
                return
            assert len(passed) <= MAX_MOVES, f"no {name} among {passed}"
            self.move("Shift+Tab" if back else "Tab")

    def press(self, name: str, *, back: bool = False) -> None:
        """Press the button whose name starts so; a popover that opens takes the focus."""
        self.go_to(name, back=back)
        opens = self.page.evaluate("() => document.activeElement.ariaHasPopup === 'dialog'")
        self.key("Enter")
        if opens:
            self.page.wait_for_function("() => document.activeElement.closest(':popover-open')")

    def choose(self, label: str, option: str) -> None:
        """Type the first letters of an option of a list."""
        self.go_to(label, "SELECT")
        self.choices(label, option)
        self.act()
        self.page.keyboard.type(option)

    def pick(self, label: str, *, add: bool = False) -> None:
        """Move to the group of the chart with arrow keys, and press Enter, with Shift to add it."""
        option = self.option(label)
        chart = option.locator("xpath=..")
        self.go_to(str(chart.get_attribute("aria-label")), "DIV")
        keys = {1: "ArrowRight", -1: "ArrowLeft", HOURS: "ArrowDown", -HOURS: "ArrowUp"}
        while distance := chart.evaluate(DISTANCE, option.get_attribute("id")):
            rows = abs(distance) >= HOURS and chart.locator("> *").count() == 7 * HOURS
            self.move(keys[(HOURS if rows else 1) * (1 if distance > 0 else -1)])
        self.key("Shift+Enter" if add else "Enter")

    def type(self, label: str, text: str) -> None:
        """Type into the field and press Enter."""
        self.go_to(label, "INPUT")
        self.act()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def tick(self, label: str) -> None:
        """Press Space on a check box."""
        self.go_to(label, "INPUT")
        self.key("Space")

    def open_row(self, number: int) -> None:
        """Move to a row of the table and press Enter."""
        self.go_to("", "TR")
        self.move("Home")
        for _ in range(number - 1):
            self.move("ArrowDown")
        self.key("Enter")

    def next_call(self) -> None:
        self.key("ArrowDown")

    def undo(self) -> None:
        self.key("Control+z")

    def redo(self) -> None:
        self.key("Control+Shift+z")


class Desk:
    """The Explorer on its page, and its kernel."""

    def __init__(self, browser_page: BrowserPage, folder: Path) -> None:
        self.browser_page, self.page, self.folder = browser_page, browser_page.page, folder
        self.panel = self.page.locator(".etelecom-panel")

    def execute(self, code: str) -> str:
        """Run code in the kernel; returns what it prints."""
        return str(self.page.evaluate(EXECUTE, code))

    def reset(self) -> None:
        """Return to the first state, with the focus on the first control."""
        assert self.execute(RESET) == ""
        self.expect(ids(INBOUND))
        self.panel.get_by_text(f"{INBOUND.height:,} matching calls").first.wait_for()
        self.page.keyboard.press("Escape")
        self.panel.locator("button").locator("visible=true").first.focus()

    def expect(self, expected: list[str], **state: Any) -> None:
        """Wait until these are the filtered calls, and the state has these values."""
        for _ in range(100):
            printed = self.execute(READ)
            result = json.loads(printed)
            values = {**result["state"], "offers": result["offers"]}
            current = {name: values.get(name) for name in state}
            if (result["ids"], current) == (expected, state):
                return
            self.page.wait_for_timeout(50)
        assert current == state
        assert result["ids"] == expected

    def wait_for(self, text: str) -> None:
        """Wait for this text, a regular expression, in the panel."""
        self.panel.get_by_text(re.compile(text)).locator("visible=true").first.wait_for()


JOBS: dict[str, Callable[[Any, Desk], None]] = {}


def job(function: Callable[[Any, Desk], None]) -> Callable[[Any, Desk], None]:
    JOBS[function.__name__] = function
    return function


@job
def worst_hour_of_tuesday(user: Any, desk: Desk) -> None:
    missed = et.summarize(INBOUND, by=["weekday", "hour"], measures=["missed"], options=OPTIONS)
    hour = missed.filter(weekday=2).sort("missed", descending=True)["hour"][0]
    user.press("Heat map")
    user.choose("Measure", "Missed")
    desk.wait_for("Missed .* by weekday and hour")
    user.pick(f"Tue {hour}:00")
    desk.expect(in_group(weekday=2, hour=hour), group_filters={"weekday_hour": [[2, hour]]})


@job
def missed_calls_of_an_agent(user: Any, desk: Desk) -> None:
    agent = {"target_number": "102"}
    offered = drill_through(INBOUND, agent, options=OPTIONS)
    count = et.summarize(offered, measures=["missed"], options=OPTIONS).item()
    user.press("By group")
    user.choose("Measure", "Ring no answer")
    user.choose("By", "target number")
    desk.wait_for("Ring no answer .* by target number")
    user.pick("102")
    desk.expect(ids(offered), group_filters=agent)
    user.type("Search", "missed")
    desk.wait_for(rf"{count} of {offered.height} calls match")


@job
def long_waits(user: Any, desk: Desk) -> None:
    user.press("Sort by Wait")
    desk.panel.locator("th[aria-sort=descending]", has_text="Wait").wait_for()
    user.open_row(1)
    desk.wait_for(rf"Call 1 of {INBOUND.height}")
    waits = et.metrics.Selection(INBOUND).values("wait_s", OPTIONS)
    longest = INBOUND["id"][waits.arg_max()]
    assert desk.execute("print(explorer._calls.frame()['id'][0])").strip() == longest


@job
def compare_two_weekdays(user: Any, desk: Desk) -> None:
    user.press("By group")
    user.choose("By", "weekday")
    desk.wait_for("by weekday")
    user.pick("Mon")
    desk.expect(in_group(weekday=1), group_filters={"weekday": 1})
    user.pick("Fri", add=True)
    desk.expect(
        sorted(in_group(weekday=1) + in_group(weekday=5)), group_filters={"weekday": [1, 5]}
    )


@job
def undo_and_redo(user: Any, desk: Desk) -> None:
    user.pick("Tue 3 Nov")
    tuesday = in_group(weekday=2)
    desk.expect(tuesday)
    user.undo()
    desk.expect(ids(INBOUND))
    user.redo()
    desk.expect(tuesday)


@job
def search_a_caller(user: Any, desk: Desk) -> None:
    number = INBOUND["caller"].drop_nulls().value_counts(sort=True)["caller"][0]
    query = et.CallQuery(direction="in", call_number=number)
    user.press("Number")
    user.type("Number", number)
    desk.expect(ids(CALLS.filter(query.to_expr())), call_number=number)


@job
def other_columns(user: Any, desk: Desk) -> None:
    removed, added = ("Hotline", "Legs") if user.name == "mouse" else ("Talk", "Note")
    user.press("Columns")
    user.tick(removed)
    desk.panel.locator("th", has_text=removed).wait_for(state="detached")
    user.tick(added)
    desk.panel.locator("th", has_text=added).wait_for()


@job
def filter_by_hotline(user: Any, desk: Desk) -> None:
    user.press("Hotline")
    user.choose("Hotline", "19000123")
    desk.expect(ids(INBOUND.filter(hotline="19000123")), group_filters={"hotline": "19000123"})


@job
def copy_code(user: Any, desk: Desk) -> None:
    user.pick("Wed 4 Nov")
    wednesday = in_group(weekday=3)
    desk.expect(wednesday)
    user.press("Code", back=True)
    desk.wait_for("Copied")
    code = desk.page.evaluate("() => navigator.clipboard.readText()")
    desk.execute(f"names = dict(globals()); exec({code!r}, names)")
    assert (
        json.loads(desk.execute("print(json.dumps(sorted(names['filtered']['id'])))")) == wednesday
    )


@job
def export_a_csv(user: Any, desk: Desk) -> None:
    path = desk.folder / f"{user.name}.csv"
    user.press("Options of the export")
    user.type("File", path.name)
    desk.wait_for(f"{INBOUND.height} calls written to .*{path.name}")
    assert ids(pl.read_csv(path, infer_schema=False)) == ids(INBOUND)


@job
def journey_of_a_call_and_the_next(user: Any, desk: Desk) -> None:
    user.open_row(3)
    desk.wait_for(rf"Call 3 of {INBOUND.height}")
    user.next_call()
    desk.wait_for(rf"Call 4 of {INBOUND.height}")
    desk.panel.locator(".etelecom-journey svg.marks").first.wait_for()


@job
def all_directions(user: Any, desk: Desk) -> None:
    user.press("Show all directions")
    desk.expect(ids(CALLS))
    desk.panel.get_by_text(f"{CALLS.height:,} of {CALLS.height:,} calls").first.wait_for()


@job
def missed_calls_of_the_worst_hour_of_tuesday(user: Any, desk: Desk) -> None:
    """Find the hour, see its missed calls, open the journey of one, and export."""
    missed = et.summarize(INBOUND, by=["weekday", "hour"], measures=["missed"], options=OPTIONS)
    worst = missed.filter(weekday=2).sort("missed", descending=True).row(0, named=True)
    user.press("Heat map")
    user.choose("Measure", "Missed")
    desk.wait_for("Missed .* by weekday and hour")
    user.pick(f"Tue {worst['hour']}:00")
    calls = in_group(weekday=2, hour=worst["hour"])
    desk.expect(calls)
    user.type("Search", "missed")
    desk.wait_for(rf"{worst['missed']} of {len(calls)} calls match")
    desk.wait_for(rf"Call 1 of {worst['missed']}")
    desk.panel.locator(".etelecom-journey svg.marks").first.wait_for()
    before = set(desk.folder.glob("calls*.parquet"))
    user.press("Export", back=True)
    desk.wait_for(rf"{len(calls)} calls written to calls(-\d+)?\.parquet")
    (path,) = set(desk.folder.glob("calls*.parquet")) - before
    assert ids(pl.read_parquet(path)) == calls


@pytest.fixture(scope="module")
def desk(running_lab: Lab, browser: Any) -> Iterator[Desk]:
    running_lab.add("jobs.ipynb", CELL)
    browser_page = BrowserPage(browser)
    browser_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    browser_page.page.set_viewport_size({"width": 1280, "height": 900})
    page = running_lab.run(browser_page, "jobs.ipynb")
    page.set_default_timeout(15_000)
    page.evaluate("() => void jupyterapp.commands.execute('application:toggle-left-area')")
    desk = Desk(browser_page, running_lab.folder / "notebooks")
    desk.panel.locator(".groups_marks path").first.wait_for()
    yield desk
    assert_no_errors(browser_page, running_lab)
    browser_page.context.close()
    running_lab.end_kernels()


@pytest.mark.parametrize("device", [Mouse, Keyboard], ids=lambda device: device.name)
@pytest.mark.parametrize("name", JOBS)
def test_job(
    name: str, device: type[Device], desk: Desk, record_property: Callable[[str, object], None]
):
    desk.reset()
    user = device(desk.page)
    try:
        JOBS[name](user, desk)
    finally:
        desk.browser_page.screenshot(f"job-{name}-{user.name}")
    record_property("actions", user.actions)
    record_property("moves", user.moves)
