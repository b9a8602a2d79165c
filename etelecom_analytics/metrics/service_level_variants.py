"""Service levels side by side: all formulas that are in use, at one threshold or at many, so that two tools can disagree in one table."""

import math
from collections.abc import Sequence
from typing import overload

import polars as pl

from ..errors import InputError
from .call_facts import SERVICE_LEVELS, Flags, level_flags, level_words
from .confidence import wilson
from .options import SERVICE_LEVEL_VARIANTS, MetricOptions
from .selection import Calls, Selection, fact_rows

__all__ = ["THRESHOLDS_S", "service_level_curve", "service_levels"]

THRESHOLDS_S = tuple(float(seconds) for seconds in range(0, 121, 5))
"""Where a curve is looked at if nothing else is asked for: every 5 s to 2 min."""

_VARIANT = pl.Enum(SERVICE_LEVEL_VARIANTS)
_SUMS = ("numerator", "denominator")


@overload
def service_levels(calls: pl.LazyFrame, *, options: MetricOptions = ...) -> pl.LazyFrame: ...


@overload
def service_levels(
    calls: pl.DataFrame | Selection, *, options: MetricOptions = ...
) -> pl.DataFrame: ...


def service_levels(
    calls: Calls, *, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """The service level of these calls by each of the six formulas, one row a variant. LazyFrame in, LazyFrame out.

    Columns: `variant`; `formula`, in whose words T is `options.threshold_s` and m
        `options.min_talk_s`; `source`, who reckons so;
    `numerator` and `denominator`, calls; `value`, null where the denominator is 0; `low` and
    `high`, Wilson's interval at 95 %. The row of `options.variant` is what `summarize` gives as
    `service_level`.
    """
    levels = _levels(fact_rows(calls, options), [options.threshold_s], options).drop("threshold_s")
    return levels if isinstance(calls, pl.LazyFrame) else levels.collect()


@overload
def service_level_curve(
    calls: pl.LazyFrame, *, thresholds_s: Sequence[float] = ..., options: MetricOptions = ...
) -> pl.LazyFrame: ...


@overload
def service_level_curve(
    calls: pl.DataFrame | Selection,
    *,
    thresholds_s: Sequence[float] = ...,
    options: MetricOptions = ...,
) -> pl.DataFrame: ...


def service_level_curve(
    calls: Calls,
    *,
    thresholds_s: Sequence[float] = THRESHOLDS_S,
    options: MetricOptions = MetricOptions(),
) -> pl.DataFrame | pl.LazyFrame:
    """The six service levels at each of these thresholds: one row a threshold and variant, in their order. LazyFrame in, LazyFrame out.

    Columns: `threshold_s`, then those of `service_levels`. The calls are looked at once, however
        many thresholds there are;
    `options.threshold_s` and `options.variant` do not matter.

    Raises:
        InputError: no threshold, or one that is no number of seconds.
    """
    levels = _levels(fact_rows(calls, options), _checked(thresholds_s), options)
    return levels if isinstance(calls, pl.LazyFrame) else levels.collect()


def _checked(thresholds_s: Sequence[float]) -> list[float]:
    """Each once, in order."""
    for given in thresholds_s:
        if (
            isinstance(given, bool)
            or not isinstance(given, int | float)
            or not 0 <= given < math.inf
        ):
            raise InputError(f"thresholds_s are seconds, and not negative; got {given!r}.")
    if not len(thresholds_s):
        raise InputError("thresholds_s needs at least one threshold, such as [20].")
    return sorted({float(given) for given in thresholds_s})


def _levels(
    rows: pl.LazyFrame, thresholds_s: Sequence[float], options: MetricOptions
) -> pl.LazyFrame:
    """All formulas at all thresholds, of rows of facts.

    To a formula calls differ only by its words, and by the first threshold that they keep. So they
    are counted once by these, which leaves a handful of rows, and the formulas are reckoned of the
    counts.
    """
    words = level_words(options)
    reached = pl.lit(pl.Series(thresholds_s, dtype=pl.Float64)).search_sorted(
        pl.col("wait_s"), side="left"
    )
    alike = (
        rows.filter("offered")
        .select(**words, reached=reached)
        .group_by(*words, "reached")
        .agg(n=pl.len().cast(pl.Int64))
    )
    places = pl.DataFrame({"place": range(len(thresholds_s))}, schema={"place": pl.Int64}).lazy()
    # A threshold without a call is a row all the same, of counts that are 0.
    within = pl.col("reached") <= pl.col("place")
    flags = level_flags({word: pl.col(word) for word in words}, within.fill_null(value=False))
    counted = places.join(alike, how="cross").group_by("place").agg(**_counts(flags))
    every = places.join(counted, on="place", how="left").sort("place")
    low, high = wilson(pl.col("numerator"), pl.col("denominator"))
    return (
        every.select(
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
        .with_columns(
            value=pl.when(pl.col("denominator") > 0).then(
                pl.col("numerator") / pl.col("denominator")
            ),
            low=low,
            high=high,
        )
    )


def _counts(flags: Flags) -> dict[str, pl.Expr]:
    """For each variant its numerator and its denominator."""
    met = {f"numerator {variant}": level.met(flags) for variant, level in SERVICE_LEVELS.items()}
    counted = {
        f"denominator {variant}": level.counted(flags) for variant, level in SERVICE_LEVELS.items()
    }
    return {name: pl.col("n").filter(holds).sum() for name, holds in {**met, **counted}.items()}
