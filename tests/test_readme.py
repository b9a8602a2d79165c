"""The README says what the code does: its tables, its result and its examples are held against the code."""

import argparse
import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import etelecom_analytics as et
from etelecom_analytics.archive.config import FLAT_FACTS
from etelecom_analytics.cli import app
from etelecom_analytics.metrics import DIMENSIONS, NOT_IN_RECORD
from etelecom_analytics.metrics.call_facts import SERVICE_LEVELS
from etelecom_analytics.schema import LEG_OUTCOMES

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def table(header: str) -> list[list[str]]:
    """The cells of the table under this header line."""
    found = re.search(rf"^{re.escape(header)}\n\|[-|]+\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert found, f"the README has no table {header}"
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in found[1].splitlines()
    ]


def named(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[f"`{row[0]}`", *row[1:]] for row in rows]


def test_every_measure_with_its_unit_and_formula():
    assert table("| measure | unit | formula |") == named(
        et.measures().select("name", "unit", "formula").rows()
    )


def test_every_service_level_with_its_formula_and_source():
    assert table("| variant | formula | who reckons so |") == named(
        [(name, each.formula, each.source) for name, each in SERVICE_LEVELS.items()]
    )


def test_all_that_is_refused_with_its_reason():
    told = {
        name.strip("`"): row[1]
        for row in table("| not in the record | why, and what to use instead |")
        for name in row[0].split(", ")
    }

    assert told == dict(NOT_IN_RECORD)


def test_every_outcome():
    assert {row[0] for row in table("| outcome | a leg has it by the first rule that holds |")} == {
        f"`{word}`" for word in LEG_OUTCOMES
    }


def test_every_dimension():
    found = re.findall(r"`(\w+)`", README.split("## Dimensions")[1].split("## Settings")[0])

    assert [name for name in dict.fromkeys(found) if name in DIMENSIONS] == list(DIMENSIONS)


@pytest.mark.parametrize(
    "settings",
    [et.MetricOptions, et.Retry, et.FetchOptions, et.Privacy],
    ids=lambda settings: settings.__name__,
)
def test_every_setting_with_its_default(settings: Any):
    rows = table(f"| `{settings.__name__}` | default | meaning |")

    expected = [
        [f"`{field.name}`", f"`{field.default!r}`".replace("'", '"')]
        for field in dataclasses.fields(settings)
    ]
    assert [row[:2] for row in rows] == expected
    assert all(row[2] for row in rows)


def test_every_command_with_its_help():
    commands = next(
        action
        for action in app._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )

    assert table("| command | what it does |") == [
        [f"`etelecom {each.dest}`", each.help] for each in commands._choices_actions
    ]


def test_every_flat_fact_of_an_archive():
    assert [row[0] for row in table("| column | meaning |")] == [f"`{name}`" for name in FLAT_FACTS]


def test_the_result_stands_before_line_25_and_is_the_demos_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    assert app.main(["demo", "--output", str(tmp_path / "demo")]) == 0

    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(printed) == 9
    assert printed == [line for line in README.splitlines()[:25] if line.startswith("|")]


def test_the_two_commands_are_these():
    lines = README.splitlines()

    assert lines.count("    pip install . && etelecom demo") == 1
    assert lines.count('    pip install ".[test]" && pytest') == 1


def test_the_examples_run(client: et.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """All Python of the README, from top to bottom, against the simulated server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", client.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", et.simulator.API_KEY)
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    names: dict[str, Any] = {}

    exec(code, names)  # this is what a reader does  # noqa: S102
    assert names["calls_in"].height > 100


def test_every_name_of_the_package_that_is_told_exists():
    for name in set(re.findall(r"\bet\.(\w+)", README)):
        assert name in et.__all__
