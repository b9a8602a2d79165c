"""Archive: years of calls in one folder, kept in step with the API, and readable by any engine that knows Delta Lake or parquet."""

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
from .certificates import table_of, write_certificates
from .config import ArchiveConfig, typed
from .days import as_day, as_span, days_to_fetch
from .extract import logs_of
from .history import CALL_MEASURES, ArchiveDiff, diff_of, versions_of
from .lock import exclusive_lock
from .status import ArchiveStatus, status_of
from .sync import SyncReport, certificates_of, synced
from .table import Table

__all__ = ["Archive"]

_BEING_MADE = {"_lock", "_delta_log"}
"""All that lies in the folder of an archive whose first commit somebody else is making, or was killed before."""


class Archive:
    """A Delta Lake table of calls in a folder, partitioned by local day. Nothing is made before the first `sync`.

    Args:
        path: the folder.
        time_zone: whose days are its partitions and whose hours its flat facts; Vietnam's where it
            is made without one.
        ivr_numbers: target numbers that are no person, for its flat facts.
        privacy: what is done to calls before they are written.

    What an archive was made with stays: what is left out here is what it was made with, and
    anything else is refused. A key is kept nowhere, so an archive of pseudonyms wants its `privacy`
    at every sync, but not for reading.

    Raises:
        ArchiveError: there is another kind of table, or an archive that was made otherwise; or
            deltalake is not installed.
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
            raise InputError('ivr_numbers is a list of numbers as text, such as ["8000"].')
        self.path = Path(path).resolve()
        asked = ArchiveConfig(
            time_zone=local_time.zone(time_zone or local_time.HOME_ZONE).key,
            ivr_numbers=tuple(ivr_numbers or ()),
        )
        table = Table.open(self.path)
        self._charter = table.charter if table else asked
        self._privacy = _keeping(privacy, self._charter.ivr_numbers)
        if table:
            self._must_be(
                time_zone is None or asked.time_zone == self.time_zone, "time_zone", self.time_zone
            )
            self._must_be(
                ivr_numbers is None or asked.ivr_numbers == self.ivr_numbers,
                "ivr_numbers",
                self.ivr_numbers,
            )
            self._must_be(
                privacy is None or self._told_privacy() == self._charter.privacy,
                "privacy",
                "another privacy, or another key",
            )
        else:
            self._charter = replace(asked, privacy=self._told_privacy())

    @property
    def time_zone(self) -> str:
        """Whose days are its partitions, and whose hours its facts."""
        return self._charter.time_zone

    @property
    def ivr_numbers(self) -> tuple[str, ...]:
        """Target numbers that are no person, in its facts."""
        return self._charter.ivr_numbers

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
        """What was done to bring the archive in step with the API.

        Days that are missing, that were not over when they were fetched, or that were fetched less
        than `lookback` after their end, are fetched side by side, and each that differs replaces
        what is stored of it, whole, in one commit. So a sync may be killed at any moment, and be
        run again: nothing is lost, and nothing is there twice.

        Args:
            client: where to ask.
            since: the first local day; by default the archive's first. Days that were pruned do not
                come back.
            until: before this local day; by default all up to now, today included as far as it has
                gone.
            lookback: how long after a day's end its calls may still change: "3d", "36h", or a
                timedelta. `et.metrics.update_lag` tells it.
            accept_loss: let a day lose more than 2 % and more than 5 of its calls; without it such
                a day is left as it is.
            workers: how many requests may be under way at once.
            progress: show a bar of days.
            resume: the `.partials` of a sync that ended early.

        Raises:
            IncompleteSync: it ended early; the days that came whole are in the archive, and a
                further sync fetches the rest.
            DataLossError: days that would have lost too much were left as they are; all others are
                done.
            ArchiveBusy: another process is at it.
            ArchiveError: it cannot be written.
            ApiError: no answer, or a refusal, before anything came.
        """
        span = as_span(lookback, "lookback")
        if not 1 <= workers <= MAX_WORKERS:
            raise InputError(
                f"workers is how many requests may be under way at once, from 1 to {MAX_WORKERS}; got {workers!r}."
            )
        first = None if since is None else as_day(since, self.time_zone, "since")
        end = datetime.now(UTC).astimezone(local_time.zone(self.time_zone)).date() + timedelta(
            days=1
        )
        end = end if until is None else as_day(until, self.time_zone, "until")
        if first is None and not self._exists():
            raise InputError(
                'The archive has no calls yet, so tell where it begins: since="2026-01-01" (etelecom: --since 2026-01-01).'
            )
        self._make_folder()
        with exclusive_lock(self.path):
            table = self._table_to_write()
            certificates = certificates_of(table)
            first = first or min([*certificates, *table.files()["local_day"]], default=end)
            first = max(first, table.pruned_before or first)
            days = days_to_fetch(certificates, first, end, span)
            return synced(
                table,
                client,
                days,
                privacy=self._privacy,
                accept_loss=accept_loss,
                workers=workers,
                progress=progress,
                resume=resume,
            )

    def scan(
        self, query: CallQuery | None = None, *, version: int | None = None, facts: bool = False
    ) -> pl.LazyFrame:
        """A lazy frame of the calls that match, with the columns of `schema.CALLS`; of a range of dates only its days' files are read.

        Args:
            query: which calls; all by default.
            version: of which version; by default of the latest at this moment.
            facts: with the flat facts too: local_day, local_hour, state, first_ring_at,
                answered_at.

        Raises:
            ArchiveError: there is no archive yet, or no such version any more.
        """
        stored = self._open(version).scan(*self._days_of(query))
        calls = typed(stored, facts=facts)
        return calls.filter(query.to_expr()) if query else calls

    def files(self, query: CallQuery | None = None, *, version: int | None = None) -> list[Path]:
        """The parquet files of the days that the query's dates touch, newest day first: for engines that read parquet, not Delta."""
        return [
            self.path / path for path in self._open(version).files(*self._days_of(query))["path"]
        ]

    def snapshot(
        self,
        query: CallQuery | None,
        path: str | Path,
        *,
        replace: bool = False,
        privacy: Privacy | None = None,
    ) -> Path:
        """The folder of a snapshot of the calls that match, with a report of how their days were fetched. Collects.

        Raises:
            SnapshotError: it cannot be written there.
            ArchiveError: there is no archive yet, or none of the days was fetched.
        """
        check_destination(path, replace=replace)
        query = query or CallQuery(time_zone=self.time_zone)
        table, calls = self._open(), self.scan(query).collect()
        logs = logs_of(calls, query, certificates_of(table), self._days_of(query), self.time_zone)
        return write_snapshot(logs, path, replace=replace, privacy=privacy)

    def status(self) -> ArchiveStatus:
        """Days, rows, gaps, complete through, size."""
        table = self._open()
        return status_of(table, certificates_of(table))

    def days(self) -> pl.DataFrame:
        """One row a day that was fetched, oldest first: how many rows on how many pages, whether and to when it is complete, fetched when.

        `running`, `drift` and `set_aside` count what was strange; `certificate` is the whole
        account as JSON.
        """
        return table_of(each for _, each in sorted(certificates_of(self._open()).items()))

    def versions(self) -> pl.DataFrame:
        """One row a version, oldest first: version, at, what, local_day, rows, added, changed, gone."""
        return versions_of(self._open())

    def diff(
        self, old: int, new: int | None = None, *, measures: Sequence[str] = CALL_MEASURES
    ) -> ArchiveDiff:
        """What became of the calls from one version to another: added, changed in which fields, gone; and which measures moved by how much.

        Only days that differ are read. Collects.

        Args:
            old: a version, as `versions()` lists them.
            new: a later one; the latest by default.
            measures: the measures of calls to hold against each other, day by day.

        Raises:
            ArchiveError: there is no such version any more.
        """
        return diff_of(self._open(old), self._open(new), measures)

    def compact(self) -> int:
        """How many small files were brought together, a day into one; and a checkpoint is made, so that opening stays quick."""
        with exclusive_lock(self._existing()):
            return self._open().compact()

    def vacuum(self, *, keep: str | timedelta = "30d") -> int:
        """How many files were deleted: those that only versions older than `keep` need, and what killed writers left behind.

        Older versions cannot be read any more then; their certificates stay.
        """
        span = as_span(keep, "keep")
        with exclusive_lock(self._existing()):
            table = self._open()
            write_certificates(self.path, certificates_of(table).values(), through=table.version)
            return table.vacuum(span)

    def prune(self, *, before: date | datetime | str) -> int:
        """How many calls were removed for good: those of the local days before that one, which no sync fetches again.

        Older versions keep them until `vacuum`.
        """
        day = as_day(before, self.time_zone, "before")
        with exclusive_lock(self._existing()):
            table = self._open()
            removed = table.remove_before(max(day, table.pruned_before or day))
            table.refresh()
            kept = [each for each in certificates_of(table).values() if each.day >= day]
            write_certificates(self.path, kept, through=table.version)
        return removed

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r})"

    def _must_be(self, so: bool, name: str, made: object) -> None:
        """Raise where an archive was made with another value than was asked for."""
        if not so:
            raise ArchiveError(
                f"{self.path} was made with {name}: {made}, which stays. Leave {name} out, or make another archive elsewhere."
            )

    def _told_privacy(self) -> dict[str, object] | None:
        return self._privacy.to_dict() if self._privacy else None

    def _make_folder(self) -> None:
        try:
            if not self.path.exists():
                self.path.mkdir(parents=True, mode=0o700, exist_ok=True)
                self.path.chmod(0o700)  # mkdir's mode is cut by the umask
            elif (
                any(path.name not in _BEING_MADE for path in self.path.iterdir())
                and not self._exists()
            ):
                raise ArchiveError(
                    f"{self.path} is there already, and is no archive: give another path."
                )
        except OSError as error:
            raise ArchiveError(
                f"{self.path} is no place for an archive: {error.strerror}."
            ) from error

    def _table_to_write(self) -> Table:
        """The table, made if there is none, whose privacy must be the one that was given."""
        table = Table.open(self.path) or Table.create(self.path, self._charter)
        self._must_be(
            table.charter == self._charter, "other settings", table.charter
        )  # by somebody else, since this was opened
        if self._charter.privacy != self._told_privacy():
            raise ArchiveError(
                f"{self.path} was made with another privacy: give Archive the one it was made with, its key included."
            )
        return table

    def _exists(self) -> bool:
        return Table.open(self.path) is not None

    def _existing(self) -> Path:
        self._open()
        return self.path

    def _open(self, version: int | None = None) -> Table:
        table = Table.open(self.path, version=version)
        if table is None:
            raise ArchiveError(f"There is no archive at {self.path} yet: the first sync makes it.")
        return table

    def _days_of(self, query: CallQuery | None) -> tuple[date | None, date | None]:
        """The first and the last local day that the query's dates touch."""
        zone = local_time.zone(self.time_zone)
        first = query.date_from.astimezone(zone).date() if query and query.date_from else None
        last = (
            (query.date_to - timedelta(microseconds=1)).astimezone(zone).date()
            if query and query.date_to
            else None
        )
        return first, last


def _keeping(privacy: Privacy | None, ivr_numbers: tuple[str, ...]) -> Privacy | None:
    """The privacy that leaves these numbers alone too: what is no person must stay known as such."""
    return privacy and replace(
        privacy, own_numbers=tuple(dict.fromkeys((*privacy.own_numbers, *ivr_numbers)))
    )
