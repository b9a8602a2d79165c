"""Legs: whether one was answered, what kind of target it has, and which of its times can be true.

All measures read legs through these expressions, so outcomes, offers, waits, talk and endings agree
about each leg.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import combinations

import polars as pl

from ..phone_numbers import HIDDEN_NUMBER, is_listed, is_subscriber
from ..schema import CALL_SCHEMA, LEG_KINDS, LEGS
from .options import MetricOptions

__all__ = [
    "LEG_MARGIN",
    "LEG_TIMES",
    "Leg",
    "false_if_null",
    "has_answered_leg",
    "is_answered_leg",
    "is_automatic",
    "is_listed_leg",
    "is_outside_number",
    "is_queue",
    "kind_of",
    "legs_of",
    "quotient",
    "rang",
    "sane_legs",
    "sane_targets",
    "seconds",
]

Leg = Callable[[str], pl.Expr]
"""The access to a field of a leg by name: `pl.col`, or a field of a list's element."""

LEG_TIMES = ("add_time", "ring_time", "answered_time", "ended_time")

_KIND = pl.Enum(LEG_KINDS)
LEG_MARGIN = timedelta(seconds=300)
"""How far the times of a leg may be outside its call, as clocks differ; others are unknown."""
_CALL = ("direction", "started_at", "ended_at")


def seconds(begin: pl.Expr, end: pl.Expr) -> pl.Expr:
    """The seconds from `begin` to `end` as Float64, exact to the microsecond."""
    return quotient((end - begin).dt.total_microseconds(), 1_000_000)


def quotient(column: pl.Expr, number: int) -> pl.Expr:
    """The column divided by the number, as the nearest Float64.

    Polars multiplies a column of several rows by the reciprocal of a scalar, but divides a single
    row. 3,943,000 microseconds would then be 3.943 s or 3.9429999999999996 s, depending on the
    number of rows. It divides a column by a column exactly.
    """
    return column / column.clip(number, number)


def false_if_null(condition: pl.Expr) -> pl.Expr:
    """The condition; a comparison with a null does not hold."""
    return condition.fill_null(value=False)


def is_answered_leg(leg: Leg) -> pl.Expr:
    """Whether a leg was answered: status ANSWERED in any case, or `answered_time` set."""
    # A case-insensitive pattern avoids a new string for every leg.
    return (
        false_if_null(leg("status").str.contains("^(?i:ANSWERED)$"))
        | leg("answered_time").is_not_null()
    )


def has_answered_leg() -> pl.Expr:
    """Whether a leg of a call was answered."""
    legs = pl.col("call_targets").list
    return legs.eval(is_answered_leg(pl.element().struct.field)).list.any()


def rang(leg: Leg) -> pl.Expr:
    """Whether a leg rang: `ring_time` set, or a `ring_duration` above 0."""
    return leg("ring_time").is_not_null() | false_if_null(leg("ring_duration") > 0)


def is_listed_leg(leg: Leg, entries: tuple[str, ...]) -> pl.Expr:
    """Whether the target number of a leg is one of these entries of an option; false for null."""
    return is_listed(leg("target_number"), entries)


def is_queue(leg: Leg, options: MetricOptions) -> pl.Expr:
    """Whether a leg went to a queue."""
    is_entry = is_listed_leg(leg, options.queue_numbers)
    return is_entry & ~is_listed_leg(leg, options.ivr_numbers) if options.ivr_numbers else is_entry


def is_automatic(leg: Leg, options: MetricOptions) -> pl.Expr:
    """Whether a leg went to an IVR, a queue or a voicemail."""
    lists = (*options.ivr_numbers, *options.queue_numbers, *options.voicemail_numbers)
    return is_listed_leg(leg, lists)


def is_outside_number(leg: Leg, options: MetricOptions) -> pl.Expr:
    """Whether a leg went to an external phone number, which is a customer's on an `out` call.

    Masks and pseudonyms stand for external numbers.
    """
    is_hidden = false_if_null(leg("target_number").str.contains(HIDDEN_NUMBER))
    is_outside = (is_subscriber(leg("target_number")) | is_hidden) & ~is_automatic(leg, options)
    if not options.agent_numbers:
        return is_outside
    return is_outside & ~is_listed_leg(leg, options.agent_numbers)


