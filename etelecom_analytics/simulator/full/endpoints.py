"""What a call of the preset "full" reaches besides a ringing team: voicemail, mobiles, pickups."""

from ..entities import Call, Leg, Person
from ..pbx import GAP, Journey, Pbx
from ..steps import Answered
from .center import mobile_number, voicemail_number

__all__ = ["call_mobile", "pick_up", "voicemail"]

_MOBILE_RING = 25_000


def voicemail(pbx: Pbx, call: Call, box: str) -> Journey:
    """The greeting and a message; the PBX answered, so it also counts as the one who ended it."""
    number = voicemail_number(box)
    call.add_offer(number).outcome = "answered"
    leg = call.add_leg(number, pbx.now + pbx.random_int(10, 60), kind="voicemail")
    leg.answer(leg.add_time + pbx.random_int(50, 300))
    yield pbx.now + pbx.random_int(4_000, 45_000)
    leg.hang_up(
        pbx.now, pbx.rng.choices(("CALLER_DISCONNECTED", "CALLEE_DISCONNECTED"), (85, 15))[0]
    )
    call.extend_patience(pbx.now, 0)  # whoever leaves a message has not lost patience
    call.ending = "ended_by_pbx"


def call_mobile(pbx: Pbx, call: Call, person: Person, answer_share: float) -> Answered:
    """Ring the mobile phone of a person through a trunk; True if it is answered.

    Without an answer, the mobile was busy or rang in vain, or the caller left (`call.lost_in`).
    """
    rng = pbx.rng
    number = mobile_number(person.number)
    offer = call.add_offer(number)
    leg = call.add_leg(number, pbx.now + pbx.random_int(10, 60), "trunk-viettel", kind="external")
    # The caller does not leave, and the mobile is not busy, within 2 s of what happened before.
    call.extend_patience(pbx.now, 2 * GAP)
    if person.mobile_busy or rng.random() < 0.05:
        yield pbx.now + pbx.random_int(GAP, 2 * GAP - 100)
        offer.outcome = "busy_or_rejected"
        leg.fail(pbx.now, offer.outcome, code=486, reason="USER_BUSY")
        return False
    leg.ring_time = pbx.now + pbx.random_int(900, 2_400)
    answers = rng.random() < answer_share
    end = leg.ring_time + (pbx.random_int(GAP, 15_000) if answers else _MOBILE_RING)
    leaves_at = call.leaves_at if call.leaves_at is not None and call.leaves_at < end else None
    yield leaves_at or end
    if leaves_at:
        call.lost_in, offer.outcome = "ringing", "caller_gave_up"
        leg.fail(pbx.now, offer.outcome, code=487, reason="CALLER_DISCONNECTED")
        return False
    if not answers or person.mobile_busy:
        offer.outcome = "rna_timeout"
        leg.fail(pbx.now, offer.outcome, code=480, reason="NO_ANSWER")
        return False
    offer.outcome = "answered"
    leg.answer(pbx.now)
    call.answered_leg = call.answered_leg or leg
    call.mobile_of, person.mobile_busy = person, True
    return True


def pick_up(pbx: Pbx, call: Call, person: Person) -> Answered:
    """One person's phone rings, and a colleague takes the call from their own phone.

    The colleague's leg never rings. False if the caller left, or if everybody became busy.
    """
    offer = call.add_offer(person.number, person)
    leg = call.add_leg(person.number, pbx.now + pbx.random_int(1, 60), person=person)
    leg.ring_time = leg.add_time + pbx.random_int(120, 700)
    person.busy = True
    call.extend_patience(pbx.now, 1_000)
    end = pbx.now + pbx.random_int(3_000, 14_000)
    leaves_at = call.leaves_at if call.leaves_at is not None and call.leaves_at < end else None
    yield leaves_at or end
    person.busy = False
    idle = [
        other
        for team in pbx.roster.teams(pbx.now)
        for other in team
        if not other.busy and other is not person
    ]
    if leaves_at or not idle:
        offer.outcome = "caller_gave_up" if leaves_at else "rna_timeout"
        code, reason = (487, "CALLER_DISCONNECTED") if leaves_at else (480, "NO_ANSWER")
        leg.fail(pbx.now, offer.outcome, code=code, reason=reason)
        call.lost_in = "ringing" if leaves_at else None
        return False
    offer.outcome = "answered_elsewhere"
    leg.fail(pbx.now, offer.outcome, code=487, reason="CANCELLED")
    _take(pbx, call, pbx.rng.choice(idle))
    return True


def _take(pbx: Pbx, call: Call, colleague: Person) -> Leg:
    """The leg on which a colleague picks the call up."""
    colleague.busy = True
    call.add_offer(colleague.number, colleague).outcome = "answered"
    leg = call.add_leg(colleague.number, pbx.now, person=colleague)
    leg.answer(pbx.now + pbx.random_int(0, 200))
    call.answered_leg, call.answered_by = leg, colleague
    return leg
