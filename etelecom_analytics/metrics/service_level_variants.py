"""The service level by all common formulas, at one threshold or at many."""

import math
from collections.abc import Iterable, Sequence
from typing import overload

import polars as pl

from ..errors import InputError
from ..phone_numbers import describe
from .options import SERVICE_LEVEL_VARIANTS, MetricOptions, checked_options
from .ratios import long_ratio
from .selection import Calls, Selection, fact_rows, like_input
from .service_level_formulas import SERVICE_LEVELS, Flags, level_flags, level_terms

__all__ = ["THRESHOLDS_S", "service_level_curve", "service_levels"]

THRESHOLDS_S = tuple(float(seconds) for seconds in range(0, 121, 5))
"""The default thresholds of a curve: every 5 s up to 2 min."""

_VARIANT = pl.Enum(SERVICE_LEVEL_VARIANTS)
_SUMS = ("numerator", "denominator")


@overload
def service_levels(
    calls: pl.LazyFrame, *, options: MetricOptions = ..., confidence: bool | float = ...
) -> pl.LazyFrame: ...


@overload
def service_levels(
    calls: pl.DataFrame | Selection,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...


def service_levels(
    calls: Calls, *, options: MetricOptions = MetricOptions(), confidence: bool | float = True
) -> pl.DataFrame | pl.LazyFrame:
    """The service level of these calls by each of the six formulas, one row per variant.

    Columns: `variant`; `formula`, where T is `options.threshold_s` and m is `options.min_talk_s`;
    `source`, who uses the formula; `value`, null if the denominator is 0; `numerator` and
    `denominator`, in calls; `low` and `high`, Wilson's interval. The row of `options.variant`
    equals the measure `service_level` of `summarize`. LazyFrame in, LazyFrame out.

    Args:
        calls: calls of any direction; all of them count.
        options: the threshold and the other settings of the formulas.
        confidence: False leaves `low` and `high` out; True is 95 %; or a level such as 0.9.

    Examples:
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"), threshold_s=20)
        >>> levels = et.metrics.service_levels(inbound, options=options)
        >>> levels.select("variant", "numerator", "denominator").head(2).rows()
        [('offered', 191, 298), ('no_short', 191, 291)]
    """
    options = checked_options(options)
    levels = _levels(fact_rows(calls, options), [options.threshold_s], options, confidence)
    return like_input(calls, levels.drop("threshold_s"))


@overload
def service_level_curve(
    calls: pl.LazyFrame,
    *,
    thresholds_s: Sequence[float] = ...,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...


@overload
def service_level_curve(
    calls: pl.DataFrame | Selection,
    *,
    thresholds_s: Sequence[float] = ...,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...


def service_level_curve(
    calls: Calls,
    *,
    thresholds_s: Sequence[float] = THRESHOLDS_S,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """The six service levels at each of these thresholds, one row per threshold and variant.

    Columns: `threshold_s`, then those of `service_levels`. The rows are sorted by threshold. The
    calls are scanned once for all thresholds. LazyFrame in, LazyFrame out.

    Args:
        calls: calls of any direction; all of them count.
        thresholds_s: seconds of 0 or more.
        options: the settings of the formulas; its threshold and variant have no effect.
        confidence: as in `service_levels`.

    Raises:
        InputError: `thresholds_s` is empty, or contains a value that is not a number of seconds.

    Examples:
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> curve = et.metrics.service_level_curve(
        ...     inbound, thresholds_s=[10, 20, 30], options=options
        ... )
        >>> curve.filter(variant="offered")["value"].round(2).to_list()
        [0.21, 0.64, 0.82]
    """
    options = checked_options(options)
    levels = _levels(
        fact_rows(calls, options), _sorted_thresholds(thresholds_s), options, confidence
    )
    return like_input(calls, levels)


def _sorted_thresholds(thresholds_s: object) -> list[float]:
    if isinstance(thresholds_s, str) or not isinstance(thresholds_s, Iterable):
        raise InputError(
            "thresholds_s is a list of seconds, such as [10, 20, 30]; "
            f"got {describe(thresholds_s)}."
        )
    thresholds = {_seconds(value) for value in thresholds_s}
    if not thresholds:
        raise InputError("thresholds_s needs at least one threshold, such as [20].")
    return sorted(thresholds)


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise InputError(f"thresholds_s must be seconds of 0 or more; got {describe(value)}.")
    return float(value)


def _levels(
    rows: pl.LazyFrame,
    thresholds_s: Sequence[float],
    options: MetricOptions,
    confidence: bool | float,
) -> pl.LazyFrame:
    """All formulas at all thresholds, from rows of facts.

    The formulas distinguish calls only by a few flags and by the first threshold that a call meets.
    So calls are counted by these first, and the formulas are computed from a handful of rows.
    """
    words = level_terms(options)
    first_met = pl.lit(pl.Series(thresholds_s, dtype=pl.Float64)).search_sorted(
        pl.col("wait_s"), side="left"
    )
    groups = (
        rows.filter("offered")
        .select(**words, first_met=first_met)
        .group_by(*words, "first_met")
        .agg(n=pl.len().cast(pl.Int64))
    )
    positions = pl.DataFrame(
        {"position": range(len(thresholds_s))}, schema={"position": pl.Int64}
    ).lazy()
    within = pl.col("first_met") <= pl.col("position")
    flags = level_flags({word: pl.col(word) for word in words}, within.fill_null(value=False))
    counts = positions.join(groups, how="cross").group_by("position").agg(**_counts(flags))
    # Thresholds without calls keep their rows, with counts of 0.
    table = positions.join(counts, on="position", how="left").sort("position")
    ratio = long_ratio(pl.col("numerator"), pl.col("denominator"), confidence=confidence)
    return (
        table.select(
            threshold_s=pl.lit(pl.Series(thresholds_s, dtype=pl.Float64)),
            variant=pl.lit(list(SERVICE_LEVELS), dtype=pl.List(_VARIANT)),
            formula=pl.lit([level.formula for level in SERVICE_LEVELS.values()]),
            source=pl.lit([level.source for level in SERVICE_LEVELS.values()]),
            **{
                name: pl.concat_list(
                    pl.col(f"{name} {variant}").fill_null(0) for variant in SERVICE_LEVELS
                )
                for name in _SUMS
            },
        )
        .explode("variant", "formula", "source", *_SUMS, empty_as_null=False, keep_nulls=False)
        .select("threshold_s", "variant", "formula", "source", **ratio)
    )


def _counts(flags: Flags) -> dict[str, pl.Expr]:
    """The numerator and the denominator of each variant."""
    sums = {
        **{
            f"numerator {variant}": level.numerator(flags)
            for variant, level in SERVICE_LEVELS.items()
        },
        **{
            f"denominator {variant}": level.denominator(flags)
            for variant, level in SERVICE_LEVELS.items()
        },
    }
    return {name: pl.col("n").filter(condition).sum() for name, condition in sums.items()}
