"""The outcome of each leg: answered, rang out, busy, lost in the network, and so on."""

import polars as pl

from ..schema import LEG_OUTCOMES
from .call_legs import false_if_null, kind_of, legs_of, rang
from .options import MetricOptions

__all__ = [
    "TIMED_OUT",
    "TOLERANCE",
    "UNAVAILABLE",
    "is_cancelled",
    "legs_with_kind",
    "legs_with_outcome",
]

TOLERANCE = pl.duration(seconds=2)
"""The largest difference between the times that two clocks of the PBX give one event."""

TIMED_OUT, UNAVAILABLE, _CANCELLED = 408, 480, 487

_OUTCOME = pl.Enum(LEG_OUTCOMES)
_BUSY_OR_REJECTED = (486, 600, 603)
_UNREACHABLE = (404, 410, 480, 484, 604)


def legs_with_kind(numbered: pl.LazyFrame, options: MetricOptions, *columns: str) -> pl.LazyFrame:
    """The rows of `call_legs.legs_of` with `kind`, `rang`, and `began`, the first time of the leg.

    The calls have `call_row`; the rows also have these columns of the call.
    """
    return legs_of(numbered, *columns).with_columns(
        kind=kind_of(pl.col, pl.col("direction"), options),
        rang=rang(pl.col),
        began=pl.coalesce("add_time", "ring_time", "answered_time"),
    )


def legs_with_outcome(
    numbered: pl.LazyFrame, options: MetricOptions, *columns: str
) -> pl.LazyFrame:
    """The rows of `legs_with_kind`, in order, with `outcome`, one of `schema.LEG_OUTCOMES`."""
    legs = legs_with_kind(numbered, options, *columns).with_row_index("leg_row")
    elsewhere = _answered_elsewhere(legs).with_columns(answered_elsewhere=pl.lit(value=True))
    return legs.join(elsewhere, on="leg_row", how="left", maintain_order="left").with_columns(
        outcome=_outcome()
    )


def is_cancelled() -> pl.Expr:
    """Whether a leg was cancelled: code 487, or a reason that says so."""
    reason = pl.col("end_reason").str.to_lowercase()
    return false_if_null(pl.col("fail_code") == _CANCELLED) | false_if_null(
        reason.is_in(["cancelled", "canceled"])
    )


def _answered_elsewhere(legs: pl.LazyFrame) -> pl.LazyFrame:
    """The unanswered legs that rang when a person answered another leg of the call, or picked up.

    The other leg began before this one ended, so that they rang together; or it never rang and
    began within 2 s of this one's end, as after a pickup.
    """
    rung_until = pl.coalesce("ring_time", "add_time") + pl.duration(seconds=pl.col("ring_duration"))
    ended = pl.coalesce(pl.col("ended_time"), rung_until)
    answered = legs.filter("is_answered", pl.col("kind").is_in(["person", "external"])).select(
        "call_row", other_at="answered_time", other_began="began", other_rang="rang"
    )
    return (
        legs.filter(~pl.col("is_answered"))
        .select("call_row", "leg_row", "began", over=ended)
        .join(answered, on="call_row")
        .filter(
            pl.col("other_at").is_between(pl.col("began") - TOLERANCE, pl.col("over") + TOLERANCE),
            (pl.col("other_began") < pl.col("over"))
            | ~pl.col("other_rang") & (pl.col("other_began") <= pl.col("over") + TOLERANCE),
        )
        .select("leg_row")
        .unique()
    )


def _outcome() -> pl.Expr:
    """The outcome of a leg by the first rule that holds."""
    code, rang = pl.col("fail_code"), pl.col("rang")
    reason = pl.col("end_reason").str.to_lowercase()
    hung_up = is_cancelled() | reason.str.starts_with("caller_disconnect")
    ended_with_call = pl.col("ended_time") >= pl.col("ended_at") - TOLERANCE
    rules = {
        "in_progress": pl.col("ended_at").is_null(),
        "answered": pl.col("is_answered"),
        "busy_or_rejected": code.is_in(_BUSY_OR_REJECTED),
        "network": code.is_between(500, 599) | (code == TIMED_OUT) & ~rang,
        "unreachable": code.is_in(_UNREACHABLE) & ~rang,
        "answered_elsewhere": pl.col("answered_elsewhere"),
        "caller_gave_up": hung_up & ended_with_call,
        "rna_timeout": rang,
        "other": pl.lit(value=True),
    }
    return pl.coalesce(
        pl.when(holds).then(pl.lit(outcome, dtype=_OUTCOME)) for outcome, holds in rules.items()
    )
