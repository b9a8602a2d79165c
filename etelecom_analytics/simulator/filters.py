"""Which rows a request's filter chooses, as a plain function of one row; and the API's refusal of a filter that says nothing.

Every rule is written here anew, in plain Python, so that tests of the real filters are held against
something else.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..schema import CALL_STATES, DIRECTIONS

__all__ = [
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
"""A raw row: an object as a rule, but a bad world sends other things too."""


class Stored(NamedTuple):
    """A row as the server keeps it: as it is, as JSON, and when it began, if it says so."""

    row: Row
    text: bytes
    start: datetime | None


_Rule = Callable[[Stored], bool]


class Refusal(Exception):
    """The API's answer to a request that it does not grant: a status, and `code` and `msg`."""

    def __init__(self, status: int, code: str, msg: str) -> None:
        super().__init__(status, code, msg)
        self.status, self.code, self.msg = status, code, msg


def matcher(
    wanted: Mapping[str, Any], *, departments: Mapping[str, str], hotlines: Mapping[str, str]
) -> Callable[[Stored], bool]:
    """Whether a row satisfies every field of the filter; unknown fields are ignored.

    Args:
        wanted: the filter.
        departments: call id -> department id, and
        hotlines: call id -> hotline id, which calls do not carry.
    """
    rules: list[_Rule] = []
    if number := text_of(wanted, "call_number"):
        rules.append(lambda kept: number in (kept.row.get("caller"), kept.row.get("callee")))
    for field, words in (("call_state", CALL_STATES), ("direction", DIRECTIONS)):
        if word := text_of(wanted, field):
            if word not in words:
                raise invalid(f"filter.{field}: unknown value {word!r}")
            rules.append(_equals(field, word))
    texts = ("external_id", "external_session_id")
    rules += [_equals(field, text) for field in texts if (text := text_of(wanted, field))]
    rules += _by_id(wanted, departments, hotlines)
    if since := _moment(wanted, "date_from"):
        rules.append(lambda kept: kept.start is not None and kept.start >= since)
    if until := _moment(wanted, "date_to"):
        rules.append(lambda kept: kept.start is not None and kept.start <= until)
    if compare := _comparison(part_of(wanted, "duration")):
        rules.append(
            lambda kept: is_integer(kept.row.get("duration")) and compare(kept.row["duration"])
        )
    if not rules:
        return lambda kept: True
    return lambda kept: isinstance(kept.row, dict) and all(rule(kept) for rule in rules)


def started(row: Row) -> datetime | None:
    """When the call began; None where the row does not tell."""
    try:
        moment = datetime.fromisoformat(row["started_at"])
        return moment.astimezone(UTC) if moment.year > 1 else None
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def part_of(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of the request that must be an object; an empty one where there is none."""
    part = request.get(name) or {}
    if not isinstance(part, dict):
        raise Refusal(400, "malformed", f"{name} must be an object")
    return part


def text_of(part: Mapping[str, Any], field: str, of: str = "filter") -> str:
    """A field that must be a text; an empty one where there is none."""
    value = part.get(field)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{of}.{field} must be a text")
    return value or ""


def is_integer(value: Any) -> bool:
    """Whether it is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def invalid(msg: str) -> Refusal:
    """The refusal of an argument."""
    return Refusal(400, "invalid_argument", msg)


def _equals(field: str, value: str) -> _Rule:
    return lambda kept: kept.row.get(field) == value


def _by_id(
    wanted: Mapping[str, Any], departments: Mapping[str, str], hotlines: Mapping[str, str]
) -> list[_Rule]:
    rules: list[_Rule] = []
    if extensions := _ids(wanted, "extension_ids"):
        rules.append(lambda kept: kept.row.get("extension_id") in extensions)
    if users := _ids(wanted, "user_id"):
        rules.append(lambda kept: kept.row.get("user_id") in users)
    if lines := _ids(wanted, "hotline_ids"):
        rules.append(lambda kept: hotlines.get(str(kept.row.get("id"))) in lines)
    if department := _ids(wanted, "department_id"):
        rules.append(lambda kept: departments.get(str(kept.row.get("id"))) in department)
    return rules


def _ids(wanted: Mapping[str, Any], field: str) -> set[str]:
    given = wanted.get(field) or []
    ids = given if isinstance(given, list) else [given]
    for each in ids:
        if not (
            isinstance(each, str)
            and each.isascii()
            and each.isdigit()
            and 0 < int(each) <= _LARGEST_ID
        ):
            raise invalid(f"filter.{field}: {each!r} is no id")
    return set(ids)


def _moment(wanted: Mapping[str, Any], field: str) -> datetime | None:
    if not (text := text_of(wanted, field)):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text:
        raise invalid(f"filter.{field}: {text!r} is no RFC 3339 time")
    return moment.astimezone(UTC)


def _comparison(duration: Mapping[str, Any]) -> Callable[[int], bool] | None:
    comparison, value = (
        text_of(duration, "comparison", "filter.duration"),
        duration.get("value") or 0,
    )
    if comparison in ("", "unknow"):  # so the documentation spells the default
        return None
    if comparison not in _COMPARE or not is_integer(value):
        raise invalid(f"filter.duration: {comparison!r} with {value!r}")
    return lambda seconds: _COMPARE[comparison](seconds, value)
