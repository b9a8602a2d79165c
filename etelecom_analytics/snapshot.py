"""Snapshots: an immutable folder of parquet files with a manifest.

It contains calls.parquet, call_targets.parquet, manifest.json and, with names, names.parquet. All
files are written to a temporary folder, which is then renamed, so a reader sees either all of them
or none. The manifest has the hash of each file to detect modifications. The same calls give the
same parquet bytes.
"""

import errno
import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import polars as pl

from .errors import SnapshotError
from .logs import CallLogs, FetchReport
from .privacy import Privacy
from .query import CallQuery
from .schema import CALL_SCHEMA, CALL_TARGETS_SCHEMA, NAMES_SCHEMA, SCHEMA_VERSION

__all__ = ["check_destination", "fingerprint", "read_snapshot", "write_snapshot"]

_MANIFEST = "manifest.json"
_CALLS, _CALL_TARGETS = "calls.parquet", "call_targets.parquet"
_NAMES = "names.parquet"
"""The columns of `schema.NAMES`, in the order of the calls; only if the calls have any."""
_FORMAT = "etelecom_analytics snapshot"
_MAX_ATTEMPTS = 10


def write_snapshot(
    logs: CallLogs, path: str | Path, *, replace: bool = False, privacy: Privacy | None = None
) -> Path:
    """Write a snapshot and return its folder; only the owner can read the files.

    Args:
        logs: the logs to write.
        path: the folder to create, with its parents.
        replace: replace an older snapshot, which remains until the new one is complete.
        privacy: how numbers, notes and links are anonymized; the manifest contains these options,
            but not the key.

    Raises:
        SnapshotError: the path exists and `replace` is False, it is not a snapshot, or it cannot be
            written.
    """
    folder = check_destination(path, replace=replace)
    if _unnamed(logs.calls).schema != pl.Schema(CALL_SCHEMA):
        raise SnapshotError(
            "A snapshot needs calls with exactly the columns of a fetch, with or without names: "
            "pass complete logs."
        )
    if privacy:
        logs = privacy.apply_to_logs(logs)
    temporary = _sibling(folder, "new")
    try:
        temporary.mkdir(parents=True)
        _write_files(logs, temporary, privacy)
        _move_into_place(temporary, folder, replace=replace)
    except OSError as error:
        raise SnapshotError(
            f"The snapshot could not be written to {folder}: {error.strerror}. "
            "An existing snapshot is unchanged."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def check_destination(path: str | Path, *, replace: bool = False) -> Path:
    """The folder, if a snapshot can be written there; useful before a long fetch.

    Raises:
        SnapshotError: the path exists and `replace` is False, or it is not a snapshot.
    """
    try:
        folder = Path(path).resolve()
        exists, is_snapshot = folder.exists(), (folder / _MANIFEST).is_file()
    except OSError as error:
        raise SnapshotError(f"{path} cannot be used for a snapshot: {error.strerror}.") from error
    if exists and not is_snapshot:
        raise SnapshotError(_not_a_snapshot(folder))
    if exists and not replace:
        raise SnapshotError(
            f"{folder} already exists: use another path, or replace it with replace=True "
            "(etelecom: --replace)."
        )
    parent = next(parent for parent in folder.parents if parent.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise SnapshotError(f"{folder} cannot be written: {parent} is not a writable folder.")
    return folder


def read_snapshot(path: str | Path) -> CallLogs:
    """The calls, query and report of a snapshot.

    Raises:
        SnapshotError: there is no snapshot, a file was modified, or a newer version of this package
            wrote it.
    """
    folder = Path(path)
    for _ in range(_MAX_ATTEMPTS - 1):
        before = _identity(folder)
        try:
            return _read(folder)
        except SnapshotError:
            # If the snapshot was replaced during the read, manifest and files do not match.
            if _identity(folder) == before:
                raise
    return _read(folder)


def fingerprint(calls: pl.DataFrame) -> str:
    """The SHA-256 of `calls.parquet` in a snapshot of these calls; names do not change it."""
    return _sha256(_parquet(_unnamed(calls)))


def _unnamed(calls: pl.DataFrame) -> pl.DataFrame:
    return calls.drop(*NAMES_SCHEMA, strict=False)


def _parquet(table: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    table.write_parquet(content, compression="zstd", statistics=True)
    return content.getvalue()


def _write_files(logs: CallLogs, folder: Path, privacy: Privacy | None) -> None:
    tables = {
        _CALLS: _unnamed(logs.calls),
        _CALL_TARGETS: logs.call_targets.select(*CALL_TARGETS_SCHEMA),
    }
    if columns := [name for name in NAMES_SCHEMA if name in logs.calls.columns]:
        tables[_NAMES] = logs.calls.select(columns)
    contents = {name: _parquet(table) for name, table in tables.items()}
    first, last = logs.calls.select(
        first=pl.col("started_at").min(), last=pl.col("started_at").max()
    ).row(0)
    manifest = {
        "format": _FORMAT,
        "schema_version": SCHEMA_VERSION,
        "package_version": version("etelecom_analytics"),
        "query": logs.query.to_dict(),
        "rows": {name.removesuffix(".parquet"): table.height for name, table in tables.items()},
        "span": {"first_started_at": _iso(first), "last_started_at": _iso(last)},
        "report": logs.report.to_dict(),
        "privacy": privacy.to_dict() if privacy else None,
        "files": {name: {"sha256": _sha256(content)} for name, content in contents.items()},
    }
    contents[_MANIFEST] = (
        json.dumps(manifest | {"sha256": _digest(manifest)}, indent=2) + "\n"
    ).encode()
    for name, content in contents.items():
        with open(folder / name, "wb", opener=_open_private) as file:  # Path.open has no opener
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # the content must be on disk before the rename


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _move_into_place(temporary: Path, folder: Path, *, replace: bool) -> None:
    """Rename the new folder. An old snapshot is renamed first, and restored if that fails."""
    for _ in range(_MAX_ATTEMPTS):
        backup = _sibling(folder, "old")
        try:
            if replace and folder.exists():
                folder.rename(backup)
                if not (backup / _MANIFEST).is_file():
                    raise SnapshotError(_not_a_snapshot(folder))
            if folder.exists():  # a rename would silently replace an empty folder
                raise FileExistsError(errno.EEXIST, "it already exists")
            temporary.rename(folder)
        except BaseException as error:
            with suppress(OSError):  # fails only if another writer has created a snapshot
                backup.rename(folder)
            shutil.rmtree(backup, ignore_errors=True)
            if (
                replace
                and isinstance(error, OSError)
                and error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT)
            ):
                continue  # another writer was faster: replace its snapshot
            if isinstance(error, OSError) and error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                raise SnapshotError(
                    f"Another process created {folder}: use another path, or replace it."
                ) from error
            raise
        shutil.rmtree(backup, ignore_errors=True)
        return
    raise SnapshotError(
        f"Other processes keep replacing {folder}: try again when they have finished."
    )


def _not_a_snapshot(folder: Path) -> str:
    return f"{folder} exists and is not a snapshot, so it is not replaced: use another path."


def _sibling(folder: Path, suffix: str) -> Path:
    return folder.parent / f".{folder.name}.{suffix}-{uuid.uuid4().hex[:8]}"


def _identity(folder: Path) -> tuple[int, int] | None:
    """A value that changes when the folder is replaced; None if there is no folder."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _read(folder: Path) -> CallLogs:
    manifest = _Manifest.parse(folder, _bytes(folder / _MANIFEST, folder))
    contents = {name: _bytes(folder / name, folder) for name in manifest.hashes}
    for name, content in contents.items():
        if _sha256(content) != manifest.hashes[name]:
            raise SnapshotError(
                f"{folder / name} was modified after the snapshot was written: "
                "fetch the calls again."
            )
    calls = pl.read_parquet(io.BytesIO(contents[_CALLS]))
    if calls.schema != pl.Schema(CALL_SCHEMA):
        raise SnapshotError(
            f"The columns of {folder / _CALLS} do not match its manifest: fetch the calls again."
        )
    if _NAMES in contents:
        calls = calls.hstack(pl.read_parquet(io.BytesIO(contents[_NAMES])))
    return CallLogs(calls=calls, query=manifest.query, report=manifest.report)


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    """The parts of manifest.json that a reader needs."""

    query: CallQuery
    report: FetchReport
    hashes: Mapping[str, str]

    @classmethod
    def parse(cls, folder: Path, content: bytes) -> "_Manifest":
        unreadable = (
            f"{folder / _MANIFEST} is not the manifest of a snapshot, or was modified: "
            "fetch the calls again."
        )
        try:
            data = json.loads(content)
            digest = data.pop("sha256", None)
            if data["format"] != _FORMAT:
                raise SnapshotError(unreadable)
            if data["schema_version"] > SCHEMA_VERSION:
                raise SnapshotError(
                    f"{folder} was written by etelecom_analytics {data['package_version']} with "
                    f"schema {data['schema_version']}; this version reads schemas up to "
                    f"{SCHEMA_VERSION}: upgrade the package."
                )
            if digest != _digest(data):
                raise SnapshotError(unreadable)
            return cls(
                query=CallQuery.from_dict(data["query"]),
                report=FetchReport.from_dict(data["report"]),
                hashes={
                    name: data["files"][name]["sha256"]
                    for name in (_CALLS, _CALL_TARGETS, *({_NAMES} & data["files"].keys()))
                },
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SnapshotError(unreadable) from error


def _bytes(path: Path, folder: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        reason = (
            f"{path.name} is missing from {folder}"
            if folder.is_dir()
            else f"there is no folder {folder}"
        )
        raise SnapshotError(f"No snapshot could be read: {reason}.") from None
    except OSError as error:
        raise SnapshotError(f"{path} could not be read: {error.strerror}.") from error


def _digest(manifest: Mapping[str, object]) -> str:
    return _sha256(json.dumps(manifest, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
