"""One value as the wire has it -> one value as the table keeps it, and what was strange about it."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from ..phone_numbers import printable
from ..schema import Column, Kind

__all__ = ["DriftKind", "Read", "example", "read_id", "read_text", "read_value"]


class DriftKind(StrEnum):
    """In which way the wire differed from the contract, and what was made of it."""

    MISSING = "missing"  # null
    NULL = "null"  # null
    QUOTED = "quoted number"  # the number
    FLOAT = "float"  # the whole number
    FRACTION = "fraction"  # null
    OUT_OF_RANGE = "out of range"  # null
    NUMBER = "number"  # its text
    WRONG_TYPE = "wrong type"  # null, a text of true or false, or what could be kept of a list
    UNKNOWN_WORD = "unknown word"  # null
    UNREADABLE_TIME = "unreadable time"  # null
    BROKEN_TEXT = "broken text"  # with a mark for what is no character
    NANOSECONDS = "finer than microseconds"  # cut
    NEW_FIELD = "new field"  # left out


_PRIVATE = {"note", "recording_urls"}
_INT32 = 2**31
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.(\d+))?(?:[Zz]|[+-]\d\d:\d\d)")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]+)?")
_MICROSECOND_DIGITS = 6
_EXAMPLE_LENGTH = 40

Read = tuple[object, DriftKind | None]
"""A value as the table keeps it, and what was strange about it."""


def read_value(value: object, column: Column) -> Read:
    """The value for this column; it must be there, and the column no list."""
    return _READERS[column.kind or Kind.TEXT](value, column)


def read_text(value: object, column: Column) -> Read:
    """The text; a number's text for a number."""
    if isinstance(value, str):
        if value.isascii():
            return value or None, None
        whole = value.encode(
            errors="replace"
        ).decode()  # half of a surrogate pair is JSON, but no text
        return whole, None if whole == value else DriftKind.BROKEN_TEXT
    if isinstance(value, bool):
        return str(value).lower(), DriftKind.WRONG_TYPE
    if isinstance(value, int | float):
        return str(value), DriftKind.NUMBER
    return None, DriftKind.WRONG_TYPE


def read_id(value: object, column: Column) -> Read:
    """The digits of an id; null for the ids that stand for none."""
    if isinstance(value, str):
        return (None, None) if value == "0" else read_text(value, column)
    if isinstance(value, int) and not isinstance(value, bool):
        return (str(value) if value else None), DriftKind.NUMBER
    return None, DriftKind.WRONG_TYPE  # a float is no id: its last digits are already lost


def _read_word(value: object, column: Column) -> Read:
    if value == "" or value in column.words:
        return value or None, None
    return None, DriftKind.UNKNOWN_WORD if isinstance(value, str) else DriftKind.WRONG_TYPE


def _read_time(value: object, column: Column) -> Read:
    if not isinstance(value, str):
        return None, DriftKind.WRONG_TYPE
    if value == "" or value.startswith("0001-01-01T"):
        return None, None
    form = _RFC3339.fullmatch(value)
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC) if form else None
    except (ValueError, OverflowError):  # the 31st of February, the year 9999 a zone too late
        moment = None
    if form is None or moment is None:
        return None, DriftKind.UNREADABLE_TIME
    return moment, DriftKind.NANOSECONDS if len(form[1] or "") > _MICROSECOND_DIGITS else None


def _read_integer(value: object, column: Column) -> Read:
    strange = None
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        strange, value = DriftKind.QUOTED, float(value) if "." in value else int(value)
    if isinstance(value, float):
        if not value.is_integer():  # nor are infinity and NaN, which Python's JSON reads
            return None, DriftKind.FRACTION
        strange, value = strange or DriftKind.FLOAT, int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None, DriftKind.WRONG_TYPE
    return (value, strange) if -_INT32 <= value < _INT32 else (None, DriftKind.OUT_OF_RANGE)


_READERS: Mapping[Kind, Callable[[object, Column], Read]] = {
    Kind.TEXT: read_text,
    Kind.ID: read_id,
    Kind.WORD: _read_word,
    Kind.TIME: _read_time,
    Kind.INTEGER: _read_integer,
}


def example(field: str, kind: DriftKind, value: object) -> str:
    """A short form of the value that shows what was strange and holds no number, note or link."""
    names = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    secret = field in _PRIVATE or kind is DriftKind.NEW_FIELD
    if isinstance(value, dict | list | None) or (secret and isinstance(value, str)):
        return names[type(value)]
    text = value if isinstance(value, str) else json.dumps(value)
    return "a number" if secret else printable(text, max_length=_EXAMPLE_LENGTH)
