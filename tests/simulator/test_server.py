"""The simulated server over real HTTP: errors, filters, pages, cursors and scripted answers."""

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
from support.server_requests import Row, every_row, ids_of, page_of, post

from etelecom_analytics.parsing.pages import PageReader
from etelecom_analytics.simulator import Answer, CallLogServer, serve, simulate_calls

ZERO_TIME = "0001-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def some_calls() -> pl.DataFrame:
    return simulate_calls(650, seed=4).calls


@pytest.fixture(scope="module")
def _shared_server(some_calls: pl.DataFrame) -> Iterator[CallLogServer]:
    ids = some_calls["id"].to_list()
    with serve(
        some_calls,
        departments=dict.fromkeys(ids[:40], "71"),
        hotlines=dict.fromkeys(ids[30:60], "81"),
    ) as server:
        yield server


@pytest.fixture
def world(_shared_server: CallLogServer) -> CallLogServer:
    """A server without faults that has received no request yet."""
    _shared_server.forget()
    return _shared_server


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


# URL, key and body.


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"Authorization": "Bearer wrong"}},
        {"headers": {"Authorization": ""}},
        {"headers": {"Authorization": "simulated-key"}},
    ],
)
def test_wrong_key_is_unauthenticated(http: requests.Session, world: CallLogServer, changes: Row):
    """Status 401 for any request."""
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
def test_wrong_path_is_a_bad_route(http: requests.Session, world: CallLogServer, path: str):
    """Status 404 for any other spelling."""
    root = world.base_url.removesuffix("/v1/shop")
    answer = post(http, world, {}, url=root + path)

    assert (answer.status_code, answer.json()["code"]) == (404, "bad_route")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_wrong_method_is_a_bad_route(http: requests.Session, world: CallLogServer, method: str):
    """Only POST lists call logs."""
    answer = post(http, world, {}, method=method)

    assert (answer.status_code, answer.json()["code"]) == (404, "bad_route")


@pytest.mark.parametrize("kind", [None, "text/plain"])
def test_missing_json_content_type_is_a_bad_route(
    http: requests.Session, world: CallLogServer, kind: str | None
):
    """Status 404, as in the API; the correct Content-Type may have a charset."""
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
def test_invalid_body_is_malformed(http: requests.Session, world: CallLogServer, body: bytes):
    """Status 400 for a body that is not a JSON object, or has a part that is not an object."""
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
        {"filter": {"date_from": "2026-11-02", "date_to": "2030-01-01T00:00:00Z"}},
        {"filter": {"date_from": "2026-11-02T00:00:00", "date_to": "2030-01-01T00:00:00Z"}},
        {"filter": {"date_from": "2020-01-01T00:00:00Z", "date_to": "yesterday"}},
        {"filter": {"date_from": "2020-01-01T00:00:00Z", "date_to": "2026-13-02T00:00:00Z"}},
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
def test_invalid_value_is_an_invalid_argument(
    http: requests.Session, world: CallLogServer, request_body: Row
):
    """Status 400 with a message for each invalid value."""
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
def test_page_has_at_most_100_rows(
    http: requests.Session, world: CallLogServer, limit: Row, rows: int
):
    """A limit that is 0, missing or above 100 means 100."""
    page = page_of(http, world, **limit)

    assert len(page["call_logs"]) == rows
    assert page["paging"]["limit"] == rows


def test_paging_has_six_fields(http: requests.Session, world: CallLogServer):
    """Every page has after, before, limit, next, prev and sort, including an empty page."""
    for query in ({}, {"call_number": "none"}):
        assert set(page_of(http, world, query)["paging"]) == {
            "after",
            "before",
            "limit",
            "next",
            "prev",
            "sort",
        }


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 7, 50, 65, 100])
def test_any_page_size_returns_all_calls_in_order(
    http: requests.Session, world: CallLogServer, some_calls: pl.DataFrame, limit: int
):
    """A chain contains each call once, newest first."""
    calls = some_calls.head(60) if limit == 1 else some_calls
    with serve(calls) as server:
        assert ids_of(every_row(http, server, limit=limit)) == calls["id"].to_list()


def test_next_is_set_on_the_last_full_page(http: requests.Session, some_calls: pl.DataFrame):
    """200 rows are two pages with `next`; the third page is empty and has none."""
    with serve(some_calls.head(200)) as server:
        first = page_of(http, server)
        second = page_of(http, server, after=first["paging"]["next"])
        third = page_of(http, server, after=second["paging"]["next"])

    assert [len(page["call_logs"]) for page in (first, second, third)] == [100, 100, 0]
    assert second["paging"]["next"]
    assert third["paging"]["next"] == ""


