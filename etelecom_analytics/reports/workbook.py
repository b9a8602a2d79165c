"""Excel workbooks of a fetch, and of the calls of a report."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from .. import storage
from ..errors import InputError, ReportError
from ..language import Language, checked_language, tr
from ..locale.display import Display
from ..locale.number_note import number_note
from ..locale.terms import value_names
from ..logs import CallLogs, checked_logs
from ..metrics import MetricOptions
from ..metrics.options import checked_options
from ..phone_numbers import describe, printable
from ..query import CallQuery, Direction
from ..site import Site, checked_site
from ..snapshot import fingerprint
from ..workbook import WorkbookContent, check_workbook, workbook_bytes
from .arguments import checked_path, checked_title
from .provenance import date_range_text, options_text, provenance_facts
from .redaction import Redactor
from .request import ReportRequest

__all__ = ["check_report_workbook", "write_report_workbook", "write_workbook"]

_INSTEAD = 'write all of them as parquet with et.write_snapshot(logs, "folder")'


def write_workbook(
    logs: CallLogs,
    path: str | Path,
    *,
    options: MetricOptions | None = None,
    site: Site | None = None,
    show_numbers: bool = False,
    language: Language | None = None,
    title: str | None = None,
) -> Path:
    """The path of a new Excel file of these calls, with the measures of the inbound ones.

    The sheets are Summary, By day, By hour, Agents, Queues, To call back and Calls. The measures on
    Summary are formulas over the sheet Calls, stored with their values. Ids, phone numbers and
    notes are text, whatever they begin with. Times are local to `options.time_zone`. External phone
    numbers are masked, in notes too, and links to recordings are left out. The same calls, query,
    options and versions give the same bytes; Summary states them, and the period in which the calls
    are complete. Needs the extra `excel`.

    Args:
        logs: the calls.
        path: the file, which ends in .xlsx.
        options: the options of the measures; by default those of the site file. The default of
            `as_of`, the time of "To call back", is the end of the query or of the fetch, whichever
            is earlier.
        site: the settings of your organisation, of which Summary shows the targets; by default the
            site file, as `Site.load` finds it.
        show_numbers: whether external phone numbers are in full.
        language: "en" or "vi", the language of sheets and texts; by default that of the site file.
        title: the title of Summary; by default it has the days. External phone numbers of the calls
            are masked in it, unless they are shown.

    Raises:
        UnknownName: texts are not in this language.
        InputError: `logs` are not CallLogs, there are more than 1,048,575 calls, or another
            argument is not valid.
        ReportError: XlsxWriter is not installed, or the file cannot be written.

    Examples:
        >>> import tempfile
        >>> options = et.MetricOptions(ivr_numbers=["8000"], queue_numbers=["8100"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = et.write_workbook(et.sample_logs(), f"{folder}/week.xlsx", options=options)
        ...     path.name, path.read_bytes()[:2]
        ('week.xlsx', b'PK')
    """
    checked_logs(logs, "write_workbook")
    path = _checked_file(path, "path")
    check_workbook(logs.calls.height, instead=_INSTEAD)
    site, title = checked_site(site), checked_title(title)
    options = site.options() if options is None else checked_options(options)
    if not isinstance(show_numbers, bool):
        raise InputError(f"show_numbers is True or False; got {describe(show_numbers)}.")
    ends = [each for each in (logs.query.date_to, logs.report.complete_to) if each]
    if options.as_of is None and ends:
        options = replace(options, as_of=min(ends))
    display = Display(
        options=options,
        show_numbers=show_numbers,
        own_numbers=site.known_numbers,
        language=site.language if language is None else checked_language(language),
    )
    return _write(
        logs,
        path,
        days=CallQuery(),
        direction="in",
        display=display,
        site=site,
        title=title,
        has_days=False,
    )


def check_report_workbook(request: ReportRequest, path: str | Path) -> None:
    """Check, before a report runs, that `write_report_workbook` can write its calls.

    Raises:
        InputError: there are too many calls, the name does not end in .xlsx, or the report's
            direction is none.
        ReportError: XlsxWriter is not installed.
    """
    _checked_file(path, "xlsx")
    CallQuery(direction=_direction(request))
    check_workbook(request.calls.height, instead="use the snapshot itself, which is parquet")


def write_report_workbook(request: ReportRequest, path: str | Path) -> Path:
    """The path of a new Excel file of a report's calls, as `write_workbook` writes it.

    Raises:
        InputError, ReportError: as `check_report_workbook`, or the file cannot be written.
    """
    check_report_workbook(request, path)
    return _write(
        request.logs,
        _checked_file(path, "xlsx"),
        days=request.dates,
        direction=_direction(request),
        display=request.display,
        site=request.site,
        title=request.title,
        has_days=True,
    )


def _direction(request: ReportRequest) -> Direction | None:
    """The direction of the report's calls; inbound ones if its notebook declares none."""
    return cast("Direction | None", request.values.get("direction", "in") or None)


def _write(
    logs: CallLogs,
    path: Path,
    *,
    days: CallQuery,
    direction: Direction | None,
    display: Display,
    site: Site,
    title: str,
    has_days: bool,
) -> Path:
    """Write the calls of these days, and name the days if the workbook has them."""
    with display.speaking():
        content = _content(
            logs,
            days=days,
            direction=direction,
            display=display,
            site=site,
            title=title,
            has_days=has_days,
        )
        file = workbook_bytes(content)
    try:
        storage.write_file(path, file)
    except OSError as error:
        raise ReportError(
            f"The workbook cannot be written to {printable(str(path))}: {storage.reason(error)}."
        ) from error
    return path


def _content(
    logs: CallLogs,
    *,
    days: CallQuery,
    direction: Direction | None,
    display: Display,
    site: Site,
    title: str,
    has_days: bool,
) -> WorkbookContent:
    options = display.options
    calls = logs.calls.filter(days.to_expr())
    content = WorkbookContent(
        title="",
        calls=calls,
        history=logs.calls,
        direction=direction,
        display=display,
        coverage=logs.report.clip(days.date_from, days.date_to),
        targets=site.targets,
    )
    range_text = date_range_text(content.counted, options.time_zone)
    redactor = Redactor(logs, display)
    about = provenance_facts(
        logs,
        query=_query_text(logs.query, direction),
        digest=fingerprint(logs.calls),
        settings=[
            *([(tr("Days"), str(days))] if has_days else []),
            (tr("Settings"), site.fingerprint),
            (tr("Options"), options_text(options)),
        ],
    )
    return replace(
        content,
        title=redactor.redact_text(title) or _title(direction, range_text),
        notices=[number_note(content.counted, options)],
        about=[(name, redactor.redact_text(text)) for name, text in about],
    )


def _title(direction: Direction | None, days: str) -> str:
    """The calls that the sheets count, and their days."""
    match direction:
        case "in":
            return tr("Inbound calls, {days}", days=days) if days else tr("Inbound calls: none")
        case None:
            return tr("Calls, {days}", days=days) if days else tr("Calls: none")
    name = value_names("direction")[direction]
    if days:
        return tr("Calls, direction {direction}, {days}", direction=name, days=days)
    return tr("Calls, direction {direction}: none", direction=name)


def _query_text(query: CallQuery, direction: Direction | None) -> str:
    if direction is None:
        return tr("{query}; Summary, By day, By hour and Queues: direction any", query=str(query))
    return tr(
        "{query}; Summary, By day, By hour and Queues: direction {direction}",
        query=str(query),
        direction=value_names("direction")[direction],
    )


def _checked_file(path: object, name: str) -> Path:
    file = checked_path(path, name)
    if file.suffix.lower() != ".xlsx":
        raise InputError(f"{name} must end in .xlsx; got {describe(file.name)}.")
    return file
