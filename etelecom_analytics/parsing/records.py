"""Records as they came -> rows, value by value, with an account of what was strange.

What is said here is what a page means. Reading in bulk is quicker, and must say the same.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import polars as pl

from ..errors import Unreadable
from ..phone_numbers import shown
from ..schema import CALL_SCHEMA, CALLS, LEGS, Column, Kind
from .values import DriftKind, example, read_id, read_text, read_value

__all__ = ["Drift", "RecordReader", "SetAside", "frame_of", "merged_drift"]

_LIST_KINDS = {Kind.LINKS, Kind.LEGS}
_LEGS = next(column for column in CALLS if column.kind is Kind.LEGS)
_PLACE = "place of the call"


class Drift(NamedTuple):
    """One way in which the wire differed from the contract: where, how, how often, and a masked example."""

    field: str
    kind: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody misses here
    example: str


class SetAside(NamedTuple):
    """A record that cannot be a row, since it has no id or is no object, as it came; page and position count from 0."""

    page: int
    position: int
    record: object


Row = dict[str, object]
"""A call, or a leg, by its columns."""


class RecordReader:
    """Reads pages record by record, and keeps account of what was strange.

    Attributes:
        set_aside: records without an id, as they came.
    """

    def __init__(self) -> None:
        self.set_aside: list[SetAside] = []
        self._drift: dict[tuple[str, str], tuple[int, str]] = {}

    @property
    def drift(self) -> tuple[Drift, ...]:
        """What was strange so far, by field and kind; empty when the wire was clean."""
        return merged_drift(
            Drift(shown(field), kind, *told) for (field, kind), told in self._drift.items()
        )

    def read(self, body: bytes, page: int) -> list[Row]:
        """The calls of the page with this number, in its order; `Unreadable` if it is no JSON of a page."""
        rows: list[Row] = []
        for position, record in enumerate(self._records(body)):
            if isinstance(record, dict) and _has_id(record):
                rows.append(self._fields(CALLS, record, ""))
            else:
                self.set_aside.append(SetAside(page, position, record))
        return rows

    def _records(self, body: bytes) -> list[object]:
        try:
            try:
                document = json.loads(body)
            except UnicodeDecodeError:
                self._note("call_logs", DriftKind.BROKEN_TEXT, [])
                document = json.loads(body.decode(errors="replace"))
        except (ValueError, RecursionError):
            document = None
        records = document.get("call_logs") if isinstance(document, dict) else ...
        if not isinstance(records, list | None):
            raise Unreadable("the body is not the JSON of a page")
        return records or []

    def _note(self, field: str, kind: DriftKind, value: object) -> None:
        told = example(field, kind, value)
        count, smallest = self._drift.get((field, kind), (0, told))
        self._drift[field, kind] = (
            count + 1,
            min(smallest, told),
        )  # the smallest, so that the order of pages does not matter

    def _fields(self, columns: Sequence[Column], record: Mapping[str, object], prefix: str) -> Row:
        row: Row = {}
        for column in columns:
            field, name = prefix + column.name, column.name
            value = record.get(name)
            if value is None:
                if column.kind not in _LIST_KINDS:
                    self._note(field, DriftKind.NULL if name in record else DriftKind.MISSING, None)
                row[name] = [] if column.kind in _LIST_KINDS else None
            elif column.kind is Kind.LEGS:
                row[name] = self._legs(field, value)
            elif column.kind is Kind.LINKS:
                row[name] = self._links(field, value)
            else:
                row[name], strange = read_value(value, column)
                if strange:
                    self._note(field, strange, value)
        known = {column.name for column in columns}
        for name in record.keys() - known:
            self._note(prefix + name, DriftKind.NEW_FIELD, record[name])
        return row

    def _legs(self, field: str, value: object) -> list[Row]:
        if not isinstance(value, list):
            self._note(field, DriftKind.WRONG_TYPE, value)
            value = [value] if isinstance(value, dict) else []
        legs: list[Row] = []
        for leg in value:
            if isinstance(leg, dict):
                legs.append(self._fields(LEGS, leg, f"{field}."))
            else:
                self._note(field, DriftKind.WRONG_TYPE, leg)
                legs.append(dict.fromkeys((column.name for column in LEGS), None))
        return legs

    def _links(self, field: str, value: object) -> list[object]:
        if not isinstance(value, list):
            self._note(field, DriftKind.WRONG_TYPE, value)
            value = [value]
        links: list[object] = []
        for link in value:
            text, strange = (
                read_text(link, CALLS[0]) if isinstance(link, str) else (None, DriftKind.WRONG_TYPE)
            )
            if strange:
                self._note(field, strange, link)
            if text:
                links.append(text)
        return links


def frame_of(rows: Sequence[Row]) -> pl.DataFrame:
    """The rows as a table, with the dtypes of `CALL_SCHEMA`."""
    # Legs are made as a table and then gathered: made call by call, they would take thrice the
    # memory.
    legs = [
        (place, leg) for place, row in enumerate(rows) for leg in cast("list[Row]", row[_LEGS.name])
    ]
    leg_table = pl.DataFrame(
        [
            pl.Series(column.name, [leg[column.name] for _, leg in legs], dtype=column.dtype)
            for column in LEGS
        ]
    )
    gathered = (
        leg_table.select(pl.struct(pl.all()).alias(_LEGS.name))
        .with_columns(pl.Series(_PLACE, [place for place, _ in legs], dtype=pl.Int64))
        .group_by(_PLACE, maintain_order=True)
        .agg(_LEGS.name)
    )
    calls = pl.DataFrame(
        [
            pl.Series(each.name, [row[each.name] for row in rows], dtype=each.dtype)
            for each in CALLS
            if each is not _LEGS
        ]
    )
    placed = calls.with_columns(pl.int_range(pl.len()).alias(_PLACE)).join(
        gathered, on=_PLACE, how="left", maintain_order="left"
    )
    return placed.with_columns(pl.col(_LEGS.name).fill_null([])).select(*CALL_SCHEMA)


def merged_drift(*drifts: Iterable[Drift]) -> tuple[Drift, ...]:
    """Several accounts of drift as one, by field and kind: counts added, and of the examples the smallest."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for field, kind, count, told in (each for drift in drifts for each in drift):
        before, other = found.get((field, kind), (0, told))
        found[field, kind] = (before + count, min(other, told))
    return tuple(Drift(field, kind, *told) for (field, kind), told in sorted(found.items()))


def _has_id(record: Mapping[str, object]) -> bool:
    return (
        isinstance(record.get("id"), str | int) and read_id(record["id"], CALLS[0])[0] is not None
    )
