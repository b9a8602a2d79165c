"""The files of a snapshot: their content, reading them, and comparing them with the manifest."""

import errno
import io
import os
import stat
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import polars as pl

from . import storage
from .errors import SnapshotError
from .logs import CallLogs
from .manifest import CALL_TARGETS, CALLS, MANIFEST, NAMES, Manifest, sha256
from .schema import CALL_SCHEMA, CALL_TARGETS_SCHEMA, NAMES_SCHEMA

__all__ = ["folder_contents", "parquet", "read_folder", "unnamed"]


def read_folder(folder: Path) -> CallLogs:
    """The calls, query and report in the folder of a snapshot.

    Raises:
        SnapshotError: there is no snapshot, or its files do not match its manifest.
    """
    with ExitStack() as stack:
        # Open files stay readable while the folder is replaced and removed.
        files = _open_files(folder, stack)
        manifest = Manifest.read(_content(files, MANIFEST, folder), folder)
        contents = {name: _content(files, name, folder) for name in manifest.hashes}
    for name, content in contents.items():
        if sha256(content) != manifest.hashes[name]:
            raise SnapshotError(
                f"{folder / name} was modified after the snapshot was written: "
                "fetch the calls again."
            )
    tables = {name: _table(content, folder / name) for name, content in contents.items()}
    calls, names = tables[CALLS], tables.get(NAMES)
    is_valid = calls.schema == pl.Schema(CALL_SCHEMA) and not calls["id"].null_count()
    targets = int(calls["call_targets"].list.len().sum()) if is_valid else 0
    matches = {
        CALLS: is_valid,
        CALL_TARGETS: tables[CALL_TARGETS].schema == pl.Schema(CALL_TARGETS_SCHEMA)
        and tables[CALL_TARGETS].height == targets,
        NAMES: names is None
        or (names.height == calls.height and names.schema.items() <= NAMES_SCHEMA.items()),
    }
    for name, table in tables.items():
        if not matches[name] or table.height != manifest.rows[name]:
            raise SnapshotError(
                f"The content of {folder / name} does not match its manifest: "
                "fetch the calls again."
            )
    if names is not None:
        calls = calls.hstack(names)
    return CallLogs(calls=calls, query=manifest.query, report=manifest.report)


def folder_contents(logs: CallLogs, privacy: Mapping[str, object] | None) -> dict[str, bytes]:
    """The files of a snapshot of these logs, the manifest last; `privacy` is what it states."""
    tables = {
        CALLS: unnamed(logs.calls),
        CALL_TARGETS: logs.call_targets.select(*CALL_TARGETS_SCHEMA),
    }
    if columns := [name for name in NAMES_SCHEMA if name in logs.calls.columns]:
        tables[NAMES] = logs.calls.select(columns)
    contents = {name: parquet(table) for name, table in tables.items()}
    first, last = logs.calls.select(
        first=pl.col("started_at").min(), last=pl.col("started_at").max()
    ).row(0)
    manifest = Manifest(
        query=logs.query,
        report=logs.report,
        rows={name: table.height for name, table in tables.items()},
        hashes={name: sha256(content) for name, content in contents.items()},
        span=(first, last),
        privacy=privacy,
    )
    return contents | {MANIFEST: manifest.to_bytes()}


def parquet(table: pl.DataFrame) -> bytes:
    """The content of a parquet file; the same table gives the same bytes."""
    content = io.BytesIO()
    table.write_parquet(content, compression="zstd", statistics=True)
    return content.getvalue()


def unnamed(calls: pl.DataFrame) -> pl.DataFrame:
    """The calls without the columns of names."""
    return calls.drop(*NAMES_SCHEMA, strict=False)


def _open_files(folder: Path, stack: ExitStack) -> dict[str, BinaryIO | OSError]:
    """The open files of a snapshot by name, or why one could not be opened."""
    files: dict[str, BinaryIO | OSError] = {}
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    directory = None
    if os.open in os.supports_dir_fd:
        with suppress(OSError):
            directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, directory)
    for name in (MANIFEST, CALLS, CALL_TARGETS, NAMES):
        try:
            path = folder / name if directory is None else name
            file = stack.enter_context(os.fdopen(os.open(path, flags, dir_fd=directory), "rb"))
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file")
            files[name] = file
        except OSError as error:
            files[name] = error
    return files


def _content(files: Mapping[str, BinaryIO | OSError], name: str, folder: Path) -> bytes:
    file = files[name]
    try:
        if isinstance(file, OSError):
            raise file
        return file.read()
    except FileNotFoundError:
        reason = (
            f"{name} is missing from {folder}"
            if folder.is_dir()
            else f"there is no folder {folder}"
        )
        raise SnapshotError(f"No snapshot could be read: {reason}.") from None
    except OSError as error:
        raise SnapshotError(
            f"{folder / name} could not be read: {storage.reason(error)}."
        ) from error


def _table(content: bytes, path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(io.BytesIO(content))
    except BaseException as error:
        # The PanicException of Polars does not derive from Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise SnapshotError(
            f"{path} is not a parquet file that this version can read: fetch the calls again."
        ) from None
