"""Reading and writing files of an archive, in a folder of this machine or in an object store.

Files in a folder are waited for until they are on disk, and are readable by their owner only. In an
object store there is nothing to wait for: an object is written as a whole or not at all.
"""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import polars as pl

from .. import storage
from ..errors import ArchiveError, EtelecomError
from .object_options import object_reason, without_secrets
from .object_path import ObjectPath, Overwritten, read_all
from .problems import Damage, Unreadable, data_file_damage, reading

__all__ = [
    "Place",
    "StorePath",
    "local_folder",
    "place_of",
    "read_file",
    "readable",
    "require_folder",
    "scan_file",
]

StorePath: TypeAlias = Path | ObjectPath
"""A path of an archive, or below it."""

_MAX_LISTED_DAYS = 16
_MAX_ATTEMPTS = 20
_GONE = re.compile(r"NoSuchKey|404 Not Found(?!.*NoSuchBucket)", re.DOTALL)
_DOWN = re.compile(
    r"(?i)object.?store|S3 error|error performing|sending request|http error|privileges"
)
"""What the messages of deltalake and Polars contain if a store refuses or does not answer."""


class Place(Protocol):
    """What is done differently in a folder and in an object store.

    Attributes:
        has_disk: whether files have to be waited for until they are on disk, and can be locked.
    """

    has_disk: bool

    def table_options(self, *, unsafe_rename: bool = False) -> dict[str, str] | None:
        """The storage options of deltalake and Polars."""

    def make_folder(self, path: StorePath) -> None:
        """Create a folder, where there are folders."""

    def sync(self, files: Iterable[StorePath], folders: Iterable[StorePath] = ()) -> None:
        """Wait until files and the names in folders are on disk; files that are gone are left out.

        The files become readable by their owner only.
        """

    def update(self, path: StorePath, content: Callable[[], bytes | None]) -> None:
        """Replace a file in one step, unless the content is None.

        The content is made again if another process has changed the file since.
        """

    def set_aside(self, path: StorePath) -> None:
        """Give a file the ending `.damaged`, if it exists."""

    def damages(self, folder: StorePath, files: Sequence[tuple[str, int]]) -> list[Damage | None]:
        """What is wrong with data files of these sizes, without reading them; None if nothing."""

    def read_soon(self, paths: Sequence[StorePath]) -> None:
        """Prepare to read many files."""

    def bytes_below(self, folder: StorePath) -> int:
        """The size of all files below a folder."""

    def reason(self, error: BaseException) -> str | None:
        """The cause of an error, if only this place knows how to state it."""

    def cut(self, error: BaseException) -> BaseException | None:
        """The error to show as the cause of another one; None if it may show credentials."""

    def is_down(self, error: BaseException) -> bool:
        """Whether an error means that files cannot be read now, not that they are damaged."""


class _LocalPlace:
    """A folder of this machine."""

    has_disk = True

    def table_options(self, *, unsafe_rename: bool = False) -> dict[str, str] | None:
        return {"MOUNT_ALLOW_UNSAFE_RENAME": "true"} if unsafe_rename else None

    def make_folder(self, path: Path) -> None:
        storage.make_folder(path, sync=False)

    def sync(self, files: Iterable[Path], folders: Iterable[Path] = ()) -> None:
        for path in files:
            if path.exists():  # later versions need not have it
                path.chmod(storage.FILE_MODE)
                storage.sync_file(path)
        for path in folders:
            if path.is_dir():
                storage.sync_folder(path)

    def update(self, path: Path, content: Callable[[], bytes | None]) -> None:
        if (new := content()) is not None:
            storage.write_file(path, new)

    def set_aside(self, path: Path) -> None:
        if path.is_file():
            storage.move(path, path.with_name(f"{path.name}.damaged"))

    def damages(self, folder: Path, files: Sequence[tuple[str, int]]) -> list[Damage | None]:
        return [data_file_damage(folder / path, size) for path, size in files]

    def read_soon(self, paths: Sequence[Path]) -> None:
        pass

    def bytes_below(self, folder: Path) -> int:
        size = 0
        for path in folder.rglob("*"):
            try:
                size += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:  # a writer has just deleted the file
                continue
        return size

    def reason(self, error: BaseException) -> str | None:
        return None

    def cut(self, error: BaseException) -> BaseException | None:
        return error

    def is_down(self, error: BaseException) -> bool:
        return False


