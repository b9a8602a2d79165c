"""control_limits: days of a measure outside their usual range, and where its level changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import polars as pl

from ..errors import InputError
from ..fetch_report import FetchReport
from ..phone_numbers import describe
from .control_scale import from_scale, scale_slope, to_scale, usual_days
from .day_statistics import MIN_HISTORY_DAYS, dispersion
from .day_values import values_by_day
from .options import MetricOptions, checked_options
from .registry import Measure
from .registry import measure as named_measure
from .results import Result
from .selection import Calls

__all__ = ["CONTROL_SIGMAS", "ControlLimits", "control_limits", "limits_of_days", "noticed_step"]

CONTROL_SIGMAS = 3.0
"""The distance of a limit from the expected value, in sigmas."""

_CUSUM_SLACK, _CUSUM_LIMIT = 0.5, 6.0
"""In sigmas: a shift of 1 is found in 12 days on average, a false one in 1,286 (D. Siegmund,
Sequential Analysis, 1985). A limit of 5 would have a false one in 469, and more from estimates."""

_POWER = 0.9
_STEP_DAYS = (2, 5)


@dataclass(frozen=True, kw_only=True, eq=False)
class ControlLimits(Result):
    """The days of a measure, and the range in which ordinary days are.

    Attributes:
        measure: the measure.
        table: one row per day: `day`; `weekday`, 1 = Monday; `value`; `n`, the calls, offers or
            legs of a share or a time; `expected`, the usual value of its weekday; `sigma`; `low`
            and `high`, 3 sigmas around it; `z`, the distance from the expected value in sigmas of a
            normal distribution; `is_alarm`, whether the value is outside; `is_change`, whether a
            level change was found on this day, by a cumulative sum. Without limits all these are
            null or false.
        baseline_days: the number of days that the limits are computed from.
        spread: how much more the days of a weekday differ than independent calls would: the square
            root of phi or kappa, see `dispersion`; None without limits.
        sigma: the median sigma of the days, in the unit of the measure; None without limits.
        step_2_days, step_5_days: the lasting change that has an alarm within two and within five
            days in 90 % of cases, in the unit of the measure and in the direction that needs the
            larger one; None without limits.

    Examples:
        >>> limits = et.metrics.control_limits(et.sample_logs().calls, "offered")
        >>> limits.measure.title, limits.table["value"].max()
        ('Offered', 80.0)
    """

    measure: Measure
    table: pl.DataFrame
    baseline_days: int
    spread: float | None
    sigma: float | None
    step_2_days: float | None
    step_5_days: float | None


def control_limits(
    calls: Calls,
    measure: str,
    *,
    history: Calls | None = None,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> ControlLimits:
    """The days of a measure with control limits, adjusted for weekdays. Collects.

    Sigma is how much ordinary days differ from their weekday, not a moving range: it includes that
    calls of one day share what that day was like, and that the usual value is an estimate. Shares
    are compared on the scale arcsin(sqrt(p)), counts and times as logarithms, and limits follow
    Student's t, so that ordinary days of a skewed measure are as seldom outside as others. A
    cumulative sum (CUSUM, slack 0.5, limit 6 sigmas; E. S. Page, Continuous Inspection Schemes,
    Biometrika 41, 1954) finds lasting changes that are smaller than 3 sigmas.

    Args:
        calls: the calls of the days to draw.
        measure: the name of a measure.
        history: earlier calls of the same kind, such as of eight weeks, that the limits are
            computed from. None: the limits are those of the days themselves.
        options: the settings of the measure. Closed days are left out.
        coverage: `logs.report` of all these calls: days that were not fetched completely are left
            out, and fetched days without a call count as 0. None: days without a call are left out.

    Raises:
        UnknownName: the measure does not exist; the message lists the nearest names.
        InputError: an argument has the wrong type.

    Examples:
        >>> limits = et.metrics.control_limits(et.sample_logs().calls, "answer_rate")
        >>> limits.baseline_days, limits.sigma  # a week is too short
        (7, None)
    """
    options = checked_options(options)
    if not isinstance(measure, str):
        raise InputError(f'measure is a name such as "answer_rate"; got {describe(measure)}.')
    each = named_measure(measure)
    days = _days(calls, each, options, coverage)
    if history is None:
        return limits_of_days(each, days, days)
    baseline = _days(history, each, options)
    if coverage is not None and not baseline.is_empty():
        # The report covers both, so its days without a call are among the days of each.
        earlier, later = baseline["day"], _days(calls, each, options)["day"]
        first = pl.concat([earlier, later]).min()
        days = days.filter(~_is_of_history(earlier, later), pl.col("day") >= first)
        baseline = _days(history, each, options, coverage).filter(_is_of_history(earlier, later))
    return limits_of_days(each, days, baseline)


def limits_of_days(each: Measure, days: pl.DataFrame, baseline: pl.DataFrame) -> ControlLimits:
    """The same from tables of days, see `day_values.DAY_COLUMNS`."""
    table = days.with_columns(value=pl.col("total") / pl.col("n"))
    if baseline.height < MIN_HISTORY_DAYS:
        table = table.with_columns(
            **{
                name: pl.lit(None, pl.Float64) for name in ("expected", "sigma", "low", "high", "z")
            },
            is_alarm=pl.lit(value=False),
            is_change=pl.lit(value=False),
        )
        return _limits(each, table, baseline.height, None)
    import numpy as np
    from scipy import special

    usual = usual_days(baseline, table, each)
    value = table["value"].to_numpy()
    known_sigma = np.where(usual.sigma > 0, usual.sigma, np.nan)
    distance = (to_scale(value, each) - usual.middle) / known_sigma
    # As many sigmas of a normal distribution as are exceeded as seldom.
    z = -np.sign(distance) * special.ndtri(special.stdtr(usual.freedom, -np.abs(distance)))
    reach = -float(special.stdtrit(usual.freedom, special.ndtr(-CONTROL_SIGMAS))) * usual.sigma
    low, high = (from_scale(usual.middle + sign * reach, each) for sign in (-1, 1))
    sigma = reach / CONTROL_SIGMAS
    rounding = 1e-9 * np.maximum(np.abs(value), 1)
    known = table.with_columns(
        expected=pl.Series(from_scale(usual.middle, each)),
        sigma=pl.Series(sigma * scale_slope(usual.middle, each)),
        low=pl.Series(low),
        high=pl.Series(high),
        z=pl.Series(z, nan_to_null=True),
        is_alarm=pl.Series((value < low - rounding) | (value > high + rounding)),
    )
    known = known.with_columns(
        is_change=pl.Series(_changes(known["z"].to_list()), dtype=pl.Boolean)
    )
    middle, typical = float(np.median(usual.middle)), float(np.median(sigma))
    steps = [_step(middle, noticed_step(count) * typical, each) for count in _STEP_DAYS]
    return _limits(each, known, baseline.height, sqrt(dispersion(baseline, each)), steps)


def _step(middle: float, step: float, each: Measure) -> float:
    """The change by a step on the scale, in the direction in which it is larger."""
    import numpy as np

    low, typical, high = from_scale(np.array([middle - step, middle, middle + step]), each)
    return float(max(typical - low, high - typical))


def noticed_step(days: int) -> float:
    """The lasting change in sigmas that has an alarm within so many days in 90 % of cases.

    Examples:
        >>> round(et.metrics.noticed_step(2), 2), round(et.metrics.noticed_step(5), 2)
        (3.48, 2.67)
    """
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise InputError(f"days is a whole number above 0; got {describe(days)}.")
    each_day = 1 - (1 - _POWER) ** (1 / days)
    return CONTROL_SIGMAS + NormalDist().inv_cdf(each_day)


def _days(
    calls: Calls, each: Measure, options: MetricOptions, coverage: FetchReport | None = None
) -> pl.DataFrame:
    (result,) = values_by_day(calls, [each], [], options, coverage=coverage)
    return result.days


def _is_of_history(history: pl.Series, checked: pl.Series) -> pl.Expr:
    """Whether `day` is of the history, from the days on which the history and the calls have calls.

    A day without a call is of the history if it lies between days of it only.
    """
    day = pl.col("day")
    is_within = day.is_between(history.min(), history.max())
    is_checked = day.is_between(checked.min(), checked.max()).fill_null(value=False)
    return day.is_in(history.implode()) | (is_within & ~is_checked)


def _changes(distances: list[float | None]) -> list[bool]:
    """Whether the cumulative sum reached its limit on each day; it starts again after that."""
    above = below = 0.0
    changes = []
    for z in distances:
        above = max(0.0, above + (z or 0.0) - _CUSUM_SLACK)
        below = max(0.0, below - (z or 0.0) - _CUSUM_SLACK)
        changes.append(max(above, below) > _CUSUM_LIMIT)
        if changes[-1]:
            above = below = 0.0
    return changes


def _limits(
    each: Measure,
    table: pl.DataFrame,
    baseline_days: int,
    spread: float | None,
    steps: Sequence[float | None] = (None, None),
) -> ControlLimits:
    columns = ["day", "weekday", "value", "n", "expected", "sigma", "low", "high", "z"]
    median = table["sigma"].median()
    return ControlLimits(
        measure=each,
        table=table.select(*columns, "is_alarm", "is_change"),
        baseline_days=baseline_days,
        spread=spread,
        sigma=float(median) if isinstance(median, int | float) and spread is not None else None,
        step_2_days=steps[0],
        step_5_days=steps[1],
    )
