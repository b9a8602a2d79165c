"""The form that writes a report, a page or a workbook of the result."""

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import ipywidgets as ui

from ..codegen import literal
from ..errors import InputError, Stopped
from ..language import LANGUAGES, Language, current_language, mark, tr
from ..logs import CallLogs
from ..reports.arguments import checked_title
from ..reports.notebook import BUNDLED
from ..reports.report import make_report
from ..reports.request import read_request
from ..reports.summary_page import write_page
from ..reports.workbook import write_workbook
from ..site import Site
from ..snapshot import write_snapshot
from ..widgets.background_task import Stop
from .paths import PathField, new_file
from .task_form import Report, TaskForm, TaskResult, Work

__all__ = ["report_form"]

_PAGE, _WORKBOOK = "page", "workbook"
_KINDS = {
    "weekly": mark("Weekly report (HTML)"),
    "daily": mark("Daily report (HTML)"),
    "monthly": mark("Monthly report (HTML)"),
    "extensions": mark("Report of extensions (HTML)"),
    _PAGE: mark("One page with charts (HTML)"),
    _WORKBOOK: mark("Workbook (Excel)"),
}
_LANGUAGE_NAMES = {"en": "English", "vi": "Tiếng Việt"}
_WIDE = {"width": "320px", "margin": "2px"}
_STYLE = {"description_width": "initial"}


def report_form(
    logs: Callable[[], CallLogs],
    site: Callable[[], Site],
    *,
    on_change: Callable[[], object],
    lock: threading.RLock,
) -> TaskForm:
    """The form that writes a report of `logs()`, which raises an `InputError` if there are none."""
    kind = ui.Dropdown(
        options=[(tr(label), name) for name, label in _KINDS.items()],
        description=tr("Kind"),
        style=_STYLE,
        layout=_WIDE,
    )
    language = ui.Dropdown(
        options=[(_LANGUAGE_NAMES[name], name) for name in LANGUAGES],
        value=current_language() if current_language() in LANGUAGES else LANGUAGES[0],
        description=tr("Language"),
        style=_STYLE,
        layout=_WIDE,
    )
    title = ui.Text(
        description=tr("Title"),
        placeholder=tr("by default that of the report"),
        style=_STYLE,
        layout=_WIDE,
    )
    field = PathField(tr("Report file"), _file_name("weekly"))
    kind.observe(lambda change: field.propose(_file_name(change["new"])), "value")

    def prepare() -> Work:
        order = _Order(
            logs=logs(),
            kind=kind.value,
            path=_checked(new_file(field.path), kind.value),
            language=cast("Language", language.value),
            title=checked_title(title.value),
            site=site(),
        )
        return partial(_write, order)

    return TaskForm(
        tr(
            "All fetched calls, whatever the Explorer shows. External phone numbers are masked. "
            "The reports about a day, a week or a month take the last whole one."
        ),
        [kind, title, field, language],
        label=tr("Write report"),
        tooltip=tr("Write this file"),
        prepare=prepare,
        can_stop=True,
        on_change=on_change,
        lock=lock,
    )


@dataclass(frozen=True, kw_only=True)
class _Order:
    """What is written."""

    logs: CallLogs
    kind: str
    path: Path
    language: Language
    title: str
    site: Site


def _file_name(kind: str) -> str:
    return f"{kind}.xlsx" if kind == _WORKBOOK else f"{kind}.html"


def _checked(path: Path, kind: str) -> Path:
    suffix = Path(_file_name(kind)).suffix
    if path.suffix.lower() != suffix:
        raise InputError(tr("The name of this file ends in {suffix}.", suffix=suffix))
    return path


def _write(order: _Order, report: Report, stop: Stop) -> TaskResult:
    if order.kind in BUNDLED:
        _write_notebook(order, report, stop)
    elif order.kind == _PAGE:
        report(tr("drawing the charts"), None)
        site = replace(order.site, language=order.language)
        write_page(order.logs, order.path, site=site, title=order.title)
    else:
        report(tr("writing the sheets"), None)
        write_workbook(
            order.logs,
            order.path,
            site=order.site,
            language=order.language,
            title=order.title,
        )
    return TaskResult(tr("Written: {path}", path=str(order.path.resolve())), _code(order))


def _write_notebook(order: _Order, report: Report, stop: Stop) -> None:
    def on_cell(done: int, total: int) -> None:
        if stop():
            raise Stopped(tr("Stopped: no report was written."))
        report(tr("{done} of {total} cells were run", done=done, total=total), done / total)

    report(tr("checking the report"), None)
    with tempfile.TemporaryDirectory() as folder:
        snapshot = write_snapshot(order.logs, f"{folder}/calls")
        with read_request(
            snapshot,
            order.path,
            notebook=order.kind,
            parameters=None,
            png_folder=None,
            site=order.site,
            language=order.language,
            title=order.title,
        ) as request:
            make_report(request, progress=False, on_cell=on_cell)


def _code(order: _Order) -> str:
    path, language = literal(str(order.path)), f'language="{order.language}"'
    title = f", title={literal(order.title)}" if order.title else ""
    if order.kind == _WORKBOOK:
        return f"et.write_workbook(logs, {path}, {language}{title})\n"
    if order.kind == _PAGE:
        return f"et.write_page(logs, {path}{title})\n"
    return (
        "with tempfile.TemporaryDirectory() as folder:\n"
        '    snapshot = et.write_snapshot(logs, f"{folder}/calls")\n'
        f'    et.write_report(snapshot, {path}, notebook="{order.kind}", {language}{title})\n'
    )
