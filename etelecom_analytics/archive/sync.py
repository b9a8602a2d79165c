"""sync: days that are missing or may have changed, fetched side by side, and each put into the table whole, in one commit."""

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
from .comparison import Comparison
from .config import ArchiveConfig, flattened
from .days import DayFetch
from .table import Table

__all__ = ["IncompleteSync", "SyncReport", "SyncStopped", "certificates_of", "synced"]

_LOST_SHARE, _LOST_CALLS = 0.02, 5
"""A day that would lose more than both is left as it is."""
_MOST_ATTEMPTS = 10
_HARMLESS = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")
"""What another engine may do to the table without changing its calls."""


@dataclass(kw_only=True)
class SyncReport:
    """What a sync did.

    Attributes:
        replaced: days of which something had changed, or that are new.
        unchanged: days that were fetched and were in step.
        unfinished: of these, the days that were not over yet when they were fetched: they will be
            fetched again.
        refused: days that would have lost too much: how many calls are stored, and how many of them
            are gone.
        calls: calls that the fetched days hold now.
        added, changed, gone: calls that came, that differ, and that went.
        seconds: how long it took.
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
        """How many days were fetched to their end."""
        return len(self.replaced) + len(self.unchanged) + len(self.refused)

    def facts(self) -> Iterable[tuple[str, str]]:
        """What there is to say, as (name, text)."""
        yield (
            "days",
            f"{self.fetched:,} fetched, {len(self.replaced):,} of them had changed or are new",
        )
        yield (
            "calls",
            f"{self.calls:,}; {self.added:,} came, {self.changed:,} changed, {self.gone:,} went",
        )
        if self.unfinished:
            yield (
                "unfinished",
                f"{', '.join(map(str, self.unfinished[-3:]))}: to be fetched again when over",
            )
        if self.refused:
            yield "refused", f"{len(self.refused):,} days that would have lost calls"
        yield "took", f"{self.seconds:.1f} s"

    def __repr__(self) -> str:
        return facts_text("SyncReport", self.facts())


class IncompleteSync(EtelecomError):
    """A sync ended before its end. Every day that came whole is in the archive; a further sync fetches the rest.

    Attributes:
        report: what was done until then.
        partials: what came of days that are not whole; `sync(..., resume=error.partials)` does not
            fetch that part again.
        cause: what ended it.
    """

    def __init__(
        self, cause: BaseException, report: SyncReport, partials: tuple[CallLogs, ...] = ()
    ) -> None:
        super().__init__(cause, report, partials)
        self.cause, self.report, self.partials = cause, report, partials

    def __str__(self) -> str:
        days = "1 day was" if self.report.fetched == 1 else f"{self.report.fetched:,} days were"
        return f"{self.cause} {days} fetched whole until then, and are in the archive: sync again for the rest.".lstrip()


class SyncStopped(IncompleteSync, Stopped, KeyboardInterrupt):
    """Somebody stopped the sync, by Ctrl-C or a notebook's stop button."""


