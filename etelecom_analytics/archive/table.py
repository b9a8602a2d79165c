"""The Delta table of an archive: made, opened, written a day at a time, and read. The one room that knows deltalake."""

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
from .config import PREFIX, STORED, ArchiveConfig

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, WriterProperties

__all__ = ["COMMIT_KEY", "Table"]

COMMIT_KEY = "etelecom"
"""Under which a commit keeps what we say of it, as JSON."""

_WITH_STATISTICS = (
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

"""Columns of which log and files keep the least and the greatest value; of all others, numbers and notes among them, they keep none."""
_REPEATING = (
    *(
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
    ),
    *("local_hour", "state"),
)
"""Columns whose values come again, which a dictionary makes smaller; moments, ids and links it would make larger."""
_FILE_BYTES = 1 << 30
_BATCH_ROWS, _GROUP_ROWS = 4_096, 16_384
_MOST_ATTEMPTS = 20


class Table:
    """A Delta table of calls in a folder, as it is at one version, or at its latest.

    Attributes:
        folder: where it lies.
    """

    def __init__(self, folder: Path, delta: "DeltaTable") -> None:
        self.folder, self._delta = folder, delta

    @classmethod
    def open(cls, folder: Path, *, version: int | None = None) -> "Table | None":
        """The table that lies there; None where there is none yet.

        Raises:
            ArchiveError: there is another kind of table, or no such version.
        """
        deltalake = _deltalake()
        with _told(folder):
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
            raise ArchiveError(f"Version {version} of {folder} is not kept any more.") from error

    @classmethod
    def create(cls, folder: Path, charter: ArchiveConfig) -> "Table":
        """A new, empty one; the one that is there, should somebody else have been quicker."""
        deltalake = _deltalake()
        with _told(folder):
            deltalake.DeltaTable.create(
                folder,
                schema=deltalake.Schema.from_arrow(STORED),
                mode="ignore",
                partition_by=["local_day"],
                name="calls",
                description="Call logs of eTelecom's cloud PBX, one row a call",
                configuration={
                    **charter.properties(),
                    "delta.dataSkippingStatsColumns": ",".join(_WITH_STATISTICS),
                    "delta.enableExpiredLogCleanup": "false",
                    "delta.logRetentionDuration": "interval 3650 days",
                },
                raise_if_key_not_exists=False,
                commit_properties=_said({"what": "created"}),
            )
        made = cls.open(folder)
        if made is None:
            raise ArchiveError(f"No archive could be made at {folder}.")
        return made

    @property
    def version(self) -> int:
        """Which version this is."""
        return int(self._delta.version())

    @property
    def properties(self) -> Mapping[str, str]:
        """The table's properties."""
        return dict(self._delta.metadata().configuration)

    @property
    def charter(self) -> ArchiveConfig:
        """What the archive was made with."""
        try:
            return ArchiveConfig.of(self.properties)
        except (KeyError, ValueError) as error:
            raise ArchiveError(
                f"{self.folder} is a table, but no archive of calls: give another path."
            ) from error

    @property
    def pruned_before(self) -> date | None:
        """The local day before which calls were removed for good."""
        told = self.properties.get(f"{PREFIX}pruned_before")
        return date.fromisoformat(json.loads(told)) if told else None

    def files(self, begin: date | None = None, end: date | None = None) -> pl.DataFrame:
        """One row a file of this version: path (within the folder), local_day, bytes, rows; newest day first."""
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
        decoded = pl.Series("path", [unquote(path) for path in actions["path"]], dtype=pl.String)
        told = actions.select(
            decoded,
            pl.col("partition.local_day").cast(pl.Date).alias("local_day"),
            pl.col("size_bytes").cast(pl.Int64).alias("bytes"),
            pl.col("num_records").cast(pl.Int64).alias("rows"),
        ).sort("local_day", "path", descending=[True, False])
        return told.filter(*_within(begin, end)) if begin or end else told

    def scan(self, begin: date | None = None, end: date | None = None) -> pl.LazyFrame:
        """What it holds of the local days from `begin` up to and with `end`, at this version, whatever comes after.

        Raises:
            ArchiveError: a file of it was vacuumed.
        """
        within = self.files(begin, end)
        for path in within["path"]:
            if not (self.folder / path).is_file():
                raise ArchiveError(
                    f"Version {self.version} of {self.folder} was vacuumed: some of its files are gone."
                )
        if within.is_empty():
            return pl.LazyFrame(schema=STORED)
        stored = pl.scan_delta(str(self.folder), version=self.version).select(*STORED)
        return stored.filter(*_within(begin, end)) if begin or end else stored

    def day(self, day: date) -> pl.DataFrame:
        """What it holds of one local day, by id."""
        return self.scan(day, day).collect().sort("id")

    def write_day(self, day: date, rows: pl.DataFrame, said: Mapping[str, object]) -> None:
        """Put these rows in the place of what is stored of the day, in one commit.

        Raises:
            ArchiveBusy: another process changed the day since this table was opened.
            ArchiveError: there is no room, or it cannot be written.
        """
        deltalake = _deltalake()
        with _told(self.folder):
            deltalake.write_deltalake(
                self._delta,
                _in_batches(rows),
                mode="overwrite",
                predicate=f"local_day = '{day.isoformat()}'",
                target_file_size=_FILE_BYTES,
                writer_properties=_writer(),
                commit_properties=_said(said),
            )

    def remove_before(self, day: date) -> int:
        """How many calls were removed: those of all local days before that one; its version keeps them until it is vacuumed."""
        removed = int(self.files().filter(pl.col("local_day") < day)["rows"].sum())
        with _told(self.folder):
            self._delta.alter.set_table_properties(
                {f"{PREFIX}pruned_before": json.dumps(day.isoformat())},
                raise_if_not_exists=False,
                commit_properties=_said({"what": "prune set", "before": day.isoformat()}),
            )
            if removed:
                said = _said({"what": "pruned", "before": day.isoformat(), "gone": removed})
                self._delta.delete(f"local_day < '{day.isoformat()}'", commit_properties=said)
        return removed

    def compact(self) -> int:
        """How many small files were brought together."""
        with _told(self.folder):
            told = self._delta.optimize.compact(
                target_size=_FILE_BYTES,
                writer_properties=_writer(),
                commit_properties=_said({"what": "compacted"}),
            )
            self._delta.create_checkpoint()
        return int(told["numFilesRemoved"])

    def vacuum(self, keep: timedelta) -> int:
        """How many files were deleted: those that no version younger than that needs, and what interrupted writers left behind."""
        with _told(self.folder):
            gone = self._delta.vacuum(
                retention_hours=int(keep / timedelta(hours=1)),
                dry_run=False,
                enforce_retention_duration=False,
                full=True,
                commit_properties=_said({"what": "vacuumed"}),
            )
        return len(gone)

    def log(self, since: int) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
        """(version, what we said of it, the commit as Delta tells it) of the versions after `since`, oldest first."""
        with _told(self.folder):
            commits = self._delta.history(max(self.version - since, 0) or 1)
        for commit in reversed(commits):
            if commit["version"] > since:
                yield commit["version"], json.loads(commit.get(COMMIT_KEY) or "{}"), commit

    def refresh(self) -> None:
        """Let it be the latest version."""
        with _told(self.folder):
            self._delta.update_incremental()


def _within(begin: date | None, end: date | None) -> Sequence[pl.Expr]:
    day = pl.col("local_day")
    return [*([day >= begin] if begin else []), *([day <= end] if end else [])]


def _said(said: Mapping[str, object]) -> "CommitProperties":
    made: CommitProperties = _deltalake().CommitProperties(
        {COMMIT_KEY: json.dumps(said)}, max_commit_retries=_MOST_ATTEMPTS
    )
    return made


def _in_batches(rows: pl.DataFrame) -> Any:
    """The rows as a stream of small batches: of one large batch the writer would hold several copies at once."""
    from arro3.core import RecordBatchReader
    from arro3.core import Table as ArrowTable

    slices = [rows] if rows.is_empty() else rows.iter_slices(_BATCH_ROWS)
    parts = [ArrowTable.from_arrow(part) for part in slices]
    return RecordBatchReader.from_batches(
        parts[0].schema, [batch for part in parts for batch in part.to_batches()]
    )


def _writer() -> "WriterProperties":
    deltalake = _deltalake()
    column = deltalake.ColumnProperties

    def of(name: str) -> object:
        return column(
            dictionary_enabled=name in _REPEATING,
            statistics_enabled="CHUNK" if name in _WITH_STATISTICS else "NONE",
        )

    made: WriterProperties = deltalake.WriterProperties(
        compression="ZSTD",
        compression_level=3,
        max_row_group_size=_GROUP_ROWS,
        default_column_properties=column(dictionary_enabled=False, statistics_enabled="NONE"),
        column_properties={name: of(name) for name in {*_REPEATING, *_WITH_STATISTICS}},
    )
    return made


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What goes wrong meanwhile, in a sentence."""
    deltalake = _deltalake()
    try:
        yield
    except deltalake.exceptions.CommitFailedError as error:
        raise ArchiveBusy(
            f"{folder} was changed by another process meanwhile: try again."
        ) from error
    except (deltalake.exceptions.DeltaError, OSError) as error:
        why = (
            os.strerror(error.errno)
            if isinstance(error, OSError) and error.errno
            else str(error).splitlines()[0][:160]
        )
        raise ArchiveError(
            f"The archive at {folder} could not be used: {why}. What was in it before is unchanged."
        ) from error


def _deltalake() -> Any:
    """The package deltalake, which only archives need."""
    try:
        import deltalake
        import deltalake.exceptions
    except ImportError as error:
        raise ArchiveError(
            'An archive needs the package deltalake: pip install "etelecom_analytics[archive]"'
        ) from error
    return deltalake
