"""Data quality of times: which spans of calls and legs cannot be true."""

import polars as pl

from .call_facts import DURATION_MARGIN, is_too_long
from .call_legs import LEG_TIMES, legs_of
from .options import MetricOptions
from .quality_results import Check, Result, results_of

__all__ = ["time_checks"]


def time_checks(calls: pl.LazyFrame, options: MetricOptions) -> dict[str, Result]:
    """The results of the checks of the times of calls and legs."""
    return results_of(calls, _call_checks(options)) | _leg_checks(calls)


def _call_checks(options: MetricOptions) -> dict[str, Check]:
    length = pl.col("ended_at") - pl.col("started_at")
    duration = pl.col("duration").cast(pl.Int64)
    rings = pl.col("call_targets").list.eval(pl.element().struct.field("ring_duration"))
    shortest_ring = rings.list.min()
    return {
        "call_too_long": (length.is_not_null(), is_too_long(options)),
        "duration_above_call": (
            length.is_not_null() & duration.is_not_null(),
            duration * 1_000_000 > (length + DURATION_MARGIN).dt.total_microseconds(),
        ),
        "negative_seconds": (
            duration.is_not_null() | shortest_ring.is_not_null(),
            (duration < 0).fill_null(value=False) | (shortest_ring < 0).fill_null(value=False),
        ),
    }


def _leg_checks(calls: pl.LazyFrame) -> dict[str, Result]:
    # `legs_of` reads times outside the call as null, so a leg has a time if one is left or outside.
    legs = legs_of(calls.with_row_index("call_row"), "id")
    is_outside = pl.col("is_outside")
    has_time = is_outside | pl.any_horizontal(pl.col(*LEG_TIMES).is_not_null())
    has_bound = pl.col("started_at").is_not_null() | pl.col("ended_at").is_not_null()
    return results_of(legs, {"leg_outside_call": (has_time & has_bound, is_outside)})
