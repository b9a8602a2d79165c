"""The calls behind what is shown: sorted, paged, and told as text, with outside numbers masked."""

from collections.abc import Mapping, Sequence

import polars as pl

from ... import local_time
from ...metrics import MetricOptions, Selection
from ...phone_numbers import mask
from ...privacy import mask_numbers
from .row_table import Column

__all__ = ["PAGE_ROWS", "CallRows"]

PAGE_ROWS = 12
_COLUMNS = (
    Column("started_at", "started"),
    Column("direction", "direction"),
    Column("call_state", "state"),
    Column("caller", "caller"),
    Column("callee", "callee"),
    Column("wait_s", "wait, s", number=True),
    Column("duration", "talk, s", number=True),
    Column("extension_id", "extension"),
    Column("user", "user"),
    Column("hotline", "hotline"),
    Column("department_id", "department"),
    Column("legs", "legs", number=True),
    Column("note", "note"),
)
_FREE = ("note", "user")
"""Free text may hold a number too."""
_LONGEST = 120


class CallRows:
    """Some calls in an order, with outside numbers masked but for those to `keep`; None masks none.

    Attributes:
        columns: what is told of each; those of names only where the calls carry them.
        sort: the column that they are sorted by, and whether descending.
        page: which page is looked at, from 0.
    """

    def __init__(
        self,
        selection: Selection,
        *,
        options: MetricOptions,
        names: Mapping[str, str],
        keep: Sequence[str] | None,
    ) -> None:
        carried = [*selection.lazy().collect_schema().names(), "wait_s", "legs"]
        self.columns = [column for column in _COLUMNS if column.name in carried]
        self.sort, self.page = ("started_at", True), 0
        self._options, self._names, self._keep = options, names, keep
        self.choose(selection)

    def choose(self, selection: Selection) -> None:
        """Other calls, from the first page on, in the same order."""
        self._selection, self.page = selection, 0
        self._order: pl.Series | None = None

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self._selection.height // PAGE_ROWS)

    def sort_by(self, column: str) -> None:
        """Sort by this column; turned round if it is sorted by it already."""
        if column not in [each.name for each in self.columns]:
            return
        numbers = column in ("started_at", *(each.name for each in self.columns if each.number))
        self.sort = (column, not self.sort[1] if self.sort[0] == column else numbers)
        self._order, self.page = None, 0

    def turn(self, page: int) -> None:
        """Look at this page, or at the nearest that there is."""
        self.page = max(0, min(page, self.pages - 1))

    @property
    def order(self) -> pl.Series:
        """The rows of the table of all calls, in this order; nulls last, and equal ones as they stand in the table."""
        if self._order is None:
            places, (column, descending) = self._selection.row_indices, self.sort
            keys = self._values(column).gather(places)
            standing = keys.is_sorted(descending=descending, nulls_last=True)
            by = pl.arg_sort_by(
                keys.name, descending=descending, nulls_last=True, maintain_order=True
            )
            self._order = (
                places if standing else places.gather(keys.to_frame().select(by).to_series())
            )
        return self._order

    def frame(self) -> pl.DataFrame:
        """All of the calls, in this order, with all their columns as they are."""
        return self._selection.take(self.order)

    def row(self, place: int) -> pl.DataFrame:
        """The call at this place of the page; no row if there is none."""
        return (
            self._selection.take(self._places().slice(place, 1))
            if place >= 0
            else self._selection.take(self.order.clear())
        )

    def texts(self) -> list[list[str]]:
        """The page, as it is read."""
        calls = self._selection.take(self._places())
        calls = calls if self._keep is None else mask_numbers(calls, keep=self._keep)
        zone = local_time.zone(self._options.time_zone).key
        more = {name: self._values(name).gather(self._places()) for name in ("wait_s", "legs")}
        told = calls.with_columns(
            pl.col("started_at").dt.convert_time_zone(zone).dt.strftime("%Y-%m-%d %H:%M:%S"),
            extension_id=pl.col("extension_id").replace(dict(self._names)),
            wait_s=more["wait_s"].round(1),
            legs=more["legs"],
        )
        free = [column.name in _FREE and self._keep is not None for column in self.columns]
        rows = told.select(column.name for column in self.columns).rows()
        return [
            [_text(value, masked=hide) for value, hide in zip(row, free, strict=True)]
            for row in rows
        ]

    def _places(self) -> pl.Series:
        return self.order.slice(self.page * PAGE_ROWS, PAGE_ROWS)

    def _values(self, column: str) -> pl.Series:
        if column == "legs":
            return self._selection.values("call_targets", self._options).list.len()
        return self._selection.values(column, self._options)


def _text(value: object, *, masked: bool) -> str:
    """The value on one line, and not too long of it."""
    text = "" if value is None else " ".join(str(value).split())
    text = mask(text) if masked else text
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
