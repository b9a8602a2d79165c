"""Unique callers: how many people called, and how many of them nobody ever answered."""

from typing import overload

import polars as pl

from .dimensions import Names, as_names, call_dimensions
from .ledger import caller_calls
from .options import MetricOptions, checked_options
from .ratios import wide_ratio
from .selection import Calls, Selection, calls_frame, like_input

__all__ = ["caller_summary"]


@overload
def caller_summary(
    calls: pl.LazyFrame,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.LazyFrame: ...
@overload
def caller_summary(
    calls: pl.DataFrame | Selection,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
    confidence: bool | float = ...,
) -> pl.DataFrame: ...
def caller_summary(
    calls: Calls,
    by: Names = (),
    *,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame | pl.LazyFrame:
    """How many callers called, and how many were answered at once or never, one row per group.

    A caller is a phone number in normal form, with at least one offered inbound call in the group;
    unknown callers are left out. Columns, after those of `by`: `callers`; `calls`, their offered
    calls; `calls_per_caller`; `first_attempt_answer_rate`, the share of callers whose first call
    was answered; `never_answered_rate`, the share of callers with no answered call. Each share has
    its counts `_num` and `_den`, and `_low` and `_high`, Wilson's interval. Sorted by group, nulls
    last. LazyFrame in, LazyFrame out.

    A caller is counted once in a group, so the callers of several groups may be more than those of
    all calls. A missed log of a session that another log shows as answered counts as answered.

    Args:
        calls: inbound calls; others are ignored.
        by: dimensions of the calls.
        options: `as_of`, and what an answered call is.
        confidence: False leaves the intervals out; True is 95 %; or a level such as 0.9.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> table = et.metrics.caller_summary(et.sample_logs().calls, options=options)
        >>> table.select("callers", "calls", "never_answered_rate_num").row(0)
        (244, 282, 21)
    """
    options = checked_options(options)
    table = calls_frame(calls)
    dimensions = call_dimensions(table, as_names(by, "by"), options)
    start = pl.col("started_at")
    answered = pl.col("answered") | pl.col("session_answered")
    callers = (
        caller_calls(table, options)
        .filter("is_inbound", pl.col("answered") | pl.col("missed"))
        .with_columns(**dimensions, counts_as_answered=answered)
        .group_by(*dimensions, "number")
        .agg(
            calls=pl.len().cast(pl.Int64),
            answered_first=pl.col("counts_as_answered").filter(start == start.min()).any(),
            answered_ever=pl.col("counts_as_answered").any(),
        )
    )
    n = pl.len().cast(pl.Int64)
    sums = {
        "callers": n,
        "calls": pl.col("calls").sum(),
        "first": pl.col("answered_first").cast(pl.Int64).sum(),
        "never": (~pl.col("answered_ever")).cast(pl.Int64).sum(),
    }
    groups = list(dimensions)
    counts = callers.group_by(groups).agg(**sums) if groups else callers.select(**sums)
    den = pl.col("callers")
    rates = counts.select(
        *groups,
        "callers",
        "calls",
        calls_per_caller=pl.when(den > 0).then(pl.col("calls") / den),
        **wide_ratio("first_attempt_answer_rate", pl.col("first"), den, confidence=confidence),
        **wide_ratio("never_answered_rate", pl.col("never"), den, confidence=confidence),
    )
    return like_input(calls, rates.sort(groups, nulls_last=True) if groups else rates)
