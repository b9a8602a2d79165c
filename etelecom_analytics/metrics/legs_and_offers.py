"""Legs with their outcome, and offers: one offer is one ring of one person.

A person with a desk phone and an app has two legs per ring, a hunt has legs for each member, a ring
group has legs for everybody. An offer groups the legs that ring one person at the same time. The
first rule that holds gives a leg its outcome; the best leg gives an offer its outcome.
"""

import polars as pl

from ..schema import CALL_TARGETS_SCHEMA, LEG_OUTCOMES, OFFERS_SCHEMA
from .call_facts import (
    CALL_COLUMNS,
    is_answered_leg,
    name_columns,
    quotient,
    rang,
    seconds,
    to_person,
)
from .options import MetricOptions

__all__ = [
    "LEG_FACTS",
    "OFFER_FACTS",
    "leg_facts",
    "leg_rows",
    "offer_facts",
    "offer_rows",
    "offer_spans",
]

_TOLERANCE = pl.duration(seconds=2)
"""The largest difference between the times that two clocks of the PBX give one event."""

_OUTCOME = pl.Enum(LEG_OUTCOMES)
_BUSY_OR_REJECTED = (486, 600, 603)
_UNREACHABLE = (404, 410, 480, 484, 604)
_TIMED_OUT, _UNAVAILABLE, _CANCELLED = 408, 480, 487
_REACHED = ("answered", "answered_elsewhere", "busy_or_rejected", "caller_gave_up", "rna_timeout")

OFFER_FACTS = {
    "offers": "offers to people, of ended calls",
    "answered_offers": "answered offers",
    "rna": "offers that rang and were not answered (rna_timeout)",
    "busy_offers": "offers to a number that was talking in another call",
    "fair_offers": "offers that were neither answered elsewhere nor abandoned by the caller",
    "decided_offers": "offers answered, busy or rejected, or rung out",
    "ring_s": "ring of offers that rang",
    "wasted_ring_s": "ring of offers that rang out",
    "leg_talk_s": "talk of answered legs",
}
"""The definition of each fact of an offer."""

LEG_FACTS = {
    "trunk_legs": "legs through a trunk, of ended calls",
    "answered_legs": "answered legs",
    "reached_legs": (
        "legs answered, answered elsewhere, busy or rejected, rung out, abandoned by the caller, "
        "or unreachable with 480"
    ),
    "post_dial_delay_s": "time from add_time to ring_time, without negative values",
}
"""The definition of each fact of a leg through a trunk."""

_KEYS = ("target_number", "trunk_name", "outcome", "fail_code")


