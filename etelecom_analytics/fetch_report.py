"""FetchReport: the account of a fetch, and the certificate of its completeness."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from . import local_time
from .formatting import facts_html, facts_text
from .frames import Drift, SetAside, merge_drift

__all__ = ["FetchReport", "Gap", "Window", "certify", "merge_reports", "facts_text"]

_LONG_AGO, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_MOST_LINES = 8
_LONGEST_CALL = timedelta(hours=12)
"""A call that runs for longer is one whose end the PBX never wrote."""


class Gap(NamedTuple):
    """A part of the range asked for that was not fetched: from its begin, and before its end."""

    begin: datetime
    end: datetime


class Window(NamedTuple):
    """A part of the range that one chain of pages covers, and what is in the table of it.

    Attributes:
        begin, end: from `begin` on, and before `end`; None is no bound.
        whole: the chain came to its end: an empty cursor, or, in order, a call before `begin`. If
            not, nothing is promised of this part.
        pages: pages read for it.
        rows: calls in the table that began within.
        first_at, first_id, last_at, last_id: the earliest and the latest of them; None where there
        are none.
    """

    begin: datetime | None
    end: datetime | None
    whole: bool
    pages: int
    rows: int = 0
    first_at: datetime | None = None
    first_id: str | None = None
    last_at: datetime | None = None
    last_id: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class FetchReport:
    """How the calls were fetched, what was strange, and what is promised of the table.

    Every row that came is accounted for: received = rows + repeated + outside + len(set_aside).

    Attributes:
        rows: calls in the table.
        received: rows that came over the wire.
        repeated: rows of a call that came more than once; its newest state was kept.
        outside: rows whose start lies outside the half-open range of the query.
        pages: pages read.
        began_at: the moment at which the fetch began.
        complete_from: every call that matches and began at this moment or later is here; None:
            since the beginning.
        complete_to: ... and before this moment: the query's `date_to`, or when the fetch began.
        gaps: the parts of the range asked for that are not here, such as what had not happened yet.
        seconds: how long it took.
        windows: the parts of the range as they were walked, oldest first.
        running: calls without an end.
        running_long: the ids of those that began more than 12 hours before the fetch did.
        dates_ignored: the server paid no heed to dates, so one chain was walked over all that it
            has.
        drift: in which ways the wire differed from the contract.
        set_aside: records that cannot be rows, as they came.
        time_zone: in whose local time it is told.
    """

    rows: int
    received: int
    repeated: int
    outside: int
    pages: int
    began_at: datetime
    complete_from: datetime | None
    complete_to: datetime
    seconds: float
    gaps: tuple[Gap, ...] = ()
    windows: tuple[Window, ...] = ()
    running: int = 0
    running_long: tuple[str, ...] = ()
    dates_ignored: bool = False
    drift: tuple[Drift, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    time_zone: str = local_time.HOME_ZONE

    @property
    def complete(self) -> bool:
        """Whether all that was asked for and had happened by then is here."""
        return all(window.whole for window in self.windows)

    @property
    def has_no_coverage(self) -> bool:
        """Whether there is no moment of which all calls are here, as of a range `within` which nothing was fetched."""
        begin = self.complete_from or _LONG_AGO
        return begin >= self.complete_to or self.gaps_between(begin, self.complete_to) == (
            Gap(begin, self.complete_to),
        )

    def gaps_between(self, begin: datetime, end: datetime) -> tuple[Gap, ...]:
        """The parts of [begin, end) that were not fetched, in order, none touching another."""
        before = [Gap(begin, self.complete_from)] if self.complete_from else []
        holes = [
            Gap(max(hole.begin, begin), min(hole.end, end))
            for hole in (*before, *self.gaps, Gap(self.complete_to, end))
        ]
        apart: list[Gap] = []
        for hole in sorted(hole for hole in holes if hole.begin < hole.end):
            if apart and hole.begin <= apart[-1].end:
                apart[-1] = Gap(apart[-1].begin, max(apart[-1].end, hole.end))
            else:
                apart.append(hole)
        return tuple(apart)

    def clip(self, begin: datetime | None, end: datetime | None) -> "FetchReport":
        """The same, but complete for no more than [begin, end): what a chart of these days alone may tell. None: no bound.

        The bounds are aware, such as a query's `date_from` and `date_to`. Days that nobody asked
        about are then not told as days without calls, and what is not here of those that are asked
        about is a gap. What the fetch itself counted stays.
        """
        if begin is None and end is None:
            return self
        begin, end = (moment and moment.astimezone(UTC) for moment in (begin, end))
        edges = [moment for gap in self.gaps for moment in gap]
        gaps = self.gaps_between(
            begin or min([self.complete_from or _LONG_AGO, *edges]),
            end or max([begin or _LONG_AGO, self.complete_to, *edges]),
        )
        first = max((moment for moment in (begin, self.complete_from) if moment), default=None)
        first = min(first, end) if first and end else first
        last = min(end or self.complete_to, self.complete_to)
        return replace(self, complete_from=first, complete_to=max(last, first or last), gaps=gaps)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can keep it; `from_dict` reads it back."""
        told = asdict(self)
        for name in ("began_at", "complete_from", "complete_to"):
            told[name] = _iso(told[name])
        told["gaps"] = [[moment.isoformat() for moment in gap] for gap in self.gaps]
        told["windows"] = [
            {name: _iso(value) for name, value in window._asdict().items()}
            for window in self.windows
        ]
        told["running_long"] = list(self.running_long)
        told["drift"] = [drift._asdict() for drift in self.drift]
        told["set_aside"] = [record._asdict() for record in self.set_aside]
        return told

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "FetchReport":
        """The report that `to_dict` told."""
        moments = {
            name: _moment(told[name]) for name in ("began_at", "complete_from", "complete_to")
        }
        lists = {
            "gaps": tuple(Gap(*map(datetime.fromisoformat, gap)) for gap in told["gaps"]),
            "windows": tuple(_window(window) for window in told.get("windows", ())),
            "running_long": tuple(told.get("running_long", ())),
            "drift": tuple(Drift(**drift) for drift in told["drift"]),
            "set_aside": tuple(SetAside(**record) for record in told["set_aside"]),
        }
        return cls(**{**told, **moments, **lists})

    def facts(self) -> Iterable[tuple[str, str]]:
        """What there is to say, as (name, text)."""

        def local(moment: datetime | None, otherwise: str) -> str:
            return (
                moment.astimezone(local_time.zone(self.time_zone)).isoformat(
                    sep=" ", timespec="seconds"
                )
                if moment
                else otherwise
            )

        yield (
            "complete",
            f"{local(self.complete_from, 'from the first')} to {local(self.complete_to, '')}",
        )
        for gap in self.gaps[:_MOST_LINES]:
            yield "not here", f"{local(gap.begin, '')} to {local(gap.end, '')}"
        if (more := len(self.gaps) - _MOST_LINES) > 0:
            yield "not here", f"and {more} more parts: see .report.gaps"
        if self.windows:
            whole = sum(window.whole for window in self.windows)
            yield (
                "proof",
                f"{whole:,} of {_count(len(self.windows), 'window')} read to the end: see .report.windows",
            )
        yield (
            "fetched",
            f"{_count(self.received, 'row')} on {_count(self.pages, 'page')} in {self.seconds:.1f} s; "
            f"{self.repeated:,} came again, {self.outside:,} outside the range, {len(self.set_aside):,} set aside",
        )
        if self.running:
            longer = (
                f", {len(self.running_long):,} of them for more than 12 h: see .report.running_long"
                if self.running_long
                else ""
            )
            yield "running", f"{_count(self.running, 'call')} without an end{longer}"
        if self.dates_ignored:
            yield "dates", "the server ignores them: one chain was walked over all that it has"
        for drift in self.drift[:_MOST_LINES]:
            often = "once" if drift.count == 1 else f"{drift.count:,} times"
            yield "drift", f"{drift.field}: {drift.kind}, {often}, such as {drift.example}"
        if (more := len(self.drift) - _MOST_LINES) > 0:
            yield "drift", f"and {more} more kinds: see .report.drift"

    def __repr__(self) -> str:
        return facts_text("FetchReport", self.facts())

    def _repr_html_(self) -> str:
        return facts_html("FetchReport", self.facts())


