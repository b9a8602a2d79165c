"""fetch_calls with many workers, over real HTTP: the result does not depend on them, whatever the world does."""

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
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

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


def accounted_for(report: et.FetchReport) -> bool:
    return report.received == report.rows + report.repeated + report.outside + len(report.set_aside)


def proves(logs: et.CallLogs, truth: pl.DataFrame) -> None:
    """All that the report promises is so: each window that was read to its end holds every call that there is, and they leave no hole."""
    report, asked = logs.report, truth.filter(logs.query.in_range())
    assert accounted_for(report)
    starts = pl.col("started_at")
    for window in report.windows:
        within = (starts >= window.begin if window.begin else pl.lit(value=True)) & (
            starts < window.end if window.end else pl.lit(value=True)
        )
        there = logs.calls.filter(within)
        assert window.rows == there.height
        if there.height:
            assert (window.first_at, window.last_at) == (
                there["started_at"].min(),
                there["started_at"].max(),
            )
            assert {window.first_id, window.last_id} <= set(there["id"])
        if window.whole:
            assert set(there["id"]) == set(asked.filter(within)["id"])
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


@settings(max_examples=30)
@given(query=queries, workers=st.integers(1, 12))
def test_the_result_does_not_depend_on_workers(
    query: et.CallQuery, workers: int, week: Simulation, busy_server: CallLogServer
):
    with et.Client(busy_server.base_url, busy_server.api_key) as client:
        logs = et.fetch_calls(client, query, workers=workers)

    assert_frame_equal(logs.calls, week.calls.filter(query.to_expr()))
    assert logs.report.complete
    proves(logs, week.calls.filter(query.to_expr()))


def test_workers_work_side_by_side(client: et.Client, server: CallLogServer):
    server.latency_s = 0.02
    logs = et.fetch_calls(client, WEEK, workers=8)

    assert max(request.in_flight for request in server.requests) >= 4
    assert len(logs.report.windows) >= 4
    assert logs.report.pages <= 31 + 3 * len(logs.report.windows)  # what the windows cost


def test_many_calls_of_one_second_are_not_split_for_ever(client_of: ClientOf, calls: pl.DataFrame):
    at_once = calls.with_columns(
        started_at=pl.lit(datetime(2026, 11, 5, tzinfo=UTC)).cast(calls.schema["started_at"])
    )
    with serve(at_once) as server:
        server.latency_s = 0.005
        logs = et.fetch_calls(client_of(server), WEEK, workers=8)

    assert set(logs.calls["id"]) == set(calls["id"])
    proves(logs, at_once)


def test_one_busy_hour_is_walked_by_many(client_of: ClientOf, calls: pl.DataFrame):
    """All calls but a few began within one hour of a year."""
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
    within = [window for window in logs.report.windows if window.rows > 20]
    assert len(within) >= 3


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("ignored", [DATES, {"date_from"}, {"date_to"}])
@pytest.mark.parametrize(
    "days",
    [("2026-11-02", "2026-11-09"), ("2026-11-03", "2026-11-04"), ("2026-11-08", "2026-11-09")],
)
def test_a_server_that_ignores_dates_is_noticed_once_and_nothing_is_lost(
    workers: int,
    ignored: set[str],
    days: tuple[str, str],
    client: et.Client,
    server: CallLogServer,
    calls: pl.DataFrame,
):
    server.ignores, server.latency_s = ignored, 0.003
    query = et.CallQuery(date_from=days[0], date_to=days[1])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        logs = et.fetch_calls(client, query, workers=workers)

    assert_frame_equal(logs.calls, calls.filter(query.to_expr()))
    assert accounted_for(logs.report)
    assert logs.report.complete
    assert len(told) <= 1
    assert logs.report.dates_ignored == bool(told)
    assert not told or "ignores the dates" in str(told[0].message)


@pytest.mark.filterwarnings("ignore:The server ignores")
def test_ignored_dates_are_said_so_in_the_report(client: et.Client, server: CallLogServer):
    server.ignores = DATES
    logs = et.fetch_calls(
        client, et.CallQuery(date_from="2026-11-02", date_to="2026-11-03"), workers=3
    )

    assert logs.report.dates_ignored
    assert "the server ignores them" in repr(logs)


