"""Unique callers, and the hours and days of agents: by hand and by SQL."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support import sql_oracle_people as oracle
from support.call_cases import call, frame, moment, ringing, talk
from support.measure_tables import assert_agree
from support.random_calls import OPTIONS, OTHER_OPTIONS, random_calls

import etelecom_analytics as et

HOUR = 3600.0
DAY = date(2026, 11, 2)


def answered(call_id: str, at: float, number: str = "101", *, until: float = 60, **more: Any):
    one = talk(number, 0, 5, until)
    return call(call_id, one, state="answered", ended=until, shift=at, **more)


def missed(call_id: str, at: float, **more: Any):
    return call(call_id, ringing("101", 0, 30), ended=30, shift=at, **more)


def test_a_caller_counts_once_whatever_the_notation():
    calls = frame(
        missed("1", 0, caller="0912345678"),
        answered("2", 100, caller="+84 912 345 678"),
        answered("3", 200, caller="0900000001"),
        missed("4", 300, caller="0900000001"),
        missed("5", 400, caller="0900000002"),
        missed("6", 500, caller="anonymous"),
        call("7", shift=600, caller="0900000003"),  # running
        answered("8", 700, caller="0900000002", direction="out"),
    )
    row = et.metrics.caller_summary(calls).row(0, named=True)

    assert (row["callers"], row["calls"], row["calls_per_caller"]) == (3, 5, 5 / 3)
    assert row["first_attempt_answer_rate_num"] == 1
    assert row["never_answered_rate_num"] == 1
    assert row["first_attempt_answer_rate"] == pytest.approx(1 / 3)
    assert row["never_answered_rate_den"] == 3
    assert row["never_answered_rate_low"] < 1 / 3 < row["never_answered_rate_high"]


def test_callers_by_group_and_of_no_calls():
    calls = frame(missed("1", 0), answered("2", HOUR), missed("3", HOUR + 60))
    table = et.metrics.caller_summary(calls, "hour", confidence=False)

    columns = ["hour", "callers", "calls", "first_attempt_answer_rate", "never_answered_rate"]
    assert table.select(columns).rows() == [(8, 1, 1, 0.0, 1.0), (9, 1, 2, 1.0, 0.0)]
    none = et.metrics.caller_summary(frame(), confidence=False).row(0)
    assert none == (0, 0, None, None, 0, 0, None, 0, 0)


def test_the_day_of_an_agent():
    calls = frame(
        answered("1", 0, until=100),
        answered("2", 50, until=60),  # within the first: no gap
        answered("3", 400, until=500),  # 400 + 5 s - 100 s
        answered("4", 3 * HOUR, until=30),
        answered("5", 600, "102"),
        missed("6", 700),
    )
    table = et.metrics.agent_days(calls)

    row = table.row(0, named=True)
    assert (row["agent"], row["day"], row["calls"]) == ("101", DAY, 4)
    assert (row["first_call_at"], row["last_call_at"]) == (moment(5), moment(3 * HOUR + 5))
    assert row["longest_gap_s"] == 3 * HOUR + 5 - 900
    assert (row["active_hours"], row["calls_per_hour"]) == (2, 2.0)
    assert table.row(1, named=True)["longest_gap_s"] is None
    assert et.metrics.agent_hours(calls).select("agent", "hour", "calls").rows() == [
        ("101", 8, 3),
        ("101", 11, 1),
        ("102", 8, 1),
    ]


def test_placed_calls_need_the_number_of_their_extension():
    calls = frame(
        answered("1", 0),
        call("2", talk("0912345678", 0, 5, 60), ended=60, shift=100, direction="out"),
        call("3", ended=20, shift=200, direction="out"),
        call("4", shift=300, direction="out"),  # running
    )
    named = calls.with_columns(extension_number=pl.Series([None, "101", "101", "101"]))
    columns = ["agent", "calls", "answered_calls", "placed_calls"]

    assert et.metrics.agent_days(named).select(columns).rows() == [("101", 3, 1, 2)]
    assert et.metrics.agent_days(calls).select(columns).rows() == [("101", 1, 1, 0)]


def plain(table: pl.DataFrame) -> pl.DataFrame:
    """The table with moments in epoch microseconds."""
    return table.with_columns(
        pl.col(pl.Datetime("us", "UTC")).dt.epoch("us"), pl.col(pl.Int8).cast(pl.Int64)
    )


@pytest.mark.slow
@pytest.mark.parametrize("settings", [OPTIONS, OTHER_OPTIONS], ids=["default", "other"])
def test_tables_agree_with_sql(settings: dict[str, Any], tmp_path: Path):
    calls, path = random_calls(600, seed=61), tmp_path / "calls.parquet"
    calls.write_parquet(path)
    options = et.MetricOptions(**settings)

    for by in ("day", "queue"):
        table = et.metrics.caller_summary(calls, by, options=options).rename({by: "key"})
        expected = oracle.caller_summary(path, by, **settings)
        assert len(expected) > 2
        assert_agree(table.select(list(expected[0])), expected)
    for name in ("agent_hours", "agent_days"):
        expected = getattr(oracle, name)(path, **settings)
        table = plain(getattr(et.metrics, name)(calls, options=options))
        assert len(expected) > 8
        assert_agree(table.select(list(expected[0])), expected)


@pytest.mark.parametrize("name", ["caller_summary", "agent_hours", "agent_days"])
def test_lazy_calls_and_selections(name: str):
    calls, function = et.sample_logs().calls, getattr(et.metrics, name)
    expected = function(calls)

    assert expected.height > 0
    for table in (calls.lazy(), et.metrics.Selection(calls)):
        assert_frame_equal(function(table).lazy().collect(), expected)


def test_calls_after_as_of_are_ignored():
    options = et.MetricOptions(as_of=datetime(2026, 11, 2, 1, 30, tzinfo=UTC))
    calls = frame(answered("1", 0), answered("2", HOUR, caller="0900000002"))
    assert et.metrics.caller_summary(calls, options=options)["callers"].item() == 1
