"""PageCollector: the pages of a walk, parsed while it goes on, and brought together into one table with its account."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from .. import frames
from ..errors import Unreadable
from ..fetch_report import FetchReport, Gap, Window, certify
from ..frames import PageReader, SetAside, merge_drift
from ..logs import CallLogs
from ..query import CallQuery
from ..schema import CALL_SCHEMA
from .plan import Chain, Plan
from .wire import Page
from .workers import FetchedPage, FetchPool

__all__ = ["PageCollector"]

_BATCH = 16
"""Pages that are parsed at once: fewer cost more each, more hold more memory."""
_LOOK_S = 1.0
_LONG_AGO, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class PageCollector:
    """Parses the pages of a walk, in a thread of its own, so that Ctrl-C never comes between a page and its place.

    Args:
        walk: what brings the pages.
        ask: gives a page once more, should it be no JSON in its middle.
    """

    def __init__(self, walk: FetchPool, ask: Callable[[Chain, str], Page]) -> None:
        self._walk, self._ask = walk, ask
        self._readings: dict[Chain, _Reading] = {}
        self._error: BaseException | None = None
        self._done = threading.Event()
        threading.Thread(target=self._work, name="etelecom-parse", daemon=True).start()

    @property
    def error(self) -> BaseException | None:
        """What ended the fetch, if something did."""
        return self._error or self._walk.error

    @property
    def pages(self) -> int:
        """How many pages were parsed."""
        return sum(reading.pages for reading in self._readings.values())

    def goes_on(self, timeout_s: float | None) -> bool:
        """Whether it still goes on after so many seconds; None waits for its end."""
        return not self._done.wait(
            timeout_s
        )  # after an interrupt, Python 3.11's join takes the thread for ended

    def logs(
        self,
        query: CallQuery,
        plan: Plan,
        *,
        began_at: datetime,
        seconds: float,
        before: CallLogs | None,
    ) -> CallLogs:
        """What came, and what a fetch before had brought, as one table; once the walk and this have ended."""
        newest_first = sorted(
            self._readings.items(), key=lambda item: item[0].end or _NEVER, reverse=True
        )
        readings = [reading for _, reading in newest_first]
        parts = [
            pl.DataFrame(schema=CALL_SCHEMA),
            *([before.calls.select(*CALL_SCHEMA)] if before else []),
            *(part for each in readings for part in each.parts),
        ]
        for each in readings:
            each.parts.clear()  # else there would be two of everything
        came = pl.concat(parts)
        del parts
        received = came.height
        unique = frames.newest(came)
        del came
        within = unique.select(query.in_range()).to_series()
        calls = frames.in_order(
            unique if within.all() else unique.filter(within)
        )  # a filter copies, be it for nothing
        windows = _windows(plan, before.report.windows if before else ())
        promise = _promise(query, windows, before.report.began_at if before else began_at)
        report = FetchReport(
            rows=calls.height,
            received=received + sum(len(each.reader.set_aside) for each in readings),
            repeated=received - unique.height,
            outside=unique.height - calls.height,
            pages=self.pages,
            began_at=began_at,
            seconds=round(seconds, 3),
            windows=windows,
            dates_ignored=plan.dates_ignored,
            drift=merge_drift(*(each.reader.drift for each in readings)),
            set_aside=_set_aside(readings),
            time_zone=query.time_zone,
            complete_from=promise.complete_from,
            complete_to=promise.complete_to,
            gaps=promise.gaps,
        )
        if before:
            report = _continued(report, before)
        return CallLogs(calls=calls, query=query, report=certify(report, calls))

    def _work(self) -> None:
        try:
            while (came := self._walk.take_pages(_LOOK_S)) or not self._walk.ended:
                self._add(came)
                for reading in self._readings.values():
                    reading.parse(at_least=_BATCH)
            for reading in self._readings.values():
                reading.parse()
        except BaseException as error:  # whatever it is, it is told to who waits for the calls  # noqa: BLE001
            self._error = error
            self._walk.stop()
            self._add(self._walk.take_pages(0))  # the plan counts them as shown
            for reading in self._readings.values():
                with suppress(Exception):
                    reading.parse()
        finally:
            self._done.set()

    def _add(self, came: list[FetchedPage]) -> None:
        for arrival in came:
            self._readings.setdefault(arrival.chain, _Reading(self._ask)).add(arrival)


class _Reading:
    """What one chain brought, parsed a batch at a time."""

    def __init__(self, ask: Callable[[Chain, str], Page]) -> None:
        self.reader = PageReader()
        self.parts: list[pl.DataFrame] = []
        self.pages = 0
        self._ask = ask
        self._waiting: list[FetchedPage] = []

    def add(self, arrival: FetchedPage) -> None:
        self._waiting.append(arrival)

    def parse(self, *, at_least: int = 1) -> None:
        """Parse what waits, if it is so many pages. One that is no JSON in its middle, which a glance does not see, is asked for once more.

        If it is none again, the pages before it are kept.
        """
        if len(self._waiting) < at_least:
            return
        batch, self._waiting = self._waiting, []
        try:
            try:
                self._keep([arrival.body for arrival in batch])
            except Unreadable:
                for arrival in batch:
                    self._keep([self._readable(arrival)])
        except BaseException:
            batch[0].chain.spoil()
            raise

    def _keep(self, bodies: list[bytes]) -> None:
        self.parts.append(self.reader.read(bodies))
        self.pages += len(bodies)

    def _readable(self, arrival: FetchedPage) -> bytes:
        with suppress(ValueError, RecursionError):
            json.loads(arrival.body.decode(errors="replace"))
            return arrival.body
        return self._ask(arrival.chain, arrival.cursor).body


def _windows(plan: Plan, before: tuple[Window, ...]) -> tuple[Window, ...]:
    """What was walked, oldest first; a chain that did not come to its end is two windows: what it has shown, and the rest."""
    windows = [window for window in before if window.whole]
    for chain in plan.chains:
        missing = chain.missing
        if missing is None:
            windows.append(Window(chain.begin, chain.end, whole=True, pages=chain.pages))
            continue
        windows.append(
            Window(*missing, whole=False, pages=0 if missing[1] != chain.end else chain.pages)
        )
        if missing[1] != chain.end:
            windows.append(Window(missing[1], chain.end, whole=True, pages=chain.pages))
    in_utc = (window._replace(begin=_utc(window.begin), end=_utc(window.end)) for window in windows)
    return tuple(
        sorted(in_utc, key=lambda window: (window.begin or _LONG_AGO, window.end or _NEVER))
    )


class _Promise(NamedTuple):
    """From when to when the calls are complete, and what is missing between."""

    complete_from: datetime | None
    complete_to: datetime
    gaps: tuple[Gap, ...]


def _promise(query: CallQuery, windows: tuple[Window, ...], began_at: datetime) -> _Promise:
    lacking = [window for window in windows if not window.whole]
    date_from, date_to = _utc(query.date_from), _utc(query.date_to)
    complete_to = max(min(date_to or began_at, began_at), date_from or _LONG_AGO)
    open_below = [window.end or complete_to for window in lacking if window.begin is None]
    gaps = [
        Gap(window.begin, min(window.end or complete_to, complete_to))
        for window in lacking
        if window.begin is not None
    ]
    if date_to and complete_to < date_to:
        gaps.append(Gap(complete_to, date_to))
    complete_from = max(open_below) if open_below else date_from
    return _Promise(complete_from, complete_to, tuple(gap for gap in gaps if gap.begin < gap.end))


def _utc(moment: datetime | None) -> datetime | None:
    """The moment as the table's own times are written, so that they can be compared."""
    return moment and moment.astimezone(UTC)


def _set_aside(readings: list["_Reading"]) -> tuple[SetAside, ...]:
    """What was set aside, with pages counted through all chains, newest first."""
    told, pages = [], 0
    for reading in readings:
        told += [record._replace(page=pages + record.page) for record in reading.reader.set_aside]
        pages += reading.pages
    return tuple(told)


def _continued(report: FetchReport, before: CallLogs) -> FetchReport:
    """The account of two fetches of which the second resumed the first, whose rows were received once more in the sums."""
    old = before.report
    return replace(
        report,
        began_at=old.began_at,
        received=report.received - before.calls.height + old.received,
        repeated=report.repeated + old.repeated,
        outside=report.outside + old.outside,
        pages=report.pages + old.pages,
        seconds=round(report.seconds + old.seconds, 3),
        dates_ignored=report.dates_ignored or old.dates_ignored,
        drift=merge_drift(report.drift, old.drift),
        set_aside=(*old.set_aside, *report.set_aside),
    )
