"""ArchiveStatus: what an archive holds, and what it lacks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from .. import local_time
from ..fetch_report import Gap
from ..formatting import facts_html, facts_text
from .certificates import Certificate
from .table import Table

__all__ = ["ArchiveStatus", "status_of"]

_MOST_GAPS = 5


@dataclass(frozen=True, kw_only=True, repr=False)
class ArchiveStatus:
    """What an archive holds.

    Attributes:
        version: the latest version.
        days: local days that were fetched, those without calls included.
        rows: calls.
        first_day, last_day: the first and the last of these days; None where there are none.
        complete_through: from the first day on, all calls that began before this moment are here.
        gaps: what is missing after that, up to the end of the last day.
        bytes: what the files of this version take.
        bytes_on_disk: what the folder takes, with what older versions need.
        files: how many files this version has.
        running: calls without an end.
        time_zone: whose days are meant.
    """

    version: int
    days: int
    rows: int
    first_day: date | None
    last_day: date | None
    complete_through: datetime | None
    gaps: tuple[Gap, ...]
    bytes: int
    bytes_on_disk: int
    files: int
    running: int
    time_zone: str

    def _facts(self) -> Iterable[tuple[str, str]]:
        def local(moment: datetime) -> str:
            return moment.astimezone(local_time.zone(self.time_zone)).isoformat(
                sep=" ", timespec="minutes"
            )

        yield (
            "calls",
            f"{self.rows:,} of {self.days:,} days, {self.first_day} to {self.last_day} ({self.time_zone})",
        )
        if self.complete_through:
            yield "complete", f"through {local(self.complete_through)}"
        for gap in self.gaps[:_MOST_GAPS]:
            yield "not here", f"{local(gap.begin)} to {local(gap.end)}"
        if (more := len(self.gaps) - _MOST_GAPS) > 0:
            yield "not here", f"and {more} more parts: see .gaps"
        if self.running:
            yield "running", f"{self.running:,} without an end"
        yield (
            "size",
            f"{self.bytes / 1e6:,.1f} MB in {self.files:,} files; {self.bytes_on_disk / 1e6:,.1f} MB on disk with older versions",
        )
        yield "version", str(self.version)

    def __repr__(self) -> str:
        return facts_text("ArchiveStatus", self._facts())

    def _repr_html_(self) -> str:
        return facts_html("ArchiveStatus", self._facts())


def status_of(table: Table, certificates: Mapping[date, Certificate]) -> ArchiveStatus:
    """What the table holds, by its files and the certificates of its days."""
    files, zone = table.files(), table.charter.time_zone
    days = sorted(certificates)
    gaps = gaps_of(certificates, days[0], days[-1], zone) if days else ()
    end = local_time.midnight(days[-1] + timedelta(days=1), zone) if days else None
    return ArchiveStatus(
        version=table.version,
        days=len(days),
        rows=int(files["rows"].sum()),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        complete_through=gaps[0].begin if gaps else end,
        gaps=gaps,
        bytes=int(files["bytes"].sum()),
        bytes_on_disk=_size(table.folder),
        files=files.height,
        running=sum(each.report.running for each in certificates.values()),
        time_zone=zone,
    )


def gaps_of(
    certificates: Mapping[date, Certificate], first: date, last: date, time_zone: str
) -> tuple[Gap, ...]:
    """What is missing from the first day to the last: days that were not fetched, and what had not happened when they were."""
    gaps: list[Gap] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        begin, end = (
            local_time.midnight(day, time_zone),
            local_time.midnight(day + timedelta(days=1), time_zone),
        )
        here_to = certificates[day].report.complete_to if day in certificates else begin
        if here_to >= end:
            continue
        hole = Gap(max(begin, here_to), end)
        if gaps and gaps[-1].end == hole.begin:
            hole = Gap(gaps.pop().begin, hole.end)
        gaps.append(hole)
    return tuple(gaps)


def _size(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # a writer is at work
            continue
    return size
