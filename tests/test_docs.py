"""The documentation is complete, agrees with the code, and its Python runs."""

import argparse
import functools
import importlib.util
import inspect
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import pytest

import etelecom_analytics as et
from etelecom_analytics.archive.config import FLAT_FACTS
from etelecom_analytics.cli import app
from etelecom_analytics.engines.flat_tables import flat_tables
from etelecom_analytics.engines.sql_queries import NOT_IN_TABLES
from etelecom_analytics.metrics import (
    CHECKS,
    DIMENSIONS,
    MEASURES,
    UNAVAILABLE_MEASURES,
    VISIT_OUTCOMES,
)
from etelecom_analytics.metrics.call_endings import ENDINGS
from etelecom_analytics.metrics.call_facts import SERVICE_LEVELS
from etelecom_analytics.metrics.dimensions import OWNER_DIMENSIONS
from etelecom_analytics.schema import LEG_KINDS, LEG_OUTCOMES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGE = Path(et.__file__).parent
NAMESPACES = {
    "et": et,
    "et.archive": et.archive,
    "et.charts": et.charts,
    "et.engines": et.engines,
    "et.errors": et.errors,
    "et.metrics": et.metrics,
    "et.reports": et.reports,
    "et.simulator": et.simulator,
}
SETTINGS = (et.MetricOptions, et.Retry, et.FetchOptions, et.Privacy)


def load_hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def page(name: str) -> str:
    """The Markdown of a page with its generated tables."""
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    return str(load_hooks().on_page_markdown(text))


def identity(path: str, value: object) -> object:
    """The same for all public paths of a class or function; constants have one path only."""
    if inspect.isclass(value) or inspect.isroutine(inspect.unwrap(value)):  # type: ignore[arg-type]
        function = inspect.unwrap(value)  # type: ignore[arg-type]
        return function.__module__, function.__qualname__
    return path


def public_values() -> dict[str, object]:
    """All public functions, classes and constants by path; modules are namespaces."""
    return {
        f"{namespace}.{name}": getattr(module, name)
        for namespace, module in NAMESPACES.items()
        for name in module.__all__
        if not inspect.ismodule(getattr(module, name))
    }


PUBLIC = public_values()


def value_at(identifier: str) -> object:
    value: object = et
    for name in identifier.split(".")[1:]:
        value = getattr(value, name)
    return value


def test_every_namespace_is_public():
    modules = {f"et.{name}" for name in et.__all__ if inspect.ismodule(getattr(et, name))}

    assert modules == NAMESPACES.keys() - {"et"}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_dir_lists_public_names_only(namespace: str):
    module = NAMESPACES[namespace]

    assert {*dir(module)} - {"__version__"} == {*module.__all__}


