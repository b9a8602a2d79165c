"""The shape of the traffic: no peak is lost in a stretch, and a usual day is the mean of the days that were fetched."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import sql_oracle_charts as sql
from cases import frame
from hypothesis import given, settings
from hypothesis import strategies as st
from real_calls import needs_real_calls, real_calls
from sql_oracle_tables import assert_agree

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.logs import Gap
from etelecom_analytics.metrics import (
    Selection,
    busy_hour,
    concurrency,
    erlangs,
    erlangs_profile,
    highest,
)

COLUMNS = ("weekday", "hour", "hours", "erlangs", "peak", "calls")


def on_line(spans: list[tuple[float, float]]) -> pl.DataFrame:
    at = datetime(2026, 11, 2, 1, tzinfo=UTC)
    rows = [
        {
            "id": f"{place}",
            "started_at": at + timedelta(seconds=begin),
            "ended_at": at + timedelta(seconds=begin + lasts),
        }
        for place, (begin, lasts) in enumerate(spans)
    ]
    return pl.DataFrame(
        rows,
        schema={
            "id": pl.String,
            "started_at": pl.Datetime("us", "UTC"),
            "ended_at": pl.Datetime("us", "UTC"),
        },
    )


spans = st.lists(st.tuples(st.floats(0, 100_000), st.floats(0.01, 4_000)), min_size=1, max_size=40)


@settings(max_examples=60)
@given(spans=spans, limit=st.integers(5, 60))
def test_each_stretch_has_its_highest_level_and_no_peak_is_lost(
    spans: list[tuple[float, float]], most: int
):
    calls = on_line(spans)
    found = concurrency(calls)
    stretches = highest(found, limit=most)
    held = list(calls.select("started_at", "ended_at").iter_rows())

    assert stretches.height <= max(most, 1)
    assert stretches["calls"].max() == found.peak
    assert stretches["end"].to_list()[:-1] == stretches["begin"].to_list()[1:]
    for begin, end, level in stretches.iter_rows():
        moments = [begin, *(at for at, _ in held if begin <= at < end)]
        assert level == max(sum(start <= at < until for start, until in held) for at in moments)


def test_few_changes_stay_as_they_are():
    stretches = highest(concurrency(on_line([(0, 10), (5, 10), (30, 5)])))

    lengths = stretches.with_columns(length=(pl.col("end") - pl.col("begin")).dt.total_seconds())
    assert lengths.select("calls", "length").rows() == [
        (1, 5),
        (2, 5),
        (1, 5),
        (0, 15),
        (1, 5),
    ]


def test_without_calls_there_is_no_level():
    assert highest(concurrency(frame())).rows() == []


def test_the_highest_levels_agree_with_the_second_reckoning(calls: pl.DataFrame, tmp_path: Path):
    calls.write_parquet(tmp_path / "calls.parquet")
    stretches = highest(concurrency(calls), limit=400)
    length = stretches.select((pl.col("end") - pl.col("begin")).unique()).to_series().to_list()
    edges = stretches["begin"].dt.timestamp("us").to_list()

    assert len(length) == 1
    assert stretches["calls"].to_list() == sql.highest(
        tmp_path / "calls.parquet", edges, length[0] // timedelta(microseconds=1)
    )


def test_the_busy_hour_is_the_highest_of_the_profile(calls: pl.DataFrame):
    highest_mean = erlangs_profile(calls).sort("erlangs", "hour", descending=[True, False]).head(1)

    assert (
        highest_mean.select("hour", "erlangs").rows()
        == busy_hour(calls).select("hour", "erlangs").rows()
    )


def test_the_order_of_calls_and_the_kind_of_table_change_nothing(calls: pl.DataFrame):
    for by in (["hour"], ["weekday"], ["weekday", "hour"]):
        expected = erlangs_profile(calls, by)
        assert all(
            erlangs_profile(same, by).equals(expected)
            for same in (calls.reverse(), calls.lazy(), Selection(calls))
        )
        assert expected["hours"].sum() == erlangs(calls).height


def test_hours_that_were_not_wholly_fetched_are_left_out(calls: pl.DataFrame):
    first = erlangs(calls)["hour_begin"].to_list()[0]
    coverage = et.FetchReport(
        rows=0, received=0, repeated=0, outside=0, pages=1, began_at=first + timedelta(days=60), complete_from=first,
        complete_to=first + timedelta(days=60), seconds=0.1, gaps=(Gap(first + timedelta(hours=9.5), first + timedelta(hours=11)),),
    )  # fmt: skip
    whole, told = (
        dict(erlangs_profile(calls, coverage=given).select("hour", "hours").iter_rows())
        for given in (None, coverage)
    )

    assert {hour: whole[hour] - told[hour] for hour in range(24)} == {
        hour: int(hour in (9, 10)) for hour in range(24)
    }


def test_of_no_calls_there_is_no_profile():
    assert erlangs_profile(frame()).height == 0


def test_other_dimensions_are_refused_in_words(calls: pl.DataFrame):
    with pytest.raises(UnknownName, match="weekday"):
        erlangs_profile(calls, ["weekdays"])
    with pytest.raises(InputError, match=r'by=\["hour"\]'):
        erlangs_profile(calls, "hour")


def test_it_agrees_with_the_second_reckoning(calls: pl.DataFrame, tmp_path: Path):
    calls.write_parquet(tmp_path / "calls.parquet")

    assert_agree(
        erlangs_profile(calls, ["weekday", "hour"]),
        sql.erlangs_profile(tmp_path / "calls.parquet"),
        COLUMNS,
    )


@needs_real_calls
def test_it_agrees_with_the_second_reckoning_of_real_calls(tmp_path: Path):
    real_calls().write_parquet(tmp_path / "calls.parquet")

    assert_agree(
        erlangs_profile(real_calls(), ["weekday", "hour"]),
        sql.erlangs_profile(tmp_path / "calls.parquet"),
        COLUMNS,
    )