class _ObjectPlace:
    """An object store."""

    has_disk = False

    def __init__(self, path: ObjectPath) -> None:
        self._options = path.options

    def table_options(self, *, unsafe_rename: bool = False) -> dict[str, str] | None:
        # Set explicitly, because deltalake also reads the environment.
        return {**dict(self._options), "aws_s3_allow_unsafe_rename": "false"}

    def make_folder(self, path: ObjectPath) -> None:
        pass

    def sync(self, files: Iterable[ObjectPath], folders: Iterable[ObjectPath] = ()) -> None:
        pass

    def update(self, path: ObjectPath, content: Callable[[], bytes | None]) -> None:
        for _ in range(_MAX_ATTEMPTS):
            try:
                tag = path.read()[1]
            except FileNotFoundError:
                tag = None
            if (new := content()) is None:
                return
            try:
                path.write(new, tag=tag, new=tag is None)
            except Overwritten:
                continue
            return
        raise Overwritten(f"{path} is changed by other processes all the time")

    def set_aside(self, path: ObjectPath) -> None:
        if path.is_file():
            path.rename(path.with_name(f"{path.name}.damaged"))

    def damages(self, folder: ObjectPath, files: Sequence[tuple[str, int]]) -> list[Damage | None]:
        # The ends of a file need not be read: no object is cut off.
        days = sorted({path.rpartition("/")[0] for path, _ in files})
        parents = [folder / day for day in days] if len(days) <= _MAX_LISTED_DAYS else [folder]
        sizes = {each.key: each.size for parent in parents for each in parent.below()}
        stored = [(sizes.get((folder / path).key), size) for path, size in files]
        return [
            Damage.missing() if actual is None else Damage.of_sizes(actual, size)
            for actual, size in stored
        ]

    def read_soon(self, paths: Sequence[ObjectPath]) -> None:
        read_all(paths)

    def bytes_below(self, folder: ObjectPath) -> int:
        return sum(each.size or 0 for each in folder.below())

    def reason(self, error: BaseException) -> str | None:
        return object_reason(error, self._options)

    def cut(self, error: BaseException) -> BaseException | None:
        # What handles errors may look at those that a traceback leaves out.
        seen: BaseException | None = error
        while seen is not None:
            if not isinstance(seen, EtelecomError):
                seen.args = tuple(
                    without_secrets(each, self._options) if isinstance(each, str) else each
                    for each in seen.args
                )
            seen = seen.__cause__ or seen.__context__
        return None

    def is_down(self, error: BaseException) -> bool:
        if isinstance(error, FileNotFoundError) or _GONE.search(str(error)):
            return False
        return isinstance(error, OSError) or bool(_DOWN.search(str(error)))


def place_of(path: StorePath) -> Place:
    """How the files of an archive are written there."""
    return _LocalPlace() if isinstance(path, Path) else _ObjectPlace(path)  # type: ignore[return-value]


def scan_file(path: StorePath) -> pl.LazyFrame:
    """The rows of a parquet file."""
    options = place_of(path).table_options()
    return pl.scan_parquet(str(path), storage_options=options, hive_partitioning=False)


def read_file(path: StorePath, columns: list[str] | None = None) -> pl.DataFrame:
    """The rows of a parquet file.

    Raises:
        Unreadable: the file is damaged or missing.
        OSError: an object store does not answer.
    """
    try:
        source = path if isinstance(path, Path) else io.BytesIO(path.read_bytes())
    except FileNotFoundError as error:
        raise Unreadable(str(error)) from error
    with reading():
        return pl.read_parquet(source, columns=columns)


def readable(path: StorePath) -> bool:
    """Whether all of a parquet file can be read.

    Raises:
        OSError: an object store does not answer.
    """
    try:
        read_file(path)
    except Unreadable:
        return False
    return True


def local_folder(path: StorePath) -> Path:
    """The path of an archive that can forget numbers, which takes a folder of this machine.

    Raises:
        ArchiveError: it is in an object store.
    """
    return require_folder(
        path,
        "forget",
        "copy the archive to a folder, forget the number there, delete the objects with all their "
        "versions, and copy the folder back.",
    )


def require_folder(path: StorePath, action: str, instead: str) -> Path:
    """The path, if it is a folder of this machine.

    Raises:
        ArchiveError: it is in an object store; the message states what to do instead.
    """
    if isinstance(path, Path):
        return path
    raise ArchiveError(
        f"{action} works in a folder of this machine only, and {path} is none: {instead}"
    )
