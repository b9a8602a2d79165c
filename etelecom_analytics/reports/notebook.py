"""Read a notebook, and run it from top to bottom in a process of its own."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from ..errors import ReportError
from ..phone_numbers import printable
from .parameters import PARAMETERS_TAG

__all__ = [
    "BUNDLED",
    "Cell",
    "Notebook",
    "OnCell",
    "read_notebook",
    "run_notebook",
    "without_ansi_codes",
]

BUNDLED = ("daily", "weekly", "monthly", "extensions")
"""The names of the bundled reports."""

_SKIP_TAG = "skip-execution"
"""Jupyter's tag for a cell that is not run."""
_MISSING_EXTRA = 'Reports need more packages: pip install "etelecom_analytics[report]"'
_PACKAGES = ("IPython", "bleach", "mistune")
_RUNNER = "etelecom_analytics.reports.runner"
_FORMAT = 4
_GRACE_S = 5.0
_ANSI_CODES = re.compile(r"\x1b\[[0-9;]*m")
_MAX_MESSAGE = 600

OnCell = Callable[[int, int], None]
"""Receives the number of cells that were run, and the number of all."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a notebook.

    Attributes:
        cell_type: "code", "markdown" or "raw".
        source: its text.
        metadata: what the notebook stores about it, such as its tags.
        outputs: the results of a run, in the format of notebooks.
    """

    cell_type: str
    source: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    outputs: Sequence[Mapping[str, Any]] = ()

    @property
    def tags(self) -> Sequence[str]:
        """The tags of the cell."""
        return self.metadata.get("tags") or ()


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """The cells of a Python notebook."""

    cells: Sequence[Cell]


def read_notebook(path: Path, name: str) -> Notebook:
    """The notebook in this file; messages call it `name`. Stored outputs are left out.

    Raises:
        ReportError: the file cannot be read, it is not a Python notebook, or the packages of the
            extra `report` are not installed.
    """
    if missing := [package for package in _PACKAGES if not _is_installed(package)]:
        raise ReportError(f"{_MISSING_EXTRA} ({', '.join(missing)}).")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReportError(f"The notebook {name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ReportError(f"{name} is not a valid notebook.") from error
    try:
        if content["nbformat"] < _FORMAT:
            raise ReportError(
                f"{name} has format {content['nbformat']} of notebooks: open and save it in "
                "JupyterLab, which converts it."
            )
        notebook = Notebook(cells=[_cell(each) for each in content["cells"]])
        metadata = content.get("metadata", {})
        # A notebook without metadata counts as Python.
        language = metadata.get("kernelspec", {}).get("language") or metadata.get(
            "language_info", {}
        ).get("name")
    except (AttributeError, KeyError, TypeError) as error:
        raise ReportError(f"{name} is not a valid notebook.") from error
    if language not in (None, "python"):
        raise ReportError(
            f"{name} is a notebook in {printable(str(language))}; a report needs Python."
        )
    return notebook


def run_notebook(
    notebook: Notebook,
    parameters: Mapping[str, Any],
    *,
    name: str,
    folder: Path,
    language: str = "en",
    on_cell: OnCell | None = None,
) -> Notebook:
    """A copy of the notebook with its outputs, after a run with these parameters in `folder`.

    Texts that this package makes are in the language.

    The cells run in IPython in a new process, so they change nothing in this one. That process has
    no Jupyter kernel, whose start and packages take longer than most cells.

    Raises:
        ReportError: a cell failed (the message names the cell and its error), or the process died.
    """
    numbers = [number for number, cell in enumerate(notebook.cells) if _is_run(cell)]
    request = {
        "cells": [[number, notebook.cells[number].source] for number in numbers],
        "parameters": parameters,
        "language": language,
        "parameters_cell": next(
            (n for n in numbers if PARAMETERS_TAG in notebook.cells[n].tags), None
        ),
    }
    # The text of the process is for a failed start only; the cells' own goes into their outputs.
    with tempfile.TemporaryFile() as errors:
        command = [sys.executable, "-m", _RUNNER]
        with subprocess.Popen(  # noqa: S603  # this package's own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=folder
        ) as process:
            try:
                answer = _answer(process, request, len(numbers), on_cell)
                with suppress(subprocess.TimeoutExpired):  # threads of a cell may run on
                    process.wait(_GRACE_S)
            finally:
                process.kill()
        if answer is None:
            errors.seek(0)
            raise _died(name, errors.read().decode(errors="replace"))
    if error := answer["error"]:
        message = printable(without_ansi_codes(error["message"]), max_length=_MAX_MESSAGE)
        # The traceback contains the source of the cell and may contain calls: leave it out.
        raise ReportError(
            f"Cell {error['cell'] + 1} of {name} failed, so no report was written. "
            f"{error['kind']}: {message}",
            cell=error["cell"] + 1,
            kind=error["kind"],
            message=message,
        )
    outputs = {int(number): cell_outputs for number, cell_outputs in answer["outputs"].items()}
    cells = [
        replace(cell, outputs=outputs.get(number, ())) for number, cell in enumerate(notebook.cells)
    ]
    return Notebook(cells=cells)


def without_ansi_codes(text: str) -> str:
    """The text without ANSI escape codes for colors."""
    return _ANSI_CODES.sub("", text)


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # a module that is set to None, or has no specification
        return False


def _cell(content: Mapping[str, Any]) -> Cell:
    source, metadata = content["source"], content.get("metadata", {})
    text = source if isinstance(source, str) else "".join(source)
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("tags", []), list):
        raise TypeError
    return Cell(cell_type=str(content["cell_type"]), source=text, metadata=metadata)


def _is_run(cell: Cell) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip()) and _SKIP_TAG not in cell.tags


def _answer(
    process: "subprocess.Popen[bytes]",
    request: Mapping[str, Any],
    total: int,
    on_cell: OnCell | None,
) -> dict[str, Any] | None:
    """The last line of the process; None if it died before. Other lines count cells."""
    to_process: IO[bytes] | None = process.stdin
    lines: IO[bytes] | None = process.stdout
    if to_process is None or lines is None:
        raise TypeError
    try:
        to_process.write(json.dumps(request).encode())
        to_process.close()
    except BrokenPipeError:
        return None
    for line in lines:
        try:
            content: dict[str, Any] = json.loads(line)
        except ValueError:  # cut off
            return None
        if "done" not in content:
            return content
        if on_cell:
            on_cell(content["done"], total)
    return None


def _died(name: str, text: str) -> ReportError:
    """The error of a process that returned nothing."""
    lines = text.strip().splitlines()
    reason = f" It wrote: {printable(lines[-1], max_length=_MAX_MESSAGE)}" if lines else ""
    return ReportError(
        f"The process that ran {name} died, perhaps for lack of memory: no report was written."
        f"{reason}"
    )
