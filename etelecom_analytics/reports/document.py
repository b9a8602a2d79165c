"""Files of a report, made from the results of its notebook."""

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from .. import storage
from ..charts.png import png_bytes
from ..errors import ReportError
from ..language import mark, tr
from ..readable_dates import period_text
from .notebook import Notebook
from .notices import notices
from .page import page_html
from .provenance import date_range_text, options_text, provenance_facts
from .redaction import Redactor
from .rendering import RenderedNotebook, render_notebook
from .request import ReportRequest

__all__ = ["write_files"]

_OPTIONS = "options"
_MAX_SLUG = 60
_TITLES = {
    "daily": mark("Daily report"),
    "monthly": mark("Monthly report"),
    "weekly": mark("Weekly report"),
}


def write_files(request: ReportRequest, executed: Notebook) -> None:
    """Write the HTML file of a report, and its charts as PNG files if they are requested.

    Raises:
        ReportError: a chart needs the internet, or a file cannot be written; no file was changed.
    """
    logs, options = request.logs, request.options
    redactor = Redactor(logs, request.display)
    rendered = render_notebook(executed, redactor, name=request.name)
    facts = provenance_facts(
        logs,
        query=str(logs.query),
        digest=request.digest,
        settings=[
            (tr("Days"), _period(request)),
            (tr("Settings"), request.site.fingerprint),
            *_settings(request, redactor),
        ],
    )
    overview = rendered.overview
    name = request.name.removesuffix(".ipynb")
    title = tr(_TITLES[name]) if name in _TITLES else tr("{name} report", name=name.title())
    page = page_html(
        title=redactor.redact_text(request.title or rendered.title) or title,
        subtitle=overview.get("period") or _period(request),
        # The first page has them too, below its headline.
        notices=()
        if overview
        else notices(logs, request.dates, options or request.display.options),
        parts=rendered.parts,
        charts=rendered.charts,
        facts=facts,
        definitions=overview.get("definitions", ()),
    )
    if request.display.show_numbers:
        _make_private(request.output)
    _write_all(_png_files(rendered, request.png_folder) | {request.output: page.encode()})


def _period(request: ReportRequest) -> str:
    """The days of the report and of its snapshot, as text."""
    calls, zone, dates = request.logs.calls, request.logs.query.time_zone, request.dates
    days = date_range_text(calls, zone)
    if period := period_text(dates.date_from, dates.date_to, dates.time_zone):
        if not days:
            return tr(
                "Calls: {dates} ({zone}), from a snapshot of no calls", dates=period, zone=zone
            )
        return tr(
            "Calls: {dates} ({zone}), from a snapshot of calls of {days}",
            dates=period,
            zone=zone,
            days=days,
        )
    if not days:
        return tr("Snapshot of no calls ({zone})", zone=zone)
    return tr("Snapshot of calls of {days} ({zone})", days=days, zone=zone)


def _settings(request: ReportRequest, redactor: Redactor) -> list[tuple[str, str]]:
    """The notebook and its parameters, as facts."""
    parameters = ", ".join(
        f"{parameter}={json.dumps(value, ensure_ascii=False, sort_keys=True)}"
        for parameter, value in request.values.items()
        if parameter != _OPTIONS
    )
    return [
        (tr("Notebook"), request.name),
        *([(tr("Parameters"), redactor.redact_text(parameters))] if parameters else []),
        *([(tr("Options"), options_text(request.options))] if request.options else []),
        (
            tr("Redacted"),
            tr("links to recordings")
            if request.display.show_numbers
            else tr("links to recordings; external phone numbers are masked"),
        ),
    ]


def _png_files(rendered: RenderedNotebook, folder: Path | None) -> dict[Path, bytes]:
    """The charts as PNG by file; named by their position and the words of their title.

    The name ends before the first number, so that it is the same every week.
    """
    pngs: dict[Path, bytes] = {}
    if folder is None:
        return pngs
    for position, chart in enumerate(rendered.charts.values(), 1):
        title = chart.get("title", "")
        text = title.get("text", "") if isinstance(title, dict) else title
        text = " ".join(text) if isinstance(text, list) else str(text)
        words = re.split(r"[,:]|\b(?:of )?\d", text)[0]
        slug = re.sub(r"[^a-z]+", "-", _plain_letters(words)).strip("-")[:_MAX_SLUG].strip("-")
        pngs[folder / f"{position:02}-{slug or 'chart'}.png"] = png_bytes(chart)
    return pngs


def _plain_letters(text: str) -> str:
    """The text in lower case without accents: names of files go through systems that lose them."""
    decomposed = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _make_private(output: Path) -> None:
    """Restrict an older file to its owner: a replaced file keeps its mode, a new one is private."""
    try:
        if storage.resolve(output).is_file():
            storage.resolve(output).chmod(storage.FILE_MODE)
    except OSError as error:
        raise ReportError(
            f"{output} cannot be made private, and it would show phone numbers: "
            f"{storage.reason(error)}."
        ) from error


def _write_all(contents: Mapping[Path, bytes]) -> None:
    """Write all files to temporary names, then move them: readers see no partial file or set."""
    try:
        storage.write_files({storage.resolve(path): content for path, content in contents.items()})
    except OSError as error:
        place = error.filename or next(iter(contents))
        raise ReportError(
            f"The report cannot be written to {place}: {storage.reason(error)}."
        ) from error
