"""Runs Python code under strace, which shows its system calls or makes some of them fail."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SystemCall", "run_traced", "run_with_failures"]

_LINE = re.compile(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*?)\) += (-?\d+)", re.DOTALL)
_UNFINISHED = re.compile(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")


@dataclass(frozen=True)
class SystemCall:
    """A system call that succeeded: its name, and the paths in its arguments."""

    name: str
    paths: tuple[str, ...]


def run_traced(code: str, *arguments: str, calls: str, folder: Path) -> list[SystemCall]:
    """The successful system calls of a Python process in the order in which they ended.

    Args:
        code: the Python code.
        arguments: its arguments.
        calls: the names of the system calls, separated by commas.
        folder: a folder for the output of strace.
    """
    output = folder / "strace.txt"
    process = _run(["-y", "-o", str(output), "-e", f"trace={calls}"], code, arguments)
    assert process.returncode == 0, process.stderr
    unfinished: dict[str, str] = {}
    system_calls = []
    for line in output.read_text(errors="replace").splitlines():
        text = line
        if match := _UNFINISHED.match(line):
            unfinished[match[1]] = f"{match[1]} {match[2]}({match[3]}"
            continue
        if match := _RESUMED.match(line):
            text = unfinished.pop(match[1], "") + match[2]
        if (match := _LINE.match(text)) and int(match[3]) >= 0:
            paths = re.findall(r'"([^"]*)"|\d+<([^>]*)>', match[2])
            system_calls.append(SystemCall(match[1], tuple(one or other for one, other in paths)))
    return system_calls


def run_with_failures(
    code: str, *arguments: str, failures: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """A finished Python process, in which system calls failed.

    Args:
        code: the Python code.
        arguments: its arguments.
        failures: how the calls fail, as strace writes it: {"rename,renameat2": "error=EACCES"}.
    """
    options = ["-o", os.devnull]
    names = ",".join(failures)
    options += ["-e", f"trace={names}"]
    for calls, failure in failures.items():
        options += ["-e", f"inject={calls}:{failure}"]
    return _run(options, code, arguments)


def _run(
    options: list[str], code: str, arguments: tuple[str, ...]
) -> "subprocess.CompletedProcess[str]":
    command = ["strace", "-f", "-qq", *options, sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
    )
