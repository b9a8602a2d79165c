"""FetchPanel over real HTTP: it fetches beside the notebook, can be stopped, and outlives what goes wrong."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from widget_driver import control, press, put, said

import etelecom_analytics as et
from etelecom_analytics.errors import QueryError
from etelecom_analytics.local_time import HOME_ZONE, zone
from etelecom_analytics.simulator import Answer, CallLogServer, serve
from etelecom_analytics.widgets import FetchPanel

NASTY = "<img src=x onerror=alert(1)>"
SOON_S = 20.0
EVERYTHING = et.CallQuery()


def refuse(query: et.CallQuery, on_progress: object, stop: object) -> Any:
    raise AssertionError("nothing was to be fetched")


def fetched(panel: FetchPanel) -> et.CallLogs:
    press(panel, "Apply")
    assert panel.wait(SOON_S)
    assert panel.result is not None
    return panel.result


@contextmanager
def gated(calls: pl.DataFrame) -> Iterator[tuple[CallLogServer, threading.Event, threading.Event]]:
    """A server that answers its second request when the gate is open, and tells when it came there."""
    gate, reached = threading.Event(), threading.Event()

    def hold(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if len(server.requests) > 1:
            reached.set()
            gate.wait(SOON_S)
        return answer

    with serve(calls, rewrite=hold) as server:
        try:
            yield server, gate, reached
        finally:
            gate.set()


def test_it_fetches_what_the_controls_ask(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    panel = FetchPanel(fetch=et.fetcher(client), query=EVERYTHING)
    seen: list[et.CallLogs] = []
    panel.observe_result(seen.append)
    assert panel.result is None
    assert "nothing is fetched yet" in said(panel)
    put(panel, "Direction", "in")
    put(panel, "First day", date(2026, 11, 3))
    put(panel, "Last day", date(2026, 11, 4))
    assert server.requests == []

    logs = fetched(panel)
    assert (
        logs.query
        == panel.query
        == et.CallQuery(direction="in", date_from="2026-11-03", date_to="2026-11-05")
    )
    assert_frame_equal(logs.calls, calls.filter(panel.query.to_expr()))
    assert seen == [logs]
    assert f"{logs.calls.height:,}, with" in said(panel)


def test_ids_are_written_with_commas_or_spaces(calls: pl.DataFrame):
    panel = FetchPanel(fetch=refuse, query=EVERYTHING)
    put(panel, "Extensions", "11, 12 13;14,")
    put(panel, "Hotlines", "21")
    put(panel, "User", " 31 ")
    put(panel, "Department", "41")

    asked = et.CallQuery(
        extension_ids=["11", "12", "13", "14"], hotline_ids=["21"], user_id="31", department_id="41"
    )
    assert panel.query == asked
    panel.restore({"hotline_ids": ["22", "23"]})
    assert (control(panel, "Hotlines").value, control(panel, "Extensions").value) == ("22, 23", "")
    panel.restore({**asked.to_dict()})
    assert panel.query == asked


def test_apply_waits_for_something_new(client: et.Client):
    panel = FetchPanel(fetch=et.fetcher(client), query=EVERYTHING)
    assert not control(panel, "Apply").disabled
    assert control(panel, "Cancel").disabled
    fetched(panel)
    assert control(panel, "Apply").disabled

    put(panel, "Direction", "in")
    assert not control(panel, "Apply").disabled
    put(panel, "Direction", "")
    assert control(panel, "Apply").disabled
    put(panel, "Hotlines", "x")
    assert control(panel, "Apply").disabled
    assert "hotline_ids is an id" in said(panel)
    panel.apply()
    assert not panel.fetching
    put(panel, "Hotlines", "7")
    assert not control(panel, "Apply").disabled


def test_the_result_stays_until_the_new_one_is_there(
    client_of: Callable[..., et.Client], calls: pl.DataFrame
):
    with gated(calls) as (server, gate, reached):
        gate.set()
        panel = FetchPanel(fetch=et.fetcher(client_of(server)), query=EVERYTHING)
        first = fetched(panel)
        gate.clear()
        reached.clear()
        put(panel, "Direction", "in")
        press(panel, "Apply")
        assert reached.wait(SOON_S)

        assert panel.result is first
        assert (
            panel.fetching,
            control(panel, "Apply").disabled,
            control(panel, "Cancel").disabled,
        ) == (True, True, False)
        asked = len(server.requests)
        panel.apply()  # a second fetch is impossible
        assert len(server.requests) == asked
        assert not panel.wait(0.01)
        gate.set()
        assert panel.wait(SOON_S)
        assert panel.result is not first
        assert panel.result is not None
        assert_frame_equal(panel.result.calls, calls.filter(direction="in"))


def test_progress_is_told_in_rows_and_dates(
    client_of: Callable[..., et.Client], calls: pl.DataFrame
):
    with gated(calls) as (server, gate, reached):
        panel = FetchPanel(fetch=et.fetcher(client_of(server)), query=EVERYTHING)
        press(panel, "Apply")
        assert reached.wait(SOON_S)
        oldest = calls["started_at"][:100].min()
        assert isinstance(oldest, datetime)

        told = f"fetching: 100 calls so far, back to {oldest.astimezone(zone(HOME_ZONE)):%Y-%m-%d %H:%M}"
        assert not panel.wait(1.0)  # its news are delivered meanwhile
        assert told in repr(panel)
        gate.set()
        assert panel.wait(SOON_S)


def test_cancel_ends_it_without_waiting_for_the_page_under_way(
    client_of: Callable[..., et.Client], calls: pl.DataFrame
):
    with gated(calls) as (server, gate, reached):
        panel = FetchPanel(fetch=et.fetcher(client_of(server)), query=EVERYTHING)
        press(panel, "Apply")
        assert reached.wait(SOON_S)
        press(panel, "Cancel")
        assert control(panel, "Cancel").disabled
        assert "stopping" in said(panel)

        assert panel.wait(SOON_S)
        assert len(server.requests) == 2
        gate.set()
        assert panel.result is None
        assert "cancelled" in said(panel)
        assert "error" not in repr(panel)
        assert fetched(panel).calls.height == calls.height
        panel.cancel()
        assert "done" in said(panel)


def test_a_fetch_that_ends_though_it_was_cancelled_keeps_the_old_result(client: et.Client):
    begun, go_on = threading.Event(), threading.Event()

    def deaf(query: et.CallQuery, on_progress: Any, stop: Any) -> et.CallLogs:
        begun.set()
        go_on.wait(SOON_S)
        return et.fetch_calls(client, query)

    panel = FetchPanel(fetch=deaf, query=EVERYTHING)
    press(panel, "Apply")
    assert begun.wait(SOON_S)
    press(panel, "Cancel")
    go_on.set()
    assert panel.wait(SOON_S)
    assert panel.result is None


def test_closing_stops_the_fetch(client_of: Callable[..., et.Client], calls: pl.DataFrame):
    with gated(calls) as (server, gate, reached):
        panel = FetchPanel(fetch=et.fetcher(client_of(server)), query=EVERYTHING)
        press(panel, "Apply")
        assert reached.wait(SOON_S)
        panel.close()
        assert panel.wait(SOON_S)
        gate.set()
        assert (panel.result, len(server.requests)) == (None, 2)


def test_a_wrong_key_is_said_and_the_panel_goes_on(
    client_of: Callable[..., et.Client], server: CallLogServer, client: et.Client
):
    fetches = [
        et.fetcher(client_of(base_url=server.base_url, api_key="wrong-key-98765")),
        et.fetcher(client),
    ]
    panel = FetchPanel(fetch=lambda *told: fetches.pop(0)(*told), query=EVERYTHING)
    press(panel, "Apply")
    assert panel.wait(SOON_S)

    assert "The server does not accept this API key" in said(panel)
    assert "The server does not accept this API key" in repr(panel)
    assert "wrong-key" not in said(panel) + repr(panel) + panel._repr_html_()
    assert "Traceback" not in said(panel)
    assert fetched(panel).calls.height == 1500
    assert "API key" not in said(panel) + repr(panel)


def test_a_server_that_fails_leaves_the_result(client: et.Client, server: CallLogServer):
    panel = FetchPanel(fetch=et.fetcher(client), query=EVERYTHING)
    first = fetched(panel)
    put(panel, "Direction", "in")
    server.script(*[Answer(status=500, body={"code": "internal", "msg": NASTY})] * 6)
    press(panel, "Apply")
    assert panel.wait(SOON_S)

    assert panel.result is first
    assert "The server is temporarily unavailable" in said(panel)
    assert "<img" not in said(panel) + panel._repr_html_()
    assert fetched(panel).query.direction == "in"


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (
            ValueError(f"{NASTY} of 0912345678"),
            "ValueError: &lt;img src=x onerror=alert(1)&gt; of 09…",
        ),
        (SystemExit(3), "SystemExit: 3"),
        (None, "fetch gave NoneType, not CallLogs"),
    ],
)
def test_whatever_goes_wrong_is_said_as_text(raised: BaseException | None, says: str):
    def fail(query: et.CallQuery, on_progress: object, stop: object) -> Any:
        if raised:
            raise raised

    panel = FetchPanel(fetch=fail, query=EVERYTHING)
    press(panel, "Apply")
    assert panel.wait(SOON_S)

    assert says in said(panel)
    assert "<img" not in said(panel) + panel._repr_html_()
    assert not control(panel, "Apply").disabled


def test_a_callback_that_fails_is_said_after_the_result_is_kept(client: et.Client):
    panel = FetchPanel(fetch=et.fetcher(client), query=EVERYTHING)
    panel.observe_result(lambda logs: 1 // 0)  # type: ignore[arg-type]
    fetched(panel)

    assert "A callback failed: ZeroDivisionError" in said(panel)


def test_a_callback_may_wait_and_read(client: et.Client):
    panel = FetchPanel(fetch=et.fetcher(client), query=EVERYTHING)
    seen: list[object] = []
    panel.observe_result(
        lambda logs: seen.append((panel.wait(SOON_S), panel.result is logs, panel.fetching))
    )
    fetched(panel)

    assert seen == [(True, True, False)]


def test_everything_on_the_panel_changes_in_the_thread_of_the_loop(client: et.Client):
    async def fetch() -> set[str]:
        panel = FetchPanel(fetch=et.fetcher(client), query=EVERYTHING)
        threads: set[str] = set()
        for part in (panel._words, panel._shown, control(panel, "Apply"), control(panel, "Cancel")):
            part.observe(lambda _: threads.add(threading.current_thread().name))
        panel.observe_result(lambda _: threads.add(threading.current_thread().name))
        press(panel, "Apply")
        async with asyncio.timeout(SOON_S):
            while panel._result is None:
                await asyncio.sleep(0.01)
        return threads

    assert asyncio.run(fetch()) == {threading.current_thread().name}


def test_waiting_in_the_loop_does_not_stand_still(client: et.Client):
    async def fetch() -> int:
        panel = FetchPanel(fetch=et.fetcher(client), query=EVERYTHING)
        return fetched(panel).calls.height

    assert asyncio.run(fetch()) == 1500


def test_a_loop_that_ended_is_not_missed(client_of: Callable[..., et.Client], calls: pl.DataFrame):
    with gated(calls) as (server, gate, reached):

        async def begin() -> FetchPanel:
            panel = FetchPanel(fetch=et.fetcher(client_of(server)), query=EVERYTHING)
            press(panel, "Apply")
            await asyncio.to_thread(reached.wait, SOON_S)
            return panel

        panel = asyncio.run(begin())
        gate.set()
        assert panel.wait(SOON_S)
        assert panel.result is not None


def test_today_is_the_clocks_unless_it_is_told():
    panel = FetchPanel(fetch=refuse)
    before = datetime.now(UTC).astimezone(zone(HOME_ZONE)).date()
    query = panel.query
    after = datetime.now(UTC).astimezone(zone(HOME_ZONE)).date()
    assert control(panel, "Dates").value == "last 7 days"
    assert query in [
        et.CallQuery(date_from=day - timedelta(6), date_to=day + timedelta(1))
        for day in (before, after)
    ]

    told = FetchPanel(fetch=refuse, as_of="2026-11-30T18:30Z")
    put(told, "Dates", "today")
    assert told.query == et.CallQuery(date_from="2026-12-01", date_to="2026-12-02")
    assert told.state() == {"dates": "today", "time_zone": HOME_ZONE}
    with pytest.raises(QueryError, match="as_of"):
        FetchPanel(fetch=refuse, as_of="soon")


def test_its_code_fetches_the_same_calls(client: et.Client):
    panel = FetchPanel(
        fetch=et.fetcher(client), query=et.CallQuery(direction="out", date_from="2026-11-03")
    )
    pasted: dict[str, Any] = {"client": client}
    exec(panel.code(), pasted)  # this is what a person does with it  # noqa: S102

    assert pasted["query"] == panel.query
    assert_frame_equal(pasted["logs"].calls, fetched(panel).calls)


def test_it_leaves_a_text_and_a_table_behind(client: et.Client):
    panel = FetchPanel(fetch=et.fetcher(client), query=EVERYTHING)
    fetched(panel)
    bundle = panel._repr_mimebundle_()

    assert bundle["text/plain"] == repr(panel)
    assert repr(panel).splitlines() == [
        "FetchPanel",
        "  asks for  all calls (Asia/Ho_Chi_Minh)",
        "  status    done",
        "  result    1,500 calls: all calls (Asia/Ho_Chi_Minh)",
    ]
    assert "1,500 calls" in str(bundle["text/html"])
