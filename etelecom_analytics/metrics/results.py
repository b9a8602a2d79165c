"""Result: the base of results that consist of tables and numbers."""

import copyreg
from dataclasses import dataclass, fields
from types import MappingProxyType

import polars as pl

__all__ = ["Result"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """A result of tables and numbers.

    Two results are equal if all values are, and all tables with their column names and dtypes. The
    comparison of two tables alone would give a table, which is neither true nor false.
    """

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result) or type(other) is not type(self):
            return NotImplemented
        names = [field.name for field in fields(self)]
        return all(_equal(getattr(self, name), getattr(other, name)) for name in names)

    __hash__ = None  # type: ignore[assignment]  # tables are not hashable


def _equal(value: object, other: object) -> bool:
    if isinstance(value, pl.DataFrame) and isinstance(other, pl.DataFrame):
        return value.schema == other.schema and value.equals(other)
    return value == other


def _read_only(values: dict[object, object]) -> MappingProxyType[object, object]:
    return MappingProxyType(values)


# Python cannot pickle or copy read-only mappings, such as the constants of this package, by itself.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))
