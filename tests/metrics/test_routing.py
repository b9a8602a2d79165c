"""Hunt paths match hand-written cases and SQL, and invariants hold for any calls."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support import sql_oracle_calls as sql
from support.call_cases import CASES, TICK, Record, a_day_apart, call, frame, leg, ringing, talk
from support.examples import examples
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import hunt_paths, offers
from etelecom_analytics.simulator import Simulation

ALL_PATHS = 10**6
COLUMNS = ("path", "calls", "share_den", "answer_rate_num", "answer_rate", "lost_s")
IVR = et.MetricOptions(ivr_numbers=("8000", "9000"))


def busy(number: str, add: float, ended: float) -> Record:
    return leg(number, add, None, None, ended, code=486)


def answered(*legs: Record, ended: float = 90) -> Record:
    return call("1", *legs, state="answered", ended=ended, duration=30)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("one", "path", "lost_s"),
    [
        # A hunt: each step lasts to the next begin, the last one to the answer.
        (
            answered(ringing("101", 1, 16), ringing("102", 16.5, 31), talk("103", 32, 36, 96)),
            "101 > 102 > 103",
            [15.5, 15.5, 4],
        ),
        # Without an answer, the last step lasts to the end of its ring, not of the call.
        (call("1", ringing("101", 1, 16), ringing("102", 18, 31), ended=60), "101 > 102", [17, 13]),
        # A ring group is one step, in the order of the numbers.
        (
            answered(ringing("203", 2, 10), talk("201", 2.1, 10, 70), ringing("202", 2.2, 10.2)),
            "201+202+203",
            [8],
        ),
        # Offers 1.5 s apart form a chain; a number with two devices occurs once.
        (
            call(
                "1", ringing("101", 0, 20), ringing("102", 1.5, 20), ringing("103", 3, 20), ended=20
            ),
            "101+102+103",
            [20],
        ),
        (
            call(
                "1", ringing("101", 0, 20), ringing("102", 1.5, 20), ringing("101", 3, 20), ended=20
            ),
            "101+102",
            [20],
        ),
        # An offer more than 2 s later is the next step, even if the first still rings.
        (call("1", ringing("101", 0, 20), ringing("102", 2, 20), ended=20), "101+102", [20]),
        (
            call("1", ringing("101", 0, 20), ringing("102", 2 + TICK, 20), ended=20),
            "101 > 102",
            [2 + TICK, 18 - TICK],
        ),
        # A busy offer did not ring together with the next one.
        (answered(busy("501", 0.5, 0.7), talk("502", 1, 5, 25)), "501 > 502", [0.5, 4]),
        (call("1", busy("501", 0, 0.5), ringing("502", 0.5, 9), ended=9), "501 > 502", [0.5, 8.5]),
        (call("1", busy("501", 0, 0.5 + TICK), ringing("502", 0.5, 9), ended=9), "501+502", [9]),
        (
            call("1", busy("501", 0, 0.2), ringing("502", 0.3, 9), busy("503", 0.4, 0.6), ended=9),
            "501 > 502+503",
            [0.3, 8.7],
        ),
        # An offer without an end may still ring.
        (
            call("1", leg("501", 0, 0, None, None, code=486), ringing("502", 1, 9), ended=9),
            "501+502",
            [9],
        ),
        # A transfer is a step after the answer; the talk does not count as lost.
        (answered(talk("101", 0, 3, 30), talk("102", 30, 34, 80)), "101 > 102", [3, 4]),
        (answered(talk("101", 0, 0.5, 30), talk("102", 1, 4, 80)), "101 > 102", [0.5, 3]),
        # Two rounds.
        (
            call(
                "1", *(ringing(str(101 + n % 2), 10 * n, 10 * n + 10) for n in range(4)), ended=45
            ),
            "101 > 102 > 101 > 102",
            [10] * 4,
        ),
        # An IVR is not a step, but a leg without a number or a time is.
        (call("1", talk("9000", 0, 0, 5), ringing("101", 5, 9), ended=9), "101", [4]),
        (call("1", ringing(None, 0, 5), leg("101", code=480), ended=9), "? > 101", [None, None]),
        (call("1", ringing("101", 5, 3), ended=9), "101", [0]),
    ],
)
def test_path_and_seconds_of_a_call(one: Record, path: str, lost_s: list[float | None]):
    row = hunt_paths(frame(one), options=IVR).row(0, named=True)

    assert (row["path"], row["steps"], row["calls"], row["share_den"]) == (
        path,
        path.split(" > "),
        1,
        1,
    )
    assert row["lost_s"] == [
        None if seconds is None else pytest.approx(seconds, abs=1e-9) for seconds in lost_s
    ]


def test_calls_of_the_same_path_are_pooled():
    table = hunt_paths(
        frame(
            call("1", ringing("101", 0, 10), talk("102", 10, 12, 40), state="answered", ended=40),
            call("2", ringing("101", 0, 20), ringing("102", 20, 26), ended=26),
            call("3", talk("101", 0, 5, 40), state="answered", ended=40),
            # Without a path or not offered: IVR, no legs, running, unknown state.
            call("4", talk("9000", 0, 0, 40), state="answered", ended=40),
            call("5", ended=9),
            call("6", ringing("101", 0, 10)),
            call("7", ringing("101", 0, 10), state="unknown", ended=10),
        ),
        options=IVR,
    )

    assert table.select(
        "path", "calls", "share_den", "share", "answer_rate_num", "answer_rate", "lost_s"
    ).rows() == [
        ("101 > 102", 2, 3, 2 / 3, 1, 0.5, [15, 4]),
        ("101", 1, 3, 1 / 3, 1, 1, [5]),
    ]
    assert table.columns == [
        "path",
        "steps",
        "calls",
        *(f"share{part}" for part in ("", "_num", "_den", "_low", "_high")),
        *(f"answer_rate{part}" for part in ("", "_num", "_den", "_low", "_high")),
        "lost_s",
    ]


@pytest.mark.slow
def test_hunt_paths_match_sql(simulation: Simulation, tmp_path: Path):
    ivr = simulation.truth.ivr_numbers
    simulation.calls.write_parquet(tmp_path / "calls.parquet")
    for limit in (7, ALL_PATHS):
        table = hunt_paths(simulation.calls, options=et.MetricOptions(ivr_numbers=ivr), limit=limit)
        sql.assert_agree(
            table, sql.hunt_paths(tmp_path / "calls.parquet", limit, ivr_numbers=ivr), COLUMNS
        )


def test_hunt_paths_of_hand_written_cases_match_sql(tmp_path: Path):
    calls = frame(*a_day_apart(CASES))
    calls.write_parquet(tmp_path / "calls.parquet")

    oracle = sql.hunt_paths(tmp_path / "calls.parquet", ALL_PATHS, ivr_numbers=IVR.ivr_numbers)
    sql.assert_agree(hunt_paths(calls, options=IVR, limit=ALL_PATHS), oracle, COLUMNS)


@needs_real_calls
def test_hunt_paths_of_real_calls_match_sql(tmp_path: Path):
    real_calls().write_parquet(tmp_path / "calls.parquet")

    sql.assert_agree(
        hunt_paths(real_calls()), sql.hunt_paths(tmp_path / "calls.parquet", 20), COLUMNS
    )


@pytest.mark.slow
@examples(25)
@given(positions=st.lists(st.integers(0, 1499), unique=True, max_size=80))
def test_every_offered_call_with_an_offer_has_one_path(
    positions: list[int], calls: pl.DataFrame, simulation: Simulation
):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    some = calls[positions]
    table = hunt_paths(some, options=options, limit=ALL_PATHS)

    to_persons = offers(some, options=options).filter(
        pl.col("outcome") != "in_progress", pl.col("kind") == "person"
    )
    facts = et.metrics.facts(some, options=options).filter(
        "offered", pl.col("id").is_in(to_persons["call_id"].implode())
    )
    assert (table["calls"].sum(), table["answer_rate_num"].sum()) == (
        facts.height,
        facts["answered"].sum(),
    )
    assert set(table["share_den"]) <= {facts.height}
    assert table["path"].is_unique().all()
    assert (table["steps"].list.len() == table["lost_s"].list.len()).all()
    assert table["lost_s"].explode(empty_as_null=False).drop_nulls().ge(0).all()
    assert hunt_paths(calls[positions[::-1]], options=options, limit=ALL_PATHS).equals(table)
    assert hunt_paths(some, options=options, limit=3).equals(table.head(3))


def test_hunt_paths_of_a_lazy_frame_and_of_the_streaming_engine(calls: pl.DataFrame):
    lazy = hunt_paths(calls.lazy())

    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), hunt_paths(calls))
    assert_frame_equal(lazy.collect(engine="streaming"), hunt_paths(calls))


def test_no_calls_have_no_paths_but_the_same_schema(calls: pl.DataFrame):
    for empty in (
        calls.clear(),
        calls.clear(2),
        calls.head(3).with_columns(call_targets=pl.lit(None, calls.schema["call_targets"])),
    ):
        assert hunt_paths(empty).is_empty()
        assert hunt_paths(empty).schema == hunt_paths(calls).schema
    assert hunt_paths(calls.head(1)).schema == hunt_paths(calls).schema


def test_names_are_shown_if_calls_carry_them():
    two = frame(answered(ringing("101", 1, 16), talk("102", 17, 20, 90)))
    named = two.with_columns(target_names=pl.lit(["An", None], pl.List(pl.String)))

    assert hunt_paths(named, names=True)["path"].to_list() == ["An (101) > 102"]
    assert (
        hunt_paths(named)["path"].to_list()
        == hunt_paths(two, names=True)["path"].to_list()
        == ["101 > 102"]
    )


@pytest.mark.parametrize("limit", [0, -1, 2.5, "3", True, "0912345678"])
def test_limit_must_be_a_positive_integer(limit: Any, calls: pl.DataFrame):
    with pytest.raises(InputError, match="limit is a number of rows of at least 1"):
        hunt_paths(calls, limit=limit)


def test_limit_may_exceed_any_table(calls: pl.DataFrame):
    everything = hunt_paths(calls, options=IVR, limit=calls.height)

    for limit in (2**32, 10**14, 10**20):
        assert hunt_paths(calls, options=IVR, limit=limit).equals(everything)
