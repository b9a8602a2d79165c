"""PageReader: the bytes of pages to typed calls, with a count of every irregularity.

Responses are not trusted. A value that cannot be parsed becomes null, and each irregularity is
counted by field and kind; the row stays and the fetch continues. A record without an id is set
aside unchanged.
"""

from collections.abc import Sequence
from itertools import groupby

import polars as pl

from ..schema import CALL_SCHEMA
from .bulk import read_regular
from .records import Drift, RecordReader, SetAside, merge_drift, rows_to_frame

__all__ = ["PageReader"]

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

    def skip_page(self) -> None:
        """Count a page that is not read, so that later pages keep their numbers."""
        self._pages += 1

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
