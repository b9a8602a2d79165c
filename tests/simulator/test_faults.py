"""Every fault that a server can be given, seen over real HTTP by clients that are none of ours."""

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
from requests_to_server import Row, every_page, every_row, ids_of, page_of, post

from etelecom_analytics.simulator import Answer, CallLogServer, serve, simulate_calls
from etelecom_analytics.simulator.faults import (
    adding,
    cut,
    cycle,
    doubling,
    drip,
    empty,
    empty_page,
    failing,
    html,
    interrupt,
    late,
    mislabelled,
    null_list,
    reset,
    then,
    too_many,
)
from etelecom_analytics.simulator.schedule import at, crowded, every, first_attempt, page, sometimes


@pytest.fixture(scope="module")
def some_calls() -> pl.DataFrame:
    return simulate_calls(330, seed=6).calls


@pytest.fixture(scope="module")
def _shared(some_calls: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(some_calls) as server:
        yield server


@pytest.fixture
def world(_shared: CallLogServer) -> CallLogServer:
    """A server of 330 calls: four pages with rows, and the empty one."""
    _shared.forget()
    return _shared


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def _conversation(server: CallLogServer, body: bytes = b"{}") -> tuple[bytes, BaseException | None]:
    """What a bare socket hears until the end, and the error that ended it."""
    port = int(server.base_url.split(":")[2].split("/")[0])
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/shop.Etelecom/ListCallLogs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
            + f"Authorization: Bearer {server.api_key}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        try:
            while part := connection.recv(1 << 16):
                heard += part
        except OSError as error:
            return heard, error
    return heard, None


# Answers that say nothing of calls.


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_status_comes_once_in_the_apis_form(
    session: requests.Session, world: CallLogServer, status: int
):
    world.script(failing(status))

    answer = post(session, world, {})
    assert (answer.status_code, set(answer.json())) == (status, {"code", "msg"})
    assert post(session, world, {}).status_code == 200


def test_too_many_names_seconds_a_date_or_nothing(session: requests.Session, world: CallLogServer):
    """The date is the one that was given, in the form of HTTP, and the answer tells the server's own time beside it."""
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


def test_html_with_200_and_an_empty_body(session: requests.Session, world: CallLogServer):
    world.script(html(), html(502), empty())
    gateway, bad_gateway, nothing = (post(session, world, {}) for _ in range(3))

    assert (gateway.status_code, gateway.headers["Content-Type"], gateway.text[:6]) == (
        200,
        "text/html",
        "<html>",
    )
    assert bad_gateway.status_code == 502
    assert (nothing.status_code, nothing.content) == (200, b"")


# The right answer, badly sent.


def test_a_reset_is_a_reset_and_no_orderly_end(world: CallLogServer):
    """Before a word is said, and in the middle of a body; a cut body ends in order, and too early."""
    world.script(reset(), reset(after=40), cut(40))
    silent, half, short = (_conversation(world) for _ in range(3))

    assert silent[0] == b""
    assert isinstance(silent[1], ConnectionResetError)
    assert isinstance(half[1], ConnectionResetError)
    assert (len(short[0].partition(b"\r\n\r\n")[2]), short[1]) == (40, None)


def test_after_a_reset_the_server_is_itself_again(session: requests.Session, world: CallLogServer):
    world.script(reset())
    with pytest.raises(requests.ConnectionError, match="reset"):
        post(session, world, {})

    assert len(page_of(session, world)["call_logs"]) == 100


def test_a_cut_body_promised_more(session: requests.Session, world: CallLogServer):
    world.script(cut(1_000))
    with pytest.raises(
        (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError),
        match="1000 bytes read",
    ):
        post(session, world, {})


def test_a_slow_body_comes_whole_and_slowly(world: CallLogServer):
    """The headers and the first bytes are there at once; the rest takes as long as its length says."""
    whole = _conversation(world)[0].partition(b"\r\n\r\n")[2]
    world.script(drip(len(whole) / 0.4))
    asked = http.client.HTTPConnection(
        world.base_url.removeprefix("http://").partition("/")[0], timeout=10
    )
    began = time.perf_counter()
    headers = {"Authorization": f"Bearer {world.api_key}", "Content-Type": "application/json"}
    asked.request("POST", "/v1/shop.Etelecom/ListCallLogs", b"{}", headers)
    answer = asked.getresponse()
    answer.read(10)
    first = time.perf_counter() - began
    rest = answer.read()
    took = time.perf_counter() - began
    asked.close()

    assert first < 0.3 < took
    assert len(rest) + 10 == len(whole)


def test_an_answer_is_late_by_a_fault_and_by_the_latency(
    session: requests.Session, world: CallLogServer
):
    """Both add up; without them nothing waits."""
    world.latency_s = 0.1
    world.script(late(0.15))
    took = []
    for _ in range(2):
        began = time.perf_counter()
        post(session, world, {})
        took.append(time.perf_counter() - began)

    assert took[0] >= 0.25
    assert took[1] >= 0.1


def test_latency_is_waited_side_by_side(world: CallLogServer):
    """Eight connections wait at once, as they do on a real network."""
    world.latency_s = 0.3
    began = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        assert all(error is None for _, error in pool.map(lambda _: _conversation(world), range(8)))
    assert time.perf_counter() - began < 8 * 0.3 / 2
    assert max(received.in_flight for received in world.requests) > 1


def test_a_wrong_content_type_changes_nothing_else(session: requests.Session, world: CallLogServer):
    right = page_of(session, world)
    world.script(mislabelled("text/plain"))
    answer = post(session, world, {"filter": {}, "paging": {}})

    assert answer.headers["Content-Type"] == "text/plain"
    assert json.loads(answer.content) == right


# Cursors and pages that are wrong.


@pytest.mark.parametrize(("of", "begin"), [(1, 1), (2, 1), (7, 1), (7, 3), (2, 0), (1, 0)])
def test_a_circle_comes_round_after_so_many_pages(
    session: requests.Session, world: CallLogServer, of: int, begin: int
):
    """Its pages are right until then, and the circle goes on for ever; the pages before it do not come again."""
    right = every_page(session, world, limit=20)
    world.misbehave(cycle(of, begin=begin))
    pages = every_page(session, world, most=begin + 3 * of, limit=20)

    rows = [page["call_logs"] for page in pages]
    assert rows[: begin + of] == [page["call_logs"] for page in right[: begin + of]]
    assert rows[begin:] == 3 * rows[begin : begin + of]


def test_a_circle_larger_than_the_chain_is_none(session: requests.Session, world: CallLogServer):
    world.misbehave(cycle(7))

    assert len(every_page(session, world)) == 5


def test_each_filter_has_a_chain_of_its_own(session: requests.Session, world: CallLogServer):
    """Chains that are read by turns are told apart."""
    world.misbehave(cycle(2))
    inward, outward = (
        page_of(session, world, {"direction": word}, limit=10) for word in ("in", "out")
    )
    for _ in range(4):
        inward = page_of(
            session, world, {"direction": "in"}, limit=10, after=inward["paging"]["next"]
        )
        outward = page_of(
            session, world, {"direction": "out"}, limit=10, after=outward["paging"]["next"]
        )

    assert [received.page for received in world.requests] == [0, 0, 1, 1, 2, 2, 1, 1, 2, 2]


@pytest.mark.parametrize("null", [False, True])
@pytest.mark.parametrize("same_cursor", [False, True])
@pytest.mark.parametrize("times", [1, 3])
def test_empty_pages_in_the_middle_lose_nothing(
    session: requests.Session,
    world: CallLogServer,
    some_calls: pl.DataFrame,
    times: int,
    null: bool,
    same_cursor: bool,
):
    """They lead on to the rows by a new cursor, or by the very one that was asked for."""
    world.misbehave(
        empty_page(times, null=null, same_cursor=same_cursor),
        when=lambda received: received.after != "",
    )
    pages = every_page(session, world, most=40, limit=100)

    rows = [page["call_logs"] for page in pages]
    assert [row["id"] for some in rows for row in some or ()] == some_calls["id"].to_list()
    assert rows[0]
    assert rows[1 : 1 + times] == [None if null else []] * times
    cursors = [page["paging"]["next"] for page in pages]
    assert (len(set(cursors)) < len(cursors)) is same_cursor


def test_before_the_first_page_too(
    session: requests.Session, world: CallLogServer, some_calls: pl.DataFrame
):
    """By a new cursor; none can be repeated where none was asked for."""
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


def test_a_list_without_rows_is_null(session: requests.Session, world: CallLogServer):
    world.misbehave(null_list())

    assert [
        page["call_logs"] and len(page["call_logs"]) for page in every_page(session, world)
    ] == [100, 100, 100, 30, None]


def test_records_that_are_no_objects_stand_among_the_rows(
    session: requests.Session, world: CallLogServer
):
    world.misbehave(adding(17, None, ["x"]), when=page(1, 4))
    pages = [page["call_logs"] for page in every_page(session, world)]

    assert [len(rows) for rows in pages] == [100, 103, 100, 30, 0]
    assert pages[1][-3:] == [17, None, ["x"]]


def test_a_call_comes_twice_in_different_states(session: requests.Session, world: CallLogServer):
    world.misbehave(
        doubling(lambda row: {**row, "updated_at": "2020-01-01T00:00:00Z"}), when=page(0)
    )
    rows = page_of(session, world)["call_logs"]

    assert len(rows) == 200
    assert all(
        new["id"] == old["id"] and new["updated_at"] > old["updated_at"]
        for new, old in zip(rows[::2], rows[1::2], strict=True)
    )


def test_faults_of_pages_leave_refusals_alone(session: requests.Session, world: CallLogServer):
    for fault in (cycle(1), empty_page(), null_list(), adding(1), doubling(dict)):
        world.misbehave(fault)

    assert (
        post(session, world, {}, headers={"Authorization": "Bearer wrong"}).json()["code"]
        == "unauthenticated"
    )
    assert (
        post(session, world, {"filter": {"direction": "up"}}).json()["code"] == "invalid_argument"
    )


def test_dates_can_be_ignored(
    session: requests.Session, world: CallLogServer, some_calls: pl.DataFrame
):
    """The other fields are still obeyed, and a field that is ignored may hold nonsense."""
    wanted = {"date_from": "2030-01-01T00:00:00Z", "date_to": "nonsense", "direction": "in"}
    world.ignores = {"date_from", "date_to"}

    assert (
        ids_of(every_row(session, world, wanted))
        == some_calls.filter(pl.col("direction") == "in")["id"].to_list()
    )
    world.forget()
    assert every_row(session, world, {"date_from": "2030-01-01T00:00:00Z"}) == []


# A data set that moves.


def _at(row: Row, moment: datetime) -> Row:
    return {**row, "started_at": moment.isoformat()}


def test_rows_move_while_they_are_read(session: requests.Session, world: CallLogServer):
    """A chain sees of a change what lies ahead of its cursor.

    After the first page: a call that begins now is not seen, one ahead is seen as it was edited,
    one that is dated forward over the cursor is missed, one that is dated back behind it comes
    twice, and the row of the cursor itself may go away.
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
    got = every_row(session, world)

    assert ids_of(got[:100]) == ids_of(rows[:100])
    expected = [row for row in ids_of(rows[100:]) if row != rows[210]["id"]]
    assert set(ids_of(got[100:])) == {*expected, rows[50]["id"], rows[99]["id"]}
    assert next(row for row in got if row["id"] == edited["id"]) == edited
    assert len(world.rows) == len(rows) + 1


def test_a_change_reaches_every_filter_and_order(session: requests.Session, world: CallLogServer):
    """What was listed before the change is listed anew."""
    row = page_of(session, world, {"direction": "in"}, limit=1)["call_logs"][0]
    oldest = page_of(session, world, sort="started_at", limit=1)["call_logs"][0]
    world.change(
        {**row, "direction": "out"}, _at({**oldest, "id": "5"}, datetime(2020, 1, 1, tzinfo=UTC))
    )

    assert row["id"] not in ids_of(every_row(session, world, {"direction": "in"}))
    assert row["id"] in ids_of(every_row(session, world, {"direction": "out"}))
    assert page_of(session, world, sort="started_at", limit=1)["call_logs"][0]["id"] == "5"


def test_records_without_an_id_only_ever_join(session: requests.Session, world: CallLogServer):
    world.change({"note": "no id"}, 17)
    world.change({"note": "no id"}, 17)

    assert len(every_row(session, world)) == 330 + 4


def test_forgetting_undoes_everything(session: requests.Session, world: CallLogServer):
    right = every_page(session, world)
    world.script(failing(500), failing(500))
    world.misbehave(failing(503))
    world.change({"id": "1"})
    world.latency_s, world.ignores, world.die_after = 9.0, {"direction"}, 0
    world.forget()

    assert every_page(session, world) == right
    assert (world.latency_s, world.ignores, world.die_after, len(world.requests)) == (
        0.0,
        (),
        None,
        5,
    )


def test_chains_hold_while_rows_change_on_all_sides(world: CallLogServer, some_calls: pl.DataFrame):
    """Four threads walk windows while a call joins after every page: whoever was there all along comes once, in order."""
    joined: list[Row] = []
    rows = world.rows

    def one_more() -> None:
        joined.append({**rows[len(joined) % 300], "id": str(10_000 + len(joined))})
        world.change(joined[-1])

    world.misbehave(then(one_more))
    starts = sorted(some_calls["started_at"])
    edges = [starts[0] - timedelta(days=1), *starts[80::80], starts[-1] + timedelta(days=1)]

    def walk(place: int) -> list[str]:
        last = edges[place + 1] - timedelta(microseconds=1)
        wanted = {"date_from": edges[place].isoformat(), "date_to": last.isoformat()}
        with requests.Session() as session:
            return ids_of(every_row(session, world, wanted, limit=7))

    with ThreadPoolExecutor(4) as pool:
        found = [
            call for ids in reversed(list(pool.map(walk, range(len(edges) - 1)))) for call in ids
        ]
    assert joined
    assert [call for call in found if int(call) >= 10**9] == some_calls["id"].to_list()


# When.


def test_conditions_choose_requests(session: requests.Session, world: CallLogServer):
    """By number, each so many, by page, and the first of those that ask the same."""
    world.misbehave(failing(500), when=at(0, 3))
    world.misbehave(failing(502), when=every(5), times=1)
    statuses = [post(session, world, {"paging": {"limit": 1}}).status_code for _ in range(11)]
    assert statuses == [500, 200, 200, 500, 502, 200, 200, 200, 200, 200, 200]

    world.forget()
    world.misbehave(failing(503), when=first_attempt)
    assert [
        post(session, world, {"paging": {"limit": limit}}).status_code for limit in (1, 1, 2, 2, 1)
    ] == [503, 200, 503, 200, 200]
    assert [received.attempt for received in world.requests] == [0, 1, 0, 1, 2]


def test_chance_hangs_on_the_request_alone(world: CallLogServer):
    """However threads take turns the same requests are met: about the share; another seed meets others."""

    def met(seed: int, workers: int) -> set[int]:
        world.forget()
        world.misbehave(failing(503), when=sometimes(0.3, seed=seed))

        def asked(limit: int) -> tuple[int, int]:
            with requests.Session() as session:
                return limit, post(session, world, {"paging": {"limit": limit}}).status_code

        with ThreadPoolExecutor(workers) as pool:
            return {limit for limit, status in pool.map(asked, range(1, 101)) if status == 503}

    one = met(1, 1)
    assert one == met(1, 8) != met(2, 1)
    assert 15 <= len(one) <= 45


def test_a_crowd_is_refused(world: CallLogServer):
    """While one request is at work the next ones are one too many."""
    world.latency_s = 0.3
    world.misbehave(too_many(), when=crowded(1))
    with ThreadPoolExecutor(4) as pool:
        heard = list(pool.map(lambda _: _conversation(world)[0].split()[1], range(4)))

    assert sorted(heard) == [b"200", b"429", b"429", b"429"]
    assert _conversation(world)[0].split()[1] == b"200"


def test_scripted_faults_go_to_one_request_each_whatever_the_threads(world: CallLogServer):
    """Ten in the script and ten by a rule, among eighty requests from eight threads; and every request has a number of its own."""
    world.script(*[Answer(status=500)] * 10)
    world.misbehave(Answer(status=502), times=10)

    def ask(_: int) -> list[int]:
        with requests.Session() as session:
            return [post(session, world, {"paging": {"limit": 1}}).status_code for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        statuses = [status for some in pool.map(ask, range(8)) for status in some]
    assert [statuses.count(status) for status in (500, 502, 200)] == [10, 10, 60]
    assert [received.number for received in world.requests] == list(range(80))
    assert sorted(received.attempt for received in world.requests) == list(range(80))


def test_faults_add_up(session: requests.Session, world: CallLogServer):
    """Each spoils what the one before it left, a list that is null too."""
    for fault in (adding(17), null_list(), doubling(str), mislabelled()):
        world.misbehave(fault)
    answer = post(session, world, {})

    assert (answer.headers["Content-Type"], answer.json()["call_logs"][-2:]) == (
        "text/html",
        [17, "17"],
    )
    assert page_of(session, world, {"call_number": "none"})["call_logs"] == []


def test_a_circle_stays_one_while_rows_move(session: requests.Session, world: CallLogServer):
    """A chain that is begun again after a change has new cursors; who follows the old ones still comes round."""
    world.misbehave(cycle(2, begin=2))
    pages = every_page(session, world, most=3, limit=10)
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


# Ends.


def test_a_server_dies_for_good_after_so_many_answers(
    session: requests.Session, some_calls: pl.DataFrame
):
    """The next request is hung up on, and so is whoever keeps a connection; then nobody listens. Closing it is still in order."""
    with serve(some_calls) as server, requests.Session() as idle:
        server.die_after = 3
        post(idle, server, {})
        assert [post(session, server, {}).status_code for _ in range(2)] == [200, 200]
        with pytest.raises(requests.ConnectionError, match=r"reset|without response"):
            post(session, server, {})
        for late_caller in (session, idle):
            with pytest.raises(requests.ConnectionError, match="refused"):
                post(late_caller, server, {})
        assert len(server.requests) == 4


def test_a_server_dies_under_many_clients(some_calls: pl.DataFrame):
    """Each client gets answers and then errors, no answer after an error, and nobody waits."""
    with serve(some_calls) as server:
        server.die_after = 30
        server.latency_s = 0.01

        def ask(_: int) -> list[bool]:
            granted = []
            for _ in range(20):
                try:
                    with requests.Session() as session:
                        granted.append(post(session, server, {"paging": {"limit": 1}}).ok)
                except requests.ConnectionError:
                    granted.append(False)
            return granted

        with ThreadPoolExecutor(6) as pool:
            heard = list(pool.map(ask, range(6)))
    assert all(some == sorted(some, reverse=True) for some in heard)
    assert 24 <= sum(map(sum, heard)) <= 30  # answers on their way when it died are lost


def test_something_happens_after_a_page(session: requests.Session, world: CallLogServer):
    stop = threading.Event()
    world.misbehave(then(stop.set), when=page(1))

    first = page_of(session, world)
    assert not stop.is_set()
    page_of(session, world, after=first["paging"]["next"])
    assert stop.is_set()


def test_somebody_presses_ctrl_c(session: requests.Session, world: CallLogServer):
    """The main thread is interrupted wherever it is, even if it only waits for others."""
    world.script(interrupt())

    def wait() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(post, session, world, {})
            threading.Event().wait(5)

    with pytest.raises(KeyboardInterrupt):
        wait()


def test_requests_know_where_they_stand(session: requests.Session, world: CallLogServer):
    """Page by page, and again where the same page is asked again; of an unknown cursor only that it is no known page."""
    pages = every_page(session, world)
    page_of(session, world, after=pages[1]["paging"]["next"])
    post(session, world, b"no JSON")

    assert [received.page for received in world.requests] == [0, 1, 2, 3, 4, 2, 0]
    assert [received.after for received in world.requests[:2]] == ["", pages[0]["paging"]["next"]]
    assert all(received.in_flight == 1 for received in world.requests)
    assert list(world.requests[0].cursors) == ["", *(page["paging"]["next"] for page in pages[:-1])]


def test_a_scripted_page_is_part_of_the_chain(session: requests.Session, world: CallLogServer):
    """Whether it is scripted as bytes or as an object, its cursor leads to page 1."""
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

        assert [received.page for received in world.requests] == [0, 1]
