"""Requests of reports: all that is checked before the packages that draw charts are imported."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import polars as pl

from .. import local_time, storage
from ..errors import InputError, ReportError, SnapshotError, UnknownName
from ..language import checked_language
from ..locale.display import Display
from ..logs import CallLogs
from ..manifest import CALLS, MANIFEST, Manifest
from ..metrics.options import MetricOptions
from ..phone_numbers import describe, printable
from ..privacy import check_own_numbers
from ..query import CallQuery
from ..site import Site, checked_site
from ..snapshot import fingerprint, read_snapshot
from ..system_calls import is_stream
from .arguments import checked_path, checked_title
from .notebook import BUNDLED, Notebook, read_notebook
from .parameters import Parameter, check_values, read_parameters
from .report_periods import last_period

__all__ = ["ReportRequest", "calls_hash", "notebook_parameters", "read_request"]

_SNAPSHOT, _OPTIONS, _DIRECTION = "snapshot", "options", "direction"
_SHOW_NUMBERS, _OWN_NUMBERS = "show_numbers", "own_numbers"
_TARGETS, _PERIOD = "targets", "period"
_PERIODS = {"daily": "day", "weekly": "week", "monthly": "month"}
"""The reports of the notebook calls.ipynb, and its parameter `period` in each."""
_PERIOD_FILE = "calls"
_DATES = ("date_from", "date_to")


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """A report that can be made.

    Attributes:
        name: the file name of the notebook.
        notebook: its cells.
        folder: where they run.
        output: the HTML file.
        png_folder: the folder of the charts as PNG files; None without them.
        snapshot: the folder of the calls.
        digest: the SHA-256 of its calls.parquet.
        logs: its calls.
        values: the parameters by name, without `snapshot`.
        options: the options of the measures; None if the notebook declares none.
        display: which numbers are shown, and the language of the texts.
        site: the settings that filled what the parameters omit.
        title: the title of the report; "" for that of the notebook.
    """

    name: str
    notebook: Notebook
    folder: Path
    output: Path
    png_folder: Path | None
    snapshot: Path
    digest: str
    logs: CallLogs
    values: Mapping[str, Any]
    options: MetricOptions | None
    display: Display
    site: Site
    title: str

    @property
    def dates(self) -> CallQuery:
        """The days in the parameters; all days if there are none.

        A notebook without `options` may use `date_from` with another meaning, so it is not read.
        """
        return _date_query(self.values if self.options else {}, self.logs.query.time_zone)

    @property
    def calls(self) -> pl.DataFrame:
        """The calls of these days."""
        return self.logs.calls.filter(self.dates.to_expr())


@contextmanager
def read_request(
    snapshot: str | Path,
    output: str | Path,
    *,
    notebook: str | Path,
    parameters: Mapping[str, object] | None,
    png_folder: str | Path | None,
    site: Site | None,
    language: str | None = None,
    title: str | None = None,
) -> Iterator[ReportRequest]:
    """The request of a report, after all checks that are possible before a run.

    The arguments and errors are those of `write_report`. The notebook exists within the context.
    """
    snapshot, output = checked_path(snapshot, "snapshot"), checked_path(output, "output")
    site, title = checked_site(site), checked_title(title)
    if language is not None:
        checked_language(language)
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
        digest = calls_hash(snapshot)
        logs = read_snapshot(snapshot)
        from_site = {_OWN_NUMBERS: list(site.known_numbers), _TARGETS: dict(site.targets)}
        defaults = {
            parameter.name: parameter.default or from_site.get(parameter.name, parameter.default)
            for parameter in declared.values()
        }
        if str(notebook) in _PERIODS:
            defaults[_PERIOD] = _PERIODS[str(notebook)]
        values = defaults | values
        if str(notebook) in BUNDLED:
            # Raises an InputError before anything runs.
            CallQuery(direction=values.get(_DIRECTION) or None)
            Site(targets=values.get(_TARGETS) or {})
        if str(notebook) in _PERIODS:
            values |= _last_dates(logs, values)
        options = None
        if _OPTIONS in declared:
            options = _options(logs, values, site)
            values |= {_OPTIONS: options.to_dict()} | _iso_dates(logs, values)
        display = Display(
            options=options or site.options(),
            show_numbers=values.get(_SHOW_NUMBERS) is True,
            own_numbers=check_own_numbers(values.get(_OWN_NUMBERS, site.known_numbers) or []),
            language=language or site.language,
        )
        yield ReportRequest(
            name=name,
            notebook=source,
            folder=path.parent,
            output=output,
            png_folder=pngs,
            snapshot=snapshot,
            digest=digest,
            logs=logs,
            values={each: value for each, value in values.items() if each != _SNAPSHOT},
            options=options,
            display=display,
            site=site,
            title=title,
        )


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
            file = _PERIOD_FILE if str(path) in _PERIODS else path
            yield folder / f"{file}.ipynb", f"{path}.ipynb"
        return
    if path.suffix != ".ipynb":
        raise UnknownName("bundled report", printable(str(path)), BUNDLED)
    if not path.is_file():
        raise ReportError(
            f"There is no notebook {printable(str(path))}. "
            f"The bundled reports are {' and '.join(BUNDLED)}."
        )
    yield path.resolve(), path.name


def calls_hash(snapshot: Path) -> str:
    """The SHA-256 of calls.parquet as the manifest states it; `read_snapshot` compares it."""
    try:
        folder = storage.resolve(snapshot)
        return Manifest.read((folder / MANIFEST).read_bytes(), folder).hashes[CALLS]
    except (OSError, SnapshotError):
        # read_snapshot states the reason, or reads what a writer that died has left.
        return fingerprint(read_snapshot(snapshot).calls)


def _declared_parameters(notebook: Notebook, name: str) -> dict[str, Parameter]:
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


def _last_dates(logs: CallLogs, values: Mapping[str, Any]) -> dict[str, str]:
    """The dates of the last whole period in the snapshot, unless dates were requested."""
    if any(values[name] for name in _DATES):
        return {}
    dates = last_period(logs, values[_PERIOD])
    return {} if dates is None else dict(zip(_DATES, map(str, dates), strict=True))


def _iso_dates(logs: CallLogs, values: Mapping[str, Any]) -> dict[str, str]:
    """The dates of the parameters as ISO text, the one form that notebooks must read.

    Raises:
        InputError: a date is not valid, or the only one is on the other side of all calls.
    """
    zone = logs.query.time_zone
    query, fetched = _date_query(values, zone), logs.query
    begin, end = fetched.date_from, fetched.date_to
    if end and query.date_from and not query.date_to and query.date_from >= end:
        text = local_time.moment_text(end, zone)
        raise InputError(f"date_from must be before the end of the snapshot, {text}.")
    if begin and query.date_to and not query.date_from and query.date_to <= begin:
        text = local_time.moment_text(begin, zone)
        raise InputError(f"date_to must be after the begin of the snapshot, {text}.")
    moments = {name: getattr(query, name) for name in _DATES}
    return {name: local_time.moment_text(each, zone) for name, each in moments.items() if each}


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
