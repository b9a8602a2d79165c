"""The log of an archive: what each commit did, and which of its files a crash has damaged."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import ArchiveError
from ..language import tr
from .places import StorePath, place_of, read_file, readable
from .problems import Problem

__all__ = [
    "COMMIT_KEY",
    "HINT",
    "LOG",
    "Commit",
    "DamagedLog",
    "Log",
    "check_log",
    "damage_text",
    "has_versions",
    "repair_log",
]

COMMIT_KEY = "etelecom"
"""Key of a commit's metadata, which is stored as JSON."""

LOG, HINT = "_delta_log", "_last_checkpoint"
"""The folder of the log, and the file in it that names the latest checkpoint."""
_COMMIT = re.compile(r"(\d{20})\.json")
_DAMAGES = (ValueError, KeyError, TypeError, AttributeError)
"""What reading a damaged commit raises."""
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint.*\.parquet")


class DamagedLog(ArchiveError):
    """The log of an archive cannot be read; `repair_log` may mend it."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One version of an archive.

    Attributes:
        version: its number.
        info: who wrote it, when and with which operation.
        metadata: what this package states about it; empty if another engine wrote it.
        properties: the properties of the table, if the commit sets them.
        paths: the files that it adds, relative to the folder of the archive.
    """

    version: int
    info: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, str] | None = None
    paths: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: StorePath) -> "Commit":
        """The commit in a file.

        Raises:
            ValueError: the file is not a whole commit.
            OSError: it cannot be read.
        """
        actions = [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
        if not actions or not all(isinstance(action, dict) for action in actions):
            raise ValueError("no actions")
        info: dict[str, Any] = {}
        properties, paths, removed = None, list[str](), 0
        for action in actions:
            info |= action.get("commitInfo") or {}
            if "metaData" in action:
                properties = action["metaData"].get("configuration") or {}
            if "add" in action:
                paths.append(action["add"]["path"])
            removed += "remove" in action
        counts = info.get("operationMetrics") or {}
        if len(paths) < int(counts.get("num_added_files", 0)):
            raise ValueError("fewer files than it states")
        metadata = json.loads(info.get(COMMIT_KEY) or "{}")
        return cls(
            version=int(path.stem),
            info=info,
            metadata=metadata if isinstance(metadata, dict) else {},
            properties=properties,
            paths=tuple(paths),
        )


@dataclass(frozen=True, kw_only=True)
class Log:
    """All commits and checkpoints of an archive.

    Attributes:
        folder: the folder of the archive.
        commits: the readable commits by version, oldest first.
        torn: the versions whose commit is not readable.
        checkpoints: the files of all checkpoints by version, oldest first.
    """

    folder: StorePath
    commits: Mapping[int, Commit]
    torn: Sequence[int]
    checkpoints: Mapping[int, tuple[StorePath, ...]]

    @classmethod
    def read(cls, folder: StorePath, *, since: int = -1) -> "Log":
        """The log of an archive, with the commits after the version `since`.

        Raises:
            OSError: the folder cannot be read.
        """
        commits, torn = dict[int, Commit](), list[int]()
        checkpoints: dict[int, tuple[StorePath, ...]] = {}
        paths = _files(folder)
        place_of(folder).read_soon(
            [
                path
                for path in paths
                if (commit := _COMMIT.fullmatch(path.name)) and int(commit[1]) > since
            ]
        )
        for path in paths:
            if match := _CHECKPOINT.fullmatch(path.name):
                checkpoints[int(match[1])] = (*checkpoints.get(int(match[1]), ()), path)
            elif (match := _COMMIT.fullmatch(path.name)) and int(match[1]) > since:
                try:
                    commits[int(match[1])] = Commit.read(path)
                except _DAMAGES:
                    torn.append(int(match[1]))
        return cls(folder=folder, commits=commits, torn=torn, checkpoints=checkpoints)

    @property
    def begin(self) -> int:
        """The first version whose commit exists; older ones may have been deleted."""
        return min([*self.commits, *self.torn], default=0)

    @property
    def last(self) -> int:
        """The last version; -1 if there is none."""
        return max([*self.commits, *self.torn, *self.checkpoints], default=-1)

    @property
    def properties(self) -> Mapping[str, str] | None:
        """The properties of the table, from the latest commit or checkpoint that has them."""
        for commit in reversed(list(self.commits.values())):
            if commit.properties is not None:
                return commit.properties
        for path in reversed([path for paths in self.checkpoints.values() for path in paths]):
            if readable(path):
                rows = read_file(path, ["metaData"]).drop_nulls()["metaData"]
                for row in rows:
                    if row and row.get("configuration") is not None:
                        pairs = row["configuration"]
                        return {pair["key"]: pair["value"] for pair in pairs}
        return None

    def damaged_checkpoints(self, *, distrust: bool = False) -> Iterator[tuple[int, StorePath]]:
        """The version and the file of each damaged checkpoint; of all of them with `distrust`."""
        for version, paths in self.checkpoints.items():
            yield from ((version, path) for path in paths if distrust or not readable(path))

    def problems(self, *, distrust: bool = False) -> list[Problem]:
        """One problem per damaged file of the log.

        Args:
            distrust: count every checkpoint as damaged, because the table cannot be opened.
        """
        torn = [
            Problem(
                "torn commit",
                f"{LOG}/{version:020}.json",
                tr(
                    "Version {version} is cut off or empty: what it wrote is lost.",
                    version=str(version),
                ),
            )
            for version in self.torn
        ]
        checkpoints = [
            Problem(
                "damaged checkpoint",
                f"{LOG}/{path.name}",
                tr("The checkpoint of version {version} cannot be read.", version=str(version)),
            )
            for version, path in self.damaged_checkpoints(distrust=distrust)
        ]
        return torn + checkpoints


def _files(folder: StorePath) -> list[StorePath]:
    """The files of the log, by name."""
    paths: Iterator[StorePath] = (folder / LOG).iterdir()
    return sorted(paths, key=lambda path: path.name)


def has_versions(folder: StorePath) -> bool:
    """Whether a folder has a Delta table.

    Raises:
        OSError: the folder cannot be read.
    """
    try:
        names = [path.name for path in (folder / LOG).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return False
    return any(_COMMIT.fullmatch(name) or _CHECKPOINT.fullmatch(name) for name in names)


def check_log(folder: StorePath) -> None:
    """Check the sizes of all commits, and the latest commit itself. This takes milliseconds.

    Raises:
        DamagedLog: an empty commit, or a latest commit that is cut off.
        OSError: the folder cannot be read.
    """
    paths = [path for path in _files(folder) if _COMMIT.fullmatch(path.name)]
    for path in paths:
        if not path.stat().st_size:
            raise DamagedLog(damage_text(folder, f"version {int(path.stem)} is empty"))
    if paths:
        try:
            Commit.read(paths[-1])
        except _DAMAGES:
            text = f"version {int(paths[-1].stem)} is cut off"
            raise DamagedLog(damage_text(folder, text)) from None


def damage_text(folder: StorePath, text: str) -> str:
    """The message of a `DamagedLog`."""
    return (
        f"The archive at {folder} is damaged: {text}. A sync repairs it and fetches the days that "
        "were lost; archive.repair() (etelecom verify --repair) repairs it without a fetch."
    )


def repair_log(folder: StorePath, *, distrust: bool = False) -> list[Problem]:
    """Repair the log, and return the problems that it had. The caller must hold the lock.

    A torn commit at the end of a log that can be locked is dropped. Another one, or one with a
    checkpoint of its version, is replaced by an empty commit, because what follows depends on its
    number. A damaged checkpoint is deleted: the commits contain the same.

    Args:
        folder: the folder of the archive.
        distrust: delete every checkpoint, because the table cannot be opened.

    Raises:
        ArchiveError: the commits that a damaged file stands for no longer exist.
        OSError: a file cannot be written.
    """
    if not (folder / LOG).is_dir():
        return []
    log = Log.read(folder)
    problems = log.problems(distrust=distrust)
    if not problems:
        return []
    place = place_of(folder)
    torn, damaged = list(log.torn), dict[int, list[StorePath]]()
    for version, path in log.damaged_checkpoints(distrust=distrust):
        damaged.setdefault(version, []).append(path)
    base = max(set(log.checkpoints) - set(damaged), default=-1)
    while torn and torn[-1] > max([*log.commits, base], default=-1) and place.has_disk:
        (folder / LOG / f"{torn.pop():020}.json").unlink()
    needed = range(base + 1, max([*log.commits, *torn], default=base) + 1)
    kept = {*log.commits, *torn}
    if not all(version in kept for version in needed) or (base < 0 and 0 in torn):
        raise ArchiveError(
            f"The log of {folder} cannot be repaired: {problems[0].detail} Older versions that "
            "would replace it were deleted. Create another archive, and keep this one: its parquet "
            "files still contain the calls."
        )
    for version in torn:
        _replace_with_empty_commit(folder / LOG / f"{version:020}.json", version)
    for paths in damaged.values():
        for path in paths:
            path.unlink()
    if damaged:
        (folder / LOG / HINT).unlink(missing_ok=True)
    place.sync([], [folder / LOG])
    return problems


def _replace_with_empty_commit(path: StorePath, version: int) -> None:
    metadata = json.dumps({"what": "lost", "version": version})
    info = {
        "timestamp": int(time.time() * 1000),
        "operation": "WRITE",
        "operationParameters": {"mode": "Append"},
        COMMIT_KEY: metadata,
    }

    def content() -> bytes | None:
        return None if _is_whole(path) else json.dumps({"commitInfo": info}).encode() + b"\n"

    place_of(path).update(path, content)


def _is_whole(path: StorePath) -> bool:
    try:
        Commit.read(path)
    except _DAMAGES:
        return False
    return True
