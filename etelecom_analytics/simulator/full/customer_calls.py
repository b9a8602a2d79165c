"""Inbound calls of the preset "full", from the first announcement to the end."""

from ..call_center import HOTLINES, IVR
from ..entities import Call, Leg
from ..pbx import GAP, Journey, Pbx, ring_people
from ..steps import Answered, end_call, pause, start_call
from .callers import next_caller
from .center import CLOSED_IVR, OVERFLOW_QUEUE, QUEUES, is_open
from .endpoints import call_mobile, pick_up, voicemail
from .queues import wait_in_queues
from .talks import talk

__all__ = ["inbound"]

_NO_ANSWER = (480, "NO_ANSWER")
"""Code and reason of legs with which the PBX ends the whole call."""


def inbound(pbx: Pbx, number: int) -> Journey:
    """A customer calls: the first hotline leads to queues, the second to extensions and teams."""
    rng, customers = pbx.rng, pbx.customers
    caller = next_caller(rng, customers, pbx.now)
    hotline = rng.choices(HOTLINES, (65, 35))[0]
    call = start_call(pbx, number, "in", caller.written, hotline)
    call.customer, call.caller_number = caller.customer, caller.number
    call.contact_id = customers.contact_id(caller.number)
    call.patience = max(1_000, round(1000 * rng.expovariate(1 / pbx.parameters.mean_patience_s)))
    call.leaves_at = call.started_at + call.patience
    if not is_open(pbx):
        yield from _closed(pbx, call)
    elif hotline == HOTLINES[0]:
        yield from _queues(pbx, call)
    elif (yield from rng.choices((_extension, _team, _pickup), (50, 35, 15))[0](pbx, call)):
        yield from talk(pbx, call)
    if call.answered_leg is None:
        end_call(pbx, call)
        _set_stage(call)
        customers.record_missed(pbx.now, caller.own_number)


def _set_stage(call: Call) -> None:
    """Where the caller was lost; not for calls that the PBX ended."""
    if call.ending == "ended_by_pbx":
        call.lost_in = None
    elif call.ended_at is not None and call.ended_at - call.started_at < 5_000:
        call.lost_in = "short"


def _announce(pbx: Pbx, call: Call, number: str, minimum: int, maximum: int) -> Answered:
    """An announcement that the caller hears to the end, or not; the IVR's leg stays open."""
    call.add_offer(number).outcome = "answered"
    leg = call.add_leg(number, pbx.now + pbx.random_int(10, 80), kind="ivr")
    leg.answer(leg.add_time + pbx.random_int(100, 400))
    call.extend_patience(pbx.now, 600)
    end = pbx.now + pbx.random_int(minimum, maximum)
    leaves_at = call.leaves_at if call.leaves_at is not None and call.leaves_at < end else None
    yield leaves_at or end
    if leaves_at:
        leg.hang_up(pbx.now, "CALLER_DISCONNECTED")
        call.lost_in, call.ending = "in_ivr", "abandoned"
    return leaves_at is None


def _hang_up_by_ivr(pbx: Pbx, leg: Leg, call: Call, reason: str) -> None:
    leg.hang_up(pbx.now, reason)
    call.ending = "ended_by_pbx"


def _closed(pbx: Pbx, call: Call) -> Journey:
    """Outside opening hours: an announcement, then voicemail for some, else the IVR hangs up."""
    if not (yield from _announce(pbx, call, CLOSED_IVR, 7_000, 16_000)):
        return
    leg = call.legs[-1]
    if pbx.rng.random() < 0.3:
        leg.hang_up(pbx.now, "TRANSFERRED")
        yield from voicemail(pbx, call, QUEUES[0])
    else:
        reason = pbx.rng.choice(("CALLEE_DISCONNECTED", "OFFICE_CLOSED"))
        _hang_up_by_ivr(pbx, leg, call, reason)


def _queues(pbx: Pbx, call: Call) -> Journey:
    """The menu, then the queues, and voicemail for some whom nobody answered."""
    rng = pbx.rng
    if not (yield from _announce(pbx, call, IVR, 5_000, 18_000)):
        return
    leg = call.legs[-1]
    if rng.random() < 0.03:
        reason = rng.choice(("CALLEE_DISCONNECTED", "MENU_TIMEOUT"))
        _hang_up_by_ivr(pbx, leg, call, reason)
        return
    leg.hang_up(pbx.now, "TRANSFERRED")
    call.extend_patience(pbx.now, GAP)
    queue = rng.choice(QUEUES[:2])
    if (yield from wait_in_queues(pbx, call, queue)):
        yield from talk(pbx, call)
    elif call.lost_in is None:
        call.ending = "ended_by_pbx"
        if rng.random() < 0.5:
            yield from voicemail(pbx, call, OVERFLOW_QUEUE)


def _extension(pbx: Pbx, call: Call) -> Answered:
    """One extension by direct dialing; some forward to a mobile at once, some after their ring."""
    rng = pbx.rng
    person = rng.choice([person for team in pbx.roster.teams(pbx.now) for person in team])
    after = rng.choices(("end", "voicemail", "mobile", "mobile at once"), (35, 25, 25, 15))[0]
    if after != "mobile at once":
        timeout = _NO_ANSWER if after == "end" else (487, "CANCELLED")
        if (yield from ring_people(pbx, call, [person], 22_000, timeout)) is not None:
            return True
        if call.lost_in is not None:
            return False
    if after == "voicemail":
        yield from voicemail(pbx, call, person.number)
    elif after != "end":
        if (yield from call_mobile(pbx, call, person, 0.7)):
            call.forwards = 1
            return True
        if call.lost_in is not None:
            return False
    call.ending = "ended_by_pbx"
    return False


def _team(pbx: Pbx, call: Call) -> Answered:
    """Ring a team twice, with an announcement in between; then the PBX ends the call."""
    for timeout in ((487, "CANCELLED"), _NO_ANSWER):
        team = pbx.rng.choice(pbx.roster.teams(pbx.now))
        if (yield from ring_people(pbx, call, team, 25_000, timeout)) is not None:
            return True
        if call.lost_in is None and timeout != _NO_ANSWER:
            call.extend_patience(pbx.now, GAP)  # everybody may have been busy a moment ago
            yield from pause(pbx, call, 5_000, 9_000)
        if call.lost_in is not None:
            return False
    call.ending = "ended_by_pbx"
    return False


def _pickup(pbx: Pbx, call: Call) -> Answered:
    """A colleague picks the call up; without an idle person, it goes to the team instead."""
    idle = [person for team in pbx.roster.teams(pbx.now) for person in team if not person.busy]
    if len(idle) < 2:
        return (yield from _team(pbx, call))
    if (yield from pick_up(pbx, call, pbx.rng.choice(idle))):
        return True
    if call.lost_in is None:
        call.ending = "ended_by_pbx"
    return False
