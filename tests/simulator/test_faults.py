"""Every fault of the server, tested over real HTTP with other clients than the package's."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import polars as pl
import pytest
import requests
from support.server_requests import Row, every_page, every_row, ids_of, page_of, post

from etelecom_analytics.simulator import Answer, CallLogServer, serve, simulate_calls
from etelecom_analytics.simulator.faults import (
    cut,
    cycle,
    duplicate_rows,
    empty,
    empty_page,
    error_status,
    extra_records,
    html,
    ignoring,
    interrupt,
    late,
    null_list,
    reset,
    slow_body,
    then,
    too_many,
    wrong_content_type,
)
from etelecom_analytics.simulator.schedule import (
    at,
    every,
    first_attempt,
    in_flight_above,
    page,
    sometimes,
)


@pytest.fixture(scope="module")
def some_calls() -> pl.DataFrame:
    return simulate_calls(330, seed=6).calls


@pytest.fixture(scope="module")
def _shared(some_calls: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(some_calls) as server:
        yield server


@pytest.fixture
def world(_shared: CallLogServer) -> CallLogServer:
    """A server of 330 calls: four pages with rows, and an empty one."""
    _shared.forget()
    return _shared


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def _conversation(server: CallLogServer, body: bytes = b"{}") -> tuple[bytes, BaseException | None]:
    """What a socket receives until the connection ends, and the error that ended it."""
    port = int(server.base_url.split(":")[2].split("/")[0])
    data = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/shop.Etelecom/ListCallLogs HTTP/1.1\r\n"
            b"Host: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
            + f"Authorization: Bearer {server.api_key}\r\n".encode()
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        try:
            while part := connection.recv(1 << 16):
                data += part
        except OSError as error:
            return data, error
    return data, None


# Answers without calls.


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_scripted_status_is_sent_once_in_the_api_format(
    session: requests.Session, world: CallLogServer, status: int
):
    world.script(error_status(status))

    answer = post(session, world, {})
    assert (answer.status_code, set(answer.json())) == (status, {"code", "msg"})
    assert post(session, world, {}).status_code == 200


def test_too_many_sends_seconds_a_date_or_nothing(session: requests.Session, world: CallLogServer):
    """The date is in HTTP format, and the answer also has the server's own date."""
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=9)
    world.script(too_many(3), too_many(soon.astimezone()), too_many())
    answers = [post(session, world, {}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429] * 3
    assert answers[0].headers["Retry-After"] == "3"
    assert answers[1].headers["Retry-After"].endswith(" GMT")
    assert parsedate_to_datetime(answers[1].headers["Retry-After"]) == soon
    assert abs(parsedate_to_datetime(answers[1].headers["Date"]) - datetime.now(UTC)) < timedelta(
        seconds=5
    )
    assert "Retry-After" not in answers[2].headers


def test_html_and_empty_body_have_status_200(session: requests.Session, world: CallLogServer):
    world.script(html(), html(502), empty())
    gateway, bad_gateway, no_body = (post(session, world, {}) for _ in range(3))

    assert (gateway.status_code, gateway.headers["Content-Type"], gateway.text[:6]) == (
        200,
        "text/html",
        "<html>",
    )
    assert bad_gateway.status_code == 502
    assert (no_body.status_code, no_body.content) == (200, b"")


# The correct answer, sent incorrectly.


def test_reset_ends_the_connection_with_an_error(world: CallLogServer):
    """Before any data, and within a body; a cut body ends early, but without an error."""
    world.script(reset(), reset(after=40), cut(40))
    silent, half, short = (_conversation(world) for _ in range(3))

    assert silent[0] == b""
    assert isinstance(silent[1], ConnectionResetError)
    assert isinstance(half[1], ConnectionResetError)
    assert (len(short[0].partition(b"\r\n\r\n")[2]), short[1]) == (40, None)


def test_server_works_after_a_reset(session: requests.Session, world: CallLogServer):
    world.script(reset())
    with pytest.raises(requests.ConnectionError, match="reset"):
        post(session, world, {})

    assert len(page_of(session, world)["call_logs"]) == 100


def test_cut_body_is_shorter_than_its_content_length(
    session: requests.Session, world: CallLogServer
):
    world.script(cut(1_000))
    with pytest.raises(
        (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError),
        match="1000 bytes read",
    ):
        post(session, world, {})


def test_slow_body_is_complete(world: CallLogServer):
    """Headers and first bytes arrive at once; the rest takes as long as its length requires."""
    whole = _conversation(world)[0].partition(b"\r\n\r\n")[2]
    world.script(slow_body(len(whole) / 0.4))
    connection = http.client.HTTPConnection(
        world.base_url.removeprefix("http://").partition("/")[0], timeout=10
    )
    start = time.perf_counter()
    headers = {"Authorization": f"Bearer {world.api_key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/shop.Etelecom/ListCallLogs", b"{}", headers)
    answer = connection.getresponse()
    answer.read(10)
    first = time.perf_counter() - start
    rest = answer.read()
    total = time.perf_counter() - start
    connection.close()

    assert first < 0.3 < total
    assert len(rest) + 10 == len(whole)


def test_delays_of_a_fault_and_of_the_latency_add_up(
    session: requests.Session, world: CallLogServer
):
    """The second answer has the latency only."""
    world.latency_s = 0.1
    world.script(late(0.15))
    durations = []
    for _ in range(2):
        start = time.perf_counter()
        post(session, world, {})
        durations.append(time.perf_counter() - start)

    assert durations[0] >= 0.25
    assert durations[1] >= 0.1


def test_latency_of_simultaneous_requests_overlaps(world: CallLogServer):
    """Eight connections wait at the same time, as on a real network."""
    world.latency_s = 0.3
    start = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        assert all(error is None for _, error in pool.map(lambda _: _conversation(world), range(8)))
    assert time.perf_counter() - start < 8 * 0.3 / 2
    assert max(request.in_flight for request in world.requests) > 1


def test_wrong_content_type_changes_nothing_else(session: requests.Session, world: CallLogServer):
    correct = page_of(session, world)
    world.script(wrong_content_type("text/plain"))
    answer = post(session, world, {"filter": {}, "paging": {}})

    assert answer.headers["Content-Type"] == "text/plain"
    assert json.loads(answer.content) == correct


# Wrong cursors and pages.


@pytest.mark.parametrize(("of", "begin"), [(1, 1), (2, 1), (7, 1), (7, 3), (2, 0), (1, 0)])
def test_cycle_repeats_its_pages(
    session: requests.Session, world: CallLogServer, of: int, begin: int
):
    """Pages are correct until the end of the first round; pages before the cycle do not repeat."""
    correct = every_page(session, world, limit=20)
    world.misbehave(cycle(of, begin=begin))
    pages = every_page(session, world, limit_pages=begin + 3 * of, limit=20)

    rows = [page["call_logs"] for page in pages]
    assert rows[: begin + of] == [page["call_logs"] for page in correct[: begin + of]]
    assert rows[begin:] == 3 * rows[begin : begin + of]


def test_cycle_longer_than_the_chain_has_no_effect(session: requests.Session, world: CallLogServer):
    world.misbehave(cycle(7))

    assert len(every_page(session, world)) == 5


def test_each_filter_has_its_own_chain(session: requests.Session, world: CallLogServer):
    """Chains that are read alternately are distinguished."""
    world.misbehave(cycle(2))
    inbound, outbound = (
        page_of(session, world, {"direction": direction}, limit=10) for direction in ("in", "out")
    )
    for _ in range(4):
        inbound = page_of(
            session, world, {"direction": "in"}, limit=10, after=inbound["paging"]["next"]
        )
        outbound = page_of(
            session, world, {"direction": "out"}, limit=10, after=outbound["paging"]["next"]
        )

    assert [request.page for request in world.requests] == [0, 0, 1, 1, 2, 2, 1, 1, 2, 2]


@pytest.mark.parametrize("null", [False, True])
@pytest.mark.parametrize("same_cursor", [False, True])
@pytest.mark.parametrize("times", [1, 3])
def test_empty_pages_lose_no_rows(
    session: requests.Session,
    world: CallLogServer,
    some_calls: pl.DataFrame,
    times: int,
    null: bool,
    same_cursor: bool,
):
    """They lead to the rows with a new cursor, or with the requested one."""
    world.misbehave(
        empty_page(times, null=null, same_cursor=same_cursor),
        when=lambda request: request.after != "",
    )
    pages = every_page(session, world, limit_pages=40, limit=100)

    rows = [page["call_logs"] for page in pages]
    assert [row["id"] for page_rows in rows for row in page_rows or ()] == some_calls[
        "id"
    ].to_list()
    assert rows[0]
    assert rows[1 : 1 + times] == [None if null else []] * times
    cursors = [page["paging"]["next"] for page in pages]
    assert (len(set(cursors)) < len(cursors)) is same_cursor


def test_empty_pages_before_the_first_page(
    session: requests.Session, world: CallLogServer, some_calls: pl.DataFrame
):
    """They need a new cursor, because the first request has none to repeat."""
    world.misbehave(empty_page(), when=page(0))
    pages = every_page(session, world)

    assert [len(page["call_logs"]) for page in pages] == [0, 100, 100, 100, 30, 0]
    assert (
        ids_of([row for page in pages for row in page["call_logs"]]) == some_calls["id"].to_list()
    )
    world.forget()
    world.misbehave(empty_page(same_cursor=True))
    assert [len(page["call_logs"]) for page in every_page(session, world)] == [
        100,
        0,
        100,
        0,
        100,
        0,
        30,
        0,
        0,
    ]


def test_null_list_replaces_an_empty_list(session: requests.Session, world: CallLogServer):
    world.misbehave(null_list())

    assert [
        page["call_logs"] and len(page["call_logs"]) for page in every_page(session, world)
    ] == [100, 100, 100, 30, None]


def test_extra_records_follow_the_rows(session: requests.Session, world: CallLogServer):
    world.misbehave(extra_records(17, None, ["x"]), when=page(1, 4))
    pages = [page["call_logs"] for page in every_page(session, world)]

    assert [len(rows) for rows in pages] == [100, 103, 100, 30, 0]
    assert pages[1][-3:] == [17, None, ["x"]]


def test_duplicate_rows_follow_their_originals(session: requests.Session, world: CallLogServer):
    world.misbehave(
        duplicate_rows(lambda row: {**row, "updated_at": "2020-01-01T00:00:00Z"}), when=page(0)
    )
    rows = page_of(session, world)["call_logs"]

    assert len(rows) == 200
    assert all(
        new["id"] == old["id"] and new["updated_at"] > old["updated_at"]
        for new, old in zip(rows[::2], rows[1::2], strict=True)
    )


def test_page_faults_do_not_change_errors(session: requests.Session, world: CallLogServer):
    for fault in (cycle(1), empty_page(), null_list(), extra_records(1), duplicate_rows(dict)):
        world.misbehave(fault)

    assert (
        post(session, world, {}, headers={"Authorization": "Bearer wrong"}).json()["code"]
        == "unauthenticated"
    )
    assert (
        post(session, world, {"filter": {"direction": "up"}}).json()["code"] == "invalid_argument"
    )


def test_ignored_filter_fields_have_no_effect(
    session: requests.Session, world: CallLogServer, some_calls: pl.DataFrame
):
    """Other fields are still applied, and an ignored field may be invalid."""
    query = {"date_from": "2030-01-01T00:00:00Z", "date_to": "nonsense", "direction": "in"}
    world.misbehave(ignoring("date_from", "date_to"))

    assert (
        ids_of(every_row(session, world, query))
        == some_calls.filter(pl.col("direction") == "in")["id"].to_list()
    )
    world.forget()
    query["date_to"] = "2031-01-01T00:00:00Z"
    assert every_row(session, world, query) == []


# Data that changes.


def _at(row: Row, moment: datetime) -> Row:
    return {**row, "started_at": moment.isoformat()}


def test_rows_change_while_they_are_read(session: requests.Session, world: CallLogServer):
    """A chain sees only changes after its cursor.

    After the first page: a call that starts now is not returned, a later row is returned as edited,
    a row moved before the cursor is missed, a row moved after it is returned twice, and the row of
    the cursor itself may move.
    """
    rows = every_row(session, world)
    world.forget()
    far_past, now = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    edited = {
        **rows[205],
        "ended_at": "2026-11-09T00:00:00Z",
        "updated_at": "2026-11-09T00:00:01Z",
        "note": "edited",
    }
    changes = [
        _at({**rows[0], "id": "77"}, now),
        edited,
        _at(rows[210], now),
        _at(rows[50], far_past),
        _at(rows[99], far_past),
    ]
    world.misbehave(then(lambda: world.change(*changes)), when=at(0))
    result = every_row(session, world)

    assert ids_of(result[:100]) == ids_of(rows[:100])
    expected = [row for row in ids_of(rows[100:]) if row != rows[210]["id"]]
    assert set(ids_of(result[100:])) == {*expected, rows[50]["id"], rows[99]["id"]}
    assert next(row for row in result if row["id"] == edited["id"]) == edited
    assert len(world.rows) == len(rows) + 1


def test_changes_affect_every_filter_and_order(session: requests.Session, world: CallLogServer):
    """Existing listings are computed again."""
    row = page_of(session, world, {"direction": "in"}, limit=1)["call_logs"][0]
    oldest = page_of(session, world, sort="started_at", limit=1)["call_logs"][0]
    world.change(
        {**row, "direction": "out"}, _at({**oldest, "id": "5"}, datetime(2020, 1, 1, tzinfo=UTC))
    )

    assert row["id"] not in ids_of(every_row(session, world, {"direction": "in"}))
    assert row["id"] in ids_of(every_row(session, world, {"direction": "out"}))
    assert page_of(session, world, sort="started_at", limit=1)["call_logs"][0]["id"] == "5"


def test_records_without_an_id_are_always_added(session: requests.Session, world: CallLogServer):
    world.change({"note": "no id"}, 17)
    world.change({"note": "no id"}, 17)

    assert len(every_row(session, world)) == 330 + 4


def test_forget_restores_the_initial_state(session: requests.Session, world: CallLogServer):
    correct = every_page(session, world)
    world.script(error_status(500), error_status(500))
    world.misbehave(error_status(503))
    world.change({"id": "1"})
    world.latency_s, world.clock_offset, world.die_after = 9.0, timedelta(hours=1), 0
    world.forget()

    assert every_page(session, world) == correct
    assert (world.latency_s, world.clock_offset, world.die_after, len(world.requests)) == (
        0.0,
        timedelta(),
        None,
        5,
    )


def test_chains_are_complete_while_rows_are_added(world: CallLogServer, some_calls: pl.DataFrame):
    """Four threads read windows while calls are added: the initial calls occur once, in order."""
    added: list[Row] = []
    rows = world.rows

    def add_call() -> None:
        added.append({**rows[len(added) % 300], "id": str(10_000 + len(added))})
        world.change(added[-1])

    world.misbehave(then(add_call))
    starts = sorted(some_calls["started_at"])
    edges = [starts[0] - timedelta(days=1), *starts[80::80], starts[-1] + timedelta(days=1)]

    def read_window(index: int) -> list[str]:
        last = edges[index + 1] - timedelta(microseconds=1)
        query = {"date_from": edges[index].isoformat(), "date_to": last.isoformat()}
        with requests.Session() as session:
            return ids_of(every_row(session, world, query, limit=7))

    with ThreadPoolExecutor(4) as pool:
        result = [
            call
            for ids in reversed(list(pool.map(read_window, range(len(edges) - 1))))
            for call in ids
        ]
    assert added
    assert [call for call in result if int(call) >= 10**9] == some_calls["id"].to_list()


# Conditions.


def test_conditions_select_requests(session: requests.Session, world: CallLogServer):
    """By number, every nth, and the first of several equal requests."""
    world.misbehave(error_status(500), when=at(0, 3))
    world.misbehave(error_status(502), when=every(5), times=1)
    statuses = [post(session, world, {"paging": {"limit": 1}}).status_code for _ in range(11)]
    assert statuses == [500, 200, 200, 500, 502, 200, 200, 200, 200, 200, 200]

    world.forget()
    world.misbehave(error_status(503), when=first_attempt)
    assert [
        post(session, world, {"paging": {"limit": limit}}).status_code for limit in (1, 1, 2, 2, 1)
    ] == [503, 200, 503, 200, 200]
    assert [request.attempt for request in world.requests] == [0, 1, 0, 1, 2]


@pytest.mark.slow
def test_sometimes_depends_only_on_the_request(world: CallLogServer):
    """The order of threads does not matter; another seed selects other requests."""

    def selected(seed: int, workers: int) -> set[int]:
        world.forget()
        world.misbehave(error_status(503), when=sometimes(0.3, seed=seed))

        def status_of(limit: int) -> tuple[int, int]:
            with requests.Session() as session:
                return limit, post(session, world, {"paging": {"limit": limit}}).status_code

        with ThreadPoolExecutor(workers) as pool:
            return {limit for limit, status in pool.map(status_of, range(1, 101)) if status == 503}

    one = selected(1, 1)
    assert one == selected(1, 8) != selected(2, 1)
    assert 15 <= len(one) <= 45


@pytest.mark.slow
def test_in_flight_above_selects_simultaneous_requests(world: CallLogServer):
    """While one request is being processed, the others are above the limit."""
    world.latency_s = 0.3
    world.misbehave(too_many(), when=in_flight_above(1))
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: _conversation(world)[0].split()[1], range(4)))

    assert sorted(statuses) == [b"200", b"429", b"429", b"429"]
    assert _conversation(world)[0].split()[1] == b"200"


