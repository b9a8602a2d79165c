"""The scorecard: each check by hand, all of them against SQL on calls that were spoiled, and what the report of a fetch tells."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sql_oracle_tables as sql
from cases import BASE, CASES, Record, a_day_apart, call, frame, leg, ringing, talk
from hypothesis import given, settings
from hypothesis import strategies as st
from real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.frames import Drift, SetAside
from etelecom_analytics.metrics import CHECKS, data_quality
from etelecom_analytics.simulator import Simulation, serve

IVR = et.MetricOptions(ivr_numbers=("9000",))
OF_FETCH = ("running_long", "repeated", "set_aside", "unknown_words", "other_drift")
Found = dict[str, tuple[int, int | None, list[str]]]


def logs_of(calls: pl.DataFrame, **told: Any) -> et.CallLogs:
    report = et.FetchReport(
        rows=calls.height, received=calls.height, repeated=0, outside=0, pages=1, began_at=datetime(2026, 11, 9, tzinfo=UTC),
        complete_from=None, complete_to=datetime(2026, 11, 9, tzinfo=UTC), seconds=1.0,
    )  # fmt: skip
    return et.CallLogs(calls=calls, query=et.CallQuery(), report=replace(report, **told))


def found(logs: et.CallLogs | Sequence[Record], options: et.MetricOptions = IVR) -> Found:
    table = data_quality(
        logs if isinstance(logs, et.CallLogs) else logs_of(frame(*logs)), options=options
    )
    return {
        check: (count, of, examples)
        for check, count, of, examples in table.select(
            "check", "count", "of", "examples"
        ).iter_rows()
    }


def answered(
    call_id: str, *legs: Record, duration: int | None = 30, ended: float | None = 60, **other: Any
) -> Record:
    return call(call_id, *legs, state="answered", ended=ended, duration=duration, **other)


@pytest.mark.parametrize(
    ("check", "one", "so"),
    [
        ("duration_off", answered("1", talk("101", 0, 5, 35)), False),
        ("duration_off", answered("1", talk("101", 0, 5, 37)), False),
        ("duration_off", answered("1", talk("101", 0, 5, 37.000001)), True),
        ("duration_off", answered("1", talk("101", 0, 5, 32.999999)), True),
        # Through an IVR duration holds its seconds too, and a transfer's.
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
        ("leg_times_backwards", call("1", leg("101", 0, 0, 0, 0), ended=9), False),
        ("leg_times_backwards", call("1", leg("101", 1, 0), ended=9), True),
        ("leg_times_backwards", call("1", leg("101", 3, None, None, 2), ended=9), True),
        ("leg_times_backwards", call("1", leg("101", None, None, 3, 2), ended=9), True),
        ("leg_times_backwards", call("1", leg("101", 0, 4, 3, 9), ended=9), True),
        ("leg_times_backwards", call("1", leg("101", 3), ended=9), None),
    ],
)
def test_a_call_by_hand(check: str, one: Record, so: bool | None):
    """`so` is None where it could not be so, because what it needs is not known."""
    assert found([one])[check] == (int(so is True), int(so is not None), ["1"] if so else [])


@pytest.mark.parametrize(
    ("second", "so"),
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
def test_two_calls_at_once_by_hand(second: Record, so: bool):
    first = answered("1", talk("101", 0, 5, 35), talk("9000", 0, 5, 35))
    count, of, examples = found([first, answered("2", second)])["two_calls_at_once"]

    assert (count, examples) == ((2, ["1", "2"]) if so else (0, []))
    assert of in (1, 2)
    # Within one call it is a transfer, or a phone and an app; an outside number may well talk to
    # two of us.
    assert found([answered("1", talk("101", 0, 5, 35), second)])["two_calls_at_once"][0] == 0
    assert found([answered(n, talk("101", 0, 5, 35), direction="out") for n in "12"])[
        "two_calls_at_once"
    ] == (0, 0, [])
    assert (
        found(
            [answered("1", talk("101", 0, 5, 35), direction=way) for way in ("ext_in", "ext_out")]
        )["two_calls_at_once"][0]
        == 0
    )


def test_twins_and_ids_that_come_twice_by_hand():
    calls = [
        call("1", ended=9),
        call("2", ended=8),
        call("3", ended=9, direction="out"),
        call("4", ended=9, caller=None),
        call("5", start=1),
    ]
    twice = [call("1", ended=9), call("1", ended=9), call("6", start=4, ended=9)]

    assert (found(calls)["twin_calls"], found(calls)["same_id"]) == ((2, 4, ["1", "2"]), (0, 5, []))
    assert (found(twice)["twin_calls"], found(twice)["same_id"]) == ((0, 3, []), (2, 3, ["1"]))


def test_the_report_tells_of_the_fetch(calls: pl.DataFrame):
    logs = logs_of(
        calls, received=2_000, repeated=7, running_long=("9", "8"), set_aside=(SetAside(3, 4, {}), SetAside(0, 11, {})),
        drift=(
            Drift("direction", "unknown word", 4, "sideways"), Drift("call_state", "unknown word", 1, "maybe"),
            Drift("duration", "quoted number", 12, '"30"'),
        ),
    )  # fmt: skip

    assert {check: found(logs)[check] for check in OF_FETCH} == {
        "running_long": (2, 1_500, ["8", "9"]),
        "repeated": (7, 2_000, []),
        "set_aside": (2, 2_000, ["page 0, row 11", "page 3, row 4"]),
        "unknown_words": (5, 6_000, ["call_state: maybe", "direction: sideways"]),
        "other_drift": (12, None, ['duration: "30"']),
    }


def test_what_a_server_sends_wrongly_is_on_the_card(calls: pl.DataFrame):
    """Through a real fetch: unknown words and a record without an id."""
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
        card = found(et.fetch_calls(client))

    assert card["unknown_words"] == (2, 27, ["direction: sideways"])
    assert card["set_aside"][:2] == (1, 9)
    assert card["running_long"][:2] == (8, 8)
    assert card["other_drift"][0] > 8


def spoiled(calls: pl.DataFrame) -> pl.DataFrame:
    """Calls that contradict themselves in every way: legs of the call before, one number for many, ends and durations off."""
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
    return calls.with_columns(
        id=pl.when(nth % 50 == 0).then(pl.lit("1")).otherwise("id"),
        duration=pl.col("duration") + (nth % 6).cast(pl.Int32),
        ended_at=pl.when(nth % 40 == 1)
        .then(pl.col("started_at") - pl.duration(seconds=1))
        .otherwise("ended_at"),
        started_at=pl.when(nth % 30 < 3).then(pl.lit(BASE)).otherwise("started_at"),
        caller=pl.when(nth % 30 < 3).then(pl.lit("0900000001")).otherwise("caller"),
        callee=pl.when(nth % 30 < 3).then(pl.lit("19000000")).otherwise("callee"),
        call_targets=pl.when(nth % 5 == 0)
        .then(pl.col("call_targets").shift(1))
        .otherwise("call_targets")
        .list.eval(legs),
    )


def assert_card_agrees(calls: pl.DataFrame, ivr: tuple[str, ...], tmp_path: Path) -> Found:
    calls.write_parquet(tmp_path / "calls.parquet")
    card = found(logs_of(calls), et.MetricOptions(ivr_numbers=ivr))
    second = sql.quality(tmp_path / "calls.parquet", ivr_numbers=ivr)

    assert {check: told for check, told in card.items() if check not in OF_FETCH} == {
        check: (row["count"], row["of"], row["examples"]) for check, row in second.items()
    }
    return card


def test_spoiled_calls_agree_with_the_second_reckoning(simulation: Simulation, tmp_path: Path):
    card = assert_card_agrees(spoiled(simulation.calls), simulation.truth.ivr_numbers, tmp_path)

    assert [check for check in CHECKS if check not in OF_FETCH and card[check][0] == 0] == []


def test_simulated_calls_agree_and_contradict_themselves_in_nothing(
    simulation: Simulation, tmp_path: Path
):
    card = assert_card_agrees(simulation.calls, simulation.truth.ivr_numbers, tmp_path)

    assert {check for check, told in card.items() if told[0]} == {"without_recording"}


def test_hand_written_cases_agree_with_the_second_reckoning(tmp_path: Path):
    assert_card_agrees(frame(*a_day_apart(CASES)), ("8000", "9000"), tmp_path)


@needs_real_calls
def test_real_calls_agree_with_the_second_reckoning(tmp_path: Path):
    card = assert_card_agrees(real_calls(), (), tmp_path)

    assert card["duration_off"][:2] == (0, 27_162)


spans = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 12), st.integers(0, 6), st.sampled_from(["101", "102"])
    ),
    max_size=9,
)


@settings(max_examples=60)
@given(drawn=spans)
def test_two_calls_at_once_are_those_that_plain_python_finds(
    drawn: list[tuple[int, int, int, str]],
):
    rows = [
        answered(
            str(n), *(talk(number, 0, at, at + long) for m, at, long, number in drawn if m == n)
        )
        for n in range(4)
    ]
    held = [(n, at, at + long, number) for n, at, long, number in drawn if long]
    at_once = [
        one
        for one in held
        if any(
            one[0] != two[0] and one[3] == two[3] and one[1] < two[2] and two[1] < one[2]
            for two in held
        )
    ]

    assert found(rows)["two_calls_at_once"] == (
        len(at_once),
        len(held),
        sorted({str(one[0]) for one in at_once}),
    )


@settings(max_examples=15)
@given(seed=st.integers(0, 99))
def test_the_order_of_calls_changes_nothing(seed: int, calls: pl.DataFrame):
    some = spoiled(calls).head(300)

    assert found(logs_of(some.sample(fraction=1, shuffle=True, seed=seed))) == found(logs_of(some))


def test_recordings_are_those_that_summarize_counts(simulation: Simulation):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    table = data_quality(logs_of(simulation.calls), options=options)

    covered = et.summarize(
        simulation.calls, measures=["recording_coverage"], options=options
    ).item()
    assert table.filter(check="without_recording")["share"].item() == pytest.approx(1 - covered)


def test_of_nothing_there_is_nothing_wrong(calls: pl.DataFrame):
    schema = data_quality(logs_of(calls)).schema

    for nothing in (calls.clear(), calls.clear(2), calls.head(1)):
        table = data_quality(logs_of(nothing))
        assert table.schema == schema
        assert table["check"].to_list() == list(CHECKS)
        assert table["meaning"].to_list() == list(CHECKS.values())
    assert data_quality(logs_of(calls.clear()))["count"].sum() == 0
    assert data_quality(logs_of(calls.clear()))["share"].null_count() == len(CHECKS)
    assert schema["examples"] == pl.List(pl.String)


def test_calls_alone_are_not_enough(calls: pl.DataFrame):
    with pytest.raises(InputError, match="give it CallLogs, not DataFrame"):
        data_quality(calls)
