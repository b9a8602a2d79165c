"""Erlang formulas match published and exact values; the table matches a Python implementation."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from random import Random
from statistics import mean, stdev
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew, t
from support.call_cases import call as one_call
from support.call_cases import frame, talk
from support.examples import examples

from etelecom_analytics import schema
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import MetricOptions, Selection
from etelecom_analytics.metrics.confidence import mean_interval
from etelecom_analytics.metrics.erlang_formulas import (
    agents_needed,
    erlang_b,
    erlang_c,
    erlang_c_asa,
    erlang_c_service_level,
)
from etelecom_analytics.metrics.staffing import agents_by_interval
from etelecom_analytics.simulator import Simulation

HOME = "Asia/Ho_Chi_Minh"
loads = st.floats(0.001, 200)


# Erlang's formulas.


@pytest.mark.parametrize(
    ("traffic", "agents", "talk_s", "threshold_s", "b", "c", "asa_s", "level"),
    [
        (20, 24, 180, 20, 0.0660967170, 0.2980722998, 13.413253, 0.80888189),
        (10, 14, 180, 20, 0.0568191434, 0.1741319336, 7.835937, 0.88835002),
        (5, 8, 300, 15, 0.0700478522, 0.1672665067, 16.726651, 0.85603238),
    ],
)
def test_published_values(
    traffic: float,
    agents: int,
    talk_s: float,
    threshold_s: float,
    b: float,
    c: float,
    asa_s: float,
    level: float,
):
    assert erlang_b(traffic, agents) == pytest.approx(b, abs=6e-11)
    assert erlang_c(traffic, agents) == pytest.approx(c, abs=6e-11)
    assert erlang_c_asa(traffic, agents, talk_s) == pytest.approx(asa_s, abs=6e-7)
    assert erlang_c_service_level(traffic, agents, talk_s, threshold_s) == pytest.approx(
        level, abs=6e-9
    )
    assert agents_needed(traffic, talk_s, threshold_s=threshold_s) == agents


def test_exact_values():
    assert erlang_b(1, 2) == pytest.approx(1 / 5, rel=1e-15)
    assert erlang_c(1, 2) == pytest.approx(1 / 3, rel=1e-15)
    assert erlang_b(3, 5) == pytest.approx(81 / 736, rel=1e-15)


@given(traffic=st.fractions(Fraction(1, 100), 60, max_denominator=100), lines=st.integers(0, 70))
def test_erlang_b_matches_the_closed_formula(traffic: Fraction, lines: int):
    """(A^n / n!) / sum of A^k / k!, in fractions."""
    terms = [traffic**k / math.factorial(k) for k in range(lines + 1)]

    assert erlang_b(float(traffic), lines) == pytest.approx(
        float(terms[-1] / sum(terms)), rel=1e-12
    )


@given(traffic=loads, more=st.integers(1, 30))
def test_erlang_c_matches_the_closed_formula(traffic: float, more: int):
    """1 / (1 + (1 - A / n) * (n! / A^n) * sum of A^k / k! for k < n), in logarithms."""
    agents = math.floor(traffic) + more
    ratios = [
        math.exp((k - agents) * math.log(traffic) + math.lgamma(agents + 1) - math.lgamma(k + 1))
        for k in range(agents)
    ]

    assert erlang_c(traffic, agents) == pytest.approx(
        1 / (1 + (1 - traffic / agents) * math.fsum(ratios)), rel=1e-9
    )


def test_ten_thousand_erlangs():
    """B(A, A) is close to sqrt(2 / (pi * A))."""
    assert erlang_b(10_000, 10_000) == pytest.approx(math.sqrt(2 / (math.pi * 10_000)), rel=0.01)
    assert 0 < erlang_c(10_000, 10_050) < 1
    assert 10_000 < agents_needed(10_000, 180, target=0.95) < 10_200
    assert erlang_b(10_000, 30_000) == 0
    assert erlang_b(0.001, 500) == 0


@given(traffic=loads, agents=st.integers(1, 250))
def test_shares_are_within_0_and_1_and_improve_with_more_agents(traffic: float, agents: int):
    assert 0 <= erlang_b(traffic, agents) <= erlang_c(traffic, agents) <= 1
    assert erlang_b(traffic, agents + 1) <= erlang_b(traffic, agents)
    assert erlang_c(traffic, agents + 1) <= erlang_c(traffic, agents)
    assert erlang_c_asa(traffic, agents + 1, 150) <= erlang_c_asa(traffic, agents, 150)
    level, next_level = (erlang_c_service_level(traffic, n, 150, 20) for n in (agents, agents + 1))
    assert 0 <= level <= next_level <= 1


def test_more_load_than_agents_gives_infinite_waits():
    assert erlang_c(5, 5) == erlang_c(5.5, 5) == 1
    assert erlang_c_asa(5, 5, 180) == math.inf
    assert erlang_c_service_level(5, 5, 180, 20) == 0
    assert erlang_c(0, 0) == 1


def test_no_traffic_needs_no_agents():
    assert erlang_b(0, 0) == 1
    assert erlang_b(0, 3) == erlang_c(0, 3) == erlang_c_asa(0, 3, 180) == 0
    assert erlang_c_service_level(0, 3, 180, 0) == 1
    assert agents_needed(0, 180) == 0


@given(
    traffic=loads,
    talk_s=st.floats(1, 2000),
    threshold_s=st.floats(0, 300),
    target=st.floats(0.01, 0.999),
)
def test_agents_needed_is_the_minimum(
    traffic: float, talk_s: float, threshold_s: float, target: float
):
    agents = agents_needed(traffic, talk_s, threshold_s=threshold_s, target=target)

    assert erlang_c_service_level(traffic, agents, talk_s, threshold_s) >= target - 1e-12
    assert erlang_c_service_level(traffic, agents - 1, talk_s, threshold_s) < target + 1e-12


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: erlang_b(-1, 2), "traffic must be a finite number of 0 or more"),
        (lambda: erlang_b(math.nan, 2), "traffic must be a finite number"),
        (lambda: erlang_c(math.inf, 2), "traffic must be a finite number"),
        (lambda: erlang_b(True, 2), "traffic must be a finite number"),
        (lambda: erlang_b(1, 2.0), "lines must be an integer of at least 0"),  # type: ignore[arg-type]
        (lambda: erlang_b(1, -1), "lines must be an integer"),
        (lambda: erlang_c(1, "2"), "agents must be an integer"),  # type: ignore[arg-type]
        (lambda: erlang_c_asa(1, 2, 0), "talk_s must be the mean talk in seconds"),
        (lambda: erlang_c_service_level(1, 2, 180, -1), "threshold_s must be a finite number"),
        (lambda: erlang_c_service_level(1, 2, None, 20), "talk_s must be a finite number"),  # type: ignore[arg-type]
        (lambda: agents_needed(1, 180, target=1), "No number of agents guarantees 100 %"),
        (lambda: agents_needed(1, 180, target=0), "between 0 and 1"),
    ],
)
def test_invalid_arguments_raise_helpful_errors(function: Callable[[], object], message: str):
    with pytest.raises(InputError, match=message):
        function()


# Agents by interval.


def local(day: date, hour: float, time_zone: str = HOME) -> datetime:
    return datetime.combine(day, datetime.min.time(), ZoneInfo(time_zone)) + timedelta(hours=hour)


def calls_at(
    moments: Sequence[datetime], *, talk_s: int | None = 100, direction: str = "in"
) -> pl.DataFrame:
    """Calls with these starts, answered after 5 s, or missed if `talk_s` is None."""
    rows = [
        {
            "id": f"{position}",
            "direction": direction,
            "started_at": moment,
            "ended_at": moment + timedelta(seconds=talk_s or 30),
            "call_state": "not_answered" if talk_s is None else "answered",
            "duration": talk_s or 0,
            "call_targets": [],
        }
        for position, moment in enumerate(moments)
    ]
    return pl.DataFrame(rows, schema=dict(schema.CALL_SCHEMA))


MONDAY = date(2026, 11, 2)


def test_agents_of_one_hour():
    """400 calls per hour with 180 s of talk are 20 Erlangs. They need 24 agents for 80 / 20."""
    day = [local(MONDAY, 9 + position / 400) for position in range(400)]
    table = agents_by_interval(calls_at(day, talk_s=180))
    row = table.row(9, named=True)

    assert table.height == 24
    assert (row["days"], row["calls"], row["arrivals"], row["talk_s"], row["traffic"]) == (
        1,
        400,
        400,
        180,
        20,
    )
    assert (row["agents_needed"], row["agents"], row["load_per_agent"]) == (24, 24, 20 / 24)
    assert row["asa_s"] == pytest.approx(13.413253, abs=6e-7)
    assert row["service_level"] == pytest.approx(0.80888189, abs=6e-9)
    assert (row["more_load_than_agents"], row["uneven"], row["few_days"]) == (False, None, True)


def test_quarter_hours_and_another_target():
    day = [local(MONDAY, 9.25 + position / 400) for position in range(100)]
    row = agents_by_interval(calls_at(day, talk_s=180), interval="quarter_hour", target=0.95).row(
        37, named=True
    )

    assert (row["quarter_hour"], row["calls"], row["traffic"]) == (37, 100, 20)
    assert row["agents_needed"] == agents_needed(20, 180, target=0.95) > 24


def test_too_few_agents_are_flagged():
    day = [local(MONDAY, 9 + position / 400) for position in range(400)]

    table = agents_by_interval(calls_at(day, talk_s=180), agents=20)
    row, empty = table.row(9, named=True), table.row(3, named=True)
    assert (row["agents_needed"], row["agents"], row["load_per_agent"]) == (24, 20, 1)
    assert (row["asa_s"], row["service_level"], row["more_load_than_agents"]) == (None, 0, True)
    assert (empty["agents_needed"], empty["agents"], empty["load_per_agent"], empty["asa_s"]) == (
        0,
        20,
        0,
        None,
    )
    assert (empty["service_level"], empty["more_load_than_agents"]) == (None, False)
    more = agents_by_interval(calls_at(day, talk_s=180), agents=21).row(9, named=True)
    assert (more["asa_s"], more["more_load_than_agents"]) == (
        pytest.approx(erlang_c_asa(20, 21, 180)),
        False,
    )


def test_days_without_calls_count():
    """Two days with 60 calls each, and two days without calls between them."""
    days = [
        local(MONDAY + timedelta(days), 9 + position / 60)
        for days in (0, 3)
        for position in range(60)
    ]
    row = agents_by_interval(calls_at(days)).row(9, named=True)

    assert (row["days"], row["calls"], row["arrivals"]) == (4, 120, 30)


def test_other_directions_add_days_but_no_arrivals():
    inbound = calls_at([local(MONDAY, 9)])
    outbound = calls_at([local(MONDAY + timedelta(1), 9)], direction="out")
    row = agents_by_interval(pl.concat([inbound, outbound])).row(9, named=True)

    assert (row["days"], row["calls"], row["arrivals"]) == (2, 1, 0.5)


def test_weekdays_are_separate_rows():
    days = [local(MONDAY + timedelta(days), 9) for days in (0, 7, 8)]
    table = agents_by_interval(calls_at(days), by_weekday=True)

    assert table.height == 7 * 24
    at_9 = table.filter(pl.col("hour") == 9).select("weekday", "days", "calls", "arrivals").rows()
    assert at_9 == [(1, 2, 2, 1), (2, 2, 1, 0.5), *((weekday, 1, 0, 0) for weekday in range(3, 8))]


def test_talk_is_agent_talk_if_legs_report_it():
    through_ivr = one_call(
        "1",
        talk("9000", 0, 1, 30),
        talk("101", 30, 40, 100),
        state="answered",
        start=0,
        ended=100,
        duration=90,
    )
    without_legs = one_call("2", state="answered", start=10, ended=200, duration=120)
    row = agents_by_interval(
        frame(through_ivr, without_legs), options=MetricOptions(ivr_numbers=("9000",))
    ).row(8, named=True)

    assert row["talk_s"] == (60 + 120) / 2
    assert (row["talk_low_s"], row["talk_high_s"]) == (None, None)  # of two talks


def test_an_hour_without_talks_uses_the_overall_mean():
    calls = pl.concat(
        [calls_at([local(MONDAY, 9)], talk_s=100), calls_at([local(MONDAY, 10)], talk_s=None)]
    )
    row = agents_by_interval(calls).row(10, named=True)

    assert (row["calls"], row["talk_s"], row["talk_low_s"]) == (1, 100, None)


def test_without_any_talk_the_traffic_is_unknown():
    table = agents_by_interval(calls_at([local(MONDAY, 9)], talk_s=None))
    row, empty = table.row(9, named=True), table.row(3, named=True)

    assert (row["calls"], row["talk_s"], row["traffic"], row["agents_needed"], row["asa_s"]) == (
        1,
        None,
        None,
        None,
        None,
    )
    assert (empty["calls"], empty["traffic"], empty["agents_needed"]) == (0, 0, 0)


def test_skipped_and_repeated_hours():
    """In Berlin, 02:00 to 03:00 is skipped on 29 March 2026 and repeated on 25 October."""
    spring = [
        local(date(2026, 3, 28), 2.5, "Europe/Berlin"),
        local(date(2026, 3, 30), 2.5, "Europe/Berlin"),
    ]
    autumn = [
        local(date(2026, 10, 24), 2.5, "Europe/Berlin"),
        local(date(2026, 10, 25), 5, "Europe/Berlin"),
    ]
    berlin = MetricOptions(time_zone="Europe/Berlin")

    in_spring = agents_by_interval(calls_at(spring), options=berlin).row(2, named=True)
    assert (in_spring["days"], in_spring["calls"], in_spring["arrivals"]) == (2, 2, 1)
    in_autumn = agents_by_interval(calls_at(autumn), options=berlin).row(2, named=True)
    assert (in_autumn["days"], in_autumn["calls"], in_autumn["arrivals"]) == (
        2,
        1,
        pytest.approx(1 / 3),
    )


def test_a_repeated_hour_is_expected_to_have_twice_the_calls():
    days = [local(date(2026, 10, 24), 2.5, "Europe/Berlin")]
    days += [datetime(2026, 10, 25, hour, 30, tzinfo=ZoneInfo("UTC")) for hour in (0, 1)]
    row = agents_by_interval(calls_at(days), options=MetricOptions(time_zone="Europe/Berlin")).row(
        2, named=True
    )

    assert (row["calls"], row["arrivals"], row["dispersion"]) == (3, 1, 0)


# Uneven arrivals.


def poisson(rng: Random, expected: float) -> int:
    """A Poisson random number: how many exponential gaps fit into 1."""
    count, total = 0, rng.expovariate(expected)
    while total < 1:
        count, total = count + 1, total + rng.expovariate(expected)
    return count


@pytest.mark.slow
def test_about_one_percent_of_poisson_arrivals_are_uneven():
    rng, days = Random(5), 30
    flags: list[bool] = []
    for _ in range(20):
        moments = [
            local(MONDAY + timedelta(day), hour)
            for day in range(days)
            for hour in range(24)
            for _ in range(poisson(rng, 6))
        ]
        table = agents_by_interval(calls_at(moments))
        flags += table["uneven"].to_list()
        assert 0.5 < table["dispersion"].mean() < 1.5
    assert len(flags) == 480
    assert 1 <= sum(flags) <= 12


def test_days_that_differ_are_uneven():
    """10 and 30 calls in turn."""
    moments = [
        local(MONDAY + timedelta(day), 9) for day in range(6) for _ in range(30 if day % 2 else 10)
    ]
    row = agents_by_interval(calls_at(moments)).row(9, named=True)

    assert row["dispersion"] == 6 * 100 / 20 / 5
    assert (row["uneven"], row["few_days"]) == (True, False)


@pytest.mark.parametrize(("counts", "uneven"), [((30, 13), True), ((30, 14), False)])
def test_two_days_have_one_degree_of_freedom(counts: tuple[int, int], uneven: bool):
    """Chi-square is 6.72 and 5.82. The critical value at 1 % is 6.63."""
    moments = [
        local(MONDAY + timedelta(day), 9) for day, count in enumerate(counts) for _ in range(count)
    ]

    assert agents_by_interval(calls_at(moments)).row(9, named=True)["uneven"] is uneven


@pytest.mark.parametrize(("days", "few"), [(1, True), (4, True), (5, False)])
def test_fewer_than_five_days_are_few(days: int, few: bool):
    assert agents_by_interval(calls_at([local(MONDAY + timedelta(day), 9) for day in range(days)]))[
        "few_days"
    ].unique().to_list() == [few]


def test_equal_days_are_not_uneven():
    row = agents_by_interval(
        calls_at([local(MONDAY + timedelta(day), 9) for day in range(6) for _ in range(20)])
    ).row(9, named=True)

    assert (row["dispersion"], row["uneven"]) == (0, False)


# Comparison with Python, and invariants.


def test_measured_values_match_a_python_implementation(simulation: Simulation):
    options = MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    known = simulation.calls.join(simulation.truth.calls, left_on="id", right_on="call_id").filter(
        pl.col("direction") == "in", ~pl.col("running")
    )
    counts, talks = Counter(), {}
    for row in known.to_dicts():
        at = row["started_at"].astimezone(ZoneInfo(HOME))
        counts[at.hour, at.date()] += 1
        if row["answered"]:
            talks.setdefault(at.hour, []).append(row["talk_s"])

    for row in agents_by_interval(simulation.calls, options=options).to_dicts():
        a_day = [counts[row["hour"], MONDAY + timedelta(day)] for day in range(7)]
        assert (row["days"], row["calls"]) == (7, sum(a_day))
        assert row["arrivals"] == pytest.approx(mean(a_day))
        n, phi = sum(a_day), 1.0
        if sum(a_day):
            phi = sum((x - mean(a_day)) ** 2 for x in a_day) / mean(a_day) / 6
            assert row["dispersion"] == pytest.approx(phi)
        # Score interval: n is t standard deviations away from either bound.
        t95 = float(t.ppf(0.975, 6))
        for bound in (7 * row["arrivals_low"], 7 * row["arrivals_high"]):
            assert abs(n - bound) == pytest.approx(t95 * math.sqrt(max(phi, 1) * bound), abs=1e-9)
        hour_talks = talks.get(row["hour"], [])
        if hour_talks:
            ends = (row["talk_low_s"], row["talk_high_s"])
            if len(hour_talks) < 20:
                assert ends == (None, None)
            else:
                moments = mean(hour_talks), stdev(hour_talks) ** 2, float(skew(hour_talks))
                assert ends == pytest.approx(tuple(mean_interval(*moments, len(hour_talks))))
            assert row["talk_s"] == pytest.approx(mean(hour_talks))
            assert row["traffic"] == pytest.approx(mean(a_day) * mean(hour_talks) / 3600)


@pytest.mark.slow
def test_selections_and_lazy_frames_give_the_same_result(calls: pl.DataFrame):
    expected = agents_by_interval(calls)

    assert agents_by_interval(Selection(calls)).equals(expected)
    assert agents_by_interval(calls.lazy()).equals(expected)


@pytest.mark.slow
@examples(8)
@given(seed=st.integers(0, 99), by_weekday=st.booleans())
def test_agents_do_not_depend_on_row_order(seed: int, by_weekday: bool, calls: pl.DataFrame):
    some = calls.sample(200, seed=seed)

    shuffled = some.sample(fraction=1, shuffle=True, seed=seed)
    assert agents_by_interval(shuffled, by_weekday=by_weekday).equals(
        agents_by_interval(some, by_weekday=by_weekday)
    )


@pytest.mark.slow
@pytest.mark.parametrize("by_weekday", [False, True])
def test_no_calls_and_null_rows_give_the_same_schema(by_weekday: bool, calls: pl.DataFrame):
    expected = agents_by_interval(calls, by_weekday=by_weekday).schema

    for empty in (calls.clear(), calls.clear(1), calls.clear(3)):
        assert agents_by_interval(empty, by_weekday=by_weekday).is_empty()
        assert agents_by_interval(empty, by_weekday=by_weekday).schema == expected
    assert agents_by_interval(calls.head(1), by_weekday=by_weekday).schema == expected
    assert agents_by_interval(calls.head(1)).height == 24


def test_invalid_options_raise_helpful_errors(calls: pl.DataFrame):
    with pytest.raises(UnknownName, match="Did you mean quarter_hour"):
        agents_by_interval(calls, interval="quarter")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="between 0 and 1"):
        agents_by_interval(calls, target=80)
    with pytest.raises(InputError, match="agents must be an integer of at least 1"):
        agents_by_interval(calls, agents=0)


def test_there_is_no_column_occupancy(calls: pl.DataFrame):
    """Call logs do not contain occupancy; the table has the load of the model instead."""
    columns: Any = agents_by_interval(calls).columns

    assert "occupancy" not in columns
    assert "load_per_agent" in columns
