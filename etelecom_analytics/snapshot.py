"""Snapshots: an immutable folder of parquet files with a manifest.

It contains calls.parquet, call_targets.parquet, manifest.json and, with names, names.parquet. All
files are written to a temporary folder, which then replaces the old one in one step: a reader sees
all of them or none. The manifest has their hashes. The same calls give the same parquet bytes.
"""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from . import storage
from .errors import SnapshotError
from .logs import CallLogs
from .manifest import MANIFEST, Manifest, sha256
from .phone_numbers import printable
from .privacy import Privacy
from .schema import CALL_SCHEMA
from .snapshot_files import (
    folder_contents,
    is_snapshot,
    not_a_snapshot,
    old_folder,
    parquet,
    read_folder,
    restore_folder,
    store_folder,
    unnamed,
)

__all__ = [
    "check_destination",
    "fingerprint",
    "read_snapshot",
    "rewrite_snapshot",
    "store_snapshot",
    "write_snapshot",
]

_READ_S, _WRITER_S = 10.0, 1.0
"""How long a reader tries again while the snapshot is replaced, or while there is none at all."""


def write_snapshot(
    logs: CallLogs, path: str | Path, *, replace: bool = False, privacy: Privacy | None = None
) -> Path:
    """Write a snapshot and return its folder; only the owner can read the files.

    If the files cannot be written there, they are kept in another folder, which the error names.

    Args:
        logs: the logs to write.
        path: the folder to create, with its parents.
        replace: replace an older snapshot, which remains until the new one is complete.
        privacy: how numbers, notes and links are anonymized; the manifest contains these options,
            but not the key.

    Raises:
        SnapshotError: the path exists and `replace` is False, it is not a snapshot, or it cannot be
            written.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = et.write_snapshot(et.sample_logs(), f"{folder}/week")
        ...     sorted(file.name for file in path.iterdir())
        ['call_targets.parquet', 'calls.parquet', 'manifest.json']
    """
    folder = check_destination(path, replace=replace)
    return store_snapshot(logs, folder, replace=replace, privacy=privacy)


def store_snapshot(
    logs: CallLogs,
    folder: Path,
    *,
    replace: bool = False,
    privacy: Privacy | None = None,
    keep: bool = True,
) -> Path:
    """Like `write_snapshot`, in a folder that `check_destination` returned before a fetch.

    Args:
        logs: the logs to write.
        folder: the folder to create.
        replace: replace an older snapshot.
        privacy: how numbers, notes and links are anonymized.
        keep: keep the files in another folder if they cannot be written there.

    Raises:
        SnapshotError: it cannot be written any more; the error names where the calls are.
    """
    if unnamed(logs.calls).schema != pl.Schema(CALL_SCHEMA):
        raise SnapshotError(
            "A snapshot needs calls with exactly the columns of a fetch, with or without names: "
            "pass complete logs."
        )
    contents = folder_contents(
        privacy.apply_to_logs(logs) if privacy else logs, privacy.to_dict() if privacy else None
    )
    try:
        store_folder(contents, folder, replace=replace)
    except (OSError, SnapshotError) as error:
        cause = storage.reason(error) if isinstance(error, OSError) else str(error).rstrip(".")
        raise SnapshotError(
            f"The snapshot could not be written to {folder}: {cause}. "
            "An existing snapshot is unchanged."
            f"{_keep_elsewhere(contents, folder) if keep else ''}"
        ) from error
    return folder


def check_destination(path: str | Path, *, replace: bool = False) -> Path:
    """The folder, if a snapshot can be written there; useful before a long fetch.

    Raises:
        SnapshotError: the path exists and `replace` is False, or it is not a snapshot.
    """
    try:
        folder = storage.resolve(path)
        exists = folder.exists()
        has_manifest = exists and is_snapshot(folder)
        parent = next(parent for parent in folder.parents if parent.exists())
    except OSError as error:
        raise SnapshotError(
            f"{printable(str(path))} cannot be used for a snapshot: {storage.reason(error)}."
        ) from None
    if exists and not has_manifest:
        raise SnapshotError(not_a_snapshot(folder))
    if (exists or old_folder(folder)) and not replace:
        raise SnapshotError(
            f"{folder} already exists: use another path, or replace it with replace=True "
            "(etelecom: --replace)."
        )
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise SnapshotError(f"{folder} cannot be written: {parent} is not a writable folder.")
    return folder


def read_snapshot(path: str | Path) -> CallLogs:
    """The calls, query and report of a snapshot.

    Raises:
        SnapshotError: there is no snapshot, a file was modified, or a newer version of this package
            wrote it.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = et.write_snapshot(et.sample_logs(), f"{folder}/week")
        ...     logs = et.read_snapshot(path)
        >>> logs.calls.height
        400
        >>> logs.report == et.sample_logs().report
        True
    """
    try:
        folder = storage.resolve(path)
        folder.exists()  # a name may be too long
    except OSError as error:
        raise SnapshotError(
            f"No snapshot could be read: {printable(str(path))}: {storage.reason(error)}."
        ) from None
    began = time.monotonic()
    while True:
        before = _identity(folder)
        try:
            return read_folder(Path(path))
        except SnapshotError:
            # If the snapshot was replaced during the read, manifest and files may not match.
            seconds = time.monotonic() - began
            if before is None and (backup := old_folder(folder)):
                if seconds > _WRITER_S:  # the writer died between two renames
                    return read_folder(backup)
                time.sleep(0.01)
            elif _identity(folder) == before or seconds > _READ_S:
                raise


def rewrite_snapshot(path: str | Path, change: Callable[[CallLogs], CallLogs]) -> Path:
    """Replace a snapshot by its changed logs in one step, and return its folder.

    The manifest states the same privacy as before.

    Raises:
        SnapshotError: there is no snapshot, it was modified, or it cannot be written.
    """
    logs, folder = read_snapshot(path), check_destination(path, replace=True)
    try:
        restore_folder(folder)
        manifest = Manifest.read((folder / MANIFEST).read_bytes(), folder)
        store_folder(folder_contents(change(logs), manifest.privacy), folder, replace=True)
    except OSError as error:
        raise SnapshotError(
            f"The snapshot at {folder} could not be replaced: {storage.reason(error)}. "
            "It is unchanged."
        ) from error
    return folder


def fingerprint(calls: pl.DataFrame) -> str:
    """The SHA-256 of `calls.parquet` in a snapshot of these calls; names do not change it."""
    return sha256(parquet(unnamed(calls)))


def _keep_elsewhere(contents: Mapping[str, bytes], folder: Path) -> str:
    """Write the files to the first other folder that takes them, and return a sentence."""
    name = f"{folder.name[:60]}.unsaved"
    for parent in (folder.parent, Path(tempfile.gettempdir()), Path("~").expanduser()):
        try:
            target = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
        except OSError:
            continue
        try:
            target.chmod(storage.FOLDER_MODE)
            for file, content in contents.items():
                storage.write_content(target / file, content)
        except OSError:
            storage.remove(target)
            continue
        return f" The calls are in {target}: read_snapshot reads them there."
    return " No other folder could be written either."


def _identity(folder: Path) -> tuple[int, int] | None:
    """A value that changes when the folder is replaced; None if there is no folder."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
