"""The API's request and answer, without any I/O: bodies to send; (status, headers, bytes) -> a Page, or the error it stands for.

A page keeps its body undecoded: making a table of it is the parser's work. That it came to its end
and has a list of rows is seen here, where asking again still helps.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import (
    ApiError,
    BadRequest,
    BadRoute,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
    Unavailable,
    Unreadable,
)
from ..phone_numbers import shown
from .page_scan import paging_of

__all__ = [
    "CALL_LOGS",
    "PAGE_LIMIT",
    "Page",
    "first_line",
    "scan_page",
    "list_request",
    "read_page",
    "service_url",
]

CALL_LOGS = "Etelecom/ListCallLogs"
PAGE_LIMIT = 100
"""The most rows that a page can have; also what the API takes 0 for."""

_PASSING = {408, 500, 502, 503, 504}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page as the API gives it.

    Attributes:
        body: the whole answer, undecoded.
        next: the cursor of the page after this one; only an empty one ends a chain.
        prev: the cursor of the page before.
        is_empty: whether it has no rows.
    """

    body: bytes
    next: str
    prev: str
    is_empty: bool

    @property
    def call_logs(self) -> list[Any]:
        """The rows as they came, decoded anew at each access."""
        return json.loads(self.body.decode(errors="replace")).get("call_logs") or []

    def __repr__(self) -> str:
        return f"Page({len(self.body):,} bytes, next={self.next!r}, prev={self.prev!r}, is_empty={self.is_empty})"


def service_url(base_url: str, method: str = CALL_LOGS) -> str:
    """The address of a method: its service is joined to `base_url` with a dot, no slash.

    The documentation writes both `.Etelecom` and `.ETelecom`; the first is sent.
    """
    return f"{base_url.rstrip('/')}.{method}"


def list_request(
    query_filter: Mapping[str, object], *, limit: int, sort: str, after: str, before: str
) -> bytes:
    """The body of a request for a page of a list.

    The documentation says of `prev`, as of `next`, that it goes into `after`; the backend takes it
    in `before`, and so do we.
    """
    paging = {"limit": limit, "sort": sort, "after": after, "before": before}
    request = {
        "filter": query_filter,
        "paging": {name: value for name, value in paging.items() if value},
    }
    return json.dumps(request, ensure_ascii=False).encode()


def read_page(
    status: int, headers: Mapping[str, str], body: bytes, *, rows_key: str = "call_logs"
) -> Page:
    """One page of raw rows, by default of calls, or the error that the answer stands for."""
    if status != 200:
        raise _refusal(status, headers, body)
    document = _decoded(body)
    rows, paging = document.get(rows_key), document.get("paging")
    if not isinstance(rows, list | None):
        raise Unreadable(f"{rows_key} is not a list", status=status)
    if not isinstance(paging, dict):
        raise Unreadable(f"no paging in the answer: {first_line(body)}", status=status)
    return Page(
        body=body, next=_cursor(paging, "next"), prev=_cursor(paging, "prev"), is_empty=not rows
    )


def scan_page(status: int, headers: Mapping[str, str], body: bytes) -> Page:
    """The same of calls, several times as fast: where the paging can be told without decoding the rows, they are left to the parser."""
    seen = paging_of(body, "call_logs") if status == 200 else None
    if seen is None:
        return read_page(status, headers, body)
    paging, is_empty = seen
    return Page(
        body=body, next=_cursor(paging, "next"), prev=_cursor(paging, "prev"), is_empty=is_empty
    )


def first_line(body: bytes) -> str:
    """The first line of what came, fit to be shown."""
    lines = body.decode(errors="replace").strip().splitlines()
    return shown(lines[0]) if lines else "an empty body"


def _cursor(paging: Mapping[str, object], name: str) -> str:
    value = paging.get(name)
    return "" if value is None else str(value)


def _decoded(body: bytes) -> dict[str, Any]:
    document = _json(body)
    if not isinstance(document, dict):
        raise Unreadable(first_line(body), status=200)
    return document


def _json(body: bytes) -> Any:
    """What the body says in JSON; None if it is none."""
    try:
        return json.loads(body.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """The error that a status stands for, with what the server said."""
    document = _json(body)
    if isinstance(document, dict) and ("code" in document or "msg" in document):
        meta = json.dumps(document["meta"], ensure_ascii=False) if document.get("meta") else ""
        code, said = (
            shown(str(document.get("code", ""))),
            shown(f"{document.get('msg', '')} {meta}".strip()),
        )
    else:
        code, said = "", first_line(body)
    if 300 <= status < 400:
        said = f"it sends us elsewhere, and a key is never carried along: {shown(headers.get('Location', ''))}"
        return BadRoute(said, status=status)
    kinds = {
        401: Unauthenticated,
        403: PermissionDenied,
        404: BadRoute,
        429: RateLimited,
        **dict.fromkeys(_PASSING, Unavailable),
    }
    kind = kinds.get(status, BadRequest if 400 <= status < 500 else Unreadable)
    return kind(said, status=status, code=code, retry_after=_retry_after(headers))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks to wait; a date is counted from the server's own clock where it tells it."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        until, now = _http_date(text), _http_date(headers.get("Date", "")) or datetime.now(UTC)
        seconds = (until - now).total_seconds() if until else 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
