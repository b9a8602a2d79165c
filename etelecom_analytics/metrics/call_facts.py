"""Facts of calls: one flat row per call with answered, missed, wait_s, talk_s and so on.

Call measures aggregate these facts. The legs stay nested: nothing is exploded, so that the
expressions stream.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl
from polars import selectors

from ..frames import Frame, same_kind
from ..schema import NAMES
from .options import MetricOptions, Variant

__all__ = [
    "CALL_COLUMNS",
    "CALL_FACTS",
    "NAME_COLUMNS",
    "SERVICE_LEVELS",
    "Flags",
    "ServiceLevel",
    "call_facts",
    "flat",
    "is_answered_leg",
    "level_flags",
    "level_terms",
    "name_columns",
    "quotient",
    "rang",
    "seconds",
    "to_person",
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

NAME_COLUMNS = tuple(column.name for column in NAMES if isinstance(column.dtype, pl.String))
"""Columns that `CallLogs.with_names` adds."""

CALL_FACTS: Mapping[str, str] = MappingProxyType(
    {
        "calls": "calls",
        "running": "calls without an end",
        "unknown": "ended calls whose state is unknown or missing",
        "answered": "ended calls in state answered, except those that only ivr_numbers answered",
        "missed": "ended calls in state not_answered, or answered by ivr_numbers only",
        "offered": "answered or missed calls",
        "wait_s": "wait of offered calls, at least 0",
        "wait_unknown": "offered calls whose wait is unknown",
        "short_abandoned": "missed calls with a wait below short_s",
        "missed_not_short": "missed calls except short abandons",
        "offered_not_short": "offered calls except short abandons",
        "answered_wait_s": "wait of answered calls",
        "missed_wait_s": "wait of missed calls",
        "talk_s": "duration of answered calls",
        "agent_talk_s": "talk of the legs of answered calls, except legs to ivr_numbers",
        "recorded": "answered calls with a recording",
        "level_met": "the variant's numerator",
        "level_counted": "the variant's denominator",
    }
)
"""The definition of each fact of a call. Counts are Boolean columns, seconds Float64."""

Flags = Mapping[str, pl.Expr]
"""The terms of a service level's formula, and which calls each is true for."""


@dataclass(frozen=True, kw_only=True)
class ServiceLevel:
    """One formula of the service level: its text, its source, its numerator and its denominator.

    Terms: a, q, s are answered, missed and short calls of known wait; a<=T and q<=T are those with
    a wait of at most the threshold.
    """

    formula: str
    source: str
    numerator: Callable[[Flags], pl.Expr]
    denominator: Callable[[Flags], pl.Expr]


SERVICE_LEVELS: Mapping[Variant, ServiceLevel] = MappingProxyType(
    {
        "offered": ServiceLevel(
            formula="a<=T / (a + q)",
            source="Genesys, base setting",
            numerator=lambda flag: flag["a<=T"],
            denominator=lambda flag: flag["a"] | flag["q"],
        ),
        "no_short": ServiceLevel(
            formula="a<=T / (a + q - s)",
            source="Genesys, short abandons off",
            numerator=lambda flag: flag["a<=T"],
            denominator=lambda flag: (flag["a"] | flag["q"]) & ~flag["s"],
        ),
        "answered_only": ServiceLevel(
            formula="a<=T / a",
            source="Aircall",
            numerator=lambda flag: flag["a<=T"],
            denominator=lambda flag: flag["a"],
        ),
        "abandon_positive": ServiceLevel(
            formula="(a<=T + q<=T) / (a + q)",
            source="Amazon Connect",
            numerator=lambda flag: flag["a<=T"] | flag["q<=T"],
            denominator=lambda flag: flag["a"] | flag["q"],
        ),
        "abandon_neutral": ServiceLevel(
            formula="a<=T / (a + q - q<=T)",
            source='Cisco, "ignore abandoned"',
            numerator=lambda flag: flag["a<=T"],
            denominator=lambda flag: (flag["a"] | flag["q"]) & ~flag["q<=T"],
        ),
        "min_talk": ServiceLevel(
            formula="a<=T with duration >= m / (a with duration >= m, + q)",
            source="Exotel",
            numerator=lambda flag: flag["a<=T"] & flag["m"],
            denominator=lambda flag: flag["a"] & flag["m"] | flag["q"],
        ),
    }
)


def seconds(begin: pl.Expr, end: pl.Expr) -> pl.Expr:
    """The seconds from `begin` to `end` as Float64, exact to the microsecond."""
    return quotient((end - begin).dt.total_microseconds(), 1_000_000)


def quotient(column: pl.Expr, number: int) -> pl.Expr:
    """The column divided by the number, as the nearest Float64.

    Polars multiplies a column of several rows by the reciprocal of a scalar, but divides a single
    row. 3,943,000 microseconds would then be 3.943 s or 3.9429999999999996 s, depending on the
    number of rows. It divides a column by a column exactly.
    """
    return column / column.clip(number, number)


def is_answered_leg(leg: Callable[[str], pl.Expr]) -> pl.Expr:
    """Whether a leg was answered: status ANSWERED in any case, or `answered_time` set."""
    # A case-insensitive pattern avoids a new string for every leg.
    return (
        leg("status").str.contains("^(?i:ANSWERED)$").fill_null(value=False)
        | leg("answered_time").is_not_null()
    )


def rang(leg: Callable[[str], pl.Expr]) -> pl.Expr:
    """Whether a leg rang: `ring_time` set, or a `ring_duration` above 0."""
    return leg("ring_time").is_not_null() | (leg("ring_duration") > 0).fill_null(value=False)


