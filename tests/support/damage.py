"""Ways in which a crash or a disk damages an archive, and a week of calls to try them on."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import deltalake
import deltalake.exceptions

from etelecom_analytics.archive.places import readable

__all__ = ["DAMAGES", "last_commit", "week"]


def week(calls_per_day: int, days: int = 7) -> list[dict[str, Any]]:
    """Rows of a week, with the same number of calls on each day."""
    begin = datetime(2024, 1, 1, 3, tzinfo=UTC)
    return [
        {
            "id": str(1 + 1_000 * day + number),
            "started_at": (begin + timedelta(days=day, minutes=number)).isoformat(),
            "caller": "0912345678",
            "direction": "in",
        }
        for day in range(days)
        for number in range(calls_per_day)
    ]


def last_commit(folder: Path) -> Path:
    """The file of the latest commit."""
    return max((folder / "_delta_log").glob("*.json"))


def _middle_commit(folder: Path) -> Path:
    return sorted((folder / "_delta_log").glob("*.json"))[3]


def _data_file(folder: Path) -> Path:
    return min(folder.glob("local_day=*/*.parquet"))


def _checkpoint(folder: Path) -> Path:
    deltalake.DeltaTable(folder).create_checkpoint()
    return min((folder / "_delta_log").glob("*.checkpoint.parquet"))


def _empty(find: Callable[[Path], Path]) -> Callable[[Path], None]:
    return lambda folder: find(folder).write_bytes(b"") and None


def _cut(find: Callable[[Path], Path]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = find(folder)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return damage


def _cut_after_first_line(folder: Path) -> None:
    path = last_commit(folder)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


def _junk(find: Callable[[Path], Path]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = find(folder)
        path.write_bytes(b"\0" * path.stat().st_size)

    return damage


def _count_of_rows_wrong(folder: Path) -> None:
    """One byte, which Polars passes over; deltalake cannot read the checkpoint."""
    path = _checkpoint(folder)
    content = path.read_bytes()
    for place in range(4, len(content) - 8):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        if _only_deltalake_fails(path, folder):
            return
    raise AssertionError("no byte is read by deltalake alone")


def _only_deltalake_fails(checkpoint: Path, folder: Path) -> bool:
    if not readable(checkpoint):
        return False
    try:
        deltalake.DeltaTable(folder)
    except deltalake.exceptions.DeltaError:
        return True
    return False


def _several_empty_commits(folder: Path) -> None:
    for path in sorted((folder / "_delta_log").glob("*.json"))[-3:]:
        path.write_bytes(b"")


DAMAGES: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "last commit empty": (_empty(last_commit), "torn commit"),
    "last commit cut": (_cut(last_commit), "torn commit"),
    "last commit cut after a line": (_cut_after_first_line, "torn commit"),
    "last commit zeros": (_junk(last_commit), "torn commit"),
    "three last commits empty": (_several_empty_commits, "torn commit"),
    "middle commit empty": (_empty(_middle_commit), "torn commit"),
    "middle commit cut": (_cut(_middle_commit), "torn commit"),
    "data file empty": (_empty(_data_file), "damaged file"),
    "data file cut": (_cut(_data_file), "damaged file"),
    "data file zeros": (_junk(_data_file), "damaged file"),
    "data file missing": (lambda folder: _data_file(folder).unlink(), "damaged file"),
    "checkpoint junk": (_junk(_checkpoint), "damaged checkpoint"),
    "checkpoint with a wrong byte": (_count_of_rows_wrong, "damaged checkpoint"),
    "checkpoint empty": (_empty(_checkpoint), "damaged checkpoint"),
    "checkpoint cut": (_cut(_checkpoint), "damaged checkpoint"),
}
"""A function that damages the archive in a folder, and the problem that `verify` reports."""
