"""Answers of status 200 whose outermost object is not that of a page."""

import json
from collections.abc import Mapping
from typing import Any

from .base import Answer, Page, Request, Transform, on_page

__all__ = [
    "error_in_page",
    "error_with_200",
    "extra_keys",
    "not_an_object",
    "repeated_rows",
    "rows_under",
    "without_rows",
]


def error_with_200(code: str = "internal", msg: str = "the database is down") -> Answer:
    """An error in the API's format, but with status 200."""
    return Answer(body={"code": code, "msg": msg})


def error_in_page(code: str = "internal", msg: str = "the database is down") -> Transform:
    """A page whose list of rows is null, with a code and a message next to it."""
    return on_page(
        lambda request, page: {**page, "call_logs": None, "code": code, "msg": msg},
    )


def without_rows() -> Transform:
    """A page without the key `call_logs`."""
    return rows_under(None)


def rows_under(key: str | None = "callLogs") -> Transform:
    """A page whose list of rows has another key, or with None is missing."""

    def rename(request: Request, page: Page) -> Page:
        others = {name: value for name, value in page.items() if name != "call_logs"}
        return others if key is None else {key: page["call_logs"], **others}

    return on_page(rename)


def not_an_object() -> Transform:
    """The bare list of rows in place of the object around it."""

    def unwrap(request: Request, page: Page) -> bytes:
        return json.dumps(page["call_logs"]).encode()

    return on_page(unwrap)


def extra_keys(keys: Mapping[str, Any] = {"trace_id": "7f3a"}) -> Transform:
    """A correct page with unknown keys in addition to its rows and its paging."""
    return on_page(lambda request, page: {**page, **keys})


def repeated_rows() -> Transform:
    """A page whose rows are in two lists under the same key; most parsers drop the first."""

    def split(request: Request, page: Page) -> bytes:
        rows = page["call_logs"] or []
        half = len(rows) // 2
        first, rest = json.dumps(rows[:half]), json.dumps({**page, "call_logs": rows[half:]})
        return f'{{"call_logs": {first}, {rest.removeprefix("{")}'.encode()

    return on_page(split)
