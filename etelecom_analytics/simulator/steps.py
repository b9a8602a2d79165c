"""Steps that the journeys of all calls have in common: start, pause, talk and end."""

import math
from collections.abc import Generator

from .entities import Call, Leg
from .pbx import Journey, Pbx

__all__ = ["Answered", "end_call", "hang_up", "pause", "start_call", "talk", "talk_length"]

_TALK_SIGMA = 0.85
"""Standard deviation of the logarithm of talk times."""

_HANG_UPS = {"CALLER_DISCONNECTED": "caller", "CALLEE_DISCONNECTED": "agent"}
"""Reasons that say who hung up; they mean the side that called, and the side that was called."""

Answered = Generator[int, None, bool]
"""A part of a journey; its result is whether somebody answered."""


def start_call(pbx: Pbx, number: int, direction: str, caller: str | None, callee: str) -> Call:
    """A new call, from now."""
    call = Call(
        number,
        direction,
        pbx.now,
        caller,
        callee,
        session_id=f"{pbx.rng.getrandbits(128):032x}",
    )
    pbx.calls.append(call)
    return call


def talk_length(pbx: Pbx) -> int:
    """A random talk time in ms."""
    parameters = pbx.parameters
    # The mean of a log-normal time is exp(mu + sigma^2 / 2).
    mu = math.log(parameters.mean_talk_s - parameters.min_talk_s) - _TALK_SIGMA**2 / 2
    return round(1000 * (parameters.min_talk_s + pbx.rng.lognormvariate(mu, _TALK_SIGMA)))


def hang_up(pbx: Pbx, call: Call, leg: Leg, reason: str) -> None:
    """End the last talk of a call, for a reason that may say who hung up."""
    leg.hang_up(pbx.now, reason)
    call.who_hung_up = _HANG_UPS.get(reason)


def talk(pbx: Pbx, call: Call) -> Journey:
    """The talk on the answered leg, and the end of the call."""
    yield pbx.now + talk_length(pbx)
    if call.answered_leg is not None:
        hang_up(pbx, call, call.answered_leg, pbx.rng.choice(tuple(_HANG_UPS)))
    if call.answered_by is not None:
        call.answered_by.busy = False
    end_call(pbx, call)


def end_call(pbx: Pbx, call: Call) -> None:
    """End the call; a call without an answer was ended by its caller, unless it says otherwise.

    If no leg was active at that time, the call log cannot show who ended the call.
    """
    call.ended_at = pbx.now + pbx.random_int(5, 80)
    if call.answered_leg is None and call.ending is None:
        is_shown = any(leg.ended_time == pbx.now for leg in call.legs)
        call.ending = "abandoned" if is_shown else "end_unknown"


def pause(pbx: Pbx, call: Call, minimum: int, maximum: int) -> Journey:
    """A time without ringing phones, in which the caller may leave."""
    call.extend_patience(pbx.now, 0)  # patience may have ended while everybody was busy
    end = pbx.now + pbx.random_int(minimum, maximum)
    leaves_at = call.leaves_at if call.leaves_at is not None and call.leaves_at <= end else None
    yield leaves_at or end
    if leaves_at:
        call.lost_in = call.stage_without_ring()
