"""Files and folders that survive a crash: written under another name, synced to disk, then moved.

All files are readable by their owner only, whatever the umask is. A system that has no `fsync`, no
locks or no exchange of two names for a file system loses that guarantee, but not the function.
"""

import errno
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from .system_calls import (
    is_stream,
    swap_names,
    sync_descriptor,
    sync_file,
    sync_folder,
    try_lock,
    write_stream,
)

__all__ = [
    "FILE_MODE",
    "FOLDER_MODE",
    "exchange",
    "in_place",
    "in_use",
    "leftovers",
    "make_folder",
    "move",
    "reason",
    "remove",
    "remove_leftovers",
    "resolve",
    "staged",
    "sync_file",
    "sync_folder",
    "temporary_path",
    "write_content",
    "write_file",
    "write_files",
]

FILE_MODE, FOLDER_MODE = 0o600, 0o700

_REFUSED = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY}
"""Errors of a rename while another program, such as an antivirus, has the file open."""
_RETRY_S, _FIRST_WAIT_S = 3.0, 0.02
_MAX_STEM_BYTES = 180
_FORGOTTEN_S = 86_400
"""Age of a leftover whose writer cannot be checked with a lock."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:/")


def resolve(path: str | Path) -> Path:
    """The absolute path, with all links followed.

    Raises:
        OSError: it is an address such as "s3://...", contains a null character, or is a loop of
            links.
    """
    text = str(path)
    if _SCHEME.match(text):
        raise OSError(
            errno.EINVAL, "only folders of this machine are supported, not addresses with ://"
        )
    if "\0" in text:
        raise OSError(errno.EINVAL, "a path cannot contain a null character")
    try:
        return Path(path).resolve()
    except RuntimeError as error:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error


def reason(error: OSError) -> str:
    """The cause of an error of the file system, without a final stop."""
    return (error.strerror or str(error) or type(error).__name__).rstrip(".")


def make_folder(folder: Path, *, sync: bool = True) -> None:
    """Create the folder and its missing parents, for their owner only; others keep their mode.

    Args:
        folder: the folder.
        sync: wait until the new names are on disk.

    Raises:
        OSError: it cannot be created, or is a file.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        with suppress(FileExistsError):  # another process was faster
            each.mkdir()
            each.chmod(FOLDER_MODE)  # the umask reduces the mode of mkdir
            if sync:
                sync_folder(each.parent)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def write_file(path: str | Path, content: bytes) -> Path:
    """Write a file, replacing an older one in one step, and return its absolute path.

    A link stays, and its target is replaced. An existing file keeps its mode. A pipe or a device,
    such as /dev/stdout, is written directly.

    Raises:
        OSError: the file cannot be written; an older file is unchanged.
    """
    if is_stream(path):
        write_stream(path, content)
        return Path(path)
    target = resolve(path)
    write_files({target: content})
    return target


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write several files; none is replaced before all are on disk. Folders are made.

    Raises:
        OSError: a file cannot be written; older files are unchanged, if the system can exchange
            names. Its attribute `filename` is the target.
    """
    with ExitStack() as stack:
        staged_files: dict[Path, Path] = {}
        for target, content in contents.items():
            with _naming(target):
                if target.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                make_folder(target.parent)
                staged_files[target] = stack.enter_context(staged(target))
                write_content(staged_files[target], content)
                if target.exists():
                    staged_files[target].chmod(stat.S_IMODE(target.stat().st_mode))
        for target, temporary in staged_files.items():
            with _naming(target):
                stack.enter_context(in_place(temporary, target))
        for target in {target.parent: target for target in contents}.values():
            with _naming(target):
                sync_folder(target.parent)


def write_content(path: Path, content: bytes) -> None:
    """Write the content of a file, for its owner only, and wait until it is on disk."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, FILE_MODE), "wb") as file:
        path.chmod(FILE_MODE)  # the umask reduces the mode of a new file
        file.write(content)
        file.flush()
        sync_descriptor(file.fileno())


