"""The columns of calls, call_targets, offers and directories: name, dtype, unit and meaning, each declared once.

The parser, the empty tables, the simulator, the snapshot and the tests are all made from these
declarations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import polars as pl
from polars.datatypes import DataType

__all__ = [
    "CALLS",
    "CALL_SCHEMA",
    "CALL_STATES",
    "CALL_STATUSES",
    "CALL_TARGETS",
    "CALL_TARGETS_SCHEMA",
    "DIRECTIONS",
    "EXTENSIONS",
    "HOTLINES",
    "LEGS",
    "LEG_OUTCOMES",
    "NAMES",
    "NAMES_SCHEMA",
    "NETWORKS",
    "OFFERS",
    "OFFERS_SCHEMA",
    "SCHEMA_VERSION",
    "USERS",
    "Column",
    "Kind",
    "schema_of",
]

SCHEMA_VERSION = 1
"""Raised when a column or a word is added or changes; a snapshot of a newer version is refused."""

DIRECTIONS = ("unknown", "in", "out", "ext", "ext_in", "ext_out")
CALL_STATES = ("unknown", "answered", "not_answered")
CALL_STATUSES = ("Z", "P", "S", "N", "NS")
NETWORKS = ("viettel", "mobifone", "vinaphone", "other")
LEG_OUTCOMES = (
    "answered",
    "answered_elsewhere",
    "busy_or_rejected",
    "caller_gave_up",
    "rna_timeout",
    "unreachable",
    "network",
    "other",
    "in_progress",
)
"""In the order in which a leg speaks for its offer: the earlier word wins."""


class Kind(StrEnum):
    """How a value stands on the wire, where it differs from its dtype."""

    ID = "id"
    TEXT = "text"
    WORD = "word"
    TIME = "time"
    INTEGER = "integer"
    LINKS = "links"
    LEGS = "legs"
    FLAG = "flag"
    TEXTS = "texts"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its name (the API's own), what it holds, in which unit, and how it comes over the wire (None: it does not).

    `words` are the only ones that it may hold; empty where anything may come.
    """

    name: str
    dtype: DataType
    meaning: str
    unit: str = ""
    kind: Kind | None = None
    words: tuple[str, ...] = ()


_MOMENT = pl.Datetime("us", "UTC")


def _text(name: str, meaning: str) -> Column:
    return Column(name=name, dtype=pl.String(), kind=Kind.TEXT, meaning=meaning)


def _id(name: str, meaning: str) -> Column:
    return Column(name=name, dtype=pl.String(), kind=Kind.ID, meaning=meaning)


def _time(name: str, meaning: str) -> Column:
    return Column(name=name, dtype=_MOMENT, kind=Kind.TIME, meaning=meaning, unit="UTC")


def _integer(name: str, meaning: str, unit: str = "") -> Column:
    return Column(name=name, dtype=pl.Int32(), kind=Kind.INTEGER, meaning=meaning, unit=unit)


def _word(name: str, words: tuple[str, ...], meaning: str) -> Column:
    return Column(name=name, dtype=pl.Enum(words), kind=Kind.WORD, meaning=meaning, words=words)


LEGS = (
    _text("target_number", "The extension or outside number that rang"),
    _time("add_time", "When the PBX began to try this endpoint"),
    _time("ring_time", "When it began to ring; null if it never did"),
    _time("answered_time", "When it was answered; null if it was not"),
    _time("ended_time", "When the attempt, or the talk, ended"),
    _integer("ring_duration", "How long it rang", "s"),
    _text("status", "The PBX's word: ANSWERED, NOANSWER, FAIL, NONE, or another"),
    _text("end_reason", "Why it ended, in free words of the PBX"),
    _integer("fail_code", "SIP response code (486 busy, 487 cancelled, ...); 0 when none"),
    _text("trunk_name", "The trunk it went through; null for an extension"),
)
"""What one call target holds."""

CALLS = (
    _id("id", "The call's key"),
    _text("external_id", "The caller's own id of the call, from web or mobile"),
    _text("external_session_id", "The session's id; the two logs of an internal call share it"),
    _text("caller", "Number or extension that called"),
    _text("callee", "Number or extension that was called"),
    _word("direction", DIRECTIONS, "Which way the call went"),
    _word("call_state", CALL_STATES, "Whether it was answered, in the PBX's view"),
    _word("call_status", CALL_STATUSES, "Z new, P succeeded, N and NS failed"),
    _time("started_at", "When the call began"),
    _time("ended_at", "When it ended; null while it is running"),
    _time("created_at", "When the log was written"),
    _time("updated_at", "When the log was last changed"),
    _integer("duration", "Talk time of the session; 0 when not answered", "s"),
    _id("extension_id", "The extension that took part; null for a missed call"),
    _id("user_id", "The user of that extension"),
    _id("contact_id", "The contact of the other side"),
    _text("note", "What somebody wrote about the call"),
    Column(
        name="recording_urls",
        dtype=pl.List(pl.String),
        meaning="Links to recordings; private",
        kind=Kind.LINKS,
    ),
    Column(
        name="call_targets",
        dtype=pl.List(pl.Struct({leg.name: leg.dtype for leg in LEGS})),
        meaning="Every endpoint that the PBX tried, in its order",
        kind=Kind.LEGS,
    ),
)
"""What one call log holds."""