def test_every_public_name_is_on_one_reference_page():
    identifiers = [
        identifier
        for path in sorted((DOCS / "reference").glob("*.md"))
        for identifier in re.findall(r"^::: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    listed = Counter(identity(each, value_at(each)) for each in identifiers)
    expected = {identity(path, value): path for path, value in PUBLIC.items()}

    assert {path for key, path in expected.items() if key not in listed} == set()
    assert {key for key, count in listed.items() if count > 1} == set()
    assert listed.keys() == expected.keys()


def test_reference_pages_are_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}

    assert pages == set(re.findall(r"[\w/-]+\.md", navigation.split("\nnav:")[1]))


def test_the_reference_has_inherited_members():
    """Most methods of archives and panels are those of a base class, which has no page."""
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")

    assert re.search("^ +inherited_members: true$", settings, re.MULTILINE)


def test_headings_are_public_paths():
    text = load_hooks().on_page_markdown("::: et.metrics.funnel\n")

    assert text.startswith("::: etelecom_analytics.metrics.funnel\n    options:")
    assert "heading: et.metrics.funnel" in text


def test_every_public_function_and_class_has_an_example():
    assert [
        path
        for path, value in PUBLIC.items()
        if callable(value) and not (inspect.isclass(value) and issubclass(value, Exception))
        if not hasattr(value, "__args__")  # type aliases
        if not re.search(r"^Examples:\n    >>> ", inspect.getdoc(value) or "", re.MULTILINE)
    ] == []


def package_classes(hint: object) -> Iterator[type]:
    """The classes of this package in a type annotation."""
    if inspect.isclass(hint) and hint.__module__.startswith(et.__name__):
        yield hint
    for argument in getattr(hint, "__args__", ()):
        yield from package_classes(argument)


def test_every_returned_type_has_a_public_path():
    """Types that public functions, methods, properties and attributes return."""
    public = {identity(path, value) for path, value in PUBLIC.items()}
    hidden = set()
    for path, value in PUBLIC.items():
        members = [value] if inspect.isroutine(value) else []
        if inspect.isclass(value) and value.__module__.startswith(et.__name__):
            attributes = {name: each for name, each in vars(value).items() if name[0] != "_"}
            members += [each for each in attributes.values() if inspect.isfunction(each)]
            members += [each.fget for each in attributes.values() if isinstance(each, property)]
            hints = get_type_hints(value)
            returned = [hints[name] for name in hints if not name.startswith("_")]
        else:
            returned = []
        returned += [get_type_hints(member).get("return") for member in members]
        hidden |= {
            f"{path} -> {kind.__module__}.{kind.__qualname__}"
            for hint in returned
            for kind in package_classes(hint)
            if (kind.__module__, kind.__qualname__) not in public
        }

    assert hidden == set()


def test_every_error_is_explained():
    explained = set(re.findall(r"`(\w+)`", page("troubleshooting")))

    assert {*et.errors.__all__} - explained == {"EtelecomError"} - explained
    assert "et.errors.EtelecomError" in page("troubleshooting")


def test_every_measure_with_its_formula_and_source():
    text = page("measures")
    for measure in MEASURES.values():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{measure.name}` |"))
        for part in (measure.title, measure.unit, measure.formula(), measure.source):
            assert part.replace("|", "&#124;") in row


def test_every_quality_check_with_its_meaning():
    text = page("measures")

    assert [
        name for name, meaning in CHECKS.items() if f"| `{name}` | {meaning} |" not in text
    ] == []


def test_every_service_level_dimension_outcome_and_unavailable_measure():
    text = page("measures")
    for name, each in SERVICE_LEVELS.items():
        assert f"| `{name}` | {each.formula} | {each.source} |" in text
    for name, reason in UNAVAILABLE_MEASURES.items():
        row = next(line for line in text.splitlines() if f"`{name}`" in line and reason in line)
        assert row.startswith("| `")
    assert {*DIMENSIONS} <= set(re.findall(r"`(\w+)`", text.split("## Dimensions")[1]))
    outcomes = text.split("| outcome | rule |")[1].split("\n\n")[0]
    assert {*re.findall(r"^\| `(\w+)` \|", outcomes, re.MULTILINE)} == {*LEG_OUTCOMES}


def names_in_table(name: str, header: str) -> list[str]:
    """The first column of the table with this header, on a page."""
    table = page(name).split(header)[1].split("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_every_kind_ending_and_visit_to_a_queue():
    assert names_in_table("measures", "| kind | target |") == list(LEG_KINDS)
    assert {*names_in_table("measures", "| ending | rule |")} == {*ENDINGS}
    queues = page("measures").split("\n## Queues\n")[1].split("\n## ")[0]
    assert [outcome for outcome in VISIT_OUTCOMES if f"`{outcome}`" not in queues] == []


@pytest.mark.parametrize("owner", OWNER_DIMENSIONS)
def test_every_dimension_of_an_owner(owner: str):
    assert f"`{owner}`" in page("measures").split("| measures | by ")[1].split("\n")[0]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.__name__)
def test_every_option_with_its_default(settings: Any):
    rows = [line.split(" | ") for line in page("settings").splitlines()]
    for name, parameter in inspect.signature(settings).parameters.items():
        default = repr(parameter.default).replace("'", '"')
        row = next(row for row in rows if row[:2] == [f"| `{name}`", f"`{default}`"])
        assert len(row[2]) > 10


def test_every_environment_variable():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    variables = set(re.findall(r"\bETELECOM_[A-Z_]+\b", sources)) | set(
        re.findall(r'\b(?:environ(?:\.get)?|getenv)[(\[]"([A-Z_]+)"', sources)
    )

    assert {"ETELECOM_API_KEY", "ETELECOM_PRIVACY_KEY"} <= variables
    assert {name for name in variables if f"`{name}`" not in page("settings")} == set()


def test_every_command_with_every_option():
    commands = next(
        action
        for action in app._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ).choices
    text = page("settings")
    assert set(re.findall(r"^### `etelecom (\w+)`$", text, re.MULTILINE)) == commands.keys()
    for name, parser in commands.items():
        section = text.split(f"### `etelecom {name}`")[1].split("\n### ")[0]
        for action in parser._actions:
            for option in action.option_strings or [action.metavar]:
                assert str(option) in section


def test_every_column_of_published_tables():
    tables = flat_tables(et.sample_logs().calls, options=et.MetricOptions(), personal=True)

    text = page("sql")
    columns = {name for table in tables.values() for name in table.columns}
    assert columns - set(re.findall(r"`(\w+)`", text)) == set()
    assert set(re.findall(r"^\| `et\.[\w.]*?(\w+)` \|", text, re.MULTILINE)) == {*NOT_IN_TABLES}


def test_every_flat_fact_of_an_archive():
    table = page("archive").split("| column | meaning |")[1].split("\n\n")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(FLAT_FACTS)


RUN_PAGES = ["index", "archive", "engines", "sql", "bat-dau", "uncertainty", "reports"]


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN_PAGES)
def test_python_of_a_page_runs(
    name: str, client: et.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """From top to bottom, against a simulated server, where the commands above it were run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", client.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", et.simulator.API_KEY)
    if name == "bat-dau":
        et.write_snapshot(et.sample_logs(), "data/2026-11-w1")
    code = re.findall(r"```python\n(.*?)```", page(name), re.DOTALL)
    names: dict[str, Any] = (
        {"et": et, "client": client} if name in ("archive", "engines", "sql") else {}
    )

    assert code
    exec("\n".join(code), names)  # this is what a reader does  # noqa: S102


def test_every_page_with_python_is_run():
    pages = {path.stem for path in DOCS.glob("*.md") if "```python" in path.read_text("utf-8")}

    assert pages == {*RUN_PAGES, "environments"}
    assert "environments.md" in (ROOT / "tests/test_environments.py").read_text("utf-8")


@pytest.mark.slow
def test_spelling():
    result = subprocess.run(
        [sys.executable, "-m", "codespell_lib"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.stdout == ""
    assert result.returncode == 0, result.stderr


def test_every_name_of_the_package_in_the_text_exists():
    for path in [*DOCS.rglob("*.md"), ROOT / "README.md"]:
        for name in re.findall(r"\bet\.((?:\w+\.)?\w+)", path.read_text(encoding="utf-8")):
            namespace, _, member = name.rpartition(".")
            if not namespace or f"et.{namespace}" in NAMESPACES:
                assert hasattr(NAMESPACES[f"et.{namespace}" if namespace else "et"], member), name
