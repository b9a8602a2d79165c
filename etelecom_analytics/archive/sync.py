"""Sync: fetch the days that are missing or may have changed, and store each in one commit."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl
from tqdm.auto import tqdm

from .. import frames
from ..api.client import Client
from ..api.fetch import progress_disabled
from ..errors import ArchiveBusy, ArchiveError, DataLossError, EtelecomError, InputError, Stopped
from ..formatting import facts_text
from ..logs import CallLogs
from ..privacy import Privacy
from .certificates import Certificate, read_certificates, write_certificates
from .config import ArchiveConfig, to_stored_rows
from .days import DayFetcher
from .differences import Differences
from .table import Table

__all__ = ["IncompleteSync", "SyncReport", "SyncStopped", "load_certificates", "run_sync"]

_MAX_LOST_SHARE, _MAX_LOST_CALLS = 0.02, 5
"""A day that would lose more than both is not replaced."""
_MAX_ATTEMPTS = 10
_HARMLESS = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")
"""Operations of other engines that do not change calls."""


@dataclass(kw_only=True)
class SyncReport:
    """Result of a sync.

    Attributes:
        replaced: days that are new or had changed.
        unchanged: days that were fetched and had not changed.
        unfinished: the days among these that had not ended when they were fetched. They will be
            fetched again.
        refused: days that were not replaced because they would have lost too many calls: for each,
            the number of stored calls, and of those that the server no longer has.
        calls: number of calls of the fetched days.
        added, changed, gone: number of calls that were added, changed and removed.
        seconds: duration of the sync.
    """

    replaced: list[date] = field(default_factory=list)
    unchanged: list[date] = field(default_factory=list)
    unfinished: list[date] = field(default_factory=list)
    refused: dict[date, tuple[int, int]] = field(default_factory=dict)
    calls: int = 0
    added: int = 0
    changed: int = 0
    gone: int = 0
    seconds: float = 0.0

    @property
    def fetched(self) -> int:
        """Number of days that were fetched completely."""
        return len(self.replaced) + len(self.unchanged) + len(self.refused)

    def facts(self) -> Iterable[tuple[str, str]]:
        """The contents of the report, as (label, text)."""
        yield "days", f"{self.fetched:,} fetched, {len(self.replaced):,} of them new or changed"
        yield (
            "calls",
            f"{self.calls:,}; {self.added:,} added, {self.changed:,} changed, {self.gone:,} gone",
        )
        if self.unfinished:
            yield (
                "unfinished",
                f"{', '.join(map(str, self.unfinished[-3:]))}: will be fetched again",
            )
        if self.refused:
            yield "refused", f"{len(self.refused):,} days that would have lost calls"
        yield "took", f"{self.seconds:.1f} s"

    def __repr__(self) -> str:
        return facts_text("SyncReport", self.facts())


class IncompleteSync(EtelecomError):
    """A sync ended early. All days that were fetched completely are in the archive.

    Another sync fetches the rest.

    Attributes:
        report: what was done before the sync ended.
        partials: the calls of incomplete days; `sync(..., resume=error.partials)` does not fetch
            them again.
        cause: the error that ended the sync.
    """

    def __init__(
        self, cause: BaseException, report: SyncReport, partials: tuple[CallLogs, ...] = ()
    ) -> None:
        super().__init__(cause, report, partials)
        self.cause, self.report, self.partials = cause, report, partials

    def __str__(self) -> str:
        days = "1 day is" if self.report.fetched == 1 else f"{self.report.fetched:,} days are"
        return f"{self.cause} {days} complete in the archive: sync again for the rest.".lstrip()


class SyncStopped(IncompleteSync, Stopped, KeyboardInterrupt):
    """The user stopped the sync, with Ctrl-C or a notebook's stop button."""


