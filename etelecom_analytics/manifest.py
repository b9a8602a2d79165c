"""Manifest: what manifest.json of a snapshot states about its query, its files and their rows."""

import hashlib
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from .errors import SnapshotError
from .fetch_report import FetchReport
from .phone_numbers import printable
from .query import CallQuery
from .schema import SCHEMA_VERSION

__all__ = ["CALLS", "CALL_TARGETS", "MANIFEST", "NAMES", "Manifest", "sha256"]

MANIFEST = "manifest.json"
CALLS, CALL_TARGETS = "calls.parquet", "call_targets.parquet"
NAMES = "names.parquet"
"""The columns of `schema.NAMES`, in the order of the calls; only if the calls have any."""

_FORMAT = "etelecom_analytics snapshot"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The content of manifest.json.

    Attributes:
        query: the query of the calls.
        report: the report of the fetch.
        rows: number of rows by name of the parquet file.
        hashes: SHA-256 by name of the parquet file.
        span: the first and the last start of a call.
        privacy: how numbers were masked, as `Privacy.to_dict` returns it.
    """

    query: CallQuery
    report: FetchReport
    rows: Mapping[str, int]
    hashes: Mapping[str, str]
    span: tuple[datetime | None, datetime | None] = (None, None)
    privacy: Mapping[str, object] | None = None

    def to_bytes(self) -> bytes:
        """The content of the file."""
        first, last = (moment.isoformat() if moment else None for moment in self.span)
        data = {
            "format": _FORMAT,
            "schema_version": SCHEMA_VERSION,
            "package_version": version("etelecom_analytics"),
            "query": self.query.to_dict(),
            "rows": {name.removesuffix(".parquet"): count for name, count in self.rows.items()},
            "span": {"first_started_at": first, "last_started_at": last},
            "report": self.report.to_dict(),
            "privacy": self.privacy,
            "files": {name: {"sha256": digest} for name, digest in self.hashes.items()},
        }
        return (json.dumps(data | {"sha256": _digest(data)}, indent=2) + "\n").encode()

    @classmethod
    def read(cls, content: bytes, folder: Path) -> "Manifest":
        """The manifest in the content of a file.

        Raises:
            SnapshotError: it is not a manifest, was modified, has values of other types, or a newer
                version of this package wrote it.
        """
        try:
            data = json.loads(content, parse_constant=_refuse)
            digest = data.pop("sha256", None)
            if data["format"] != _FORMAT:
                raise ValueError
            if data["schema_version"] > SCHEMA_VERSION:
                raise SnapshotError(
                    f"{folder} was written by etelecom_analytics "
                    f"{printable(str(data['package_version']), max_length=40)} with "
                    f"schema {int(data['schema_version'])}; this version reads schemas up to "
                    f"{SCHEMA_VERSION}: upgrade the package."
                )
            if digest != _digest(data):
                raise ValueError
            names = [CALLS, CALL_TARGETS, *({NAMES} & data["files"].keys())]
            manifest = cls(
                query=CallQuery.from_dict(data["query"]),
                report=FetchReport.from_dict(data["report"]),
                rows={name: data["rows"][name.removesuffix(".parquet")] for name in names},
                hashes={name: data["files"][name]["sha256"] for name in names},
                privacy=data.get("privacy"),
            )
            _check_fields(manifest.report)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SnapshotError(
                f"{folder / MANIFEST} is not the manifest of a snapshot, or was modified: "
                "fetch the calls again."
            ) from error
        return manifest


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _digest(data: Mapping[str, object]) -> str:
    return sha256(json.dumps(data, sort_keys=True).encode())


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _check_fields(value: Any) -> None:
    """Raise a TypeError if a field of a dataclass or a named tuple has another type."""
    names = [each.name for each in fields(value)] if is_dataclass(value) else value._fields
    hints = typing.get_type_hints(type(value))
    for name in names:
        if not _has_type(getattr(value, name), hints[name]):
            raise TypeError(f"{name} has another type")


def _has_type(value: Any, hint: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_has_type(value, each) for each in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_has_type(each, arguments[0]) for each in value)
    if hint is datetime:
        return isinstance(value, datetime) and value.tzinfo is not None
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not isinstance(value, origin or hint):
        return False
    if hasattr(value, "_fields"):
        _check_fields(value)
    return True
