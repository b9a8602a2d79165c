"""CallPages: the selected calls in an order, searched, and page by page."""

from typing import NamedTuple

import polars as pl

from ...locale.display import Display
from ...metrics import Selection
from .call_columns import MISSED, CallColumns, Column
from .call_search import CallSearch

__all__ = ["PAGE_ROWS", "CallPages", "PageRow"]

PAGE_ROWS = 12
_FIRST_ROWS = 20_000
_NO_VALUE = "–"
_MAX_LENGTH = 120
_MAX_SEARCH_LENGTH = 100


class PageRow(NamedTuple):
    """A row of the page.

    Attributes:
        texts: the texts of its cells, masked.
        titles: by the name of a column, the text in full where the cell has a shorter one.
        missed: whether the call was missed.
    """

    texts: list[str]
    titles: dict[str, str]
    missed: bool


class CallPages:
    """Selected calls in an order, page by page.

    Attributes:
        available: the columns that these calls have.
        sort: the column that orders the calls, and whether descending.
        page: the current page, from 0.
        search: the text that the calls of the pages contain; empty for all selected calls.
        searched: the texts that a search reads.
    """

    def __init__(self, selection: Selection, display: Display) -> None:
        self.sort, self.page, self.search = ("started_at", True), 0, ""
        self.use(selection, display)
        self._shown = set(self._columns.defaults)

    def use(self, calls: Selection, display: Display) -> None:
        """Show calls of another table with the same columns, in the same order and search."""
        self._columns = CallColumns(calls, display)
        self.searched, self._can_search = CallSearch(self._columns), False
        self.available = self._columns.columns
        self.select(calls)

    def select(self, selection: Selection) -> None:
        """Show other calls in the same order and with the same search, from the first page."""
        self._selection = selection
        self._reset()

    def _reset(self, *, order: bool = True) -> None:
        self.page = 0
        self._rows: pl.Series | None = None
        if order:
            self._order: pl.Series | None = None

    @property
    def columns(self) -> list[Column]:
        """The columns that are shown."""
        return [column for column in self.available if column.name in self._shown]

    def show_column(self, name: str, *, visible: bool) -> None:
        """Show or hide a column; the last one stays."""
        shown = self._shown | {name} if visible else self._shown - {name}
        shown &= {column.name for column in self.available}
        self._shown = shown or self._shown

    @property
    def show_numbers(self) -> bool:
        """Whether external phone numbers are shown in full."""
        return self._columns.show_numbers

    @property
    def total(self) -> int:
        """The number of selected calls."""
        return self._selection.height

    @property
    def page_count(self) -> int:
        """The number of pages."""
        return -(-self.row_count // PAGE_ROWS)

    @property
    def row_count(self) -> int:
        """The number of calls on all pages."""
        return self.rows.len() if self._is_searching else self.total

    def sort_by(self, name: str) -> None:
        """Sort by this column; in reverse if the table is sorted by it already."""
        if name not in [column.name for column in self.available]:
            return
        descending_first = ("started_at", *(each.name for each in self.available if each.number))
        reverse = not self.sort[1] if self.sort[0] == name else name in descending_first
        self.sort = (name, reverse)
        self._reset()

    def search_for(self, text: str) -> None:
        """Show the selected calls whose texts contain this one, from the first page."""
        self.search = " ".join(text[:_MAX_SEARCH_LENGTH].split())
        self._reset(order=False)

    def begin_search(self) -> None:
        """Search from now on, as the texts are prepared; before, the pages have all calls."""
        self._can_search = True
        self._reset(order=False)

    @property
    def is_preparing(self) -> bool:
        """Whether there is a text to search, but no search yet."""
        return bool(self.search) and not self._can_search

    @property
    def _is_searching(self) -> bool:
        return bool(self.search) and self._can_search

    def go_to(self, page: int) -> None:
        """Make this page the current one, or the nearest that exists."""
        self.page = max(0, min(page, self.page_count - 1))

    @property
    def order(self) -> pl.Series:
        """Row numbers in the table of all calls, sorted; nulls last, ties in the table's order."""
        if self._order is None:
            self._order = self._selection.among(self._columns.sorted_rows(*self.sort))
        return self._order

    @property
    def rows(self) -> pl.Series:
        """The row numbers of `order` that the search leaves."""
        if self._rows is None:
            order = self.order
            if self._is_searching:
                order = order.filter(self.searched.matches(self.search).gather(order))
            self._rows = order
        return self._rows

    def frame(self) -> pl.DataFrame:
        """All selected calls in this order, with all columns, not masked and not searched."""
        return self._selection.take(self.order)

    def call(self, position: int) -> pl.DataFrame:
        """The call at this position of `rows`, not masked."""
        return self._selection.take(self._rows_at(position, 1))

    def started_text(self, position: int) -> str:
        """When the call at this position of `rows` started."""
        return self._texts("started_at", self._rows_at(position, 1))[0]

    def _rows_at(self, position: int, length: int) -> pl.Series:
        """Up to so many of `rows` from this position on."""
        if self._rows is None and not self._is_searching:
            # The first pages need only the first of all calls.
            first = self._columns.sorted_rows(*self.sort).head(_FIRST_ROWS)
            selected = self._selection.among(first)
            if position + length <= selected.len():
                return selected.slice(position, length)
        return self.rows.slice(position, length)

    def page_rows(self) -> list[PageRow]:
        """The rows of the current page."""
        rows = self._rows_at(self.page * PAGE_ROWS, PAGE_ROWS)
        names = [column.name for column in self.columns]
        texts = [self._texts(name, rows) for name in names]
        titles = {name: self._titles(name, rows) for name in ("agent", "department_id")}
        states = self._columns.values("call_state").gather(rows)
        return [
            PageRow(
                texts=[column[index] for column in texts],
                titles={
                    name: titles[name][index]
                    for name, column in zip(names, texts, strict=True)
                    if name in titles and "…" in column[index]
                },
                missed=state == MISSED,
            )
            for index, state in enumerate(states)
        ]

    def _texts(self, name: str, rows: pl.Series) -> list[str]:
        texts = self._columns.texts(name, self._columns.values(name).gather(rows))
        return [_shortened(text) if text else _NO_VALUE for text in texts]

    def _titles(self, name: str, rows: pl.Series) -> list[str]:
        if name not in [column.name for column in self.columns]:
            return []
        values = self._columns.values(name).gather(rows)
        return [_shortened(self._columns.full_text(value)) for value in values]


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
