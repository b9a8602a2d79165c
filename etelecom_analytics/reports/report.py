"""Reports: a notebook with parameters, run on a snapshot, as one self-contained HTML file."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from .. import storage
from ..charts.png import png_bytes
from ..errors import InputError, ReportError, SnapshotError, UnknownName
from ..locale.display import Display
from ..locale.number_note import number_note
from ..logs import CallLogs
from ..manifest import CALLS, MANIFEST, Manifest
from ..metrics import MetricOptions
from ..phone_numbers import describe, printable
from ..privacy import check_own_numbers
from ..query import CallQuery
from ..site import Site, checked_site
from ..snapshot import fingerprint, read_snapshot
from ..system_calls import is_stream
from .arguments import checked_path
from .notebook import read_notebook, run_notebook
from .page import page_html
from .parameters import Parameter, check_values, read_parameters
from .provenance import date_range_text, options_text, provenance_facts
from .redaction import Redactor
from .rendering import RenderedNotebook, render_notebook

__all__ = ["BUNDLED", "notebook_parameters", "write_report"]

BUNDLED = ("weekly", "extensions")
"""The names of the bundled reports."""

_SNAPSHOT, _OPTIONS, _DIRECTION = "snapshot", "options", "direction"
_SHOW_NUMBERS, _OWN_NUMBERS = "show_numbers", "own_numbers"
_TARGETS = "targets"
_MAX_SLUG = 60


def write_report(
    snapshot: str | Path,
    output: str | Path,
    *,
    notebook: str | Path = "weekly",
    parameters: Mapping[str, object] | None = None,
    png_folder: str | Path | None = None,
    site: Site | None = None,
) -> Path:
    """The path of a new HTML file with the results of a notebook that was run on a snapshot.

    The file needs no network. The same snapshot, notebook, parameters and versions give the same
    bytes. A table at its end lists the snapshot's hash, the query, the period in which the calls
    are complete, the parameters, all options and the versions.

    Links to recordings are removed, and external phone numbers are masked. The parameter
    `show_numbers` of the notebook shows them, if it is true. The numbers in its parameter
    `own_numbers`, such as the hotlines, and the options' `ivr_numbers` are never masked. An
    existing file is replaced.

    Args:
        snapshot: the folder of a snapshot.
        output: the HTML file; missing parent folders are made.
        notebook: "weekly" or "extensions", or the path of your own notebook. Its cell tagged
            `parameters` declares its parameters as `name: type = value`. One of them must be
            `snapshot`, the folder to read. If it declares `options`, it receives the arguments of
            `MetricOptions.from_dict`, with the snapshot's time zone and with `as_of` not after the
            end of the complete period.
        parameters: values for these parameters. `options` is a mapping of the options that differ
            from the defaults.
        png_folder: a folder for the charts as PNG files; made if missing.
        site: the settings of your organisation; by default the site file, as `Site.load` finds it.
            Its options, its numbers that are never masked and its targets fill what `parameters`
            omits. The time zone is that of the snapshot.

    Raises:
        InputError: a parameter is unknown or has the wrong type, or another argument is not a path;
            nothing was run.
        SnapshotError: the snapshot is missing or incomplete.
        ReportError: a cell failed, or a file cannot be written; no file was changed.

    Examples:
        >>> import tempfile
        >>> options = {"ivr_numbers": ["8000", "8100"]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     snapshot = et.write_snapshot(et.sample_logs(), f"{folder}/week")
        ...     path = et.write_report(
        ...         snapshot, f"{folder}/report.html", parameters={"options": options}
        ...     )
        ...     "Answer rate" in path.read_text(encoding="utf-8")
        True
    """
    snapshot, output = checked_path(snapshot, "snapshot"), checked_path(output, "output")
    site = checked_site(site)
    pngs = None if png_folder is None else checked_path(png_folder, "png_folder")
    with _notebook_file(notebook) as (path, name):
        source = read_notebook(path, name)
        declared = _declared_parameters(source, name)
        values = check_values({} if parameters is None else parameters, declared)
        if _SNAPSHOT in values:
            raise InputError(
                f"The snapshot is the report's first argument, not a parameter: omit {_SNAPSHOT!r}."
            )
        _check_writable(output, pngs)
        digest = _calls_hash(snapshot)
        logs = read_snapshot(snapshot)
        from_site = {_OWN_NUMBERS: list(site.known_numbers), _TARGETS: dict(site.targets)}
        defaults = {
            parameter.name: parameter.default or from_site.get(parameter.name, parameter.default)
            for parameter in declared.values()
        }
        values = defaults | values
        if str(notebook) in BUNDLED:
            # Raises an InputError before anything runs.
            CallQuery(direction=values.get(_DIRECTION) or None)
            Site(targets=values[_TARGETS])
        options = _options(logs, values, site) if _OPTIONS in declared else None
        display = Display(
            options=options or site.options(),
            show_numbers=values.get(_SHOW_NUMBERS) is True,
            own_numbers=check_own_numbers(values.get(_OWN_NUMBERS, site.known_numbers) or []),
        )
        if options:
            values[_OPTIONS] = options.to_dict()
        executed = run_notebook(
            source, {**values, _SNAPSHOT: str(snapshot.resolve())}, name=name, folder=path.parent
        )
    if _calls_hash(snapshot) != digest:
        raise SnapshotError(f"{snapshot} was replaced while the report was made: run it again.")
    redactor = Redactor(logs, display)
    rendered = render_notebook(executed, redactor, name=name)
    facts = provenance_facts(
        logs,
        query=str(logs.query),
        digest=digest,
        settings=[
            ("Settings", site.fingerprint),
            *_settings(name, values, options, redactor, display),
        ],
    )
    page = page_html(
        title=redactor.redact_text(rendered.title) or name.removesuffix(".ipynb"),
        subtitle=_period(logs, values, options),
        notices=[_number_note(logs, values, display.options)],
        parts=rendered.parts,
        charts=rendered.charts,
        facts=facts,
    )
    _write_all(_png_files(rendered, pngs) | {output: page.encode()})
    return output


def notebook_parameters(notebook: str | Path) -> dict[str, Parameter]:
    """The parameters that a report's notebook declares, by name.

    Raises:
        InputError: the notebook is not a report, or there is no bundled report of this name.
        ReportError: the notebook cannot be read.
    """
    with _notebook_file(notebook) as (path, name):
        return _declared_parameters(read_notebook(path, name), name)


@contextmanager
def _notebook_file(notebook: str | Path) -> Iterator[tuple[Path, str]]:
    """The path of the notebook, and its name in messages."""
    path = checked_path(notebook, "notebook")
    if str(path) in BUNDLED:
        with as_file(files(__package__) / "notebooks") as folder:
            yield folder / f"{path}.ipynb", f"{path}.ipynb"
        return
    if path.suffix != ".ipynb":
        raise UnknownName("bundled report", printable(str(path)), BUNDLED)
    if not path.is_file():
        raise ReportError(
            f"There is no notebook {printable(str(path))}. "
            f"The bundled reports are {' and '.join(BUNDLED)}."
        )
    yield path.resolve(), path.name


def _calls_hash(snapshot: Path) -> str:
    """The SHA-256 of calls.parquet as the manifest states it; `read_snapshot` compares it."""
    try:
        folder = storage.resolve(snapshot)
        return Manifest.read((folder / MANIFEST).read_bytes(), folder).hashes[CALLS]
    except (OSError, SnapshotError):
        # read_snapshot states the reason, or reads what a writer that died has left.
        return fingerprint(read_snapshot(snapshot).calls)


def _declared_parameters(notebook: Any, name: str) -> dict[str, Parameter]:
    declared = read_parameters(notebook, name)
    if _SNAPSHOT not in declared:
        raise InputError(
            f"{name} has no parameter {_SNAPSHOT!r}: a report needs it for the folder to read."
        )
    return declared


def _options(logs: CallLogs, values: Mapping[str, Any], site: Site) -> MetricOptions:
    """The options in the time zone of the query, as of the end of the complete, selected period."""
    zone = logs.query.time_zone
    arguments = {**site.options().to_dict(), "time_zone": zone, **values[_OPTIONS]}
    if arguments["time_zone"] != zone:
        raise InputError(
            f"The options are for {describe(arguments['time_zone'])}, but the snapshot is in "
            f"{zone}: "
            "omit time_zone."
        )
    as_of = min(filter(None, (_date_query(values, zone).date_to, logs.report.complete_to)))
    return MetricOptions.from_dict({"as_of": as_of.isoformat(), **arguments})


def _date_query(values: Mapping[str, Any], zone: str) -> CallQuery:
    """The query for the days in the parameters, if the notebook declares them."""
    return CallQuery(
        date_from=values.get("date_from") or None,
        date_to=values.get("date_to") or None,
        time_zone=zone,
    )


def _number_note(logs: CallLogs, values: Mapping[str, Any], options: MetricOptions) -> str:
    """The warning about numbers that look like an IVR in the days of the report."""
    query = _date_query(values if _OPTIONS in values else {}, logs.query.time_zone)
    return number_note(logs.calls.filter(query.to_expr()), options)


def _period(logs: CallLogs, values: Mapping[str, Any], options: MetricOptions | None) -> str:
    """The days of the report and of its snapshot, as text.

    A notebook without `options` may use `date_from` with another meaning, so it is not read.
    """
    zone = logs.query.time_zone
    query = _date_query(values if options else {}, zone)
    days = f"calls of {date_range_text(logs.calls, zone)}" if logs.calls.height else "no calls"
    if query.date_from or query.date_to:
        return f"Calls {query}, from a snapshot of {days}"
    return f"Snapshot of {days} ({zone})"


def _settings(
    name: str,
    values: Mapping[str, Any],
    options: MetricOptions | None,
    redactor: Redactor,
    display: Display,
) -> list[tuple[str, str]]:
    """The notebook and its parameters, as facts."""
    parameters = ", ".join(
        f"{parameter}={json.dumps(value, ensure_ascii=False, sort_keys=True)}"
        for parameter, value in values.items()
        if parameter not in (_SNAPSHOT, _OPTIONS)
    )
    numbers = "" if display.show_numbers else "; external phone numbers are masked"
    return [
        ("Notebook", name),
        *([("Parameters", redactor.redact_text(parameters))] if parameters else []),
        *([("Options", options_text(options))] if options else []),
        ("Redacted", f"links to recordings{numbers}"),
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
        slug = re.sub(r"[^a-z]+", "-", words.lower()).strip("-")[:_MAX_SLUG].strip("-")
        pngs[folder / f"{position:02}-{slug or 'chart'}.png"] = png_bytes(chart)
    return pngs


def _check_writable(output: Path, pngs: Path | None) -> None:
    """Raise before the notebook runs for a minute if its files cannot be written."""
    try:
        if is_stream(output):
            raise ReportError(f"{output} is a device or a pipe: give the name of a file.")
        if storage.resolve(output).is_dir():
            raise ReportError(
                f"{output} is a folder: give a file name, such as {output / 'report.html'}."
            )
        if pngs and storage.resolve(pngs).exists() and not pngs.is_dir():
            raise ReportError(f"{pngs} is a file: give a folder for the PNG files.")
        output.exists()  # a name may be too long
    except OSError as error:
        raise ReportError(f"The report cannot be written: {storage.reason(error)}.") from error
    for folder in (output.absolute().parent, *([pngs.absolute()] if pngs else [])):
        existing = next(each for each in (folder, *folder.parents) if each.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK):
            raise ReportError(
                f"No file can be written in {folder}: {existing} is not a writable folder."
            )


def _write_all(contents: Mapping[Path, bytes]) -> None:
    """Write all files to temporary names, then move them: readers see no partial file or set."""
    try:
        storage.write_files({storage.resolve(path): content for path, content in contents.items()})
    except OSError as error:
        place = error.filename or next(iter(contents))
        raise ReportError(
            f"The report cannot be written to {place}: {storage.reason(error)}."
        ) from error
