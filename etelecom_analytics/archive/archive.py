"""Archive: years of calls in a folder, readable by any engine that reads Delta Lake or parquet."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from .. import local_time
from ..api.client import Client
from ..api.fetch import MAX_WORKERS
from ..errors import ArchiveError, InputError
from ..logs import CallLogs
from ..privacy import Privacy
from ..query import CallQuery
from ..snapshot import check_destination, write_snapshot
from .certificates import certificates_table, write_certificates
from .config import ArchiveConfig, from_stored_rows, leave_unmasked
from .days import days_to_fetch, parse_day, parse_duration
from .extract import extract_logs, local_days
from .folder import exclusive_lock, make_folder
from .history import CALL_MEASURES, ArchiveDiff, compare_versions, versions_table
from .status import ArchiveStatus, archive_status
from .sync import SyncReport, load_certificates, run_sync
from .table import Table

__all__ = ["Archive"]


class Archive:
    """A Delta Lake table of calls in a folder, partitioned by local day.

    The first `sync` creates the folder. Later, the configuration cannot be changed: omitted
    arguments take the stored values, and other values raise an error. The key of a privacy is not
    stored, so a pseudonymized archive needs its `privacy` for each sync, but not for reading.

    Args:
        path: the folder.
        time_zone: the time zone of the daily partitions and of the flat facts; by default that of
            Vietnam for a new archive.
        ivr_numbers: target numbers that are not persons, for the flat facts.
        privacy: how calls are masked before they are written.

    Raises:
        ArchiveError: the folder contains another kind of table, the archive has another
            configuration, or deltalake is not installed.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        time_zone: str | None = None,
        ivr_numbers: Sequence[str] | None = None,
        privacy: Privacy | None = None,
    ) -> None:
        if isinstance(ivr_numbers, str):
            raise InputError('ivr_numbers must be a list of texts, such as ["8000"].')
        self.path = Path(path).resolve()
        new = ArchiveConfig(
            time_zone=local_time.zone(time_zone or local_time.HOME_ZONE).key,
            ivr_numbers=tuple(ivr_numbers or ()),
        )
        table = Table.open(self.path)
        self._config = table.config if table else new
        self._privacy = leave_unmasked(privacy, self._config.ivr_numbers)
        if not table:
            self._config = replace(new, privacy=self._privacy_dict())
            return
        if time_zone is not None and new.time_zone != self.time_zone:
            self._raise_fixed("time_zone", self.time_zone)
        if ivr_numbers is not None and new.ivr_numbers != self.ivr_numbers:
            self._raise_fixed("ivr_numbers", self.ivr_numbers)
        if privacy is not None and self._privacy_dict() != self._config.privacy:
            self._raise_fixed("privacy", "another privacy, or another key")

    @property
    def time_zone(self) -> str:
        """Time zone of the daily partitions and of the flat facts."""
        return self._config.time_zone

    @property
    def ivr_numbers(self) -> tuple[str, ...]:
        """Target numbers that are not persons."""
        return self._config.ivr_numbers

    def sync(
        self,
        client: Client,
        *,
        since: date | datetime | str | None = None,
        until: date | datetime | str | None = None,
        lookback: str | timedelta = "3d",
        accept_loss: bool = False,
        workers: int = 4,
        progress: bool = True,
        resume: Iterable[CallLogs] = (),
    ) -> SyncReport:
        """Bring the archive up to date with the API, and return a report of what was done.

        A day is fetched if it is missing, had not ended when it was last fetched, or was last
        fetched less than `lookback` after its end. Each day that differs replaces the stored one in
        a single commit. A sync can therefore be interrupted at any time and run again: no call is
        lost or duplicated.

        Args:
            client: the client to fetch with.
            since: the first local day; by default the first day of the archive. Pruned days are not
                fetched again.
            until: the local day before which to stop; by default everything up to now, including
                the current day.
            lookback: how long after the end of a day its calls may still change: "3d", "36h", or a
                timedelta. `et.metrics.update_lag` estimates it.
            accept_loss: replace a day even if it loses more than 2 % and more than 5 of its calls;
                by default, such a day is not replaced.
            workers: number of simultaneous requests.
            progress: show a progress bar.
            resume: the `.partials` of a sync that ended early.

        Raises:
            IncompleteSync: the sync ended early. Complete days are in the archive, and another sync
                fetches the rest.
            DataLossError: some days would have lost too many calls and were not replaced; all
                others are stored.
            ArchiveBusy: another process is writing to the archive.
            ArchiveError: the archive cannot be written.
            ApiError: the API did not answer, or refused the request, before any call was received.
        """
        lookback_time = parse_duration(lookback, "lookback")
        if not 1 <= workers <= MAX_WORKERS:
            raise InputError(f"workers must be from 1 to {MAX_WORKERS}; got {workers!r}.")
        first = None if since is None else parse_day(since, self.time_zone, "since")
        today = datetime.now(UTC).astimezone(local_time.zone(self.time_zone)).date()
        end = (
            today + timedelta(days=1)
            if until is None
            else parse_day(until, self.time_zone, "until")
        )
        if first is None and not self._exists():
            raise InputError(
                "The archive is empty, so a first day is needed: "
                'since="2026-01-01" (etelecom: --since 2026-01-01).'
            )
        make_folder(self.path)
        with exclusive_lock(self.path):
            table = self._open_for_writing()
            certificates = load_certificates(table)
            first = first or min([*certificates, *table.files()["local_day"]], default=end)
            first = max(first, table.pruned_before or first)
            return run_sync(
                table,
                client,
                days_to_fetch(certificates, first, end, lookback_time),
                privacy=self._privacy,
                accept_loss=accept_loss,
                workers=workers,
                progress=progress,
                resume=resume,
            )

    def scan(
        self, query: CallQuery | None = None, *, version: int | None = None, facts: bool = False
    ) -> pl.LazyFrame:
        """A lazy frame of the matching calls, with the columns of `schema.CALLS`.

        Only the files of the days in the query's range are read.

        Args:
            query: which calls; all by default.
            version: a version of the archive; by default the latest one at the time of the call.
            facts: add the flat facts: local_day, local_hour, state, first_ring_at, answered_at.

        Raises:
            ArchiveError: the archive or the version does not exist.
        """
        rows = self._open(version).scan(*local_days(query, self.time_zone))
        calls = from_stored_rows(rows, facts=facts)
        return calls.filter(query.to_expr()) if query else calls

    def files(self, query: CallQuery | None = None, *, version: int | None = None) -> list[Path]:
        """The parquet files of the days in the query's range, newest day first.

        For engines that read parquet, but not Delta Lake.
        """
        files = self._open(version).files(*local_days(query, self.time_zone))
        return [self.path / path for path in files["path"]]

    def snapshot(
        self,
        query: CallQuery | None,
        path: str | Path,
        *,
        replace: bool = False,
        privacy: Privacy | None = None,
    ) -> Path:
        """Write a snapshot of the matching calls, and return its folder. Collects.

        Its report states how the days of the query were fetched.

        Raises:
            SnapshotError: the snapshot cannot be written there.
            ArchiveError: the archive does not exist, or has none of the days.
        """
        check_destination(path, replace=replace)
        query = query or CallQuery(time_zone=self.time_zone)
        certificates, calls = load_certificates(self._open()), self.scan(query).collect()
        logs = extract_logs(calls, query, certificates, self.time_zone)
        return write_snapshot(logs, path, replace=replace, privacy=privacy)

    def status(self) -> ArchiveStatus:
        """Days, rows, gaps, completeness and size of the archive."""
        table = self._open()
        return archive_status(table, load_certificates(table))

    def days(self) -> pl.DataFrame:
        """One row per day that was fetched, oldest first.

        local_day, rows, pages, complete, complete_to, fetched_at; running, drift and set_aside,
        which count calls without an end, unexpected values and unreadable records; certificate, the
        full report of the fetch as JSON.
        """
        certificates = load_certificates(self._open())
        return certificates_table(each for _, each in sorted(certificates.items()))

    def versions(self) -> pl.DataFrame:
        """One row per version, oldest first.

        version, at, what, local_day, rows, added, changed, gone.
        """
        return versions_table(self._open())

    def diff(
        self, old: int, new: int | None = None, *, measures: Sequence[str] = CALL_MEASURES
    ) -> ArchiveDiff:
        """Calls added, changed and removed between two versions, and the measures that changed.

        Only days that differ are read. Collects.

        Args:
            old: a version listed by `versions()`.
            new: another version; the latest by default.
            measures: measures of calls to compare by day.

        Raises:
            ArchiveError: a version does not exist.
        """
        return compare_versions(self._open(old), self._open(new), measures)

    def compact(self) -> int:
        """Merge small files into one per day, and return how many were merged.

        Also writes a checkpoint, so that opening the archive stays fast.
        """
        self._open()
        with exclusive_lock(self.path):
            return self._open().compact()

    def vacuum(self, *, keep: str | timedelta = "30d") -> int:
        """Delete files that only versions older than `keep` use, and return how many.

        This includes files of interrupted writers. The older versions can no longer be read; their
        certificates remain.
        """
        keep_time = parse_duration(keep, "keep")
        self._open()
        with exclusive_lock(self.path):
            table = self._open()
            write_certificates(self.path, load_certificates(table).values(), through=table.version)
            return table.vacuum(keep_time)

    def prune(self, *, before: date | datetime | str) -> int:
        """Remove all local days before a day, and return the number of calls removed.

        No sync fetches these days again. Older versions still contain them until `vacuum`.
        """
        day = parse_day(before, self.time_zone, "before")
        self._open()
        with exclusive_lock(self.path):
            table = self._open()
            count = table.remove_before(max(day, table.pruned_before or day))
            table.refresh()
            remaining = [each for each in load_certificates(table).values() if each.day >= day]
            write_certificates(self.path, remaining, through=table.version)
        return count

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r})"

    def _raise_fixed(self, name: str, value: object) -> None:
        raise ArchiveError(
            f"{self.path} was created with {name}: {value}, which cannot be changed. "
            f"Omit {name}, or create another archive."
        )

    def _privacy_dict(self) -> dict[str, object] | None:
        return self._privacy.to_dict() if self._privacy else None

    def _open_for_writing(self) -> Table:
        """The table, created if it does not exist, after checking its configuration."""
        table = Table.open(self.path) or Table.create(self.path, self._config)
        if table.config != self._config:
            raise ArchiveError(
                f"Another process created {self.path} with {table.config}: open the archive again."
            )
        if self._config.privacy != self._privacy_dict():
            raise ArchiveError(
                f"{self.path} was created with another privacy: "
                "pass the same privacy to Archive, including its key."
            )
        return table

    def _exists(self) -> bool:
        return Table.open(self.path) is not None

    def _open(self, version: int | None = None) -> Table:
        table = Table.open(self.path, version=version)
        if table is None:
            raise ArchiveError(f"There is no archive at {self.path}: the first sync creates it.")
        return table
