"""Committed notebooks have complete outputs; nbval does not check cells without outputs."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
    ]


def cells_not_run(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in code_cells(path) if cell["execution_count"] is None]


def test_list_of_notebooks():
    assert [path.stem for path in NOTEBOOKS] == [
        "01_first_look",
        "02_filter_and_fetch",
        "03_service_level",
        "04_extensions_and_hunting",
        "05_missed_callers",
        "06_traffic_and_staffing",
        "07_explorer",
        "08_snapshots_and_reports",
        "09_questions_of_a_manager",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_code_cell_ran_in_order_and_without_error(path: Path):
    assert cells_not_run(path) == []
    assert [cell["execution_count"] for cell in code_cells(path)] == list(
        range(1, len(code_cells(path)) + 1)
    )
    assert not [
        output
        for cell in code_cells(path)
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_code_cell_has_output(path: Path):
    silent = ["".join(cell["source"]) for cell in code_cells(path) if not cell["outputs"]]

    assert silent == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_ignored(path: Path):
    assert not [
        cell
        for cell in code_cells(path)
        if "nbval-ignore-output" in cell["metadata"].get("tags", [])
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_has_no_widget_state(path: Path):
    """Widget state is large and useless without a kernel; panels have a text output instead."""
    assert "widgets" not in json.loads(path.read_text(encoding="utf-8"))["metadata"]


def test_each_question_of_a_manager_has_a_short_answer_with_a_chart():
    path = next(path for path in NOTEBOOKS if path.stem == "09_questions_of_a_manager")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    questions = [
        (cell, answer)
        for cell, answer in pairwise(cells)
        if "".join(cell["source"]).startswith("## ")
    ]

    assert len(questions) == 10
    for number, (question, answer) in enumerate(questions, start=1):
        first_line = question["source"][0].strip()
        assert first_line.startswith(f"## {number}. ")
        assert first_line.endswith("?")
        text, chart = answer["outputs"]
        assert len(answer["source"]) <= 3
        assert 1 <= len(text["text"]) <= 3
        assert "application/vnd.vegalite.v5+json" in chart["data"]
        assert "No calls" not in "".join(chart["data"]["text/plain"])


def test_cell_that_was_not_run_is_detected(tmp_path: Path):
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")["execution_count"] = (
        None
    )
    (tmp_path / "stale.ipynb").write_text(json.dumps(notebook))

    assert len(cells_not_run(tmp_path / "stale.ipynb")) == 1
