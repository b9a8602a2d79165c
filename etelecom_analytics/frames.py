"""Typed frames: pages of the API to calls, and calls to call_targets.

Responses are not trusted. A value that cannot be parsed becomes null, and each irregularity is
counted by field and kind; the row stays and the fetch continues. A record without an id is set
aside unchanged.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import TypeVar

import polars as pl

from .parsing.bulk import read_regular
from .parsing.records import Drift, RecordReader, SetAside, merge_drift, rows_to_frame
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
    "merge_drift",
    "newest",
    "same_kind",
]

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
"""A function returns the kind of frame that it receives, eager or lazy."""

_BATCH_PAGES = 32
"""Pages per bulk read: smaller batches are slower, larger batches need more memory."""


class PageReader:
    """Reads pages into typed frames and counts irregularities.

    Regular pages are read in bulk, the others record by record, with the same result. A reader is
    not thread-safe.

    Attributes:
        set_aside: records without an id; pages are numbered in the order in which this reader read
            them.
        drift: irregularities by field and kind, with the smallest example; empty if there are none.
    """

    def __init__(self) -> None:
        self.set_aside: list[SetAside] = []
        self.drift: tuple[Drift, ...] = ()
        self._pages = 0

    def read(self, bodies: Sequence[bytes]) -> pl.DataFrame:
        """The calls of these pages in their order, with the schema `CALL_SCHEMA`.

        Raises:
            Unreadable: one of them is not the JSON of a page. No page is counted then.
        """
        records = RecordReader()
        parts: list[pl.DataFrame] = []
        for begin in range(0, len(bodies), _BATCH_PAGES):
            parts += self._read(bodies[begin : begin + _BATCH_PAGES], self._pages + begin, records)
        self._pages += len(bodies)
        self.set_aside += records.set_aside
        self.drift = merge_drift(self.drift, records.drift)
        return pl.concat(parts) if parts else pl.DataFrame(schema=CALL_SCHEMA)

    @staticmethod
    def _read(bodies: Sequence[bytes], page: int, records: RecordReader) -> list[pl.DataFrame]:
        calls, heights = read_regular(bodies)
        parts, begin = [], 0
        for irregular, indices in groupby(
            range(len(bodies)), key=lambda index: heights[index] is None
        ):
            if irregular:
                parts.append(
                    rows_to_frame(
                        [
                            row
                            for index in indices
                            for row in records.read(bodies[index], page + index)
                        ]
                    )
                )
            else:
                height = sum(heights[index] or 0 for index in indices)
                parts.append(calls.slice(begin, height))
                begin += height
        return parts


def same_kind(source: Frame, result: pl.LazyFrame) -> Frame:
    """`result`, collected if `source` is a DataFrame."""
    return result.collect() if isinstance(source, pl.DataFrame) else result


def call_targets(calls: Frame) -> Frame:
    """One row per leg: `call_id`, `target_index` (its position in the call, from 0), leg columns.

    Calls without legs have no row. The result of a LazyFrame is lazy.
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
    """One row per id: the newest `updated_at`; the last row if it is equal or null."""
    index = "row index"
    repeated = (
        calls.select("id", "updated_at").with_row_index(index).filter(pl.col("id").is_duplicated())
    )
    if repeated.is_empty():
        return calls
    latest = repeated.sort("updated_at", index, descending=True, nulls_last=True).unique(
        "id", keep="first", maintain_order=True
    )
    outdated = repeated.join(latest, on=index, how="anti")[index]
    return calls.with_row_index(index).filter(~pl.col(index).is_in(outdated.implode())).drop(index)


def in_order(calls: pl.DataFrame) -> pl.DataFrame:
    """The calls newest first, then by id; calls without a start are last."""
    newest_first = pl.arg_sort_by(
        "started_at", "id", descending=[True, False], nulls_last=True, maintain_order=True
    )
    order = calls.select(newest_first).to_series()
    # Gathering whole rows is expensive, so calls that are already sorted are returned as they are.
    return calls if order.is_sorted() else calls[order]
