"""Which rows does a filter choose, and which of them does a page show? Plain Python, and deliberately no code of the client's.

A server that filtered by the client's own expressions would prove nothing when the two agree.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import eq, ge, gt, le, lt
from typing import Any

from ..schema import CALL_STATES, DIRECTIONS

__all__ = ["MOST_ROWS", "Refused", "Shelf"]

MOST_ROWS = 100
NEWEST_FIRST = "-started_at"

_SORTS = (NEWEST_FIRST, "started_at")
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "less_than": lt,
    "less_than_or_equal_to": le,
    "greater_than": gt,
    "greater_than_or_equal_to": ge,
    "equal_to": eq,
}
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)
_BEGINNING = "."

Key = tuple[bool, int, int, str, int]
"""Where a row stands: known start first, the start, then its id as a number would be ordered, then its turn of arrival."""
Test = Callable[["_Entry"], bool]


class Refused(Exception):  # noqa: N818  # it is an answer, not a mishap
    """An answer of 4xx, with the API's word for it."""

    def __init__(self, status: int, code: str, msg: str) -> None:
        super().__init__(status, code, msg)
        self.status = status
        self.code = code
        self.msg = msg


def _invalid(msg: str) -> Refused:
    return Refused(400, "invalid_argument", msg)


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _microseconds(value: object) -> int | None:
    """A row's time as a number to order by; None for the zero time and for nonsense."""
    moment = _moment(value)
    if moment is None or moment.year == 1:
        return None
    return (moment - _YEAR_ONE) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """One row, and what selecting and ordering need of it."""

    row: Mapping[str, Any]
    text: str
    started: int | None
    id: str
    turn: int

    def key(self, sort: str) -> Key:
        started = self.started or 0
        return (self.started is None, -started if sort == NEWEST_FIRST else started, len(self.id), self.id, self.turn)


def _text_of(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise _invalid(f"{field} must be a string")
    return value


def _id_of(field: str, value: object) -> str:
    text = _text_of(field, value)
    if not re.fullmatch(r"\d{0,19}", text, re.ASCII) or int(text or 0) >= 1 << 63:
        raise _invalid(f"{field} must be an int64 as a string")
    return "" if text == "0" else text


def _ids_of(field: str, value: object) -> set[str]:
    if not isinstance(value, list):
        raise _invalid(f"{field} must be a list")
    return {_id_of(field, item) for item in value} - {""}


def _word_of(field: str, value: object, words: Iterable[str]) -> str:
    text = _text_of(field, value)
    if text and text not in words:
        raise _invalid(f"{field} has no value {text}")
    return text


def _same(field: str, wanted: str) -> Test:
    return lambda entry: entry.row.get(field) == wanted


def _duration_test(value: object) -> Test | None:
    if not isinstance(value, dict):
        raise _invalid("duration must be an object")
    comparison, seconds = value.get("comparison", ""), value.get("value", 0)
    if comparison in ("", "unknow"):  # the documentation's spelling of the default
        return None
    if comparison not in _COMPARISONS:
        raise _invalid(f"duration.comparison has no value {comparison}")
    if type(seconds) is not int:
        raise _invalid("duration.value must be an integer")
    holds = _COMPARISONS[comparison]

    def test(entry: _Entry) -> bool:
        duration = entry.row.get("duration")
        return isinstance(duration, int) and holds(duration, seconds)

    return test


def _date_test(field: str, value: object) -> Test | None:
    if _text_of(field, value) == "":
        return None
    if _moment(value) is None:
        raise _invalid(f"{field} must be a time of RFC 3339 with an offset")
    edge = _microseconds(value) or 0
    holds = ge if field == "date_from" else le
    return lambda entry: entry.started is not None and bool(holds(entry.started, edge))


class Shelf:
    """The rows that a server holds, ordered and filtered, with each choice remembered until the rows change."""

    def __init__(
        self,
        rows: Iterable[Any],
        departments: Mapping[str, str] | None = None,
        hotlines: Mapping[str, str] | None = None,
    ) -> None:
        self._departments = departments or {}
        self._hotlines = hotlines or {}
        self._entries: list[_Entry] = []
        self._chosen: dict[str, list[tuple[Key, _Entry]]] = {}
        self._turn = 0
        for row in rows:
            self._entries.append(self._entry(row))

    def _entry(self, row: Any) -> _Entry:
        self._turn += 1
        fields = row if isinstance(row, Mapping) else {}
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        return _Entry(fields, text, _microseconds(fields.get("started_at")), str(fields.get("id", "")), self._turn)

    def put(self, rows: Iterable[Any]) -> None:
        """Nothing; rows arrive, and take the place of those with the same id."""
        for row in rows:
            entry = self._entry(row)
            self._entries = [other for other in self._entries if not entry.id or other.id != entry.id] + [entry]
        self._chosen = {}

    def _tests(self, wanted: Mapping[str, Any]) -> list[Test]:
        """One test for each field that is set. Fields that the API does not know are ignored."""
        tests: list[Test | None] = []
        for field, value in wanted.items():
            if value is None:
                continue
            match field:
                case "call_number":
                    number = _text_of(field, value)
                    either = [_same("caller", number), _same("callee", number)]
                    tests.append((lambda entry, either=either: any(same(entry) for same in either)) if number else None)
                case "call_state" | "direction":
                    word = _word_of(field, value, CALL_STATES if field == "call_state" else DIRECTIONS)
                    tests.append(_same(field, word) if word else None)
                case "external_id" | "external_session_id":
                    text = _text_of(field, value)
                    tests.append(_same(field, text) if text else None)
                case "user_id":
                    user = _id_of(field, value)
                    tests.append(_same(field, user) if user else None)
                case "extension_ids":
                    ids = _ids_of(field, value)
                    tests.append((lambda entry, ids=ids: entry.row.get("extension_id") in ids) if ids else None)
                case "department_id" | "hotline_ids":
                    ids = {_id_of(field, value)} - {""} if field == "department_id" else _ids_of(field, value)
                    known = self._departments if field == "department_id" else self._hotlines
                    tests.append((lambda entry, ids=ids, known=known: known.get(entry.id) in ids) if ids else None)
                case "duration":
                    tests.append(_duration_test(value))
                case "date_from" | "date_to":
                    tests.append(_date_test(field, value))
        return [test for test in tests if test is not None]

    def _choose(self, wanted: Mapping[str, Any], sort: str) -> list[tuple[Key, _Entry]]:
        name = json.dumps([wanted, sort], sort_keys=True)
        if name not in self._chosen:
            if len(self._chosen) > 200:
                self._chosen.clear()
            tests = self._tests(wanted)
            chosen = [(entry.key(sort), entry) for entry in self._entries if all(test(entry) for test in tests)]
            self._chosen[name] = sorted(chosen, key=lambda pair: pair[0])
        return self._chosen[name]
