"""Unexpected values: every way in which a response can deviate from the documented schema."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..schema import CALLS, LEGS, Column, Kind

__all__ = ["ABSENT", "UNEXPECTED_VALUES", "UnexpectedValue"]

ABSENT = object()
"""Represents a missing field."""

_NO_LEG = dict.fromkeys((leg.name for leg in LEGS), None)


@dataclass(frozen=True, kw_only=True)
class UnexpectedValue:
    """One unexpected value of a field.

    Attributes:
        field: the field; that of a leg as `call_targets.status`.
        kind: the kind of deviation, one of `DriftKind`.
        value: the value in the response.
        read_as: the value that the parser should return.
    """

    field: str
    kind: str
    value: Any
    read_as: Any = None

    def put_into(self, row: dict[str, Any]) -> dict[str, Any]:
        """A copy of the row with this value; a field of legs is changed in the first leg only."""
        name, _, leg_name = self.field.partition(".")
        if not leg_name:
            return _replace(row, name, self.value)
        legs = row.get(name) or []
        return {
            **row,
            name: [
                _replace(leg, leg_name, self.value) if index == 0 else leg
                for index, leg in enumerate(legs)
            ],
        }


def _replace(values: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    changed = {**values, name: value}
    if value is ABSENT:
        del changed[name]
    return changed


_A_TIME = datetime(2026, 11, 2, 3, 4, 5, 123456, tzinfo=UTC)
_BY_KIND: dict[Kind, tuple[tuple[str, Any, Any], ...]] = {
    Kind.TEXT: (
        ("number", 17, "17"),
        ("number", 1.5, "1.5"),
        ("wrong type", {"a": 1}, None),
        ("broken text", "\ud83d", "?"),
    ),
    Kind.ID: (
        ("number", 1140000000000000003, "1140000000000000003"),
        ("wrong type", 1.14e18, None),
    ),
    Kind.WORD: (("unknown word", "sideways", None), ("wrong type", 17, None)),
    Kind.TIME: (
        ("unreadable time", "yesterday", None),
        ("unreadable time", "2026-02-31T00:00:00Z", None),
        ("wrong type", 17, None),
        ("finer than microseconds", "2026-11-02T03:04:05.123456789Z", _A_TIME),
    ),
    Kind.INTEGER: (
        ("quoted number", "30", 30),
        ("float", 30.0, 30),
        ("fraction", 30.7, None),
        ("out of range", 2**40, None),
        ("wrong type", "many", None),
    ),
    Kind.LINKS: (
        ("wrong type", "https://recordings.example/1.mp3", ["https://recordings.example/1.mp3"]),
    ),
    Kind.LEGS: (("wrong type", 17, []), ("wrong type", [17], [_NO_LEG])),
}
_LISTS = (Kind.LINKS, Kind.LEGS)  # null and missing lists are read as empty, which is not drift


def _values_of(column: Column, prefix: str) -> Iterator[UnexpectedValue]:
    assert column.kind  # all columns of the API have one  # noqa: S101
    field = prefix + column.name
    if column.kind not in _LISTS:
        yield UnexpectedValue(field=field, kind="missing", value=ABSENT)
        yield UnexpectedValue(field=field, kind="null", value=None)
    for kind, value, read_as in _BY_KIND[column.kind]:
        yield UnexpectedValue(field=field, kind=kind, value=value, read_as=read_as)
    if column.minimum is not None:
        yield UnexpectedValue(
            field=field, kind="out of range", value=column.minimum - 1, read_as=None
        )


def _all_values() -> Iterator[UnexpectedValue]:
    for column in CALLS[1:]:  # not the id: a record without an id is not a row
        yield from _values_of(column, "")
    for column in LEGS:
        yield from _values_of(column, "call_targets.")
    yield UnexpectedValue(field="sip_trace", kind="new field", value="x")
    yield UnexpectedValue(field="call_targets.codec", kind="new field", value=8)


UNEXPECTED_VALUES = tuple(_all_values())
"""Each kind of drift in each field in which it can occur."""
