"""Entities of the simulation: people, calls, legs and offers, with the true cause of each end.

All times are whole milliseconds since 1970, so that sums and differences are exact.
"""

from dataclasses import dataclass, field

__all__ = ["Call", "Leg", "Offer", "Person", "QueueVisit"]


@dataclass(slots=True, eq=False)
class Person:
    """One member of staff.

    A person is `busy` from the first ring to the end of the talk, which prevents two talks at once.
    `since` and `until` are the times in which the extension is theirs; None has no limit.
    """

    number: str
    extension_id: str
    user_id: str
    devices: tuple[str, ...]
    busy: bool = False
    mobile_busy: bool = False
    since: int | None = None
    until: int | None = None


@dataclass(slots=True, eq=False)
class Leg:
    """One attempt to reach an endpoint, its true kind and owner, and the true cause of its end."""

    target: str
    add_time: int
    ring_time: int | None = None
    answered_time: int | None = None
    ended_time: int | None = None
    status: str = "NONE"
    end_reason: str = ""
    code: int = 0
    trunk: str | None = None
    cause: str = "in_progress"
    kind: str = "person"
    person: Person | None = None

    def fail(self, at: int, cause: str, *, code: int, reason: str) -> None:
        """End the leg without an answer; a ring planned for `at` or later is removed."""
        if self.ring_time is not None and self.ring_time >= at:
            self.ring_time = None
        self.ended_time, self.cause, self.code, self.end_reason = at, cause, code, reason
        rang = self.ring_time is not None
        self.status = "NOANSWER" if rang else "NONE" if code == 487 else "FAIL"

    def answer(self, at: int) -> None:
        """Answer the call on this leg."""
        self.answered_time, self.status, self.cause = at, "ANSWERED", "answered"

    def hang_up(self, at: int, reason: str) -> None:
        """End the talk on this leg."""
        self.ended_time, self.end_reason = at, reason


@dataclass(slots=True, eq=False)
class Offer:
    """One ring of one person, on all their devices at once."""

    target: str
    first_leg: int
    person: Person | None = None
    active_legs: list[Leg] = field(default_factory=list)
    outcome: str = "in_progress"


@dataclass(slots=True, eq=False)
class QueueVisit:
    """One stay of a call in a queue, from the start of its first leg to the end of its last one.

    `leg` is the last leg so far.
    """

    queue: str
    entered_at: int
    leg: Leg
    outcome: str = "unknown"


@dataclass(slots=True, eq=False)
class Call:
    """One session. An internal call is one session with two logs.

    Attributes:
        patience: how long the caller waits; `leaves_at` is when it ends.
        dialed_by: the member of staff who made the call.
        answered_by, answered_leg: the person who answered, and on which leg.
        lost_in: the stage in which an inbound call was lost.
        ending: who ended a call without an answer, as far as a log can show it.
        who_hung_up: who ended an answered call, "caller" or "agent"; None if no log can show it.
        customer: the external party, also if the number is hidden or shared by several.
        caller_number: the caller's number in national form; None if it is hidden.
        mobile_of: the person whose mobile phone talks in this call.
        second_log_delay: ms after which the second log of an internal call says that it began.
    """

    number: int
    direction: str
    started_at: int
    caller: str | None
    callee: str
    patience: int | None = None
    leaves_at: int | None = None
    ended_at: int | None = None
    legs: list[Leg] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    dialed_by: Person | None = None
    answered_by: Person | None = None
    answered_leg: Leg | None = None
    lost_in: str | None = None
    session_id: str = ""
    external_id: str | None = None
    contact_id: str | None = None
    ending: str | None = None
    who_hung_up: str | None = None
    customer: str | None = None
    caller_number: str | None = None
    second_log_delay: int = 0
    transfers: int = 0
    forwards: int = 0
    mobile_of: Person | None = None
    visits: list[QueueVisit] = field(default_factory=list)

    def add_offer(self, target: str, person: Person | None = None) -> Offer:
        """A new offer to this number; its first leg is the next one added."""
        offer = Offer(target, len(self.legs), person)
        self.offers.append(offer)
        return offer

    def add_leg(
        self,
        target: str,
        add_time: int,
        trunk: str | None = None,
        *,
        kind: str = "person",
        person: Person | None = None,
    ) -> Leg:
        """A new leg to this number."""
        leg = Leg(target, add_time, trunk=trunk, kind=kind, person=person)
        self.legs.append(leg)
        return leg

    def extend_patience(self, since: int, minimum: int) -> None:
        """Let the caller wait at least `minimum` ms after `since`, and adjust the patience."""
        if self.leaves_at is not None and self.leaves_at < since + minimum:
            self.leaves_at = since + minimum
            self.patience = self.leaves_at - self.started_at

    def stage_without_ring(self) -> str:
        """The stage in which a caller who leaves while no phone rings is lost."""
        has_rung = any(
            leg.ring_time is not None and leg.ended_time is not None for leg in self.legs
        )
        return "between_rings" if has_rung else "before_ringing"
