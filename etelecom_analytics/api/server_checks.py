"""Checks of one server: whether it reads dates as documented, and whether it obeys filters.

A server that reads dates in another time zone, or that ignores a filter, returns pages that look
right. At most five requests per client find this out. Their results are kept.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Protocol

from ..errors import BadRequest
from ..language import mark
from ..query import CallQuery
from .page_scan import parse_time
from .wire import PAGE_LIMIT, Page

__all__ = ["DATES_IGNORED", "DATE_MARGIN", "DateCheck", "ServerChecks"]

DATES_IGNORED = (
    "The server ignores the dates of the query, so all of its calls were read in one chain and "
    "filtered here. The result is complete, but a shorter range is not faster."
)

DATE_MARGIN = timedelta(seconds=2)
"""Requests are wider than needed by this much, because a server may exclude the ends of a range."""

_MAX_REQUESTS = 5
_PROBE = timedelta(seconds=1)
_LARGEST_SPREAD = timedelta(minutes=1)
"""Calls of a request for two seconds are not further apart."""
_LARGEST_SHIFT = timedelta(hours=14)
"""No time zone is further from UTC."""
_LARGEST_MARGIN = _LARGEST_SHIFT + DATE_MARGIN
_SHIFT_STEP = timedelta(minutes=15)
_PROBE_INDEX = 79
"""The call to probe with is not the last of its page, because new calls may push it off."""
_NO_ID = str(2**63 - 1)
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2199, 12, 31, tzinfo=UTC)

_Times = dict[str, datetime]
"""The starts of the calls of a page, by id."""


class _ListCalls(Protocol):
    def __call__(self, query: CallQuery, *, limit: int, after: str = "") -> Page:
        """One page of calls."""


@dataclass(frozen=True, kw_only=True)
class DateCheck:
    """How a server reads the dates of a request.

    Attributes:
        result: "verified"; "not verified", because there was no call to check with; "shifted"; or
            "ignored", if the dates of a request do not select its calls at all.
        shift: the server reads each time as this much later.
        margin: how much wider than needed a request must be. It is large if the server may shift
            dates by an unknown time.
    """

    result: str
    shift: timedelta = timedelta()
    margin: timedelta = DATE_MARGIN

    @property
    def warning(self) -> str:
        """What to tell the user; empty if dates are read as documented."""
        if self.result == "ignored":
            return DATES_IGNORED
        if self.result != "shifted":
            return ""
        direction = "late" if self.shift > timedelta() else "early"
        how = (
            f"{_length(abs(self.shift))} too {direction}" if self.shift else "in another time zone"
        )
        return (
            f"The server reads the dates of a request {how}. Requests are corrected, so the result "
            "is complete. Report it to eTelecom."
        )

    def request_query(self, query: CallQuery, now: datetime) -> CallQuery:
        """The query of a request at this time for the calls of a range, corrected for the server.

        It may match calls that begin shortly before or after the range.
        """
        begin, end = query.closed_range(now)
        if begin is None or end is None or self.result == "ignored":
            return replace(query, date_from=None, date_to=None)
        # All requests have times in UTC, so that a server that reads them wrongly shifts all of
        # them by the same time. Local times would also lose an hour where clocks change.
        begin, end = begin.astimezone(UTC), end.astimezone(UTC)
        return replace(
            query,
            time_zone="UTC",
            date_from=max(begin - self.shift - self.margin, _EARLIEST),
            date_to=min(end - self.shift + self.margin, _LATEST),
        )


class ServerChecks:
    """The checks of one client; each is made once, when it is needed.

    Attributes:
        requests: the number of requests so far, by purpose.
    """

    def __init__(self, list_calls: _ListCalls) -> None:
        self.requests: Counter[str] = Counter()
        self._list_calls = list_calls
        self._lock = RLock()
        self._dates = DateCheck(result="not verified")
        self._filters: dict[str, str] = {}
        self._warned = False

    def dates(self) -> DateCheck:
        """How the server reads dates.

        Raises:
            ApiError: a request failed.
        """
        with self._lock:
            if self._dates.result == "not verified":
                self._dates = self._check_dates()
            return self._dates

    def warning_of_dates(self) -> str:
        """The warning about dates, the first time only."""
        with self._lock:
            text = "" if self._warned else self._dates.warning
            self._warned = self._warned or bool(text)
            return text

    def filter_result(self, field: str) -> str:
        """How the server treats a filter by ids that calls do not contain.

        Args:
            field: "hotline_ids" or "department_id".

        Returns:
            "obeyed", "ignored", or "not verified" if no request is left to find out.
        """
        with self._lock:
            if field not in self._filters and self._may_request():
                ids = {"hotline_ids": [_NO_ID]} if field == "hotline_ids" else {field: _NO_ID}
                try:
                    page = self._request(mark("filter check"), CallQuery(**ids), limit=1)
                except BadRequest:  # the server has read the id
                    self._filters[field] = "obeyed"
                else:
                    if not page.is_empty:
                        self._filters[field] = "ignored"
                    elif not page.next:
                        self._filters[field] = "obeyed"
            return self._filters.get(field, "not verified")

    def _may_request(self) -> bool:
        return self.requests.total() < _MAX_REQUESTS

    def _request(self, purpose: str, query: CallQuery, *, limit: int = PAGE_LIMIT) -> Page:
        """The first page that is not empty; it may also be the last that may be requested."""
        page = self._list_calls(query, limit=limit)
        self.requests[purpose] += 1  # a request that failed shows nothing
        while page.is_empty and page.next and self._may_request():
            page = self._list_calls(query, limit=limit, after=page.next)
            self.requests[purpose] += 1
        return page

    def _check_dates(self) -> DateCheck:
        unknown = DateCheck(result="not verified", margin=_LARGEST_MARGIN)
        if not self._may_request():
            return unknown
        try:
            page = self._request(mark("date check"), CallQuery())
            newest = _times(page)
            if not newest and not (page.is_empty and page.next):
                return DateCheck(result="not verified")
            if not newest or not self._may_request():
                return unknown
            call_id, start = list(newest.items())[: _PROBE_INDEX + 1][-1]
            narrow = self._around(start, _PROBE)
            if narrow is None:
                return unknown
            if narrow and max(narrow.values()) - min(narrow.values()) > _LARGEST_SPREAD:
                return DateCheck(result="ignored")
            if call_id in narrow or any(
                abs(each - start) <= 2 * _PROBE for each in narrow.values()
            ):
                return DateCheck(result="verified")
            if shift := _shift_of_rows(start, narrow.values()):
                return self._shifted(call_id, start, shift)
            if not self._may_request():
                return unknown
            wide = self._around(start, _LARGEST_SHIFT)
            if wide is None:
                return unknown
            if call_id not in wide:
                return DateCheck(result="ignored")
            return self._shifted(call_id, start, _shift_of_edges(start, wide, newest))
        except BadRequest:
            return unknown

    def _shifted(self, call_id: str, start: datetime, shift: timedelta) -> DateCheck:
        """The check of a server that shifts dates, if a corrected request returns the call.

        Otherwise the margin is large: calls have moved or disappeared between two requests.
        """
        is_certain = bool(
            shift and self._may_request() and call_id in (self._around(start - shift, _PROBE) or ())
        )
        return DateCheck(
            result="shifted",
            shift=shift if is_certain else timedelta(),
            margin=2 * DATE_MARGIN if is_certain else _LARGEST_MARGIN,
        )

    def _around(self, start: datetime, distance: timedelta) -> _Times | None:
        """The calls around a time; None if the server has more, but returns only empty pages."""
        query = CallQuery(date_from=start - distance, date_to=start + distance, time_zone="UTC")
        page = self._request(mark("date check"), query)
        return None if page.is_empty and page.next else _times(page)


def _length(span: timedelta) -> str:
    minutes = round(span / timedelta(minutes=1))
    number, unit = (minutes, "minute") if minutes % 60 else (minutes // 60, "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _times(page: Page) -> _Times:
    times: _Times = {}
    for row in page.call_logs:
        if isinstance(row, dict) and isinstance(text := row.get("started_at"), str):
            start = parse_time(text)
            if start and row.get("id"):
                times[str(row["id"])] = start
    return times


def _shift_of_rows(start: datetime, rows: Iterable[datetime]) -> timedelta:
    """The shift by which a request around `start` has these rows; 0 if they do not show it."""
    distances = [each - start for each in rows]
    if not distances or max(distances) - min(distances) > 4 * _PROBE:
        return timedelta()
    steps = round(distances[0] / _SHIFT_STEP)
    rounded = steps * _SHIFT_STEP
    return rounded if abs(distances[0] - rounded) <= 2 * _PROBE else distances[0]


def _shift_of_edges(start: datetime, wide: _Times, newest: _Times) -> timedelta:
    """The only shift with which a wide request has just these rows; 0 if there are several."""
    last = max(wide.values())
    lower = last - start - _LARGEST_SHIFT
    missing = [each for each in newest.values() if each > last]
    upper = min(missing) - start - _LARGEST_SHIFT if missing else _LARGEST_SHIFT
    if len(wide) < PAGE_LIMIT:
        upper = min(upper, min(wide.values()) - start + _LARGEST_SHIFT)
    count = round(_LARGEST_SHIFT / _SHIFT_STEP)
    shifts = [
        step * _SHIFT_STEP
        for step in range(-count, count + 1)
        if step and lower - _PROBE <= step * _SHIFT_STEP <= upper + _PROBE
    ]
    return shifts[0] if len(shifts) == 1 else timedelta()
