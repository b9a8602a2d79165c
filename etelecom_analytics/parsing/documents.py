"""Decoding of a response body: its encoding, its JSON, and the object around the rows.

Strict JSON is tried first. Some bodies are not valid JSON but have only one possible meaning: a raw
line break inside a text, a number that is too long for Python, or very deep nesting. These are
decoded too, and the caller learns of it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = [
    "MAX_DEPTH",
    "Document",
    "load_document",
    "page_problem",
    "paging_problem",
    "to_utf8",
    "unknown_keys",
]

MAX_DEPTH = 64
"""Values that are nested more deeply than this are read as null if Python cannot decode them."""

_MAX_DIGITS = 4_000
"""Python refuses to convert longer numbers, because that would be slow."""

_ROWS, _PAGING = "call_logs", "paging"
_ERROR_KEYS = ("code", "msg", "error", "errors")
_MESSAGE_KEYS = ("message", "error_message", "error_code", "detail", "status")
"""Keys that are harmless next to rows; on a page without rows they may belong to an error."""

_NO_ERROR = ("ok", "success", "200")
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


class Document(NamedTuple):
    """A decoded body, and whether it is valid JSON in UTF-8."""

    value: Any
    is_valid_json: bool
    is_valid_text: bool


def to_utf8(body: bytes) -> bytes:
    """The body as UTF-8, without a byte order mark and without NUL characters at its end."""
    encoding = json.detect_encoding(body)
    if encoding == "utf-8":
        return body.rstrip(b"\0")
    # An odd number of bytes ends in half a character.
    text = body.decode(encoding, errors="replace").rstrip("\0\ufffd")
    return text.encode(errors="replace")


def load_document(body: bytes) -> Document:
    """The decoded body.

    Raises:
        ValueError: it is not JSON, or has no single possible meaning: a page with two lists of
            rows, of which a parser would silently drop one.
    """
    body = to_utf8(body)
    try:
        # Half of a surrogate pair is a value that `values.read_text` reports.
        text, is_valid_text = body.decode(errors="surrogatepass"), True
    except UnicodeDecodeError:
        text, is_valid_text = body.decode(errors="replace"), False
    # The check costs as much as the decoding.
    is_repeated = any(text.count(f'"{key}"') > 1 for key in (_ROWS, _PAGING))
    check = _object_of_page if is_repeated else None
    try:
        return Document(json.loads(text, object_pairs_hook=check), True, is_valid_text)
    except RecursionError:
        text = _limit_depth(text)
    except ValueError:  # also if a number is too long
        pass
    try:
        value = json.loads(text, strict=False, parse_int=_read_integer, object_pairs_hook=check)
    except RecursionError as error:
        raise ValueError("the nesting is too deep") from error
    return Document(value, False, is_valid_text)


def page_problem(document: object, rows_key: str) -> str:
    """Why a response with status 200 has no rows of a page; empty if it has.

    A server may report an error with status 200. Without this check it would be an empty page.
    """
    if not isinstance(document, dict):
        return "not an object"
    errors = [name for name in _ERROR_KEYS if document.get(name)]
    if errors:
        return f"an error with status 200 ({', '.join(errors)})"
    if rows_key not in document:
        return f"no {rows_key} in the response"
    if not isinstance(document[rows_key], list | None):
        return f"{rows_key} is not a list"
    return "" if document[rows_key] else _empty_page_problem(document, rows_key)


def paging_problem(paging: Mapping[str, object]) -> str:
    """Why the paging cannot lead to the next page; empty if it can.

    A page with an error, or whose next cursor has another name, would look like the last page.
    """
    if errors := [name for name in (*_ERROR_KEYS, "message") if paging.get(name)]:
        return f"an error in paging ({', '.join(errors)})"
    if "next" not in paging and any(
        value and "next" in name.lower() for name, value in paging.items()
    ):
        return "no next in paging, but a similar key"
    return ""


def unknown_keys(document: Mapping[str, object], rows_key: str) -> list[str]:
    """The keys around the rows that the API does not document."""
    return [name for name in document if name != rows_key and name != _PAGING]


def _empty_page_problem(document: Mapping[str, object], rows_key: str) -> str:
    """Why a page without rows is no page; empty if only harmless keys are unknown."""
    for name in unknown_keys(document, rows_key):
        value = document[name]
        if isinstance(value, list) and any(isinstance(each, dict) for each in value):
            return f"no rows in {rows_key}, but some in another list"
        if value and name.lower() in _MESSAGE_KEYS and str(value).lower() not in _NO_ERROR:
            return "no rows, but a message"
    return ""


def _object_of_page(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these keys and values; an error if its rows or its paging occur twice."""
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        for key in (_ROWS, _PAGING):
            if names.count(key) > 1:
                raise ValueError(f"{key} occurs twice")
    return result


def _read_integer(digits: str) -> int | str:
    """The number, or its digits as text if it is too long."""
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def _limit_depth(text: str) -> str:
    """JSON in which null replaces each list and object below `MAX_DEPTH` levels."""
    parts, depth, kept = [], 0, 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                parts += [text[kept : token.start()], "null"]
        elif token[0] in "]}":
            if depth == MAX_DEPTH + 1:
                kept = token.end()
            depth -= 1
    return "".join([*parts, text[kept:]])