@contextmanager
def staged(target: Path, *, is_folder: bool = False) -> Iterator[Path]:
    """A new file or folder under a temporary name; what is left of it at the end is removed.

    While the block runs, it is locked, so that no other writer removes it as a leftover.

    Raises:
        OSError: it cannot be created.
    """
    remove_leftovers(target)
    while True:
        path = temporary_path(target, "new")
        if is_folder:
            path.mkdir()
            with suppress(FileNotFoundError):  # removed by another writer: tried again below
                path.chmod(FOLDER_MODE)
        else:
            write_content(path, b"")
        with in_use(path) as locked:
            if locked is False or not path.exists():  # removed before it was locked
                continue
            try:
                yield path
            finally:
                remove(path)
            return


def move(source: Path, target: Path) -> None:
    """Rename, replacing an existing file; a refusal is retried for some seconds."""
    _retry(lambda: source.replace(target))


@contextmanager
def in_place(temporary: Path, target: Path) -> Iterator[None]:
    """Give a new file or folder its name; undo it if the block fails.

    An older file has the temporary name in the meantime. A system that cannot exchange names
    replaces it at once, and for good.

    Raises:
        OSError: the system refuses it.
    """
    existed = target.exists()
    exchanged = existed and exchange(temporary, target)
    if not exchanged:
        move(temporary, target)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            if exchanged:
                exchange(temporary, target)
            elif not existed:
                move(target, temporary)
        raise


def exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step, and return True; False if the system cannot."""
    return _retry(lambda: swap_names(one, other))


def remove(path: Path) -> None:
    """Remove a file, or a folder with all its contents, as far as possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def temporary_path(target: Path, kind: str) -> Path:
    """A new hidden path next to the target, short enough for every file system."""
    return target.with_name(f"{_stem(target)}.{kind}-{uuid.uuid4().hex[:8]}")


def leftovers(target: Path, *kinds: str) -> list[Path]:
    """The temporary paths of the target that exist, of running and of dead writers."""
    prefixes = tuple(f"{_stem(target)}.{kind}-" for kind in kinds)
    try:
        names = os.listdir(target.parent)  # noqa: PTH208  scanning makes a Path of each file
    except OSError:
        return []
    return [target.with_name(name) for name in sorted(names) if name.startswith(prefixes)]


def remove_leftovers(target: Path) -> None:
    """Remove temporary files and folders of writers that no longer run."""
    for path in leftovers(target, "new", "old"):
        with in_use(path) as locked:
            if locked or (locked is None and _is_forgotten(path)):
                remove(path)


@contextmanager
def in_use(path: Path) -> Iterator[bool | None]:
    """Lock a file or folder while the block runs; the system unlocks it if the process dies.

    The value is False if another writer has locked it, and None if it cannot be locked. Windows
    cannot rename a file while it is open, so there it is not locked.
    """
    if os.name == "nt":
        yield None
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        yield None
        return
    try:
        try:
            locked = try_lock(descriptor)
        except OSError:
            yield None
        else:
            yield locked
    finally:
        os.close(descriptor)


def _is_forgotten(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _FORGOTTEN_S
    except OSError:
        return False


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(target), None
        raise


def _stem(target: Path) -> str:
    """The common begin of all temporary names of a target, which may have a very long name."""
    name = os.fsencode(target.name)
    if len(name) > _MAX_STEM_BYTES:
        digest = uuid.uuid5(uuid.NAMESPACE_URL, name.hex()).hex[:12].encode()
        name = name[:_MAX_STEM_BYTES] + digest
    return "." + name.decode(errors="ignore")


def _retry(action: Callable[[], object]) -> bool:
    """Whether the action is possible; a refusal is tried again for some seconds."""
    end, wait_s = time.monotonic() + _RETRY_S, _FIRST_WAIT_S
    while True:
        try:
            return action() is not False
        except OSError as error:
            if error.errno not in _REFUSED or time.monotonic() + wait_s > end:
                raise
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, 0.5)
