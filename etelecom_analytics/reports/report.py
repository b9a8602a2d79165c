"""Reports: a notebook with parameters, run over a snapshot, as one HTML file that asks the network for nothing."""

import json
import os
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from ..errors import InputError, ReportError, SnapshotError, UnknownName
from ..logs import CallLogs
from ..metrics import MetricOptions
from ..privacy import check_own_numbers
from ..query import CallQuery
from ..snapshot import fingerprint, read_snapshot
from .drawing import png, rendered
from .parameters import Parameter, checked, parameters_of, read_text
from .provenance import date_range_text, dependencies, options_text
from .redaction import Redactor
from .rendering import Rendered, rendered_parts
from .running import read_notebook, run

__all__ = ["BUNDLED", "write_report"]

BUNDLED = ("weekly", "extensions")
"""The reports that come with this package."""

_SNAPSHOT, _OPTIONS, _SHOW_NUMBERS, _OWN_NUMBERS = (
    "snapshot",
    "options",
    "show_numbers",
    "own_numbers",
)
_DIRECTION = "direction"
_LONGEST_NAME = 60


def write_report(
    snapshot: str | Path,
    output: str | Path,
    *,
    notebook: str | Path = "weekly",
    parameters: Mapping[str, object] | None = None,
    png_folder: str | Path | None = None,
) -> Path:
    """The HTML file that was written: what a notebook shows of a snapshot, with its charts, in one file that needs no network.

    The same snapshot, notebook, parameters and versions give the same bytes. Below it stand the
    snapshot's hash, the query, through when the calls are complete, the parameters, all options and
    the versions. Links to recordings are left out, and outside numbers masked, wherever they stand
    in it, unless the notebook has a parameter `show_numbers` and it is true; those of its parameter
    `own_numbers`, such as the hotlines, and the options' `ivr_numbers` stay. A file that is there
    is replaced.

    Args:
        snapshot: the folder of a snapshot.
        output: the HTML file to write; folders above it are made.
        notebook: "weekly" or "extensions", or the path of a notebook of your own. Its cell tagged
            `parameters` declares what may be given, as `name: type = value`, among them `snapshot`,
            from which it reads. If it declares `options`, it gets all that
            `MetricOptions.from_dict` takes, with the snapshot's time zone, and with `as_of` no
            later than the calls are complete.
        parameters: values for these, of their types. `options` is a mapping of those that are not
            the defaults.
        png_folder: a folder for the charts, each also as a picture; it is made if it is not there.

    Raises:
        InputError: a parameter is not known, or not of its type; nothing was run.
        SnapshotError: there is no whole snapshot.
        ReportError: a cell failed, or a file cannot be written; no file was changed.
    """
    return _written(
        Path(snapshot),
        Path(output),
        notebook,
        lambda known: checked(parameters or {}, known),
        png_folder,
    )


def write_report_of_texts(
    snapshot: Path, output: Path, *, notebook: str, texts: Sequence[str], png_folder: Path | None
) -> Path:
    """The same as `write_report`, with parameters as a command line has them: "name=value"."""

    def given(known: Mapping[str, Parameter]) -> dict[str, Any]:
        pairs = [text.partition("=") for text in texts]
        if unset := next((name for name, sign, _ in pairs if not sign), None):
            raise InputError(f"A parameter is given as name=value; got {unset!r}.")
        return {name: read_text(name, text, known) for name, _, text in pairs}

    return _written(snapshot, output, notebook, given, png_folder)


def _written(
    snapshot: Path,
    output: Path,
    notebook: str | Path,
    given: Callable[[Mapping[str, Parameter]], dict[str, Any]],
    png_folder: str | Path | None,
) -> Path:
    pictures = None if png_folder is None else Path(png_folder)
    with as_file(files(__package__) / "notebooks") as bundled:
        path, name = _found(notebook, bundled)
        source = read_notebook(path, name)
        known = parameters_of(source, name)
        if _SNAPSHOT not in known:
            raise InputError(
                f"{name} has no parameter {_SNAPSHOT!r}, from which it would read: it is no report."
            )
        asked = given(known)
        if _SNAPSHOT in asked:
            raise InputError(
                f"The snapshot is the report's first argument, not a parameter: leave out {_SNAPSHOT!r}."
            )
        _check_places(output, pictures)
        logs = read_snapshot(snapshot)
        values = {parameter.name: parameter.default for parameter in known.values()} | asked
        if str(notebook) in BUNDLED:
            CallQuery(
                direction=values.get(_DIRECTION) or None
            )  # or an error, before anything is run
        options = _options(logs, values) if _OPTIONS in known else None
        own = check_own_numbers(values.get(_OWN_NUMBERS) or [])
        if options:
            values[_OPTIONS] = options.to_dict()
        done = run(
            source, {**values, _SNAPSHOT: str(snapshot.resolve())}, name=name, folder=path.parent
        )
    if fingerprint(read_snapshot(snapshot).calls) != fingerprint(logs.calls):
        raise SnapshotError(f"{snapshot} was replaced while the report was made: make it again.")
    keep = (*own, *(options.ivr_numbers if options else ()))
    withheld = Redactor(logs, numbers=values.get(_SHOW_NUMBERS) is not True, keep=keep)
    shown = rendered_parts(done, withheld, name=name)
    contents = {output: _page(shown, logs, values, options, withheld, name).encode()}
    if pictures:
        contents = {
            pictures / f"{file}.png": png(chart) for file, chart in _named(shown.charts).items()
        } | contents
    _put(contents)
    return output


