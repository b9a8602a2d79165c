"""The call centre: its true parameters, its days and weeks, its people and its customers.

Everything here is made up: the numbers have the form of Vietnam's, and belong to nobody that we
know of.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random

from ..local_time import zone
from .record import Person

__all__ = [
    "FIRST_NUMBERS",
    "HOTLINES",
    "IVR",
    "QUEUE",
    "TRUNKS",
    "Customers",
    "Hour",
    "Parameters",
    "Roster",
    "hours_between",
    "ids_of_place",
    "written",
]

IVR = "8000"
QUEUE = "8100"
HOTLINES = ("19000123", "02873000456")
"""The first greets with an IVR, the second rings people at once."""
FIRST_NUMBERS = (101, 10_001)
"""Where extension numbers begin, in a small centre and in a large one: neither reaches the numbers of the IVR and the queue."""
TRUNKS = ("trunk-viettel", "trunk-mobifone")

# Calls an hour, relative to each other: two humps with the lunch between them, and a night that is
# not quite empty.
_NIGHT = (0.03, 0.02, 0.02, 0.02, 0.02, 0.04, 0.10, 0.35)
_OFFICE = (1.00, 1.55, 1.60, 1.20, 0.50, 0.75, 1.40, 1.45)
_EVENING = (1.25, 0.80, 0.35, 0.25, 0.18, 0.12, 0.06, 0.04)
_DAY = (*_NIGHT, *_OFFICE, *_EVENING)
_WEEK = (1.15, 1.05, 1.00, 1.00, 1.05, 0.50, 0.25)
_TEAM = 4


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The truth behind the calls, for measures to be held against.

    Patience is exponential and counts from the call's start. Talk is `least_talk_s` plus a
    log-normal time; `mean_talk_s` is its mean.
    """

    mean_patience_s: float = 130.0
    mean_talk_s: float = 150.0
    least_talk_s: float = 4.0
    share_out: float = 0.22
    share_internal: float = 0.08
    reject: float = 0.02
    away: float = 0.14
    app_offline: float = 0.20
    trunk_failure: float = 0.04
    arrivals_a_day: float = 0.0
    staff: int = 0
    most_on_duty: int = 0


@dataclass(frozen=True)
class Hour:
    """One hour of the period: when it begins (ms), how busy it is, and the local day it belongs to."""

    begins: int
    lasts: int
    weight: float
    day: int


def hours_between(start: datetime, end: datetime, time_zone: str) -> list[Hour]:
    """Every hour from start to end, weighted by the local hour and weekday."""
    local_zone = zone(time_zone)
    hours = []
    moment, last = start.astimezone(UTC), end.astimezone(UTC)
    while moment < last:
        local = moment.astimezone(local_zone)
        step = min(timedelta(hours=1), last - moment)
        lasts = round(step.total_seconds() * 1000)
        weight = _DAY[local.hour] * _WEEK[local.weekday()] * lasts / 3_600_000
        hours.append(Hour(round(moment.timestamp() * 1000), lasts, weight, local.toordinal()))
        moment += step
    return hours


def ids_of_place(place: int) -> tuple[str, str]:
    """Extension id and user id of whoever was hired at this place, from 0."""
    return str(1_140_000_000_000_000_003 + 7 * place), str(1_150_000_000_000_000_011 + 9 * place)


