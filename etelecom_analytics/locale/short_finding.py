"""A row of `findings` in as few words as a headline has room for."""

from collections.abc import Mapping
from typing import Any

from ..formatting import format_value
from ..language import filled, mark, tr
from ..metrics.registry import MEASURES
from .display import Display
from .terms import dimension_name, value_names
from .value_text import plain_title

__all__ = ["finding_subject", "short_finding_text"]

_WEEKDAYS = (
    mark("Mondays"),
    mark("Tuesdays"),
    mark("Wednesdays"),
    mark("Thursdays"),
    mark("Fridays"),
    mark("Saturdays"),
    mark("Sundays"),
)

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
    title = plain_title(measure)
    if is_count:  # its value is its mean per day
        title = tr("{title} a day", title=title)
    subject = finding_subject(title, row, display)
    value, usual = (format_value(row[name], measure.unit) for name in ("value", "usual"))
    if is_count and difference > 0:
        text = tr("{subject} were {value}, more than the usual {usual}")
    elif is_count:
        text = tr("{subject} were {value}, fewer than the usual {usual}")
    elif difference > 0:
        text = tr("{subject} was {value}, higher than the usual {usual}")
    else:
        text = tr("{subject} was {value}, lower than the usual {usual}")
    return filled(text, {"subject": subject, "value": value, "usual": usual})


def finding_subject(title: str, row: Mapping[str, Any], display: Display = _DEFAULT) -> str:
    """What a finding is about, and where it is, such as "Answer rate on Mondays".

    Args:
        title: the title of the measure.
        row: a row of the table of `et.metrics.findings`, as a dict.
        display: how numbers and names of groups are shown; external phone numbers are masked.

    Examples:
        >>> from etelecom_analytics.locale.short_finding import finding_subject
        >>> finding_subject("Answer rate", {"dimension": "queue", "group": "8100"})
        'Answer rate of queue 8100'
    """
    dimension, group = row["dimension"], row["group"]
    match dimension:
        case "":
            return title
        case "hour":
            begin, end = f"{group}:00", f"{int(group) + 1}:00"
            return tr("{title} from {begin} to {end}", title=title, begin=begin, end=end)
        case "in_hours" if group.lower() in ("true", "false"):
            place = tr("in hours") if group.lower() == "true" else tr("out of hours")
            return f"{title}, {place}"
        case "weekday":
            return tr("{title} on {weekdays}", title=title, weekdays=tr(_WEEKDAYS[int(group) - 1]))
        case "target_number":
            return tr("{title} of {group}", title=title, group=display.label(dimension, group))
        case "queue":
            name = display.label("target_number", group)
            return tr("{title} of queue {group}", title=title, group=name)
        case "trunk_name":
            name = display.label(dimension, group)
            return tr("{title} of trunk {group}", title=title, group=name)
    name = value_names(dimension).get(group) or display.label(dimension, group)
    return tr(
        "{title}, {dimension} {group}",
        title=title,
        dimension=dimension_name(dimension),
        group=name,
    )
