"""The simulated PBX: a queue of events, and the ringing of people.

Events that the outcome rules could confuse are kept apart: nobody leaves less than `GAP` after the
IVR, a timeout or a rejection, and no step of a hunt begins before the previous one has ended. Two
events within 2 s therefore always have a common cause.
"""

from collections.abc import Generator, Sequence
from datetime import tzinfo
from heapq import heappop, heappush
from itertools import count
from random import Random

from .call_center import Customers, Parameters, Roster
from .entities import Call, Leg, Offer, Person

__all__ = ["GAP", "Journey", "Pbx", "ring_people"]

GAP = 2_500
"""Milliseconds; more than the 2 s within which the outcome rules connect two events."""

_SET_UP = 500
"""Milliseconds that the PBX needs to make phones ring."""

_NEVER = 1 << 62

_FIRST_ID = 4_000_000_000_000_000_000
_IDS_PER_MS = 600_000
"""With these values, ids have 19 digits and increase with time from 1900 to 2200."""

Journey = Generator[int, None, None]
"""A call's journey: a generator that yields the time (ms) at which it continues."""


class Pbx:
    """The clock, the event queue, and the state that all journeys share."""

    def __init__(
        self,
        rng: Random,
        roster: Roster,
        customers: Customers,
        parameters: Parameters,
        time_zone: tzinfo,
    ) -> None:
        self.rng = rng
        self.zone = time_zone
        self.roster = roster
        self.customers = customers
        self.parameters = parameters
        self.now = 0
        self.calls: list[Call] = []
        self._events: list[tuple[int, int, Journey]] = []
        self._ticket = count()

    def random_int(self, minimum: int, maximum: int) -> int:
        """A random integer in [minimum, maximum]; `randint` would take a third of the run time."""
        return minimum + int(self.rng.random() * (maximum - minimum + 1))

    def new_id(self, at: int) -> int:
        """An id for a call that starts at this time; the next id is free for a second log."""
        return _FIRST_ID + at * _IDS_PER_MS + 2 * self.rng.randrange(_IDS_PER_MS // 2)

    def schedule(self, at: int, journey: Journey) -> None:
        """Start a journey at this time."""
        heappush(self._events, (at, next(self._ticket), journey))

    def run(self, until: int) -> None:
        """Process all events before `until`; calls in progress then stay unfinished."""
        while self._events and self._events[0][0] < until:
            self.now, ticket, journey = heappop(self._events)
            next_time = next(journey, None)
            if next_time is not None:
                heappush(self._events, (max(next_time, self.now), ticket, journey))


def _offer_call(pbx: Pbx, call: Call, person: Person) -> tuple[Offer, int, Leg | None] | None:
    """The offer, the time of the person's reaction, and the leg they answer (None: they reject).

    None if no device can ring.
    """
    rng, parameters = pbx.rng, pbx.parameters
    offer = call.add_offer(person.number, person)
    at = pbx.now + pbx.random_int(1, 60)
    for device in person.devices:
        leg = call.add_leg(person.number, at, person=person)
        if person.busy:
            leg.fail(at + pbx.random_int(60, 300), "busy_or_rejected", code=486, reason="USER_BUSY")
        elif device == "app" and rng.random() < parameters.app_offline_probability:
            leg.fail(at + pbx.random_int(20, 200), "unreachable", code=480, reason="UNREGISTERED")
        else:
            leg.ring_time = at + (
                pbx.random_int(120, 700) if device == "desk" else pbx.random_int(600, 2_500)
            )
            offer.active_legs.append(leg)
        at += pbx.random_int(1, 60)
    if not offer.active_legs:
        offer.outcome = "busy_or_rejected" if person.busy else "unreachable"
        return None
    person.busy = True
    leg = rng.choice(offer.active_legs)
    ring_time = leg.ring_time or at
    draw = rng.random()
    if draw < parameters.rejection_probability:
        return offer, ring_time + pbx.random_int(3_000, 7_000), None
    if draw < parameters.rejection_probability + parameters.no_reaction_probability:
        return offer, _NEVER, None
    return offer, ring_time + 800 + round(1000 * rng.lognormvariate(1.3, 0.6)), leg


def _end_offer(offer: Offer, at: int, cause: str, *, code: int, reason: str) -> None:
    for leg in offer.active_legs:
        leg.fail(at, cause, code=code, reason=reason)
    offer.active_legs.clear()
    offer.outcome = cause
    if offer.person is not None:
        offer.person.busy = False


def ring_people(
    pbx: Pbx,
    call: Call,
    people: Sequence[Person],
    limit: int,
    timeout: tuple[int, str] = (487, "CANCELLED"),
) -> Generator[int, None, Leg | None]:
    """Ring these people at once for at most `limit` ms, and return the answered leg.

    None after a timeout, or if the caller left; in the second case `call.lost_in` is set. A timeout
    has this SIP code and reason.
    """
    deadline = pbx.now + limit
    call.extend_patience(pbx.now, _SET_UP)  # otherwise a leg could end before its add_time
    reactions = [
        reaction for person in people if (reaction := _offer_call(pbx, call, person)) is not None
    ]
    for offer, at, leg in sorted(reactions, key=lambda reaction: reaction[1]):
        if at >= min(deadline, call.leaves_at or deadline):
            break
        yield at
        if leg is None:
            # A rejection (6xx) also stops the person's other device, so that none of their legs is
            # left without a cause.
            _end_offer(offer, at, "busy_or_rejected", code=603, reason="CALL_REJECTED")
            call.extend_patience(at, GAP)
            continue
        _answer(pbx, call, offer, leg, at, [other for other, _, _ in reactions])
        return leg
    active = [offer for offer, _, _ in reactions if offer.active_legs]
    if not active:
        yield pbx.now + pbx.random_int(400, 900)
        return None
    end = min(deadline, call.leaves_at or deadline)
    yield end
    if call.leaves_at is not None and call.leaves_at <= end:
        rings = any(
            leg.ring_time is not None and leg.ring_time < end
            for offer in active
            for leg in offer.active_legs
        )
        call.lost_in = "ringing" if rings else call.stage_without_ring()
        for offer in active:
            _end_offer(offer, end, "caller_gave_up", code=487, reason="CALLER_DISCONNECTED")
        return None
    for offer in active:
        _end_offer(offer, end, "rna_timeout", code=timeout[0], reason=timeout[1])
    call.extend_patience(end, GAP)
    return None


def _answer(pbx: Pbx, call: Call, offer: Offer, leg: Leg, at: int, offers: Sequence[Offer]) -> None:
    """Answer the call on a leg, and end the other legs of its offer and all other offers."""
    leg.answer(at)
    offer.active_legs.remove(leg)
    for other_leg in offer.active_legs:
        other_leg.fail(
            at + pbx.random_int(20, 400), "answered_elsewhere", code=487, reason="LOSE_RACE"
        )
    offer.active_legs.clear()
    offer.outcome, call.answered_leg, call.answered_by = "answered", leg, offer.person
    for other in offers:
        if other.active_legs:
            _end_offer(
                other,
                at + pbx.random_int(20, 400),
                "answered_elsewhere",
                code=487,
                reason="LOSE_RACE",
            )
