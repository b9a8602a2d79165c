"""Intervals and tests of a change that include how much days differ from each other.

Calls of one day share what that day was like, so intervals of independent calls are far too narrow
for the question whether performance changed. Here the day is the unit.
"""

from typing import TYPE_CHECKING, Literal, NamedTuple

import polars as pl

from .confidence import NO_INTERVAL, Interval
from .registry import Measure, Ratio, Total

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "MIN_DAYS",
    "MIN_HISTORY_DAYS",
    "Change",
    "Scale",
    "change_between_days",
    "change_from_history",
    "dispersion",
    "interval_of_days",
    "smallest_change",
]

MIN_DAYS = 5
"""A side with fewer days needs a history."""
MIN_HISTORY_DAYS = 21
_MIN_FREEDOM = 3
_POWER = 0.8
_MAX_STEPS, _TOLERANCE = 50, 1e-12

Scale = Literal["difference", "ratio"]


class Change(NamedTuple):
    """The change from one set of days to another.

    Attributes:
        value: after - before, or after / before for a count.
        interval: its 95 % interval.
        p_value: the two-sided p-value of no change.
        smallest: the smallest change in the direction of better or worse that a comparison of
            these days notices in 80 % of cases, on the same scale as `value`.
        scale: "difference", or "ratio" for a count.
        weekdays_left_out: weekdays (1 = Monday) that only one side has.
    """

    value: float
    interval: Interval
    p_value: float
    smallest: float
    scale: Scale
    weekdays_left_out: tuple[int, ...] = ()


def change_between_days(
    before: pl.DataFrame, after: pl.DataFrame, measure: Measure
) -> Change | None:
    """The change adjusted for weekdays; None with too few days.

    A share, mean or quantile: weighted least squares of the days' values on the weekday and the
    side, weighted by n, with HC2 standard errors (J. G. MacKinnon and H. White, Some
    Heteroskedasticity-Consistent Covariance Matrix Estimators, Journal of Econometrics 29, 1985).
    A count: quasi-Poisson regression on the same terms (P. McCullagh and J. A. Nelder, Generalized
    Linear Models, 1989). Both use Student's t with days - weekdays - 1 degrees of freedom.

    Args:
        before: days with the columns of `day_values.DAY_COLUMNS`.
        after: the same of the other side.
        measure: the measure of these days.
    """
    import numpy as np

    if min(before.height, after.height) < MIN_DAYS:
        return None
    weekdays = set(before["weekday"]) & set(after["weekday"])
    left_out = (set(before["weekday"]) | set(after["weekday"])) - weekdays
    is_sum = isinstance(measure.aggregation, Total)
    if is_sum:  # the mean of a weekday without any call is 0, which says nothing of a ratio
        both = pl.concat([before, after])
        weekdays &= set(both.filter(pl.col("total").sum().over("weekday") > 0)["weekday"])
    sides = [before, after]
    if left_out or len(weekdays) < before["weekday"].n_unique():
        sides = [side.filter(pl.col("weekday").is_in(weekdays)) for side in sides]
    days = pl.concat(sides)
    freedom = days.height - len(weekdays) - 1
    if freedom < _MIN_FREEDOM:
        return None
    terms = np.column_stack(
        [
            *(days["weekday"].to_numpy() == weekday for weekday in sorted(weekdays)),
            np.repeat([0.0, 1.0], [side.height for side in sides]),
        ]
    ).astype(float)
    totals, n = days["total"].to_numpy(), days["n"].to_numpy()
    if is_sum:
        fit = _poisson_side(terms, totals, freedom)
    else:
        fit = _least_squares_side(terms, totals / n, n)
    if fit is None or (fit[1] == 0 and fit[0] != 0):  # days without any spread prove nothing
        return None
    change = _change(*fit, freedom, ratio=is_sum)
    return change._replace(weekdays_left_out=tuple(sorted(left_out)))


def change_from_history(
    before: pl.DataFrame, after: pl.DataFrame, history: pl.DataFrame, measure: Measure
) -> Change | None:
    """The change of few days, judged by how much the days of a longer history differ.

    The dispersion of the history around its weekdays widens the interval of independent calls; None
    if the history has fewer than `MIN_HISTORY_DAYS` days, or a side has no values.

    Args:
        before: days with the columns of `day_values.DAY_COLUMNS`.
        after: the same of the other side.
        history: the same of all days, the two sides included.
        measure: the measure of these days.
    """
    import numpy as np

    if history.height < MIN_HISTORY_DAYS or not (before.height and after.height):
        return None
    freedom = history.height - history["weekday"].n_unique()
    spread = dispersion(history, measure)
    (total_1, n_1), (total_2, n_2) = (
        (float(side["total"].sum()), float(side["n"].sum())) for side in (before, after)
    )
    if isinstance(measure.aggregation, Total):
        if not (total_1 and total_2):
            return None
        value = float(np.log((total_2 / n_2) / (total_1 / n_1)))
        error = float(np.sqrt(spread * (1 / total_1 + 1 / total_2)))
        return _change(value, error, freedom, ratio=True)
    if isinstance(measure.aggregation, Ratio):
        pooled = (total_1 + total_2) / (n_1 + n_2)
        spread *= pooled * (1 - pooled)
    value, error = total_2 / n_2 - total_1 / n_1, float(np.sqrt(spread * (1 / n_1 + 1 / n_2)))
    return None if error == 0 and value != 0 else _change(value, error, freedom, ratio=False)


