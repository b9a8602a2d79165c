"""compare by days: published vectors, other packages, and what must hold for any days."""

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import compare
from etelecom_analytics.metrics.confidence import false_discovery_rates
from etelecom_analytics.metrics.day_statistics import (
    change_between_days,
    change_from_history,
    dispersion,
    interval_of_days,
)
from etelecom_analytics.metrics.day_values import is_open_day, values_by_day
from etelecom_analytics.metrics.registry import measure

BANK = et.MetricOptions(time_zone="Asia/Jerusalem")
FLAGGED = {
    "answer_rate": 3,
    "service_level": 2,
    "asa_s": 0,
    "wait_p90_s": 1,
    "talk_avg_s": 0,
    "offered": 1,
}
"""Pairs of the same weekday of the bank's calls in which a measure differs, of 31."""
MONDAY = date(2026, 11, 2)


def days_of(totals: list[float], n: list[float], first: date = MONDAY) -> pl.DataFrame:
    days = [first + timedelta(index) for index in range(len(totals))]
    return pl.DataFrame(
        {"day": days, "total": totals, "n": n},
        schema={"day": pl.Date, "total": pl.Float64, "n": pl.Float64},
    ).select("day", pl.col("day").dt.weekday().alias("weekday"), "total", "n")


WEEKS = (
    days_of([80, 71, 90, 66, 85, 20, 9], [100, 90, 95, 80, 99, 30, 10]),
    days_of([70, 75, 80, 60, 75, 25, 12], [95, 99, 90, 85, 90, 31, 15], MONDAY + timedelta(7)),
)


def design(before: pl.DataFrame, after: pl.DataFrame) -> tuple[np.ndarray, pl.DataFrame]:
    days = pl.concat([before, after])
    weekdays = sorted(set(days["weekday"]))
    side = np.repeat([0.0, 1.0], [before.height, after.height])
    columns = [days["weekday"].to_numpy() == weekday for weekday in weekdays]
    return np.column_stack([*columns, side]).astype(float), days


def test_share_agrees_with_statsmodels():
    terms, days = design(*WEEKS)
    value = (days["total"] / days["n"]).to_numpy()
    fit = sm.WLS(value, terms, weights=days["n"].to_numpy()).fit(cov_type="HC2", use_t=True)

    change = change_between_days(*WEEKS, measure("answer_rate"))

    assert change is not None
    assert change.scale == "difference"
    assert change.value == pytest.approx(fit.params[-1], rel=1e-9)
    assert change.interval == pytest.approx(fit.conf_int()[-1], rel=1e-9)
    assert change.p_value == pytest.approx(fit.pvalues[-1], rel=1e-9)


def test_count_agrees_with_statsmodels():
    weeks = [week.with_columns(pl.col("total") * 5) for week in WEEKS]
    terms, days = design(*weeks)
    model = sm.GLM(days["total"].to_numpy(), terms, family=sm.families.Poisson())
    fit = model.fit(scale="X2", tol=1e-14)
    freedom = 14 - 7 - 1
    reach = stats.t.ppf(0.975, freedom) * fit.bse[-1]

    change = change_between_days(*weeks, measure("offered"))

    assert change is not None
    assert fit.scale > 1
    assert change.scale == "ratio"
    assert np.log(change.value) == pytest.approx(fit.params[-1], rel=1e-8)
    assert np.log(change.interval) == pytest.approx(
        [fit.params[-1] - reach, fit.params[-1] + reach], rel=1e-8
    )


def test_smallest_change_has_the_power_that_it_states():
    change = change_between_days(*WEEKS, measure("answer_rate"))
    assert change is not None
    error = (change.interval.high - change.value) / stats.t.ppf(0.975, 6)  # type: ignore[operator]

    power = stats.nct.sf(stats.t.ppf(0.975, 6), 6, change.smallest / error)

    assert power == pytest.approx(0.8, abs=0.02)


def test_weekdays_of_one_side_only_are_left_out_and_named():
    workdays = WEEKS[1].head(5)

    change = change_between_days(WEEKS[0], workdays, measure("answer_rate"))
    same = change_between_days(WEEKS[0].head(5), workdays, measure("answer_rate"))

    assert change is not None
    assert same is not None
    assert change.weekdays_left_out == (6, 7)
    assert change._replace(weekdays_left_out=()) == same


@pytest.mark.parametrize("name", ["answer_rate", "offered", "asa_s", "wait_p90_s"])
def test_too_few_days_are_no_comparison(name: str):
    assert change_between_days(WEEKS[0].head(4), WEEKS[1], measure(name)) is None
    # 5 days a side, but no weekday is on both: no degrees of freedom are left
    other = days_of([5, 6, 7, 8, 9], [10] * 5, MONDAY + timedelta(5))
    assert change_between_days(WEEKS[0].head(5), other, measure(name)) is None
    assert change_from_history(WEEKS[0].head(1), WEEKS[1].head(1), WEEKS[0], measure(name)) is None


