"""The exchange: an agenda of journeys that each sleep until a moment, and the ringing of people.

Two moments that the rules of measuring could confuse are kept apart by construction: nobody leaves
less than `GAP` after the IVR, a time-out or a rejection, and no step of a hunt begins before the
last one has ended. So a coincidence within 2 s is always a cause.
"""

from collections.abc import Generator, Sequence
from heapq import heappop, heappush
from itertools import count
from random import Random

from .centre import Customers, Parameters, Roster
from .record import Call, Leg, Offer, Person

__all__ = ["GAP", "Exchange", "Journey", "ring"]

GAP = 2_500
"""Milliseconds; more than the 2 s within which the rules see a connection."""

_SET_UP = 500
"""Milliseconds that the exchange takes to tell phones to ring."""

Journey = Generator[int, None, None]
"""A call's way: it yields the moment (ms) at which it wants to go on."""


class Exchange:
    """The clock, the agenda, and what every journey shares."""

    def __init__(
        self, rng: Random, roster: Roster, customers: Customers, parameters: Parameters
    ) -> None:
        self.rng = rng
        self.roster = roster
        self.customers = customers
        self.parameters = parameters
        self.now = 0
        self.calls: list[Call] = []
        self._agenda: list[tuple[int, int, Journey]] = []
        self._ticket = count()

    def between(self, least: int, most: int) -> int:
        """A number from least to most, both included; `randint` would take a third of the whole simulation."""
        return least + int(self.rng.random() * (most - least + 1))

    def add(self, at: int, journey: Journey) -> None:
        """Let the journey begin at this moment."""
        heappush(self._agenda, (at, next(self._ticket), journey))

    def run(self, until: int) -> None:
        """Let everything happen that happens before `until`; what is under way then stays under way."""
        while self._agenda and self._agenda[0][0] < until:
            self.now, ticket, journey = heappop(self._agenda)
            wake = next(journey, None)
            if wake is not None:
                heappush(self._agenda, (max(wake, self.now), ticket, journey))


def _try(exchange: Exchange, call: Call, person: Person) -> tuple[Offer, int, Leg | None] | None:
    """The offer, and when the person reacts: with the leg that they take, or None for a rejection. None where nobody will react."""
    rng, parameters = exchange.rng, exchange.parameters
    offer = call.offer(person.number, person)
    at = exchange.now + exchange.between(1, 60)
    for device in person.devices:
        leg = call.leg(person.number, at)
        if person.engaged:
            leg.close(
                at + exchange.between(60, 300), "busy_or_rejected", code=486, reason="USER_BUSY"
            )
        elif device == "app" and rng.random() < parameters.app_offline:
            leg.close(
                at + exchange.between(20, 200), "unreachable", code=480, reason="UNREGISTERED"
            )
        else:
            leg.ring = at + (
                exchange.between(120, 700) if device == "desk" else exchange.between(600, 2_500)
            )
            offer.live.append(leg)
        at += exchange.between(1, 60)
    if not offer.live:
        offer.outcome = "busy_or_rejected" if person.engaged else "unreachable"
        return None
    person.engaged = True
    chosen = rng.choice(offer.live)
    rings = chosen.ring or at
    whim = rng.random()
    if whim < parameters.reject:
        return offer, rings + exchange.between(3_000, 7_000), None
    if whim < parameters.reject + parameters.away:
        return offer, 1 << 62, None
    return offer, rings + 800 + round(1000 * rng.lognormvariate(1.3, 0.6)), chosen


def _end(offer: Offer, at: int, cause: str, *, code: int, reason: str) -> None:
    for leg in offer.live:
        leg.close(at, cause, code=code, reason=reason)
    offer.live.clear()
    offer.outcome = cause
    if offer.person is not None:
        offer.person.engaged = False


def ring(
    exchange: Exchange, call: Call, people: Sequence[Person], limit: int
) -> Generator[int, None, Leg | None]:
    """The leg on which one of these people, rung together, took the call; None after a time-out, or when the caller left.

    `call.lost_in` tells the two apart.
    """
    deadline = exchange.now + limit
    stay(call, exchange.now, _SET_UP)  # else a leg could end before it was added
    tried = [
        reaction for person in people if (reaction := _try(exchange, call, person)) is not None
    ]
    for offer, at, taken in sorted(tried, key=lambda reaction: reaction[1]):
        if at >= min(deadline, call.leaves or deadline):
            break
        yield at
        if taken is None:
            # A refusal (6xx) stops the person's other device too, so that none of their legs is
            # left without a cause.
            _end(offer, at, "busy_or_rejected", code=603, reason="CALL_REJECTED")
            stay(call, at)
            continue
        taken.answer(at)
        offer.live.remove(taken)
        for other in offer.live:
            other.close(
                at + exchange.between(20, 400), "answered_elsewhere", code=487, reason="LOSE_RACE"
            )
        offer.live.clear()
        offer.outcome, call.taken, call.by = "answered", taken, offer.person
        for loser, _, _ in tried:
            if loser.live:
                _end(
                    loser,
                    at + exchange.between(20, 400),
                    "answered_elsewhere",
                    code=487,
                    reason="LOSE_RACE",
                )
        return taken
    still = [offer for offer, _, _ in tried if offer.live]
    if not still:
        yield exchange.now + exchange.between(400, 900)
        return None
    end = min(deadline, call.leaves or deadline)
    yield end
    if call.leaves is not None and call.leaves <= end:
        rings = any(
            leg.ring is not None and leg.ring < end for offer in still for leg in offer.live
        )
        call.lost_in = "ringing" if rings else where_quiet(call)
        for offer in still:
            _end(offer, end, "caller_gave_up", code=487, reason="CALLER_DISCONNECTED")
        return None
    for offer in still:
        _end(offer, end, "rna_timeout", code=487, reason="CANCELLED")
    stay(call, end)
    return None


def stay(call: Call, since: int, least: int = GAP) -> None:
    """Keep the caller for at least this long after a moment. The patience grows with it, and stays true."""
    if call.leaves is not None and call.leaves < since + least:
        call.leaves = since + least
        call.patience = call.leaves - call.started


def where_quiet(call: Call) -> str:
    """Where a caller is lost while nobody rings: before the first ring, or between two."""
    return (
        "between_rings"
        if any(leg.ring is not None and leg.ended is not None for leg in call.legs)
        else "before_ringing"
    )
