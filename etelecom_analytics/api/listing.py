"""The lists beside the calls: what they are, and the door through which nothing secret of them passes. No I/O.

Their answers hold passwords. Only the fields that are asked for pass, and of what is no page
nothing is ever quoted: nobody can tell which of its words is a secret.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from .wire import Page, read_page

__all__ = ["Listing", "read_listing"]

_CURSORS = ("next", "prev")
_HEADERS = ("Retry-After", "Date")
_CODES = {
    *(
        "aborted",
        "already_exists",
        "bad_route",
        "canceled",
        "data_loss",
        "deadline_exceeded",
        "failed_precondition",
        "internal",
    ),
    *(
        "invalid_argument",
        "malformed",
        "not_found",
        "out_of_range",
        "permission_denied",
        "resource_exhausted",
        "unauthenticated",
    ),
    *("unavailable", "unimplemented", "unknown"),
}
"""The API's words for what went wrong; any other word in their place is not repeated."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A method that gives a list, page by page.

    Attributes:
        method: its service and name, as they are joined to the address.
        rows: the key of its rows.
        fields: what is kept of each row.
    """

    method: str
    rows: str
    fields: tuple[str, ...]


def read_listing(listing: Listing, status: int, headers: Mapping[str, str], body: bytes) -> Page:
    """One page of raw rows with these fields alone, or the error that the answer stands for, in our own words.

    A list that comes without any `paging` is taken to be whole. What is no object among the rows is
    null.
    """
    told = {name: headers[name] for name in _HEADERS if name in headers}
    return read_page(status, told, _passed(listing, status, body), rows_key=listing.rows)


def _passed(listing: Listing, status: int, body: bytes) -> bytes:
    """What of the body may be known."""
    if not body.strip():
        return b""
    unsaid = f"{len(body):,} bytes, not repeated here since they may hold a password"
    document = _json(body)
    if not isinstance(document, dict):
        return unsaid.encode()
    if status != 200:
        code = document.get("code")
        return json.dumps(
            {"code": code if isinstance(code, str) and code in _CODES else "", "msg": unsaid}
        ).encode()
    rows, paging = document.get(listing.rows), document.get("paging")
    if isinstance(rows, list):
        kept = [_fields(row, listing.fields) for row in rows]
        return json.dumps(
            {listing.rows: kept, "paging": _fields({} if paging is None else paging, _CURSORS)}
        ).encode()
    return json.dumps(
        {listing.rows: None if rows is None else "no list", "paging": _fields(paging, _CURSORS)}
    ).encode()


def _fields(given: object, names: tuple[str, ...]) -> dict[str, object] | None:
    return (
        {name: _plain(given[name]) for name in names if name in given}
        if isinstance(given, dict)
        else None
    )


def _plain(value: object) -> object:
    """The value, with an empty object in the place of any that lies within."""
    if isinstance(value, list):
        return [{} if isinstance(each, dict | list) else each for each in value]
    return {} if isinstance(value, dict) else value


def _json(body: bytes) -> object:
    """What the body says in JSON; None if it is none."""
    try:
        return json.loads(body.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
