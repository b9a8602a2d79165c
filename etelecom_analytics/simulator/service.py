"""What the API answers to a request, worked out on plain rows: filters, order, pages, refusals. No I/O.

Every rule is written here anew, in plain Python, so that tests of the real filters and pages are held against something else.
"""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..schema import CALL_STATES, DIRECTIONS

__all__ = ["CallLogService", "Refusal"]

_MOST_ROWS = 100
_BEGINNING = "."
_DEFAULT_SORT = "-started_at"
_SORTS = (_DEFAULT_SORT, "started_at")
_LARGEST_ID = 2**63 - 1
_COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    "less_than": lambda duration, value: duration < value,
    "less_than_or_equal_to": lambda duration, value: duration <= value,
    "greater_than": lambda duration, value: duration > value,
    "greater_than_or_equal_to": lambda duration, value: duration >= value,
    "equal_to": lambda duration, value: duration == value,
}

Row = Any
"""A raw row: an object as a rule, but a bad world sends other things too."""
Key = tuple[float, int, str, int]
"""Where a row stands: start (negative for newest first; without one last), length and text of its id, its place among equals."""
_Rule = Callable[[Mapping[str, Any]], bool]


class Refusal(Exception):
    """The API's answer to a request that it does not grant: a status, and `code` and `msg`."""

    def __init__(self, status: int, code: str, msg: str) -> None:
        super().__init__(status, code, msg)
        self.status, self.code, self.msg = status, code, msg


@dataclass(frozen=True)
class _Listing:
    """The rows of one filter in one order, each as JSON text, with the keys that cursors point at."""

    keys: list[Key]
    texts: list[bytes]


class CallLogService:
    """ListCallLogs over a fixed set of rows.

    Args:
        rows: the calls as the API writes them.
        departments: call id -> department id, and
        hotlines: call id -> hotline id, which calls do not carry.
    """

    def __init__(
        self, rows: Iterable[Row], *, departments: Mapping[str, str] | None = None, hotlines: Mapping[str, str] | None = None
    ) -> None:
        self._rows = list(rows)
        self._texts = [json.dumps(row, ensure_ascii=False).encode(errors="surrogatepass") for row in self._rows]
        self._departments, self._hotlines = departments or {}, hotlines or {}
        self._listings: dict[str, _Listing] = {}

    def list_call_logs(self, request: Mapping[str, Any]) -> bytes:
        """The body of the answer; `Refusal` where the request is wrong."""
        paging = _part(request, "paging")
        after, before, sort = (_text(paging, name, "paging") for name in ("after", "before", "sort"))
        limit, sort = paging.get("limit") or 0, sort or _DEFAULT_SORT
        if after and before:
            raise _invalid("paging: after and before exclude each other")
        if not _is_integer(limit) or limit < 0:
            raise _invalid("paging.limit must be a number, and not negative")
        if sort not in _SORTS:
            raise _invalid(f"paging.sort must be one of {', '.join(_SORTS)}")
        limit = min(limit or _MOST_ROWS, _MOST_ROWS)
        listing = self._listing(_part(request, "filter"), sort)
        if before:
            end = len(listing.keys) if before == _BEGINNING else bisect_left(listing.keys, _key(before))
            begin = max(0, end - limit)
        else:
            begin = bisect_right(listing.keys, _key(after)) if after not in ("", _BEGINNING) else 0
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
        return b'{"call_logs":[' + b",".join(listing.texts[begin:end]) + b'],"paging":' + json.dumps(told).encode() + b"}"

    def _listing(self, wanted: Mapping[str, Any], sort: str) -> _Listing:
        name = json.dumps([wanted, sort], sort_keys=True)
        if name not in self._listings:
            matches = self._matcher(wanted)
            chosen = [place for place, row in enumerate(self._rows) if matches(row)]
            again: Counter[tuple[float, int, str]] = Counter()
            keyed: list[tuple[Key, bytes]] = []
            for place in chosen:
                start_and_id = _start_and_id(self._rows[place], newest_first=sort == _DEFAULT_SORT)
                keyed.append(((*start_and_id, again[start_and_id]), self._texts[place]))
                again[start_and_id] += 1
            keyed.sort()
            self._listings[name] = _Listing([key for key, _ in keyed], [text for _, text in keyed])
        return self._listings[name]

    def _matcher(self, wanted: Mapping[str, Any]) -> Callable[[Row], bool]:
        """Whether a row satisfies every field of the filter; unknown fields are ignored."""
        rules: list[_Rule] = []
        if number := _text(wanted, "call_number"):
            rules.append(lambda row: number in (row.get("caller"), row.get("callee")))
        for field, words in (("call_state", CALL_STATES), ("direction", DIRECTIONS)):
            if word := _text(wanted, field):
                if word not in words:
                    raise _invalid(f"filter.{field}: unknown value {word!r}")
                rules.append(_equals(field, word))
        texts = ("external_id", "external_session_id")
        rules += [_equals(field, text) for field in texts if (text := _text(wanted, field))]
        rules += self._by_id(wanted)
        if since := _moment(wanted, "date_from"):
            rules.append(lambda row: (start := _started(row)) is not None and start >= since)
        if until := _moment(wanted, "date_to"):
            rules.append(lambda row: (start := _started(row)) is not None and start <= until)
        if compare := _comparison(_part(wanted, "duration")):
            rules.append(lambda row: _is_integer(row.get("duration")) and compare(row["duration"]))
        if not rules:
            return lambda row: True
        return lambda row: isinstance(row, dict) and all(rule(row) for rule in rules)

    def _by_id(self, wanted: Mapping[str, Any]) -> list[_Rule]:
        rules: list[_Rule] = []
        if ids := _ids(wanted, "extension_ids"):
            rules.append(lambda row: row.get("extension_id") in ids)
        if user := _ids(wanted, "user_id"):
            rules.append(lambda row: row.get("user_id") in user)
        if hotlines := _ids(wanted, "hotline_ids"):
            rules.append(lambda row: self._hotlines.get(str(row.get("id"))) in hotlines)
        if department := _ids(wanted, "department_id"):
            rules.append(lambda row: self._departments.get(str(row.get("id"))) in department)
        return rules


