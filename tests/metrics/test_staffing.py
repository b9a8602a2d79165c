"""Staffing: published values, exact ones, what must hold for any load, and the table of a day against a plain reckoning."""

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
from cases import call as one_call
from cases import frame, talk
from hypothesis import given
from hypothesis import strategies as st

from etelecom_analytics import schema
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import MetricOptions, Selection
from etelecom_analytics.metrics.staffing import (
    _chi_square_tail,
    agents_by_interval,
    agents_needed,
    erlang_b,
    erlang_c,
    erlang_c_asa,
    erlang_c_service_level,
)
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
def test_known_values(
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
def test_erlang_b_is_the_sum_that_erlang_wrote(traffic: Fraction, lines: int):
    """(A^n / n!) / sum of A^k / k!, in fractions."""
    terms = [traffic**k / math.factorial(k) for k in range(lines + 1)]

    assert erlang_b(float(traffic), lines) == pytest.approx(
        float(terms[-1] / sum(terms)), rel=1e-12
    )


@given(traffic=loads, more=st.integers(1, 30))
def test_erlang_c_is_that_of_the_queue(traffic: float, more: int):
    """1 / (1 + (1 - A / n) * (n! / A^n) * sum of A^k / k! for k < n), in logarithms."""
    agents = math.floor(traffic) + more
    ratios = [
        math.exp((k - agents) * math.log(traffic) + math.lgamma(agents + 1) - math.lgamma(k + 1))
        for k in range(agents)
    ]

    assert erlang_c(traffic, agents) == pytest.approx(
        1 / (1 + (1 - traffic / agents) * math.fsum(ratios)), rel=1e-9
    )


def test_ten_thousand_erlangs_are_no_trouble():
    """B(A, A) comes near sqrt(2 / (pi * A))."""
    assert erlang_b(10_000, 10_000) == pytest.approx(math.sqrt(2 / (math.pi * 10_000)), rel=0.01)
    assert 0 < erlang_c(10_000, 10_050) < 1
    assert 10_000 < agents_needed(10_000, 180, target=0.95) < 10_200
    assert erlang_b(10_000, 30_000) == 0
    assert erlang_b(0.001, 500) == 0


@given(traffic=loads, agents=st.integers(1, 250))
def test_shares_are_shares_and_more_agents_help(traffic: float, agents: int):
    assert 0 <= erlang_b(traffic, agents) <= erlang_c(traffic, agents) <= 1
    assert erlang_b(traffic, agents + 1) <= erlang_b(traffic, agents)
    assert erlang_c(traffic, agents + 1) <= erlang_c(traffic, agents)
    assert erlang_c_asa(traffic, agents + 1, 150) <= erlang_c_asa(traffic, agents, 150)
    level, next_level = (erlang_c_service_level(traffic, n, 150, 20) for n in (agents, agents + 1))
    assert 0 <= level <= next_level <= 1


def test_more_load_than_agents_waits_without_end():
    assert erlang_c(5, 5) == erlang_c(5.5, 5) == 1
    assert erlang_c_asa(5, 5, 180) == math.inf
    assert erlang_c_service_level(5, 5, 180, 20) == 0
    assert erlang_c(0, 0) == 1


def test_no_calls_need_nobody():
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
def test_the_agents_needed_are_the_fewest(
    traffic: float, talk_s: float, threshold_s: float, target: float
):
    agents = agents_needed(traffic, talk_s, threshold_s=threshold_s, target=target)

    assert erlang_c_service_level(traffic, agents, talk_s, threshold_s) >= target - 1e-12
    assert erlang_c_service_level(traffic, agents - 1, talk_s, threshold_s) < target + 1e-12


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (lambda: erlang_b(-1, 2), "traffic is a number, 0 or more"),
        (lambda: erlang_b(math.nan, 2), "traffic is a number"),
        (lambda: erlang_c(math.inf, 2), "traffic is a number"),
        (lambda: erlang_b(True, 2), "traffic is a number"),
        (lambda: erlang_b(1, 2.0), "lines is a whole number, 0 or more"),  # type: ignore[arg-type]
        (lambda: erlang_b(1, -1), "lines is a whole number"),
        (lambda: erlang_c(1, "2"), "agents is a whole number"),  # type: ignore[arg-type]
        (lambda: erlang_c_asa(1, 2, 0), "talk_s is the mean talk in seconds"),
        (lambda: erlang_c_service_level(1, 2, 180, -1), "threshold_s is a number"),
        (lambda: erlang_c_service_level(1, 2, None, 20), "talk_s is a number"),  # type: ignore[arg-type]
        (lambda: agents_needed(1, 180, target=1), "No number of agents promises all"),
        (lambda: agents_needed(1, 180, target=0), "between 0 and 1"),
    ],
)
def test_what_is_no_load_is_an_error_that_helps(of: Callable[[], object], says: str):
    with pytest.raises(InputError, match=says):
        of()


