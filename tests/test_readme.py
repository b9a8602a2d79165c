"""The README says what the code does, and its commands and its Python run."""

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import etelecom_analytics as et
from etelecom_analytics.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
START = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
MAX_LINES, RESULT_LINE, MAX_COMMANDS = 200, 25, 8
SERVED_CALLS = 300


def commands_of(text: str) -> list[str]:
    """The indented and the quoted commands of a page, in order."""
    pattern = r"^ {4,8}((?:pip install|etelecom) .+)$|`((?:pip install|etelecom) [^`]+)`"
    return [one or other for one, other in re.findall(pattern, text, re.MULTILINE)]


def test_length_of_the_readme():
    assert README.count("\n") <= MAX_LINES


def test_every_command_with_its_help():
    commands = next(
        action
        for action in app._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    table = README.split("| command | what it does |\n|---|---|\n")[1].split("\n\n")[0]

    assert table.splitlines() == [
        f"| `etelecom {each.dest}` | {each.help} |" for each in commands._choices_actions
    ]


@pytest.mark.slow
def test_the_result_is_near_the_top_and_that_of_the_demo(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    assert app.main(["demo", "--output", str(tmp_path / "demo")]) == 0

    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(printed) == 9
    top = README.splitlines()[: RESULT_LINE - 1]
    assert printed == [line for line in top if line.startswith("|")]


def test_the_two_commands_for_a_start_and_for_the_tests():
    lines = README.splitlines()

    assert lines.count("    pip install . && etelecom demo") == 1
    assert lines.count('    pip install ".[test]" && pytest') == 1


def test_links_lead_to_files():
    targets = re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", README)

    assert len(targets) > 10
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.slow
def test_python_of_the_readme_runs(
    client: et.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """From top to bottom, against a simulated server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", client.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", et.simulator.API_KEY)
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    names: dict[str, Any] = {}

    exec(code, names)  # this is what a reader does  # noqa: S102
    assert names["inbound"].height > 100
    assert Path("report.html").is_file()


@pytest.fixture
def settings_of_a_server(tmp_path: Path) -> Iterator[str]:
    """The two lines that `etelecom serve` prints for a file .env."""
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "etelecom_analytics",
            "serve",
            "--calls",
            str(SERVED_CALLS),
            "--port",
            "0",
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            printed = ""
            while "Ctrl-C" not in printed and (line := server.stdout.readline()):
                printed += line
            yield "\n".join(re.findall(r"^ETELECOM_\w+=.+$", printed, re.MULTILINE))
        finally:
            server.send_signal(signal.SIGINT)


@pytest.mark.slow
def test_newcomers_path_from_clone_to_report(settings_of_a_server: str, tmp_path: Path):
    """Clone, install, write .env, check, fetch, report: the commands of the first page."""
    begins = ("pip install .", "etelecom check", "etelecom fetch data", 'pip install ".[report]"')
    commands = [
        next(command for command in commands_of(START) if command.startswith(begin))
        for begin in (*begins, "etelecom report data")
    ]
    assert all(command in README for command in commands[: len(begins)])
    assert len(["git clone", "edit .env", *commands]) <= MAX_COMMANDS

    (tmp_path / ".env").write_text(settings_of_a_server, encoding="utf-8")
    for command in commands:
        program, *arguments = shlex.split(command)
        if program == "etelecom":
            subprocess.run(
                [sys.executable, "-m", "etelecom_analytics", *arguments],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                check=True,
            )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Answer rate" in page
    assert et.read_snapshot(tmp_path / "data" / "2026-11-w1").calls.height == SERVED_CALLS