def certify(report: FetchReport, calls: pl.DataFrame) -> FetchReport:
    """The report with what the table itself shows: rows, what is in each window, and calls that are still running."""
    running = calls.filter(pl.col("ended_at").is_null()).select("id", "started_at")
    long = running.filter(pl.col("started_at") < report.began_at - _LONGEST_CALL)
    return replace(
        report,
        rows=calls.height,
        windows=_counted(report.windows, calls.select("id", "started_at").drop_nulls("started_at")),
        running=running.height,
        running_long=tuple(long["id"]),
    )


def _counted(windows: Sequence[Window], newest_first: pl.DataFrame) -> tuple[Window, ...]:
    starts = newest_first["started_at"]

    def before(moment: datetime | None, otherwise: int) -> int:
        """How many calls stand before those that began earlier than the moment."""
        if moment is None:
            return otherwise
        return starts.len() - starts.reverse().search_sorted(moment.astimezone(UTC), side="left")

    counted = []
    for window in windows:
        begin, end = before(window.end, 0), before(window.begin, starts.len())
        rows = newest_first[begin:end]
        last_id, last_at = rows.row(0) if rows.height else (None, None)
        first_id, first_at = rows.row(-1) if rows.height else (None, None)
        counted.append(
            window._replace(
                rows=rows.height,
                first_at=first_at,
                first_id=first_id,
                last_at=last_at,
                last_id=last_id,
            )
        )
    return tuple(counted)


