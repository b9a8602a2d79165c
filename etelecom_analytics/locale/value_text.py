"""Values and times as short as a card or a headline needs them."""

from datetime import date, datetime

from ..formatting import format_value
from ..metrics.registry import Measure

__all__ = ["age_text", "change_text", "day_text", "plain_title", "target_value"]

_TITLES = {
    "offered": "Offered calls",
    "answered": "Answered calls",
    "missed": "Missed calls",
    "asa_s": "Average wait",
    "abandon_rate": "Abandoned",
    "agent_talk_avg_s": "Average talk",
    "agent_talk_s": "Total talk",
    "leg_talk_s": "Total talk",
    "fair_answer_rate": "Answer rate of offers",
    "rna_rate": "Share of rings without answer",
}
"""Titles of the registry that a reader outside call centres would not understand, or too long."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def plain_title(measure: Measure) -> str:
    """The title of a measure in plain words.

    Examples:
        >>> from etelecom_analytics.locale.value_text import plain_title
        >>> plain_title(et.metrics.MEASURES["asa_s"])
        'Average wait'
    """
    return _TITLES.get(measure.name, measure.title)


def target_value(target: float, unit: str) -> str:
    """A target without zeros after the point.

    Examples:
        >>> from etelecom_analytics.locale.value_text import target_value
        >>> target_value(0.8, "share"), target_value(20, "s")
        ('80 %', '20 s')
    """
    if unit == "share":
        return f"{target * 100:.6g} %"
    if unit == "s" and target < _MINUTE:
        return f"{target:.6g} s"
    return format_value(target, unit)


def change_text(before: float, after: float, unit: str) -> str:
    """The change of a value: points of a share, seconds, or the percentage of a count.

    Examples:
        >>> from etelecom_analytics.locale.value_text import change_text
        >>> change_text(0.639, 0.575, "share"), change_text(1460, 1416, "calls")
        ('−6.4 points', '−3 %')
    """
    if unit in ("share", "s") or not before:
        text = format_value(after - before, unit, signed=True)
    else:
        text = f"{(after - before) / before * 100:+,.0f} %"
    return text.replace("-", "−")


def day_text(day: date | datetime, *, month: bool = True) -> str:
    """The day, such as "Mon 2 Nov".

    Examples:
        >>> from datetime import date
        >>> from etelecom_analytics.locale.value_text import day_text
        >>> day_text(date(2026, 11, 2))
        'Mon 2 Nov'
    """
    return f"{day:%a} {day.day}{f' {day:%b}' if month else ''}"


def age_text(seconds: float) -> str:
    """The age in whole minutes, hours or days, such as "6 days".

    Examples:
        >>> from etelecom_analytics.locale.value_text import age_text
        >>> age_text(125), age_text(3 * 3600), age_text(6.9 * 86_400)
        ('2 min', '3 h', '6 days')
    """
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h"
    return f"{seconds // _DAY:.0f} days"
