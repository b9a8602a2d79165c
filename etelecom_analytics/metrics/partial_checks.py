"""Checks of tables of partial results: their columns and rows, and that they add up."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import polars as pl

from ..errors import InputError
from ..phone_numbers import describe

__all__ = ["MARKS", "PARTIAL_COLUMNS", "check_rows", "joined"]

PARTIAL_COLUMNS = ("fact", "value", "n", "kind", "fingerprint")
"""The columns of a partial, after its dimensions."""

MARKS = ("computed", "counted")
"""The kinds of rows that state what was computed, in no group."""
_KINDS = ("sum", "count", "value", *MARKS)
_TYPES: Mapping[str, type[pl.DataType]] = {
    **dict.fromkeys(("fact", "kind", "fingerprint"), pl.String),
    **dict.fromkeys(("value", "n"), pl.Int64),
    **dict.fromkeys(("day", "week", "month"), pl.Date),
}
"""The types of these columns, if a partial has them."""
_DIFFERENCES = ("options", "columns, or versions of this package", "dimensions or measures")
"""What differs between partials, in the order of the hashes of a fingerprint."""


def joined(partials: object) -> pl.DataFrame:
    """The rows of one partial or several, which fit together."""
    tables = _checked(partials)
    marks = list(
        dict.fromkeys(chain.from_iterable(each["fingerprint"].unique() for each in tables))
    )
    for mark in marks[1:]:
        hashes = zip(str(marks[0]).split("-"), str(mark).split("-"), _DIFFERENCES, strict=False)
        differences = [name for one, other, name in hashes if one != other]
        raise InputError(
            f"These partials do not add up: they were computed with different "
            f"{' and '.join(differences) or 'versions of this package'}. Compute all with the same."
        )
    columns = tables[0].columns
    types = {name: str(data_type) for name, data_type in tables[0].schema.items()}
    for each in tables[1:]:
        others = {name: str(data_type) for name, data_type in each.schema.items()}
        different = [name for name in types | others if types.get(name) != others.get(name)]
        if different:
            name = different[0]
            raise InputError(
                f"These partials do not add up: the column {name} is {types.get(name, 'missing')} "
                f"in one and {others.get(name, 'missing')} in another. Compute all with the same."
            )
    return pl.concat([each.select(columns) for each in tables])


def check_rows(table: pl.DataFrame, facts: Sequence[str], counted: set[str]) -> None:
    """Refuse a group that has a part of a fact without the others."""
    keys = [name for name in table.columns if name not in ("value", "n", "kind", "fingerprint")]
    n, kind = pl.col("n"), pl.col("kind")
    seconds = [fact for fact in facts if fact.endswith("_s")]  # others have a sum only
    groups = (
        table.filter(pl.col("fact").is_in(seconds))
        .group_by(keys)
        .agg(
            has_sum=(kind == "sum").any(),
            has_count=(kind == "count").any(),
            known=n.filter(kind == "count").sum(),
            values=n.filter(kind == "value").sum(),
        )
    )
    is_counted = pl.col("fact").is_in(list(counted))
    broken = groups.filter(
        (pl.col("has_sum") != pl.col("has_count"))
        | (is_counted & (pl.col("values") != pl.col("known")))
    )
    if not broken.is_empty():
        raise InputError(
            f"These partials lack rows of {broken['fact'].sort()[0]}: pass whole tables of "
            "et.partial."
        )


def _checked(partials: object) -> list[pl.DataFrame]:
    tables = [partials] if isinstance(partials, pl.DataFrame) else partials
    if not isinstance(tables, Iterable) or isinstance(tables, str | bytes | Mapping):
        raise InputError(f"partials are tables of et.partial; got {describe(partials)}.")
    checked = list(tables)
    for table in checked:
        if not isinstance(table, pl.DataFrame) or not {*PARTIAL_COLUMNS} <= {*table.columns}:
            raise InputError(
                "partials are tables of et.partial, with the columns "
                f"{', '.join(PARTIAL_COLUMNS)}; got {describe(table)}."
            )
        _check_columns(table)
    if not checked:
        raise InputError("partials needs at least one table of et.partial.")
    return checked


def _check_columns(table: pl.DataFrame) -> None:
    """Refuse columns that `et.partial` does not make."""
    for name, data_type in _TYPES.items():
        if name in table.columns and table.schema[name] != data_type:
            raise InputError(
                f"The column {name} of a partial has the type {table.schema[name]}, not "
                f"{data_type}: store partials as Parquet, which keeps types."
            )
    for name in ("fact", "n", "kind", "fingerprint"):
        if table[name].null_count():
            raise InputError(f"The column {name} of a partial has null values: compute it again.")
    others = sorted({*table["kind"].unique()} - {*_KINDS})
    if others:
        raise InputError(
            f"The kinds of rows of a partial are {', '.join(_KINDS)}; got {others[0]!r}."
        )
