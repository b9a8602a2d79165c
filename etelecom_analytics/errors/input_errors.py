"""Exceptions of arguments, settings and names that are not valid."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from .base import EtelecomError

__all__ = ["InputError", "SettingError", "QueryError", "UnknownName", "MeasureUnavailable"]

_MAX_NAMES, _FIRST_NAMES, _MAX_LENGTH = 80, 20, 60
"""How many valid names a message lists, and how much it shows of the invalid one."""
_LONG_NUMBER = re.compile(r"(\d{2})(?:[\s.()/\-]?\d){4,}")
"""A possible phone number. This package is below `phone_numbers`, and masks with its own rule."""


class InputError(EtelecomError, ValueError):
    """An argument is not valid; no request was sent."""


class SettingError(InputError):
    """An address or API key is missing or malformed; the message has its name, not its value."""


class QueryError(InputError):
    """A field of a query is not valid.

    Attributes:
        field: the name of the field.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message, field)
        self.field = field

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownName(InputError):
    """A measure, dimension or option does not exist; the message suggests and lists valid names."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = ()) -> None:
        self.kind, self.known = kind, tuple(known)
        self.name = _LONG_NUMBER.sub(r"\1…", str(name))  # repr shows it too
        super().__init__(self.kind, self.name, self.known)

    def __str__(self) -> str:
        by_lower = {name.lower(): name for name in self.known}
        matches = get_close_matches(self.name.lower(), by_lower, n=3, cutoff=0.5)
        hints = []
        if matches:
            hints.append(f"Did you mean {' or '.join(by_lower[match] for match in matches)}?")
        # A list of all time zones would hide the suggestion.
        is_long = len(self.known) > _MAX_NAMES
        if not matches or not is_long:
            shown = [*self.known[:_FIRST_NAMES], "..."] if is_long else self.known
            hints.append(f"Available: {', '.join(shown)}.")
        name = self.name
        name = name if len(name) <= _MAX_LENGTH else f"{name[: _MAX_LENGTH - 1]}…"
        return f"There is no {self.kind} {name!r}. {' '.join(hints)}"


class MeasureUnavailable(InputError):
    """A measure cannot be computed from call logs; the message suggests an alternative.

    Attributes:
        name: the name of the measure.
        reason: why it is not available, and what to use instead.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"{self.name} cannot be computed from call logs. {self.reason}"
