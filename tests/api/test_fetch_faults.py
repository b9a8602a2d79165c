"""Faults of the server over real HTTP: transient ones do not change the result of a fetch."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.schema import CALL_SCHEMA
from etelecom_analytics.simulator import CallLogServer, faults, schedule, serve
from etelecom_analytics.simulator.rows import wire_rows

ClientOf = Callable[..., et.Client]
DAYS = et.CallQuery(date_from="2026-11-02", date_to="2026-11-09")
TWO_DAYS = et.CallQuery(date_from="2026-11-03", date_to="2026-11-05")
SOON = datetime(2026, 11, 1, tzinfo=UTC)

PASSING: dict[str, faults.Fault] = {
    "late": faults.late(0.01),
    "500": faults.error_status(500),
    "502": faults.error_status(502),
    "503": faults.error_status(503),
    "504": faults.error_status(504),
    "408": faults.error_status(408),
    "429 with seconds": faults.too_many(3),
    "429 with a date": faults.too_many(SOON),
    "429 with nothing": faults.too_many(),
    "reset": faults.reset(),
    "reset in the body": faults.reset(700),
    "closed": faults.cut(900),
    "closed at once": faults.cut(0),
    "slow body": faults.slow_body(5_000_000),
    "HTML": faults.html(),
    "HTML with 502": faults.html(502),
    "empty body": faults.empty(),
    "wrong Content-Type": faults.wrong_content_type(),
    "empty page": faults.empty_page(),
    "three empty pages": faults.empty_page(3),
    "null page": faults.empty_page(null=True),
    # Not for the first page, whose repeated cursor is a cycle at once.
    "cursor that repeats once": faults.empty_page(same_cursor=True),
    "null list": faults.null_list(),
}
"""Faults that retries must overcome; each of them concerns some requests only."""

REPEATS = "repeats"
EMPTY = {"empty page", "three empty pages", "null page"}
"""With these, a repeated cursor may have an empty page again, which is a cycle by definition."""


@pytest.fixture(scope="module")
def week() -> pl.DataFrame:
    return et.simulate_calls(700, seed=4, days=7).calls


@pytest.fixture(scope="module")
def two_days(week: pl.DataFrame) -> pl.DataFrame:
    calls = week.filter(TWO_DAYS.to_expr())
    assert calls.height > 150
    return calls


@pytest.fixture(scope="module")
def faulty(week: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(week) as server:
        yield server


def quick_client(server: CallLogServer, waits: list[float], *, attempts: int = 12) -> et.Client:
    """A client that notes its waits and does not sleep."""
    return et.Client(
        server.base_url,
        server.api_key,
        sleep=waits.append,
        retry=et.Retry(attempts=attempts, total_s=1e6),
    )


def page_limit(rows: int) -> et.FetchOptions:
    return et.FetchOptions(page_limit=rows)


@pytest.mark.slow
@examples(60)
@given(
    names=st.lists(st.sampled_from(sorted(PASSING)), min_size=1, max_size=3, unique=True),
    share=st.floats(0.05, 0.6),
    seed=st.integers(0, 99),
    page_size=st.integers(10, 100),
    workers=st.integers(1, 6),
)
def test_transient_faults_do_not_change_the_calls(
    names: list[str],
    share: float,
    seed: int,
    page_size: int,
    workers: int,
    two_days: pl.DataFrame,
    faulty: CallLogServer,
):
    assume(not any(REPEATS in name for name in names) or EMPTY.isdisjoint(names))
    faulty.forget()
    for index, name in enumerate(names):
        fault = PASSING[name]
        is_due = schedule.sometimes(share, seed=seed + index)
        faulty.misbehave(
            fault,
            when=lambda request, name=name, is_due=is_due: (
                is_due(request) and not (REPEATS in name and not request.page)
            ),
        )
    with quick_client(faulty, [], attempts=300) as client:
        logs = et.fetch_calls(
            client, TWO_DAYS, workers=workers, fetch_options=page_limit(page_size)
        )

    assert_frame_equal(logs.calls, two_days)
    assert logs.report.complete
    assert logs.report.received == logs.report.rows + logs.report.repeated + logs.report.outside


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PASSING))
def test_each_fault_on_every_first_attempt(name: str, week: pl.DataFrame, faulty: CallLogServer):
    faulty.forget()
    faulty.misbehave(
        PASSING[name],
        when=lambda request: request.attempt == 0 and not (REPEATS in name and request.page == 0),
    )
    with quick_client(faulty, []) as client:
        assert_frame_equal(et.fetch_calls(client, DAYS, workers=3).calls, week)


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 2, 7])
@pytest.mark.parametrize("workers", [1, 4])
def test_cycle_of_cursors_is_an_error_after_one_repeated_request(
    length: int, workers: int, week: pl.DataFrame, faulty: CallLogServer
):
    faulty.forget()
    faulty.misbehave(faults.cycle(length))
    with (
        quick_client(faulty, []) as client,
        pytest.raises(errors.PagingError, match="was repeated without new rows") as caught,
    ):
        et.fetch_calls(client, DAYS, workers=workers, fetch_options=page_limit(30))

    assert isinstance(caught.value, et.IncompleteFetch)
    chains: dict[str, list[str]] = {}
    for request in faulty.requests:
        chains.setdefault(str(request.body["filter"]), []).append(request.after)
    # At most one repeated request per chain.
    assert all(len(cursors) - len(set(cursors)) <= 1 for cursors in chains.values())
    faulty.forget()
    with quick_client(faulty, []) as client:
        assert_frame_equal(et.fetch_calls(client, resume=caught.value.partial).calls, week)


def test_too_many_empty_pages_are_an_error(faulty: CallLogServer):
    faulty.forget()
    faulty.misbehave(faults.empty_page(4))
    with (
        quick_client(faulty, []) as client,
        pytest.raises(errors.PagingError, match="4 empty pages in a row"),
    ):
        et.fetch_calls(client, DAYS)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_older_state_of_a_call_is_replaced(workers: int, week: pl.DataFrame, faulty: CallLogServer):
    faulty.forget()
    faulty.misbehave(
        faults.duplicate_rows(
            lambda row: {**row, "note": "old", "updated_at": "2020-01-01T00:00:00Z"}
        )
    )
    with quick_client(faulty, []) as client:
        logs = et.fetch_calls(client, DAYS, workers=workers)

    assert_frame_equal(logs.calls, week)
    assert logs.report.repeated >= week.height


@pytest.mark.parametrize("workers", [1, 5])
def test_invalid_records_are_set_aside_with_their_position(
    workers: int, week: pl.DataFrame, faulty: CallLogServer
):
    faulty.forget()
    faulty.misbehave(faults.extra_records("no object", {"caller": "nobody"}))
    with quick_client(faulty, []) as client:
        logs = et.fetch_calls(client, DAYS, workers=workers)

    assert_frame_equal(logs.calls, week)
    assert {str(each.record) for each in logs.report.set_aside} == {
        "no object",
        "{'caller': 'nobody'}",
    }
    positions = [(each.page, each.position) for each in logs.report.set_aside]
    assert len(set(positions)) == len(positions)
    assert all(page < logs.report.pages for page, _ in positions)


@pytest.mark.parametrize("workers", [1, 5])
def test_every_kind_of_drift_is_reported_and_no_call_is_lost(
    workers: int, week: pl.DataFrame, faulty: CallLogServer
):
    faulty.forget()
    faulty.misbehave(faults.unexpected_values())
    with quick_client(faulty, []) as client:
        logs = et.fetch_calls(client, DAYS, workers=workers)

    assert set(logs.calls["id"]) == set(week["id"])
    assert logs.calls.schema == pl.Schema(CALL_SCHEMA)
    assert len(logs.report.drift) > 20


def test_drift_does_not_depend_on_the_number_of_workers(week: pl.DataFrame, faulty: CallLogServer):
    """Two windows may share a row at their edge, so only the counts of drift may differ."""
    faulty.forget()
    faulty.misbehave(faults.unexpected_values())
    with quick_client(faulty, []) as client:
        one, many = (et.fetch_calls(client, DAYS, workers=workers) for workers in (1, 6))

    assert_frame_equal(one.calls, many.calls)
    assert [each[:2] for each in one.report.drift] == [each[:2] for each in many.report.drift]


@pytest.mark.slow
def test_retry_after_pauses_all_workers(week: pl.DataFrame, faulty: CallLogServer):
    """After a 429, requests in flight may still arrive, and then none during the pause."""
    faulty.forget()
    faulty.latency_s = 0.02
    faulty.misbehave(faults.too_many(1), when=schedule.at(12))
    times: list[datetime] = []

    def note_time(request: faults.Request, answer: faults.Answer) -> faults.Answer:
        times.append(datetime.now(UTC))
        return answer

    faulty.misbehave(note_time)
    with et.Client(faulty.base_url, faulty.api_key) as client:
        logs = et.fetch_calls(client, DAYS, workers=6, fetch_options=page_limit(15))

    assert_frame_equal(logs.calls, week)
    pauses = [
        later - earlier for earlier, later in zip(sorted(times), sorted(times)[1:], strict=False)
    ]
    assert max(pauses) >= timedelta(seconds=0.85)
    requests_before = sum(
        moment < max(zip(pauses, sorted(times), strict=False))[1] for moment in times
    )
    assert requests_before <= 12 + 2 * 6


def test_rate_limit_applies_to_all_workers_together(week: pl.DataFrame, faulty: CallLogServer):
    faulty.forget()
    client = et.Client(faulty.base_url, faulty.api_key, retry=et.Retry(requests_per_s=40))
    began = datetime.now(UTC)
    logs = et.fetch_calls(client, DAYS, workers=6)
    duration = datetime.now(UTC) - began
    client.close()

    assert_frame_equal(logs.calls, week)
    assert duration >= timedelta(seconds=(len(faulty.requests) - 1) / 40)


@pytest.mark.slow
def test_failed_server_is_an_error_with_the_received_calls(week: pl.DataFrame):
    with serve(week) as server:
        server.die_after = 2 + 4  # two requests check the dates
        with quick_client(server, []) as client, pytest.raises(errors.NoAnswer) as caught:
            et.fetch_calls(client, DAYS, workers=1)

    assert isinstance(caught.value, et.IncompleteFetch)
    assert caught.value.partial.calls.height == 400
    assert caught.value.attempts == 12
    assert_frame_equal(caught.value.partial.calls, week.head(400))


def test_call_whose_start_changes_during_the_fetch_is_kept_once(
    week: pl.DataFrame, faulty: CallLogServer
):
    """Its start is corrected to an earlier time that the chain has not reached yet."""
    faulty.forget()
    rows = wire_rows(week)
    moved = {
        **rows[120],
        "started_at": rows[600]["started_at"],
        "updated_at": "2026-12-31T00:00:00Z",
    }
    faulty.misbehave(faults.then(lambda: faulty.change(moved)), when=schedule.at(1))
    with quick_client(faulty, []) as client:
        logs = et.fetch_calls(client, DAYS, workers=1)

    assert set(logs.calls["id"]) == set(week["id"])
    assert logs.calls["id"].is_unique().all()
    assert (
        logs.calls.filter(pl.col("id") == rows[120]["id"])["started_at"].item()
        == week["started_at"][600]
    )
