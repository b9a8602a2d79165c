"""Reading the lists of extensions, users and hotlines without their secrets. No I/O.

The responses of these methods contain passwords. Only the declared fields are kept, and a body that
is not a page is never quoted, because any of its words could be a secret.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from .wire import Page, parse_json, read_page

__all__ = ["Listing", "read_listing"]

_CURSORS = ("next", "prev")
_HEADERS = ("Retry-After", "Date")
_CODES = {
    "aborted",
    "already_exists",
    "bad_route",
    "canceled",
    "data_loss",
    "deadline_exceeded",
    "failed_precondition",
    "internal",
    "invalid_argument",
    "malformed",
    "not_found",
    "out_of_range",
    "permission_denied",
    "resource_exhausted",
    "unauthenticated",
    "unavailable",
    "unimplemented",
    "unknown",
}
"""The error codes of the API (those of Twirp); any other code is removed."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A method of the API that returns a list in pages.

    Attributes:
        method: the service and the name of the method, as `service_url` takes them.
        rows: the key of the rows.
        fields: the fields to keep of each row.
    """

    method: str
    rows: str
    fields: tuple[str, ...]


def read_listing(listing: Listing, status: int, headers: Mapping[str, str], body: bytes) -> Page:
    """The page in a response, whose rows have only the fields of the listing.

    A list without any `paging` is complete. A row that is not an object becomes null.

    Raises:
        ApiError: the response is an error, or not a page; the message does not quote the server.
    """
    safe_headers = {name: headers[name] for name in _HEADERS if name in headers}
    return read_page(
        status, safe_headers, _without_secrets(listing, status, body), rows_key=listing.rows
    )


def _without_secrets(listing: Listing, status: int, body: bytes) -> bytes:
    if not body.strip():
        return b""
    omission = f"{len(body):,} bytes, omitted because they may contain a password"
    document = parse_json(body)
    if not isinstance(document, dict):
        return omission.encode()
    if status != 200 or document.get("code") or document.get("msg"):
        code = document.get("code")
        known_code = code if isinstance(code, str) and code in _CODES else ""
        return json.dumps({"code": known_code, "msg": omission}).encode()
    if listing.rows not in document:
        return b"{}"
    rows, paging = document[listing.rows], document.get("paging")
    if isinstance(rows, list):
        # A list without paging is complete: an empty `next`.
        paging = {} if paging is None else paging
        safe_rows: object = [_select(row, listing.fields) for row in rows]
    else:
        safe_rows = None if rows is None else "not a list"
    return json.dumps({listing.rows: safe_rows, "paging": _select(paging, _CURSORS)}).encode()


def _select(record: object, names: tuple[str, ...]) -> dict[str, object] | None:
    if not isinstance(record, dict):
        return None
    return {name: _without_nesting(record[name]) for name in names if name in record}


def _without_nesting(value: object) -> object:
    """The value, in which each nested object or list is replaced by an empty object."""
    if isinstance(value, list):
        return [{} if isinstance(item, dict | list) else item for item in value]
    return {} if isinstance(value, dict) else value