def leg_rows(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """One row per leg: the columns of `call_targets`, and `outcome`, one of `schema.LEG_OUTCOMES`.

    `_outcome` lists the rules; the first that holds gives the outcome.
    """
    numbered = _numbered(calls)
    rows = _with_calls(_with_outcomes(numbered, options), numbered)
    return rows.select(*CALL_TARGETS_SCHEMA, "outcome")


def offer_rows(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """One row per offer with the columns of `schema.OFFERS`, in the order of the calls and legs."""
    numbered = _numbered(calls)
    rows = _with_calls(_grouped(numbered, options, busy=True), numbered)
    return rows.select(*OFFERS_SCHEMA)


def offer_facts(calls: pl.LazyFrame, *, options: MetricOptions, busy: bool) -> pl.LazyFrame:
    """One flat row per offer that measures count: `call_row`, the dimensions, and `OFFER_FACTS`.

    Busy offers cost as much as everything else, so `busy_offers` is computed only with `busy`, and
    is false otherwise.
    """
    outcome = pl.col("outcome")
    answered, rna = outcome == "answered", outcome == "rna_timeout"
    numbered = _numbered(calls)
    return (
        _with_calls(_counted_offers(numbered, options, busy=busy), numbered)
        .with_columns(
            offers=pl.lit(value=True),
            answered_offers=answered,
            rna=rna,
            busy_offers=pl.col("busy"),
            fair_offers=~outcome.is_in(["answered_elsewhere", "caller_gave_up"]),
            decided_offers=answered | rna | (outcome == "busy_or_rejected"),
            wasted_ring_s=pl.when(rna).then(pl.col("ring_s")),
            leg_talk_s=pl.col("talk_s"),
        )
        .select("call_row", "started_at", *CALL_COLUMNS, name_columns(), *_KEYS, *OFFER_FACTS)
    )


def offer_spans(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """One row per offer that measures count, with `offered_at`, `answered_at` and `over_at`.

    Further columns: `call_row`, `target_index`, `target_number`, `outcome`. `answered_at` is the
    first answer among the legs and `over_at` the last end; null if unknown.
    """
    return _counted_offers(_numbered(calls), options, busy=False).select(
        "call_row",
        "target_index",
        "target_number",
        "outcome",
        "offered_at",
        "answered_at",
        "over_at",
    )


def leg_facts(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """One flat row per leg through a trunk, of an ended call: dimensions and `LEG_FACTS`.

    Legs to `ivr_numbers` count too, since a trunk's measures describe the network. With 480 the
    network reached the other side, where nobody was available; other unreachable legs did not get
    that far.
    """
    outcome, delay = pl.col("outcome"), seconds(pl.col("add_time"), pl.col("ring_time"))
    is_unavailable = (pl.col("fail_code") == _UNAVAILABLE).fill_null(value=False)
    numbered = _numbered(calls)
    trunk_legs = _with_outcomes(numbered, options).filter(
        pl.col("trunk_name").is_not_null(), outcome != "in_progress"
    )
    return (
        _with_calls(trunk_legs, numbered)
        .with_columns(
            trunk_legs=pl.lit(value=True),
            answered_legs=outcome == "answered",
            reached_legs=outcome.is_in(_REACHED) | (outcome == "unreachable") & is_unavailable,
            post_dial_delay_s=pl.when(delay >= 0).then(delay),
        )
        .select("call_row", "started_at", *CALL_COLUMNS, name_columns(), *_KEYS, *LEG_FACTS)
    )


def _numbered(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The calls with `call_row`; cached, since a lazy frame may have another order each time."""
    return calls.with_row_index("call_row").cache()


def _with_outcomes(numbered: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """Legs with their outcome, and the columns that decide it."""
    positions = pl.int_ranges(pl.col("call_targets").list.len(), dtype=pl.Int32)
    exploded = (
        numbered.select("call_row", "ended_at", leg=pl.col("call_targets"), target_index=positions)
        .explode("leg", "target_index", empty_as_null=False, keep_nulls=False)
        .unnest("leg")
        .with_row_index("leg_row")
        .with_columns(
            is_answered=is_answered_leg(pl.col),
            is_person=to_person(pl.col, options),
            rang=rang(pl.col),
        )
    )
    elsewhere = _answered_elsewhere(exploded).with_columns(answered_elsewhere=pl.lit(value=True))
    return exploded.join(elsewhere, on="leg_row", how="left", maintain_order="left").with_columns(
        outcome=_outcome()
    )


def _with_calls(rows: pl.LazyFrame, numbered: pl.LazyFrame) -> pl.LazyFrame:
    """The rows, in order, with the columns of their call; joining these last is a third faster."""
    columns = numbered.select(
        "call_row", "started_at", *CALL_COLUMNS, name_columns(), call_id=pl.col("id")
    )
    return rows.join(columns, on="call_row", how="left", maintain_order="left")


def _answered_elsewhere(exploded: pl.LazyFrame) -> pl.LazyFrame:
    """The keys of unanswered legs that rang while a person answered another leg of the call."""
    answered = exploded.filter("is_answered", "is_person").select(
        "call_row", other_at="answered_time", other_add="add_time"
    )
    return (
        exploded.filter(~pl.col("is_answered"))
        .select("call_row", "leg_row", "add_time", "ended_time")
        .join(answered, on="call_row")
        .filter(
            pl.col("add_time") <= pl.col("other_at"),
            pl.col("other_at") <= pl.col("ended_time") + _TOLERANCE,
            pl.col("other_add") < pl.col("ended_time"),
        )
        .select("leg_row")
        .unique()
    )


def _outcome() -> pl.Expr:
    """The outcome of a leg by the first rule that holds."""
    code, rang = pl.col("fail_code"), pl.col("rang")
    reason = pl.col("end_reason").str.to_lowercase()
    hung_up = (
        (code == _CANCELLED)
        | reason.str.starts_with("caller_disconnect")
        | reason.is_in(["cancelled", "canceled"])
    )
    ended_with_call = pl.col("ended_time") >= pl.col("ended_at") - _TOLERANCE
    rules = {
        "in_progress": pl.col("ended_at").is_null(),
        "answered": pl.col("is_answered"),
        "busy_or_rejected": code.is_in(_BUSY_OR_REJECTED),
        "network": code.is_between(500, 599) | (code == _TIMED_OUT) & ~rang,
        "unreachable": code.is_in(_UNREACHABLE) & ~rang,
        "answered_elsewhere": pl.col("answered_elsewhere"),
        "caller_gave_up": hung_up & ended_with_call,
        "rna_timeout": rang,
        "other": pl.lit(value=True),
    }
    return pl.coalesce(
        pl.when(holds).then(pl.lit(outcome, dtype=_OUTCOME)) for outcome, holds in rules.items()
    )


def _counted_offers(numbered: pl.LazyFrame, options: MetricOptions, *, busy: bool) -> pl.LazyFrame:
    """The offers that measures count: to people, of ended calls."""
    return _grouped(numbered, options, busy=busy).filter(
        pl.col("outcome") != "in_progress", to_person(pl.col, options)
    )


def _grouped(numbered: pl.LazyFrame, options: MetricOptions, *, busy: bool) -> pl.LazyFrame:
    """The columns of `schema.OFFERS` except `call_id`; `busy` is false if not requested."""
    sorted_legs = (
        _with_outcomes(numbered, options)
        .with_columns(began=pl.coalesce("add_time", "ring_time", "answered_time"))
        .sort("call_row", "target_number", "began", "target_index", nulls_last=True)
    )
    # In this order a leg starts an offer unless the previous leg has the same call and number and
    # began within 2 s; a leg without a number or a time starts its own. The first leg of a call and
    # number always starts one, so forward_fill does not cross from one to the next.
    same_number = pl.all_horizontal(
        pl.col(name) == pl.col(name).shift(1) for name in ("call_row", "target_number")
    )
    is_near = same_number & ((pl.col("began") - pl.col("began").shift(1)) <= _TOLERANCE)
    starts = ~is_near.fill_null(value=False)
    # A group keeps the order of its rows, so at a tie the first leg is the best.
    best = pl.col("outcome").to_physical().arg_min()
    talk = pl.when("is_answered").then(
        (pl.col("ended_time") - pl.col("answered_time")).dt.total_microseconds()
    )
    grouped = (
        sorted_legs.with_columns(
            # Grouping by a sorted number is twice as fast as grouping by the keys.
            offer=starts.cum_sum().set_sorted(),
            first_leg=pl.when(starts).then(pl.col("target_index")).forward_fill(),
            talk=talk,
            answer=pl.when("is_answered").then("answered_time"),
            ring=pl.when("rang").then("ring_duration"),
        )
        .group_by("offer")
        .agg(
            pl.col("call_row", "target_number", "first_leg").first(),
            pl.col("outcome", "trunk_name", "fail_code").get(best),
            offered_at=pl.col("began").min(),
            answered_at=pl.col("answer").min(),
            over_at=pl.col("ended_time").max(),
            ring_s=pl.col("ring").max().cast(pl.Float64),
            talk_s=pl.when(pl.col("talk").is_not_null().any()).then(
                quotient(pl.col("talk").sum(), 1_000_000)
            ),
            legs=pl.len().cast(pl.Int32),
        )
        .drop("offer")
    )
    flagged = (
        grouped.join(_busy(grouped, sorted_legs), on=["call_row", "first_leg"], how="left")
        if busy
        else grouped.with_columns(busy=pl.lit(value=False))
    )
    return flagged.rename({"first_leg": "target_index"}).sort("call_row", "target_index")


def _busy(grouped: pl.LazyFrame, legs: pl.LazyFrame) -> pl.LazyFrame:
    """For each offer, whether its number was talking in another call when the offer began.

    That is, answered_time <= offered_at < ended_time. Sorts the begins and ends of talks and the
    offers of each number by time and counts the open talks, which is fast where joining every offer
    with every talk of its number is not.
    """
    talks = legs.filter("is_answered", pl.col("answered_time") < pl.col("ended_time"))

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