def test_dot_is_the_cursor_of_the_first_page(http: requests.Session, world: CallLogServer):
    """`after` "." returns the first page."""
    assert page_of(http, world, after=".")["call_logs"] == page_of(http, world)["call_logs"]


def test_prev_as_before_returns_the_previous_page(http: requests.Session, world: CallLogServer):
    """Backwards from the fourth page, with the rows of each in order; the last page is empty."""
    forward = [page_of(http, world, limit=30)]
    for _ in range(3):
        forward.append(page_of(http, world, limit=30, after=forward[-1]["paging"]["next"]))
    back = forward[-1]
    for page in reversed(forward[:-1]):
        back = page_of(http, world, limit=30, before=back["paging"]["prev"])
        assert back["call_logs"] == page["call_logs"]

    empty = page_of(http, world, limit=30, before=back["paging"]["prev"])
    assert empty["call_logs"] == []
    assert empty["paging"]["prev"] == ""


def test_sort_by_start_ascending_and_descending(
    http: requests.Session, world: CallLogServer, some_calls: pl.DataFrame
):
    """Ties are sorted by ascending id in both orders, and `-started_at` is the default."""
    assert (
        ids_of(every_row(http, world, sort="started_at"))
        == some_calls.sort("started_at", "id")["id"].to_list()
    )
    assert ids_of(every_row(http, world, sort="-started_at")) == some_calls["id"].to_list()


def test_rows_without_a_start_are_last():
    """In both orders, and records of any shape are returned."""
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

    # The two rows start at the same time, written with different offsets.
    assert [row["id"] for row in newest[:2]] == [row["id"] for row in oldest[:2]] == ["2", "9"]
    assert len(newest) == len(oldest) == 5
    assert "no object" in newest[2:]


def test_cursors_stay_valid_when_rows_are_added(http: requests.Session, world: CallLogServer):
    """A cursor is a position in the order, and not a number of rows."""
    rows = every_row(http, world)
    with serve(rows[350:]) as early, serve([*rows[350:], *rows[:350]]) as late:
        cursor = page_of(http, early, limit=20)["paging"]["next"]

        assert page_of(http, late, limit=20)["call_logs"] == rows[:20]
        assert page_of(http, late, limit=20, after=cursor)["call_logs"] == rows[370:390]


