"""Panels in another language: every text, also those that a callback or a thread makes later."""

import threading
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from support.panel_texts import panel_texts, pseudo_site
from support.pseudo import html_texts, untranslated
from support.widget_driver import control, press, put, visible_html, walk

import etelecom_analytics as et
from etelecom_analytics.errors import UnknownName
from etelecom_analytics.language import current_language
from etelecom_analytics.logs import Progress
from etelecom_analytics.metrics import MEASURES
from etelecom_analytics.simulator import serve
from etelecom_analytics.widgets.explorer.call_table import CallTable
from etelecom_analytics.widgets.explorer.chart_tabs import ChartTabs
from etelecom_analytics.widgets.panel import Panel

SAMPLE = et.read_snapshot(Path(__file__).parent.parent.parent / "data" / "sample")
NUMBERS = {"ivr_numbers": ["8000"], "queue_numbers": ["8100"]}
PSEUDO_SITE = pseudo_site(**NUMBERS, targets={"answer_rate": 0.9, "asa_s": 20})
NAMES = {
    *("Asia/Ho_Chi_Minh", "etelecom_analytics", "parquet", "csv", "xlsx"),
    *("Explorer", "FilterPanel", "FetchPanel", "CallLogs", "ValueError"),
    *MEASURES,
}
"""Data, and the names of measures and of this package."""


def outside(panel: Panel, *names: str) -> set[str]:
    """The words of a panel, and of its form in a saved notebook, that no catalogue has."""
    notes = [" ".join(note.split()) for note in SAMPLE.calls["note"].drop_nulls().unique()]
    texts = [*panel_texts(panel), *html_texts(panel._repr_html_()), repr(panel)]
    words = {word for text in texts for word in untranslated(text, [*NAMES, *names, *notes])}
    return words - {"x", "\N{HEAVY MULTIPLICATION X}"}


@pytest.fixture(scope="module")
def explorer() -> et.Explorer:
    return et.Explorer(SAMPLE, site=PSEUDO_SITE, debounce_s=0)


def test_an_explorer_has_no_text_outside_of_the_catalogue(explorer: et.Explorer):
    assert outside(explorer) == set()
    assert "[Code]" in panel_texts(explorer)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda explorer: put(explorer, "[Direction]", "out"),
        lambda explorer: put(explorer, "[Dates]", "yesterday"),
        lambda explorer: put(explorer, "[Chart]", "group"),
        lambda explorer: put(explorer, "[Measure]", "offers"),
        lambda explorer: explorer.restore(
            {"group_filters": {"weekday": 1, "in_hours": None}, "offer_filters": {"user_id": None}}
        ),
        lambda explorer: explorer.restore({"direction": "ext", "duration": ["less_than", 9]}),
        lambda explorer: put(explorer, "[Number]", "1\n2"),
        lambda explorer: put(explorer, "[First day]", date(2100, 1, 1)),
        lambda explorer: put(explorer, "[Last day]", date.max),
        lambda explorer: (put(explorer, "[File]", "calls"), press(explorer, "[Export]")),
        lambda explorer: (put(explorer, "[File]", "/no/a.csv"), press(explorer, "[Export]")),
    ],
)
def test_texts_after_a_change_are_of_the_catalogue(
    explorer: et.Explorer, change: Callable[[et.Explorer], object]
):
    before = panel_texts(explorer)
    change(explorer)
    try:
        assert panel_texts(explorer) != before
        assert outside(explorer) - {"no", "calls"} == set()  # the names of the files
    finally:
        explorer.restore({"direction": "in"})


def test_texts_after_a_click_are_of_the_catalogue(explorer: et.Explorer):
    tabs = next(part for part in walk(explorer) if isinstance(part, ChartTabs))
    table = next(part for part in walk(explorer) if isinstance(part, CallTable))
    explorer.restore({"direction": "in", "chart": {"tab": "group", "by": "hour"}})
    tabs._clicked([next(iter(tabs.chart.groups))[0]], False)
    for message in (
        {"kind": "sort", "column": "wait_s"},
        {"kind": "page", "page": 1},
        {"kind": "search", "text": "0"},
        {"kind": "open", "row": 0},
    ):
        table._handle_custom_msg(message, [])

    assert "[hour]" in " ".join(panel_texts(explorer))
    assert outside(explorer) == set()
    explorer.undo()
    assert outside(explorer) == set()


