"""The calls behind one group of a summary: those that are counted in it."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date

import polars as pl

from ..errors import InputError, UnknownName
from .dimensions import START_DIMENSIONS, start_dimensions
from .legs_and_offers import leg_facts, offer_facts
from .options import MetricOptions
from .selection import Calls, Selection
from .summary import DIMENSIONS, LEG_DIMENSIONS, NAME_DIMENSIONS

__all__ = ["drill_through"]

_ROW = "call_row"
_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("hour", "quarter_hour", "weekday", "fail_code"), int),
    **dict.fromkeys(("day", "week", "month"), date),
    "in_hours": bool,
}
"""What the value of a dimension is, where it is no text."""


def drill_through(
    calls: Calls,
    group: Mapping[str, object],
    *,
    options: MetricOptions = MetricOptions(),
) -> Calls:
    """The calls of one group of a summary, such as `{"weekday": 1, "hour": 9}`; of the same kind as what was given, in its order.

    A call is behind a `target_number`, `trunk_name`, `outcome` or `fail_code` if one offer, or one
    leg through a trunk, that counts has all that the group says of these. None stands for a null
    key. An empty group is all calls.

    Args:
        calls: calls of any direction, or a `Selection` of some.
        group: a value for each of its dimensions, as a row of `summarize(calls, by=...)` has it; a
            day may be text, "2026-11-02".
        options: whose local time is meant, and what the outcome of a leg depends on.

    Raises:
        UnknownName: a dimension that does not exist; the message lists the nearest.
        InputError: a dimension of names that these calls do not carry, or a value that it cannot
            have.
    """
    carried = calls.lazy().collect_schema()
    for name in group:
        if name not in (*DIMENSIONS, *NAME_DIMENSIONS):
            raise UnknownName("dimension", name, (*DIMENSIONS, *NAME_DIMENSIONS))
        if name in NAME_DIMENSIONS and name not in carried:
            raise InputError(
                f"These calls carry no {name}: join it with logs.with_names(extensions, users, hotlines), and take its calls."
            )
    of_calls = [
        _equal(name, value, options) for name, value in group.items() if name not in LEG_DIMENSIONS
    ]
    of_legs = [
        _equal(name, value, options) for name, value in group.items() if name in LEG_DIMENSIONS
    ]
    if isinstance(calls, Selection):
        chosen = calls.where(*of_calls)
        return chosen.in_group(of_legs, options) if of_legs else chosen
    lazy = calls.lazy().filter(*of_calls) if of_calls else calls.lazy()
    if of_legs:
        lazy = lazy.cache()  # whose rows may have another order each time
        tables = (offer_facts(lazy, options=options, busy=False), leg_facts(lazy, options=options))
        rows = pl.concat([table.filter(*of_legs).select(_ROW) for table in tables]).unique()
        lazy = (
            lazy.with_row_index(_ROW)
            .join(rows, on=_ROW, how="semi", maintain_order="left")
            .drop(_ROW)
        )
    return lazy if isinstance(calls, pl.LazyFrame) else lazy.collect()


def _equal(name: str, value: object, options: MetricOptions) -> pl.Expr:
    """Whether the dimension has this value, or no value where that is None."""
    if isinstance(value, str) and _KINDS.get(name) is date:
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if value is not None and type(value) is not _KINDS.get(
        name, str
    ):  # True is an int, and a datetime is a date
        raise InputError(
            f"{name} cannot be {value!r}: take it as a row of summarize(calls, by=[{name!r}]) has it."
        )
    key = start_dimensions([name], options)[name] if name in START_DIMENSIONS else pl.col(name)
    # As text: an Enum refuses to be compared with a word that it does not have.
    key = key.cast(pl.String) if isinstance(value, str) and name not in START_DIMENSIONS else key
    return key.is_null() if value is None else (key == pl.lit(value)).fill_null(value=False)
