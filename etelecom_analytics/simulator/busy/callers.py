"""Callers of the preset "busy": some call very often, and those who were missed call again."""

from bisect import bisect_right
from collections.abc import Sequence, Set
from random import Random

from ..call_center import Customers

__all__ = ["BusyCustomers"]

_FREQUENT_CALL_SHARE = 0.19
_NEW_CALLERS_PER_FREQUENT_CALLER = 100
"""The top 1 % of callers make about 20 % of calls."""

_REDIAL_SHARE = 0.45
_MEAN_REDIAL_S, _MIN_REDIAL_S, _MAX_REDIAL_S = 760, 15, 3_600
"""About 26 % of missed callers call again within 10 minutes, and 48 % within an hour."""

_HIDDEN_SHARE = 0.005


class BusyCustomers(Customers):
    """Callers of whom a few call very often, and half call again after a missed call.

    A redial takes the place of the next planned inbound call, so that the number of calls stays.
    """

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self._frequent_callers: list[str] = []
        self._new_callers = 0
        self._planned: list[int] = []
        self._replaced: set[int] = set()
        self._moments: set[int] = set()

    def expect_calls(self, inbound: Sequence[int], moments: Set[int]) -> None:
        """Note when calls are planned to start: inbound calls in order, and all calls."""
        self._planned, self._moments = list(inbound), set(moments)

    def next_caller(self, now: int) -> str | None:
        """The national number of a caller who was not missed before; None if it is withheld."""
        draw = self._rng.random()
        if draw < _HIDDEN_SHARE:
            return None
        if draw < _HIDDEN_SHARE + _FREQUENT_CALL_SHARE and self._frequent_callers:
            return self._rng.choice(self._frequent_callers)
        number = self._new_number()
        if self._new_callers % _NEW_CALLERS_PER_FREQUENT_CALLER == 0:
            self._frequent_callers.append(number)
        self._new_callers += 1
        return number

    def is_replaced(self, planned: int) -> bool:
        """Whether a redial has taken the place of the call that was planned for this time."""
        return planned in self._replaced

    def redial_time(self, now: int) -> int | None:
        """When a caller who was missed now calls again; None if they do not."""
        if self._rng.random() >= _REDIAL_SHARE:
            return None
        delay = _MIN_REDIAL_S + self._rng.expovariate(1 / _MEAN_REDIAL_S)
        at = now + round(1000 * min(delay, _MAX_REDIAL_S))
        while at in self._moments:  # two calls of one millisecond could have the same id
            at += 1
        place = bisect_right(self._planned, at)
        if place == len(self._planned):
            return None
        self._replaced.add(self._planned.pop(place))
        self._moments.add(at)
        return at
