"""The text of a site file as settings with checked types."""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

from .errors import InputError, UnknownName
from .phone_numbers import describe, printable
from .storage import reason

__all__ = ["SETTINGS", "read_site_file", "site_values"]

_NUMBERS = 'a list of numbers in quotes, such as ["8000", "8100"]'
_DATES = "a list of dates, such as [2026-09-02]"
_TABLE_OF = "a table, such as "

SETTINGS: Mapping[str, str] = {
    "time_zone": 'the name of a time zone in quotes, such as "Asia/Ho_Chi_Minh"',
    "ivr_numbers": _NUMBERS,
    "queue_numbers": _NUMBERS,
    "voicemail_numbers": _NUMBERS,
    "own_numbers": _NUMBERS,
    "agent_numbers": _NUMBERS,
    "holidays": _DATES,
    "language": '"en" or "vi"',
    "business_hours": f'{_TABLE_OF}[business_hours] with the line "mon-fri" = ["08:00", "17:30"]',
    "targets": f"{_TABLE_OF}[targets] with the line service_level = 0.8",
    "watch": f'{_TABLE_OF}[watch] with the line quiet_hours = ["21:00", "07:00"]',
    "privacy": f'{_TABLE_OF}[privacy] with the line numbers = "masked"',
    "hotline_names": f'{_TABLE_OF}[hotline_names] with the line "19000123" = "Sales"',
}
"""Each setting, and how its value is written."""


def read_site_file(path: Path) -> tuple[dict[str, object], bytes]:
    """The settings of a site file, and its bytes.

    Raises:
        InputError: the file cannot be read, is not TOML, or has a setting of another type.
        UnknownName: there is no such setting; the message lists the nearest.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The site file {printable(str(path))} cannot be read: {reason(error)}."
        ) from error
    try:
        values = tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        detail = printable(str(error)) if isinstance(error, tomllib.TOMLDecodeError) else "no UTF-8"
        raise InputError(f"{printable(str(path))} is not valid TOML: {detail}.") from error
    return site_values(values), content


def site_values(values: Mapping[str, object]) -> dict[str, object]:
    """The settings after checking their names and types.

    Raises:
        InputError: a setting has another type.
        UnknownName: there is no such setting; the message lists the nearest.
    """
    for name, value in values.items():
        if name not in SETTINGS:
            raise UnknownName("setting", printable(name), SETTINGS)
        if not _has_type(name, value):
            raise InputError(f"{name} is {SETTINGS[name]}; got {describe(value)}.")
    return dict(values)


def _has_type(name: str, value: object) -> bool:
    form = SETTINGS[name]
    if form == _NUMBERS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if form == _DATES:
        return isinstance(value, list) and all(map(_is_day, value))
    if form.startswith(_TABLE_OF):
        return isinstance(value, dict)
    return isinstance(value, str)


def _is_day(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, date) and not isinstance(value, datetime))
