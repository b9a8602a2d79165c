"""The second look at places where rows may have been skipped, with and without a start."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import etelecom_analytics as et
from etelecom_analytics.api.chain import Chain
from etelecom_analytics.api.collect import Hole
from etelecom_analytics.api.page_edges import EdgeResult, Part, parts_of, recheck
from etelecom_analytics.api.page_scan import scan_body
from etelecom_analytics.errors import BadRequest
from etelecom_analytics.simulator import CallLogServer, faults, schedule, serve

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
ZERO_TIME = "0001-01-01T00:00:00Z"
Rows = list[dict[str, Any]]


def row(number: int, started_at: object = ZERO_TIME) -> dict[str, Any]:
    if isinstance(started_at, int):
        started_at = (BEGIN + timedelta(hours=started_at)).isoformat()
    return {"id": str(number), "started_at": started_at}


def body(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"call_logs": rows, "paging": {"next": ""}}).encode()


def look_at(
    part: Part, *answers: list[bytes] | BadRequest, known: Iterable[str] = ()
) -> EdgeResult:
    """The result of a part whose requests have these answers, each used once."""
    left = list(answers)

    def read_again(part: Part, cursor: str) -> list[bytes]:
        answer = left.pop(0)
        if isinstance(answer, BadRequest):
            raise answer
        return answer

    result = recheck([part], {*known}, read_again, limit=2, workers=1, is_stopped=lambda: False)
    assert not left
    return result


def ids_of(result: EdgeResult) -> list[str]:
    return [call_id for table in result.tables for call_id in table["id"]]


EDGE = Part(hole=Hole(BEGIN, BEGIN + timedelta(hours=9)))
TAIL = Part(hole=Hole(None, BEGIN), cursors=("2", "1", ""), reached=BEGIN + timedelta(hours=5))


@pytest.mark.parametrize(
    "pages",
    [[body()], [body(row(1, 5))], [body(row(1, 5)), body()], [body(row(1, 5), row(2, 4))]],
    ids=["no row", "one page", "a short page", "a full last page"],
)
def test_one_look_is_enough_if_all_rows_are_on_one_page(pages: list[bytes]):
    result = look_at(EDGE, pages, known="12")

    assert (result.looks, result.more_pages) == (1, len(pages) - 1)
    assert result.holes == result.tables == []


def test_rows_on_several_pages_are_read_twice():
    pages = [body(row(1, 5), row(2, 4)), body(row(3, 3)), body()]

    result = look_at(EDGE, pages, pages, known="123")
    assert (result.looks, result.more_pages, result.holes) == (2, 4, [])


def test_row_that_the_second_look_skips_is_in_the_third():
    """Row 1 vanishes during the first look, so that row 3 is on none of its pages."""
    first = [body(row(1, 5), row(2, 4)), body(row(4, 2))]
    then = [body(row(2, 4), row(3, 3)), body(row(4, 2))]

    result = look_at(EDGE, first, then, then, known="124")
    assert ids_of(result) == ["3"]
    assert result.holes == []


def test_rows_that_never_agree_are_a_gap():
    looks = [[body(row(number, 5), row(4, 4)), body(row(5, 3))] for number in (1, 2, 3)]

    assert look_at(EDGE, *looks, known="12345").holes == [EDGE.hole]


def test_row_that_is_repeated_on_a_later_page_shows_that_others_moved():
    pages = [body(row(1, 5), row(2, 4)), body(row(2, 4), row(3, 3))]

    assert look_at(EDGE, pages, pages, pages, known="123").holes == [EDGE.hole]


def test_undated_rows_that_have_moved_up_are_found_from_an_earlier_page():
    result = look_at(
        TAIL,
        [body(row(9))],
        [body(row(1, 5), row(8)), body(row(9))],
        [body(row(1, 5), row(8)), body(row(9))],
        known="19",
    )

    assert ids_of(result) == ["8"]
    assert (result.looks, result.holes) == (3, [])


@pytest.mark.parametrize(
    ("first", "cursors"),
    [
        (row(1, 6), "2"),
        (row(2, 6), "22"),
        (row(1, 5), "2"),
        (row(2, 5), "21"),
        (row(1, 4), "21"),
        (row(1), "21"),
    ],
    ids=["later", "later and new", "the oldest", "as old and new", "older", "undated"],
)
def test_first_page_needs_a_call_from_before_the_part(first: dict[str, Any], cursors: str):
    requested: list[str] = []

    def read_again(part: Part, cursor: str) -> list[bytes]:
        requested.append(cursor)
        return [body(first if cursor == "2" else row(1, 6)), body()]

    result = recheck([TAIL], {"1"}, read_again, limit=2, workers=1, is_stopped=lambda: False)
    assert "".join(requested) == cursors
    assert result.holes == []


def test_cursor_that_the_server_does_not_know_any_more_leads_to_an_earlier_one():
    refused = BadRequest("unknown cursor", status=400)

    result = look_at(TAIL, refused, refused, [body(row(1, 5), row(9))], known="19")
    assert (result.looks, result.holes, result.error) == (3, [], None)
    result = look_at(TAIL, refused, refused, refused, known="19")
    assert (result.holes, result.error) == ([TAIL.hole], refused)


def chain_of(*pages: Rows, undated: bool = True) -> Chain:
    chain = Chain(begin=None, end=None, undated=undated)
    for number, rows in enumerate(pages):
        scan = scan_body(body(*rows))
        chain.has_moved = True
        chain.record_undated(scan, str(number + 1))
        chain.pages += 1
        if scan.starts:
            chain.reached = scan.starts[-1]
    return chain


@pytest.mark.parametrize("value", [ZERO_TIME, None, "", "soon", 7.5])
def test_calls_without_a_start_are_looked_for_behind_all_others(value: object):
    chain = chain_of([row(1, 5)], [row(2, 4), row(3, value)], [row(4, value)])

    parts, holes = parts_of([chain], lambda: True)
    assert [part.cursors for part in parts] == [["1", ""]]
    assert parts[0].hole == Hole(None, BEGIN + timedelta(hours=4, microseconds=1))
    assert not parts[0].until_dated
    assert holes == []


def test_calls_without_a_start_are_looked_for_before_all_others_too():
    chain = chain_of([row(1)], [row(2)], [row(3), row(4, 4)], [row(5, 3)])

    parts, _ = parts_of([chain], lambda: True)
    assert [(list(part.cursors), part.until_dated) for part in parts] == [
        (["3", "2", ""], False),
        ([""], True),
    ]


def test_calls_without_a_start_among_others_cannot_be_looked_for():
    chain = chain_of([row(1, 5)], [row(2, 4), row(3)], [row(4, 3)])

    assert parts_of([chain], lambda: True) == ([], [Hole(None, None)])


def test_unreadable_starts_in_a_range_of_dates_do_not_hide_the_ends_of_pages():
    chain = chain_of([row(1, 5)], [row(2, 4), row(3, "soon")], [row(4, 3)], undated=False)
    assert parts_of([chain], lambda: True) == ([], [])

    chain = chain_of([row(1, 5)], [row(2, "soon")], [row(4, 3)], undated=False)
    assert parts_of([chain], lambda: True) == ([], [Hole(None, None)])


def test_earlier_pages_are_reached_in_growing_steps():
    chain = chain_of(*[[row(number, 50 - number)] for number in range(40)])

    cursors = [int(cursor or 0) for cursor in chain.cursors_back_from(39)]
    assert cursors == [39, 38, 36, 32, 24, 8, 0]


# A server whose cursors are numbers of rows, over HTTP.


def rows_with_undated(server: CallLogServer, count: int, undated: int, value: object) -> Rows:
    rows = server.rows[:count]
    return [
        {**each, "started_at": value} if index >= count - undated else each
        for index, each in enumerate(rows)
    ]


def fetch(rows: Rows, limit: int, disturb: Callable[[CallLogServer], None]) -> tuple[Any, int]:
    with serve(rows) as server, et.Client(server.base_url, server.api_key) as client:
        disturb(server)
        options = et.FetchOptions(page_limit=limit)
        logs = et.fetch_calls(client, workers=1, progress=False, fetch_options=options)
        return logs, len(server.requests)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "count", "undated", "value"),
    [
        (1, 12, 1, ZERO_TIME),
        (1, 3, 1, None),
        (2, 12, 5, "soon"),
        (4, 12, 4, None),
        (20, 32, 12, ""),
    ],
)
def test_call_without_a_start_is_not_lost_if_others_are_deleted(
    server: CallLogServer, limit: int, count: int, undated: int, value: object
):
    """The last page begins with a call without a start, which moves up to the page before."""
    rows = rows_with_undated(server, count, undated, value)
    newest = max(rows[: count - undated], key=lambda each: str(each["started_at"]))["id"]
    pages = -(-count // limit)

    def disturb(server: CallLogServer) -> None:
        server.misbehave(faults.offset_cursors())
        delete = faults.then(lambda: server.delete(newest))
        server.misbehave(delete, when=schedule.at(pages - 2), times=1)

    logs, _ = fetch(rows, limit, disturb)
    assert {each["id"] for each in rows} - {newest} <= {*logs.calls["id"]}
    assert logs.report.complete


@pytest.mark.parametrize(("limit", "value"), [(3, ZERO_TIME), (20, None)])
def test_calls_without_a_start_cost_no_request_unless_cursors_count_rows(
    server: CallLogServer, limit: int, value: object
):
    rows = rows_with_undated(server, 20, 7, value)

    logs, requests = fetch(rows, limit, lambda server: None)
    assert logs.report.complete
    assert requests == logs.report.pages

    logs, requests = fetch(rows, limit, lambda server: server.misbehave(faults.offset_cursors()))
    assert logs.report.complete
    assert requests <= 4 * logs.report.pages + 4
