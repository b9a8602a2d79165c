"""Histograms of waits and ring times are complete and match SQL, summarize and service levels."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import sql_oracle_charts as sql
from support.call_cases import call, frame, talk
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics import schema
from etelecom_analytics.metrics import (
    RING_GROUPS,
    Selection,
    ring_seconds,
    service_levels,
    wait_seconds,
)
from etelecom_analytics.simulator import Simulation

START = datetime(2026, 11, 2, 3, tzinfo=UTC)


def calls_with_waits(*seconds: float, answered: bool = True) -> pl.DataFrame:
    """One call for each of these waits."""
    calls = [
        call(f"{position}", talk("101", 0, wait, wait + 60), state="answered", ended=wait + 60)
        if answered
        else call(f"{position}", state="not_answered", ended=wait)
        for position, wait in enumerate(seconds)
    ]
    return frame(*calls)


def test_wait_bins_include_their_end_and_the_first_includes_zero():
    waits = wait_seconds(calls_with_waits(0, 1, 1.000001, 2, 4))

    assert (waits.calls, waits.offered, waits.width_s) == (5, 5, 1)
    assert waits.bins.select("from_s", "to_s", "calls", "up_to_num").rows() == [
        (0, 1, 2, 2),
        (1, 2, 2, 4),
        (2, 3, 0, 4),
        (3, 4, 1, 5),
    ]
    assert waits.groups.rows() == [("answered", 5, 1.000001, pytest.approx(3.2))]


def test_an_extreme_wait_does_not_widen_the_bins():
    waits = wait_seconds(
        calls_with_waits(*[position % 20 + 0.5 for position in range(500)], 40_000)
    )

    last = waits.bins.row(-1, named=True)
    assert waits.width_s == 1
    assert waits.bins.height <= 21
    assert (last["to_s"], last["up_to"], last["up_to_num"]) == (None, pytest.approx(1), 501)


@pytest.mark.slow
@given(
    answered=st.lists(st.floats(0, 5_000).map(lambda wait: round(wait, 6)), max_size=30),
    missed=st.lists(st.floats(0, 5_000).map(lambda wait: round(wait, 6)), max_size=30),
)
def test_every_wait_is_in_one_bin(answered: list[float], missed: list[float]):
    calls = pl.concat([calls_with_waits(*answered), calls_with_waits(*missed, answered=False)])
    waits = wait_seconds(calls)

    for name, seconds in (("answered", answered), ("missed", missed)):
        bins = waits.bins.filter(pl.col("group") == name)
        assert bins["calls"].sum() == len(seconds)
        for row in bins.iter_rows(named=True):
            assert row["up_to_num"] == sum(
                row["to_s"] is None or wait <= row["to_s"] for wait in seconds
            )
    assert waits.bins.height <= 2 * 61


def test_wait_bins_do_not_depend_on_row_order_or_kind_of_table(calls: pl.DataFrame):
    expected = wait_seconds(calls)

    for same in (calls.reverse(), calls.lazy(), Selection(calls)):
        waits = wait_seconds(same)
        assert waits.bins.equals(expected.bins)
        assert waits.groups.equals(expected.groups)


@pytest.mark.parametrize("rows", [0, 1])
def test_no_waits_give_no_bins(rows: int):
    calls = pl.DataFrame(
        [dict.fromkeys(schema.CALL_SCHEMA)] * rows, schema=dict(schema.CALL_SCHEMA)
    )
    waits = wait_seconds(calls)

    assert (waits.calls, waits.offered, waits.groups.height, waits.bins.height) == (rows, 0, 0, 0)


def test_wait_bins_match_service_levels_at_a_threshold(simulation: Simulation):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    bins = wait_seconds(simulation.calls, options=options).bins.filter(pl.col("to_s") == 20)
    levels = {
        row["variant"]: row for row in service_levels(simulation.calls, options=options).to_dicts()
    }

    assert (
        dict(bins.select("group", "up_to").iter_rows())["answered"]
        == levels["answered_only"]["value"]
    )
    assert bins["up_to_num"].sum() == levels["abandon_positive"]["numerator"]


def assert_waits_match_sql(
    calls: pl.DataFrame, parquet: Path, ivr_numbers: tuple[str, ...] = ()
) -> None:
    waits = wait_seconds(calls, options=et.MetricOptions(ivr_numbers=ivr_numbers))
    calls.write_parquet(parquet)
    last = waits.bins.select(pl.col("from_s").max()).item() // waits.width_s
    oracle = sql.wait_bins(parquet, waits.width_s, last, ivr_numbers=ivr_numbers)

    bins = waits.bins.filter(pl.col("calls") > 0).select(
        pl.col("group").cast(pl.String), "from_s", "calls"
    )
    assert bins.rows() == [(row["group"], row["from_s"], row["calls"]) for row in oracle]


def test_wait_bins_match_sql(simulation: Simulation, tmp_path: Path):
    assert_waits_match_sql(
        simulation.calls, tmp_path / "calls.parquet", simulation.truth.ivr_numbers
    )


@needs_real_calls
def test_wait_bins_of_real_calls_match_sql(tmp_path: Path):
    assert_waits_match_sql(real_calls(), tmp_path / "calls.parquet")


# Ring times.


def ringing_call(number: int, seconds: int | None, *, answered: bool = False) -> dict[str, object]:
    end = START + timedelta(seconds=(seconds or 0) + 60)
    leg = {
        "target_number": f"{100 + number}",
        "add_time": START,
        "ring_time": None if seconds is None else START,
        "ring_duration": seconds,
        "answered_time": START + timedelta(seconds=seconds or 0) if answered else None,
        "ended_time": end if answered else START + timedelta(seconds=seconds or 0),
        "status": "ANSWERED" if answered else "NOANSWER",
    }
    legs = [{name: leg.get(name) for name in (column.name for column in schema.LEGS)}]
    return dict.fromkeys(schema.CALL_SCHEMA) | {
        "id": f"{number}",
        "started_at": START,
        "ended_at": end,
        "call_targets": legs,
    }


def calls_with_rings(*seconds: int | None, answered: bool = False) -> pl.DataFrame:
    rows = [ringing_call(number, rang, answered=answered) for number, rang in enumerate(seconds)]
    return pl.DataFrame(rows, schema=dict(schema.CALL_SCHEMA))


def test_every_outcome_has_a_group():
    outcomes = [outcome for group in RING_GROUPS.values() for outcome in group]

    assert sorted(outcomes) == sorted(set(schema.LEG_OUTCOMES) - {"in_progress"})


def test_ring_bins_include_their_begin():
    rings = ring_seconds(calls_with_rings(0, 3, 3, 4, None))

    assert (rings.calls, rings.offers) == (5, 5)
    assert rings.groups.select("group", "offers", "ring_p50_s").rows() == [("lost", 4, 3.0)]
    assert rings.bins["from_s"].to_list() == [0, 1, 2, 3, 4]
    assert rings.bins["to_s"].to_list() == [1, 2, 3, 4, 5]
    assert rings.bins["offers"].to_list() == [1, 0, 0, 2, 1]
    assert rings.bins["rna_timeout"].to_list() == [1, 0, 0, 2, 1]
    assert rings.bins["up_to"].to_list() == [0.25, 0.25, 0.25, 0.75, 1.0]
    assert rings.bins["up_to_num"].to_list() == [1, 1, 1, 3, 4]


def test_an_extreme_ring_time_does_not_widen_the_bins():
    rings = ring_seconds(
        calls_with_rings(*[number % 20 for number in range(1_000)], 40_000, answered=True)
    )

    last = rings.bins.row(-1, named=True)
    assert rings.width_s == 1
    assert rings.bins.height == 20
    assert (last["from_s"], last["to_s"], last["up_to"]) == (19, None, 1.0)
    assert rings.bins["offers"].sum() == 1_001


def test_ring_bins_match_summarize(calls: pl.DataFrame):
    rings = ring_seconds(calls)

    summary = et.summarize(calls, measures=["offers", "answered_offers"])
    offers = et.metrics.offers(calls).filter(
        pl.col("outcome") != "in_progress",
        pl.col("kind") == "person",
        pl.col("ring_s").is_not_null(),
    )
    assert rings.offers == summary["offers"].item()
    assert rings.bins["offers"].sum() == rings.groups["offers"].sum() == offers.height
    assert (
        rings.groups.filter(group="answered")["offers"].item()
        == (offers["outcome"] == "answered").sum()
    )
    assert rings.bins.group_by("group").agg(pl.col("share").sum())[
        "share"
    ].to_list() == pytest.approx([1.0] * 3)


def test_offers_to_ivr_numbers_are_excluded(calls: pl.DataFrame):
    with_all = ring_seconds(calls).offers

    assert (
        ring_seconds(calls, options=et.MetricOptions(ivr_numbers=("8000", "8100"))).offers
        < with_all
    )


@pytest.mark.parametrize(
    "calls", [pl.DataFrame(schema=dict(schema.CALL_SCHEMA)), calls_with_rings(None)]
)
def test_no_rings_give_no_bins(calls: pl.DataFrame):
    rings = ring_seconds(calls)

    assert rings.groups.is_empty()
    assert rings.bins.is_empty()
