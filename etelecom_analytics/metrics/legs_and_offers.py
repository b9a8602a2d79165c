"""Legs with their outcome, and offers: the legs of one ring of one person, gathered.

One person with a desk phone and an app gives two legs a ring, a hunt one for each member, a ring
group one for everybody. So a leg says little by itself; what it means for its person is said by the
first rule that holds, and by the best of the legs that rang together.
"""

import polars as pl

from ..frames import Frame, same_kind
from ..schema import CALL_TARGETS_SCHEMA, LEG_OUTCOMES, OFFERS_SCHEMA
from .call_facts import (
    CALL_COLUMNS,
    is_answered_leg,
    names_carried,
    quotient,
    rang,
    seconds,
    to_person,
)
from .options import MetricOptions

__all__ = ["LEG_FACTS", "OFFER_FACTS", "leg_facts", "legs", "offer_facts", "offer_spans", "offers"]

_TOLERANCE = pl.duration(seconds=2)
"""How far apart two clocks of the PBX may tell the same event."""

_OUTCOME = pl.Enum(LEG_OUTCOMES)
_BUSY_OR_REJECTED = (486, 600, 603)
_UNREACHABLE = (404, 410, 480, 484, 604)
_TIMED_OUT, _UNAVAILABLE, _CANCELLED = 408, 480, 487


def legs(calls: Frame, *, options: MetricOptions = MetricOptions()) -> Frame:
    """One row a leg: the columns of `call_targets`, and `outcome`, one of `schema.LEG_OUTCOMES`.

    LazyFrame in, LazyFrame out. The rules are in the README's table of outcomes; the first that
    holds gives the word.
    """
    numbered = _numbered(calls.lazy())
    return same_kind(
        calls,
        _of_calls(_judged(numbered, options), numbered).select(*CALL_TARGETS_SCHEMA, "outcome"),
    )


def offers(calls: Frame, *, options: MetricOptions = MetricOptions()) -> Frame:
    """One row an offer, with the columns of `schema.OFFERS`, in the order of the calls, then of the first leg's place.

    An offer gathers the legs of one call to one number that began within 2 s of each other. Offers
    of running calls (`in_progress`) and offers to `ivr_numbers` are rows too; the measures leave
    both out. LazyFrame in, LazyFrame out.
    """
    numbered = _numbered(calls.lazy())
    return same_kind(
        calls, _of_calls(_gathered(numbered, options, busy=True), numbered).select(*OFFERS_SCHEMA)
    )


OFFER_FACTS = {
    "offers": "offers to persons, of calls that ended",
    "answered_offers": "answered offers",
    "rna": "offers that rang and were not answered (rna_timeout)",
    "busy_offers": "offers to a number that was in another call's talk",
    "fair_offers": "offers that were neither answered elsewhere nor given up by the caller",
    "decided_offers": "offers answered, busy or rejected, or rung out",
    "ring_s": "ring of offers that rang",
    "wasted_ring_s": "ring of offers that rang out",
    "leg_talk_s": "talk of answered legs",
}
"""What each fact says of an offer."""

LEG_FACTS = {
    "trunk_legs": "legs through a trunk, of calls that ended",
    "answered_legs": "answered legs",
    "reached_legs": "legs answered, answered elsewhere, busy or rejected, rung out, given up by the caller, or unreachable with 480",
    "post_dial_delay_s": "time from add_time to ring_time, negatives left out",
}
"""What each fact says of a leg through a trunk."""

_REACHED = ("answered", "answered_elsewhere", "busy_or_rejected", "caller_gave_up", "rna_timeout")


def offer_facts(calls: pl.LazyFrame, *, options: MetricOptions, busy: bool) -> pl.LazyFrame:
    """One flat row an offer that counts: its call's row, the columns that are dimensions of both, and the columns of `OFFER_FACTS`.

    To find the offers that came while their person was `busy` costs as much as all the rest, so it
    is done only where it is asked for.
    """
    outcome = pl.col("outcome")
    answered, rna = outcome == "answered", outcome == "rna_timeout"
    numbered = _numbered(calls)
    counted = _gathered(numbered, options, busy=busy).filter(
        (outcome != "in_progress") & to_person(pl.col, options)
    )
    return (
        _of_calls(counted, numbered)
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
        .select(
            "call_row",
            "started_at",
            *CALL_COLUMNS,
            names_carried(),
            "target_number",
            "trunk_name",
            "outcome",
            "fail_code",
            *OFFER_FACTS,
        )
    )


