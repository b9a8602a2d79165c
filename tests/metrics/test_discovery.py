"""findings: planted changes are found, ordinary days give none, and p-values are exact."""

import itertools
import math
import random
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from scipy import stats
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import Selection, findings
from etelecom_analytics.metrics.permutations import permutation_count, permutation_p_values

MONDAY = date(2026, 10, 5)
QUEUE_LEG = {"target_number": "8100"}


def simulated_days(weeks: int, *, seed: int, drop: float = 0.0) -> pl.DataFrame:
    """Calls of so many weeks at 9 and 10 o'clock; in the last, `drop` of those at 10 are missed."""
    rng = random.Random(seed)
    sample = et.sample_logs().calls.filter(pl.col("ended_at").is_not_null())
    answered = sample.filter(call_state="answered").head(1)
    missed = sample.filter(call_state="not_answered").head(1)
    starts: dict[bool, list[datetime]] = {True: [], False: []}
    for index in range(7 * weeks):
        day = MONDAY + timedelta(index)
        share = 0.9 + rng.uniform(-0.03, 0.03)  # of the whole day
        for hour in (9, 10):
            is_last = hour == 10 and index >= 7 * (weeks - 1)
            for minute in range(rng.randint(35, 45)):
                start = datetime(day.year, day.month, day.day, hour - 7, minute, tzinfo=UTC)
                starts[rng.random() < share - drop * is_last].append(start)
    return pl.concat(
        pl.concat([call] * len(starts[state])).with_columns(
            id=pl.lit(f"{state} ") + pl.int_range(pl.len()).cast(pl.String),
            started_at=pl.Series(starts[state], dtype=pl.Datetime("us", "UTC")),
            ended_at=pl.Series(starts[state], dtype=pl.Datetime("us", "UTC"))
            + timedelta(minutes=3),
            call_targets=pl.col("call_targets").list.head(0),
        )
        for state, call in ((True, answered), (False, missed))
    )


def last_week(calls: pl.DataFrame) -> pl.DataFrame:
    last = calls["started_at"].max()
    return calls.filter(pl.col("started_at") > last - timedelta(days=6, hours=12))


def test_planted_drop_is_found_where_it_is():
    calls = simulated_days(6, seed=1, drop=0.3)

    result = findings(last_week(calls), history=calls, by="hour", measures="answer_rate")

    assert result.verdict == "found"
    row = next(row for row in result.table.iter_rows(named=True) if row["group"] == "10")
    assert (row["measure"], row["dimension"]) == ("answer_rate", "hour")
    assert row["change"] == pytest.approx(-0.3, abs=0.08)
    assert row["low"] < -0.3 < row["high"]
    assert row["affected"] == pytest.approx(row["n"] * -row["change"])
    assert "9" not in result.table["group"].to_list()


@pytest.mark.slow
def test_queues_are_tested_where_the_options_name_them():
    calls = simulated_days(6, seed=1, drop=0.3).with_columns(
        call_targets=pl.lit([QUEUE_LEG], dtype=et.sample_logs().calls.schema["call_targets"])
    )
    options = et.MetricOptions(queue_numbers=["8100"])

    queues = findings(last_week(calls), history=calls, options=options).table

    assert "8100" in queues.filter(dimension="queue")["group"]
    without = findings(last_week(calls), history=calls).table
    assert "queue" not in without["dimension"]


def test_code_reproduces_the_value():
    calls = simulated_days(6, seed=1, drop=0.3)
    week = last_week(calls)

    table = findings(week, history=calls, by="hour", measures="answer_rate").table

    names = {"et": et, "calls": week, "options": et.MetricOptions()}
    for row in table.iter_rows(named=True):
        assert eval(row["code"], names).value == pytest.approx(row["value"])  # noqa: S307


@pytest.mark.slow
def test_ordinary_week_has_no_findings():
    calls = simulated_days(6, seed=2)

    result = findings(last_week(calls), history=calls)

    assert result.verdict == "nothing stands out"
    assert result.table.is_empty()
    assert result.tests > 2


