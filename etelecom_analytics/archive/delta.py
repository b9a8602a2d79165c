"""The optional package deltalake: how it writes, and its errors as errors of this package."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl

from ..errors import ArchiveBusy, ArchiveError, StoreDown
from ..phone_numbers import printable
from .config import DICTIONARY_COLUMNS, LABEL_COLUMNS, STATISTICS_COLUMNS
from .log import COMMIT_KEY
from .places import StorePath, place_of
from .problems import Unreadable, reading

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, WriterProperties

__all__ = [
    "add_label_columns",
    "commit_properties",
    "files_table",
    "load_deltalake",
    "record_batches",
    "store_errors",
    "translate_errors",
    "writer_properties",
]

_FILES_SCHEMA = {"path": pl.String, "local_day": pl.Date, "bytes": pl.Int64, "rows": pl.Int64}
_BATCH_ROWS, _GROUP_ROWS = 4_096, 16_384
_MAX_ATTEMPTS = 20
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_MISSING = re.compile(r"not (?:supported|permitted|implemented)")
_COMMIT_FAILED = "Unable to rename file"
"""What deltalake states if it cannot give a new commit its name, which takes a hard link."""


def load_deltalake() -> Any:
    """The package deltalake.

    Raises:
        ArchiveError: it is not installed.
    """
    try:
        import deltalake
        import deltalake.exceptions
    except ImportError as error:
        raise ArchiveError(
            'An archive needs the package deltalake: pip install "etelecom_analytics[archive]"'
        ) from error
    return deltalake


@contextmanager
def translate_errors(folder: StorePath) -> Iterator[None]:
    """Raise errors of deltalake, Polars and the file system as `ArchiveError`.

    Raises:
        ArchiveBusy: another process changed the table.
        StoreDown: an object store refused a request or did not answer.
        ArchiveError: any other error; the message names its cause.
    """
    deltalake = load_deltalake()
    try:
        with reading():
            yield
    except deltalake.exceptions.CommitFailedError as error:
        place = place_of(folder)
        cut = place.cut(error)
        if place.is_down(error):
            raise StoreDown(_failure_text(folder, error)) from cut
        raise ArchiveBusy(f"{folder} was changed by another process: try again.") from cut
    except (deltalake.exceptions.DeltaError, Unreadable) as error:
        place = place_of(folder)
        cause = (error.__cause__ if isinstance(error, Unreadable) else None) or error
        failure = StoreDown if place.is_down(cause) else ArchiveError
        text = _failure_text(folder, cause)
        raise failure(text) from place.cut(error)


def store_errors(folder: StorePath) -> AbstractContextManager[None]:
    """Raise errors of an object store as `translate_errors` does; those of a folder as they are."""
    return nullcontext() if isinstance(folder, Path) else translate_errors(folder)


def commit_properties(
    metadata: Mapping[str, object], *, attempts: int = _MAX_ATTEMPTS
) -> "CommitProperties":
    """The properties of a commit with this metadata.

    If another process is faster, it becomes a later version if they do not conflict; `attempts` is
    how often.
    """
    properties: CommitProperties = load_deltalake().CommitProperties(
        {COMMIT_KEY: json.dumps(metadata)}, max_commit_retries=attempts
    )
    return properties


def record_batches(rows: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> Any:
    """The rows as a stream of small batches; the writer copies a batch several times.

    Texts are plain strings and lists have 32-bit offsets: not every engine reads the string views
    and large lists of Polars.
    """
    from arro3.core import RecordBatchReader
    from arro3.core import Table as ArrowTable

    arrow, table = _plain_schema(tuple(schema.items())), ArrowTable.from_arrow(rows)
    # Casting slices instead would cast the legs of the whole table for each slice.
    columns = [table.column(field.name).cast(field.type) for field in arrow]
    plain = ArrowTable.from_arrays(columns, schema=arrow)
    return RecordBatchReader.from_batches(
        arrow, plain.rechunk(max_chunksize=_BATCH_ROWS).to_batches()
    )


@cache
def _plain_schema(columns: tuple[tuple[str, pl.DataType], ...]) -> Any:
    return load_deltalake().Schema.from_arrow(pl.Schema(columns)).to_arrow()


def files_table(delta: "DeltaTable") -> pl.DataFrame:
    """One row per file: path (relative to the folder), local_day, bytes, rows; newest day first."""
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    if actions.is_empty():
        return pl.DataFrame(schema=_FILES_SCHEMA)
    paths = pl.Series("path", [unquote(path) for path in actions["path"]], dtype=pl.String)
    return actions.select(
        paths,
        pl.col("partition.local_day").cast(pl.Date).alias("local_day"),
        pl.col("size_bytes").cast(pl.Int64).alias("bytes"),
        pl.col("num_records").cast(pl.Int64).alias("rows"),
    ).sort("local_day", "path", descending=[True, False])


def add_label_columns(delta: "DeltaTable", metadata: Mapping[str, object]) -> None:
    """Add the columns of labels to a table, in one commit with this metadata."""
    fields = load_deltalake().Schema.from_arrow(pl.Schema(LABEL_COLUMNS)).fields
    delta.alter.add_columns(fields, commit_properties=commit_properties(metadata))


def writer_properties() -> "WriterProperties":
    """Compression, dictionaries and statistics of the columns."""
    deltalake = load_deltalake()
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


def _failure_text(folder: StorePath, error: BaseException) -> str:
    return (
        f"Cannot read or write the archive at {folder}: "
        f"{place_of(folder).reason(error) or _reason(error)}. "
        "Each day has its old or its new calls."
    )


def _reason(error: BaseException) -> str:
    """The cause of an error on one line, and a way on if the file system lacks something."""
    text = _ESCAPE.sub("", str(error))
    if isinstance(error, OSError) and error.errno:
        cause = os.strerror(error.errno)
    else:
        lines = [line.strip(" \u21b3") for line in text.splitlines() if line.strip()]
        # deltalake states the cause after the outer errors, and a stack of functions after it.
        causes = [line for line in lines if "(os error " in line] or lines[:1]
        cause = printable(causes[-1] if causes else type(error).__name__).rstrip(".")
    if not _MISSING.search(cause):
        return cause
    if _COMMIT_FAILED in text:
        return (
            f"{cause}. Its file system has no hard links, with which a version is written safely: "
            "use a folder on a local disk, or Archive(..., allow_unsafe_rename=True) (etelecom: "
            "--allow-unsafe-rename) if no other process writes to it at the same time"
        )
    return f"{cause}. Its file system lacks what an archive needs: use a folder on a local disk"
