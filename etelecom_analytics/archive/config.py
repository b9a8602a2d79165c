"""How calls lie in the table: its columns, and what an archive is made with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from .. import local_time
from ..errors import ArchiveError
from ..metrics.call_facts import flat
from ..metrics.options import MetricOptions
from ..privacy import Privacy
from ..schema import CALL_SCHEMA, SCHEMA_VERSION

__all__ = ["FLAT_FACTS", "PREFIX", "STORED", "ArchiveConfig", "flattened", "typed"]

FLAT_FACTS: Mapping[str, pl.DataType] = {
    "local_day": pl.Date(),
    "local_hour": pl.Int8(),
    "state": pl.String(),
    "first_ring_at": pl.Datetime("us", "UTC"),
    "answered_at": pl.Datetime("us", "UTC"),
}
"""Facts as plain columns beside the record, for engines that are not to look into legs."""

_WORDS = [name for name, dtype in CALL_SCHEMA.items() if isinstance(dtype, pl.Enum)]
STORED = pl.Schema({**CALL_SCHEMA, **dict.fromkeys(_WORDS, pl.String()), **FLAT_FACTS})
"""What the table holds: Delta knows no Enum, so words are text there."""

PREFIX = "etelecom."
"""What our own properties of the table begin with."""


@dataclass(frozen=True, kw_only=True)
class ArchiveConfig:
    """What an archive is made with, and keeps in its table's properties.

    Attributes:
        time_zone: whose days are its partitions, and whose hours its facts.
        ivr_numbers: target numbers that are no person.
        privacy: what is done to calls before they are written, as `Privacy.told` tells it; None:
            nothing.
    """

    time_zone: str = local_time.HOME_ZONE
    ivr_numbers: tuple[str, ...] = ()
    privacy: Mapping[str, object] | None = None

    @property
    def options(self) -> MetricOptions:
        """What its facts are reckoned with."""
        return MetricOptions(time_zone=self.time_zone, ivr_numbers=self.ivr_numbers)

    def properties(self) -> dict[str, str]:
        """The charter as a table's properties."""
        told = {
            "time_zone": self.time_zone,
            "ivr_numbers": list(self.ivr_numbers),
            "privacy": self.privacy,
            "schema_version": SCHEMA_VERSION,
        }
        return {f"{PREFIX}{name}": json.dumps(value) for name, value in told.items()}

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> "ArchiveConfig":
        """The charter that these properties tell."""
        told = {
            name: json.loads(properties[f"{PREFIX}{name}"])
            for name in ("time_zone", "ivr_numbers", "privacy", "schema_version")
        }
        if told["schema_version"] > SCHEMA_VERSION:
            raise ArchiveError(
                f"The archive was written with schema {told['schema_version']}, which is newer: upgrade the package."
            )
        return cls(
            time_zone=told["time_zone"],
            ivr_numbers=tuple(told["ivr_numbers"]),
            privacy=told["privacy"],
        )


def flattened(
    calls: pl.DataFrame, day: date, charter: ArchiveConfig, privacy: Privacy | None
) -> pl.DataFrame:
    """The calls of a day as the table holds them. Facts are reckoned before numbers are hidden."""
    facts = flat(calls.select(*CALL_SCHEMA), options=charter.options).with_columns(
        local_day=pl.lit(day, pl.Date),
        local_hour=local_time.LOCAL_DIMENSIONS["hour"](charter.time_zone),
    )
    return (privacy.apply(facts) if privacy else facts).select(
        pl.col(name).cast(dtype) for name, dtype in STORED.items()
    )


def typed(stored: pl.LazyFrame, *, facts: bool = False) -> pl.LazyFrame:
    """Calls with their own types again, and with the flat facts if these are wanted."""
    names = [*CALL_SCHEMA, *(FLAT_FACTS if facts else ())]
    return stored.select(names).with_columns(
        pl.col(name).cast(CALL_SCHEMA[name]) for name in _WORDS
    )
