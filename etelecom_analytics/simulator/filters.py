"""Filters of the API: whether a row matches the filter of a request, and errors for invalid ones.

The rules are implemented independently of the package, in plain Python, so that the package's
filters can be tested against them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..schema import CALL_STATES, DIRECTIONS

__all__ = [
    "Labels",
    "Refusal",
    "Row",
    "Stored",
    "invalid",
    "is_integer",
    "matcher",
    "part_of",
    "started",
    "text_of",
]

_LARGEST_ID = 2**63 - 1
_COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    "less_than": lambda duration, value: duration < value,
    "less_than_or_equal_to": lambda duration, value: duration <= value,
    "greater_than": lambda duration, value: duration > value,
    "greater_than_or_equal_to": lambda duration, value: duration >= value,
    "equal_to": lambda duration, value: duration == value,
}

Row = Any
"""A raw row: usually a dictionary, but tests also serve other values."""


class Stored(NamedTuple):
    """A row, its JSON text, and the start of the call, if it is readable."""

    row: Row
    text: bytes
    start: datetime | None


_Rule = Callable[[Stored], bool]


class Refusal(Exception):
    """An error response of the API: a status, and `code` and `msg`."""

    def __init__(self, status: int, code: str, msg: str) -> None:
        super().__init__(status, code, msg)
        self.status, self.code, self.msg = status, code, msg


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The department and the hotline of calls, which call logs do not contain.

    Attributes:
        department_of, hotline_of: return the id for a row; "" if it has none.
    """

    department_of: Callable[[Row], str]
    hotline_of: Callable[[Row], str]


def matcher(query: Mapping[str, Any], labels: Labels) -> Callable[[Stored], bool]:
    """A function that returns whether a row matches all fields of a filter; ignores unknown ones.

    Args:
        query: the filter of the request.
        labels: the departments and hotlines of calls.
    """
    rules: list[_Rule] = []
    if number := text_of(query, "call_number"):
        rules.append(lambda stored: number in (stored.row.get("caller"), stored.row.get("callee")))
    for field, words in (("call_state", CALL_STATES), ("direction", DIRECTIONS)):
        if word := text_of(query, field):
            if word not in words:
                raise invalid(f"filter.{field}: unknown value {word!r}")
            rules.append(_equals(field, word))
    texts = ("external_id", "external_session_id")
    rules += [_equals(field, text) for field in texts if (text := text_of(query, field))]
    rules += _by_id(query, labels)
    if since := _moment(query, "date_from"):
        rules.append(lambda stored: stored.start is not None and stored.start >= since)
    if until := _moment(query, "date_to"):
        rules.append(lambda stored: stored.start is not None and stored.start <= until)
    if compare := _comparison(part_of(query, "duration")):
        rules.append(
            lambda stored: (
                is_integer(stored.row.get("duration")) and compare(stored.row["duration"])
            )
        )
    if not rules:
        return lambda stored: True
    return lambda stored: isinstance(stored.row, dict) and all(rule(stored) for rule in rules)


def started(row: Row) -> datetime | None:
    """The start of the call; None if the row has none that is readable."""
    try:
        moment = datetime.fromisoformat(row["started_at"])
        return moment.astimezone(UTC) if moment.year > 1 else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def part_of(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of the request that must be an object; an empty one if it is missing."""
    part = request.get(name) or {}
    if not isinstance(part, dict):
        raise Refusal(400, "malformed", f"{name} must be an object")
    return part


def text_of(part: Mapping[str, Any], field: str, of: str = "filter") -> str:
    """A field that must be a string; an empty one if it is missing."""
    value = part.get(field)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{of}.{field} must be a string")
    return value or ""


def is_integer(value: Any) -> bool:
    """Whether the value is an integer, and not a boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def invalid(msg: str) -> Refusal:
    """The error response to an invalid argument."""
    return Refusal(400, "invalid_argument", msg)


def _equals(field: str, value: str) -> _Rule:
    return lambda stored: stored.row.get(field) == value


def _by_id(query: Mapping[str, Any], labels: Labels) -> list[_Rule]:
    rules: list[_Rule] = []
    if extensions := _ids(query, "extension_ids"):
        rules.append(lambda stored: stored.row.get("extension_id") in extensions)
    if users := _ids(query, "user_id"):
        rules.append(lambda stored: stored.row.get("user_id") in users)
    if lines := _ids(query, "hotline_ids"):
        rules.append(lambda stored: labels.hotline_of(stored.row) in lines)
    if department := _ids(query, "department_id"):
        rules.append(lambda stored: labels.department_of(stored.row) in department)
    return rules


def _ids(query: Mapping[str, Any], field: str) -> set[str]:
    value = query.get(field) or []
    ids = value if isinstance(value, list) else [value]
    for each in ids:
        if not (
            isinstance(each, str)
            and each.isascii()
            and each.isdigit()
            and 0 < int(each) <= _LARGEST_ID
        ):
            raise invalid(f"filter.{field}: {each!r} is not an id")
    return set(ids)


def _moment(query: Mapping[str, Any], field: str) -> datetime | None:
    if not (text := text_of(query, field)):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text:
        raise invalid(f"filter.{field}: {text!r} is not an RFC 3339 time")
    return moment.astimezone(UTC)


def _comparison(duration: Mapping[str, Any]) -> Callable[[int], bool] | None:
    comparison, value = (
        text_of(duration, "comparison", "filter.duration"),
        duration.get("value") or 0,
    )
    if comparison in ("", "unknow"):  # the spelling of the API's documentation
        return None
    if comparison not in _COMPARE or not is_integer(value):
        raise invalid(f"filter.duration: {comparison!r} with {value!r}")
    return lambda seconds: _COMPARE[comparison](seconds, value)
