"""What can go wrong with an answer, each as a value that a server is given: `server.script(reset())`, `server.misbehave(late(0.05))`.

A fault is an `Answer` that is given instead of the right one, or a function that makes it from the
request and the right one. Those that change a page leave every other answer as it is.
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

from .drift import STRANGE, Strange
from .service import DETOUR

__all__ = [
    "Answer",
    "Change",
    "Fault",
    "Received",
    "adding",
    "cut",
    "cycle",
    "doubling",
    "drifting",
    "drip",
    "empty",
    "empty_page",
    "failing",
    "html",
    "interrupt",
    "late",
    "mislabelled",
    "null_list",
    "on_page",
    "reset",
    "then",
    "too_many",
]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer over HTTP, right or not.

    Attributes:
        status: HTTP status.
        headers: beside Content-Type and Content-Length.
        body: bytes as they are, or an object that becomes JSON.
        content_type: what the body claims to be.
        cut_after: send only so many bytes of the body and close the connection, though
            Content-Length promises all of it.
        delay_s: seconds to wait before answering.
        bytes_per_s: how fast the body is sent; at once by default.
        reset: hang up as a crash does, by a TCP reset: before a word is said, or with `cut_after`
            in the middle of the body.
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
class Received:
    """One request that came: its path, its headers without the key, its body if it was JSON, and where it stands among the others.

    Attributes:
        number: how many requests came before it.
        attempt: how many of those asked the very same.
        in_flight: how many were at work when it came, itself included: answers that had not begun
            to be sent.
        page: the place of its page in the chain of its filter, from 0.
        cursors: the cursors of that chain so far, by page; the first is "".
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
        """The cursor that is asked for; "" for the first page."""
        paging = self.body.get("paging") if isinstance(self.body, dict) else None
        return str(paging.get("after") or "") if isinstance(paging, dict) else ""


Change = Callable[[Received, Answer], Answer]
"""(request, right answer) -> the answer that is sent instead."""

Fault = Answer | Change

Page = dict[str, Any]

_CODES = {408: "deadline_exceeded", 429: "resource_exhausted", 500: "internal"}


# Answers that say nothing of calls.


def failing(status: int) -> Answer:
    """A refusal with this status, such as 408, 500, 502, 503 or 504, in the API's own form."""
    return Answer(
        status=status, body={"code": _CODES.get(status, "unavailable"), "msg": "simulated"}
    )


def too_many(retry_after: int | datetime | None = None) -> Answer:
    """429, with `Retry-After` in seconds, as a date, or without."""
    when = (
        format_datetime(retry_after.astimezone(UTC), usegmt=True)
        if isinstance(retry_after, datetime)
        else retry_after
    )
    return replace(failing(429), headers={} if when is None else {"Retry-After": str(when)})


def html(status: int = 200) -> Answer:
    """What a gateway says in its own words, with 200 if it knows no better."""
    return Answer(
        status=status, body=b"<html>\n<body>Bad gateway</body>\n</html>", content_type="text/html"
    )


def empty() -> Answer:
    """200, and nothing in it."""
    return Answer()


# The right answer, badly sent.


def reset(after: int | None = None) -> Change:
    """A TCP reset instead of an answer, or after so many bytes of its body."""
    return lambda received, right: replace(right, reset=True, cut_after=after)


def cut(after: int) -> Change:
    """The end of the connection after so many bytes of the body."""
    return lambda received, right: replace(right, cut_after=after)


def late(seconds: float) -> Change:
    """The right answer, so many seconds later than without this fault."""
    return lambda received, right: replace(right, delay_s=right.delay_s + seconds)


def drip(bytes_per_s: float) -> Change:
    """The right answer, its body slowly."""
    return lambda received, right: replace(right, bytes_per_s=bytes_per_s)


def mislabelled(content_type: str = "text/html") -> Change:
    """The right body under a wrong Content-Type."""
    return lambda received, right: replace(right, content_type=content_type)


# Pages that are whole, and wrong.


def on_page(change: Callable[[Received, Page], Page]) -> Change:
    """The page that `change` makes of the right one."""

    def changed(received: Received, right: Answer) -> Answer:
        if right.status != 200:
            return right
        page = (
            json.loads(right.body.decode(errors="surrogatepass"))
            if isinstance(right.body, bytes)
            else {**right.body}
        )
        return replace(right, body=change(received, page)) if "call_logs" in page else right

    return changed


def cycle(of: int, *, begin: int = 1) -> Change:
    """A circle of so many pages, the first of them the page `begin` of the chain; a circle of one is a cursor that repeats."""

    def turn_back(received: Received, page: Page) -> Page:
        return (
            _leading_to(received.cursors[begin] or ".", page)
            if received.page >= begin + of - 1 and page["paging"]["next"]
            else page
        )

    return on_page(turn_back)


def empty_page(times: int = 1, *, null: bool = False, same_cursor: bool = False) -> Change:
    """So many pages without a row before each page, whose `next` leads on to it: nothing is lost.

    Args:
        times: how many in a row.
        null: the list of rows is null.
        same_cursor: `next` is the cursor that was asked for, and the rows come when it is asked for
            again; a first page has none, and comes as it is.
    """

    def hold_back(received: Received, page: Page) -> Page:
        asked = received.after
        if (
            received.attempt if same_cursor else len(asked) - len(asked.lstrip(DETOUR))
        ) >= times or (same_cursor and not asked):
            return page
        return _leading_to(
            asked if same_cursor else DETOUR + asked, {**page, "call_logs": None if null else []}
        )

    return on_page(hold_back)


def null_list() -> Change:
    """Null for the list of a page without rows."""
    return on_page(lambda received, page: {**page, "call_logs": page["call_logs"] or None})


def adding(*records: Any) -> Change:
    """These records at the end of each page that has rows, whatever they are."""
    return on_page(
        lambda received, page: {
            **page,
            "call_logs": page["call_logs"] and [*page["call_logs"], *records],
        }
    )


def doubling(make: Callable[[Any], Any]) -> Change:
    """After each row what is made of it, such as an older state of the same call."""
    return on_page(
        lambda received, page: {
            **page,
            "call_logs": [each for row in page["call_logs"] or () for each in (row, make(row))],
        }
    )


def drifting(strange: Sequence[Strange] = STRANGE) -> Change:
    """One strange value in each row that has an id, of which kind hangs on the id alone."""

    def drift(row: Any) -> Any:
        return (
            strange[crc32(str(row["id"]).encode()) % len(strange)].put_into(row)
            if isinstance(row, dict) and row.get("id")
            else row
        )

    return on_page(
        lambda received, page: {
            **page,
            "call_logs": [drift(row) for row in page["call_logs"] or ()],
        }
    )


# What happens meanwhile.


def then(action: Callable[[], object]) -> Change:
    """The right answer; after it was worked out, and before it is sent, the action is carried out."""

    def act(received: Received, right: Answer) -> Answer:
        action()
        return right

    return act


def interrupt() -> Change:
    """The right answer, and Ctrl-C: KeyboardInterrupt in the main thread of this process."""
    return then(lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))


def _leading_to(cursor: str, page: Page) -> Page:
    return {**page, "paging": {**page["paging"], "next": cursor}}
