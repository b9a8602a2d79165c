"""Legs with their outcome, and offers: one offer is one ring of one person.

A person with a desk phone and an app has two legs per ring, a hunt has legs for each member, a ring
group has legs for everybody. An offer groups the legs that ring one person at the same time. The
best leg gives an offer its outcome. Legs to other kinds of targets are grouped in the same way, but
measures count only offers to persons.
"""

import polars as pl

from ..phone_numbers import normalized
from ..schema import CALL_TARGETS_SCHEMA, LEGS, OFFERS_SCHEMA, OWNERS_SCHEMA
from .busy_numbers import as_of_row, busy_offers
from .call_facts import (
    CALL_COLUMNS,
    COMPUTED_DIMENSIONS,
    NUMBERS,
    computed_dimensions,
    is_too_long,
    name_columns,
)
from .call_legs import quotient, seconds
from .internal_calls import without_second_logs
from .leg_outcomes import TOLERANCE, UNAVAILABLE, legs_with_outcome
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
    "owner_assumed": "offers whose owner is assumed from the present list of extensions",
}
"""The definition of each fact of an offer."""

LEG_FACTS = {
    "trunk_legs": "legs through a trunk, of ended calls",
    "answered_legs": "answered legs",
    "reached_legs": (
        "legs answered, answered elsewhere, busy or rejected, rung out, abandoned by the caller, "
        "or unreachable with 480"
    ),
    "bids": "calls on a trunk; repeated legs of a call on one trunk are one bid",
    "answered_bids": "bids of which a leg was answered",
    "conversation_s": "time from answer to end of answered legs",
    "post_dial_delay_s": "time from add_time to ring_time, without negative values",
}
"""The definition of each fact of a leg through a trunk."""

_KEYS = ("target_number", "trunk_name", "outcome", "fail_code")
_DIMENSIONS = (*CALL_COLUMNS, *COMPUTED_DIMENSIONS)


