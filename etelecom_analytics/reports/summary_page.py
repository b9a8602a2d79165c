"""A page with the KPIs and charts of a fetch; needs only the core dependencies."""

from pathlib import Path
from typing import Any

from .. import storage
from ..charts import answer_rate, extension_performance, heatmap, ring_durations
from ..charts.png import write_pngs
from ..errors import ReportError
from ..language import speaking, tr
from ..locale.display import Display
from ..logs import CallLogs, checked_logs
from ..metrics import MetricOptions
from ..metrics.options import checked_options
from ..phone_numbers import printable
from ..query import CallQuery
from ..site import Site, checked_site
from ..snapshot import fingerprint
from .arguments import checked_path, checked_title
from .overview import first_page
from .overview_content import overview_markup
from .page import chart_figure, page_html
from .provenance import date_range_text, options_text, provenance_facts
from .redaction import Redactor

__all__ = ["write_charts", "write_page"]

_INBOUND = CallQuery(direction="in")


def write_page(
    logs: CallLogs,
    path: str | Path,
    *,
    options: MetricOptions | None = None,
    site: Site | None = None,
    title: str | None = None,
) -> Path:
    """The path of a new HTML file: a first page and four interactive charts of the inbound calls.

    The file needs no network. The same calls, query, options and versions give the same bytes; the
    file names them, and states the period in which the calls are complete. External phone numbers
    are masked.

    Args:
        logs: the calls.
        path: the HTML file.
        options: the options of the measures; by default those of the site file.
        site: the settings of your organisation, of which the page shows the targets; by default the
            site file, as `Site.load` finds it.
        title: the title of the page, in which external phone numbers of the calls are masked; by
            default it has the days.

    Raises:
        InputError: `logs` are not CallLogs, or another argument has another type.
        ReportError: the file cannot be written.

    Examples:
        >>> import tempfile
        >>> options = et.MetricOptions(ivr_numbers=["8000", "8100"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = et.write_page(et.sample_logs(), f"{folder}/page.html", options=options)
        ...     "Inbound calls, 2–8 Nov 2026" in path.read_text(encoding="utf-8")
        True
    """
    checked_logs(logs, "write_page")
    path, site, title = checked_path(path, "path"), checked_site(site), checked_title(title)
    options = site.options() if options is None else checked_options(options)
    with speaking(site.language):
        content = _page(logs, options, site, title)
    try:
        storage.write_file(path, content.encode())
    except OSError as error:
        raise ReportError(
            f"The page cannot be written to {printable(str(path))}: {storage.reason(error)}."
        ) from error
    return path


def _page(logs: CallLogs, options: MetricOptions, site: Site, title: str) -> str:
    charts = _charts(logs, options, site)
    inbound = logs.calls.filter(_INBOUND.to_expr())
    first = first_page(
        logs,
        CallQuery(direction="in", time_zone=logs.query.time_zone),
        options=options,
        targets=site.targets,
        own_numbers=site.known_numbers,
    )
    redactor = _redactor(logs, options, site)
    overview = redactor.redact_data(first.data)
    days = date_range_text(inbound, logs.query.time_zone)
    default = tr("Inbound calls, {days}", days=days) if days else tr("Inbound calls: none")
    return page_html(
        title=redactor.redact_text(title) or default,
        subtitle=overview["period"],
        parts=[
            overview_markup(overview),
            *(chart_figure(name, chart) for name, chart in charts.items()),
        ],
        charts=charts,
        facts=provenance_facts(
            logs,
            query=tr("{query}; the inbound calls of these", query=str(logs.query)),
            digest=fingerprint(logs.calls),
            settings=[(tr("Settings"), site.fingerprint), (tr("Options"), options_text(options))],
        ),
        definitions=overview["definitions"],
    )


def write_charts(
    logs: CallLogs,
    folder: str | Path,
    *,
    options: MetricOptions | None = None,
    site: Site | None = None,
) -> list[Path]:
    """The paths of new PNG files in the folder: the charts of the page, on a white background.

    Each picture names the site file, if there is one.

    Args:
        logs: the calls.
        folder: the folder; made if missing.
        options: the options of the measures; by default those of the site file.
        site: the settings of your organisation; by default the site file.

    Raises:
        InputError: `logs` are not CallLogs, or another argument has another type.
        ReportError: a file cannot be written.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     paths = et.write_charts(et.sample_logs(), folder)
        ...     [path.stem for path in paths]
        ['answer_rate', 'heatmap', 'ring_durations', 'extension_performance']
    """
    checked_logs(logs, "write_charts")
    site = checked_site(site)
    options = site.options() if options is None else checked_options(options)
    with speaking(site.language):
        charts = _charts(logs, options, site)
        if site.file:
            settings = tr(
                "Settings: {file}, SHA-256 {digest}",
                file=printable(site.file.name),
                digest=site.digest,
            )
            charts = {name: _with_note(chart, settings) for name, chart in charts.items()}
    return write_pngs(charts, checked_path(folder, "folder"))


def _with_note(chart: dict[str, Any], note: str) -> dict[str, Any]:
    """The specification with another note: a picture is passed on without its page."""
    title = chart["title"]
    return {**chart, "title": {**title, "subtitle": [*title.get("subtitle", ()), note]}}


def _charts(logs: CallLogs, options: MetricOptions, site: Site) -> dict[str, Any]:
    """The specifications of the charts by name, with external phone numbers masked."""
    inbound = logs.calls.filter(_INBOUND.to_expr())
    charts = {
        "answer_rate": answer_rate(inbound, options=options, coverage=logs.report),
        "heatmap": heatmap(inbound, options=options, coverage=logs.report),
        "ring_durations": ring_durations(inbound, options=options, coverage=logs.report),
        "extension_performance": extension_performance(
            logs.calls, options=options, coverage=logs.report
        ),
    }
    redactor = _redactor(logs, options, site)
    return {name: redactor.redact_data(chart.to_dict()) for name, chart in charts.items()}


def _redactor(logs: CallLogs, options: MetricOptions, site: Site) -> Redactor:
    return Redactor(
        logs, Display(options=options, own_numbers=site.known_numbers, language=site.language)
    )
