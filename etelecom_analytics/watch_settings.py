"""WatchSettings: which measures `etelecom watch` checks, when it is silent, and where it posts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from urllib.parse import urlsplit

from .errors import InputError, UnknownName
from .metrics.registry import measure
from .phone_numbers import describe, printable

__all__ = ["WATCHED_MEASURES", "WatchSettings"]

WATCHED_MEASURES = ("offered", "answer_rate", "service_level", "asa_s")
"""The measures that are watched unless the site file names others."""

_KEYS = ("measures", "quiet_hours", "address")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_QUIET = 'watch.quiet_hours is two times of a day, such as ["21:00", "07:00"]'


@dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """The table `[watch]` of a site file.

    Attributes:
        measures: the measures whose days are compared with their usual range.
        quiet_hours: the local times at which silence begins and ends; None for no silence.
        address: where alarms are posted; None for nowhere. It may contain a secret, so nothing
            prints it.
    """

    measures: tuple[str, ...] = WATCHED_MEASURES
    quiet_hours: tuple[time, time] | None = None
    address: str | None = field(default=None, repr=False)

    @classmethod
    def from_dict(cls, values: object) -> "WatchSettings":
        """The settings in the table `[watch]`, after checking them; None for the defaults.

        Raises:
            InputError: a value is not allowed.
            UnknownName: there is no such setting or measure; the message lists the nearest.
        """
        if values is None:
            return cls()
        if not isinstance(values, Mapping):
            raise InputError(
                f'watch is a mapping, such as {{"measures": ["offered"]}}; got {describe(values)}.'
            )
        for name in values:
            if name not in _KEYS:
                raise UnknownName("setting of watch", printable(str(name)), _KEYS)
        quiet_hours, address = values.get("quiet_hours"), values.get("address")
        return cls(
            measures=_measures(values.get("measures", WATCHED_MEASURES)),
            quiet_hours=None if quiet_hours is None else _quiet_hours(quiet_hours),
            address=None if address is None else _address(address),
        )

    def to_dict(self) -> dict[str, object]:
        """The arguments of `from_dict` that give these settings."""
        values: dict[str, object] = {"measures": list(self.measures)}
        if self.quiet_hours:
            values["quiet_hours"] = [f"{clock:%H:%M}" for clock in self.quiet_hours]
        if self.address:
            values["address"] = self.address
        return values


def _measures(names: object) -> tuple[str, ...]:
    is_list = isinstance(names, Sequence) and not isinstance(names, str)
    if not is_list or not all(isinstance(name, str) for name in names):  # type: ignore[attr-defined]
        raise InputError(
            f'watch.measures is a list of measures, such as ["offered", "answer_rate"]; '
            f"got {describe(names)}."
        )
    return tuple(dict.fromkeys(measure(name).name for name in names))  # type: ignore[attr-defined]


def _quiet_hours(value: object) -> tuple[time, time]:
    try:
        begin, end = (_clock(text) for text in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise InputError(f"{_QUIET}; got {describe(value)}.") from None
    if begin == end:
        raise InputError(f"{_QUIET}, which differ; without the setting no hour is quiet.")
    return begin, end


def _clock(text: object) -> time:
    if not isinstance(text, str) or len(text) != len("21:00"):
        raise ValueError
    return time.fromisoformat(text)


def _address(value: object) -> str:
    """The address; a message about it does not quote it, because it may contain a secret."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        host, port = (parts.hostname, parts.port) if parts else (None, None)
    except ValueError:  # an invalid port or IPv6 address
        parts = host = port = None
    is_url = parts is not None and bool(host) and port != 0 and not parts.username
    if not is_url or any(not "!" <= letter <= "~" for letter in str(value)):
        raise InputError(
            "watch.address must be an address such as https://host/path, without a user name."
        )
    if parts.scheme != "https" and (parts.scheme != "http" or host not in _LOOPBACK):  # type: ignore[union-attr]
        raise InputError(
            "watch.address must begin with https: http is allowed for this machine only."
        )
    return str(value)
