"""The journey of one call: the phases of each of its legs."""

import polars as pl

from ..errors import InputError
from ..frames import call_targets
from ..phone_numbers import describe
from ..schema import LEG_OUTCOMES
from .call_legs import is_automatic, seconds
from .legs_and_offers import leg_rows
from .options import MetricOptions, checked_options
from .selection import Calls, calls_frame

__all__ = ["PHASES", "call_phases"]

PHASES = ("trying", "ringing", "talking")
"""The phases of a leg: added but not ringing yet, ringing, and answered."""

_PHASE = pl.Enum(PHASES)


def call_phases(
    calls: Calls, call_id: str, *, options: MetricOptions = MetricOptions()
) -> pl.DataFrame:
    """The phases of the legs of this call, one row per leg and phase. Collects.

    A leg is `trying` from its `add_time` until it rings, is answered or ends; `ringing` from its
    `ring_time` until it is answered or ends; and `talking` from its `answered_time` until it ends.
    A leg without any of these times has one row with null phase. The rows are sorted by leg, then
    in the order of `PHASES`.

    Columns: `target_index`, `target_number`, `trunk_name`, `fail_code`, `end_reason`, `outcome`,
    `person` (false for `ivr_numbers`), `phase`, `begin` and `end` (UTC; `end` is null if the leg
    has no end), and `from_s` and `to_s`, the same in seconds since the call's `started_at`, or
    since the first time of its legs if `started_at` is null.

    Args:
        calls: calls that include this one.
        call_id: its `id`.
        options: what a person is.

    Raises:
        InputError: these calls do not include the call.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> answered = calls.filter(direction="out", call_state="answered")
        >>> phases = et.metrics.call_phases(calls, answered["id"][0])
        >>> phases.select("phase", "from_s", "to_s").rows()
        [('trying', 0.022, 1.805), ('ringing', 1.805, 22.295), ('talking', 22.295, 59.141)]
    """
    options = checked_options(options)
    table = calls_frame(calls)
    matches = table.filter(pl.col("id") == call_id) if isinstance(call_id, str) else table.head(0)
    call = matches.head(1).collect()
    if not call.height:
        raise InputError(
            f"There is no call {describe(call_id)} in these calls. Pass a value of the column id, "
            "as text."
        )
    call_legs = (
        leg_rows(call.lazy(), options=options)
        .with_columns(person=~is_automatic(pl.col, options))
        .collect()
    )
    times = call_targets(call).select("add_time", "ring_time", "answered_time")
    start = call["started_at"].item()
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
    columns = (
        "target_index",
        "target_number",
        "trunk_name",
        "fail_code",
        "end_reason",
        "outcome",
        "person",
    )
    rows = [
        call_legs.filter(begin.is_not_null()).select(
            *columns, phase=pl.lit(name, _PHASE), begin=begin, end=end
        )
        for name, (begin, end) in phases.items()
    ]
    untimed = call_legs.filter(pl.all_horizontal(add.is_null(), ring.is_null(), answered.is_null()))
    without_phase = untimed.select(
        *columns,
        phase=pl.lit(None, _PHASE),
        begin=pl.lit(None, pl.Datetime("us", "UTC")),
        end=ended,
    )
    origin = pl.lit(start, pl.Datetime("us", "UTC"))
    return (
        pl.concat([*rows, without_phase])
        .sort("target_index", "phase", nulls_last=True)
        .with_columns(from_s=seconds(origin, pl.col("begin")), to_s=seconds(origin, pl.col("end")))
        .cast({"outcome": pl.Enum(LEG_OUTCOMES)})
    )
