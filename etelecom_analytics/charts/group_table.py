"""The groups of a chart of any measure by any dimensions: keys, values, and what is left out."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from ..fetch_report import FetchReport
from ..language import mark, tr
from ..locale.display import Display
from ..metrics import NAME_DIMENSIONS, Calls, summarize_fetched
from ..metrics.dimensions import is_of_owners
from ..metrics.registry import TOTALS, Mean, Measure, Quantile, Ratio
from ..metrics.registry import measure as measure_named
from ..phone_numbers import mask
from ..privacy import mask_numbers
from .durations import duration_text
from .grouping import group_keys, group_names, only_dimension
from .inputs import Names, names_of, row_limit
from .marks import MAX_GROUPS, limit_groups
from .texts import CLOCK, TIME, fetched_text, none_label, percent, short_number
from .theme import round_floats, total

__all__ = ["Groups", "group_labels", "groups", "null_key_notes"]

_EXTENSION_DIMENSIONS = ("extension_id", "user_id", *NAME_DIMENSIONS)
"""Dimensions of the extension that answered, or of those that rang."""

_OWNERS_NOTE = mark(
    "An offer counts for the person whose number rang, not for whoever took the call."
)
_NO_EXTENSION = mark("a missed call has no extension: it counts under {none}")
_NO_DEPARTMENT = mark("a call whose department is not known counts under {none}")
_NO_HOTLINE = mark("a call whose hotline is not known counts under {none}")
_NUMBER_DIMENSIONS = ("caller", "callee", "target_number")


class Groups(NamedTuple):
    """The groups of a chart.

    Attributes:
        rows: one row per group: its value by dimension, its unique label `key`, its `value`, and
            what that is over.
        total: number of calls, offers or legs in all groups, shown or not.
        notes: notes about whose offers they are, and about the groups that are not shown.
    """

    rows: pl.DataFrame
    total: int
    notes: list[str]


def groups(
    calls: Calls,
    *,
    measure: str,
    by: Names,
    limit: int | None = None,
    display: Display,
    coverage: FetchReport | None,
) -> Groups:
    """The groups that `measure_by` draws. Collects.

    Names come from `display.names` if it has the dimension, else from the calls.
    """
    definition, dimensions = measure_named(measure), names_of(by, "by", "day")
    limit = None if limit is None else row_limit(limit, MAX_GROUPS)
    count_column, dimension = TOTALS[definition.grain], only_dimension(dimensions)
    table = summarize_fetched(
        calls,
        dimensions,
        list(dict.fromkeys([measure, count_column])),
        coverage=coverage,
        options=display.options,
        confidence=True,
        in_order=dimension in TIME or dimension in CLOCK,
    )
    counts = table.with_columns(count=pl.col(count_column))
    rows, notes = limit_groups(counts, dimensions, limit, noun=definition.grain.removesuffix("s"))
    rows = round_floats(rows).with_columns(
        group_labels(rows, calls, dimensions, display),
        **_value_columns(definition),
        fetched=fetched_text(),
    )
    if is_of_owners(calls, dimensions, definition.grain):
        notes = [tr(_OWNERS_NOTE), *notes]
    elif definition.grain == "calls":
        notes = [*null_key_notes(calls, rows, dimensions), *notes]
    return Groups(rows, total(table, count_column), notes)


def null_key_notes(calls: Calls, rows: pl.DataFrame, dimensions: Sequence[str]) -> list[str]:
    """What it means that a call has no extension, person, department or hotline, if one has none.

    Args:
        calls: the calls.
        rows: one row per group, with these dimensions.
        dimensions: the dimensions of the groups.
    """
    empty = [name for name in dimensions if name in _EXTENSION_DIMENSIONS]
    empty = [name for name in empty if rows[name].null_count()]
    if not empty:
        return []
    known = {"department_id": _NO_DEPARTMENT}
    if "hotline_id" in calls.lazy().collect_schema():  # also that of missed calls
        known |= {"hotline_id": _NO_HOTLINE, "hotline": _NO_HOTLINE}
    texts = list(dict.fromkeys(known[name] for name in empty if name in known))
    if any(name not in known for name in empty):
        texts.insert(0, _NO_EXTENSION)
    return [tr(text, none=none_label()) for text in texts]


def group_labels(
    rows: pl.DataFrame, calls: Calls, dimensions: Sequence[str], display: Display
) -> pl.Series:
    """The unique label of each group: masked where it must be, and with its names."""
    unknown = [name for name in dimensions if name not in (*TIME, *CLOCK, *display.names)]
    names = {**group_names(calls, unknown), **display.names}
    names = {name: names.get(name, {}) for name in dimensions}
    if display.show_numbers:
        return group_keys(rows, names)
    names = {
        name: {value: mask(label) for value, label in known.items()}
        for name, known in names.items()
    }
    numbers = [name for name in dimensions if name in _NUMBER_DIMENSIONS]
    masked = mask_numbers(rows.select(numbers), keep=display.unmasked) if numbers else rows
    texts = {
        name: rows[name]
        .replace_strict(names[name], default=None, return_dtype=pl.String)
        .fill_null(masked[name])
        .fill_null(none_label())
        for name in numbers
    }
    return group_keys(rows, names, texts=texts)


def _value_columns(measure: Measure) -> dict[str, pl.Expr]:
    """The value, its interval and their texts, in columns of the same name for every measure."""
    value = pl.col(measure.name).cast(pl.Float64)
    low = high = pl.lit(None, pl.Float64)
    text = duration_text(measure.name) if measure.unit == "s" else short_number(value)
    over = pl.lit(None, pl.String)
    if isinstance(measure.aggregation, Ratio):
        low, high = pl.col(f"{measure.name}_low"), pl.col(f"{measure.name}_high")
        text = pl.format("{} %", percent(value))
        over = pl.format(
            tr("{} of {}; 95 %: {} to {} %"),
            f"{measure.name}_num",
            f"{measure.name}_den",
            percent(low, 1),
            percent(high, 1),
        )
    elif isinstance(measure.aggregation, Mean | Quantile):
        over = pl.format("{} {}", f"{measure.name}_n", pl.lit(tr(measure.population)))
    return {"value": value, "low": low, "high": high, "text": text, "over": over}
