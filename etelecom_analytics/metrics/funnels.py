"""The funnel: what became of all calls, down to the stage at which a missed one was lost; it adds up, or it is an error."""

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
        "short": "the caller left before short_s",
        "in_ivr": "an answered leg to ivr_numbers ended within 2 s of the call",
        "ringing": "a person's leg rang, and ended within 2 s of the call",
        "before_ringing": "no person's leg rang",
        "between_rings": "the rest: persons rang, and none of them at the end",
    }
)
"""Where a missed call was lost: the first that holds."""

FUNNEL: Mapping[str, tuple[str | None, str]] = MappingProxyType(
    {
        "calls": (None, "all calls"),
        "running": ("calls", "calls without an end"),
        "unknown": ("calls", "calls that ended, of unknown or no state"),
        "offered": ("calls", "answered or missed calls"),
        "answered": ("offered", "answered by a person"),
        "missed": ("offered", "not answered, or by ivr_numbers only"),
        **{stage: ("missed", meaning) for stage, meaning in LOST_STAGES.items()},
    }
)
"""Each stage of the funnel: of which it is a part, and what it means. The parts of a stage add up to it."""

_LOST = pl.Enum(list(LOST_STAGES))
_STAGE = pl.Enum(list(FUNNEL))
_TOLERANCE = timedelta(seconds=2)


def funnel(calls: Calls, *, options: MetricOptions = MetricOptions()) -> pl.DataFrame:
    """What became of these calls, one row a stage of `FUNNEL`, in its order; a stage without calls is a row too. Collects.

    calls = running + unknown + offered, offered = answered + missed, and missed is the sum of
    `LOST_STAGES`. Columns: `stage`; `parent`, of which it is a part; `calls`; `of`, the parent's
    calls; `share`, calls / of, null where that is 0, so that the share of `answered` is the answer
    rate; `low` and `high`, Wilson's interval at 95 %; `meaning`. `lost_calls` tells which calls
    were lost where.

    Raises:
        EtelecomError: the counts do not add up; a mistake of this package.
    """
    rows = fact_rows(calls, options).select(
        pl.col("calls", "running", "unknown", "offered", "answered", "missed").cast(pl.Int64).sum()
    )
    lost = lost_calls(calls.lazy(), options=options).select(
        (pl.col("stage") == stage).sum().cast(pl.Int64).alias(stage) for stage in LOST_STAGES
    )
    counted, stages = pl.collect_all([rows, lost])
    counts: dict[str, int] = {**counted.row(0, named=True), **stages.row(0, named=True)}
    _check(counts)
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
    """One row a missed call, in the order of the calls: its `id` and its `stage`, one of `LOST_STAGES`. LazyFrame in, LazyFrame out."""
    numbered = (
        calls.lazy().with_row_index("call_row").cache()
    )  # a lazy frame may have another order each time
    near_end = ((pl.col("ended_time") - pl.col("ended_at")).abs() <= _TOLERANCE).fill_null(
        value=False
    )
    person, rings = to_person(pl.col, options), rang(pl.col)
    of_legs = (
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
    # facts hands ids on as they are, so the row comes along in them: ids may be missing, or come
    # twice.
    found = (
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
    staged = found.select("id", "call_row", "short_abandoned").join(
        of_legs, on="call_row", how="left"
    )
    return same_kind(calls, staged.sort("call_row").select("id", stage=stage))


def _check(counts: Mapping[str, int]) -> None:
    """Hold the sums against what they are sums of."""
    for whole in dict.fromkeys(parent for parent, _ in FUNNEL.values() if parent):
        parts = {stage: counts[stage] for stage, (parent, _) in FUNNEL.items() if parent == whole}
        if sum(parts.values()) != counts[whole]:
            told = " + ".join(f"{stage} {count:,}" for stage, count in parts.items())
            raise EtelecomError(
                f"The funnel does not add up: {whole} {counts[whole]:,} is not {told}. Please report it, with the options."
            )
