"""Which days to fetch, and fetching them side by side, each as a whole."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl

from .. import local_time
from ..api.client import Client
from ..api.fetch import IncompleteFetch, fetcher
from ..errors import EtelecomError, InputError
from ..fetch_report import Gap, certify
from ..logs import CallLogs
from ..phone_numbers import printable
from ..query import CallQuery
from .certificates import Certificate, day_query

__all__ = ["DayFetch", "as_day", "as_span", "days_to_fetch"]

_LOOK_S = 0.2
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
_MOST_AT_ONCE = 8
_MOST_CALLS = 60_000
"""Days under way at once, and how many calls they may have together: each holds its calls until it is written."""
_AT_FIRST = 2
"""Days under way at once while it is not known how large a day is."""


def as_span(given: str | timedelta, field: str) -> timedelta:
    """The time that "3d", "36h" or a timedelta says."""
    if isinstance(given, str) and (found := re.fullmatch(r"(\d{1,5})([hd])", given.strip())):
        return int(found[1]) * _UNITS[found[2]]
    if isinstance(given, timedelta) and given >= timedelta():
        return given
    raise InputError(f'{field} is a time such as "3d" or "36h"; got {printable(repr(given))}.')


def as_day(given: date | datetime | str, time_zone: str, field: str) -> date:
    """The local day that a date, a moment or text such as "2026-11-01" names."""
    return local_time.parse_moment(given, time_zone, field).date()


def days_to_fetch(
    certificates: Mapping[date, Certificate], since: date, until: date, lookback: timedelta
) -> list[date]:
    """The days from `since` on, and before `until`, that are missing, unfinished, or may have changed; oldest first."""
    days = (since + timedelta(days=number) for number in range((until - since).days))
    return [
        day for day in days if not (day in certificates and certificates[day].settled(lookback))
    ]


class _DatesIgnored(Exception):
    """The server heeds no dates, so days cannot be had one by one."""


class DayFetch:
    """Fetches whole days side by side. A stop, or an error in one, ends the others soon; what came whole is handed over all the same.

    Args:
        client: where to ask.
        time_zone: whose days are meant.
        workers: how many requests may be under way at once.
        largest: how many calls the largest day has, as far as it is known; 0 if it is not.
        on_calls: told how many more calls came, from any thread.

    Attributes:
        partials: days that ended early, with what came of them.
    """

    def __init__(
        self,
        client: Client,
        time_zone: str,
        *,
        workers: int,
        largest: int,
        on_calls: Callable[[int], None],
    ) -> None:
        self.partials: list[CallLogs] = []
        self._client, self._time_zone, self._workers, self._on_calls = (
            client,
            time_zone,
            workers,
            on_calls,
        )
        self._largest = largest
        self._stop = threading.Event()

    def run(
        self,
        days: Sequence[date],
        keep: Callable[[date, CallLogs], None],
        resume: Mapping[date, CallLogs],
    ) -> None:
        """Hand every day over as soon as it is here, one at a time, in the thread that called."""
        try:
            self._side_by_side(days, keep, resume)
        except _DatesIgnored:
            self._stop.clear()
            for day, logs in self._as_one(days):
                keep(day, logs)

    def _side_by_side(
        self,
        days: Sequence[date],
        keep: Callable[[date, CallLogs], None],
        resume: Mapping[date, CallLogs],
    ) -> None:
        most = max(1, min(self._workers, len(days), _MOST_AT_ONCE))
        waiting, under_way = list(days), dict[Future[CallLogs], date]()
        with ThreadPoolExecutor(most, thread_name_prefix="etelecom-day") as pool:
            try:
                while waiting or under_way:
                    at_once = min(
                        most, max(1, _MOST_CALLS // self._largest) if self._largest else _AT_FIRST
                    )
                    share = max(1, self._workers // at_once)
                    while waiting and len(under_way) < at_once:
                        day = waiting.pop(0)
                        under_way[
                            pool.submit(
                                self._fetch, day_query(day, self._time_zone), share, resume.get(day)
                            )
                        ] = day
                    for future in wait(
                        under_way, timeout=_LOOK_S, return_when=FIRST_COMPLETED
                    ).done:
                        day, logs = under_way.pop(future), self._result(future)
                        if logs.report.dates_ignored and len(days) > 1:
                            raise _DatesIgnored
                        self._largest = max(self._largest, logs.calls.height, 1)
                        keep(day, logs)
                        del (
                            logs,
                            future,
                        )  # else the last day would stay in memory while the next ones come
            except BaseException as error:
                self._stop.set()
                self._wind_up(under_way, None if isinstance(error, _DatesIgnored) else keep)
                raise

    def _wind_up(
        self,
        under_way: Mapping[Future[CallLogs], date],
        keep: Callable[[date, CallLogs], None] | None,
    ) -> None:
        """Wait for what is under way; keep what came whole, and the rest as partials."""
        wait(under_way)
        for future, day in under_way.items():
            try:
                logs = self._result(future)
                if keep:
                    keep(day, logs)
            except (EtelecomError, KeyboardInterrupt):
                continue

    def _result(self, future: Future[CallLogs]) -> CallLogs:
        try:
            return future.result()
        except IncompleteFetch as error:
            self.partials.append(error.partial)
            raise error.cause from None

    def _fetch(self, query: CallQuery, workers: int, resume: CallLogs | None) -> CallLogs:
        shown_so_far = 0

        def on_progress(calls: int, reached: datetime | None) -> None:
            nonlocal shown_so_far
            self._on_calls(calls - shown_so_far)
            shown_so_far = calls

        fetch = fetcher(self._client, workers=workers)
        return fetch(query, on_progress, self._stop.is_set, resume=resume)

    def _as_one(self, days: Sequence[date]) -> Iterator[tuple[date, CallLogs]]:
        """The days out of one chain of pages over all of them."""
        whole = CallQuery(
            date_from=days[0], date_to=days[-1] + timedelta(days=1), time_zone=self._time_zone
        )
        logs = self._result_of(whole)
        local_day = local_time.LOCAL_DIMENSIONS["day"](self._time_zone)
        unknown = logs.calls.filter(pl.col("started_at").is_null())
        for day in days:
            query = day_query(day, self._time_zone)
            begin, end = (
                local_time.midnight(day, self._time_zone),
                local_time.midnight(day + timedelta(days=1), self._time_zone),
            )
            calls = logs.calls.filter(local_day == day)
            if day == days[0]:
                calls = pl.concat([calls, unknown])
            complete_to = max(begin, min(end, logs.report.complete_to))
            report = replace(
                logs.report,
                received=calls.height,
                repeated=0,
                outside=0,
                pages=logs.report.pages if day == days[0] else 0,
                complete_from=begin,
                complete_to=complete_to,
                gaps=(Gap(complete_to, end),) if complete_to < end else (),
                windows=tuple(
                    window._replace(begin=begin, end=end) for window in logs.report.windows[:1]
                ),
                drift=logs.report.drift if day == days[0] else (),
                set_aside=(),
            )
            yield day, CallLogs(calls=calls, query=query, report=certify(report, calls))

    def _result_of(self, query: CallQuery) -> CallLogs:
        try:
            return self._fetch(query, self._workers, None)
        except IncompleteFetch as error:
            raise error.cause from None  # one chain over all days is no part of any of them
