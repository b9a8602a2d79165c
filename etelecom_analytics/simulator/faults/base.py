"""What a fault is: an answer, a change of the correct answer, or a wrong reading of the request."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = [
    "Answer",
    "Fault",
    "Page",
    "Reading",
    "Request",
    "Transform",
    "on_body",
    "on_page",
    "then",
    "with_next",
]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP response, correct or not.

    Attributes:
        status: HTTP status.
        headers: headers in addition to Content-Type, Content-Length and Date.
        body: bytes, or an object that is sent as JSON.
        content_type: the Content-Type header.
        cut_after: close the connection after this many bytes of the body, although Content-Length
            announces all of them.
        delay_s: seconds to wait before sending.
        bytes_per_s: speed of the body; by default it is sent at once.
        reset: end the connection with a TCP reset, as a crash does: before any data, or with
            `cut_after` within the body.
        parts: returns all bytes of the response in parts, from the status line on, in place of the
            values above. They may be endless: sending ends when the client has left.
        pause_s: seconds between two `parts`.

    Examples:
        >>> busy = et.simulator.Answer(status=429, headers={"Retry-After": "2"})
        >>> busy.status, busy.body
        (429, b'')
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Mapping[str, Any] = b""
    content_type: str = "application/json"
    cut_after: int | None = None
    delay_s: float = 0.0
    bytes_per_s: float | None = None
    reset: bool = False
    parts: Callable[[], Iterable[bytes]] | None = None
    pause_s: float = 0.0

    @property
    def payload(self) -> bytes:
        """The body as bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


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

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     page = et.Client(server.base_url, server.api_key).list_calls(limit=1)
        ...     server.requests[0].body["paging"]
        {'limit': 1}
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


@dataclass(frozen=True)
class Reading:
    """A wrong reading of requests: the server answers as if the filter were `change(filter)`."""

    change: Callable[[dict[str, Any]], dict[str, Any]]


Transform = Callable[[Request, Answer], Answer]
"""A function of a request and its correct answer that returns the answer to send."""

Fault = Answer | Transform | Reading

Page = dict[str, Any]


def on_page(change: Callable[[Request, Page], Page | bytes]) -> Transform:
    """Replace each page by the result of `change`; other answers stay unchanged."""

    def transform(request: Request, correct: Answer) -> Answer:
        page = _page_of(correct)
        return correct if page is None else replace(correct, body=change(request, page))

    return transform


def on_body(change: Callable[[bytes], bytes]) -> Transform:
    """Replace the body of each page by the result of `change`; other answers stay unchanged."""
    return lambda request, correct: (
        correct if _page_of(correct) is None else replace(correct, body=change(correct.payload))
    )


def then(action: Callable[[], object]) -> Transform:
    """Run an action after the correct answer is computed and before it is sent."""

    def act(request: Request, correct: Answer) -> Answer:
        action()
        return correct

    return act


def with_next(cursor: str, page: Page) -> Page:
    """The page with another cursor of the next page."""
    return {**page, "paging": {**page["paging"], "next": cursor}}


def _page_of(answer: Answer) -> Page | None:
    """The page of an answer; None if it is something else, or already unreadable."""
    if answer.status != 200 or answer.parts:
        return None
    if not isinstance(answer.body, bytes):
        page: Any = {**answer.body}
    else:
        try:
            page = json.loads(answer.body.decode(errors="surrogatepass"))
        except (ValueError, RecursionError):
            return None
    return page if isinstance(page, dict) and "call_logs" in page else None
