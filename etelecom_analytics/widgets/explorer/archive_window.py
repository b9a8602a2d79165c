"""ArchiveWindow: the days of an archive that an Explorer holds in memory."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from ... import local_time
from ...archive.extract import local_days
from ...archive.reader import ArchiveReader
from ...errors import ArchiveError, QueryError
from ...language import tr
from ...locale.dates import period_text
from ...metrics import MetricOptions
from ...metrics.periods import period_start
from ...query import CallQuery
from ..call_input import selection_of
from .source import CallSource

__all__ = ["FEW_CALLS", "MAX_CALLS", "ArchiveWindow"]

MAX_CALLS = 1_000_000
"""The most calls that an Explorer reads from an archive at once: about 3 GB with their facts."""
FEW_CALLS = 500_000
"""So many are read within seconds."""
_FIRST_DAYS = (28, 14, 7, 2, 1)
"""How many of the latest days a large archive starts with: the most that have few calls."""
_HISTORY = timedelta(days=28)
"""Days before the dates that are read too, if there are few calls: they show what is usual."""
_DAY = timedelta(days=1)


class _Days(NamedTuple):
    """The first day, and the day after the last."""

    first: date
    after: date


class ArchiveWindow:
    """Reads the calls of a query's dates and of the previous period; or all, if they are few.

    Args:
        archive: the archive.

    Raises:
        ArchiveError: it does not exist, or has no day.

    Attributes:
        total: the number of calls of the archive.
        as_of: when the calls of its last day were fetched, or the end of this day.
    """

    _held: _Days | None
    """The days whose calls were read last."""

    def __init__(self, archive: ArchiveReader) -> None:
        self._archive, self._held = archive, None
        days = archive.days()
        if days.is_empty():
            raise ArchiveError(f"{archive!r} has no days yet: sync it first.")
        self._rows: dict[date, int] = dict(days.select("local_day", "rows").iter_rows())
        self._days = _Days(min(self._rows), max(self._rows) + _DAY)
        self.total = sum(self._rows.values())
        self.as_of: datetime = days["complete_to"].max()  # type: ignore[assignment]

    def options(self, options: MetricOptions | None) -> MetricOptions:
        """The options, by default those of the archive, with `as_of`."""
        known = self._archive.options if options is None else options
        if not isinstance(known, MetricOptions) or known.as_of:
            return known
        return replace(known, as_of=self.as_of)

    @property
    def is_read(self) -> bool:
        """Whether calls were read."""
        return self._held is not None

    def first_query(self, query: CallQuery) -> CallQuery:
        """The query; if it has no dates and the archive is large, with the latest days."""
        if self.total <= MAX_CALLS or query.date_from or query.date_to:
            return query
        after = self._days.after
        spans = [_Days(after - 2 * days * _DAY, after) for days in _FIRST_DAYS]
        span = next((each for each in spans if self._count(each) <= FEW_CALLS), spans[-1])
        first = after - (span.after - span.first) // 2
        dates = {"date_from": first.isoformat(), "date_to": after.isoformat()}
        return CallQuery.from_dict(query.to_dict() | dates)

    def holds(self, query: CallQuery) -> bool:
        """Whether the calls of the query and of the previous period were read."""
        needed = self._needed(query)
        held = self._held
        return held is not None and held.first <= needed.first and needed.after <= held.after

    def reading_text(self, query: CallQuery) -> str:
        """What is read for the query, for a person who waits."""
        days = self._to_read(query)
        dates = period_text(*self._moments(days), self._archive.time_zone)
        return tr("Reading {n} calls, {dates}, from the archive.", n=self._count(days), dates=dates)

    def read(self, query: CallQuery) -> CallSource:
        """The calls for a query; they replace those that were read before.

        Raises:
            QueryError: there are too many calls.
            ArchiveError: the archive cannot be read, or has none of the days.
        """
        days = self._to_read(query)
        begin, end = (None, None) if days == self._days else self._moments(days)
        zone = self._archive.time_zone
        read = CallQuery(date_from=begin, date_to=end, time_zone=zone)
        source = CallSource.of(self._archive.read(read))
        self._held = days
        _, statement = read.code().split("\n\n", 1)
        code = statement.replace("query =", "archive_query =", 1)
        code += "logs = archive.read(archive_query)\n"
        return replace(source, total=self.total, reading_code=code)

    def unread(self) -> CallSource:
        """A source without calls, until they are read."""
        calls = selection_of(self._archive.scan().head(0).collect())
        return CallSource(calls=calls, query=None, report=None, code="", total=self.total)

    def _moments(self, days: _Days) -> tuple[datetime, datetime]:
        zone = self._archive.time_zone
        return local_time.midnight(days.first, zone), local_time.midnight(days.after, zone)

    def _count(self, days: _Days) -> int:
        return sum(rows for day, rows in self._rows.items() if days.first <= day < days.after)

    def _needed(self, query: CallQuery) -> _Days:
        """The days of the query and of the previous period, of those that the archive has."""
        begin, end = query.date_from, query.date_to
        if begin and end:
            query = replace(query, date_from=period_start(begin, end))
        first, last = local_days(query, self._archive.time_zone)
        return self._clipped(first or date.min, date.max if last is None else last + _DAY)

    def _clipped(self, first: date, after: date) -> _Days:
        first = min(max(first, self._days.first), self._days.after - _DAY)
        return _Days(first, max(min(after, self._days.after), first + _DAY))

    def _to_read(self, query: CallQuery) -> _Days:
        """The days to read: all of a small archive, else those needed, with a short history."""
        if self.total <= MAX_CALLS:
            return self._days
        needed = self._needed(query)
        if (count := self._count(needed)) > MAX_CALLS:
            text = tr(
                "These days and the previous period have {n} calls, and an Explorer holds at most "
                "{limit}: choose fewer days. For measures of all days: archive.summarize(...).",
                n=count,
                limit=MAX_CALLS,
            )
            raise QueryError(text, "date_from")
        longer = self._clipped(max(needed.first - _HISTORY, date.min), needed.after)
        return longer if self._count(longer) <= FEW_CALLS else needed
