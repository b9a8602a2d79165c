"""Sync: fetch the days that are missing or may have changed, and store each in one commit."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl
from tqdm.auto import tqdm

from .. import frames
from ..api.client import Client
from ..errors import (
    ArchiveBusy,
    ArchiveError,
    DataLossError,
    EtelecomError,
    InputError,
    Stopped,
    StoreDown,
)
from ..language import date_text, keep_language, ntr, tr
from ..logs import CallLogs
from ..names import keep_labels
from ..privacy import Privacy
from ..report_merge import count_labels, merge_labels
from ..system_calls import progress_disabled
from .certificates import Certificate, read_certificates
from .config import ArchiveConfig, to_stored_rows
from .days import DayFetcher
from .differences import Differences
from .forget_register import Register
from .loss_guard import FetchedDay, LossGuard
from .problems import Problem
from .sync_report import IncompleteSync, SyncReport, SyncStopped
from .table import Table
from .verification import DayCheck, check_days, save_certificates

__all__ = ["run_sync"]

_MAX_ATTEMPTS = 10


def run_sync(
    table: Table,
    check: DayCheck,
    client: Client,
    days: Sequence[date],
    *,
    problems: Sequence[Problem],
    privacy: Privacy | None,
    accept_loss: bool,
    workers: int,
    progress: bool,
    resume: Iterable[CallLogs] = (),
    label_hotlines: bool = False,
) -> SyncReport:
    """Fetch and store these days. The caller must hold the lock of the archive.

    Raises:
        IncompleteSync: the sync ended early.
        DataLossError: some days would have lost too many calls; all others are stored.
    """
    writer = _DayWriter(table, check, client, days, privacy=privacy, accept_loss=accept_loss)
    writer.report.problems = [str(problem) for problem in problems]
    started, zone = time.monotonic(), table.config.time_zone
    partials = {logs.query.date_from.date(): logs for logs in resume if logs.query.date_from}
    disable = not progress or progress_disabled()
    with tqdm(
        desc=tr("Syncing days"), unit=f" {tr('days')}", total=len(days), disable=disable
    ) as bar:
        calls = 0

        def on_calls(count: int) -> None:
            nonlocal calls
            calls += count
            bar.set_postfix_str(ntr("{n} call", "{n} calls", calls), refresh=False)

        def on_day(day: date, logs: CallLogs) -> None:
            writer.take(day, logs)
            bar.update()

        largest = max((each.report.rows for each in check.certificates.values()), default=0)
        days_fetcher = DayFetcher(
            client,
            zone,
            workers=workers,
            largest=largest,
            on_calls=keep_language(on_calls),
            label_hotlines=label_hotlines,
        )
        try:
            days_fetcher.run(writer.in_order(days), on_day, partials)
            writer.take_held()
        except (EtelecomError, KeyboardInterrupt) as cause:
            if isinstance(cause, ArchiveError | InputError) or not (
                writer.report.fetched or days_fetcher.partials
            ):
                raise
            stopped = isinstance(cause, Stopped | KeyboardInterrupt)
            raise (SyncStopped if stopped else IncompleteSync)(
                cause, writer.report, tuple(days_fetcher.partials)
            ) from cause
        finally:
            writer.report.clock_offset = client.clock_offset
            writer.report.seconds = time.monotonic() - started
            writer.save_certificates()
    if writer.report.refused:
        raise DataLossError(writer.report.refused, writer.report)
    return writer.report


class _DayWriter:
    """Writes days into the table, and records what was done."""

    def __init__(
        self,
        table: Table,
        check: DayCheck,
        client: Client,
        days: Sequence[date],
        *,
        privacy: Privacy | None,
        accept_loss: bool,
    ) -> None:
        self.report = SyncReport()
        self._table, self._check, self._client = table, check, client
        self._privacy, self._accept_loss = privacy, accept_loss
        self._config: ArchiveConfig = table.config
        self._first_version = table.version
        self._forgotten = Register.read(table.folder).matcher
        self._certificates: dict[date, Certificate] = {}
        self._unreadable: set[date] = set()
        self._known = dict(check.certificates)
        rows = dict(table.files().group_by("local_day").agg(pl.col("rows").sum()).rows())
        stored = {day: max(rows.get(day, 0), check.expected.get(day, 0)) for day in days}
        self._stored = {day: count for day, count in stored.items() if count}
        self._guard = LossGuard(self._stored)

    def in_order(self, days: Sequence[date]) -> list[date]:
        """The days to fetch: first those that are stored, because new ones wait for one of them."""
        return sorted(days, key=lambda day: (day not in self._stored, day))

    def take(self, day: date, logs: CallLogs) -> None:
        """Store a fetched day if it differs from what is stored, or hold it back."""
        calls = self._without_calls_of_other_days(day, logs.calls)
        forgotten = self._forgotten.find(calls)
        if logs.report.hotline_labels and not self._table.is_labelled:
            self._table.add_labels()
        labelled = self._table.is_labelled
        rows = to_stored_rows(
            frames.in_order(calls),
            day,
            self._config,
            self._privacy,
            forgotten.blank,
            labelled=labelled,
        )
        stored = self._stored_rows(day)
        rows = keep_labels(rows, stored) if labelled else rows
        certificate = self._certificate(day, logs, rows, forgotten=bool(forgotten))
        counts = Differences(stored, rows).counts()
        if self._accept_loss:
            self._write(certificate, rows, counts)
            return
        unknown = max(0, self._stored.get(day, 0) - stored.height) if self._is_damaged(day) else 0
        kept = stored.height - counts["gone"] + min(unknown, counts["added"])
        fetched = FetchedDay(certificate, rows, stored=stored.height + unknown, kept=kept)
        for each in self._guard.admit(fetched):
            self._write(each.certificate, each.rows, counts if each is fetched else None)

    def take_held(self) -> None:
        """Store the days that were held back, or refuse them."""
        days, self.report.refused = self._guard.decide()
        for each in days:
            self._write(each.certificate, each.rows)

    def save_certificates(self) -> None:
        """Write the file of certificates, including those that other processes have added."""
        # A writer that was killed may not have waited for what it wrote last.
        certified = min(read_certificates(self._table.folder)[1], self._first_version)
        self._table.make_durable(since=certified, until=self._first_version)
        self._table.refresh()
        save_certificates(self._table, self._certificates)

    def _write(
        self,
        certificate: Certificate,
        rows: pl.DataFrame,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Store a day. `counts` are its differences from what is stored, if they are known."""
        day, text = certificate.day, certificate.to_json()
        for _ in range(_MAX_ATTEMPTS):
            if counts is None:
                counts = Differences(self._stored_rows(day), rows).counts()
            if not any(counts.values()) and self._is_verified(day, rows):
                known = self._known.get(day)
                version = known.version if known else None
                self._record(self.report.unchanged, replace(certificate, version=version), counts)
                return
            metadata = {
                "what": "day",
                "day": day.isoformat(),
                "rows": rows.height,
                **counts,
                "certificate": text,
            }
            before = self._table.version
            try:
                version = self._table.write_day(day, rows, metadata)
            except ArchiveBusy:
                self._table.refresh()
                other = check_days(self._table).certificates.get(day)
                if other and (other.version or 0) > before:
                    return  # another process has stored the day since, and its calls are verified
                if day < (self._table.pruned_before or day):
                    return  # another process has pruned the day since
                counts = None
                continue
            self._record(self.report.replaced, replace(certificate, version=version), counts)
            return
        raise ArchiveBusy(
            f"Other processes keep writing {day}: sync again when they have finished."
        )

    def _stored_rows(self, day: date) -> pl.DataFrame:
        """The stored rows of a day, sorted by id; none if a file of the day is damaged."""
        try:
            return self._table.day(day)
        except StoreDown:
            raise
        except ArchiveError:
            if not self._is_damaged(day):
                self._unreadable.add(day)
                text = tr("{day}: A file of the day cannot be read.", day=date_text(day))
                self.report.problems.append(text)
            return pl.DataFrame(schema=self._table.schema)

    def _is_damaged(self, day: date) -> bool:
        return day in self._check.expected or day in self._unreadable

    def _is_verified(self, day: date, rows: pl.DataFrame) -> bool:
        """Whether the stored day need not be written again."""
        if day in self._unreadable:
            return False
        if rows.is_empty() and not self._table.files(day, day).height:
            return True
        if day not in self._known and (other := check_days(self._table).certificates.get(day)):
            self._known[day] = other  # another process has stored the day since
        return day in self._known

    def _record(
        self, days: list[date], certificate: Certificate, counts: Mapping[str, int]
    ) -> None:
        days.append(certificate.day)
        report, self._certificates[certificate.day] = self.report, certificate
        report.calls += certificate.report.rows
        report.added += counts["added"]
        report.changed += counts["changed"]
        report.gone += counts["gone"]
        report.hotline_labels = merge_labels(
            report.hotline_labels, certificate.report.hotline_labels
        )
        if not certificate.complete:
            report.unfinished.append(certificate.day)

    def _certificate(
        self, day: date, logs: CallLogs, rows: pl.DataFrame, *, forgotten: bool
    ) -> Certificate:
        labels = count_labels(logs.report.hotline_labels, rows)
        report = replace(logs.report, rows=rows.height, hotline_labels=labels)
        report = self._forgotten.blank_report(report)
        if self._privacy:
            report = self._privacy.apply_to_report(report)
        return Certificate(
            day=day,
            time_zone=self._config.time_zone,
            report=report,
            clock_offset=self._client.clock_offset,
            forgotten=forgotten,
        )

    def _without_calls_of_other_days(self, day: date, calls: pl.DataFrame) -> pl.DataFrame:
        """The calls, except those with an unreadable start that another day already contains.

        The API may return such a call for two neighboring days.
        """
        unknown = calls.filter(pl.col("started_at").is_null())
        if unknown.is_empty():
            return calls
        elsewhere = (
            self._table.scan()
            .filter(pl.col("started_at").is_null(), pl.col("local_day") != day)
            .select("id")
            .collect()
            .to_series()
        )
        return calls.filter(
            pl.col("started_at").is_not_null() | ~pl.col("id").is_in(elsewhere.implode())
        )
