"""fetch_calls with several workers over real HTTP: the result does not depend on their number."""

import pickle
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.simulator import CallLogServer, Simulation, faults, schedule, serve
from etelecom_analytics.simulator.rows import wire_rows

ClientOf = Callable[..., et.Client]
WEEK = et.CallQuery(date_from="2026-11-02", date_to="2026-11-09")
DATES = {"date_from", "date_to"}


@pytest.fixture(scope="module")
def week() -> Simulation:
    return et.simulate_calls(3_000, seed=21, days=7)


@pytest.fixture(scope="module")
def rows(week: Simulation) -> list[dict[str, Any]]:
    return wire_rows(week.calls)


@pytest.fixture(scope="module")
def busy_server(week: Simulation) -> Iterator[CallLogServer]:
    with serve(week.calls) as server:
        yield server


@pytest.fixture
def server(busy_server: CallLogServer) -> CallLogServer:
    busy_server.forget()
    return busy_server


@pytest.fixture
def calls(week: Simulation) -> pl.DataFrame:
    return week.calls


def counts_every_row(report: et.FetchReport) -> bool:
    return report.received == report.rows + report.repeated + report.outside + len(report.set_aside)


def assert_report_is_true(logs: et.CallLogs, truth: pl.DataFrame) -> None:
    """Each whole window has every call of its range, and the windows cover the full range."""
    report, expected = logs.report, truth.filter(logs.query.in_range())
    assert counts_every_row(report)
    starts = pl.col("started_at")
    for window in report.windows:
        in_window = (starts >= window.begin if window.begin else pl.lit(value=True)) & (
            starts < window.end if window.end else pl.lit(value=True)
        )
        calls = logs.calls.filter(in_window)
        assert window.rows == calls.height
        if calls.height:
            assert (window.first_at, window.last_at) == (
                calls["started_at"].min(),
                calls["started_at"].max(),
            )
            assert {window.first_id, window.last_id} <= set(calls["id"])
        if window.whole:
            assert set(calls["id"]) == set(expected.filter(in_window)["id"])
    if report.windows[0].begin is not None:
        edge = report.windows[0].begin
        for window in report.windows:
            assert window.begin is not None
            assert window.begin <= edge
            edge = max(edge, window.end or datetime.max.replace(tzinfo=UTC))


queries = st.builds(
    et.CallQuery,
    date_from=st.none() | st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 8)),
    date_to=st.none() | st.datetimes(datetime(2026, 11, 8, 1), datetime(2026, 11, 12)),
    direction=st.sampled_from([None, "in", "out"]),
)


@pytest.mark.slow
@examples(30)
@given(query=queries, workers=st.integers(1, 12))
def test_result_does_not_depend_on_the_number_of_workers(
    query: et.CallQuery, workers: int, week: Simulation, busy_server: CallLogServer
):
    with et.Client(busy_server.base_url, busy_server.api_key) as client:
        logs = et.fetch_calls(client, query, workers=workers)

    assert_frame_equal(logs.calls, week.calls.filter(query.to_expr()))
    assert logs.report.complete
    assert_report_is_true(logs, week.calls.filter(query.to_expr()))


@pytest.mark.slow
def test_workers_send_requests_in_parallel(client: et.Client, server: CallLogServer):
    server.latency_s = 0.02
    logs = et.fetch_calls(client, WEEK, workers=8)

    assert max(request.in_flight for request in server.requests) >= 4
    assert len(logs.report.windows) >= 4
    assert logs.report.pages <= 31 + 3 * len(logs.report.windows)  # a few extra pages per window


@pytest.mark.slow
def test_calls_of_one_second_are_not_split_for_ever(client_of: ClientOf, calls: pl.DataFrame):
    simultaneous = calls.with_columns(
        started_at=pl.lit(datetime(2026, 11, 5, tzinfo=UTC)).cast(calls.schema["started_at"])
    )
    with serve(simultaneous) as server:
        server.latency_s = 0.005
        logs = et.fetch_calls(client_of(server), WEEK, workers=8)

    assert set(logs.calls["id"]) == set(calls["id"])
    assert_report_is_true(logs, simultaneous)


