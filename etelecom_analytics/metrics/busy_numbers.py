"""Busy numbers: whether a person was already talking in another call when an offer began."""

from datetime import UTC

import polars as pl

from .options import MetricOptions

__all__ = ["as_of_row", "busy_offers"]


def busy_offers(grouped: pl.LazyFrame, legs: pl.LazyFrame, as_of: pl.LazyFrame) -> pl.LazyFrame:
    """For each offer, whether its number was talking in another call when the offer began.

    That is, answered_time <= offered_at < ended_time. A talk without an end lasts until the end of
    its call, or until `as_of`. Sorts the begins and ends of talks and the
    offers of each number by time and counts the open talks, which is fast where joining every offer
    with every talk of its number is not.
    """
    talks = (
        legs.filter("is_answered", ~pl.col("is_too_long"))
        .join(as_of, how="cross")
        .with_columns(ended_time=pl.coalesce("ended_time", "ended_at", "as_of"))
        .filter(pl.col("answered_time") < pl.col("ended_time"))
    )

    def events(frame: pl.LazyFrame, at: str, change: int, first_leg: pl.Expr) -> pl.LazyFrame:
        keys = frame.select("target_number", "call_row", at=pl.col(at), first_leg=first_leg)
        return keys.with_columns(change=pl.lit(change), is_offer=pl.lit(change == 0))

    no_leg = pl.lit(None, dtype=pl.Int32)
    timeline = pl.concat(
        [
            events(talks, "answered_time", 1, no_leg),
            events(talks, "ended_time", -1, no_leg),
            events(grouped, "offered_at", 0, pl.col("first_leg")),
        ]
    ).sort("target_number", "at", "is_offer")
    # Every talk begins and ends, so the changes of one number sum to 0 before the next number
    # starts: one cumulative sum serves all numbers.
    open_talks = pl.col("change").cum_sum()
    own_talks = pl.col("change").cum_sum().over("target_number", "call_row")
    is_known = pl.col("target_number").is_not_null() & pl.col("at").is_not_null()
    return (
        timeline.with_columns(busy=is_known & (open_talks > own_talks))
        .filter("is_offer")
        .select("call_row", "first_leg", "busy")
    )


def as_of_row(numbered: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """One row with `as_of`."""
    if options.as_of is None:
        return numbered.select(as_of=pl.col("started_at").max())
    as_of = pl.lit(options.as_of.astimezone(UTC), pl.Datetime("us", "UTC"))
    return pl.LazyFrame().select(as_of=as_of)
