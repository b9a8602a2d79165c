"""Columns of tables for readers: their titles, and the names of their values."""

from collections.abc import Mapping

import polars as pl

from ..formatting import format_value
from ..language import mark, tr
from ..locale.terms import value_names
from ..metrics.quality_checks import CHECKS
from ..metrics.registry import MEASURES

__all__ = [
    "NULL",
    "column_title",
    "is_part_of_share",
    "is_share",
    "share_texts",
    "value_texts",
]

NULL = "-"
"""The text of a value that is unknown."""
_SHARE_SUFFIXES = ("_num", "_den", "_low", "_high")

_UNITS = ("h", "min")
_VERDICTS = (
    mark("better", context="verdict"),
    mark("cannot tell", context="verdict"),
    mark("changed", context="verdict"),
    mark("inside", context="verdict"),
    mark("no evidence", context="verdict"),
    mark("outside 95 %", context="verdict"),
    mark("outside 99.8 %", context="verdict"),
    mark("worse", context="verdict"),
)
_TITLES = (
    mark("change"),
    mark("check"),
    mark("count"),
    mark("counted"),
    mark("meaning"),
    mark("measure"),
    mark("of"),
    mark("share"),
    mark("value"),
    mark("verdict"),
)
"""Titles of columns that are no measures and no dimensions. Titles of other columns are English."""


def column_title(name: str) -> str:
    """The title of a column, such as "Answer rate" or "target number"."""
    if name in MEASURES:
        return tr(MEASURES[name].title)
    label, _, unit = name.rpartition("_")
    if unit == "s":  # the values have their unit
        return tr(label.replace("_", " "))
    if unit in _UNITS:
        return f"{tr(label.replace('_', ' '))}, {unit}"
    return tr(name.replace("_", " "))


def value_texts(name: str) -> Mapping[str, str]:
    """The texts of the values of a column, by value, as far as these are words."""
    match name:
        case "check":
            return {check: tr(check, context="check") for check in CHECKS}
        case "verdict":
            return {verdict: tr(verdict, context="verdict") for verdict in _VERDICTS}
        case "meaning":
            return {meaning: tr(meaning) for meaning in CHECKS.values()}
    return value_names(name)


def is_share(name: str, rows: pl.DataFrame) -> bool:
    """Whether the values of the column are shares: those of a measure, or with their counts."""
    is_of_measure = name in MEASURES and MEASURES[name].unit == "share"
    return name == "share" or is_of_measure or {f"{name}_num", f"{name}_den"} <= set(rows.columns)


def is_part_of_share(name: str, rows: pl.DataFrame) -> bool:
    """Whether the column is a count or an interval end of a share in the same table."""
    return any(
        name.endswith(suffix)
        and is_share(share := name.removesuffix(suffix), rows)
        and share in rows.columns
        for suffix in _SHARE_SUFFIXES
    )


def share_texts(rows: pl.DataFrame, name: str) -> list[str]:
    """The values of a share, with counts and interval if the table has them."""
    texts = [NULL if value is None else format_value(value, "share") for value in rows[name]]
    num, den, low, high = (f"{name}{suffix}" for suffix in _SHARE_SUFFIXES)
    if {num, den} <= set(rows.columns):
        counts = rows.select(num, den).rows()
        texts = [
            tr("{share}, {n} of {total}", share=share, n=n, total=total)
            for share, (n, total) in zip(texts, counts, strict=True)
        ]
    if {low, high} <= set(rows.columns):
        intervals = rows.select(low, high).rows()
        texts = [_with_interval(text, *ends) for text, ends in zip(texts, intervals, strict=True)]
    return texts


def _with_interval(text: str, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return text
    ends = [format_value(end, "share") for end in (low, high)]
    return tr("{text} ({low} to {high})", text=text, low=ends[0], high=ends[1])
