"""Calls -> one flat row a call: answered, missed, wait_s, talk_s and what else call measures are made of.

The one place that looks into legs for call measures. The legs stay nested: nothing is exploded, so
the expressions stream.
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
    "ServiceLevel",
    "facts",
    "flat",
    "is_answered_leg",
    "level_flags",
    "level_words",
    "names_carried",
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
"""The columns of calls that are dimensions as they are."""

NAME_COLUMNS = tuple(column.name for column in NAMES if isinstance(column.dtype, pl.String))
"""Those that `CallLogs.with_names` adds."""

CALL_FACTS: Mapping[str, str] = MappingProxyType(
    {
        "calls": "calls",
        "running": "calls without an end",
        "unknown": "calls that ended, of unknown or no state",
        "answered": "calls that ended, in state answered, but for those that only ivr_numbers answered",
        "missed": "calls that ended, in state not_answered or answered by ivr_numbers only",
        "offered": "answered or missed calls",
        "wait_s": "wait of an offered call, never below 0",
        "wait_unknown": "offered calls whose wait is not known",
        "short_abandoned": "missed calls that waited less than short_s",
        "missed_not_short": "missed calls that are no short abandons",
        "offered_not_short": "offered calls that are no short abandons",
        "answered_wait_s": "wait of answered calls",
        "missed_wait_s": "wait of missed calls",
        "talk_s": "duration of answered calls",
        "agent_talk_s": "talk of an answered call's legs that are not to ivr_numbers",
        "recorded": "answered calls with a recording",
        "level_met": "the variant's numerator",
        "level_counted": "the variant's denominator",
    }
)
"""What each fact says of a call. Counts are Boolean columns, seconds Float64."""

Flags = Mapping[str, pl.Expr]
"""The words of a formula, and the calls that each holds for."""


@dataclass(frozen=True, kw_only=True)
class ServiceLevel:
    """One of the formulas that are in use: in words, who reckons so, and which calls are its numerator and denominator.

    The words of a formula: a, q, s are answered, missed and short calls of known wait; a<=T, q<=T
    those within the threshold, inclusive.
    """

    formula: str
    source: str
    met: Callable[[Flags], pl.Expr]
    counted: Callable[[Flags], pl.Expr]


SERVICE_LEVELS: Mapping[Variant, ServiceLevel] = MappingProxyType(
    {
        "offered": ServiceLevel(
            formula="a<=T / (a + q)",
            source="Genesys, base setting",
            met=lambda flag: flag["a<=T"],
            counted=lambda flag: flag["a"] | flag["q"],
        ),
        "no_short": ServiceLevel(
            formula="a<=T / (a + q - s)",
            source="Genesys, short abandons off",
            met=lambda flag: flag["a<=T"],
            counted=lambda flag: (flag["a"] | flag["q"]) & ~flag["s"],
        ),
        "answered_only": ServiceLevel(
            formula="a<=T / a",
            source="Aircall",
            met=lambda flag: flag["a<=T"],
            counted=lambda flag: flag["a"],
        ),
        "abandon_positive": ServiceLevel(
            formula="(a<=T + q<=T) / (a + q)",
            source="Amazon Connect",
            met=lambda flag: flag["a<=T"] | flag["q<=T"],
            counted=lambda flag: flag["a"] | flag["q"],
        ),
        "abandon_neutral": ServiceLevel(
            formula="a<=T / (a + q - q<=T)",
            source='Cisco, "ignore abandoned"',
            met=lambda flag: flag["a<=T"],
            counted=lambda flag: (flag["a"] | flag["q"]) & ~flag["q<=T"],
        ),
        "min_talk": ServiceLevel(
            formula="a<=T with duration >= m / (a with duration >= m, + q)",
            source="Exotel",
            met=lambda flag: flag["a<=T"] & flag["m"],
            counted=lambda flag: flag["a"] & flag["m"] | flag["q"],
        ),
    }
)


def seconds(begin: pl.Expr, end: pl.Expr) -> pl.Expr:
    """The seconds from one moment to another as Float64, to the microsecond."""
    return quotient((end - begin).dt.total_microseconds(), 1_000_000)


def quotient(column: pl.Expr, number: int) -> pl.Expr:
    """The column over the number, as the Float64 that is nearest to it.

    Polars multiplies a column of several rows by the reciprocal of a number, and divides one row.
    So 3,943,000 microseconds would be 3.9429999999999996 s, less than 3.943, or not, by how many
    rows come at once. It divides a column by a column.
    """
    return column / column.clip(number, number)


def is_answered_leg(leg: Callable[[str], pl.Expr]) -> pl.Expr:
    """Whether a leg was answered: status ANSWERED in any case of letters, or `answered_time` set."""
    # A pattern looks at each letter where it lies; to write it in capitals makes a text for every
    # leg.
    return (
        leg("status").str.contains("^(?i:ANSWERED)$").fill_null(value=False)
        | leg("answered_time").is_not_null()
    )


def rang(leg: Callable[[str], pl.Expr]) -> pl.Expr:
    """Whether a leg rang: `ring_time` set, or a `ring_duration` above 0."""
    return leg("ring_time").is_not_null() | (leg("ring_duration") > 0).fill_null(value=False)


def to_person(leg: Callable[[str], pl.Expr], options: MetricOptions) -> pl.Expr:
    """Whether a leg went to a person: its `target_number` is none of `ivr_numbers`; one without a number did."""
    return ~leg("target_number").is_in(options.ivr_numbers).fill_null(value=False)


def facts(calls: Frame, *, options: MetricOptions = MetricOptions()) -> Frame:
    """One flat row a call: its `id`, `started_at`, the columns that are dimensions, names too if any, and those of `CALL_FACTS`.

    LazyFrame in, LazyFrame out. What each says is in `CALL_FACTS`.
    """
    found = calls.lazy().with_columns(**_from_legs(options))
    flat = (
        found.with_columns(**_states())
        .with_columns(**_waits(options))
        .with_columns(**_made_of_them(options))
        .with_columns(**_level(options))
    )
    return same_kind(
        calls, flat.select("id", "started_at", *CALL_COLUMNS, names_carried(), *CALL_FACTS)
    )


def flat(calls: Frame, *, options: MetricOptions = MetricOptions()) -> Frame:
    """These calls with facts as plain columns beside their legs, so that any engine can reckon with them.

    `state` is "running", "unknown", "answered" or "missed"; `first_ring_at` is when a person's
    phone first rang, or where there is none, any; `answered_at` is when a person first answered.
    LazyFrame in, LazyFrame out.
    """
    found = calls.lazy().with_columns(**_from_legs(options))
    state = pl.coalesce(
        pl.when(pl.col(name)).then(pl.lit(name))
        for name in ("running", "unknown", "answered", "missed")
    )
    told = found.with_columns(**_states()).with_columns(
        state=state, answered_at="person_answered_at"
    )
    names = calls.lazy().collect_schema().names()
    return same_kind(calls, told.select(*names, "state", "first_ring_at", "answered_at"))


def names_carried() -> selectors.Selector:
    """Those of `NAME_COLUMNS` that the calls have."""
    return selectors.by_name(*NAME_COLUMNS, require_all=False)


def _field(name: str) -> pl.Expr:
    return pl.element().struct.field(name)


def _from_legs(options: MetricOptions) -> dict[str, pl.Expr]:
    """What the legs of a call say about it."""
    answered, person = is_answered_leg(_field), to_person(_field, options)
    rings = pl.coalesce(_field("ring_time"), _field("add_time"))
    talk = pl.when(answered & person).then(seconds(_field("answered_time"), _field("ended_time")))

    def of_legs(what: pl.Expr) -> pl.Expr:
        return pl.col("call_targets").list.eval(what)

    def any_leg(what: pl.Expr) -> pl.Expr:
        return of_legs(what).list.any().fill_null(value=False)

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
    """Every call is running, unknown, answered or missed, and only one of them."""
    ended = pl.col("ended_at").is_not_null()
    state = pl.col("call_state")
    says_answered = ended & (state == "answered").fill_null(value=False)
    says_missed = ended & (state == "not_answered").fill_null(value=False)
    return {
        "calls": pl.lit(value=True),
        "running": ~ended,
        "unknown": ended & ~says_answered & ~says_missed,
        "answered": says_answered & ~pl.col("ivr_only"),
        "missed": says_missed | says_answered & pl.col("ivr_only"),
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


def _made_of_them(options: MetricOptions) -> dict[str, pl.Expr]:
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


def _level(options: MetricOptions) -> dict[str, pl.Expr]:
    within = (pl.col("wait_s") <= options.threshold_s).fill_null(value=False)
    flags = level_flags(level_words(options), within)
    level = SERVICE_LEVELS[options.variant]
    return {"level_met": level.met(flags), "level_counted": level.counted(flags)}


def level_words(options: MetricOptions) -> Flags:
    """The words of the service level's formulas that know no threshold, over rows of facts."""
    known = pl.col("wait_s").is_not_null()
    return {
        "a": pl.col("answered") & known,
        "q": pl.col("missed") & known,
        "s": pl.col("short_abandoned"),
        # Asked only of answered calls, and their talk is their duration.
        "m": (pl.col("talk_s") >= options.min_talk_s).fill_null(value=False),
    }


def level_flags(words: Flags, within: pl.Expr) -> Flags:
    """All words of the formulas; `within` is where a call waited no longer than the threshold."""
    return {**words, "a<=T": words["a"] & within, "q<=T": words["q"] & within}
