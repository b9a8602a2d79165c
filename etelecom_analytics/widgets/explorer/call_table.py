"""The table of the selected calls: its order, its pages, and the widget that shows a page."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import anywidget
import polars as pl
import traitlets

from ... import local_time
from ...language import date_text, keep_language, mark, number, tr
from ...locale.display import Display
from ...locale.terms import value_names
from ...metrics import Selection
from ...phone_numbers import mask

__all__ = ["PAGE_ROWS", "CallPages", "CallTable", "Column"]

PAGE_ROWS = 12


class Column(NamedTuple):
    """A column of the table: its name, its title in English, and whether it has numbers."""

    name: str
    title: str
    number: bool = False


_COLUMNS = (
    Column("started_at", mark("started", context="column")),
    Column("direction", mark("direction", context="column")),
    Column("call_state", mark("state", context="column")),
    Column("caller", mark("caller", context="column")),
    Column("callee", mark("callee", context="column")),
    Column("wait_s", mark("wait, s", context="column"), number=True),
    Column("duration", mark("talk, s", context="column"), number=True),
    Column("extension_id", mark("extension", context="column")),
    Column("user", mark("user", context="column")),
    Column("hotline", mark("hotline", context="column")),
    Column("department_id", mark("department", context="column")),
    Column("legs", mark("legs", context="column"), number=True),
    Column("note", mark("note", context="column")),
)
_COMPUTED = ("wait_s", "legs")
_STATES = (
    mark("running", context="state"),
    mark("unknown", context="state"),
    mark("answered", context="state"),
    mark("missed", context="state"),
)
_FREE_TEXT = ("note", "user")
"""These may contain phone numbers."""
_MAX_LENGTH = 120


class CallPages:
    """Selected calls in an order, page by page.

    Attributes:
        columns: the columns that these calls have.
        sort: the column that orders the calls, and whether descending.
        page: the current page, from 0.
    """

    def __init__(self, selection: Selection, display: Display) -> None:
        names = [*selection.lazy().collect_schema().names(), *_COMPUTED]
        self.columns = [column for column in _COLUMNS if column.name in names]
        self.sort, self.page = ("started_at", True), 0
        self._display = display
        self.select(selection)

    def select(self, selection: Selection) -> None:
        """Show other calls in the same order, from the first page."""
        self._selection, self.page = selection, 0
        self._order: pl.Series | None = None

    @property
    def page_count(self) -> int:
        """The number of pages."""
        return -(-self._selection.height // PAGE_ROWS)

    def sort_by(self, name: str) -> None:
        """Sort by this column; in reverse if the table is sorted by it already."""
        if name not in [column.name for column in self.columns]:
            return
        descending_first = ("started_at", *(each.name for each in self.columns if each.number))
        reverse = not self.sort[1] if self.sort[0] == name else name in descending_first
        self.sort, self.page = (name, reverse), 0
        self._order = None

    def go_to(self, page: int) -> None:
        """Make this page the current one, or the nearest that exists."""
        self.page = max(0, min(page, self.page_count - 1))

    @property
    def order(self) -> pl.Series:
        """Row numbers in the table of all calls, sorted; nulls last, ties in the table's order."""
        if self._order is None:
            rows, (column, descending) = self._selection.row_indices, self.sort
            keys = self._values(column).gather(rows)
            if not keys.is_sorted(descending=descending, nulls_last=True):
                positions = pl.arg_sort_by(
                    keys.name, descending=descending, nulls_last=True, maintain_order=True
                )
                rows = rows.gather(keys.to_frame().select(positions).to_series())
            self._order = rows
        return self._order

    def frame(self) -> pl.DataFrame:
        """All selected calls in this order, with all columns, not masked."""
        return self._selection.take(self.order)

    def row(self, index: int) -> pl.DataFrame:
        """The call in this row of the page, not masked; empty if there is none."""
        rows = self._page_rows().slice(index, 1) if index >= 0 else self.order.clear()
        return self._selection.take(rows)

    def texts(self) -> list[list[str]]:
        """The texts of the current page, masked."""
        rows, display = self._page_rows(), self._display
        calls = display.masked(self._selection.take(rows))
        zone = local_time.zone(display.options.time_zone).key
        table = calls.with_columns(
            pl.col("started_at").dt.convert_time_zone(zone),
            extension_id=pl.col("extension_id").replace(
                dict(display.names.get("extension_id", {}))
            ),
            call_state=self._values("call_state").gather(rows),
            wait_s=self._values("wait_s").gather(rows).round(1),
            legs=self._values("legs").gather(rows),
        )
        names = [column.name for column in self.columns]
        masks = [name in _FREE_TEXT and not display.show_numbers for name in names]
        words = {"direction": value_names("direction")}
        words["call_state"] = {state: tr(state, context="state") for state in _STATES}
        return [
            [
                _cell_text(value, words.get(name, {}), masked=masked)
                for name, value, masked in zip(names, row, masks, strict=True)
            ]
            for row in table.select(names).rows()
        ]

    def _page_rows(self) -> pl.Series:
        return self.order.slice(self.page * PAGE_ROWS, PAGE_ROWS)

    def _values(self, column: str) -> pl.Series:
        options = self._display.options
        if column == "legs":
            return self._selection.values("call_targets", options).list.len()
        if column == "call_state":
            # As the measures count it: a call that only an IVR answered is missed.
            flags = pl.DataFrame([self._selection.values(name, options) for name in _STATES])
            state = pl.coalesce(pl.when(name).then(pl.lit(name)) for name in _STATES)
            return flags.select(call_state=state).to_series()
        return self._selection.values(column, options)