CALL_TARGETS = (
    Column(name="call_id", dtype=pl.String(), meaning="The call that this leg belongs to"),
    Column(
        name="target_index",
        dtype=pl.Int32(),
        meaning="Its place in the call's `call_targets`, from 0",
    ),
    *LEGS,
)
"""One row a leg."""

OFFERS = (
    Column(name="call_id", dtype=pl.String(), meaning="The call that this offer belongs to"),
    Column(
        name="target_index",
        dtype=pl.Int32(),
        meaning="The place of its first leg in the call's `call_targets`",
    ),
    Column(
        name="target_number",
        dtype=pl.String(),
        meaning="The person's extension, or an outside number",
    ),
    Column(
        name="offered_at", dtype=_MOMENT, unit="UTC", meaning="When the first of its legs began"
    ),
    Column(
        name="outcome", dtype=pl.Enum(LEG_OUTCOMES), meaning="How it ended: its best leg's outcome"
    ),
    Column(
        name="ring_s",
        dtype=pl.Float64(),
        unit="s",
        meaning="The longest ring of its legs; null if none rang",
    ),
    Column(
        name="talk_s",
        dtype=pl.Float64(),
        unit="s",
        meaning="Talk of its answered legs; null if none has both times",
    ),
    Column(name="trunk_name", dtype=pl.String(), meaning="The trunk of its best leg"),
    Column(name="fail_code", dtype=pl.Int32(), meaning="The SIP code of its best leg"),
    Column(name="legs", dtype=pl.Int32(), meaning="How many legs it gathers"),
    Column(
        name="busy",
        dtype=pl.Boolean(),
        meaning="Whether the number was in another call's talk when it began",
    ),
)
"""One row a ring of one person, before the columns of its call that are joined for grouping."""

EXTENSIONS = (
    _id("id", "The extension's key; what `extension_id` of a call says"),
    _text("extension_number", "The number that rings; two tenants may have the same"),
    _id("hotline_id", "The hotline that it belongs to"),
    _id("user_id", "Whose it is"),
    _text("tenant_domain", "The tenant of the PBX that it belongs to"),
    _time("created_at", "When it was made"),
    _time("expires_at", "When it ends; null if it does not"),
    _text("state", "The PBX's word for how it is"),
)
"""One row an extension. Its password comes too, and is dropped at the door."""

USERS = (
    _id("user_id", "The user's key"),
    _text("full_name", "The whole name"),
    _text("short_name", "The name that colleagues use"),
    _text("email", "Where to write to"),
    _text("phone", "Where to call"),
    _id("department_id", "The department that the user belongs to"),
    _text("position", "What the user is there"),
    Column(name="roles", dtype=pl.List(pl.String), meaning="What the user may do", kind=Kind.TEXTS),
    Column(name="deleted", dtype=pl.Boolean(), meaning="Whether the user has left", kind=Kind.FLAG),
)
"""One row a user."""

HOTLINES = (
    _id("id", "The hotline's key"),
    _text("hotline", "Its number"),
    _text("name", "What people call it"),
    _word("network", NETWORKS, "Whose network it is in"),
    _text("status", "The API's word for how it is"),
)
"""One row a hotline."""

NAMES = (
    Column(
        name="extension_number", dtype=pl.String(), meaning="The number of the call's extension"
    ),
    Column(
        name="user", dtype=pl.String(), meaning="The name of the call's user, or of its extension's"
    ),
    Column(name="department_id", dtype=pl.String(), meaning="The department of that user"),
    Column(
        name="hotline",
        dtype=pl.String(),
        meaning="The number of the hotline that the extension belongs to, or its name",
    ),
    Column(
        name="target_names",
        dtype=pl.List(pl.String),
        meaning="Whose number each of `call_targets` rang, in their order; null if unknown",
    ),
)
"""What `logs.with_names` adds to calls. A missed call has no extension, and so none of them but the last."""


def schema_of(columns: tuple[Column, ...]) -> Mapping[str, DataType]:
    """The names and dtypes of these columns."""
    return MappingProxyType({column.name: column.dtype for column in columns})


CALL_SCHEMA = schema_of(CALLS)
CALL_TARGETS_SCHEMA = schema_of(CALL_TARGETS)
NAMES_SCHEMA = schema_of(NAMES)
OFFERS_SCHEMA = schema_of(OFFERS)
