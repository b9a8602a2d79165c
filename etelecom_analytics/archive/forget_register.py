"""The numbers that an archive has forgotten, as keyed hashes, so that no sync brings them back."""

import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from .. import storage
from ..errors import ArchiveError
from ..logs import CallLogs
from ..phone_numbers import HIDDEN
from .forget_matching import Matcher
from .places import StorePath, local_folder

__all__ = ["REGISTER_FOLDER", "Register", "blank_logs", "write_audit_line"]

REGISTER_FOLDER = "_forgotten"
"""The folder of the register in the folder of an archive."""

_KEY_FILE, _NUMBERS_FILE, _AUDIT_FILE = "key", "numbers.json", "audit.jsonl"
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Register:
    """The hashes of the forgotten numbers, and the key of the archive that made them.

    Attributes:
        folder: the folder of the archive.
        key: the key; it is new, and not yet in a file, if no number was forgotten.
        digests: one HMAC-SHA256 per normal form of a number and per pseudonym.
    """

    folder: StorePath
    key: bytes = field(repr=False)
    digests: frozenset[str] = frozenset()

    @classmethod
    def read(cls, folder: StorePath) -> "Register":
        """The register of an archive; empty if it has forgotten nobody.

        Raises:
            ArchiveError: the key or the register is missing or damaged.
        """
        place = folder / REGISTER_FOLDER
        try:
            key = _read(place / _KEY_FILE)
            content = _read(place / _NUMBERS_FILE)
        except OSError as error:
            raise ArchiveError(f"{place} cannot be read: {storage.reason(error)}.") from error
        if content is None:
            # A key without numbers is left by a crash before the first number was stored.
            return cls(folder=folder, key=_key(key) or secrets.token_bytes(_KEY_BYTES))
        try:
            numbers = json.loads(content)
            key_id, digests = numbers["key_id"], frozenset(map(str, numbers["digests"]))
        except (ValueError, KeyError, TypeError):
            raise ArchiveError(
                f"{place / _NUMBERS_FILE} is damaged: restore it from a backup. Without it, a sync "
                "would bring forgotten numbers back."
            ) from None
        valid = _key(key)
        if valid is None or not hmac.compare_digest(_key_id(valid), key_id):
            raise ArchiveError(
                f"{place / _KEY_FILE} is missing, or is not the key of the forgotten numbers: "
                "restore it from a backup. Without it, a sync would bring these numbers back. If "
                f"it is lost, delete {place / _NUMBERS_FILE}, sync, and forget each number again."
            )
        return cls(folder=folder, key=valid, digests=digests)

    @cached_property
    def matcher(self) -> Matcher:
        """Recognizes the forgotten numbers."""
        return Matcher(known=self.digests, identify=self.digest, key=self.key)

    def digest(self, text: str) -> str:
        """The hash of the normal form of a number, or of a pseudonym."""
        return hmac.digest(self.key, b"number " + text.encode(), "sha256").hex()

    def has(self, person: Iterable[str]) -> bool:
        """Whether a number was forgotten; `person` is what identifies it."""
        return bool(self.digests & {self.digest(each) for each in person})

    def add(self, person: Iterable[str]) -> "Register":
        """The register with one more number, after it was written to disk.

        Raises:
            OSError: it cannot be written.
        """
        digests = self.digests | {self.digest(each) for each in person}
        place = local_folder(self.folder) / REGISTER_FOLDER
        if _key(_read(place / _KEY_FILE)) != self.key:
            storage.write_file(place / _KEY_FILE, self.key.hex().encode())
        if digests != self.digests:
            content = {"key_id": _key_id(self.key), "digests": sorted(digests)}
            storage.write_file(place / _NUMBERS_FILE, json.dumps(content, indent=1).encode())
        return replace(self, digests=digests)


def blank_logs(logs: CallLogs, matcher: Matcher) -> CallLogs:
    """The logs without the numbers of a matcher: calls, query and report."""
    query = logs.query

    def hidden(text: str | None) -> str | None:
        return HIDDEN if text is not None and matcher.occurs(text) else text

    return replace(
        logs,
        calls=matcher.find(logs.calls).blank(logs.calls),
        query=replace(
            query,
            call_number=hidden(query.call_number),
            external_id=hidden(query.external_id),
            external_session_id=hidden(query.external_session_id),
        ),
        report=matcher.blank_report(logs.report),
    )


def write_audit_line(folder: Path, facts: Mapping[str, object]) -> None:
    """Append one line of JSON, with the time, to the audit file of an archive.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / REGISTER_FOLDER / _AUDIT_FILE
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps({"at": now, "what": "forgotten", **facts}) + "\n"
    storage.write_file(path, (_read(path) or b"") + line.encode())


def _read(path: StorePath) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _key(content: bytes | None) -> bytes | None:
    """The key in the content of its file; None if it is missing or damaged."""
    try:
        key = bytes.fromhex((content or b"").decode().strip())
    except ValueError:
        return None
    return key if len(key) == _KEY_BYTES else None


def _key_id(key: bytes) -> str:
    return hmac.digest(key, b"name of the key", "sha256").hex()[:16]