@pytest.mark.slow
def test_busy_hour_is_split_between_workers(client_of: ClientOf, calls: pl.DataFrame):
    """Almost all calls of a year began within one hour."""
    hour = datetime(2026, 3, 3, 9, tzinfo=UTC)
    spread = pl.int_range(pl.len()) % 3_600
    busy = calls.with_columns(
        started_at=pl.when(pl.int_range(pl.len()) > 20)
        .then(pl.lit(hour) + pl.duration(seconds=spread))
        .otherwise("started_at")
    )
    with serve(busy) as server:
        server.latency_s = 0.03
        logs = et.fetch_calls(
            client_of(server), et.CallQuery(date_from="2026-01-01", date_to="2027-01-01"), workers=6
        )

    assert set(logs.calls["id"]) == set(calls["id"])
    busy_windows = [window for window in logs.report.windows if window.rows > 20]
    assert len(busy_windows) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("ignored", [DATES, {"date_from"}, {"date_to"}])
@pytest.mark.parametrize(
    "days",
    [("2026-11-02", "2026-11-09"), ("2026-11-03", "2026-11-04"), ("2026-11-08", "2026-11-09")],
)
def test_server_that_ignores_dates_gives_one_warning_and_all_calls(
    workers: int,
    ignored: set[str],
    days: tuple[str, str],
    client: et.Client,
    server: CallLogServer,
    calls: pl.DataFrame,
):
    server.misbehave(faults.ignoring(*ignored))
    server.latency_s = 0.003
    query = et.CallQuery(date_from=days[0], date_to=days[1])
    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        logs = et.fetch_calls(client, query, workers=workers)

    assert_frame_equal(logs.calls, calls.filter(query.to_expr()))
    assert counts_every_row(logs.report)
    assert logs.report.complete
    assert len(messages) <= 1
    assert logs.report.dates_ignored == bool(messages)
    assert not messages or "ignores the dates" in str(messages[0].message)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The server ignores the dates")
def test_report_shows_that_dates_were_ignored(client: et.Client, server: CallLogServer):
    server.misbehave(faults.ignoring(*DATES))
    logs = et.fetch_calls(
        client, et.CallQuery(date_from="2026-11-02", date_to="2026-11-03"), workers=3
    )

    assert logs.report.dates_ignored
    assert "the server ignores them" in repr(logs)


@pytest.mark.slow
def test_unsorted_pages_give_all_calls(client_of: ClientOf, calls: pl.DataFrame):
    """The rows of each page are in any order, so the chain is followed to its end."""

    def sort_by_id(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "call_logs": sorted(answer["call_logs"], key=lambda row: row["id"])}

    with serve(calls, rewrite=sort_by_id) as server:
        server.latency_s = 0.003
        logs = et.fetch_calls(client_of(server), WEEK, workers=6)

    assert_frame_equal(logs.calls, calls)
    assert counts_every_row(logs.report)


