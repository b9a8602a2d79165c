"""The folder of an archive: creating it, and locking it for writing."""

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from .. import storage
from ..errors import ArchiveBusy, ArchiveError, InputError
from ..phone_numbers import printable
from ..system_calls import LOCKS_MISSING, try_lock
from .delta import translate_errors
from .log import LOG
from .object_options import checked_options
from .object_path import ObjectPath, Overwritten, object_path
from .places import StorePath

__all__ = ["archive_path", "exclusive", "exclusive_lock", "make_folder", "remove_staged_files"]

_LOCK_FILE = "_lock"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):/")
_PROBE = "_conditional_put"
"""An empty object, which a store must refuse to create twice."""
_STAGED = re.compile(r"#\d+$")
"""The end of the names under which deltalake writes files before it renames them."""
_STAGED_S = 3_600
_OWN_NAMES = {_LOCK_FILE, LOG}
"""What the folder contains before its first commit, after a crash during it, or after a repair."""
_OWN_PREFIXES = ("local_day=", "_certificates.parquet", "._certificates.parquet")


def archive_path(
    path: str | Path,
    storage_options: Mapping[str, str] | None = None,
    *,
    unsafe_rename: bool = False,
) -> StorePath:
    """The absolute path of the folder of an archive, or its path in an object store.

    Raises:
        ArchiveError: it cannot be the path of a folder, or is something else.
        InputError: the options are not valid.
    """
    options = checked_options(storage_options)
    if scheme := _SCHEME.match(str(path)):
        if scheme[1].lower() != "s3":
            raise ArchiveError(
                f"An archive is in a folder of this machine or at an address s3://bucket/name; "
                f"{printable(scheme[1])}:// is not supported."
            )
        if unsafe_rename:
            raise InputError("allow_unsafe_rename is for folders: an object store renames nothing.")
        return object_path(_SCHEME.sub("s3://", str(path).replace("://", ":/"), count=1), options)
    if options:
        raise InputError("storage_options are for addresses such as s3://bucket/name.")
    try:
        folder = storage.resolve(path)
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(0, "it is not a folder")
    except OSError as error:
        raise ArchiveError(
            f"{printable(str(path))} cannot be used for an archive: {storage.reason(error)}."
        ) from None
    return folder


def make_folder(folder: StorePath) -> None:
    """Create the folder of an archive, for its owner only, if it does not exist.

    In an object store nothing is created; it must be able to refuse one of two writers.

    Raises:
        ArchiveError: the folder contains something else, or cannot be created.
    """
    if isinstance(folder, ObjectPath):
        check_store(folder)
        return
    try:
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        _check_names(folder, names)
        storage.make_folder(folder)
        if not names:
            folder.chmod(storage.FOLDER_MODE)
    except OSError as error:
        raise ArchiveError(
            f"{folder} cannot be used for an archive: {storage.reason(error)}."
        ) from error


def check_store(path: ObjectPath) -> None:
    """Check that an object store can hold an archive.

    Raises:
        ArchiveError: the address has something else, or the store ignores conditions of writes.
        StoreDown: it refuses a request or does not answer.
    """
    with translate_errors(path):
        _check_names(path, path.names())
        probe = path / _PROBE
        try:
            probe.write(b"", new=True)
            probe.write(b"", new=True)
        except Overwritten:
            return
    raise ArchiveError(
        f"The server of {path} ignores the condition If-None-Match, with which it has to refuse "
        "one of two writers of one version: use another server, or a folder on a local disk."
    )


def _check_names(path: StorePath, names: Iterable[str]) -> None:
    own = (*_OWN_PREFIXES, _PROBE)
    others = [name for name in names if name not in _OWN_NAMES and not name.startswith(own)]
    if others and LOG not in names:
        raise ArchiveError(f"{path} exists and is not an archive: use another path.")


@contextmanager
def exclusive(path: StorePath, *, lock: bool) -> Iterator[None]:
    """Prevent other processes from writing to the archive in a folder, and tidy it.

    An object store has no locks: its commits decide.

    Raises:
        ArchiveBusy, ArchiveError: as `exclusive_lock`.
    """
    if isinstance(path, ObjectPath):
        yield
        return
    with exclusive_lock(path) if lock else nullcontext():
        remove_staged_files(path)
        yield


def remove_staged_files(folder: Path) -> None:
    """Remove the files that a killed writer has not given their names, after an hour.

    Another engine may be writing others at this moment.
    """
    for path in (*folder.glob(f"{LOG}/*#*"), *folder.glob("local_day=*/*#*")):
        with suppress(OSError):
            if _STAGED.search(path.name) and time.time() - path.stat().st_mtime > _STAGED_S:
                path.unlink()


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Prevent other processes on this machine from writing to the archive.

    The operating system releases the lock when the process ends, even after a crash.

    Raises:
        ArchiveBusy: another process holds the lock.
        ArchiveError: the file system has no locks.
    """
    try:
        file = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT, storage.FILE_MODE)
    except OSError as error:
        raise ArchiveError(f"{folder} cannot be written: {storage.reason(error)}.") from error
    try:
        try:
            locked = try_lock(file)
        except OSError as error:
            if error.errno not in LOCKS_MISSING:
                raise
            raise ArchiveError(
                f"The file system of {folder} has no locks ({storage.reason(error)}). Use a folder "
                "on a local disk, or Archive(..., lock=False) (etelecom: --no-lock) if no other "
                "process writes to it at the same time."
            ) from error
        if not locked:
            raise ArchiveBusy(
                f"{folder} is being written by another process: try again when it has finished."
            )
        yield
    finally:
        # Closing releases the lock. If the file were deleted, two processes could hold a lock each.
        os.close(file)