def leg_rows(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """One row per leg: the columns of `call_targets`, `kind` and `outcome`.

    Times are as the PBX wrote them; `kind` and `outcome` are those of the leg with sane times.
    """
    numbered = _numbered(calls)
    fields = [leg.name for leg in LEGS]
    written = (
        numbered.select(leg="call_targets")
        .explode("leg", empty_as_null=False, keep_nulls=False)
        .unnest("leg")
    )
    rows = legs_with_outcome(numbered, options, "id").drop(fields).rename({"id": "call_id"})
    return pl.concat([rows, written], how="horizontal").select(
        *CALL_TARGETS_SCHEMA, "kind", "outcome"
    )


def offer_rows(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """One row per offer with the columns of `schema.OFFERS`, in the order of the calls and legs."""
    every_call = _numbered(calls)
    numbered = without_second_logs(every_call).cache()
    ids = numbered.select("call_row", call_id="id")
    rows = _grouped(numbered, options, as_of_row(every_call, options))
    return rows.join(ids, on="call_row", how="left", maintain_order="left").select(*OFFERS_SCHEMA)


def offer_facts(
    calls: pl.LazyFrame, *, options: MetricOptions, busy: bool, second_logs: bool = False
) -> pl.LazyFrame:
    """One flat row per offer that measures count: `call_row`, the dimensions, and `OFFER_FACTS`.

    Busy offers cost as much as everything else, so `busy_offers` is computed only with `busy`, and
    is false otherwise. `second_logs` includes the logs of internal calls that another log counts.
    """
    outcome = pl.col("outcome")
    answered, rna = outcome == "answered", outcome == "rna_timeout"
    numbered = _numbered(calls)
    counted = numbered if second_logs else without_second_logs(numbered).cache()
    as_of = as_of_row(numbered, options) if busy else None
    return (
        _with_owners(_counted_offers(counted, options, as_of), numbered, options)
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
        .select("call_row", "started_at", *_DIMENSIONS, name_columns(), *_KEYS, *OFFER_FACTS)
    )


def offer_spans(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """One row per offer that measures count, with `offered_at`, `answered_at` and `over_at`.

    Further columns: `call_row`, `target_index`, `target_number`, `outcome`. `answered_at` is the
    first answer among the legs and `over_at` the last end; null if unknown.
    """
    numbered = without_second_logs(_numbered(calls)).cache()
    return _counted_offers(numbered, options, None).select(
        "call_row",
        "target_index",
        "target_number",
        "outcome",
        "offered_at",
        "answered_at",
        "over_at",
    )


def leg_facts(
    calls: pl.LazyFrame, *, options: MetricOptions, second_logs: bool = False
) -> pl.LazyFrame:
    """One flat row per leg through a trunk, of an ended call: dimensions and `LEG_FACTS`.

    Legs to `ivr_numbers` count too, since a trunk's measures describe the network. With 480 the
    network reached the other side, where nobody was available; other unreachable legs did not get
    that far.
    """
    outcome, delay = pl.col("outcome"), seconds(pl.col("add_time"), pl.col("ring_time"))
    is_unavailable = (pl.col("fail_code") == UNAVAILABLE).fill_null(value=False)
    numbered = _numbered(calls)
    counted = numbered if second_logs else without_second_logs(numbered).cache()
    trunk_legs = legs_with_outcome(counted, options).filter(
        pl.col("trunk_name").is_not_null(), outcome != "in_progress"
    )
    on_trunk, answered = ("call_row", "trunk_name"), outcome == "answered"
    is_bid = pl.col("target_index") == pl.col("target_index").min().over(on_trunk)
    talk = seconds(pl.col("answered_time"), pl.col("ended_time"))
    bids = trunk_legs.with_columns(
        bids=is_bid,
        answered_bids=is_bid & answered.any().over(on_trunk),
        conversation_s=pl.when(answered & ~is_too_long(options), talk >= 0).then(talk),
    )
    columns = ("call_row", "add_time", "ring_time", "bids", "answered_bids", "conversation_s")
    return (
        _with_calls(bids.select(*columns, *_KEYS), numbered, options)
        .with_columns(
            trunk_legs=pl.lit(value=True),
            answered_legs=answered,
            reached_legs=outcome.is_in(_REACHED) | (outcome == "unreachable") & is_unavailable,
            post_dial_delay_s=pl.when(delay >= 0).then(delay),
        )
        .select("call_row", "started_at", *_DIMENSIONS, name_columns(), *_KEYS, *LEG_FACTS)
    )


def _numbered(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The calls with `call_row`; cached, since a lazy frame may have another order each time."""
    return calls.with_row_index("call_row").cache()


def _with_calls(rows: pl.LazyFrame, numbered: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """The rows, in order, with the dimensions of their call; joining these last is faster."""
    columns = numbered.select(
        *("call_row", "started_at", *(name for name in CALL_COLUMNS if name not in NUMBERS)),
        name_columns(),
        **{name: normalized(pl.col(name)) for name in NUMBERS},
        **computed_dimensions(options),
    )
    return rows.join(columns, on="call_row", how="left", maintain_order="left")


def _with_owners(
    offers: pl.LazyFrame, numbered: pl.LazyFrame, options: MetricOptions
) -> pl.LazyFrame:
    """The offers with the dimensions of their call, but of a person those of the owner if known."""
    rows = _with_calls(offers, numbered, options)
    if "target_owners" not in numbered.collect_schema():
        return rows.with_columns(owner_assumed=pl.lit(value=False))
    owners = (
        numbered.select(
            "call_row",
            owner="target_owners",
            best_leg=pl.int_ranges(pl.col("target_owners").list.len(), dtype=pl.Int32),
        )
        .explode("owner", "best_leg", empty_as_null=False, keep_nulls=False)
        .unnest("owner")
    )
    fields = [name for name in OWNERS_SCHEMA if name != "owner_assumed"]
    present = [name for name in fields if name in rows.collect_schema()]
    return (
        rows.drop(present)
        .join(owners, on=["call_row", "best_leg"], how="left", maintain_order="left")
        .with_columns(pl.col("owner_assumed").fill_null(value=False))
    )


def _counted_offers(
    numbered: pl.LazyFrame, options: MetricOptions, as_of: pl.LazyFrame | None
) -> pl.LazyFrame:
    """The offers that measures count: to people, of ended calls."""
    return _grouped(numbered, options, as_of).filter(
        pl.col("outcome") != "in_progress", pl.col("kind") == "person"
    )


def _grouped(
    numbered: pl.LazyFrame, options: MetricOptions, as_of: pl.LazyFrame | None
) -> pl.LazyFrame:
    """The columns of `schema.OFFERS` except `call_id`; `busy` is false without `as_of`."""
    sorted_legs = (
        legs_with_outcome(numbered, options)
        .with_columns(is_too_long=is_too_long(options))
        .sort("call_row", "target_number", "began", "target_index", nulls_last=True)
    )
    # In this order a leg starts an offer unless the previous leg has the same call and number and
    # began within 2 s; a leg without a number or a time starts its own. The first leg of a call and
    # number always starts one, so forward_fill does not cross from one to the next.
    same_number = pl.all_horizontal(
        pl.col(name) == pl.col(name).shift(1) for name in ("call_row", "target_number")
    )
    is_near = same_number & ((pl.col("began") - pl.col("began").shift(1)) <= TOLERANCE)
    starts = ~is_near.fill_null(value=False)
    # A group keeps the order of its rows, so at a tie the first leg is the best.
    best = pl.col("outcome").to_physical().arg_min()
    span = (pl.col("ended_time") - pl.col("answered_time")).dt.total_microseconds()
    talk = pl.when(pl.col("is_answered") & ~pl.col("is_too_long"), span >= 0).then(span)
    grouped = (
        sorted_legs.with_columns(
            # Grouping by a sorted number is twice as fast as grouping by the keys.
            offer=starts.cum_sum().set_sorted(),
            first_leg=pl.when(starts).then(pl.col("target_index")).forward_fill(),
            talk=talk,
            answer=pl.when("is_answered").then("answered_time"),
            ring=pl.when("rang", pl.col("ring_duration") <= options.longest_call_s).then(
                "ring_duration"
            ),
        )
        .group_by("offer")
        .agg(
            pl.col("call_row", "target_number", "kind", "first_leg").first(),
            pl.col("outcome", "trunk_name", "fail_code").get(best),
            best_leg=pl.col("target_index").get(best),
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
    if as_of is None:
        flagged = grouped.with_columns(busy=pl.lit(value=False))
    else:
        talking = busy_offers(grouped, sorted_legs, as_of)
        flagged = grouped.join(talking, on=["call_row", "first_leg"], how="left")
    return flagged.rename({"first_leg": "target_index"}).sort("call_row", "target_index")
