"""The public surface: its names, and that importing costs next to nothing."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import etelecom_analytics as et

ROOT = Path(__file__).parent.parent
NAMES = [
    "Archive", "IncompleteSync",
    "CallLogs", "CallQuery", "ChartView", "Client", "Explorer", "FetchOptions", "FetchPanel", "FetchReport", "FetchStopped", "FilterPanel",
    "IncompleteFetch", "MetricOptions", "Page", "Privacy", "Retry", "call_targets", "charts", "errors", "fetch_calls", "fetch_extensions",
    "fetch_hotlines", "fetch_users", "fetcher", "mask_numbers", "measures", "merge_logs", "metrics",
    "pseudonymize", "read_snapshot", "reports", "simulate_calls", "simulator",
    "summarize", "write_charts", "write_page", "write_report", "write_snapshot",
]  # fmt: skip


def test_the_public_names_are_these():
    assert sorted(et.__all__) == sorted(NAMES)
    assert set(NAMES) <= set(dir(et))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_documented(name: str):
    assert getattr(et, name).__doc__


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fetch_call'"):
        _ = et.fetch_call


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_importing_loads_nothing_heavy():
    heavy = "altair anywidget duckdb ipywidgets pandas polars requests tqdm"
    code = f"import sys, etelecom_analytics; print([name for name in '{heavy}'.split() if name in sys.modules])"

    assert python(code) == "[]"


def test_measuring_loads_neither_the_client_nor_a_widget():
    code = "import sys, etelecom_analytics as et; et.summarize; print([n for n in ('requests', 'tqdm', 'ipywidgets') if n in sys.modules])"

    assert python(code) == "[]"


def test_the_version_is_in_one_place():
    assert (
        et.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    )


def test_the_package_says_that_it_is_typed():
    assert Path(et.__file__).with_name("py.typed").is_file()
