"""Survival analysis: the time until an event, also from cases where it has not happened yet.

A caller who was answered after 20 s would have waited at least 20 s. To leave this caller out, or
to count 20 s as the patience, underestimates how long callers are willing to wait. The
product-limit estimate uses exactly what is known: at least 20 s.
"""

from collections.abc import Iterable
from typing import overload

import polars as pl

from ..errors import InputError
from ..frames import Frame, same_kind
from ..phone_numbers import printable
from .confidence import confidence_level, z_of
from .dimensions import Names, as_names, call_dimensions
from .options import MetricOptions, checked_options
from .selection import Calls, Selection, calls_frame, fact_rows, like_input

__all__ = ["kaplan_meier", "median_survival", "patience"]

_ROUNDING = 1e-9
"""The rounding error of a product of many shares, when it is compared with one half."""


@overload
def patience(
    calls: pl.LazyFrame,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...


@overload
def patience(
    calls: pl.DataFrame | Selection,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...


def patience(
    calls: Calls,
    by: Names = (),
    *,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """How long callers are willing to wait: a survival table per group of `by`.

    See `kaplan_meier` for the columns. Offered calls with a known wait count. An abandoned call is
    an event. An answered call, or one that the PBX ended, is censored, because its caller would
    have waited longer. A missed call with an unknown end is an event, or is censored with
    `unknown_endings="censored"`. LazyFrame in, LazyFrame out.

    Missed calls have no `extension_id` and no `user_id`, so grouped by these only the null group
    has events.

    Args:
        calls: calls of any direction; all of them count.
        by: dimensions of calls.
        options: `wait_from` defines where a wait begins, and `unknown_endings` what a missed call
            with an unknown end is.
        confidence: as in `kaplan_meier`.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> table = et.metrics.patience(inbound, options=options)
        >>> table.select("time_s", "at_risk", "events").row(0)
        (0.0, 298, 0)
    """
    options = checked_options(options)
    dimensions = call_dimensions(calls_frame(calls), as_names(by, "by"), options)
    # Calls that were not offered have a null wait_s.
    waits = fact_rows(calls, options).with_columns(**dimensions)
    event = pl.col("abandoned")
    if options.unknown_endings == "event":
        event = event | pl.col("end_unknown")
    times = waits.select(*dimensions, time_s="wait_s", event=event)
    return like_input(calls, kaplan_meier(times, list(dimensions), confidence=confidence))


def kaplan_meier(times: Frame, by: Names = (), *, confidence: bool | float = True) -> Frame:
    """The Kaplan-Meier (product-limit) estimate of the survival function, with its interval.

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
        confidence: False leaves `low` and `high` out; True is 95 %; or a level such as 0.9.

    Raises:
        InputError: `times` is no frame, or a column is missing or of another dtype.

    Examples:
        >>> times = pl.DataFrame({"time_s": [5, 8, 8, 12], "event": [True, True, False, True]})
        >>> table = et.metrics.kaplan_meier(times)
        >>> table.select("time_s", "at_risk", "events", "survival").rows()
        [(0.0, 4, 0, 1.0), (5.0, 4, 1, 0.75), (8.0, 3, 1, 0.5), (12.0, 1, 1, 0.0)]
    """
    keys: list[str] = as_names(by, "by")
    level = confidence_level(confidence)
    schema = _checked_schema(times, "times", ("time_s", "event", *keys))
    if not schema["time_s"].is_numeric() or schema["event"] not in (pl.Boolean, pl.Null):
        raise InputError("times needs a column time_s of seconds and a Boolean column event.")
    event = pl.col("event").cast(pl.Boolean)
    known = (
        times.lazy()
        .filter(pl.col("time_s").is_not_null(), event.is_not_null())
        .select(
            *keys,
            pl.col("time_s").cast(pl.Float64),
            events=event.cast(pl.Int64),
            censored=(~event).cast(pl.Int64),
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
    table = steps.with_columns(
        at_risk=by_group((events + pl.col("censored")).cum_sum(reverse=True))
    ).with_columns(survival=by_group((1 - events / at_risk).cum_prod()))
    columns = [*keys, "time_s", "at_risk", "events", "censored", "survival"]
    if level is not None:
        greenwood = by_group((events / (at_risk * (at_risk - events))).cum_sum())
        spread = z_of(level) * greenwood.sqrt() / survival.log().abs()
        has_interval = (survival > 0) & (survival < 1)
        table = table.with_columns(
            low=pl.when(has_interval).then(survival ** spread.exp()),
            high=pl.when(has_interval).then(survival ** (-spread).exp()),
        )
        columns += ["low", "high"]
    return same_kind(times, table.select(columns))


def median_survival(table: Frame, by: Names = ()) -> Frame:
    """The median survival time of each group of a survival table, with its interval.

    One row per group, sorted; without `by`, one row. Columns, after those of `by`: `n`, the number
    of cases at time 0; `events`, the number of events; `median_s`, the first time with survival <=
    0.5; `low_s` and `high_s`, the first times at which `low` and `high` are <= 0.5, if the table
    has these. A value is null if 0.5 is not reached. LazyFrame in, LazyFrame out.

    R. Brookmeyer and J. Crowley, A Confidence Interval for the Median Survival Time, Biometrics 38
    (1982), with the bounds of the interval on the log-log scale.

    Args:
        table: a result of `kaplan_meier`, `patience` or `time_to_callback`.
        by: the `by` of that result.

    Raises:
        InputError: `table` is no frame, or a column is missing.

    Examples:
        >>> times = pl.DataFrame({"time_s": [5, 8, 8, 12], "event": [True, True, False, True]})
        >>> table = et.metrics.kaplan_meier(times)
        >>> et.metrics.median_survival(table).select("n", "events", "median_s").row(0)
        (4, 3, 8.0)
    """
    keys: list[str] = as_names(by, "by")
    schema = _checked_schema(table, "table", ("time_s", "at_risk", "events", "survival", *keys))

    def first_time(column: str) -> pl.Expr:
        return pl.col("time_s").filter(pl.col(column) <= 0.5 + _ROUNDING).min()

    columns = {
        "n": pl.col("at_risk").max(),
        "events": pl.col("events").sum(),
        "median_s": first_time("survival"),
        **{f"{end}_s": first_time(end) for end in ("low", "high") if end in schema},
    }
    rows = table.lazy()
    medians = (
        rows.group_by(keys).agg(**columns).sort(keys, nulls_last=True)
        if keys
        else rows.select(**columns)
    )
    return same_kind(table, medians.with_columns(pl.col("n").fill_null(0)))


def _checked_schema(table: object, parameter: str, columns: Iterable[str]) -> pl.Schema:
    """The schema of the table.

    Raises:
        InputError: it is no frame, or a column is missing.
    """
    if not isinstance(table, pl.DataFrame | pl.LazyFrame):
        raise InputError(
            f"{parameter} must be a Polars DataFrame or LazyFrame; got {type(table).__name__}."
        )
    schema = table.collect_schema()
    missing = [name for name in columns if name not in schema]
    if missing:
        raise InputError(f"{parameter} has no column {printable(missing[0])}.")
    return schema
