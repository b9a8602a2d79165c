"""Pages -> typed calls, with a report of what was strange; calls -> call_targets.

The wire is not to be trusted. Whatever stands where a value is expected, the row stays and the
fetch goes on: a value that cannot be read becomes null, and every strangeness is counted by field
and kind. A record without an id is set aside as it came.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import TypeVar

import polars as pl

from .parsing.bulk import read_clean
from .parsing.records import Drift, RecordReader, SetAside, frame_of, merged_drift
from .parsing.values import DriftKind
from .schema import CALL_SCHEMA, CALL_TARGETS_SCHEMA

__all__ = [
    "Drift",
    "DriftKind",
    "Frame",
    "PageReader",
    "SetAside",
    "call_targets",
    "in_order",
    "merged_drift",
    "newest",
    "same_kind",
]

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
"""Lazy in, lazy out."""


_AT_ONCE = 32
"""Pages that are read in bulk at once: with fewer, each costs more; with more, more of them are held beside their tables."""


class PageReader:
    """Reads pages into typed frames, and keeps account of what was strange.

    Clean pages are read in bulk, the others record by record; nobody can tell from the frame or the
    account which were which. A reader is used by one thread.

    Attributes:
        set_aside: records without an id, as they came; pages are counted in the order in which this
            reader read them.
        drift: what was strange so far, by field and kind, with the smallest example; empty when the
            wire was clean.
    """

    def __init__(self) -> None:
        self.set_aside: list[SetAside] = []
        self.drift: tuple[Drift, ...] = ()
        self._pages = 0

    def read(self, bodies: Sequence[bytes]) -> pl.DataFrame:
        """The calls of these pages, with the columns and dtypes of `CALL_SCHEMA`, in the order of the pages and of their rows.

        Raises:
            Unreadable: one of them is no JSON of a page; then none of them is read or counted.
        """
        careful = RecordReader()
        parts: list[pl.DataFrame] = []
        for begin in range(0, len(bodies), _AT_ONCE):
            parts += self._read(bodies[begin : begin + _AT_ONCE], self._pages + begin, careful)
        self._pages += len(bodies)
        self.set_aside += careful.set_aside
        self.drift = merged_drift(self.drift, careful.drift)
        return pl.concat(parts) if parts else pl.DataFrame(schema=CALL_SCHEMA)

    @staticmethod
    def _read(bodies: Sequence[bytes], page: int, careful: RecordReader) -> list[pl.DataFrame]:
        calls, heights = read_clean(bodies)
        parts, begin = [], 0
        for strange, places in groupby(
            range(len(bodies)), key=lambda place: heights[place] is None
        ):
            if strange:
                parts.append(
                    frame_of(
                        [
                            row
                            for place in places
                            for row in careful.read(bodies[place], page + place)
                        ]
                    )
                )
            else:
                height = sum(heights[place] or 0 for place in places)
                parts.append(calls.slice(begin, height))
                begin += height
        return parts


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
        .select(
            call_id=pl.col("id"),
            target_index=pl.int_ranges(legs.list.len(), dtype=pl.Int32),
            leg=legs,
        )
        .explode("target_index", "leg", empty_as_null=False, keep_nulls=False)
    )
    return same_kind(calls, exploded.unnest("leg").select(*CALL_TARGETS_SCHEMA))


def newest(calls: pl.DataFrame) -> pl.DataFrame:
    """One row an id: the newest `updated_at`, at a tie or without one the row that stands last."""
    age = "row that stands last"
    again = (
        calls.select("id", "updated_at").with_row_index(age).filter(pl.col("id").is_duplicated())
    )
    if again.is_empty():
        return calls
    kept = again.sort("updated_at", age, descending=True, nulls_last=True).unique(
        "id", keep="first", maintain_order=True
    )
    older = again.join(kept, on=age, how="anti")[age]
    return calls.with_row_index(age).filter(~pl.col(age).is_in(older.implode())).drop(age)


def in_order(calls: pl.DataFrame) -> pl.DataFrame:
    """The calls newest first, then by id; those whose start is not known come last."""
    newest_first = pl.arg_sort_by(
        "started_at", "id", descending=[True, False], nulls_last=True, maintain_order=True
    )
    places = calls.select(newest_first).to_series()
    return (
        calls if places.is_sorted() else calls[places]
    )  # moving whole rows costs more than all the rest
