"""Faults that a server applies to its answers, such as `server.misbehave(late(0.05))`.

A fault is either an `Answer` that replaces the correct one, or a function that computes it from the
request and the correct answer. Faults that change pages leave all other answers unchanged.
"""

import json
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from zlib import crc32

from .drift import UNEXPECTED_VALUES, UnexpectedValue
from .service import DETOUR

__all__ = [
    "Answer",
    "Fault",
    "Request",
    "Transform",
    "cut",
    "cycle",
    "duplicate_rows",
    "empty",
    "empty_page",
    "error_status",
    "extra_records",
    "html",
    "interrupt",
    "late",
    "null_list",
    "on_page",
    "reset",
    "slow_body",
    "then",
    "too_many",
    "unexpected_values",
    "wrong_content_type",
]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP response, correct or not.

    Attributes:
        status: HTTP status.
        headers: headers in addition to Content-Type and Content-Length.
        body: bytes, or an object that is sent as JSON.
        content_type: the Content-Type header.
        cut_after: close the connection after this many bytes of the body, although Content-Length
            announces all of them.
        delay_s: seconds to wait before sending.
        bytes_per_s: speed of the body; by default it is sent at once.
        reset: end the connection with a TCP reset, as a crash does: before any data, or with
            `cut_after` within the body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Mapping[str, Any] = b""
    content_type: str = "application/json"
    cut_after: int | None = None
    delay_s: float = 0.0
    bytes_per_s: float | None = None
    reset: bool = False


@dataclass(frozen=True)
class Request:
    """One request that the server received.

    Attributes:
        path: the path of the URL.
        headers: headers in lower case, without the API key.
        body: the parsed JSON body; None if it is not JSON.
        number: number of earlier requests.
        attempt: number of earlier requests with the same path and body.
        in_flight: number of requests being processed on arrival, including this one; a request
            counts until its answer is sent.
        page: index of the page in the chain of its filter, from 0.
        cursors: cursors of that chain so far, by page; the first is "".
    """

    path: str
    headers: Mapping[str, str]
    body: Any
    number: int = 0
    attempt: int = 0
    in_flight: int = 1
    page: int = 0
    cursors: Sequence[str] = field(default=("",), repr=False, compare=False)

    @property
    def after(self) -> str:
        """The cursor of the requested page; "" for the first page."""
        paging = self.body.get("paging") if isinstance(self.body, dict) else None
        return str(paging.get("after") or "") if isinstance(paging, dict) else ""


Transform = Callable[[Request, Answer], Answer]
"""A function of a request and its correct answer that returns the answer to send."""

Fault = Answer | Transform

Page = dict[str, Any]

_CODES = {408: "deadline_exceeded", 429: "resource_exhausted", 500: "internal"}


# Answers without calls.


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


# The correct answer, sent incorrectly.


def reset(after: int | None = None) -> Transform:
    """A TCP reset instead of an answer, or after this many bytes of its body."""
    return lambda request, correct: replace(correct, reset=True, cut_after=after)


def cut(after: int) -> Transform:
    """Close the connection after this many bytes of the body."""
    return lambda request, correct: replace(correct, cut_after=after)


def late(seconds: float) -> Transform:
    """Delay the correct answer by this many seconds."""
    return lambda request, correct: replace(correct, delay_s=correct.delay_s + seconds)


def slow_body(bytes_per_s: float) -> Transform:
    """Send the correct body at this speed."""
    return lambda request, correct: replace(correct, bytes_per_s=bytes_per_s)


def wrong_content_type(content_type: str = "text/html") -> Transform:
    """Send the correct body with a wrong Content-Type."""
    return lambda request, correct: replace(correct, content_type=content_type)


# Pages that are complete, but wrong.


def on_page(change: Callable[[Request, Page], Page]) -> Transform:
    """Replace each page by the result of `change`."""

    def transform(request: Request, correct: Answer) -> Answer:
        if correct.status != 200:
            return correct
        page = (
            json.loads(correct.body.decode(errors="surrogatepass"))
            if isinstance(correct.body, bytes)
            else {**correct.body}
        )
        return replace(correct, body=change(request, page)) if "call_logs" in page else correct

    return transform


def cycle(of: int, *, begin: int = 1) -> Transform:
    """A cycle of cursors: after `of` pages from page `begin` on, the next page is `begin` again.

    A cycle of one page is a cursor that repeats.
    """

    def turn_back(request: Request, page: Page) -> Page:
        return (
            _with_next(request.cursors[begin] or ".", page)
            if request.page >= begin + of - 1 and page["paging"]["next"]
            else page
        )

    return on_page(turn_back)


def empty_page(times: int = 1, *, null: bool = False, same_cursor: bool = False) -> Transform:
    """Empty pages before each page. Their `next` leads to it, so that no row is lost.

    Args:
        times: number of empty pages in a row.
        null: the list of rows is null.
        same_cursor: `next` is the requested cursor, and a repeated request returns the rows. The
            first page has no cursor and is returned at once.
    """

    def hold_back(request: Request, page: Page) -> Page:
        after = request.after
        count = request.attempt if same_cursor else len(after) - len(after.lstrip(DETOUR))
        if count >= times or (same_cursor and not after):
            return page
        next_cursor = after if same_cursor else DETOUR + after
        return _with_next(next_cursor, {**page, "call_logs": None if null else []})

    return on_page(hold_back)


def null_list() -> Transform:
    """Null instead of the empty list of a page without rows."""
    return on_page(lambda request, page: {**page, "call_logs": page["call_logs"] or None})


def extra_records(*records: Any) -> Transform:
    """Add any records at the end of each page with rows."""
    return on_page(
        lambda request, page: {
            **page,
            "call_logs": page["call_logs"] and [*page["call_logs"], *records],
        }
    )


def duplicate_rows(make: Callable[[Any], Any]) -> Transform:
    """Add after each row the result of `make`, such as an older state of the same call."""
    return on_page(
        lambda request, page: {
            **page,
            "call_logs": [each for row in page["call_logs"] or () for each in (row, make(row))],
        }
    )


def unexpected_values(values: Sequence[UnexpectedValue] = UNEXPECTED_VALUES) -> Transform:
    """Put one unexpected value into each row with an id; the id determines which one."""

    def change(row: Any) -> Any:
        return (
            values[crc32(str(row["id"]).encode()) % len(values)].put_into(row)
            if isinstance(row, dict) and row.get("id")
            else row
        )

    return on_page(
        lambda request, page: {
            **page,
            "call_logs": [change(row) for row in page["call_logs"] or ()],
        }
    )


# Other events.


def then(action: Callable[[], object]) -> Transform:
    """Run an action after the correct answer is computed and before it is sent."""

    def act(request: Request, correct: Answer) -> Answer:
        action()
        return correct

    return act


def interrupt() -> Transform:
    """Simulate Ctrl-C: raise KeyboardInterrupt in the main thread of this process."""
    return then(lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))


def _with_next(cursor: str, page: Page) -> Page:
    return {**page, "paging": {**page["paging"], "next": cursor}}
