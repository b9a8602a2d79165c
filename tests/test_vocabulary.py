"""The project's words: plain English and the standard terms of the field.

The list is short on purpose. It holds the words and names that were replaced once and must not
come back. `CHANGELOG.md` tells which name became which, so it is left out.
"""

import ast
import io
import json
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

BANNED_TEXT = {
    r"\breckon\w*": "compute, calculation",
    r"\bcalls in(?=[\s]*(?:[,.;:!?)\]\"'`|<]|$))": "inbound calls",
    r"\bof direction in\b|\bdirection in(?=[,.;:)\"'`<]|$)": "inbound",
    r"\bdoubts?\b": "confidence interval, uncertainty",
    r"\bwhat this says, and of what\b": "About this report",
    r"\bwhat is wrong in the record\b": "Data quality",
    r"\b90 % wait\b": "90th-percentile wait",
    r"\boutside numbers?\b": "external phone numbers",
    r"\bthe period before\b": "previous period",
}
"""Patterns of text, and what to write instead. They are searched in prose, strings and comments."""

PARTICIPLES = {"told", "asked", "given", "found", "came", "said"}
"""Variables and parameters are nouns for what the value is."""

OLD_IDENTIFIERS = {
    "HEADLINE", "LossRefused", "NotInRecord", "Charter", "Gathering", "Withheld", "Settling",
    "calls_behind", "period_before", "comparison_words", "promises_nothing", "made_by",
    "complete_words", "no_calls", "dressed", "glance", "glance_calls", "beside",
}  # fmt: skip
"""Identifiers that were replaced, wherever they are used as a name, attribute, parameter or key."""

OLD_KEYWORDS = {"most", "beside"}
"""Parameters that were replaced."""

OLD_ATTRIBUTES = {
    "CallLogs.report": {"promises_nothing", "unfetched", "within"},
    "metrics": {"quality", "calls_behind", "period_before", "comparison_texts", "HEADLINE"},
    "explorer": {"beside", "numbers"},
    "selection": {"asked", "behind", "prepare", "places"},
    "privacy": {"told"},
}
"""Attributes that were replaced, by the variable that usually holds their old owner."""

OLD_MODULES = {
    "pasting", "clock", "numbers", "values", "records", "bulk", "commands",
    "api.gather", "api.glance", "api.walk", "reports.telling", "reports.disclosure",
    "metrics.facts", "metrics.outcomes", "metrics.stages", "metrics.hunting", "metrics.phases",
    "metrics.levels", "metrics.scorecard", "metrics.freshness", "metrics.behind", "metrics.waits",
    "metrics.rings", "metrics.bins", "metrics.profile", "metrics.period",
    "metrics.comparison_words", "metrics.refused", "metrics.directions", "metrics.coverage",
    "charts.asked", "charts.group_marks", "charts.groups", "charts.panels", "charts.rates",
    "charts.ring", "charts.waits", "charts.lost", "charts.legs", "charts.lines", "charts.staff",
    "charts.heat", "charts.levels", "charts.curves", "charts.hunts",
    "widgets.settling", "widgets.picking", "widgets.choice", "widgets.history", "widgets.period",
    "widgets.beside", "widgets.saving", "widgets.exporting", "widgets.headline",
    "widgets.call_rows", "widgets.row_table", "widgets.chart_tabs", "widgets.figures",
    "archive.store", "archive.layout",
}  # fmt: skip
"""Modules that were replaced, below `etelecom_analytics`."""


class Passage(NamedTuple):
    """A piece of text, and where it stands."""

    place: str
    text: str