def to_person(leg: Callable[[str], pl.Expr], options: MetricOptions) -> pl.Expr:
    """Whether a leg went to a person: its `target_number` is null or not in `ivr_numbers`."""
    return ~leg("target_number").is_in(options.ivr_numbers).fill_null(value=False)


def call_facts(calls: pl.LazyFrame, *, options: MetricOptions) -> pl.LazyFrame:
    """One flat row per call: `id`, `started_at`, the dimensions, and the columns of `CALL_FACTS`.

    The dimensions are `CALL_COLUMNS`, and `NAME_COLUMNS` where the calls have them. `id` may have
    any dtype.
    """
    rows = (
        calls.with_columns(**_leg_aggregates(options))
        .with_columns(**_states())
        .with_columns(**_waits(options))
        .with_columns(**_derived_facts(options))
        .with_columns(**_service_level(options))
    )
    return rows.select("id", "started_at", *CALL_COLUMNS, name_columns(), *CALL_FACTS)


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
        .with_columns(**_leg_aggregates(options))
        .with_columns(**_states())
        .with_columns(state=state, answered_at="person_answered_at")
    )
    names = calls.lazy().collect_schema().names()
    return same_kind(calls, rows.select(*names, "state", "first_ring_at", "answered_at"))


def name_columns() -> selectors.Selector:
    """A selector of the `NAME_COLUMNS` that the calls have."""
    return selectors.by_name(*NAME_COLUMNS, require_all=False)


def _field(name: str) -> pl.Expr:
    return pl.element().struct.field(name)


def _leg_aggregates(options: MetricOptions) -> dict[str, pl.Expr]:
    """Columns of a call that are aggregated from its legs."""
    answered, person = is_answered_leg(_field), to_person(_field, options)
    rings = pl.coalesce(_field("ring_time"), _field("add_time"))
    talk = pl.when(answered & person).then(seconds(_field("answered_time"), _field("ended_time")))

    def of_legs(expression: pl.Expr) -> pl.Expr:
        return pl.col("call_targets").list.eval(expression)

    def any_leg(condition: pl.Expr) -> pl.Expr:
        return of_legs(condition).list.any().fill_null(value=False)

    return {
        "ivr_only": ~of_legs(pl.when(answered).then(person)).list.max().fill_null(value=True),
        "person_answered_at": of_legs(
            pl.when(answered & person).then(_field("answered_time"))
        ).list.min(),
        "first_ring_at": pl.when(any_leg(person))
        .then(of_legs(pl.when(person).then(rings)).list.min())
        .otherwise(of_legs(rings).list.min()),
        "talk_with_people_s": pl.when(any_leg(talk.is_not_null())).then(of_legs(talk).list.sum()),
    }


def _states() -> dict[str, pl.Expr]:
    """Flags of which exactly one of running, unknown, answered and missed is true for a call."""
    ended = pl.col("ended_at").is_not_null()
    state = pl.col("call_state")
    in_answered = ended & (state == "answered").fill_null(value=False)
    in_not_answered = ended & (state == "not_answered").fill_null(value=False)
    return {
        "calls": pl.lit(value=True),
        "running": ~ended,
        "unknown": ended & ~in_answered & ~in_not_answered,
        "answered": in_answered & ~pl.col("ivr_only"),
        "missed": in_not_answered | in_answered & pl.col("ivr_only"),
    }


def _waits(options: MetricOptions) -> dict[str, pl.Expr]:
    begin = pl.col("first_ring_at" if options.wait_from == "first_ring" else "started_at")
    end = (
        pl.when(pl.col("answered"))
        .then(pl.col("person_answered_at"))
        .when(pl.col("missed"))
        .then(pl.col("ended_at"))
    )
    return {
        "offered": pl.col("answered") | pl.col("missed"),
        "wait_s": seconds(begin, end).clip(lower_bound=0.0),
    }


def _derived_facts(options: MetricOptions) -> dict[str, pl.Expr]:
    answered, missed, wait = pl.col("answered"), pl.col("missed"), pl.col("wait_s")
    short = missed & (wait < options.short_s).fill_null(value=False)
    has_recording = pl.col("recording_urls").list.eval(pl.element().fill_null("") != "").list.any()
    return {
        "wait_unknown": pl.col("offered") & wait.is_null(),
        "short_abandoned": short,
        "missed_not_short": missed & ~short,
        "offered_not_short": pl.col("offered") & ~short,
        "answered_wait_s": pl.when(answered).then(wait),
        "missed_wait_s": pl.when(missed).then(wait),
        "talk_s": pl.when(answered).then(pl.col("duration").cast(pl.Float64)),
        "agent_talk_s": pl.when(answered).then(pl.col("talk_with_people_s")),
        "recorded": answered & has_recording.fill_null(value=False),
    }


def _service_level(options: MetricOptions) -> dict[str, pl.Expr]:
    within = (pl.col("wait_s") <= options.threshold_s).fill_null(value=False)
    flags = level_flags(level_terms(options), within)
    level = SERVICE_LEVELS[options.variant]
    return {"level_met": level.numerator(flags), "level_counted": level.denominator(flags)}


def level_terms(options: MetricOptions) -> Flags:
    """The terms of the service level's formulas that do not depend on a threshold, over facts."""
    has_wait = pl.col("wait_s").is_not_null()
    return {
        "a": pl.col("answered") & has_wait,
        "q": pl.col("missed") & has_wait,
        "s": pl.col("short_abandoned"),
        # Only answered calls have talk_s, which is their duration.
        "m": (pl.col("talk_s") >= options.min_talk_s).fill_null(value=False),
    }


def level_flags(terms: Flags, within: pl.Expr) -> Flags:
    """All terms of the formulas; `within` is true for a wait of at most the threshold."""
    return {**terms, "a<=T": terms["a"] & within, "q<=T": terms["q"] & within}
