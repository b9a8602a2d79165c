"""Passing alarms on: which are due, and what is posted."""

from collections.abc import Sequence
from datetime import datetime

from ..formatting import format_value
from ..language import speaking
from ..locale.alarm_text import alarm_text
from ..metrics.registry import MEASURES
from .alert_log import AlertLog
from .quiet_hours import QuietHours, quiet_period
from .rules import Alarm

__all__ = ["due_alarms", "post_document", "text_of", "unposted_alarms"]


def due_alarms(
    log: AlertLog, hours: QuietHours | None, now: datetime, time_zone: str
) -> tuple[list[Alarm], int]:
    """The alarms that were not printed and are due, and the number of those held back.

    In quiet hours, alarms from before them are due: they were held back in earlier ones, and no run
    has printed them in between.
    """
    period = quiet_period(hours, now, time_zone)
    waiting = [each for each in log.alarms.values() if not each.printed]
    due = [each.alarm for each in waiting if period is None or each.at < period[0]]
    return due, len(waiting) - len(due)


def unposted_alarms(log: AlertLog) -> list[Alarm]:
    """The printed alarms that have to be posted still."""
    return [
        each.alarm
        for each in log.alarms.values()
        if each.printed and each.to_post and not each.posted
    ]


def text_of(alarm: Alarm) -> str:
    """The alarm as a sentence."""
    return alarm_text(vars(alarm))


def post_document(alarms: Sequence[Alarm]) -> dict[str, object]:
    """What is posted: values of whole days. No call, no phone number, no name, no path.

    `text` has all sentences, so that chat services show it. The `id` of an alarm is the same if it
    is posted twice, which happens if a run is killed just after it has posted. Texts are in
    English: programs may read them.
    """
    with speaking("en"):
        return {
            "version": 1,
            "text": "\n".join(text_of(alarm) for alarm in alarms),
            "alarms": [_alarm_document(alarm) for alarm in alarms],
        }


def _alarm_document(alarm: Alarm) -> dict[str, object]:
    unit = MEASURES[alarm.measure].unit
    return {
        "id": alarm.id,
        **vars(alarm),
        "day": alarm.day.isoformat(),
        "unit": unit,
        "value_text": format_value(alarm.value, unit),
        "text": text_of(alarm),
    }
