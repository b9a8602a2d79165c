"""Desk over HTTP: it fetches, explores, saves and reports, and each error is a sentence in it."""

import html
import re
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.panel_texts import panel_texts
from support.widget_driver import control, press, put, visible_html

import etelecom_analytics as et
from etelecom_analytics import local_time
from etelecom_analytics.desk import Desk
from etelecom_analytics.errors import InputError, Stopped
from etelecom_analytics.simulator import CallLogServer, serve

CALLS = et.sample_logs().calls
TIMEOUT_S = 60.0
WEEK = {"date_from": "2026-11-02", "date_to": "2026-11-09"}
INBOUND_MONDAY = {"direction": "in", "group_filters": {"weekday": 1}}


@pytest.fixture(scope="module")
def week_server() -> Iterator[CallLogServer]:
    with serve(CALLS) as server:
        yield server


@pytest.fixture(scope="module")
def week_client(week_server: CallLogServer) -> Iterator[et.Client]:
    with et.Client(week_server.base_url, week_server.api_key) as client:
        yield client


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to a new folder without a site file and without .env."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()  # the search for a site file ends here


@pytest.fixture
def desk(week_client: et.Client) -> Iterator[Desk]:
    panel = Desk(fetch=et.fetcher(week_client), query=et.CallQuery(**WEEK))
    yield panel
    panel.close()


@pytest.fixture
def fetched(desk: Desk) -> Desk:
    desk.apply()
    assert desk.wait(TIMEOUT_S)
    return desk


@pytest.fixture(scope="module")
def shared_desk(week_client: et.Client) -> Iterator[Desk]:
    panel = Desk(fetch=et.fetcher(week_client), query=et.CallQuery(**WEEK))
    panel.apply()
    assert panel.wait(TIMEOUT_S)
    yield panel
    panel.close()


@pytest.fixture
def saving(shared_desk: Desk) -> Desk:
    """A panel with a result, for tests that only save or report it."""
    put(part(shared_desk, "save"), "Snapshot", "snapshots/2026-11-02-to-2026-11-08")
    put(part(shared_desk, "report"), "Kind", "weekly")
    put(part(shared_desk, "report"), "Report file", "weekly.html")
    put(part(shared_desk, "report"), "Language", "en")
    return shared_desk


def explorer_of(desk: Desk) -> et.Explorer:
    assert desk.explorer is not None
    return desk.explorer


def part(desk: Desk, step: str) -> Any:
    """The controls of one step, because the Explorer has some of the same labels."""
    return desk._boxes[step]