def run_sync(
    table: Table,
    client: Client,
    days: list[date],
    *,
    privacy: Privacy | None,
    accept_loss: bool,
    workers: int,
    progress: bool,
    resume: Iterable[CallLogs] = (),
) -> SyncReport:
    """Fetch and store these days. The caller must hold the lock of the archive.

    Raises:
        IncompleteSync: the sync ended early.
        DataLossError: some days would have lost too many calls; all others are stored.
    """
    writer = _DayWriter(table, privacy, accept_loss=accept_loss)
    started, zone = time.monotonic(), table.config.time_zone
    partials = {logs.query.date_from.date(): logs for logs in resume if logs.query.date_from}
    disable = not progress or progress_disabled()
    with tqdm(desc="Syncing days", unit=" days", total=len(days), disable=disable) as bar:
        calls = 0

        def on_calls(count: int) -> None:
            nonlocal calls
            calls += count
            bar.set_postfix_str(f"{calls:,} calls", refresh=False)

        def on_day(day: date, logs: CallLogs) -> None:
            writer.write(day, logs)
            bar.update()

        largest = max((each.report.rows for each in load_certificates(table).values()), default=0)
        days_fetcher = DayFetcher(client, zone, workers=workers, largest=largest, on_calls=on_calls)
        try:
            days_fetcher.run(days, on_day, partials)
        except (EtelecomError, KeyboardInterrupt) as cause:
            writer.report.seconds = time.monotonic() - started
            if isinstance(cause, ArchiveError | InputError) or not (
                writer.report.fetched or days_fetcher.partials
            ):
                raise
            stopped = isinstance(cause, Stopped | KeyboardInterrupt)
            raise (SyncStopped if stopped else IncompleteSync)(
                cause, writer.report, tuple(days_fetcher.partials)
            ) from cause
        finally:
            writer.save_certificates()
    report = writer.report
    report.seconds = time.monotonic() - started
    if report.refused:
        raise DataLossError(report.refused, report)
    return report


def load_certificates(table: Table) -> dict[date, Certificate]:
    """The certificates of an archive, from the file and from commits newer than the file."""
    certificates, through = read_certificates(table.folder)
    if through > table.version:  # someone restored an older state of the table
        certificates, through = {}, -1
    for _, metadata, commit in table.log(through):
        if not metadata and commit.get("operation") not in _HARMLESS:
            # Another engine changed the table, so the certificates may no longer be true.
            certificates.clear()
        if metadata.get("what") == "day":
            certificate = Certificate.from_json(metadata["certificate"])
            older = certificates.get(certificate.day)
            if older is None or older.report.began_at <= certificate.report.began_at:
                certificates[certificate.day] = certificate
    return {day: each for day, each in certificates.items() if day >= (table.pruned_before or day)}


class _DayWriter:
    """Writes days into the table, and records what was done."""

    def __init__(self, table: Table, privacy: Privacy | None, *, accept_loss: bool) -> None:
        self.report = SyncReport()
        self._table, self._privacy, self._accept_loss = table, privacy, accept_loss
        self._config: ArchiveConfig = table.config
        self._certificates: dict[date, Certificate] = {}

    def write(self, day: date, logs: CallLogs) -> None:
        """Store a day if it differs from what is stored."""
        calls = self._without_calls_of_other_days(day, logs.calls)
        rows = to_stored_rows(frames.in_order(calls), day, self._config, self._privacy)
        certificate = self._certificate(day, logs, rows)
        for _ in range(_MAX_ATTEMPTS):
            stored = self._table.day(day)
            counts = Differences(stored, rows).counts()
            if self._loses_too_much(stored.height, counts["gone"]):
                self.report.refused[day] = stored.height, counts["gone"]
                return
            if not any(counts.values()):
                self._record(self.report.unchanged, certificate, counts)
                return
            try:
                metadata = {
                    "what": "day",
                    "day": day.isoformat(),
                    "rows": rows.height,
                    **counts,
                    "certificate": certificate.to_json(),
                }
                self._table.write_day(day, rows, metadata)
            except ArchiveBusy:
                self._table.refresh()
                other = load_certificates(self._table).get(day)
                if other and other.report.began_at >= certificate.report.began_at:
                    return  # another process stored a newer state of the day
                continue
            self._record(self.report.replaced, certificate, counts)
            return
        raise ArchiveBusy(
            f"Other processes keep writing {day}: sync again when they have finished."
        )

    def save_certificates(self) -> None:
        """Write the file of certificates, including those that other processes have added."""
        self._table.refresh()
        stored = load_certificates(self._table)
        newer = {
            day: each
            for day, each in self._certificates.items()
            if day not in stored or stored[day].report.began_at <= each.report.began_at
        }
        write_certificates(
            self._table.folder, (stored | newer).values(), through=self._table.version
        )

    def _record(
        self, days: list[date], certificate: Certificate, counts: Mapping[str, int]
    ) -> None:
        days.append(certificate.day)
        report, self._certificates[certificate.day] = self.report, certificate
        report.calls += certificate.report.rows
        report.added += counts["added"]
        report.changed += counts["changed"]
        report.gone += counts["gone"]
        if not certificate.complete:
            report.unfinished.append(certificate.day)

    def _loses_too_much(self, stored: int, gone: int) -> bool:
        return not self._accept_loss and gone > _MAX_LOST_CALLS and gone > _MAX_LOST_SHARE * stored

    def _certificate(self, day: date, logs: CallLogs, rows: pl.DataFrame) -> Certificate:
        report = replace(logs.report, rows=rows.height)
        if self._privacy:
            report = self._privacy.apply_to_report(report)
        return Certificate(day=day, time_zone=self._config.time_zone, report=report)

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