def tracked(*suffixes: str) -> list[Path]:
    """The files of the project with one of these endings."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = (ROOT / line for line in listing.stdout.splitlines())
    skipped = {Path(__file__).name, "CHANGELOG.md"}
    return [path for path in paths if path.suffix in suffixes and path.name not in skipped and path.is_file()]


def python_files() -> list[Path]:
    return tracked(".py")


def passages_of_python(path: Path) -> Iterator[Passage]:
    """Strings and comments: what a person reads."""
    source = path.read_text(encoding="utf-8")
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in kinds:
            yield Passage(f"{path.relative_to(ROOT)}:{token.start[0]}", token.string)


def passages_of_notebook(path: Path) -> Iterator[Passage]:
    for index, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        place = f"{path.relative_to(ROOT)} cell {index}"
        yield Passage(place, "".join(cell["source"]))
        for output in cell.get("outputs", []):
            texts = [output.get("text", []), *output.get("data", {}).values()]
            yield Passage(place, "\n".join(text if isinstance(text, str) else json.dumps(text) for text in texts))


def passages() -> Iterator[Passage]:
    for path in tracked(".py", ".ipynb", ".md", ".j2", ".js", ".toml", ".sh"):
        match path.suffix:
            case ".py":
                yield from passages_of_python(path)
            case ".ipynb":
                yield from passages_of_notebook(path)
            case _:
                for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                    yield Passage(f"{path.relative_to(ROOT)}:{number}", line)


@pytest.mark.parametrize("pattern", BANNED_TEXT)
def test_text_uses_plain_words(pattern: str):
    banned = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    places = [f"{place}: {match.group()!r}" for place, text in passages() for match in banned.finditer(text)]

    assert not places, f"Write {BANNED_TEXT[pattern]!r} instead:\n" + "\n".join(places[:40])


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every identifier that the code defines or uses."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.alias(name=name, asname=alias):
                yield node.lineno, alias or name.rpartition(".")[2]
            case ast.Dict(keys=keys):
                for key in keys:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield key.lineno, key.value


def variables_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every variable, attribute and parameter that the code assigns."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_names_are_the_present_ones(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    old = [f"line {line}: {name}" for line, name in names_in(tree) if name in OLD_IDENTIFIERS]
    old += [
        f"line {node.lineno}: {node.arg}="
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword | ast.arg) and node.arg in OLD_KEYWORDS
    ]  # fmt: skip
    old += [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and any(
            node.attr in names and ast.unparse(node.value).rpartition(".")[2] in (owner, owner.rpartition(".")[2], "desk" if owner == "explorer" else owner)
            for owner, names in OLD_ATTRIBUTES.items()
        )
    ]
    assert not old, "\n".join(old)


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_variables_are_nouns(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    participles = [
        f"line {line}: {name}"
        for line, name in variables_in(tree)
        if PARTICIPLES & set(name.strip("_").split("_"))
    ]

    assert not participles, "\n".join(participles)


def test_replaced_modules_are_gone():
    package = ROOT / "etelecom_analytics"
    there = [name for name in OLD_MODULES if (package / f"{name.replace('.', '/')}.py").exists()]
    assert not there

    dotted = re.compile(r"\betelecom_analytics[./](" + "|".join(re.escape(name).replace(r"\.", "[./]") for name in sorted(OLD_MODULES, key=len, reverse=True)) + r")(?:\.py)?\b(?![./_\w])")
    mentions = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked(".py", ".ipynb", ".md", ".toml", ".j2")
        for match in dotted.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not mentions, "\n".join(mentions)


def test_the_checks_notice_what_they_look_for():
    """A check that matches nothing would pass on anything."""
    samples = {
        r"\breckon\w*": "how it is reckoned",
        r"\bcalls in(?=[\s]*(?:[,.;:!?)\]\"'`|<]|$))": "Of 10 calls in, 3 were missed",
        r"\bof direction in\b|\bdirection in(?=[,.;:)\"'`<]|$)": "calls of direction in, by day",
        r"\bdoubts?\b": "with its doubt",
        r"\bwhat this says, and of what\b": "What this says, and of what",
        r"\bwhat is wrong in the record\b": "What is wrong in the record",
        r"\b90 % wait\b": "90 % wait",
        r"\boutside numbers?\b": "outside numbers",
        r"\bthe period before\b": "the period before",
    }
    assert set(samples) == set(BANNED_TEXT)
    for pattern, text in samples.items():
        assert re.search(pattern, text, re.IGNORECASE | re.MULTILINE), pattern
    assert not re.search(list(samples)[1], "the calls in this table", re.IGNORECASE)

    tree = ast.parse("def f(asked, *, most=1):\n    rows_found = table.told = g(given=asked)\n")
    assert [name for _, name in variables_in(tree)] == ["asked", "most", "rows_found", "told", "given"] or {
        "asked", "most", "rows_found", "told", "given"
    } == {name for _, name in variables_in(tree)}  # fmt: skip
