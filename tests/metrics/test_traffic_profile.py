"""Concurrency peaks keep every peak, and Erlang profiles average the completely fetched hours."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import sql_oracle_charts as sql
from support.call_cases import frame
from support.examples import examples
from support.real_calls import needs_real_calls, real_calls
from support.sql_oracle_calls import assert_agree

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.logs import Gap
from etelecom_analytics.metrics import (
    Selection,
    busy_hour,
    concurrency,
    concurrency_peaks,
    erlangs,
    erlangs_profile,
)

COLUMNS = ("weekday", "hour", "hours", "erlangs", "peak", "calls")


def on_line(spans: list[tuple[float, float]]) -> pl.DataFrame:
    at = datetime(2026, 11, 2, 1, tzinfo=UTC)
    rows = [
        {
            "id": f"{position}",
            "started_at": at + timedelta(seconds=begin),
            "ended_at": at + timedelta(seconds=begin + lasts),
        }
        for position, (begin, lasts) in enumerate(spans)
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


@examples(60)
@given(spans=spans, limit=st.integers(5, 60))
def test_each_interval_has_its_highest_level(spans: list[tuple[float, float]], limit: int):
    calls = on_line(spans)
    result = concurrency(calls)
    intervals = concurrency_peaks(result, limit=limit)
    lines = list(calls.select("started_at", "ended_at").iter_rows())

    assert intervals.height <= max(limit, 1)
    assert intervals["calls"].max() == result.peak
    assert intervals["end"].to_list()[:-1] == intervals["begin"].to_list()[1:]
    for begin, end, level in intervals.iter_rows():
        moments = [begin, *(at for at, _ in lines if begin <= at < end)]
        assert level == max(sum(start <= at < until for start, until in lines) for at in moments)


def test_few_changes_are_not_merged():
    intervals = concurrency_peaks(concurrency(on_line([(0, 10), (5, 10), (30, 5)])))

    lengths = intervals.with_columns(length=(pl.col("end") - pl.col("begin")).dt.total_seconds())
    assert lengths.select("calls", "length").rows() == [
        (1, 5),
        (2, 5),
        (1, 5),
        (0, 15),
        (1, 5),
    ]


def test_no_calls_have_no_levels():
    assert concurrency_peaks(concurrency(frame())).rows() == []


def test_concurrency_peaks_match_sql(calls: pl.DataFrame, tmp_path: Path):
    calls.write_parquet(tmp_path / "calls.parquet")
    intervals = concurrency_peaks(concurrency(calls), limit=400)
    length = intervals.select((pl.col("end") - pl.col("begin")).unique()).to_series().to_list()
    edges = intervals["begin"].dt.timestamp("us").to_list()

    assert len(length) == 1
    assert intervals["calls"].to_list() == sql.concurrency_peaks(
        tmp_path / "calls.parquet", edges, length[0] // timedelta(microseconds=1)
    )


def test_the_busy_hour_is_the_maximum_of_the_profile(calls: pl.DataFrame):
    highest_mean = erlangs_profile(calls).sort("erlangs", "hour", descending=[True, False]).head(1)

    assert (
        highest_mean.select("hour", "erlangs").rows()
        == busy_hour(calls).select("hour", "erlangs").rows()
    )


def test_profile_does_not_depend_on_row_order_or_kind_of_table(calls: pl.DataFrame):
    for by in (["hour"], ["weekday"], ["weekday", "hour"]):
        expected = erlangs_profile(calls, by)
        assert all(
            erlangs_profile(same, by).equals(expected)
            for same in (calls.reverse(), calls.lazy(), Selection(calls))
        )
        assert expected["hours"].sum() == erlangs(calls).height


def test_incompletely_fetched_hours_are_excluded(calls: pl.DataFrame):
    first = erlangs(calls)["hour_begin"].to_list()[0]
    coverage = et.FetchReport(
        rows=0,
        received=0,
        repeated=0,
        outside=0,
        pages=1,
        began_at=first + timedelta(days=60),
        complete_from=first,
        complete_to=first + timedelta(days=60),
        seconds=0.1,
        gaps=(Gap(first + timedelta(hours=9.5), first + timedelta(hours=11)),),
    )
    all_hours, fetched_hours = (
        dict(erlangs_profile(calls, coverage=report).select("hour", "hours").iter_rows())
        for report in (None, coverage)
    )

    assert {hour: all_hours[hour] - fetched_hours[hour] for hour in range(24)} == {
        hour: int(hour in (9, 10)) for hour in range(24)
    }


def test_no_calls_have_no_profile():
    assert erlangs_profile(frame()).height == 0


def test_invalid_dimensions_raise_helpful_errors(calls: pl.DataFrame):
    with pytest.raises(UnknownName, match="weekday"):
        erlangs_profile(calls, ["weekdays"])
    with pytest.raises(InputError, match='by="hour"'):
        erlangs_profile(calls, [])
    with pytest.raises(InputError, match=r"coverage is the report .* got '09…'"):
        erlangs_profile(calls, coverage="0912345678")  # type: ignore[arg-type]


def test_profile_matches_sql(calls: pl.DataFrame, tmp_path: Path):
    calls.write_parquet(tmp_path / "calls.parquet")

    assert_agree(
        erlangs_profile(calls, ["weekday", "hour"]),
        sql.erlangs_profile(tmp_path / "calls.parquet"),
        COLUMNS,
    )


@needs_real_calls
def test_profile_of_real_calls_matches_sql(tmp_path: Path):
    real_calls().write_parquet(tmp_path / "calls.parquet")

    assert_agree(
        erlangs_profile(real_calls(), ["weekday", "hour"]),
        sql.erlangs_profile(tmp_path / "calls.parquet"),
        COLUMNS,
    )
