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
    """Check that all rows and columns agree to 1e-9."""
    assert table.height == len(expected_rows)
    for row, expected_row in zip(table.to_dicts(), expected_rows, strict=True):
        for name, value in row.items():
            expected = expected_row[name]
            if isinstance(value, float) and expected is not None:
                assert math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-9), (
                    name,
                    row,
                    expected_row,
                )
            else:
                assert value == expected, (name, row, expected_row)
