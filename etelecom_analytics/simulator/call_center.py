"""The simulated call center: its parameters, traffic pattern, staff and customers.

All names and numbers are fictitious. Phone numbers only have the form of Vietnamese ones.
"""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random

from ..local_time import zone
from .entities import Person

__all__ = [
    "FIRST_EXTENSIONS",
    "HOTLINES",
    "IVR",
    "QUEUE",
    "TRUNKS",
    "Customers",
    "Hour",
    "Parameters",
    "Roster",
    "format_number",
    "hours_between",
    "staff_ids",
]

IVR = "8000"
QUEUE = "8100"
HOTLINES = ("19000123", "02873000456")
"""Calls to the first start with an IVR; calls to the second ring people immediately."""
FIRST_EXTENSIONS = (101, 10_001)
"""First extension number of a small and of a large center; neither range contains IVR or QUEUE."""
TRUNKS = ("trunk-viettel", "trunk-mobifone")

# Relative number of calls per local hour: two peaks, a dip at lunch, and a few calls at night.
_NIGHT = (0.03, 0.02, 0.02, 0.02, 0.02, 0.04, 0.10, 0.35)
_OFFICE = (1.00, 1.55, 1.60, 1.20, 0.50, 0.75, 1.40, 1.45)
_EVENING = (1.25, 0.80, 0.35, 0.25, 0.18, 0.12, 0.06, 0.04)
_DAY = (*_NIGHT, *_OFFICE, *_EVENING)
_WEEK = (1.15, 1.05, 1.00, 1.00, 1.05, 0.50, 0.25)
_TEAM_SIZE = 4


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """True parameters of a simulation, with which measures can be compared.

    Patience is exponential and counts from the start of the call, except that of a share
    `hasty_share` of callers, which ends between 5 and 20 s. Talk time is `min_talk_s` plus a
    log-normal time, and `mean_talk_s` is its mean.

    Examples:
        >>> parameters = et.simulate_calls(10, seed=1).truth.parameters
        >>> parameters.mean_patience_s, parameters.staff
        (130.0, 6)
    """

    mean_patience_s: float = 130.0
    hasty_share: float = 0.0
    mean_talk_s: float = 150.0
    min_talk_s: float = 4.0
    outbound_share: float = 0.22
    internal_share: float = 0.08
    rejection_probability: float = 0.02
    no_reaction_probability: float = 0.14
    app_offline_probability: float = 0.20
    trunk_failure_probability: float = 0.04
    arrivals_per_day: float = 0.0
    staff: int = 0
    max_on_duty: int = 0


@dataclass(frozen=True)
class Hour:
    """One hour of the simulated period, or a part of one.

    Attributes:
        start: start in ms since 1970.
        duration: length in ms; the last hour may be shorter.
        weight: relative number of calls.
        day: ordinal of the local day.
    """

    start: int
    duration: int
    weight: float
    day: int


def hours_between(start: datetime, end: datetime, time_zone: str) -> list[Hour]:
    """All hours from start to end, weighted by local hour and weekday."""
    local_zone = zone(time_zone)
    hours = []
    moment, last = start.astimezone(UTC), end.astimezone(UTC)
    while moment < last:
        local = moment.astimezone(local_zone)
        step = min(timedelta(hours=1), last - moment)
        duration = round(step.total_seconds() * 1000)
        weight = _DAY[local.hour] * _WEEK[local.weekday()] * duration / 3_600_000
        hours.append(Hour(round(moment.timestamp() * 1000), duration, weight, local.toordinal()))
        moment += step
    return hours


def staff_ids(index: int) -> tuple[str, str]:
    """Extension id and user id of the person hired at this index, from 0."""
    return str(1_140_000_000_000_000_003 + 7 * index), str(1_150_000_000_000_000_011 + 9 * index)


