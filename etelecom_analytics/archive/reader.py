"""Reading an archive: calls, files, versions and status."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ..engines.publication import Publication
from ..logs import CallLogs
from ..metrics.confidence import confidence_level
from ..metrics.dimensions import Names
from ..metrics.ivr_check import warn_of_other_ivr_numbers, with_ivr_numbers
from ..metrics.options import MetricOptions, checked_options
from ..metrics.partial_streams import finish_in_parts
from ..metrics.registry import DEFAULT_MEASURES
from ..privacy import Privacy
from ..query import CallQuery
from ..snapshot import check_destination, write_snapshot
from .base import ArchiveBase
from .certificates import certificates_table
from .config import from_stored_rows
from .delta import store_errors, translate_errors
from .distributed import DayTasks, Executor, partials_of_days
from .extract import extract_logs, local_days
from .history import CALL_MEASURES, ArchiveDiff, compare_versions, versions_table
from .publish import publish_tables
from .status import ArchiveStatus, archive_status
from .table import Table
from .verification import check_days

__all__ = ["ArchiveReader"]


class ArchiveReader(ArchiveBase):
    """The methods of an `Archive` that change nothing."""

    def scan(
        self, query: CallQuery | None = None, *, version: int | None = None, facts: bool = False
    ) -> pl.LazyFrame:
        """A lazy frame of the matching calls, with the columns of `schema.CALLS`.

        After a sync with `label_hotlines` also `department_id`, `hotline_id` and `hotline`, which
        are null for calls of days that were fetched without.

        Only the files of the days in the query's range are read. `et.summarize` warns if it
        measures them with other IVR numbers than the archive's: pass `options=archive.options`.

        Args:
            query: which calls; all by default.
            version: a version of the archive; by default the latest one at the time of the call.
            facts: add the flat facts: local_day, local_hour, state, first_ring_at, answered_at.

        Raises:
            ArchiveError: the archive or the version does not exist.
        """
        table = self._open(version)
        rows = table.scan(*local_days(query, self.time_zone))
        calls = with_ivr_numbers(
            from_stored_rows(rows, facts=facts, labelled=table.is_labelled),
            self._config.numbers_without_person,
        )
        return calls.filter(query.to_expr()) if query else calls

    def files(
        self, query: CallQuery | None = None, *, version: int | None = None
    ) -> list[Path] | list[str]:
        """The parquet files of the days in the query's range, newest day first.

        For engines that read parquet, but not Delta Lake. In an object store, their addresses.
        """
        files = self._open(version).files(*local_days(query, self.time_zone))["path"]
        if isinstance(self.path, Path):
            return [self.path / path for path in files]
        return [str(self.path / path) for path in files]

    def read(self, query: CallQuery | None = None) -> CallLogs:
        """The matching calls, with a report that states how their days were fetched. Collects.

        Args:
            query: which calls; all by default.

        Raises:
            ArchiveError: the archive does not exist, or has none of the days.

        Examples:
            >>> import tempfile
            >>> with (
            ...     tempfile.TemporaryDirectory() as folder,
            ...     et.simulator.serve(et.sample_logs().calls) as server,
            ... ):
            ...     archive = et.Archive(folder)
            ...     client = et.Client(server.base_url, server.api_key)
            ...     report = archive.sync(
            ...         client, since="2026-11-02", until="2026-11-04", progress=False
            ...     )
            ...     logs = archive.read(et.CallQuery(direction="in"))
            >>> logs.calls.height, logs.report.complete
            (112, True)
        """
        query = query or CallQuery(time_zone=self.time_zone)
        table = self._open()
        certificates = check_days(table).certificates
        with translate_errors(self.path):
            # Of the same version: a prune may run meanwhile.
            calls = self.scan(query, version=table.version).collect()
        return extract_logs(calls, query, certificates, self.time_zone)

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
        return write_snapshot(self.read(query), path, replace=replace, privacy=privacy)

    def summarize(
        self,
        by: Names = (),
        measures: Names = DEFAULT_MEASURES,
        *,
        query: CallQuery | None = None,
        options: MetricOptions | None = None,
        confidence: bool | float = False,
        executor: Executor | None = None,
        progress: bool = True,
    ) -> pl.DataFrame:
        """The table of `et.summarize` of the matching calls, computed day by day.

        Memory is limited by the largest days, and with an executor they can be computed elsewhere.
        The result is the same, since partial results are exact (`et.partial`). For quantiles by
        other dimensions than the day, the different values of each group are in memory as well. A
        day whose worker is lost is computed again.

        Args:
            by: as in `et.summarize`.
            measures: as in `et.summarize`.
            query: which calls; all by default.
            options: the settings of the measures; by default `archive.options`.
            confidence: as in `et.summarize`.
            executor: where the days are computed: `et.archive.ProcessExecutor()`, or any object
                with a method `map`. By default one day after the other in this process.
            progress: show a progress bar.

        Raises:
            UnknownName, MeasureUnavailable, InputError: as in `et.summarize`.
            ArchiveError: the archive does not exist or is damaged, or a day cannot be computed; the
                message names it.
        """
        confidence_level(confidence)
        with store_errors(self.path):
            tasks = self._day_tasks(self._open(), by, measures, options, query)
            return finish_in_parts(
                partials_of_days(tasks, executor, progress=progress),
                by,
                measures,
                confidence=confidence,
                days_apart=tasks.days_apart,
            )

    def _day_tasks(
        self,
        table: Table,
        by: Names,
        measures: Names,
        options: MetricOptions | None,
        query: CallQuery | None = None,
    ) -> DayTasks:
        """The tasks of all days, with a warning of other IVR numbers than the archive's."""
        options = self.options if options is None else checked_options(options)
        warn_of_other_ivr_numbers(self.scan(query), options)
        return DayTasks(table, by, measures, options, query)

    def publish(
        self,
        folder: str | Path,
        *,
        options: MetricOptions | None = None,
        personal: bool = False,
        progress: bool = True,
    ) -> Publication:
        """Write three flat tables for other engines: calls, offers and legs, in files by month.

        `et.measures_sql` writes queries over them. Each row has facts such as `answered` and
        `wait_from_started_at_us`; nothing is nested, and no threshold is fixed. Offers are those
        to people, legs those through trunks, both of ended calls. Files that did not change are
        not written again. After `forget`, publish again.

        Args:
            folder: a new or empty folder, or one of an earlier publication, which is replaced.
            options: the time zone, the lists of numbers and other settings that the tables depend
                on; by default those of the archive.
            personal: also write `caller`, `callee`, `note` and `recording_urls`, and external
                phone numbers in `target_number`, which is "external" otherwise.
            progress: show a progress bar.

        Raises:
            ArchiveError: the archive does not exist, or the folder contains something else or
                cannot be written.

        Examples:
            >>> import tempfile
            >>> with (
            ...     tempfile.TemporaryDirectory() as folder,
            ...     et.simulator.serve(et.sample_logs().calls) as server,
            ... ):
            ...     archive = et.Archive(f"{folder}/archive")
            ...     client = et.Client(server.base_url, server.api_key)
            ...     report = archive.sync(
            ...         client, since="2026-11-02", until="2026-11-04", progress=False
            ...     )
            ...     publication = archive.publish(f"{folder}/tables", progress=False)
            >>> publication.months, publication.rows["calls"]
            (('2026-11',), 161)
        """
        return publish_tables(
            self._open(),
            folder,
            options=self.options if options is None else checked_options(options),
            personal=personal,
            progress=progress,
        )

    def status(self) -> ArchiveStatus:
        """Days, rows, gaps, completeness and size of the archive."""
        table = self._open()
        return archive_status(table, check_days(table).certificates)

    def days(self) -> pl.DataFrame:
        """One row per day that was fetched, oldest first.

        local_day, rows, pages, complete, complete_to, fetched_at; running, drift and set_aside,
        which count calls without an end, unexpected values and unreadable records; forgotten,
        whether a number of the day was forgotten; certificate, the full report of the fetch as
        JSON.
        """
        certificates = check_days(self._open()).certificates
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
        with store_errors(self.path):
            return compare_versions(self._open(old), self._open(new), measures)
