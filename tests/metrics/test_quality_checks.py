"""Each quality check matches hand-written cases, SQL on corrupted calls, and the fetch report."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import sql_oracle_calls as sql
from support import sql_oracle_quality as sql_quality
from support.call_cases import BASE, CASES, Record, a_day_apart, call, frame, leg, ringing, talk
from support.examples import examples
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import CHECKS, data_quality
from etelecom_analytics.parsing.records import Drift, SetAside
from etelecom_analytics.simulator import Simulation, serve

IVR = et.MetricOptions(ivr_numbers=("9000",))
FETCH_CHECKS = ("running_long", "repeated", "set_aside", "unknown_words", "other_drift")
NUMBER_CHECKS = ("person_not_called", "numbers_changed_hands", "number_like_ivr")
"""Checks that need names, or many calls; they have tests of their own."""

Results = dict[str, tuple[int, int | None, list[str]]]


def logs_of(calls: pl.DataFrame, **report_fields: Any) -> et.CallLogs:
    report = et.FetchReport(
        rows=calls.height,
        received=calls.height,
        repeated=0,
        outside=0,
        pages=1,
        began_at=datetime(2026, 11, 9, tzinfo=UTC),
        complete_from=None,
        complete_to=datetime(2026, 11, 9, tzinfo=UTC),
        seconds=1.0,
    )
    return et.CallLogs(calls=calls, query=et.CallQuery(), report=replace(report, **report_fields))


def results_of(logs: et.CallLogs | Sequence[Record], options: et.MetricOptions = IVR) -> Results:
    table = data_quality(
        logs if isinstance(logs, et.CallLogs) else logs_of(frame(*logs)), options=options
    )
    return {
        check: (count, of, examples)
        for check, count, of, examples in table.select(
            "check", "count", "share_den", "examples"
        ).iter_rows()
    }


def answered(
    call_id: str, *legs: Record, duration: int | None = 30, ended: float | None = 60, **other: Any
) -> Record:
    return call(call_id, *legs, state="answered", ended=ended, duration=duration, **other)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "record", "expected"),
    [
        ("duration_off", answered("1", talk("101", 0, 5, 35)), False),
        ("duration_off", answered("1", talk("101", 0, 5, 37)), False),
        ("duration_off", answered("1", talk("101", 0, 5, 37.000001)), True),
        ("duration_off", answered("1", talk("101", 0, 5, 32.999999)), True),
        # The duration includes the seconds in an IVR and of a transfer.
        ("duration_off", answered("1", talk("9000", 0, 0, 10), talk("101", 10, 12, 32)), False),
        ("duration_off", answered("1", talk("101", 0, 0, 10), talk("102", 10, 12, 22)), True),
        ("duration_off", answered("1", talk("101", 0, 5, 35), duration=None), None),
        ("duration_off", answered("1", talk("101", 0, 5, None)), None),
        ("duration_off", answered("1", talk("101", 0, 5, 90), ended=None), None),
        ("duration_of_missed", call("1", ended=9), False),
        ("duration_of_missed", call("1", ended=9, duration=1), True),
        ("answered_without_leg", answered("1", talk("101", 0, 5, 35)), False),
        ("answered_without_leg", answered("1", ringing("101", 0, 5)), True),
        ("answered_without_leg", answered("1", no_list=True), True),
        ("answered_without_leg", call("1", ended=9), None),
        ("missed_with_answered_leg", call("1", talk("101", 0, 5, 9), ended=9), True),
        ("missed_with_answered_leg", call("1", talk("9000", 0, 0, 9), ended=9), False),
        ("missed_with_answered_leg", call("1", ended=9), False),
        ("call_ends_before_start", call("1", ended=0), False),
        ("call_ends_before_start", call("1", ended=-0.000001), True),
        ("call_ends_before_start", call("1"), None),
        ("without_recording", answered("1", talk("101", 0, 5, 35), recordings=["link"]), False),
        ("without_recording", answered("1", talk("101", 0, 5, 35), recordings=[""]), True),
        ("without_recording", answered("1", talk("9000", 0, 5, 35)), None),
        ("leg_outside_call", call("1", ringing("101", -300, 9), ended=9), False),
        ("leg_outside_call", call("1", ringing("101", -300.000001, 9), ended=9), True),
        ("leg_outside_call", call("1", ringing("101", 0, 309), ended=9), False),
        ("leg_outside_call", call("1", ringing("101", 0, 309.000001), ended=9), True),
        ("leg_outside_call", call("1", ringing("101", 0, 9_000)), False),
        ("leg_outside_call", call("1", ringing("101", -301, 0), start=None), None),
        ("leg_outside_call", call("1", leg("101"), ended=9), None),
        ("call_too_long", call("1", ended=43_200), False),
        ("call_too_long", call("1", ended=43_200.000001), True),
        ("call_too_long", call("1"), None),
        ("duration_above_call", call("1", ended=9, duration=309), False),
        ("duration_above_call", call("1", ended=9, duration=310), True),
        ("duration_above_call", call("1", ended=9, duration=None), None),
        ("duration_above_call", call("1", duration=9_000), None),
        ("negative_seconds", call("1", ended=9, duration=0), False),
        ("negative_seconds", call("1", ended=9, duration=-1), True),
        ("negative_seconds", call("1", leg("101", 0, rings=-1), ended=9), True),
        ("negative_seconds", call("1", leg("101", 0, rings=-1), ended=9, duration=None), True),
        ("negative_seconds", call("1", leg("101", 0, rings=None), ended=9, duration=None), None),
        ("missed_with_recording", call("1", ended=9, recordings=["link"]), True),
        ("missed_with_recording", call("1", ended=9, recordings=[""]), False),
        ("missed_with_recording", call("1", ended=9, recordings=None), False),
        ("missed_with_recording", answered("1", recordings=["link"]), None),
        ("leg_times_backwards", call("1", leg("101", 0, 0, 0, 0), ended=9), False),
        ("leg_times_backwards", call("1", leg("101", 1, 0), ended=9), True),
        ("leg_times_backwards", call("1", leg("101", 3, None, None, 2), ended=9), True),
        ("leg_times_backwards", call("1", leg("101", None, None, 3, 2), ended=9), True),
        ("leg_times_backwards", call("1", leg("101", 0, 4, 3, 9), ended=9), True),
        ("leg_times_backwards", call("1", leg("101", 3), ended=9), None),
    ],
)
def test_checks_of_a_call(check: str, record: Record, expected: bool | None):
    """`expected` is None if the check does not apply because of missing values."""
    assert results_of([record])[check] == (
        int(expected is True),
        int(expected is not None),
        ["1"] if expected else [],
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("second", "overlaps"),
    [
        (talk("101", 9, 34.9, 60), True),
        (talk("101", 9, 35, 60), False),
        (talk("101", 0, 1, 5), False),
        (talk("101", 0, 1, 5.1), True),
        (talk("101", 0, 1, 90), True),
        (talk("101", 0, 10, 20), True),
        (talk("102", 0, 10, 20), False),
        (talk("9000", 0, 10, 20), False),
        (talk("101", 0, 10, None), False),
        (ringing("101", 0, 20), False),
        (talk(None, 0, 10, 20), False),
    ],
)
def test_two_calls_at_once(second: Record, overlaps: bool):
    first = answered("1", talk("101", 0, 5, 35), talk("9000", 0, 5, 35))
    count, of, examples = results_of([first, answered("2", second)])["two_calls_at_once"]

    assert (count, examples) == ((2, ["1", "2"]) if overlaps else (0, []))
    assert of in (1, 2)
    # Within one call it is a transfer, or a phone and an app. An external number may talk to two
    # extensions.
    assert results_of([answered("1", talk("101", 0, 5, 35), second)])["two_calls_at_once"][0] == 0
    assert results_of([answered(n, talk("101", 0, 5, 35), direction="out") for n in "12"])[
        "two_calls_at_once"
    ] == (0, 0, [])
    assert (
        results_of(
            [
                answered("1", talk("101", 0, 5, 35), direction=direction)
                for direction in ("ext_in", "ext_out")
            ]
        )["two_calls_at_once"][0]
        == 0
    )


def test_twin_calls_and_repeated_ids():
    calls = [
        call("1", ended=9),
        call("2", ended=8),
        call("3", ended=9, direction="out"),
        call("4", ended=9, caller=None),
        call("5", start=1),
    ]
    repeated = [call("1", ended=9), call("1", ended=9), call("6", start=4, ended=9)]

    assert (results_of(calls)["twin_calls"], results_of(calls)["same_id"]) == (
        (2, 4, ["1", "2"]),
        (0, 5, []),
    )
    assert (results_of(repeated)["twin_calls"], results_of(repeated)["same_id"]) == (
        (0, 3, []),
        (2, 3, ["1"]),
    )


def sessions(*calls: Record) -> et.CallLogs:
    """Logs of these calls, all of one session."""
    return logs_of(frame(*({**one, "external_session_id": "s"} for one in calls)))


def test_contradicting_sessions():
    """Logs of one session, one answered and one not; running logs contradict nothing."""
    yes, no = answered("1", talk("101", 0, 5, 35)), call("2", ended=9)

    def result(logs: et.CallLogs) -> tuple[int, int | None, list[str]]:
        return results_of(logs)["contradicting_sessions"]

    assert result(sessions(yes, no)) == (2, 2, ["1", "2"])
    assert result(sessions(no, call("3", ended=9))) == (0, 2, [])
    assert result(sessions(yes, call("2"))) == (0, 1, [])
    assert result(logs_of(frame(yes, no))) == (0, 0, [])


def extensions(*rows: tuple[str, str, str, datetime | None, datetime | None]) -> pl.DataFrame:
    """Extensions of these ids, numbers and users, between these times."""
    return pl.DataFrame(
        [
            {
                "id": each,
                "extension_number": number,
                "hotline_id": "9",
                "user_id": user,
                "created_at": begin,
                "expires_at": end,
            }
            for each, number, user, begin, end in rows
        ],
        schema_overrides={
            "created_at": pl.Datetime("us", "UTC"),
            "expires_at": pl.Datetime("us", "UTC"),
        },
    )


USERS = pl.DataFrame(
    {
        "user_id": ["7", "8"],
        "full_name": ["An", "Binh"],
        "short_name": ["", ""],
        "department_id": ["1", "1"],
    }
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extension_id", "user_id", "direction", "expected"),
    [
        ("1", "7", "in", (0, 1, [])),
        ("1", None, "in", (0, 1, [])),
        ("2", "8", "in", (1, 1, ["1"])),
        ("1", "8", "ext_in", (0, 1, [])),  # the call's user had the extension then
        (None, "8", "in", (1, 1, ["1"])),
        ("5", None, "in", (1, 1, ["1"])),
        (None, None, "in", (0, 0, [])),
        ("2", "8", "out", (0, 0, [])),
        ("2", "8", "ext_out", (0, 0, [])),
    ],
)
def test_person_not_called(
    extension_id: str | None,
    user_id: str | None,
    direction: str,
    expected: tuple[int, int, list[str]],
):
    one = answered(
        "1", talk("101", 0, 5, 35), extension_id=extension_id, direction=direction, ended=35
    )
    logs = logs_of(frame({**one, "user_id": user_id}))
    named = logs.with_names(
        extensions(("1", "101", "7", None, None), ("2", "102", "8", None, None)), USERS
    )

    assert results_of(named)["person_not_called"] == expected
    assert results_of(logs)["person_not_called"] == (0, 0, [])


def test_numbers_changed_hands():
    """Two calls to one number, before and after it changed hands, and one to another number."""
    change = datetime(2026, 11, 2, 12, tzinfo=UTC)
    calls = [
        call("1", ringing("101", 0, 9), ended=9),
        call("2", ringing("101", 0, 9), ended=9, shift=86_400),
        call("3", ringing("102", 0, 9), ended=9),
    ]
    old = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [("1", "101", "7", old, change), ("2", "102", "8", old, None)]
    successor = ("3", "101", "8", change, None)

    logs = logs_of(frame(*calls))
    changed = logs.with_names(extensions(*rows, successor), USERS)
    assert results_of(changed)["numbers_changed_hands"] == (1, 2, ["101"])
    kept = logs.with_names(extensions(("1", "101", "7", old, None), rows[1]), USERS)
    assert results_of(kept)["numbers_changed_hands"] == (0, 2, [])
    assert results_of(logs)["numbers_changed_hands"] == (0, 0, [])


def test_number_like_ivr(simulation: Simulation):
    """The IVR and the queue, unless options list them; external phone numbers would be masked."""
    logs = logs_of(simulation.calls)

    assert results_of(logs, et.MetricOptions())["number_like_ivr"][::2] == (2, ["8000", "8100"])
    known = et.MetricOptions(ivr_numbers=["8000"], queue_numbers=["81*"])
    assert results_of(logs, known)["number_like_ivr"][0] == 0
    menus = [
        answered(
            str(n),
            talk("0900000123", 0, 0, 10),
            talk("101", 10, 15, 35),
            ended=35,
            shift=100 * n,
        )
        for n in range(12)
    ]
    assert results_of(menus)["number_like_ivr"] == (1, 2, ["09…"])


def test_checks_of_the_fetch_report(calls: pl.DataFrame):
    logs = logs_of(
        calls,
        received=2_000,
        repeated=7,
        running_long=("9", "8"),
        set_aside=(SetAside(3, 4, {}), SetAside(0, 11, {})),
        drift=(
            Drift("direction", "unknown word", 4, "sideways"),
            Drift("call_state", "unknown word", 1, "maybe"),
            Drift("duration", "quoted number", 12, '"30"'),
        ),
    )

    assert {check: results_of(logs)[check] for check in FETCH_CHECKS} == {
        "running_long": (2, 1_500, ["8", "9"]),
        "repeated": (7, 2_000, []),
        "set_aside": (2, 2_000, ["page 0, row 11", "page 3, row 4"]),
        "unknown_words": (5, 6_000, ["call_state: maybe", "direction: sideways"]),
        "other_drift": (12, None, ['duration: "30"']),
    }


def test_unexpected_values_of_a_server_are_counted(calls: pl.DataFrame):
    """A real fetch with unknown words and a record without an id."""
    raw = [
        {
            "id": str(n),
            "started_at": "2026-11-02T01:00:00Z",
            "direction": "sideways" if n < 3 else "in",
        }
        for n in range(1, 9)
    ]
    with (
        serve([*raw, {"started_at": "2026-11-02T01:00:00Z"}]) as server,
        et.Client(server.base_url, server.api_key) as client,
    ):
        results = results_of(et.fetch_calls(client))

    assert results["unknown_words"] == (2, 27, ["direction: sideways"])
    assert results["set_aside"][:2] == (1, 9)
    assert results["running_long"][:2] == (8, 8)
    assert results["other_drift"][0] > 8


def corrupted(calls: pl.DataFrame) -> pl.DataFrame:
    """Calls with every contradiction: shifted legs, shared numbers, wrong ends and durations."""
    nth = pl.int_range(pl.len())
    number, added = (
        pl.element().struct.field("target_number"),
        pl.element().struct.field("add_time"),
    )
    legs = pl.element().struct.with_fields(
        target_number=pl.when(number.str.starts_with("10")).then(pl.lit("101")).otherwise(number),
        add_time=pl.when(added.dt.second() % 9 > 0)
        .then(added)
        .otherwise(added + pl.duration(seconds=20)),
    )
    ends = pl.when(nth % 70 == 3).then(pl.col("ended_at") + pl.duration(days=2))
    return calls.with_columns(
        external_session_id=pl.when(nth % 45 < 2)
        .then(pl.lit("s"))
        .otherwise("external_session_id"),
        recording_urls=pl.when(nth % 3 == 0).then(pl.lit(["link"])).otherwise("recording_urls"),
        id=pl.when(nth % 50 == 0).then(pl.lit("1")).otherwise("id"),
        duration=pl.col("duration") + (nth % 6).cast(pl.Int32) - (nth % 80 == 7) * 9_000,
        ended_at=pl.when(nth % 40 == 1)
        .then(pl.col("started_at") - pl.duration(seconds=1))
        .otherwise(ends.otherwise("ended_at")),
        started_at=pl.when(nth % 30 < 3).then(pl.lit(BASE)).otherwise("started_at"),
        caller=pl.when(nth % 30 < 3).then(pl.lit("0900000001")).otherwise("caller"),
        callee=pl.when(nth % 30 < 3).then(pl.lit("19000000")).otherwise("callee"),
        call_targets=pl.when(nth % 5 == 0)
        .then(pl.col("call_targets").shift(1))
        .otherwise("call_targets")
        .list.eval(legs),
    )


def assert_checks_match_sql(calls: pl.DataFrame, ivr: tuple[str, ...], tmp_path: Path) -> Results:
    calls.write_parquet(tmp_path / "calls.parquet")
    results = results_of(logs_of(calls), et.MetricOptions(ivr_numbers=ivr))
    oracle = sql.data_quality(tmp_path / "calls.parquet", ivr_numbers=ivr)
    oracle |= sql_quality.data_quality(tmp_path / "calls.parquet")
    others = (*FETCH_CHECKS, *NUMBER_CHECKS)

    assert {check: result for check, result in results.items() if check not in others} == {
        check: (row["count"], row["of"], row["examples"]) for check, row in oracle.items()
    }
    return results


def test_corrupted_calls_match_sql(simulation: Simulation, tmp_path: Path):
    results = assert_checks_match_sql(
        corrupted(simulation.calls), simulation.truth.ivr_numbers, tmp_path
    )

    others = (*FETCH_CHECKS, *NUMBER_CHECKS)
    assert [check for check in CHECKS if check not in others and results[check][0] == 0] == []


def test_simulated_calls_match_sql_and_have_no_contradictions(
    simulation: Simulation, tmp_path: Path
):
    results = assert_checks_match_sql(simulation.calls, simulation.truth.ivr_numbers, tmp_path)

    assert {check for check, result in results.items() if result[0]} == {"without_recording"}


def test_hand_written_cases_match_sql(tmp_path: Path):
    assert_checks_match_sql(frame(*a_day_apart(CASES)), ("8000", "9000"), tmp_path)


@needs_real_calls
def test_real_calls_match_sql(tmp_path: Path):
    results = assert_checks_match_sql(real_calls(), (), tmp_path)

    assert results["duration_off"][:2] == (0, 27_162)


spans = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 12), st.integers(0, 6), st.sampled_from(["101", "102"])
    ),
    max_size=9,
)


@pytest.mark.slow
@examples(60)
@given(talks=spans)
def test_two_calls_at_once_match_a_python_implementation(
    talks: list[tuple[int, int, int, str]],
):
    rows = [
        answered(
            str(n), *(talk(number, 0, at, at + long) for m, at, long, number in talks if m == n)
        )
        for n in range(4)
    ]
    lines = [(n, at, at + long, number) for n, at, long, number in talks if long]
    at_once = [
        one
        for one in lines
        if any(
            one[0] != two[0] and one[3] == two[3] and one[1] < two[2] and two[1] < one[2]
            for two in lines
        )
    ]

    assert results_of(rows)["two_calls_at_once"] == (
        len(at_once),
        len(lines),
        sorted({str(one[0]) for one in at_once}),
    )


@pytest.mark.slow
@examples(15)
@given(seed=st.integers(0, 99))
def test_checks_do_not_depend_on_row_order(seed: int, calls: pl.DataFrame):
    some = corrupted(calls).head(300)

    assert results_of(logs_of(some.sample(fraction=1, shuffle=True, seed=seed))) == results_of(
        logs_of(some)
    )


def test_without_recording_matches_summarize(simulation: Simulation):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    table = data_quality(logs_of(simulation.calls), options=options)

    coverage = et.summarize(
        simulation.calls, measures=["recording_coverage"], options=options
    ).item()
    assert table.filter(check="without_recording")["share"].item() == pytest.approx(1 - coverage)


def test_no_calls_have_no_matches(calls: pl.DataFrame):
    schema = data_quality(logs_of(calls)).schema

    for empty in (calls.clear(), calls.clear(2), calls.head(1)):
        table = data_quality(logs_of(empty))
        assert table.schema == schema
        assert table["check"].to_list() == list(CHECKS)
        assert table["meaning"].to_list() == list(CHECKS.values())
    assert data_quality(logs_of(calls.clear()))["count"].sum() == 0
    assert data_quality(logs_of(calls.clear()))["share"].null_count() == len(CHECKS)
    assert schema["examples"] == pl.List(pl.String)


def test_calls_without_a_report_raise_an_error(calls: pl.DataFrame):
    with pytest.raises(InputError, match="pass CallLogs, not DataFrame"):
        data_quality(calls)
