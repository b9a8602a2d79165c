"""The Delta table of an archive."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ..errors import ArchiveBusy, ArchiveError
from .commits import own_commit, sync_commits, sync_versions
from .config import LABEL_COLUMNS, PREFIX, STATISTICS_COLUMNS, ArchiveConfig, stored_schema
from .delta import (
    add_label_columns,
    commit_properties,
    files_table,
    load_deltalake,
    record_batches,
    translate_errors,
    writer_properties,
)
from .log import LOG, DamagedLog, Log, check_log, damage_text, has_versions
from .places import StorePath, place_of
from .problems import Damage

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ["Table"]

_FILE_BYTES = 1 << 30


class Table:
    """A Delta table of calls at one version, in the folder `folder`."""

    def __init__(self, folder: StorePath, delta: "DeltaTable") -> None:
        self.folder, self._delta = folder, delta

    @classmethod
    def open(
        cls, folder: StorePath, *, version: int | None = None, allow_unsafe_rename: bool = False
    ) -> "Table | None":
        """The table in a folder at a version, by default the latest; None if there is no table.

        Raises:
            DamagedLog: a crash has damaged the log.
            ArchiveError: the version does not exist or was deleted, or the table is unreadable.
        """
        deltalake, place = load_deltalake(), place_of(folder)
        options = place.table_options(unsafe_rename=allow_unsafe_rename)
        with translate_errors(folder):
            if not has_versions(folder):
                return None
            check_log(folder)
            try:
                latest = deltalake.DeltaTable(str(folder), storage_options=options)
            except deltalake.exceptions.DeltaError as error:
                if place.is_down(error):
                    raise
                log = Log.read(folder)
                if problems := log.problems() or log.problems(distrust=True):
                    raise DamagedLog(damage_text(folder, problems[0].detail.rstrip("."))) from None
                raise
            if version is None or version == latest.version():
                return cls(folder, latest)
            if not 0 <= version < latest.version():
                raise ArchiveError(f"{folder} has versions 0 to {latest.version()}, not {version}.")
            try:
                old = deltalake.DeltaTable(str(folder), version=version, storage_options=options)
                return cls(folder, old)
            except deltalake.exceptions.DeltaError as error:
                if place.is_down(error):
                    raise
                text = f"Version {version} of {folder} was deleted."
                raise ArchiveError(text) from place.cut(error)

    @classmethod
    def create(
        cls,
        folder: StorePath,
        config: ArchiveConfig,
        *,
        labelled: bool = False,
        allow_unsafe_rename: bool = False,
    ) -> "Table":
        """A new, empty table, or the existing one if another process has just created it.

        It has the columns of labels if it is `labelled`.
        """
        deltalake, place = load_deltalake(), place_of(folder)
        with suppress(ArchiveBusy), translate_errors(folder):  # it exists by then
            place.make_folder(folder / LOG)
            deltalake.DeltaTable.create(
                str(folder),
                schema=deltalake.Schema.from_arrow(stored_schema(labelled=labelled)),
                mode="ignore",
                partition_by=["local_day"],
                name="calls",
                description="Call logs of eTelecom's cloud PBX, one row a call",
                configuration={
                    **config.to_properties(),
                    "delta.dataSkippingStatsColumns": ",".join(STATISTICS_COLUMNS),
                    "delta.enableExpiredLogCleanup": "false",
                    "delta.logRetentionDuration": "interval 3650 days",
                },
                raise_if_key_not_exists=False,
                commit_properties=commit_properties({"what": "created"}, attempts=0),
                storage_options=place.table_options(unsafe_rename=allow_unsafe_rename),
            )
        table = cls.open(folder, allow_unsafe_rename=allow_unsafe_rename)
        if table is None:
            raise ArchiveError(f"Cannot create an archive at {folder}.")
        with translate_errors(folder):
            sync_commits(folder, Log.read(folder).commits.values())
        return table

    @property
    def id(self) -> str:
        """The id of the table, which another table in the same folder does not have."""
        return str(self._delta.metadata().id)

    @property
    def version(self) -> int:
        """Version of the table."""
        return int(self._delta.version())

    @property
    def properties(self) -> Mapping[str, str]:
        """Properties of the table."""
        return dict(self._delta.metadata().configuration)

    @property
    def config(self) -> ArchiveConfig:
        """Configuration of the archive."""
        return ArchiveConfig.read(self.properties, self.folder)

    @property
    def is_labelled(self) -> bool:
        """Whether it has the columns of labels."""
        return any(field.name in LABEL_COLUMNS for field in self._delta.schema().fields)

    @property
    def schema(self) -> pl.Schema:
        """The columns of its rows."""
        return stored_schema(labelled=self.is_labelled)

    @property
    def pruned_before(self) -> date | None:
        """The local day before which calls were removed permanently."""
        text = self.properties.get(f"{PREFIX}pruned_before")
        return date.fromisoformat(json.loads(text)) if text else None

    def log(self, *, since: int = -1) -> Log:
        """The log of the table, with the commits after the version `since`."""
        with translate_errors(self.folder):
            return Log.read(self.folder, since=since)

    def files(self, begin: date | None = None, end: date | None = None) -> pl.DataFrame:
        """The files of the local days from `begin` to `end`, both included; newest day first.

        One row per file: path (relative to the folder), local_day, bytes, rows.
        """
        files = files_table(self._delta)
        return files.filter(*_day_filters(begin, end)) if begin or end else files

    def damaged_files(self, files: pl.DataFrame) -> list[tuple[str, date, Damage]]:
        """(path, local day, damage) of the files that are missing or were cut off."""
        sizes = files.select("path", "bytes").rows()
        with translate_errors(self.folder):
            damages = place_of(self.folder).damages(self.folder, sizes)
        rows = zip(files["path"], files["local_day"], damages, strict=True)
        return [(path, day, damage) for path, day, damage in rows if damage]

    def scan(self, begin: date | None = None, end: date | None = None) -> pl.LazyFrame:
        """The stored rows of the local days from `begin` to `end`, both included, at this version.

        Raises:
            ArchiveError: a file of this version was vacuumed or damaged.
        """
        files = self.files(begin, end)
        if damaged := self.damaged_files(files):
            raise ArchiveError(self._damage_text(*damaged[0]))
        if files.is_empty():
            return pl.LazyFrame(schema=self.schema)
        with translate_errors(self.folder):
            options = place_of(self.folder).table_options()
            rows = pl.scan_delta(str(self.folder), version=self.version, storage_options=options)
        rows = rows.select(*self.schema)
        return rows.filter(*_day_filters(begin, end)) if begin or end else rows

    def day(self, day: date) -> pl.DataFrame:
        """The stored rows of one local day, sorted by id."""
        with translate_errors(self.folder):
            return self.scan(day, day).collect().sort("id")

    def write_day(self, day: date, rows: pl.DataFrame, metadata: Mapping[str, object]) -> int:
        """Replace the stored rows of a local day in one commit, and return its version.

        The files are on disk afterwards; `make_durable` does the same for their folders.

        Args:
            day: the local day.
            rows: all rows of the day, with the columns of `schema`.
            metadata: stored with the commit as JSON.

        Raises:
            ArchiveBusy: another process changed the day after this table was opened.
            ArchiveError: the disk is full, or the table cannot be written.
        """
        deltalake, before = load_deltalake(), self.version
        with translate_errors(self.folder):
            place_of(self.folder).make_folder(self.folder / f"local_day={day.isoformat()}")
            deltalake.write_deltalake(
                self._delta,
                record_batches(rows, self.schema),
                mode="overwrite",
                predicate=f"local_day = '{day.isoformat()}'",
                target_file_size=_FILE_BYTES,
                writer_properties=writer_properties(),
                commit_properties=commit_properties(metadata),
            )
            commit = own_commit(self.folder, before, metadata)
            sync_commits(self.folder, [commit])
        return commit.version

    def add_labels(self) -> None:
        """Add the columns of labels; what is stored so far has none.

        Raises:
            ArchiveError: the table cannot be written.
        """
        before, metadata = self.version, {"what": "labels added"}
        try:
            with translate_errors(self.folder):
                add_label_columns(self._delta, metadata)
                self._delta.update_incremental()
                sync_commits(self.folder, [own_commit(self.folder, before, metadata)])
        except ArchiveBusy:
            self.refresh()
            if not self.is_labelled:  # else another process has added them
                raise

    def make_durable(self, *, since: int, until: int | None = None) -> None:
        """Wait until the folders of the table are on disk, with the files written after a version.

        Args:
            since: the version.
            until: the last version whose commit and data files to wait for; later ones were written
                by `write_day`, which waits for them. By default, all.
        """
        with translate_errors(self.folder):
            sync_versions(self.folder, since, until)

    def remove_before(self, day: date) -> int:
        """Remove all local days before `day`; return the number of calls removed.

        Older versions can still be read until the table is vacuumed.
        """
        count = int(self.files().filter(pl.col("local_day") < day)["rows"].sum())
        before = day.isoformat()
        with translate_errors(self.folder):
            self._delta.alter.set_table_properties(
                {f"{PREFIX}pruned_before": json.dumps(before)},
                raise_if_not_exists=False,
                commit_properties=commit_properties({"what": "prune set", "before": before}),
            )
            if count:
                commit = commit_properties({"what": "pruned", "before": before, "gone": count})
                self._delta.delete(f"local_day < '{before}'", commit_properties=commit)
        return count

    def compact(self) -> int:
        """Merge small files and write a checkpoint; return the number of files merged."""
        before = self.version
        with translate_errors(self.folder):
            metrics = self._delta.optimize.compact(
                target_size=_FILE_BYTES,
                writer_properties=writer_properties(),
                commit_properties=commit_properties({"what": "compacted"}),
            )
            self._delta.create_checkpoint()
        self.make_durable(since=before)
        return int(metrics["numFilesRemoved"])

    def vacuum(self, keep: timedelta) -> int:
        """Delete files that only versions older than `keep` use; return how many were deleted.

        This includes files that interrupted writers left behind.
        """
        before = self.version
        with translate_errors(self.folder):
            deleted = self._delta.vacuum(
                retention_hours=int(keep / timedelta(hours=1)),
                dry_run=False,
                enforce_retention_duration=False,
                full=True,
                commit_properties=commit_properties({"what": "vacuumed"}),
            )
        self.make_durable(since=before)
        return len(deleted)

    def refresh(self) -> None:
        """Load the latest version."""
        with translate_errors(self.folder):
            self._delta.update_incremental()

    def _damage_text(self, path: str, day: date, damage: Damage) -> str:
        if damage.is_missing and self.version < self.log(since=self.version).last:
            version = f"Version {self.version} of {self.folder}"
            return f"{version} was vacuumed: some of its files no longer exist."
        text = f"The archive at {self.folder} is damaged: {path} {damage}. "
        return f"{text}A sync fetches {day} again; archive.verify() lists all damages."


def _day_filters(begin: date | None, end: date | None) -> Sequence[pl.Expr]:
    day = pl.col("local_day")
    return [*([day >= begin] if begin else []), *([day <= end] if end else [])]
