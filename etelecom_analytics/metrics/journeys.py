"""One call's journey: what each of its legs did, phase by phase."""

import polars as pl

from ..errors import InputError
from ..frames import call_targets
from ..schema import LEG_OUTCOMES
from .call_facts import seconds, to_person
from .legs_and_offers import legs
from .options import MetricOptions
from .selection import Calls

__all__ = ["PHASES", "call_phases"]

PHASES = ("trying", "ringing", "talking")
"""What a leg does: it was added and does not ring yet, it rings, it was answered."""

_PHASE = pl.Enum(PHASES)


def call_phases(
    calls: Calls, call_id: str, *, options: MetricOptions = MetricOptions()
) -> pl.DataFrame:
    """One row a phase of a leg of this call, in the order of the legs, then of `PHASES`; a leg without any time is one row. Collects.

    A leg is `trying` from its `add_time` until it rings, is answered or ends; `ringing` from its
    `ring_time` until it is answered or ends; `talking` from its `answered_time` until its end.
    Columns: `target_index`, `target_number`, `trunk_name`, `fail_code`, `end_reason`, `outcome`,
        `person` (not one of `ivr_numbers`), `phase`, `begin` and `end` (UTC; end is null where
        nothing ends it), `from_s` and
    `to_s`, the same in seconds from the call's `started_at`, else from the first time of its legs.

    Raises:
        InputError: there is no such call among these.
    """
    found = calls.lazy().filter(pl.col("id") == call_id).head(1).collect()
    if not found.height:
        raise InputError(
            f"There is no call {call_id!r} among these; an id is a text, such as the column id of calls has."
        )
    judged = legs(found, options=options).with_columns(person=to_person(pl.col, options))
    times = call_targets(found).select("add_time", "ring_time", "answered_time")
    start = found["started_at"].item()
    if start is None:
        start = times.select(pl.min_horizontal(pl.all().min())).item()
    add, ring, answered, ended = (
        pl.col(name) for name in ("add_time", "ring_time", "answered_time", "ended_time")
    )
    phases = {
        "trying": (add, pl.coalesce(ring, answered, ended)),
        "ringing": (ring, pl.coalesce(answered, ended)),
        "talking": (answered, ended),
    }
    kept = (
        "target_index",
        "target_number",
        "trunk_name",
        "fail_code",
        "end_reason",
        "outcome",
        "person",
    )
    rows = [
        judged.filter(begin.is_not_null()).select(
            *kept, phase=pl.lit(name, _PHASE), begin=begin, end=end
        )
        for name, (begin, end) in phases.items()
    ]
    unplaced = judged.filter(pl.all_horizontal(add.is_null(), ring.is_null(), answered.is_null()))
    nothing = unplaced.select(
        *kept, phase=pl.lit(None, _PHASE), begin=pl.lit(None, pl.Datetime("us", "UTC")), end=ended
    )
    origin = pl.lit(start, pl.Datetime("us", "UTC"))
    return (
        pl.concat([*rows, nothing])
        .sort("target_index", "phase", nulls_last=True)
        .with_columns(from_s=seconds(origin, pl.col("begin")), to_s=seconds(origin, pl.col("end")))
        .cast({"outcome": pl.Enum(LEG_OUTCOMES)})
    )
