"""Hostile servers: whatever a server does, a fetch has every call or does not call itself complete.

Each case names a kind of behaviour and what is expected: the class of the error, whether the result
is complete, the kinds of drift, and how many of the calls are in it.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import pytest
from support.date_readings import Combination, combinations, dated_calls, fetch_with
from support.examples import USUAL, some

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.simulator import CallLogServer, faults, schedule, serve

WEEK = et.CallQuery(date_from="2024-11-04", date_to="2024-11-11")
INBOUND = et.CallQuery(date_from="2024-11-04", date_to="2024-11-11", direction="in")
HOTLINE = et.CallQuery(hotline_ids=["1170000000000000001"])


@pytest.fixture(scope="module")
def week() -> pl.DataFrame:
    return et.simulate_calls(700, seed=4, start="2024-11-04").calls


@pytest.fixture(scope="module")
def _shared(week: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(week) as server:
        yield server


@pytest.fixture
def hostile(_shared: CallLogServer) -> CallLogServer:
    _shared.forget()
    return _shared


def fetch(server: CallLogServer, query: et.CallQuery, workers: int) -> et.CallLogs:
    """The logs of a new client that waits for nothing."""
    retry = et.Retry(attempts=4, total_s=30)
    with (
        et.Client(
            server.base_url, server.api_key, retry=retry, sleep=lambda seconds: None
        ) as client,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        return et.fetch_calls(client, query, workers=workers, progress=False)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kind of behaviour, and the expected result.

    Attributes:
        faults: what the server does.
        when: which requests it concerns.
        times: how many requests it concerns at most; None for all.
        query: what is fetched.
        error: the class of the error; None if the fetch must end without one.
        complete: whether the result is complete; None if there is no result.
        drift: the kinds of drift in the report.
        missing: how many calls of the query are not in the result, at most.
    """

    faults: tuple[faults.Fault, ...]
    when: schedule.When = schedule.always
    times: int | None = None
    query: et.CallQuery = WEEK
    error: type[Exception] | None = None
    complete: bool | None = True
    drift: frozenset[str] = frozenset()
    missing: int = 0


def on_page_two(request: faults.Request) -> bool:
    return request.page == 2


def first_on_page_two(request: faults.Request) -> bool:
    return request.page == 2 and request.attempt == 0


def always_fails(*wrong: faults.Fault, error: type[Exception] = errors.Unreadable) -> Case:
    """No page is ever correct, so that there is no result."""
    return Case(faults=wrong, error=error, complete=None)


def fails_once(*wrong: faults.Fault) -> Case:
    """The first answer for a page in the middle is wrong."""
    return Case(faults=wrong, when=first_on_page_two)


def set_aside(*wrong: faults.Fault) -> Case:
    """One page in the middle can never be parsed: its calls are missing, and all others are not."""
    return Case(
        faults=wrong, when=on_page_two, error=et.IncompleteFetch, complete=False, missing=100
    )


def ends_early(*wrong: faults.Fault) -> Case:
    """One page in the middle is never a page, so that its chain of pages ends there."""
    return Case(
        faults=wrong, when=on_page_two, error=et.IncompleteFetch, complete=False, missing=500
    )


ENVELOPES: dict[str, faults.Fault] = {
    "error with 200": faults.error_with_200(),
    "error in a page": faults.error_in_page(),
    "no rows": faults.without_rows(),
    "rows under another key": faults.rows_under("callLogs"),
    "no object": faults.not_an_object(),
    "empty body": faults.empty(),
    "HTML": faults.html(),
}
BROKEN: dict[str, faults.Fault] = {
    "damaged number": faults.bad_number(),
    "cut in a row": faults.raw_value("note", b'"'),
    "rows in two lists": faults.repeated_rows(),
}
DRIFTING: dict[str, tuple[faults.Fault, set[str]]] = {
    "raw newline": (faults.raw_newline(), {"invalid JSON"}),
    "long number": (faults.long_number(), {"invalid JSON", "out of range"}),
    "deep nesting": (faults.deep_nesting(), {"invalid JSON", "new field"}),
    "half surrogate": (faults.half_surrogate(), {"broken text"}),
    "unknown top-level key": (faults.extra_keys(), {"new field"}),
    "UTF-8 with BOM": (faults.encoded("utf-8-sig"), set()),
    "UTF-16 with BOM": (faults.encoded("utf-16"), set()),
    "trailing NULs": (faults.trailing_nuls(), set()),
}
MISREAD: dict[str, tuple[faults.Fault, ...]] = {
    "wall clock as UTC": (faults.dates_as_utc(),),
    "an hour early": (faults.shifted_dates(-1),),
    "an hour late": (faults.shifted_dates(1),),
    "exclusive ends": (faults.exclusive_dates(),),
    "7 h and exclusive": (faults.shifted_dates(7), faults.exclusive_dates()),
    "dates ignored": (faults.ignoring("date_from", "date_to"),),
}

