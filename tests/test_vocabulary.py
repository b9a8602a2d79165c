"""The project's words: plain English and the standard terms of the field.

The list is short on purpose. It holds the words and names that were replaced once and must not
come back. `CHANGELOG.md` lists old and new names, so it is left out.
"""

import ast
import io
import json
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BANNED_TEXT = {
    "compute, calculation": (r"\breckon\w*", "how it is reckoned"),
    "inbound calls": (
        r"\bcalls in(?=\s*(?:[,.;:!?)\]\"'`|<]|$))",
        "Of 10 calls in, 3 were missed",
    ),
    "inbound": (
        r"\bof direction in\b|\bdirection in(?=[,.;:)\"'`<]|$)",
        "calls of direction in, by day",
    ),
    "confidence interval, uncertainty": (r"\bdoubts?\b", "a share with its doubt"),
    "About this report": (r"\bwhat this says, and of what\b", "What this says, and of what"),
    "Data quality": (r"\bwhat is wrong in the record\b", "What is wrong in the record"),
    "90th-percentile wait": (r"\b90 % wait\b", "the 90 % wait"),
    "external phone numbers": (r"\boutside numbers?\b", "outside numbers are masked"),
    "previous period": (r"\bthe period before\b", "against the period before"),
}
"""What to write, the pattern to replace, and a text that the pattern must match."""

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
    "report": {"promises_nothing", "unfetched", "within"},
    "metrics": {"quality", "calls_behind", "period_before", "comparison_texts", "HEADLINE"},
    "explorer": {"beside", "numbers"},
    "desk": {"beside", "numbers"},
    "selection": {"asked", "behind", "prepare", "places"},
    "privacy": {"told"},
}
"""Attributes that were replaced, by the name that usually holds their owner."""

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


@cache
def tracked(*suffixes: str) -> list[Path]:
    """The files of the project with one of these endings."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    skipped = {Path(__file__).name, "CHANGELOG.md"}
    paths = [ROOT / line for line in listing.stdout.splitlines()]
    return [
        path
        for path in paths
        if path.suffix in suffixes and path.name not in skipped and path.is_file()
    ]


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax tree of each Python file, by its path in the project."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
        for path in tracked(".py")
    }


def python_passages(source: str) -> Iterator[tuple[int, str]]:
    """Strings and comments with their lines: what a person reads."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            yield token.start[0], token.string


def notebook_passages(source: str) -> Iterator[tuple[int, str]]:
    """Sources and outputs of the cells."""
    for index, cell in enumerate(json.loads(source)["cells"]):
        yield index, "".join(cell["source"])
        for output in cell.get("outputs", []):
            for text in [output.get("text", ""), *output.get("data", {}).values()]:
                yield index, text if isinstance(text, str) else json.dumps(text)


@cache
def passages() -> list[tuple[str, str]]:
    """Every piece of text that a person reads, and its place."""
    readers = {".py": python_passages, ".ipynb": notebook_passages}
    return [
        (f"{path.relative_to(ROOT)}:{place}", text)
        for path in tracked(".py", ".ipynb", ".md", ".j2", ".js", ".toml", ".yml")
        for place, text in readers.get(
            path.suffix, lambda source: enumerate(source.splitlines(), 1)
        )(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.slow
@pytest.mark.parametrize("wording", BANNED_TEXT)
def test_text_uses_plain_words(wording: str):
    pattern, example = BANNED_TEXT[wording]
    banned = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    assert banned.search(example)
    assert not banned.search("the calls in this table; no calls in the archive")

    places = [
        f"{place}: {match[0]!r}" for place, text in passages() if (match := banned.search(text))
    ]
    assert not places, f"write {wording!r} instead:\n" + "\n".join(places)


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every identifier and every key of a dictionary, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.alias(name=name, asname=alias):
                yield node.lineno, alias or name.rpartition(".")[2]
            case ast.Dict(keys=keys):
                for key in keys:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield key.lineno, key.value


def variables_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every variable, attribute and parameter that gets a value, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name


def old_names_in(tree: ast.AST) -> Iterator[str]:
    """Names, parameters and attributes that were replaced."""
    for line, name in names_in(tree):
        if name in OLD_IDENTIFIERS:
            yield f"line {line}: {name}"
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg=str(name)) | ast.arg(arg=str(name)) if name in OLD_KEYWORDS:
                yield f"line {node.lineno}: {name}="
            case ast.Attribute(attr=name, value=owner):
                owner_name = ast.unparse(owner).rpartition(".")[2]
                if name in OLD_ATTRIBUTES.get(owner_name, ()):
                    yield f"line {node.lineno}: {owner_name}.{name}"


def participles_in(tree: ast.AST) -> Iterator[str]:
    """Variables and parameters that are called by a participle."""
    for line, name in variables_in(tree):
        if PARTICIPLES & set(name.strip("_").split("_")):
            yield f"line {line}: {name}"


@pytest.mark.slow
def test_names_are_the_present_ones():
    bad = ast.parse("explorer.beside\nf(most=3)\ndef g(most): HEADLINE\n{'beside': 1}")
    assert len(list(old_names_in(bad))) == 6

    old = [f"{path} {name}" for path, tree in trees().items() for name in old_names_in(tree)]
    assert not old, "\n".join(old)


@pytest.mark.slow
def test_variables_are_nouns():
    bad = ast.parse("def f(asked, _told=1):\n    rows_found = self.came = g(given=asked)\n")
    assert len(list(participles_in(bad))) == 5

    participles = [
        f"{path} {name}" for path, tree in trees().items() for name in participles_in(tree)
    ]
    assert not participles, "\n".join(participles)


@pytest.mark.slow
def test_replaced_modules_are_gone():
    package = ROOT / "etelecom_analytics"
    assert not [name for name in OLD_MODULES if (package / f"{name.replace('.', '/')}.py").exists()]

    paths = "|".join(
        name.replace(".", "[./]") for name in sorted(OLD_MODULES, key=len, reverse=True)
    )
    path = re.compile(rf"\betelecom_analytics[./](?:{paths})(?:\.py)?\b(?![./\w])")
    assert path.search("from etelecom_analytics.clock import zone")
    assert not path.search("etelecom_analytics/parsing/values.py")

    mentions = [
        f"{place}: {match[0]}" for place, text in passages() if (match := path.search(text))
    ]
    mentions += [
        f"{file}:{node.lineno}: {node.module}"
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and path.search(f"{node.module} ")
    ]
    assert not mentions, "\n".join(mentions)
