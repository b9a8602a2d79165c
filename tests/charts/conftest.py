"""Calls for charts."""

import importlib.util
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics import schema

TESTS = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def sample() -> et.CallLogs:
    return et.read_snapshot(TESTS.parent / "data" / "sample")


@pytest.fixture(scope="session")
def one_call(calls: pl.DataFrame) -> pl.DataFrame:
    """A single call that was answered."""
    return (
        calls.filter(direction="in", call_state="answered")
        .drop_nulls("ended_at")
        .sort("id")
        .head(1)
    )


@pytest.fixture(scope="session")
def no_call() -> pl.DataFrame:
    return pl.DataFrame(schema=dict(schema.CALL_SCHEMA))


@pytest.fixture(scope="session")
def null_row() -> pl.DataFrame:
    """A call with null in every column."""
    return pl.DataFrame([dict.fromkeys(schema.CALL_SCHEMA)], schema=dict(schema.CALL_SCHEMA))


@pytest.fixture(scope="session")
def real_calls() -> pl.DataFrame:
    """The calls of the file that the environment sets; skipped without one."""
    module = _module(TESTS / "metrics" / "real_calls.py")
    if module.needs_real_calls.args[0]:
        pytest.skip(module.needs_real_calls.kwargs["reason"])
    return module.real_calls()


def _module(path: Path) -> ModuleType:
    """Load a test module that may not be on the path."""
    spec = importlib.util.spec_from_file_location(f"charts_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
