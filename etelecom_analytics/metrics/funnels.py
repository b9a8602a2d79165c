"""The funnel: how calls split into stages, down to the stage at which a missed call was lost."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

import polars as pl

from ..errors import EtelecomError
from ..frames import Frame, same_kind
from .call_facts import facts, is_answered_leg, rang, to_person
from .confidence import wilson
from .options import MetricOptions
from .selection import Calls, fact_rows

__all__ = ["FUNNEL", "LOST_STAGES", "funnel", "lost_calls"]

LOST_STAGES: Mapping[str, str] = MappingProxyType(
    {
        "short": "the caller hung up before short_s",
        "in_ivr": "a leg answered by ivr_numbers ended within 2 s of the end of the call",
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
        "missed": ("offered", "not answered, or answered by ivr_numbers only"),
        **{stage: ("missed", meaning) for stage, meaning in LOST_STAGES.items()},
    }
)
"""Each stage of the funnel with its parent and its meaning. The parts of a stage add up to it."""

_LOST = pl.Enum(list(LOST_STAGES))
_STAGE = pl.Enum(list(FUNNEL))
_TOLERANCE = timedelta(seconds=2)


def funnel(calls: Calls, *, options: MetricOptions = MetricOptions()) -> pl.DataFrame:
    """The number of calls in each stage of `FUNNEL`, one row per stage. Collects.

    calls = running + unknown + offered, offered = answered + missed, and missed is the sum of
    `LOST_STAGES`. Use `lost_calls` for the stage of each missed call.

    Columns: `stage`; `parent`, the stage that it is part of; `calls`; `of`, the parent's calls;
    `share`, calls / of, null if `of` is 0 (the share of `answered` is the answer rate); `low` and
    `high`, Wilson's 95 % interval; `meaning`. Stages without calls have a row too.

    Raises:
        EtelecomError: the counts do not add up, which is a bug of this package.
    """
    rows = fact_rows(calls, options).select(
        pl.col("calls", "running", "unknown", "offered", "answered", "missed").cast(pl.Int64).sum()
    )
    lost = lost_calls(calls.lazy(), options=options).select(
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
    low, high = wilson(pl.col("calls"), pl.col("of"))
    share = pl.when(pl.col("of") > 0).then(pl.col("calls") / pl.col("of"))
    return table.select(
        "stage", "parent", "calls", "of", share=share, low=low, high=high, meaning="meaning"
    ).collect()


def lost_calls(calls: Frame, *, options: MetricOptions = MetricOptions()) -> Frame:
    """The stage at which each missed call was lost, one row per missed call.

    Columns: `id`; `stage`, one of `LOST_STAGES`. The rows are in the order of the calls. LazyFrame
    in, LazyFrame out.
    """
    # Cached, because a lazy frame may return its rows in another order each time.
    numbered = calls.lazy().with_row_index("call_row").cache()
    near_end = ((pl.col("ended_time") - pl.col("ended_at")).abs() <= _TOLERANCE).fill_null(
        value=False
    )
    person, rings = to_person(pl.col, options), rang(pl.col)
    legs = (
        numbered.select("call_row", "ended_at", leg="call_targets")
        .explode("leg", empty_as_null=False, keep_nulls=False)
        .unnest("leg")
        .group_by("call_row")
        .agg(
            in_ivr=(is_answered_leg(pl.col) & ~person & near_end).any(),
            ringing=(person & rings & near_end).any(),
            rang=(person & rings).any(),
        )
    )
    # `facts` passes ids through, so they carry the row number: ids may be missing or repeated.
    missed = (
        facts(numbered.with_columns(id=pl.struct("id", "call_row")), options=options)
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
    return same_kind(calls, table.sort("call_row").select("id", stage=stage))


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
