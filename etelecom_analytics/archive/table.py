"""The Delta table of an archive. This is the only module that uses the deltalake package."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl

from ..errors import ArchiveBusy, ArchiveError
from .config import DICTIONARY_COLUMNS, PREFIX, STATISTICS_COLUMNS, STORED_SCHEMA, ArchiveConfig

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, WriterProperties

__all__ = ["COMMIT_KEY", "Table"]

COMMIT_KEY = "etelecom"
"""Key of a commit's metadata, which is stored as JSON."""

_FILE_BYTES = 1 << 30
_BATCH_ROWS, _GROUP_ROWS = 4_096, 16_384
_MAX_ATTEMPTS = 20


class Table:
    """A Delta table of calls at one version.

    Attributes:
        folder: the folder of the table.
    """

    def __init__(self, folder: Path, delta: "DeltaTable") -> None:
        self.folder, self._delta = folder, delta

    @classmethod
    def open(cls, folder: Path, *, version: int | None = None) -> "Table | None":
        """The table in a folder at a version, by default the latest; None if there is no table.

        Raises:
            ArchiveError: the version does not exist or was deleted, or the table is unreadable.
        """
        deltalake = _deltalake()
        with _translate_errors(folder):
            if not (folder / "_delta_log").is_dir() or not deltalake.DeltaTable.is_deltatable(
                str(folder)
            ):
                return None
            latest = deltalake.DeltaTable(folder)
            if version is None or version == latest.version():
                return cls(folder, latest)
            if not 0 <= version < latest.version():
                raise ArchiveError(f"{folder} has versions 0 to {latest.version()}, not {version}.")
        try:
            return cls(folder, deltalake.DeltaTable(folder, version=version))
        except deltalake.exceptions.DeltaError as error:
            raise ArchiveError(f"Version {version} of {folder} was deleted.") from error

    @classmethod
    def create(cls, folder: Path, config: ArchiveConfig) -> "Table":
        """A new, empty table, or the existing one if another process has just created it."""
        deltalake = _deltalake()
        with _translate_errors(folder):
            deltalake.DeltaTable.create(
                folder,
                schema=deltalake.Schema.from_arrow(STORED_SCHEMA),
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
                commit_properties=_commit_properties({"what": "created"}),
            )
        table = cls.open(folder)
        if table is None:
            raise ArchiveError(f"Cannot create an archive at {folder}.")
        return table

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
        try:
            return ArchiveConfig.from_properties(self.properties)
        except (KeyError, ValueError) as error:
            raise ArchiveError(
                f"{self.folder} is a Delta table, but no archive of calls: use another path."
            ) from error

    @property
    def pruned_before(self) -> date | None:
        """The local day before which calls were removed permanently."""
        text = self.properties.get(f"{PREFIX}pruned_before")
        return date.fromisoformat(json.loads(text)) if text else None

    def files(self, begin: date | None = None, end: date | None = None) -> pl.DataFrame:
        """The files of the local days from `begin` to `end`, both included; newest day first.

        One row per file: path (relative to the folder), local_day, bytes, rows.
        """
        actions = pl.DataFrame(self._delta.get_add_actions(flatten=True))
        if actions.is_empty():
            return pl.DataFrame(
                schema={
                    "path": pl.String,
                    "local_day": pl.Date,
                    "bytes": pl.Int64,
                    "rows": pl.Int64,
                }
            )
        paths = pl.Series("path", [unquote(path) for path in actions["path"]], dtype=pl.String)
        files = actions.select(
            paths,
            pl.col("partition.local_day").cast(pl.Date).alias("local_day"),
            pl.col("size_bytes").cast(pl.Int64).alias("bytes"),
            pl.col("num_records").cast(pl.Int64).alias("rows"),
        ).sort("local_day", "path", descending=[True, False])
        return files.filter(*_day_filters(begin, end)) if begin or end else files

    def scan(self, begin: date | None = None, end: date | None = None) -> pl.LazyFrame:
        """The stored rows of the local days from `begin` to `end`, both included, at this version.

        Raises:
            ArchiveError: a file of this version was vacuumed.
        """
        files = self.files(begin, end)
        for path in files["path"]:
            if not (self.folder / path).is_file():
                raise ArchiveError(
                    f"Version {self.version} of {self.folder} was vacuumed: "
                    "some of its files no longer exist."
                )
        if files.is_empty():
            return pl.LazyFrame(schema=STORED_SCHEMA)
        rows = pl.scan_delta(str(self.folder), version=self.version).select(*STORED_SCHEMA)
        return rows.filter(*_day_filters(begin, end)) if begin or end else rows

    def day(self, day: date) -> pl.DataFrame:
        """The stored rows of one local day, sorted by id."""
        return self.scan(day, day).collect().sort("id")

    def write_day(self, day: date, rows: pl.DataFrame, metadata: Mapping[str, object]) -> None:
        """Replace the stored rows of a local day in one commit.

        Args:
            day: the local day.
            rows: all rows of the day, with the columns of `STORED_SCHEMA`.
            metadata: stored with the commit as JSON.

        Raises:
            ArchiveBusy: another process changed the day after this table was opened.
            ArchiveError: the disk is full, or the table cannot be written.
        """
        deltalake = _deltalake()
        with _translate_errors(self.folder):
            deltalake.write_deltalake(
                self._delta,
                _record_batches(rows),
                mode="overwrite",
                predicate=f"local_day = '{day.isoformat()}'",
                target_file_size=_FILE_BYTES,
                writer_properties=_writer_properties(),
                commit_properties=_commit_properties(metadata),
            )

    def remove_before(self, day: date) -> int:
        """Remove all local days before `day`; return the number of calls removed.

        Older versions can still be read until the table is vacuumed.
        """
        count = int(self.files().filter(pl.col("local_day") < day)["rows"].sum())
        with _translate_errors(self.folder):
            self._delta.alter.set_table_properties(
                {f"{PREFIX}pruned_before": json.dumps(day.isoformat())},
                raise_if_not_exists=False,
                commit_properties=_commit_properties(
                    {"what": "prune set", "before": day.isoformat()}
                ),
            )
            if count:
                metadata = {"what": "pruned", "before": day.isoformat(), "gone": count}
                self._delta.delete(
                    f"local_day < '{day.isoformat()}'",
                    commit_properties=_commit_properties(metadata),
                )
        return count

    def compact(self) -> int:
        """Merge small files and write a checkpoint; return the number of files merged."""
        with _translate_errors(self.folder):
            metrics = self._delta.optimize.compact(
                target_size=_FILE_BYTES,
                writer_properties=_writer_properties(),
                commit_properties=_commit_properties({"what": "compacted"}),
            )
            self._delta.create_checkpoint()
        return int(metrics["numFilesRemoved"])

    def vacuum(self, keep: timedelta) -> int:
        """Delete files that only versions older than `keep` use; return how many were deleted.

        This includes files that interrupted writers left behind.
        """
        with _translate_errors(self.folder):
            deleted = self._delta.vacuum(
                retention_hours=int(keep / timedelta(hours=1)),
                dry_run=False,
                enforce_retention_duration=False,
                full=True,
                commit_properties=_commit_properties({"what": "vacuumed"}),
            )
        return len(deleted)

    def log(self, since: int) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
        """(version, metadata, commit) of each version after `since`, oldest first."""
        with _translate_errors(self.folder):
            commits = self._delta.history(max(self.version - since, 0) or 1)
        for commit in reversed(commits):
            if commit["version"] > since:
                yield commit["version"], json.loads(commit.get(COMMIT_KEY) or "{}"), commit

    def refresh(self) -> None:
        """Load the latest version."""
        with _translate_errors(self.folder):
            self._delta.update_incremental()


