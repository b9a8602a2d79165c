"""Intervals contain the true value as often as docs/uncertainty.md states; a part of its table."""

import math

import numpy as np
import polars as pl
import pytest
from benchmarks.interval_coverage import (
    OFFERED,
    RATE,
    TALK,
    WAIT_P90,
    of_arrivals,
    of_calls,
    of_changes,
    of_counts,
    of_days,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.metrics.call_estimates import _estimate, _statistics
from etelecom_analytics.metrics.confidence import mean_interval


@pytest.mark.parametrize(
    ("n", "shape", "least"),
    [(20, "log-normal", 0.89), (20, "exponential", 0.91), (200, "log-normal", 0.91)],
)
def test_mean_of_skewed_values(n: int, shape: str, least: float):
    """The interval mean ± t * sd / sqrt(n) covers 0.87 of 20 log-normal talks."""
    covered, unknown = of_calls(TALK, n, shape, 600)

    assert unknown == 0
    assert least < covered < 0.98


def test_uncorrected_interval_would_not_cover():
    x = np.random.default_rng(1).lognormal(5, 1, (1_000, 20))
    reach = stats.t.ppf(0.975, 19) * x.std(axis=1, ddof=1) / math.sqrt(20)

    assert (np.abs(x.mean(axis=1) - math.exp(5.5)) <= reach).mean() < 0.89


@needs_real_calls
@pytest.mark.parametrize("fact", ["talk_s", "answered_wait_s", "abandoned_wait_s"])
def test_mean_of_twenty_real_calls(fact: str):
    values = et.metrics.facts(real_calls())[fact].drop_nulls().to_numpy()
    samples = np.random.default_rng(3).choice(values, (1_000, 20))
    moments = zip(
        samples.mean(axis=1), samples.var(axis=1, ddof=1), stats.skew(samples, axis=1), strict=True
    )
    intervals = [mean_interval(*each, 20) for each in moments]
    inside = [low <= values.mean() <= high for low, high in intervals]

    assert 0.9 < np.mean(inside) < 0.98


def test_too_few_values_have_no_interval():
    assert of_calls(TALK, 19, "exponential", 20)[1] == 1


@given(
    mean=st.floats(1, 1_000),
    cv=st.floats(0.1, 3),
    skewness=st.floats(-4, 8),
    size=st.integers(20, 5_000),
)
def test_mean_interval_solves_the_transformation(
    mean: float, cv: float, skewness: float, size: int
):
    """The ends by a root finder, from Hall's polynomial of the distance in standard deviations."""
    interval = mean_interval(mean, (mean * cv) ** 2, skewness, size)
    quantile = stats.t.ppf(0.975, size - 1) / math.sqrt(size)

    def distance(value: float) -> float:
        def polynomial(x: float) -> float:
            cubic = x + skewness * x**2 / 3 + skewness**2 * x**3 / 27
            return float(cubic + skewness / (6 * size) - value)

        return float(optimize.brentq(polynomial, -1e4, 1e4, xtol=1e-13))

    low, high = (mean - mean * cv * distance(sign * quantile) for sign in (1, -1))
    assert interval.low == pytest.approx(max(low, 0), rel=1e-4, abs=1e-4 * mean)
    assert interval.high == pytest.approx(high, rel=1e-4, abs=1e-4 * mean)


def test_interval_of_symmetric_values_is_that_of_student():
    low, high = mean_interval(100, 400, 0.0, 25)
    expected = stats.t.interval(0.95, 24, loc=100, scale=20 / 5)

    assert (low, high) == pytest.approx(expected)


def test_skewness_is_that_of_scipy():
    values = np.random.default_rng(2).lognormal(5, 1, 300).round(3)
    (statistics,) = (
        pl.DataFrame({"talk_s": values}).select(_statistics(TALK, summed=False)).to_series()
    )

    expected = mean_interval(values.mean(), values.var(ddof=1), float(stats.skew(values)), 300)
    assert tuple(_estimate(TALK, statistics).interval) == pytest.approx(tuple(expected), rel=1e-9)


def test_shares_counts_and_quantiles():
    assert 0.9 < of_calls(RATE, 20, "0.8", 400)[0] < 0.99
    assert 0.92 < of_counts(20, 2_000)[0] < 0.985
    assert 0.92 < of_calls(WAIT_P90, 200, "", 400)[0] < 0.98


@pytest.mark.slow
@pytest.mark.parametrize("each", [RATE, OFFERED], ids=lambda each: each.name)
def test_intervals_of_days(each: et.metrics.Measure):
    assert of_days(each, 7, 200)[0] > 0.9
    assert of_changes(each, 7, 7, 100)[0] > 0.87
    assert of_changes(each, 1, 1, 100)[0] > 0.87


def test_arrivals():
    covered, unknown = of_arrivals(7, 1_000)

    assert unknown == 0
    assert 0.92 < covered < 0.985