def kind_of(leg: Leg, direction: pl.Expr, options: MetricOptions) -> pl.Expr:
    """The kind of a leg's target, one of `schema.LEG_KINDS`; the first that holds."""
    is_outside = is_outside_number(leg, options)
    rules = {
        "ivr": is_listed_leg(leg, options.ivr_numbers),
        "queue": is_queue(leg, options),
        "voicemail": is_listed_leg(leg, options.voicemail_numbers),
        "customer": is_outside & false_if_null(direction.cast(pl.String) == "out"),
        "external": is_outside,
        "person": pl.lit(value=True),
    }
    return pl.coalesce(
        pl.when(holds).then(pl.lit(kind, dtype=_KIND)) for kind, holds in rules.items()
    )


def legs_of(calls: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
    """One row per leg of these calls: `call_row`, `target_index`, the sane leg, and these columns.

    The columns `direction`, `started_at` and `ended_at` of the call are always included, and
    `is_answered` and `is_outside` of the leg. The calls have `call_row`.
    """
    positions = pl.int_ranges(pl.col("call_targets").list.len(), dtype=pl.Int32)
    rows = (
        calls.select(
            *("call_row", *_CALL, *columns), leg=pl.col("call_targets"), target_index=positions
        )
        .explode("leg", "target_index", empty_as_null=False, keep_nulls=False)
        .unnest("leg")
    )
    return sane_legs(rows)


def sane_legs(legs: pl.LazyFrame) -> pl.LazyFrame:
    """The legs with null in place of times and ring durations that cannot be true.

    A time more than 300 s outside the call is null, and so is a ring duration below 0 or more than
    300 s above the length of the call. Adds `is_answered`, from all times as they were, and
    `is_outside`, whether a time was outside.
    """
    is_outside = {name: _is_outside(pl.col(name)) for name in LEG_TIMES}
    ring = pl.col("ring_duration")
    longest = (pl.col("ended_at") - pl.col("started_at") + LEG_MARGIN).dt.total_seconds()
    return legs.with_columns(
        **{name: pl.when(~outside).then(name) for name, outside in is_outside.items()},
        ring_duration=pl.when(ring >= 0, ~false_if_null(ring > longest)).then(ring),
        is_answered=is_answered_leg(pl.col),
        is_outside=pl.any_horizontal(is_outside.values()),
    )


def _may_be_outside() -> pl.Expr:
    """Whether a leg of a call may have a time outside the call; false only if none has.

    The times of most legs are in order, so that the first and the last known time decide.
    """

    def of_legs(expression: pl.Expr) -> pl.Expr:
        return pl.col("call_targets").list.eval(expression)

    times = [pl.element().struct.field(name) for name in LEG_TIMES]
    is_odd = pl.any_horizontal(one > other for one, other in combinations(times, 2))
    first = of_legs(pl.coalesce(times)).list.min()
    last = of_legs(pl.coalesce(reversed(times))).list.max()
    return false_if_null(of_legs(is_odd).list.any()) | _is_outside(first) | _is_outside(last)


def sane_targets() -> pl.Expr:
    """`call_targets` with null in place of the times that `sane_legs` rejects.

    The status of a leg that was answered is ANSWERED. Only calls that may have such a time are
    changed, so this costs little.
    """
    columns = pl.struct(*_CALL, "call_targets", may_be_outside=_may_be_outside())
    dtype = CALL_SCHEMA["call_targets"]
    # Not `columns.map_batches`, which wraps the function, so that a plan could not be serialized.
    return pl.map_batches([columns], _sane_targets, return_dtype=dtype, is_elementwise=True)


def _sane_targets(batch: Sequence[pl.Series]) -> pl.Series:
    (columns,) = batch
    targets = columns.struct.field("call_targets")
    if not columns.struct.field("may_be_outside").any():
        return targets
    calls = columns.struct.unnest().with_row_index("call_row")
    fields = [leg.name for leg in LEGS]
    status = pl.when("is_answered").then(pl.lit("ANSWERED")).otherwise("status")
    changed = (
        legs_of(calls.lazy().filter("may_be_outside"))
        .with_columns(status=status)
        .group_by("call_row", maintain_order=True)
        .agg(call_targets=pl.struct(*fields))
    )
    return (
        calls.lazy()
        .select("call_row", "call_targets")
        .update(changed, on="call_row", how="left")
        .sort("call_row")
        .collect()["call_targets"]
    )


def _is_outside(time: pl.Expr) -> pl.Expr:
    return false_if_null(
        (time < pl.col("started_at") - LEG_MARGIN) | (time > pl.col("ended_at") + LEG_MARGIN)
    )
