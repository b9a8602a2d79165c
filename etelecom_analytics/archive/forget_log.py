"""The log of an archive after a number was forgotten: every version has the new data files.

The new log is a whole folder, which replaces the old one in one step. So each version of the
archive is as it was before, or has forgotten the number; nothing is in between.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

from .. import storage
from .certificates import Certificate
from .delta import load_deltalake
from .forget_files import DataFile
from .forget_matching import Matcher
from .log import COMMIT_KEY, HINT, LOG, Log
from .places import local_folder

__all__ = ["LogWriter", "recover_log", "used_files"]

_MAPS = ("partitionValues", "tags", "options", "configuration")
"""Maps of a checkpoint, which some versions of Polars read as lists of pairs."""
_FIRST = f"{0:020}"


def recover_log(folder: Path) -> None:
    """Restore the log of an archive if a crash came between two renames.

    Only systems that cannot exchange two names need two renames.
    """
    if (folder / LOG).exists() or not folder.is_dir():
        return
    for backup in storage.leftovers(folder / LOG, "old"):
        with storage.in_use(backup) as locked, suppress(OSError):
            if locked is not False:
                backup.rename(folder / LOG)
                return


def used_files(log: Log) -> frozenset[str]:
    """The data files that any version of an archive uses or once used."""
    paths: set[str] = set()
    for version in log.commits:
        content = (log.folder / LOG / f"{version:020}.json").read_bytes()
        for action in map(json.loads, filter(bytes.strip, content.splitlines())):
            paths |= {action[kind]["path"] for kind in ("add", "remove") if kind in action}
    for path in [path for paths in log.checkpoints.values() for path in paths]:
        for action in _checkpoint_actions([local_folder(path)]):
            paths |= {each["path"] for kind, each in action.items() if kind in ("add", "remove")}
    return frozenset(map(unquote, paths))


class LogWriter:
    """Writes the log of an archive again.

    Args:
        log: the log.
        files: the new data file for each one that is replaced.
        days: the days to mark.
        matcher: recognizes the number.
    """

    def __init__(
        self,
        log: Log,
        files: Mapping[str, DataFile],
        days: Collection[date],
        matcher: Matcher,
    ) -> None:
        self._log, self._files, self._days, self._matcher = log, files, days, matcher
        self._changed = 0

    def replace(self, metadata: Mapping[str, object]) -> int:
        """Replace the log by one without the number, and with one more commit.

        Returns the number of files that differ.

        Args:
            metadata: what the commit states.

        Raises:
            OSError: it cannot be written; the old log is unchanged.
        """
        folder = local_folder(self._log.folder)
        target = folder / LOG
        with storage.staged(target, is_folder=True) as new:
            for version in self._log.commits:
                self._copy(target / f"{version:020}.json", new, self._commit)
            for version, paths in self._log.checkpoints.items():
                self._write_checkpoint(version, [local_folder(path) for path in paths], new)
            last = self._log.last + 1
            storage.write_content(new / f"{last:020}.json", _empty_commit(metadata))
            storage.sync_folder(new)
            if not storage.exchange(new, target):
                old = storage.temporary_path(target, "old")
                with storage.in_use(target):
                    storage.move(target, old)
                    storage.move(new, target)
                storage.remove(old)
            storage.sync_folder(folder)
        return self._changed

    def _copy(self, source: Path, new: Path, change: Callable[[bytes], bytes]) -> None:
        """Copy a file of the log with its times; a link is enough if it does not change."""
        content, target = source.read_bytes(), new / source.name
        changed = change(content)
        if changed == content:
            try:
                os.link(source, target)
                return
            except OSError:  # a file system without hard links
                pass
        self._changed += changed != content
        storage.write_content(target, changed)
        shutil.copystat(source, target)

    def _commit(self, content: bytes) -> bytes:
        return b"".join(self._line(line) for line in content.splitlines(keepends=True))

    def _line(self, line: bytes) -> bytes:
        action = json.loads(line) if line.strip() else {}
        changed = self._action(action)
        return line if changed == action else json.dumps(changed).encode() + b"\n"

    def _action(self, action: Mapping[str, Any]) -> dict[str, Any]:
        """The action without the number."""
        changed = dict(action)
        for kind in ("add", "remove"):
            file = self._files.get(unquote(action[kind]["path"])) if kind in action else None
            if file:
                changed[kind] = {**action[kind], "path": file.path}
                sizes = {"size": file.size, "stats": file.stats}
                changed[kind] |= {
                    name: each for name, each in sizes.items() if name in action[kind]
                }
        if text := action.get("commitInfo", {}).get(COMMIT_KEY):
            metadata = json.loads(text)
            if isinstance(metadata, dict) and metadata.get("what") == "day":
                metadata["certificate"] = self._certificate_text(metadata["certificate"])
            if metadata != json.loads(text):
                changed["commitInfo"] = {**action["commitInfo"], COMMIT_KEY: json.dumps(metadata)}
        return changed

    def _certificate_text(self, text: str) -> str:
        certificate = Certificate.from_json(text)
        changed = self.certificate(certificate)
        return text if changed == certificate else changed.to_json()

    def certificate(self, certificate: Certificate) -> Certificate:
        """The certificate without the number, and with the mark if its day changes."""
        return replace(
            certificate,
            report=self._matcher.blank_report(certificate.report),
            forgotten=certificate.forgotten or certificate.day in self._days,
        )

    def _write_checkpoint(self, version: int, paths: Sequence[Path], new: Path) -> None:
        """Write a checkpoint: deltalake makes one of a log that has all its actions."""
        actions = _checkpoint_actions(paths)
        changed = [self._action(action) for action in actions]
        hint = paths[0].parent / HINT
        is_last = hint.exists() and version == max(self._log.checkpoints)
        if changed == actions:
            for path in paths:
                self._copy(path, new, bytes)
            if is_last:
                self._copy(hint, new, bytes)
            return
        self._changed += 1
        folder = new / f".checkpoint-{version}"
        storage.make_folder(folder / LOG, sync=False)
        lines = "".join(json.dumps(action) + "\n" for action in changed)
        storage.write_content(folder / LOG / f"{_FIRST}.json", lines.encode())
        load_deltalake().DeltaTable(folder).create_checkpoint()
        target = new / f"{version:020}.checkpoint.parquet"
        storage.move(folder / LOG / f"{_FIRST}.checkpoint.parquet", target)
        target.chmod(storage.FILE_MODE)
        storage.sync_file(target)
        if is_last:
            content = json.loads((folder / LOG / HINT).read_bytes()) | {"version": version}
            storage.write_content(new / HINT, json.dumps(content).encode())
        shutil.rmtree(folder)


def _checkpoint_actions(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """The actions of a checkpoint, each as in a commit; without fields that are null."""
    return [
        {kind: _plain(value) for kind, value in row.items() if value is not None}
        for path in paths
        for row in pl.read_parquet(path, hive_partitioning=False).iter_rows(named=True)
    ]


def _plain(value: Any, name: str = "") -> Any:
    if isinstance(value, list) and name in _MAPS:
        return {pair["key"]: pair["value"] for pair in value}
    if isinstance(value, dict):
        return {
            key: _plain(each, key)
            for key, each in value.items()
            if each is not None or (name in _MAPS)
        }
    return value


def _empty_commit(metadata: Mapping[str, object]) -> bytes:
    info = {
        "timestamp": int(time.time() * 1000),
        "operation": "WRITE",
        "operationParameters": {"mode": "Append"},
        COMMIT_KEY: json.dumps(metadata),
    }
    return json.dumps({"commitInfo": info}).encode() + b"\n"
