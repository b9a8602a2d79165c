"""The public API: its names and its fast import; and the rules for the modules of the package."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import etelecom_analytics as et

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "etelecom_analytics"
MAX_LINES = 320
NAMES = [
    "Archive",
    "CallLogs",
    "CallQuery",
    "ChartView",
    "Client",
    "Desk",
    "Drift",
    "Explorer",
    "ExtraRequests",
    "Fetch",
    "FetchOptions",
    "FetchPanel",
    "FetchReport",
    "FetchStopped",
    "FilterPanel",
    "Gap",
    "HotlineLabels",
    "IncompleteFetch",
    "IncompleteSync",
    "MetricOptions",
    "Page",
    "PageSetAside",
    "Privacy",
    "Retry",
    "SetAside",
    "Site",
    "Tariff",
    "Window",
    "archive",
    "call_targets",
    "charts",
    "engines",
    "errors",
    "fetch_calls",
    "fetch_extensions",
    "fetch_hotlines",
    "fetch_users",
    "fetcher",
    "finish",
    "mask_numbers",
    "measures",
    "measures_sql",
    "merge_logs",
    "metrics",
    "normalize_phone_number",
    "partial",
    "pseudonymize",
    "read_snapshot",
    "reconcile",
    "reports",
    "sample_logs",
    "simulate_calls",
    "simulator",
    "suggest_numbers",
    "summarize",
    "write_charts",
    "write_page",
    "write_report",
    "write_snapshot",
    "write_workbook",
]


def test_public_names():
    assert sorted(et.__all__) == sorted(NAMES)
    assert set(NAMES) <= set(dir(et))


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_documented(name: str):
    assert getattr(et, name).__doc__


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fetch_call'"):
        _ = et.fetch_call


def test_dir_lists_only_public_names():
    assert sorted(dir(et)) == sorted([*NAMES, "__version__"])


def output_of(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_import_loads_no_large_dependency():
    names = ["altair", "anywidget", "duckdb", "ipywidgets", "pandas", "polars", "requests", "tqdm"]
    code = (
        f"import sys, etelecom_analytics; print([name for name in {names} if name in sys.modules])"
    )

    assert output_of(code) == "[]"


def test_summarize_loads_neither_client_nor_widgets():
    code = (
        "import sys, etelecom_analytics as et; et.summarize; "
        "print([name for name in ('requests', 'tqdm', 'ipywidgets') if name in sys.modules])"
    )

    assert output_of(code) == "[]"


def test_version_is_that_of_pyproject():
    assert (
        et.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    )


def test_the_source_distribution_has_all_of_the_tests():
    """Tests import from `tests/benchmarks`, too."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    excluded = [ROOT / entry.lstrip("/") for entry in settings["targets"]["sdist"]["exclude"]]
    assert [
        path
        for path in (ROOT / "tests").rglob("*.py")
        if not {path, *path.parents}.isdisjoint(excluded)
    ] == []


def test_package_is_marked_as_typed():
    assert Path(et.__file__).with_name("py.typed").is_file()


# Rules for modules.


def module_name(path: Path) -> str:
    """The dotted name of the module in this file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
PACKAGES = [name for name, path in MODULES.items() if path.name == "__init__.py"]


@cache
def syntax_tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def declared_names(module: str) -> frozenset[str] | None:
    """The names in `__all__`, or None if the module does not declare it."""
    for node in syntax_tree(module).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return frozenset(ast.literal_eval(value))
            case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                return frozenset(ast.literal_eval(value))
    return None


def package_imports(module: str) -> Iterator[tuple[str, str]]:
    """The pairs of module and name that are imported from modules of this package."""
    is_package = MODULES[module].name == "__init__.py"
    for node in ast.walk(syntax_tree(module)):
        if not isinstance(node, ast.ImportFrom):
            continue
        parents = module.split(".")[: None if is_package else -1]
        parents = parents[: len(parents) - node.level + 1] if node.level else []
        source = ".".join([*parents, *([node.module] if node.module else [])])
        if source.split(".")[0] == PACKAGE.name:
            yield from ((source, alias.name) for alias in node.names)


def test_modules_are_found():
    assert {"etelecom_analytics", "etelecom_analytics.metrics", "etelecom_analytics.errors"} <= {
        *MODULES
    }
    assert ("etelecom_analytics.errors", "InputError") in package_imports("etelecom_analytics.logs")
    assert ("etelecom_analytics", "frames") in package_imports("etelecom_analytics.logs")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_has_the_name_of_a_function_of_its_package(package: str):
    namespace = importlib.import_module(package)
    functions = {
        name
        for name in getattr(namespace, "__all__", ())
        if inspect.isfunction(getattr(namespace, name))
    }

    assert not functions & {module.name for module in pkgutil.iter_modules(namespace.__path__)}


def has_code(module: str) -> bool:
    return any(not isinstance(node, ast.Expr) for node in syntax_tree(module).body)


def test_modules_with_code_declare_all():
    assert [
        module for module in MODULES if has_code(module) and declared_names(module) is None
    ] == []


def test_all_lists_existing_names():
    assert [
        f"{module}.{name}"
        for module in MODULES
        for name in declared_names(module) or ()
        if not hasattr(importlib.import_module(module), name)
    ] == []


def test_modules_import_only_names_in_all():
    assert [
        f"{module} imports {source}.{name}"
        for module in MODULES
        for source, name in package_imports(module)
        if f"{source}.{name}" not in MODULES
        and name not in {"__version__", *(declared_names(source) or ())}
    ] == []


def test_no_module_is_too_long():
    lines = {
        module: path.read_text(encoding="utf-8").count("\n") for module, path in MODULES.items()
    }

    assert {module: count for module, count in lines.items() if count > MAX_LINES} == {}