def test_count_without_calls_has_no_ratio():
    nothing = days_of([0] * 7, [1] * 7, MONDAY + timedelta(7))

    assert change_between_days(WEEKS[0], nothing, measure("offered")) is None


@pytest.mark.parametrize("name", ["answer_rate", "asa_s"])
def test_days_without_any_spread_prove_nothing(name: str):
    flat, higher = days_of([5] * 7, [10] * 7), days_of([6] * 7, [10] * 7, MONDAY + timedelta(7))

    equal = change_between_days(flat, flat, measure(name))
    assert equal is not None
    assert (equal.value, equal.p_value) == (pytest.approx(0, abs=1e-12), 1.0)
    assert change_between_days(flat, higher, measure(name)) is None


def test_interval_of_days_is_that_of_a_cluster_sample():
    days = WEEKS[0]
    totals, n = days["total"].to_numpy(), days["n"].to_numpy()
    share = totals.sum() / n.sum()
    # The ratio estimator's variance is that of the residuals' mean, over the mean of n.
    error = stats.sem(totals - share * n) / n.mean()
    reach = stats.t.ppf(0.975, 6) * error

    interval = interval_of_days(days, share, measure("answer_rate"))

    assert interval == pytest.approx((share - reach, min(share + reach, 1)), rel=1e-12)
    assert interval_of_days(days.head(4), share, measure("answer_rate")) == (None, None)


def test_interval_of_a_count_is_that_of_its_days():
    days = WEEKS[0].with_columns(n=pl.lit(1.0))
    reach = 7 * stats.t.ppf(0.975, 6) * stats.sem(days["total"].to_numpy())

    low, high = interval_of_days(days, 421.0, measure("offered"))

    assert (low, high) == pytest.approx((421 - reach, 421 + reach))


def test_closed_days_are_no_days():
    options = et.MetricOptions(
        business_hours={"mon-sat": ("08:00", "17:00")}, holidays=["2026-11-03"]
    )
    days = WEEKS[0].filter(is_open_day(options))

    assert days["day"].to_list() == [date(2026, 11, day) for day in (2, 4, 5, 6, 7)]


def calls_per_day(counts: list[int], first: date) -> pl.DataFrame:
    """So many copies of a sample call on each day, at noon in Vietnam."""
    one = et.sample_logs().calls.filter(pl.col("ended_at").is_not_null()).head(1)
    starts = [
        datetime(day.year, day.month, day.day, 5, index % 60, tzinfo=UTC)
        for day, count in zip(
            (first + timedelta(index) for index in range(len(counts))), counts, strict=True
        )
        for index in range(count)
    ]
    moved = pl.Series("started_at", starts, dtype=pl.Datetime("us", "UTC"))
    length = one["ended_at"][0] - one["started_at"][0]
    return pl.concat([one] * len(starts)).with_columns(
        id=pl.int_range(pl.len()).cast(pl.String) + str(first),
        started_at=moved,
        ended_at=moved + length,
    )


def test_open_day_without_calls_of_a_group_counts_as_zero():
    calls = calls_per_day([3, 4, 5], MONDAY)
    mostly = calls.with_columns(
        extension_id=pl.when(pl.col("started_at").dt.day() == 3).then(pl.lit("other"))
    )

    tables = values_by_day(mostly, [measure("calls")], ["extension_id"], et.MetricOptions())

    totals = {each.group: each.days["total"].to_list() for each in tables}
    assert totals == {(None,): [3, 0, 5], ("other",): [0, 4, 0]}


def test_few_days_need_a_history():
    before, after = calls_per_day([40], MONDAY), calls_per_day([60], MONDAY + timedelta(7))
    month = calls_per_day([50, 52, 48, 50, 49, 10, 12] * 4, MONDAY - timedelta(28))

    alone = compare(before, after, "calls").row(0, named=True)
    judged = compare(before, after, "calls", history=month).row(0, named=True)

    assert (alone["verdict"], alone["method"]) == ("cannot tell", "square and add")
    assert (alone["before_basis"], alone["p_value"]) == ("calls", None)
    assert (judged["verdict"], judged["method"]) == ("no evidence", "history")
    assert judged["adjusted"] == pytest.approx(1.5)


def test_a_real_step_is_a_change():
    before = calls_per_day([50, 52, 48, 50, 49, 10, 12] * 2, MONDAY)
    after = calls_per_day([70, 71, 69, 72, 68, 15, 16] * 2, MONDAY + timedelta(14))

    row = compare(before, after, "calls").row(0, named=True)

    assert (row["verdict"], row["method"], row["scale"]) == ("changed", "days", "ratio")
    assert (row["before_days"], row["before_basis"]) == (14, "days")
    assert row["low"] < 381 / 271 < row["high"]


def test_groups_are_compared_one_by_one():
    calls = et.sample_logs().calls
    halves = calls.head(200), calls.tail(200)

    table = compare(*halves, ["calls", "answer_rate"], by="direction")

    single = compare(*(half.filter(direction="in") for half in halves), ["calls", "answer_rate"])
    shared = [name for name in single.columns if name not in ("q_value", "verdict")]
    assert table.columns[0] == "direction"
    assert table.filter(direction="in").select(shared).equals(single.select(shared))
    assert table.height == 2 * calls["direction"].n_unique()


