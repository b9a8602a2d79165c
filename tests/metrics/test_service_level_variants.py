"""Service levels match hand-written cases, SQL and summarize, at any threshold."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support import sql_oracle_calls as sql
from support.call_cases import TWELVE_CALLS, TWELVE_CALLS_SERVICE_LEVELS, call, frame
from support.examples import examples
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import (
    THRESHOLDS_S,
    Selection,
    service_level_curve,
    service_levels,
    summarize,
)
from etelecom_analytics.metrics.call_facts import SERVICE_LEVELS
from etelecom_analytics.metrics.options import SERVICE_LEVEL_VARIANTS
from etelecom_analytics.simulator import Simulation

COLUMNS = ("variant", "numerator", "denominator", "value")
OTHER_SETTINGS: dict[str, Any] = {
    "threshold_s": 12.5,
    "short_s": 7.5,
    "min_talk_s": 60,
    "wait_from": "first_ring",
}


def test_six_formulas_of_twelve_calls():
    table = service_levels(frame(*TWELVE_CALLS))

    assert table.columns == [
        "variant",
        "formula",
        "source",
        "value",
        "numerator",
        "denominator",
        "low",
        "high",
    ]
    assert table.select("variant", "numerator", "denominator").rows() == [
        ("offered", 2, 8),
        ("no_short", 2, 7),
        ("answered_only", 2, 4),
        ("abandon_positive", 5, 8),
        ("abandon_neutral", 2, 5),
        ("min_talk", 1, 7),
    ]
    assert dict(table.select("variant", "value").iter_rows()) == pytest.approx(
        TWELVE_CALLS_SERVICE_LEVELS
    )
    assert table.select("formula", "source").rows() == [
        (each.formula, each.source) for each in SERVICE_LEVELS.values()
    ]


def test_every_variant_has_a_row_in_order():
    assert (
        service_levels(frame())["variant"].to_list()
        == list(SERVICE_LEVEL_VARIANTS)
        == list(SERVICE_LEVELS)
    )


def test_each_row_matches_the_measure_service_level(calls: pl.DataFrame):
    for row in service_levels(calls, options=et.MetricOptions(**OTHER_SETTINGS)).to_dicts():
        options = et.MetricOptions(variant=row["variant"], **OTHER_SETTINGS)
        expected = summarize(
            calls, measures=["service_level"], options=options, confidence=True
        ).row(0)
        assert (
            tuple(row[name] for name in ("value", "numerator", "denominator", "low", "high"))
            == expected
        )


@pytest.mark.slow
@pytest.mark.parametrize("other", [{}, OTHER_SETTINGS], ids=["default", "other"])
def test_service_levels_match_sql(other: dict[str, Any], simulation: Simulation, tmp_path: Path):
    simulation.calls.write_parquet(tmp_path / "calls.parquet")
    table = service_levels(
        simulation.calls,
        options=et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers, **other),
    )

    sql.assert_agree(
        table,
        sql.service_levels(
            tmp_path / "calls.parquet", ivr_numbers=simulation.truth.ivr_numbers, **other
        ),
        COLUMNS,
    )


@needs_real_calls
def test_service_levels_of_real_calls_match_sql(tmp_path: Path):
    real_calls().write_parquet(tmp_path / "calls.parquet")
    table = service_levels(real_calls())

    sql.assert_agree(table, sql.service_levels(tmp_path / "calls.parquet"), COLUMNS)
    assert table["value"][0] == pytest.approx(0.456995101, abs=6e-10)
    assert table["value"][2] == pytest.approx(0.556328694, abs=6e-10)
    curve = service_level_curve(real_calls(), thresholds_s=[0, 10, 60.5])
    oracle = [
        row
        for threshold in (0, 10, 60.5)
        for row in sql.service_levels(tmp_path / "calls.parquet", threshold_s=threshold)
    ]
    sql.assert_agree(curve, oracle, COLUMNS)


@pytest.mark.slow
@examples(25)
@given(
    positions=st.lists(st.integers(0, 1499), unique=True, max_size=60),
    thresholds=st.lists(st.floats(0, 300) | st.sampled_from([0, 20, 30]), min_size=1, max_size=6),
)
def test_curve_matches_service_levels_at_each_threshold(
    positions: list[int], thresholds: list[float], calls: pl.DataFrame
):
    some = calls[positions]
    curve = service_level_curve(some, thresholds_s=thresholds)

    assert curve["threshold_s"].unique(maintain_order=True).to_list() == sorted(set(thresholds))
    for threshold, part in zip(sorted(set(thresholds)), curve.iter_slices(6), strict=True):
        assert_frame_equal(
            part.drop("threshold_s"),
            service_levels(some, options=et.MetricOptions(threshold_s=threshold)),
        )


@pytest.mark.slow
@examples(25)
@given(positions=st.lists(st.integers(0, 1499), unique=True, max_size=60))
def test_curve_is_monotonic_and_independent_of_row_order(positions: list[int], calls: pl.DataFrame):
    curve = service_level_curve(calls[positions])

    assert curve.height == 6 * len(THRESHOLDS_S)
    for _, variant in curve.group_by("variant"):
        assert variant["numerator"].is_sorted()
        assert variant["value"].drop_nulls().is_sorted()
        assert (variant["numerator"] <= variant["denominator"]).all()
    assert_frame_equal(service_level_curve(calls[positions[::-1]]), curve)


def test_threshold_is_inclusive():
    rows = frame(call("1", ended=20), call("2", ended=20.000001))

    assert (
        service_level_curve(rows, thresholds_s=[20], options=et.MetricOptions())
        .filter(variant="abandon_positive")["numerator"]
        .item()
        == 1
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "function", [service_levels, service_level_curve], ids=lambda function: function.__name__
)
def test_lazy_frames_and_selections_give_the_same_result(function: Any, calls: pl.DataFrame):
    expected = function(calls)

    assert isinstance(function(calls.lazy()), pl.LazyFrame)
    assert_frame_equal(function(calls.lazy()).collect(), expected)
    assert_frame_equal(function(calls.lazy()).collect(engine="streaming"), expected)
    assert_frame_equal(function(Selection(calls)), expected)
    assert_frame_equal(
        function(Selection(calls).where(pl.col("direction") == "in")),
        function(calls.filter(pl.col("direction") == "in")),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "function", [service_levels, service_level_curve], ids=lambda function: function.__name__
)
def test_no_calls_give_zero_counts_and_null_values(function: Any, calls: pl.DataFrame):
    for empty in (
        calls.clear(),
        calls.clear(3),
        calls.head(1).clear(1).with_columns(id=pl.lit("1")),
    ):
        table = function(empty)
        assert table.schema == function(calls).schema
        assert table.height == function(calls).height
        assert table.select("numerator", "denominator").sum().row(0) == (0, 0)
        assert table.select(pl.col("value", "low", "high").count()).row(0) == (0, 0, 0)
    assert function(calls.head(1)).schema == function(calls).schema


@pytest.mark.parametrize("thresholds", [[], [-1], [float("nan")], ["20"], [True]])
def test_thresholds_must_be_seconds(thresholds: Any, calls: pl.DataFrame):
    with pytest.raises(InputError, match="thresholds_s"):
        service_level_curve(calls, thresholds_s=thresholds)
