"""The annotations of panels accept what the documentation shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "typing" / "panels_script.py"
CHECKERS = {
    "mypy": [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull],
    "basedpyright": [sys.executable, "-m", "basedpyright", "--level", "error"],
}


@pytest.mark.slow
@pytest.mark.parametrize("command", CHECKERS.values(), ids=CHECKERS)
def test_script_of_a_user_has_the_right_types(command: list[str], tmp_path: Path):
    cache = {"MYPY_CACHE_DIR": str(tmp_path)}
    result = subprocess.run(
        [*command, str(SCRIPT)],
        cwd=tmp_path,
        env=os.environ | cache,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
