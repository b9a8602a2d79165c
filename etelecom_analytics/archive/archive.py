"""Archive: years of calls in a folder, readable by any engine that reads Delta Lake or parquet."""

import warnings
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from .. import local_time, storage
from ..api.client import MAX_WORKERS, Client
from ..errors import InputError
from ..logs import CallLogs, checked_logs
from ..phone_numbers import describe
from ..privacy import Privacy
from .base import stored_config
from .certificates import read_certificates
from .days import days_to_fetch, parse_day
from .delta import translate_errors
from .folder import make_folder
from .forget import checked_number, forget_number
from .forget_proof import ForgetProof
from .forget_register import Register, blank_logs
from .log import LOG, DamagedLog, Log
from .places import local_folder
from .problems import problems_table, problems_text
from .rollup_table import remove_rollups
from .rollups import ArchiveRollUps
from .sync import run_sync
from .sync_report import SyncReport, clock_text
from .verification import (
    check_contents,
    check_days,
    save_certificates,
    set_aside_damaged_files,
)

__all__ = ["Archive"]

_SHORTEST_KEEP = timedelta(hours=1)


class Archive(ArchiveRollUps):
    """A Delta Lake table of calls in a folder, partitioned by local day.

    The first `sync` creates the folder. Later, the configuration cannot be changed: omitted
    arguments take the stored values, and other values raise an error. The key of a privacy is not
    stored, so a pseudonymized archive needs its `privacy` for each sync, but not for reading.

    Args:
        path: the folder, or an address s3://bucket/name. An object store has no locks: of two
            writers of one version it refuses one, which then writes the next.
        time_zone: the time zone of the daily partitions and of the flat facts; by default that of
            the site file for a new archive.
        ivr_numbers: target numbers that are not persons, for the flat facts; by default those of
            the site file for a new archive, which also gives the other lists of numbers.
        privacy: how calls are masked before they are written; by default as in the site file for a
            new archive. With a site file, a later sync reads the key from ETELECOM_PRIVACY_KEY.
        lock: lock the folder while it is written. Without it, as on a file system without locks, no
            other process may write at the same time.
        allow_unsafe_rename: write versions without hard links, for a file system that has none. No
            other process may write at the same time.
        site: the settings of your organisation; by default the site file, as `Site.load` finds it.
        storage_options: of an object store: "AWS_REGION", "AWS_ENDPOINT_URL" and others, which are
            by default those of the environment. Nothing shows their values.

    Raises:
        ArchiveError: the folder contains another kind of table, the archive has another
            configuration, or deltalake is not installed.

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
        ...     et.summarize(archive.scan(), by="day", measures="calls").collect().height
        2
    """

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
        label_hotlines: bool | None = None,
    ) -> SyncReport:
        """Bring the archive up to date with the API, and return a report of what was done.

        A day is fetched if it is missing, had not ended when it was last fetched, or was last
        fetched less than `lookback` after its end. Each day that differs replaces the stored one in
        a single commit. A sync can therefore be interrupted at any time and run again: no call is
        lost or duplicated. Each sync verifies what is stored: it warns of damaged days, and fetches
        them again.

        Args:
            client: the client to fetch with.
            since: the first local day; by default the first day of the archive. Pruned days are not
                fetched again.
            until: the local day before which to stop; by default everything up to now, including
                the current day.
            lookback: how long after the end of a day its calls may still change: "3d", "36h", or a
                timedelta. `et.metrics.update_lag` estimates it.
            accept_loss: replace days even if the sync loses more than 2 % and more than 5 of their
                stored calls, if none of these calls comes back, or if a day of at least 3 calls
                becomes empty. By default, days that lose calls are not replaced then.
            workers: number of simultaneous requests.
            progress: show a progress bar.
            resume: the `.partials` of a sync that ended early.
            label_hotlines: add `hotline_id`, `hotline` and `department_id` to the calls, as
                `fetch_calls` does; by default, if an earlier sync of this archive did. Days that
                are not fetched again stay without: a long `lookback` includes them. A sync that
                cannot request the hotlines keeps those that are stored.

        Raises:
            IncompleteSync: the sync ended early. Complete days are in the archive, and another sync
                fetches the rest.
            DataLossError: some days would have lost too many calls and were not replaced; all
                others are stored.
            ArchiveBusy: another process is writing to the archive.
            ArchiveError: the archive cannot be written.
            ApiError: the API did not answer, or refused the request, before any call was received.
            InputError: an argument is not valid, or the range has no day.
        """
        lookback_time = local_time.parse_span(lookback, "lookback")
        if not isinstance(workers, int) or not 1 <= workers <= MAX_WORKERS:
            raise InputError(f"workers must be from 1 to {MAX_WORKERS}; got {describe(workers)}.")
        first = None if since is None else parse_day(since, self.time_zone, "since")
        today = datetime.now(UTC).astimezone(local_time.zone(self.time_zone)).date()
        end = today + timedelta(days=1)
        if until is not None:
            end = parse_day(until, self.time_zone, "until")
        if first is not None and first >= end:
            raise InputError(
                f"since must be before the end of the range, which is not part of it: {first} is "
                f"not before {end}."
            )
        if first is None and stored_config(self.path) is None:
            raise InputError(
                "The archive is empty, so a first day is needed: "
                'since="2026-01-01" (etelecom: --since 2026-01-01).'
            )
        make_folder(self.path)
        with self._exclusive():
            repaired = self._repair()
            table = self._open_for_writing()
            check = check_days(table)
            if problems := [*repaired, *check.problems]:
                warnings.warn(problems_text(self.path, problems), stacklevel=2)
            first = first or min(check.days, default=end)
            first = max(first, table.pruned_before or first)
            try:
                return run_sync(
                    table,
                    check,
                    client,
                    days_to_fetch(check.certificates, first, end, lookback_time, self.time_zone),
                    problems=problems,
                    privacy=self._privacy,
                    accept_loss=accept_loss,
                    workers=workers,
                    progress=progress,
                    resume=resume,
                    label_hotlines=table.is_labelled if label_hotlines is None else label_hotlines,
                )
            finally:
                if text := clock_text(client.clock_offset):
                    warnings.warn(text, stacklevel=2)

    def verify(self) -> pl.DataFrame:
        """One row per problem of the archive: problem, local_day, file and detail. None is good.

        Reads all files. After `repair`, the next `sync` fetches the days of the problems again.

        Raises:
            ArchiveError: the archive does not exist.
        """
        with translate_errors(self.path):
            if not (self.path / LOG).is_dir():
                self._open()
            log = Log.read(self.path)
            problems = log.problems()
        try:
            table = self._open()
        except DamagedLog:
            return problems_table(problems or log.problems(distrust=True))
        problems += check_days(table).problems
        known = {problem.file for problem in problems}
        problems += (each for each in check_contents(table) if each.file not in known)
        return problems_table(problems)

    def repair(self) -> pl.DataFrame:
        """Repair the files of the archive, and return the problems that they had, like `verify`.

        A last commit that a crash has cut off is dropped, and a damaged checkpoint is deleted. A
        data file that cannot be read gets the ending `.damaged`. No call is fetched: the next
        `sync` fetches the days that were lost.

        Raises:
            ArchiveError: the log cannot be repaired, or a file cannot be renamed.
        """
        with self._exclusive():
            problems = list(self._repair())
            if table := self._table():
                problems += set_aside_damaged_files(table)
            return problems_table(problems)

    def compact(self) -> int:
        """Merge small files into one per day, and return how many were merged.

        Also writes a checkpoint, so that opening the archive stays fast.
        """
        self._open()
        with self._exclusive():
            return self._open().compact()

    def vacuum(self, *, keep: str | timedelta = "30d") -> int:
        """Delete files that only versions older than `keep` use, and return how many.

        This includes files of interrupted writers. The older versions can no longer be read; their
        certificates remain.

        Raises:
            InputError: `keep` is under 1 hour for an object store.
        """
        keep_time = local_time.parse_span(keep, "keep")
        if not isinstance(self.path, Path) and keep_time < _SHORTEST_KEEP:
            raise InputError(
                "keep must be at least 1h in an object store, because other processes may be "
                "writing files that no version uses yet."
            )
        self._open()
        with self._exclusive():
            table = self._open()
            table.make_durable(since=read_certificates(self.path)[1])
            save_certificates(table)
            return table.vacuum(keep_time)

    def prune(self, *, before: date | datetime | str) -> int:
        """Remove all local days before a day, and all roll-ups; return the number of calls removed.

        No sync fetches these days again. Older versions still contain them until `vacuum`.
        """
        day = parse_day(before, self.time_zone, "before")
        self._open()
        with self._exclusive():
            table = self._open()
            certified = read_certificates(self.path)[1]
            count = table.remove_before(max(day, table.pruned_before or day))
            table.make_durable(since=certified)
            table.refresh()
            save_certificates(table)
            remove_rollups(self.path)  # last, as a roll-up may be computed at the same time
        return count

    def forget(
        self,
        number: str,
        *,
        snapshots: Iterable[str | Path] = (),
        privacies: Iterable[Privacy] = (),
    ) -> ForgetProof:
        """Remove a person's phone number from all versions for good, and return a proof.

        No call is removed. In each call of the number, its `caller`, `callee` or `target_number`,
        `contact_id`, `external_id`, `external_session_id`, `note` and `recording_urls` become null;
        so does every other text that contains the number, in any form or as a pseudonym. Later
        syncs do the same with what they receive, because the archive keeps a keyed hash of the
        number. All roll-ups are deleted. It cannot be undone. It is safe to stop it and run it
        again.

        Args:
            number: the phone number in any form.
            snapshots: folders of snapshots from which the number is removed as well.
            privacies: each `Privacy` with whose key the snapshots were pseudonymized; that of the
                archive is known if the archive was opened with it.

        Raises:
            ForgetError: it is not the phone number of a person, it does not occur, or a file that
                does not belong to the archive contains it.
            ArchiveBusy: another process is writing to the archive.
            ArchiveError: the archive does not exist, is damaged or cannot be written.
            SnapshotError: a snapshot cannot be read or written.
        """
        if isinstance(snapshots, str | Path):
            raise InputError("snapshots must be a list of folders.")
        local_folder(self.path)
        self._open()
        checked = checked_number(number, self._config)
        folders = [storage.resolve(path) for path in snapshots]
        with self._exclusive():
            self._repair()
            return forget_number(
                self._open(),
                checked,
                snapshots=folders,
                privacies=(*privacies, *([self._privacy] if self._privacy else ())),
            )

    def without_forgotten(self, logs: CallLogs) -> CallLogs:
        """The logs without the numbers that the archive has forgotten.

        For calls that do not come from the archive, before they are stored or merged with its own.

        Raises:
            ArchiveError: the key of the forgotten numbers is missing.
        """
        return blank_logs(checked_logs(logs, "without_forgotten"), Register.read(self.path).matcher)
