"""Every way in which a value on the wire can differ from the contract, as data: what stands there, and what a reader should make of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..schema import CALLS, LEGS, Column, Kind

__all__ = ["ABSENT", "STRANGE", "Strange"]

ABSENT = object()
"""Stands for a value that is not there, nor its name."""

_NO_LEG = dict.fromkeys((leg.name for leg in LEGS), None)


@dataclass(frozen=True, kw_only=True)
class Strange:
    """One strange value.

    Attributes:
        field: where it stands; a leg's field as `call_targets.status`.
        kind: in which way it is strange, in the words of `DriftKind`.
        value: what stands there instead.
        read_as: what the table should keep.
    """

    field: str
    kind: str
    value: Any
    read_as: Any = None

    def put_into(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with the strange value, in its first leg if it belongs into one; a row without legs stays as it is."""
        name, _, leg_name = self.field.partition(".")
        if not leg_name:
            return _with(row, name, self.value)
        legs = row.get(name) or []
        return {
            **row,
            name: [
                _with(leg, leg_name, self.value) if place == 0 else leg
                for place, leg in enumerate(legs)
            ],
        }


def _with(values: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
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
_LISTS = (Kind.LINKS, Kind.LEGS)  # null and absent lists are empty, which is no drift


def _of(column: Column, prefix: str) -> Iterator[Strange]:
    assert column.kind  # every column that comes over the wire has one  # noqa: S101
    field = prefix + column.name
    if column.kind not in _LISTS:
        yield Strange(field=field, kind="missing", value=ABSENT)
        yield Strange(field=field, kind="null", value=None)
    for kind, value, read_as in _BY_KIND[column.kind]:
        yield Strange(field=field, kind=kind, value=value, read_as=read_as)


def _all() -> Iterator[Strange]:
    for column in CALLS[1:]:  # the id stays as it is: a record without one is no row
        yield from _of(column, "")
    for column in LEGS:
        yield from _of(column, "call_targets.")
    yield Strange(field="sip_trace", kind="new field", value="x")
    yield Strange(field="call_targets.codec", kind="new field", value=8)


STRANGE = tuple(_all())
"""Each kind of drift in each field where it can occur; a value of the wrong type or form, never a record without an id."""
