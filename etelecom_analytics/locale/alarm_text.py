"""Alarms of `etelecom watch` in plain words."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from ..formatting import format_value
from ..metrics.registry import MEASURES

__all__ = ["alarm_text", "cannot_judge_text", "ended_text", "held_text", "incomplete_text"]

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MAX_DAYS = 5


def alarm_text(row: Mapping[str, Any]) -> str:
    """An alarm as a sentence.

    Args:
        row: the fields of an `Alarm`.

    Examples:
        >>> from datetime import date
        >>> from etelecom_analytics.locale.alarm_text import alarm_text
        >>> row = {"signal": "outside", "measure": "answer_rate", "side": "low", "value": 0.62}
        >>> row |= {"usual": 0.88, "low": 0.8, "high": 0.93, "day": date(2026, 11, 2)}
        >>> alarm_text(row)
        'Answer rate on Monday, 2026-11-02: 62.0 %, below the usual range of 80.0 % to 93.0 %.'
    """
    measure = MEASURES[row["measure"]]
    value, usual, low, high = (
        format_value(row[name], measure.unit) for name in ("value", "usual", "low", "high")
    )
    day = f"{_WEEKDAYS[row['day'].weekday()]}, {row['day']}"
    if row["signal"] == "missed":
        bound = "at most" if row["side"] == "high" else "at least"
        return (
            f"{measure.title} of the four weeks to {day}: {value} (95 %: {low} to {high}), so the "
            f"target of {bound} {usual} is missed by more than days differ."
        )
    if row["signal"] == "level_change":
        place = "above" if row["side"] == "high" else "below"
        return (
            f"{measure.title} has been {place} its usual value for several days: {value} on {day}, "
            f"usually {usual}."
        )
    if row["signal"] == "two_days":
        place = "far above" if row["side"] == "high" else "far below"
        return (
            f"{measure.title} on two days in a row {place} the usual value: {value} on {day}, "
            f"usually {usual}."
        )
    place = "above" if row["side"] == "high" else "below"
    return f"{measure.title} on {day}: {value}, {place} the usual range of {low} to {high}."


def ended_text(rule: str, measure: str, side: str) -> str:
    """The sentence about a cause that has ended; another may have begun on the other side."""
    title = MEASURES[measure].title
    if rule == "target":
        return f"{title} of the last four weeks meets its target again."
    place = "above" if side == "high" else "below"
    return f"{title} is no longer {place} its usual value."


def held_text(count: int, until: datetime) -> str:
    """The sentence about alarms in quiet hours."""
    noun = "1 alarm is" if count == 1 else f"{count:,} alarms are"
    return f"Quiet hours: {noun} held back until {until:%H:%M}."


def incomplete_text(days: list[date]) -> str:
    """The sentence about days that were not fetched completely."""
    names = ", ".join(map(str, days[:_MAX_DAYS]))
    more = f" and {len(days) - _MAX_DAYS} more" if len(days) > _MAX_DAYS else ""
    return (
        f"The archive has not all calls of {names}{more}, so "
        f"{'this day was' if len(days) == 1 else 'these days were'} not checked."
    )


def cannot_judge_text(unknown: Mapping[str, int], needed: int) -> str:
    """The sentence about measures whose history is too short."""
    titles = ", ".join(MEASURES[name].title for name in unknown)
    days = min(unknown.values())
    noun = "day" if days == 1 else "days"
    return (
        f"{titles}: cannot tell yet. The eight weeks before the last two have {days} complete "
        f"{noun}; {needed} are needed. Sync earlier days with --since."
    )
