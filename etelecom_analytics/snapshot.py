"""An immutable parquet snapshot of a fetch: calls.parquet, call_targets.parquet, manifest.json; with names also names.parquet.

Everything is written into a folder beside the wanted one, which is then moved into place: a reader
sees all of it or none. The manifest holds the hash of each file, so that what was cut or changed
since is noticed. The same calls give the same parquet bytes.
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
"""The columns of `schema.NAMES` that the calls had, in the order of the calls; no file where they had none."""
_FORMAT = "etelecom_analytics snapshot"
_MOST_ATTEMPTS = 10


def write_snapshot(
    logs: CallLogs, path: str | Path, *, replace: bool = False, privacy: Privacy | None = None
) -> Path:
    """The folder in which the snapshot now lies; only its owner can read its files.

    Args:
        logs: what to keep.
        path: the folder to make; folders above it are made too.
        replace: put it in the place of an older snapshot; the older one stays until the new one is
            whole.
        privacy: what is done to numbers, notes and links before they are written; the manifest
            tells it, and never holds a key.

    Raises:
        SnapshotError: something is there already and `replace` was not asked for, or what is there
            is no snapshot, or cannot be written.
    """
    folder = check_destination(path, replace=replace)
    if _unnamed(logs.calls).schema != pl.Schema(CALL_SCHEMA):
        raise SnapshotError(
            "A snapshot keeps calls with the columns that were fetched or named, no more and no fewer: give it whole logs."
        )
    if privacy:
        logs = privacy.apply_to_logs(logs)
    beside = _sibling(folder, "new")
    try:
        beside.mkdir(parents=True)
        _write_files(logs, beside, privacy)
        _move_in(beside, folder, replace=replace)
    except OSError as error:
        raise SnapshotError(
            f"The snapshot could not be written at {folder}: {error.strerror}. What was there before is unchanged."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def check_destination(path: str | Path, *, replace: bool = False) -> Path:
    """The folder, if a snapshot may be written there: worth asking before a long fetch.

    Raises:
        SnapshotError: something is there already and `replace` was not asked for, or what is there
            is no snapshot.
    """
    try:
        folder = Path(path).resolve()
        is_there, is_snapshot = folder.exists(), (folder / _MANIFEST).is_file()
    except OSError as error:
        raise SnapshotError(f"{path} is no place for a snapshot: {error.strerror}.") from error
    if is_there and not is_snapshot:
        raise SnapshotError(
            f"{folder} is there already, and is no snapshot, so it is not replaced: give another path."
        )
    if is_there and not replace:
        raise SnapshotError(
            f"{folder} exists already: give another path, or replace it with replace=True (etelecom: --replace)."
        )
    above = next(each for each in folder.parents if each.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise SnapshotError(
            f"Nothing can be written at {folder}: {above} is no folder that may be written to."
        )
    return folder


def read_snapshot(path: str | Path) -> CallLogs:
    """The calls, query and report that were written there.

    Raises:
        SnapshotError: there is no snapshot, it was cut or changed since it was written, or a newer
            version of this package wrote it.
    """
    folder = Path(path)
    for _ in range(_MOST_ATTEMPTS - 1):
        before = _identity(folder)
        try:
            return _read(folder)
        except SnapshotError:
            # Replaced while it was being read, an old manifest was held against new files: look
            # again.
            if _identity(folder) == before:
                raise
    return _read(folder)


def fingerprint(calls: pl.DataFrame) -> str:
    """The SHA-256 that `calls.parquet` of these calls has in a snapshot, be it with names or without."""
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
    if carried := [name for name in NAMES_SCHEMA if name in logs.calls.columns]:
        tables[_NAMES] = logs.calls.select(carried)
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
        with open(folder / name, "wb", opener=_for_its_owner) as file:  # Path.open takes no opener
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # a move must not reach the disk before what it moves


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _move_in(beside: Path, folder: Path, *, replace: bool) -> None:
    """Bring the new folder to its place. An old snapshot is renamed away first, and back if that fails; nothing else ever is."""
    for _ in range(_MOST_ATTEMPTS):
        away = _sibling(folder, "old")
        try:
            if replace and folder.exists():
                folder.rename(away)
                if not (away / _MANIFEST).is_file():
                    raise SnapshotError(
                        f"{folder} is no snapshot, so it is not replaced: give another path."
                    )
            if folder.exists():  # a rename would take the place of an empty folder in silence
                raise FileExistsError(errno.EEXIST, "it exists already")
            beside.rename(folder)
        except BaseException as error:
            with suppress(OSError):  # in vain only if another writer's snapshot is there by now
                away.rename(folder)
            shutil.rmtree(away, ignore_errors=True)
            if (
                replace
                and isinstance(error, OSError)
                and error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT)
            ):
                continue  # another writer was quicker: replace theirs
            if isinstance(error, OSError) and error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                raise SnapshotError(
                    f"{folder} was made by somebody else meanwhile: give another path, or replace it."
                ) from error
            raise
        shutil.rmtree(away, ignore_errors=True)
        return
    raise SnapshotError(
        f"{folder} is being replaced by others all the time: try again when they are done."
    )


def _sibling(folder: Path, what: str) -> Path:
    return folder.parent / f".{folder.name}.{what}-{uuid.uuid4().hex[:8]}"


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells this folder from another one that took its place; None where there is none."""
    try:
        state = folder.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns


