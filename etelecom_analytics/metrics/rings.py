"""How long offers rang: their ring seconds in bins, by what became of them."""

from dataclasses import dataclass

import polars as pl

from .bins import bin_width
from .call_facts import quotient
from .legs_and_offers import offer_facts
from .options import MetricOptions
from .selection import Calls, Selection

__all__ = ["RING_GROUPS", "RingSeconds", "ring_seconds"]

RING_GROUPS = {
    "answered": ("answered",),
    "lost": (
        "rna_timeout",
        "caller_gave_up",
        "busy_or_rejected",
        "unreachable",
        "network",
        "other",
    ),
    "elsewhere": ("answered_elsewhere",),
}
"""What became of an offer, in three words, and the outcomes that each stands for."""


@dataclass(frozen=True, kw_only=True)
class RingSeconds:
    """How long offers rang.

    Attributes:
        calls: calls that were looked at.
        offers: their offers to persons, of calls that ended; those that did not ring have no ring
            seconds.
        width_s: how wide a bin is.
        groups: one row for each of `RING_GROUPS` that rang: `group`, `offers`, `ring_p50_s`,
            `ring_p90_s`.
        bins: one row for each group and bin: `group`, `from_s` (inclusive), `to_s` (exclusive;
            null: no end), `offers`, `share` of the group, `up_to`, the share of the group in this
                bin and those before, `up_to_offers`, and how many of the offers had the
            outcomes `rna_timeout`, `caller_gave_up` and `busy_or_rejected`. Bins without offers are
            rows too.
    """

    calls: int
    offers: int
    width_s: int
    groups: pl.DataFrame
    bins: pl.DataFrame


def ring_seconds(calls: Calls, *, options: MetricOptions = MetricOptions()) -> RingSeconds:
    """The ring seconds of these calls' offers in at most 60 bins of equal width, by `RING_GROUPS`. Collects."""
    names = pl.Enum(list(RING_GROUPS))
    of_outcome = {outcome: group for group, outcomes in RING_GROUPS.items() for outcome in outcomes}
    group = pl.col("outcome").replace_strict(of_outcome, return_dtype=names)
    found = (
        calls.offer_facts(options)
        if isinstance(calls, Selection)
        else offer_facts(calls.lazy(), options=options, busy=False)
    )
    counted, rows = pl.collect_all(
        [calls.lazy().select(pl.len()), found.select("outcome", "ring_s", group=group)]
    )
    rang = rows.filter(pl.col("ring_s").is_not_null())
    quantiles = {
        f"ring_p{share}_s": pl.col("ring_s").quantile(share / 100, interpolation="linear")
        for share in (50, 90)
    }
    groups = rang.group_by("group").agg(offers=pl.len().cast(pl.Int64), **quantiles).sort("group")
    width, bins = _binned(rang, groups)
    return RingSeconds(
        calls=counted.item(), offers=rows.height, width_s=width, groups=groups, bins=bins
    )


def _binned(rang: pl.DataFrame, groups: pl.DataFrame) -> tuple[int, pl.DataFrame]:
    """How wide the bins are, and the bins."""
    width, held = bin_width(rang["ring_s"])
    last = int(held) // width
    number = quotient(pl.col("ring_s"), width).floor().clip(0, last).cast(pl.Int64)
    outcomes = ("rna_timeout", "caller_gave_up", "busy_or_rejected")
    counts = (
        rang.with_columns(bin=number)
        .group_by("group", "bin")
        .agg(
            offers=pl.len().cast(pl.Int64),
            **{name: (pl.col("outcome") == name).sum().cast(pl.Int64) for name in outcomes},
        )
    )
    every = groups.select("group", total="offers").join(
        pl.DataFrame({"bin": range(last + 1)}, schema={"bin": pl.Int64}), how="cross"
    )
    sums = ("offers", *outcomes)
    ends = rang.select((pl.col("ring_s") < (last + 1) * width).all()).item()
    up_to = pl.col("offers").cum_sum().over("group", order_by="bin")
    bins = (
        every.join(counts, on=["group", "bin"], how="left")
        .with_columns(pl.col(sums).fill_null(0))
        .with_columns(
            from_s=pl.col("bin") * width,
            to_s=pl.when((pl.col("bin") < last) | ends).then((pl.col("bin") + 1) * width),
        )
        .with_columns(
            share=pl.col("offers") / pl.col("total"),
            up_to=up_to / pl.col("total"),
            up_to_offers=up_to,
        )
        .sort("group", "bin")
        .select("group", "from_s", "to_s", "offers", "share", "up_to", "up_to_offers", *outcomes)
    )
    return width, bins
