"""The measures by grain, and the comparison of a table with the rows of a second opinion."""

import math
from collections.abc import Sequence
from typing import Any

import polars as pl

from etelecom_analytics.metrics import MEASURES

__all__ = ["CALL_MEASURES", "LEG_MEASURES", "OFFER_MEASURES", "assert_agree"]

CALL_MEASURES = [name for name, each in MEASURES.items() if each.grain == "calls"]


OFFER_MEASURES = [name for name, each in MEASURES.items() if each.grain == "offers"]


LEG_MEASURES = [name for name, each in MEASURES.items() if each.grain == "legs"]


def assert_agree(table: pl.DataFrame, expected_rows: Sequence[dict[str, Any]]) -> None:
    """Check that all rows and columns agree to 1e-9, also the numbers in lists."""
    assert table.height == len(expected_rows)
    for row, expected_row in zip(table.to_dicts(), expected_rows, strict=True):
        for name, value in row.items():
            assert _is_close(value, expected_row[name]), (name, row, expected_row)


def _is_close(value: Any, expected: Any) -> bool:
    if isinstance(value, list) and isinstance(expected, list):
        return len(value) == len(expected) and all(map(_is_close, value, expected))
    if isinstance(value, float) and expected is not None:
        return math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-9)
    return bool(value == expected)