class Roster:
    """Who is on duty when. People follow the load: about three quarters busy, and a margin that grows with its square root."""

    def __init__(
        self, rng: Random, hours: Sequence[Hour], calls: int, parameters: Parameters
    ) -> None:
        self._rng = rng
        self._hours = hours
        total = sum(hour.weight for hour in hours) or 1.0
        needed = [self._needed(calls * hour.weight / total, hour, parameters) for hour in hours]
        self.most_on_duty = max(needed, default=0)
        self._first = FIRST_NUMBERS[self.most_on_duty >= 600]
        self.people: list[Person] = []
        for _ in range(math.ceil(self.most_on_duty * 1.25) + 2):
            self.hire()
        self._on_duty = [
            self._shift(hour.day, count) for hour, count in zip(hours, needed, strict=True)
        ]

    @staticmethod
    def _needed(calls: float, hour: Hour, parameters: Parameters) -> int:
        inbound = 1 - parameters.share_out - parameters.share_internal
        seconds = (
            inbound * (parameters.mean_talk_s + 25)
            + parameters.share_out * 130
            + parameters.share_internal * 90
        )
        load = calls * seconds / (hour.lasts / 1000)
        return max(3, math.ceil(load * 1.08 + 1.2 * math.sqrt(load)))

    def _shift(self, day: int, count: int) -> list[list[Person]]:
        turn = day * 3 % len(self.people)  # everybody's day off comes round
        on_duty = (self.people[turn:] + self.people[:turn])[:count]
        teams = math.ceil(count / _TEAM)
        return [on_duty[team::teams] for team in range(teams)]

    def hire(self) -> Person:
        """A new person, with a desk phone, an app, or both."""
        place = len(self.people)
        devices = self._rng.choices((("desk", "app"), ("desk",), ("app",)), (45, 40, 15))[0]
        person = Person(str(self._first + place), *ids_of_place(place), devices)
        self.people.append(person)
        return person

    def teams(self, now: int) -> list[list[Person]]:
        """The teams on duty at this moment."""
        place = (now - self._hours[0].begins) // 3_600_000
        return self._on_duty[min(place, len(self._on_duty) - 1)]

    def free(self, now: int) -> Person:
        """Somebody who can make a call: on duty if possible, else anybody, else somebody new from the office next door."""
        team = self._rng.choice(self.teams(now))
        for people in (team, self.people):
            idle = [person for person in people if not person.engaged]
            if idle:
                return self._rng.choice(idle)
        return self.hire()


class Customers:
    """The people outside: who calls, who tries again after a missed call, and whom the centre has promised to call back."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._seen: list[str] = []
        self._contacts: dict[str, str] = {}
        self._again: list[tuple[int, str]] = []
        self._promised: list[tuple[int, str]] = []

    def _new(self) -> str:
        number = f"0{self._rng.choice('35789')}{self._rng.randrange(10**8):08d}"
        self._seen.append(number)
        if self._rng.random() < 0.4:
            self._contacts[number] = str(1_160_000_000_000_000_000 + self._rng.randrange(10**15))
        return number

    def _somebody(self, now: int, waiting: list[tuple[int, str]], known: float) -> str:
        if waiting and waiting[0][0] <= now:
            return heappop(waiting)[1]
        if self._seen and self._rng.random() < known:
            return self._seen[-self._rng.randint(1, min(400, len(self._seen)))]
        return self._new()

    def calling(self, now: int) -> str | None:
        """The national number of whoever calls now; None when it is withheld."""
        number = self._somebody(now, self._again, 0.12)
        return None if self._rng.random() < 0.005 else number

    def called(self, now: int) -> str:
        """The national number of whomever the centre calls now."""
        return self._somebody(now, self._promised, 0.35)

    def contact(self, number: str | None) -> str | None:
        """The id under which the centre knows this number."""
        return self._contacts.get(number or "")

    def missed(self, now: int, number: str | None) -> None:
        """Let some who were missed try again within the hour, and put some on the list of call-backs."""
        if number is not None and self._rng.random() < 0.35:
            heappush(self._again, (now + round(60_000 * self._rng.uniform(1, 40)), number))
        if number is not None and self._rng.random() < 0.45:
            heappush(self._promised, (now + round(60_000 * self._rng.uniform(10, 180)), number))


def written(rng: Random, number: str | None) -> str | None:
    """The number as one trunk or another writes it: mostly 0..., at times 84... or +84..."""
    if number is None:
        return None
    return rng.choices((number, f"84{number[1:]}", f"+84{number[1:]}"), (90, 6, 4))[0]
