"""update_lag: quantiles of late changes, and a lookback that covers them."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import etelecom_analytics as et

START = datetime(2026, 11, 2, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")


def table(lags: list[float | None], talk_s: float = 60) -> pl.DataFrame:
    """Calls that ended a minute after their start and last changed these seconds later."""
    ended = START + timedelta(seconds=talk_s)
    updated = [None if lag is None else ended + timedelta(seconds=lag) for lag in lags]
    return pl.DataFrame(
        {"started_at": [START] * len(lags), "ended_at": [ended] * len(lags), "updated_at": updated},
        schema=dict.fromkeys(("started_at", "ended_at", "updated_at"), MOMENT),
    )


def test_lag_quantiles_and_lookback():
    row = et.metrics.update_lag(table([0.0, 10.0, 20.0, 30.0, 7_200.0])).row(0, named=True)

    assert (row["calls"], row["late"]) == (5, 4)
    assert (row["lag_p50_s"], row["lag_max_s"]) == (20.0, 7_200.0)
    assert row["lookback_s"] == 3 * 3_600  # 7,260 s since the start


def test_changes_before_the_end_have_no_lag_and_unknown_times_are_ignored():
    row = et.metrics.update_lag(table([-5.0, None, 0.0])).row(0, named=True)

    assert (row["calls"], row["late"], row["lag_max_s"], row["lookback_s"]) == (2, 0, 0.0, None)


def test_no_calls_give_nulls():
    row = et.metrics.update_lag(table([])).row(0, named=True)

    assert row["calls"] == row["late"] == 0
    assert row["lag_p50_s"] is row["lookback_s"] is None


@pytest.mark.slow
@given(
    lags=st.lists(st.floats(0, 1e6), min_size=1, max_size=3_000).filter(
        lambda lags: max(lags) > 0.001
    )
)
def test_lookback_covers_99_9_percent_of_late_changes(lags: list[float]):
    calls = table(lags)
    lookback_s = et.metrics.update_lag(calls)["lookback_s"][0]
    late = calls.filter(pl.col("updated_at") > pl.col("ended_at"))
    covered = late.filter(
        pl.col("updated_at") - pl.col("started_at") <= pl.duration(seconds=lookback_s)
    )

    assert covered.height >= 0.999 * late.height


def test_update_lag_of_a_lazy_frame(calls: pl.DataFrame):
    assert_frame_equal(et.metrics.update_lag(calls.lazy()).collect(), et.metrics.update_lag(calls))
