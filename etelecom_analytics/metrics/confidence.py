"""95 % confidence intervals of shares, counts and means, and of the difference of two values."""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple, TypeVar

import polars as pl

from ..errors import InputError
from ..phone_numbers import describe

__all__ = [
    "MIN_MEAN_VALUES",
    "NO_INTERVAL",
    "SIGNIFICANCE",
    "Z95",
    "confidence_level",
    "z_of",
    "Interval",
    "count_interval",
    "difference_interval",
    "mean_interval",
    "p_value_of",
    "share_interval",
    "student_t95",
    "welch_interval",
    "wilson",
    "false_discovery_rates",
]

Z95 = 1.959963984540054
"""The two-sided 95 % quantile of the normal distribution."""

SIGNIFICANCE = 0.05
"""The largest p-value or q-value of a difference."""

MIN_MEAN_VALUES = 20
"""With fewer values, the interval may cover the mean of skewed values too seldom."""

_SYMMETRIC = 1e-6

Number = TypeVar("Number", float, pl.Expr)


class Interval(NamedTuple):
    """The lower and the upper end; None if unknown."""

    low: float | None
    high: float | None


NO_INTERVAL = Interval(None, None)


def confidence_level(confidence: object) -> float | None:
    """The level of the argument `confidence`: None for False, 0.95 for True, else the number.

    Raises:
        InputError: it is no number between 0 and 1.
    """
    if isinstance(confidence, bool):
        return 0.95 if confidence else None
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise InputError(
            "confidence is False, True for 95 %, or a level between 0 and 1 such as 0.9; "
            f"got {describe(confidence)}."
        )
    return confidence


def z_of(level: float) -> float:
    """The quantile of the normal distribution for a two-sided interval of this level."""
    return Z95 if level == 0.95 else NormalDist().inv_cdf((1 + level) / 2)


def wilson(
    numerator: pl.Expr, denominator: pl.Expr, *, level: float = 0.95
) -> tuple[pl.Expr, pl.Expr]:
    """The ends of Wilson's score interval of a share, within 0 and 1.

    Both are null where the denominator is 0. E. B. Wilson, Probable Inference, the Law of
    Succession, and Statistical Inference, JASA 22 (1927).

    Examples:
        >>> low, high = et.metrics.wilson(pl.lit(86), pl.lit(100))
        >>> [round(end, 3) for end in pl.select(low=low, high=high).row(0)]
        [0.779, 0.915]
    """
    for counts in (numerator, denominator):
        if not isinstance(counts, pl.Expr):
            raise InputError(
                f'wilson takes two expressions, such as pl.col("answered"); got {describe(counts)}.'
            )
    if isinstance(level, bool):
        raise InputError(f"level is a number between 0 and 1, such as 0.95; got {level}.")
    z = z_of(confidence_level(level) or 0.95)
    n = pl.when(denominator > 0).then(denominator.cast(pl.Float64))
    share = numerator / n
    low, high = _score_ends(share, n, z, pl.Expr.sqrt)
    # Rounding must not put the share itself outside: without this, 0 would be below its interval.
    return pl.min_horizontal(low.clip(0, 1), share), pl.max_horizontal(high.clip(0, 1), share)


def share_interval(numerator: int, denominator: int) -> Interval:
    """Wilson's interval of a share, from two numbers: that of `wilson` to the last digit."""
    if denominator <= 0:
        return NO_INTERVAL
    share = numerator / denominator
    low, high = _score_ends(share, float(denominator), Z95, math.sqrt)
    return Interval(min(max(low, 0.0), share), max(min(high, 1.0), share))


def _score_ends(
    share: Number, n: Number, z: float, sqrt: Callable[[Number], Number]
) -> tuple[Number, Number]:
    """The ends of Wilson's interval, before rounding errors are cut."""
    spread = z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    middle, whole = share + z**2 / (2 * n), 1 + z**2 / n
    return (middle - spread) / whole, (middle + spread) / whole


def count_interval(count: int) -> Interval:
    """The interval of a count of independent events (Poisson), by Byar's approximation.

    N. E. Breslow and N. E. Day, Statistical Methods in Cancer Research II (1987), formula 2.13;
    within 0.03 of the exact ends. Calls that arrive in waves, as after an advertisement, vary more.
    """
    low, high = (
        (n * (1 - 1 / (9 * n) + sign * Z95 / (3 * math.sqrt(n))) ** 3 if n else 0.0)
        for n, sign in ((count, -1), (count + 1, 1))
    )
    return Interval(max(low, 0.0), high)


