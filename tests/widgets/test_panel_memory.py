"""The memory of panels returns: after `close`, after changes, and when their cell runs again."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances as open_widgets
from jupyter_client.manager import start_new_kernel
from support.widget_driver import put

import etelecom_analytics as et

LOGS = et.sample_logs()
PANELS = ("Desk", "Explorer", "FetchPanel", "FilterPanel", "ChartView")


@pytest.fixture(autouse=True)
def _no_garbage() -> None:
    """Panels of other tests are not collected during a test."""
    gc.collect()


def make(name: str) -> Any:
    match name:
        case "Desk":
            desk = et.Desk(fetch=lambda *_: LOGS, as_of="2026-11-08")
            for direction in ("in", "out"):  # the second Explorer replaces the first
                desk.restore({"direction": direction})
                desk.apply()
                assert desk.wait(20)
            assert desk.explorer is not None
            return desk
        case "Explorer":
            return et.Explorer(LOGS, debounce_s=0)
        case "FetchPanel":
            return et.FetchPanel(fetch=lambda *_: LOGS, as_of="2026-11-08")
        case "FilterPanel":
            return et.FilterPanel(LOGS.calls, debounce_s=0)
    return et.ChartView(make("FilterPanel"), et.charts.answer_rate)


@pytest.mark.slow
@pytest.mark.parametrize("name", PANELS)
def test_close_leaves_no_widget(name: str):
    before = set(open_widgets)
    panel = make(name)
    assert len(open_widgets) > len(before) + 3
    panel.close()
    if name == "ChartView":
        panel._arguments["panel"].close()

    assert set(open_widgets) - before == set()


@pytest.mark.slow
def test_changes_leave_no_widgets():
    explorer = make("Explorer")
    states = [
        {"direction": "in", "group_filters": {"hour": 9}, "chart": {"tab": "group"}},
        {"group_filters": {"weekday": 1, "hour": 10}, "chart": {"tab": "heat"}},
    ]
    counts = []
    for _ in range(2):
        for state in states:
            explorer.restore(state)
        counts.append(len(open_widgets))
    explorer.close()

    assert len(set(counts)) == 1


@pytest.mark.slow
def test_closed_explorer_frees_its_calls():
    """Also with a change that waits for the delay, facts in the background, and observers."""

    async def use() -> list[weakref.ref[Any]]:
        calls = LOGS.calls.head(300)
        explorer = et.Explorer(calls, debounce_s=60)
        explorer.observe_query(lambda _: explorer.filtered)
        put(explorer, "Direction", "out")
        selection = explorer.selection
        explorer.close()
        return [weakref.ref(each) for each in (explorer, selection, selection._table, calls)]

    references = asyncio.run(use())
    gc.collect()

    assert [reference() for reference in references] == [None] * 4


def test_closed_chart_view_follows_no_longer():
    panel = make("FilterPanel")
    view = et.ChartView(panel, et.charts.answer_rate)
    before = view.description
    view.close()
    panel.restore({"direction": "in"})

    assert view.description == before
    panel.close()


COUNT = """import gc
gc.collect()
kinds = [type(each).__name__ for each in gc.get_objects()]
print(*(kinds.count(name) for name in ("Explorer", "FilterPanel", "ChartView")))"""


class Notebook:
    """A kernel that receives cells as JupyterLab sends them."""

    def __init__(self) -> None:
        self._manager, self._client = start_new_kernel()

    def run(self, cell: str, code: str, *, deleted: tuple[str, ...] = ()) -> str:
        """Run a cell; returns what it prints."""
        message = self._client.session.msg(
            "execute_request",
            {"code": code, "silent": False, "store_history": True, "stop_on_error": True},
            metadata={"cellId": cell, "deletedCells": list(deleted)},
        )
        self._client.shell_channel.send(message)
        printed = ""
        while True:
            reply = self._client.get_iopub_msg(timeout=60)
            if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            assert reply["msg_type"] != "error", reply["content"]
            if reply["msg_type"] == "stream":
                printed += reply["content"]["text"]
            if reply["content"].get("execution_state") == "idle":
                return printed

    def panels(self) -> list[int]:
        """The numbers of Explorers, FilterPanels and ChartViews in memory."""
        return [int(text) for text in self.run("count", COUNT).splitlines()[-1].split()]

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@pytest.mark.slow
def test_a_cell_that_runs_again_closes_the_panels_that_nobody_keeps():
    notebook = Notebook()
    try:
        notebook.run("a", "import etelecom_analytics as et\nlogs = et.sample_logs()\nkept = []")
        for _ in range(2):
            notebook.run("explorer", "explorer = et.Explorer(logs)\nexplorer")
            notebook.run("result", "et.FilterPanel(logs.calls)")
        assert notebook.panels() == [1, 1, 0]
        notebook.run("again", "explorer")
        notebook.run("explorer", "explorer = et.FilterPanel(logs.calls)\nexplorer")
        assert notebook.panels() == [1, 2, 0]  # the cell "again" still shows the Explorer
        notebook.run("again", "explorer")
        assert notebook.panels() == [0, 2, 0]

        for _ in range(2):
            notebook.run("list", "kept.append(et.FilterPanel(logs.calls))\nkept[-1]")
        assert notebook.panels() == [0, 4, 0]
        notebook.run("a", "kept = explorer = None", deleted=("explorer", "again", "list", "result"))
        assert notebook.panels() == [0, 0, 0]

        for _ in range(2):
            notebook.run("panel", "panel = et.FilterPanel(logs.calls)\npanel")
            notebook.run("view", "et.ChartView(panel, et.charts.answer_rate)")
        assert notebook.panels() == [0, 1, 1]
    finally:
        notebook.close()
