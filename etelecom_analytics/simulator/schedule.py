"""Conditions for faults, and a thread-safe log of requests with their faults."""

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from threading import RLock
from typing import Any

from .faults import Answer, Fault, Request

__all__ = [
    "RequestLog",
    "When",
    "always",
    "at",
    "every",
    "first_attempt",
    "in_flight_above",
    "page",
    "sometimes",
]

When = Callable[[Request], bool]

_NEXT = re.compile(rb'"next": ?"([^"]*)"')
_TAIL = 2_000
"""Bytes at the end of a page that contain its cursors; decoding the whole page would be slow."""


def always(request: Request) -> bool:
    """Every request."""
    return True


def first_attempt(request: Request) -> bool:
    """The first of several equal requests."""
    return request.attempt == 0


def at(*numbers: int) -> When:
    """The requests with these numbers, in order of arrival; the first is 0."""
    return lambda request: request.number in numbers


def every(nth: int) -> When:
    """Every `nth` request."""
    return lambda request: request.number % nth == nth - 1


def page(*numbers: int) -> When:
    """Requests for these pages of any chain; the first is 0."""
    return lambda request: request.page in numbers


def in_flight_above(limit: int) -> When:
    """Requests that arrive while more than `limit`, including themselves, are being processed."""
    return lambda request: request.in_flight > limit


def sometimes(share: float, *, seed: int = 0) -> When:
    """About this share of the requests.

    The choice depends only on the request and its number of attempts, not on the order of threads.
    """
    return lambda request: (
        Random(f"{seed} {json.dumps(request.body, sort_keys=True)} {request.attempt}").random()
        < share
    )


@dataclass
class _Rule:
    fault: Fault
    when: When
    remaining: int | None


@dataclass
class _Chain:
    cursors: list[str] = field(default_factory=lambda: [""])
    pages: dict[str, int] = field(default_factory=lambda: {"": 0, ".": 0})


class RequestLog:
    """Requests received so far, and the faults of the next ones."""

    def __init__(self) -> None:
        self._lock = RLock()
        self.requests: list[Request] = []
        self._in_flight = 0
        self.clear()

    def clear(self) -> None:
        """Remove all requests and faults."""
        with self._lock:
            self.requests.clear()
            self._count = 0
            self._attempts: Counter[str] = Counter()
            self._chains: dict[str, _Chain] = {}
            self._script: deque[Fault] = deque()
            self._rules: list[_Rule] = []

    def script(self, *faults: Fault) -> None:
        """Add one fault for each of the next requests."""
        with self._lock:
            self._script.extend(faults)

    def add_rule(self, fault: Fault, when: When, times: int | None) -> None:
        """Add a fault for requests that meet the condition, at most `times` times."""
        with self._lock:
            self._rules.append(_Rule(fault, when, times))

    def receive(
        self, path: str, headers: Mapping[str, str], body: Any
    ) -> tuple[Request, list[Fault]]:
        """The request, and its faults: the scripted one, or those whose condition it meets."""
        key = json.dumps([path, body], sort_keys=True)
        with self._lock:
            self._in_flight += 1
            chain = self._chain(path, body)
            request = Request(
                path,
                headers,
                body,
                self._count,
                self._attempts[key],
                self._in_flight,
                cursors=chain.cursors,
            )
            request = replace(request, page=chain.pages.get(request.after, 0))
            self._count += 1
            self._attempts[key] += 1
            self.requests.append(request)
            if self._script:
                return request, [self._script.popleft()]
            rules = [rule for rule in self._rules if rule.remaining != 0 and rule.when(request)]
            for rule in rules:
                rule.remaining = rule.remaining and rule.remaining - 1
            return request, [rule.fault for rule in rules]

    def record_answer(self, request: Request, answer: Answer) -> None:
        """Record which cursor leads from this page to the next."""
        next_cursor = _next_of(answer)
        with self._lock:
            chain = self._chain(request.path, request.body)
            if next_cursor and next_cursor not in chain.pages:
                chain.pages[next_cursor] = request.page + 1
                # Keep the first cursor of a page, even if rows have changed since.
                if request.page + 1 == len(chain.cursors):
                    chain.cursors.append(next_cursor)

    def finish(self) -> None:
        """Record that an answer is about to be sent."""
        with self._lock:
            self._in_flight -= 1

    def _chain(self, path: str, body: Any) -> _Chain:
        paging = body.get("paging") if isinstance(body, dict) else None
        options = (
            {name: value for name, value in paging.items() if name not in ("after", "before")}
            if isinstance(paging, dict)
            else None
        )
        key = json.dumps(
            [path, body.get("filter") if isinstance(body, dict) else None, options], sort_keys=True
        )
        return self._chains.setdefault(key, _Chain())


def _next_of(answer: Answer) -> str:
    """The cursor of the next page, if the answer is a page with one."""
    if isinstance(answer.body, bytes):
        matches = _NEXT.findall(answer.body[-_TAIL:]) if answer.status == 200 else []
        return matches[-1].decode(errors="replace") if matches else ""
    paging = answer.body.get("paging")
    return str(paging.get("next") or "") if isinstance(paging, dict) else ""
