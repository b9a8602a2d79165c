"""Columns of tables for readers: their titles, and the names of their values."""

from collections.abc import Mapping

from ..language import mark, tr
from ..locale.terms import value_names
from ..metrics.quality_checks import CHECKS
from ..metrics.registry import MEASURES

__all__ = ["column_title", "is_share", "value_texts"]

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