class CallTable(anywidget.AnyWidget):
    """A page of rows as text: headers sort, and buttons change the page or open a row."""

    # A path would start a file watcher, which keeps every instance alive.
    _esm = Path(__file__).with_name("call_table.js").read_text(encoding="utf-8")
    content = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        *,
        on_sort: Callable[[str], object],
        on_page: Callable[[int], object],
        on_open: Callable[[int], object],
    ) -> None:
        super().__init__(layout={"width": "auto", "overflow": "auto"})
        self._on_sort, self._on_page = keep_language(on_sort), keep_language(on_page)
        self._on_open = keep_language(on_open)
        self.on_msg(self._receive)

    def show(self, pages: CallPages, *, caption: str, open_row: int | None) -> None:
        """Show the current page; `open_row` is highlighted."""
        rows = pages.texts()
        self.content = {
            "columns": [_column_content(column) for column in pages.columns],
            "rows": rows,
            "journeys": [
                tr("Journey of call {n} on this page: {started}", n=number, started=row[0])
                for number, row in enumerate(rows, start=1)
            ],
            "texts": _control_texts(pages),
            "sort": pages.sort[0],
            "descending": pages.sort[1],
            "page": pages.page,
            "pages": pages.page_count,
            "caption": caption,
            "open_row": open_row,
        }

    def _receive(self, _: object, content: Mapping[str, Any], __: object) -> None:
        match content:
            case {"kind": "sort", "column": str(column)}:
                self._on_sort(column)
            case {"kind": "page", "page": int(page)}:
                self._on_page(page)
            case {"kind": "open", "row": int(row)}:
                self._on_open(row)


def _column_content(column: Column) -> dict[str, object]:
    title = tr(column.title, context="column")
    return {**column._asdict(), "title": title, "sort": tr("Sort by {column}", column=title)}


def _control_texts(pages: CallPages) -> dict[str, str]:
    """The labels of the controls of the table, and the page."""
    where = tr("page {n} of {total}", n=pages.page + 1, total=pages.page_count)
    return {
        "call": tr("call", context="column"),
        "journey": tr("Journey"),
        "pages": tr("Pages"),
        "where": where if pages.page_count else tr("no calls"),
        "first": tr("First", context="page"),
        "first_page": tr("First page"),
        "previous": tr("Previous", context="page"),
        "previous_page": tr("Previous page"),
        "next": tr("Next", context="page"),
        "next_page": tr("Next page"),
        "last": tr("Last", context="page"),
        "last_page": tr("Last page"),
    }


def _cell_text(value: object, words: Mapping[str, str], *, masked: bool) -> str:
    """The value on one line, shortened; words of the API are translated."""
    if isinstance(value, datetime):
        return f"{date_text(value)} {value:%H:%M:%S}"
    if isinstance(value, float):
        return number(value, ".1f")
    text = "" if value is None else " ".join(words.get(str(value), str(value)).split())
    text = mask(text) if masked else text
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
