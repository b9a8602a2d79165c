"""drill_through: the calls of one group of a summary."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import overload

import polars as pl

from ..errors import InputError
from ..phone_numbers import describe, normalized
from .call_facts import COMPUTED_DIMENSIONS, NUMBERS, computed_dimensions
from .dimensions import (
    DIMENSIONS,
    LEG_DIMENSIONS,
    NAME_DIMENSIONS,
    OWNER_DIMENSIONS,
    START_DIMENSIONS,
    check_dimensions,
    start_dimensions,
)
from .internal_calls import without_second_logs
from .legs_and_offers import leg_facts, offer_facts
from .options import MetricOptions, checked_options
from .selection import Calls, Selection, calls_frame, like_input

__all__ = ["drill_through"]

_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("hour", "quarter_hour", "weekday", "fail_code"), int),
    **dict.fromkeys(("day", "week", "month"), date),
    "in_hours": bool,
}
"""The type of a dimension's values, where it is not text."""


@overload
def drill_through(
    calls: Selection, group: Mapping[str, object], *, options: MetricOptions = ...
) -> Selection: ...
@overload
def drill_through(
    calls: pl.DataFrame, group: Mapping[str, object], *, options: MetricOptions = ...
) -> pl.DataFrame: ...
@overload
def drill_through(
    calls: pl.LazyFrame, group: Mapping[str, object], *, options: MetricOptions = ...
) -> pl.LazyFrame: ...
def drill_through(
    calls: Calls,
    group: Mapping[str, object],
    *,
    options: MetricOptions = MetricOptions(),
) -> Calls:
    """The calls of one group of a summary, such as `{"weekday": 1, "hour": 9}`, in their order.

    The result has the type of the input; of a `Selection` it is a `Selection`. A call belongs to a
    `target_number`, `trunk_name`, `outcome` or `fail_code` if one counted offer, or one counted leg
    through a trunk, has all of these values of the group. None stands for a missing value. An empty
    group is all calls. The log of an internal call that another log counts is left out.

    Args:
        calls: calls of any direction, or a `Selection`.
        group: a value for each dimension, as in a row of `summarize(calls, by=...)`; a day may be
            text, "2026-11-02".
        options: the settings of the summary.

    Raises:
        UnknownName: a dimension does not exist; the message lists the nearest names.
        InputError: a dimension of names that the calls do not have, or a value of the wrong type.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> monday = et.metrics.drill_through(calls, {"weekday": 1, "direction": "in"})
        >>> monday.height
        59
    """
    if not isinstance(group, Mapping):
        raise InputError(
            'group is a mapping of values by dimension, such as {"weekday": 1}; '
            f"got {describe(group)}."
        )
    options = checked_options(options)
    table = calls if isinstance(calls, Selection) else calls_frame(calls)
    check_dimensions(table, group, allowed=(*DIMENSIONS, *NAME_DIMENSIONS))
    with_owners = "target_owners" in table.lazy().collect_schema()
    is_of_offers = with_owners and any(name in LEG_DIMENSIONS for name in group)
    of_offers = (*LEG_DIMENSIONS, *(OWNER_DIMENSIONS if is_of_offers else ()))
    of_calls = [
        _equals(name, value, options) for name, value in group.items() if name not in of_offers
    ]
    of_legs = [
        _equals(name, value, options, of_calls=False)
        for name, value in group.items()
        if name in of_offers
    ]
    if not group:
        return like_input(calls, table) if isinstance(table, pl.LazyFrame) else table
    if isinstance(table, Selection):
        selected = table.without_second_logs().where(*of_calls)
        return selected.in_group(of_legs, options) if of_legs else selected
    counted = without_second_logs(table)
    lazy = counted.filter(*of_calls) if of_calls else counted
    if of_legs:
        lazy = lazy.cache()  # a lazy frame may have another order each time
        tables = (offer_facts(lazy, options=options, busy=False), leg_facts(lazy, options=options))
        rows = pl.concat([table.filter(*of_legs).select("call_row") for table in tables]).unique()
        lazy = (
            lazy.with_row_index("call_row")
            .join(rows, on="call_row", how="semi", maintain_order="left")
            .drop("call_row")
        )
    return like_input(calls, lazy)


def _equals(name: str, value: object, options: MetricOptions, *, of_calls: bool = True) -> pl.Expr:
    """Whether the dimension has this value; None is a missing value."""
    value_type = _TYPES.get(name, str)
    if isinstance(value, str) and value_type is date:
        with suppress(ValueError):
            value = date.fromisoformat(value)
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
    key = computed.get(name, pl.col(name))
    if isinstance(value, str) and name not in START_DIMENSIONS:
        key = key.cast(pl.String)  # an Enum raises an error for an unknown category
    return key.is_null() if value is None else (key == pl.lit(value)).fill_null(value=False)
