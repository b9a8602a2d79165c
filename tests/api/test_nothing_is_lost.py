"""Nothing that was fetched is lost: rows that move, broken pages, any error, and Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count, product
from pathlib import Path
from textwrap import dedent

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.examples import some
from support.random_faults import check_fetch_with_random_faults

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.api.interrupts import noted_interrupts
from etelecom_analytics.simulator import CallLogServer, faults, schedule, serve

DAYS = et.CallQuery(date_from="2026-11-01", date_to="2026-11-30")
ClientOf = Callable[..., et.Client]
WALKS = list(product([et.CallQuery(), DAYS, et.CallQuery(date_to="2026-11-30")], [1, 4], [1, 12]))
"""A query, the number of workers, and how many calls are deleted at once."""


# Rows that move between pages.


@pytest.mark.slow
@pytest.mark.parametrize(("query", "workers", "deleted_at_once"), some(WALKS, at_least=6))
def test_no_row_is_skipped_if_others_are_deleted_during_the_walk(
    query: et.CallQuery, workers: int, deleted_at_once: int, calls: pl.DataFrame
):
    ids = calls["id"].to_list()
    deleted: list[str] = []

    def delete_newest(server: CallLogServer) -> None:
        begin = len(deleted)
        if begin < 60:
            deleted.extend(ids[begin : begin + deleted_at_once])
            server.delete(*ids[begin : begin + deleted_at_once])

    with serve(calls) as server, et.Client(server.base_url, server.api_key) as client:
        server.misbehave(faults.offset_cursors())
        server.misbehave(
            faults.then(lambda: delete_newest(server)), when=lambda request: request.page > 0
        )
        logs = et.fetch_calls(client, query, workers=workers, progress=False)

    assert len(deleted) >= 12
    assert set(ids) - set(logs.calls["id"]) <= set(deleted)
    assert logs.report.complete
    assert dict(logs.report.extra_requests)["page edge"] >= 15
    assert logs.report.received == logs.report.rows + logs.report.repeated + logs.report.outside


def test_part_that_keeps_changing_is_a_gap(calls: pl.DataFrame):
    """Each request for a page's end brings a call that was not there before."""
    numbers = count()

    def add_a_call(request: faults.Request, page: dict[str, object]) -> dict[str, object]:
        rows = page["call_logs"]
        assert isinstance(rows, list)
        dates = request.body["filter"]
        if "date_from" not in dates or request.after or not rows:
            return page
        return {**page, "call_logs": [*rows, {**rows[-1], "id": f"77{next(numbers)}"}]}

    with serve(calls.head(150)) as server, et.Client(server.base_url, server.api_key) as client:
        server.misbehave(faults.offset_cursors())
        server.misbehave(faults.on_page(add_a_call))
        with pytest.warns(UserWarning, match="Calls moved between pages"):
            logs = et.fetch_calls(client, et.CallQuery(direction=None), progress=False)
        server.forget()
        whole = et.fetch_calls(client, resume=logs, progress=False)

    assert not logs.report.complete
    assert logs.report.gaps or logs.report.complete_from
    assert set(calls.head(150)["id"]) <= set(logs.calls["id"])
    assert dict(logs.report.extra_requests)["page edge"] <= 3 * 3
    assert whole.report.complete


def test_opaque_cursors_need_no_second_look(client: et.Client, server: CallLogServer):
    assert et.fetch_calls(client, progress=False).report.extra_requests == ()
    assert len(server.requests) == 16


