"""Retry policy and rate limit of a client."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..errors import ApiError, InputError, RateLimited

__all__ = ["RateLimiter", "Retry", "run_with_retries", "wait_s"]

_Result = TypeVar("_Result")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Retry:
    """When to repeat a failed request; the first bound that is reached ends the attempts.

    Attributes:
        attempts: maximum number of attempts per page, including the first.
        total_s: maximum number of seconds per page, including waits, and however slowly a server
            responds.
        first_wait_s: seconds before the second attempt; doubled for each further attempt. Each wait
            is shortened at random by up to half, so that clients do not retry at the same moment.
        longest_wait_s: upper bound of the doubled waits. A longer `Retry-After` of the server is
            always respected.
        requests_per_s: maximum number of requests per second of one client, over all workers; None
            for no limit.

    Raises:
        InputError: a value is out of range.

    Examples:
        >>> patient = et.Retry(attempts=10, total_s=600)
        >>> client = et.Client("https://host/v1/shop", "a-key", retry=patient)
        >>> et.Retry(requests_per_s=2).requests_per_s
        2
    """

    attempts: int = 6
    total_s: float = 120.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    requests_per_s: float | None = None

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.total_s, self.first_wait_s, self.longest_wait_s) < 0:
            raise InputError("Retry needs at least 1 attempt, and seconds must not be negative.")
        if self.requests_per_s is not None and not self.requests_per_s > 0:
            raise InputError("requests_per_s must be above 0, or None for no limit.")


def run_with_retries(
    retry: Retry,
    send: Callable[[float], _Result],
    *,
    limiter: "RateLimiter",
    keep_trying: Callable[[], bool] = lambda: True,
) -> _Result:
    """The result of `send`, which is repeated after transient errors.

    Args:
        retry: the policy.
        send: sends one request; its argument is the number of seconds left.
        limiter: delays each attempt. Time spent in it does not count towards `total_s`.
        keep_trying: checked before each further attempt.

    Raises:
        ApiError: the error of the last attempt, with `attempts` set.
    """
    sleep, clock = limiter.sleep, limiter.clock
    limiter.acquire()
    deadline = clock() + retry.total_s
    failures = 0
    while True:
        try:
            return send(deadline - clock())
        except ApiError as error:
            failures += 1
            error.attempts = failures
            wait = wait_s(retry, failures, error.retry_after)
            if (
                not error.transient
                or failures >= retry.attempts
                or clock() + wait >= deadline
                or not keep_trying()
            ):
                raise
            reason = f"{error.summary} ({error.status or error.message})"
            pauses_all = isinstance(error, RateLimited) or error.retry_after is not None
        _logger.warning(
            "%s; retrying in %.1f s (attempt %d of %d)",
            reason,
            wait,
            failures + 1,
            retry.attempts,
        )
        paused_until = limiter.pause(wait) if pauses_all else 0.0
        sleep(wait)
        deadline += limiter.acquire(waited_until=paused_until)


def wait_s(retry: Retry, failures: int, retry_after: float | None) -> float:
    """Seconds to wait after so many failed attempts."""
    backoff: float = min(retry.first_wait_s * 2 ** min(failures - 1, 60), retry.longest_wait_s)
    # The random number only spreads load; it needs no cryptographic strength.
    return max(backoff * random.uniform(0.5, 1.0), retry_after or 0.0)  # noqa: S311


class RateLimiter:
    """Delays the requests of a client, in all its threads, to the rate limit and to server pauses.

    Args:
        requests_per_s: the rate limit; None for no limit.
        sleep: waits for a number of seconds.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        requests_per_s: float | None,
        *,
        sleep: Callable[[float], object],
        clock: Callable[[], float],
    ) -> None:
        self.sleep, self.clock = sleep, clock
        self._interval_s = 1 / requests_per_s if requests_per_s else 0.0
        self._lock = threading.Lock()
        self._paused_until = self._next_at = 0.0

    def pause(self, seconds: float) -> float:
        """Pause all requests, and return the moment at which they may continue."""
        with self._lock:
            self._paused_until = max(self._paused_until, self.clock() + seconds)
            return self._paused_until

    def acquire(self, *, waited_until: float = 0.0) -> float:
        """Wait for the next free slot, and return the seconds that it took.

        Args:
            waited_until: the end of a pause that the caller has already waited for.
        """
        began = self.clock()
        while (paused_until := self._paused_until) > max(waited_until, self.clock()):
            self.sleep(paused_until - self.clock())
            waited_until = paused_until
        if self._interval_s:
            with self._lock:
                slot = max(self.clock(), self._next_at)
                self._next_at = slot + self._interval_s
            if (wait := slot - self.clock()) > 0:
                self.sleep(wait)
        return self.clock() - began