def _equals(field: str, value: str) -> _Rule:
    return lambda row: row.get(field) == value


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(part: Mapping[str, Any], field: str, of: str = "filter") -> str:
    value = part.get(field)
    if value is not None and not isinstance(value, str):
        raise _invalid(f"{of}.{field} must be a text")
    return value or ""


def _invalid(msg: str) -> Refusal:
    return Refusal(400, "invalid_argument", msg)


def _part(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = request.get(name) or {}
    if not isinstance(part, dict):
        raise Refusal(400, "malformed", f"{name} must be an object")
    return part


def _ids(wanted: Mapping[str, Any], field: str) -> set[str]:
    given = wanted.get(field) or []
    ids = given if isinstance(given, list) else [given]
    for each in ids:
        if not (isinstance(each, str) and each.isascii() and each.isdigit() and 0 < int(each) <= _LARGEST_ID):
            raise _invalid(f"filter.{field}: {each!r} is no id")
    return set(ids)


def _moment(wanted: Mapping[str, Any], field: str) -> datetime | None:
    if not (text := _text(wanted, field)):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text:
        raise _invalid(f"filter.{field}: {text!r} is no RFC 3339 time")
    return moment.astimezone(UTC)


def _comparison(duration: Mapping[str, Any]) -> Callable[[int], bool] | None:
    comparison, value = _text(duration, "comparison", "filter.duration"), duration.get("value") or 0
    if comparison in ("", "unknow"):  # so the documentation spells the default
        return None
    if comparison not in _COMPARE or not _is_integer(value):
        raise _invalid(f"filter.duration: {comparison!r} with {value!r}")
    return lambda seconds: _COMPARE[comparison](seconds, value)


def _started(row: Row) -> datetime | None:
    """When the call began; None where the row does not tell."""
    try:
        moment = datetime.fromisoformat(row["started_at"])
        return moment.astimezone(UTC) if moment.year > 1 else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _start_and_id(row: Row, *, newest_first: bool) -> tuple[float, int, str]:
    start = _started(row)
    seconds = float("inf") if start is None else start.timestamp()
    call_id = str(row.get("id", "")) if isinstance(row, dict) else ""
    return (-seconds if newest_first and start else seconds, len(call_id), call_id)


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _key(cursor: str) -> Key:
    try:
        start, length, call_id, place = json.loads(base64.urlsafe_b64decode(cursor))
        return float(start), int(length), str(call_id), int(place)
    except (binascii.Error, ValueError, TypeError):
        raise _invalid("paging: malformed cursor") from None
