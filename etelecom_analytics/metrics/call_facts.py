"""Facts of calls: one flat row per call with answered, missed, wait_s, talk_s and so on.

Call measures aggregate these facts. The legs stay nested: nothing is exploded, so that the
expressions stream.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

import polars as pl
from polars import selectors

from ..frames import Frame, same_kind
from ..phone_numbers import is_nobody, normalized
from ..schema import NAMES
from .call_endings import (
    ENDINGS,
    call_talks,
    ending_of_missed,
    first_queue,
    legs_outside,
    transfers_and_forwards,
)
from .call_legs import (
    false_if_null,
    is_answered_leg,
    is_automatic,
    is_listed_leg,
    is_outside_number,
    is_queue,
    sane_targets,
    seconds,
)
from .options import MetricOptions
from .service_level_formulas import SERVICE_LEVELS, level_flags, level_terms

__all__ = [
    "CALL_COLUMNS",
    "CALL_FACTS",
    "COMPUTED_DIMENSIONS",
    "COUNT_FACTS",
    "DURATION_MARGIN",
    "NAME_COLUMNS",
    "NUMBERS",
    "call_facts",
    "computed_dimensions",
    "flat",
    "is_too_long",
    "name_columns",
]

CALL_COLUMNS = (
    "direction",
    "call_state",
    "call_status",
    "extension_id",
    "user_id",
    "caller",
    "callee",
)
"""Columns of calls that are dimensions without a computation."""

COMPUTED_DIMENSIONS = ("queue", "who_hung_up")
"""Dimensions of calls that are computed from their legs."""

NAME_COLUMNS = tuple(column.name for column in NAMES if isinstance(column.dtype, pl.String))
"""Columns that `CallLogs.with_names` adds."""

CALL_FACTS: Mapping[str, str] = MappingProxyType(
    {
        "calls": "calls",
        "running": "calls without an end",
        "unknown": "ended calls whose state is unknown or missing",
        "answered": "ended calls in state answered, except by IVR, queue or voicemail only",
        "missed": "ended calls not answered, or by IVR, queue or voicemail only",
        "offered": "answered or missed calls",
        "abandoned": "missed calls that the caller ended",
        "ended_by_pbx": "missed calls that the PBX ended",
        "end_unknown": "missed calls without a sign of who ended them",
        "wait_s": "wait of offered calls, at least 0 and at most longest_call_s",
        "wait_unknown": "offered calls whose wait is unknown",
        "short_abandoned": "abandoned calls with a wait below short_s",
        "abandoned_not_short": "abandoned calls except short abandons",
        "offered_not_short": "offered calls except short abandons",
        "answered_wait_s": "wait of answered calls",
        "abandoned_wait_s": "wait of abandoned calls",
        "talk_s": "duration of answered calls",
        "agent_talk_s": "talk of agents in answered calls, in agent-seconds",
        "talk_with_agents_s": "time of answered calls with at least one agent",
        "recorded": "answered calls with a recording",
        "answered_within": "answered calls with a wait of at most threshold_s",
        "abandoned_within": "abandoned calls with a wait of at most threshold_s",
        "level_met": "the variant's numerator",
        "level_counted": "the variant's denominator",
        "hung_up_by_caller": "answered calls that the caller hung up",
        "hung_up_by_agent": "answered calls that the agent hung up",
        "transfers": "answered external legs after an answer by a person",
        "transferred": "answered calls with a transfer to an external number",
        "forwards": "answered external legs without an earlier answer by a person",
        "legs_outside": "legs with a time more than 300 s outside their call",
        "calls_too_long": "calls longer than longest_call_s",
        "internal_twice": "logs of internal calls that another log already counts",
        "unknown_callers": "inbound calls from a caller who cannot be identified",
    }
)
"""The definition of each fact of a call. Flags are Boolean, seconds Float64, others Int32."""

COUNT_FACTS = ("transfers", "forwards", "legs_outside")
"""The facts of a call that may count several."""

DURATION_MARGIN = timedelta(seconds=300)
"""How much longer than its call a duration may be; a longer one is unknown."""


NUMBERS = ("caller", "callee")
"""Dimensions that are phone numbers, in normal form."""


def call_facts(
    calls: pl.LazyFrame, *, options: MetricOptions, numbers: Mapping[str, pl.Expr] | None = None
) -> pl.LazyFrame:
    """One flat row per call: `id`, `started_at`, the dimensions, and the columns of `CALL_FACTS`.

    The dimensions are `CALL_COLUMNS`, `COMPUTED_DIMENSIONS`, and `NAME_COLUMNS` where the calls
    have them. `id` may have any dtype. `numbers` are the normal forms of `NUMBERS`, if known.
    """
    normal = numbers or {name: normalized(pl.col(name)) for name in NUMBERS}
    rows = (
        calls.with_columns(legs=sane_targets())
        .with_columns(**_leg_aggregates(options))
        .with_columns(**_states(pl.col("ivr_only")))
        .with_columns(**_of_several_legs(options))
        .with_columns(**_waits(options))
        .with_columns(**_derived_facts(options))
        .with_columns(**_service_level(options), **normal)
    )
    dimensions = (*CALL_COLUMNS, *COMPUTED_DIMENSIONS)
    return rows.select("id", "started_at", *dimensions, name_columns(), *CALL_FACTS)


def computed_dimensions(options: MetricOptions) -> dict[str, pl.Expr]:
    """An expression over calls for each of `COMPUTED_DIMENSIONS`."""
    answered = _states(_leg_aggregates(options, "call_targets")["ivr_only"])["answered"]
    return {
        "queue": first_queue(options),
        "who_hung_up": call_talks(answered, options).struct.field("who_hung_up"),
    }


def flat(calls: Frame, *, options: MetricOptions = MetricOptions()) -> Frame:
    """The calls with `state`, `first_ring_at` and `answered_at` added, for engines without legs.

    `state` is "running", "unknown", "answered" or "missed"; `first_ring_at` is the first ring of a
    person, or of any target if there is no person; `answered_at` is the first answer of a person.
    LazyFrame in, LazyFrame out.
    """
    state = pl.coalesce(
        pl.when(pl.col(name)).then(pl.lit(name))
        for name in ("running", "unknown", "answered", "missed")
    )
    rows = (
        calls.lazy()
        .with_columns(legs=sane_targets())
        .with_columns(**_leg_aggregates(options))
        .with_columns(**_states(pl.col("ivr_only")))
        .with_columns(state=state, answered_at="person_answered_at")
    )
    names = calls.lazy().collect_schema().names()
    return same_kind(calls, rows.select(*names, "state", "first_ring_at", "answered_at"))


def name_columns() -> selectors.Selector:
    """A selector of the `NAME_COLUMNS` that the calls have."""
    return selectors.by_name(*NAME_COLUMNS, require_all=False)


def is_too_long(options: MetricOptions) -> pl.Expr:
    """Whether a call is longer than `longest_call_s`, so that it gives no talk, line or load."""
    length = seconds(pl.col("started_at"), pl.col("ended_at"))
    return false_if_null(length > options.longest_call_s)


def _field(name: str) -> pl.Expr:
    return pl.element().struct.field(name)


def _leg_aggregates(options: MetricOptions, legs: str = "legs") -> dict[str, pl.Expr]:
    """Columns of a call that are aggregated from its legs, whose times are sane."""
    answered, automatic = is_answered_leg(_field), is_automatic(_field, options)
    outside = is_outside_number(_field, options)
    rings = pl.coalesce(_field("ring_time"), _field("add_time"))
    began = pl.coalesce(_field("add_time"), _field("ring_time"), _field("answered_time"))
    span = seconds(_field("answered_time"), _field("ended_time"))
    talk = pl.when(answered & ~automatic, span >= 0).then(span)

    def of_legs(expression: pl.Expr) -> pl.Expr:
        return pl.col(legs).list.eval(expression)

    def any_leg(condition: pl.Expr) -> pl.Expr:
        return false_if_null(of_legs(condition).list.any())

    def total(spans: pl.Expr) -> pl.Expr:
        return pl.when(any_leg(spans.is_not_null())).then(of_legs(spans).list.sum())

    queue = is_queue(_field, options)
    no_ivr = ~is_listed_leg(_field, options.ivr_numbers)
    return {
        "ivr_only": false_if_null(~of_legs(pl.when(answered).then(~automatic)).list.max()),
        "person_answered_at": of_legs(
            pl.when(answered & ~automatic).then(_field("answered_time"))
        ).list.min(),
        "first_ring_at": pl.when(any_leg(~automatic))
        .then(of_legs(pl.when(~automatic).then(rings)).list.min())
        .otherwise(of_legs(rings).list.min()),
        "queue_entered_at": pl.when(any_leg(queue))
        .then(of_legs(pl.when(queue).then(began)).list.min())
        .when(any_leg(no_ivr))
        .then(of_legs(pl.when(no_ivr).then(began)).list.min())
        .otherwise("started_at"),
        "persons_talk_s": total(pl.when(~outside).then(talk)),
        "talk_with_all_s": total(talk),
    }


def _states(ivr_only: pl.Expr) -> dict[str, pl.Expr]:
    """Flags of which exactly one of running, unknown, answered and missed is true for a call."""
    ended = pl.col("ended_at").is_not_null()
    state = pl.col("call_state")
    in_answered = ended & false_if_null(state == "answered")
    in_not_answered = ended & false_if_null(state == "not_answered")
    return {
        "calls": pl.lit(value=True),
        "running": ~ended,
        "unknown": ended & ~in_answered & ~in_not_answered,
        "answered": in_answered & ~ivr_only,
        "missed": in_not_answered | in_answered & ivr_only,
    }


def _of_several_legs(options: MetricOptions) -> dict[str, pl.Expr]:
    """Columns that depend on several legs of a call at once."""
    talks, outside = call_talks(pl.col("answered"), options), transfers_and_forwards(options)
    return {
        "ending": ending_of_missed(pl.col("missed"), options),
        "queue": first_queue(options),
        **{name: talks.struct.field(name) for name in ("who_hung_up", "union_s")},
        **{name: outside.struct.field(name).fill_null(0) for name in ("transfers", "forwards")},
        "legs_outside": legs_outside(),
        "calls_too_long": is_too_long(options),
        "internal_twice": pl.lit(value=False),
    }


_WAIT_BEGINS = MappingProxyType(
    {"started_at": "started_at", "queue": "queue_entered_at", "first_ring": "first_ring_at"}
)


def _waits(options: MetricOptions) -> dict[str, pl.Expr]:
    begin = pl.col(_WAIT_BEGINS[options.wait_from])
    end = (
        pl.when(pl.col("answered"))
        .then(pl.col("person_answered_at"))
        .when(pl.col("missed"))
        .then(pl.col("ended_at"))
    )
    wait = seconds(begin, end).clip(lower_bound=0.0)
    return {
        "offered": pl.col("answered") | pl.col("missed"),
        # One wait of days would make every mean absurd.
        "wait_s": pl.when(wait <= options.longest_call_s).then(wait),
        **{name: false_if_null(pl.col("ending") == name) for name in ENDINGS},
    }


def _derived_facts(options: MetricOptions) -> dict[str, pl.Expr]:
    answered, abandoned, wait = pl.col("answered"), pl.col("abandoned"), pl.col("wait_s")
    short = abandoned & false_if_null(wait < options.short_s)
    has_recording = pl.col("recording_urls").list.eval(pl.element().fill_null("") != "").list.any()
    talked = answered & ~pl.col("calls_too_long")
    direction = pl.col("direction").cast(pl.String)
    is_out, is_inbound = false_if_null(direction == "out"), false_if_null(direction == "in")
    agent_talk = pl.when(is_out).then("talk_with_all_s").otherwise("persons_talk_s")
    return {
        "wait_unknown": pl.col("offered") & wait.is_null(),
        "short_abandoned": short,
        "abandoned_not_short": abandoned & ~short,
        "offered_not_short": pl.col("offered") & ~short,
        "answered_wait_s": pl.when(answered).then(wait),
        "abandoned_wait_s": pl.when(abandoned).then(wait),
        "talk_s": pl.when(talked).then(_duration()),
        "agent_talk_s": pl.when(talked).then(agent_talk),
        "talk_with_agents_s": pl.when(talked).then("union_s"),
        "transferred": answered & (pl.col("transfers") > 0),
        "recorded": answered & false_if_null(has_recording),
        "hung_up_by_caller": false_if_null(pl.col("who_hung_up") == "caller"),
        "hung_up_by_agent": false_if_null(pl.col("who_hung_up") == "agent"),
        "unknown_callers": is_inbound & is_nobody(pl.col("caller")),
    }


def _duration() -> pl.Expr:
    """The duration, unless it is negative or more than 300 s longer than the call."""
    duration = pl.col("duration")
    length = (pl.col("ended_at") - pl.col("started_at") + DURATION_MARGIN).dt.total_microseconds()
    is_longer = false_if_null(duration.cast(pl.Int64) * 1_000_000 > length)
    return pl.when(duration >= 0, ~is_longer).then(duration.cast(pl.Float64))


def _service_level(options: MetricOptions) -> dict[str, pl.Expr]:
    within = false_if_null(pl.col("wait_s") <= options.threshold_s)
    flags = level_flags(level_terms(options), within)
    level = SERVICE_LEVELS[options.variant]
    return {
        "answered_within": flags["a<=T"],
        "abandoned_within": pl.col("abandoned") & within,
        "level_met": level.numerator(flags),
        "level_counted": level.denominator(flags),
    }
