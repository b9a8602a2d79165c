"""The tables behind all measures: facts of calls, legs with their outcome, and offers."""

from typing import overload

import polars as pl

from .legs_and_offers import leg_rows, offer_rows
from .options import MetricOptions, checked_options
from .selection import Calls, Selection, calls_frame, fact_rows, like_input

__all__ = ["facts", "legs", "offers"]


@overload
def facts(calls: pl.LazyFrame, *, options: MetricOptions = ...) -> pl.LazyFrame: ...
@overload
def facts(calls: pl.DataFrame | Selection, *, options: MetricOptions = ...) -> pl.DataFrame: ...
def facts(calls: Calls, *, options: MetricOptions = MetricOptions()) -> pl.DataFrame | pl.LazyFrame:
    """One flat row per call with the values that measures aggregate, in the order of the calls.

    Columns: `id`, `started_at`, the dimensions of calls, and facts such as `answered`, `missed`,
    `wait_s` and `talk_s`; counts are Boolean, seconds Float64. LazyFrame in, LazyFrame out.

    Args:
        calls: calls of any direction.
        options: the settings of the facts, such as `wait_from` and `ivr_numbers`.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> et.metrics.facts(calls).select(pl.col("answered", "wait_s").sum().round(1)).row(0)
        (349, 2025.2)
    """
    return like_input(calls, fact_rows(calls, checked_options(options)))


@overload
def legs(calls: pl.LazyFrame, *, options: MetricOptions = ...) -> pl.LazyFrame: ...
@overload
def legs(calls: pl.DataFrame | Selection, *, options: MetricOptions = ...) -> pl.DataFrame: ...
def legs(calls: Calls, *, options: MetricOptions = MetricOptions()) -> pl.DataFrame | pl.LazyFrame:
    """One row per leg: the columns of `et.call_targets`, and its outcome.

    A leg is one connection of a call to a phone. LazyFrame in, LazyFrame out. The first rule that
    holds gives the `outcome`:

    - `in_progress`: the call has no end.
    - `answered`: its status is ANSWERED, or it has an answered time.
    - `busy_or_rejected`: SIP code 486, 600 or 603.
    - `network`: SIP code 500 to 599, or 408 without a ring.
    - `unreachable`: SIP code 404, 410, 480, 484 or 604 without a ring.
    - `answered_elsewhere`: a person answered another leg of the call while it rang.
    - `caller_gave_up`: it ended with the call, as the caller hung up.
    - `rna_timeout`: it rang and was not answered (ring no answer).
    - `other`: none of these.

    Args:
        calls: calls of any direction.
        options: `ivr_numbers`, which are not persons.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000", "8100"])
        >>> legs = et.metrics.legs(et.sample_logs().calls, options=options)
        >>> legs["outcome"].value_counts(sort=True).head(2).rows()
        [('answered', 602), ('answered_elsewhere', 412)]
    """
    return like_input(calls, leg_rows(calls_frame(calls), options=checked_options(options)))


@overload
def offers(calls: pl.LazyFrame, *, options: MetricOptions = ...) -> pl.LazyFrame: ...
@overload
def offers(calls: pl.DataFrame | Selection, *, options: MetricOptions = ...) -> pl.DataFrame: ...
def offers(
    calls: Calls, *, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """One row per offer with the columns of `schema.OFFERS`, in the order of the calls and legs.

    An offer is one ring of one person: the legs of one call to one number that begin within 2 s of
    each other. Its outcome is that of its best leg; `legs` lists the outcomes. Offers of running
    calls (`in_progress`) and offers to `ivr_numbers` are included; measures exclude both. LazyFrame
    in, LazyFrame out.

    Args:
        calls: calls of any direction.
        options: `ivr_numbers`, which are not persons.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000", "8100"])
        >>> offers = et.metrics.offers(et.sample_logs().calls, options=options)
        >>> offers.filter(pl.col("target_number") == "101")["busy"].sum()
        3
    """
    return like_input(calls, offer_rows(calls_frame(calls), options=checked_options(options)))
