"""Parsing of pages record by record, with a count of every unexpected value.

This module defines how pages are read. `bulk` is faster and must give the same result.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import polars as pl

from ..errors import Unreadable
from ..phone_numbers import printable
from ..schema import CALL_SCHEMA, CALLS, LEGS, Column, Kind
from .documents import MAX_DEPTH, load_document, page_problem, unknown_keys
from .values import DriftKind, example, read_id, read_text, read_value

__all__ = ["Drift", "RecordReader", "Row", "SetAside", "merge_drift", "rows_to_frame"]

_LIST_KINDS = {Kind.LINKS, Kind.LEGS}
_LEGS = next(column for column in CALLS if column.kind is Kind.LEGS)
_CALL_INDEX = "index of the call"
_ROWS = "call_logs"


class Drift(NamedTuple):
    """A difference between the received values and the schema.

    Attributes:
        field: the field, with a prefix for a field of a leg.
        kind: one of `DriftKind`.
        count: how often it occurred.
        example: a masked example.

    Examples:
        >>> row = {"id": "1", "duration": "12"}
        >>> with et.simulator.serve([row]) as server:
        ...     client = et.Client(server.base_url, server.api_key)
        ...     report = et.fetch_calls(client, progress=False).report
        >>> [str(drift.kind) for drift in report.drift if drift.field == "duration"]
        ['quoted number']
    """

    field: str
    kind: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which is not needed here
    example: str


class SetAside(NamedTuple):
    """A record that is not a row, because it has no id or is not an object.

    Attributes:
        page, position: the place of the record, both counted from 0.
        record: the raw record; as JSON text if it is nested more than 64 levels deep.

    Examples:
        >>> with et.simulator.serve([{"id": "1"}, {"note": "no id"}]) as server:
        ...     client = et.Client(server.base_url, server.api_key)
        ...     report = et.fetch_calls(client, progress=False).report
        >>> len(report.set_aside), report.set_aside[0].record["note"]
        (1, 'no id')
    """

    page: int
    position: int
    record: object


Row = dict[str, object]
"""A call or a leg, by column."""


class RecordReader:
    """Reads pages record by record and counts unexpected values.

    Attributes:
        set_aside: records without an id.
    """

    def __init__(self) -> None:
        self.set_aside: list[SetAside] = []
        self._drift: dict[tuple[str, str], tuple[int, str]] = {}

    @property
    def drift(self) -> tuple[Drift, ...]:
        """The drift so far, by field and kind; empty if all values match the schema."""
        return merge_drift(
            Drift(printable(field), kind, count, text)
            for (field, kind), (count, text) in self._drift.items()
        )

    def read(self, body: bytes, page: int) -> list[Row]:
        """The calls of the page with this number, in the order of the page.

        Raises:
            Unreadable: the body is not the JSON of a page.
        """
        rows: list[Row] = []
        for position, record in enumerate(self._records(body)):
            if isinstance(record, dict) and _has_id(record):
                rows.append(self._fields(CALLS, record, ""))
            else:
                self.set_aside.append(SetAside(page, position, _storable(record)))
        return rows

    def _records(self, body: bytes) -> list[object]:
        try:
            document, is_valid_json, is_valid_text = load_document(body)
        except ValueError:
            raise Unreadable("the body is not the JSON of a page") from None
        if problem := page_problem(document, _ROWS):
            raise Unreadable(problem)
        if not is_valid_text:
            self._count(_ROWS, DriftKind.BROKEN_TEXT, [])
        if not is_valid_json:
            self._count(_ROWS, DriftKind.INVALID_JSON, [])
        for name in unknown_keys(document, _ROWS):
            self._count(f"page.{name}", DriftKind.NEW_FIELD, document[name])
        return document[_ROWS] or []

    def _count(self, field: str, kind: DriftKind, value: object) -> None:
        text = example(field, kind, value)
        count, smallest = self._drift.get((field, kind), (0, text))
        # The smallest example does not depend on the order of pages.
        self._drift[field, kind] = count + 1, min(smallest, text)

    def _fields(self, columns: Sequence[Column], record: Mapping[str, object], prefix: str) -> Row:
        row: Row = {}
        for column in columns:
            field, name = prefix + column.name, column.name
            value = record.get(name)
            if value is None:
                if column.kind not in _LIST_KINDS:
                    kind = DriftKind.NULL if name in record else DriftKind.MISSING
                    self._count(field, kind, None)
                row[name] = [] if column.kind in _LIST_KINDS else None
            elif column.kind is Kind.LEGS:
                row[name] = self._legs(field, value)
            elif column.kind is Kind.LINKS:
                row[name] = self._links(field, value)
            else:
                row[name], drift = read_value(value, column)
                if drift:
                    self._count(field, drift, value)
        names = {column.name for column in columns}
        for name in record.keys() - names:
            self._count(prefix + name, DriftKind.NEW_FIELD, record[name])
        return row

    def _legs(self, field: str, value: object) -> list[Row]:
        if not isinstance(value, list):
            self._count(field, DriftKind.WRONG_TYPE, value)
            value = [value] if isinstance(value, dict) else []
        legs: list[Row] = []
        for leg in value:
            if isinstance(leg, dict):
                legs.append(self._fields(LEGS, leg, f"{field}."))
            else:
                self._count(field, DriftKind.WRONG_TYPE, leg)
                legs.append(dict.fromkeys((column.name for column in LEGS), None))
        return legs

    def _links(self, field: str, value: object) -> list[object]:
        if not isinstance(value, list):
            self._count(field, DriftKind.WRONG_TYPE, value)
            value = [value]
        links: list[object] = []
        for link in value:
            text, drift = (
                read_text(link, CALLS[0]) if isinstance(link, str) else (None, DriftKind.WRONG_TYPE)
            )
            if drift:
                self._count(field, drift, link)
            if text:
                links.append(text)
        return links


def rows_to_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """A table of the rows, with the schema `CALL_SCHEMA`."""
    # All legs are converted at once and then grouped by call. Converting them call by call would
    # need three times the memory.
    legs = [
        (index, leg) for index, row in enumerate(rows) for leg in cast("list[Row]", row[_LEGS.name])
    ]
    leg_table = pl.DataFrame(
        [
            pl.Series(column.name, [leg[column.name] for _, leg in legs], dtype=column.dtype)
            for column in LEGS
        ]
    )
    legs_by_call = (
        leg_table.select(pl.struct(pl.all()).alias(_LEGS.name))
        .with_columns(pl.Series(_CALL_INDEX, [index for index, _ in legs], dtype=pl.Int64))
        .group_by(_CALL_INDEX, maintain_order=True)
        .agg(_LEGS.name)
    )
    calls = pl.DataFrame(
        [
            pl.Series(column.name, [row[column.name] for row in rows], dtype=column.dtype)
            for column in CALLS
            if column is not _LEGS
        ]
    )
    joined = calls.with_columns(pl.int_range(pl.len()).alias(_CALL_INDEX)).join(
        legs_by_call, on=_CALL_INDEX, how="left", maintain_order="left"
    )
    return joined.with_columns(pl.col(_LEGS.name).fill_null([])).select(*CALL_SCHEMA)


def merge_drift(*drifts: Iterable[Drift]) -> tuple[Drift, ...]:
    """One entry per field and kind, with the sum of the counts and the smallest example."""
    merged: dict[tuple[str, str], tuple[int, str]] = {}
    for field, kind, count, text in (entry for drift in drifts for entry in drift):
        total, smallest = merged.get((field, kind), (0, text))
        merged[field, kind] = (total + count, min(smallest, text))
    return tuple(
        Drift(field, kind, count, text) for (field, kind), (count, text) in sorted(merged.items())
    )


def _storable(record: object) -> object:
    """The record, or its JSON text if it is too deep to be copied and written to a file."""
    level = [record]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for value in level
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return record
    try:
        return json.dumps(record)
    except RecursionError:
        return "a record with very deep nesting"


def _has_id(record: Mapping[str, object]) -> bool:
    return (
        isinstance(record.get("id"), str | int) and read_id(record["id"], CALLS[0])[0] is not None
    )
