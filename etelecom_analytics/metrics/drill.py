"""drill_through: the calls of one group of a summary."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import overload

import polars as pl

from .. import local_time
from ..errors import InputError, UnknownName
from ..phone_numbers import describe, normalized
from .call_facts import COMPUTED_DIMENSIONS, NUMBERS, computed_dimensions
from .cell_filters import CellFilter
from .dimensions import (
    DIMENSIONS,
    LEG_DIMENSIONS,
    NAME_DIMENSIONS,
    OWNER_DIMENSIONS,
    check_dimensions,
)
from .internal_calls import without_second_logs
from .legs_and_offers import leg_facts, offer_facts
from .local_dimensions import START_DIMENSIONS, start_dimensions
from .options import MetricOptions, checked_options
from .registry import FACTS, Grain
from .selection import Calls, Selection, calls_frame, like_input

__all__ = ["drill_through"]

_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("hour", "half_hour", "quarter_hour", "weekday", "fail_code"), int),
    **dict.fromkeys(("day", "week", "month"), date),
    "in_hours": bool,
}
"""The type of a dimension's values, where it is not text."""


@overload
def drill_through(
    calls: Selection,
    group: Mapping[str, object],
    *,
    grain: Grain | None = ...,
    options: MetricOptions = ...,
) -> Selection: ...
@overload
def drill_through(
    calls: pl.DataFrame,
    group: Mapping[str, object],
    *,
    grain: Grain | None = ...,
    options: MetricOptions = ...,
) -> pl.DataFrame: ...
@overload
def drill_through(
    calls: pl.LazyFrame,
    group: Mapping[str, object],
    *,
    grain: Grain | None = ...,
    options: MetricOptions = ...,
) -> pl.LazyFrame: ...
def drill_through(
    calls: Calls,
    group: Mapping[str, object],
    *,
    grain: Grain | None = None,
    options: MetricOptions = MetricOptions(),
) -> Calls:
    """The calls of one group of a summary, such as `{"weekday": 1, "hour": 9}`, in their order.

    The result has the type of the input; of a `Selection` it is a `Selection`. None stands for a
    missing value. The log of an internal call that another log counts is left out.

    `grain` is that of the measure of the summary, as in `et.measures()`. "calls" selects the calls
    that have all values of the group. "offers" selects the calls with at least one counted offer
    that has all of them, so a `user` is a person whose number rang, not the one who took the call;
    "legs" does the same with legs through trunks.

    Args:
        calls: calls of any direction, or a `Selection`.
        group: a value for each dimension, as in a row of `summarize(calls, by=...)`; a day may be
            text, "2026-11-02". An empty group is all calls.
        grain: "calls", "offers" or "legs". By default the calls, or if the group has a
            `target_number`, `trunk_name`, `outcome` or `fail_code`, those with such an offer or
            such a leg.
        options: the settings of the summary.

    Raises:
        UnknownName: a dimension or the grain does not exist; the message lists the nearest names.
        InputError: a dimension of names that the calls do not have, a dimension of legs with the
            grain "calls", or a value of the wrong type.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> monday = et.metrics.drill_through(calls, {"weekday": 1, "direction": "in"})
        >>> monday.height
        59
        >>> et.metrics.drill_through(calls, {"target_number": "101"}, grain="offers").height
        95
    """
    if not isinstance(group, Mapping):
        raise InputError(
            'group is a mapping of values by dimension, such as {"weekday": 1}; '
            f"got {describe(group)}."
        )
    options = checked_options(options)
    table = calls if isinstance(calls, Selection) else calls_frame(calls)
    check_dimensions(table, group, allowed=(*DIMENSIONS, *NAME_DIMENSIONS))
    of_rows = _dimensions_of_rows(table, group, grain)
    grains = ("offers", "legs") if grain is None else (grain,)
    known = table.dimension if isinstance(table, Selection) else None
    of_calls = [
        _equals(name, value, options, key=known and known(name, options))
        for name, value in group.items()
        if name not in of_rows
    ]
    conditions = [
        _equals(name, value, options, of_calls=False)
        for name, value in group.items()
        if name in of_rows
    ]
    if not group:
        return like_input(calls, table) if isinstance(table, pl.LazyFrame) else table
    if isinstance(table, Selection):
        selected = table.without_second_logs()
        names = [name for name in group if name not in of_rows]
        if names:
            cells = [_equals(name, group[name], options, key=pl.col(name)) for name in names]
            selected = selected.in_cells(of_calls, CellFilter(tuple(names), cells, options))
        return selected.in_group(conditions, options, grains) if conditions else selected
    counted = without_second_logs(table)
    lazy = counted.filter(*of_calls) if of_calls else counted
    if conditions:
        lazy = lazy.cache()  # a lazy frame may have another order each time
        # Second logs are left out already; a new search could pair other logs.
        facts = {
            "offers": offer_facts(lazy, options=options, busy=False, second_logs=True),
            "legs": leg_facts(lazy, options=options, second_logs=True),
        }
        tables = [facts[name].filter(*conditions).select("call_row") for name in grains]
        lazy = (
            lazy.with_row_index("call_row")
            .join(pl.concat(tables).unique(), on="call_row", how="semi", maintain_order="left")
            .drop("call_row")
        )
    return like_input(calls, lazy)


def _dimensions_of_rows(
    table: pl.LazyFrame | Selection, group: Mapping[str, object], grain: Grain | None
) -> Sequence[str]:
    """The dimensions of the group that an offer or a leg must have, not its call."""
    if grain is not None and (not isinstance(grain, str) or grain not in FACTS):
        raise UnknownName("grain", grain if isinstance(grain, str) else describe(grain), FACTS)
    of_legs = [name for name in group if name in LEG_DIMENSIONS]
    if grain == "calls" and of_legs:
        raise InputError(
            f"A call has many legs, so it has no {of_legs[0]}: use the grain offers or legs."
        )
    if grain in ("offers", "legs"):
        return list(group)
    # Of an offer or a leg, as the group has values of both.
    with_owners = "target_owners" in table.lazy().collect_schema()
    return (*LEG_DIMENSIONS, *(OWNER_DIMENSIONS if with_owners and of_legs else ()))


def _equals(
    name: str,
    value: object,
    options: MetricOptions,
    *,
    of_calls: bool = True,
    key: pl.Expr | None = None,
) -> pl.Expr:
    """Whether the dimension has this value; None is a missing value.

    `key` is the dimension, if it is known.
    """
    value_type = _TYPES.get(name, str)
    if isinstance(value, str) and value_type is date:
        with suppress(ValueError):
            value = local_time.parse_day(value)
    # An exact type: True is an int, and a datetime is a date.
    if value is not None and type(value) is not value_type:
        raise InputError(
            f"{name} cannot be {describe(value)}: use a value of summarize(calls, by={name!r})."
        )
    computed = start_dimensions([name], options)
    if name in COMPUTED_DIMENSIONS and of_calls:
        computed = computed_dimensions(options)
    if name in NUMBERS and of_calls:
        computed = {name: normalized(pl.col(name))}
    key = computed.get(name, pl.col(name)) if key is None else key
    if isinstance(value, str) and name not in START_DIMENSIONS:
        key = key.cast(pl.String)  # an Enum raises an error for an unknown category
    return key.is_null() if value is None else (key == pl.lit(value)).fill_null(value=False)
