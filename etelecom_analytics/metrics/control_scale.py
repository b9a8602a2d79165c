"""The scale on which days of a measure are about normal, and how much they vary on it.

Shares are compared as arcsin(sqrt(p)) (F. J. Anscombe, The Transformation of Poisson, Binomial and
Negative-Binomial Data, Biometrika 35, 1948), counts and times as logarithms: a time that doubles is
as unusual as one that halves. Without this, ordinary days of a skewed measure would be alarms.
"""

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from .registry import Measure, Ratio, Total

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["UsualDays", "from_scale", "scale_slope", "to_scale", "usual_days"]

_OFFSET = 0.5
"""Added before the logarithm, since a count can be 0."""

_STEPS, _MAX_VARIANCE = 60, 1e3
_SHARES = 21


class UsualDays(NamedTuple):
    """What is usual for some days, on the scale: the middle and sigma of each, and the freedom.

    Sigma includes that the middle is an estimate. The degrees of freedom are those of Student's t.
    """

    middle: "Floats"
    sigma: "Floats"
    freedom: int


def to_scale(values: "Floats", measure: Measure) -> "Floats":
    """The values on the scale of the measure."""
    import numpy as np

    if isinstance(measure.aggregation, Ratio):
        return np.arcsin(np.sqrt(np.clip(values, 0, 1)))
    return np.log(values + _OFFSET)


def from_scale(scaled: "Floats", measure: Measure) -> "Floats":
    """The values of the measure, within its range."""
    import numpy as np

    if isinstance(measure.aggregation, Ratio):
        return np.sin(np.clip(scaled, 0, np.pi / 2)) ** 2
    return np.maximum(np.exp(scaled) - _OFFSET, 0)


def scale_slope(scaled: "Floats", measure: Measure) -> "Floats":
    """How much the measure changes where its value on the scale changes a little."""
    import numpy as np

    if isinstance(measure.aggregation, Ratio):
        return np.sin(2 * np.clip(scaled, 0, np.pi / 2))
    return np.exp(scaled)


def usual_days(baseline: pl.DataFrame, days: pl.DataFrame, measure: Measure) -> UsualDays:
    """What is usual for these days, from the days of a baseline.

    The variance of a day around its weekday is that of independent calls, which falls with their
    number, plus that of the days themselves, which does not. For shares and counts the first is
    known, and the second is such that chi-squared equals its degrees of freedom (R. C. Paule, J.
    Mandel, Consensus Values and Weighting Factors, 1982). For times both are estimated. The
    variance of a day is that times 1 + 1 / k, for k days of its weekday in the baseline.
    """
    import numpy as np

    value, n = (baseline["total"] / baseline["n"]).to_numpy(), baseline["n"].to_numpy()
    scaled, weekday = to_scale(value, measure), baseline["weekday"].to_numpy()
    overall = float(np.average(scaled, weights=n))
    weekdays, place = np.unique(weekday, return_inverse=True)
    sums, counts = np.bincount(place, n), np.bincount(place)
    middles = np.bincount(place, scaled * n) / sums
    residuals, freedom = scaled - middles[place], len(scaled) - len(weekdays)
    middle = dict(zip(weekdays.tolist(), middles.tolist(), strict=True))
    count = dict(zip(weekdays.tolist(), counts.tolist(), strict=True))
    of_day = days["weekday"].to_list()
    expected = np.array([middle.get(each, overall) for each in of_day], dtype=float)
    estimated = np.array([1 + 1 / count.get(each, 1) for each in of_day], dtype=float)
    of_calls, of_days = _variances(residuals, n, scaled - residuals, freedom, measure)
    variance = of_calls * _of_one(days["n"].to_numpy(), expected, measure) + of_days
    return UsualDays(expected, np.sqrt(variance * estimated), freedom)


def _of_one(n: "Floats", middle: "Floats", measure: Measure) -> "Floats":
    """The variance of independent calls on the scale; for times, without the factor of a call."""
    import numpy as np

    if isinstance(measure.aggregation, Ratio):
        return 1 / (4 * n)
    if isinstance(measure.aggregation, Total):
        return np.exp(-middle)
    return 1 / n


def _variances(
    residuals: "Floats", n: "Floats", middle: "Floats", freedom: int, measure: Measure
) -> tuple[float, float]:
    """The factor of the variance of independent calls, and the variance of days."""
    squares, known = residuals**2, _of_one(n, middle, measure)
    if not isinstance(measure.aggregation, Ratio | Total):
        return _unknown_variances(squares, known, freedom)
    low, high = 0.0, _MAX_VARIANCE
    for _ in range(_STEPS):
        between = (low + high) / 2
        if (squares / (known + between)).sum() > freedom:
            low = between
        else:
            high = between
    return 1.0, high if high > _MAX_VARIANCE / 2**_STEPS else 0.0


def _unknown_variances(squares: "Floats", known: "Floats", freedom: int) -> tuple[float, float]:
    """The same where the variance of one call is unknown: a mean over its possible shares.

    Each share of the first part has the weight of its likelihood, since a few weeks of days say
    little about the share.
    """
    import numpy as np

    typical = float(np.median(known))
    shares = np.linspace(0, 1, _SHARES)[:, None]
    shapes = 1 - shares + shares * known / typical
    factors = (squares / shapes).sum(axis=1) / freedom
    if factors.min() <= 0:  # days that never differ
        return 0.0, 0.0
    likelihood = -(freedom * np.log(factors) + np.log(shapes).sum(axis=1)) / 2
    weights = np.exp(likelihood - likelihood.max())
    weighted = factors * weights / weights.sum()
    of_calls = float((weighted * shares[:, 0]).sum())
    return of_calls / typical, float(weighted.sum()) - of_calls
