"""The ListCallLogs method of the API: order, pages, cursors, and rows that change. No I/O.

The rules are implemented independently of the package, in plain Python, so that the package can be
tested against them.
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

from .filters import Labels, Row, Stored, invalid, is_integer, matcher, part_of, started, text_of

__all__ = ["DETOUR", "CallLogService", "offset_cursor", "offset_of"]

DETOUR = "~"
"""Prefix that does not change a cursor, so that an empty page can have a new cursor to its rows."""

_MAX_ROWS = 100
_START = "."
_DEFAULT_SORT = "-started_at"
_SORTS = (_DEFAULT_SORT, "started_at")

Key = tuple[float, int, str, int]
"""Sort key of a row: start (negated for newest first, infinite if unknown), length and text of its
id, and its index among rows with the same start and id."""


@dataclass(frozen=True)
class _Listing:
    """Rows of one filter in one order, as JSON texts, with their sort keys."""

    keys: list[Key]
    texts: list[bytes]

    def after(self, cursor: str) -> int:
        """The index of the first row after a cursor."""
        if cursor in ("", _START):
            return 0
        position = _position(cursor)
        return position if isinstance(position, int) else bisect_right(self.keys, position)

    def before(self, cursor: str) -> int:
        """The index after the last row before a cursor."""
        if cursor == _START:
            return len(self.keys)
        position = _position(cursor)
        return position if isinstance(position, int) else bisect_left(self.keys, position)


@dataclass(frozen=True)
class _Rows:
    """The rows at one time, and the listings made from them; a change creates a new object."""

    stored: tuple[Stored, ...]
    listings: dict[str, _Listing] = field(default_factory=dict)


class CallLogService:
    """ListCallLogs over rows that may change while they are read. Thread-safe.

    Args:
        rows: the calls as the API writes them.
        labels: the departments and hotlines of calls, which call logs do not contain.
    """

    def __init__(self, rows: Iterable[Row], *, labels: Labels) -> None:
        self._rows = self._initial = _Rows(tuple(map(_to_stored, rows)))
        self._lock = Lock()
        self._labels = labels

    @property
    def rows(self) -> list[Row]:
        """The current rows."""
        return [stored.row for stored in self._rows.stored]

    def change(self, rows: Iterable[Row]) -> None:
        """Replace rows with the same ids, and add the others.

        Each page is computed before or after a change. Cursors stay valid: each is a position in
        the order, and not a number of rows.
        """
        new = tuple(map(_to_stored, rows))
        ids = {_id(stored.row) for stored in new} - {""}
        with self._lock:
            self._rows = _Rows(
                (*(stored for stored in self._rows.stored if _id(stored.row) not in ids), *new)
            )

    def delete(self, ids: Iterable[str]) -> None:
        """Remove the rows with these ids; cursors stay valid."""
        gone = set(ids)
        with self._lock:
            self._rows = _Rows(
                tuple(stored for stored in self._rows.stored if _id(stored.row) not in gone)
            )

    def restore(self) -> None:
        """Undo all changes."""
        with self._lock:
            self._rows = self._initial

    def list_call_logs(self, request: Mapping[str, Any]) -> bytes:
        """The body of the response; raises `Refusal` for an invalid request."""
        paging = part_of(request, "paging")
        after, before, sort = (
            text_of(paging, name, "paging") for name in ("after", "before", "sort")
        )
        limit, sort = paging.get("limit") or 0, sort or _DEFAULT_SORT
        if after and before:
            raise invalid("paging: after and before exclude each other")
        if not is_integer(limit) or limit < 0:
            raise invalid("paging.limit must be a number of at least 0")
        if sort not in _SORTS:
            raise invalid(f"paging.sort must be one of {', '.join(_SORTS)}")
        limit = min(limit or _MAX_ROWS, _MAX_ROWS)
        listing = self._listing(part_of(request, "filter"), sort)
        if before:
            end = listing.before(before)
            begin = max(0, end - limit)
        else:
            begin = listing.after(after.lstrip(DETOUR))
            end = min(begin + limit, len(listing.keys))
        has_rows = end > begin
        page_info = {
            "after": after,
            "before": before,
            "limit": limit,
            "next": _encode(listing.keys[end - 1]) if has_rows else "",
            "prev": _encode(listing.keys[begin]) if has_rows else "",
            "sort": sort,
        }
        return (
            b'{"call_logs":['
            + b",".join(listing.texts[begin:end])
            + b'],"paging":'
            + json.dumps(page_info).encode()
            + b"}"
        )

    def _listing(self, query: Mapping[str, Any], sort: str) -> _Listing:
        rows = self._rows
        name = json.dumps([query, sort], sort_keys=True)
        if name not in rows.listings:
            matches = matcher(query, self._labels)
            duplicates: Counter[tuple[float, int, str]] = Counter()
            entries: list[tuple[Key, bytes]] = []
            for stored in filter(matches, rows.stored):
                start_and_id = _start_and_id(stored, newest_first=sort == _DEFAULT_SORT)
                entries.append(((*start_and_id, duplicates[start_and_id]), stored.text))
                duplicates[start_and_id] += 1
            entries.sort()
            rows.listings[name] = _Listing(
                [key for key, _ in entries], [text for _, text in entries]
            )
        return rows.listings[name]


def _to_stored(row: Row) -> Stored:
    return Stored(
        row, json.dumps(row, ensure_ascii=False).encode(errors="surrogatepass"), started(row)
    )


def _id(row: Row) -> str:
    return str(row.get("id", "")) if isinstance(row, dict) else ""


def _start_and_id(stored: Stored, *, newest_first: bool) -> tuple[float, int, str]:
    seconds = float("inf") if stored.start is None else stored.start.timestamp()
    call_id = _id(stored.row)
    return (-seconds if newest_first and stored.start else seconds, len(call_id), call_id)


def offset_cursor(index: int) -> str:
    """A cursor that is the number of rows before a page."""
    return _encode(index)


def offset_of(cursor: str) -> int:
    """The number of rows in an offset cursor; 0 for the first page."""
    position = 0 if cursor in ("", _START) else _position(cursor)
    if not isinstance(position, int):
        raise invalid("paging: the cursor is not an offset")
    return position


def _encode(position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _position(cursor: str) -> Key | int:
    """The sort key or the offset in a cursor."""
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor))
        if is_integer(position) and position >= 0:
            return int(position)
        start, length, call_id, index = position
        return float(start), int(length), str(call_id), int(index)
    except (binascii.Error, ValueError, TypeError):
        raise invalid("paging: malformed cursor") from None