@pytest.mark.parametrize(
    ("value", "degrees", "tail"),
    [(6.634897, 1, 0.01), (9.210340, 2, 0.01), (11.344867, 3, 0.01), (16.811894, 6, 0.01), (49.587884, 29, 0.01), (3.841459, 1, 0.05),
     (42.556968, 29, 0.05), (0.0, 4, 1.0), (0.0, 1, 1.0), (1e6, 5, 0.0)],
)  # fmt: skip
def test_the_tail_of_chi_square_is_that_of_the_tables(value: float, degrees: int, tail: float):
    assert _chi_square_tail(value, degrees) == pytest.approx(tail, abs=1e-8)


def test_the_tail_of_chi_square_with_many_degrees():
    """Where exp(-value / 2) alone is 0; against Wilson and Hilferty's cube root."""
    cube = ((1550 / 1500) ** (1 / 3) - (1 - 2 / 13_500)) / math.sqrt(2 / 13_500)

    assert _chi_square_tail(1550, 1500) == pytest.approx(
        math.erfc(cube / math.sqrt(2)) / 2, abs=1e-5
    )


# The table of the day.


def local(day: date, hour: float, time_zone: str = HOME) -> datetime:
    return datetime.combine(day, datetime.min.time(), ZoneInfo(time_zone)) + timedelta(hours=hour)


def calls_at(
    moments: Sequence[datetime], *, talk_s: int | None = 100, direction: str = "in"
) -> pl.DataFrame:
    """Calls of these starts, answered after 5 s; missed where no talk is given."""
    rows = [
        {
            "id": f"{place}",
            "direction": direction,
            "started_at": moment,
            "ended_at": moment + timedelta(seconds=talk_s or 30),
            "call_state": "not_answered" if talk_s is None else "answered",
            "duration": talk_s or 0,
            "call_targets": [],
        }
        for place, moment in enumerate(moments)
    ]
    return pl.DataFrame(rows, schema=dict(schema.CALL_SCHEMA))


MONDAY = date(2026, 11, 2)


def test_an_hour_by_hand():
    """400 calls an hour with 180 s of talk are 20 Erlangs, which need 24 agents for 80 % within 20 s."""
    day = [local(MONDAY, 9 + place / 400) for place in range(400)]
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


def test_the_same_in_quarters_of_an_hour_and_with_another_target():
    day = [local(MONDAY, 9.25 + place / 400) for place in range(100)]
    row = agents_by_interval(calls_at(day, talk_s=180), interval="quarter_hour", target=0.95).row(
        37, named=True
    )

    assert (row["quarter_hour"], row["calls"], row["traffic"]) == (37, 100, 20)
    assert row["agents_needed"] == agents_needed(20, 180, target=0.95) > 24


def test_given_agents_who_are_too_few_are_marked():
    day = [local(MONDAY, 9 + place / 400) for place in range(400)]

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
    """Two days with 60 calls, and two between them."""
    days = [
        local(MONDAY + timedelta(days), 9 + place / 60) for days in (0, 3) for place in range(60)
    ]
    row = agents_by_interval(calls_at(days)).row(9, named=True)

    assert (row["days"], row["calls"], row["arrivals"]) == (4, 120, 30)


