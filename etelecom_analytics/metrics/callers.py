"""Callers: how fast missed calls are called back, and how often callers call again.

`ledger` defines what a caller is, and which later call resolves a missed call. Calls that began
after `as_of` are ignored.
"""

from datetime import timedelta
from typing import overload

import polars as pl

from ..local_time import parse_span
from .call_legs import seconds
from .dimensions import Names, as_names, call_dimensions
from .ledger import caller_calls, ledger_rows
from .options import MetricOptions, checked_options
from .ratios import long_ratio
from .selection import Calls, Selection, calls_frame, like_input
from .survival import kaplan_meier

__all__ = ["callback_rate", "repeat_rate", "time_to_callback"]


@overload
def callback_rate(
    calls: pl.LazyFrame,
    by: Names = ...,
    *,
    within: timedelta | str = ...,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...


@overload
def callback_rate(
    calls: pl.DataFrame | Selection,
    by: Names = ...,
    *,
    within: timedelta | str = ...,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...


def callback_rate(
    calls: Calls,
    by: Names = (),
    *,
    within: timedelta | str = "24h",
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """The share of missed calls that were called back or served soon, one row per group.

    Without `by` there is one row. Columns, after those of `by`: `value`, null if the denominator is
    0; `numerator`, the rows of `missed_ledger` with `resolved_after_s` of at most `within`;
    `denominator`, the rows with an age of at least `within` at `as_of`, so that each had the full
    time; `low` and `high`, Wilson's interval. Sorted by group, nulls last. LazyFrame in, LazyFrame
    out.

    Args:
        calls: calls of all directions.
        by: dimensions of the missed calls.
        within: the time from the end of a missed call, such as "24h" or a timedelta.
        options: `as_of` and `ivr_numbers`.
        confidence: False leaves `low` and `high` out; True is 95 %; or a level such as 0.9.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> calls = et.sample_logs().calls
        >>> rate = et.metrics.callback_rate(calls, within="2h", options=options)
        >>> rate.select("numerator", "denominator").row(0)
        (9, 33)
    """
    options = checked_options(options)
    within_s = _seconds(within)
    table = calls_frame(calls)
    dimensions = call_dimensions(table, as_names(by, "by"), options)
    ledger = ledger_rows(table, options).filter(pl.col("age_s") >= within_s)
    is_resolved = pl.col("resolved_after_s") <= within_s
    return like_input(calls, _rate(ledger, is_resolved, dimensions, confidence))


@overload
def time_to_callback(
    calls: pl.LazyFrame,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...


@overload
def time_to_callback(
    calls: pl.DataFrame | Selection,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...


def time_to_callback(
    calls: Calls,
    by: Names = (),
    *,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """The time until missed calls are resolved: a survival table per group of `by`.

    See `kaplan_meier` for the columns. Times are those of `missed_ledger`, from `ended_at`. An
    outcome of `called_back` or `served` is an event; open calls are censored at `as_of`. LazyFrame
    in, LazyFrame out.

    Args:
        calls: calls of all directions.
        by: dimensions of the missed calls.
        options: `as_of` and `ivr_numbers`.
        confidence: as in `kaplan_meier`.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> table = et.metrics.time_to_callback(et.sample_logs().calls, options=options)
        >>> et.metrics.median_survival(table).select("n", "events").row(0)
        (33, 19)
    """
    options = checked_options(options)
    table = calls_frame(calls)
    dimensions = call_dimensions(table, as_names(by, "by"), options)
    ledger = ledger_rows(table, options).with_columns(**dimensions)
    times = ledger.select(
        *dimensions,
        time_s=pl.coalesce("resolved_after_s", "age_s"),
        event=pl.col("resolved_after_s").is_not_null(),
    )
    return like_input(calls, kaplan_meier(times, list(dimensions), confidence=confidence))


@overload
def repeat_rate(
    calls: pl.LazyFrame,
    by: Names = ...,
    *,
    within: timedelta | str = ...,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...


@overload
def repeat_rate(
    calls: pl.DataFrame | Selection,
    by: Names = ...,
    *,
    within: timedelta | str = ...,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...


def repeat_rate(
    calls: Calls,
    by: Names = (),
    *,
    within: timedelta | str = "24h",
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """The share of inbound calls that the caller soon follows with another, one row per group.

    Without `by` there is one row. Columns, after those of `by`: `value`, null if the denominator is
    0; `numerator`, the calls after which another inbound call of the caller started, later and
    within the time, inclusive; `denominator`, inbound calls with a caller, answered or not, that
    started at least this time before `as_of`; `low` and `high`, Wilson's interval. Sorted by group
    of the first calls, nulls last. LazyFrame in, LazyFrame out.

    Args:
        calls: inbound calls; others are ignored.
        by: dimensions of the first calls.
        within: the time from start to start, such as "24h" or a timedelta.
        options: `as_of`.
        confidence: False leaves `low` and `high` out; True is 95 %; or a level such as 0.9.

    Examples:
        >>> rate = et.metrics.repeat_rate(et.sample_logs().calls, within="3d")
        >>> rate.select("numerator", "denominator").row(0)
        (30, 203)
    """
    options = checked_options(options)
    within_s = _seconds(within)
    table = calls_frame(calls)
    dimensions = call_dimensions(table, as_names(by, "by"), options)
    inbound = caller_calls(table, options).filter("is_inbound").sort("started_at")
    again = inbound.select("number", "started_at", again_at="started_at")
    followed = inbound.join_asof(
        again,
        on="started_at",
        by="number",
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    ).filter(seconds(pl.col("started_at"), pl.col("as_of")) >= within_s)
    is_repeat = seconds(pl.col("started_at"), pl.col("again_at")) <= within_s
    return like_input(calls, _rate(followed, is_repeat, dimensions, confidence))


def _seconds(within: timedelta | str) -> float:
    return parse_span(within, "within") / timedelta(seconds=1)


def _rate(
    rows: pl.LazyFrame,
    condition: pl.Expr,
    dimensions: dict[str, pl.Expr],
    confidence: bool | float,
) -> pl.LazyFrame:
    """The share of rows that meet the condition, per group."""
    sums = {
        "numerator": condition.fill_null(value=False).cast(pl.Int64).sum(),
        "denominator": pl.len().cast(pl.Int64),
    }
    local = rows.with_columns(**dimensions)
    counts = local.group_by(list(dimensions)).agg(**sums) if dimensions else local.select(**sums)
    ratio = long_ratio(pl.col("numerator"), pl.col("denominator"), confidence=confidence)
    shares = counts.select(*dimensions, **ratio)
    return shares.sort(list(dimensions), nulls_last=True) if dimensions else shares
