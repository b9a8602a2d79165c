"""Groups of one or several dimensions: their name in a title, their labels and their order."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import polars as pl

from ..language import tr
from ..locale.terms import and_list, dimension_name
from ..metrics import Calls
from ..names import labels
from .texts import key_text

__all__ = [
    "dimension_text",
    "group_keys",
    "group_names",
    "only_dimension",
    "tooltip_title",
]

_WIDTHS = {"hour": 2, "half_hour": 5, "quarter_hour": 5}
"""Characters of a clock time in a label of several parts: "Mon, 09"."""


def only_dimension(by: Sequence[str]) -> str | None:
    """The dimension of groups by one dimension; None for combinations of several."""
    return by[0] if len(by) == 1 else None


def dimension_text(by: Sequence[str]) -> str:
    """The dimensions in a chart title: "by weekday and hour", "in and out of hours"."""
    if list(by) == ["in_hours"]:
        return tr("in and out of hours")
    names = [tr("business hours") if name == "in_hours" else dimension_name(name) for name in by]
    return tr("by {dimensions}", dimensions=and_list(names))


def tooltip_title(by: Sequence[str]) -> str:
    """The dimensions as the title of a group in a tooltip: "weekday, hour"."""
    return ", ".join(map(dimension_name, by))


def group_names(calls: Calls, by: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """The names of the values of each dimension, as far as the calls have names. Collects."""
    return {name: labels(calls.lazy(), name) for name in by}


def group_keys(
    table: pl.DataFrame,
    names: Mapping[str, Mapping[str, str]],
    *,
    texts: Mapping[str, pl.Series] = MappingProxyType({}),
) -> pl.Series:
    """The unique label of each group, such as "An (101)" or, of two dimensions, "Mon, 09".

    A number follows labels that are repeated: masked numbers look alike, and a name may equal a
    number.

    Args:
        table: one row per group, with its values by dimension.
        names: for each dimension, the names of its values.
        texts: for a dimension, the texts of its values in each row, where they are not those of
            `axes.key_text`.
    """
    parts = [
        texts[name] if name in texts else _values(table, name, known, several=len(names) > 1)
        for name, known in names.items()
    ]
    columns = pl.DataFrame([part.alias(f"{place}") for place, part in enumerate(parts)])
    keyed = columns.select(key=pl.concat_str(pl.all(), separator=", "))
    nth = pl.int_range(1, pl.len() + 1).over("key")
    numbered = pl.when(nth > 1).then(pl.format("{} ({})", "key", nth)).otherwise("key")
    return keyed.select(numbered.alias("key")).to_series()


def _values(
    table: pl.DataFrame, dimension: str, names: Mapping[str, str], *, several: bool
) -> pl.Series:
    text = key_text(dimension)
    if several and dimension in _WIDTHS:
        text = text.str.zfill(_WIDTHS[dimension])
    return table.select(text.replace(names)).to_series()
