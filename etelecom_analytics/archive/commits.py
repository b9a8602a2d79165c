"""Commits of a table: which one a writer has just made, and waiting until they are on disk."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote

from .. import storage
from ..errors import ArchiveError
from .log import LOG, Commit, Log

__all__ = ["own_commit", "sync_commits", "sync_private"]


def own_commit(folder: Path, before: int, metadata: Mapping[str, object]) -> Commit:
    """The commit with this metadata after the version `before`, read back from its file."""
    written = json.loads(json.dumps(metadata))
    for commit in reversed(list(Log.read(folder, since=before).commits.values())):
        if commit.metadata == written:
            return commit
    raise ArchiveError(f"A commit to the archive at {folder} cannot be read back.")


def sync_commits(folder: Path, commits: Iterable[Commit]) -> None:
    """Wait until these commits and their data files are on disk, readable by the owner only."""
    for commit in commits:
        paths = [folder / unquote(path) for path in commit.paths]
        paths = [path for path in paths if path.exists()]  # later versions need not have it
        for path in paths:
            sync_private(path)
        for parent in {path.parent for path in paths}:
            storage.sync_folder(parent)
        sync_private(folder / LOG / f"{commit.version:020}.json")


def sync_private(path: Path) -> None:
    """Make a file readable by its owner only, and wait until it is on disk."""
    path.chmod(storage.FILE_MODE)
    storage.sync_file(path)
