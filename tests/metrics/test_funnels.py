"""The funnel adds up for any calls; a lost call's stage by hand, against SQL, and as the simulation knows."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sql_oracle_tables as sql
from cases import CASES, TICK, TWELVE_CALLS, Record, a_day_apart, call, frame, leg, ringing
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import EtelecomError
from etelecom_analytics.metrics import (
    FUNNEL,
    LOST_STAGES,
    Selection,
    funnel,
    funnels,
    lost_calls,
    summarize,
)
from etelecom_analytics.simulator import Simulation

IVR = ("8000", "9000")


def counts(
    calls: pl.DataFrame | Selection, options: et.MetricOptions = et.MetricOptions()
) -> dict[str, int]:
    return dict(funnel(calls, options=options).select("stage", "calls").iter_rows())


def in_ivr(ended: float | None) -> Record:
    return leg("9000", 0, 0, 0, ended, status="ANSWERED")


@pytest.mark.parametrize(
    ("stage", "lost"),
    [
        ("short", call("1", ringing("101", 0, 4), ended=4)),
        ("short", call("1", in_ivr(4), ended=5 - TICK)),
        ("before_ringing", call("1", ended=5)),
        ("in_ivr", call("1", in_ivr(20), ended=20)),
        ("in_ivr", call("1", in_ivr(18), ended=20)),
        ("in_ivr", call("1", in_ivr(22), ended=20)),
        ("before_ringing", call("1", in_ivr(18 - TICK), ended=20)),
        ("before_ringing", call("1", in_ivr(22 + TICK), ended=20)),
        ("before_ringing", call("1", in_ivr(None), ended=20)),
        # The IVR comes first, then whoever rang at the end.
        ("in_ivr", call("1", ringing("101", 5, 20), in_ivr(20), ended=20)),
        ("in_ivr", call("1", in_ivr(20), state="answered", ended=20, duration=20)),
        ("ringing", call("1", in_ivr(5), ringing("101", 5, 20), ended=20)),
        ("ringing", call("1", ringing("101", 5, 10), ringing("102", 10, 18), ended=20)),
        ("between_rings", call("1", ringing("101", 5, 18 - TICK), ended=20)),
        (
            "between_rings",
            call("1", ringing("101", 5, 15), leg("102", 15, ended=20, code=480), ended=20),
        ),
        ("between_rings", call("1", leg("101", 5, 6, None, None), ended=20)),
        # An IVR that rings is nobody; a person who did not ring neither.
        ("before_ringing", call("1", ringing("8000", 0, 20), ended=20)),
        ("before_ringing", call("1", leg("101", 5, ended=20, code=480), ended=20)),
        ("before_ringing", call("1", no_list=True, ended=20)),
        # Of unknown wait, it is not known to be short.
        ("ringing", call("1", ringing("101", 1, 3), start=None, ended=3)),
    ],
)
def test_a_call_was_lost_where_it_was(stage: str, lost: Record):
    table = lost_calls(frame(lost), options=et.MetricOptions(ivr_numbers=IVR))

    assert table.rows() == [("1", stage)]


def test_the_funnel_of_twelve_calls_by_hand():
    table = funnel(frame(*TWELVE_CALLS))

    assert table.columns == ["stage", "parent", "calls", "of", "share", "low", "high", "meaning"]
    assert table.select("stage", "parent", "calls", "of", "share").rows() == [
        ("calls", None, 12, None, None),
        ("running", "calls", 1, 12, 1 / 12), ("unknown", "calls", 1, 12, 1 / 12), ("offered", "calls", 10, 12, 10 / 12),
        ("answered", "offered", 5, 10, 0.5), ("missed", "offered", 5, 10, 0.5),
        ("short", "missed", 1, 5, 0.2), ("in_ivr", "missed", 0, 5, 0), ("ringing", "missed", 0, 5, 0), ("before_ringing", "missed", 4, 5, 0.8),
        ("between_rings", "missed", 0, 5, 0),
    ]  # fmt: skip


def test_every_stage_has_a_meaning_and_a_parent_before_it():
    assert list(FUNNEL)[-len(LOST_STAGES) :] == list(LOST_STAGES)
    seen: list[str | None] = [None]
    for stage, (parent, meaning) in FUNNEL.items():
        assert parent in seen
        assert meaning
        seen.append(stage)


def test_lost_calls_are_lost_where_the_simulation_knows(simulation: Simulation):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    known = simulation.truth.calls.filter(pl.col("lost_in").is_not_null()).select(
        "lost_in", id="call_id"
    )
    found = lost_calls(simulation.calls, options=options).join(known, on="id")

    assert found.height == known.height > 100
    assert found.filter(
        pl.col("stage").cast(pl.String) != pl.col("lost_in").cast(pl.String)
    ).is_empty()


@pytest.mark.parametrize(
    "other", [{}, {"short_s": 12.5, "wait_from": "first_ring"}], ids=["default", "other"]
)
def test_lost_calls_agree_with_the_second_reckoning(
    other: dict[str, Any], simulation: Simulation, tmp_path: Path
):
    ivr = simulation.truth.ivr_numbers
    simulation.calls.write_parquet(tmp_path / "calls.parquet")
    mine = lost_calls(simulation.calls, options=et.MetricOptions(ivr_numbers=ivr, **other))

    sql.assert_agree(
        mine, sql.lost_calls(tmp_path / "calls.parquet", ivr_numbers=ivr, **other), ("id", "stage")
    )
    assert set(mine["stage"]) == set(LOST_STAGES)


def test_lost_calls_of_every_hand_written_case_agree_with_the_second_reckoning(tmp_path: Path):
    calls = frame(*a_day_apart(CASES))
    calls.write_parquet(tmp_path / "calls.parquet")

    second = sql.lost_calls(tmp_path / "calls.parquet", ivr_numbers=IVR)
    sql.assert_agree(
        lost_calls(calls, options=et.MetricOptions(ivr_numbers=IVR)), second, ("id", "stage")
    )


@needs_real_calls
def test_lost_calls_of_real_calls_agree_with_the_second_reckoning(tmp_path: Path):
    real_calls().write_parquet(tmp_path / "calls.parquet")

    sql.assert_agree(
        lost_calls(real_calls()), sql.lost_calls(tmp_path / "calls.parquet"), ("id", "stage")
    )
    assert counts(real_calls())["answered"] == 27_162
    assert counts(real_calls())["short"] == 478


@settings(max_examples=30)
@given(places=st.lists(st.integers(0, 1499), unique=True, max_size=80))
def test_it_adds_up_as_summarize_counts(
    places: list[int], calls: pl.DataFrame, simulation: Simulation
):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    some = calls[places]
    found = counts(some, options)
    asked = ["calls", "running", "unknown", "offered", "answered", "missed", "short_abandoned"]
    expected = summarize(some, measures=asked, options=options).row(0, named=True)

    assert (
        found["calls"]
        == len(places)
        == found["running"] + found["unknown"] + found["answered"] + found["missed"]
    )
    assert found["missed"] == sum(found[stage] for stage in LOST_STAGES)
    assert expected.pop("short_abandoned") == found["short"]
    assert {name: found[name] for name in expected} == expected
    assert counts(calls[places[::-1]], options) == found
    assert (
        counts(Selection(calls).where(pl.col("id").is_in(some["id"].implode())), options) == found
    )


@settings(max_examples=15)
@given(places=st.lists(st.integers(0, 1499), unique=True, max_size=80), cut=st.integers(0, 80))
def test_the_funnel_of_two_parts_is_the_sum_of_theirs(
    places: list[int], cut: int, calls: pl.DataFrame
):
    whole, left, right = (counts(calls[some]) for some in (places, places[:cut], places[cut:]))

    assert whole == {stage: left[stage] + right[stage] for stage in FUNNEL}


def test_ids_that_are_missing_or_come_twice_do_not_disturb_it(calls: pl.DataFrame):
    blurred = calls.with_columns(id=pl.when(pl.int_range(pl.len()) % 3 > 0).then(pl.lit("1")))

    assert counts(blurred) == counts(calls)


def test_of_nothing_there_is_nothing(calls: pl.DataFrame):
    nulls = calls.clear(2)

    assert set(counts(calls.clear()).values()) == {0}
    assert (counts(nulls)["calls"], counts(nulls)["running"], counts(nulls)["offered"]) == (2, 2, 0)
    for nothing in (calls.clear(), nulls, calls.head(1)):
        assert funnel(nothing).schema == funnel(calls).schema
        assert lost_calls(nothing).schema == lost_calls(calls).schema


def test_lost_calls_agree_lazily_and_streamed(calls: pl.DataFrame):
    lazy = lost_calls(calls.lazy())

    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), lost_calls(calls))
    assert_frame_equal(lazy.collect(engine="streaming"), lost_calls(calls))


def test_counts_that_do_not_add_up_are_an_error(
    calls: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        funnels, "lost_calls", lambda rows, options: lost_calls(rows, options=options).head(100)
    )

    with pytest.raises(EtelecomError, match=r"missed \d+ is not short \d+ \+ in_ivr"):
        funnel(calls)
