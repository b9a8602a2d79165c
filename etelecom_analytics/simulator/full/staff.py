"""What the staff of the preset "full" start: calls, and an extension that changes hands."""

from .. import journeys
from ..entities import Call
from ..pbx import Journey, Pbx, ring_people
from ..steps import end_call, start_call, talk

__all__ = ["background", "internal", "outbound"]

_RETRY = 5_000


def background(pbx: Pbx, start: int, until: int) -> list[tuple[int, Journey]]:
    """Journeys that are no calls, with their starts: an extension changes hands halfway."""
    return [((start + until) // 2, _hand_over(pbx))]


def _hand_over(pbx: Pbx) -> Journey:
    """The busiest extension gets a new owner as soon as it is idle."""
    person = max(pbx.roster.people, key=lambda person: pbx.roster.hours_on_duty(person))
    while person.busy:
        yield pbx.now + _RETRY
    pbx.roster.replace(person, pbx.now)


def outbound(pbx: Pbx, number: int) -> Journey:
    """A call to a customer; some are internal calls of a PBX that writes one log for both sides."""
    if pbx.rng.random() < 0.06:
        yield from _internal_in_one_log(pbx, number)
    else:
        yield from journeys.outbound(pbx, number)


def internal(pbx: Pbx, number: int) -> Journey:
    """An internal call in two logs; the second may begin up to 1.5 s later."""
    count = len(pbx.calls)
    journey = journeys.internal(pbx, number)
    first = next(journey, None)
    pbx.calls[count].second_log_delay = pbx.rng.choice((0, pbx.random_int(1, 1_500)))
    if first is not None:
        yield first
        yield from journey


def _internal_in_one_log(pbx: Pbx, number: int) -> Journey:
    person = pbx.roster.idle_person(pbx.now)
    person.busy = True
    colleagues = [other for team in pbx.roster.teams(pbx.now) for other in team]
    other = pbx.rng.choice([other for other in colleagues if other is not person])
    call: Call = start_call(pbx, number, "ext", person.number, other.number)
    call.dialed_by = person
    call.leaves_at = call.started_at + pbx.random_int(8_000, 60_000)
    if (yield from ring_people(pbx, call, [other], 30_000, (480, "NO_ANSWER"))) is not None:
        yield from talk(pbx, call)
    else:
        call.ending = None if call.lost_in is not None else "ended_by_pbx"
        end_call(pbx, call)
    call.lost_in = None
    person.busy = False
