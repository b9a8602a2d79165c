"""ArchiveStatus: what an archive contains, and what is missing from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .. import local_time
from ..fetch_report import Gap
from ..formatting import facts_html, facts_text
from ..language import date_text, ntr, number, tr
from .certificates import Certificate
from .places import place_of
from .table import Table

__all__ = ["ArchiveStatus", "archive_status", "missing_parts"]

_MAX_GAPS = 5


@dataclass(frozen=True, kw_only=True, repr=False)
class ArchiveStatus:
    """Contents of an archive.

    Attributes:
        version: the latest version.
        days: number of local days that were fetched, including days without calls.
        rows: number of calls.
        first_day, last_day: the first and the last day fetched; None if there are none.
        complete_through: all calls from the start of the first day to this moment are stored.
        gaps: the missing parts after that, up to the end of the last day.
        bytes: size of the files of this version.
        bytes_on_disk: size of the folder, which includes the files of older versions.
        files: number of files of this version.
        running: number of calls without an end.
        time_zone: time zone of the days.

    Examples:
        >>> import tempfile
        >>> with (
        ...     tempfile.TemporaryDirectory() as folder,
        ...     et.simulator.serve(et.sample_logs().calls) as server,
        ... ):
        ...     client = et.Client(server.base_url, server.api_key)
        ...     archive = et.Archive(folder)
        ...     report = archive.sync(
        ...         client, since="2026-11-02", until="2026-11-04", progress=False
        ...     )
        ...     status = archive.status()
        >>> status.days, status.rows, status.last_day.isoformat()
        (2, 161, '2026-11-03')
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
            local = moment.astimezone(local_time.zone(self.time_zone))
            return f"{date_text(local)} {local.isoformat(sep=' ', timespec='minutes')[11:]}"

        yield (
            tr("calls", context="fact"),
            tr(
                "{calls} on {days} days, {first_day} to {last_day} ({time_zone})",
                calls=self.rows,
                days=self.days,
                first_day=self.first_day,
                last_day=self.last_day,
                time_zone=self.time_zone,
            ),
        )
        if self.complete_through and self.first_day:
            is_none = self.complete_through <= local_time.midnight(self.first_day, self.time_zone)
            moment = local(self.complete_through)
            text = tr("none") if is_none else tr("through {moment}", moment=moment)
            yield tr("complete", context="fact"), text
        missing = tr("missing", context="fact")
        for gap in self.gaps[:_MAX_GAPS]:
            yield missing, tr("{begin} to {end}", begin=local(gap.begin), end=local(gap.end))
        if (more := len(self.gaps) - _MAX_GAPS) > 0:
            yield missing, ntr("and {n} more part", "and {n} more parts", more)
        if self.running:
            text = tr("{n} without an end", n=self.running)
            yield tr("running", context="fact"), text
        yield (
            tr("size", context="fact"),
            tr(
                "{size} MB in {files} files; {size_on_disk} MB on disk with older versions",
                size=number(self.bytes / 1e6, ",.1f"),
                files=self.files,
                size_on_disk=number(self.bytes_on_disk / 1e6, ",.1f"),
            ),
        )
        yield tr("version", context="fact"), str(self.version)

    def __repr__(self) -> str:
        return facts_text("ArchiveStatus", self._facts())

    def _repr_html_(self) -> str:
        return facts_html("ArchiveStatus", self._facts())


def archive_status(table: Table, certificates: Mapping[date, Certificate]) -> ArchiveStatus:
    """The status of an archive, from its files and the certificates of its days."""
    files, zone = table.files(), table.config.time_zone
    days = sorted(certificates)
    gaps = missing_parts(certificates, days[0], days[-1], zone) if days else ()
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
        bytes_on_disk=place_of(table.folder).bytes_below(table.folder),
        files=files.height,
        running=sum(each.report.running for each in certificates.values()),
        time_zone=zone,
    )


def missing_parts(
    certificates: Mapping[date, Certificate], first: date, last: date, time_zone: str
) -> tuple[Gap, ...]:
    """The parts from the first day to the last that were not fetched, adjacent ones merged.

    They are days without a certificate, and the rest of each day that was fetched before its end.
    """
    gaps: list[Gap] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        begin = local_time.midnight(day, time_zone)
        end = local_time.midnight(day + timedelta(days=1), time_zone)
        complete_to = certificates[day].complete_to if day in certificates else begin
        if complete_to >= end:
            continue
        gap = Gap(max(begin, complete_to), end)
        if gaps and gaps[-1].end == gap.begin:
            gap = Gap(gaps.pop().begin, gap.end)
        gaps.append(gap)
    return tuple(gaps)
