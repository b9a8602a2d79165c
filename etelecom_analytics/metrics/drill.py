"""drill_through: the calls of one group of a summary."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
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
from .local_dimensions import start_dimensions
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

Groups = Mapping[str, object] | Sequence[Mapping[str, object]]
"""One group, or several."""


@overload
def drill_through(
    calls: Selection,
    group: Groups,
    *,
    grain: Grain | None = ...,
    options: MetricOptions = ...,
) -> Selection: ...
@overload
def drill_through(
    calls: pl.DataFrame,
    group: Groups,
    *,
    grain: Grain | None = ...,
    options: MetricOptions = ...,
) -> pl.DataFrame: ...
@overload
def drill_through(
    calls: pl.LazyFrame,
    group: Groups,
    *,
    grain: Grain | None = ...,
    options: MetricOptions = ...,
) -> pl.LazyFrame: ...
def drill_through(
    calls: Calls,
    group: Groups,
    *,
    grain: Grain | None = None,
    options: MetricOptions = MetricOptions(),
) -> Calls:
    """The calls of groups of a summary, such as `{"weekday": 1, "hour": 9}`, in their order.

    The result has the type of the input; of a `Selection` it is a `Selection`. None stands for a
    missing value. The log of an internal call that another log counts is left out.

    `grain` is that of the measure of the summary, as in `et.measures()`. "calls" selects the calls
    that have all values of the group. "offers" selects the calls with at least one counted offer
    that has all of them, so a `user` is a person whose number rang, not the one who took the call;
    "legs" does the same with legs through trunks.

    Args:
        calls: calls of any direction, or a `Selection`.
        group: a value for each dimension, as in a row of `summarize(calls, by=...)`; a day may be
            text, "2026-11-02". A list of values selects the calls with any of them. An empty group
            is all calls. A list of groups selects the calls of any of them; its dimensions are
            those of calls.
        grain: "calls", "offers" or "legs". By default the calls, or if the group has a
            `target_number`, `trunk_name`, `outcome` or `fail_code`, those with such an offer or
            such a leg.
        options: the settings of the summary.

    Raises:
        UnknownName: a dimension or the grain does not exist; the message lists the nearest names.
        InputError: a dimension of names that the calls do not have, a dimension of legs with the
            grain "calls" or in a list of groups, a value of the wrong type, or an empty list.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> monday = et.metrics.drill_through(calls, {"weekday": 1, "direction": "in"})
        >>> monday.height
        59
        >>> et.metrics.drill_through(calls, {"target_number": "101"}, grain="offers").height
        95
        >>> et.metrics.drill_through(calls, {"weekday": [1, 2], "direction": "in"}).height
        112
    """
    several = _checked_groups(group)
    names = list(dict.fromkeys(name for each in several for name in each))
    options = checked_options(options)
    table = calls if isinstance(calls, Selection) else calls_frame(calls)
    check_dimensions(table, names, allowed=(*DIMENSIONS, *NAME_DIMENSIONS))
    of_rows = _dimensions_of_rows(table, names, grain)
    if len(several) > 1 and any(name in of_rows for name in names):
        raise InputError(
            "A list of groups has dimensions of calls only: use one group, with lists of values."
        )
    grains = ("offers", "legs") if grain is None else (grain,)

    def of_calls(key: Callable[[str], pl.Expr]) -> list[pl.Expr]:
        return _any_group(
            [
                [_is_any(name, each[name], key(name)) for name in each if name not in of_rows]
                for each in several
            ]
        )

    conditions = [
        _is_any(name, value, start_dimensions([name], options).get(name, pl.col(name)))
        for name, value in several[0].items()
        if name in of_rows
    ]
    if not names:
        return like_input(calls, table) if isinstance(table, pl.LazyFrame) else table
    if isinstance(table, Selection):
        selected = table.without_second_logs()
        dimensions = tuple(name for name in names if name not in of_rows)
        if dimensions:
            holds = of_calls(partial(table.dimension, options=options))
            selected = selected.in_cells(holds, CellFilter(dimensions, of_calls(pl.col), options))
        return selected.in_group(conditions, options, grains) if conditions else selected
    counted = without_second_logs(table)
    holds = of_calls(partial(_key_of_calls, options=options))
    lazy = counted.filter(*holds) if holds else counted
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


def _checked_groups(group: object) -> list[Mapping[str, object]]:
    """The groups; an error for another type, or for none."""
    groups = [group] if isinstance(group, Mapping) else group
    if isinstance(groups, list | tuple) and groups:
        several = [each for each in groups if isinstance(each, Mapping)]
        if len(several) == len(groups):
            return several
    raise InputError(
        'group is a mapping of values by dimension, such as {"weekday": 1}, or a list of these; '
        f"got {describe(group)}."
    )


def _any_group(groups: Sequence[Sequence[pl.Expr]]) -> list[pl.Expr]:
    """The conditions that hold for the calls of any of these groups, each with its conditions."""
    if len(groups) == 1:
        return list(groups[0])
    return [pl.any_horizontal(pl.all_horizontal(pl.lit(value=True), *each) for each in groups)]


def _dimensions_of_rows(
    table: pl.LazyFrame | Selection, group: Sequence[str], grain: Grain | None
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


def _key_of_calls(name: str, options: MetricOptions) -> pl.Expr:
    """A dimension of calls as an expression."""
    if name in NUMBERS:
        return normalized(pl.col(name))
    computed = computed_dimensions(options) if name in COMPUTED_DIMENSIONS else {}
    return {**computed, **start_dimensions([name], options)}.get(name, pl.col(name))


def _is_any(name: str, value: object, key: pl.Expr) -> pl.Expr:
    """Whether the dimension has this value, or one of a list of values; None is a missing value.

    `key` is the dimension as an expression.
    """
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not values:
        raise InputError(f"{name} has an empty list: use at least one value.")
    values = [_checked(name, each) for each in values]
    if _TYPES.get(name, str) is str:
        key = key.cast(pl.String)  # an Enum raises an error for an unknown category
    known = [each for each in values if each is not None]
    conditions = [key.is_null()] if len(known) < len(values) else []
    if known:
        equal = key == pl.lit(known[0]) if len(known) == 1 else key.is_in(known)
        conditions.append(equal.fill_null(value=False))
    return pl.any_horizontal(conditions) if len(conditions) > 1 else conditions[0]


def _checked(name: str, value: object) -> object:
    """The value of a dimension, with the day of a text; an error for another type."""
    value_type = _TYPES.get(name, str)
    if isinstance(value, str) and value_type is date:
        with suppress(ValueError):
            value = local_time.parse_day(value)
    # An exact type: True is an int, and a datetime is a date.
    if value is not None and type(value) is not value_type:
        raise InputError(
            f"{name} cannot be {describe(value)}: use a value of summarize(calls, by={name!r})."
        )
    return value
