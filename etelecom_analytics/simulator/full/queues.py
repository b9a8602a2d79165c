"""Queues that overflow: a caller waits in one after another, each on legs of its own."""

from ..entities import Call, Leg, Person, QueueVisit
from ..pbx import GAP, Pbx, ring_people
from ..steps import Answered, pause
from .center import OVERFLOW_QUEUE, QUEUES

__all__ = ["wait_in_queues"]

_MAX_WAIT = {QUEUES[0]: 20_000, QUEUES[1]: 25_000, OVERFLOW_QUEUE: 30_000}
"""Milliseconds after which a queue overflows, or ends the call if it is the last one."""

_RING = 15_000
_MIN_RING = 6_000
_UNATTENDED_SHARE = 0.45
"""Share of moments in which nobody who is idle is signed in to the queue."""

_ANNOUNCEMENT_SHARE = 0.3
"""Share of rings without an answer after which the PBX begins a new leg to the same queue."""

_SILENT_SHARE = 0.15
"""Share of callers after whom the PBX writes no reason."""


def wait_in_queues(pbx: Pbx, call: Call, queue: str) -> Answered:
    """Wait in this queue, then in the overflow queue.

    Without an answer, either the caller has left (`call.lost_in`), or the last queue's time is up:
    its leg has then ended, and what follows is for the caller of this function to decide.
    """
    for number in dict.fromkeys((queue, OVERFLOW_QUEUE)):
        visit = _enter(pbx, call, number)
        if (yield from _stay(pbx, call, visit)):
            return True
        if call.lost_in is not None:
            return False
        is_last = number == OVERFLOW_QUEUE
        visit.outcome = "ended_by_pbx" if is_last else "overflowed"
        visit.leg.hang_up(pbx.now, "QUEUE_TIMEOUT" if is_last else "OVERFLOW")
        call.extend_patience(pbx.now, GAP)
    return False


def _enter(pbx: Pbx, call: Call, queue: str) -> QueueVisit:
    music = _play(pbx, call, queue)
    visit = QueueVisit(queue, music.add_time, music)
    call.visits.append(visit)
    return visit


def _play(pbx: Pbx, call: Call, queue: str) -> Leg:
    call.add_offer(queue).outcome = "answered"
    music = call.add_leg(queue, pbx.now + pbx.random_int(10, 60), kind="queue")
    music.answer(music.add_time + pbx.random_int(20, 120))
    return music


def _announce(pbx: Pbx, call: Call, visit: QueueVisit) -> None:
    """An announcement between two legs of one stay; the caller keeps their place."""
    visit.leg.hang_up(pbx.now, "ANNOUNCEMENT")
    visit.leg = _play(pbx, call, visit.queue)
    call.extend_patience(pbx.now, 500)


def _stay(pbx: Pbx, call: Call, visit: QueueVisit) -> Answered:
    """Ring idle people, until one answers, the caller leaves, or the queue's time is up."""
    rng = pbx.rng
    deadline = pbx.now + _MAX_WAIT[visit.queue]
    yield from pause(pbx, call, 500, 1_500)
    last: Person | None = None
    while call.lost_in is None and pbx.now < deadline:
        # A ring ends well before the queue, so that the two ends have different causes.
        limit = min(_RING, deadline - pbx.now - GAP - 500)
        idle = [person for team in pbx.roster.teams(pbx.now) for person in team if not person.busy]
        if idle and limit >= _MIN_RING and rng.random() >= _UNATTENDED_SHARE:
            last = rng.choice([person for person in idle if person is not last] or idle)
            if (yield from ring_people(pbx, call, [last], limit)) is not None:
                visit.leg.hang_up(pbx.now, "TRANSFERRED")
                visit.outcome = "answered"
                return True
            if call.lost_in is None and rng.random() < _ANNOUNCEMENT_SHARE:
                _announce(pbx, call, visit)
        if call.lost_in is None:
            remaining = max(deadline - pbx.now, 1)
            yield from pause(pbx, call, min(2_500, remaining), min(4_000, remaining))
    if call.lost_in is not None:
        _leave(pbx, call, visit)
    return False


def _leave(pbx: Pbx, call: Call, visit: QueueVisit) -> None:
    """The caller leaves; while no phone rings, the PBX sometimes writes no reason."""
    rings = any(leg.ended_time == pbx.now for leg in call.legs)
    is_silent = not rings and pbx.rng.random() < _SILENT_SHARE
    visit.leg.hang_up(pbx.now, "" if is_silent else "CALLER_DISCONNECTED")
    visit.outcome = "unknown" if is_silent else "abandoned"
    call.ending = "end_unknown" if is_silent else "abandoned"
    call.lost_in = "in_ivr"