def difference_interval(
    before: float, before_interval: Interval, after: float, after_interval: Interval
) -> Interval:
    """The interval of after - before, from the interval of each, by "square and add".

    From Wilson's intervals of two shares it is the interval of R. G. Newcombe, Interval Estimation
    for the Difference between Independent Proportions, Statistics in Medicine 17 (1998), method 10,
    without continuity correction. For any two independent values it is that of G. Y. Zou and
    A. Donner, Construction of Confidence Limits about Effect Measures, Statistics in Medicine 27
    (2008).
    """
    difference = after - before
    below = _hypotenuse(
        _distance(after, after_interval.low), _distance(before, before_interval.high)
    )
    above = _hypotenuse(
        _distance(after, after_interval.high), _distance(before, before_interval.low)
    )
    return Interval(
        None if below is None else difference - below, None if above is None else difference + above
    )


def mean_interval(
    mean: float, variance: float, skewness: float, size: int, *, level: float = 0.95
) -> Interval:
    """The interval of a mean of values of at least 0, corrected for skewness.

    Talks and waits are skewed: a few long ones make the mean, and most samples have too few of
    them, so that mean ± t * sd / sqrt(n) covers 88 % with 20 talks. The mean divided by its
    standard error is transformed by a cubic polynomial that removes the skewness: P. Hall, On the
    Removal of Skewness by Transformation, JRSS B 54 (1992); here with Student's t for the normal
    quantile. Unknown with fewer than `MIN_MEAN_VALUES` values.

    Args:
        mean: the sample mean.
        variance: the sample variance, divided by size - 1.
        skewness: the sample skewness, the third central moment / the second^1.5.
        size: the number of values.
        level: the confidence level.
    """
    from scipy import special

    if size < MIN_MEAN_VALUES:
        return NO_INTERVAL
    root = math.sqrt(size)
    quantile = float(special.stdtrit(size - 1, (1 + level) / 2)) / root
    low, high = (
        mean - math.sqrt(variance) * _unskewed(sign * quantile, skewness, size) for sign in (1, -1)
    )
    return Interval(max(low, 0.0), high)


def _unskewed(value: float, skewness: float, size: int) -> float:
    """The root of x + g x^2 / 3 + g^2 x^3 / 27 + g / (6 n) = value, with g the skewness."""
    shifted = value - skewness / (6 * size)
    if abs(skewness) < _SYMMETRIC:
        return shifted
    return (math.cbrt(1 + skewness * shifted) - 1) * 3 / skewness


def welch_interval(
    difference: float, variances: tuple[float, float], sizes: tuple[int, int]
) -> Interval:
    """The interval of the difference of two means, from the sample variances and sizes.

    The variances may differ. B. L. Welch, The Generalization of "Student's" Problem when Several
    Different Population Variances are Involved, Biometrika 34 (1947); degrees of freedom by
    Satterthwaite. None if one of the samples has fewer than two values.
    """
    if min(sizes) < 2:  # one value has no variance
        return NO_INTERVAL
    parts = [variance / size for variance, size in zip(variances, sizes, strict=True)]
    if sum(parts) == 0:
        return Interval(difference, difference)
    freedom = sum(parts) ** 2 / sum(
        part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True)
    )
    reach = student_t95(freedom) * math.sqrt(sum(parts))
    return Interval(difference - reach, difference + reach)


def student_t95(freedom: float) -> float:
    """The 97.5 % quantile of Student's t for any degrees of freedom, also fractional."""
    from scipy import special

    return float(special.stdtrit(freedom, 0.975))


def p_value_of(difference: float, interval: Interval) -> float:
    """The p-value of no difference, from its 95 % interval; 0.05 where the interval ends at 0.

    It takes the difference as normal, with the spread that the interval has towards 0.
    """
    if interval.low is None or interval.high is None or difference == 0:
        return 1.0
    reach = difference - interval.low if difference > 0 else interval.high - difference
    return 2 * NormalDist().cdf(-Z95 * abs(difference) / reach) if reach else 0.0


def _distance(value: float, end: float | None) -> float | None:
    return None if end is None else value - end


def _hypotenuse(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else math.hypot(one, other)


def false_discovery_rates(p_values: Sequence[float]) -> list[float]:
    """The q-value of each p-value: the share of false findings if it and all smaller ones count.

    The step-up procedure of Y. Benjamini and Y. Hochberg, Controlling the False Discovery Rate,
    Journal of the Royal Statistical Society B 57, 1995. The same as
    `scipy.stats.false_discovery_control`, whose module takes about half a second to import.
    """
    count, lowest, rates = len(p_values), 1.0, [1.0] * len(p_values)
    order = sorted(range(count), key=p_values.__getitem__)
    for rank in range(count, 0, -1):
        position = order[rank - 1]
        lowest = min(lowest, p_values[position] * (count / rank))
        rates[position] = lowest
    return rates