def text(widget: Any) -> str:
    """The visible text, without markup."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", visible_html(widget)).split()))


def run(desk: Desk, step: str, button: str) -> str:
    """Press a button, wait for the end, and return the text of the step."""
    press(part(desk, step), button)
    assert desk.wait(TIMEOUT_S)
    return text(part(desk, step))


# Fetch and explore.


def test_a_fetch_ends_with_the_explorer(desk: Desk, week_client: et.Client):
    results: list[et.CallLogs] = []
    desk.observe_result(results.append)
    assert (desk.result, desk.explorer, desk.state()["step"]) == (None, None, "fetch")
    desk._step.value = "explore"
    assert "There are no calls yet" in text(desk)
    desk.apply()
    assert desk.wait(TIMEOUT_S)

    assert results == [desk.result]
    assert desk.state()["step"] == "explore"
    assert "400 calls were fetched: all calls of this query. Explore, save" in repr(desk)
    explorer = explorer_of(desk)
    assert_frame_equal(explorer.filtered, CALLS.filter(direction="in"))
    explorer.restore(INBOUND_MONDAY)
    names: dict[str, Any] = {"client": week_client}
    exec(desk.code(), names)  # as a user does in a notebook  # noqa: S102
    assert_frame_equal(names["logs"].calls, CALLS)
    assert names["explorer"].state() == explorer.state()

    # The code is that of the result and of the Explorer, also in the button of the first step.
    before = desk.code()
    put(part(desk, "fetch"), "Direction", "out")
    assert desk.code() == before
    explorer.restore({"direction": "out", "group_filters": {"hour": 9}})
    desk._step.value = "fetch"
    assert desk._copy.code == desk.code() != before


@pytest.mark.slow
def test_a_new_fetch_replaces_the_explorer(fetched: Desk):
    first = explorer_of(fetched)
    put(part(fetched, "fetch"), "Direction", "out")
    fetched.apply()
    assert fetched.wait(TIMEOUT_S)

    assert first.comm is None  # closed, so that its memory is freed
    assert_frame_equal(explorer_of(fetched).filtered, CALLS.filter(direction="out"))


@pytest.mark.slow
def test_state_is_restored_before_and_after_the_fetch(fetched: Desk, week_client: et.Client):
    explorer_of(fetched).restore(INBOUND_MONDAY)
    fetched._step.value = "save"
    state = fetched.state()
    other = Desk(fetch=et.fetcher(week_client))
    other.restore(state)
    assert other.state() == state
    other.apply()
    assert other.wait(TIMEOUT_S)
    assert explorer_of(other).group_filters == {"weekday": 1}
    other.restore({**state, "explorer": {"direction": "out"}})
    assert explorer_of(other).query.direction == "out"

    before = other.state()
    for wrong in ({"step": "x"}, {"step": ["save"]}, {"explorer": 3}, {"explorer": {"x": 1}}):
        with pytest.raises(InputError):
            other.restore({**WEEK, **wrong})
    assert other.state() == before


# No calls.


@pytest.mark.parametrize(
    ("query", "reason", "buttons"),
    [
        (
            {**WEEK, "direction": "out", "duration": ("greater_than", 600)},
            "No call matches: outbound direction, duration greater than 600 s (2–8 Nov 2026). "
            "Remove a filter, or widen the dates.",
            ["Remove the filters", "Widen the dates"],
        ),
        (
            {"date_from": "2126-11-02", "date_to": "2126-11-09"},
            "Nothing was fetched: these dates are not in the past.",
            ["Last 7 days"],
        ),
        (
            {"date_from": "2025-11-02", "date_to": "2025-11-03"},
            "The server has no call of these dates (Sun 2 Nov 2025). Perhaps they lie before your "
            "contract began: widen the dates.",
            ["Widen the dates"],
        ),
        (
            {"date_to": "2025-11-03T09:30"},
            "The server has no call of these dates (before Mon 3 Nov 2025 09:30). Perhaps they",
            ["All dates"],
        ),
        ({"call_number": "0912345678"}, "No call matches: number 09….", ["Remove the filters"]),
    ],
)
def test_an_empty_result_says_why_and_what_to_try(
    query: dict[str, Any], reason: str, buttons: list[str], week_client: et.Client
):
    desk = Desk(fetch=et.fetcher(week_client), query=et.CallQuery(**query), as_of="2026-11-08")
    desk.apply()
    assert desk.wait(TIMEOUT_S)

    assert desk.result is not None
    assert desk.result.calls.is_empty()
    assert desk.state()["step"] == "fetch"
    assert reason in text(part(desk, "fetch"))
    assert [button.description for button in desk._remedies.children] == buttons
    assert desk.explorer is None
    first = desk._remedies.children[0]
    press(desk, buttons[0])
    assert desk.wait(TIMEOUT_S)
    assert first.comm is None  # closed, so that its memory is freed
    assert_frame_equal(desk.result.calls, CALLS)
    assert desk._remedies.children == ()
    desk.close()


def test_a_server_without_calls_has_no_remedy():
    with serve(CALLS.clear()) as server, et.Client(server.base_url, server.api_key) as client:
        desk = Desk(fetch=et.fetcher(client), query=et.CallQuery())
        desk.apply()
        assert desk.wait(TIMEOUT_S)

    assert "The server has no calls at all: check the address and the key." in repr(desk)
    assert desk._remedies.children == ()


def test_a_fetch_with_missing_parts_says_so(week_server: CallLogServer, week_client: et.Client):
    def fetch(query: et.CallQuery, *_: object) -> et.CallLogs:
        week_server.misbehave(et.simulator.Answer(status=400), when=lambda request: request.page)
        try:
            return et.fetch_calls(week_client, query, workers=1, progress=False)
        except et.IncompleteFetch as error:
            return error.partial
        finally:
            week_server.forget()

    desk = Desk(fetch=fetch, query=et.CallQuery(**WEEK))
    desk.apply()
    assert desk.wait(TIMEOUT_S)

    assert desk.result is not None
    begin, end = desk.result.report.gaps[0]
    zone = local_time.zone("Asia/Ho_Chi_Minh")
    assert begin.astimezone(zone) == local_time.midnight(date(2026, 11, 2), zone.key)
    assert (
        "100 calls were fetched. 1 part of these dates was not read: Mon 2 Nov 2026 00:00 to "
        f"Fri {end.astimezone(zone):%-d Nov 2026 %H:%M}. Fetch again to read them."
    ) in text(desk)
    desk.close()


# The site file.


def test_first_use_proposes_numbers_and_writes_the_site_file(fetched: Desk, tmp_path: Path):
    step = part(fetched, "explore")
    assert fetched._numbers._boxes["8000"].description == "8000 is an IVR"
    assert (
        "227 calls; 100.0 % of its legs were answered within 1 s, 91.6 % were followed by another"
    ) in text(step)
    explorer_of(fetched).restore(INBOUND_MONDAY)
    assert "8000 looks like an IVR" in repr(fetched)
    fetched._numbers._boxes["02873000456"].value = False
    press(step, "Write site file")

    site = et.Site.load(tmp_path / "etelecom.toml")
    assert (site.ivr_numbers, site.queue_numbers) == (("8000",), ("8100",))
    assert site.own_numbers == ("19000123",)
    assert "Settings written to" in text(step)
    assert "ETELECOM_SITE" not in text(step)  # it is found in this folder
    explorer = explorer_of(fetched)
    assert explorer._options.ivr_numbers == ("8000",)
    assert explorer.group_filters == {"weekday": 1}
    assert "looks like" not in repr(fetched) + repr(explorer)
    assert Desk(fetch=et.fetcher()).state()["time_zone"] == site.time_zone


@pytest.mark.slow
def test_an_existing_site_file_is_not_replaced(fetched: Desk, tmp_path: Path):
    file = tmp_path / "etelecom.toml"
    file.write_text("# mine", encoding="utf-8")
    step = part(fetched, "explore")
    press(step, "Write site file")

    assert "already exists: choose another name." in text(step)
    assert file.read_text(encoding="utf-8") == "# mine"
    put(step, "Site file", "other.toml")
    press(step, "Write site file")
    assert et.Site.load(tmp_path / "other.toml").ivr_numbers == ("8000",)
    assert "Other panels and commands find them if ETELECOM_SITE is this path." in text(step)


def test_a_site_file_that_cannot_be_written_is_a_sentence(
    fetched: Desk, monkeypatch: pytest.MonkeyPatch
):
    def fail(path: object, content: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("etelecom_analytics.storage.write_file", fail)
    press(part(fetched, "explore"), "Write site file")
    assert "The site file cannot be written: No space left" in text(part(fetched, "explore"))
    monkeypatch.undo()


def test_nothing_is_proposed_with_settings_of_the_user(week_client: et.Client):
    site = et.Site(holidays=["2026-11-03"])
    desk = Desk(fetch=et.fetcher(week_client), query=et.CallQuery(**WEEK), site=site)
    desk.apply()
    assert desk.wait(TIMEOUT_S)
    assert desk._numbers._boxes == {}
    assert "looks like an IVR" in repr(desk)


# Errors of a fetch.


def test_a_missing_key_is_a_sentence(week_server: CallLogServer, monkeypatch: pytest.MonkeyPatch):
    fetch: Any = et.fetcher()
    desk = Desk(fetch=fetch, query=et.CallQuery(**WEEK))
    desk.apply()
    assert desk.wait(TIMEOUT_S)
    assert "ETELECOM_BASE_URL" in text(part(desk, "fetch"))
    assert "Traceback" not in visible_html(desk)
    assert "ETELECOM_BASE_URL" in run(desk, "save", "Sync archive")

    monkeypatch.setenv("ETELECOM_BASE_URL", week_server.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", week_server.api_key)
    desk.apply()
    assert desk.wait(TIMEOUT_S)
    assert explorer_of(desk).filtered.height == 284
    names: dict[str, Any] = {}
    exec(desk.code(), names)  # as a user does in a notebook  # noqa: S102
    assert names["explorer"].filtered.height == 284
    for client in (fetch.client, names["client"]):
        client.close()


def test_an_explorer_that_fails_is_a_sentence(fetched: Desk, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no 0912345678")

    monkeypatch.setattr("etelecom_analytics.desk.panel.Explorer", fail)
    put(part(fetched, "fetch"), "Direction", "in")
    fetched.apply()
    assert fetched.wait(TIMEOUT_S)
    assert "ValueError: no 09…" in text(part(fetched, "explore"))
    assert "284 calls saved" in run(fetched, "save", "Save snapshot")


# Save.


def test_the_result_is_saved_as_a_snapshot(saving: Desk, tmp_path: Path):
    folder = tmp_path / "snapshots" / "2026-11-02-to-2026-11-08"
    assert f"400 calls saved: {folder}" in run(saving, "save", "Save snapshot")
    assert_frame_equal(et.read_snapshot(folder).calls, CALLS)
    assert 'et.write_snapshot(logs, "snapshots/2026-11-02-to-2026-11-08")' in saving.code()

    again = run(saving, "save", "Save snapshot")
    assert "2026-11-02-to-2026-11-08' already exists: choose another name." in again
    put(part(saving, "save"), "Snapshot", "second")
    assert "400 calls saved" in run(saving, "save", "Save snapshot")
    assert_frame_equal(et.read_snapshot("second").calls, CALLS)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("file/calls", "cannot be written: "),
        ("", "Snapshot: enter a path."),
        ("a\0b", "cannot be used for a snapshot"),
        ("~nobody-of-this-name/x", "is no path of this machine"),
    ],
)
def test_a_path_that_cannot_be_written_is_a_sentence(
    saving: Desk, tmp_path: Path, path: str, message: str
):
    (tmp_path / "file").touch()
    put(part(saving, "save"), "Snapshot", path)
    step = part(saving, "save")
    shown = run(saving, "save", "Save snapshot")

    assert message in shown
    assert "Traceback" not in shown
    assert not control(step, "Save snapshot").disabled


def test_saving_and_reports_need_calls(desk: Desk):
    assert "There are no calls yet: see 1 Fetch." in run(desk, "save", "Save snapshot")
    assert "There are no calls yet: see 1 Fetch." in run(desk, "report", "Write report")


def test_an_archive_is_synced_with_the_days_of_the_query(desk: Desk, tmp_path: Path):
    put(part(desk, "fetch"), "Last day", date(2026, 11, 3))
    shown = run(desk, "save", "Sync archive")
    monday_and_tuesday = CALLS.filter(
        et.CallQuery(date_from="2026-11-02", date_to="2026-11-04").to_expr()
    )
    n = monday_and_tuesday.height
    assert f"2 days fetched, {n} calls, {n} of them new: {tmp_path / 'archive'}" in shown
    archive = et.Archive("archive")
    assert archive.scan().select(pl.len()).collect().item() == n
    assert (
        'et.Archive("archive").sync(client, since="2026-11-02", until="2026-11-04")' in desk.code()
    )
    assert "The archive has all of these days" in run(desk, "save", "Sync archive")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "Choose a first day under 1 Fetch"),
        ({"date_from": "2126-01-01"}, "these dates are not in the past"),
    ],
)
def test_an_archive_needs_days_of_the_past(
    query: dict[str, Any], message: str, week_client: et.Client
):
    desk = Desk(fetch=et.fetcher(week_client), query=et.CallQuery(**query))
    assert message in run(desk, "save", "Sync archive")


def test_an_archive_needs_a_client():
    desk = Desk(fetch=lambda *_, **__: et.sample_logs(), query=et.CallQuery(**WEEK))
    assert "pass et.fetcher(client) to et.Desk" in run(desk, "save", "Sync archive")


def test_a_folder_of_other_files_is_a_sentence(desk: Desk, tmp_path: Path):
    (tmp_path / "archive").touch()
    shown = run(desk, "save", "Sync archive")
    assert "archive" in shown.split("whatever the other filters are.")[1]
    assert not control(part(desk, "save"), "Sync archive").disabled


def test_a_missing_extra_is_a_sentence(saving: Desk, monkeypatch: pytest.MonkeyPatch):
    for package in ("deltalake", "bleach", "xlsxwriter"):
        monkeypatch.setitem(sys.modules, package, None)
    assert 'pip install "etelecom_analytics[archive]"' in run(saving, "save", "Sync archive")
    assert 'pip install "etelecom_analytics[report]"' in run(saving, "report", "Write report")
    put(part(saving, "report"), "Kind", "workbook")
    assert 'pip install "etelecom_analytics[excel]"' in run(saving, "report", "Write report")
    assert "400 calls saved" in run(saving, "save", "Save snapshot")


@pytest.mark.filterwarnings("ignore:The archive at .* was damaged")
def test_a_sync_states_what_was_wrong(desk: Desk, tmp_path: Path):
    put(part(desk, "fetch"), "Last day", date(2026, 11, 3))
    assert "problem: " not in run(desk, "save", "Sync archive")
    next((tmp_path / "archive").rglob("local_day=*/*.parquet")).unlink()
    shown = run(desk, "save", "Sync archive")
    assert "1 day fetched" in shown
    assert "problem: " in shown


def test_a_sync_can_be_stopped_between_days(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    form = desk._forms[1]
    sync, reached = et.Archive.sync, threading.Event()

    def sync_and_wait(archive: et.Archive, *args: Any, **kwargs: Any) -> Any:
        report = sync(archive, *args, **kwargs)
        reached.set()
        while not form._task or not form._task.is_stopping:
            threading.Event().wait(0.01)
        return report

    monkeypatch.setattr(et.Archive, "sync", sync_and_wait)
    press(part(desk, "save"), "Sync archive")
    assert reached.wait(TIMEOUT_S)
    # Whatever would disturb it is disabled meanwhile.
    assert control(part(desk, "fetch"), "Apply").disabled
    assert control(part(desk, "report"), "Write report").disabled
    desk.apply()
    assert not desk.fetching
    form.stop()
    assert desk.wait(TIMEOUT_S)

    assert "Stopped: synced from Mon 2 Nov 2026 through Mon 2 Nov 2026." in text(part(desk, "save"))
    first_day = et.CallQuery(date_from="2026-11-02", date_to="2026-11-03").to_expr()
    stored = et.Archive("archive").scan().select(pl.len()).collect().item()
    assert stored == CALLS.filter(first_day).height
    assert not control(part(desk, "fetch"), "Apply").disabled


# Report.


@pytest.mark.slow
def test_a_workbook_is_written_in_the_chosen_language(saving: Desk, tmp_path: Path):
    step = part(saving, "report")
    put(step, "Kind", "workbook")
    put(step, "Language", "vi")
    assert control(step, "Report file").value == "workbook.xlsx"
    assert f"Written: {tmp_path / 'workbook.xlsx'}" in run(saving, "report", "Write report")
    expected = et.write_workbook(saving.result, "expected.xlsx", language="vi")
    assert (tmp_path / "workbook.xlsx").read_bytes() == expected.read_bytes()

    assert "already exists: choose another name." in run(saving, "report", "Write report")
    put(step, "Report file", "x.html")
    assert "The name of this file ends in .xlsx." in run(saving, "report", "Write report")
    put(step, "Report file", "no/x.xlsx")
    assert "The folder 'no' does not exist." in run(saving, "report", "Write report")


@pytest.mark.slow
def test_a_report_is_written_and_can_be_stopped(saving: Desk, tmp_path: Path):
    form = saving._forms[2]
    press(part(saving, "report"), "Write report")
    while form.running and "cells were run" not in text(form):
        saving.wait(0.05)
    assert "<progress" in visible_html(form)
    press(form, "Stop")
    assert saving.wait(TIMEOUT_S)
    assert "Stopped: no report was written." in text(form)
    assert not list(tmp_path.glob("*.html"))

    assert "Written" in run(saving, "report", "Write report")
    assert "400" in (tmp_path / "weekly.html").read_text(encoding="utf-8")
    compile(saving.code(), "code", "exec")
    assert 'et.write_report(snapshot, "weekly.html", notebook="weekly"' in saving.code()


def test_a_report_has_the_chosen_title(saving: Desk, monkeypatch: pytest.MonkeyPatch):
    titles: list[object] = []
    module = sys.modules["etelecom_analytics.desk.report_form"]
    monkeypatch.setattr(module, "write_page", lambda *_, title, **__: titles.append(title))
    monkeypatch.setattr(saving._forms[2], "codes", codes := [])
    put(part(saving, "report"), "Kind", "page")
    for title in ('Tuần 45 "A"', ""):
        put(part(saving, "report"), "Title", title)
        assert "Written" in run(saving, "report", "Write report")

    assert titles == ['Tuần 45 "A"', ""]
    assert codes == [
        """et.write_page(logs, "page.html", title='Tuần 45 "A"')\n""",
        'et.write_page(logs, "page.html")\n',
    ]
    put(part(saving, "report"), "Title", "x" * 201)
    assert "at most 200 characters" in run(saving, "report", "Write report")
    put(part(saving, "report"), "Title", "")


@pytest.mark.slow
def test_a_page_is_written(saving: Desk, tmp_path: Path):
    put(part(saving, "report"), "Kind", "page")
    assert "Written" in run(saving, "report", "Write report")
    assert "Inbound calls" in (tmp_path / "page.html").read_text(encoding="utf-8")


# Progress, cancel and language.


def test_cancel_keeps_the_panel_usable_and_apply_fetches_the_rest(week_server: CallLogServer):
    gate, reached = threading.Event(), threading.Event()

    def wait(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if len(server.requests) > 3:
            reached.set()
            gate.wait(TIMEOUT_S)
        return answer

    with serve(CALLS, rewrite=wait) as server, et.Client(server.base_url, server.api_key) as client:
        desk = Desk(fetch=et.fetcher(client, workers=1), query=et.CallQuery(**WEEK))
        desk.apply()
        assert reached.wait(TIMEOUT_S)
        desk.wait(0.3)  # delivers the progress
        assert re.search(r'<progress max="100" value="\d+"', visible_html(desk))
        assert control(part(desk, "save"), "Save snapshot").disabled
        desk.cancel()
        assert desk.wait(TIMEOUT_S)
        gate.set()
        assert "calls were received before that: Apply fetches the rest." in repr(desk)
        assert "<progress" not in visible_html(desk)
        server.forget()
        desk.apply()
        assert desk.wait(TIMEOUT_S)

    assert desk.result is not None
    assert_frame_equal(desk.result.calls, CALLS)
    desk.close()


def test_texts_are_in_the_language_of_the_panel(week_client: et.Client):
    desk = Desk(fetch=et.fetcher(week_client), query=et.CallQuery(**WEEK), language="vi")
    thread = threading.Thread(target=desk.apply)
    thread.start()
    thread.join()
    assert desk.wait(TIMEOUT_S)

    assert "Đã tải 400 cuộc gọi: mọi cuộc gọi của truy vấn này." in repr(desk)
    assert explorer_of(desk).language == "vi"
    assert "227 cuộc gọi; 100,0 % chặng gọi" in " ".join(panel_texts(desk._numbers))
    press(part(desk, "save"), "Lưu bản dữ liệu")
    assert desk.wait(TIMEOUT_S)
    assert "Đã lưu 400 cuộc gọi" in text(part(desk, "save"))
    press(part(desk, "explore"), "Ghi tệp cấu hình")
    assert "Đã ghi thiết lập vào" in text(part(desk, "explore"))
    assert explorer_of(desk).language == "vi"


def test_close_stops_a_task(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    started = threading.Event()

    def sync(*_: object, **__: object) -> None:
        started.set()
        while not (form._task and form._task.is_stopping):
            threading.Event().wait(0.01)
        raise Stopped("ended")

    form = desk._forms[1]
    monkeypatch.setattr(et.Archive, "sync", sync)
    press(part(desk, "save"), "Sync archive")
    assert started.wait(TIMEOUT_S)
    desk.close()
    assert desk.wait(TIMEOUT_S)
