"""Notebooks run in a process of their own, with the outputs that a Jupyter kernel gives."""

import os
import time
from pathlib import Path
from typing import Any

import altair as alt
import nbformat
import pytest
from nbclient import NotebookClient

from etelecom_analytics.errors import ReportError
from etelecom_analytics.reports.notebook import Cell, Notebook, run_notebook

PARAMETERS = Cell(
    cell_type="code", source="limit = 3\nname = ''", metadata={"tags": ["parameters"]}
)


def notebook_of(*sources: str) -> Notebook:
    return Notebook(
        cells=[PARAMETERS, *(Cell(cell_type="code", source=source) for source in sources)]
    )


def run(folder: Path, *sources: str, **parameters: object) -> list[Any]:
    """The outputs of each cell below the parameters."""
    executed = run_notebook(notebook_of(*sources), parameters, name="own.ipynb", folder=folder)
    return [cell.outputs for cell in executed.cells[1:]]


CELLS = {
    "text in order": "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')\nlimit",
    "silenced": "limit + 1;",
    "html": "from IPython.display import HTML, Markdown, display\ndisplay(HTML('<b>x</b>'))\n"
    "display(Markdown('*y*'), 3)",
    "update of an earlier cell": "handle = display('old', display_id=True)",
    "update": "handle.update('new')",
    "cleared": "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint(1)",
    "cleared later": "print('gone')\nclear_output(wait=True)\nprint('kept')",
    "await": "import asyncio\nawait asyncio.sleep(0.01)\nawait asyncio.sleep(0, 'awaited')",
    "task": "async def note():\n    return 'from a task'\n"
    "task = asyncio.get_running_loop().create_task(note())",
    "later": "await asyncio.sleep(0.05)\ntask.result()",
    "magic": "%pwd",
    "shell": "!echo from a shell",
    "cell magic": "%%capture text\nprint('captured')",
    "captured": "text.stdout",
    "image": "from IPython.display import Image\nImage(b'\\x89PNG\\r\\n\\x1a\\n', format='png')",
    "numbers": "class Odd:\n    def _repr_mimebundle_(self, **_):\n"
    "        return {'text/plain': 'odd', 'application/json': {'n': 1.5, 's': 'ă'}}\nOdd()",
    "history": "type(_).__name__, type(__).__name__",
}


@pytest.mark.slow
def test_outputs_are_those_of_a_kernel(tmp_path: Path):
    cells = [
        nbformat.v4.new_code_cell("limit = 3"),
        *map(nbformat.v4.new_code_cell, CELLS.values()),
    ]
    expected = NotebookClient(
        nbformat.v4.new_notebook(cells=cells), resources={"metadata": {"path": str(tmp_path)}}
    ).execute()

    for (name, outputs), cell in zip(
        zip(CELLS, run(tmp_path, *CELLS.values()), strict=True), expected.cells[1:], strict=True
    ):
        wanted = [
            {key: output[key] for key in ("output_type", "name", "text", "data") if key in output}
            for output in cell.outputs
        ]
        assert [each.get("text") for each in outputs] == [each.get("text") for each in wanted], name
        assert [each.get("data") for each in outputs] == [each.get("data") for each in wanted], name


@pytest.mark.slow
def test_run_changes_nothing_in_this_process(tmp_path: Path):
    renderer, variables = alt.renderers.active, dict(os.environ)
    counts: list[tuple[int, int]] = []
    sources = (
        "import os, sys, altair\naltair.renderers.enable('json')\nos.environ['CHANGED'] = '1'\n"
        "os.chdir('/')\nsys.stdout = None",
        "os.write(1, b'{\"error\": null, \"outputs\": {}}\\n')\nos.system('echo noise')",
        "limit, name",
    )
    executed = run_notebook(
        notebook_of(*sources),
        {"limit": 7, "name": "ă"},
        name="own.ipynb",
        folder=tmp_path,
        on_cell=lambda done, total: counts.append((done, total)),
    )

    (result,) = executed.cells[-1].outputs
    assert result["data"] == {"text/plain": "(7, 'ă')"}
    assert counts == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (alt.renderers.active, dict(os.environ)) == (renderer, variables)
    assert Path.cwd() != Path("/")
    assert "limit" not in globals()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("if", "SyntaxError", "invalid syntax"),
        ("%no_such_magic", "UsageError", "no_such_magic"),
        ("import sys; sys.exit(3)", "SystemExit", "3"),
        ("await missing", "NameError", "missing"),
        ("input()", "EOFError", ""),
    ],
)
def test_failing_cell_is_named(source: str, kind: str, message: str, tmp_path: Path):
    with pytest.raises(ReportError, match=r"Cell 3 of own.ipynb failed") as caught:
        run(tmp_path, "print(1)", source, "open('ran', 'w')")

    assert (caught.value.cell, caught.value.kind) == (3, kind)
    assert message in str(caught.value.message)
    assert not list(tmp_path.iterdir())


def test_exit_without_an_error_ends_the_notebook(tmp_path: Path):
    first, ending, after = run(tmp_path, "print(1)", "raise SystemExit", "open('ran', 'w')")

    assert first[0]["text"] == "1\n"
    assert [each["name"] for each in ending] == ["stderr"]  # IPython's advice, which is not shown
    assert not after
    assert not list(tmp_path.iterdir())


def test_process_that_dies_is_an_error(tmp_path: Path):
    with pytest.raises(ReportError, match=r"The process that ran own.ipynb died") as caught:
        run(tmp_path, "import os; os.write(2, b'no memory\\n'); os._exit(9)")

    assert "It wrote: no memory" in str(caught.value)


def test_thread_that_never_ends_does_not_hold_up_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("etelecom_analytics.reports.notebook._GRACE_S", 0.2)
    start = time.monotonic()
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=[300]).start()\n1"

    assert run(tmp_path, source)[0][0]["data"] == {"text/plain": "1"}
    assert time.monotonic() - start < 60


def test_skipped_and_empty_cells_are_not_run(tmp_path: Path):
    skipped = Cell(
        cell_type="code", source="open('ran', 'w')", metadata={"tags": ["skip-execution"]}
    )
    cells = [
        PARAMETERS,
        skipped,
        Cell(cell_type="code", source=" \n"),
        Cell(cell_type="markdown", source="open('ran', 'w')"),
        Cell(cell_type="code", source="limit"),
    ]
    counts: list[tuple[int, int]] = []
    executed = run_notebook(
        Notebook(cells=cells),
        {},
        name="own.ipynb",
        folder=tmp_path,
        on_cell=lambda *each: counts.append(each),
    )

    assert executed.cells[-1].outputs[0]["data"] == {"text/plain": "3"}
    assert counts[-1] == (2, 2)
    assert not list(tmp_path.iterdir())
