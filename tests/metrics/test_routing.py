"""Hunt paths: steps and their seconds by hand, the same from SQL, and what holds for any calls."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sql_oracle_tables as sql
from cases import CASES, TICK, Record, a_day_apart, call, frame, leg, ringing, talk
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import hunt_paths, offers
from etelecom_analytics.simulator import Simulation

EVERY = 10**6
COUNTED = ("path", "calls", "of", "answered", "answer_rate", "lost_s")
IVR = et.MetricOptions(ivr_numbers=("8000", "9000"))


def busy(number: str, add: float, ended: float) -> Record:
    return leg(number, add, None, None, ended, code=486)


def answered(*legs: Record, ended: float = 90) -> Record:
    return call("1", *legs, state="answered", ended=ended, duration=30)


@pytest.mark.parametrize(
    ("one", "path", "lost_s"),
    [
        # A hunt: to the next step's begin, and at last to the answer.
        (answered(ringing("101", 1, 16), ringing("102", 16.5, 31), talk("103", 32, 36, 96)), "101 > 102 > 103", [15.5, 15.5, 4]),
        # Nobody answers: the last rings to its end, not to the call's.
        (call("1", ringing("101", 1, 16), ringing("102", 18, 31), ended=60), "101 > 102", [17, 13]),
        # A ring group, in the order of the numbers, lost to one.
        (answered(ringing("203", 2, 10), talk("201", 2.1, 10, 70), ringing("202", 2.2, 10.2)), "201+202+203", [8]),
        # They chain: 1.5 s each; two devices are one offer, and one number is shown once.
        (call("1", ringing("101", 0, 20), ringing("102", 1.5, 20), ringing("103", 3, 20), ended=20), "101+102+103", [20]),
        (call("1", ringing("101", 0, 20), ringing("102", 1.5, 20), ringing("101", 3, 20), ended=20), "101+102", [20]),
        # More than 2 s later is the next, though the first rings on.
        (call("1", ringing("101", 0, 20), ringing("102", 2, 20), ended=20), "101+102", [20]),
        (call("1", ringing("101", 0, 20), ringing("102", 2 + TICK, 20), ended=20), "101 > 102", [2 + TICK, 18 - TICK]),
        # Who was busy did not ring together with whom the call went to next.
        (answered(busy("501", 0.5, 0.7), talk("502", 1, 5, 25)), "501 > 502", [0.5, 4]),
        (call("1", busy("501", 0, 0.5), ringing("502", 0.5, 9), ended=9), "501 > 502", [0.5, 8.5]),
        (call("1", busy("501", 0, 0.5 + TICK), ringing("502", 0.5, 9), ended=9), "501+502", [9]),
        (call("1", busy("501", 0, 0.2), ringing("502", 0.3, 9), busy("503", 0.4, 0.6), ended=9), "501 > 502+503", [0.3, 8.7]),
        # Without an end it may ring still.
        (call("1", leg("501", 0, 0, None, None, code=486), ringing("502", 1, 9), ended=9), "501+502", [9]),
        # A transfer is a step after the answer: the talk is not lost.
        (answered(talk("101", 0, 3, 30), talk("102", 30, 34, 80)), "101 > 102", [3, 4]),
        (answered(talk("101", 0, 0.5, 30), talk("102", 1, 4, 80)), "101 > 102", [0.5, 3]),
        # Twice round.
        (call("1", *(ringing(str(101 + n % 2), 10 * n, 10 * n + 10) for n in range(4)), ended=45), "101 > 102 > 101 > 102", [10] * 4),
        # An IVR is no step, and a leg without a number or a time is one.
        (call("1", talk("9000", 0, 0, 5), ringing("101", 5, 9), ended=9), "101", [4]),
        (call("1", ringing(None, 0, 5), leg("101", code=480), ended=9), "? > 101", [None, None]),
        (call("1", ringing("101", 5, 3), ended=9), "101", [0]),
    ],
)  # fmt: skip
def test_a_path_and_its_seconds_by_hand(one: Record, path: str, lost_s: list[float | None]):
    row = hunt_paths(frame(one), options=IVR).row(0, named=True)

    assert (row["path"], row["steps"], row["calls"], row["of"]) == (path, path.split(" > "), 1, 1)
    assert row["lost_s"] == [
        None if seconds is None else pytest.approx(seconds, abs=1e-9) for seconds in lost_s
    ]


def test_calls_of_one_path_are_pooled():
    table = hunt_paths(
        frame(
            call("1", ringing("101", 0, 10), talk("102", 10, 12, 40), state="answered", ended=40),
            call("2", ringing("101", 0, 20), ringing("102", 20, 26), ended=26),
            call("3", talk("101", 0, 5, 40), state="answered", ended=40),
            # No path, or not offered: an IVR's, a call without legs, a running one, an unknown
            # state.
            call("4", talk("9000", 0, 0, 40), state="answered", ended=40),
            call("5", ended=9),
            call("6", ringing("101", 0, 10)),
            call("7", ringing("101", 0, 10), state="unknown", ended=10),
        ),
        options=IVR,
    )

    assert table.select(
        "path", "calls", "of", "share", "answered", "answer_rate", "lost_s"
    ).rows() == [
        ("101 > 102", 2, 3, 2 / 3, 1, 0.5, [15, 4]),
        ("101", 1, 3, 1 / 3, 1, 1, [5]),
    ]
    assert table.columns == [
        "path",
        "steps",
        "calls",
        "of",
        "share",
        "answered",
        "answer_rate",
        "low",
        "high",
        "lost_s",
    ]


def test_they_agree_with_the_second_reckoning(simulation: Simulation, tmp_path: Path):
    ivr = simulation.truth.ivr_numbers
    simulation.calls.write_parquet(tmp_path / "calls.parquet")
    for most in (7, EVERY):
        mine = hunt_paths(simulation.calls, options=et.MetricOptions(ivr_numbers=ivr), limit=most)
        sql.assert_agree(
            mine, sql.hunt_paths(tmp_path / "calls.parquet", most, ivr_numbers=ivr), COUNTED
        )


def test_those_of_every_hand_written_case_agree_with_the_second_reckoning(tmp_path: Path):
    calls = frame(*a_day_apart(CASES))
    calls.write_parquet(tmp_path / "calls.parquet")

    second = sql.hunt_paths(tmp_path / "calls.parquet", EVERY, ivr_numbers=IVR.ivr_numbers)
    sql.assert_agree(hunt_paths(calls, options=IVR, limit=EVERY), second, COUNTED)


@needs_real_calls
def test_those_of_real_calls_agree_with_the_second_reckoning(tmp_path: Path):
    real_calls().write_parquet(tmp_path / "calls.parquet")

    sql.assert_agree(
        hunt_paths(real_calls()), sql.hunt_paths(tmp_path / "calls.parquet", 20), COUNTED
    )


@settings(max_examples=25)
@given(places=st.lists(st.integers(0, 1499), unique=True, max_size=80))
def test_every_call_with_an_offer_is_on_one_path(
    places: list[int], calls: pl.DataFrame, simulation: Simulation
):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    some = calls[places]
    table = hunt_paths(some, options=options, limit=EVERY)

    to_persons = offers(some, options=options).filter(
        pl.col("outcome") != "in_progress", ~pl.col("target_number").is_in(options.ivr_numbers)
    )
    facts = et.metrics.facts(some, options=options).filter(
        "offered", pl.col("id").is_in(to_persons["call_id"].implode())
    )
    assert (table["calls"].sum(), table["answered"].sum()) == (
        facts.height,
        facts["answered"].sum(),
    )
    assert set(table["of"]) <= {facts.height}
    assert table["path"].is_unique().all()
    assert (table["steps"].list.len() == table["lost_s"].list.len()).all()
    assert table["lost_s"].explode(empty_as_null=False).drop_nulls().ge(0).all()
    assert hunt_paths(calls[places[::-1]], options=options, limit=EVERY).equals(table)
    assert hunt_paths(some, options=options, limit=3).equals(table.head(3))


def test_lazily_and_streamed_they_are_the_same(calls: pl.DataFrame):
    lazy = hunt_paths(calls.lazy())

    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), hunt_paths(calls))
    assert_frame_equal(lazy.collect(engine="streaming"), hunt_paths(calls))


def test_nothing_has_no_paths_of_the_same_types(calls: pl.DataFrame):
    for nothing in (
        calls.clear(),
        calls.clear(2),
        calls.head(3).with_columns(call_targets=pl.lit(None, calls.schema["call_targets"])),
    ):
        assert hunt_paths(nothing).is_empty()
        assert hunt_paths(nothing).schema == hunt_paths(calls).schema
    assert hunt_paths(calls.head(1)).schema == hunt_paths(calls).schema


def test_names_stand_for_numbers_where_calls_carry_them():
    two = frame(answered(ringing("101", 1, 16), talk("102", 17, 20, 90)))
    named = two.with_columns(target_names=pl.lit(["An", None], pl.List(pl.String)))

    assert hunt_paths(named, names=True)["path"].to_list() == ["An (101) > 102"]
    assert (
        hunt_paths(named)["path"].to_list()
        == hunt_paths(two, names=True)["path"].to_list()
        == ["101 > 102"]
    )


@pytest.mark.parametrize("most", [0, -1, 2.5, "3", True])
def test_most_is_a_number_of_paths(most: Any, calls: pl.DataFrame):
    with pytest.raises(InputError, match="most is a number of paths above 0"):
        hunt_paths(calls, limit=most)
