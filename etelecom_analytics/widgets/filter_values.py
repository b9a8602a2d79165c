"""The values of a group filter: one, several, or cells of weekday and hour."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta

from ..errors import QueryError
from ..local_time import parse_day
from ..phone_numbers import describe

__all__ = ["CELLS", "checked_filter", "day_text", "filter_of", "filters_dict", "values_of"]

CELLS = "weekday_hour"
"""A filter on cells of a heat map: pairs of a weekday, 1 to 7, and an hour."""

_FIRST_DAYS: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


def values_of(value: object) -> tuple[object, ...]:
    """The values of a filter: those of a tuple, or the one."""
    return value if isinstance(value, tuple) else (value,)


def filter_of(name: str, values: Iterable[object]) -> object:
    """The filter on these values: one value, or a tuple of several in order, None last.

    A filter on cells is always a tuple of pairs.
    """
    ordered = tuple(sorted(set(values), key=_order))
    return ordered if name == CELLS or len(ordered) > 1 else ordered[0]


def filters_dict(filters: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Filters as JSON values: several values are a list."""
    return {name: _json(value) for name, value in filters}


def day_text(name: str, value: object) -> object:
    """The first day of a day, week or month as ISO text; other values are unchanged.

    Text, because a state must be valid JSON and code must be valid Python.
    """
    if name not in _FIRST_DAYS:
        return value
    if isinstance(value, str):
        try:
            value = parse_day(value)
        except ValueError:  # selecting calls by it is an error
            return value
    return _FIRST_DAYS[name](value).isoformat() if type(value) is date else value


def checked_filter(key: str, name: str, value: object) -> object:
    """The filter of a JSON value; `QueryError` if it is none.

    Whether a dimension has such values is checked where calls are selected.
    """
    values = value if isinstance(value, list | tuple) else [value]
    if name == CELLS:
        if not values or not all(map(_is_cell, values)):
            raise QueryError(
                f"{CELLS} is a list of weekdays and hours, such as [[1, 9], [2, 14]]; "
                f"got {describe(value)}."
            )
        return filter_of(name, (tuple(each) for each in values if isinstance(each, list | tuple)))
    if not values:
        raise QueryError(f"{name} in {key} is an empty list: use at least one value.")
    for each in values:
        if not isinstance(each, str | int | float | date | None):
            raise QueryError(
                f"{name} in {key} is a value, or a list of values; got {describe(value)}."
            )
    return filter_of(name, (day_text(name, each) for each in values))


def _is_cell(pair: object) -> bool:
    match pair:
        case [int() as weekday, int() as hour]:
            return 1 <= weekday <= 7 and 0 <= hour <= 23
    return False


def _order(value: object) -> tuple[bool, str, object]:
    return value is None, type(value).__name__, value


def _json(value: object) -> object:
    return [_json(each) for each in value] if isinstance(value, tuple) else value
