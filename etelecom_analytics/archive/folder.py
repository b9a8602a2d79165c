"""The folder of an archive: creating it, and locking it for writing."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ArchiveBusy, ArchiveError
from .table import Table

__all__ = ["exclusive_lock", "make_folder"]

_LOCK_FILE = "_lock"
_INITIAL_FILES = {_LOCK_FILE, "_delta_log"}
"""Files in the folder of an archive before its first commit, or after a crash during it."""


def make_folder(folder: Path) -> None:
    """Create the folder of an archive, readable by its owner only, if it does not exist.

    Raises:
        ArchiveError: the folder contains something else, or cannot be created.
    """
    try:
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            folder.chmod(0o700)  # the umask may have reduced the mode of mkdir
        elif (
            any(path.name not in _INITIAL_FILES for path in folder.iterdir())
            and Table.open(folder) is None
        ):
            raise ArchiveError(f"{folder} exists and is not an archive: use another path.")
    except OSError as error:
        raise ArchiveError(f"{folder} cannot be used for an archive: {error.strerror}.") from error


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Prevent other processes on this machine from writing to the archive.

    The operating system releases the lock when the process ends, even after a crash.

    Raises:
        ArchiveBusy: another process holds the lock.
    """
    file = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _acquire(file):
            raise ArchiveBusy(
                f"{folder} is being written by another process: try again when it has finished."
            )
        yield
    finally:
        # Closing releases the lock. If the file were deleted, two processes could hold a lock each.
        os.close(file)


if sys.platform == "win32":
    import msvcrt

    def _acquire(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _acquire(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
