"""The outbound desk: customers called and reached, attempts until contact, and answer rates."""

from typing import overload

import polars as pl

from .call_attempts import attempts_of, outbound_calls, outbound_dimensions
from .dimensions import Names
from .options import MetricOptions, checked_options
from .ratios import wide_ratio
from .selection import Calls, Selection, calls_frame, like_input
from .survival import kaplan_meier

__all__ = [
    "attempts_until_reached",
    "outbound_answer_rate",
    "outbound_attempts",
    "outbound_customers",
]


@overload
def outbound_customers(
    calls: pl.LazyFrame,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...
@overload
def outbound_customers(
    calls: pl.DataFrame | Selection,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...
def outbound_customers(
    calls: Calls,
    by: Names = (),
    *,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """How many customers were called, and how many of them were reached, one row per group.

    A customer is a called number of 8 or more digits in normal form, so 0912..., 84912... and
    +84912... are one. A customer is in the group of the first attempt only, so the customers of all
    groups add up and none is counted twice. An attempt is an answered or missed outbound call to a
    customer.

    Columns, after those of `by`: `customers`; `reached`, those with an answered attempt, and
    `never_reached`; `attempts`, all attempts to these customers, and `attempts_per_customer`;
    `reach_rate`, reached / customers; `first_attempt_rate`, the share reached at the first attempt;
    `left_out`, outbound calls that are not attempts: running, of unknown state, without a start, to
    an extension or a masked number, or another log of an attempt. With `as_of`, calls without a
    start are not counted at all, since they may have begun later. Each share has its counts `_num`
    and `_den`, and `_low` and `_high`, Wilson's interval. Sorted by group, nulls last. LazyFrame
    in, LazyFrame out.

    The logs do not show calls before the first one here, so a first attempt may be a later one.
    They do not show either whether a person or the mailbox of a carrier answered: both count as
    reached.

    Args:
        calls: outbound calls; others are ignored.
        by: dimensions of the first attempt: those of calls, and `OUTBOUND_DIMENSIONS`.
        options: `as_of`, the time zone, and numbers that are not customers.
        confidence: False leaves the intervals out; True is 95 %; or a level such as 0.9.

    Raises:
        UnknownName: a dimension does not exist; the message lists the nearest names.
        InputError: the calls lack the names that a dimension needs, or `confidence` is not a level.

    Examples:
        >>> table = et.metrics.outbound_customers(et.sample_logs().calls)
        >>> table.select("customers", "reached", "never_reached", "attempts").row(0)
        (80, 58, 22, 84)
    """
    options = checked_options(options)
    table = calls_frame(calls)
    dimensions = outbound_dimensions(table, by, options)
    groups = list(dimensions)
    rows = outbound_calls(table, options)
    customers = (
        attempts_of(rows)
        .with_columns(**dimensions)
        .group_by("number", maintain_order=True)
        .agg(
            pl.col(groups).first(),
            attempts=pl.len().cast(pl.Int64),
            reached=pl.col("answered").any().cast(pl.Int64),
            first=pl.col("answered").first().cast(pl.Int64),
        )
    )
    one, zero = pl.lit(1, pl.Int64), pl.lit(0, pl.Int64)
    sums = ("attempts", "reached", "first", "customers", "left_out")
    others = rows.filter(~pl.col("is_attempt")).with_columns(**dimensions)
    both = pl.concat(
        [
            customers.with_columns(customers=one, left_out=zero),
            others.with_columns(**dict.fromkeys(sums, zero)).with_columns(left_out=one),
        ],
        how="diagonal",
    ).select(*groups, *sums)
    totals = (
        both.group_by(groups).agg(pl.col(sums).sum()) if groups else both.select(pl.col(sums).sum())
    )
    n = pl.col("customers")
    result = totals.select(
        *groups,
        "customers",
        "reached",
        never_reached=n - pl.col("reached"),
        attempts="attempts",
        attempts_per_customer=pl.when(n > 0).then(pl.col("attempts") / n),
        **wide_ratio("reach_rate", pl.col("reached"), n, confidence=confidence),
        **wide_ratio("first_attempt_rate", pl.col("first"), n, confidence=confidence),
        left_out="left_out",
    )
    return like_input(calls, result.sort(groups, nulls_last=True) if groups else result)


@overload
def outbound_answer_rate(
    calls: pl.LazyFrame,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...
@overload
def outbound_answer_rate(
    calls: pl.DataFrame | Selection,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...
def outbound_answer_rate(
    calls: Calls,
    by: Names = (),
    *,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """The share of attempts that the customers answered, one row per group.

    Columns, after those of `by`: `customers`, the different customers called in the group;
    `answer_rate`, answered attempts / attempts, its counts `answer_rate_num` and `answer_rate_den`,
    and `answer_rate_low` and `answer_rate_high`, Wilson's interval. Sorted by group, nulls last.
    LazyFrame in, LazyFrame out.

    `outbound_customers` defines customers and attempts. The carrier is read from the prefix, which
    a ported number keeps.

    Args:
        calls: outbound calls; others are ignored.
        by: dimensions of the attempts: those of calls, and `OUTBOUND_DIMENSIONS`, such as
            "own_number" or ["carrier", "week"].
        options: `as_of`, the time zone, and numbers that are not customers.
        confidence: False leaves the interval out; True is 95 %; or a level such as 0.9.

    Raises:
        UnknownName: a dimension does not exist; the message lists the nearest names.
        InputError: the calls lack the names that a dimension needs, or `confidence` is not a level.

    Examples:
        >>> rates = et.metrics.outbound_answer_rate(et.sample_logs().calls, "carrier")
        >>> rates.select("carrier", "answer_rate_num", "answer_rate_den").head(2).rows()
        [('viettel', 15, 22), ('mobifone', 4, 4)]
    """
    options = checked_options(options)
    table = calls_frame(calls)
    dimensions = outbound_dimensions(table, by, options)
    groups = list(dimensions)
    attempts = outbound_calls(table, options).filter("is_attempt").with_columns(**dimensions)
    sums = {
        "customers": pl.col("number").n_unique().cast(pl.Int64),
        "answered": pl.col("answered").cast(pl.Int64).sum(),
        "attempts": pl.len().cast(pl.Int64),
    }
    counts = attempts.group_by(groups).agg(**sums) if groups else attempts.select(**sums)
    ratio = wide_ratio("answer_rate", pl.col("answered"), pl.col("attempts"), confidence=confidence)
    rates = counts.select(*groups, "customers", **ratio)
    return like_input(calls, rates.sort(groups, nulls_last=True) if groups else rates)


@overload
def outbound_attempts(
    calls: pl.LazyFrame,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...
@overload
def outbound_attempts(
    calls: pl.DataFrame | Selection,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...
def outbound_attempts(
    calls: Calls,
    by: Names = (),
    *,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """The number of attempts until a customer is reached: a survival table per group of `by`.

    The columns are those of `kaplan_meier`, with `attempts` in place of `time_s`: `at_risk`, the
    customers with at least so many attempts and no answer to an earlier one; `events`, those
    reached with this attempt; `censored`, those not reached, who were not tried again; `survival`,
    the share of customers whom so many attempts do not reach; `low` and `high`. The row of 0
    attempts has all customers. LazyFrame in, LazyFrame out.

    A customer who was tried twice in vain would have needed at least three attempts. Censoring uses
    this, and assumes that customers who are not tried again are as easy to reach as the others. If
    the desk gives up on those who are hard to reach, more attempts are needed than this shows.

    `survival` is the Kaplan-Meier estimate: the product of 1 - events / at_risk (E. L. Kaplan and
    P. Meier, Nonparametric Estimation from Incomplete Observations, JASA 53, 1958). `low` and
    `high` are those of `kaplan_meier`, which has their formula and sources.

    Args:
        calls: outbound calls; others are ignored.
        by: dimensions of the first attempt: those of calls, and `OUTBOUND_DIMENSIONS`.
        options: `as_of`, the time zone, and numbers that are not customers.
        confidence: as in `kaplan_meier`.

    Raises:
        UnknownName: a dimension does not exist; the message lists the nearest names.
        InputError: the calls lack the names that a dimension needs, or `confidence` is not a level.

    Examples:
        >>> table = et.metrics.outbound_attempts(et.sample_logs().calls)
        >>> table.select("attempts", "at_risk", "events", "censored").head(2).rows()
        [(0, 80, 0, 0), (1, 80, 57, 22)]
    """
    options = checked_options(options)
    table = calls_frame(calls)
    dimensions = outbound_dimensions(table, by, options)
    survival = attempts_until_reached(table, dimensions, options, confidence)
    attempts = pl.col("time_s").cast(pl.Int64).alias("attempts")
    columns = survival.select(*dimensions, attempts, pl.exclude("time_s", *dimensions))
    return like_input(calls, columns)


def attempts_until_reached(
    calls: pl.LazyFrame,
    dimensions: dict[str, pl.Expr],
    options: MetricOptions,
    confidence: bool | float,
) -> pl.LazyFrame:
    """The survival table of `outbound_attempts`, with the attempts as `time_s`."""
    groups = list(dimensions)
    attempt = pl.col("attempt")
    customers = (
        attempts_of(outbound_calls(calls, options))
        .with_columns(**dimensions)
        .group_by("number", maintain_order=True)
        .agg(
            pl.col(groups).first(),
            event=pl.col("answered").any(),
            time_s=pl.coalesce(attempt.filter("answered").min(), attempt.max()),
        )
    )
    times = customers.select(*groups, "time_s", "event")
    return kaplan_meier(times, groups, confidence=confidence)
