"""SyncReport, and the errors of a sync that ended early."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from ..errors import EtelecomError, Stopped
from ..fetch_report import HotlineLabels
from ..formatting import facts_text
from ..language import date_text, ntr, number, tr
from ..logs import CallLogs
from .certificates import CLOCK_TOLERANCE

__all__ = ["IncompleteSync", "SyncReport", "SyncStopped", "clock_text", "warning_facts"]

_MAX_LINES = 5


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
        problems: what was wrong with the archive before, one sentence each. The damaged days were
            fetched again.
        clock_offset: how far the server's clock was ahead of this machine's; None if unknown.
        calls: number of calls of the fetched days.
        added, changed, gone: number of calls that were added, changed and removed.
        hotline_labels: how the calls of the fetched days got their hotlines; None without
            `label_hotlines`.
        seconds: duration of the sync.

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
        >>> report.fetched, report.added
        (2, 161)
    """

    replaced: list[date] = field(default_factory=list)
    unchanged: list[date] = field(default_factory=list)
    unfinished: list[date] = field(default_factory=list)
    refused: dict[date, tuple[int, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    clock_offset: timedelta | None = None
    calls: int = 0
    added: int = 0
    changed: int = 0
    gone: int = 0
    hotline_labels: HotlineLabels | None = None
    seconds: float = 0.0

    @property
    def fetched(self) -> int:
        """Number of days that were fetched completely."""
        return len(self.replaced) + len(self.unchanged) + len(self.refused)

    def facts(self) -> Iterable[tuple[str, str]]:
        """The contents of the report, as (label, text)."""
        yield (
            tr("days", context="fact"),
            tr(
                "{fetched} fetched, {replaced} of them new or changed",
                fetched=self.fetched,
                replaced=len(self.replaced),
            ),
        )
        yield (
            tr("calls", context="fact"),
            tr(
                "{calls}; {added} added, {changed} changed, {gone} gone",
                calls=self.calls,
                added=self.added,
                changed=self.changed,
                gone=self.gone,
            ),
        )
        if self.hotline_labels:
            yield from (
                (tr("hotlines", context="fact"), text) for text in self.hotline_labels.facts()
            )
        yield from warning_facts(self)
        if text := clock_text(self.clock_offset):
            yield tr("clock", context="fact"), text
        seconds = number(self.seconds, ".1f")
        yield tr("took", context="fact"), tr("{seconds} s", seconds=seconds)

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

    Examples:
        >>> import tempfile
        >>> with (
        ...     tempfile.TemporaryDirectory() as folder,
        ...     et.simulator.serve(et.sample_logs().calls) as server,
        ... ):
        ...     server.die_after = 6
        ...     client = et.Client(server.base_url, server.api_key, retry=et.Retry(attempts=1))
        ...     archive = et.Archive(folder)
        ...     try:
        ...         archive.sync(
        ...             client, since="2026-11-02", until="2026-11-09", workers=1, progress=False
        ...         )
        ...     except et.IncompleteSync as error:
        ...         archive.status().days == error.report.fetched > 0
        True
    """

    def __init__(
        self, cause: BaseException, report: SyncReport, partials: tuple[CallLogs, ...] = ()
    ) -> None:
        super().__init__(cause, report, partials)
        self.cause, self.report, self.partials = cause, report, partials

    def __str__(self) -> str:
        rest = ntr(
            "{n} day is complete in the archive: sync again for the rest.",
            "{n} days are complete in the archive: sync again for the rest.",
            self.report.fetched,
        )
        return f"{self.cause} {rest}".lstrip()


class SyncStopped(IncompleteSync, Stopped, KeyboardInterrupt):
    """The user stopped the sync, with Ctrl-C or a notebook's stop button."""


def warning_facts(report: SyncReport) -> Iterable[tuple[str, str]]:
    """What the archive lacks after a sync, and what was wrong with it before."""
    if report.unfinished:
        days = ", ".join(map(date_text, sorted(report.unfinished)[-3:]))
        text = tr("{days}: will be fetched again", days=days)
        yield tr("unfinished", context="fact"), text
    if report.refused:
        text = tr("{n} days that would have lost calls", n=len(report.refused))
        yield tr("refused", context="fact"), text
    for text in report.problems[:_MAX_LINES]:
        yield tr("problem", context="fact"), text
    if (more := len(report.problems) - _MAX_LINES) > 0:
        text = ntr("and {n} more problem", "and {n} more problems", more)
        yield tr("problem", context="fact"), text


def clock_text(offset: timedelta | None) -> str:
    """A sentence if the clocks of the server and of this machine differ by minutes; else empty."""
    if offset is None or abs(offset) <= CLOCK_TOLERANCE:
        return ""
    minutes = abs(round(offset.total_seconds() / 60))
    time = tr("{n} min", n=minutes)
    if minutes >= 2_880:
        time = tr("{n} days", n=minutes // 1_440)
    return tr(
        "This machine's clock is {time} behind the server's: set it right, then sync again."
        if offset > timedelta()
        else "This machine's clock is {time} ahead of the server's: set it right, then sync again.",
        time=time,
    )
