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
        case "meaning":
            return {meaning: tr(meaning) for meaning in CHECKS.values()}
    return value_names(name)


def is_share(name: str) -> bool:
    """Whether the values of the column are shares."""
    return name == "share" or (name in MEASURES and MEASURES[name].unit == "share")


def is_part_of_share(name: str, rows: pl.DataFrame) -> bool:
    """Whether the column is a count or an interval end of a share in the same table."""
    return any(
        name.endswith(suffix)
        and is_share(share := name.removesuffix(suffix))
        and share in rows.columns
        for suffix in _SHARE_SUFFIXES
    )


def share_texts(rows: pl.DataFrame, name: str) -> list[str]:
    """The values of a share, with counts and interval if the table has them."""
    shares = [NULL if value is None else format_value(value, "share") for value in rows[name]]
    columns = [f"{name}{suffix}" for suffix in _SHARE_SUFFIXES]
    if not set(columns) <= set(rows.columns):
        return shares
    texts = []
    for share, (num, den, low, high) in zip(shares, rows.select(columns).rows(), strict=True):
        text = tr("{share}, {n} of {total}", share=share, n=num, total=den)
        if low is not None:
            low, high = (format_value(end, "share") for end in (low, high))
            text = tr("{text} ({low} to {high})", text=text, low=low, high=high)
        texts.append(text)
    return texts
