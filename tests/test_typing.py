"""Type checkers accept a user's script, and reject what the functions reject."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from etelecom_analytics import schema
from etelecom_analytics.metrics.options import SERVICE_LEVEL_VARIANTS, Variant
from etelecom_analytics.query import COMPARISONS, CallState, Comparison, Direction

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "tests" / "typing" / "user_script.py"

WRONG = """
import etelecom_analytics as et
calls = et.sample_logs().calls
et.MetricOptions(wait_from="queue")
et.MetricOptions(variant="best")
et.CallQuery(direction="inbound")
et.CallQuery(call_state="missed")
et.CallQuery(duration=("at_most", 30))
et.summarize(calls, by=3)
et.summarize([1])
et.metrics.facts(calls).collect()
"""
"""Each of the last eight lines has an error."""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.mark.slow
def test_the_script_runs():
    result = run("tests.typing.user_script")

    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_mypy_accepts_the_script():
    pytest.importorskip("mypy")
    result = run("mypy", "--strict", str(SCRIPT))

    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_pyright_accepts_the_script():
    pytest.importorskip("basedpyright")
    result = run("basedpyright", "--level", "error", str(SCRIPT))

    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_mypy_rejects_wrong_arguments(tmp_path: Path):
    pytest.importorskip("mypy")
    script = tmp_path / "wrong.py"
    script.write_text(WRONG)
    result = run("mypy", "--strict", str(script))

    lines = {int(line.split(":")[1]) for line in result.stdout.splitlines() if ": error:" in line}
    assert lines == set(range(4, 12)), result.stdout


def test_literal_types_list_the_allowed_values():
    assert get_args(Direction) == schema.DIRECTIONS
    assert get_args(CallState) == schema.CALL_STATES
    assert get_args(Comparison) == tuple(COMPARISONS)
    assert get_args(Variant) == SERVICE_LEVEL_VARIANTS
