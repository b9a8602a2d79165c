"""Facts and dimensions as SQL expressions over the flat tables, which have the alias `t`.

Expressions are trees of sqlglot without a dialect. Thresholds are compared as whole microseconds,
which every engine does exactly.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl

from ..errors import InputError
from ..metrics.call_endings import HUNG_UP
from ..metrics.hours import minutes_of_week, parse_hours
from ..metrics.options import MetricOptions
from ..metrics.registry import Grain
from ..metrics.service_level_formulas import SERVICE_LEVELS
from ..schema import CALL_SCHEMA, LEG_OUTCOMES
from .flat_tables import published_column, stored_facts, wait_column

__all__ = ["dimension", "fact", "false_if_null", "load_sqlglot", "order_of"]

_ENUMS: Mapping[str, tuple[str, ...]] = {
    **{
        name: tuple(dtype.categories)
        for name, dtype in CALL_SCHEMA.items()
        if isinstance(dtype, pl.Enum)
    },
    "who_hung_up": HUNG_UP,
    "outcome": tuple(LEG_OUTCOMES),
}
"""The values of dimensions whose order is not that of their texts."""

_LONGEST_S = 1e12
"""No time is longer; the microseconds of larger numbers of seconds may exceed 64 bits."""


@cache
def load_sqlglot() -> Any:
    """The module `sqlglot.expressions`.

    Raises:
        InputError: sqlglot is not installed.
    """
    try:
        from sqlglot import exp
    except ImportError as error:
        raise InputError(
            'Measures in SQL need the package sqlglot: pip install "etelecom_analytics[sql]"'
        ) from error
    return exp


def dimension(name: str, options: MetricOptions) -> Any:
    """The dimension as an expression over a flat table."""
    return _in_hours(options) if name == "in_hours" else _column(name)


def order_of(name: str, column: Any) -> Any:
    """The expression by which a table is sorted by this dimension, as `summarize` sorts it."""
    if name not in _ENUMS:
        return column
    exp = load_sqlglot()
    order = exp.Case(this=column)
    for position, value in enumerate(_ENUMS[name]):
        order = order.when(exp.Literal.string(value), exp.Literal.number(position))
    return order


def fact(grain: Grain, name: str, options: MetricOptions) -> Any:
    """The fact of this name in the registry, as an expression over the flat table of its grain.

    Flags are never null; seconds are whole microseconds.
    """
    if name in stored_facts(grain):
        return _column(published_column(name))
    if grain != "calls":  # every row of the other tables is counted
        return load_sqlglot().true()
    return _facts_of_options(options)[name]


def false_if_null(condition: Any) -> Any:
    """The condition; a comparison with a null does not hold."""
    exp = load_sqlglot()
    return exp.Coalesce(this=condition, expressions=[exp.false()])


def _column(name: str) -> Any:
    return load_sqlglot().column(name, table="t")


def _facts_of_options(options: MetricOptions) -> dict[str, Any]:
    """The facts of calls that depend on `FREE_OPTIONS`."""
    exp = load_sqlglot()
    wait = _column(wait_column(options.wait_from))
    answered, missed, offered, abandoned, talk = map(
        _column, ("answered", "missed", "offered", "abandoned", "talk_us")
    )

    def when(condition: Any) -> Any:
        return exp.Case().when(condition, wait)

    has_wait = exp.not_(exp.Is(this=wait, expression=exp.Null()))
    within = false_if_null(exp.LTE(this=wait, expression=_at_most(options.threshold_s)))
    short = abandoned.and_(
        false_if_null(exp.LTE(this=wait, expression=_at_most(options.short_s, below=True)))
    )
    too_brief = exp.LTE(this=talk, expression=_at_most(options.min_talk_s, below=True))
    flags = {
        "a": answered.and_(has_wait),
        "q": missed.and_(has_wait),
        "s": short,
        "m": false_if_null(exp.not_(too_brief)),
        "a<=T": answered.and_(has_wait, within),
        "q<=T": missed.and_(has_wait, within),
    }
    level = SERVICE_LEVELS[options.variant]
    return {
        "calls": exp.not_(_column("internal_twice")),
        "wait_unknown": offered.and_(exp.not_(has_wait)),
        "answered_wait_s": when(answered),
        "abandoned_wait_s": when(abandoned),
        "short_abandoned": short,
        "abandoned_not_short": abandoned.and_(exp.not_(short)),
        "offered_not_short": offered.and_(exp.not_(short)),
        "answered_within": flags["a<=T"],
        "abandoned_within": abandoned.and_(within),
        # The formulas are written with &, | and ~, which build expressions here too.
        "level_met": level.numerator(flags),
        "level_counted": level.denominator(flags),
    }


def _at_most(seconds: float, *, below: bool = False) -> Any:
    """The largest number of whole microseconds that is at most, or below, this number of seconds.

    Microseconds are compared as `summarize` compares them: as the nearest Float64 in seconds.
    """
    limit = min(seconds, _LONGEST_S)
    number = int(limit * 1_000_000) + 2
    while number / 1_000_000 > limit or (below and number / 1_000_000 == limit):
        number -= 1
    exp = load_sqlglot()
    return exp.Literal.number(number) if number >= 0 else exp.Neg(this=exp.Literal.number(-number))


def _in_hours(options: MetricOptions) -> Any:
    """Whether a call began in business hours and not on a holiday; null without a start."""
    exp = load_sqlglot()
    minute, day = _column("week_minute"), _column("day")
    known = exp.not_(exp.Is(this=minute, expression=exp.Null()))
    opened = exp.true()
    if options.business_hours is not None:
        spans = minutes_of_week(parse_hours(options.business_hours))
        opened = exp.paren(
            exp.or_(
                *(
                    exp.Between(
                        this=minute,
                        low=exp.Literal.number(begin),
                        high=exp.Literal.number(end - 1),
                    )
                    for begin, end in spans
                )
            ),
            copy=False,
        )
    if options.holidays:
        dates = [exp.cast(exp.Literal.string(str(each)), "date") for each in options.holidays]
        opened = exp.and_(opened, exp.not_(exp.In(this=day, expressions=dates)))
    return exp.Case().when(known, opened)
