"""Pages with other rows: null lists, additional and duplicate records, unexpected values."""

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

from ..drift import UNEXPECTED_VALUES, UnexpectedValue
from .base import Transform, on_page

__all__ = ["duplicate_rows", "extra_records", "null_list", "unexpected_values"]


def null_list() -> Transform:
    """Null instead of the empty list of a page without rows."""
    return on_page(lambda request, page: {**page, "call_logs": page["call_logs"] or None})


def extra_records(*records: Any) -> Transform:
    """Add any records at the end of each page with rows."""
    return on_page(
        lambda request, page: {
            **page,
            "call_logs": page["call_logs"] and [*page["call_logs"], *records],
        }
    )


def duplicate_rows(make: Callable[[Any], Any]) -> Transform:
    """Add after each row the result of `make`, such as an older state of the same call."""
    return on_page(
        lambda request, page: {
            **page,
            "call_logs": [each for row in page["call_logs"] or () for each in (row, make(row))],
        }
    )


def unexpected_values(values: Sequence[UnexpectedValue] = UNEXPECTED_VALUES) -> Transform:
    """Put one unexpected value into each row with an id; the id determines which one."""

    def change(row: Any) -> Any:
        return (
            values[crc32(str(row["id"]).encode()) % len(values)].put_into(row)
            if isinstance(row, dict) and row.get("id")
            else row
        )

    return on_page(
        lambda request, page: {
            **page,
            "call_logs": [change(row) for row in page["call_logs"] or ()],
        }
    )
