"""Durations in charts: as text, and on an axis of seconds."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from ..formatting import format_value
from ..locale.expressions import text_expr
from ..locale.terms import unit_name

__all__ = [
    "LONGEST",
    "MINUTES",
    "UNITS",
    "duration_axis",
    "duration_text",
    "time_unit",
    "unit_axis",
]

MINUTES = "m:ss"
"""The unit of an axis of minutes."""

UNITS = {"s": 1.0, MINUTES: 60.0, "h": 3_600.0, "days": 86_400.0}
"""The seconds in each unit of an axis."""

LONGEST = {"s": 90.0, MINUTES: 2 * 3_600.0, "h": 4 * 86_400.0}
"""The longest time in seconds that is shown in each unit but the last."""

_MAX_TICKS = 6
_STEPS = tuple(
    float(number * size)
    for size, numbers in (
        (1, (1, 2, 5, 10, 15, 30)),
        (60, (1, 2, 5, 10, 15, 30)),
        (3_600, (1, 2, 3, 6, 12)),
        (86_400, (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)),
    )
    for number in numbers
)
"""Distances in seconds between ticks."""


def duration_text(seconds: str) -> pl.Expr:
    """A column of seconds as text: "18.3 s", or "2:39" for a minute or more; null stays null.

    Args:
        seconds: the name of the column.
    """
    return text_expr(pl.col(seconds), lambda each: format_value(each, "s"))


def time_unit(seconds: float) -> tuple[str, float]:
    """The unit for a time of this length, and the seconds in it."""
    unit = next((unit for unit, longest in LONGEST.items() if seconds <= longest), "days")
    return unit, UNITS[unit]


def unit_axis(unit: str) -> alt.Axis:
    """The axis of times in a unit of `time_unit`; minutes are m:ss."""
    label = _label(60) if unit == MINUTES else alt.Undefined
    return alt.Axis(grid=True, zindex=0, labelExpr=label, labelOverlap=True, labelSeparation=6)


def duration_axis(seconds: Sequence[float], *, zero: bool) -> dict[str, Any]:
    """The ticks and labels of an axis or legend of seconds; labels have their unit.

    Args:
        seconds: the values to show.
        zero: whether the axis begins at 0.
    """
    low, high = (min(seconds), max(seconds)) if seconds else (0.0, 0.0)
    low = min(low, 0.0) if zero else low
    step = next((each for each in _STEPS if (high - low) / each <= _MAX_TICKS), _STEPS[-1])
    ticks = [place * step for place in range(int(-(-low // step)), int(high // step) + 1)]
    unit, size = time_unit(high)
    name = unit_name(unit)
    label = _label(1) if unit == MINUTES else f"format(datum.value / {size:g}, ',') + ' {name}'"
    return {"values": ticks, "labelExpr": label}


def _label(seconds: int) -> str:
    """The expression of a label m:ss; `seconds` is the unit of the axis."""
    total = f"round(datum.value * {seconds})"
    return f"floor({total} / 60) + ':' + pad({total} % 60, 2, '0', 'left')"
