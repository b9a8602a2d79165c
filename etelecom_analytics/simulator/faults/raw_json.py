"""Pages that a strict JSON parser refuses, or that are encoded in an unusual way."""

import codecs
import json

from .base import Page, Request, Transform, on_body, on_page

__all__ = [
    "bad_number",
    "deep_nesting",
    "encoded",
    "half_surrogate",
    "long_number",
    "raw_newline",
    "raw_value",
    "trailing_nuls",
]

_PLACEHOLDER = "\ue000raw value\ue000"


def raw_value(field: str, raw: bytes, *, row: int | None = None) -> Transform:
    """Put these bytes, unchanged, in place of the value of a field of one row.

    Args:
        field: the field of the row; it is added if the row does not have it.
        raw: what stands after the colon.
        row: the index of the row on its page; by default the row in the middle. A page without
            this row stays unchanged.
    """

    def put(request: Request, page: Page) -> Page | bytes:
        rows = list(page["call_logs"] or ())
        index = len(rows) // 2 if row is None else row
        if index >= len(rows) or not isinstance(rows[index], dict):
            return page
        rows[index] = {**rows[index], field: _PLACEHOLDER}
        text = json.dumps({**page, "call_logs": rows}).encode()
        return text.replace(json.dumps(_PLACEHOLDER).encode(), raw)

    return on_page(put)


def raw_newline() -> Transform:
    """A note with a line end that is not escaped, which only lenient parsers read."""
    return raw_value("note", b'"first line\nsecond line"')


def long_number(digits: int = 4_301) -> Transform:
    """A duration of so many digits; Python's parser refuses more than 4,300."""
    return raw_value("duration", b"9" * digits)


def deep_nesting(depth: int = 5_000) -> Transform:
    """A new field whose value is a list within a list, so many times."""
    return raw_value("details", b"[" * depth + b"]" * depth)


def half_surrogate() -> Transform:
    """A note with half of a surrogate pair, which is valid JSON but no valid text."""
    return raw_value("note", b'"before \\ud83d after"')


def bad_number() -> Transform:
    """A duration of `5x1`, as a damaged byte makes it."""
    return raw_value("duration", b"5x1")


def encoded(encoding: str) -> Transform:
    """The correct page in another encoding; "utf-8-sig" and "utf-16" write a byte order mark."""
    codecs.lookup(encoding)  # a wrong name fails here, and not in the server's thread
    return on_body(lambda body: body.decode(errors="replace").encode(encoding))


def trailing_nuls(count: int = 3) -> Transform:
    """The correct page with so many NUL bytes after it."""
    return on_body(lambda body: body + bytes(count))
