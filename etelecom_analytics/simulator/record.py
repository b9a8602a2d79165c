"""What the exchange writes down while it works: calls, their legs and offers, and beside each the cause that only it knows.

Every moment is a whole number of milliseconds since 1970, so that sums and differences are exact.
"""

from dataclasses import dataclass, field

__all__ = ["Call", "Leg", "Offer", "Person"]


@dataclass(slots=True, eq=False)
class Person:
    """One member of staff. `engaged` from the first ring to the end of the talk: the one lock that keeps people out of two talks."""

    number: str
    extension_id: str
    user_id: str
    devices: tuple[str, ...]
    engaged: bool = False


@dataclass(slots=True, eq=False)
class Leg:
    """One endpoint that the exchange tried, and why it ended as it did."""

    target: str
    add: int
    ring: int | None = None
    answered: int | None = None
    ended: int | None = None
    status: str = "NONE"
    end_reason: str = ""
    code: int = 0
    trunk: str | None = None
    cause: str = "in_progress"

    def close(self, at: int, cause: str, *, code: int, reason: str) -> None:
        """End the leg unanswered at this moment; a ring that had not begun never was."""
        if self.ring is not None and self.ring >= at:
            self.ring = None
        self.ended, self.cause, self.code, self.end_reason = at, cause, code, reason
        self.status = "NOANSWER" if self.ring is not None else "NONE" if code == 487 else "FAIL"

    def answer(self, at: int) -> None:
        """Let somebody, or the IVR, take the call on this leg."""
        self.answered, self.status, self.cause = at, "ANSWERED", "answered"

    def hang_up(self, at: int, reason: str) -> None:
        """End the talk on this leg."""
        self.ended, self.end_reason = at, reason


@dataclass(slots=True, eq=False)
class Offer:
    """One ring of one person, on all their devices at once."""

    target: str
    first_leg: int
    person: Person | None = None
    live: list[Leg] = field(default_factory=list)
    outcome: str = "in_progress"


@dataclass(slots=True, eq=False)
class Call:
    """One session, from the first moment to the last. An internal call is one session that is written down twice.

    `leaves` is when the caller's patience ends, `dialled` the person here who made the call, `by`
    the one who took it, on `taken`.
    """

    number: int
    direction: str
    started: int
    caller: str | None
    callee: str
    patience: int | None = None
    leaves: int | None = None
    ended: int | None = None
    legs: list[Leg] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    dialled: Person | None = None
    by: Person | None = None
    taken: Leg | None = None
    lost_in: str | None = None
    session: str = ""
    external_id: str | None = None
    contact: str | None = None

    def offer(self, target: str, person: Person | None = None) -> Offer:
        """A new offer to this number; its first leg is the next one."""
        offer = Offer(target, len(self.legs), person)
        self.offers.append(offer)
        return offer

    def leg(self, target: str, add: int, trunk: str | None = None) -> Leg:
        """A new leg to this number."""
        leg = Leg(target, add, trunk=trunk)
        self.legs.append(leg)
        return leg
