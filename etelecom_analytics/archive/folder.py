"""The folder of an archive: creating it, and locking it for writing."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import storage
from ..errors import ArchiveBusy, ArchiveError
from ..phone_numbers import printable
from ..system_calls import LOCKS_MISSING, try_lock
from .log import LOG

__all__ = ["archive_path", "exclusive_lock", "make_folder", "remove_staged_files"]

_LOCK_FILE = "_lock"
_STAGED = re.compile(r"#\d+$")
"""The end of the names under which deltalake writes files before it renames them."""
_STAGED_S = 3_600
_OWN_NAMES = {_LOCK_FILE, LOG}
"""What the folder contains before its first commit, after a crash during it, or after a repair."""
_OWN_PREFIXES = ("local_day=", "_certificates.parquet", "._certificates.parquet")


def archive_path(path: str | Path) -> Path:
    """The absolute path of the folder of an archive.

    Raises:
        ArchiveError: it cannot be the path of a folder, or is something else.
    """
    try:
        folder = storage.resolve(path)
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(0, "it is not a folder")
    except OSError as error:
        raise ArchiveError(
            f"{printable(str(path))} cannot be used for an archive: {storage.reason(error)}."
        ) from None
    return folder


def make_folder(folder: Path) -> None:
    """Create the folder of an archive, for its owner only, if it does not exist.

    Raises:
        ArchiveError: the folder contains something else, or cannot be created.
    """
    try:
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        others = [
            name for name in names if name not in _OWN_NAMES and not name.startswith(_OWN_PREFIXES)
        ]
        if others and LOG not in names:
            raise ArchiveError(f"{folder} exists and is not an archive: use another path.")
        storage.make_folder(folder)
        if not names:
            folder.chmod(storage.FOLDER_MODE)
    except OSError as error:
        raise ArchiveError(
            f"{folder} cannot be used for an archive: {storage.reason(error)}."
        ) from error


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
