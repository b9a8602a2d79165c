"""The address and the API key of a client: reading, checking, and hiding the key."""

import os
import re
from collections.abc import Callable
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
    "Secret",
    "Settings",
    "check_address",
    "is_loopback",
    "read_settings",
]

_MIN_WORD = 6
"""Shorter words of a key also occur by chance, such as in an extension number."""
_ESCAPED_LETTER = re.compile(rb"\\u00(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])")
r"""A letter or digit that is written as an escape of JSON, such as \u006b."""

ADDRESS_VARIABLE, KEY_VARIABLE = "ETELECOM_BASE_URL", "ETELECOM_API_KEY"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Secret:
    """A text that no representation shows; only `reveal` returns it.

    It is no `str`, because tools that print local variables slice texts.
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        self._reveal: Callable[[], str] = lambda: text

    def reveal(self) -> str:
        """The text."""
        return self._reveal()

    def __repr__(self) -> str:
        return "<hidden>"


class ApiKey(AuthBase):
    """An API key that adds itself to requests and has no other representation.

    Args:
        value: the key.
        source: where the key was read from; shown in error messages.
    """

    def __init__(self, value: "str | Secret", *, source: str) -> None:
        text = str(value.reveal() if isinstance(value, Secret) else value).strip()
        self._is_valid = bool(re.fullmatch(r"[!-~]+", text))
        self._secret, self._longest_word = Secret(text), Secret(_longest_word(text))
        self._echo = Secret(_echo_pattern(text)) if self._is_valid else None
        self.source = source

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the key to the request."""
        request.headers["Authorization"] = f"Bearer {self._secret.reveal()}"
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
        """The text without the key, which a server may echo with JSON escapes or URL-encoded."""
        if self._echo is None:
            return text
        return re.sub(self._echo.reveal(), "<API key>", text)

    def redact_page(self, body: bytes) -> bytes:
        """The body of a page without the key; a very short key may be a usual value, and is kept.

        Most pages do not contain it, which is seen without decoding them.
        """
        word = self._longest_word.reveal().encode()
        if len(word) < _MIN_WORD or not (word in body or _ESCAPED_LETTER.search(body)):
            return body
        return self.redact(body.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def _longest_word(text: str) -> str:
    """The longest run of letters and digits, which no encoding changes."""
    return max(re.findall(r"[A-Za-z0-9]+", text), key=len, default="")


def _echo_pattern(text: str) -> str:
    """A pattern of the text in which each character may be escaped for JSON or for a URL."""
    return "".join(
        rf"(?:\\*{re.escape(letter)}|\\+u00(?i:{ord(letter):02x})|%(?:25)?(?i:{ord(letter):02x}))"
        for letter in text
    )


class Settings(NamedTuple):
    """The address and the key of a client, and where the key was read from."""

    base_url: Secret  # the two may have been swapped
    api_key: Secret
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
        if not value.reveal():
            raise SettingError(
                f"{name} is not set: set it in the environment, "
                f"or write {name}=... in a file named .env."
            )
    source = KEY_VARIABLE if os.environ.get(KEY_VARIABLE) else f"{KEY_VARIABLE} in {path}"
    return Settings(values[ADDRESS_VARIABLE], values[KEY_VARIABLE], source)


def _read_variables(path: str) -> dict[str, Secret]:
    try:
        # Without interpolation, because a key may contain "${...}".
        in_file = dotenv_values(path, interpolate=False) if path else {}
    except (OSError, UnicodeDecodeError):
        in_file = None
    # Raised outside of the handler, the error has no `__context__` that could show the file.
    if in_file is None:
        raise SettingError(f"{path} cannot be read as text: save it as UTF-8.")
    return {
        name: Secret(os.environ.get(name) or in_file.get(name) or "")
        for name in (ADDRESS_VARIABLE, KEY_VARIABLE)
    }


def is_loopback(base_url: str) -> bool:
    """Whether the address is on this machine."""
    return urlsplit(base_url).hostname in _LOOPBACK


def check_address(base_url: object) -> str:
    """The address without a trailing slash.

    Raises:
        SettingError: a key must not be sent to this address.
    """
    text = str(base_url.reveal() if isinstance(base_url, Secret) else base_url).strip()
    problem = _address_problem(text)
    if problem:
        # The address and the key may have been swapped, and a traceback may print variables.
        text = base_url = ""
        raise SettingError(problem)
    return text.rstrip("/")


def _address_problem(text: str) -> str:
    """Why a key must not be sent to this address; empty if it may be."""
    try:
        parts = urlsplit(text)
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
        return (
            "base_url must be an address such as https://host/v1/shop: "
            f"use the one that you received with the key, or set {ADDRESS_VARIABLE}."
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        return (
            "base_url must begin with https, because http would send the key unencrypted "
            f"({ADDRESS_VARIABLE})."
        )
    return ""