# Filters, compared with plain Python on all rows.


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
        lambda rows: {"date_from": rows[100]["started_at"], "date_to": "2030-01-01T00:00:00Z"},
        lambda row, f: _moment(row["started_at"]) >= _moment(f["date_from"]),
    ),
    (
        "date_to, inclusive",
        lambda rows: {"date_from": "1990-01-01T00:00:00Z", "date_to": rows[500]["started_at"]},
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
def test_filters_select_matching_rows(
    http: requests.Session,
    world: CallLogServer,
    make: Callable[[list[Row]], Row],
    holds: Callable[[Row, Row], bool],
):
    """Each filter returns all matching rows in the default order; some rows match, but not all."""
    rows = every_row(http, world)
    query = make(rows)
    expected = [row for row in rows if holds(row, query)]

    assert 0 < len(expected) < len(rows)
    assert every_row(http, world, query, limit=40) == expected


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
def test_duration_comparisons(
    http: requests.Session, world: CallLogServer, comparison: str, holds: Callable[[int, int], bool]
):
    """Five comparisons with a value that occurs, so that equality matters."""
    rows = every_row(http, world)
    value = sorted(row["duration"] for row in rows)[len(rows) // 2]
    expected = [row for row in rows if holds(row["duration"], value)]

    assert expected
    assert (
        every_row(http, world, {"duration": {"comparison": comparison, "value": value}}) == expected
    )


def test_departments_and_hotlines_are_set_by_mappings(
    http: requests.Session, world: CallLogServer, some_calls: pl.DataFrame
):
    """Calls do not contain them; a call without an entry in the mapping has none."""
    ids = some_calls["id"].to_list()

    assert ids_of(every_row(http, world, {"department_id": "71"})) == ids[:40]
    assert ids_of(every_row(http, world, {"hotline_ids": ["81", "82"]})) == ids[30:60]
    assert (
        ids_of(every_row(http, world, {"department_id": "71", "hotline_ids": ["81"]})) == ids[30:40]
    )
    assert every_row(http, world, {"department_id": "72"}) == []


def test_unknown_and_empty_filter_fields_are_ignored(http: requests.Session, world: CallLogServer):
    """As in the API, an empty value is the same as a missing field."""
    first = page_of(http, world)

    assert page_of(http, world, {"colour": "red"}) == first
    assert (
        page_of(
            http, world, {"call_number": "", "extension_ids": [], "call_state": "", "date_from": ""}
        )
        == first
    )
    assert page_of(http, world, {"duration": {"comparison": "unknow", "value": 0}}) == first


# Serialization.


def test_typed_calls_survive_a_round_trip(
    http: requests.Session, world: CallLogServer, some_calls: pl.DataFrame
):
    """The parsed frame equals the served one, without drift."""
    reader = PageReader()

    assert reader.read([json.dumps({"call_logs": every_row(http, world)}).encode()]).equals(
        some_calls
    )
    assert reader.drift == ()


def test_responses_have_no_nulls(http: requests.Session, world: CallLogServer):
    """They have empty strings, "0" for ids and a zero time; offsets vary, and fractions occur."""
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


def test_requests_are_recorded_without_the_key(http: requests.Session, world: CallLogServer):
    """Path, headers and body of each request are recorded."""
    page_of(http, world, {"direction": "in"}, limit=3)
    request = world.requests[-1]

    assert request.path == "/v1/shop.Etelecom/ListCallLogs"
    assert request.body == {"filter": {"direction": "in"}, "paging": {"limit": 3}}
    assert request.headers["content-type"] == "application/json"
    assert world.api_key not in str(request)


def test_server_prints_nothing(
    http: requests.Session, world: CallLogServer, capfd: pytest.CaptureFixture[str]
):
    """Neither for a page nor for an error."""
    page_of(http, world)
    post(http, world, b"{")

    assert capfd.readouterr() == ("", "")


def test_simultaneous_requests_return_the_same_rows(world: CallLogServer, some_calls: pl.DataFrame):
    """Eight threads, each with its own window, return all calls together."""
    days = [datetime(2026, 11, 2, tzinfo=UTC) + timedelta(days=day) for day in range(-1, 7)]

    def read_day(day: datetime) -> list[str]:
        edges = {
            "date_from": day.isoformat(),
            "date_to": (day + timedelta(days=1) - timedelta(milliseconds=1)).isoformat(),
        }
        with requests.Session() as session:
            return ids_of(every_row(session, world, edges, limit=9))

    with ThreadPoolExecutor(8) as pool:
        result = [call for ids in pool.map(read_day, days) for call in ids]
    assert sorted(result) == sorted(some_calls["id"])


@pytest.mark.slow
def test_long_chain_is_fast(http: requests.Session):
    """33,000 rows in pages of 100 over one connection take less than 15 seconds."""
    first = datetime(2026, 11, 2, tzinfo=UTC)
    rows = [
        {"id": str(10**18 + number), "started_at": (first + timedelta(seconds=number)).isoformat()}
        for number in range(33_000)
    ]
    with serve(rows) as server:
        start = time.perf_counter()
        ids = ids_of(every_row(http, server))
        seconds = time.perf_counter() - start

    assert ids == [row["id"] for row in reversed(rows)]
    assert seconds < 15


# Faults.


def test_scripted_answers_are_sent_first_and_once(http: requests.Session, some_calls: pl.DataFrame):
    """Each request gets the next scripted answer; afterwards the server answers normally."""
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


def test_body_can_be_truncated(http: requests.Session, some_calls: pl.DataFrame):
    """Fewer bytes than Content-Length are sent, and the connection closes."""
    with serve(some_calls) as server:
        server.script(Answer(body={"call_logs": []}, cut_after=5))
        with pytest.raises(
            (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)
        ):
            post(http, server, {})
        assert post(http, server, {}).status_code == 200


def test_answer_can_be_delayed(http: requests.Session, some_calls: pl.DataFrame):
    """Nothing is sent before delay_s."""
    with serve(some_calls) as server:
        server.script(Answer(body={}, delay_s=0.2))
        start = time.perf_counter()
        post(http, server, {})

        assert time.perf_counter() - start >= 0.2


def test_pages_can_be_rewritten(http: requests.Session, some_calls: pl.DataFrame):
    """The result of `rewrite` is sent, here a cursor that always repeats."""

    def repeat_cursor(request: Row, answer: Row) -> Row:
        assert "filter" in request
        return {**answer, "paging": {**answer["paging"], "next": "again"}}

    with serve(some_calls, rewrite=repeat_cursor) as server:
        assert page_of(http, server)["paging"]["next"] == "again"
        assert len(page_of(http, server)["call_logs"]) == 100


def test_server_listens_on_loopback_until_it_is_closed(
    http: requests.Session, some_calls: pl.DataFrame
):
    """After the block, connections to the port are refused."""
    with serve(some_calls) as server:
        page_of(http, server)
        port = int(server.base_url.split(":")[2].split("/")[0])
        assert server.base_url == f"http://127.0.0.1:{port}/v1/shop"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
