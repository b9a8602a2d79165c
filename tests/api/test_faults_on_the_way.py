"""Faults over real HTTP: whatever passes leaves no trace in the calls; whatever does not is an error that keeps what came."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.schema import CALL_SCHEMA
from etelecom_analytics.simulator import CallLogServer, faults, schedule, serve
from etelecom_analytics.simulator.rows import wire_rows

ClientOf = Callable[..., et.Client]
DAYS = et.CallQuery(date_from="2026-11-02", date_to="2026-11-09")
SOON = datetime(2026, 11, 1, tzinfo=UTC)

PASSING: dict[str, faults.Fault] = {
    "late": faults.late(0.01),
    "500": faults.failing(500),
    "502": faults.failing(502),
    "503": faults.failing(503),
    "504": faults.failing(504),
    "408": faults.failing(408),
    "429 with seconds": faults.too_many(3),
    "429 with a date": faults.too_many(SOON),
    "429 with nothing": faults.too_many(),
    "reset": faults.reset(),
    "reset in the middle": faults.reset(700),
    "cut": faults.cut(900),
    "cut at once": faults.cut(0),
    "slow body": faults.drip(5_000_000),
    "gateway's page": faults.html(),
    "gateway's page with 502": faults.html(502),
    "nothing": faults.empty(),
    "wrong Content-Type": faults.mislabelled(),
    "empty page": faults.empty_page(),
    "three empty pages": faults.empty_page(3),
    "null page": faults.empty_page(null=True),
    "a cursor that repeats once": faults.empty_page(
        same_cursor=True
    ),  # but for the first page's, which would be a circle at once
    "null list": faults.null_list(),
}
"""What a client must get over without help; each for some of the requests."""

REPEATS = "repeats"
EMPTY = {"empty page", "three empty pages", "null page"}
"""With these a cursor that repeats may bring an empty page once more, which is a circle by the contract."""


@pytest.fixture(scope="module")
def some() -> pl.DataFrame:
    return et.simulate_calls(700, seed=4, days=7).calls


@pytest.fixture(scope="module")
def faulty(some: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(some) as server:
        yield server


def quick_client(server: CallLogServer, waits: list[float], *, attempts: int = 12) -> et.Client:
    """A client that waits in no time."""
    return et.Client(
        server.base_url,
        server.api_key,
        sleep=waits.append,
        retry=et.Retry(attempts=attempts, total_s=1e6),
    )


def pages_of(rows: int) -> et.FetchOptions:
    return et.FetchOptions(page_limit=rows)


@settings(max_examples=60)
@given(
    chosen=st.lists(st.sampled_from(sorted(PASSING)), min_size=1, max_size=3, unique=True),
    share=st.floats(0.05, 0.6),
    seed=st.integers(0, 99),
    page_size=st.integers(15, 100),
    workers=st.integers(1, 6),
)
def test_any_fault_that_passes_gives_the_same_calls_as_none(
    chosen: list[str],
    share: float,
    seed: int,
    page_size: int,
    workers: int,
    some: pl.DataFrame,
    faulty: CallLogServer,
):
    assume(not any(REPEATS in name for name in chosen) or EMPTY.isdisjoint(chosen))
    faulty.forget()
    for place, name in enumerate(chosen):
        fault = PASSING[name]
        some_of_them = schedule.sometimes(share, seed=seed + place)
        faulty.misbehave(
            fault,
            when=lambda request, name=name, met=some_of_them: (
                met(request) and not (REPEATS in name and not request.page)
            ),
        )
    with quick_client(faulty, [], attempts=300) as client:
        logs = et.fetch_calls(client, DAYS, workers=workers, options=pages_of(page_size))

    assert_frame_equal(logs.calls, some)
    assert logs.report.complete
    assert logs.report.received == logs.report.rows + logs.report.repeated + logs.report.outside


@pytest.mark.parametrize("name", sorted(PASSING))
def test_each_fault_alone_on_every_first_attempt(
    name: str, some: pl.DataFrame, faulty: CallLogServer
):
    faulty.forget()
    faulty.misbehave(
        PASSING[name],
        when=lambda request: request.attempt == 0 and not (REPEATS in name and request.page == 0),
    )
    with quick_client(faulty, []) as client:
        assert_frame_equal(et.fetch_calls(client, DAYS, workers=3).calls, some)


@pytest.mark.parametrize("of", [1, 2, 7])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_cycle_of_cursors_is_an_error_after_one_probe(
    of: int, workers: int, some: pl.DataFrame, faulty: CallLogServer
):
    faulty.forget()
    faulty.misbehave(faults.cycle(of))
    with (
        quick_client(faulty, []) as client,
        pytest.raises(errors.PagingError, match="came twice and brought nothing new") as caught,
    ):
        et.fetch_calls(client, DAYS, workers=workers, options=pages_of(30))

    assert isinstance(caught.value, et.IncompleteFetch)
    chains: dict[str, list[str]] = {}
    for request in faulty.requests:
        chains.setdefault(str(request.body["filter"]), []).append(request.after)
    assert all(len(asked) - len(set(asked)) <= 1 for asked in chains.values())  # one probe each
    faulty.forget()
    with quick_client(faulty, []) as client:
        assert_frame_equal(et.fetch_calls(client, resume=caught.value.partial).calls, some)


def test_too_many_empty_pages_are_an_error(faulty: CallLogServer):
    faulty.forget()
    faulty.misbehave(faults.empty_page(4))
    with (
        quick_client(faulty, []) as client,
        pytest.raises(errors.PagingError, match="4 empty pages in a row"),
    ):
        et.fetch_calls(client, DAYS)


@pytest.mark.parametrize("workers", [1, 4])
def test_an_older_state_of_the_same_call_does_not_stay(
    workers: int, some: pl.DataFrame, faulty: CallLogServer
):
    faulty.forget()
    faulty.misbehave(
        faults.doubling(lambda row: {**row, "note": "old", "updated_at": "2020-01-01T00:00:00Z"})
    )
    with quick_client(faulty, []) as client:
        logs = et.fetch_calls(client, DAYS, workers=workers)

    assert_frame_equal(logs.calls, some)
    assert logs.report.repeated >= some.height


@pytest.mark.parametrize("workers", [1, 5])
def test_records_that_are_no_calls_are_set_aside_with_their_place(
    workers: int, some: pl.DataFrame, faulty: CallLogServer
):
    faulty.forget()
    faulty.misbehave(faults.adding("no object", {"caller": "nobody"}))
    with quick_client(faulty, []) as client:
        logs = et.fetch_calls(client, DAYS, workers=workers)

    assert_frame_equal(logs.calls, some)
    assert {str(each.record) for each in logs.report.set_aside} == {
        "no object",
        "{'caller': 'nobody'}",
    }
    places = [(each.page, each.position) for each in logs.report.set_aside]
    assert len(set(places)) == len(places)
    assert all(page < logs.report.pages for page, _ in places)


@pytest.mark.parametrize("workers", [1, 5])
def test_every_kind_of_drift_is_told_and_loses_no_call(
    workers: int, some: pl.DataFrame, faulty: CallLogServer
):
    faulty.forget()
    faulty.misbehave(faults.drifting())
    with quick_client(faulty, []) as client:
        logs = et.fetch_calls(client, DAYS, workers=workers)

    assert set(logs.calls["id"]) == set(some["id"])
    assert logs.calls.schema == pl.Schema(CALL_SCHEMA)
    assert len(logs.report.drift) > 20


def test_drift_and_calls_are_the_same_for_any_number_of_workers(
    some: pl.DataFrame, faulty: CallLogServer
):
    """Rows at an edge come with two windows, so drift may be counted once more, but no kind of it differs."""
    faulty.forget()
    faulty.misbehave(faults.drifting())
    with quick_client(faulty, []) as client:
        one, many = (et.fetch_calls(client, DAYS, workers=workers) for workers in (1, 6))

    assert_frame_equal(one.calls, many.calls)
    assert [each[:2] for each in one.report.drift] == [each[:2] for each in many.report.drift]


def test_one_worker_that_is_told_to_wait_slows_all(some: pl.DataFrame, faulty: CallLogServer):
    """The server counts requests under way; after its 429 none comes before the time that it asked for."""
    faulty.forget()
    faulty.latency_s = 0.02
    faulty.misbehave(faults.too_many(1), when=schedule.at(12))
    came: list[datetime] = []

    def note(received: faults.Received, right: faults.Answer) -> faults.Answer:
        came.append(datetime.now(UTC))
        return right

    faulty.misbehave(note)
    with et.Client(faulty.base_url, faulty.api_key) as client:
        logs = et.fetch_calls(client, DAYS, workers=6, options=pages_of(15))

    assert_frame_equal(logs.calls, some)
    pauses = [
        later - earlier for earlier, later in zip(sorted(came), sorted(came)[1:], strict=False)
    ]
    assert max(pauses) >= timedelta(seconds=0.85)
    before = sum(moment < max(zip(pauses, sorted(came), strict=False))[1] for moment in came)
    assert before <= 12 + 2 * 6


def test_a_limit_of_requests_a_second_is_kept_by_all_workers_together(
    some: pl.DataFrame, faulty: CallLogServer
):
    faulty.forget()
    client = et.Client(faulty.base_url, faulty.api_key, retry=et.Retry(requests_per_s=40))
    began = datetime.now(UTC)
    logs = et.fetch_calls(client, DAYS, workers=6)
    took = datetime.now(UTC) - began
    client.close()

    assert_frame_equal(logs.calls, some)
    assert took >= timedelta(seconds=(len(faulty.requests) - 1) / 40)


def test_a_server_that_dies_for_good_is_an_error_that_keeps_what_came(some: pl.DataFrame):
    with serve(some) as server:
        server.die_after = 4
        with quick_client(server, []) as client, pytest.raises(errors.NoAnswer) as caught:
            et.fetch_calls(client, DAYS, workers=1)

    assert isinstance(caught.value, et.IncompleteFetch)
    assert caught.value.partial.calls.height == 400
    assert caught.value.attempts == 12
    assert_frame_equal(caught.value.partial.calls, some.head(400))


def test_a_row_that_an_edit_moves_while_pages_are_read_is_there_once(
    some: pl.DataFrame, faulty: CallLogServer
):
    """Its start is corrected to an earlier moment, which the chain has still before it."""
    faulty.forget()
    rows = wire_rows(some)
    moved = {
        **rows[120],
        "started_at": rows[600]["started_at"],
        "updated_at": "2026-12-31T00:00:00Z",
    }
    faulty.misbehave(faults.then(lambda: faulty.change(moved)), when=schedule.at(1))
    with quick_client(faulty, []) as client:
        logs = et.fetch_calls(client, DAYS, workers=1)

    assert set(logs.calls["id"]) == set(some["id"])
    assert logs.calls["id"].is_unique().all()
    assert (
        logs.calls.filter(pl.col("id") == rows[120]["id"])["started_at"].item()
        == some["started_at"][600]
    )
