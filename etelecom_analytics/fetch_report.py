"""FetchReport: what was fetched, how complete it is, and which irregularities occurred."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from . import local_time
from .formatting import facts_html, facts_text
from .parsing.records import Drift, SetAside, merge_drift

__all__ = ["FetchReport", "Gap", "Window", "certify", "merge_reports"]

_MIN_TIME, _MAX_TIME = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_MAX_LINES = 8
_MAX_CALL_LENGTH = timedelta(hours=12)
"""For a longer call without an end, the PBX probably never recorded the end."""


class Gap(NamedTuple):
    """A part [begin, end) of the requested range that was not fetched."""

    begin: datetime
    end: datetime


class Window(NamedTuple):
    """A part of the range that one chain of pages covers, and the calls of the table in it.

    Attributes:
        begin, end: the half-open range; None means no bound.
        whole: whether the chain was read to its end: an empty cursor or, in sorted pages, a call
            before `begin`. Otherwise the window may be incomplete.
        pages: number of pages read.
        rows: number of calls in the table that began in the window.
        first_at, first_id, last_at, last_id: the earliest and the latest of these calls, or None.
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
    """How the calls were fetched, in which range they are complete, and what was irregular.

    Every received row is accounted for: received = rows + repeated + outside + len(set_aside).

    Attributes:
        rows: calls in the table.
        received: rows received from the API.
        repeated: rows of a call that was received more than once; the newest state is in the table.
        outside: rows that start outside the half-open range of the query.
        pages: pages read.
        began_at: when the fetch began.
        complete_from: the table has every matching call that began at or after this time; None
            means since the first call.
        complete_to: the table is complete up to this time (exclusive): `date_to` of the query, or
            when the fetch began.
        gaps: parts of the requested range that were not fetched, such as the future.
        seconds: duration of the fetch.
        windows: the parts of the range that were fetched separately, oldest first.
        running: calls without an end.
        running_long: ids of those that began more than 12 hours before the fetch.
        dates_ignored: the server ignored the dates, so all its calls were read in one chain.
        drift: how the responses differed from the contract of the API.
        set_aside: records that could not become rows, unchanged.
        time_zone: the time zone in which the report is displayed.
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
        """Whether every part of the range that lies in the past was fetched."""
        return all(window.whole for window in self.windows)

    @property
    def has_no_coverage(self) -> bool:
        """Whether nothing was fetched, for example after `clip` to a range outside the fetch."""
        begin = self.complete_from or _MIN_TIME
        if begin >= self.complete_to:
            return True
        return self.gaps_between(begin, self.complete_to) == (Gap(begin, self.complete_to),)

    def gaps_between(self, begin: datetime, end: datetime) -> tuple[Gap, ...]:
        """The parts of [begin, end) that were not fetched, in order and without overlaps."""
        before = [Gap(begin, self.complete_from)] if self.complete_from else []
        gaps = [
            Gap(max(gap.begin, begin), min(gap.end, end))
            for gap in (*before, *self.gaps, Gap(self.complete_to, end))
        ]
        union: list[Gap] = []
        for gap in sorted(gap for gap in gaps if gap.begin < gap.end):
            if union and gap.begin <= union[-1].end:
                union[-1] = Gap(union[-1].begin, max(union[-1].end, gap.end))
            else:
                union.append(gap)
        return tuple(union)

    def clip(self, begin: datetime | None, end: datetime | None) -> "FetchReport":
        """The report restricted to [begin, end); None means no bound.

        A chart of a part of the days uses it, so that days outside this part are not drawn as days
        without calls. Days inside it that were not fetched become gaps. The counts do not change.
        The bounds are timezone-aware, such as `date_from` and `date_to` of a query.
        """
        if begin is None and end is None:
            return self
        begin, end = (moment and moment.astimezone(UTC) for moment in (begin, end))
        edges = [moment for gap in self.gaps for moment in gap]
        gaps = self.gaps_between(
            begin or min([self.complete_from or _MIN_TIME, *edges]),
            end or max([begin or _MIN_TIME, self.complete_to, *edges]),
        )
        first = max((moment for moment in (begin, self.complete_from) if moment), default=None)
        first = min(first, end) if first and end else first
        last = min(end or self.complete_to, self.complete_to)
        return replace(self, complete_from=first, complete_to=max(last, first or last), gaps=gaps)

    def to_dict(self) -> dict[str, Any]:
        """The report as a JSON-compatible dict; `from_dict` reads it."""
        data = asdict(self)
        for name in ("began_at", "complete_from", "complete_to"):
            data[name] = _to_iso(data[name])
        data["gaps"] = [[moment.isoformat() for moment in gap] for gap in self.gaps]
        data["windows"] = [
            {name: _to_iso(value) for name, value in window._asdict().items()}
            for window in self.windows
        ]
        data["running_long"] = list(self.running_long)
        data["drift"] = [drift._asdict() for drift in self.drift]
        data["set_aside"] = [record._asdict() for record in self.set_aside]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "FetchReport":
        """The report of a dict from `to_dict`."""
        moments = {
            name: _from_iso(data[name]) for name in ("began_at", "complete_from", "complete_to")
        }
        lists = {
            "gaps": tuple(Gap(*map(datetime.fromisoformat, gap)) for gap in data["gaps"]),
            "windows": tuple(_window_from(window) for window in data.get("windows", ())),
            "running_long": tuple(data.get("running_long", ())),
            "drift": tuple(Drift(**drift) for drift in data["drift"]),
            "set_aside": tuple(SetAside(**record) for record in data["set_aside"]),
        }
        return cls(**{**data, **moments, **lists})

    def facts(self) -> Iterable[tuple[str, str]]:
        """The report as pairs of label and text."""

        def local(moment: datetime | None) -> str:
            return local_time.display_text(moment, self.time_zone) if moment else "the first call"

        yield "complete", f"{local(self.complete_from)} to {local(self.complete_to)}"
        for gap in self.gaps[:_MAX_LINES]:
            yield "missing", f"{local(gap.begin)} to {local(gap.end)}"
        if (more := len(self.gaps) - _MAX_LINES) > 0:
            yield "missing", f"and {more} more parts: see .report.gaps"
        if self.windows:
            whole = sum(window.whole for window in self.windows)
            total = _plural(len(self.windows), "window")
            yield "windows", f"{whole:,} of {total} read to the end: see .report.windows"
        yield (
            "fetched",
            f"{_plural(self.received, 'row')} on {_plural(self.pages, 'page')} "
            f"in {self.seconds:.1f} s; {self.repeated:,} repeated, "
            f"{self.outside:,} outside the range, {len(self.set_aside):,} set aside",
        )
        if self.running:
            text = f"{_plural(self.running, 'call')} without an end"
            if long := len(self.running_long):
                text += f", {long:,} of them for more than 12 h: see .report.running_long"
            yield "running", text
        if self.dates_ignored:
            yield "dates", "the server ignores them, so all its calls were read"
        for drift in self.drift[:_MAX_LINES]:
            times = "once" if drift.count == 1 else f"{drift.count:,} times"
            yield "drift", f"{drift.field}: {drift.kind}, {times}, such as {drift.example}"
        if (more := len(self.drift) - _MAX_LINES) > 0:
            yield "drift", f"and {more} more kinds: see .report.drift"

    def __repr__(self) -> str:
        return facts_text("FetchReport", self.facts())

    def _repr_html_(self) -> str:
        return facts_html("FetchReport", self.facts())


def certify(report: FetchReport, calls: pl.DataFrame) -> FetchReport:
    """The report with the counts of this table: rows, calls per window, calls without an end."""
    running = calls.filter(pl.col("ended_at").is_null()).select("id", "started_at")
    long = running.filter(pl.col("started_at") < report.began_at - _MAX_CALL_LENGTH)
    starts = calls.select("id", "started_at").drop_nulls("started_at")
    return replace(
        report,
        rows=calls.height,
        windows=tuple(_count_window(window, starts) for window in report.windows),
        running=running.height,
        running_long=tuple(long["id"]),
    )


def _count_window(window: Window, newest_first: pl.DataFrame) -> Window:
    starts = newest_first["started_at"]

    def position(moment: datetime | None, default: int) -> int:
        """The row of the first call that began before the moment."""
        if moment is None:
            return default
        return starts.len() - starts.reverse().search_sorted(moment.astimezone(UTC), side="left")

    rows = newest_first[position(window.end, 0) : position(window.begin, starts.len())]
    last_id, last_at = rows.row(0) if rows.height else (None, None)
    first_id, first_at = rows.row(-1) if rows.height else (None, None)
    return window._replace(
        rows=rows.height, first_at=first_at, first_id=first_id, last_at=last_at, last_id=last_id
    )


def merge_reports(older: FetchReport, newer: FetchReport) -> FetchReport:
    """One report for the merged calls of two fetches; `certify` then updates the table counts.

    It covers what either report covers. A range that neither covers is a gap.
    """
    begins = [report.complete_from for report in (older, newer)]
    complete_from = None if None in begins else min(begin for begin in begins if begin)
    complete_to = max(older.complete_to, newer.complete_to)
    gaps = _common_gaps(older, newer, complete_to)
    windows = {
        window[:3]: window
        for window in (*older.windows, *newer.windows)
        if window.whole or _has_gap(window, complete_from, gaps)
    }
    return replace(
        newer,
        complete_from=complete_from,
        complete_to=complete_to,
        began_at=min(older.began_at, newer.began_at),
        received=older.received + newer.received,
        outside=older.outside + newer.outside,
        pages=older.pages + newer.pages,
        seconds=round(older.seconds + newer.seconds, 3),
        gaps=gaps,
        windows=tuple(sorted(windows.values(), key=_bounds)),
        dates_ignored=older.dates_ignored or newer.dates_ignored,
        drift=merge_drift(older.drift, newer.drift),
        set_aside=(*older.set_aside, *newer.set_aside),
    )


def _common_gaps(older: FetchReport, newer: FetchReport, complete_to: datetime) -> tuple[Gap, ...]:
    """The ranges that neither report covers, from the beginning of the earlier coverage."""
    begins = [report.complete_from for report in (older, newer) if report.complete_from]
    begin = min(begins) if len(begins) == 2 else _MIN_TIME
    end = max([complete_to, *(gap.end for gap in (*older.gaps, *newer.gaps))])
    overlaps = (
        Gap(max(one.begin, other.begin), min(one.end, other.end))
        for one in older.gaps_between(begin, end)
        for other in newer.gaps_between(begin, end)
    )
    return tuple(gap for gap in overlaps if gap.begin < gap.end)


def _has_gap(window: Window, complete_from: datetime | None, gaps: Sequence[Gap]) -> bool:
    begin, end = _bounds(window)
    return bool(complete_from and begin < complete_from) or any(
        gap.begin < end and begin < gap.end for gap in gaps
    )


def _bounds(window: Window) -> tuple[datetime, datetime]:
    return window.begin or _MIN_TIME, window.end or _MAX_TIME


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _to_iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _from_iso(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _window_from(data: Mapping[str, Any]) -> Window:
    moments = {name: _from_iso(data[name]) for name in ("begin", "end", "first_at", "last_at")}
    return Window(**{**data, **moments})