def test_a_failed_chart_is_reported_in_the_language(
    explorer: et.Explorer, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(explorer._factory, "draw", fail)
    put(explorer, "[Chart]", "waits")

    assert "[The chart failed: ValueError: ]" in visible_html(explorer)
    monkeypatch.undo()
    explorer.restore({"direction": "in"})


def test_a_table_and_an_ended_history_have_no_other_text():
    explorer = et.Explorer(SAMPLE.calls.clear(), site=PSEUDO_SITE, debounce_s=0)
    explorer.restore({"group_filters": {"user_id": None}})

    assert outside(explorer) == set()


def test_a_filter_panel_has_no_text_outside_of_the_catalogue():
    panel = et.FilterPanel(SAMPLE.calls, site=pseudo_site(), debounce_s=0)
    assert outside(panel) == set()
    put(panel, "[Call state]", "not_answered")
    put(panel, "[Duration]", "less_than")
    assert outside(panel) == set()
    panel.restore({"dates": "custom", "date_from": "2026-11-02T08:30", "user_id": "12"})
    assert "[Exact times: [from [Mon] 02/11/2026 08:30]. " in visible_html(panel)
    assert outside(panel) == set()
    panel.observe_query(lambda _: 1 / 0)
    put(panel, "[Direction]", "in")
    assert "[A callback failed:" in visible_html(panel)


def test_a_fetch_panel_has_no_text_outside_of_the_catalogue():
    with serve(SAMPLE.calls.head(50)) as server:
        client = et.Client(server.base_url, server.api_key, retry=et.Retry(attempts=1))
        panel = et.FetchPanel(fetch=et.fetcher(client), site=pseudo_site(), as_of="2026-11-09")
        assert outside(panel) == set()
        press(panel, "[Apply]")
        assert panel.wait(20)
        assert outside(panel) == set()
        put(panel, "[User]", "not an id")
        put(panel, "[User]", "17")
    press(panel, "[Apply]")  # the server is closed
    assert panel.wait(20)
    assert "[the fetch failed; the result is unchanged]" in visible_html(panel)


@pytest.mark.slow
def test_a_desk_has_no_text_outside_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    snapshot = "2026-11-02-to-2026-11-02"
    names = ["Desk", str(tmp_path), "snapshots", "archive", snapshot, "English", "Tiếng Việt"]
    with serve(SAMPLE.calls) as server:
        fetch = et.fetcher(et.Client(server.base_url, server.api_key))
        desk = et.Desk(fetch=fetch, site=pseudo_site(), as_of="2026-11-08")
        assert outside(desk, *names) == set()
        put(desk, "[Last day]", date(2026, 11, 2))
        press(desk, "[Apply]")
        assert desk.wait(20)
        assert "[8000 is an IVR]" in panel_texts(desk)
        for label in ("[Save snapshot]", "[Sync archive]", "[Save snapshot]"):
            press(desk, label)
            assert desk.wait(20)
    assert "already exists" in visible_html(desk)
    assert outside(desk, *names) == set()


def test_progress_of_a_thread_is_in_the_language_of_the_panel():
    started, languages = threading.Event(), []
    moment = SAMPLE.report.complete_to

    def fetch(query: object, on_progress: Progress, stop: Callable[[], bool]) -> et.CallLogs:
        on_progress(1234, moment)
        started.set()
        while not stop():
            started.wait(0.01)
        return SAMPLE

    panel = et.FetchPanel(fetch=fetch, language="vi", as_of="2026-11-09")
    panel.observe_query(lambda _: languages.append(current_language()))
    thread = threading.Thread(target=press, args=(panel, "Áp dụng"))
    thread.start()
    thread.join()
    assert started.wait(20)

    status = f"đang tải: 1.234 cuộc gọi đến lúc này, lùi đến T2 {moment:%d/%m/%Y}"
    assert status in visible_html(panel)
    press(panel, "Hủy")
    assert panel.wait(20)
    assert "đã hủy" in visible_html(panel)
    put(panel, "Chiều gọi", "in")
    assert languages == ["vi"]
    assert current_language() == "en"


def test_a_change_in_another_thread_is_in_the_language_of_the_panel():
    explorer = et.Explorer(SAMPLE, site=et.Site(**NUMBERS), language="vi", debounce_s=0)
    thread = threading.Thread(target=put, args=(explorer, "Chiều gọi", "out"))
    thread.start()
    thread.join()

    text = f"{explorer.filtered.height} trong 1.200 cuộc gọi"
    assert text in visible_html(explorer)
    assert "cuộc gọi đi" in repr(explorer)
    assert "CN 08/11/2026" in repr(explorer)
    assert control(explorer, "Ngày").options[1] == ("hôm nay", "today")
    table = next(part for part in walk(explorer) if isinstance(part, CallTable))
    assert table.content["rows"][0][0].startswith("CN 08/11 ")
    assert explorer.state()["direction"] == "out"


def test_the_language_is_that_of_the_site_unless_it_is_an_argument():
    site = et.Site(language="vi")
    panels = [
        et.FilterPanel(SAMPLE.calls, site=site),
        et.FilterPanel(SAMPLE.calls, site=site, language="en"),
        et.FilterPanel(SAMPLE.calls, language="vi"),
    ]

    assert [panel.language for panel in panels] == ["vi", "en", "vi"]
    assert ["bộ lọc" in repr(panel) for panel in panels] == [True, False, True]
    with pytest.raises(UnknownName, match="language"):
        et.FilterPanel(SAMPLE.calls, language="fr")


def test_a_chart_view_draws_in_the_language_of_its_panel():
    languages = []

    def draw(selection: object) -> None:
        languages.append(current_language())
        raise ValueError

    panel = et.FilterPanel(SAMPLE.calls, language="vi", debounce_s=0)
    view = et.ChartView(panel, draw)  # type: ignore[arg-type]
    view.draw()

    assert languages == ["vi", "vi"]
    assert view.description.startswith("Không vẽ được biểu đồ: ValueError")


def test_dates_of_an_exported_workbook_stay_readable(tmp_path: Path):
    """Numbers are masked in it, and a date with the day first has eight digits."""
    explorer = et.Explorer(et.sample_logs(), language="vi", debounce_s=0)
    explorer.restore({"direction": "in", "date_from": "2026-11-02", "date_to": "2026-11-05"})

    path = explorer.export(tmp_path / "a.xlsx")

    with zipfile.ZipFile(path) as book:
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "02/11/2026" in texts
    assert "05/11/2026" in texts
    assert "02…" not in texts
