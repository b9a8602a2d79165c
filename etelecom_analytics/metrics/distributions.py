"""How long callers waited: the waits of answered and of missed calls in bins."""

from dataclasses import dataclass

import polars as pl

from .bins import bin_width
from .call_facts import quotient
from .options import MetricOptions
from .selection import Calls, fact_rows

__all__ = ["WAIT_GROUPS", "WaitSeconds", "wait_seconds"]

WAIT_GROUPS = ("answered", "missed")
"""What became of a call that was offered."""


@dataclass(frozen=True, kw_only=True)
class WaitSeconds:
    """How long callers waited.

    Attributes:
        calls: calls that were looked at.
        offered: those answered or missed, of known wait or not.
        width_s: how wide a bin is.
        groups: one row for each of `WAIT_GROUPS` with calls of known wait: `group`, `calls`,
            `wait_p50_s`, `wait_p90_s`.
        bins: one row for each group and bin: `group`, `from_s` (exclusive, but for the first bin,
            which holds waits of 0 too), `to_s` (inclusive, as a threshold is; null: no end),
            `calls`, `share` of the group, and `up_to_calls` and `up_to`, how many and what share of
            the group waited for at most `to_s`. Bins without calls are rows too.
    """

    calls: int
    offered: int
    width_s: int
    groups: pl.DataFrame
    bins: pl.DataFrame


def wait_seconds(calls: Calls, *, options: MetricOptions = MetricOptions()) -> WaitSeconds:
    """The waits of these calls in at most 60 bins of equal width, by `WAIT_GROUPS`; waits begin as `options.wait_from` says. Collects."""
    group = (
        pl.when("answered")
        .then(pl.lit("answered"))
        .when("missed")
        .then(pl.lit("missed"))
        .cast(pl.Enum(WAIT_GROUPS))
    )
    rows = fact_rows(calls, options).select("wait_s", "offered", group=group).collect()
    known = rows.filter(pl.col("wait_s").is_not_null())
    quantiles = {
        f"wait_p{share}_s": pl.col("wait_s").quantile(share / 100, interpolation="linear")
        for share in (50, 90)
    }
    groups = known.group_by("group").agg(calls=pl.len().cast(pl.Int64), **quantiles).sort("group")
    width, bins = _binned(known, groups)
    offered = int(rows["offered"].sum())
    return WaitSeconds(calls=rows.height, offered=offered, width_s=width, groups=groups, bins=bins)


def _binned(known: pl.DataFrame, groups: pl.DataFrame) -> tuple[int, pl.DataFrame]:
    """How wide the bins are, and the bins."""
    width, held = bin_width(known["wait_s"])
    last = max(-int(-held // width) - 1, 0)
    number = (quotient(pl.col("wait_s"), width).ceil() - 1).clip(0, last).cast(pl.Int64)
    counts = (
        known.with_columns(bin=number).group_by("group", "bin").agg(calls=pl.len().cast(pl.Int64))
    )
    every = groups.select("group", total="calls").join(
        pl.DataFrame({"bin": range(last + 1)}, schema={"bin": pl.Int64}), how="cross"
    )
    ends = known.select((pl.col("wait_s") <= (last + 1) * width).all()).item()
    up_to = pl.col("calls").cum_sum().over("group", order_by="bin")
    bins = (
        every.join(counts, on=["group", "bin"], how="left")
        .with_columns(pl.col("calls").fill_null(0))
        .with_columns(
            from_s=pl.col("bin") * width,
            to_s=pl.when((pl.col("bin") < last) | ends).then((pl.col("bin") + 1) * width),
        )
        .with_columns(
            share=pl.col("calls") / pl.col("total"),
            up_to=up_to / pl.col("total"),
            up_to_calls=up_to,
        )
        .sort("group", "bin")
        .select("group", "from_s", "to_s", "calls", "share", "up_to", "up_to_calls")
    )
    return width, bins
