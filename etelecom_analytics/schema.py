"""The columns of calls, call_targets, offers and directories: name, dtype, unit and meaning.

The parser, empty frames, the simulator, snapshots and tests all use these declarations.
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
    "INBOUND_DIRECTIONS",
    "LEGS",
    "LEG_KINDS",
    "LEG_OUTCOMES",
    "NAMES",
    "NAMES_SCHEMA",
    "NETWORKS",
    "OFFERS",
    "OFFERS_SCHEMA",
    "OWNERS",
    "OWNERS_SCHEMA",
    "SCHEMA_VERSION",
    "USERS",
    "Column",
    "Kind",
    "schema_of",
]

SCHEMA_VERSION = 1
"""Increased when a column or its values change; snapshots of a newer version are rejected."""

DIRECTIONS = ("unknown", "in", "out", "ext", "ext_in", "ext_out")
INBOUND_DIRECTIONS = ("in", "ext", "ext_in")
"""Directions of calls that ring extensions.

The legs of an `out` call go to external phone numbers. An internal call has two logs, ext_out and
ext_in; only ext_in is counted.
"""
CALL_STATES = ("unknown", "answered", "not_answered")
CALL_STATUSES = ("Z", "P", "S", "N", "NS")
NETWORKS = ("viettel", "mobifone", "vinaphone", "other")
LEG_OUTCOMES = (
    *("answered", "answered_elsewhere", "busy_or_rejected", "caller_gave_up", "rna_timeout"),
    *("unreachable", "network", "other", "in_progress"),
)
"""In order of precedence: the outcome of an offer is the first of those of its legs."""

LEG_KINDS = ("ivr", "queue", "voicemail", "customer", "external", "person")
"""What the target of a leg is: `customer` on `out` calls, `external` on others."""


class Kind(StrEnum):
    """How a value is represented in the API, if it differs from the dtype."""

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
    """A column: its name in the API, dtype, meaning, unit and representation in the API.

    `kind` is None if the column is not part of the API. `words` are the allowed values, if they are
    restricted. `minimum` is the smallest allowed integer, if there is one.
    """

    name: str
    dtype: DataType
    meaning: str
    unit: str = ""
    kind: Kind | None = None
    words: tuple[str, ...] = ()
    minimum: int | None = None


_MOMENT = pl.Datetime("us", "UTC")


def _text(name: str, meaning: str) -> Column:
    return Column(name=name, dtype=pl.String(), kind=Kind.TEXT, meaning=meaning)


def _id(name: str, meaning: str) -> Column:
    return Column(name=name, dtype=pl.String(), kind=Kind.ID, meaning=meaning)


def _time(name: str, meaning: str) -> Column:
    return Column(name=name, dtype=_MOMENT, kind=Kind.TIME, meaning=meaning, unit="UTC")


def _integer(name: str, meaning: str, unit: str = "", minimum: int | None = None) -> Column:
    return Column(
        name=name,
        dtype=pl.Int32(),
        kind=Kind.INTEGER,
        meaning=meaning,
        unit=unit,
        minimum=minimum,
    )


def _word(name: str, words: tuple[str, ...], meaning: str) -> Column:
    return Column(name=name, dtype=pl.Enum(words), kind=Kind.WORD, meaning=meaning, words=words)


LEGS = (
    _text("target_number", "The extension or external phone number that rang"),
    _time("add_time", "When the PBX began to call this endpoint"),
    _time("ring_time", "When it began to ring; null if it did not ring"),
    _time("answered_time", "When it was answered; null if it was not"),
    _time("ended_time", "When the attempt or the talk ended"),
    _integer("ring_duration", "How long it rang", "s"),
    _text("status", "Status of the PBX: ANSWERED, NOANSWER, FAIL, NONE, or another"),
    _text("end_reason", "Why it ended, as free text of the PBX"),
    _integer("fail_code", "SIP response code (486 busy, 487 cancelled, ...); 0 if there is none"),
    _text("trunk_name", "The trunk of the leg; null for an extension"),
)
"""The fields of a call target."""

CALLS = (
    _id("id", "The call's key"),
    _text("external_id", "The client's own id of a call from web or mobile"),
    _text("external_session_id", "The session's id; the two logs of an internal call share it"),
    _text("caller", "The number or extension that called"),
    _text("callee", "The number or extension that was called"),
    _word("direction", DIRECTIONS, "The direction of the call"),
    _word("call_state", CALL_STATES, "Whether it was answered, according to the PBX"),
    _word("call_status", CALL_STATUSES, "Z new, P succeeded, N and NS failed"),
    _time("started_at", "When the call began"),
    _time("ended_at", "When it ended; null while it is in progress"),
    _time("created_at", "When the log was written"),
    _time("updated_at", "When the log was last changed"),
    _integer("duration", "Talk time of the session; 0 if it was not answered", "s", minimum=0),
    _id("extension_id", "The extension of the call; null for a missed call"),
    _id("user_id", "The user of that extension"),
    _id("contact_id", "The contact of the other party"),
    _text("note", "A note about the call"),
    Column(
        name="recording_urls",
        dtype=pl.List(pl.String),
        meaning="Links to recordings; private",
        kind=Kind.LINKS,
    ),
    Column(
        name="call_targets",
        dtype=pl.List(pl.Struct({leg.name: leg.dtype for leg in LEGS})),
        meaning="Every endpoint that the PBX called, in its order",
        kind=Kind.LEGS,
    ),
)
"""The fields of a call log."""

CALL_TARGETS = (
    Column(name="call_id", dtype=pl.String(), meaning="The call that this leg belongs to"),
    Column(
        name="target_index",
        dtype=pl.Int32(),
        meaning="The position in the call's `call_targets`, from 0",
    ),
    *LEGS,
)
"""One row per leg."""

OFFERS = (
    Column(name="call_id", dtype=pl.String(), meaning="The call that this offer belongs to"),
    Column(
        name="target_index",
        dtype=pl.Int32(),
        meaning="The position of its first leg in the call's `call_targets`",
    ),
    Column(
        name="target_number",
        dtype=pl.String(),
        meaning="The extension of the person, or an external phone number",
    ),
    Column(name="kind", dtype=pl.Enum(LEG_KINDS), meaning="What the target is"),
    Column(name="offered_at", dtype=_MOMENT, unit="UTC", meaning="When its first leg began"),
    Column(name="outcome", dtype=pl.Enum(LEG_OUTCOMES), meaning="The outcome of its best leg"),
    Column(
        name="ring_s",
        dtype=pl.Float64(),
        unit="s",
        meaning="The longest ring time of its legs; null if none rang",
    ),
    Column(
        name="talk_s",
        dtype=pl.Float64(),
        unit="s",
        meaning="Talk time of its answered legs; null if none has both times",
    ),
    Column(name="trunk_name", dtype=pl.String(), meaning="The trunk of its best leg"),
    Column(name="fail_code", dtype=pl.Int32(), meaning="The SIP code of its best leg"),
    Column(name="legs", dtype=pl.Int32(), meaning="The number of its legs"),
    Column(
        name="busy",
        dtype=pl.Boolean(),
        meaning="Whether the number was talking in another call when it began",
    ),
)
"""One row per offer, without the columns of its call that are joined for grouping."""

EXTENSIONS = (
    _id("id", "The extension's key, which is `extension_id` of calls"),
    _text("extension_number", "The number that rings; not unique across tenants"),
    _id("hotline_id", "The hotline that it belongs to"),
    _id("user_id", "The user of the extension"),
    _text("tenant_domain", "The tenant of the PBX that it belongs to"),
    _time("created_at", "When it was created"),
    _time("expires_at", "When it expires; null if it does not"),
    _text("state", "The state in the PBX"),
)
"""One row per extension. The API also returns its password, which is never read."""

USERS = (
    _id("user_id", "The user's key"),
    _text("full_name", "The full name"),
    _text("short_name", "The short name"),
    _text("email", "The email address"),
    _text("phone", "The phone number"),
    _id("department_id", "The department that the user belongs to"),
    _text("position", "The position of the user"),
    Column(
        name="roles", dtype=pl.List(pl.String), meaning="The roles of the user", kind=Kind.TEXTS
    ),
    Column(name="deleted", dtype=pl.Boolean(), meaning="Whether the user has left", kind=Kind.FLAG),
)
"""One row per user."""

HOTLINES = (
    _id("id", "The hotline's key"),
    _text("hotline", "The number of the hotline"),
    _text("name", "The name of the hotline"),
    _word("network", NETWORKS, "The network of the hotline"),
    _text("status", "The status in the API"),
)
"""One row per hotline."""

OWNERS = (
    Column(name="extension_id", dtype=pl.String(), meaning="The extension that the leg rang"),
    Column(name="extension_number", dtype=pl.String(), meaning="The number of that extension"),
    Column(name="user_id", dtype=pl.String(), meaning="The user who had it at that time"),
    Column(name="user", dtype=pl.String(), meaning="The name of that user"),
    Column(name="department_id", dtype=pl.String(), meaning="The department of that user"),
    Column(
        name="owner_assumed",
        dtype=pl.Boolean(),
        meaning="Whether only the present list of extensions names this user",
    ),
)
"""The person whom one leg of a call rang."""

NAMES = (
    Column(
        name="extension_number", dtype=pl.String(), meaning="The number of the call's extension"
    ),
    Column(
        name="user", dtype=pl.String(), meaning="The name of the call's user, or of its extension's"
    ),
    Column(
        name="department_id",
        dtype=pl.String(),
        meaning="The department of that user; of a missed call, of the extensions that rang",
    ),
    Column(
        name="hotline_id",
        dtype=pl.String(),
        meaning="The hotline of the call; only with `fetch_calls(..., label_hotlines=True)`",
    ),
    Column(
        name="hotline",
        dtype=pl.String(),
        meaning="The number of that hotline, or its name; else of the hotline of the extension",
    ),
    Column(
        name="target_names",
        dtype=pl.List(pl.String),
        meaning="The users of each number of `call_targets`, in order; null if unknown",
    ),
    Column(
        name="target_owners",
        dtype=pl.List(pl.Struct({column.name: column.dtype for column in OWNERS})),
        meaning="The owner of each of `call_targets`, in order; null if unknown",
    ),
)
"""The columns that `logs.with_names` adds; a fetch with `label_hotlines` adds `names.LABELS`.

A missed call has no extension and no user, so its first two are null.
"""


def schema_of(columns: tuple[Column, ...]) -> Mapping[str, DataType]:
    """The names and dtypes of the columns."""
    return MappingProxyType({column.name: column.dtype for column in columns})


CALL_SCHEMA = schema_of(CALLS)
CALL_TARGETS_SCHEMA = schema_of(CALL_TARGETS)
NAMES_SCHEMA = schema_of(NAMES)
OFFERS_SCHEMA = schema_of(OFFERS)
OWNERS_SCHEMA = schema_of(OWNERS)
