"""The funnel adds up, and stages agree with hand-written cases, SQL and the simulation."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support import sql_oracle_calls as sql
from support.call_cases import (
    CASES,
    TICK,
    TWELVE_CALLS,
    Record,
    a_day_apart,
    call,
    frame,
    leg,
    ringing,
)
from support.examples import examples
from support.real_calls import needs_real_calls, real_calls

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
        # Nothing shows that the caller ended it.
        ("in_ivr", call("1", in_ivr(4), ended=5 - TICK)),
        ("before_ringing", call("1", ended=5)),
        ("in_ivr", call("1", in_ivr(20), ended=20)),
        ("in_ivr", call("1", in_ivr(18), ended=20)),
        ("in_ivr", call("1", in_ivr(22), ended=20)),
        ("before_ringing", call("1", in_ivr(18 - TICK), ended=20)),
        ("before_ringing", call("1", in_ivr(22 + TICK), ended=20)),
        ("before_ringing", call("1", in_ivr(None), ended=20)),
        # The IVR takes precedence over a ring at the end.
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
        # A ring of an IVR number, or a leg to a person without a ring, does not count.
        ("before_ringing", call("1", ringing("8000", 0, 20), ended=20)),
        ("before_ringing", call("1", leg("101", 5, ended=20, code=480), ended=20)),
        ("before_ringing", call("1", no_list=True, ended=20)),
        # A call with an unknown wait is not short.
        ("ringing", call("1", ringing("101", 1, 3), start=None, ended=3)),
    ],
)
def test_stage_of_a_lost_call(stage: str, lost: Record):
    table = lost_calls(frame(lost), options=et.MetricOptions(ivr_numbers=IVR))

    assert table.rows() == [("1", stage)]


def test_funnel_of_twelve_calls():
    table = funnel(frame(*TWELVE_CALLS))

    assert table.columns == [
        *("stage", "parent", "calls"),
        *("share", "share_num", "share_den", "share_low", "share_high"),
        "meaning",
    ]
    assert table.select("stage", "parent", "calls", "share_den", "share").rows() == [
        ("calls", None, 12, None, None),
        ("running", "calls", 1, 12, 1 / 12),
        ("unknown", "calls", 1, 12, 1 / 12),
        ("offered", "calls", 10, 12, 10 / 12),
        ("answered", "offered", 5, 10, 0.5),
        ("missed", "offered", 5, 10, 0.5),
        ("short", "missed", 1, 5, 0.2),
        ("in_ivr", "missed", 0, 5, 0),
        ("ringing", "missed", 4, 5, 0.8),
        ("before_ringing", "missed", 0, 5, 0),
        ("between_rings", "missed", 0, 5, 0),
    ]


def test_every_stage_has_a_meaning_and_follows_its_parent():
    assert list(FUNNEL)[-len(LOST_STAGES) :] == list(LOST_STAGES)
    parents: list[str | None] = [None]
    for stage, (parent, meaning) in FUNNEL.items():
        assert parent in parents
        assert meaning
        parents.append(stage)


def test_lost_calls_match_the_simulation(simulation: Simulation):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    truth = simulation.truth.calls.filter(pl.col("lost_in").is_not_null()).select(
        "lost_in", id="call_id"
    )
    lost = lost_calls(simulation.calls, options=options).join(truth, on="id")

    assert lost.height == truth.height > 100
    assert lost.filter(
        pl.col("stage").cast(pl.String) != pl.col("lost_in").cast(pl.String)
    ).is_empty()


@pytest.mark.parametrize(
    "other", [{}, {"short_s": 12.5, "wait_from": "first_ring"}], ids=["default", "other"]
)
def test_lost_calls_match_sql(other: dict[str, Any], simulation: Simulation, tmp_path: Path):
    ivr = simulation.truth.ivr_numbers
    simulation.calls.write_parquet(tmp_path / "calls.parquet")
    table = lost_calls(simulation.calls, options=et.MetricOptions(ivr_numbers=ivr, **other))

    sql.assert_agree(
        table, sql.lost_calls(tmp_path / "calls.parquet", ivr_numbers=ivr, **other), ("id", "stage")
    )
    assert set(table["stage"]) == set(LOST_STAGES)


def test_lost_calls_of_hand_written_cases_match_sql(tmp_path: Path):
    calls = frame(*a_day_apart(CASES))
    calls.write_parquet(tmp_path / "calls.parquet")

    oracle = sql.lost_calls(tmp_path / "calls.parquet", ivr_numbers=IVR)
    sql.assert_agree(
        lost_calls(calls, options=et.MetricOptions(ivr_numbers=IVR)), oracle, ("id", "stage")
    )


@needs_real_calls
def test_lost_calls_of_real_calls_match_sql(tmp_path: Path):
    real_calls().write_parquet(tmp_path / "calls.parquet")

    sql.assert_agree(
        lost_calls(real_calls()), sql.lost_calls(tmp_path / "calls.parquet"), ("id", "stage")
    )
    assert counts(real_calls())["answered"] == 27_162
    assert counts(real_calls())["short"] == 478


@pytest.mark.slow
@examples(30)
@given(positions=st.lists(st.integers(0, 1499), unique=True, max_size=80))
def test_funnel_adds_up_and_matches_summarize(
    positions: list[int], calls: pl.DataFrame, simulation: Simulation
):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    some = calls[positions]
    stages = counts(some, options)
    measures = ["calls", "running", "unknown", "offered", "answered", "missed", "short_abandoned"]
    expected = summarize(some, measures=measures, options=options).row(0, named=True)

    assert (
        stages["calls"]
        == len(positions)
        == stages["running"] + stages["unknown"] + stages["answered"] + stages["missed"]
    )
    assert stages["missed"] == sum(stages[stage] for stage in LOST_STAGES)
    assert expected.pop("short_abandoned") == stages["short"]
    assert {name: stages[name] for name in expected} == expected
    assert counts(calls[positions[::-1]], options) == stages
    assert (
        counts(Selection(calls).where(pl.col("id").is_in(some["id"].implode())), options) == stages
    )


@pytest.mark.slow
@examples(15)
@given(positions=st.lists(st.integers(0, 1499), unique=True, max_size=80), cut=st.integers(0, 80))
def test_funnel_is_the_sum_of_the_funnels_of_two_parts(
    positions: list[int], cut: int, calls: pl.DataFrame
):
    whole, left, right = (
        counts(calls[some]) for some in (positions, positions[:cut], positions[cut:])
    )

    assert whole == {stage: left[stage] + right[stage] for stage in FUNNEL}


def test_funnel_accepts_missing_and_repeated_ids(calls: pl.DataFrame):
    anonymous = calls.with_columns(id=pl.when(pl.int_range(pl.len()) % 3 > 0).then(pl.lit("1")))

    assert counts(anonymous) == counts(calls)


def test_funnel_of_no_calls_has_zero_counts(calls: pl.DataFrame):
    nulls = calls.clear(2)

    assert set(counts(calls.clear()).values()) == {0}
    assert (counts(nulls)["calls"], counts(nulls)["running"], counts(nulls)["offered"]) == (2, 2, 0)
    for empty in (calls.clear(), nulls, calls.head(1)):
        assert funnel(empty).schema == funnel(calls).schema
        assert lost_calls(empty).schema == lost_calls(calls).schema


def test_lost_calls_of_a_lazy_frame_and_of_the_streaming_engine(calls: pl.DataFrame):
    lazy = lost_calls(calls.lazy())

    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), lost_calls(calls))
    assert_frame_equal(lazy.collect(engine="streaming"), lost_calls(calls))


def test_counts_that_do_not_add_up_raise_an_error(
    calls: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        funnels, "lost_calls", lambda rows, options: lost_calls(rows, options=options).head(100)
    )

    with pytest.raises(EtelecomError, match=r"missed \d+ is not short \d+ \+ in_ivr"):
        funnel(calls)
