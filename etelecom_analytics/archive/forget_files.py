"""Data files of an archive without a number: new files in the place of those that contain it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

from .. import storage
from .config import ArchiveConfig, stored_schema
from .forget_matching import Matcher
from .log import LOG
from .places import local_folder
from .problems import reading
from .table import Table

__all__ = ["DataFile", "Rewriter", "data_files"]

_DAY = re.compile(r"local_day=(\d{4}-\d{2}-\d{2})/")
_STAGE = "_forget"


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file in the place of another one, without the number.

    Attributes:
        path: where it is, relative to the folder of the archive.
        size: its size in bytes.
        stats: its statistics for the log, as JSON text.
        day: its local day.
        ids: the ids of the calls that were changed.
    """

    path: str
    size: int
    stats: str
    day: date
    ids: frozenset[str] = field(repr=False)


def data_files(folder: Path) -> list[str]:
    """The data files in the folder of an archive, relative to it, whether a version uses them."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.glob("local_day=*/**/*")
        if path.is_file()
    )


class Rewriter:
    """Writes data files again, without a number.

    A file gets a new name: until the log names it, no version uses it.

    Args:
        folder: the folder of the archive.
        config: the configuration of the archive.
        matcher: recognizes the number.
    """

    def __init__(self, folder: Path, config: ArchiveConfig, matcher: Matcher) -> None:
        self._folder, self._config, self._matcher = folder, config, matcher

    def rewrite(self, paths: Iterable[str]) -> dict[str, DataFile]:
        """The new file for each of these files, written to disk.

        Raises:
            Unreadable: a file cannot be read.
            ArchiveError: a file cannot be written.
            OSError: a file cannot be moved to its place.
        """
        files: dict[str, DataFile] = {}
        with storage.staged(self._folder / _STAGE, is_folder=True) as stage:
            # Another table, so that files are written in the same way as all others.
            tables = {
                labelled: Table.create(stage / name, self._config, labelled=labelled)
                for labelled, name in ((False, "table"), (True, "labelled"))
            }
            for path in paths:
                with reading():
                    rows = _stored_rows(self._folder / path, _local_day(path))
                table = tables["hotline_id" in rows.columns]
                files[path] = self._rewrite(path, rows, table)
                table.refresh()
        for parent in {(self._folder / each.path).parent for each in files.values()}:
            storage.sync_folder(parent)
        return files

    def _rewrite(self, path: str, rows: pl.DataFrame, table: Table) -> DataFile:
        day = _local_day(path)
        matches = self._matcher.find(rows)
        version = table.write_day(day, matches.blank(rows), {"file": path})
        log = (table.folder / LOG / f"{version:020}.json").read_bytes()
        (add,) = (line["add"] for line in map(json.loads, log.splitlines()) if "add" in line)
        source = unquote(add["path"])
        storage.move(local_folder(table.folder) / source, self._folder / source)
        return DataFile(
            path=source,
            size=add["size"],
            stats=add["stats"],
            day=day,
            ids=frozenset(rows.filter(matches.rows(rows))["id"]),
        )

    @staticmethod
    def remove_leftovers(folder: Path) -> None:
        """Remove what a forget that was interrupted left in the folder of an archive."""
        storage.remove_leftovers(folder / _STAGE)


def _local_day(path: str) -> date:
    match = _DAY.match(path)
    if match is None:
        raise ValueError(f"{path} is not the path of a data file")
    return date.fromisoformat(match[1])


def _stored_rows(path: Path, day: date) -> pl.DataFrame:
    """The rows of a data file with all columns of the table, also those it was written without."""
    rows = pl.read_parquet(path, hive_partitioning=False).with_columns(
        local_day=pl.lit(day, pl.Date)
    )
    schema = stored_schema(labelled="hotline_id" in rows.columns)
    missing: Mapping[str, Any] = {
        name: dtype for name, dtype in schema.items() if name not in rows.columns
    }
    return rows.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in missing.items()
    ).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
