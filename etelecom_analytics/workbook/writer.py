"""The file of a workbook: its sheets, native charts and properties."""

import io
from datetime import datetime
from typing import Any

from .cells import Formats, SheetColumn, write_table
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
_CALLS, _SUMMARY = "Calls", "Summary"
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
        "By day": day_table(content),
        "By hour": hour_table(content),
        "Agents": agent_table(content),
        "Queues": queue_table(content),
        "To call back": callback_table(content),
        _CALLS: calls,
    }
    summary = book.add_worksheet(_SUMMARY)
    sheets = {name: book.add_worksheet(name) for name in tables}
    for name, table in tables.items():
        write_table(
            sheets[name],
            table,
            columns_of_table(table),
            formats,
            time_zone=content.display.options.time_zone,
        )
    days, hours = tables["By day"], tables["By hour"]
    day_chart = _answered_and_missed(book, "By day", days.height)
    for name, height in (("By day", days.height), ("By hour", hours.height)):
        chart = _answered_and_missed(book, name, height)
        _insert(sheets[name], tables[name].width, chart, f"Answered and missed calls, {name}")
    agents = tables["Agents"]
    _insert(
        sheets["Agents"],
        agents.width,
        _agent_chart(book, columns_of_table(agents), agents.height),
        "Offers and answered offers of each person",
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


def _ranges(values: SummaryValues, columns: list[SheetColumn], height: int) -> dict[str, str]:
    """The cells of each fact in the sheet of calls; one empty row if there are no calls."""
    to_name = xlsxwriter().utility.xl_col_to_name
    names = [column.name for column in columns]
    last = max(height, 1) + 1
    letters = {fact: to_name(names.index(f"fact_{fact}")) for fact in values.facts}
    return {fact: f"{_CALLS}!${each}$2:${each}${last}" for fact, each in letters.items()}


def _insert(sheet: Any, width: int, chart: Any | None, description: str) -> None:
    """Insert a chart to the right of the table."""
    if chart is not None:
        sheet.insert_chart(1, width + 1, chart, {"description": description})


def _answered_and_missed(book: Any, sheet: str, height: int) -> Any | None:
    """Answered and missed calls per group as stacked columns; None without groups."""
    if not height:
        return None
    chart = book.add_chart({"type": "column", "subtype": "stacked"})
    for index, colour in ((2, _ANSWERED), (3, _MISSED)):
        chart.add_series(
            {
                "name": [sheet, 0, index],
                "categories": [sheet, 1, 0, height, 0],
                "values": [sheet, 1, index, height, index],
                "fill": {"color": colour},
                "gap": 40,
            }
        )
    axis: dict[str, Any] = {"name": "Day" if sheet == "By day" else "Hour of the day"}
    if sheet == "By day":
        axis |= {"text_axis": True, "num_format": "yyyy-mm-dd"}
    _finish(chart, f"Answered and missed calls {sheet.lower()}", axis, "Calls")
    return chart


def _agent_chart(book: Any, columns: list[SheetColumn], height: int) -> Any | None:
    """Offers and answered offers of each person as columns; None without people."""
    if not height:
        return None
    names = [column.name for column in columns]
    last = min(height, _MAX_AGENTS)
    chart = book.add_chart({"type": "column"})
    for name, colour in (("offers", "#B8C4D0"), ("answered_offers", _ANSWERED)):
        index = names.index(name)
        chart.add_series(
            {
                "name": ["Agents", 0, index],
                "categories": ["Agents", 1, 0, last, 0],
                "values": ["Agents", 1, index, last, index],
                "fill": {"color": colour},
                "gap": 60,
            }
        )
    title = "Offers and answered offers"
    if height > last:
        title += f", the first {last} of {height}"
    _finish(chart, title, {"name": "Number"}, "Offers")
    return chart


def _finish(chart: Any, title: str, axis: dict[str, Any], unit: str) -> None:
    chart.set_title({"name": title, "name_font": {"size": 12}})
    chart.set_x_axis(axis)
    chart.set_y_axis({"name": unit, "num_format": "#,##0", "major_gridlines": {"visible": True}})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 720, "height": 320})
