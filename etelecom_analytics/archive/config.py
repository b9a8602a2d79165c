"""Configuration of an archive, and the columns of its table."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files

import polars as pl

from .. import local_time
from ..errors import ArchiveError
from ..metrics.internal_calls import counted_flat
from ..metrics.options import MetricOptions
from ..names import LABELS
from ..privacy import Privacy
from ..schema import CALL_SCHEMA, NAMES_SCHEMA, SCHEMA_VERSION

__all__ = [
    "DICTIONARY_COLUMNS",
    "FLAT_FACTS",
    "LABEL_COLUMNS",
    "PREFIX",
    "STATISTICS_COLUMNS",
    "STORED_SCHEMA",
    "ArchiveConfig",
    "empty_calls",
    "from_stored_rows",
    "leave_unmasked",
    "same_zone",
    "stored_schema",
    "to_stored_rows",
]

FLAT_FACTS: Mapping[str, pl.DataType] = {
    "local_day": pl.Date(),
    "local_hour": pl.Int8(),
    "state": pl.String(),
    "first_ring_at": pl.Datetime("us", "UTC"),
    "answered_at": pl.Datetime("us", "UTC"),
}
"""Facts stored as plain columns, so that other engines do not have to read legs."""

_ENUM_COLUMNS = [name for name, dtype in CALL_SCHEMA.items() if isinstance(dtype, pl.Enum)]
STORED_SCHEMA = pl.Schema(
    {**CALL_SCHEMA, **dict.fromkeys(_ENUM_COLUMNS, pl.String()), **FLAT_FACTS}
)
"""Schema of the table. Delta has no Enum type, so these columns are stored as text."""

LABEL_COLUMNS = {name: NAMES_SCHEMA[name] for name in LABELS}
"""Further columns of a table, from the first sync with `label_hotlines` on."""

STATISTICS_COLUMNS = (
    "id",
    "direction",
    "call_state",
    "started_at",
    "ended_at",
    "updated_at",
    "duration",
    "local_hour",
    "state",
)
"""Columns whose minimum and maximum are stored. Phone numbers and notes must not be among them."""

DICTIONARY_COLUMNS = (
    "caller",
    "callee",
    "direction",
    "call_state",
    "call_status",
    "duration",
    "extension_id",
    "user_id",
    "contact_id",
    "note",
    "local_hour",
    "state",
    "hotline_id",
    "hotline",
    "department_id",
)
"""Columns with repeated values. A dictionary would make times, ids and links larger."""

_LATER_LISTS = ("queue_numbers", "voicemail_numbers", "agent_numbers")
"""Lists of numbers that older archives do not have."""

PREFIX = "etelecom."
"""Prefix of the table properties that this package sets."""


@dataclass(frozen=True, kw_only=True)
class ArchiveConfig:
    """Configuration of an archive, stored in the properties of its table.

    Attributes:
        time_zone: time zone of the daily partitions and of the flat facts.
        ivr_numbers: target numbers of IVRs.
        queue_numbers: target numbers of queues.
        voicemail_numbers: target numbers of voicemail.
        agent_numbers: long numbers that belong to agents.
        privacy: how calls are masked before they are written, as `Privacy.to_dict` returns it; None
            means not at all.
    """

    time_zone: str = local_time.HOME_ZONE
    ivr_numbers: tuple[str, ...] = ()
    queue_numbers: tuple[str, ...] = ()
    voicemail_numbers: tuple[str, ...] = ()
    agent_numbers: tuple[str, ...] = ()
    privacy: Mapping[str, object] | None = None

    @property
    def options(self) -> MetricOptions:
        """Options with which the flat facts are computed."""
        return MetricOptions(
            time_zone=self.time_zone,
            ivr_numbers=self.ivr_numbers,
            queue_numbers=self.queue_numbers,
            voicemail_numbers=self.voicemail_numbers,
            agent_numbers=self.agent_numbers,
        )

    @property
    def numbers_without_person(self) -> tuple[str, ...]:
        """The numbers of IVRs, queues and voicemail."""
        return (*self.ivr_numbers, *self.queue_numbers, *self.voicemail_numbers)

    def to_properties(self) -> dict[str, str]:
        """The configuration as table properties."""
        values = {
            "time_zone": self.time_zone,
            "ivr_numbers": list(self.ivr_numbers),
            **{name: list(numbers) for name in _LATER_LISTS if (numbers := getattr(self, name))},
            "privacy": self.privacy,
            "schema_version": SCHEMA_VERSION,
        }
        return {f"{PREFIX}{name}": json.dumps(value) for name, value in values.items()}

    @classmethod
    def read(cls, properties: Mapping[str, str], folder: object) -> "ArchiveConfig":
        """The configuration stored in the properties of the table in a folder.

        Raises:
            ArchiveError: the table is no archive, or a newer version of this package wrote it.
        """
        try:
            values = {
                name: json.loads(properties[f"{PREFIX}{name}"])
                for name in ("time_zone", "ivr_numbers", "privacy", "schema_version")
            }
            if values["schema_version"] > SCHEMA_VERSION:
                raise ArchiveError(
                    f"The archive uses schema version {values['schema_version']}, "
                    f"and this package supports up to {SCHEMA_VERSION}: upgrade the package."
                )
            return cls(
                time_zone=local_time.zone(values["time_zone"]).key,
                ivr_numbers=tuple(values["ivr_numbers"]),
                privacy=values["privacy"],
                **{
                    name: tuple(json.loads(properties.get(f"{PREFIX}{name}", "[]")))
                    for name in _LATER_LISTS
                },
            )
        except (KeyError, ValueError, TypeError) as error:
            raise ArchiveError(
                f"{folder} is a Delta table, but no archive of calls: use another path."
            ) from error


def leave_unmasked(privacy: Privacy | None, ivr_numbers: tuple[str, ...]) -> Privacy | None:
    """The privacy, changed so that IVR numbers are not masked and can still be recognized."""
    return privacy and replace(
        privacy, own_numbers=tuple(dict.fromkeys((*privacy.own_numbers, *ivr_numbers)))
    )


def same_zone(one: str, other: str) -> bool:
    """Whether two names mean the same time zone, such as Asia/Saigon and Asia/Ho_Chi_Minh."""
    return one == other or _rules(one) == _rules(other)


def _rules(time_zone: str) -> bytes:
    zone = local_time.zone(time_zone)  # raises for names that are no time zone, such as paths
    return files("tzdata").joinpath("zoneinfo", *zone.key.split("/")).read_bytes()


def stored_schema(*, labelled: bool) -> pl.Schema:
    """The schema of a table, with or without the columns of labels."""
    return pl.Schema({**STORED_SCHEMA, **(LABEL_COLUMNS if labelled else {})})


def to_stored_rows(
    calls: pl.DataFrame,
    day: date,
    config: ArchiveConfig,
    privacy: Privacy | None,
    blank: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
    *,
    labelled: bool = False,
) -> pl.DataFrame:
    """The calls of a local day as the table stores them; `blank` removes forgotten numbers.

    With `labelled`, they have labels, which are null if the calls have none.
    """
    names = LABEL_COLUMNS if labelled else {}
    rows = calls.select(*CALL_SCHEMA, *(name for name in names if name in calls.columns))
    # Facts depend on phone numbers, so compute them before the numbers are masked.
    facts = counted_flat(rows, options=config.options).with_columns(
        *(pl.lit(None, dtype).alias(name) for name, dtype in names.items() if name not in rows),
        local_day=pl.lit(day, pl.Date),
        local_hour=local_time.LOCAL_DIMENSIONS["hour"](config.time_zone),
    )
    facts = blank(facts) if blank else facts
    return (privacy.apply(facts) if privacy else facts).select(
        pl.col(name).cast(dtype) for name, dtype in stored_schema(labelled=labelled).items()
    )


def empty_calls(*, labelled: bool) -> pl.DataFrame:
    """No calls, with the columns of those in an archive."""
    return pl.DataFrame(schema={**CALL_SCHEMA, **(LABEL_COLUMNS if labelled else {})})


def from_stored_rows(
    rows: pl.LazyFrame, *, facts: bool = False, labelled: bool = False
) -> pl.LazyFrame:
    """Calls with the types of `CALL_SCHEMA`, optionally with the flat facts and labels."""
    names = [*CALL_SCHEMA, *(FLAT_FACTS if facts else ())]
    hotlines: list[pl.Expr] = []
    if labelled:
        known = rows.collect_schema()
        hotlines = [
            (pl.col(name) if name in known else pl.lit(None, dtype)).alias(name)
            for name, dtype in LABEL_COLUMNS.items()
        ]
    return rows.select(*names, *hotlines).with_columns(
        pl.col(name).cast(CALL_SCHEMA[name]) for name in _ENUM_COLUMNS
    )
