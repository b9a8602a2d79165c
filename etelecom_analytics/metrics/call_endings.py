"""What became of a call by its legs: who ended it, transfers, talk with agents, and its queue.

These values depend on several legs of a call at once. Each is computed from the calls that it
concerns, batch by batch, so that calls still stream.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import polars as pl
from polars.datatypes import DataType

from .call_legs import (
    false_if_null,
    is_answered_leg,
    is_outside_number,
    is_queue,
    legs_of,
    quotient,
)
from .leg_outcomes import (
    TIMED_OUT,
    TOLERANCE,
    UNAVAILABLE,
    is_cancelled,
    legs_with_kind,
    legs_with_outcome,
)
from .options import MetricOptions

__all__ = [
    "ENDINGS",
    "HUNG_UP",
    "call_talks",
    "ending_of_missed",
    "first_queue",
    "legs_outside",
    "transfers_and_forwards",
]

ENDINGS = ("abandoned", "ended_by_pbx", "end_unknown")
"""Who ended a missed call: the caller, the PBX, or unknown."""

HUNG_UP = ("agent", "caller")
"""Who hung up an answered call."""

_ENDING, _HUNG_UP = pl.Enum(ENDINGS), pl.Enum(HUNG_UP)
_OUTSIDE_TALKS = {"transfers": pl.Int32(), "forwards": pl.Int32()}
_TALKS = {
    "union_s": pl.Float64(),
    "who_hung_up": _HUNG_UP,
}
_COLUMNS = ("direction", "started_at", "ended_at", "call_targets")
_FAILED = ("busy_or_rejected", "unreachable", "network")


def ending_of_missed(is_missed: pl.Expr, options: MetricOptions) -> pl.Expr:
    """Who ended a missed call, one of `ENDINGS`; null for other calls."""
    return _of_legs(is_missed, {"ending": _ENDING}, partial(_endings, options=options)).struct[0]


def call_talks(is_answered: pl.Expr, options: MetricOptions) -> pl.Expr:
    """A struct of what happened in the talks of an answered call; its fields are null for others.

    `union_s`: the seconds with at least one agent, null if unknown. `who_hung_up`:
    one of `HUNG_UP`, by the leg that was answered last; null if unknown.
    """
    return _of_legs(is_answered, _TALKS, partial(_talks, options=options))


def transfers_and_forwards(options: MetricOptions) -> pl.Expr:
    """A struct of the answered external legs of a call, `transfers` and `forwards`.

    A transfer is one after an answer of a person; all others are forwards.
    """

    def leg(name: str) -> pl.Expr:
        return pl.element().struct.field(name)

    is_outside = is_answered_leg(leg) & is_outside_number(leg, options)
    is_concerned = false_if_null(pl.col("call_targets").list.eval(is_outside).list.any())
    compute = partial(_transfers, options=options)
    return _of_legs(is_concerned, _OUTSIDE_TALKS, compute)


def first_queue(options: MetricOptions) -> pl.Expr:
    """The target number of the first queue leg of a call; null without one."""
    if not options.queue_numbers:
        return pl.lit(None, pl.String)
    is_entry = is_queue(lambda name: pl.element().struct.field(name), options)
    has_queue = false_if_null(pl.col("call_targets").list.eval(is_entry).list.any())
    compute = partial(_first_queues, options=options)
    return _of_legs(has_queue, {"queue": pl.String()}, compute).struct[0]


def legs_outside() -> pl.Expr:
    """The number of legs of a call with a time more than 300 s outside the call."""
    return _of_legs(pl.lit(value=True), {"legs": pl.Int32()}, _outside).struct[0].fill_null(0)


def _of_legs(
    applies: pl.Expr,
    fields: Mapping[str, DataType],
    compute: Callable[[pl.LazyFrame], pl.LazyFrame],
) -> pl.Expr:
    """A struct of these fields, computed from the calls that it applies to; null for others.

    `compute` can be pickled, so that a plan with it can be serialized.
    """
    columns = pl.struct(*_COLUMNS, applies=applies)
    function = partial(_of_batch, names=tuple(fields), compute=compute)
    dtype = pl.Struct(dict(fields))
    # Not `columns.map_batches`, which wraps the function, so that it could not be pickled.
    return pl.map_batches([columns], function, return_dtype=dtype, is_elementwise=True)


def _of_batch(
    batch: Sequence[pl.Series],
    *,
    names: Sequence[str],
    compute: Callable[[pl.LazyFrame], pl.LazyFrame],
) -> pl.Series:
    (columns,) = batch
    calls = columns.struct.unnest().with_row_index("call_row").lazy()
    rows = compute(calls.filter("applies"))
    joined = calls.select("call_row").join(rows, on="call_row", how="left", maintain_order="left")
    return joined.select(pl.struct(*names)).collect().to_series()


def _endings(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """`ending` of each of these missed calls; the first rule that holds."""
    reason = pl.col("end_reason").str.to_lowercase()
    near = false_if_null((pl.col("ended_time") - pl.col("ended_at")).abs() <= TOLERANCE)
    by_caller = false_if_null(reason.str.starts_with("caller_disconnect"))
    by_pbx = false_if_null(reason.str.contains("timeout|overflow|closed")) | (
        (pl.col("kind") == "ivr") & false_if_null(reason.str.starts_with("callee_disconnect"))
    )
    timeout_s = options.ring_timeout_s
    rang_out = (
        pl.lit(value=False)
        if timeout_s is None
        else false_if_null(pl.col("ring_duration") >= timeout_s - 1)
    )
    unreached = pl.col("outcome").is_in(_FAILED) | (
        (pl.col("outcome") == "rna_timeout")
        & false_if_null(pl.col("fail_code").is_in([TIMED_OUT, UNAVAILABLE]))
    )
    legs = legs_with_outcome(calls, options).with_columns(
        near=near, is_voicemail=pl.col("kind") == "voicemail", is_cancelled=is_cancelled()
    )
    near, cancelled = pl.col("near"), pl.col("near") & pl.col("is_cancelled")
    facts = legs.group_by("call_row").agg(
        voicemail=(pl.col("is_voicemail") & (near | pl.col("is_answered"))).any(),
        by_caller=(near & by_caller).any(),
        by_pbx=(near & by_pbx).any(),
        cancelled=(cancelled & ~rang_out).any(),
        near=near.any(),
        unreached=(~near | unreached | cancelled).all(),
    )
    ending = (
        pl.when("voicemail")
        .then(pl.lit("ended_by_pbx", _ENDING))
        .when("by_caller")
        .then(pl.lit("abandoned", _ENDING))
        .when("by_pbx")
        .then(pl.lit("ended_by_pbx", _ENDING))
        .when("cancelled")
        .then(pl.lit("abandoned", _ENDING))
        .when(pl.col("near") & pl.col("unreached"))
        .then(pl.lit("ended_by_pbx", _ENDING))
    )
    rows = calls.select("call_row").join(
        facts.select("call_row", ending=ending), on="call_row", how="left"
    )
    return rows.with_columns(pl.col("ending").fill_null(pl.lit("end_unknown", _ENDING)))


def _talks(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    legs = legs_with_kind(calls, options).filter("is_answered")
    kind, answered, ended = pl.col("kind"), pl.col("answered_time"), pl.col("ended_time")
    reason = pl.col("end_reason").str.to_lowercase()
    hung_up = (
        pl.when(reason.str.starts_with("caller_disconnect"))
        .then(pl.lit("caller", _HUNG_UP))
        .when(reason.str.starts_with("callee_disconnect"))
        .then(pl.lit("agent", _HUNG_UP))
    )
    # A talk adds what lies after the end of all earlier talks of the call.
    talks = legs.filter(kind.is_in(["person", "customer"]), answered <= ended).sort(
        "call_row", "answered_time"
    )
    begin = pl.max_horizontal(answered, ended.cum_max().shift(1).over("call_row"))
    added = (ended - begin).dt.total_microseconds().clip(0)
    unions = (
        talks.select("call_row", added=added)
        .group_by("call_row")
        .agg(union_s=quotient(pl.col("added").sum(), 1_000_000))
    )
    return (
        legs.sort("call_row", "answered_time", "target_index", nulls_last=False)
        .group_by("call_row")
        .agg(who_hung_up=hung_up.last())
        .join(unions, on="call_row", how="left")
    )


def _transfers(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    legs = legs_with_kind(calls, options).filter("is_answered")
    answered, is_external = pl.col("answered_time"), pl.col("kind") == "external"
    first_answer = answered.filter(pl.col("kind") == "person").min()
    is_transfer = is_external & false_if_null(answered >= first_answer)
    return legs.group_by("call_row").agg(
        transfers=is_transfer.sum().cast(pl.Int32),
        forwards=(is_external & ~is_transfer).sum().cast(pl.Int32),
    )


def _first_queues(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    return (
        legs_with_kind(calls, options)
        .filter(pl.col("kind") == "queue")
        .sort("began", "target_index", nulls_last=True)
        .group_by("call_row")
        .agg(queue=pl.col("target_number").first())
    )


def _outside(calls: pl.LazyFrame) -> pl.LazyFrame:
    return (
        legs_of(calls).filter("is_outside").group_by("call_row").agg(legs=pl.len().cast(pl.Int32))
    )