def _found(notebook: str | Path, bundled: Path) -> tuple[Path, str]:
    """Where the notebook lies, and how messages call it."""
    if str(notebook) in BUNDLED:
        return bundled / f"{notebook}.ipynb", f"{notebook}.ipynb"
    path = Path(notebook)
    if path.suffix != ".ipynb":
        raise UnknownName("bundled report", str(notebook), BUNDLED)
    if not path.is_file():
        raise ReportError(
            f"There is no notebook {notebook}. The bundled reports are {' and '.join(BUNDLED)}."
        )
    return path.resolve(), path.name


def _options(logs: CallLogs, values: Mapping[str, Any]) -> MetricOptions:
    """The options as asked for, in the time zone of the query, and as of the end of what is looked at and known."""
    zone = logs.query.time_zone
    given = {"time_zone": zone, **values[_OPTIONS]}
    if given["time_zone"] != zone:
        raise InputError(
            f"The options are for {given['time_zone']}, and the snapshot was asked for in {zone}: leave time_zone out."
        )
    as_of = min(filter(None, (_dates(values, zone).date_to, logs.report.complete_to)))
    return MetricOptions.from_dict({"as_of": as_of.isoformat(), **given})


def _dates(values: Mapping[str, Any], zone: str) -> CallQuery:
    """The days that are asked for, of a notebook that has such parameters."""
    return CallQuery(
        date_from=values.get("date_from") or None,
        date_to=values.get("date_to") or None,
        time_zone=zone,
    )


def _span(logs: CallLogs, values: Mapping[str, Any], options: MetricOptions | None) -> str:
    """Of which days the report is, and the snapshot. A notebook that takes no options may mean something else by `date_from`."""
    zone = logs.query.time_zone
    asked = _dates(values if options else {}, zone)
    held = "a snapshot of " + (
        f"calls of {date_range_text(logs.calls, zone)}" if logs.calls.height else "no calls"
    )
    return (
        f"Calls {asked}, out of {held}"
        if asked.date_from or asked.date_to
        else f"{held[2:].capitalize()} ({zone})"
    )


def _page(
    shown: Rendered,
    logs: CallLogs,
    values: Mapping[str, Any],
    options: MetricOptions | None,
    withheld: Redactor,
    name: str,
) -> str:
    others = {each: value for each, value in values.items() if each not in (_SNAPSHOT, _OPTIONS)}
    reckoned = [("Notebook", name)]
    if others:
        told = ", ".join(
            f"{each}={json.dumps(value, ensure_ascii=False, sort_keys=True)}"
            for each, value in others.items()
        )
        reckoned.append(("Parameters", withheld.from_text(told)))
    if options:
        reckoned.append(("Options", options_text(options)))
    reckoned.append(
        (
            "Redactor",
            "links to recordings"
            + ("" if values.get(_SHOW_NUMBERS) is True else "; outside numbers are masked"),
        )
    )
    return rendered(
        "report.html.j2",
        shown.charts,
        title=withheld.from_text(shown.title) or name.removesuffix(".ipynb"),
        span=_span(logs, values, options),
        parts=shown.parts,
        facts=dependencies(logs, asked=str(logs.query), reckoned=reckoned),
    )


def _named(charts: Mapping[str, Any]) -> dict[str, Any]:
    """The charts by names of files: their place, and what their title says before its first number, so that they stay."""
    named = {}
    for place, chart in enumerate(charts.values(), 1):
        title = chart.get("title", "")
        text = title.get("text", "") if isinstance(title, dict) else title
        words = re.split(
            r"[,:]|\b(?:of )?\d", " ".join(text) if isinstance(text, list) else str(text)
        )[0]
        slug = re.sub(r"[^a-z]+", "-", words.lower()).strip("-")[:_LONGEST_NAME].strip("-")
        named[f"{place:02}-{slug or 'chart'}"] = chart
    return named


def _check_places(output: Path, pictures: Path | None) -> None:
    """Refuse what could not be written, before a minute is spent on it."""
    if output.is_dir():
        raise ReportError(
            f"{output} is a folder: give the file that is to be written, such as {output / 'report.html'}."
        )
    if pictures and pictures.exists() and not pictures.is_dir():
        raise ReportError(f"{pictures} is a file: give a folder for the pictures.")
    for folder in (output.absolute().parent, *([pictures.absolute()] if pictures else [])):
        above = next(each for each in (folder, *folder.parents) if each.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise ReportError(
                f"Nothing can be written in {folder}: {above} is no folder that may be written to."
            )


def _put(contents: Mapping[Path, bytes]) -> None:
    """Write all files beside their places, then move them in: none is ever seen half written, and none is moved unless all are there."""
    beside = {path: path.with_name(f".{uuid.uuid4().hex}.new") for path in contents}
    path = next(iter(contents))
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside[path].write_bytes(content)
        for path in contents:
            beside[path].replace(path)
    except OSError as error:
        raise ReportError(
            f"The report could not be written at {path}: {error.strerror}."
        ) from error
    finally:
        for path in beside.values():
            path.unlink(missing_ok=True)
