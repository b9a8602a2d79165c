"""Paths in an object store, with the methods of `pathlib.Path` that an archive uses."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from ..errors import ArchiveError
from .object_options import (
    CLIENT_NAMES,
    STORE_NAMES,
    StorageOptions,
    StoreError,
    object_reason,
)

__all__ = ["ObjectPath", "Overwritten", "load_obstore", "object_path", "read_all"]

_Result = TypeVar("_Result")
_ADDRESS = re.compile(
    r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)+)/?"
)
_CACHED, _READERS = 8_192, 16
_RETRIES, _RETRY_TIME = 5, timedelta(seconds=30)


class Overwritten(StoreError):
    """An object has changed since it was read."""


class _Size(NamedTuple):
    st_size: int


def load_obstore() -> Any:
    """The package obstore.

    Raises:
        ArchiveError: it is not installed.
    """
    try:
        import obstore
        import obstore.exceptions
        import obstore.store
    except ImportError:
        raise ArchiveError(
            "An archive in an object store needs the package obstore: "
            'pip install "etelecom_analytics[s3]"'
        ) from None
    return obstore


def object_path(address: str, options: StorageOptions) -> "ObjectPath":
    """The path of an archive in an object store.

    Raises:
        ArchiveError: it is no such address, or obstore is not installed.
    """
    scheme, _, rest = address.partition("://")
    match = _ADDRESS.fullmatch(f"{scheme.lower()}://{rest}")
    if not match:
        # The address may contain a password, so it is not shown.
        raise ArchiveError(
            "The address of an archive is s3://bucket/name. The bucket has 3 to 63 lower-case "
            "letters, digits, dots and hyphens, and begins and ends with a letter or a digit. The "
            "name has letters, digits and . _ = - in parts separated by /, and no part begins with "
            "a dot. Credentials belong in the environment or in storage_options."
        )
    load_obstore()
    return ObjectPath(bucket=match[1], key=match[2].strip("/"), options=options)


@dataclass(frozen=True)
class ObjectPath:
    """The name of an object, or of all objects below it, as `pathlib.Path` names files and folders.

    Attributes:
        bucket, key: its bucket and its name in it.
        options: the options of the store, which `repr` does not show.
        size, tag: of an object that was listed or read: its bytes, and a text for its content.
    """

    bucket: str
    key: str
    options: StorageOptions = field(default=(), repr=False)
    size: int | None = field(default=None, compare=False, repr=False)
    tag: str | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __repr__(self) -> str:
        return f"ObjectPath({str(self)!r})"

    def __truediv__(self, name: str) -> "ObjectPath":
        return ObjectPath(self.bucket, f"{self.key}/{name}", self.options)

    def __lt__(self, other: "ObjectPath") -> bool:
        return (self.bucket, self.key) < (other.bucket, other.key)

    @property
    def name(self) -> str:
        """The last part of its name."""
        return self.key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The last part of its name without the ending."""
        return self.name.rpartition(".")[0] or self.name

    def with_name(self, name: str) -> "ObjectPath":
        """Another name next to this one."""
        return replace(self, key=self.key[: -len(self.name)] + name, size=None, tag=None)

    def exists(self) -> bool:
        """Whether there is such an object, or one below it."""
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        """Whether there is such an object."""
        obstore = load_obstore()
        try:
            self._call(lambda store: obstore.head(store, self.key))
        except FileNotFoundError:
            return False
        return True

    def is_dir(self) -> bool:
        """Whether there are objects below it."""
        return next(self.below(limit=1), None) is not None

    def iterdir(self) -> Iterator["ObjectPath"]:
        """The objects directly below it."""
        depth = self.key.count("/") + 1
        return (path for path in self.below() if path.key.count("/") == depth)

    def names(self) -> list[str]:
        """The first parts of the names of all objects below it."""
        obstore = load_obstore()
        listing = self._call(lambda store: obstore.list_with_delimiter(store, f"{self.key}/"))
        keys = [*(each["path"] for each in listing["objects"]), *listing["common_prefixes"]]
        return [key.strip("/").rpartition("/")[2] for key in keys]

    def below(
        self, *, after: str | None = None, limit: int | None = None
    ) -> Iterator["ObjectPath"]:
        """All objects below it, by name; with `after`, those after this name."""
        obstore = load_obstore()
        offset = None if after is None else f"{self.key}/{after}"
        pages = self._call(
            lambda store: obstore.list(
                store, f"{self.key}/", offset=offset, chunk_size=limit or 1_000
            )
        )
        # Some servers compare whole names, others begin after the folder of the name.
        while page := self._call(lambda _: next(pages, None)):
            for each in page:
                if offset is None or each["path"] > offset:
                    yield ObjectPath(
                        self.bucket, each["path"], self.options, each["size"], each["e_tag"]
                    )

    def stat(self) -> _Size:
        """Its size."""
        obstore = load_obstore()
        if self.size is not None:
            return _Size(self.size)
        return _Size(self._call(lambda store: obstore.head(store, self.key))["size"])

    def read_bytes(self) -> bytes:
        """The content of the object.

        Raises:
            OSError: it cannot be read; FileNotFoundError if there is none.
        """
        return _content(self, self.tag) if self.tag else self.read()[0]

    def read(self) -> tuple[bytes, str]:
        """The content of the object, and the text that stands for this content."""
        obstore = load_obstore()

        def get(store: Any) -> tuple[bytes, str]:
            result = obstore.get(store, self.key)
            return bytes(result.bytes()), result.meta["e_tag"]

        return self._call(get)

    def write(self, content: bytes, *, tag: str | None = None, new: bool = False) -> None:
        """Write the object in one step.

        Args:
            content: its content.
            tag: only if it has the content for which this text stands.
            new: only if there is no such object.

        Raises:
            Overwritten: it has another content, or exists.
            OSError: it cannot be written.
        """
        obstore = load_obstore()
        mode = {"e_tag": tag} if tag else "create" if new else "overwrite"
        self._call(lambda store: obstore.put(store, self.key, content, mode=mode))

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Delete the object; nothing happens if there is none."""
        obstore = load_obstore()
        del missing_ok  # object stores do not report it
        self._call(lambda store: obstore.delete(store, self.key))

    def rename(self, target: "ObjectPath") -> None:
        """Give the object another name; it has both for a moment."""
        obstore = load_obstore()
        self._call(lambda store: obstore.rename(store, self.key, target.key))

    def _call(self, action: Callable[[Any], _Result]) -> _Result:
        """The result of an action of the store; its errors as those of files.

        They are raised without the error that caused them, which may show a request.
        """
        exceptions = load_obstore().exceptions
        failure: OSError
        try:
            return action(_store(self.bucket, self.options))
        except FileNotFoundError:
            failure = FileNotFoundError(f"there is no object {self}")
        except (exceptions.PreconditionError, exceptions.AlreadyExistsError):
            failure = Overwritten(f"{self} was changed by another process")
        except (exceptions.BaseError, OSError, ValueError) as error:
            failure = StoreError(object_reason(error, self.options))
        raise failure


def read_all(paths: Sequence[ObjectPath]) -> None:
    """Read many listed objects at once, so that `read_bytes` returns at once afterwards."""
    with ThreadPoolExecutor(_READERS, thread_name_prefix="etelecom-objects") as pool:
        list(pool.map(ObjectPath.read_bytes, paths))


@lru_cache(maxsize=_CACHED)
def _content(path: ObjectPath, tag: str) -> bytes:
    """The content of an object; `tag` makes another content another entry of the cache."""
    del tag
    return path.read()[0]


@lru_cache(maxsize=16)
def _store(bucket: str, options: StorageOptions) -> Any:
    values = {name: value for name, value in options if name in STORE_NAMES}
    client = {
        name.removeprefix("aws_"): value == "true" if value in ("true", "false") else value
        for name, value in options
        if name in CLIENT_NAMES
    }
    return load_obstore().store.S3Store(
        bucket,
        config=values or None,
        client_options=client or None,
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_TIME},
    )
