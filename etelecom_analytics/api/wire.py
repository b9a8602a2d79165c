"""Requests and responses of the API, without any I/O.

A page keeps its body undecoded; `parsing` makes a table of it. This module checks that the body is
complete and has a list of rows, because a retry can still help here.
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
from ..parsing.documents import load_document, page_problem, paging_problem
from ..phone_numbers import printable
from .page_scan import scan_paging

__all__ = [
    "CALL_LOGS",
    "PAGE_LIMIT",
    "Page",
    "http_date",
    "list_request",
    "parse_json",
    "read_page",
    "retry_after_s",
    "scan_page",
    "service_url",
]

CALL_LOGS = "Etelecom/ListCallLogs"
PAGE_LIMIT = 100
"""The maximum number of rows per page; the API reads a limit of 0 as this."""

_TRANSIENT = {408, 500, 502, 503, 504}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of the API.

    Attributes:
        body: the whole response body, undecoded.
        next: the cursor of the next page; empty on the last page.
        prev: the cursor of the previous page.
        is_empty: whether the page has no rows.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     page = et.Client(server.base_url, server.api_key).list_calls(limit=2)
        >>> [call["call_state"] for call in page.call_logs], page.is_empty
        (['answered', 'answered'], False)
    """

    body: bytes
    next: str
    prev: str
    is_empty: bool

    @property
    def call_logs(self) -> list[Any]:
        """The raw rows; each access decodes the body again."""
        return load_document(self.body).value.get("call_logs") or []

    def __repr__(self) -> str:
        return (
            f"Page({len(self.body):,} bytes, next={self.next!r}, prev={self.prev!r}, "
            f"is_empty={self.is_empty})"
        )


def service_url(base_url: str, method: str = CALL_LOGS) -> str:
    """The URL of a method: `base_url`, a dot, and the method.

    The API documentation writes both `.Etelecom` and `.ETelecom`; this package uses the first.
    """
    return f"{base_url.rstrip('/')}.{method}"


def list_request(
    query_filter: Mapping[str, object], *, limit: int, sort: str, after: str, before: str
) -> bytes:
    """The body of a request for one page of a list.

    The API documentation says to send both `next` and `prev` in `after`. The backend expects `prev`
    in `before`, and so does this function.
    """
    paging = {"limit": limit, "sort": sort, "after": after, "before": before}
    request = {
        "filter": query_filter,
        "paging": {name: value for name, value in paging.items() if value},
    }
    # Escapes, because a cursor may contain half of a surrogate pair, which has no UTF-8.
    return json.dumps(request).encode()


def read_page(
    status: int, headers: Mapping[str, str], body: bytes, *, rows_key: str = "call_logs"
) -> Page:
    """The page in a response; the rows are under `rows_key`.

    Raises:
        ApiError: the response is an error, or not a page.
    """
    if status != 200:
        raise _response_error(status, headers, body)
    document = parse_json(body)
    problem = page_problem(document, rows_key)
    if not problem and not isinstance(document.get("paging"), dict):
        problem = "no paging in the response"
    if problem:
        if isinstance(document, dict) and (document.get("code") or document.get("msg")):
            message, code = _server_message(document)
            raise Unreadable(message, status=status, code=code)
        problem = f"{problem}: " if isinstance(document, dict) else ""
        raise Unreadable(f"{problem}{_first_line(body)}", status=status)
    return _page(body, document["paging"], is_empty=not document[rows_key])


def scan_page(status: int, headers: Mapping[str, str], body: bytes) -> Page:
    """The page of calls in a response, like `read_page` but several times as fast.

    If the paging can be read without decoding the rows, the rows are not checked. A page without
    rows is always decoded, because an error may look like one.

    Raises:
        ApiError: the response is an error, or not a page.
    """
    scan = scan_paging(body, "call_logs") if status == 200 else None
    if scan is None or scan[1]:
        return read_page(status, headers, body)
    return _page(body, scan[0], is_empty=False)


def parse_json(body: bytes) -> Any:
    """The decoded JSON document; None if the body is not JSON."""
    try:
        return load_document(body).value
    except ValueError:
        return None


def _page(body: bytes, paging: Mapping[str, object], *, is_empty: bool) -> Page:
    if problem := paging_problem(paging):
        raise Unreadable(problem)
    return Page(
        body=body, next=_cursor(paging, "next"), prev=_cursor(paging, "prev"), is_empty=is_empty
    )


def _cursor(paging: Mapping[str, object], name: str) -> str:
    value = paging.get(name)
    return "" if value is None else str(value)


def _first_line(body: bytes) -> str:
    lines = body.decode(errors="replace").strip().splitlines()
    return printable(lines[0]) if lines else "an empty body"


def _response_error(status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """The error for a status other than 200, with the message of the server."""
    document = parse_json(body)
    if isinstance(document, dict) and ("code" in document or "msg" in document):
        message, code = _server_message(document)
    else:
        code, message = "", _first_line(body)
    if 300 <= status < 400:
        location = printable(headers.get("Location", ""))
        return BadRoute(f"redirects are not followed with a key: {location}", status=status)
    kinds = {
        401: Unauthenticated,
        403: PermissionDenied,
        404: BadRoute,
        429: RateLimited,
        **dict.fromkeys(_TRANSIENT, Unavailable),
    }
    kind = kinds.get(status, BadRequest if 400 <= status < 500 else Unreadable)
    return kind(message, status=status, code=code, retry_after=retry_after_s(headers))


def _server_message(document: Mapping[str, Any]) -> tuple[str, str]:
    """The message and the code of an error of the API."""
    meta = json.dumps(document["meta"], ensure_ascii=False) if document.get("meta") else ""
    return (
        printable(f"{document.get('msg') or ''} {meta}".strip()),
        printable(str(document.get("code") or "")),
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The seconds in `Retry-After`; a date is relative to the server's `Date`, if there is one."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        until, now = http_date(text), http_date(headers.get("Date", "")) or datetime.now(UTC)
        seconds = (until - now).total_seconds() if until else 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else None


def http_date(text: str) -> datetime | None:
    """The time in a `Date` header; None if it is not readable."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
