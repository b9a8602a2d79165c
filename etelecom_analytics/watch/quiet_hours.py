"""Quiet hours: alarms in them are passed on by the first run after them."""

from datetime import datetime, time, timedelta

from .. import local_time

__all__ = ["QuietHours", "quiet_period"]

QuietHours = tuple[time, time]


def quiet_period(
    hours: QuietHours | None, now: datetime, time_zone: str
) -> tuple[datetime, datetime] | None:
    """The begin and the end of the quiet hours at this moment; None if they are not now.

    Args:
        hours: the local times at which silence begins and ends; it may last over midnight.
        now: the moment.
        time_zone: the time zone of the hours.
    """
    if hours is None:
        return None
    local = now.astimezone(local_time.zone(time_zone))
    begin, end = hours
    for day in (local.date() - timedelta(days=1), local.date()):
        last = day if begin < end else day + timedelta(days=1)
        period = tuple(
            datetime.combine(date, clock, tzinfo=local.tzinfo)
            for date, clock in ((day, begin), (last, end))
        )
        if period[0] <= local < period[1]:
            return period[0], period[1]
    return None
