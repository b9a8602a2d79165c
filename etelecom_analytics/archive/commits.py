"""Commits of a table: which one a writer has just made, and waiting until they are on disk."""

import json
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from ..errors import ArchiveError
from .log import HINT, LOG, Commit, Log
from .places import StorePath, place_of

__all__ = ["own_commit", "sync_commits", "sync_versions"]


def own_commit(folder: StorePath, before: int, metadata: Mapping[str, object]) -> Commit:
    """The commit with this metadata after the version `before`, read back from its file."""
    written = json.loads(json.dumps(metadata))
    for commit in reversed(list(Log.read(folder, since=before).commits.values())):
        if commit.metadata == written:
            return commit
    raise ArchiveError(f"A commit to the archive at {folder} cannot be read back.")


def sync_commits(folder: StorePath, commits: Iterable[Commit]) -> None:
    """Wait until these commits and their data files are on disk, readable by the owner only."""
    place = place_of(folder)
    for commit in commits:
        paths = [folder / unquote(path) for path in commit.paths]
        days = {unquote(path).rpartition("/")[0] for path in commit.paths}
        place.sync(paths, [folder / day for day in sorted(days)])
        place.sync([folder / LOG / f"{commit.version:020}.json"])


def sync_versions(folder: StorePath, since: int, until: int | None = None) -> None:
    """Wait until the folders of a table are on disk, with what was written after a version.

    Args:
        folder: the folder of the archive.
        since: the version.
        until: the last version whose commit and data files to wait for; by default, the latest.
    """
    place = place_of(folder)
    if not place.has_disk:
        return
    log = Log.read(folder, since=since)
    end = log.last if until is None else until
    sync_commits(folder, [each for each in log.commits.values() if each.version <= end])
    checkpoints = [each for version, each in log.checkpoints.items() if version >= since]
    place.sync((*sum(checkpoints, ()), folder / LOG / HINT), [folder / LOG, folder])
