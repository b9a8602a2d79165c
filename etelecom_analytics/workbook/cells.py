"""Cells of a sheet: texts that are never formulas, local dates, and durations.

Excel stores a date as days since 1899-12-30, and a duration as a fraction of a day.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import polars as pl

from .. import local_time
from ..language import current_language, tr

__all__ = [
    "DAY_S",
    "Formats",
    "Kind",
    "SheetColumn",
    "cell_text",
    "date_format",
    "kind_of_unit",
    "set_page",
    "write_table",
]

Kind = Literal["text", "count", "number", "share", "duration", "long_duration", "moment", "day"]
"""What the values of a column are, which decides their format."""

DAY_S = 86_400
"""Seconds of a day."""

_NUMBER_FORMATS: dict[Kind, str] = {
    "text": "@",
    "count": "#,##0",
    "number": "#,##0.0",
    "share": "0.0%",
    "duration": "[m]:ss",
    "long_duration": "[h]:mm:ss",
    "moment": "{date} hh:mm:ss",
    "day": "{date}",
}
"""The formats by kind, without that of dates."""
_WIDTHS: dict[Kind, float] = {"text": 14, "moment": 19, "day": 12}
_WIDTH, _MAX_WIDTH, _PADDING = 11.0, 60.0, 4
_LINE_HEIGHT = 15.5
"""The height of a line in points."""
_ARROW = 3
"""The width in characters of the button of the autofilter, which hides what is below it."""
_SAMPLE_ROWS = 1_000
"""Rows whose texts decide the width of a column."""
_EPOCH = date(1899, 12, 30)
_FIRST_DAY = date(1900, 3, 1)
"""Excel's earlier dates are a day off, since its calendar has a 29 February 1900."""
_MAX_TEXT, _SURELY_SHORT = 32_767, 16_000
"""UTF-16 units that a cell can hold, and a number of characters that are never more."""


@dataclass(frozen=True, kw_only=True)
class SheetColumn:
    """A column of a sheet: the column of the table, its header, and what its values are."""

    name: str
    title: str
    kind: Kind


def date_format() -> str:
    """The format of dates in the current language."""
    return "yyyy-mm-dd" if current_language() == "en" else "dd/mm/yyyy"


class Formats:
    """The cell formats of one workbook, by kind."""

    def __init__(self, book: Any) -> None:
        header = {"bold": True, "text_wrap": True, "bottom": 1, "bg_color": "#E8EEF4"}
        self.header = book.add_format({**header, "valign": "bottom"})
        self.number_header = book.add_format({**header, "valign": "bottom", "align": "right"})
        self.title = book.add_format({"bold": True, "font_size": 16})
        self.bold = book.add_format({"bold": True, "valign": "top"})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        self.notice = book.add_format({"bold": True, "font_color": "#9C3D00"})
        date = date_format()
        number_formats = {
            kind: text.replace("{date}", date) for kind, text in _NUMBER_FORMATS.items()
        }
        self._by_kind = {
            kind: book.add_format(
                # Such a cell stays text after it is edited, too.
                {"num_format": text, "quote_prefix": True, "valign": "top", "indent": 1}
                if kind == "text"
                else {"num_format": text, "valign": "top", "align": "right"}
            )
            for kind, text in number_formats.items()
        }

    def of(self, kind: Kind) -> Any:
        """The format of values of this kind."""
        return self._by_kind[kind]


def kind_of_unit(unit: str, *, is_total: bool = False) -> Kind:
    """The kind of a measure's values, from its unit."""
    if unit == "s":
        return "long_duration" if is_total else "duration"
    return "share" if unit == "share" else "count"


def cell_text(text: str) -> str:
    """The text as a cell can hold it: without characters that XML lacks, and not too long."""
    text = text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    if len(text) > _SURELY_SHORT and len(text.encode("utf-16-le")) > 2 * _MAX_TEXT:
        return f"{text[:_SURELY_SHORT]}…"
    return text


def write_table(
    sheet: Any,
    table: pl.DataFrame,
    columns: Sequence[SheetColumn],
    formats: Formats,
    *,
    time_zone: str,
) -> None:
    """Write the table with a frozen header, an autofilter and fitting widths.

    A null is an empty cell. Times are those of `time_zone`.
    """
    cells = [_cells(table[column.name], column.kind, time_zone) for column in columns]
    widths = [_width(column, values) for column, values in zip(columns, cells, strict=True)]
    for index, width in enumerate(widths):
        sheet.set_column(index, index, width)
    lines = (
        len(textwrap.wrap(column.title, int(width) - _ARROW))
        for column, width in zip(columns, widths, strict=True)
    )
    sheet.set_row(0, _LINE_HEIGHT * max(lines, default=1))
    for index, column in enumerate(columns):
        is_text = column.kind == "text"
        sheet.write_string(
            0, index, column.title, formats.header if is_text else formats.number_header
        )
    text_format = formats.of("text")
    formats_of = [formats.of(column.kind) for column in columns]
    write_string, write_number = sheet.write_string, sheet.write_number
    for row, row_cells in enumerate(zip(*cells, strict=True), start=1):
        for index, value in enumerate(row_cells):
            if value is None:
                continue
            if isinstance(value, str):
                write_string(row, index, value, text_format)
            else:
                write_number(row, index, value, formats_of[index])
    if table.is_empty():
        write_string(1, 0, tr("none"), text_format)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(table.height, 1), len(columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    sheet.repeat_rows(0)
    set_page(sheet)


def set_page(sheet: Any) -> None:
    """Print the sheet on A4 in landscape, as wide as a page."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _cells(values: pl.Series, kind: Kind, time_zone: str) -> list[Any]:
    """The values as texts and numbers of Excel."""
    match kind:
        case "text":
            return [None if value is None else cell_text(str(value)) for value in values.to_list()]
        case "duration" | "long_duration":
            return (values.cast(pl.Float64) / DAY_S).to_list()
        case "moment":
            if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone:
                zone = local_time.zone(time_zone).key
                values = values.dt.convert_time_zone(zone).dt.replace_time_zone(None)
            return _serials(values)
        case "day":
            return _serials(values)
    return values.to_list()


def _serials(values: pl.Series) -> list[float | str | None]:
    """Days since 1899-12-30; dates that Excel does not have are texts."""
    local = values.cast(pl.Datetime("us"))
    days = (local - datetime(_EPOCH.year, _EPOCH.month, _EPOCH.day)).dt.total_microseconds()
    serials = (days / (DAY_S * 1_000_000)).to_list()
    texts = values.cast(pl.String)
    is_valid = local.dt.date().is_between(_FIRST_DAY, date(9999, 12, 31))
    if is_valid.all():
        return serials
    return [
        serial if serial is None or valid else text
        for serial, text, valid in zip(serials, texts, is_valid, strict=True)
    ]


def _width(column: SheetColumn, values: Sequence[Any]) -> float:
    """A width in characters: that of the longest word of the header or text."""
    longest = max((len(word) for word in column.title.split()), default=0) + _PADDING
    if column.kind == "text":
        texts = [len(value) for value in values[:_SAMPLE_ROWS] if isinstance(value, str)]
        longest = max(longest, max(texts, default=0) + 2)
    return min(max(_WIDTHS.get(column.kind, _WIDTH), longest), _MAX_WIDTH)
