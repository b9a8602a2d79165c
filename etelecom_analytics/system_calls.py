"""Calls of the operating system that Python or some file systems lack, and its streams."""

import errno
import os
import re
import stat
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

__all__ = [
    "LOCKS_MISSING",
    "is_stream",
    "limit_threads",
    "progress_disabled",
    "swap_names",
    "sync_descriptor",
    "sync_file",
    "sync_folder",
    "try_lock",
    "write_stream",
]

LOCKS_MISSING = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS})
"""Errors of a file system without locks, as some network and cloud mounts are."""

_SYNC_MISSING = LOCKS_MISSING | {errno.EINVAL, errno.EROFS, errno.ENOTTY}
_SWAP_MISSING = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
_DESCRIPTORS = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")


def sync_descriptor(descriptor: int) -> None:
    """Wait until an open file or folder is on disk, if its file system can."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _SYNC_MISSING:
            raise


def sync_file(path: Path) -> None:
    """Wait until the content of a file is on disk."""
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk. Windows does so itself."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder that may be written, but not read
        return
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def swap_names(one: Path, other: Path) -> bool:
    """Exchange two names in one step, and return True; False if the system cannot.

    Linux has renameat2 for it, and macOS has renamex_np.

    Raises:
        OSError: the names cannot be exchanged.
    """
    swap = _swap_function()
    if swap is None:
        return False
    number = swap(os.fsencode(one), os.fsencode(other))
    if number and number not in _SWAP_MISSING:
        raise OSError(number, os.strerror(number), str(other))
    return not number


if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> bool:
        """Lock an open file; False if another process holds the lock."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock an open file; False if another process holds the lock.

        Raises:
            OSError: the file system has no locks.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_stream(path: str | Path) -> bool:
    """Whether the path is a pipe, a terminal or another device: neither a file nor a folder."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def write_stream(path: str | Path, content: bytes) -> None:
    """Write to a pipe or a device.

    Raises:
        OSError: it cannot be written.
    """
    number = _descriptor(path)
    if number == 1 and sys.stdout:
        sys.stdout.flush()
    # A copy of an open file continues at its position, and does not truncate it.
    descriptor = os.open(path, os.O_WRONLY) if number is None else os.dup(number)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _descriptor(path: str | Path) -> int | None:
    """The number of an open file whose name this is, such as 1 for /dev/stdout."""
    text = os.path.abspath(path) if "\0" not in str(path) else ""  # noqa: PTH100  keeps links
    if text in ("/dev/stdout", "/dev/stderr"):
        return 1 if text == "/dev/stdout" else 2
    match = _DESCRIPTORS.fullmatch(text)
    return int(match[1]) if match and os.name != "nt" else None


@cache
def _swap_function() -> Callable[[bytes, bytes], int] | None:
    """A function that swaps two paths and returns the number of an error, or 0."""
    if sys.platform not in ("linux", "darwin"):
        return None
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    is_linux = sys.platform == "linux"
    function = getattr(library, "renameat2" if is_linux else "renamex_np", None)
    if function is None:
        return None
    here, flag = ctypes.c_int(-100), ctypes.c_uint(2)  # AT_FDCWD; RENAME_EXCHANGE or RENAME_SWAP

    def swap(one: bytes, other: bytes) -> int:
        failed = function(here, one, here, other, flag) if is_linux else function(one, other, flag)
        return ctypes.get_errno() if failed else 0

    return swap


def limit_threads(count: int) -> None:
    """Let Polars use so many threads in this process; has an effect before it is imported."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(count))


def progress_disabled() -> bool:
    """Whether no progress bar can be shown: there is no stderr, or TQDM_DISABLE is set.

    tqdm reads TQDM_DISABLE when it is imported; a notebook may set it after that.
    """
    return sys.stderr is None or os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
