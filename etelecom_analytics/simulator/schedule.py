"""When a server misbehaves: conditions on a request, and the book of requests and faults, kept for many threads at once."""

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from threading import RLock
from typing import Any

from .faults import Answer, Fault, Received

__all__ = ["Book", "When", "always", "at", "crowded", "every", "first_attempt", "page", "sometimes"]

When = Callable[[Received], bool]

_NEXT = re.compile(rb'"next": ?"([^"]*)"')
_TAIL = 2_000
"""Bytes at the end of a page among which its cursors are: to decode all of it would make the server slow."""


def always(received: Received) -> bool:
    """Every request."""
    return True


def first_attempt(received: Received) -> bool:
    """The first of several requests that ask the same."""
    return received.attempt == 0


def at(*numbers: int) -> When:
    """The requests of these numbers, in the order in which they came; the first is 0."""
    return lambda received: received.number in numbers


def every(nth: int) -> When:
    """Each `nth` request."""
    return lambda received: received.number % nth == nth - 1


def page(*numbers: int) -> When:
    """The requests for these pages of any chain; the first is 0."""
    return lambda received: received.page in numbers


def crowded(most: int) -> When:
    """A request that comes while more than `most`, itself included, are at work."""
    return lambda received: received.in_flight > most


def sometimes(share: float, *, seed: int = 0) -> When:
    """About this share of the requests.

    It hangs on what is asked and how often, so however threads take turns, the same requests are
    met.
    """
    return lambda received: (
        Random(f"{seed} {json.dumps(received.body, sort_keys=True)} {received.attempt}").random()
        < share
    )


@dataclass
class _Rule:
    fault: Fault
    when: When
    left: int | None


@dataclass
class _Chain:
    cursors: list[str] = field(default_factory=lambda: [""])
    pages: dict[str, int] = field(default_factory=lambda: {"": 0, ".": 0})


class Book:
    """What came so far, and what shall go wrong with what comes."""

    def __init__(self) -> None:
        self._lock = RLock()
        self.requests: list[Received] = []
        self._working = 0
        self.clear()

    def clear(self) -> None:
        """Forget what came, and what shall go wrong."""
        with self._lock:
            self.requests.clear()
            self._count = 0
            self._asked: Counter[str] = Counter()
            self._chains: dict[str, _Chain] = {}
            self._script: deque[Fault] = deque()
            self._rules: list[_Rule] = []

    def script(self, *faults: Fault) -> None:
        """One fault for each of the next requests."""
        with self._lock:
            self._script.extend(faults)

    def rule(self, fault: Fault, when: When, times: int | None) -> None:
        """A fault for the requests that meet the condition, so many times at most."""
        with self._lock:
            self._rules.append(_Rule(fault, when, times))

    def arrived(
        self, path: str, headers: Mapping[str, str], body: Any
    ) -> tuple[Received, list[Fault]]:
        """The request with its place among the others, and its faults: the scripted one, or those whose condition it meets."""
        asked = json.dumps([path, body], sort_keys=True)
        with self._lock:
            self._working += 1
            chain = self._chain(path, body)
            received = Received(
                path,
                headers,
                body,
                self._count,
                self._asked[asked],
                self._working,
                cursors=chain.cursors,
            )
            received = replace(received, page=chain.pages.get(received.after, 0))
            self._count += 1
            self._asked[asked] += 1
            self.requests.append(received)
            if self._script:
                return received, [self._script.popleft()]
            met = [rule for rule in self._rules if rule.left != 0 and rule.when(received)]
            for rule in met:
                rule.left = rule.left and rule.left - 1
            return received, [rule.fault for rule in met]

    def answered(self, received: Received, answer: Answer) -> None:
        """Note which cursor leads from this page to the next."""
        next_cursor = _next_of(answer)
        with self._lock:
            chain = self._chain(received.path, received.body)
            if next_cursor and next_cursor not in chain.pages:
                chain.pages[next_cursor] = received.page + 1
                if received.page + 1 == len(
                    chain.cursors
                ):  # the first that led there, should rows have moved since
                    chain.cursors.append(next_cursor)

    def leaves(self) -> None:
        """Note that an answer begins to be sent."""
        with self._lock:
            self._working -= 1

    def _chain(self, path: str, body: Any) -> _Chain:
        paging = body.get("paging") if isinstance(body, dict) else None
        cursors = ("after", "before")
        same = (
            {name: value for name, value in paging.items() if name not in cursors}
            if isinstance(paging, dict)
            else None
        )
        name = json.dumps(
            [path, body.get("filter") if isinstance(body, dict) else None, same], sort_keys=True
        )
        return self._chains.setdefault(name, _Chain())


def _next_of(answer: Answer) -> str:
    """The cursor of the page after this one, if the answer is a page that names one."""
    if isinstance(answer.body, bytes):
        found = _NEXT.findall(answer.body[-_TAIL:]) if answer.status == 200 else []
        return found[-1].decode(errors="replace") if found else ""
    paging = answer.body.get("paging")
    return str(paging.get("next") or "") if isinstance(paging, dict) else ""