def test_days_with_calls_of_other_directions_count_and_these_calls_do_not():
    inbound = calls_at([local(MONDAY, 9)])
    outbound = calls_at([local(MONDAY + timedelta(1), 9)], direction="out")
    row = agents_by_interval(pl.concat([inbound, outbound])).row(9, named=True)

    assert (row["days"], row["calls"], row["arrivals"]) == (2, 1, 0.5)


def test_weekdays_apart():
    days = [local(MONDAY + timedelta(days), 9) for days in (0, 7, 8)]
    table = agents_by_interval(calls_at(days), by_weekday=True)

    assert table.height == 7 * 24
    at_9 = table.filter(pl.col("hour") == 9).select("weekday", "days", "calls", "arrivals").rows()
    assert at_9 == [(1, 2, 2, 1), (2, 2, 1, 0.5), *((weekday, 1, 0, 0) for weekday in range(3, 8))]


def test_talk_is_that_of_agents_where_legs_tell_it():
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
    assert (row["talk_low_s"], row["talk_high_s"]) == pytest.approx(
        (90 - 1.959963984540054 * 30, 90 + 1.959963984540054 * 30)
    )


def test_an_hour_without_talks_has_the_mean_of_all():
    calls = pl.concat(
        [calls_at([local(MONDAY, 9)], talk_s=100), calls_at([local(MONDAY, 10)], talk_s=None)]
    )
    row = agents_by_interval(calls).row(10, named=True)

    assert (row["calls"], row["talk_s"], row["talk_low_s"]) == (1, 100, None)


def test_where_nobody_talked_nothing_is_known():
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


def test_hours_that_the_clocks_skip_or_repeat():
    """In Berlin 02:00 to 03:00 was not on 29 March 2026, and came twice on 25 October."""
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


def test_an_hour_that_lasted_for_two_is_expected_to_have_twice_the_calls():
    days = [local(date(2026, 10, 24), 2.5, "Europe/Berlin")]
    days += [datetime(2026, 10, 25, hour, 30, tzinfo=ZoneInfo("UTC")) for hour in (0, 1)]
    row = agents_by_interval(calls_at(days), options=MetricOptions(time_zone="Europe/Berlin")).row(
        2, named=True
    )

    assert (row["calls"], row["arrivals"], row["dispersion"]) == (3, 1, 0)


# Uneven arrivals.


def poisson(rng: Random, expected: float) -> int:
    """How many exponential gaps fit into one."""
    count, left = 0, rng.expovariate(expected)
    while left < 1:
        count, left = count + 1, left + rng.expovariate(expected)
    return count


def test_poisson_arrivals_are_called_uneven_about_once_in_a_hundred():
    rng, days = Random(5), 30
    marks: list[bool] = []
    for _ in range(20):
        moments = [
            local(MONDAY + timedelta(day), hour)
            for day in range(days)
            for hour in range(24)
            for _ in range(poisson(rng, 6))
        ]
        table = agents_by_interval(calls_at(moments))
        marks += table["uneven"].to_list()
        assert 0.5 < table["dispersion"].mean() < 1.5
    assert len(marks) == 480
    assert 1 <= sum(marks) <= 12


def test_days_that_differ_are_called_uneven():
    """10 and 30 calls in turn."""
    moments = [
        local(MONDAY + timedelta(day), 9) for day in range(6) for _ in range(30 if day % 2 else 10)
    ]
    row = agents_by_interval(calls_at(moments)).row(9, named=True)

    assert row["dispersion"] == 6 * 100 / 20 / 5
    assert (row["uneven"], row["few_days"]) == (True, False)


@pytest.mark.parametrize(("counts", "uneven"), [((30, 13), True), ((30, 14), False)])
def test_of_two_days_there_is_one_degree_of_freedom(counts: tuple[int, int], uneven: bool):
    """Chi-square is 6.72 and 5.82; 6.63 is exceeded once in a hundred times."""
    moments = [
        local(MONDAY + timedelta(day), 9) for day, count in enumerate(counts) for _ in range(count)
    ]

    assert agents_by_interval(calls_at(moments)).row(9, named=True)["uneven"] is uneven


