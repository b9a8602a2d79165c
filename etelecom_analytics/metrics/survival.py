"""Survival analysis: the time until an event, also from cases where it has not happened yet.

A caller who was answered after 20 s would have waited at least 20 s. To leave this caller out, or
to count 20 s as the patience, underestimates how long callers are willing to wait. The
product-limit estimate uses exactly what is known: at least 20 s.
"""

from collections.abc import Sequence

import polars as pl

from ..errors import InputError
from ..frames import Frame, same_kind
from .call_facts import facts
from .confidence import Z95
from .dimensions import call_dimensions
from .options import MetricOptions

__all__ = ["kaplan_meier", "median_survival", "patience"]

_ROUNDING = 1e-9
"""The rounding error of a product of many shares, when it is compared with one half."""


def patience(
    calls: Frame,
    by: Sequence[str] = (),
    *,
    options: MetricOptions = MetricOptions(),
) -> Frame:
    """How long callers are willing to wait: a survival table per group of `by`.

    See `kaplan_meier` for the columns. Offered calls with a known wait count: a missed call is an
    event, an answered call is censored, because its caller would have waited longer. Calls of all
    directions in the input count. A wait begins as `options.wait_from` defines. LazyFrame in,
    LazyFrame out.

    Missed calls have no `extension_id` and no `user_id`, so grouped by these only the null group
    has events.
    """
    dimensions = call_dimensions(calls, by, options)
    # Calls that were not offered have a null wait_s.
    waits = facts(calls.lazy(), options=options).with_columns(**dimensions)
    return same_kind(
        calls,
        kaplan_meier(waits.select(*dimensions, time_s="wait_s", event="missed"), list(dimensions)),
    )


def kaplan_meier(times: Frame, by: Sequence[str] = ()) -> Frame:
    """The Kaplan-Meier (product-limit) estimate of the survival function, with its 95 % interval.

    One row for time 0 and one for each later time with an event or a censoring, for each group of
    `by`, sorted. Empty groups have no rows. Columns, after those of `by`: `time_s`; `at_risk`, the
    number of cases just before this time; `events` and `censored`, the number of cases that end at
    this time; `survival`, the share that survives this time; `low` and `high`. Cases that end at
    time 0 count in the row of time 0, so survival may begin below 1. Tied events precede
    censorings. LazyFrame in, LazyFrame out.

    survival is the product of 1 - events / at_risk. Its variance is Greenwood's, on the scale of
    log(-log(survival)), which keeps the interval within 0 and 1. With g = sum of events / (at_risk
    * (at_risk - events)) and e = z * sqrt(g) / abs(log(survival)), low is survival ** exp(e) and
    high is survival ** exp(-e). Both are null if survival is 0 or 1.

    E. L. Kaplan and P. Meier, Nonparametric Estimation from Incomplete Observations, JASA 53
    (1958). M. Greenwood, The Natural Duration of Cancer (1926). J. D. Kalbfleisch and R. L.
    Prentice, The Statistical Analysis of Failure Time Data (1980).

    Args:
        times: `time_s`, seconds of 0 or more, and `event`, whether the event happened then (false:
            censored). Rows with a null are ignored.
        by: columns of `times`.
    """
    keys = _names(by)
    known = (
        times.lazy()
        .filter(pl.col("time_s").is_not_null(), pl.col("event").is_not_null())
        .select(
            *keys,
            "time_s",
            events=pl.col("event").cast(pl.Int64),
            censored=(~pl.col("event")).cast(pl.Int64),
        )
    )
    starts = known.with_columns(
        time_s=pl.lit(0.0), events=pl.lit(0, pl.Int64), censored=pl.lit(0, pl.Int64)
    ).unique()
    steps = (
        pl.concat([known, starts])
        .group_by(*keys, "time_s")
        .agg(pl.col("events", "censored").sum())
        .sort(*keys, "time_s", nulls_last=True)
    )

    def by_group(cumulative: pl.Expr) -> pl.Expr:
        return cumulative.over(keys) if keys else cumulative

    events, at_risk, survival = pl.col("events"), pl.col("at_risk"), pl.col("survival")
    greenwood = by_group((events / (at_risk * (at_risk - events))).cum_sum())
    spread = Z95 * greenwood.sqrt() / survival.log().abs()
    has_interval = (survival > 0) & (survival < 1)
    table = (
        steps.with_columns(at_risk=by_group((events + pl.col("censored")).cum_sum(reverse=True)))
        .with_columns(survival=by_group((1 - events / at_risk).cum_prod()))
        .with_columns(
            low=pl.when(has_interval).then(survival ** spread.exp()),
            high=pl.when(has_interval).then(survival ** (-spread).exp()),
        )
    )
    return same_kind(
        times,
        table.select(*keys, "time_s", "at_risk", "events", "censored", "survival", "low", "high"),
    )


def median_survival(table: Frame, by: Sequence[str] = ()) -> Frame:
    """The median survival time of each group of a survival table, with its 95 % interval.

    One row per group, sorted; without `by`, one row. Columns, after those of `by`: `n`, the number
    of cases at time 0; `events`, the number of events; `median_s`, the first time with survival <=
    0.5; `low_s` and `high_s`, the first times at which `low` and `high` are <= 0.5. A value is null
    if 0.5 is not reached. LazyFrame in, LazyFrame out.

    R. Brookmeyer and J. Crowley, A Confidence Interval for the Median Survival Time, Biometrics 38
    (1982), with the bounds of the interval on the log-log scale.
    """
    keys = _names(by)

    def first_time(column: str) -> pl.Expr:
        return pl.col("time_s").filter(pl.col(column) <= 0.5 + _ROUNDING).min()

    columns = {
        "n": pl.col("at_risk").max(),
        "events": pl.col("events").sum(),
        "median_s": first_time("survival"),
        "low_s": first_time("low"),
        "high_s": first_time("high"),
    }
    rows = table.lazy()
    medians = (
        rows.group_by(keys).agg(**columns).sort(keys, nulls_last=True)
        if keys
        else rows.select(**columns)
    )
    return same_kind(table, medians.with_columns(pl.col("n").fill_null(0)))


def _names(by: Sequence[str]) -> list[str]:
    if isinstance(by, str):
        raise InputError('by must be a list of names, such as by=["hour"].')
    return list(dict.fromkeys(by))
