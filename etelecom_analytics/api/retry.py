"""Retry as a value: how often, for how long, and how long to wait in between; and the gate that all requests of a client go through."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..errors import ApiError, InputError, RateLimited

__all__ = ["Gate", "Retry"]

_Answer = TypeVar("_Answer")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Retry:
    """When to ask again. It ends with whichever bound comes first.

    Attributes:
        attempts: how often one page is asked for, the first time included.
        total_s: how many seconds may pass over one page, waits included. Only while a server sends
            headers, each part of them may take as long as the client's time-out.
        first_wait_s: seconds before the second attempt; doubled for each one after it. A random
            half of it is left out, so that many clients do not come back at the same moment.
        longest_wait_s: where the doubling ends. What a server asks for by `Retry-After` is never
            undercut.
        requests_per_s: how many requests a second a client sends at most, all its workers together;
            None: as many as it can.
    """

    attempts: int = 6
    total_s: float = 120.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    requests_per_s: float | None = None

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.total_s, self.first_wait_s, self.longest_wait_s) < 0:
            raise InputError("Retry takes at least one attempt, and no negative seconds.")
        if self.requests_per_s is not None and not self.requests_per_s > 0:
            raise InputError("requests_per_s is above 0, or None for no limit.")

    def wait_s(self, failed: int, retry_after: float | None) -> float:
        """Seconds to wait after `failed` attempts."""
        backoff: float = min(self.first_wait_s * 2 ** min(failed - 1, 60), self.longest_wait_s)
        # spreads load; no secret
        return max(backoff * random.uniform(0.5, 1.0), retry_after or 0.0)  # noqa: S311

    def run(
        self,
        ask: Callable[[float], _Answer],
        *,
        gate: "Gate",
        wanted: Callable[[], bool] = lambda: True,
    ) -> _Answer:
        """What `ask` gives in the end; it is told how many seconds are left, and asked again after errors that pass, while it is wanted.

        What the gate makes it wait does not count.

        Raises:
            ApiError: the last one, with `attempts` set.
        """
        sleep, clock = gate.sleep, gate.clock
        gate.pass_through()
        deadline = clock() + self.total_s
        failed = 0
        while True:
            try:
                return ask(deadline - clock())
            except ApiError as error:
                failed += 1
                error.attempts = failed
                wait = self.wait_s(failed, error.retry_after)
                if (
                    not error.passing
                    or failed >= self.attempts
                    or clock() + wait >= deadline
                    or not wanted()
                ):
                    raise
                told = f"{error.happened} ({error.status or error.said})"
                for_all = isinstance(error, RateLimited) or error.retry_after is not None
            _logger.warning(
                "%s; asking again in %.1f s (attempt %d of %d)",
                told,
                wait,
                failed + 1,
                self.attempts,
            )
            closed = gate.close_for(wait) if for_all else 0.0
            sleep(wait)
            deadline += gate.pass_through(waited_until=closed)


class Gate:
    """What all requests of a client go through, from whichever thread: not faster than the limit, and none while a server asks to wait.

    Args:
        requests_per_s: the limit; None: none.
        sleep: how to wait.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        requests_per_s: float | None,
        *,
        sleep: Callable[[float], object],
        clock: Callable[[], float],
    ) -> None:
        self.sleep, self.clock = sleep, clock
        self._spacing_s = 1 / requests_per_s if requests_per_s else 0.0
        self._lock = threading.Lock()
        self._closed_until = self._next_at = 0.0

    def close_for(self, seconds: float) -> float:
        """The moment until which nobody passes."""
        with self._lock:
            self._closed_until = max(self._closed_until, self.clock() + seconds)
            return self._closed_until

    def pass_through(self, *, waited_until: float = 0.0) -> float:
        """The seconds that it took to have one's turn; a closing that was waited for, until that moment, is not waited for again."""
        came = self.clock()
        while (closed_until := self._closed_until) > max(waited_until, self.clock()):
            self.sleep(closed_until - self.clock())
            waited_until = closed_until
        if self._spacing_s:
            with self._lock:
                at = max(self.clock(), self._next_at)
                self._next_at = at + self._spacing_s
            if (wait := at - self.clock()) > 0:
                self.sleep(wait)
        return self.clock() - came
