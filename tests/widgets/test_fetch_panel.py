"""FetchPanel over HTTP: it fetches in the background, can be cancelled, and survives errors."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.widget_driver import control, press, put, visible_html

import etelecom_analytics as et
from etelecom_analytics.errors import QueryError
from etelecom_analytics.local_time import HOME_ZONE, zone
from etelecom_analytics.simulator import Answer, CallLogServer, serve
from etelecom_analytics.widgets import FetchPanel

HOSTILE = "<img src=x onerror=alert(1)>"
TIMEOUT_S = 20.0
ALL_CALLS = et.CallQuery()


def no_fetch(query: et.CallQuery, on_progress: object, stop: object) -> Any:
    raise AssertionError("unexpected fetch")


def fetch(panel: FetchPanel) -> et.CallLogs:
    press(panel, "Apply")
    assert panel.wait(TIMEOUT_S)
    assert panel.result is not None
    return panel.result


@contextmanager
def gated(calls: pl.DataFrame) -> Iterator[tuple[CallLogServer, threading.Event, threading.Event]]:
    """A server that waits at its second request until the gate is open, and its two events."""
    gate, reached = threading.Event(), threading.Event()

    def wait(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if len(server.requests) > 1:
            reached.set()
            gate.wait(TIMEOUT_S)
        return answer

    with serve(calls, rewrite=wait) as server:
        try:
            yield server, gate, reached
        finally:
            gate.set()


def test_apply_fetches_the_query(client: et.Client, server: CallLogServer, calls: pl.DataFrame):
    panel = FetchPanel(fetch=et.fetcher(client), query=ALL_CALLS)
    results: list[et.CallLogs] = []
    panel.observe_result(results.append)
    assert panel.result is None
    assert "nothing fetched yet" in visible_html(panel)
    put(panel, "Direction", "in")
    put(panel, "First day", date(2026, 11, 3))
    put(panel, "Last day", date(2026, 11, 4))
    assert server.requests == []

    logs = fetch(panel)
    assert (
        logs.query
        == panel.query
        == et.CallQuery(direction="in", date_from="2026-11-03", date_to="2026-11-05")
    )
    assert_frame_equal(logs.calls, calls.filter(panel.query.to_expr()))
    assert results == [logs]
    assert f"{logs.calls.height:,}, with" in visible_html(panel)


def test_ids_are_separated_by_commas_or_spaces(calls: pl.DataFrame):
    panel = FetchPanel(fetch=no_fetch, query=ALL_CALLS)
    put(panel, "Extensions", "11, 12 13;14,")
    put(panel, "Hotlines", "21")
    put(panel, "User", " 31 ")
    put(panel, "Department", "41")

    query = et.CallQuery(
        extension_ids=["11", "12", "13", "14"], hotline_ids=["21"], user_id="31", department_id="41"
    )
    assert panel.query == query
    panel.restore({"hotline_ids": ["22", "23"]})
    assert (control(panel, "Hotlines").value, control(panel, "Extensions").value) == ("22, 23", "")
    panel.restore({**query.to_dict()})
    assert panel.query == query


def test_apply_is_enabled_for_a_new_query(client: et.Client):
    panel = FetchPanel(fetch=et.fetcher(client), query=ALL_CALLS)
    assert not control(panel, "Apply").disabled
    assert control(panel, "Cancel").disabled
    fetch(panel)
    assert control(panel, "Apply").disabled

    put(panel, "Direction", "in")
    assert not control(panel, "Apply").disabled
    put(panel, "Direction", "")
    assert control(panel, "Apply").disabled
    put(panel, "Hotlines", "x")
    assert control(panel, "Apply").disabled
    assert "hotline_ids must be an id" in visible_html(panel)
    panel.apply()
    assert not panel.fetching
    put(panel, "Hotlines", "7")
    assert not control(panel, "Apply").disabled


@pytest.mark.slow
def test_result_stays_until_the_next_one(client_of: Callable[..., et.Client], calls: pl.DataFrame):
    with gated(calls) as (server, gate, reached):
        gate.set()
        panel = FetchPanel(fetch=et.fetcher(client_of(server)), query=ALL_CALLS)
        first = fetch(panel)
        gate.clear()
        reached.clear()
        put(panel, "Direction", "in")
        press(panel, "Apply")
        assert reached.wait(TIMEOUT_S)

        assert panel.result is first
        assert (
            panel.fetching,
            control(panel, "Apply").disabled,
            control(panel, "Cancel").disabled,
        ) == (True, True, False)
        count = len(server.requests)
        panel.apply()  # does nothing during a fetch
        assert len(server.requests) == count
        assert not panel.wait(0.01)
        gate.set()
        assert panel.wait(TIMEOUT_S)
        assert panel.result is not first
        assert panel.result is not None
        assert_frame_equal(panel.result.calls, calls.filter(direction="in"))


@pytest.mark.slow
def test_progress_has_calls_and_date(client_of: Callable[..., et.Client], calls: pl.DataFrame):
    with gated(calls) as (server, gate, reached):
        panel = FetchPanel(fetch=et.fetcher(client_of(server)), query=ALL_CALLS)
        press(panel, "Apply")
        assert reached.wait(TIMEOUT_S)
        oldest = calls["started_at"][:100].min()
        assert isinstance(oldest, datetime)

        local = oldest.astimezone(zone(HOME_ZONE))
        status = f"fetching: 100 calls so far, back to {local:%a %-d %b %Y %H:%M}"
        assert not panel.wait(1.0)  # delivers progress meanwhile
        assert status in repr(panel)
        gate.set()
        assert panel.wait(TIMEOUT_S)


@pytest.mark.slow
def test_cancel_does_not_wait_for_the_current_page(
    client_of: Callable[..., et.Client], calls: pl.DataFrame
):
    with gated(calls) as (server, gate, reached):
        panel = FetchPanel(fetch=et.fetcher(client_of(server)), query=ALL_CALLS)
        press(panel, "Apply")
        assert reached.wait(TIMEOUT_S)
        press(panel, "Cancel")
        assert control(panel, "Cancel").disabled
        assert "stopping" in visible_html(panel)

        assert panel.wait(TIMEOUT_S)
        assert len(server.requests) == 2
        gate.set()
        assert panel.result is None
        assert "cancelled" in visible_html(panel)
        assert "error" not in repr(panel)
        assert fetch(panel).calls.height == calls.height
        panel.cancel()
        assert "1,500 calls were fetched" in visible_html(panel)


def test_result_of_a_cancelled_fetch_is_ignored(client: et.Client):
    started, go_on = threading.Event(), threading.Event()

    def ignore_stop(query: et.CallQuery, on_progress: Any, stop: Any) -> et.CallLogs:
        started.set()
        go_on.wait(TIMEOUT_S)
        return et.fetch_calls(client, query)

    panel = FetchPanel(fetch=ignore_stop, query=ALL_CALLS)
    press(panel, "Apply")
    assert started.wait(TIMEOUT_S)
    press(panel, "Cancel")
    go_on.set()
    assert panel.wait(TIMEOUT_S)
    assert panel.result is None


@pytest.mark.slow
def test_close_stops_the_fetch(client_of: Callable[..., et.Client], calls: pl.DataFrame):
    with gated(calls) as (server, gate, reached):
        panel = FetchPanel(fetch=et.fetcher(client_of(server)), query=ALL_CALLS)
        press(panel, "Apply")
        assert reached.wait(TIMEOUT_S)
        panel.close()
        assert panel.wait(TIMEOUT_S)
        gate.set()
        assert (panel.result, len(server.requests)) == (None, 2)


def test_wrong_key_is_shown_and_the_next_fetch_works(
    client_of: Callable[..., et.Client], server: CallLogServer, client: et.Client
):
    fetches = [
        et.fetcher(client_of(base_url=server.base_url, api_key="wrong-key-98765")),
        et.fetcher(client),
    ]
    panel = FetchPanel(fetch=lambda *arguments: fetches.pop(0)(*arguments), query=ALL_CALLS)
    press(panel, "Apply")
    assert panel.wait(TIMEOUT_S)

    assert "The server does not accept this API key" in visible_html(panel)
    assert "The server does not accept this API key" in repr(panel)
    assert "wrong-key" not in visible_html(panel) + repr(panel) + panel._repr_html_()
    assert "Traceback" not in visible_html(panel)
    assert fetch(panel).calls.height == 1500
    assert "API key" not in visible_html(panel) + repr(panel)


def test_result_stays_after_a_server_error(client: et.Client, server: CallLogServer):
    panel = FetchPanel(fetch=et.fetcher(client), query=ALL_CALLS)
    first = fetch(panel)
    put(panel, "Direction", "in")
    server.script(*[Answer(status=500, body={"code": "internal", "msg": HOSTILE})] * 6)
    press(panel, "Apply")
    assert panel.wait(TIMEOUT_S)

    assert panel.result is first
    assert "The server is temporarily unavailable" in visible_html(panel)
    assert "<img" not in visible_html(panel) + panel._repr_html_()
    assert fetch(panel).query.direction == "in"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ValueError(f"{HOSTILE} of 0912345678"),
            "ValueError: &lt;img src=x onerror=alert(1)&gt; of 09…",
        ),
        (SystemExit(3), "SystemExit: 3"),
        (None, "fetch returned NoneType, not CallLogs"),
    ],
)
def test_any_error_is_shown_as_text(error: BaseException | None, message: str):
    def fail(query: et.CallQuery, on_progress: object, stop: object) -> Any:
        if error:
            raise error

    panel = FetchPanel(fetch=fail, query=ALL_CALLS)
    press(panel, "Apply")
    assert panel.wait(TIMEOUT_S)

    assert message in visible_html(panel)
    assert "<img" not in visible_html(panel) + panel._repr_html_()
    assert not control(panel, "Apply").disabled


def test_error_of_a_callback_is_shown_after_the_fetch(client: et.Client):
    panel = FetchPanel(fetch=et.fetcher(client), query=ALL_CALLS)
    panel.observe_result(lambda logs: 1 // 0)  # type: ignore[arg-type]
    fetch(panel)

    assert "A callback failed: ZeroDivisionError" in visible_html(panel)


def test_callback_can_wait_and_read_the_result(client: et.Client):
    panel = FetchPanel(fetch=et.fetcher(client), query=ALL_CALLS)
    values: list[object] = []
    panel.observe_result(
        lambda logs: values.append((panel.wait(TIMEOUT_S), panel.result is logs, panel.fetching))
    )
    fetch(panel)

    assert values == [(True, True, False)]


def test_widgets_change_in_the_thread_of_the_event_loop(client: et.Client):
    async def threads_of_changes() -> set[str]:
        panel = FetchPanel(fetch=et.fetcher(client), query=ALL_CALLS)
        threads: set[str] = set()
        buttons = (control(panel, "Apply"), control(panel, "Cancel"))
        for part in (panel._facts_table, panel._result_view, *buttons):
            part.observe(lambda _: threads.add(threading.current_thread().name))
        panel.observe_result(lambda _: threads.add(threading.current_thread().name))
        press(panel, "Apply")
        async with asyncio.timeout(TIMEOUT_S):
            while panel._result is None:
                await asyncio.sleep(0.01)
        return threads

    assert asyncio.run(threads_of_changes()) == {threading.current_thread().name}


def test_wait_in_the_event_loop_ends(client: et.Client):
    async def fetch_in_loop() -> int:
        panel = FetchPanel(fetch=et.fetcher(client), query=ALL_CALLS)
        return fetch(panel).calls.height

    assert asyncio.run(fetch_in_loop()) == 1500


def test_fetch_ends_after_its_event_loop(client_of: Callable[..., et.Client], calls: pl.DataFrame):
    with gated(calls) as (server, gate, reached):

        async def start() -> FetchPanel:
            panel = FetchPanel(fetch=et.fetcher(client_of(server)), query=ALL_CALLS)
            press(panel, "Apply")
            await asyncio.to_thread(reached.wait, TIMEOUT_S)
            return panel

        panel = asyncio.run(start())
        gate.set()
        assert panel.wait(TIMEOUT_S)
        assert panel.result is not None


def test_today_is_the_current_day_or_that_of_as_of():
    panel = FetchPanel(fetch=no_fetch)
    before = datetime.now(UTC).astimezone(zone(HOME_ZONE)).date()
    query = panel.query
    after = datetime.now(UTC).astimezone(zone(HOME_ZONE)).date()
    assert control(panel, "Dates").value == "last 7 days"
    assert query in [
        et.CallQuery(date_from=day - timedelta(6), date_to=day + timedelta(1))
        for day in (before, after)
    ]

    fixed = FetchPanel(fetch=no_fetch, as_of="2026-11-30T18:30Z")
    put(fixed, "Dates", "today")
    assert fixed.query == et.CallQuery(date_from="2026-12-01", date_to="2026-12-02")
    assert fixed.state() == {"dates": "today", "time_zone": HOME_ZONE}
    with pytest.raises(QueryError, match="as_of"):
        FetchPanel(fetch=no_fetch, as_of="soon")


def test_code_fetches_the_same_calls(client: et.Client):
    panel = FetchPanel(
        fetch=et.fetcher(client), query=et.CallQuery(direction="out", date_from="2026-11-03")
    )
    names: dict[str, Any] = {"client": client}
    exec(panel.code(), names)  # as a user does in a notebook  # noqa: S102

    assert names["query"] == panel.query
    assert_frame_equal(names["logs"].calls, fetch(panel).calls)


def test_static_text_and_html(client: et.Client):
    panel = FetchPanel(fetch=et.fetcher(client), query=ALL_CALLS)
    fetch(panel)
    bundle = panel._repr_mimebundle_()

    assert bundle["text/plain"] == repr(panel)
    assert repr(panel).splitlines() == [
        "FetchPanel",
        "  query      all calls (Asia/Ho_Chi_Minh)",
        "  status     1,500 calls were fetched: all calls of this query until now. They are in "
        "its attribute result: explore them with et.Explorer(panel.result).",
        "  warning    8000 looks like an IVR and 8100 like a queue: set ivr_numbers and "
        "queue_numbers, or waits are too short.",
        "  result     1,500 calls: all calls (Asia/Ho_Chi_Minh)",
    ]
    assert "1,500 calls" in str(bundle["text/html"])
