"""Values and times as short as a card or a headline needs them."""

from ..formatting import format_value
from ..language import mark, ntr, number, tr
from ..metrics.registry import Measure

__all__ = ["age_text", "change_text", "plain_title", "target_value"]

_TITLES = {
    "offered": mark("Offered calls"),
    "answered": mark("Answered calls"),
    "missed": mark("Missed calls"),
    "asa_s": mark("Average wait"),
    "abandon_rate": mark("Abandoned"),
    "agent_talk_avg_s": mark("Average talk"),
    "agent_talk_s": mark("Total talk"),
    "leg_talk_s": mark("Total talk"),
    "fair_answer_rate": mark("Answer rate of offers"),
    "rna_rate": mark("Share of rings without answer"),
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
    return tr(_TITLES.get(measure.name, measure.title))


def target_value(target: float, unit: str) -> str:
    """A target without zeros after the point.

    Examples:
        >>> from etelecom_analytics.locale.value_text import target_value
        >>> target_value(0.8, "share"), target_value(20, "s")
        ('80 %', '20 s')
    """
    if unit == "share":
        return f"{number(target * 100, '.6g')} %"
    if unit == "s" and target < _MINUTE:
        return tr("{seconds} s", seconds=number(target, ".6g"))
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
        text = f"{number((after - before) / before * 100, '+,.0f')} %"
    return text.replace("-", "−")


def age_text(seconds: float) -> str:
    """The age in whole minutes, hours or days, such as "6 days".

    Examples:
        >>> from etelecom_analytics.locale.value_text import age_text
        >>> age_text(125), age_text(3 * 3600), age_text(6.9 * 86_400)
        ('2 min', '3 h', '6 days')
    """
    if seconds < _HOUR:
        return tr("{n} min", n=int(seconds // _MINUTE))
    if seconds < 2 * _DAY:
        return tr("{n} h", n=int(seconds // _HOUR))
    return ntr("{n} day", "{n} days", int(seconds // _DAY))
