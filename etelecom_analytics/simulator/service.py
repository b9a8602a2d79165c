"""What the API answers to a request, worked out on plain rows: order, pages, cursors, and rows that change meanwhile. No I/O.

Every rule is written here anew, in plain Python, so that tests of the real filters and pages are
held against something else.
"""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from .filters import Row, Stored, invalid, is_integer, matcher, part_of, started, text_of

__all__ = ["DETOUR", "CallLogService"]

DETOUR = "~"
"""Before a cursor it changes nothing: so an empty page can lead, under a new cursor, to the rows that it kept back."""

_MOST_ROWS = 100
_BEGINNING = "."
_DEFAULT_SORT = "-started_at"
_SORTS = (_DEFAULT_SORT, "started_at")

Key = tuple[float, int, str, int]
"""Where a row stands: start (negative for newest first; without one last), length and text of its id, its place among equals."""


@dataclass(frozen=True)
class _Listing:
    """The rows of one filter in one order, each as JSON text, with the keys that cursors point at."""

    keys: list[Key]
    texts: list[bytes]


@dataclass(frozen=True)
class _Rows:
    """The rows at one moment, and what was listed of them; a change puts another one in its place."""

    stored: tuple[Stored, ...]
    listings: dict[str, _Listing] = field(default_factory=dict)


class CallLogService:
    """ListCallLogs over rows that may change while they are read. It may be asked from many threads at once.

    Args:
        rows: the calls as the API writes them.
        departments: call id -> department id, and
        hotlines: call id -> hotline id, which calls do not carry.
    """

    def __init__(
        self,
        rows: Iterable[Row],
        *,
        departments: Mapping[str, str] | None = None,
        hotlines: Mapping[str, str] | None = None,
    ) -> None:
        self._rows = self._first = _Rows(tuple(map(_stored, rows)))
        self._changing = Lock()
        self._departments, self._hotlines = departments or {}, hotlines or {}

    @property
    def rows(self) -> list[Row]:
        """The rows as they are now."""
        return [kept.row for kept in self._rows.stored]

    def change(self, rows: Iterable[Row]) -> None:
        """Put these rows in the place of those with their ids, or beside the others where the id is new.

        A page is made before a change or after it. Cursors stay good: each is a place in the order,
        and no count of rows.
        """
        given = tuple(map(_stored, rows))
        ids = {_id(kept.row) for kept in given} - {""}
        with self._changing:
            self._rows = _Rows(
                (*(kept for kept in self._rows.stored if _id(kept.row) not in ids), *given)
            )

    def restore(self) -> None:
        """Undo every change."""
        with self._changing:
            self._rows = self._first

    def list_call_logs(self, request: Mapping[str, Any]) -> bytes:
        """The body of the answer; `Refusal` where the request is wrong."""
        paging = part_of(request, "paging")
        after, before, sort = (
            text_of(paging, name, "paging") for name in ("after", "before", "sort")
        )
        limit, sort = paging.get("limit") or 0, sort or _DEFAULT_SORT
        if after and before:
            raise invalid("paging: after and before exclude each other")
        if not is_integer(limit) or limit < 0:
            raise invalid("paging.limit must be a number, and not negative")
        if sort not in _SORTS:
            raise invalid(f"paging.sort must be one of {', '.join(_SORTS)}")
        limit = min(limit or _MOST_ROWS, _MOST_ROWS)
        listing = self._listing(part_of(request, "filter"), sort)
        if before:
            end = (
                len(listing.keys)
                if before == _BEGINNING
                else bisect_left(listing.keys, _key(before))
            )
            begin = max(0, end - limit)
        else:
            place = after.lstrip(DETOUR)
            begin = bisect_right(listing.keys, _key(place)) if place not in ("", _BEGINNING) else 0
            end = min(begin + limit, len(listing.keys))
        has_rows = end > begin
        told = {
            "after": after,
            "before": before,
            "limit": limit,
            "next": _cursor(listing.keys[end - 1]) if has_rows else "",
            "prev": _cursor(listing.keys[begin]) if has_rows else "",
            "sort": sort,
        }
        return (
            b'{"call_logs":['
            + b",".join(listing.texts[begin:end])
            + b'],"paging":'
            + json.dumps(told).encode()
            + b"}"
        )

    def _listing(self, wanted: Mapping[str, Any], sort: str) -> _Listing:
        now = self._rows
        name = json.dumps([wanted, sort], sort_keys=True)
        if name not in now.listings:
            matches = matcher(wanted, departments=self._departments, hotlines=self._hotlines)
            again: Counter[tuple[float, int, str]] = Counter()
            keyed: list[tuple[Key, bytes]] = []
            for kept in filter(matches, now.stored):
                start_and_id = _start_and_id(kept, newest_first=sort == _DEFAULT_SORT)
                keyed.append(((*start_and_id, again[start_and_id]), kept.text))
                again[start_and_id] += 1
            keyed.sort()
            now.listings[name] = _Listing([key for key, _ in keyed], [text for _, text in keyed])
        return now.listings[name]


def _stored(row: Row) -> Stored:
    return Stored(
        row, json.dumps(row, ensure_ascii=False).encode(errors="surrogatepass"), started(row)
    )


def _id(row: Row) -> str:
    return str(row.get("id", "")) if isinstance(row, dict) else ""


def _start_and_id(kept: Stored, *, newest_first: bool) -> tuple[float, int, str]:
    seconds = float("inf") if kept.start is None else kept.start.timestamp()
    call_id = _id(kept.row)
    return (-seconds if newest_first and kept.start else seconds, len(call_id), call_id)


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _key(cursor: str) -> Key:
    try:
        start, length, call_id, place = json.loads(base64.urlsafe_b64decode(cursor))
        return float(start), int(length), str(call_id), int(place)
    except (binascii.Error, ValueError, TypeError):
        raise invalid("paging: malformed cursor") from None