# Pages that are broken in the middle.


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_repeated_request_for_a_broken_page_is_retried(
    workers: int, client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    """The page is broken twice, and the request for it fails in between."""
    answers: list[faults.Fault] = [
        faults.bad_number(),
        faults.error_status(503),
        faults.bad_number(),
        faults.error_status(503),
    ]
    for attempt, fault in enumerate(answers):
        server.misbehave(
            fault,
            when=lambda request, attempt=attempt: request.page == 2 and request.attempt == attempt,
        )
    logs = et.fetch_calls(client, DAYS, workers=workers, progress=False)

    assert_frame_equal(logs.calls, calls)
    assert logs.report.complete
    assert logs.report.drift == ()
    assert dict(logs.report.extra_requests)["repeated page"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_page_that_cannot_be_parsed_is_set_aside_and_the_rest_is_fetched(
    workers: int, client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    broken: list[str] = []

    def damage(request: faults.Request, correct: faults.Answer) -> faults.Answer:
        broken.append(request.after)
        answer = faults.bad_number()
        assert callable(answer)
        return answer(request, correct)

    server.misbehave(damage, when=lambda request: request.page == 3)
    with pytest.raises(errors.Unreadable, match=r"resume=error\.partial") as caught:
        et.fetch_calls(client, DAYS, workers=workers, progress=False)
    assert isinstance(caught.value, et.IncompleteFetch)
    partial = caught.value.partial
    report = partial.report

    assert not report.complete
    assert report.pages_set_aside
    assert {page.cursor for page in report.pages_set_aside} == set(broken)
    assert all(len(page.sha256) == 64 for page in report.pages_set_aside)
    missing = calls.filter(~pl.col("id").is_in(partial.calls["id"].implode()))
    assert 0 < missing.height <= 100 * len(report.pages_set_aside)
    for start in missing["started_at"]:
        assert any(gap.begin <= start < gap.end for gap in report.gaps)
    assert report.received == report.rows + report.repeated + report.outside
    assert et.FetchReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    assert "could not be parsed" in repr(report)
    server.forget()
    whole = et.fetch_calls(client, resume=partial, progress=False)
    assert_frame_equal(whole.calls, calls)
    assert whole.report.complete


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        faults.raw_newline(),
        faults.long_number(),
        faults.deep_nesting(),
        faults.half_surrogate(),
        faults.encoded("utf-8-sig"),
        faults.encoded("utf-16"),
        faults.trailing_nuls(),
    ],
    ids=["raw line end", "long number", "nesting", "half surrogate", "UTF-8 BOM", "UTF-16", "NULs"],
)
@pytest.mark.parametrize("workers", [1, 4])
def test_page_with_one_meaning_is_read(
    fault: faults.Fault, workers: int, client: et.Client, server: CallLogServer, calls: pl.DataFrame
):
    server.misbehave(fault)
    logs = et.fetch_calls(client, DAYS, workers=workers, progress=False)

    assert logs.calls["id"].equals(calls["id"])
    assert logs.report.complete
    assert len(server.requests) < 40


def test_deep_record_without_an_id_can_be_reported_and_stored(
    client: et.Client, server: CallLogServer, tmp_path: Path
):
    server.misbehave(faults.raw_value("id", b"[" * 700 + b"]" * 700), when=schedule.at(0))
    logs = et.fetch_calls(client, progress=False)

    assert len(logs.report.set_aside) == 1
    copy = et.read_snapshot(et.write_snapshot(logs, tmp_path / "snapshot"))
    assert copy.report == logs.report


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4, 16])
def test_many_calls_with_random_faults_are_each_fetched_once(workers: int):
    """`tests/benchmarks/random_faults.py` does it with 200,000 calls."""
    assert check_fetch_with_random_faults(8_000, workers) > 7_200


