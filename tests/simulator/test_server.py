"""The simulated server keeps the API's rules over real HTTP: refusals, filters, pages, cursors, and the bad answers that are scripted."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import requests
from requests_to_server import Row, every_row, ids_of, page_of, post

from etelecom_analytics.frames import PageReader
from etelecom_analytics.simulator import Answer, CallLogServer, serve, simulate_calls

ZERO_TIME = "0001-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def some_calls() -> pl.DataFrame:
    return simulate_calls(650, seed=4).calls


@pytest.fixture(scope="module")
def _well_behaved(some_calls: pl.DataFrame) -> Iterator[CallLogServer]:
    ids = some_calls["id"].to_list()
    with serve(
        some_calls,
        departments=dict.fromkeys(ids[:40], "71"),
        hotlines=dict.fromkeys(ids[30:60], "81"),
    ) as server:
        yield server


@pytest.fixture
def world(_well_behaved: CallLogServer) -> CallLogServer:
    """A well-behaved server that has received nothing yet."""
    _well_behaved.forget()
    return _well_behaved


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


# The door: address, key, body.


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"Authorization": "Bearer wrong"}},
        {"headers": {"Authorization": ""}},
        {"headers": {"Authorization": "simulated-key"}},
    ],
)
def test_a_wrong_key_is_unauthenticated(http: requests.Session, world: CallLogServer, changes: Row):
    """401, whatever else the request says."""
    answer = post(http, world, {}, **changes)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.json()["msg"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/shop/ListCallLogs",
        "/v1/shop.ETelecom/ListCallLogs",
        "/v1/shop/.Etelecom/ListCallLogs",
        "/",
    ],
)
def test_another_path_is_a_bad_route(http: requests.Session, world: CallLogServer, path: str):
    """404 for every spelling but the one."""
    root = world.base_url.removesuffix("/v1/shop")
    answer = post(http, world, {}, url=root + path)

    assert (answer.status_code, answer.json()["code"]) == (404, "bad_route")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_a_bad_route(http: requests.Session, world: CallLogServer, method: str):
    """Only POST lists call logs."""
    answer = post(http, world, {}, method=method)

    assert (answer.status_code, answer.json()["code"]) == (404, "bad_route")


@pytest.mark.parametrize("kind", [None, "text/plain"])
def test_without_the_json_content_type_it_is_a_bad_route(
    http: requests.Session, world: CallLogServer, kind: str | None
):
    """A missing Content-Type is 404, as the API has it; a charset beside the right one is welcome."""
    answer = post(http, world, {}, headers={"Content-Type": kind})

    assert (answer.status_code, answer.json()["code"]) == (404, "bad_route")
    assert (
        post(
            http, world, {}, headers={"Content-Type": "application/json; charset=utf-8"}
        ).status_code
        == 200
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"filter": ["x"]}', b'{"filter": {}, "paging": "x"}']
)
def test_what_is_no_request_is_malformed(http: requests.Session, world: CallLogServer, body: bytes):
    """400 malformed: no JSON, no object, or a part that is no object."""
    answer = post(http, world, body)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    "request_body",
    [
        {"filter": {"call_state": "ringing"}},
        {"filter": {"direction": "IN"}},
        {"filter": {"user_id": "x"}},
        {"filter": {"user_id": "-1"}},
        {"filter": {"department_id": "1.0"}},
        {"filter": {"extension_ids": ["1", "two"]}},
        {"filter": {"hotline_ids": ["9223372036854775808"]}},
        {"filter": {"extension_ids": [7]}},
        {"filter": {"date_from": "2026-11-02"}},
        {"filter": {"date_from": "2026-11-02T00:00:00"}},
        {"filter": {"date_to": "yesterday"}},
        {"filter": {"date_to": "2026-13-02T00:00:00Z"}},
        {"filter": {"duration": {"comparison": "about", "value": 3}}},
        {"filter": {"duration": {"comparison": "less_than", "value": "3"}}},
        {"paging": {"after": ".", "before": "."}},
        {"paging": {"after": "nonsense"}},
        {"paging": {"before": "bm9uc2Vuc2U="}},
        {"paging": {"limit": -1}},
        {"paging": {"limit": "10"}},
        {"paging": {"sort": "caller"}},
    ],
    ids=lambda body: json.dumps(body)[:60],
)
def test_what_makes_no_sense_is_an_invalid_argument(
    http: requests.Session, world: CallLogServer, request_body: Row
):
    """400 invalid_argument with a message, for each value that the API does not know."""
    answer = post(http, world, request_body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert answer.json()["msg"]


# Pages.


@pytest.mark.parametrize(
    ("limit", "rows"),
    [
        ({}, 100),
        ({"limit": 0}, 100),
        ({"limit": 250}, 100),
        ({"limit": 100}, 100),
        ({"limit": 7}, 7),
    ],
)
def test_a_page_has_at_most_100_rows(
    http: requests.Session, world: CallLogServer, limit: Row, rows: int
):
    """Limit 0, absent or above 100 means 100."""
    page = page_of(http, world, **limit)

    assert len(page["call_logs"]) == rows
    assert page["paging"]["limit"] == rows


def test_paging_has_its_six_fields(http: requests.Session, world: CallLogServer):
    """after, before, limit, next, prev and sort come back on every page, the empty one too."""
    for wanted in ({}, {"call_number": "none"}):
        assert set(page_of(http, world, wanted)["paging"]) == {
            "after",
            "before",
            "limit",
            "next",
            "prev",
            "sort",
        }


@pytest.mark.parametrize("limit", [1, 7, 50, 65, 100])
def test_any_page_size_gives_all_calls_in_order(
    http: requests.Session, world: CallLogServer, some_calls: pl.DataFrame, limit: int
):
    """A chain holds each call once, newest first, however it is cut."""
    calls = some_calls.head(60) if limit == 1 else some_calls
    with serve(calls) as server:
        assert ids_of(every_row(http, server, limit=limit)) == calls["id"].to_list()


def test_next_is_set_on_the_last_full_page(http: requests.Session, some_calls: pl.DataFrame):
    """200 rows are two pages with a next each; the third page is empty, and its next too."""
    with serve(some_calls.head(200)) as server:
        first = page_of(http, server)
        second = page_of(http, server, after=first["paging"]["next"])
        third = page_of(http, server, after=second["paging"]["next"])

    assert [len(page["call_logs"]) for page in (first, second, third)] == [100, 100, 0]
    assert second["paging"]["next"]
    assert third["paging"]["next"] == ""


def test_a_dot_means_the_beginning(http: requests.Session, world: CallLogServer):
    """`after` "." is the first page."""
    assert page_of(http, world, after=".")["call_logs"] == page_of(http, world)["call_logs"]


def test_prev_in_before_walks_backwards(http: requests.Session, world: CallLogServer):
    """From the fourth page back to the first, page by page, with the rows of each in their order; before the first is nothing."""
    forward = [page_of(http, world, limit=30)]
    for _ in range(3):
        forward.append(page_of(http, world, limit=30, after=forward[-1]["paging"]["next"]))
    back = forward[-1]
    for page in reversed(forward[:-1]):
        back = page_of(http, world, limit=30, before=back["paging"]["prev"])
        assert back["call_logs"] == page["call_logs"]

    nothing = page_of(http, world, limit=30, before=back["paging"]["prev"])
    assert nothing["call_logs"] == []
    assert nothing["paging"]["prev"] == ""


def test_oldest_first_is_the_exact_reverse_of_the_starts(
    http: requests.Session, world: CallLogServer, some_calls: pl.DataFrame
):
    """`started_at` ascends, ids break ties upwards in either order, and `-started_at` is the default spelt out."""
    assert (
        ids_of(every_row(http, world, sort="started_at"))
        == some_calls.sort("started_at", "id")["id"].to_list()
    )
    assert ids_of(every_row(http, world, sort="-started_at")) == some_calls["id"].to_list()


def test_rows_without_a_start_come_last():
    """In both orders, and none is lost: a record of any shape is served."""
    rows: list[Any] = [
        {"id": "1", "started_at": ZERO_TIME},
        {"id": "2", "started_at": "2026-11-02T01:00:00Z"},
        "no object",
        {"id": "10"},
    ]
    rows += [{"id": "9", "started_at": "2026-11-02T08:00:00+07:00"}]
    with serve(rows) as server, requests.Session() as session:
        newest = page_of(session, server)["call_logs"]
        oldest = page_of(session, server, sort="started_at")["call_logs"]

    assert (
        [row["id"] for row in newest[:2]] == [row["id"] for row in oldest[:2]] == ["2", "9"]
    )  # one instant, written in two ways
    assert len(newest) == len(oldest) == 5
    assert "no object" in newest[2:]


def test_cursors_survive_rows_that_arrive(http: requests.Session, world: CallLogServer):
    """A cursor is a place in the order, and no count of rows: where newer rows have joined the list, it leads to the same next page."""
    rows = every_row(http, world)
    with serve(rows[350:]) as early, serve([*rows[350:], *rows[:350]]) as late:
        cursor = page_of(http, early, limit=20)["paging"]["next"]

        assert page_of(http, late, limit=20)["call_logs"] == rows[:20]
        assert page_of(http, late, limit=20, after=cursor)["call_logs"] == rows[370:390]


# Filters, held against plain Python over the whole list.


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


FILTERS: list[tuple[str, Callable[[list[Row]], Row], Callable[[Row, Row], bool]]] = [
    (
        "call_number, caller",
        lambda rows: {"call_number": rows[5]["caller"]},
        lambda row, f: f["call_number"] in (row["caller"], row["callee"]),
    ),
    (
        "call_number, callee",
        lambda rows: {"call_number": "19000123"},
        lambda row, f: f["call_number"] in (row["caller"], row["callee"]),
    ),
    (
        "call_state",
        lambda rows: {"call_state": "not_answered"},
        lambda row, f: row["call_state"] == "not_answered",
    ),
    (
        "direction",
        lambda rows: {"direction": "ext_in"},
        lambda row, f: row["direction"] == "ext_in",
    ),
    (
        "extension_ids",
        lambda rows: {"extension_ids": sorted({row["extension_id"] for row in rows} - {"0"})[:2]},
        lambda row, f: row["extension_id"] in f["extension_ids"],
    ),
    (
        "user_id",
        lambda rows: {"user_id": next(row["user_id"] for row in rows if row["user_id"] != "0")},
        lambda row, f: row["user_id"] == f["user_id"],
    ),
    (
        "external_id",
        lambda rows: {
            "external_id": next(row["external_id"] for row in rows if row["external_id"])
        },
        lambda row, f: row["external_id"] == f["external_id"],
    ),
    (
        "external_session_id",
        lambda rows: {
            "external_session_id": next(
                row["external_session_id"] for row in rows if row["direction"] == "ext_in"
            )
        },
        lambda row, f: row["external_session_id"] == f["external_session_id"],
    ),
    (
        "date_from, inclusive",
        lambda rows: {"date_from": rows[100]["started_at"]},
        lambda row, f: _moment(row["started_at"]) >= _moment(f["date_from"]),
    ),
    (
        "date_to, inclusive",
        lambda rows: {"date_to": rows[500]["started_at"]},
        lambda row, f: _moment(row["started_at"]) <= _moment(f["date_to"]),
    ),
    (
        "two fields",
        lambda rows: {"direction": "in", "call_state": "answered"},
        lambda row, f: (row["direction"], row["call_state"]) == ("in", "answered"),
    ),
]


@pytest.mark.parametrize(
    ("make", "holds"), [case[1:] for case in FILTERS], ids=[case[0] for case in FILTERS]
)
def test_filters_choose_what_they_say(
    http: requests.Session,
    world: CallLogServer,
    make: Callable[[list[Row]], Row],
    holds: Callable[[Row, Row], bool],
):
    """Each filter gives the rows for which it holds, all of them, in the usual order; and some, but not all."""
    rows = every_row(http, world)
    wanted = make(rows)
    expected = [row for row in rows if holds(row, wanted)]

    assert 0 < len(expected) < len(rows)
    assert every_row(http, world, wanted, limit=40) == expected


@pytest.mark.parametrize(
    ("comparison", "holds"),
    [
        ("less_than", lambda duration, value: duration < value),
        ("less_than_or_equal_to", lambda duration, value: duration <= value),
        ("greater_than", lambda duration, value: duration > value),
        ("greater_than_or_equal_to", lambda duration, value: duration >= value),
        ("equal_to", lambda duration, value: duration == value),
    ],
)
def test_durations_compare(
    http: requests.Session, world: CallLogServer, comparison: str, holds: Callable[[int, int], bool]
):
    """Five comparisons, with a value that occurs, so that the equal ones tell."""
    rows = every_row(http, world)
    value = sorted(row["duration"] for row in rows)[len(rows) // 2]
    expected = [row for row in rows if holds(row["duration"], value)]

    assert expected
    assert (
        every_row(http, world, {"duration": {"comparison": comparison, "value": value}}) == expected
    )


def test_departments_and_hotlines_are_told_to_the_server(
    http: requests.Session, world: CallLogServer, some_calls: pl.DataFrame
):
    """Calls carry neither, so a mapping of ids gives them; without an entry a call belongs to none."""
    ids = some_calls["id"].to_list()

    assert ids_of(every_row(http, world, {"department_id": "71"})) == ids[:40]
    assert ids_of(every_row(http, world, {"hotline_ids": ["81", "82"]})) == ids[30:60]
    assert (
        ids_of(every_row(http, world, {"department_id": "71", "hotline_ids": ["81"]})) == ids[30:40]
    )
    assert every_row(http, world, {"department_id": "72"}) == []


def test_unknown_and_empty_filter_fields_choose_everything(
    http: requests.Session, world: CallLogServer
):
    """A field that the API does not know is ignored; an empty value is a field that is not set."""
    first = page_of(http, world)

    assert page_of(http, world, {"colour": "red"}) == first
    assert (
        page_of(
            http, world, {"call_number": "", "extension_ids": [], "call_state": "", "date_from": ""}
        )
        == first
    )
    assert page_of(http, world, {"duration": {"comparison": "unknow", "value": 0}}) == first


# The wire.


def test_typed_calls_come_back_as_they_were(
    http: requests.Session, world: CallLogServer, some_calls: pl.DataFrame
):
    """Served, fetched and read again, the frame is the same, and nothing on the wire was strange."""
    reader = PageReader()

    assert reader.read([json.dumps({"call_logs": every_row(http, world)}).encode()]).equals(
        some_calls
    )
    assert reader.drift == ()


def test_the_wire_has_no_nulls(http: requests.Session, world: CallLogServer):
    """Empty text, "0" for ids and the zero time stand in their places; offsets differ between rows, and fractions are kept."""
    rows = every_row(http, world)
    legs = [leg for row in rows for leg in row["call_targets"]]
    starts = [row["started_at"] for row in rows]

    assert not any(value is None for row in [*rows, *legs] for value in row.values())
    assert {row["extension_id"] for row in rows if row["call_state"] == "not_answered"} == {"0"}
    assert ZERO_TIME in {row["ended_at"] for row in rows}
    assert ZERO_TIME in {leg["answered_time"] for leg in legs}
    assert any(start.endswith("Z") for start in starts)
    assert any(start.endswith("+07:00") for start in starts)
    assert any("." in start for start in starts)
    assert all(isinstance(row["id"], str) for row in rows)


def test_requests_are_remembered_without_the_key(http: requests.Session, world: CallLogServer):
    """Path, headers and body of each request are there for a test to look at; the key is nowhere in them."""
    page_of(http, world, {"direction": "in"}, limit=3)
    received = world.requests[-1]

    assert received.path == "/v1/shop.Etelecom/ListCallLogs"
    assert received.body == {"filter": {"direction": "in"}, "paging": {"limit": 3}}
    assert received.headers["content-type"] == "application/json"
    assert world.api_key not in str(received)


def test_nothing_is_printed(
    http: requests.Session, world: CallLogServer, capfd: pytest.CaptureFixture[str]
):
    """Neither a page nor a refusal makes noise."""
    page_of(http, world)
    post(http, world, b"{")

    assert capfd.readouterr() == ("", "")


def test_pages_can_be_asked_for_side_by_side(world: CallLogServer, some_calls: pl.DataFrame):
    """Eight threads that walk a window each get what one gets."""
    days = [datetime(2026, 11, 2, tzinfo=UTC) + timedelta(days=day) for day in range(-1, 7)]

    def walk(day: datetime) -> list[str]:
        edges = {
            "date_from": day.isoformat(),
            "date_to": (day + timedelta(days=1) - timedelta(milliseconds=1)).isoformat(),
        }
        with requests.Session() as session:
            return ids_of(every_row(session, world, edges, limit=9))

    with ThreadPoolExecutor(8) as pool:
        found = [call for ids in pool.map(walk, days) for call in ids]
    assert sorted(found) == sorted(some_calls["id"])


def test_a_long_chain_is_quick(http: requests.Session):
    """33,000 rows in pages of 100 over one connection are served in seconds, not minutes."""
    begins = datetime(2026, 11, 2, tzinfo=UTC)
    rows = [
        {"id": str(10**18 + place), "started_at": (begins + timedelta(seconds=place)).isoformat()}
        for place in range(33_000)
    ]
    with serve(rows) as server:
        began = time.perf_counter()
        got = ids_of(every_row(http, server))
        took = time.perf_counter() - began

    assert got == [row["id"] for row in reversed(rows)]
    assert took < 15


# A bad world.


def test_scripted_answers_come_first_and_once(http: requests.Session, some_calls: pl.DataFrame):
    """Each next request gets the next scripted answer, whatever it asks; afterwards the server is itself again."""
    busy = Answer(
        status=429,
        headers={"Retry-After": "2"},
        body={"code": "resource_exhausted", "msg": "slow down"},
    )
    with serve(some_calls) as server:
        server.script(busy, Answer(body=b"<html>a gateway</html>"))
        refused, gateway, regular = (post(http, server, {}) for _ in range(3))

    assert (refused.status_code, refused.headers["Retry-After"], refused.json()["code"]) == (
        429,
        "2",
        "resource_exhausted",
    )
    assert (gateway.status_code, gateway.content) == (200, b"<html>a gateway</html>")
    assert len(regular.json()["call_logs"]) == 100
    assert len(server.requests) == 3


def test_a_body_can_be_cut_short(http: requests.Session, some_calls: pl.DataFrame):
    """Content-Length promises the whole body; fewer bytes come, and the connection closes."""
    with serve(some_calls) as server:
        server.script(Answer(body={"call_logs": []}, cut_after=5))
        with pytest.raises(
            (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)
        ):
            post(http, server, {})
        assert post(http, server, {}).status_code == 200


def test_an_answer_can_be_late(http: requests.Session, some_calls: pl.DataFrame):
    """delay_s passes before a word is said."""
    with serve(some_calls) as server:
        server.script(Answer(body={}, delay_s=0.2))
        began = time.perf_counter()
        post(http, server, {})

        assert time.perf_counter() - began >= 0.2


def test_pages_can_be_rewritten(http: requests.Session, some_calls: pl.DataFrame):
    """A rewrite sees the request and the right answer, and what it gives is sent: here a cursor that repeats for ever."""

    def stuck(request: Row, answer: Row) -> Row:
        assert "filter" in request
        return {**answer, "paging": {**answer["paging"], "next": "again"}}

    with serve(some_calls, rewrite=stuck) as server:
        assert page_of(http, server)["paging"]["next"] == "again"
        assert len(page_of(http, server)["call_logs"]) == 100


def test_the_server_listens_on_this_machine_alone_and_stops(
    http: requests.Session, some_calls: pl.DataFrame
):
    """Loopback only; when the block ends nobody listens on the port any more."""
    with serve(some_calls) as server:
        page_of(http, server)
        port = int(server.base_url.split(":")[2].split("/")[0])
        assert server.base_url == f"http://127.0.0.1:{port}/v1/shop"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
