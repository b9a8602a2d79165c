"""Raw rows -> typed calls, with a report of what was strange; calls -> call_targets.

The wire is not to be trusted. Whatever stands where a value is expected, the row stays and the fetch goes on: a value that cannot be read
becomes null, and every strangeness is counted by field and kind. A record without an id is set aside as it came.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar, cast

import polars as pl

from .errors import Unreadable
from .numbers import shown
from .schema import CALL_SCHEMA, CALL_TARGETS_SCHEMA, CALLS, LEGS, Column, Kind
from .values import DriftKind, example, read_id, read_text, read_value

__all__ = ["Drift", "DriftKind", "Frame", "PageReader", "SetAside", "call_targets", "in_order", "newest", "same_kind"]

_LIST_KINDS = {Kind.LINKS, Kind.LEGS}

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
"""Lazy in, lazy out."""


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


class PageReader:
    """Reads pages one after the other into typed frames, and keeps account of what was strange.

    Attributes:
        set_aside: records without an id, as they came.
    """

    def __init__(self) -> None:
        self.set_aside: list[SetAside] = []
        self._ids: set[object] = set()
        self._drift: dict[tuple[str, str], tuple[int, str]] = {}
        self._pages = 0

    @property
    def distinct(self) -> int:
        """How many different calls, and records without an id, have come so far."""
        return len(self._ids) + len(self.set_aside)

    @property
    def drift(self) -> tuple[Drift, ...]:
        """What was strange so far, by field and kind; empty when the wire was clean."""
        return tuple(Drift(shown(field), kind, count, example) for (field, kind), (count, example) in sorted(self._drift.items()))

    def read(self, body: bytes) -> pl.DataFrame:
        """One page's calls, with the columns and dtypes of `CALL_SCHEMA`, in the page's order; `Unreadable` if it is no JSON."""
        try:
            records = cast("list[object]", self._document(body).get("call_logs") or [])
        except (ValueError, AttributeError):
            raise Unreadable("the body is not the JSON of a page") from None
        page, self._pages = self._pages, self._pages + 1
        rows = []
        for position, record in enumerate(records):
            row = self._fields(CALLS, record, "") if isinstance(record, dict) and _has_id(record) else None
            if row is None:
                self.set_aside.append(SetAside(page, position, record))
            else:
                rows.append(row)
                self._ids.add(row["id"])
        return pl.DataFrame({name: [row[name] for row in rows] for name in CALL_SCHEMA}, schema=CALL_SCHEMA)

    def _document(self, body: bytes) -> dict[str, object]:
        try:
            document = json.loads(body)
        except UnicodeDecodeError:
            self._note("call_logs", DriftKind.BROKEN_TEXT, [])
            document = json.loads(body.decode(errors="replace"))
        return cast("dict[str, object]", document)

    def _note(self, field: str, kind: DriftKind, value: object) -> None:
        count, first = self._drift.get((field, kind), (0, ""))
        self._drift[field, kind] = (count + 1, first or example(field, kind, value))

    def _fields(self, columns: Sequence[Column], record: Mapping[str, object], prefix: str) -> dict[str, object]:
        row: dict[str, object] = {}
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

    def _legs(self, field: str, value: object) -> list[dict[str, object]]:
        if not isinstance(value, list):
            self._note(field, DriftKind.WRONG_TYPE, value)
            value = [value] if isinstance(value, dict) else []
        legs = []
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
            text, strange = read_text(link, CALLS[0]) if isinstance(link, str) else (None, DriftKind.WRONG_TYPE)
            if strange:
                self._note(field, strange, link)
            if text:
                links.append(text)
        return links


def _has_id(record: Mapping[str, object]) -> bool:
    return isinstance(record.get("id"), str | int) and read_id(record["id"], CALLS[0])[0] is not None


def same_kind(given: Frame, result: pl.LazyFrame) -> Frame:
    """`result`, collected if what was given is a DataFrame."""
    return result.collect() if isinstance(given, pl.DataFrame) else result


def call_targets(calls: Frame) -> Frame:
    """One row a leg of these calls: `call_id`, `target_index` (its place in the call, from 0), then the leg's columns.

    Calls without legs have no row. LazyFrame in, LazyFrame out.
    """
    legs = pl.col("call_targets")
    exploded = (
        calls.lazy()
        .select(call_id=pl.col("id"), target_index=pl.int_ranges(legs.list.len(), dtype=pl.Int32), leg=legs)
        .explode("target_index", "leg", empty_as_null=False, keep_nulls=False)
    )
    return same_kind(calls, exploded.unnest("leg").select(*CALL_TARGETS_SCHEMA))


def newest(calls: pl.DataFrame) -> pl.DataFrame:
    """One row an id: the newest `updated_at`, at a tie or without one the row that stands last."""
    age = "row that stands last"
    by_age = calls.with_row_index(age).sort("updated_at", age, descending=True, nulls_last=True)
    return by_age.unique("id", keep="first", maintain_order=True).sort(age).drop(age)


def in_order(calls: pl.DataFrame) -> pl.DataFrame:
    """The calls newest first, then by id; those whose start is not known come last."""
    return calls.sort("started_at", "id", descending=[True, False], nulls_last=True)
