"""Forget a person: remove a phone number from every version of an archive, and from snapshots."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from .. import storage
from ..errors import ArchiveError, ForgetError
from ..logs import CallLogs
from ..manifest import MANIFEST, Manifest
from ..phone_numbers import describe, is_private, normalize, printable, pseudonym
from ..privacy import Privacy
from ..snapshot import read_snapshot, rewrite_snapshot
from .certificates import read_certificates, write_certificates
from .config import ArchiveConfig
from .delta import translate_errors
from .forget_files import Rewriter, data_files
from .forget_log import LogWriter, used_files
from .forget_matching import Matcher, person_of
from .forget_proof import ForgetProof
from .forget_register import Register, blank_logs, write_audit_line
from .forget_search import FileSearch, search_file, search_folder
from .log import LOG, Log
from .places import local_folder
from .rollup_table import remove_rollups
from .table import Table

__all__ = ["checked_number", "forget_number"]

_CERTIFICATES = "_certificates.parquet"
_DIGITS = range(8, 16)
_UNNAMED = re.compile(r"#\d+$|^_commit_.*\.tmp$")
"""Files of the log that a killed writer has not given their names."""


def checked_number(number: object, config: ArchiveConfig) -> str:
    """The number, if it is that of a person.

    Raises:
        ForgetError: it is not a phone number, an extension, or an own number of the archive.
    """
    if not isinstance(number, str):
        raise ForgetError(f"A phone number must be text; got {describe(number)}. {_UNCHANGED}")
    privacy = config.privacy or {}
    kept = privacy.get("own_numbers")
    own = [*config.ivr_numbers, *(kept if isinstance(kept, list) else ())]
    if normalize(number) in {normalize(each) for each in own}:
        raise ForgetError(
            f"The number is an own number of the archive, not a person's. {_UNCHANGED}"
        )
    digits = normalize(number).removeprefix("+")
    is_digits = digits.isascii() and digits.isdigit()
    if is_digits and not pl.select(is_private(pl.lit(number))).item():
        raise ForgetError(f"{describe(number)} is an own extension, not a person's. {_UNCHANGED}")
    if not is_digits or len(digits) not in _DIGITS:
        raise ForgetError(f"{describe(number)} is not a phone number. {_UNCHANGED}")
    return number


def forget_number(
    table: Table,
    number: str,
    *,
    snapshots: Sequence[Path],
    privacies: Iterable[Privacy],
) -> ForgetProof:
    """Forget a number. The caller must hold the lock of the archive, and have repaired its log.

    The order makes it safe to be killed: first the number enters the register, so that no later
    sync brings it back; then new files are written under new names; then one rename replaces the
    log; then what nothing uses any more is removed.

    Raises:
        ForgetError: the number does not occur, or a file that cannot be changed contains it.
        ArchiveError: a data file is damaged, or cannot be written.
        SnapshotError: a snapshot cannot be read or written.
    """
    folder, keys = local_folder(table.folder), _keys(table, snapshots, privacies)
    register = Register.read(folder)
    person = person_of(number, (pseudonym(number, key) for key in keys))
    matcher = Matcher.of_person(person, register.key)
    with translate_errors(folder):
        _remove_leftovers(folder, snapshots)
        before = _search(folder, snapshots, matcher)
        _check_files(table, before)
        if not any(each.hits for each in before) and not register.has(person):
            raise ForgetError(_absent_text(table.config))
        register.add(person)
        change = _Change(table, matcher)
        change.run({each.path for each in before if each.hits}, before)
        remove_rollups(folder)  # not before, as a roll-up may be computed at the same time
    for path in snapshots:
        change.rewrite_snapshot(path)
    after = _search(folder, snapshots, matcher)
    if left := [each for each in after if each.hits or not each.readable]:
        raise ForgetError(_left_text(left))
    proof = ForgetProof(
        at=datetime.now(UTC),
        rows=len(change.ids),
        days=tuple(sorted(change.days)),
        files_rewritten=change.rewritten,
        files_deleted=change.deleted,
        snapshots=change.snapshots,
        files=len(after),
        bytes=sum(each.bytes for each in after),
        hits=sum(each.hits for each in after),
    )
    with translate_errors(folder):
        write_audit_line(folder, proof.to_dict())
    return proof


class _Change:
    """Removes a number from an archive and from snapshots, and counts what it changes."""

    def __init__(self, table: Table, matcher: Matcher) -> None:
        self._table, self._matcher = table, matcher
        self._folder = local_folder(table.folder)
        self.ids: set[str] = set()
        self.days: set[date] = set()
        self.rewritten = self.deleted = self.snapshots = 0

    def run(self, hits: set[Path], searches: Sequence[FileSearch]) -> None:
        """Rewrite the archive; `hits` are the files that contain the number."""
        folder, log = self._folder, Log.read(self._folder)
        used = used_files(log)
        unreadable = {each.path for each in searches if not each.readable}
        for path in data_files(folder):
            # No version can read these: an interrupted writer left them, or an old one is damaged.
            if path not in used or folder / path in unreadable:
                self._delete(path)
        paths = [path for path in data_files(folder) if folder / path in hits]
        files = Rewriter(folder, self._table.config, self._matcher).rewrite(paths) if paths else {}
        self.days = {each.day for each in files.values()}
        self.ids = {call_id for each in files.values() for call_id in each.ids}
        writer = LogWriter(log, files, self.days, self._matcher)
        if files or any(path.is_relative_to(folder / LOG) for path in hits):
            self.rewritten += len(files) + writer.replace(
                {
                    "what": "forgotten",
                    "changed": len(self.ids),
                    "days": [day.isoformat() for day in sorted(self.days)],
                }
            )
        for path in files:
            (folder / path).unlink(missing_ok=True)
        for parent in {(folder / path).parent for path in files}:
            storage.sync_folder(parent)
        if (folder / _CERTIFICATES).exists():
            stored, through = read_certificates(folder)
            changed = [writer.certificate(each) for each in stored.values()]
            if changed != list(stored.values()) or folder / _CERTIFICATES in hits:
                write_certificates(folder, lambda: (changed, through))
                self.rewritten += 1

    def rewrite_snapshot(self, folder: Path) -> None:
        """Replace a snapshot if it contains the number."""
        searches = search_folder(folder, self._matcher)
        if not any(each.hits for each in searches):
            return

        def change(logs: CallLogs) -> CallLogs:
            matches = self._matcher.find(logs.calls)
            self.ids |= set(logs.calls.filter(matches.rows(logs.calls))["id"])
            return blank_logs(logs, self._matcher)

        rewrite_snapshot(folder, change)
        self.snapshots += 1
        self.rewritten += len(searches)

    def _delete(self, path: str) -> None:
        (self._folder / path).unlink(missing_ok=True)
        self.deleted += 1


def _check_files(table: Table, searches: Iterable[FileSearch]) -> None:
    """Raise an `ArchiveError` if a file of the latest version is damaged."""
    files = table.files()
    unreadable = {each.path for each in searches if not each.readable}
    damages = [f"{path} {damage}" for path, _, damage in table.damaged_files(files)]
    damages += [
        f"{path} cannot be read" for path in files["path"] if table.folder / path in unreadable
    ]
    if damages:
        raise ArchiveError(
            f"The archive at {table.folder} is damaged: {damages[0]}. Run archive.repair() "
            "(etelecom verify --repair) and a sync, which fetches the day again; then forget the "
            f"number. {_UNCHANGED}"
        )


def _remove_leftovers(folder: Path, snapshots: Iterable[Path]) -> None:
    """Remove what interrupted writers left, which may contain the number."""
    for target in (folder / LOG, folder / _CERTIFICATES, *snapshots):
        storage.remove_leftovers(target)
    for path in (folder / LOG).iterdir():
        if path.is_file() and _UNNAMED.search(path.name):
            storage.remove(path)
    Rewriter.remove_leftovers(folder)


def _search(folder: Path, snapshots: Iterable[Path], matcher: Matcher) -> list[FileSearch]:
    """The searches of the archive, of the snapshots, and of what writers left next to these."""
    searches = search_folder(folder, matcher)
    for path in snapshots:
        searches += search_folder(path, matcher)
        for each in storage.leftovers(path, "new", "old"):
            searches += (
                search_folder(each, matcher) if each.is_dir() else [search_file(each, matcher)]
            )
    return searches


def _keys(table: Table, snapshots: Iterable[Path], privacies: Iterable[Privacy]) -> list[bytes]:
    """The keys of all pseudonyms that the archive and the snapshots may contain.

    Raises:
        ForgetError: a key is missing.
    """
    keys: dict[object, bytes] = {}
    for each in privacies:
        if isinstance(each.key, bytes):
            keys[each.to_dict().get("key_id")] = each.key
    stated = [(table.folder, table.config.privacy)]
    for path in snapshots:
        read_snapshot(path)
        stated.append((path, Manifest.read((path / MANIFEST).read_bytes(), path).privacy))
    for place, privacy in stated:
        if privacy and privacy.get("key_id") not in {None, *keys}:
            raise ForgetError(
                f"{place} contains pseudonyms of another key. Pass its privacy with the key "
                f"(etelecom: set ETELECOM_PRIVACY_KEY). {_UNCHANGED}"
            )
    return list(keys.values())


_UNCHANGED = "Nothing was changed."


def _absent_text(config: ArchiveConfig) -> str:
    text = "The number does not occur in the archive, nor in the snapshots."
    if config.privacy and config.privacy.get("numbers") == "masked":
        text += " The archive has masked numbers, which belong to no single person."
    return f"{text} {_UNCHANGED}"


def _left_text(left: Sequence[FileSearch]) -> str:
    names = ", ".join(printable(str(each.path)) for each in left[:3])
    return (
        f"{len(left):,} files still contain the number or cannot be read, and are not files of an "
        f"archive: {names}. Delete them, then forget the number again: everything else is done."
    )
