"""group_limits: groups, such as extensions, whose share differs from all by more than chance."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from ..errors import InputError
from ..phone_numbers import describe
from .dimensions import Names, as_names
from .erlang_formulas import whole_number
from .options import MetricOptions, checked_options
from .registry import Measure, Ratio
from .registry import measure as named_measure
from .results import Result
from .selection import Calls
from .summary import summarize

__all__ = ["GROUP_VERDICTS", "GroupLimits", "GroupVerdict", "group_limits", "limits_at"]

GroupVerdict = Literal["inside", "outside 95 %", "outside 99.8 %", "cannot tell"]
GROUP_VERDICTS: tuple[GroupVerdict, ...] = (
    "inside",
    "outside 95 %",
    "outside 99.8 %",
    "cannot tell",
)

_MIN_GROUPS = 5
"""The dispersion between fewer groups is too uncertain for limits."""
_WINSORIZED = 0.1
"""The share of groups at each end whose z-scores are replaced."""
_MANY_GROUPS = 1_000
"""With more groups, the expected mean square hardly changes."""
_LEVELS = {"95": 0.95, "998": 0.998}


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupLimits(Result):
    """The share of each group, and the range in which groups that are alike are.

    Attributes:
        measure: the measure.
        table: one row per group, sorted by it: the dimensions; `numerator`, `denominator` and
            `value`; `z`, the distance from the share of all groups in standard deviations of
            independent calls; `low_95`, `high_95`, `low_998` and `high_998`, the limits at this
            denominator; and `verdict`, one of `GROUP_VERDICTS`. Groups without a denominator have
            nulls and "cannot tell", as all groups have if there are fewer than 5.
        expected: the share of all groups together; None without a denominator.
        phi: the over-dispersion, at least 1: how much more groups differ than independent calls
            of equal groups would. The limits are sqrt(phi) times as wide. None without limits.

    Examples:
        >>> limits = et.metrics.group_limits(et.sample_logs().calls, "answer_rate", by="hour")
        >>> limits.measure.title, limits.table.height
        ('Answer rate', 21)
    """

    measure: Measure
    table: pl.DataFrame
    expected: float | None
    phi: float | None

    def at(self, denominators: Sequence[int]) -> pl.DataFrame:
        """The limits at these denominators, with the columns of `table`; null without limits.

        Args:
            denominators: numbers of calls, offers or legs, above 0.

        Raises:
            InputError: denominators is no sequence, or a denominator is not an integer above 0.

        Examples:
            >>> limits = et.metrics.group_limits(et.sample_logs().calls, "answer_rate", by="hour")
            >>> limits.at([10, 40]).columns
            ['denominator', 'low_95', 'high_95', 'low_998', 'high_998']
        """
        import numpy as np

        if isinstance(denominators, str | bytes) or not isinstance(denominators, Iterable):
            raise InputError(
                "denominators are numbers of calls, offers or legs, such as [10, 40]; got "
                f"{describe(denominators)}."
            )
        plain = (each.item() if isinstance(each, np.generic) else each for each in denominators)
        checked = [whole_number("denominators", each, minimum=1) for each in plain]
        sizes = pl.DataFrame({"denominator": checked}, schema={"denominator": pl.Int64})
        reach = _reach(self.phi, self.table["z"].count())
        return sizes.with_columns(**_limits(self.expected or 0.0, reach))


def group_limits(
    calls: Calls,
    measure: str = "fair_answer_rate",
    *,
    by: Names = "target_number",
    options: MetricOptions = MetricOptions(),
) -> GroupLimits:
    """Which groups differ: a share of each group, with over-dispersed limits. Collects.

    These are the limits of a funnel plot; `funnel` is another thing, the stages of a call. A group
    with few calls has wide limits. Groups always differ somewhat, for reasons such as shifts and
    queues, so the limits of independent calls would flag nearly all large groups. They are widened
    by the dispersion of the groups themselves:

    z = (value - expected) / sqrt(expected * (1 - expected) / n), with expected the share of all
    groups. phi is the sum of squared z-scores / (groups - 1), at least 1. For it the outer tenths
    of the z-scores, at least one at each end, are winsorized, so that a group that differs does not
    hide itself; the sum is divided by the part of it that remains of normal z-scores. The limits
    are expected ± t * sqrt(phi * expected * (1 - expected) / n), cut to 0 and 1, with the 95 % and
    99.8 % quantiles of Student's t with groups - 1 degrees of freedom. D. J. Spiegelhalter, Funnel
    Plots for Comparing Institutional Performance, Statistics in Medicine 24 (2005), with normal
    quantiles and without the division, which give false alarms if groups are few.

    Of groups that are alike, at most 1 in 20 is outside the 95 % limits on average, and 1 in 500
    outside the 99.8 % limits.

    Args:
        calls: calls of any direction; all of them count. For the offers of persons, pass
            `inward(calls)`, as the extension chart does.
        measure: the name of a share.
        by: a dimension or several. Calls without a value of a dimension are left out.
        options: the settings of the measure.

    Raises:
        UnknownName: the measure or a dimension does not exist; the message lists the nearest names.
        InputError: the measure is no share, or `by` is empty.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000"], queue_numbers=["8100"])
        >>> calls = et.metrics.inward(et.sample_logs().calls)
        >>> limits = et.metrics.group_limits(calls, by="target_number", options=options)
        >>> limits.table["verdict"].unique().to_list()
        ['inside']
    """
    options = checked_options(options)
    each, dimensions = _share(measure), as_names(by, "by")
    if not dimensions:
        raise InputError('by needs at least one dimension, such as by="target_number".')
    summary = summarize(calls, dimensions, each.name, options=options, confidence=True)
    groups = (
        summary.lazy()
        .filter(pl.all_horizontal(pl.col(dimensions).is_not_null()))
        .select(
            *dimensions,
            numerator=pl.col(f"{each.name}_num"),
            denominator=pl.col(f"{each.name}_den"),
            value=pl.col(each.name),
        )
        .collect()
    )
    return limits_at(groups, each)


def limits_at(groups: pl.DataFrame, each: Measure) -> GroupLimits:
    """The limits of groups with the columns `numerator`, `denominator` and `value`."""
    total = int(groups["denominator"].sum())
    expected = int(groups["numerator"].sum()) / total if total else 0.0
    error = _error(expected)
    is_different = pl.col("value") != expected
    # Without a variance, as where every offer was answered, all values are the same.
    z = pl.when(is_different).then((pl.col("value") - expected) / error)
    table = groups.with_columns(z=z.otherwise(pl.when(error.is_not_null()).then(0.0)))
    phi = _over_dispersion(table["z"].drop_nulls())
    reach = _reach(phi, table["z"].count())
    distance = pl.col("z").abs()
    verdict = (
        pl.when((distance > reach["998"]).is_null())
        .then(pl.lit("cannot tell"))
        .when(distance > reach["998"])
        .then(pl.lit("outside 99.8 %"))
        .when(distance > reach["95"])
        .then(pl.lit("outside 95 %"))
        .otherwise(pl.lit("inside"))
    )
    table = table.with_columns(
        **_limits(expected, reach), verdict=verdict.cast(pl.Enum(GROUP_VERDICTS))
    )
    return GroupLimits(measure=each, table=table, expected=expected if total else None, phi=phi)


def _error(expected: float) -> pl.Expr:
    """The standard error of a value of independent calls; null without a denominator."""
    counted = pl.when(pl.col("denominator") > 0).then("denominator")
    return (expected * (1 - expected) / counted).sqrt()


def _reach(phi: float | None, groups: int) -> dict[str, pl.Expr]:
    """The distance of each limit in standard errors; null without phi."""
    from scipy import special

    spread = pl.lit(phi, pl.Float64).sqrt()
    return {
        name: spread * float(special.stdtrit(max(groups - 1, 1), (1 + level) / 2))
        for name, level in _LEVELS.items()
    }


def _limits(expected: float, reach: dict[str, pl.Expr]) -> dict[str, pl.Expr]:
    return {
        f"{end}_{name}": (expected + sign * distance * _error(expected)).clip(0.0, 1.0)
        for name, distance in reach.items()
        for end, sign in (("low", -1), ("high", 1))
    }


def _share(name: str) -> Measure:
    each = named_measure(name)
    if not isinstance(each.aggregation, Ratio):
        raise InputError(f"measure is a share, such as fair_answer_rate; {name} is none.")
    return each


def _over_dispersion(z: pl.Series) -> float | None:
    """The over-dispersion of these z-scores; None with too few groups."""
    groups = len(z)
    if groups < _MIN_GROUPS:
        return None
    ordered, cut = z.sort(), max(1, int(_WINSORIZED * groups))
    winsorized = ordered.clip(ordered[cut], ordered[-1 - cut])
    return max(1.0, float((winsorized**2).sum()) / (groups - 1) / _remaining_part(groups, cut))


def _remaining_part(groups: int, cut: int) -> float:
    """The part of the sum of squares of standard normal values that is left when winsorized.

    From the expected squares of the order statistics, whose squares add up to the number of values.
    """
    import numpy as np
    from scipy import special

    if groups > _MANY_GROUPS:
        groups, cut = _MANY_GROUPS, int(_WINSORIZED * _MANY_GROUPS)
    z = np.linspace(-9, 9, 1_801)
    ranks = np.arange(1, cut + 2)[:, None]
    # The densities of the order statistics: of the beta distribution, times the normal one.
    logs = special.xlogy(ranks - 1, special.ndtr(z)) + special.xlogy(
        groups - ranks, special.ndtr(-z)
    )
    beta = logs - special.betaln(ranks, groups - ranks + 1)
    densities = np.exp(beta - z**2 / 2) / np.sqrt(2 * np.pi)
    squares = (z**2 * densities).sum(axis=1) * (z[1] - z[0])
    return float(1 - 2 * (squares[:-1] - squares[-1]).sum() / groups)