def synced(
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
    """What became of these days. The archive must be locked.

    Raises:
        IncompleteSync: it ended early.
        DataLossError: days would have lost calls; all others are done.
    """
    syncing = _Syncing(table, privacy, accept_loss=accept_loss)
    started, zone = time.monotonic(), table.charter.time_zone
    partials = {logs.query.date_from.date(): logs for logs in resume if logs.query.date_from}
    disable = not progress or progress_disabled()
    with tqdm(desc="Syncing days", unit=" days", total=len(days), disable=disable) as bar:
        calls = 0

        def on_calls(more: int) -> None:
            nonlocal calls
            calls += more
            bar.set_postfix_str(f"{calls:,} calls", refresh=False)

        def keep(day: date, logs: CallLogs) -> None:
            syncing.keep(day, logs)
            bar.update()

        largest = max((each.report.rows for each in certificates_of(table).values()), default=0)
        fetching = DayFetch(client, zone, workers=workers, largest=largest, on_calls=on_calls)
        try:
            fetching.run(days, keep, partials)
        except (EtelecomError, KeyboardInterrupt) as cause:
            syncing.report.seconds = time.monotonic() - started
            if isinstance(cause, ArchiveError | InputError) or not (
                syncing.report.fetched or fetching.partials
            ):
                raise
            stopped = isinstance(cause, Stopped | KeyboardInterrupt)
            raise (SyncStopped if stopped else IncompleteSync)(
                cause, syncing.report, tuple(fetching.partials)
            ) from cause
        finally:
            syncing.save()
    report = syncing.report
    report.seconds = time.monotonic() - started
    if report.refused:
        raise DataLossError(report.refused, report)
    return report


def certificates_of(table: Table) -> dict[date, Certificate]:
    """The certificates of the archive as it is: those beside, and those that only the log has yet."""
    found, through = read_certificates(table.folder)
    if through > table.version:  # the table was put back to an older state by hand
        found, through = {}, -1
    for _, said, commit in table.log(through):
        if not said and commit.get("operation") not in _HARMLESS:
            # another engine wrote to it, or put it back: what was certified may be so no longer
            found.clear()
        if said.get("what") == "day":
            certificate = Certificate.from_json(said["certificate"])
            known = found.get(certificate.day)
            if known is None or known.report.began_at <= certificate.report.began_at:
                found[certificate.day] = certificate
    return {day: each for day, each in found.items() if day >= (table.pruned_before or day)}


class _Syncing:
    """One sync's hand on the table."""

    def __init__(self, table: Table, privacy: Privacy | None, *, accept_loss: bool) -> None:
        self.report = SyncReport()
        self._table, self._privacy, self._accept_loss = table, privacy, accept_loss
        self._charter: ArchiveConfig = table.charter
        self._renewed: dict[date, Certificate] = {}

    def keep(self, day: date, logs: CallLogs) -> None:
        """Put the day into the table, if it differs from what is stored."""
        calls = self._without_those_of_other_days(day, logs.calls)
        rows = flattened(frames.in_order(calls), day, self._charter, self._privacy)
        certificate = self._certificate(day, logs, rows)
        for _ in range(_MOST_ATTEMPTS):
            stored = self._table.day(day)
            moved = Comparison(stored, rows).counts()
            if self._refuses(stored.height, moved["gone"]):
                self.report.refused[day] = stored.height, moved["gone"]
                return
            if not any(moved.values()):
                self._done(self.report.unchanged, certificate, moved)
                return
            try:
                said = {
                    "what": "day",
                    "day": day.isoformat(),
                    "rows": rows.height,
                    **moved,
                    "certificate": certificate.to_json(),
                }
                self._table.write_day(day, rows, said)
            except ArchiveBusy:
                self._table.refresh()
                theirs = certificates_of(self._table).get(day)
                if theirs and theirs.report.began_at >= certificate.report.began_at:
                    return  # somebody else, who fetched the day later than we did
                continue
            self._done(self.report.replaced, certificate, moved)
            return
        raise ArchiveBusy(
            f"{day} is being written to by others all the time: sync again when they are done."
        )

    def save(self) -> None:
        """Let the certificates stand beside, those included that others wrote meanwhile."""
        self._table.refresh()
        known = certificates_of(self._table)
        newer = {
            day: each
            for day, each in self._renewed.items()
            if day not in known or known[day].report.began_at <= each.report.began_at
        }
        write_certificates(
            self._table.folder, (known | newer).values(), through=self._table.version
        )

    def _done(self, kind: list[date], certificate: Certificate, moved: Mapping[str, int]) -> None:
        kind.append(certificate.day)
        report, self._renewed[certificate.day] = self.report, certificate
        report.calls += certificate.report.rows
        report.added, report.changed, report.gone = (
            getattr(report, name) + moved[name] for name in ("added", "changed", "gone")
        )
        if not certificate.complete:
            report.unfinished.append(certificate.day)

    def _refuses(self, stored: int, gone: int) -> bool:
        return not self._accept_loss and gone > _LOST_CALLS and gone > _LOST_SHARE * stored

    def _certificate(self, day: date, logs: CallLogs, rows: pl.DataFrame) -> Certificate:
        report = replace(logs.report, rows=rows.height)
        if self._privacy:
            report = self._privacy.apply_to_report(report)
        return Certificate(day=day, time_zone=self._charter.time_zone, report=report)

    def _without_those_of_other_days(self, day: date, calls: pl.DataFrame) -> pl.DataFrame:
        """The calls without those of unreadable start that a neighbouring day has already: the API may give them for both."""
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
