"""CallTable: a page of calls as a table that can be sorted, searched and opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import anywidget
import traitlets

from ...language import keep_language, tr
from ...phone_numbers import mask
from ..menu import popover_script
from .call_pages import PAGE_ROWS, CallPages
from .call_search import is_number

__all__ = ["CallTable", "TableActions"]

_FOLDER = Path(__file__).parent


class TableActions(Protocol):
    """What the user does in the table."""

    def sort(self, column: str) -> None:
        """Sort by this column, or in reverse."""

    def go_to(self, page: int) -> None:
        """Show this page."""

    def search(self, text: str) -> None:
        """Show only calls with this text."""

    def prepare_search(self) -> None:
        """The search has the focus."""

    def show_column(self, name: str, *, visible: bool) -> None:
        """Show or hide a column."""

    def open_journey(self, row: int) -> None:
        """Open the journey of the call in this row of the page."""

    def resize(self) -> None:
        """The table has another width."""

    def step(self, by: int) -> None:
        """Open the journey of the next call (1) or the previous one (-1)."""

    def close_journey(self) -> None:
        """Close the journey."""


class CallTable(anywidget.AnyWidget):
    """A page of rows as text; the texts of controls are sent once, rows with each change.

    Attributes:
        width: of the table on the page, in pixels; 0 until the user first does something.
    """

    # A path would start a file watcher, which keeps every instance alive.
    _esm = popover_script(_FOLDER / "call_table.js")
    _css = (_FOLDER / "call_table.css").read_text(encoding="utf-8")
    texts = traitlets.Dict().tag(sync=True)
    content = traitlets.Dict().tag(sync=True)

    def __init__(self, pages: CallPages, actions: TableActions) -> None:
        super().__init__(
            texts=_control_texts(pages), layout={"width": "auto", "overflow": "visible"}
        )
        self._actions, self.width = actions, 0
        self.on_msg(keep_language(self._receive))

    def show(
        self,
        pages: CallPages,
        *,
        caption: str,
        open_position: int | None = None,
        focus_position: int | None = None,
    ) -> None:
        """Show the current page; positions count the calls of all pages.

        The row of `open_position` is highlighted; that of `focus_position` gets the focus.
        """
        rows, first = pages.page_rows(), pages.page * PAGE_ROWS
        positions = (open_position, focus_position)
        on_page = [
            None if position is None or not 0 <= position - first < len(rows) else position - first
            for position in positions
        ]
        self.content = {
            "shown": [column.name for column in pages.columns],
            "rows": [row.texts for row in rows],
            "titles": [row.titles for row in rows],
            "missed": [row.missed for row in rows],
            "sort": pages.sort[0],
            "descending": pages.sort[1],
            "page": pages.page,
            "pages": pages.page_count,
            "where": _page_text(pages),
            "caption": caption,
            "search": pages.search if pages.show_numbers else mask(pages.search),
            "found": _search_text(pages),
            "open_row": on_page[0],
            "focus_row": on_page[1],
        }

    def clear_search(self) -> None:
        """Empty the field of the search, which otherwise keeps what the user types."""
        self.send({"kind": "clear"})

    def _receive(self, _: object, content: Mapping[str, Any], __: object) -> None:
        actions = self._actions
        if isinstance(width := content.get("width"), int):
            self.width = width
        match content:
            case {"kind": "sort", "column": str(column)}:
                actions.sort(column)
            case {"kind": "page", "page": int(page)}:
                actions.go_to(page)
            case {"kind": "search", "text": str(text)}:
                actions.search(text)
                if text.strip() and content.get("open"):
                    actions.open_journey(0)
            case {"kind": "prepare"}:
                actions.prepare_search()
            case {"kind": "column", "column": str(column), "visible": bool(visible)}:
                actions.show_column(column, visible=visible)
            case {"kind": "open", "row": int(row)}:
                actions.open_journey(row)
            case {"kind": "resize"}:
                actions.resize()
            case {"kind": "step", "by": 1 | -1 as step}:
                actions.step(step)
            case {"kind": "close"}:
                actions.close_journey()


def _page_text(pages: CallPages) -> str:
    if not pages.page_count:
        return tr("no calls")
    return tr("page {n} of {total}", n=pages.page + 1, total=pages.page_count)


def _search_text(pages: CallPages) -> str:
    """How many calls match the search, and what it does not change; empty without a search.

    Until the search is prepared, that it is.
    """
    if not pages.search:
        return ""
    if pages.is_preparing:
        return tr("Preparing the search: this takes some seconds.")
    text = pages.search if pages.show_numbers else mask(pages.search)
    parts = [
        tr(
            "{n} of {total} calls match '{text}'.",
            n=pages.row_count,
            total=pages.total,
            text=text,
        ),
        tr(
            "The search changes only this table: filters, cards, charts and files keep all {total} "
            "calls.",
            total=pages.total,
        ),
    ]
    if is_number(pages.search) and not pages.show_numbers:
        parts.append(
            tr("Hidden digits match nothing: the filter Number finds the calls of a whole number.")
        )
    return " ".join(parts)


def _control_texts(pages: CallPages) -> dict[str, object]:
    """The columns, and the texts of controls."""
    titles = [(column, tr(column.title, context="column")) for column in pages.available]
    return {
        "columns": [
            {
                "name": column.name,
                "title": title,
                "number": column.number,
                "sort": tr("Sort by {column}", column=title),
            }
            for column, title in titles
        ],
        "choose": tr("Columns"),
        "search": tr("Search"),
        "search_hint": tr(
            "Search the calls of this table, such as a name or a part of a number; Enter opens the "
            "first"
        ),
        "hint": tr("Click a row for its journey"),
        "pages": tr("Pages"),
        "first": tr("First page"),
        "previous": tr("Previous page"),
        "next": tr("Next page"),
        "last": tr("Last page"),
    }
