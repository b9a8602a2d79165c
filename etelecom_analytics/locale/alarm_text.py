"""Alarms of `etelecom watch` in plain words."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from ..formatting import format_value
from ..language import WEEKDAYS, date_text, filled, ntr, tr
from ..metrics.registry import MEASURES

__all__ = ["alarm_text", "cannot_judge_text", "ended_text", "held_text", "incomplete_text"]

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
    is_high = row["side"] == "high"
    day = tr("{weekday}, {date}", weekday=tr(WEEKDAYS[row["day"].weekday()]), date=row["day"])
    match row["signal"]:
        case "missed":
            text = (
                tr(
                    "{title} of the four weeks to {day}: {value} (95 %: {low} to {high}), so the "
                    "target of at most {usual} is missed by more than days differ."
                )
                if is_high
                else tr(
                    "{title} of the four weeks to {day}: {value} (95 %: {low} to {high}), so the "
                    "target of at least {usual} is missed by more than days differ."
                )
            )
        case "level_change":
            text = (
                tr(
                    "{title} has been above its usual value for several days: {value} on {day}, "
                    "usually {usual}."
                )
                if is_high
                else tr(
                    "{title} has been below its usual value for several days: {value} on {day}, "
                    "usually {usual}."
                )
            )
        case "two_days":
            text = (
                tr(
                    "{title} on two days in a row far above the usual value: {value} on {day}, "
                    "usually {usual}."
                )
                if is_high
                else tr(
                    "{title} on two days in a row far below the usual value: {value} on {day}, "
                    "usually {usual}."
                )
            )
        case _:
            text = (
                tr("{title} on {day}: {value}, above the usual range of {low} to {high}.")
                if is_high
                else tr("{title} on {day}: {value}, below the usual range of {low} to {high}.")
            )
    values = {"title": tr(measure.title), "day": day, "value": value, "usual": usual}
    return filled(text, values | {"low": low, "high": high})


def ended_text(rule: str, measure: str, side: str) -> str:
    """The sentence about a cause that has ended; another may have begun on the other side."""
    title = tr(MEASURES[measure].title)
    if rule == "target":
        return tr("{title} of the last four weeks meets its target again.", title=title)
    if side == "high":
        return tr("{title} is no longer above its usual value.", title=title)
    return tr("{title} is no longer below its usual value.", title=title)


def held_text(count: int, until: datetime) -> str:
    """The sentence about alarms in quiet hours."""
    return ntr(
        "Quiet hours: {n} alarm is held back until {time}.",
        "Quiet hours: {n} alarms are held back until {time}.",
        count,
        time=f"{until:%H:%M}",
    )


def incomplete_text(days: list[date]) -> str:
    """The sentence about days that were not fetched completely."""
    names = ", ".join(map(date_text, days[:_MAX_DAYS]))
    if len(days) > _MAX_DAYS:
        names = tr("{names} and {n} more", names=names, n=len(days) - _MAX_DAYS)
    return ntr(
        "The archive has not all calls of {names}, so this day was not checked.",
        "The archive has not all calls of {names}, so these days were not checked.",
        len(days),
        names=names,
    )


def cannot_judge_text(unknown: Mapping[str, int], needed: int) -> str:
    """The sentence about measures whose history is too short."""
    return ntr(
        "{titles}: cannot tell yet. The eight weeks before the last two have {n} complete day; "
        "{needed} are needed. Sync earlier days with --since.",
        "{titles}: cannot tell yet. The eight weeks before the last two have {n} complete days; "
        "{needed} are needed. Sync earlier days with --since.",
        min(unknown.values()),
        titles=", ".join(tr(MEASURES[name].title) for name in unknown),
        needed=needed,
    )
