"""A lock that the operating system lets go when its process ends, however it ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ArchiveBusy

__all__ = ["exclusive_lock"]

_LOCK = "_lock"


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """While this lasts, nobody else on this machine writes to the archive.

    Raises:
        ArchiveBusy: somebody else does.
    """
    file = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _taken(file):
            raise ArchiveBusy(
                f"{folder} is being written to by another process: try again when it is done."
            )
        yield
    finally:
        os.close(
            file
        )  # lets the lock go; the file stays, since to remove it would let two others hold one each


if sys.platform == "win32":
    import msvcrt

    def _taken(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _taken(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