CASES: dict[str, Case] = {
    **{f"{name}, always": always_fails(fault) for name, fault in ENVELOPES.items()},
    **{f"{name}, once": fails_once(fault) for name, fault in {**ENVELOPES, **BROKEN}.items()},
    **{f"{name}, in the middle": ends_early(fault) for name, fault in ENVELOPES.items()},
    **{f"{name}, in the middle": set_aside(fault) for name, fault in BROKEN.items()},
    **{
        name: Case(faults=(fault,), drift=frozenset(drift))
        for name, (fault, drift) in DRIFTING.items()
    },
    **{name: Case(faults=wrong) for name, wrong in MISREAD.items()},
    "direction ignored": Case(faults=(faults.ignoring("direction"),), query=INBOUND),
    "offset cursors": Case(faults=(faults.offset_cursors(),)),
    "inflating gzip": always_fails(faults.inflating_gzip(70)),
    "echoed key": always_fails(faults.echo("simulated-key-0123456789"), error=errors.BadRequest),
    "cursors that never end": Case(
        faults=(faults.cycle(2),), error=errors.PagingError, complete=False, missing=500
    ),
    "empty pages": Case(faults=(faults.empty_page(2),)),
    "temporary errors": Case(faults=(faults.error_status(503),), when=schedule.first_attempt),
}


CASES_AND_WORKERS = [
    (name, workers)
    for number, name in enumerate(CASES)
    for workers in ((1, 4) if USUAL >= 25 else (1, 4)[number % 2 :][:1])
]
"""With few examples, each case is tested with one number of workers only."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "workers"), CASES_AND_WORKERS)
def test_hostile_behaviour_has_the_expected_result(
    name: str, workers: int, hostile: CallLogServer, week: pl.DataFrame
):
    case = CASES[name]
    for fault in case.faults:
        hostile.misbehave(fault, when=case.when, times=case.times)
    error: Exception | None = None
    logs: et.CallLogs | None
    try:
        logs = fetch(hostile, case.query, workers)
    except errors.EtelecomError as raised:
        error, logs = raised, getattr(raised, "partial", None)

    assert isinstance(error, case.error or type(None)), error
    assert (logs and logs.report.complete) == case.complete
    if logs is None:
        return
    expected = week.filter(case.query.to_expr())
    assert set(logs.calls["id"]) <= set(expected["id"])
    assert logs.calls["id"].is_unique().all()
    assert expected.height - logs.calls.height <= case.missing
    assert (logs.calls.height == expected.height) or not logs.report.complete
    assert {drift.kind for drift in logs.report.drift} == case.drift


def test_rows_that_are_deleted_during_the_walk_take_no_other_row_with_them(week: pl.DataFrame):
    ids = week["id"].to_list()
    with serve(week) as server:
        server.misbehave(faults.offset_cursors())
        server.misbehave(
            faults.then(lambda: server.delete(*ids[:40])), when=schedule.at(3), times=1
        )
        logs = fetch(server, et.CallQuery(), workers=1)

    assert set(ids[40:]) <= set(logs.calls["id"])
    assert logs.report.complete


@pytest.mark.parametrize("ignored", [False, True])
def test_ignored_hotline_is_reported(ignored: bool, hostile: CallLogServer, week: pl.DataFrame):
    if ignored:
        hostile.misbehave(faults.ignoring("hotline_ids"))
    logs = fetch(hostile, HOTLINE, workers=1)

    assert logs.report.filters_ignored == (("hotline_ids",) if ignored else ())
    assert (logs.calls.height == week.height) == ignored


# Dates: each combination of shift, exclusive ends, range and workers.


@pytest.fixture(scope="module")
def old_calls() -> pl.DataFrame:
    return dated_calls()


@pytest.fixture(scope="module")
def dated_server(old_calls: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(old_calls) as server:
        yield server


def check_dates(case: Combination, server: CallLogServer, calls: pl.DataFrame) -> None:
    result = fetch_with(case, server, calls)

    assert result.logs.calls.equals(calls.filter(case.query.to_expr())), f"{case}: {result.lost}"
    assert result.logs.report.complete, case
    assert result.warnings == (case.shift_h != 0), case
    assert sum(extra.requests for extra in result.logs.report.extra_requests) <= 5, case


def test_there_are_285_different_combinations(old_calls: pl.DataFrame):
    cases = combinations(old_calls)

    assert len(cases) == len(set(cases)) == 285
    assert all(old_calls.filter(case.query.to_expr()).height for case in cases)
    assert {case.begin in set(old_calls["started_at"]) for case in cases} == {True, False}


@pytest.mark.slow
def test_no_combination_of_misread_dates_loses_a_call(
    dated_server: CallLogServer, old_calls: pl.DataFrame
):
    for case in some(combinations(old_calls), at_least=60):
        check_dates(case, dated_server, old_calls)