@pytest.mark.parametrize(("days", "few"), [(1, True), (4, True), (5, False)])
def test_fewer_than_five_days_are_few(days: int, few: bool):
    assert agents_by_interval(calls_at([local(MONDAY + timedelta(day), 9) for day in range(days)]))[
        "few_days"
    ].unique().to_list() == [few]


def test_days_that_are_alike_are_not_uneven():
    row = agents_by_interval(
        calls_at([local(MONDAY + timedelta(day), 9) for day in range(6) for _ in range(20)])
    ).row(9, named=True)

    assert (row["dispersion"], row["uneven"]) == (0, False)


# Against plain Python, and for any calls.


def test_what_was_measured_agrees_with_a_plain_reckoning(simulation: Simulation):
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
        n, z = sum(a_day), 1.959963984540054
        for bound in (
            7 * row["arrivals_low"],
            7 * row["arrivals_high"],
        ):  # the rates from which n is z standard deviations away
            assert abs(n - bound) == pytest.approx(z * math.sqrt(bound), abs=1e-9)
        if sum(a_day):
            assert row["dispersion"] == pytest.approx(
                sum((x - mean(a_day)) ** 2 for x in a_day) / mean(a_day) / 6
            )
        of_hour = talks.get(row["hour"], [])
        if len(of_hour) > 1:
            doubt = z * stdev(of_hour) / math.sqrt(len(of_hour))
            expected = (mean(of_hour), max(0, mean(of_hour) - doubt), mean(of_hour) + doubt)
            assert (row["talk_s"], row["talk_low_s"], row["talk_high_s"]) == pytest.approx(expected)
            assert row["traffic"] == pytest.approx(mean(a_day) * mean(of_hour) / 3600)


def test_a_selection_and_a_lazy_frame_give_the_same(calls: pl.DataFrame):
    expected = agents_by_interval(calls)

    assert agents_by_interval(Selection(calls)).equals(expected)
    assert agents_by_interval(calls.lazy()).equals(expected)


@given(seed=st.integers(0, 99), by_weekday=st.booleans())
def test_the_order_of_calls_changes_nothing(seed: int, by_weekday: bool, calls: pl.DataFrame):
    some = calls.sample(200, seed=seed)

    shuffled = some.sample(fraction=1, shuffle=True, seed=seed)
    assert agents_by_interval(shuffled, by_weekday=by_weekday).equals(
        agents_by_interval(some, by_weekday=by_weekday)
    )


@pytest.mark.parametrize("by_weekday", [False, True])
def test_nothing_and_nulls_give_the_same_types(by_weekday: bool, calls: pl.DataFrame):
    expected = agents_by_interval(calls, by_weekday=by_weekday).schema

    for nothing in (calls.clear(), calls.clear(1), calls.clear(3)):
        assert agents_by_interval(nothing, by_weekday=by_weekday).is_empty()
        assert agents_by_interval(nothing, by_weekday=by_weekday).schema == expected
    assert agents_by_interval(calls.head(1), by_weekday=by_weekday).schema == expected
    assert agents_by_interval(calls.head(1)).height == 24


def test_what_cannot_be_staffed_is_an_error_that_helps(calls: pl.DataFrame):
    with pytest.raises(UnknownName, match="Did you mean quarter_hour"):
        agents_by_interval(calls, interval="quarter")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="between 0 and 1"):
        agents_by_interval(calls, target=80)
    with pytest.raises(InputError, match="agents is a whole number, 1 or more"):
        agents_by_interval(calls, agents=0)


def test_occupancy_is_not_named(calls: pl.DataFrame):
    """It is not in the record; the model's own load is."""
    columns: Any = agents_by_interval(calls).columns

    assert "occupancy" not in columns
    assert "load_per_agent" in columns