def test_each_scripted_fault_applies_to_one_request(world: CallLogServer):
    """10 scripted faults and 10 by a rule, for 80 requests of 8 threads with distinct numbers."""
    world.script(*[Answer(status=500)] * 10)
    world.misbehave(Answer(status=502), times=10)

    def statuses_of(_: int) -> list[int]:
        with requests.Session() as session:
            return [post(session, world, {"paging": {"limit": 1}}).status_code for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        statuses = [status for each in pool.map(statuses_of, range(8)) for status in each]
    assert [statuses.count(status) for status in (500, 502, 200)] == [10, 10, 60]
    assert [request.number for request in world.requests] == list(range(80))
    assert sorted(request.attempt for request in world.requests) == list(range(80))


def test_faults_are_applied_one_after_another(session: requests.Session, world: CallLogServer):
    """Each changes the result of the previous one, which may be a null list."""
    for fault in (extra_records(17), null_list(), duplicate_rows(str), wrong_content_type()):
        world.misbehave(fault)
    answer = post(session, world, {})

    assert (answer.headers["Content-Type"], answer.json()["call_logs"][-2:]) == (
        "text/html",
        [17, "17"],
    )
    assert page_of(session, world, {"call_number": "none"})["call_logs"] == []


def test_cycle_continues_while_rows_change(session: requests.Session, world: CallLogServer):
    """A chain read again after a change has new cursors; the old cursors still form the cycle."""
    world.misbehave(cycle(2, begin=2))
    pages = every_page(session, world, limit_pages=3, limit=10)
    world.change(
        *(
            {**row, "id": f"7{row['id']}", "started_at": "2027-01-01T00:00:00Z"}
            for row in pages[0]["call_logs"]
        )
    )
    page_of(session, world, limit=10, after="")
    after = pages[-1]["paging"]["next"]
    for _ in range(2):
        after = page_of(session, world, limit=10, after=after)["paging"]["next"]

    assert after == pages[-1]["paging"]["next"]


# The end of a server, and other events.


def test_server_dies_after_the_set_number_of_answers(
    session: requests.Session, some_calls: pl.DataFrame
):
    """The next request and open connections are reset, and later ones are refused."""
    with serve(some_calls) as server, requests.Session() as idle:
        server.die_after = 3
        post(idle, server, {})
        assert [post(session, server, {}).status_code for _ in range(2)] == [200, 200]
        with pytest.raises(requests.ConnectionError, match=r"reset|without response"):
            post(session, server, {})
        with pytest.raises(requests.ConnectionError):  # its connection may still seem open
            post(idle, server, {})
        for client in (session, idle):
            with pytest.raises(requests.ConnectionError, match="refused"):
                post(client, server, {})
        assert len(server.requests) == 4


def test_server_dies_with_many_clients(some_calls: pl.DataFrame):
    """Each client gets answers, then only errors, and no client hangs."""
    with serve(some_calls) as server:
        server.die_after = 30
        server.latency_s = 0.01

        def send(_: int) -> list[bool]:
            successes = []
            for _ in range(20):
                try:
                    with requests.Session() as session:
                        successes.append(post(session, server, {"paging": {"limit": 1}}).ok)
                except requests.ConnectionError:
                    successes.append(False)
            return successes

        with ThreadPoolExecutor(6) as pool:
            results = list(pool.map(send, range(6)))
    assert all(each == sorted(each, reverse=True) for each in results)
    assert 24 <= sum(map(sum, results)) <= 30  # answers being sent when the server dies are lost


def test_then_runs_an_action_before_the_answer_is_sent(
    session: requests.Session, world: CallLogServer
):
    stop = threading.Event()
    world.misbehave(then(stop.set), when=page(1))

    first = page_of(session, world)
    assert not stop.is_set()
    page_of(session, world, after=first["paging"]["next"])
    assert stop.is_set()


def test_interrupt_raises_keyboard_interrupt_in_the_main_thread(
    session: requests.Session, world: CallLogServer
):
    """Even while the main thread waits for other threads."""
    world.script(interrupt())

    def wait() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(post, session, world, {})
            threading.Event().wait(5)

    with pytest.raises(KeyboardInterrupt):
        wait()


def test_requests_know_their_page(session: requests.Session, world: CallLogServer):
    """A repeated request has the same page; a request without JSON has page 0."""
    pages = every_page(session, world)
    page_of(session, world, after=pages[1]["paging"]["next"])
    post(session, world, b"no JSON")

    assert [request.page for request in world.requests] == [0, 1, 2, 3, 4, 2, 0]
    assert [request.after for request in world.requests[:2]] == ["", pages[0]["paging"]["next"]]
    assert all(request.in_flight == 1 for request in world.requests)
    assert list(world.requests[0].cursors) == ["", *(page["paging"]["next"] for page in pages[:-1])]


def test_scripted_page_is_part_of_the_chain(session: requests.Session, world: CallLogServer):
    """As bytes or as an object, its cursor leads to page 1."""
    for body in (
        {"call_logs": [], "paging": {"next": "elsewhere"}},
        b'{"call_logs":[],"paging":{"next":"elsewhere"}}',
    ):
        world.forget()
        world.script(
            Answer(body=body),
            Answer(body=json.dumps({"call_logs": [], "paging": {"next": ""}}).encode()),
        )
        every_page(session, world)

        assert [request.page for request in world.requests] == [0, 1]
