"""The file of a workbook: its sheets, native charts and properties."""

import io
import re
from datetime import datetime
from typing import Any

from ..language import mark, tr
from .cells import Formats, SheetColumn, date_format, write_table
from .content import WorkbookContent, xlsxwriter
from .summary import SummaryValues, summary_values, write_summary
from .tables import (
    agent_table,
    call_table,
    callback_table,
    columns_of_table,
    day_table,
    hour_table,
    queue_table,
)

__all__ = ["workbook_bytes"]

_CREATED = datetime(2000, 1, 1)
"""The date of creation in each file: that of the clock would change the bytes."""
_STREAMED = 100_000
"""From so many calls on, rows go to a temporary file: cells in memory would need gigabytes.

Texts of such a file are within their cells, which some previews on phones do not show.
"""
_SHEET = "sheet"
"""The context of the names of sheets, which have at most 31 characters."""
_SUMMARY = mark("Summary", context="sheet")
_BY_DAY = mark("By day", context="sheet")
_BY_HOUR = mark("By hour", context="sheet")
_AGENTS = mark("Agents", context="sheet")
_QUEUES = mark("Queues", context="sheet")
_TO_CALL_BACK = mark("To call back", context="sheet")
_CALLS = mark("Calls", context="sheet")
_ANSWERED, _MISSED = "#4C78A8", "#E45756"
_MAX_AGENTS = 40
"""The people that a chart shows: more bars have no room for their labels."""


def workbook_bytes(content: WorkbookContent) -> bytes:
    """The .xlsx file; call `check_workbook` before.

    Args:
        content: the calls, and how they are shown.
    """
    target = io.BytesIO()
    is_large = content.calls.height >= _STREAMED
    book = xlsxwriter().Workbook(
        target,
        {
            "in_memory": not is_large,
            "constant_memory": is_large,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": content.title, "created": _CREATED})
    formats = Formats(book)
    values = summary_values(content)
    calls = call_table(content, values.facts)
    columns = columns_of_table(calls)
    tables = {
        _BY_DAY: day_table(content),
        _BY_HOUR: hour_table(content),
        _AGENTS: agent_table(content),
        _QUEUES: queue_table(content),
        _TO_CALL_BACK: callback_table(content),
        _CALLS: calls,
    }
    summary = book.add_worksheet(_sheet_name(_SUMMARY))
    sheets = {name: book.add_worksheet(_sheet_name(name)) for name in tables}
    for name, table in tables.items():
        write_table(
            sheets[name],
            table,
            columns_of_table(table),
            formats,
            time_zone=content.display.options.time_zone,
        )
    days = tables[_BY_DAY]
    day_chart = _answered_and_missed(book, _BY_DAY, days.height)
    for name in (_BY_DAY, _BY_HOUR):
        chart = _answered_and_missed(book, name, tables[name].height)
        text = tr("Answered and missed calls, {sheet}", sheet=_sheet_name(name))
        _insert(sheets[name], tables[name].width, chart, text)
    agents = tables[_AGENTS]
    _insert(
        sheets[_AGENTS],
        agents.width,
        _agent_chart(book, columns_of_table(agents), agents.height),
        tr("Offers and answered offers of each person"),
    )
    write_summary(
        summary,
        content,
        values,
        _ranges(values, columns, calls.height),
        formats,
        chart=day_chart,
    )
    summary.activate()
    book.close()
    return target.getvalue()


def _sheet_name(name: str) -> str:
    """The name in the current language, without the characters that Excel refuses."""
    return re.sub(r"[\[\]:*?/\\]", "", tr(name, context=_SHEET))


def _ranges(values: SummaryValues, columns: list[SheetColumn], height: int) -> dict[str, str]:
    """The cells of each fact in the sheet of calls; one empty row if there are no calls."""
    to_name = xlsxwriter().utility.xl_col_to_name
    names = [column.name for column in columns]
    last = max(height, 1) + 1
    letters = {fact: to_name(names.index(f"fact_{fact}")) for fact in values.facts}
    sheet = xlsxwriter().utility.quote_sheetname(_sheet_name(_CALLS))
    return {fact: f"{sheet}!${each}$2:${each}${last}" for fact, each in letters.items()}


def _insert(sheet: Any, width: int, chart: Any | None, description: str) -> None:
    """Insert a chart to the right of the table."""
    if chart is not None:
        sheet.insert_chart(1, width + 1, chart, {"description": description})


def _answered_and_missed(book: Any, sheet: str, height: int) -> Any | None:
    """Answered and missed calls per group as stacked columns; None without groups."""
    if not height:
        return None
    name = _sheet_name(sheet)
    chart = book.add_chart({"type": "column", "subtype": "stacked"})
    for index, colour in ((2, _ANSWERED), (3, _MISSED)):
        chart.add_series(
            {
                "name": [name, 0, index],
                "categories": [name, 1, 0, height, 0],
                "values": [name, 1, index, height, index],
                "fill": {"color": colour},
                "gap": 40,
            }
        )
    if sheet == _BY_DAY:
        axis = {"name": tr("Day"), "text_axis": True, "num_format": date_format()}
        title = tr("Answered and missed calls by day")
    else:
        axis = {"name": tr("Hour of the day")}
        title = tr("Answered and missed calls by hour")
    _finish(chart, title, axis, tr("Calls"))
    return chart


def _agent_chart(book: Any, columns: list[SheetColumn], height: int) -> Any | None:
    """Offers and answered offers of each person as columns; None without people."""
    if not height:
        return None
    names = [column.name for column in columns]
    last, sheet = min(height, _MAX_AGENTS), _sheet_name(_AGENTS)
    chart = book.add_chart({"type": "column"})
    for name, colour in (("offers", "#B8C4D0"), ("answered_offers", _ANSWERED)):
        index = names.index(name)
        chart.add_series(
            {
                "name": [sheet, 0, index],
                "categories": [sheet, 1, 0, last, 0],
                "values": [sheet, 1, index, last, index],
                "fill": {"color": colour},
                "gap": 60,
            }
        )
    title = tr("Offers and answered offers")
    if height > last:
        title = tr("{title}, the first {n} of {total}", title=title, n=last, total=height)
    _finish(chart, title, {"name": tr("Number")}, tr("Offers"))
    return chart


def _finish(chart: Any, title: str, axis: dict[str, Any], unit: str) -> None:
    chart.set_title({"name": title, "name_font": {"size": 12}})
    chart.set_x_axis(axis)
    chart.set_y_axis({"name": unit, "num_format": "#,##0", "major_gridlines": {"visible": True}})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 720, "height": 320})