def test_q_values_are_those_of_scipy():
    calls = et.sample_logs().calls
    table = compare(calls.head(200), calls.tail(200), by="hour", uncertainty="calls")

    known = table.filter(pl.col("p_value").is_not_null())
    expected = stats.false_discovery_control(known["p_value"].to_numpy())
    assert known["q_value"].to_numpy() == pytest.approx(expected)
    assert (
        known.select((pl.col("q_value") <= 0.05) == (pl.col("verdict") == "changed"))
        .to_series()
        .all()
    )
    assert table.filter(pl.col("p_value").is_null())["verdict"].unique().to_list() in (
        [],
        ["cannot tell"],
    )


@given(st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.05, 1.0])))
def test_false_discovery_rates_are_exactly_those_of_scipy(p_values: list[float]):
    expected = stats.false_discovery_control(p_values).tolist() if p_values else []

    assert false_discovery_rates(p_values) == expected


@given(st.floats(0.001, 0.999), st.integers(1, 400))
def test_student_quantiles_of_intervals_are_exactly_those_of_scipy(share: float, freedom: int):
    assert special.stdtrit(freedom, share) == stats.t.ppf(share, freedom)
    assert special.stdtr(freedom, -10 * share) == stats.t.sf(10 * share, freedom)


@given(st.data())
def test_interval_contains_the_change_and_agrees_with_the_p_value(data: st.DataObject):
    def side(first: date) -> pl.DataFrame:
        count = data.draw(st.integers(5, 14))
        n = data.draw(st.lists(st.integers(1, 500), min_size=count, max_size=count))
        totals = [data.draw(st.integers(0, each)) for each in n]
        return days_of([float(t) for t in totals], [float(each) for each in n], first)

    sides = side(MONDAY), side(MONDAY + timedelta(14))
    for name, none in (("answer_rate", 0.0), ("offered", 1.0), ("asa_s", 0.0)):
        change = change_between_days(*sides, measure(name))
        if change is not None:
            low, high = change.interval
            assert low is not None
            assert high is not None
            assert low <= change.value <= high
            assert 0 <= change.p_value <= 1
            if abs(change.p_value - 0.05) > 1e-6:
                assert (low <= none <= high) == (change.p_value > 0.05)


@needs_real_calls
def test_dispersion_of_real_calls():
    calls = et.metrics.inward(real_calls())
    names = ["answer_rate", "service_level", "offered"]
    days = values_by_day(calls, [measure(name) for name in names], [], BANK)

    values = [dispersion(each.days, each.measure) for each in days]

    assert values == pytest.approx([42.6096, 63.8713, 21.6289], abs=5e-5)


@needs_real_calls
def test_single_weekdays_of_real_calls_seldom_differ():
    calls = et.metrics.inward(real_calls())
    days = {
        each.measure.name: each.days
        for each in values_by_day(calls, [measure(name) for name in FLAGGED], [], BANK)
    }
    busy = days["offered"].filter(pl.col("total") >= 500)
    pairs = [
        (one, other)
        for (one, first), (other, second) in itertools.combinations(
            busy.select("day", "weekday").iter_rows(), 2
        )
        if first == second
    ]
    assert len(pairs) == 31

    flagged = {}
    for name, table in days.items():
        changes = [
            change_from_history(
                *(table.filter(pl.col("day") == day) for day in pair), table, measure(name)
            )
            for pair in pairs
        ]
        flagged[name] = sum(change.p_value <= 0.05 for change in changes if change is not None)
    assert flagged == FLAGGED


@needs_real_calls
def test_random_halves_of_real_days_seldom_differ():
    calls = et.metrics.inward(real_calls())
    days = values_by_day(calls, [measure(name) for name in FLAGGED], [], BANK)
    rng = np.random.default_rng(21)
    for each in days:
        weekdays = each.days["weekday"].to_numpy()
        flagged = 0
        for _ in range(100):
            is_after = np.zeros(len(weekdays), dtype=bool)
            for weekday in range(1, 8):
                places = np.flatnonzero(weekdays == weekday)
                is_after[rng.choice(places, len(places) // 2, replace=False)] = True
            change = change_between_days(
                each.days.filter(pl.Series(~is_after)),
                each.days.filter(pl.Series(is_after)),
                each.measure,
            )
            assert change is not None
            flagged += change.p_value <= 0.05
        assert flagged <= 14, each.measure.name  # 7 expected; 15 or more in 0.4 % of such samples


def test_arguments_that_cannot_be_meant():
    calls = et.sample_logs().calls
    wrong: Any = "weeks"
    with pytest.raises(UnknownName, match="days"):
        compare(calls, calls, uncertainty=wrong)
    summary = et.summarize(calls, confidence=True)
    with pytest.raises(InputError, match="by groups calls"):
        compare(summary, summary, by="hour")
    with pytest.raises(UnknownName):
        compare(calls, calls, by="hours")
