"""Type checkers accept a user's script, and reject what the functions reject."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from etelecom_analytics import schema
from etelecom_analytics.metrics.options import SERVICE_LEVEL_VARIANTS, Variant
from etelecom_analytics.query import COMPARISONS, CallState, Comparison, Direction

ROOT = Path(__file__).parents[1]
SCRIPTS = [str(ROOT / "tests" / "typing" / name) for name in ("user_script.py", "panels_script.py")]

WRONG = """
import etelecom_analytics as et
calls = et.sample_logs().calls
et.MetricOptions(wait_from="ringing")
et.MetricOptions(variant="best")
et.CallQuery(direction="inbound")
et.CallQuery(call_state="missed")
et.CallQuery(duration=("at_most", 30))
et.summarize(calls, by=3)
et.summarize([1])
et.metrics.facts(calls).collect()
"""
"""Each of the last eight lines has an error."""


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, cwd=cwd, check=False
    )


@pytest.mark.slow
def test_the_script_runs():
    result = run("tests.typing.user_script")

    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_mypy_accepts_the_scripts_and_rejects_wrong_arguments(tmp_path: Path):
    """In one run and with its own settings, as in the folder of a user."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    options = ["--strict", "--warn-unreachable", "--config-file", os.devnull]
    result = run("mypy", *options, *SCRIPTS, str(wrong), cwd=tmp_path)

    *errors, summary = result.stdout.splitlines()
    places = {tuple(line.split(":")[:2]) for line in errors if ": error:" in line}
    assert places == {("wrong.py", str(number)) for number in range(4, 12)}, result.stdout
    assert summary.endswith("in 1 file (checked 3 source files)"), result.stdout


@pytest.mark.slow
def test_pyright_accepts_the_scripts(tmp_path: Path):
    result = run("basedpyright", "--level", "error", *SCRIPTS, cwd=tmp_path)

    assert result.returncode == 0, result.stdout


def test_literal_types_list_the_allowed_values():
    assert get_args(Direction) == schema.DIRECTIONS
    assert get_args(CallState) == schema.CALL_STATES
    assert get_args(Comparison) == tuple(COMPARISONS)
    assert get_args(Variant) == SERVICE_LEVEL_VARIANTS