def dispersion(days: pl.DataFrame, measure: Measure) -> float:
    """How much more the days of a weekday differ than independent calls would.

    For shares and counts phi, Pearson's chi-squared over its degrees of freedom, at least 1. For
    means and quantiles kappa, the weighted variance of a day's value around that of its weekday, in
    squared units of the measure.
    """
    of_weekday = pl.col("total", "n").sum().over("weekday")
    sums = days.with_columns(of_weekday.name.prefix("weekday_"))
    total, n = pl.col("total"), pl.col("n")
    mean = pl.col("weekday_total") / pl.col("weekday_n")
    freedom = days.height - days["weekday"].n_unique()
    match measure.aggregation:
        case Ratio():
            variance = n * mean * (1 - mean)
        case Total():
            variance = n * mean
        case _:
            return float(sums.select((n * (total / n - mean) ** 2).sum()).item()) / freedom
    terms = pl.when(variance > 0).then((total - n * mean) ** 2 / variance)
    return max(1.0, float(sums.select(terms.sum()).item()) / freedom)


def interval_of_days(days: pl.DataFrame, value: float, measure: Measure) -> Interval:
    """The 95 % interval of the value of these days, from how much they differ.

    The ratio estimator of a cluster sample with days as clusters (W. G. Cochran, Sampling
    Techniques, 1977, section 9A). It describes these days, and says nothing of a change. Unknown
    with fewer than `MIN_DAYS` days.
    """
    import numpy as np
    from scipy import special

    count = days.height
    if count < MIN_DAYS:
        return NO_INTERVAL
    totals, n = days["total"].to_numpy(), days["n"].to_numpy()
    ratio = totals.sum() / n.sum()
    variance = count / (count - 1) * ((totals - ratio * n) ** 2).sum() / n.sum() ** 2
    reach = float(special.stdtrit(count - 1, 0.975) * np.sqrt(variance))
    if isinstance(measure.aggregation, Total):
        reach *= count
    low, high = max(value - reach, 0.0), value + reach
    return Interval(low, min(high, 1.0) if isinstance(measure.aggregation, Ratio) else high)


def smallest_change(error: float, freedom: int) -> float:
    """The change that a two-sided test at 5 % notices in 80 % of cases, from its standard error."""
    from scipy import special

    return float((special.stdtrit(freedom, 0.975) + special.stdtrit(freedom, _POWER)) * error)


def _change(value: float, error: float, freedom: int, *, ratio: bool) -> Change:
    """The change from a coefficient and its standard error; of a ratio, both are logarithms."""
    import numpy as np
    from scipy import special

    reach = float(special.stdtrit(freedom, 0.975)) * error
    p_value = float(2 * special.stdtr(freedom, -abs(value) / error)) if error > 0 else 1.0
    smallest = smallest_change(error, freedom)
    if not ratio:
        return Change(
            value, Interval(value - reach, value + reach), p_value, smallest, "difference"
        )
    low, middle, high, smallest = (
        float(np.exp(end)) for end in (value - reach, value, value + reach, smallest)
    )
    return Change(middle, Interval(low, high), p_value, smallest, "ratio")


def _least_squares_side(
    terms: "Floats", values: "Floats", weights: "Floats"
) -> tuple[float, float]:
    """The coefficient of the last term, and its HC2 standard error."""
    import numpy as np

    roots = np.sqrt(weights)
    scaled, inverse = terms * roots[:, None], np.linalg.pinv((terms.T * weights) @ terms)
    coefficients = inverse @ (terms.T @ (weights * values))
    residuals = roots * (values - terms @ coefficients)
    leverages = np.einsum("ij,jk,ik->i", scaled, inverse, scaled)
    # A day that alone decides a coefficient has leverage 1 and no residual.
    free = 1 - leverages > 1e-9
    squares = np.where(free, residuals**2 / np.where(free, 1 - leverages, 1), 0.0)
    covariance = inverse @ ((scaled.T * squares) @ scaled) @ inverse
    coefficient, error = coefficients[-1], np.sqrt(max(covariance[-1, -1], 0.0))
    rounding = 1e-12 * np.abs(values).max()
    coefficient, error = (
        float(each) if abs(each) > rounding else 0.0 for each in (coefficient, error)
    )
    return coefficient, error


def _poisson_side(terms: "Floats", counts: "Floats", freedom: int) -> tuple[float, float] | None:
    """The log ratio of the last term, and its quasi-Poisson standard error.

    By iteratively reweighted least squares; None where a side has no counts.
    """
    import numpy as np

    if not all(counts[side > 0].sum() > 0 for side in (terms[:, -1], 1 - terms[:, -1])):
        return None
    means = counts + 0.5
    for _ in range(_MAX_STEPS):
        response = np.log(means) + (counts - means) / means
        inverse = np.linalg.pinv((terms.T * means) @ terms)
        coefficients = inverse @ (terms.T @ (means * response))
        previous, means = means, np.exp(terms @ coefficients)
        if np.max(np.abs(means - previous) / means) < _TOLERANCE:
            break
    spread = max(1.0, float(((counts - means) ** 2 / means).sum() / freedom))
    inverse = np.linalg.pinv((terms.T * means) @ terms)
    return float(coefficients[-1]), float(np.sqrt(spread * inverse[-1, -1]))
