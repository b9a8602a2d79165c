"""Survival: how long until something happens, reckoned also from those to whom it has not happened yet.

A caller who was answered after 20 s would have waited for at least 20 s; to leave him out, or to
count his 20 s as a patience, makes people look less patient than they are. The product-limit
estimate uses what is known of him, and no more.
"""

from collections.abc import Sequence

import polars as pl

from ..errors import InputError, UnknownName
from ..frames import Frame, same_kind
from .call_facts import CALL_COLUMNS, NAME_COLUMNS, facts
from .confidence import Z95
from .dimensions import START_DIMENSIONS, start_dimensions
from .options import MetricOptions

__all__ = ["call_dimensions", "kaplan_meier", "median_survival", "patience"]

_OF_CALLS = (*START_DIMENSIONS, *CALL_COLUMNS, *NAME_COLUMNS)
_ROUNDING = 1e-9
"""A product of many shares that is one half on paper may differ from it by this."""


def patience(
    calls: Frame,
    by: Sequence[str] = (),
    *,
    options: MetricOptions = MetricOptions(),
) -> Frame:
    """How long callers are willing to wait: the survival table of `kaplan_meier`, for each group of `by`.

    Of offered calls of known wait: a missed call is an event, an answered one is censored, since
    its caller would have waited for longer. Calls of any direction, as they are given; a wait
    begins where `options.wait_from` says. LazyFrame in, LazyFrame out.

    A missed call has no `extension_id` and no `user_id`, so by these no group but null has events.
    """
    dimensions = call_dimensions(calls, by, options)
    waits = facts(calls.lazy(), options=options).with_columns(
        **dimensions
    )  # wait_s of other calls is null
    return same_kind(
        calls,
        kaplan_meier(waits.select(*dimensions, time_s="wait_s", event="missed"), list(dimensions)),
    )


def kaplan_meier(times: Frame, by: Sequence[str] = ()) -> Frame:
    """The share to whom it has not happened yet, after each time: Kaplan and Meier's product-limit estimate, with its interval at 95 %.

    One row for time 0 and one for each later time at which somebody leaves, for each group of `by`,
    sorted; a group of nobody has no row. Columns, after those of `by`: `time_s`; `at_risk`, how
    many were there until then; `events` and `censored`, how many of them left at this time;
    `survival`, the share that goes on past this time; `low` and `high`. Who leaves at time 0 is
    counted in the row of time 0, so survival may begin below 1. At a tie events come before
    censorings. LazyFrame in, LazyFrame out.

    survival is the product of 1 - events / at_risk. Its variance is Greenwood's, on the scale of
    log(-log(survival)), where it cannot leave 0 to 1: with g = sum of events / (at_risk * (at_risk
    - events)) and e = z * sqrt(g) / abs(log(survival)), low is survival ** exp(e) and high is
      survival ** exp(-e). Both are null where survival is 0 or 1.

    E. L. Kaplan and P. Meier, Nonparametric Estimation from Incomplete Observations, JASA 53
    (1958). M. Greenwood, The Natural Duration of Cancer (1926). J. D. Kalbfleisch and R. L.
    Prentice, The Statistical Analysis of Failure Time Data (1980).

    Args:
        times: `time_s`, seconds of 0 and more, and `event`, whether it happened then (else:
            censored); rows where one is null are left out.
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
    begins = known.with_columns(
        time_s=pl.lit(0.0), events=pl.lit(0, pl.Int64), censored=pl.lit(0, pl.Int64)
    ).unique()
    steps = (
        pl.concat([known, begins])
        .group_by(*keys, "time_s")
        .agg(pl.col("events", "censored").sum())
        .sort(*keys, "time_s", nulls_last=True)
    )

    def along(running: pl.Expr) -> pl.Expr:
        return running.over(keys) if keys else running

    events, at_risk, survival = pl.col("events"), pl.col("at_risk"), pl.col("survival")
    greenwood = along((events / (at_risk * (at_risk - events))).cum_sum())
    spread = Z95 * greenwood.sqrt() / survival.log().abs()
    doubtful = (survival > 0) & (survival < 1)
    table = (
        steps.with_columns(at_risk=along((events + pl.col("censored")).cum_sum(reverse=True)))
        .with_columns(survival=along((1 - events / at_risk).cum_prod()))
        .with_columns(
            low=pl.when(doubtful).then(survival ** spread.exp()),
            high=pl.when(doubtful).then(survival ** (-spread).exp()),
        )
    )
    return same_kind(
        times,
        table.select(*keys, "time_s", "at_risk", "events", "censored", "survival", "low", "high"),
    )


def median_survival(table: Frame, by: Sequence[str] = ()) -> Frame:
    """The median of each group of a survival table: the first time with survival <= .5, and its interval at 95 %.

    One row a group, sorted; without `by` one row. Columns, after those of `by`: `n`, how many there
    were at time 0; `events`, how many had one; `median_s`; `low_s` and `high_s`, the first times at
    which `low` and `high` are <= .5. Each is null where it is not reached: too few left before half
    of them had. LazyFrame in, LazyFrame out, since a table has few rows and this is made of
    expressions too.

    R. Brookmeyer and J. Crowley, A Confidence Interval for the Median Survival Time, Biometrics 38
    (1982), with the interval's bounds on the log-log scale.
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


def call_dimensions(
    calls: pl.DataFrame | pl.LazyFrame, by: Sequence[str], options: MetricOptions
) -> dict[str, pl.Expr]:
    """The expression of each of these dimensions of calls, in local time where it tells time.

    Raises:
        UnknownName: there is no such dimension of calls; the message lists the nearest.
        InputError: `by` is one name, not a list; or a dimension of names that these calls do not
            carry.
    """
    names = _names(by)
    for name in names:
        if name not in _OF_CALLS:
            raise UnknownName("dimension of calls", name, _OF_CALLS)
        if name in NAME_COLUMNS and name not in calls.lazy().collect_schema():
            raise InputError(
                f"These calls carry no {name}: join it with logs.with_names(extensions, users, hotlines), and take its calls."
            )
    return {name: pl.col(name) for name in names} | start_dimensions(names, options)


def _names(by: Sequence[str]) -> list[str]:
    if isinstance(by, str):
        raise InputError('by is a list of names, such as by=["hour"].')
    return list(dict.fromkeys(by))
