"""RowTable: a page of rows as text, with headers that sort, buttons that turn pages, and a button that opens a row."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anywidget
import traitlets

__all__ = ["Column", "RowTable"]


class Column(NamedTuple):
    """A column of the table: the name that is asked for, the title that is read, and whether it holds numbers."""

    name: str
    title: str
    number: bool = False


class RowTable(anywidget.AnyWidget):
    """What stands on one page; whatever it holds is shown as text."""

    _esm = (
        Path(__file__).with_name("row_table.js").read_text(encoding="utf-8")
    )  # a path would keep every instance alive, to watch it
    told = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        *,
        sort: Callable[[str], object],
        turn: Callable[[int], object],
        open_row: Callable[[int], object],
    ) -> None:
        super().__init__(layout={"width": "auto", "overflow": "auto"})
        self._sort, self._turn, self._open = sort, turn, open_row
        self.on_msg(self._heard)

    def show(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        *,
        sort: tuple[str, bool],
        page: tuple[int, int],
        caption: str,
        chosen: int | None,
    ) -> None:
        """Show these rows: sorted by a column, descending or not; the page, from 0, and how many there are; which row is open."""
        self.told = {
            "columns": [column._asdict() for column in columns],
            "rows": [list(row) for row in rows],
            "sort": sort[0],
            "descending": sort[1],
            "page": page[0],
            "pages": page[1],
            "caption": caption,
            "chosen": chosen,
        }

    def _heard(self, _: object, content: Mapping[str, Any], __: object) -> None:
        match content:
            case {"kind": "sort", "column": str(column)}:
                self._sort(column)
            case {"kind": "page", "page": int(page)}:
                self._turn(page)
            case {"kind": "open", "place": int(place)}:
                self._open(place)