# Any error keeps the calls received before.


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [
        MemoryError("no memory"),
        RecursionError("too deep"),
        UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"),
        KeyError("a bug"),
        OSError(28, "No space left on device"),
        SystemExit(3),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_error_keeps_the_partial_result(
    error: BaseException, client: et.Client, server: CallLogServer
):
    def on_progress(rows: int, reached: datetime | None) -> None:
        if rows >= 300:
            raise error

    server.latency_s = 0.05
    with pytest.raises(type(error)) as caught:
        et.fetcher(client, workers=1)(DAYS, on_progress, lambda: False)

    assert isinstance(caught.value, et.IncompleteFetch)
    assert caught.value.partial.calls.height >= 300
    assert type(error).__name__ in str(caught.value)
    server.forget()
    whole = et.fetch_calls(client, resume=caught.value.partial, progress=False)
    assert whole.report.complete


def test_cursor_with_half_a_surrogate_is_sent_back(client: et.Client, server: CallLogServer):
    first = client.list_calls(limit=3).call_logs
    page = json.dumps({"call_logs": first, "paging": {"next": "\ud83d", "prev": ""}}).encode()
    last = {"call_logs": [], "paging": {"next": "", "prev": ""}}
    server.script(faults.Answer(body=page), faults.Answer(body=last))

    logs = et.fetch_calls(client, progress=False)
    assert logs.calls.height == 3
    assert server.requests[-1].after == "\ud83d"


# Ctrl-C.


_STOPPED_FETCH = """
    import sys
    import etelecom_analytics as et
    from etelecom_analytics.simulator import faults, serve

    calls = et.simulate_calls(1_500, seed=11).calls
    with serve(calls) as server, et.Client(server.base_url, server.api_key) as client:
        server.latency_s = 0.02
        server.misbehave(faults.late(30), when=lambda request: request.number > 9)
        ready = faults.then(lambda: print("ready", flush=True))
        server.misbehave(ready, when=lambda request: request.number == 9)
        try:
            et.fetch_calls(client, workers=2, progress=False)
        except et.FetchStopped as error:
            print(error.partial.calls.height, error.partial.report.complete, flush=True)
            sys.exit(7)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("presses", "pause_s"), [(1, 0.0), (2, 0.0), (3, 0.0), (3, 0.005), (2, 0.02)]
)
def test_further_presses_of_ctrl_c_lose_nothing(presses: int, pause_s: float):
    with subprocess.Popen(
        [sys.executable, "-c", dedent(_STOPPED_FETCH)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.6)
        for _ in range(presses):
            os.kill(process.pid, signal.SIGINT)
            time.sleep(pause_s)
        output, messages = process.communicate(timeout=30)

    assert process.returncode == 7, messages
    height, complete = output.split()
    assert int(height) >= 800
    assert complete == "False"


def test_presses_are_noted_while_they_are_held():
    with noted_interrupts() as interrupts:
        with interrupts.hold():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            assert interrupts.is_pressed
            assert not interrupts.is_forced
            signal.raise_signal(signal.SIGINT)
            assert interrupts.is_forced
        with noted_interrupts() as inner:
            assert inner is interrupts
        signal.raise_signal(signal.SIGINT)  # still held, until the block ends
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_press_is_raised_if_it_is_not_held():
    with pytest.raises(KeyboardInterrupt), noted_interrupts():
        signal.raise_signal(signal.SIGINT)


def test_other_handlers_and_threads_are_left_alone():
    presses: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: presses.append(number))
    try:
        with noted_interrupts() as interrupts, interrupts.hold():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert presses == [signal.SIGINT]
    assert not interrupts.is_pressed

    results: list[bool] = []

    def work() -> None:
        with noted_interrupts() as interrupts, interrupts.hold():
            results.append(interrupts.is_pressed)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [False]


@pytest.mark.slow
def test_ends_of_pages_within_one_second_are_requested(calls: pl.DataFrame):
    moment = datetime(2026, 11, 5, tzinfo=UTC)
    simultaneous = calls.head(250).with_columns(
        started_at=pl.lit(moment).cast(calls.schema["started_at"])
    )
    with serve(simultaneous) as server, et.Client(server.base_url, server.api_key) as client:
        server.misbehave(faults.offset_cursors())
        logs = et.fetch_calls(client, DAYS, workers=3, progress=False)

    assert logs.report.complete
    assert logs.calls["id"].n_unique() == 250
    assert dict(logs.report.extra_requests)["page edge"] >= 2


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 6])
def test_second_look_costs_about_one_page_per_page(workers: int, calls: pl.DataFrame):
    """The parts of the range that several workers read are not requested as a whole again."""
    with serve(calls) as server, et.Client(server.base_url, server.api_key) as client:
        server.latency_s = 0.005
        server.misbehave(faults.offset_cursors())
        logs = et.fetch_calls(client, DAYS, workers=workers, progress=False)
        requests = len(server.requests)

    assert logs.calls.equals(calls)
    assert requests <= 4 * logs.report.pages + 10


def walk_with_a_deletion(server: CallLogServer, ids: list[str], at: int = 4) -> None:
    """Offset cursors, and ten calls of earlier pages are deleted before page `at`."""
    server.misbehave(faults.offset_cursors())
    server.misbehave(faults.then(lambda: server.delete(*ids[:10])), when=schedule.at(at), times=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reading", "query"),
    [
        (faults.ignoring("date_from", "date_to"), et.CallQuery()),
        (faults.ignoring("date_from", "date_to"), DAYS),
        (faults.shifted_dates(13.5), et.CallQuery()),
        (faults.shifted_dates(13.5), DAYS),
        (faults.error_status(400), et.CallQuery()),
    ],
    ids=["ignored, no dates", "ignored, dates", "shift, no dates", "shift, dates", "refused"],
)
def test_ends_of_pages_that_cannot_be_verified_are_gaps(
    reading: faults.Fault, query: et.CallQuery, calls: pl.DataFrame
):
    """No row is repeated and no date shows that rows moved."""
    ids = calls["id"].to_list()
    with serve(calls) as server, et.Client(server.base_url, server.api_key) as client:
        if isinstance(reading, faults.Answer):
            server.misbehave(reading, when=lambda request: "date_from" in request.body["filter"])
        else:
            server.misbehave(reading)
        walk_with_a_deletion(server, ids, at=6)
        with warnings.catch_warnings(record=True) as messages:
            warnings.simplefilter("always")
            logs = et.fetch_calls(client, query, workers=1, progress=False)

    lost = calls.filter(~pl.col("id").is_in([*logs.calls["id"], *ids[:10]]))
    assert lost.height == 10
    assert not logs.report.complete
    assert all(
        any(gap.begin <= start < gap.end for gap in logs.report.gaps)
        for start in lost["started_at"]
    )
    assert sum(((gap.end - gap.begin) for gap in logs.report.gaps), timedelta()) < timedelta(days=2)
    assert any("were not verified" in str(each.message) for each in messages)


def test_rows_without_an_order_are_not_complete_with_offset_cursors(calls: pl.DataFrame):
    def shuffle(_: faults.Request, page: dict[str, object]) -> dict[str, object]:
        rows = page["call_logs"]
        assert isinstance(rows, list)
        return {**page, "call_logs": rows[::-1]}

    with serve(calls) as server, et.Client(server.base_url, server.api_key) as client:
        server.misbehave(faults.offset_cursors())
        server.misbehave(faults.on_page(shuffle))
        with pytest.warns(UserWarning, match="were not verified"):
            logs = et.fetch_calls(client, DAYS, workers=1, progress=False)

    assert logs.calls.height == calls.height
    assert not logs.report.complete


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_ends_of_pages_before_an_error_are_verified_by_the_resumed_fetch(
    workers: int, calls: pl.DataFrame
):
    ids = calls["id"].to_list()
    with serve(calls) as server, et.Client(server.base_url, server.api_key) as client:
        walk_with_a_deletion(server, ids)
        server.misbehave(faults.error_status(400), when=lambda request: request.number > 10)
        with pytest.raises(et.IncompleteFetch) as caught:
            et.fetch_calls(client, DAYS, workers=workers, progress=False)
        server.forget()
        server.delete(*ids[:10])
        server.misbehave(faults.offset_cursors())
        logs = et.fetch_calls(client, resume=caught.value.partial, progress=False)

    assert logs.report.complete
    assert set(ids[10:]) <= set(logs.calls["id"])


@pytest.mark.parametrize("faulty", [False, True])
def test_report_lists_all_requests(faulty: bool, server: CallLogServer, client: et.Client):
    if faulty:
        server.misbehave(faults.offset_cursors())
    query = et.CallQuery(date_to="2026-11-30", direction="in", hotline_ids=["7"])
    report = et.fetch_calls(client, query, workers=3, progress=False).report

    extra = sum(each.requests for each in report.extra_requests)
    assert report.pages + extra == len(server.requests)