def merge_reports(older: FetchReport, newer: FetchReport) -> FetchReport:
    """One report of two fetches whose calls were brought together; `certify` tells what is in the table then.

    What either promises is promised still; between them there may be a gap. What one of them lacked
    and the other brought is here.
    """
    begins = [report.complete_from for report in (older, newer)]
    complete_from = None if None in begins else min(begin for begin in begins if begin)
    complete_to = max(older.complete_to, newer.complete_to)
    told = replace(
        newer,
        complete_from=complete_from,
        complete_to=complete_to,
        began_at=min(older.began_at, newer.began_at),
    )
    gaps = _still_missing(older, newer, complete_to)
    windows = {
        window[:3]: window
        for window in (*older.windows, *newer.windows)
        if window.whole or _lacks(window, complete_from, gaps)
    }
    return replace(
        told,
        received=older.received + newer.received,
        outside=older.outside + newer.outside,
        pages=older.pages + newer.pages,
        seconds=round(older.seconds + newer.seconds, 3),
        gaps=gaps,
        windows=tuple(sorted(windows.values(), key=_by_time)),
        dates_ignored=older.dates_ignored or newer.dates_ignored,
        drift=merge_drift(older.drift, newer.drift),
        set_aside=(*older.set_aside, *newer.set_aside),
    )


def _still_missing(
    older: FetchReport, newer: FetchReport, complete_to: datetime
) -> tuple[Gap, ...]:
    """What neither of the two fetched, from the first moment that one of them did."""
    begins = [report.complete_from for report in (older, newer) if report.complete_from]
    begin = min(begins) if len(begins) == 2 else _LONG_AGO
    end = max([complete_to, *(gap.end for gap in (*older.gaps, *newer.gaps))])
    both = (
        Gap(max(one.begin, other.begin), min(one.end, other.end))
        for one in older.gaps_between(begin, end)
        for other in newer.gaps_between(begin, end)
    )
    return tuple(gap for gap in both if gap.begin < gap.end)


def _lacks(window: Window, complete_from: datetime | None, gaps: Sequence[Gap]) -> bool:
    """Whether something of the window is missing still."""
    begin, end = _by_time(window)
    return bool(complete_from and begin < complete_from) or any(
        gap.begin < end and begin < gap.end for gap in gaps
    )


def _by_time(window: Window) -> tuple[datetime, datetime]:
    return window.begin or _LONG_AGO, window.end or _NEVER


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _window(told: Mapping[str, Any]) -> Window:
    moments = {name: _moment(told[name]) for name in ("begin", "end", "first_at", "last_at")}
    return Window(**{**told, **moments})
