"""Parsing of single values: from a JSON value to a typed value and the kind of its drift."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from ..phone_numbers import printable
from ..schema import Column, Kind

__all__ = ["DriftKind", "ParsedValue", "example", "read_id", "read_text", "read_value"]


class DriftKind(StrEnum):
    """How a value differs from the schema; each comment says what the table has instead."""

    MISSING = "missing"  # null
    NULL = "null"  # null
    QUOTED = "quoted number"  # the number
    FLOAT = "float"  # the integer
    FRACTION = "fraction"  # null
    OUT_OF_RANGE = "out of range"  # null
    NUMBER = "number"  # the number as text
    WRONG_TYPE = "wrong type"  # null, the text of a boolean, or the valid items of a list
    UNKNOWN_WORD = "unknown word"  # null
    UNREADABLE_TIME = "unreadable time"  # null
    BROKEN_TEXT = "broken text"  # the text, with a mark for each invalid character
    NANOSECONDS = "finer than microseconds"  # the time in microseconds
    NEW_FIELD = "new field"  # nothing
    INVALID_JSON = "invalid JSON"  # the values, because the text has only one possible meaning


_PRIVATE = {"note", "recording_urls"}
_INT32 = 2**31
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.(\d+))?(?:[Zz]|[+-]\d\d:\d\d)")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]+)?")
_LONG_INTEGER = re.compile(r"-?[0-9]{19,}")
_MICROSECOND_DIGITS = 6
_EXAMPLE_LENGTH = 40

ParsedValue = tuple[object, DriftKind | None]
"""A typed value, and the kind of its drift, if any."""


def read_value(value: object, column: Column) -> ParsedValue:
    """The typed value for a column; null values and list columns are not supported."""
    return _READERS[column.kind or Kind.TEXT](value, column)


def read_text(value: object, column: Column) -> ParsedValue:
    """The text, or null if it is empty; a number is converted to text."""
    if isinstance(value, str):
        if value.isascii():
            return value or None, None
        # Half of a surrogate pair is valid JSON, but not valid text.
        text = value.encode(errors="replace").decode()
        return text, None if text == value else DriftKind.BROKEN_TEXT
    if isinstance(value, bool):
        return str(value).lower(), DriftKind.WRONG_TYPE
    if isinstance(value, int | float):
        return str(value), DriftKind.NUMBER
    return None, DriftKind.WRONG_TYPE


def read_id(value: object, column: Column) -> ParsedValue:
    """The id as text, or null if it is empty or 0."""
    if isinstance(value, str):
        return (None, None) if value == "0" else read_text(value, column)
    if isinstance(value, int) and not isinstance(value, bool):
        return (str(value) if value else None), DriftKind.NUMBER
    # A float has already lost the last digits of an id.
    return None, DriftKind.WRONG_TYPE


def _read_word(value: object, column: Column) -> ParsedValue:
    if value == "" or value in column.words:
        return value or None, None
    return None, DriftKind.UNKNOWN_WORD if isinstance(value, str) else DriftKind.WRONG_TYPE


def _read_time(value: object, column: Column) -> ParsedValue:
    if not isinstance(value, str):
        return None, DriftKind.WRONG_TYPE
    # The API writes the zero time of Go where there is no time.
    if value == "" or value.startswith("0001-01-01T"):
        return None, None
    match = _RFC3339.fullmatch(value)
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC) if match else None
    except (ValueError, OverflowError):  # such as 31 February, or past the year 9999 in UTC
        moment = None
    if match is None or moment is None:
        return None, DriftKind.UNREADABLE_TIME
    return moment, DriftKind.NANOSECONDS if len(match[1] or "") > _MICROSECOND_DIGITS else None


def _read_integer(value: object, column: Column) -> ParsedValue:
    drift = None
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        drift, value = DriftKind.QUOTED, float(value) if "." in value else int(value)
    if isinstance(value, str) and _LONG_INTEGER.fullmatch(value):
        return None, DriftKind.OUT_OF_RANGE
    if isinstance(value, float):
        # Python's JSON decoder accepts infinity and NaN, which are not integers either.
        if not value.is_integer():
            return None, DriftKind.FRACTION
        drift, value = drift or DriftKind.FLOAT, int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None, DriftKind.WRONG_TYPE
    smallest = -_INT32 if column.minimum is None else column.minimum
    return (value, drift) if smallest <= value < _INT32 else (None, DriftKind.OUT_OF_RANGE)


_READERS: Mapping[Kind, Callable[[object, Column], ParsedValue]] = {
    Kind.TEXT: read_text,
    Kind.ID: read_id,
    Kind.WORD: _read_word,
    Kind.TIME: _read_time,
    Kind.INTEGER: _read_integer,
}


def example(field: str, kind: DriftKind, value: object) -> str:
    """A short example of a drift, without phone numbers, notes or links."""
    type_names = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    is_private = field in _PRIVATE or kind is DriftKind.NEW_FIELD
    if isinstance(value, dict | list | None) or (is_private and isinstance(value, str)):
        return type_names[type(value)]
    text = value if isinstance(value, str) else json.dumps(value)
    return "a number" if is_private else printable(text, max_length=_EXAMPLE_LENGTH)