def offer_spans(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """One row an offer that counts: `call_row`, `target_index`, `target_number`, `outcome`, and `offered_at`, `answered_at`, `over_at`.

    The first answer among its legs, and the last of their ends; null where none is known.
    """
    gathered = _gathered(_numbered(calls), options, busy=False).filter(
        (pl.col("outcome") != "in_progress") & to_person(pl.col, options)
    )
    return gathered.select(
        "call_row",
        "target_index",
        "target_number",
        "outcome",
        "offered_at",
        "answered_at",
        "over_at",
    )


def leg_facts(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """One flat row a leg through a trunk, of a call that ended: its call's row, the columns that are dimensions, and those of `LEG_FACTS`.

    A trunk is the network's business, so legs to `ivr_numbers` count too. With 480 the network did
    reach the other side, which says that nobody is there; the other unreachable legs never got as
    far.
    """
    outcome, delay = pl.col("outcome"), seconds(pl.col("add_time"), pl.col("ring_time"))
    unavailable = (outcome == "unreachable") & (pl.col("fail_code") == _UNAVAILABLE).fill_null(
        value=False
    )
    numbered = _numbered(calls)
    counted = _judged(numbered, options).filter(
        pl.col("trunk_name").is_not_null(), outcome != "in_progress"
    )
    return (
        _of_calls(counted, numbered)
        .with_columns(
            trunk_legs=pl.lit(value=True),
            answered_legs=outcome == "answered",
            reached_legs=outcome.is_in(_REACHED) | unavailable,
            post_dial_delay_s=pl.when(delay >= 0).then(delay),
        )
        .select(
            "call_row",
            "started_at",
            *CALL_COLUMNS,
            names_carried(),
            "target_number",
            "trunk_name",
            "outcome",
            "fail_code",
            *LEG_FACTS,
        )
    )


def _numbered(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The calls with their row, on which what is made of them is joined: cached, since a lazy frame may have another order each time."""
    return calls.with_row_index("call_row").cache()


def _judged(numbered: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """Legs with their outcome, and what it was judged by."""
    exploded = (
        numbered.select(
            "call_row", "ended_at", leg=pl.col("call_targets"), target_index=_positions()
        )
        .explode("leg", "target_index", empty_as_null=False, keep_nulls=False)
        .unnest("leg")
        .with_row_index("leg_row")
        .with_columns(
            is_answered=is_answered_leg(pl.col),
            is_person=to_person(pl.col, options),
            rang=rang(pl.col),
        )
    )
    together = _rang_together(exploded).with_columns(answered_elsewhere=pl.lit(value=True))
    return exploded.join(together, on="leg_row", how="left", maintain_order="left").with_columns(
        outcome=_first_rule()
    )


def _of_calls(rows: pl.LazyFrame, numbered: pl.LazyFrame) -> pl.LazyFrame:
    """These rows, in their order, with the columns of their call: joined at the end, since to carry them through costs a third more."""
    context = numbered.select(
        "call_row", "started_at", *CALL_COLUMNS, names_carried(), call_id=pl.col("id")
    )
    return rows.join(context, on="call_row", how="left", maintain_order="left")


def _positions() -> pl.Expr:
    return pl.int_ranges(pl.col("call_targets").list.len(), dtype=pl.Int32)


def _rang_together(exploded: pl.LazyFrame) -> pl.LazyFrame:
    """The keys of unanswered legs that rang while a person's leg of the same call was answered."""
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


def _first_rule() -> pl.Expr:
    code, rang = pl.col("fail_code"), pl.col("rang")
    reason = pl.col("end_reason").str.to_lowercase()
    hung_up = (
        (code == _CANCELLED)
        | reason.str.starts_with("caller_disconnect")
        | reason.is_in(["cancelled", "canceled"])
    )
    with_the_call = pl.col("ended_time") >= pl.col("ended_at") - _TOLERANCE
    return (
        pl.when(pl.col("ended_at").is_null())
        .then(pl.lit("in_progress", dtype=_OUTCOME))
        .when(pl.col("is_answered"))
        .then(pl.lit("answered", dtype=_OUTCOME))
        .when(code.is_in(_BUSY_OR_REJECTED))
        .then(pl.lit("busy_or_rejected", dtype=_OUTCOME))
        .when(code.is_between(500, 599) | (code == _TIMED_OUT) & ~rang)
        .then(pl.lit("network", dtype=_OUTCOME))
        .when(code.is_in(_UNREACHABLE) & ~rang)
        .then(pl.lit("unreachable", dtype=_OUTCOME))
        .when(pl.col("answered_elsewhere"))
        .then(pl.lit("answered_elsewhere", dtype=_OUTCOME))
        .when(hung_up & with_the_call)
        .then(pl.lit("caller_gave_up", dtype=_OUTCOME))
        .when(rang)
        .then(pl.lit("rna_timeout", dtype=_OUTCOME))
        .otherwise(pl.lit("other", dtype=_OUTCOME))
    )


def _gathered(numbered: pl.LazyFrame, options: MetricOptions, *, busy: bool) -> pl.LazyFrame:
    """Offers with the columns of `schema.OFFERS` but `call_id`; `busy` is false throughout where nobody asks for it."""
    begins = pl.coalesce("add_time", "ring_time", "answered_time")
    judged = (
        _judged(numbered, options)
        .with_columns(began=begins)
        .sort("call_row", "target_number", "began", "target_index", nulls_last=True)
    )
    # In this order a leg opens an offer unless the leg before it is of the same ring and began
    # within 2 s; what has no number, or no time, opens one of its own. The first leg of a ring
    # opens one, so filling forward never crosses from one ring to the next.
    same_ring = pl.all_horizontal(
        pl.col(name) == pl.col(name).shift(1) for name in ("call_row", "target_number")
    )
    near = same_ring & ((pl.col("began") - pl.col("began").shift(1)) <= _TOLERANCE)
    opens = ~near.fill_null(value=False)
    first_leg = pl.when(opens).then(pl.col("target_index")).forward_fill()
    best = (
        pl.col("outcome").to_physical().arg_min()
    )  # the first of them at a tie: a group keeps the order of its rows

    def of_best(column: str) -> pl.Expr:
        return pl.col(column).get(best)

    talk = pl.when("is_answered").then(
        (pl.col("ended_time") - pl.col("answered_time")).dt.total_microseconds()
    )
    gathered = (
        judged.with_columns(
            # Offers lie one after the other: a number that only grows gathers them twice as fast as
            # their keys do.
            offer=opens.cum_sum().set_sorted(),
            first_leg=first_leg,
            talk=talk,
            answer=pl.when("is_answered").then("answered_time"),
            rung=pl.when("rang").then("ring_duration"),
        )
        .group_by("offer")
        .agg(
            *(pl.col(column).first() for column in ("call_row", "target_number", "first_leg")),
            offered_at=pl.col("began").min(),
            answered_at=pl.col("answer").min(),
            over_at=pl.col("ended_time").max(),
            ring_s=pl.col("rung").max().cast(pl.Float64),
            talk_s=pl.when(pl.col("talk").is_not_null().any()).then(
                quotient(pl.col("talk").sum(), 1_000_000)
            ),
            legs=pl.len().cast(pl.Int32),
            outcome=of_best("outcome"),
            trunk_name=of_best("trunk_name"),
            fail_code=of_best("fail_code"),
        )
        .drop("offer")
    )
    if busy:
        told = gathered.join(_busy(gathered, judged), on=["call_row", "first_leg"], how="left")
    else:
        told = gathered.with_columns(busy=pl.lit(value=False))
    return told.rename({"first_leg": "target_index"}).sort("call_row", "target_index")


def _busy(gathered: pl.LazyFrame, judged: pl.LazyFrame) -> pl.LazyFrame:
    """For each offer, whether its number was in another call's talk when it began: answered_time <= offered_at < ended_time.

    A walk along each number's time line: talks begin and end, offers look how many are on. Quick
    where joining every offer with every talk of its number would not be.
    """
    talks = judged.filter("is_answered", pl.col("answered_time") < pl.col("ended_time"))

    def event(frame: pl.LazyFrame, at: str, change: int, *, looks: bool) -> pl.LazyFrame:
        which = pl.col("first_leg") if looks else pl.lit(None, dtype=pl.Int32)
        return frame.select(
            "target_number",
            "call_row",
            at=pl.col(at),
            change=pl.lit(change),
            looks=pl.lit(looks),
            first_leg=which,
        )

    events = pl.concat(
        [
            event(talks, "answered_time", 1, looks=False),
            event(talks, "ended_time", -1, looks=False),
            event(gathered, "offered_at", 0, looks=True),
        ]
    ).sort("target_number", "at", "looks")
    # Every talk begins and ends, so a number's changes come to 0 before the next number's begin:
    # one sum runs over all of them.
    on_line = pl.col("change").cum_sum()
    own = pl.col("change").cum_sum().over("target_number", "call_row")
    known = pl.col("target_number").is_not_null() & pl.col("at").is_not_null()
    return (
        events.with_columns(busy=known & (on_line > own))
        .filter("looks")
        .select("call_row", "first_leg", "busy")
    )
