"""Real calls, stored outside the project: located by an environment variable, read with json."""

import gzip
import json
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etelecom_analytics import schema

VARIABLE = "ETELECOM_REAL_CALLS"
"""The environment variable with the path of a gzipped file: one call log of the API per line."""

needs_real_calls = pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"{VARIABLE} is not set")

_ZERO_TIME = "0001-01-01T00:00:00Z"


@cache
def real_calls() -> pl.DataFrame:
    """The calls of the file, with the types of the schema."""
    with gzip.open(Path(os.environ[VARIABLE]), "rt", encoding="utf-8") as lines:
        return pl.DataFrame(
            [_call(json.loads(line)) for line in lines], schema=dict(schema.CALL_SCHEMA)
        )


def _call(log: dict[str, Any]) -> dict[str, Any]:
    call = {
        column.name: _value(column, log[column.name])
        for column in schema.CALLS
        if column.kind != schema.Kind.LEGS
    }
    call["call_targets"] = [
        {column.name: _value(column, leg[column.name]) for column in schema.LEGS}
        for leg in log["call_targets"] or []
    ]
    return call


def _value(column: schema.Column, value: Any) -> Any:
    if value == "" or (column.kind == schema.Kind.ID and value == "0"):
        return None
    if column.kind == schema.Kind.TIME:
        return None if value == _ZERO_TIME else datetime.fromisoformat(value).astimezone(UTC)
    if column.kind == schema.Kind.LINKS:
        return [link for link in value or [] if link]
    return value