class Roster:
    """The staff, and who is on duty in each hour.

    The number of people follows the load: each is busy about three quarters of the time, plus a
    margin that grows with the square root of the load.

    Attributes:
        people: everyone hired so far.
        max_on_duty: the largest number of people on duty in an hour.
    """

    def __init__(
        self, rng: Random, hours: Sequence[Hour], calls: int, parameters: Parameters
    ) -> None:
        self._rng = rng
        self._hours = hours
        total = sum(hour.weight for hour in hours) or 1.0
        needed = [self._needed(calls * hour.weight / total, hour, parameters) for hour in hours]
        self.max_on_duty = max(needed, default=0)
        self._first_extension = FIRST_EXTENSIONS[self.max_on_duty >= 600]
        self.people: list[Person] = []
        for _ in range(math.ceil(self.max_on_duty * 1.25) + 2):
            self.hire()
        self._teams = [
            self._shift(hour.day, count) for hour, count in zip(hours, needed, strict=True)
        ]

    @staticmethod
    def _needed(calls: float, hour: Hour, parameters: Parameters) -> int:
        inbound_share = 1 - parameters.outbound_share - parameters.internal_share
        seconds_per_call = (
            inbound_share * (parameters.mean_talk_s + 25)
            + parameters.outbound_share * 130
            + parameters.internal_share * 90
        )
        load = calls * seconds_per_call / (hour.duration / 1000)
        return max(3, math.ceil(load * 1.08 + 1.2 * math.sqrt(load)))

    def _shift(self, day: int, count: int) -> list[list[Person]]:
        first = day * 3 % len(self.people)  # rotates, so that everyone has days off
        on_duty = (self.people[first:] + self.people[:first])[:count]
        teams = math.ceil(count / _TEAM_SIZE)
        return [on_duty[team::teams] for team in range(teams)]

    def hire(self) -> Person:
        """A new person, with a desk phone, an app, or both."""
        index = len(self.people)
        devices = self._rng.choices((("desk", "app"), ("desk",), ("app",)), (45, 40, 15))[0]
        person = Person(str(self._first_extension + index), *staff_ids(index), devices)
        self.people.append(person)
        return person

    def hours_on_duty(self, person: Person) -> int:
        """The number of hours in which a person is on duty."""
        return sum(person in team for teams in self._teams for team in teams)

    def replace(self, person: Person, now: int) -> Person:
        """The successor of a person, who takes over their extension number and all their shifts.

        The successor has another extension id and another user id.
        """
        successor = Person(person.number, *staff_ids(len(self.people)), person.devices, since=now)
        self.people.append(successor)
        person.until = now
        self._teams = [
            [[successor if other is person else other for other in team] for team in teams]
            for teams in self._teams
        ]
        return successor

    def teams(self, now: int) -> list[list[Person]]:
        """The teams on duty at this time (ms)."""
        index = (now - self._hours[0].start) // 3_600_000
        return self._teams[min(index, len(self._teams) - 1)]

    def idle_person(self, now: int) -> Person:
        """A person who can make a call: from a team on duty, else anyone idle, else a new hire."""
        team = self._rng.choice(self.teams(now))
        for people in (team, self.people):
            idle = [person for person in people if not person.busy and person.until is None]
            if idle:
                return self._rng.choice(idle)
        return self.hire()


class Customers:
    """External callers: new ones, those who call again after a missed call, and call-backs."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._numbers: list[str] = []
        self._contact_ids: dict[str, str] = {}
        self._repeat_calls: list[tuple[int, str]] = []
        self._callbacks: list[tuple[int, str]] = []

    def _new_number(self) -> str:
        number = f"0{self._rng.choice('35789')}{self._rng.randrange(10**8):08d}"
        self._numbers.append(number)
        if self._rng.random() < 0.4:
            self._contact_ids[number] = str(1_160_000_000_000_000_000 + self._rng.randrange(10**15))
        return number

    def _next_number(self, now: int, due: list[tuple[int, str]], known_share: float) -> str:
        if due and due[0][0] <= now:
            return heappop(due)[1]
        if self._numbers and self._rng.random() < known_share:
            return self._numbers[-self._rng.randint(1, min(400, len(self._numbers)))]
        return self._new_number()

    def expect_calls(self, inbound: Sequence[int], moments: Set[int]) -> None:
        """Note when calls are planned to start: inbound calls in order, and all calls."""

    def next_caller(self, now: int) -> str | None:
        """The national number of the next inbound caller; None if it is withheld."""
        number = self._next_number(now, self._repeat_calls, 0.12)
        return None if self._rng.random() < 0.005 else number

    def next_callee(self, now: int) -> str:
        """The national number of the next outbound call."""
        return self._next_number(now, self._callbacks, 0.35)

    def contact_id(self, number: str | None) -> str | None:
        """The contact id of a number, if the center has one."""
        return self._contact_ids.get(number or "")

    def record_missed(self, now: int, number: str | None) -> None:
        """Schedule a repeated call within 40 minutes and a call-back within 3 hours, for some."""
        if number is not None and self._rng.random() < 0.35:
            heappush(self._repeat_calls, (now + round(60_000 * self._rng.uniform(1, 40)), number))
        if number is not None and self._rng.random() < 0.45:
            heappush(self._callbacks, (now + round(60_000 * self._rng.uniform(10, 180)), number))


def format_number(rng: Random, number: str | None) -> str | None:
    """The number as a trunk writes it: usually 0..., sometimes 84... or +84..."""
    if number is None:
        return None
    return rng.choices((number, f"84{number[1:]}", f"+84{number[1:]}"), (90, 6, 4))[0]
