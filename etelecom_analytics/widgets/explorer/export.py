"""Export of the Explorer: the selected calls as a file, and its state as Python code."""

import io
import os
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import ipywidgets as ui
import polars as pl
from polars import selectors

from ... import local_time, storage
from ...codegen import literal
from ...errors import InputError
from ...language import keep_language, tr
from ...locale.display import Display
from ...metrics import MetricOptions
from ...phone_numbers import describe
from ...query import CallQuery
from ...system_calls import is_stream
from ...workbook import check_workbook
from ..call_input import with_imports
from ..debouncer import Debouncer
from ..fields import STYLE
from ..panel import make_button
from ..panel_state import PanelState
from ..status import StatusLine, error_text
from .group_filters import filters_code
from .periods import period_query

__all__ = ["ExportForm", "explorer_code", "masked_code", "write_calls"]

_ENDINGS = (".parquet", ".csv", ".xlsx")
_INVISIBLE = r"""[[\s\p{Z}\p{C}\p{M}\x{115F}\x{1160}\x{3164}\x{FFA0}\x{2800}'"]&&[^\t\r\n]]*"""
_NUMBER_DIMENSIONS = ("caller", "callee", "target_number")
_ENTER_DELAY_S = 0.3
_MASKED = (
    "# External phone numbers are masked: replace them with the whole numbers before you run it."
)
_FORMULA = rf"(^|[,;\t\r\n])({_INVISIBLE}[=+\-@＝＋－＠|%])"
"""The start of a text that a spreadsheet may evaluate as a formula (OWASP, CSV Injection).

A spreadsheet may split the file at commas, semicolons or tabs, so each of them may start a cell.
"""


class ExportForm(ui.VBox):  # type: ignore[misc]
    """A file name, whether numbers are in full, and a button that writes the file; so does Enter.

    `write(path, show_numbers)` returns the path and the number of calls.

    Attributes:
        button: writes the file at once; where it exists, it writes a new one with a number.
        messages: what was written, or the error; outside of the form, whose popover may be closed.
    """

    def __init__(
        self, write: Callable[[str, bool], tuple[Path, int]], *, show_numbers: bool
    ) -> None:
        self._write = write
        self._name = ui.Text(
            value="calls.parquet",
            description=tr("File"),
            placeholder=tr("ends in .parquet, .csv or .xlsx"),
            style=STYLE,
        )
        self._show_numbers = ui.Checkbox(
            value=show_numbers,
            description=tr("Full numbers"),
            indent=False,
            layout={"width": "auto", "margin": "2px 12px 2px 2px"},
        )
        export = keep_language(self._export)
        write_file = make_button(
            tr("Write file"), tr("Write all pages of the table to this file"), export
        )
        self.button = make_button(
            tr("Export"),
            tr("Write all pages of the table to a new file; the arrow next to it has its name"),
            keep_language(lambda: self._export(new=True)),
        )
        # The page may send Enter before the last letters. `on_submit` is deprecated.
        self._entered = Debouncer(export, delay_s=_ENTER_DELAY_S)
        self._name.on_msg(self._receive)
        self._result, self._error_line = StatusLine(is_error=False), StatusLine()
        self.messages = ui.VBox([self._result, self._error_line], layout={"overflow": "visible"})
        row = ui.HBox([self._name, self._show_numbers, write_file], layout={"flex_flow": "wrap"})
        super().__init__([row], layout={"overflow": "visible"})

    def clear(self) -> None:
        """Remove the messages of the last export."""
        self._result.show("")
        self._error_line.show("")

    def _receive(self, _: object, content: Mapping[str, Any], __: object) -> None:
        if content.get("event") == "submit":
            self._entered.trigger()

    def _export(self, *, new: bool = False) -> None:
        self.clear()
        name = self._name.value.strip()
        try:
            path, count = self._write(_unused(name) if new else name, self._show_numbers.value)
        # Any error, such as that of a full disk, is shown next to the button.
        except Exception as error:  # noqa: BLE001
            self._error_line.show(error_text(error))
        else:
            self._result.show(tr("{n} calls written to {path}", n=count, path=path))


def _unused(name: str) -> str:
    """The name of a file that does not exist: this one, or else with a number."""
    path, number = Path(name).expanduser(), 1
    if path.suffix not in _ENDINGS:
        return name  # no file of ours
    candidate = path
    while os.path.exists(candidate):  # noqa: PTH110  False if the name is too long
        number += 1
        candidate = path.with_stem(f"{path.stem}-{number}")
    return str(candidate)


