"""outbound_hours: at which times customers answer, and which of these times differ."""

import polars as pl

from .call_attempts import attempts_of, outbound_calls, outbound_dimensions
from .confidence import SIGNIFICANCE, confidence_level, false_discovery_rates
from .day_statistics import MIN_DAYS
from .dimensions import Names
from .local_dimensions import start_dimensions
from .options import MetricOptions, checked_options
from .ratios import wide_ratio
from .selection import Calls, calls_frame

__all__ = ["HOUR_VERDICTS", "outbound_hours"]

HOUR_VERDICTS = ("better", "worse", "no evidence", "cannot tell")
"""The result of `outbound_hours` for a time: customers answer more or less often than at other
times; there is no evidence of either; or there are too few days or attempts to tell."""

_VERDICT = pl.Enum(HOUR_VERDICTS)
_MIN_ATTEMPTS = 30
_MAX_EARLIER = 2
"""Attempts after two or more earlier ones are alike."""

_DAY = "day of the attempt"


def outbound_hours(
    calls: Calls,
    by: Names = "hour",
    *,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame:
    """The best hours to call: the answer rate of attempts by time. Collects.

    Columns, after those of `by`: `answer_rate`, answered attempts / attempts, its counts
    `answer_rate_num` and `answer_rate_den`, and `answer_rate_low` and `answer_rate_high`, Wilson's
    interval; `days` with attempts; `expected`, the rate that the same attempts would have at a time
    like all others; `difference`, the rate minus `expected`, and its interval `difference_low` and
    `difference_high`; `p_value` and `q_value`; `verdict`, one of `HOUR_VERDICTS`. Intervals of the
    difference and p-values are null where it cannot tell. Sorted by group, nulls last.

    Customers who did not answer are called again at other hours, and answer less often at any hour.
    So a plain rate compares customers rather than hours. `expected` is the mean, over the attempts
    of the group, of the answer rate of all attempts with as many earlier attempts to the customer:
    none, 1 or at least 2, answered or not.

    The interval is that of a ratio estimator over days (W. G. Cochran, Sampling Techniques, 1977,
    section 6.3): v = D / (D - 1) * sum of (r - difference * n)^2 / N^2, with n the attempts of a
    day, r the answered attempts minus the expected ones, N all attempts and D the days; at least
    the variance of independent attempts, and Student's t with D - 1 degrees of freedom. Verdicts
    have a q-value of at most 0.05 over all groups (Y. Benjamini and Y. Hochberg, Controlling the
    False Discovery Rate, JRSS B 57, 1995), and need 5 days and 30 attempts.

    Args:
        calls: outbound calls; others are ignored.
        by: dimensions of the attempts, such as "hour", "weekday" or ["weekday", "hour"].
        options: `as_of`, the time zone, and numbers that are not customers.
        confidence: False leaves the intervals out; True is 95 %; or a level such as 0.9.

    Raises:
        UnknownName: a dimension does not exist; the message lists the nearest names.
        InputError: the calls lack the names that a dimension needs, or `confidence` is not a level.

    Examples:
        >>> hours = et.metrics.outbound_hours(et.sample_logs().calls)
        >>> hours.filter(hour=10).select("answer_rate_num", "answer_rate_den", "verdict").row(0)
        (7, 10, 'cannot tell')
    """
    options = checked_options(options)
    level = confidence_level(confidence)
    table = calls_frame(calls)
    dimensions = outbound_dimensions(table, by, options)
    groups = list(dimensions)
    earlier = pl.min_horizontal(pl.col("attempt") - 1, _MAX_EARLIER)
    answered = pl.col("answered").cast(pl.Float64)
    attempts = (
        attempts_of(outbound_calls(table, options))
        .with_columns(**dimensions, **{_DAY: start_dimensions(["day"], options)["day"]})
        .with_columns(chance=answered.mean().over(earlier, "reached_before"))
    )
    of_days = attempts.group_by(*groups, _DAY).agg(
        n=pl.len().cast(pl.Int64),
        answered=pl.col("answered").cast(pl.Int64).sum(),
        expected=pl.col("chance").sum(),
        variance=(pl.col("chance") * (1 - pl.col("chance"))).sum(),
    )
    n, residual = pl.col("n"), pl.col("answered") - pl.col("expected")
    difference = residual.sum() / n.sum()
    columns = {
        "attempts": n.sum(),
        "answered": pl.col("answered").sum(),
        "days": pl.len().cast(pl.Int64),
        "expected": pl.col("expected").sum() / n.sum(),
        "difference": difference,
        "between": ((residual - difference * n) ** 2).sum() / n.sum() ** 2,
        "independent": pl.col("variance").sum() / n.sum() ** 2,
    }
    rows = of_days.group_by(groups).agg(**columns) if groups else of_days.select(**columns)
    sums = (rows.sort(groups, nulls_last=True) if groups else rows).collect()
    return _with_verdicts(sums.filter(pl.col("attempts") > 0), groups, confidence, level)


def _with_verdicts(
    sums: pl.DataFrame, groups: list[str], confidence: bool | float, level: float | None
) -> pl.DataFrame:
    """The result from sums over days."""
    import numpy as np
    from scipy import special

    days = sums["days"].to_numpy().astype(float)
    freedom = np.maximum(days - 1, 1)
    variance = np.maximum(
        sums["between"].to_numpy() * days / freedom, sums["independent"].to_numpy()
    )
    difference, error = sums["difference"].to_numpy(), np.sqrt(variance)
    # Without a variance, as where every attempt was answered, no time differs.
    distance = np.divide(difference, error, out=np.zeros_like(error), where=error > 0)
    p_values = 2 * special.stdtr(freedom, -np.abs(distance))
    is_enough = (days >= MIN_DAYS) & (sums["attempts"].to_numpy() >= _MIN_ATTEMPTS)
    q_values = np.full(len(days), np.nan)
    q_values[is_enough] = false_discovery_rates(p_values[is_enough].tolist())
    is_different = pl.col("q_value") <= SIGNIFICANCE
    ends: dict[str, pl.Series] = {}
    if level is not None:
        reach = special.stdtrit(freedom, (1 + level) / 2) * error
        for name, values in (("low", difference - reach), ("high", difference + reach)):
            known = np.where(is_enough, values, np.nan)
            ends[f"difference_{name}"] = pl.Series(known, nan_to_null=True)
    table = sums.select(
        *groups,
        **wide_ratio("answer_rate", pl.col("answered"), pl.col("attempts"), confidence=confidence),
        days="days",
        expected="expected",
        difference="difference",
        **ends,
        p_value=pl.Series(np.where(is_enough, p_values, np.nan), nan_to_null=True),
        q_value=pl.Series(q_values, nan_to_null=True),
    )
    verdict = (
        pl.when(pl.col("q_value").is_null())
        .then(pl.lit("cannot tell"))
        .when(is_different & (pl.col("difference") > 0))
        .then(pl.lit("better"))
        .when(is_different)
        .then(pl.lit("worse"))
        .otherwise(pl.lit("no evidence"))
    )
    return table.with_columns(verdict=verdict.cast(_VERDICT))
