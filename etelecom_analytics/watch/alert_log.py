"""The log of alerts: JSON lines in a private file beside the archive, replaced in one step.

Each line is an event: what fired, what was printed or posted, and which causes ended. One line
holds the days that were checked. It is written together with the alarms of these days, so a process
that is killed before has neither, and checks the days again.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from .. import storage
from ..errors import ArchiveBusy, ArchiveError
from ..metrics.registry import MEASURES
from ..system_calls import LOCKS_MISSING, try_lock
from .rules import Alarm, Cause

__all__ = ["CATCH_UP_DAYS", "AlertLog", "LoggedAlarm", "alert_log_path", "watch_lock"]

CATCH_UP_DAYS = 28
"""Days that were missed, because no watch ran or the API did not answer, are checked so late."""
_ALARM_FIELDS = tuple(Alarm.__dataclass_fields__)


class LoggedAlarm:
    """An alarm of the log, and what happened to it.

    Attributes:
        alarm: the alarm.
        at: when it was logged.
        to_post: whether the site file had an address then.
        printed, posted: whether it was printed and posted.
    """

    def __init__(self, alarm: Alarm, at: datetime, *, to_post: bool) -> None:
        self.alarm, self.at, self.to_post = alarm, at, to_post
        self.printed = self.posted = False


class AlertLog:
    """The events of a log. Changes are in memory until `write`.

    Attributes:
        path: the file.
        since: the first day to check; None for a new log.
        checked: the days that were checked.
        alarms: all alarms by id, oldest first.
        lasting: the causes that have not ended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.since: date | None = None
        self.checked: set[date] = set()
        self.alarms: dict[str, LoggedAlarm] = {}
        self.lasting: set[Cause] = set()
        self._events: list[dict[str, Any]] = []

    @classmethod
    def read(cls, path: Path) -> "AlertLog":
        """The log in a file; an empty one if there is no file.

        Raises:
            ArchiveError: the file cannot be read, or a line is not an event.
        """
        log, number = cls(path), 0
        try:
            lines = path.read_bytes().decode().splitlines() if path.exists() else []
            for line in lines:
                number += 1
                log._apply(json.loads(line))
        except OSError as error:
            raise ArchiveError(
                f"The log of alerts {path} cannot be read: {storage.reason(error)}."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ArchiveError(
                f"Line {number} of the log of alerts {path} is damaged: correct the line, or "
                "rename the file to begin a new log."
            ) from error
        return log

    def write(self) -> None:
        """Replace the file; a process that is killed meanwhile leaves the old one.

        Raises:
            OSError: the file cannot be written.
        """
        checked: dict[str, object] = {
            "event": "checked",
            "since": self.since and self.since.isoformat(),
            "days": [day.isoformat() for day in sorted(self.checked)],
        }
        lines = (json.dumps(event, ensure_ascii=False) + "\n" for event in (*self._events, checked))
        storage.write_file(self.path, "".join(lines).encode())

    def add(
        self, alarms: Iterable[Alarm], ended: Iterable[Cause], at: datetime, *, to_post: bool
    ) -> None:
        """Add alarms and ended causes."""
        moment = at.isoformat(timespec="seconds")
        for cause in ended:
            self._apply({"event": "ended", "at": moment, **cause._asdict()})
        for alarm in alarms:
            values = {**asdict(alarm), "day": alarm.day.isoformat()}
            self._apply(
                {"event": "alarm", "at": moment, "id": alarm.id, "to_post": to_post, **values}
            )

    def mark(self, event: str, alarms: Iterable[Alarm], at: datetime) -> None:
        """Note that alarms were "printed" or "posted"."""
        moment = at.isoformat(timespec="seconds")
        for alarm in alarms:
            self._apply({"event": event, "at": moment, "id": alarm.id})

    def add_days(self, days: Iterable[date]) -> None:
        """Note that days were checked. Only the newest are kept: older ones are not looked at."""
        self.checked = set(sorted(self.checked.union(days))[-CATCH_UP_DAYS:])

    def _apply(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "checked":
                self.since = date.fromisoformat(event["since"]) if event["since"] else None
                self.checked = {date.fromisoformat(day) for day in event["days"]}
                return
            case "alarm":
                alarm = _alarm(event)
                at = datetime.fromisoformat(event["at"])
                self.alarms[event["id"]] = LoggedAlarm(alarm, at, to_post=event["to_post"])
                self.lasting.add(alarm.cause)
            case "ended":
                self.lasting.discard(Cause(event["rule"], event["measure"], event["side"]))
            case "printed":
                self.alarms[event["id"]].printed = True
            case "posted":
                self.alarms[event["id"]].posted = True
            case _:
                raise ValueError(event["event"])
        self._events.append(event)


def _alarm(event: dict[str, Any]) -> Alarm:
    values = {name: event[name] for name in _ALARM_FIELDS}
    MEASURES[values["measure"]]  # a measure that does not exist cannot be printed
    alarm = Alarm(**values)
    return replace(alarm, day=date.fromisoformat(values["day"]))


def alert_log_path(archive: Path) -> Path:
    """The path of the log of an archive: `calls.alerts.jsonl` beside the folder `calls`."""
    return archive.with_name(f"{archive.name}.alerts.jsonl")


@contextmanager
def watch_lock(archive: Path) -> Iterator[None]:
    """Prevent two watches of one archive at the same time; the system unlocks a killed one.

    Raises:
        ArchiveBusy: another watch is running.
        ArchiveError: the file system has no locks, or refuses the file.
    """
    # Not the log itself: it is replaced, and a lock belongs to the file that was opened.
    path = archive.with_name(f"{archive.name}.alerts.lock")
    try:
        storage.make_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, storage.FILE_MODE)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be written: {storage.reason(error)}.") from error
    try:
        try:
            locked = try_lock(descriptor)
        except OSError as error:
            if error.errno not in LOCKS_MISSING:
                raise
            raise ArchiveError(
                f"The file system of {path} has no locks: use --no-lock if no other process "
                "watches this archive."
            ) from error
        if not locked:
            raise ArchiveBusy(f"Another etelecom watch of {archive} is running.")
        yield
    finally:
        os.close(descriptor)
