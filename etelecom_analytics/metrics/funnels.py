"""The funnel: how calls split into stages, down to the stage at which a missed call was lost."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import overload

import polars as pl

from ..errors import EtelecomError
from .internal_calls import counted_facts
from .leg_outcomes import TOLERANCE, legs_with_kind
from .options import MetricOptions, checked_options
from .ratios import wide_ratio
from .selection import Calls, Selection, calls_frame, fact_rows, like_input

__all__ = ["FUNNEL", "LOST_STAGES", "funnel", "lost_calls"]

LOST_STAGES: Mapping[str, str] = MappingProxyType(
    {
        "short": "the caller hung up before short_s",
        "in_ivr": "an answered leg to an IVR, queue or voicemail ended within 2 s of the call",
        "ringing": "a leg to a person rang and ended within 2 s of the end of the call",
        "before_ringing": "no leg to a person rang",
        "between_rings": "all others: persons rang, but none at the end of the call",
    }
)
"""The stages at which a missed call can be lost. The first that applies counts."""

FUNNEL: Mapping[str, tuple[str | None, str]] = MappingProxyType(
    {
        "calls": (None, "all calls"),
        "running": ("calls", "calls without an end"),
        "unknown": ("calls", "calls that ended with an unknown state or none"),
        "offered": ("calls", "answered or missed calls"),
        "answered": ("offered", "answered by a person"),
        "missed": ("offered", "not answered, or by an IVR, a queue or a voicemail only"),
        **{stage: ("missed", meaning) for stage, meaning in LOST_STAGES.items()},
    }
)
"""Each stage of the funnel with its parent and its meaning. The parts of a stage add up to it."""

_LOST = pl.Enum(list(LOST_STAGES))
_STAGE = pl.Enum(list(FUNNEL))


def funnel(
    calls: Calls, *, options: MetricOptions = MetricOptions(), confidence: bool | float = True
) -> pl.DataFrame:
    """The number of calls in each stage of `FUNNEL`, one row per stage. Collects.

    calls = running + unknown + offered, offered = answered + missed, and missed is the sum of
    `LOST_STAGES`. Use `lost_calls` for the stage of each missed call.

    Columns: `stage`; `parent`, the stage that it is part of; `calls`; `share`, the share of the
    parent's calls, null if there are none (the share of `answered` is the answer rate); its counts
    `share_num` and `share_den`; `share_low` and `share_high`, Wilson's interval; `meaning`. Stages
    without calls have a row too.

    Args:
        calls: calls of any direction; all of them count.
        options: what a person and a short call are.
        confidence: False leaves the interval out; True is 95 %; or a level such as 0.9.

    Raises:
        EtelecomError: the counts do not add up, which is a bug of this package.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> funnel = et.metrics.funnel(inbound, options=options)
        >>> funnel.filter(parent="offered").select("stage", "calls").rows()
        [('answered', 258), ('missed', 40)]
    """
    options = checked_options(options)
    rows = fact_rows(calls, options).select(
        pl.col("calls", "running", "unknown", "offered", "answered", "missed").cast(pl.Int64).sum()
    )
    lost = lost_calls(calls_frame(calls), options=options).select(
        (pl.col("stage") == stage).sum().cast(pl.Int64).alias(stage) for stage in LOST_STAGES
    )
    states, stages = pl.collect_all([rows, lost])
    counts: dict[str, int] = {**states.row(0, named=True), **stages.row(0, named=True)}
    _check_sums(counts)
    table = pl.LazyFrame(
        [
            (stage, parent, counts[stage], counts[parent] if parent else None, meaning)
            for stage, (parent, meaning) in FUNNEL.items()
        ],
        schema={
            "stage": _STAGE,
            "parent": _STAGE,
            "calls": pl.Int64,
            "of": pl.Int64,
            "meaning": pl.String,
        },
        orient="row",
    )
    share = wide_ratio("share", pl.col("calls"), pl.col("of"), confidence=confidence)
    return table.select("stage", "parent", "calls", **share, meaning="meaning").collect()


@overload
def lost_calls(calls: pl.LazyFrame, *, options: MetricOptions = ...) -> pl.LazyFrame: ...


@overload
def lost_calls(
    calls: pl.DataFrame | Selection, *, options: MetricOptions = ...
) -> pl.DataFrame: ...


def lost_calls(
    calls: Calls, *, options: MetricOptions = MetricOptions()
) -> pl.DataFrame | pl.LazyFrame:
    """The stage at which each missed call was lost, one row per missed call.

    Columns: `id`; `stage`, one of `LOST_STAGES`. The rows are in the order of the calls. LazyFrame
    in, LazyFrame out.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=("8000", "8100"))
        >>> inbound = et.metrics.inward(et.sample_logs().calls)
        >>> lost = et.metrics.lost_calls(inbound, options=options)
        >>> lost["stage"].value_counts().sort("stage").rows()
        [('short', 7), ('in_ivr', 17), ('ringing', 10), ('before_ringing', 5), ('between_rings', 1)]
    """
    options = checked_options(options)
    # Cached, because a lazy frame may return its rows in another order each time.
    numbered = calls_frame(calls).with_row_index("call_row").cache()
    near_end = ((pl.col("ended_time") - pl.col("ended_at")).abs() <= TOLERANCE).fill_null(
        value=False
    )
    automatic, rings = pl.col("kind").is_in(["ivr", "queue", "voicemail"]), pl.col("rang")
    legs = (
        legs_with_kind(numbered, options)
        .group_by("call_row")
        .agg(
            in_ivr=(pl.col("is_answered") & automatic & near_end).any(),
            ringing=(~automatic & rings & near_end).any(),
            rang=(~automatic & rings).any(),
        )
    )
    # `call_facts` passes ids through, so they carry the row number: ids may be missing or repeated.
    missed = (
        counted_facts(numbered.with_columns(id=pl.struct("id", "call_row")), options=options)
        .unnest("id")
        .filter("missed")
    )
    stage = (
        pl.when("short_abandoned")
        .then(pl.lit("short", _LOST))
        .when("in_ivr")
        .then(pl.lit("in_ivr", _LOST))
        .when("ringing")
        .then(pl.lit("ringing", _LOST))
        .when("rang")
        .then(pl.lit("between_rings", _LOST))
        .otherwise(pl.lit("before_ringing", _LOST))
    )
    table = missed.select("id", "call_row", "short_abandoned").join(legs, on="call_row", how="left")
    return like_input(calls, table.sort("call_row").select("id", stage=stage))


def _check_sums(counts: Mapping[str, int]) -> None:
    """Raise an error unless the parts of every stage add up to it."""
    for parent in dict.fromkeys(parent for parent, _ in FUNNEL.values() if parent):
        parts = {stage: counts[stage] for stage, (whole, _) in FUNNEL.items() if whole == parent}
        if sum(parts.values()) != counts[parent]:
            sums = " + ".join(f"{stage} {count:,}" for stage, count in parts.items())
            raise EtelecomError(
                f"The funnel does not add up: {parent} {counts[parent]:,} is not {sums}. "
                "Please report this error with the options that you used."
            )
