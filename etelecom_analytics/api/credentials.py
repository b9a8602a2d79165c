"""The address and the API key of a client: reading, checking, and hiding the key."""

import json
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from dotenv import dotenv_values, find_dotenv
from requests.auth import AuthBase

from ..errors import SettingError

__all__ = [
    "ADDRESS_VARIABLE",
    "KEY_VARIABLE",
    "ApiKey",
    "Settings",
    "check_address",
    "is_loopback",
    "read_settings",
]

ADDRESS_VARIABLE, KEY_VARIABLE = "ETELECOM_BASE_URL", "ETELECOM_API_KEY"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _HiddenText(str):
    """A text with a fixed repr: tracebacks that print local variables print reprs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


class ApiKey(AuthBase):
    """An API key that adds itself to requests and has no other representation.

    Args:
        value: the key.
        source: where the key was read from; shown in error messages.
    """

    def __init__(self, value: str, *, source: str) -> None:
        self._is_valid = isinstance(value, str) and bool(re.fullmatch(r"[!-~]+", value.strip()))
        self._value = _HiddenText(str(value).strip())
        self._header = _HiddenText(f"Bearer {self._value}")
        self.source = source

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the key to the request."""
        request.headers["Authorization"] = self._header
        return request

    def __repr__(self) -> str:
        return f"<API key from {self.source}>"

    def check(self) -> None:
        """Raise an error if this cannot be a key.

        The constructor does not, because a traceback would show the caller's variable with the key.

        Raises:
            SettingError: the key is empty or has invalid characters.
        """
        if not self._is_valid:
            raise SettingError(
                "The API key is empty or has invalid characters: "
                f"pass a key to Client, or set {KEY_VARIABLE}."
            )

    def redact(self, text: str) -> str:
        """The text without the key, which a server may echo, plain or JSON-escaped."""
        escaped = json.dumps(self._value)[1:-1]
        return text.replace(self._value, "<API key>").replace(escaped, "<API key>")


class Settings(NamedTuple):
    """The address and the key of a client, and where the key was read from."""

    base_url: str
    api_key: str
    key_source: str


def read_settings(env_file: str | Path | None = None) -> Settings:
    """The settings in the environment, or else in `env_file`.

    By default the file is the nearest `.env` in this folder or one above it.

    Raises:
        SettingError: a setting is missing, or the file cannot be read.
    """
    path = str(env_file or find_dotenv(usecwd=True))
    if env_file and not Path(env_file).is_file():
        raise SettingError(f"There is no file {path}.")
    values = _read_variables(path)
    for name, value in values.items():
        if not value:
            raise SettingError(
                f"{name} is not set: set it in the environment, "
                f"or write {name}=... in a file named .env."
            )
    source = KEY_VARIABLE if os.environ.get(KEY_VARIABLE) else f"{KEY_VARIABLE} in {path}"
    return Settings(values[ADDRESS_VARIABLE], values[KEY_VARIABLE], source)


def _read_variables(path: str) -> dict[str, _HiddenText]:
    try:
        in_file = dotenv_values(path) if path else {}
    except (OSError, UnicodeDecodeError):
        in_file = None
    # Raised outside of the handler, the error has no `__context__` that could show the file.
    if in_file is None:
        raise SettingError(f"{path} cannot be read as text: save it as UTF-8.")
    return {
        name: _HiddenText(os.environ.get(name) or in_file.get(name) or "")
        for name in (ADDRESS_VARIABLE, KEY_VARIABLE)
    }


def is_loopback(base_url: str) -> bool:
    """Whether the address is on this machine."""
    return urlsplit(base_url).hostname in _LOOPBACK


def check_address(base_url: str) -> str:
    """The address without a trailing slash.

    Raises:
        SettingError: a key must not be sent to this address.
    """
    try:
        parts = urlsplit(str(base_url).strip())
        is_url = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:  # an invalid port or IPv6 address
        is_url = False
    # The service name is appended to the address; without a path it would become part of the host.
    if (
        not is_url
        or not parts.path.strip("/")
        or parts.query
        or parts.fragment
        or parts.username
        or re.search(r"\s", parts.netloc)
    ):
        raise SettingError(
            "base_url must be an address such as https://host/v1/shop: "
            f"use the one that you received with the key, or set {ADDRESS_VARIABLE}."
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingError(
            "base_url must begin with https, because http would send the key unencrypted "
            f"({ADDRESS_VARIABLE})."
        )
    return base_url.strip().rstrip("/")
