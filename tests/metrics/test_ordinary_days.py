"""On ordinary days few alarms and verdicts are false, and planted changes are found.

These are short forms of `tests/benchmarks/uncertainty.py`, with bounds that fit their size.
"""

import numpy as np
import polars as pl
import pytest
from support.ordinary_days import (
    Days,
    alarm_counts,
    is_changed,
    quarter_of,
    simulated_days,
    step_is_found,
    weeks_of,
)
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et

MEASURES = ("offered", "answer_rate", "asa_s")


@pytest.fixture(scope="module")
def days() -> Days:
    """21 weeks of the preset "busy", with about 50 inbound calls a day."""
    return simulated_days([3], MEASURES, calls=10_500, days=147)


@pytest.mark.slow
def test_quarters_seldom_have_more_than_one_alarm(days: Days):
    """At most 3 of 30 are expected; quarters share days, so their number varies more."""
    rng = np.random.default_rng(1)

    several = [
        alarm_counts(name, *quarter_of(days[name], rng)) > 1 for name in MEASURES for _ in range(10)
    ]

    assert sum(several) <= 8


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURES)
def test_step_of_three_and_a_half_sigmas_is_found_within_two_days(name: str, days: Days):
    rng = np.random.default_rng(2)

    is_noticed = [
        step_is_found(name, *quarter_of(days[name], rng), sign * 3.5, int(rng.integers(85)))
        for sign in (-1, 1)
        for _ in range(10)
    ]

    assert sum(is_noticed) >= 15  # 18 of 20 are expected; 14 or fewer in 1.1 % of such samples


@pytest.mark.slow
def test_verdicts_on_one_week_against_another(days: Days):
    rng = np.random.default_rng(4)
    pairs = [weeks_of(days["answer_rate"], (1, 1), rng) for _ in range(40)]

    def changed(drop: float) -> int:
        return sum(
            is_changed("answer_rate", pair.head(7), pair.tail(7), 1 - drop) for pair in pairs
        )

    assert changed(0.0) <= 6  # 2 of 40 are expected; 7 or more in 0.3 % of such samples
    assert changed(0.3) >= 34
    assert changed(0.0) < changed(0.1) < changed(0.3)


@pytest.mark.slow
@needs_real_calls
def test_random_halves_of_one_real_day_seldom_differ():
    calls = et.metrics.inward(real_calls())
    day = pl.col("started_at").dt.convert_time_zone("Asia/Jerusalem").dt.date()
    one_day = calls.filter(day == day.mode().first())
    names = ["answer_rate", "asa_s", "talk_avg_s"]
    flagged = dict.fromkeys(names, 0)
    for seed in range(40):
        is_after = pl.Series(np.random.default_rng(seed).random(one_day.height) < 0.5)
        table = et.metrics.compare(
            one_day.filter(~is_after), one_day.filter(is_after), names, uncertainty="calls"
        )
        for name, p_value in table.select("measure", "p_value").iter_rows():
            flagged[name] += p_value <= 0.05

    assert max(flagged.values()) <= 6  # 2 of 40 are expected; 7 or more in 0.3 % of such samples
