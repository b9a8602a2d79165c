"""Waits in bins: nothing is lost, a bin ends where a threshold does, and SQL counts the same."""

from pathlib import Path

import polars as pl
import pytest
import sql_oracle_charts as sql
from cases import call, frame, talk
from hypothesis import given
from hypothesis import strategies as st
from real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics import schema
from etelecom_analytics.metrics import Selection, service_levels, wait_seconds
from etelecom_analytics.simulator import Simulation


def waited(*seconds: float, answered: bool = True) -> pl.DataFrame:
    """Calls that waited so long."""
    calls = [
        call(f"{place}", talk("101", 0, wait, wait + 60), state="answered", ended=wait + 60)
        if answered
        else call(f"{place}", state="not_answered", ended=wait)
        for place, wait in enumerate(seconds)
    ]
    return frame(*calls)


def test_a_bin_ends_with_its_last_second_and_the_first_holds_zero():
    waits = wait_seconds(waited(0, 1, 1.000001, 2, 4))

    assert (waits.calls, waits.offered, waits.width_s) == (5, 5, 1)
    assert waits.bins.select("from_s", "to_s", "calls", "up_to_calls").rows() == [
        (0, 1, 2, 2),
        (1, 2, 2, 4),
        (2, 3, 0, 4),
        (3, 4, 1, 5),
    ]
    assert waits.groups.rows() == [("answered", 5, 1.000001, pytest.approx(3.2))]


def test_who_waits_for_ever_does_not_squeeze_the_rest():
    waits = wait_seconds(waited(*[place % 20 + 0.5 for place in range(500)], 40_000))

    last = waits.bins.row(-1, named=True)
    assert waits.width_s == 1
    assert waits.bins.height <= 21
    assert (last["to_s"], last["up_to"], last["up_to_calls"]) == (None, pytest.approx(1), 501)


@given(
    answered=st.lists(st.floats(0, 5_000).map(lambda wait: round(wait, 6)), max_size=30),
    missed=st.lists(st.floats(0, 5_000).map(lambda wait: round(wait, 6)), max_size=30),
)
def test_every_wait_is_in_one_bin(answered: list[float], missed: list[float]):
    calls = pl.concat([waited(*answered), waited(*missed, answered=False)])
    waits = wait_seconds(calls)

    for name, seconds in (("answered", answered), ("missed", missed)):
        bins = waits.bins.filter(pl.col("group") == name)
        assert bins["calls"].sum() == len(seconds)
        for row in bins.iter_rows(named=True):
            assert row["up_to_calls"] == sum(
                row["to_s"] is None or wait <= row["to_s"] for wait in seconds
            )
    assert waits.bins.height <= 2 * 61


def test_the_order_of_calls_and_the_kind_of_table_change_nothing(calls: pl.DataFrame):
    expected = wait_seconds(calls)

    for same in (calls.reverse(), calls.lazy(), Selection(calls)):
        found = wait_seconds(same)
        assert found.bins.equals(expected.bins)
        assert found.groups.equals(expected.groups)


@pytest.mark.parametrize("rows", [0, 1])
def test_without_waits_there_are_no_bins(rows: int):
    nothing = pl.DataFrame(
        [dict.fromkeys(schema.CALL_SCHEMA)] * rows, schema=dict(schema.CALL_SCHEMA)
    )
    waits = wait_seconds(nothing)

    assert (waits.calls, waits.offered, waits.groups.height, waits.bins.height) == (rows, 0, 0, 0)


def test_at_a_threshold_the_answered_have_the_level_answered_only(simulation: Simulation):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    bins = wait_seconds(simulation.calls, options=options).bins.filter(pl.col("to_s") == 20)
    levels = {
        row["variant"]: row for row in service_levels(simulation.calls, options=options).to_dicts()
    }

    assert (
        dict(bins.select("group", "up_to").iter_rows())["answered"]
        == levels["answered_only"]["value"]
    )
    assert bins["up_to_calls"].sum() == levels["abandon_positive"]["numerator"]


def assert_agrees(calls: pl.DataFrame, parquet: Path, ivr_numbers: tuple[str, ...] = ()) -> None:
    waits = wait_seconds(calls, options=et.MetricOptions(ivr_numbers=ivr_numbers))
    calls.write_parquet(parquet)
    last = waits.bins.select(pl.col("from_s").max()).item() // waits.width_s
    second = sql.wait_bins(parquet, waits.width_s, last, ivr_numbers=ivr_numbers)

    found = waits.bins.filter(pl.col("calls") > 0).select(
        pl.col("group").cast(pl.String), "from_s", "calls"
    )
    assert found.rows() == [(row["group"], row["from_s"], row["calls"]) for row in second]


def test_they_agree_with_the_second_reckoning(simulation: Simulation, tmp_path: Path):
    assert_agrees(simulation.calls, tmp_path / "calls.parquet", simulation.truth.ivr_numbers)


@needs_real_calls
def test_they_agree_with_the_second_reckoning_of_real_calls(tmp_path: Path):
    assert_agrees(real_calls(), tmp_path / "calls.parquet")
