"""A sync that would lose many calls is refused, however the loss is spread over its days."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.damage import last_commit, week

import etelecom_analytics as et
from etelecom_analytics.errors import DataLossError
from etelecom_analytics.simulator import serve

pytestmark = pytest.mark.slow

ClientOf = Callable[..., et.Client]
Rows = list[dict[str, Any]]
OPTIONS: dict[str, Any] = {"until": "2024-01-11", "lookback": "90000d", "progress": False}


@pytest.fixture
def sync(client_of: ClientOf, tmp_path: Path) -> Callable[..., et.Archive]:
    """A function that syncs an archive with a server of these rows."""

    def sync(rows: Sequence[dict[str, Any]], **options: Any) -> et.Archive:
        archive = et.Archive(tmp_path / "calls")
        with serve(list(rows)) as server:
            archive.sync(client_of(server), since="2024-01-01", **OPTIONS | options)
        return archive

    return sync


def ids(archive: et.Archive) -> set[str]:
    return set(archive.scan().collect()["id"])


def without(rows: Rows, count_by_day: dict[int, int]) -> Rows:
    """The rows, without the first ones of some days."""
    lost = {
        str(1 + 1_000 * day + number)
        for day, count in count_by_day.items()
        for number in range(count)
    }
    return [row for row in rows if row["id"] not in lost]


def test_server_without_calls_erases_nothing_of_a_small_shop(sync: Callable[..., et.Archive]):
    archive = sync(week(5))
    with pytest.raises(DataLossError, match="none of the stored calls") as caught:
        sync([])

    assert len(ids(archive)) == 35
    assert caught.value.losses == {date(2024, 1, day): (5, 5) for day in range(1, 8)}
    sync([], accept_loss=True)
    assert ids(archive) == set()


@pytest.mark.parametrize("calls_per_day", [1, 5, 300])
def test_calls_of_another_shop_change_nothing(calls_per_day: int, sync: Callable[..., et.Archive]):
    """Not even days that the archive does not have yet are stored."""
    archive = sync(week(calls_per_day, days=6))
    others = [{**row, "id": "7777" + row["id"]} for row in week(calls_per_day, days=9)]
    before, version = ids(archive), archive.status().version
    with pytest.raises(DataLossError, match="another shop's key"):
        sync(others)

    assert ids(archive) == before
    assert archive.status().version == version


@pytest.mark.parametrize("known", [1, 2])
def test_new_days_are_stored_if_any_stored_call_comes_back(
    known: int, sync: Callable[..., et.Archive]
):
    archive = sync(week(1, days=known))
    sync(week(1, days=7))

    assert len(ids(archive)) == 7


@pytest.mark.parametrize(
    ("calls_per_day", "lost", "refused"),
    [
        (30, dict.fromkeys(range(5), 1), False),
        (30, dict.fromkeys(range(6), 1), True),
        (30, {0: 5}, False),
        (30, {0: 6}, True),
        (100, dict.fromkeys(range(7), 2), False),
        (100, {0: 3, **dict.fromkeys(range(1, 7), 2)}, True),
        (3, {0: 3}, True),
        (2, {0: 2}, False),
        (4, {0: 3}, False),
    ],
)
def test_loss_is_judged_over_all_days(
    calls_per_day: int, lost: dict[int, int], refused: bool, sync: Callable[..., et.Archive]
):
    """At most 2 % or 5 calls may be lost, and no day of 3 calls may become empty."""
    rows = week(calls_per_day)
    archive, less = sync(rows), without(rows, lost)
    if not refused:
        sync(less)
        assert ids(archive) == {row["id"] for row in less}
        return
    with pytest.raises(DataLossError) as caught:
        sync(less)
    assert ids(archive) == {row["id"] for row in rows}
    assert caught.value.losses == {
        date(2024, 1, 1 + day): (calls_per_day, count) for day, count in lost.items()
    }


def test_refused_days_do_not_keep_the_others_from_being_stored(
    sync: Callable[..., et.Archive],
):
    rows = week(30)
    archive = sync(rows)
    changed = [{**row, "note": "new"} for row in without(rows, {0: 20})]
    with pytest.raises(DataLossError) as caught:
        sync(changed)

    assert sorted(caught.value.report.replaced) == [date(2024, 1, day) for day in range(2, 8)]
    notes = archive.scan(facts=True).collect().group_by("local_day").agg("note")
    assert {day for day, texts in notes.rows() if "new" in texts} == set(
        caught.value.report.replaced
    )


def test_loss_of_a_damaged_day_is_judged_by_what_it_had(sync: Callable[..., et.Archive]):
    """The commit of a day is lost, and so are its calls on the server."""
    rows = week(30)
    archive = sync(rows, workers=1)
    last_commit(archive.path).write_bytes(b"")
    with pytest.warns(UserWarning, match="was damaged"), pytest.raises(DataLossError) as caught:
        sync([row for row in rows if not row["started_at"].startswith("2024-01-07")])

    assert caught.value.losses == {date(2024, 1, 7): (30, 30)}


def test_interrupted_sync_stores_no_loss(
    sync: Callable[..., et.Archive], client_of: ClientOf, tmp_path: Path
):
    rows = week(30)
    archive = sync(rows)
    with serve(without(rows, {0: 1})) as server:
        server.die_after = 9
        with pytest.raises(et.IncompleteSync):
            archive.sync(client_of(server, retry=et.Retry(attempts=1)), workers=1, **OPTIONS)
    assert ids(archive) == {row["id"] for row in rows}
    sync(without(rows, {0: 1}))
    assert len(ids(archive)) == 209
