"""A desk that calls customers, with known truth: who was reached, when, and a blocked number."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush
from math import exp, inf, log
from random import Random

import polars as pl

from ..errors import InputError
from ..local_time import HOME_ZONE, parse_moment, zone
from ..phone_numbers import describe
from .call_center import TRUNKS, format_number, staff_ids
from .call_frames import calls_frame
from .entities import Call, Leg, Person

__all__ = ["OutboundSimulation", "simulate_outbound"]

OWN_NUMBERS = ("02471080001", "02471080002", "02871080003", "19008004")
"""The numbers that the desk calls from."""

_PREFIXES = (
    "032",
    "035",
    "038",
    "086",
    "096",
    "098",
    "070",
    "077",
    "090",
    "093",
    "081",
    "091",
    "058",
)
_FIRST_HOUR, _LAST_HOUR = 8, 18
_HOURS = {8: -0.4, 9: -0.2, 11: 0.3, 12: 0.2, 14: -0.3, 17: 0.6}
"""How much more often customers answer in these local hours, as log odds."""

_ANSWER_RATE = 0.45
_OF_CUSTOMER, _OF_DAY = 0.8, 0.15
"""Standard deviations of the log odds of customers and of days."""

_MAX_ATTEMPTS = 6
_STAFF = 6


@dataclass(frozen=True, kw_only=True)
class OutboundSimulation:
    """Simulated outbound calls, and what really happened.

    Attributes:
        calls: one row per call log, newest first. The caller is the own number; the customer is
            written in three forms.
        customers: one row per customer: `number` in national form, `attempts`, and `reached_at`,
            the number of the first answered attempt, null if the customer was never reached.
        own_numbers: the numbers that the desk calls from.
        blocked: for each blocked own number, the local day from which on few customers answer it.
        best_hour: the local hour at which customers answer most often.

    Examples:
        >>> desk = et.simulator.simulate_outbound(100, days=7)
        >>> desk.customers.height, desk.best_hour
        (100, 17)
    """

    calls: pl.DataFrame
    customers: pl.DataFrame
    own_numbers: tuple[str, ...]
    blocked: Mapping[str, date]
    best_hour: int


def simulate_outbound(
    n: int = 1_500,
    *,
    seed: int = 7,
    start: date | str = "2026-11-02",
    days: int = 28,
    blocked: Mapping[str, date] | None = None,
    blocked_odds: float = 0.15,
    time_zone: str = HOME_ZONE,
) -> OutboundSimulation:
    """The calls of a desk to `n` customers in the `days` from `start`, and their truth.

    Customers answer more or less often, also by the hour and the day. Those who did not answer are
    called again after some hours, at most six times; some who answered are called again, too. The
    desk works from 8:00 to 18:00, on Sundays too, and calls from four own numbers in turn.

    Args:
        n: the number of customers.
        seed: the same seed gives the same calls.
        start: the first local day.
        days: the number of days.
        blocked: own numbers, and the local day from which each is blocked as spam.
        blocked_odds: the factor of the odds of an answer to a blocked number.
        time_zone: the time zone of hours and days.

    Raises:
        InputError: `n` is negative, or `days` is less than 1, or a blocked number is no own number,
            or `blocked_odds` is not above 0.

    Examples:
        >>> desk = et.simulator.simulate_outbound(200, seed=1, days=7)
        >>> table = et.metrics.outbound_customers(desk.calls)
        >>> reached = desk.customers["reached_at"].count()
        >>> table["customers"].item() == desk.customers.height, table["reached"].item() == reached
        (True, True)
    """
    if n < 0 or days < 1:
        raise InputError(f"n must be at least 0, and days at least 1; got n={n}, days={days}.")
    if not 0 < blocked_odds < inf:
        raise InputError(f"blocked_odds must be above 0; got {describe(blocked_odds)}.")
    from_day = dict(blocked or {})
    if set(from_day) - set(OWN_NUMBERS):
        raise InputError(f"blocked has keys of {', '.join(OWN_NUMBERS)}; got another number.")
    rng = Random(seed)
    first_day = parse_moment(start, time_zone, "start").date()
    desk = _Desk(rng, first_day, days, time_zone, from_day, log(blocked_odds))
    customers = desk.call_all(n)
    until = desk.moment(first_day + timedelta(days=days), 0.0)
    return OutboundSimulation(
        calls=calls_frame(rng, desk.calls, until),
        customers=pl.DataFrame(
            customers,
            schema={"number": pl.String, "attempts": pl.Int64, "reached_at": pl.Int64},
            orient="row",
        ),
        own_numbers=OWN_NUMBERS,
        blocked=from_day,
        best_hour=max(_HOURS, key=_HOURS.__getitem__),
    )


class _Desk:
    """The desk while it calls: its staff, and how likely answers are."""

    def __init__(
        self,
        rng: Random,
        first_day: date,
        days: int,
        time_zone: str,
        blocked: Mapping[str, date],
        blocked_odds: float,
    ) -> None:
        self.calls: list[Call] = []
        self._rng, self._zone = rng, zone(time_zone)
        self._first_day, self._days = first_day, days
        self._of_day = [rng.gauss(0, _OF_DAY) for _ in range(days)]
        self._blocked, self._blocked_odds = blocked, blocked_odds
        self._staff = [Person(str(201 + place), *staff_ids(place), ()) for place in range(_STAFF)]

    def moment(self, day: date, hour: float) -> int:
        """A local hour of a day in milliseconds since 1970."""
        local = datetime.combine(day, time(), self._zone) + timedelta(hours=hour)
        return round(local.astimezone(UTC).timestamp() * 1000)

    def call_all(self, n: int) -> list[tuple[str, int, int | None]]:
        """Call the customers; each with the number of attempts, and that of the first answer."""
        rng, numbers = self._rng, self._numbers(n)
        odds = log(_ANSWER_RATE / (1 - _ANSWER_RATE))
        of_customer = [odds + rng.gauss(0, _OF_CUSTOMER) for _ in numbers]
        attempts = [0] * n
        reached: list[int | None] = [None] * n
        waiting: list[tuple[float, int]] = []
        for customer in range(n):
            heappush(waiting, (self._first_time(), customer))
        while waiting:
            at, customer = heappop(waiting)
            attempts[customer] += 1
            answered = self._call(numbers[customer], at, of_customer[customer])
            if answered and reached[customer] is None:
                reached[customer] = attempts[customer]
            again = rng.random() < (0.1 if reached[customer] else 0.75)
            later = self._later(at)
            if again and attempts[customer] < _MAX_ATTEMPTS and later is not None:
                heappush(waiting, (later, customer))
        return list(zip(numbers, attempts, reached, strict=True))

    def _numbers(self, n: int) -> list[str]:
        numbers: dict[str, None] = {}
        while len(numbers) < n:
            numbers[f"{self._rng.choice(_PREFIXES)}{self._rng.randrange(10**7):07d}"] = None
        return list(numbers)

    def _first_time(self) -> float:
        """Hours after midnight of the first day."""
        day = self._rng.randrange(self._days)
        return day * 24 + self._rng.uniform(_FIRST_HOUR, _LAST_HOUR)

    def _later(self, at: float) -> float | None:
        """When the customer is called again; None after the last day."""
        later = at + self._rng.uniform(2, 30)
        if not _FIRST_HOUR <= later % 24 < _LAST_HOUR:
            next_day = int(later // 24) + (later % 24 >= _LAST_HOUR)
            later = next_day * 24 + self._rng.uniform(_FIRST_HOUR, _LAST_HOUR)
        return later if later < self._days * 24 else None

    def _call(self, number: str, at: float, odds: float) -> bool:
        """Call a customer; whether they answered."""
        rng, day = self._rng, int(at // 24)
        own = rng.choice(OWN_NUMBERS)
        odds += self._of_day[day] + _HOURS.get(int(at % 24), 0.0)
        local_day = self._first_day + timedelta(days=day)
        if own in self._blocked and local_day >= self._blocked[own]:
            odds += self._blocked_odds
        answered = rng.random() < 1 / (1 + exp(-odds))
        started_at = self.moment(local_day, at % 24)
        written = format_number(rng, number) or number
        call = Call(1 + len(self.calls), "out", started_at, own, written)
        call.dialed_by, call.session_id = rng.choice(self._staff), f"{rng.getrandbits(64):016x}"
        leg = call.add_leg(
            written, started_at + rng.randint(20, 90), rng.choice(TRUNKS), kind="customer"
        )
        self._ring(call, leg, answered=answered)
        self.calls.append(call)
        return answered

    def _ring(self, call: Call, leg: Leg, *, answered: bool) -> None:
        rng = self._rng
        leg.ring_time = leg.add_time + rng.randint(900, 4_500)
        if answered:
            at = leg.ring_time + rng.randint(2_000, 22_000)
            leg.answer(at)
            call.answered_leg, call.answered_by = leg, call.dialed_by
            call.ended_at = at + 5_000 + round(1_000 * rng.expovariate(1 / 90))
            leg.hang_up(call.ended_at, "CALLER_DISCONNECTED")
            return
        call.ended_at = leg.ring_time + rng.randint(3_000, 40_000)
        code, reason = rng.choice(((486, "BUSY"), (480, "NO_ANSWER"), (487, "CALLER_DISCONNECTED")))
        cause = "busy_or_rejected" if code == 486 else "rna_timeout"
        leg.fail(call.ended_at, cause, code=code, reason=reason)
