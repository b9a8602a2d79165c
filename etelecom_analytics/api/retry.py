"""Retry as a value: how often, for how long, and how long to wait in between."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..errors import ApiError, InputError

__all__ = ["Retry"]

_Answer = TypeVar("_Answer")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Retry:
    """When to ask again. It ends with whichever bound comes first.

    Attributes:
        attempts: how often one page is asked for, the first time included.
        total_s: how many seconds may pass over one page, waits included. Only while a server sends headers, each part of them may
            take as long as the client's time-out.
        first_wait_s: seconds before the second attempt; doubled for each one after it. A random half of it is left out, so that
            many clients do not come back at the same moment.
        longest_wait_s: where the doubling ends. What a server asks for by `Retry-After` is never undercut.
    """

    attempts: int = 6
    total_s: float = 120.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.total_s, self.first_wait_s, self.longest_wait_s) < 0:
            raise InputError("Retry takes at least one attempt, and no negative seconds.")

    def wait_s(self, failed: int, retry_after: float | None) -> float:
        """Seconds to wait after `failed` attempts."""
        backoff: float = min(self.first_wait_s * 2 ** min(failed - 1, 60), self.longest_wait_s)
        return max(backoff * random.uniform(0.5, 1.0), retry_after or 0.0)  # noqa: S311  # spreads load; no secret

    def run(self, ask: Callable[[float], _Answer], *, sleep: Callable[[float], object], clock: Callable[[], float]) -> _Answer:
        """What `ask` gives in the end; it is told how many seconds are left, and asked again after errors that pass.

        Raises:
            ApiError: the last one, with `attempts` set.
        """
        deadline = clock() + self.total_s
        failed = 0
        while True:
            try:
                return ask(deadline - clock())
            except ApiError as error:
                failed += 1
                error.attempts = failed
                wait = self.wait_s(failed, error.retry_after)
                if not error.passing or failed >= self.attempts or clock() + wait >= deadline:
                    raise
                told = f"{error.happened} ({error.status or error.said})"
            _logger.warning("%s; asking again in %.1f s (attempt %d of %d)", told, wait, failed + 1, self.attempts)
            sleep(wait)
