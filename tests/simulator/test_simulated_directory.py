"""The simulated directory matches the simulated calls, and has the API's paging."""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import requests

from etelecom_analytics.simulator import CallLogServer, Directory, serve, simulate_calls
from etelecom_analytics.simulator.directory import METHODS

Row = dict[str, Any]


@pytest.fixture(scope="module")
def world(calls: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(calls) as server:
        yield server


def request(server: CallLogServer, method: str, key: str = "", **paging: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {key or server.api_key}"}
    with requests.Session() as http:
        http.trust_env = False
        return http.post(
            f"{server.base_url}.{method}",
            json={"filter": {}, "paging": paging},
            headers=headers,
            timeout=10,
        )


def list_rows(server: CallLogServer, method: str, **paging: Any) -> list[Row]:
    answer = request(server, method, **paging)
    assert answer.status_code == 200, answer.text
    result: list[Row] = answer.json()[METHODS[method]]
    return result


@pytest.mark.slow
@pytest.mark.parametrize(("size", "days"), [(100, 7), (1_500, 7), (7_500, 1)])
def test_everyone_who_answered_a_call_is_listed_with_their_extension(size: int, days: int):
    """The number of people grows with the calls of a day."""
    calls = simulate_calls(size, seed=2, days=days).calls
    with serve(calls) as server:
        extensions = {row["id"]: row for row in server.directory.extensions}
        users = {row["user_id"]: row for row in server.directory.account_users}
    answered = calls.filter(
        pl.col("direction").cast(pl.String).is_in(["in", "ext_in"]),
        pl.col("extension_id").is_not_null(),
    )
    last = pl.col("call_targets").list.eval(
        pl.element()
        .filter(pl.element().struct.field("answered_time").is_not_null())
        .struct.field("target_number")
    )
    expected = answered.select("extension_id", "user_id", number=last.list.last()).unique().rows()

    assert len(expected) > 2
    for extension_id, user_id, number in expected:
        assert (
            extensions[extension_id]["extension_number"],
            extensions[extension_id]["user_id"],
        ) == (number, user_id)
        assert user_id in users
    outbound = calls.filter(
        pl.col("direction").cast(pl.String).is_in(["out", "ext_out"])
    ).drop_nulls("extension_id")
    assert all(
        extensions[each]["extension_number"] == number
        for each, number in outbound.select("extension_id", "caller").unique().rows()
    )


def test_directory_contains_realistic_special_cases(world: CallLogServer):
    """Passwords, a deleted user, an unassigned extension, and a user without a full name."""
    extensions, users = world.directory.extensions, world.directory.account_users

    assert all(row["extension_password"] for row in extensions)
    assert any(row["user_id"] == "0" for row in extensions)
    assert any(row["deleted"] for row in users)
    assert any(not row["full_name"] and row["short_name"] for row in users)
    assert {row["hotline_id"] for row in extensions} == {
        row["id"] for row in world.directory.hotlines
    }


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_cursors_page_forwards_and_backwards(method: str, limit: int, world: CallLogServer):
    all_rows = list_rows(world, method)
    pages, after = [], ""
    while True:
        answer = request(world, method, limit=limit, after=after).json()
        pages.append(answer)
        after = answer["paging"]["next"]
        if not after:
            break

    assert [row for page in pages for row in page[METHODS[method]]] == all_rows
    assert pages[-1][METHODS[method]] == []
    assert list_rows(world, method, limit=limit, after=".") == all_rows[:limit]
    if len(pages) > 2:
        assert (
            list_rows(world, method, limit=limit, before=pages[1]["paging"]["prev"])
            == all_rows[:limit]
        )
    assert list_rows(world, method, limit=limit, before=".") == all_rows[-limit:]


def test_page_has_at_most_100_rows():
    with serve([]) as server:
        server.directory = Directory(hotlines=tuple({"id": str(number)} for number in range(130)))

        assert [
            len(list_rows(server, "Etelecom/GetPartnerHotlineList", limit=limit))
            for limit in (0, 100, 1_000)
        ] == [100, 100, 100]


@pytest.mark.parametrize(
    ("paging", "message"),
    [
        ({"after": "x", "before": "y"}, "exclude"),
        ({"limit": -1}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"after": "?"}, "cursor"),
        ({"before": "cm93IHR3bw=="}, "cursor"),
        ({"after": 7}, "after"),
    ],
)
def test_invalid_paging_is_an_error(paging: Row, message: str, world: CallLogServer):
    answer = request(world, "Etelecom/GetExtensions", **paging)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert message in answer.json()["msg"]


@pytest.mark.parametrize("method", METHODS)
def test_wrong_key_is_an_error(method: str, world: CallLogServer):
    assert request(world, method, key="wrong").json()["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "junk",
    [
        [],
        [17, None, "x", {"id": 5}],
        [{"direction": "in", "call_targets": [None, {"target_number": 101}, 3]}],
    ],
)
def test_directory_accepts_rows_of_any_kind(junk: list[Any]):
    with serve(junk) as server:
        assert [list_rows(server, method) is not None for method in METHODS] == [True] * len(
            METHODS
        )