def test_equal_values_are_no_evidence():
    """They differ from their mean in the last bits only."""
    sizes = pl.Series([3.0, 7.0, 11.0, 13.0, 17.0, 19.0])
    is_period = pl.Series([True, True, False, False, False, False])

    assert permutation_p_values(pl.Series([1] * 6), is_period, [sizes * 0.1], [sizes]) == [1.0]


@pytest.mark.slow
def test_one_week_against_one_week_cannot_tell():
    calls = simulated_days(2, seed=3, drop=0.5)

    result = findings(last_week(calls), history=calls)

    assert (result.verdict, result.permutations) == ("cannot tell", 2**7)
    assert findings(calls).verdict == "cannot tell"
    assert findings(calls.clear(), history=calls).verdict == "cannot tell"


def test_small_groups_are_not_tested():
    calls = simulated_days(6, seed=4)
    few = last_week(calls).filter(pl.col("started_at").dt.minute() < 2)

    assert findings(few, history=calls, by="hour", measures="calls").tests == 0


@pytest.mark.slow
def test_result_is_the_same_each_time_and_with_a_selection():
    calls = simulated_days(6, seed=1, drop=0.3)
    week = last_week(calls)

    first = findings(week, history=calls)

    assert first == findings(week, history=calls)
    assert first == findings(Selection(week), history=Selection(calls))
    assert findings(week, history=calls, limit=1).table.height == 1


def test_p_value_is_that_of_all_permutations():
    """Eight days of one weekday: all 70 choices of four can be computed."""
    totals = [3.0, 5.0, 4.0, 9.0, 8.0, 2.0, 7.0, 6.0]
    is_period = pl.Series([True, False, False, True, True, False, True, False])
    weekdays = pl.Series([1] * 8)

    (p_value,) = permutation_p_values(
        weekdays, is_period, [pl.Series(totals)], [pl.Series([1.0] * 8)], permutations=200_000
    )

    sums = [sum(chosen) for chosen in itertools.combinations(totals, 4)]
    middle = sum(totals) / 2
    observed = abs(3 + 9 + 8 + 7 - middle)
    exact = sum(abs(each - middle) >= observed for each in sums) / len(sums)
    assert len(sums) == math.comb(8, 4) == permutation_count(pl.Series([1] * 4), pl.Series([1] * 4))
    assert p_value == pytest.approx(exact, abs=0.005)
    assert exact == pytest.approx(
        stats.permutation_test(
            ([3, 9, 8, 7], [5, 4, 2, 6]),
            lambda one, other: abs(sum(one) - sum(other)),
            permutation_type="independent",
            n_resamples=math.inf,
            alternative="greater",
            vectorized=False,
        ).pvalue
    )


@pytest.mark.slow
@needs_real_calls
def test_random_halves_of_real_days_have_few_findings():
    calls = et.metrics.inward(real_calls())
    options = et.MetricOptions(time_zone="Asia/Jerusalem")
    days = calls.with_columns(
        day=pl.col("started_at").dt.convert_time_zone("Asia/Jerusalem").dt.date()
    ).partition_by("day", as_dict=True, include_key=False)
    names = sorted(day for (day,) in days)
    rng = random.Random(21)
    halves = 0
    for _ in range(10):
        chosen = [day for place in range(7) for day in rng.sample(names[place::7], 2)]
        half = pl.concat(days[(day,)] for day in chosen)
        halves += findings(half, history=calls, options=options).verdict == "found"
    assert halves <= 3  # 1 of 10 at most is expected; 4 or more in 1.3 % of such samples


def test_arguments_that_cannot_be_meant():
    calls = et.sample_logs().calls
    with pytest.raises(InputError, match="limit"):
        findings(calls, limit=0)
    with pytest.raises(UnknownName):
        findings(calls, by="hours")
    with pytest.raises(UnknownName):
        findings(calls, measures="answer_rat")
