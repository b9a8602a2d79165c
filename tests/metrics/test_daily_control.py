"""control_limits: no false alarms on real days, planted steps are found, the stated steps hold."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from support.chart_specs import longest_table
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import ControlLimits, control_limits, daily_control, noticed_step
from etelecom_analytics.metrics.daily_control import _changes, limits_of_days
from etelecom_analytics.metrics.registry import Measure, measure

BANK = et.MetricOptions(time_zone="Asia/Jerusalem")
MEASURES = ("offered", "answer_rate", "service_level", "asa_s", "wait_p90_s")


@needs_real_calls
@pytest.mark.parametrize("name", MEASURES)
def test_real_month_has_at_most_one_alarm_for_each_measure(name: str):
    limits = control_limits(et.metrics.inward(real_calls()), name, options=BANK)

    assert limits.baseline_days == 28
    assert limits.table["is_alarm"].sum() + limits.table["is_change"].sum() <= 1


@needs_real_calls
def test_step_that_is_stated_is_found_within_two_days():
    calls = et.metrics.inward(real_calls())
    day = pl.col("started_at").dt.convert_time_zone("Asia/Jerusalem").dt.day()
    later, history = calls.filter(day > 21), calls.filter(day <= 21)
    step = control_limits(later, "answer_rate", history=history, options=BANK).step_2_days
    assert step is not None
    lost = step / 0.83  # of the answered calls
    worse = later.with_columns(
        call_state=pl.when(pl.int_range(pl.len()) % 100 < 100 * lost)
        .then(pl.lit("not_answered").cast(calls.schema["call_state"]))
        .otherwise("call_state")
    )

    limits = control_limits(worse, "answer_rate", history=history, options=BANK)

    alarms = limits.table.with_row_index().filter(pl.col("is_alarm") | pl.col("is_change"))
    assert alarms["index"].min() <= 1


def test_a_week_is_too_short_for_limits():
    limits = control_limits(et.sample_logs().calls, "answer_rate")

    assert limits.table.height == 7
    assert limits.table["value"].null_count() == 0
    assert limits.table["low"].null_count() == 7
    assert (limits.sigma, limits.spread, limits.step_2_days) == (None, None, None)


def test_day_that_was_not_fetched_completely_is_no_alarm():
    """Half a day has half of the calls; a fetched day without a call is a day of 0 calls."""
    logs = et.sample_logs()
    day = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.day()
    calls = logs.calls.filter(day != 4)
    noon = datetime(2026, 11, 8, 5, tzinfo=UTC)
    report = replace(logs.report, complete_to=noon, gaps=(et.Gap(noon, logs.report.complete_to),))

    alone = control_limits(calls, "calls").table
    checked = control_limits(calls, "calls", coverage=report).table

    assert alone["day"].dt.day().to_list() == [2, 3, 5, 6, 7, 8]
    assert checked["day"].dt.day().to_list() == [2, 3, 4, 5, 6, 7]
    assert checked["value"][2] == 0
    chart = et.charts.control(calls, "calls", coverage=report)
    assert len(longest_table(chart, "value")) == 6


@given(st.integers(1, 60))
def test_stated_step_has_an_alarm_in_nine_of_ten_cases(days: int):
    step = noticed_step(days)

    missed = stats.norm.cdf(3 - step) ** days
    assert missed == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("name", MEASURES)
def test_limits_are_those_of_the_scale(name: str):
    """Values on a limit are 3 sigmas away, and a day that is usual is none away."""
    rng = np.random.default_rng(3)
    n = rng.integers(80, 200, 56).astype(float)
    value = rng.uniform(0.7, 0.9, 56) if name in ("answer_rate", "service_level") else None
    totals = n if name == "offered" else n * (rng.uniform(8, 30, 56) if value is None else value)
    baseline = day_table(totals, np.ones(56) if name == "offered" else n)
    each = measure(name)

    table = limits_of_days(each, baseline.tail(7), baseline).table
    ends = [
        limits_of_days(
            each, baseline.tail(7).with_columns(total=table[end] * pl.col("n")), baseline
        ).table
        for end in ("low", "expected", "high")
    ]

    for end, z in zip(ends, (-3, 0, 3), strict=True):
        assert end["z"].to_numpy() == pytest.approx(np.full(7, z), abs=1e-6)
        assert not end["is_alarm"].any()
    assert (table["low"] < table["expected"]).all()
    assert (table["expected"] < table["high"]).all()


@given(st.data())
def test_any_days_have_limits_around_the_usual_value(data: st.DataObject):
    name = data.draw(st.sampled_from(MEASURES))
    values = st.floats(0, 1) if name in ("answer_rate", "service_level") else st.floats(0, 1e4)
    count = data.draw(st.integers(21, 60))
    sizes = data.draw(st.lists(st.integers(1, 3_000), min_size=count, max_size=count))
    n = np.ones(count) if name == "offered" else np.array(sizes, dtype=float)
    totals = np.array(data.draw(st.lists(values, min_size=count, max_size=count))) * n
    baseline = day_table(totals, n)

    limits = limits_of_days(measure(name), baseline, baseline)

    table = limits.table
    assert (table["low"] >= 0).all()
    assert (table["low"] <= table["expected"] + 1e-9).all()
    assert (table["expected"] <= table["high"] + 1e-9).all()
    assert table["sigma"].is_finite().all()
    assert limits.step_2_days is not None
    assert limits.step_5_days is not None
    assert limits.step_5_days <= limits.step_2_days


def test_days_that_never_differ_have_an_alarm_at_any_other_value():
    baseline = day_table(np.full(28, 300.0), np.full(28, 10.0))

    table = limits_of_days(
        measure("asa_s"), day_table(np.array([300.0, 310.0]), np.full(2, 10.0)), baseline
    ).table

    assert table["is_alarm"].to_list() == [False, True]
    assert table["z"].to_list() == [None, None]


def day_table(totals: np.ndarray, n: np.ndarray) -> pl.DataFrame:
    days = pl.date_range(date(2026, 1, 5), date(2026, 1, 4) + timedelta(len(n)), eager=True)
    return pl.DataFrame({"day": days, "total": totals, "n": n}).select(
        "day", pl.col("day").dt.weekday().alias("weekday"), "total", "n"
    )


def test_cusum_agrees_with_its_definition():
    rng = np.random.default_rng(1)
    for _ in range(50):
        z = [*rng.normal(size=10), *rng.normal(loc=2, size=10)]
        expected, begin = [], 0
        for end in range(1, len(z) + 1):
            # The largest sum of any run of days up to this one, less the slack of each.
            part = np.array(z[begin:end])
            runs = [
                (sign * part[first:] - 0.5).sum() for sign in (1, -1) for first in range(len(part))
            ]
            expected.append(max(runs) > 6)
            begin = end if expected[-1] else begin
        assert _changes(z) == expected


def test_false_alarms_are_rare():
    """At most one alarm in 90 ordinary days, in at least 90 % of cases."""
    rng = np.random.default_rng(2)
    counts = []
    for _ in range(400):
        z = rng.normal(size=90)
        counts.append(int((np.abs(z) > 3).sum()) + sum(_changes(list(z))))
    assert np.mean(np.array(counts) > 1) < 0.06


def test_arguments_that_cannot_be_meant():
    calls = et.sample_logs().calls
    with pytest.raises(InputError, match="measure"):
        control_limits(calls, ["answer_rate"])  # type: ignore[arg-type]
    with pytest.raises(UnknownName):
        control_limits(calls, "answer_rat")
    with pytest.raises(UnknownName, match="day"):
        et.charts.control(calls, "answer_rate", by="hour")
    with pytest.raises(InputError, match="days"):
        noticed_step(0)


def test_days_of_the_history_are_no_days_of_the_calls():
    """One report covers both; without it, the earlier days would be drawn as days of 0 calls."""
    logs = et.sample_logs()
    is_late = pl.col("started_at") >= datetime(2026, 11, 6, 17, tzinfo=UTC)  # 7 November in Vietnam
    late, early = logs.calls.filter(is_late), logs.calls.filter(~is_late)
    limits = control_limits(late, "offered", history=early, coverage=logs.report)

    assert [f"{day}" for day in limits.table["day"]] == ["2026-11-07", "2026-11-08"]
    assert limits.table["value"].min() > 0  # type: ignore[operator]  # counts
    assert limits.baseline_days == 5


@pytest.mark.parametrize(
    ("empty", "early", "drawn", "baseline"),
    [
        (4, (2, 6), [7, 8], [2, 3, 4, 5, 6]),
        (7, (2, 6), [7, 8], [2, 3, 4, 5, 6]),  # the first day to check has no call
        (2, (3, 6), [7, 8], [3, 4, 5, 6]),  # before the history
        (4, (5, 8), [2, 3, 4], [5, 6, 7, 8]),  # a history that is later
        (4, (2, 2), [3, 4, 5, 6, 7, 8], [2]),
    ],
)
def test_day_without_calls_is_of_the_history_or_of_the_calls(
    monkeypatch: pytest.MonkeyPatch,
    empty: int,
    early: tuple[int, int],
    drawn: list[int],
    baseline: list[int],
):
    """A day of 0 calls in the history is no false alarm of the calls, and counts in the limits."""
    logs = et.sample_logs()
    day = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.day()
    calls = logs.calls.filter(day != empty)
    is_early = day.is_between(*early)
    used: list[int] = []

    def recorded(each: Measure, days: pl.DataFrame, history: pl.DataFrame) -> ControlLimits:
        used.extend(history["day"].dt.day())
        return limits_of_days(each, days, history)

    monkeypatch.setattr(daily_control, "limits_of_days", recorded)
    table = control_limits(
        calls.filter(~is_early), "calls", history=calls.filter(is_early), coverage=logs.report
    ).table

    assert table["day"].dt.day().to_list() == drawn
    assert used == baseline
    zeros = table.filter(value=0)["day"].dt.day().to_list()
    assert zeros == [each for each in drawn if each == empty]
