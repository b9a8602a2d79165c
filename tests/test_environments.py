"""The page on environments: its statements about pandas and processes are true."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.schema import CALL_SCHEMA

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PANDAS_TYPES = re.findall(
    r"^\| (`.*`.*?|ids.*?) \| (.*?) \| (.*?) \| (.*?) \|$",
    PAGE.partition("## pandas")[2].partition("## ")[0],
    re.MULTILINE,
)
CALLS = et.sample_logs().calls
TEXTS = [name for name, dtype in CALL_SCHEMA.items() if dtype == pl.String]


def columns_of(cell: str) -> list[str]:
    """The columns of a row of the table of types."""
    return re.findall(r"`(\w+)`", cell) or TEXTS


def matches(dtype: object, cell: str) -> bool:
    """Whether the name of a type is one of those in the table of types."""
    name = str(dtype).replace("String", "str").replace("Utf8", "str")
    shorts = [
        re.split(r"[:,]| from ", text)[0].replace("String", "str").removesuffix(")")
        for text in cell.split(", or ")
    ]
    return name.startswith(tuple(shorts))


def test_calls_survive_pandas():
    names: dict[str, Any] = {}
    exec(CODE[0], names)  # as a user does in a notebook  # noqa: S102

    assert type(names["frame"]).__module__.startswith("pandas")
    assert_frame_equal(names["calls"], CALLS)


@pytest.mark.parametrize("row", PANDAS_TYPES, ids=lambda row: row[0])
def test_types_in_pandas_are_those_of_the_page(row: tuple[str, str, str, str]):
    column, first, middle, last = row
    calls = CALLS
    if "with nulls" in column:
        calls = CALLS.with_columns(
            duration=pl.when(pl.int_range(pl.len()) > 0).then(pl.col("duration"))
        )
    frame = calls.to_pandas()
    result = pl.from_pandas(frame)

    for name in columns_of(column):
        assert matches(calls.schema[name], first), name
        assert matches(frame[name].dtype, middle), name
        if calls[name].null_count() != calls.height:
            assert matches(result.schema[name], last), name
    assert_frame_equal(result.cast(calls.schema), calls)


def test_page_lists_the_types_of_all_columns():
    listed = [name for row in PANDAS_TYPES for name in columns_of(row[0])]

    assert set(listed) == set(CALL_SCHEMA)


def test_measures_of_a_table_from_pandas_are_equal():
    calls = pl.from_pandas(CALLS.to_pandas())
    assert calls.schema != CALLS.schema

    assert_frame_equal(et.summarize(calls, by="day"), et.summarize(CALLS, by="day"))
    assert_frame_equal(et.FilterPanel(calls).filtered, CALLS)


@pytest.mark.slow
def test_spawned_process_computes_the_same():
    names: dict[str, Any] = {"et": et, "logs": et.sample_logs()}
    exec(CODE[1], names)  # as a user does in a notebook  # noqa: S102

    assert_frame_equal(names["daily"], et.summarize(CALLS, by="day"))


@pytest.mark.parametrize("name", ["JupyterLab", "marimo", "VS Code"])
def test_each_front_end_has_a_version_or_was_not_tried(name: str):
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {name}"))
    _, version, charts, panels = (cell.strip() for cell in row.strip("|").split("|"))

    assert (
        re.fullmatch(r"\d+\.\d+(\.\d+)?", version) or [version, charts, panels] == ["not tried"] * 3
    )
