"""Permutations of days within weekdays, for p-values without assumptions about distributions."""

from collections.abc import Sequence
from math import comb
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = ["permutation_count", "permutation_p_values"]

_SEED = 20_261_129
_ROUNDING = 1e-9


def permutation_count(period: pl.Series, others: pl.Series) -> int:
    """The number of ways to choose the days of the period among all days of the same weekdays.

    Args:
        period: the weekday of each day of the period.
        others: the weekday of each other day.
    """
    count = 1
    for weekday in period.unique():
        chosen = int((period == weekday).sum())
        count *= comb(chosen + int((others == weekday).sum()), chosen)
    return count


def permutation_p_values(
    weekdays: pl.Series,
    is_period: pl.Series,
    totals: Sequence[pl.Series],
    sizes: Sequence[pl.Series],
    *,
    permutations: int = 9_999,
) -> list[float]:
    """The two-sided p-value of each test of whether the days of the period differ from the others.

    The statistic is the mean difference of the period's days from their weekday, weighted by size.
    A p-value is the share of random choices of as many days of each weekday, the real one included,
    with a statistic at least as far from 0. The choices are the same for all tests and all runs.

    Args:
        weekdays: the weekday of each day.
        is_period: whether each day is of the period.
        totals: of each test, the total of each day; 0 where it has no values.
        sizes: of each test, what the totals are of: the value of a day is total / size.
        permutations: the number of random choices.
    """
    import numpy as np

    days = weekdays.to_numpy()
    chosen = is_period.to_numpy().astype(bool)
    y = np.column_stack([total.to_numpy() for total in totals])
    n = np.column_stack([size.to_numpy() for size in sizes])
    residuals = y.copy()
    for weekday in np.unique(days):
        rows = days == weekday
        size = n[rows].sum(axis=0)
        mean = np.divide(y[rows].sum(axis=0), size, out=np.zeros_like(size), where=size > 0)
        residuals[rows] -= n[rows] * mean
    # Equal values differ from their mean by rounding only, which is no evidence of anything.
    residuals[np.abs(residuals) < _ROUNDING * np.abs(y).max(axis=0)] = 0.0
    choices = np.vstack([chosen, _choices(days, chosen, permutations)]).astype(np.float64)
    sums, counts = choices @ residuals, choices @ n
    statistics = np.abs(np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0))
    is_extreme = statistics >= statistics[0] * (1 - _ROUNDING)
    return [float(share) for share in is_extreme.mean(axis=0)]


def _choices(days: "Floats", chosen: "Flags", count: int) -> "Flags":
    """Random choices of as many days of each weekday, one per row."""
    import numpy as np

    rng = np.random.default_rng(_SEED)
    result = np.zeros((count, len(days)), dtype=bool)
    for weekday in np.unique(days):
        places = np.flatnonzero(days == weekday)
        wanted = int(chosen[places].sum())
        order = rng.random((count, len(places))).argsort(axis=1)
        result[:, places] = order < wanted
    return result
