"""Filters that the server reads wrongly, cursors that count rows, and labels of calls.

Expected rows are computed in plain Python from all rows.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest
import requests
from support.server_requests import Row, every_row, ids_of, page_of, post

from etelecom_analytics.simulator import (
    CallLogServer,
    Directory,
    faults,
    schedule,
    serve,
    simulate_calls,
)

HOME = timezone(timedelta(hours=7))
BEGIN, END = datetime(2026, 11, 3, tzinfo=HOME), datetime(2026, 11, 6, tzinfo=HOME)
DATES = {"date_from": BEGIN.isoformat(), "date_to": END.isoformat()}


@pytest.fixture(scope="module")
def some_calls() -> pl.DataFrame:
    return simulate_calls(330, seed=6).calls


@pytest.fixture(scope="module")
def _shared(some_calls: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(some_calls, both_dates=True) as server:
        yield server


@pytest.fixture
def world(_shared: CallLogServer) -> CallLogServer:
    _shared.forget()
    return _shared


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def start_of(row: Row) -> datetime:
    return datetime.fromisoformat(row["started_at"])


# Dates.


@pytest.mark.parametrize("hours", [-14, -1, 0.5, 7])
def test_dates_can_be_shifted(session: requests.Session, world: CallLogServer, hours: float):
    rows, shift = every_row(session, world), timedelta(hours=hours)
    world.misbehave(faults.shifted_dates(hours))
    result = every_row(session, world, DATES)

    assert result == [row for row in rows if BEGIN + shift <= start_of(row) <= END + shift]
    assert 0 < len(result) < len(rows)


def test_wall_clock_can_be_read_as_utc(session: requests.Session, world: CallLogServer):
    """Dates in UTC are read correctly then."""
    world.misbehave(faults.dates_as_utc())
    local = ids_of(every_row(session, world, DATES))
    in_utc = ids_of(
        every_row(
            session,
            world,
            {
                name: datetime.fromisoformat(text).astimezone(UTC).isoformat()
                for name, text in DATES.items()
            },
        )
    )
    world.forget()
    correct = ids_of(every_row(session, world, DATES))
    world.misbehave(faults.shifted_dates(7))

    assert in_utc == correct
    assert local == ids_of(every_row(session, world, DATES))
    assert local != correct


@pytest.mark.parametrize("fields", [(), ("date_from",), ("date_to",)])
def test_dates_can_be_exclusive(
    session: requests.Session, world: CallLogServer, fields: tuple[str, ...]
):
    """Only calls that start exactly at an end are missing."""
    rows = every_row(session, world)[50:61]
    query = {"date_from": rows[-1]["started_at"], "date_to": rows[0]["started_at"]}
    assert every_row(session, world, query) == rows
    world.misbehave(faults.exclusive_dates(*fields))

    first = 1 if "date_to" in (fields or DATES) else 0
    last = 10 if "date_from" in (fields or DATES) else 11
    assert every_row(session, world, query) == rows[first:last]


def test_shift_and_exclusive_ends_add_up(session: requests.Session, world: CallLogServer):
    rows = every_row(session, world)[50:61]
    query = {
        name: (start_of(row) - timedelta(hours=3)).isoformat()
        for name, row in (("date_from", rows[-1]), ("date_to", rows[0]))
    }
    world.misbehave(faults.exclusive_dates())
    world.misbehave(faults.shifted_dates(3))

    assert every_row(session, world, query) == rows[1:-1]


def test_invalid_dates_are_refused_as_usual(session: requests.Session, world: CallLogServer):
    world.misbehave(faults.shifted_dates(3))
    for dates in (
        {**DATES, "date_to": "soon"},
        {**DATES, "date_from": "2026-11-03T00:00:00"},
        {**DATES, "date_from": 5},
    ):
        answer = post(session, world, {"filter": dates})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    far: Row = {"date_from": "0001-01-01T00:00:00Z", "date_to": "9999-12-31T23:59:59Z"}
    assert len(every_row(session, world, far)) == 330


@pytest.mark.parametrize("field", ["date_from", "date_to"])
def test_one_date_without_the_other_is_refused(
    session: requests.Session, world: CallLogServer, some_calls: pl.DataFrame, field: str
):
    """Unless the server is started without this rule; both and none are always accepted."""
    query = {field: DATES[field]}
    answer = post(session, world, {"filter": query})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert "must provide both" in answer.json()["msg"]
    assert (
        post(
            session,
            world,
            {"filter": {**query, "date_from" if field == "date_to" else "date_to": ""}},
        ).status_code
        == 400
    )
    assert len(page_of(session, world, {})["call_logs"]) == 100
    assert page_of(session, world, DATES)["call_logs"]
    with serve(some_calls, both_dates=False) as lenient:
        assert page_of(session, lenient, query)["call_logs"]


def test_wrong_readings_do_not_change_the_rule_of_both_dates(
    session: requests.Session, world: CallLogServer
):
    """A server that ignores one date still needs both."""
    world.misbehave(faults.ignoring("date_from"))
    rows = every_row(session, world, DATES)

    assert rows
    assert post(session, world, {"filter": {"date_to": DATES["date_to"]}}).status_code == 400
    world.forget()
    assert rows == [row for row in every_row(session, world) if start_of(row) <= END]


# Ignored fields.


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("direction", "out"),
        ("call_state", "answered"),
        ("call_number", "19000123"),
        ("duration", {"comparison": "greater_than", "value": 30}),
        ("extension_ids", ["1"]),
        ("user_id", "1"),
        ("hotline_ids", ["1"]),
        ("department_id", "1"),
        ("external_id", "none"),
        ("external_session_id", "none"),
    ],
)
def test_each_field_can_be_ignored(
    session: requests.Session, world: CallLogServer, field: str, value: Any
):
    """The other fields are applied."""
    query = {**DATES, field: value}
    with_dates = every_row(session, world, DATES)
    filtered = every_row(session, world, query)
    world.misbehave(faults.ignoring(field))

    assert len(filtered) < len(with_dates)
    assert every_row(session, world, query) == with_dates


def test_reading_can_hold_for_some_requests_only(session: requests.Session, world: CallLogServer):
    world.misbehave(faults.ignoring("direction"), when=schedule.at(1))
    counts = [len(every_row(session, world, {"direction": "out"}, limit=100)) for _ in range(2)]
    world.forget()
    world.script(faults.ignoring("call_number"))
    first, second = (page_of(session, world, {"call_number": "none"}) for _ in range(2))

    assert counts[0] != counts[1]
    assert (len(first["call_logs"]), len(second["call_logs"])) == (100, 0)


def test_request_log_has_the_filter_as_it_was_sent(session: requests.Session, world: CallLogServer):
    world.misbehave(faults.shifted_dates(5))
    page_of(session, world, DATES)

    assert world.requests[-1].body["filter"] == DATES


# Cursors that count rows.


@pytest.mark.parametrize("limit", [7, 30, 100])
def test_offset_cursors_return_each_row_once_while_nothing_changes(
    session: requests.Session, world: CallLogServer, some_calls: pl.DataFrame, limit: int
):
    world.misbehave(faults.offset_cursors())
    assert ids_of(every_row(session, world, limit=limit)) == some_calls["id"].to_list()

    second = page_of(
        session, world, limit=limit, after=page_of(session, world, limit=limit)["paging"]["next"]
    )
    assert (
        page_of(session, world, limit=limit, before=second["paging"]["prev"])["call_logs"]
        == page_of(session, world, limit=limit)["call_logs"]
    )


@pytest.mark.parametrize(
    ("change", "lost", "repeated"),
    [
        (lambda server, rows: server.delete(*ids_of(rows[:5])), slice(100, 105), slice(0, 0)),
        (
            lambda server, rows: server.change(
                *({**rows[0], "id": f"9{number}"} for number in range(5))
            ),
            slice(0, 0),
            slice(95, 100),
        ),
    ],
    ids=["deleted", "inserted"],
)
def test_rows_move_between_pages_of_offset_cursors(
    session: requests.Session,
    world: CallLogServer,
    change: Callable[[CallLogServer, list[Row]], object],
    lost: slice,
    repeated: slice,
):
    """Five rows before the second page: the same number of rows is lost or received twice."""
    rows = every_row(session, world)
    world.forget()
    world.misbehave(faults.offset_cursors())
    world.misbehave(faults.then(lambda: change(world, rows)), when=schedule.at(0))
    ids = ids_of(every_row(session, world))

    assert set(ids_of(rows)) - set(ids) == set(ids_of(rows[lost]))
    assert [each for each in dict.fromkeys(ids) if ids.count(each) == 2] == ids_of(rows[repeated])


def test_deleted_rows_do_not_move_others_between_pages_of_correct_cursors(
    session: requests.Session, world: CallLogServer
):
    """Deleted rows come back with `forget`."""
    rows = every_row(session, world)
    world.misbehave(
        faults.then(lambda: world.delete(*ids_of(rows[50:120]))),
        when=lambda request: request.page == 0,
        times=1,
    )
    assert ids_of(every_row(session, world)) == ids_of(rows[:100] + rows[120:])
    world.forget()
    assert every_row(session, world) == rows


# Labels, which calls do not contain.


def test_hotline_is_that_of_the_number_that_was_called(
    session: requests.Session, world: CallLogServer
):
    """Also of calls that nobody answered; calls from an extension have its hotline."""
    rows = every_row(session, world)
    hotline_of = {
        row["id"]: next(
            (
                hotline["id"]
                for hotline in world.directory.hotlines
                if row["direction"] == "in" and hotline["hotline"] == row["callee"]
            ),
            "",
        )
        or next(
            (
                extension["hotline_id"]
                for extension in world.directory.extensions
                if row["direction"] == "out" and extension["id"] == row["extension_id"]
            ),
            "",
        )
        for row in rows
    }
    hotlines = [hotline["id"] for hotline in world.directory.hotlines]
    results = [every_row(session, world, {"hotline_ids": [each]}) for each in hotlines]

    for hotline, result in zip(hotlines, results, strict=True):
        assert result == [row for row in rows if hotline_of[row["id"]] == hotline]
        assert {row["direction"] for row in result} == {"in", "out"}
        assert any(row["extension_id"] == "0" for row in result)
    assert len(every_row(session, world, {"hotline_ids": hotlines})) == sum(map(len, results))
    assert every_row(session, world, {"hotline_ids": ["9223372036854775807"]}) == []


def test_department_is_that_of_the_user(session: requests.Session, world: CallLogServer):
    rows = every_row(session, world)
    users = {user["user_id"]: user["department_id"] for user in world.directory.account_users}
    counts = []
    for department in set(users.values()) - {"0"}:
        result = every_row(session, world, {"department_id": department})
        counts.append(len(result))

        assert result == [row for row in rows if users.get(row["user_id"]) == department]
    assert 0 < max(counts) <= sum(counts) < len(rows)


def test_labels_follow_a_replaced_directory(session: requests.Session, some_calls: pl.DataFrame):
    with serve(some_calls) as server:
        server.directory = Directory(hotlines=({"id": "5", "hotline": "19000123"}, "junk"))
        result = every_row(session, server, {"hotline_ids": ["5"]})

    assert (
        ids_of(result)
        == some_calls.filter(pl.col("callee") == "19000123", pl.col("direction") == "in")[
            "id"
        ].to_list()
    )


def test_labels_of_single_calls_replace_those_of_the_directory(
    session: requests.Session, some_calls: pl.DataFrame
):
    ids = some_calls["id"].to_list()
    with serve(
        some_calls, hotlines=dict.fromkeys(ids[:7], "81"), departments=dict.fromkeys(ids[3:9], "71")
    ) as server:
        assert ids_of(every_row(session, server, {"hotline_ids": ["81"]})) == ids[:7]
        assert ids_of(every_row(session, server, {"department_id": "71"})) == ids[3:9]
        assert (
            every_row(session, server, {"hotline_ids": [server.directory.hotlines[0]["id"]]}) == []
        )
