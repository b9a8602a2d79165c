"""A row of `findings` in as few words as a headline has room for."""

from collections.abc import Mapping
from typing import Any

from ..formatting import format_value
from ..metrics.registry import MEASURES
from .display import Display
from .value_text import plain_title

__all__ = ["place_text", "short_finding_text"]

_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_DEFAULT = Display()


def short_finding_text(row: Mapping[str, Any], display: Display = _DEFAULT) -> str:
    """The finding as a sentence without its full stop: what differs, where, and by how much.

    Args:
        row: a row of the table of `et.metrics.findings`, as a dict.
        display: how numbers and names of groups are shown; external phone numbers are masked.

    Examples:
        >>> from etelecom_analytics.locale.short_finding import short_finding_text
        >>> row = {"measure": "service_level", "dimension": "hour", "group": "9", "value": 0.575}
        >>> short_finding_text({**row, "usual": 0.64, "change": -0.06, "scale": "difference"})
        'Service level from 9:00 to 10:00 was 57.5 %, lower than the usual 64.0 %'
    """
    measure = MEASURES[row["measure"]]
    change, neutral = row["change"], 1.0 if row["scale"] == "ratio" else 0.0
    difference = row["value"] - row["usual"] if change is None else change - neutral
    is_count = measure.unit not in ("share", "s")
    # The value of a count is its mean per day.
    subject = f"{plain_title(measure)}{' a day' if is_count else ''}{place_text(row, display)}"
    value, usual = (format_value(row[name], measure.unit) for name in ("value", "usual"))
    verb, more, less = ("were", "more", "fewer") if is_count else ("was", "higher", "lower")
    return f"{subject} {verb} {value}, {more if difference > 0 else less} than the usual {usual}"


def place_text(row: Mapping[str, Any], display: Display = _DEFAULT) -> str:
    """Where a finding is, such as " on Mondays"; empty for all calls.

    Args:
        row: a row of the table of `et.metrics.findings`, as a dict.
        display: how numbers and names of groups are shown; external phone numbers are masked.

    Examples:
        >>> from etelecom_analytics.locale.short_finding import place_text
        >>> place_text({"dimension": "queue", "group": "8100"})
        ' of queue 8100'
    """
    dimension, group = row["dimension"], row["group"]
    match dimension:
        case "":
            return ""
        case "hour":
            return f" from {group}:00 to {int(group) + 1}:00"
        case "weekday":
            return f" on {_WEEKDAYS[int(group) - 1]}"
        case "target_number":
            return f" of {display.label(dimension, group)}"
        case "queue":
            return f" of queue {display.label('target_number', group)}"
        case "trunk_name":
            return f" of trunk {display.label(dimension, group)}"
    return f", {dimension.replace('_', ' ')} {display.label(dimension, group)}"
