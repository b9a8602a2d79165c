"""Histograms of seconds: the waits of calls, and the ring times of offers, by group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from .call_legs import quotient
from .legs_and_offers import offer_facts
from .options import MetricOptions, checked_options
from .ratios import wide_ratio
from .results import Result
from .selection import Calls, Selection, calls_frame, fact_rows

__all__ = [
    "RING_GROUPS",
    "WAIT_GROUPS",
    "RingSeconds",
    "WaitSeconds",
    "ring_seconds",
    "wait_seconds",
]

WAIT_GROUPS = ("answered", "missed")
"""The groups of offered calls."""

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
"""The groups of offers, each with its outcomes."""

_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600)
_MAX_BINS = 60
_TAIL = 0.99
"""If the bins cannot cover all values, they end at this quantile and the last bin has no end.
Otherwise a single phone that rang for hours would make all bins too wide."""
_RING_OUTCOMES = ("rna_timeout", "caller_gave_up", "busy_or_rejected")


@dataclass(frozen=True, kw_only=True, eq=False)
class WaitSeconds(Result):
    """A histogram of how long callers waited.

    Attributes:
        calls: number of calls in the input.
        offered: number of offered calls, answered or missed, with or without a known wait.
        width_s: width of a bin in seconds.
        groups: one row for each of `WAIT_GROUPS` with known waits: `group`, `calls`, `wait_p50_s`,
            `wait_p90_s`.
        bins: one row for each group and bin, also for empty bins: `group`; `from_s` (exclusive, but
            the first bin includes waits of 0); `to_s` (inclusive, like a threshold; null if the bin
            has no end); `calls`; `share` of the group's calls; `up_to`, the share of those that
            waited at most `to_s`. Both shares have their counts in `_num` and `_den`, and Wilson's
            interval in `_low` and `_high`.

    Examples:
        >>> waits = et.metrics.wait_seconds(et.sample_logs().calls)
        >>> waits.bins["calls"].sum() == waits.groups["calls"].sum() <= waits.offered
        True
    """

    calls: int
    offered: int
    width_s: int
    groups: pl.DataFrame
    bins: pl.DataFrame


@dataclass(frozen=True, kw_only=True, eq=False)
class RingSeconds(Result):
    """A histogram of how long offers rang.

    Attributes:
        calls: number of calls in the input.
        offers: number of offers to persons, of calls that ended. Offers that did not ring have no
            ring time.
        width_s: width of a bin in seconds.
        groups: one row for each of `RING_GROUPS` with ring times: `group`, `offers`, `ring_p50_s`,
            `ring_p90_s`.
        bins: one row for each group and bin, also for empty bins: `group`; `from_s` (inclusive);
            `to_s` (exclusive; null if the bin has no end); `offers`; `share` of the group's offers;
            `up_to`, the share of those that rang for less than `to_s`; and the number of offers
            with the outcomes `rna_timeout`, `caller_gave_up` and `busy_or_rejected`. Both shares
            have their counts in `_num` and `_den`, and Wilson's interval in `_low` and `_high`.

    Examples:
        >>> rings = et.metrics.ring_seconds(et.sample_logs().calls)
        >>> rings.bins["offers"].sum() == rings.groups["offers"].sum() <= rings.offers
        True
    """

    calls: int
    offers: int
    width_s: int
    groups: pl.DataFrame
    bins: pl.DataFrame


def wait_seconds(
    calls: Calls, *, options: MetricOptions = MetricOptions(), confidence: bool | float = True
) -> WaitSeconds:
    """The waits of these calls in at most 60 bins of equal width, by `WAIT_GROUPS`. Collects.

    Waits begin as `options.wait_from` defines.

    Args:
        calls: calls of any direction; all of them count.
        options: where a wait begins, and `ivr_numbers`.
        confidence: False leaves the intervals out; True is 95 %; or a level such as 0.9.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> waits = et.metrics.wait_seconds(inbound, options=options)
        >>> waits.offered, waits.width_s
        (298, 1)
        >>> waits.groups.select("group", "calls").rows()
        [('answered', 258), ('missed', 40)]
    """
    options = checked_options(options)
    names = pl.Enum(WAIT_GROUPS)
    answered, missed = (pl.lit(name, names) for name in WAIT_GROUPS)
    group = pl.when("answered").then(answered).when("missed").then(missed)
    rows = fact_rows(calls, options).select("wait_s", "offered", group=group).collect()
    offered = int(rows["offered"].sum())
    width_s, groups, bins = _histogram(
        rows, stem="wait", count="calls", closed="right", confidence=confidence
    )
    return WaitSeconds(
        calls=rows.height, offered=offered, width_s=width_s, groups=groups, bins=bins
    )


def ring_seconds(
    calls: Calls, *, options: MetricOptions = MetricOptions(), confidence: bool | float = True
) -> RingSeconds:
    """The ring times of these calls' offers in at most 60 bins, by `RING_GROUPS`. Collects.

    The bins have equal widths. An offer is one ring of one person.

    Args:
        calls: calls of any direction; all of them count.
        options: offers to its `ivr_numbers` do not count.
        confidence: False leaves the intervals out; True is 95 %; or a level such as 0.9.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> rings = et.metrics.ring_seconds(et.sample_logs().calls, options=options)
        >>> rings.groups.select("group", "offers").rows()
        [('answered', 258), ('lost', 58), ('elsewhere', 167)]
    """
    options = checked_options(options)
    names = pl.Enum(list(RING_GROUPS))
    group_of = {outcome: group for group, outcomes in RING_GROUPS.items() for outcome in outcomes}
    group = pl.col("outcome").replace_strict(group_of, return_dtype=names)
    rows_of_calls = calls_frame(calls)
    offers = (
        calls.offer_facts(options)
        if isinstance(calls, Selection)
        else offer_facts(rows_of_calls, options=options, busy=False)
    )
    height, rows = pl.collect_all(
        [rows_of_calls.select(pl.len()), offers.select("outcome", "ring_s", group=group)]
    )
    width_s, groups, bins = _histogram(
        rows,
        stem="ring",
        count="offers",
        closed="left",
        outcomes=_RING_OUTCOMES,
        confidence=confidence,
    )
    return RingSeconds(
        calls=height.item(), offers=rows.height, width_s=width_s, groups=groups, bins=bins
    )


def _histogram(
    rows: pl.DataFrame,
    *,
    stem: str,
    count: str,
    closed: Literal["left", "right"],
    confidence: bool | float,
    outcomes: Sequence[str] = (),
) -> tuple[int, pl.DataFrame, pl.DataFrame]:
    """The width of the bins, the table of groups, and the table of bins.

    `stem` is "wait" or "ring", `count` names the column of counts, and `closed` is the end that a
    bin includes. Rows without a time are left out. Each of `outcomes` adds a column of counts.
    """
    seconds = pl.col(f"{stem}_s")
    known = rows.filter(seconds.is_not_null())
    width, longest = _bin_width(known[f"{stem}_s"])
    position = quotient(seconds, width)
    if closed == "right":
        last = max(-int(-longest // width) - 1, 0)
        number, is_covered = position.ceil() - 1, seconds <= (last + 1) * width
    else:
        last = int(longest) // width
        number, is_covered = position.floor(), seconds < (last + 1) * width
    quantiles = {
        f"{stem}_p{share}_s": seconds.quantile(share / 100, interpolation="linear")
        for share in (50, 90)
    }
    groups = (
        known.group_by("group").agg(pl.len().cast(pl.Int64).alias(count), **quantiles).sort("group")
    )
    counts = (
        known.lazy()  # one plan takes half the time of two steps
        .with_columns(bin=number.clip(0, last).cast(pl.Int64))
        .group_by("group", "bin")
        .agg(
            pl.len().cast(pl.Int64).alias(count),
            **{name: (pl.col("outcome") == name).sum().cast(pl.Int64) for name in outcomes},
        )
        .collect()
    )
    grid = groups.select("group", total=count).join(
        pl.DataFrame({"bin": range(last + 1)}, schema={"bin": pl.Int64}), how="cross"
    )
    has_end = (pl.col("bin") < last) | known.select(is_covered.all()).item()
    cumulative = pl.col(count).cum_sum().over("group", order_by="bin")
    bins = (
        grid.join(counts, on=["group", "bin"], how="left")
        .with_columns(pl.col(count, *outcomes).fill_null(0))
        .sort("group", "bin")
        .select(
            pl.col("group"),
            (pl.col("bin") * width).alias("from_s"),
            pl.when(has_end).then((pl.col("bin") + 1) * width).alias("to_s"),
            pl.col(count),
            pl.col(list(outcomes)),
            **wide_ratio("share", pl.col(count), pl.col("total"), confidence=confidence),
            **wide_ratio("up_to", cumulative, pl.col("total"), confidence=confidence),
        )
    )
    return width, groups, bins


def _bin_width(seconds: pl.Series) -> tuple[int, float]:
    """The width of at most 60 bins, and the largest value that they have to cover."""
    longest = seconds.max()
    tail = seconds.quantile(_TAIL, interpolation="linear")
    if not isinstance(longest, int | float) or tail is None:
        return _WIDTHS[0], 0.0
    width = next(
        (width for width in _WIDTHS if tail < width * _MAX_BINS), int(tail // _MAX_BINS) + 1
    )
    return width, float(longest if longest < width * _MAX_BINS else tail)
