"""Intervals of shares, counts, means and differences, against scipy and statsmodels."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import proportion, weightstats
from support.examples import examples

from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import wilson
from etelecom_analytics.metrics.confidence import (
    count_interval,
    difference_interval,
    share_interval,
    student_t95,
    welch_interval,
)

counts = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@examples(60)
@given(share=counts, level=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_is_that_of_statsmodels(share: tuple[int, int], level: float):
    ends = pl.select(pl.concat_list(wilson(*(pl.lit(n) for n in share), level=level))).item()

    expected = proportion.proportion_confint(*share, alpha=1 - level, method="wilson")
    if level == 0.95:
        assert share_interval(*share) == tuple(ends)
    assert ends.to_list() == pytest.approx(list(expected), abs=1e-12)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 20, 200, 5_000])
def test_byar_is_close_to_the_exact_interval_of_scipy(count: int):
    interval = count_interval(count)
    exact = (
        stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0,
        stats.chi2.ppf(0.975, 2 * count + 2) / 2,
    )

    assert interval.low == pytest.approx(exact[0], abs=0.03)
    assert interval.high == pytest.approx(exact[1], abs=0.03)


@examples(60)
@given(before=counts, after=counts)
def test_newcombe_is_that_of_statsmodels(before: tuple[int, int], after: tuple[int, int]):
    interval = difference_interval(
        before[0] / before[1],
        share_interval(*before),
        after[0] / after[1],
        share_interval(*after),
    )

    expected = proportion.confint_proportions_2indep(*after, *before, method="newcomb")
    assert list(interval) == pytest.approx(list(expected), abs=1e-9)


values = st.lists(st.floats(0, 1_000).map(lambda x: round(x, 3)), min_size=2, max_size=40)


@examples(60)
@given(before=values, after=values)
def test_welch_is_that_of_statsmodels(before: list[float], after: list[float]):
    samples = [weightstats.DescrStatsW(values) for values in (after, before)]
    variances = [
        sum((x - math.fsum(values) / len(values)) ** 2 for x in values) / (len(values) - 1)
        for values in (before, after)
    ]
    if sum(variances) < 1e-6:
        return
    interval = welch_interval(
        samples[0].mean - samples[1].mean,
        (variances[0], variances[1]),
        (len(before), len(after)),
    )

    expected = weightstats.CompareMeans(*samples).tconfint_diff(usevar="unequal")
    assert list(interval) == pytest.approx(list(expected), rel=1e-6, abs=1e-6)


@examples(60)
@given(freedom=st.floats(1, 1e5))
def test_quantiles_of_student_are_those_of_scipy(freedom: float):
    assert student_t95(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)


@pytest.mark.parametrize("level", [True, False, 0, 1, 95, "0.9", None])
def test_the_level_of_wilson_is_between_0_and_1(level: object):
    with pytest.raises(InputError, match=r"^(level|confidence) is"):
        wilson(pl.lit(1), pl.lit(2), level=level)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="two expressions"):
        wilson(1, pl.lit(2))  # type: ignore[arg-type]