def _day_filters(begin: date | None, end: date | None) -> Sequence[pl.Expr]:
    day = pl.col("local_day")
    return [*([day >= begin] if begin else []), *([day <= end] if end else [])]


def _commit_properties(metadata: Mapping[str, object]) -> "CommitProperties":
    properties: CommitProperties = _deltalake().CommitProperties(
        {COMMIT_KEY: json.dumps(metadata)}, max_commit_retries=_MAX_ATTEMPTS
    )
    return properties


def _record_batches(rows: pl.DataFrame) -> Any:
    """The rows as a stream of small batches; the writer copies a batch several times."""
    from arro3.core import RecordBatchReader
    from arro3.core import Table as ArrowTable

    slices = [rows] if rows.is_empty() else rows.iter_slices(_BATCH_ROWS)
    parts = [ArrowTable.from_arrow(part) for part in slices]
    return RecordBatchReader.from_batches(
        parts[0].schema, [batch for part in parts for batch in part.to_batches()]
    )


def _writer_properties() -> "WriterProperties":
    deltalake = _deltalake()
    column = deltalake.ColumnProperties
    properties: WriterProperties = deltalake.WriterProperties(
        compression="ZSTD",
        compression_level=3,
        max_row_group_size=_GROUP_ROWS,
        default_column_properties=column(dictionary_enabled=False, statistics_enabled="NONE"),
        column_properties={
            name: column(
                dictionary_enabled=name in DICTIONARY_COLUMNS,
                statistics_enabled="CHUNK" if name in STATISTICS_COLUMNS else "NONE",
            )
            for name in {*DICTIONARY_COLUMNS, *STATISTICS_COLUMNS}
        },
    )
    return properties


@contextmanager
def _translate_errors(folder: Path) -> Iterator[None]:
    """Raise errors of deltalake and of the file system as `ArchiveError`."""
    deltalake = _deltalake()
    try:
        yield
    except deltalake.exceptions.CommitFailedError as error:
        raise ArchiveBusy(f"{folder} was changed by another process: try again.") from error
    except (deltalake.exceptions.DeltaError, OSError) as error:
        reason = (
            os.strerror(error.errno)
            if isinstance(error, OSError) and error.errno
            else str(error).splitlines()[0][:160]
        )
        raise ArchiveError(
            f"Cannot read or write the archive at {folder}: {reason}. Its contents are unchanged."
        ) from error


def _deltalake() -> Any:
    """The optional package deltalake."""
    try:
        import deltalake
        import deltalake.exceptions
    except ImportError as error:
        raise ArchiveError(
            'An archive needs the package deltalake: pip install "etelecom_analytics[archive]"'
        ) from error
    return deltalake