@pytest.mark.slow
def test_start_of_an_unbounded_range_needs_one_request(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    server.latency_s = 0.01
    query = et.CallQuery(date_to="2026-11-09")
    logs = et.fetch_calls(client, query, workers=6)

    assert_frame_equal(logs.calls, calls)
    assert [request.body["paging"].get("sort") for request in server.requests].count(
        "started_at"
    ) == 1
    assert len(logs.report.windows) > 1
    assert logs.report.windows[0].begin is None
    assert logs.report.complete_from is None


@pytest.mark.slow
def test_server_without_oldest_first_order_is_read_as_one_chain(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    refusal = faults.Answer(status=400, body={"code": "invalid_argument", "msg": "unknown sort"})
    server.misbehave(
        refusal, when=lambda request: request.body["paging"].get("sort") == "started_at"
    )
    logs = et.fetch_calls(client, et.CallQuery(date_to="2026-11-09"), workers=6)

    assert_frame_equal(logs.calls, calls)
    assert len(logs.report.windows) == 1


@pytest.mark.slow
def test_calls_without_a_start_are_fetched_if_the_query_has_no_date(
    client_of: ClientOf, calls: pl.DataFrame
):
    partly_without_start = calls.with_columns(
        started_at=pl.when(pl.int_range(pl.len()) % 100 != 3).then("started_at")
    )
    with serve(partly_without_start) as server:
        tables = [
            et.fetch_calls(client_of(server), et.CallQuery(), workers=workers).calls
            for workers in (1, 6)
        ]

    assert_frame_equal(*tables)
    assert tables[0]["started_at"].null_count() == 30


@pytest.mark.slow
def test_calls_may_begin_and_change_during_a_fetch(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    """Each call of the beginning is in the table once, in one of its states."""
    rows = {row["id"]: row for row in wire_rows(calls)}
    edited_ids = calls.filter(pl.int_range(pl.len()) % 40 == 7)["id"].to_list()
    updated_at = "2026-12-31T00:00:00Z"
    edited = [{**rows[id_], "note": "edited", "updated_at": updated_at} for id_ in edited_ids]
    fresh = [
        {
            **rows[id_],
            "id": f"9{id_[1:]}",
            "started_at": "2026-11-08T16:59:00Z",
            "updated_at": updated_at,
        }
        for id_ in edited_ids
    ]
    server.latency_s = 0.002
    server.misbehave(faults.then(lambda: server.change(*edited, *fresh)), when=schedule.at(9))
    logs = et.fetch_calls(client, WEEK, workers=4)

    assert set(calls["id"]) <= set(logs.calls["id"])
    assert logs.calls["id"].is_unique().all()
    assert set(logs.calls.filter(pl.col("note") == "edited")["id"]) <= {
        *edited_ids,
        *(row["id"] for row in fresh),
    }
    assert_frame_equal(
        logs.calls.filter(~pl.col("id").is_in([*edited_ids, *(row["id"] for row in fresh)])),
        calls.filter(~pl.col("id").is_in(edited_ids)),
    )
    assert counts_every_row(logs.report)


@pytest.mark.slow
@examples(15)
@given(after=st.integers(1, 30), workers=st.integers(1, 8), latency=st.sampled_from([0.0, 0.004]))
def test_fetch_of_a_failed_server_can_be_resumed(
    after: int, workers: int, latency: float, week: Simulation, rows: list[dict[str, Any]]
):
    with serve(rows) as server:
        server.die_after, server.latency_s = after, latency
        with (
            et.Client(server.base_url, server.api_key, retry=et.Retry(attempts=1)) as client,
            pytest.raises(errors.NoAnswer) as caught,
        ):
            et.fetch_calls(client, WEEK, workers=workers)
    if not isinstance(caught.value, et.IncompleteFetch):
        return  # The server failed before the first page.
    partial = caught.value.partial
    assert_report_is_true(partial, week.calls)
    assert caught.value.missing
    assert not partial.report.complete
    with serve(rows) as server, et.Client(server.base_url, server.api_key) as client:
        whole = et.fetch_calls(client, resume=partial, workers=workers)
        first_cursors: dict[str, str] = {}
        for request in server.requests:
            first_cursors.setdefault(str(request.body["filter"]), request.after)
        # A resumed fetch uses no cursor of the first one.
        assert set(first_cursors.values()) == {""}
        assert_frame_equal(whole.calls, week.calls)
        assert_report_is_true(whole, week.calls)
        assert whole.report.complete
        assert whole.report.began_at == partial.report.began_at
        assert whole.report.pages > partial.report.pages
        requests = len(server.requests)
        assert et.fetch_calls(client, WEEK, resume=whole) is whole
        assert len(server.requests) == requests


@pytest.mark.slow
def test_partial_result_can_be_saved_and_resumed_later(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame, tmp_path: Path
):
    server.misbehave(faults.error_status(400), when=schedule.at(12))
    with pytest.raises(
        et.IncompleteFetch, match=r"calls were received before that: see the error's \.partial"
    ) as caught:
        et.fetch_calls(client, WEEK, workers=3)
    partial = et.read_snapshot(et.write_snapshot(caught.value.partial, tmp_path / "partial"))
    server.forget()

    assert_frame_equal(et.fetch_calls(client, resume=partial).calls, calls)
    copy = pickle.loads(pickle.dumps(caught.value))  # our own bytes  # noqa: S301
    assert isinstance(copy, errors.BadRequest)
    assert isinstance(copy, et.IncompleteFetch)
    assert str(copy) == str(caught.value)
    assert_frame_equal(copy.partial.calls, caught.value.partial.calls)


def test_resumed_query_must_be_the_same(client: et.Client):
    whole = et.fetch_calls(client, WEEK)

    with pytest.raises(errors.InputError, match="have another query"):
        et.fetch_calls(client, et.CallQuery(direction="in"), resume=whole)
    with pytest.raises(errors.InputError, match=r"resume must be the \.partial"):
        et.fetch_calls(client, resume=ValueError())  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_stop_button_ends_the_fetch_within_a_second(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    """The server would take a minute for each response."""
    server.misbehave(faults.late(60), when=lambda request: request.number >= 12)
    pressed_at: list[float] = []

    def press() -> None:
        while len(server.requests) < 13:
            time.sleep(0.01)
        time.sleep(0.2)
        pressed_at.append(time.monotonic())
        faults.interrupt()(server.requests[0], faults.Answer())

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        et.fetch_calls(client, WEEK, workers=4)

    assert time.monotonic() - pressed_at[0] < 1.0
    assert isinstance(caught.value, et.FetchStopped)
    assert isinstance(caught.value, errors.Stopped)
    assert_report_is_true(caught.value.partial, calls)
    assert caught.value.partial.calls.height >= 800
    server.forget()
    assert_frame_equal(et.fetch_calls(client, resume=caught.value.partial).calls, calls)


@pytest.mark.timeout(60)
def test_stop_before_the_first_page_has_no_partial_result(client: et.Client, server: CallLogServer):
    server.misbehave(faults.interrupt(), when=schedule.at(0))
    server.latency_s = 2.0
    with pytest.raises(KeyboardInterrupt) as caught:
        et.fetch_calls(client, WEEK)

    assert not isinstance(caught.value, et.IncompleteFetch)


def test_more_pages_than_the_maximum_are_an_error(client: et.Client, calls: pl.DataFrame):
    with pytest.raises(
        errors.PagingError, match="10 pages were read, and there are more"
    ) as caught:
        et.fetch_calls(client, WEEK, workers=3, fetch_options=et.FetchOptions(max_pages=10))

    assert isinstance(caught.value, et.IncompleteFetch)
    assert_frame_equal(et.fetch_calls(client, resume=caught.value.partial).calls, calls)


@pytest.mark.slow
def test_page_with_invalid_json_in_its_rows_is_fetched_again(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    def remove_a_colon(request: Any, answer: faults.Answer) -> faults.Answer:
        assert isinstance(answer.body, bytes)
        return faults.Answer(body=answer.body.replace(b'"caller":', b'"caller"', 1))

    server.misbehave(remove_a_colon, when=schedule.at(3))
    logs = et.fetch_calls(client, WEEK, workers=1)

    assert_frame_equal(logs.calls, calls)
    server.misbehave(remove_a_colon, when=lambda request: request.page == 5)
    with pytest.raises(errors.Unreadable) as caught:
        et.fetch_calls(client, WEEK, workers=2)
    assert isinstance(caught.value, et.IncompleteFetch)
    assert_report_is_true(caught.value.partial, calls)
    server.forget()
    assert_frame_equal(et.fetch_calls(client, resume=caught.value.partial).calls, calls)


def test_running_calls_are_counted_and_long_ones_are_listed(
    client_of: ClientOf, calls: pl.DataFrame
):
    now = datetime.now(UTC)
    starts = [now - timedelta(hours=1), now - timedelta(hours=13), now - timedelta(days=40)]
    running = calls.head(3).with_columns(
        started_at=pl.Series(starts), ended_at=pl.lit(None, calls.schema["ended_at"])
    )
    with serve(running) as server:
        logs = et.fetch_calls(client_of(server))

    assert logs.report.running == 3
    assert set(logs.report.running_long) == set(running["id"][1:])
    assert "3 calls without an end, 2 of them for more than 12 h" in repr(logs)


@pytest.mark.parametrize("workers", [0, 33, -1])
def test_number_of_workers_out_of_range_is_refused(workers: int, client: et.Client):
    with pytest.raises(errors.InputError, match="from 1 to 32"):
        et.fetch_calls(client, workers=workers)
