"""Visits to queues: when a call entered and left each queue, and how the visit ended."""

from typing import overload

import polars as pl

from .call_endings import ENDINGS
from .call_facts import call_facts
from .call_legs import false_if_null, seconds
from .internal_calls import without_second_logs
from .leg_outcomes import TOLERANCE, legs_with_kind
from .options import MetricOptions, checked_options
from .selection import Calls, Selection, calls_frame, like_input

__all__ = ["VISIT_OUTCOMES", "queue_visits"]

VISIT_OUTCOMES = ("answered", "abandoned", "overflowed", "ended_by_pbx", "unknown")
"""How a visit to a queue can end."""

_OUTCOME = pl.Enum(VISIT_OUTCOMES)


@overload
def queue_visits(calls: pl.LazyFrame, *, options: MetricOptions = ...) -> pl.LazyFrame: ...
@overload
def queue_visits(
    calls: pl.DataFrame | Selection, *, options: MetricOptions = ...
) -> pl.DataFrame: ...
def queue_visits(
    calls: Calls, *, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """One row per call and uninterrupted stay in a queue, in the order of the calls and entries.

    Legs to one queue are one stay if each begins at most 2 s after the end of the previous one. A
    call that overflows from one queue into another has several visits, but is one call: count lost
    calls with `missed` by `queue`. LazyFrame in, LazyFrame out. Columns:

    - `call_id`, and `queue`, the target number of the queue.
    - `entered_at`: the first time of its first leg; `left_at`: the answer, or
      before it the end of its last leg.
    - `outcome`: `answered`, if a person answered between `entered_at` and 2 s after `left_at`, and
      before the call entered another queue. Else `overflowed`, if it entered another queue. Else
      `abandoned` or `ended_by_pbx`, as the missed call ended; or `unknown`.
    - `wait_s`: from `entered_at` to the answer, else to `left_at`; null if unknown or longer than
      `longest_call_s`.

    Args:
        calls: calls of any direction.
        options: `queue_numbers`; without these there are no visits.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000"], queue_numbers=["8100"])
        >>> visits = et.metrics.queue_visits(et.sample_logs().calls, options=options)
        >>> visits["outcome"].value_counts().sort("outcome").rows()
        [('answered', 45), ('abandoned', 4)]
    """
    options = checked_options(options)
    # Cached, because a lazy frame may return its rows in another order each time.
    numbered = without_second_logs(calls_frame(calls).with_row_index("call_row")).cache()
    legs = legs_with_kind(numbered, options)
    visits = _stays(legs.filter(pl.col("kind") == "queue"))
    answers = legs.filter("is_answered", pl.col("kind") == "person").select(
        "call_row", "answered_time"
    )
    # `call_facts` passes ids through, so they carry the row number: ids may be missing or repeated.
    facts = (
        call_facts(numbered.with_columns(id=pl.struct("id", "call_row")), options=options)
        .unnest("id")
        .select("call_row", *ENDINGS, call_id="id")
    )
    entered, left = pl.col("entered_at"), pl.col("left_at")
    at = pl.col("answered_time")
    # An answer belongs to the queue that was entered last.
    is_before_next = pl.col("next_at").is_null() | (at < pl.col("next_at"))
    is_answer = (at >= entered) & is_before_next & (at <= left + TOLERANCE)
    answered = (
        visits.join(answers, on="call_row")
        .filter(false_if_null(is_answer))
        .group_by("call_row", "visit")
        .agg(answer=pl.col("answered_time").min())
    )
    outcome = (
        pl.when(pl.col("answer").is_not_null())
        .then(pl.lit("answered", _OUTCOME))
        .when(~pl.col("is_final"))
        .then(pl.lit("overflowed", _OUTCOME))
        .when("abandoned")
        .then(pl.lit("abandoned", _OUTCOME))
        .when("ended_by_pbx")
        .then(pl.lit("ended_by_pbx", _OUTCOME))
        .otherwise(pl.lit("unknown", _OUTCOME))
    )
    rows = (
        visits.join(answered, on=["call_row", "visit"], how="left")
        .join(facts, on="call_row", how="left")
        .sort("call_row", "visit")
    )
    wait = seconds(entered, pl.coalesce("answer", left)).clip(lower_bound=0.0)
    table = rows.select(
        "call_id",
        "queue",
        "entered_at",
        left_at=pl.min_horizontal("answer", left),
        outcome=outcome,
        wait_s=pl.when(wait <= options.longest_call_s).then(wait),
    )
    return like_input(calls, table)


def _stays(legs: pl.LazyFrame) -> pl.LazyFrame:
    """One row per stay: `call_row`, `visit` (its number), `queue`, `entered_at`, `left_at`.

    Further columns: `next_at`, when the next stay of the call began, and `is_final`.
    """
    began, number = pl.col("began"), pl.col("target_number")
    last_end = pl.col("ended_time").shift(1)
    is_same = (number == number.shift(1)) & (began <= last_end + TOLERANCE)
    is_new = ~false_if_null(is_same.over("call_row"))
    stays = (
        legs.sort("call_row", "began", "target_index", nulls_last=True)
        .with_columns(visit=is_new.cum_sum())
        .group_by("call_row", "visit")
        .agg(
            queue=number.first(),
            entered_at=began.first(),
            left_at=pl.col("ended_time").max(),
        )
        .sort("call_row", "visit")
    )
    return stays.with_columns(
        next_at=pl.col("entered_at").shift(-1).over("call_row"),
        is_final=(pl.col("visit") == pl.col("visit").max()).over("call_row"),
    )
