"""The files of a snapshot: their content, reading them, and comparing them with the manifest."""

import errno
import io
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import polars as pl

from . import storage
from .errors import SnapshotError
from .logs import CallLogs
from .manifest import CALL_TARGETS, CALLS, MANIFEST, NAMES, Manifest, sha256
from .schema import CALL_SCHEMA, CALL_TARGETS_SCHEMA, NAMES_SCHEMA

__all__ = [
    "folder_contents",
    "is_snapshot",
    "not_a_snapshot",
    "old_folder",
    "parquet",
    "read_folder",
    "restore_folder",
    "store_folder",
    "unnamed",
]

_PATIENCE_S, _PAUSE_S = 10.0, 0.01
"""How long to wait for other writers of the same snapshot, and between two tries."""
_OTHER_WRITER = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT}


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


def store_folder(contents: Mapping[str, bytes], folder: Path, *, replace: bool) -> None:
    """Write the files of a snapshot to a temporary folder, and move it in place of the old one.

    Raises:
        OSError: it cannot be written; an older snapshot is unchanged.
        SnapshotError: the folder exists and may not be replaced.
    """
    storage.make_folder(folder.parent)
    restore_folder(folder)
    with storage.staged(folder, is_folder=True) as temporary:
        for name, content in contents.items():
            storage.write_content(temporary / name, content)
        storage.sync_folder(temporary)
        with ExitStack() as stack:
            _move_into_place(temporary, folder, stack, replace=replace)
            storage.sync_folder(folder.parent)


def _move_into_place(temporary: Path, folder: Path, stack: ExitStack, *, replace: bool) -> None:
    """Exchange the new folder and an old one; the stack undoes it if the rest fails."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            if not folder.exists():
                # A rename would silently replace an empty folder.
                storage.move(temporary, folder)
                stack.enter_context(_undone_by(storage.move, folder, temporary))
                return
            if not replace:
                raise FileExistsError(errno.EEXIST, "it already exists")
            with ExitStack() as steps:
                if steps.enter_context(_kept(folder)):
                    if not is_snapshot(folder):
                        raise SnapshotError(not_a_snapshot(folder))
                    if storage.exchange(temporary, folder):
                        steps.enter_context(_undone_by(storage.exchange, temporary, folder))
                        if not (temporary / MANIFEST).is_file():  # replaced since the check
                            raise SnapshotError(not_a_snapshot(folder))
                    else:
                        steps.enter_context(_moved_away(folder, temporary))
                    stack.push(steps.pop_all())
                    return
        except OSError as error:
            if not replace and error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                raise SnapshotError(
                    f"Another process created {folder}: use another path, or replace it."
                ) from error
            if error.errno not in _OTHER_WRITER or not temporary.exists():
                raise
        if time.monotonic() > end:
            raise SnapshotError(
                f"Other processes keep replacing {folder}: try again when they have finished."
            )
        time.sleep(_PAUSE_S)


@contextmanager
def _kept(folder: Path) -> Iterator[bool]:
    """Lock an old snapshot; False if another writer is replacing it.

    Without the lock, other writers would remove it as a leftover as soon as it has a temporary
    name, and an undone replacement would restore a folder without files.
    """
    before = folder.stat()
    with storage.in_use(folder) as locked:
        yield locked is not False and os.path.samestat(before, folder.stat())


def is_snapshot(folder: Path) -> bool:
    """Whether a folder has a manifest, also while other processes replace it.

    A look during an exchange may be into the old folder, whose files are being removed.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    while True:
        before = folder.stat()
        if (folder / MANIFEST).is_file():
            return True
        if os.path.samestat(before, folder.stat()):
            return False


@contextmanager
def _undone_by(undo: Callable[[Path, Path], object], one: Path, other: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            undo(one, other)
        raise


@contextmanager
def _moved_away(folder: Path, temporary: Path) -> Iterator[None]:
    """Move the new snapshot into the place of the old one; undo it if the block fails.

    For systems without an exchange. Readers wait for the new snapshot, or read the old one.
    """
    backup = storage.temporary_path(folder, "old")
    storage.move(folder, backup)
    try:
        storage.move(temporary, folder)
        yield
    except BaseException:
        with suppress(OSError):  # fails only if another writer has created a snapshot
            if not temporary.exists():
                storage.move(folder, temporary)
            backup.rename(folder)
        raise
    finally:
        storage.remove(backup)


def old_folder(folder: Path) -> Path | None:
    """The old snapshot, if a writer renamed it and has not written the new one."""
    if folder.exists():
        return None
    backups = storage.leftovers(folder, "old")
    return next((path for path in backups if (path / MANIFEST).is_file()), None)


def restore_folder(folder: Path) -> None:
    """Restore the old snapshot of a writer that died between two renames."""
    if backup := old_folder(folder):
        with storage.in_use(backup) as locked, suppress(OSError):
            if locked:
                backup.rename(folder)


def not_a_snapshot(folder: Path) -> str:
    """The message if a folder that is no snapshot would be replaced."""
    return f"{folder} exists and is not a snapshot, so it is not replaced: use another path."


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
