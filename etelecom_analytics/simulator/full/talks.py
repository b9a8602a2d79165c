"""Talks of the preset "full": blind transfers to colleagues and mobiles, and who hangs up."""

from ..entities import Call, Leg, Person
from ..pbx import Journey, Pbx, ring_people
from ..steps import end_call, hang_up, talk_length
from .endpoints import call_mobile

__all__ = ["talk"]

_REASONS = ("CALLER_DISCONNECTED", "CALLEE_DISCONNECTED", "NORMAL_CLEARING")
_REASON_WEIGHTS = (45, 45, 10)
_RING = 20_000


def talk(pbx: Pbx, call: Call) -> Journey:
    """The talk on the answered leg, sometimes a blind transfer, and the end of the call.

    The call stays with the person who answered first, whoever talks later.
    """
    leg, person = call.answered_leg, call.answered_by
    assert leg is not None  # only answered calls come here  # noqa: S101
    target = pbx.rng.choices(("none", "inside", "outside"), (86, 7, 7))[0] if person else "none"
    yield pbx.now + talk_length(pbx)
    if person is not None:
        person.busy = False
    if target == "none" or person is None:
        _end(pbx, call, leg)
        return
    leg.hang_up(pbx.now, "BLIND_TRANSFER")
    patience, call.patience = call.patience, None
    call.leaves_at = pbx.now + pbx.random_int(15_000, 60_000)
    if target == "inside":
        yield from _transfer_inside(pbx, call, person)
    elif (yield from call_mobile(pbx, call, person, 0.8)):
        call.transfers = 1
        outside = call.legs[-1]
        yield pbx.now + talk_length(pbx)
        _end(pbx, call, outside)
    call.answered_leg, call.answered_by, call.patience, call.lost_in = leg, person, patience, None
    if call.ended_at is None:
        end_call(pbx, call)


def _transfer_inside(pbx: Pbx, call: Call, person: Person) -> Journey:
    """The transfer to a colleague; if nobody answers, the PBX ends the call."""
    colleagues = [other for team in pbx.roster.teams(pbx.now) for other in team]
    others = [other for other in colleagues if other is not person] or colleagues
    leg = yield from ring_people(pbx, call, [pbx.rng.choice(others)], _RING, (480, "NO_ANSWER"))
    if leg is None:
        return
    colleague = call.answered_by
    yield pbx.now + talk_length(pbx)
    if colleague is not None:
        colleague.busy = False
    _end(pbx, call, leg)


def _end(pbx: Pbx, call: Call, leg: Leg) -> None:
    if call.mobile_of is not None:
        call.mobile_of.mobile_busy = False
    hang_up(pbx, call, leg, pbx.rng.choices(_REASONS, _REASON_WEIGHTS)[0])
    end_call(pbx, call)
