"""Calls for charts."""

from pathlib import Path

import polars as pl
import pytest
from support.real_calls import needs_real_calls
from support.real_calls import real_calls as read_real_calls

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
    if needs_real_calls.args[0]:
        pytest.skip(needs_real_calls.kwargs["reason"])
    return read_real_calls()