def _read(folder: Path) -> CallLogs:
    manifest = _Manifest.parse(folder, _bytes(folder / _MANIFEST, folder))
    held = {name: _bytes(folder / name, folder) for name in manifest.hashes}
    for name, content in held.items():
        if _sha256(content) != manifest.hashes[name]:
            raise SnapshotError(
                f"{folder / name} was cut or changed since the snapshot was written: fetch the calls again."
            )
    calls = pl.read_parquet(io.BytesIO(held[_CALLS]))
    if calls.schema != pl.Schema(CALL_SCHEMA):
        raise SnapshotError(
            f"{folder / _CALLS} has other columns than its manifest says: fetch the calls again."
        )
    if _NAMES in held:
        calls = calls.hstack(pl.read_parquet(io.BytesIO(held[_NAMES])))
    return CallLogs(calls=calls, query=manifest.query, report=manifest.report)


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    """What a reader needs of manifest.json."""

    query: CallQuery
    report: FetchReport
    hashes: Mapping[str, str]

    @classmethod
    def parse(cls, folder: Path, content: bytes) -> "_Manifest":
        unreadable = f"{folder / _MANIFEST} is not the manifest of a snapshot, or was cut or changed: fetch the calls again."
        try:
            told = json.loads(content)
            digest = told.pop("sha256", None)
            if told["format"] != _FORMAT:
                raise SnapshotError(unreadable)
            if told["schema_version"] > SCHEMA_VERSION:
                raise SnapshotError(
                    f"{folder} was written by etelecom_analytics {told['package_version']} with schema {told['schema_version']}; "
                    f"this version reads up to schema {SCHEMA_VERSION}: upgrade the package."
                )
            if digest != _digest(told):
                raise SnapshotError(unreadable)
            return cls(
                query=CallQuery.from_dict(told["query"]),
                report=FetchReport.from_dict(told["report"]),
                hashes={
                    name: told["files"][name]["sha256"]
                    for name in (_CALLS, _CALL_TARGETS, *({_NAMES} & told["files"].keys()))
                },
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SnapshotError(unreadable) from error


def _bytes(path: Path, folder: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        missing = (
            f"{path.name} is missing from {folder}"
            if folder.is_dir()
            else f"there is no folder {folder}"
        )
        raise SnapshotError(f"No snapshot could be read: {missing}.") from None
    except OSError as error:
        raise SnapshotError(f"{path} could not be read: {error.strerror}.") from error


def _digest(manifest: Mapping[str, object]) -> str:
    return _sha256(json.dumps(manifest, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
