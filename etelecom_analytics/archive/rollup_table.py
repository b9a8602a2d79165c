"""The Delta table of a roll-up: partial results of the days of an archive, beside its folder."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl

from .. import storage
from ..errors import ArchiveError
from .config import PREFIX
from .delta import commit_properties, load_deltalake, record_batches, translate_errors
from .places import StorePath, require_folder

__all__ = [
    "RollUpSettings",
    "RollUpTable",
    "StoredDay",
    "remove_rollups",
    "remove_whole",
    "rollups_folder",
    "rollups_of",
]

_SETTINGS = f"{PREFIX}rollup"
_MONTH = "local_month"
_KEEP_HOURS = 24 * 7
"""How long files of older versions stay, for those who are reading them."""


class StoredDay(NamedTuple):
    """What the partials of a day were computed from: its version, and calls of other days."""

    version: str
    near_midnight: str


@dataclass(frozen=True, kw_only=True)
class RollUpSettings:
    """What a roll-up holds, stored in the properties of its table.

    Attributes:
        archive: the id of the archive's table.
        by: its dimensions.
        measures: its measures.
        options: the options, as `MetricOptions.to_dict` returns them.
        fingerprint: that of its partials.
    """

    archive: str
    by: tuple[str, ...]
    measures: tuple[str, ...]
    options: Mapping[str, object]
    fingerprint: str

    @classmethod
    def from_json(cls, text: str) -> "RollUpSettings":
        """The settings in a JSON text.

        Raises:
            ValueError, TypeError, KeyError: they are of another version of this package.
        """
        values = json.loads(text)
        values |= {name: tuple(values[name]) for name in ("by", "measures")}
        return cls(**values)


class RollUpTable:
    """The table of the partials of an archive by some dimensions.

    Args:
        archive: the folder of the archive.
        by: the dimensions; the folder of the table is named after them.
    """

    def __init__(self, archive: StorePath, by: Iterable[str]) -> None:
        self.folder = rollups_folder(archive) / (",".join(by) or "all")

    @property
    def settings(self) -> RollUpSettings | None:
        """Its settings; None if there is no such table, or one that cannot be read."""
        deltalake = load_deltalake()
        try:
            properties = deltalake.DeltaTable(self.folder).metadata().configuration
            return RollUpSettings.from_json(properties[_SETTINGS])
        except (deltalake.exceptions.DeltaError, OSError, ValueError, TypeError, KeyError):
            return None

    def days(self) -> dict[date, StoredDay]:
        """The days with partials.

        Raises:
            ArchiveError: the table cannot be read.
        """
        with translate_errors(self.folder):
            rows = (
                pl.scan_delta(str(self.folder))
                .select("local_day", "day_version", "near_midnight")
                .unique()
                .collect()
            )
        return {day: StoredDay(version, near) for day, version, near in rows.iter_rows()}

    def partials(
        self, empty: pl.DataFrame, fingerprint: str, facts: Iterable[str]
    ) -> Iterator[pl.DataFrame]:
        """The partials of these facts, month by month, with the columns and dtypes of an empty one.

        Raises:
            ArchiveError: the table cannot be read.
        """
        stored = [name for name in empty.columns if name != "fingerprint"]
        with translate_errors(self.folder):
            table = pl.scan_delta(str(self.folder))
            months = table.select(pl.col(_MONTH).unique().sort()).collect()[_MONTH]
            rows = table.filter(pl.col("fact").is_in(list(facts)))
            for month in months:
                of_month = rows.filter(pl.col(_MONTH) == month).select(
                    pl.col(name).cast(empty.schema[name]) for name in stored
                )
                yield of_month.collect().with_columns(fingerprint=pl.lit(fingerprint))

    def write(
        self,
        settings: RollUpSettings,
        partials: Mapping[date, pl.DataFrame],
        days: Mapping[date, StoredDay],
        *,
        gone: Iterable[date],
        replace: bool,
    ) -> None:
        """Store the partials of these days in one commit.

        Args:
            settings: what the table holds.
            partials: the partials of the days that are new or changed.
            days: what they were computed from.
            gone: the days to remove.
            replace: whether to replace the whole table.

        Raises:
            ArchiveBusy: another process changed the table.
            ArchiveError: the table cannot be written.
        """
        changed = [*partials, *gone]
        months = sorted({_month(day) for day in changed})
        tables = [_rows(day, partials[day], days[day]) for day in sorted(partials)]
        with translate_errors(self.folder):
            if not replace:
                old = pl.scan_delta(str(self.folder)).filter(
                    pl.col(_MONTH).is_in(months), ~pl.col("local_day").is_in(changed)
                )
                stored = old.collect()
                tables = [stored, *(each.select(stored.columns) for each in tables)]
            rows = pl.concat(tables)
            self._write(settings, rows, months, replace=replace)

    def _write(
        self, settings: RollUpSettings, rows: pl.DataFrame, months: list[str], *, replace: bool
    ) -> None:
        deltalake = load_deltalake()
        metadata = commit_properties({"what": "rolled up", "rows": rows.height})
        predicate = f"{_MONTH} IN ({', '.join(repr(month) for month in months)})"
        if replace:
            remove_whole(self.folder)
            storage.make_folder(self.folder, sync=False)
            deltalake.DeltaTable.create(
                self.folder,
                schema=deltalake.Schema.from_arrow(rows.schema),
                partition_by=[_MONTH],
                name="rollup",
                configuration={_SETTINGS: json.dumps(asdict(settings))},
                raise_if_key_not_exists=False,
            )
        table = deltalake.DeltaTable(self.folder)
        if rows.is_empty():
            table.delete(predicate, commit_properties=metadata)
        else:
            deltalake.write_deltalake(
                table,
                record_batches(rows, rows.schema),
                mode="overwrite",
                predicate=predicate,
                writer_properties=deltalake.WriterProperties(compression="ZSTD"),
                commit_properties=metadata,
            )
        table.vacuum(retention_hours=_KEEP_HOURS, dry_run=False)


def rollups_folder(archive: StorePath) -> Path:
    """The folder of the roll-ups of an archive: `calls.rollups` beside the folder `calls`.

    Raises:
        ArchiveError: the archive is in an object store.
    """
    archive = require_folder(
        archive, "A roll-up", "archive.summarize computes the same from the calls."
    )
    return archive.with_name(f"{archive.name}.rollups")


def remove_rollups(archive: StorePath) -> None:
    """Delete all roll-ups of an archive, which may contain what the archive no longer has.

    Raises:
        ArchiveError: a file cannot be deleted.
    """
    if isinstance(archive, Path):  # an object store has none
        remove_whole(rollups_folder(archive))


def remove_whole(folder: Path) -> None:
    """Delete a folder of roll-ups.

    Raises:
        ArchiveError: a file cannot be deleted.
    """
    storage.remove(folder)
    if folder.exists():
        raise ArchiveError(f"{folder} cannot be deleted: delete it, then run this again.")


def rollups_of(archive: StorePath) -> list[RollUpTable]:
    """All roll-ups of an archive, those of fewest dimensions first."""
    folder = rollups_folder(archive)
    paths = folder.iterdir() if folder.is_dir() else ()
    names = sorted(path.name for path in paths if path.is_dir())
    tables = [RollUpTable(archive, [] if name == "all" else name.split(",")) for name in names]
    return sorted(tables, key=lambda table: table.folder.name.count(","))


def _rows(day: date, partial: pl.DataFrame, stored: StoredDay) -> pl.DataFrame:
    """The partial as stored: without Enums, which Delta Lake lacks, and without its fingerprint."""
    enums = [name for name, dtype in partial.schema.items() if dtype == pl.Enum]
    return partial.select(
        pl.lit(_month(day)).alias(_MONTH),
        pl.lit(day).alias("local_day"),
        pl.lit(stored.version).alias("day_version"),
        pl.lit(stored.near_midnight).alias("near_midnight"),
        pl.exclude("fingerprint", *enums),
        pl.col(enums).cast(pl.String),
    )


def _month(day: date) -> str:
    return f"{day:%Y-%m}"