def write_calls(
    calls: pl.DataFrame, path: str | Path, display: Display, *, workbook: Callable[[], bytes]
) -> Path:
    """Write calls in their order as parquet, CSV or Excel, by the name's ending; returns the path.

    Links to recordings are withheld. External phone numbers are masked, in notes too, unless the
    display shows them. A CSV has the flat columns and local times, and a quotation mark before any
    text that a spreadsheet may evaluate as a formula. The Excel file is `workbook()`.

    Raises:
        InputError: the ending is another, the folder does not exist, or the file exists; or there
            are too many calls for Excel.
        ReportError: an Excel file needs XlsxWriter, which is not installed.
    """
    if not isinstance(path, str | Path):
        raise InputError(f'path is the name of a file, such as "calls.csv"; got {describe(path)}.')
    target = Path(path).expanduser()
    to_stream = is_stream(target)
    if target.suffix not in (*_ENDINGS, *([""] if to_stream else [])):
        raise InputError(
            tr(
                "The file name ends in .parquet, .csv or .xlsx; got {name}.",
                name=describe(target.name),
            )
        )
    if not target.parent.is_dir():
        raise InputError(
            tr(
                "The folder {folder} does not exist.",
                folder=describe(str(target.parent), max_length=160),
            )
        )
    if not to_stream and os.path.exists(target):  # noqa: PTH110  False if the name is too long
        name = describe(target.name)
        raise InputError(tr("{name} already exists: choose another name.", name=name))
    if target.suffix == ".xlsx":
        check_workbook(calls.height, instead='export them to a file such as "calls.parquet"')
    if target.suffix == ".xlsx":
        content = workbook()
    else:
        content = _table_bytes(display.anonymized(calls), target.suffix, display)
    try:
        storage.write_file(target, content)
    except OSError as error:
        raise InputError(
            tr(
                "{name} cannot be written: {reason}.",
                name=describe(target.name),
                reason=storage.reason(error),
            )
        ) from error
    return target


def _table_bytes(table: pl.DataFrame, suffix: str, display: Display) -> bytes:
    content = io.BytesIO()
    if suffix == ".parquet":
        table.write_parquet(content)
    else:
        _csv_cells(table, display.options.time_zone).write_csv(content, include_bom=True)
    return content.getvalue()


def _csv_cells(calls: pl.DataFrame, time_zone: str) -> pl.DataFrame:
    """The flat columns as safe texts."""
    cells = calls.select(~selectors.by_dtype(pl.List, pl.Struct)).with_columns(
        selectors.datetime()
        .dt.convert_time_zone(local_time.zone(time_zone).key)
        .dt.strftime("%Y-%m-%d %H:%M:%S%.3f%:z"),
        selectors.by_dtype(pl.Enum).cast(pl.String),
    )
    safe = selectors.string().str.replace_all(_FORMULA, "${1}'${2}")
    return cells.with_columns(safe.str.replace(r"^[\t\r\n]", "'${0}"))


def explorer_code(
    state: PanelState,
    options: MetricOptions,
    *,
    table: str,
    reading: str = "",
    context: PanelState,
    chart: Callable[[str, CallQuery | None, str], str],
) -> str:
    """Python code that filters `table` into `filtered`, and shows its KPIs and the chart.

    Args:
        state: the filters.
        options: the options of the measures.
        table: code of the table of all calls.
        reading: code that reads the logs first; "" for those that are read.
        context: the filters of the chart, which has all its groups.
        chart: returns the code of the chart; its arguments are the variable of its calls, the
            query with its dates, or None if its days have gaps, and the variable of that query.
    """
    begin = f"\n\net.charts.use_offline_renderer()\n{reading}"
    query = state.query.code().replace("\n\n", begin, 1)
    _, statement = options.code().split("\n\n", 1)  # the import is in the code of the query
    filtered = filters_code(state, f"{table}.filter(query.to_expr())")
    kpis = "display(et.summarize(filtered, options=options, confidence=True))"
    calls, name, others = "filtered", "query", ""
    if context != state:
        calls, others = "chart_calls", "# The chart shows all its groups.\n"
        if context.query != state.query:
            name = "chart_query"
            _, code = context.query.code().split("\n\n", 1)
            others += code.replace("query =", f"{name} =", 1)
        others += filters_code(context, f"{table}.filter({name}.to_expr())", name=calls)
    period = period_query(context)
    if period and period != context.query:
        name = "chart_period"
        _, code = period.code().split("\n\n", 1)
        others += code.replace("query =", f"{name} =", 1)
    drawn = chart(calls, period, name)
    return with_imports(f"{query}{statement}{filtered}{kpis}\n{others}{drawn}")


def masked_code(code: str, group_filters: Mapping[str, object], display: Display) -> str:
    """The code with the external phone numbers of group filters masked, and a comment on them.

    A click on a masked number filters by it: without this, the page would receive it in the code.
    The number of the query stays whole. The page has it already, in the field where it was typed,
    and the code would be of no use without it.

    Args:
        code: code of an Explorer with these filters.
        group_filters: as in its state.
        display: how numbers are shown.
    """
    before = code
    filters = [group_filters.get(name) for name in _NUMBER_DIMENSIONS]
    values = chain.from_iterable(each if isinstance(each, list) else [each] for each in filters)
    numbers = [number for number in values if number is not None]
    if not numbers:
        return code
    table = pl.DataFrame({"caller": numbers}, schema={"caller": pl.String})
    for number, shown in zip(numbers, display.masked(table)["caller"], strict=True):
        code = code.replace(literal(number), literal(shown)) if shown != number else code
    return code if code == before else f"{_MASKED}\n{code}"
