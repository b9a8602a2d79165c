"""If a file operation fails or the process is killed there, old or new content is whole.

`tests/benchmarks/failed_io.py` tries all points; here are some of them. The kernel must let a
process watch the system calls of its child: otherwise the test fails.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parent / "benchmarks" / "failed_io.py"


@pytest.mark.slow
def test_old_or_new_content_is_whole_after_each_failure():
    """The script needs a process that has not used Polars yet."""
    subjects = ["snapshot", "snapshot without an exchange", "CSV export", "sync"]
    process = subprocess.run(
        [sys.executable, str(_SCRIPT), "--sample", "8", "--seed", "7", "--only", *subjects],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "8 points tried, 0 failures" in process.stdout
