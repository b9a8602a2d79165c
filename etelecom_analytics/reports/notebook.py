"""Read a notebook, and run it from top to bottom in its own kernel."""

import re
from pathlib import Path
from typing import Any

from ..errors import ReportError
from ..phone_numbers import printable
from .parameters import PARAMETERS_TAG

__all__ = ["read_notebook", "run_notebook", "without_ansi_codes"]

_MISSING_EXTRA = 'Reports need more packages: pip install "etelecom_analytics[report]"'
_KERNEL = "python3"
_ANSI_CODES = re.compile(r"\x1b\[[0-9;]*m")
_MAX_MESSAGE = 600


def read_notebook(path: Path, name: str) -> Any:
    """The notebook in this file; messages call it `name`.

    Raises:
        ReportError: the file cannot be read, it is not a Python notebook, or the packages of the
            extra `report` are not installed.
    """
    try:
        import nbformat
    except ImportError as error:
        raise ReportError(_MISSING_EXTRA) from error
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise ReportError(f"The notebook {name} cannot be read: {error.strerror}.") from error
    except Exception as error:
        # nbformat raises many kinds of errors for invalid files, from KeyError to its own.
        raise ReportError(f"{name} is not a valid notebook.") from error
    # A notebook without metadata counts as Python.
    metadata = notebook.metadata
    language = metadata.get("kernelspec", {}).get("language") or metadata.get(
        "language_info", {}
    ).get("name")
    if language not in (None, "python"):
        raise ReportError(
            f"{name} is a notebook in {printable(str(language))}; a report needs Python."
        )
    return notebook


def run_notebook(notebook: Any, parameters: dict[str, Any], *, name: str, folder: Path) -> Any:
    """A copy of the notebook with its outputs, after a run with these parameters in `folder`.

    Raises:
        ReportError: a cell failed (the message names the cell and its error), or there is no
            kernel.
    """
    try:
        import papermill
        from jupyter_client.kernelspec import NoSuchKernel
        from nbclient.exceptions import DeadKernelError
        from papermill.exceptions import PapermillExecutionError
        from papermill.iorw import load_notebook_node
        from papermill.parameterize import parameterize_notebook
    except ImportError as error:
        raise ReportError(_MISSING_EXTRA) from error
    # papermill inserts a cell below the parameters and counts it.
    parameters_index = next(
        (
            index
            for index, cell in enumerate(notebook.cells)
            if PARAMETERS_TAG in cell.metadata.get("tags", ())
        ),
        len(notebook.cells),
    )
    try:
        # execute_notebook would look for the parameters line by line and warn about the ones that
        # it misses.
        parameterized = parameterize_notebook(
            load_notebook_node(notebook), parameters, kernel_name=_KERNEL, language="python"
        )
        return papermill.execute_notebook(
            parameterized,
            None,
            kernel_name=_KERNEL,
            language="python",
            progress_bar=False,
            resources={"metadata": {"path": str(folder)}},
            # Logs of the kernel, such as the interrupt at its end, concern Jupyter only.
            extra_arguments=["--IPKernelApp.log_level=50"],
        )
    except PapermillExecutionError as error:
        cell = error.cell_index + (error.cell_index <= parameters_index)
        message = printable(without_ansi_codes(error.evalue), max_length=_MAX_MESSAGE)
        # The traceback contains the source of the cell and may contain calls: leave it out.
        raise ReportError(
            f"Cell {cell} of {name} failed, so no report was written. {error.ename}: {message}",
            cell=cell,
            kind=error.ename,
            message=message,
        ) from None
    except NoSuchKernel as error:
        raise ReportError(_MISSING_EXTRA) from error
    except DeadKernelError as error:
        raise ReportError(
            f"The kernel of {name} died, perhaps for lack of memory: no report was written."
        ) from error


def without_ansi_codes(text: str) -> str:
    """The text without ANSI escape codes for colors."""
    return _ANSI_CODES.sub("", text)
