"""A notebook run from top to bottom in a kernel of its own, or the error of the cell that failed."""

import re
from pathlib import Path
from typing import Any

from ..errors import ReportError
from ..phone_numbers import printable

__all__ = ["EXTRA", "read_notebook", "run"]

EXTRA = 'Reports need a few packages more: pip install "etelecom_analytics[report]"'
_KERNEL = "python3"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST = 600


def read_notebook(path: Path, name: str) -> Any:
    """The notebook that lies there.

    Raises:
        ReportError: there is none, it cannot be read, or the packages of the extra `report` are not
            installed.
    """
    try:
        import nbformat
    except ImportError as error:
        raise ReportError(EXTRA) from error
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise ReportError(f"The notebook {name} cannot be read: {error.strerror}.") from error
    except Exception as error:
        # nbformat raises errors of many kinds, from KeyError to its own, for what is no notebook.
        raise ReportError(f"{name} is no notebook that can be read.") from error
    # A notebook of another language says so; one that says nothing is Python's.
    language = notebook.metadata.get("kernelspec", {}).get("language") or notebook.metadata.get(
        "language_info", {}
    ).get("name")
    if language not in (None, "python"):
        raise ReportError(
            f"{name} is a notebook of {printable(str(language))}: a report is one of Python."
        )
    return notebook


def run(notebook: Any, parameters: dict[str, Any], *, name: str, folder: Path) -> Any:
    """The notebook with its outputs, after it ran with these parameters in this folder; what was given is unchanged.

    Raises:
        ReportError: a cell failed, and which, and how; or there is no kernel.
    """
    try:
        import papermill
        from jupyter_client.kernelspec import NoSuchKernel
        from nbclient.exceptions import DeadKernelError
        from papermill.exceptions import PapermillExecutionError
        from papermill.iorw import load_notebook_node
        from papermill.parameterize import parameterize_notebook
    except ImportError as error:
        raise ReportError(EXTRA) from error
    # papermill counts the cell that it puts below the parameters.
    first = next(
        (
            place
            for place, cell in enumerate(notebook.cells)
            if "parameters" in cell.metadata.get("tags", ())
        ),
        len(notebook.cells),
    )
    try:
        # Given to execute_notebook, they would be looked for by lines, and missed with a warning.
        given = parameterize_notebook(
            load_notebook_node(notebook), parameters, kernel_name=_KERNEL, language="python"
        )
        return papermill.execute_notebook(
            given,
            None,
            kernel_name=_KERNEL,
            language="python",
            progress_bar=False,
            resources={"metadata": {"path": str(folder)}},
            extra_arguments=[
                "--IPKernelApp.log_level=40"
            ],  # its warnings are about Jupyter, not about the report
        )
    except PapermillExecutionError as error:
        cell = error.cell_index + (error.cell_index <= first)
        said = printable(_COLOURS.sub("", error.evalue), max_length=_LONGEST)
        raise ReportError(
            f"Cell {cell} of {name} failed, so there is no report. {error.ename}: {said}",
            cell=cell,
            kind=error.ename,
            message=said,
        ) from None  # its own text is the traceback, which holds what the calls hold
    except NoSuchKernel as error:
        raise ReportError(EXTRA) from error
    except DeadKernelError as error:
        raise ReportError(
            f"The process that ran {name} died, perhaps for lack of memory: there is no report."
        ) from error
