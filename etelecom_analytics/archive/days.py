"""Which days to fetch, and fetching whole days in parallel."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl

from .. import local_time
from ..api.client import Client
from ..api.fetch import Fetcher, IncompleteFetch
from ..api.hotline_labels import HotlineLabeller
from ..errors import EtelecomError
from ..fetch_report import Gap
from ..logs import CallLogs
from ..query import CallQuery
from ..report_merge import certify
from .certificates import Certificate, day_query

__all__ = ["DayFetcher", "days_to_fetch", "parse_day"]

_POLL_S = 0.2
_MAX_DAYS = 8
_MAX_CALLS = 60_000
"""Limits of days fetched at once and of their calls, which stay in memory until stored."""
_INITIAL_DAYS = 2
"""Number of days fetched at once while the size of a day is unknown."""


def parse_day(value: date | datetime | str, time_zone: str, name: str) -> date:
    """The local day of a date, a datetime or a text such as "2026-11-01"."""
    return local_time.parse_moment(value, time_zone, name).date()


def days_to_fetch(
    certificates: Mapping[date, Certificate],
    since: date,
    until: date,
    lookback: timedelta,
    time_zone: str,
) -> list[date]:
    """The days in [since, until) that are missing, incomplete or may have changed; oldest first.

    A day that a change of the time zone left out, such as 2011-12-30 in Samoa, is not one of them.
    """
    days = (since + timedelta(days=number) for number in range((until - since).days))
    return [
        day
        for day in days
        if not (day in certificates and certificates[day].settled(lookback))
        and local_time.midnight(day, time_zone)
        < local_time.midnight(day + timedelta(days=1), time_zone)
    ]


class _DatesIgnored(Exception):
    """The server ignores dates, so days cannot be fetched one by one."""


class DayFetcher:
    """Fetches whole days in parallel.

    An interruption, or an error in one day, stops the others soon. Days that were completed until
    then are still delivered.

    Args:
        client: the client to fetch with.
        time_zone: the time zone of the days.
        workers: number of simultaneous requests.
        largest: number of calls of the largest known day; 0 if no day is known.
        on_calls: called with the number of calls just received, from any thread.
        label_hotlines: label the calls with their hotlines; the lists of hotlines and extensions
            are fetched once.

    Attributes:
        partials: the calls of each day that was not completed.
    """

    def __init__(
        self,
        client: Client,
        time_zone: str,
        *,
        workers: int,
        largest: int,
        on_calls: Callable[[int], None],
        label_hotlines: bool = False,
    ) -> None:
        self.partials: list[CallLogs] = []
        self._client, self._time_zone = client, time_zone
        self._workers, self._largest, self._on_calls = workers, largest, on_calls
        self._stop = threading.Event()
        labeller = HotlineLabeller(client)
        self._labeller = (lambda: labeller) if label_hotlines else None

    def run(
        self,
        days: Sequence[date],
        on_day: Callable[[date, CallLogs], None],
        resume: Mapping[date, CallLogs],
    ) -> None:
        """Fetch the days, and call `on_day` in the calling thread as soon as each one is complete.

        Args:
            days: the days to fetch.
            on_day: receives a day and all its calls.
            resume: the partial results of an earlier run, by day.
        """
        try:
            self._fetch_in_parallel(days, on_day, resume)
        except _DatesIgnored:
            self._stop.clear()
            for day, logs in self._fetch_as_one(days):
                on_day(day, logs)

    def _fetch_in_parallel(
        self,
        days: Sequence[date],
        on_day: Callable[[date, CallLogs], None],
        resume: Mapping[date, CallLogs],
    ) -> None:
        max_days = max(1, min(self._workers, len(days), _MAX_DAYS))
        pending, running = list(days), dict[Future[CallLogs], date]()
        with ThreadPoolExecutor(max_days, thread_name_prefix="etelecom-day") as pool:
            try:
                while pending or running:
                    limit = (
                        min(max_days, max(1, _MAX_CALLS // self._largest))
                        if self._largest
                        else min(max_days, _INITIAL_DAYS)
                    )
                    workers = max(1, self._workers // limit)
                    while pending and len(running) < limit:
                        day = pending.pop(0)
                        query = day_query(day, self._time_zone)
                        future = pool.submit(self._fetch, query, workers, resume.get(day))
                        running[future] = day
                    for future in wait(running, timeout=_POLL_S, return_when=FIRST_COMPLETED).done:
                        day, logs = running.pop(future), self._result(future)
                        if logs.report.dates_ignored and len(days) > 1:
                            raise _DatesIgnored
                        self._largest = max(self._largest, logs.calls.height, 1)
                        on_day(day, logs)
                        del logs, future  # frees the day's calls before the next day arrives
            except BaseException as error:
                self._stop.set()
                self._finish(running, None if isinstance(error, _DatesIgnored) else on_day)
                raise

    def _finish(
        self,
        running: Mapping[Future[CallLogs], date],
        on_day: Callable[[date, CallLogs], None] | None,
    ) -> None:
        """Wait for running days; deliver completed ones and store the others as partials."""
        wait(running)
        for future, day in running.items():
            try:
                logs = self._result(future)
                if on_day:
                    on_day(day, logs)
            except (EtelecomError, KeyboardInterrupt):
                continue

    def _result(self, future: Future[CallLogs]) -> CallLogs:
        try:
            return future.result()
        except IncompleteFetch as error:
            self.partials.append(error.partial)
            raise error.cause from None

    def _fetch(self, query: CallQuery, workers: int, resume: CallLogs | None) -> CallLogs:
        reported = 0

        def on_progress(calls: int, reached: datetime | None) -> None:
            nonlocal reported
            self._on_calls(calls - reported)
            reported = calls

        fetch = Fetcher(client=self._client, workers=workers, labeller=self._labeller)
        return fetch(query, on_progress, self._stop.is_set, resume=resume)

    def _fetch_as_one(self, days: Sequence[date]) -> Iterator[tuple[date, CallLogs]]:
        """The days, from one chain of pages over all of them."""
        days = sorted(days)
        query = CallQuery(
            date_from=days[0], date_to=days[-1] + timedelta(days=1), time_zone=self._time_zone
        )
        try:
            logs = self._fetch(query, self._workers, None)
        except IncompleteFetch as error:
            raise error.cause from None  # the chain is not a partial result of any single day
        local_day = local_time.LOCAL_DIMENSIONS["day"](self._time_zone)
        labels = logs.report.hotline_labels
        later_labels = labels and labels._replace(pages=0, differing=0, overlapping=0)
        for day in days:
            is_first = day == days[0]
            calls = logs.calls.filter(local_day == day)
            if is_first:
                unknown = logs.calls.filter(pl.col("started_at").is_null())
                calls = pl.concat([calls, unknown])
            begin = local_time.midnight(day, self._time_zone)
            end = local_time.midnight(day + timedelta(days=1), self._time_zone)
            complete_to = max(begin, min(end, logs.report.complete_to))
            report = replace(
                logs.report,
                received=calls.height,
                repeated=0,
                outside=0,
                pages=logs.report.pages if is_first else 0,
                complete_from=begin,
                complete_to=complete_to,
                gaps=(Gap(complete_to, end),) if complete_to < end else (),
                windows=tuple(
                    window._replace(begin=begin, end=end) for window in logs.report.windows[:1]
                ),
                drift=logs.report.drift if is_first else (),
                set_aside=(),
                hotline_labels=labels if is_first else later_labels,
            )
            yield (
                day,
                CallLogs(
                    calls=calls,
                    query=day_query(day, self._time_zone),
                    report=certify(report, calls),
                ),
            )
