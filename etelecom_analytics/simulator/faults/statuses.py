"""Answers without calls: error statuses, pages of a gateway, and errors that echo a secret."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from .base import Answer

__all__ = ["ECHOES", "echo", "empty", "error_status", "html", "too_many"]

_CODES = {
    400: "invalid_argument",
    408: "deadline_exceeded",
    429: "resource_exhausted",
    500: "internal",
}


def error_status(status: int) -> Answer:
    """An error in the API's format with this status, such as 408, 500, 502, 503 or 504."""
    return Answer(
        status=status, body={"code": _CODES.get(status, "unavailable"), "msg": "simulated"}
    )


def too_many(retry_after: int | datetime | None = None) -> Answer:
    """Status 429, with `Retry-After` in seconds, as a date, or without it."""
    when = (
        format_datetime(retry_after.astimezone(UTC), usegmt=True)
        if isinstance(retry_after, datetime)
        else retry_after
    )
    return replace(error_status(429), headers={} if when is None else {"Retry-After": str(when)})


def html(status: int = 200) -> Answer:
    """An HTML page of a gateway, which may have status 200."""
    return Answer(
        status=status, body=b"<html>\n<body>Bad gateway</body>\n</html>", content_type="text/html"
    )


def empty() -> Answer:
    """Status 200 and an empty body."""
    return Answer()


def _escape_signs(text: str) -> str:
    r"""JSON text in which slashes have a backslash, and other signs are escapes such as \u0026."""
    return "".join(
        "\\/" if each == "/" else each if each.isalnum() else f"\\u{ord(each):04X}" for each in text
    )


ECHOES: Mapping[str, Callable[[str], str]] = {
    "plain": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "escaped": _escape_signs,
    "all escaped": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "url": lambda text: quote(text, safe=""),
}
"""Ways to write a text inside a JSON string."""


def echo(text: str, style: str = "plain", *, status: int = 400) -> Answer:
    r"""An error that repeats a text in its message, such as `echo(server.api_key)`.

    Args:
        text: the text.
        style: how it is written, one of `ECHOES`: as it is; with the JSON escapes `\/` and
            `\u0026` for its signs; with an escape for each character; or URL-encoded.
        status: HTTP status.
    """
    code = _CODES.get(status, "unavailable")
    message = f"no access with {ECHOES[style](text)} here"
    return Answer(status=status, body=f'{{"code":"{code}","msg":"{message}"}}'.encode())