def test_an_order_of_the_servers_own_loses_nothing(client_of: ClientOf, calls: pl.DataFrame):
    """Rows of a page in any order, pages in order of their ends: a chain out of order is walked to its very end."""

    def mixed(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "call_logs": sorted(answer["call_logs"], key=lambda row: row["id"])}

    with serve(calls, rewrite=mixed) as server:
        server.latency_s = 0.003
        logs = et.fetch_calls(client_of(server), WEEK, workers=6)

    assert_frame_equal(logs.calls, calls)
    assert accounted_for(logs.report)


def test_an_open_start_is_found_with_one_request(
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


def test_a_server_without_that_order_is_walked_as_one_chain(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    refusal = faults.Answer(status=400, body={"code": "invalid_argument", "msg": "unknown sort"})
    server.misbehave(
        refusal, when=lambda request: request.body["paging"].get("sort") == "started_at"
    )
    logs = et.fetch_calls(client, et.CallQuery(date_to="2026-11-09"), workers=6)

    assert_frame_equal(logs.calls, calls)
    assert len(logs.report.windows) == 1


def test_calls_without_a_start_come_where_no_date_is_asked(
    client_of: ClientOf, calls: pl.DataFrame
):
    odd = calls.with_columns(
        started_at=pl.when(pl.int_range(pl.len()) % 100 != 3).then("started_at")
    )
    with serve(odd) as server:
        some = [
            et.fetch_calls(client_of(server), et.CallQuery(), workers=workers).calls
            for workers in (1, 6)
        ]

    assert_frame_equal(*some)
    assert some[0]["started_at"].null_count() == 30


def test_the_world_moves_meanwhile(client: et.Client, server: CallLogServer, calls: pl.DataFrame):
    """New calls begin, and running ones end, while pages are read: every call of the beginning is there once, in a state that it had."""
    rows = {row["id"]: row for row in wire_rows(calls)}
    some = calls.filter(pl.int_range(pl.len()) % 40 == 7)["id"].to_list()
    later = "2026-12-31T00:00:00Z"
    edited = [{**rows[id_], "note": "edited", "updated_at": later} for id_ in some]
    fresh = [
        {
            **rows[id_],
            "id": f"9{id_[1:]}",
            "started_at": "2026-11-08T16:59:00Z",
            "updated_at": later,
        }
        for id_ in some
    ]
    server.latency_s = 0.002
    server.misbehave(faults.then(lambda: server.change(*edited, *fresh)), when=schedule.at(9))
    logs = et.fetch_calls(client, WEEK, workers=4)

    assert set(calls["id"]) <= set(logs.calls["id"])
    assert logs.calls["id"].is_unique().all()
    assert set(logs.calls.filter(pl.col("note") == "edited")["id"]) <= {
        *some,
        *(row["id"] for row in fresh),
    }
    assert_frame_equal(
        logs.calls.filter(~pl.col("id").is_in([*some, *(row["id"] for row in fresh)])),
        calls.filter(~pl.col("id").is_in(some)),
    )
    assert accounted_for(logs.report)


@settings(max_examples=15)
@given(after=st.integers(1, 30), workers=st.integers(1, 8), latency=st.sampled_from([0.0, 0.004]))
def test_what_a_dead_server_left_is_completed_when_it_lives_again(
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
        return  # it died before anything came
    partial = caught.value.partial
    proves(partial, week.calls)
    assert caught.value.missing
    assert not partial.report.complete
    with serve(rows) as server, et.Client(server.base_url, server.api_key) as client:
        whole = et.fetch_calls(client, resume=partial, workers=workers)
        begun: dict[str, str] = {}
        for request in server.requests:
            begun.setdefault(str(request.body["filter"]), request.after)
        assert set(begun.values()) == {""}  # never by an old cursor
        assert_frame_equal(whole.calls, week.calls)
        proves(whole, week.calls)
        assert whole.report.complete
        assert whole.report.began_at == partial.report.began_at
        assert whole.report.pages > partial.report.pages
        asked = len(server.requests)
        assert et.fetch_calls(client, WEEK, resume=whole) is whole
        assert len(server.requests) == asked


def test_a_partial_result_can_be_kept_and_resumed_later(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame, tmp_path: Path
):
    server.misbehave(faults.failing(400), when=schedule.at(12))
    with pytest.raises(
        et.IncompleteFetch, match=r"calls came until then: they are the error's \.partial"
    ) as caught:
        et.fetch_calls(client, WEEK, workers=3)
    kept = et.read_snapshot(et.write_snapshot(caught.value.partial, tmp_path / "kept"))
    server.forget()

    assert_frame_equal(et.fetch_calls(client, resume=kept).calls, calls)
    again = pickle.loads(pickle.dumps(caught.value))  # our own bytes  # noqa: S301
    assert isinstance(again, errors.BadRequest)
    assert isinstance(again, et.IncompleteFetch)
    assert str(again) == str(caught.value)
    assert_frame_equal(again.partial.calls, caught.value.partial.calls)


def test_what_is_resumed_must_be_the_same_question(client: et.Client):
    whole = et.fetch_calls(client, WEEK)

    with pytest.raises(errors.InputError, match="asked for something else"):
        et.fetch_calls(client, et.CallQuery(direction="in"), resume=whole)
    with pytest.raises(errors.InputError, match=r"resume takes the \.partial"):
        et.fetch_calls(client, resume=ValueError())  # type: ignore[arg-type]


def test_the_stop_button_stops_within_a_second(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    """Though the server would take a minute for each answer."""
    server.misbehave(faults.late(60), when=lambda request: request.number >= 12)
    began: list[float] = []

    def press() -> None:
        while len(server.requests) < 13:
            time.sleep(0.01)
        time.sleep(0.2)
        began.append(time.monotonic())
        faults.interrupt()(server.requests[0], faults.Answer())

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        et.fetch_calls(client, WEEK, workers=4)

    assert time.monotonic() - began[0] < 1.0
    assert isinstance(caught.value, et.FetchStopped)
    assert isinstance(caught.value, errors.Stopped)
    proves(caught.value.partial, calls)
    assert caught.value.partial.calls.height >= 800
    server.forget()
    assert_frame_equal(et.fetch_calls(client, resume=caught.value.partial).calls, calls)


def test_a_stop_before_anything_came_is_just_a_stop(client: et.Client, server: CallLogServer):
    server.misbehave(faults.interrupt(), when=schedule.at(0))
    server.latency_s = 2.0
    with pytest.raises(KeyboardInterrupt) as caught:
        et.fetch_calls(client, WEEK)

    assert not isinstance(caught.value, et.IncompleteFetch)


def test_pages_without_end_are_an_error_at_the_last_guard(client: et.Client, calls: pl.DataFrame):
    with pytest.raises(
        errors.PagingError, match="10 pages were read, and there are more"
    ) as caught:
        et.fetch_calls(client, WEEK, workers=3, options=et.FetchOptions(max_pages=10))

    assert isinstance(caught.value, et.IncompleteFetch)
    assert_frame_equal(et.fetch_calls(client, resume=caught.value.partial).calls, calls)


def test_a_page_that_is_no_json_in_its_middle_is_asked_for_once_more(
    client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    def spoilt(received: Any, right: faults.Answer) -> faults.Answer:
        assert isinstance(right.body, bytes)
        return faults.Answer(body=right.body.replace(b'"caller":', b'"caller"', 1))

    server.misbehave(spoilt, when=schedule.at(3))
    logs = et.fetch_calls(client, WEEK, workers=1)

    assert_frame_equal(logs.calls, calls)
    server.misbehave(spoilt, when=lambda request: request.page == 5)
    with pytest.raises(errors.Unreadable) as caught:
        et.fetch_calls(client, WEEK, workers=2)
    assert isinstance(caught.value, et.IncompleteFetch)
    proves(caught.value.partial, calls)
    server.forget()
    assert_frame_equal(et.fetch_calls(client, resume=caught.value.partial).calls, calls)


def test_calls_still_running_are_counted_and_those_that_run_for_days_are_named(
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
def test_workers_without_sense_are_refused(workers: int, client: et.Client):
    with pytest.raises(errors.InputError, match="from 1 to 32"):
        et.fetch_calls(client, workers=workers)
