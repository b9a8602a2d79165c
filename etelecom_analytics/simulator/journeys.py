"""Journeys of calls through the PBX: inbound, outbound and internal."""

from collections.abc import Callable, Generator

from .call_center import HOTLINES, IVR, QUEUE, TRUNKS, format_number
from .entities import Call, Leg, Offer, Person
from .pbx import GAP, Journey, Pbx, ring_people
from .steps import Answered, end_call, pause, start_call, talk

__all__ = ["customer_call", "exponential_patience", "inbound", "internal", "outbound"]


def inbound(pbx: Pbx, number: int) -> Journey:
    """A customer calls; see `customer_call`."""
    customer = pbx.customers.next_caller(pbx.now)
    call = yield from customer_call(pbx, number, customer, exponential_patience)
    if call.answered_leg is None:
        pbx.customers.record_missed(pbx.now, customer)


def exponential_patience(pbx: Pbx) -> int:
    """A random patience in ms."""
    return max(1_000, round(1000 * pbx.rng.expovariate(1 / pbx.parameters.mean_patience_s)))


def customer_call(
    pbx: Pbx, number: int, customer: str | None, patience: Callable[[Pbx], int]
) -> Generator[int, None, Call]:
    """The call of this customer: often an IVR, then a hunt, a ring group or a queue.

    This is repeated until somebody answers or the caller's patience ends.
    """
    rng, customers = pbx.rng, pbx.customers
    hotline = rng.choices(HOTLINES, (78, 22))[0]
    call = start_call(pbx, number, "in", format_number(rng, customer), hotline)
    call.contact_id = customers.contact_id(customer)
    call.patience = patience(pbx)
    call.leaves_at = call.started_at + call.patience
    if hotline == HOTLINES[0]:
        yield from _ivr(pbx, call)
    if call.lost_in is None:
        route = rng.choices(
            (_hunt, _ring_group, _queue), (45, 30, 25) if hotline == HOTLINES[0] else (40, 60, 0)
        )[0]
        if (yield from route(pbx, call)):
            yield from talk(pbx, call)
            return call
    end_call(pbx, call)
    if call.ended_at is not None and call.ended_at - call.started_at < 5_000:
        call.lost_in = "short"
    return call


def _ivr(pbx: Pbx, call: Call) -> Journey:
    """The greeting and its menu; some callers leave during it."""
    offer = call.add_offer(IVR)
    leg = call.add_leg(IVR, call.started_at + pbx.random_int(10, 80), kind="ivr")
    leg.answer(leg.add_time + pbx.random_int(100, 400))
    offer.outcome = "answered"
    end = call.started_at + 500 + pbx.random_int(5_000, 18_000)
    leaves_at = call.leaves_at if call.leaves_at is not None and call.leaves_at < end else None
    yield leaves_at or end
    leg.hang_up(pbx.now, "CALLER_DISCONNECTED" if leaves_at else "TRANSFERRED")
    if leaves_at:
        call.lost_in = "in_ivr"
    else:
        call.extend_patience(end, GAP)


def _hunt(pbx: Pbx, call: Call) -> Answered:
    """Ring one person after another, each for 15 or 20 s.

    After a round without an answer, play an announcement and try another team.
    """
    rng = pbx.rng
    limit = rng.choice((15_000, 20_000))
    while True:
        team = rng.choice(pbx.roster.teams(pbx.now))
        first = rng.randrange(len(team))
        for person in team[first:] + team[:first]:
            if (yield from ring_people(pbx, call, [person], limit)) is not None:
                return True
            if call.lost_in is None:
                yield from pause(pbx, call, 150, 900)
            if call.lost_in is not None:
                return False
        yield from pause(pbx, call, 5_000, 9_000)
        if call.lost_in is not None:
            return False


def _ring_group(pbx: Pbx, call: Call) -> Answered:
    """Ring a whole team for 25 s; then play an announcement and try another team."""
    rng = pbx.rng
    while True:
        team = rng.choice(pbx.roster.teams(pbx.now))
        if (yield from ring_people(pbx, call, team, 25_000)) is not None:
            return True
        if call.lost_in is None:
            yield from pause(pbx, call, 5_000, 9_000)
        if call.lost_in is not None:
            return False


def _queue(pbx: Pbx, call: Call) -> Answered:
    """Play music on a leg of its own while the PBX looks for an idle person.

    A caller who leaves is lost in the queue, whether a phone rings or not.
    """
    rng = pbx.rng
    offer = call.add_offer(QUEUE)
    music = call.add_leg(QUEUE, pbx.now + pbx.random_int(10, 60), kind="ivr")
    music.answer(music.add_time + pbx.random_int(20, 120))
    offer.outcome = "answered"
    yield from pause(pbx, call, 500, 1_500)
    last: Person | None = None
    while call.lost_in is None:
        idle = [person for team in pbx.roster.teams(pbx.now) for person in team if not person.busy]
        if idle:
            last = rng.choice([person for person in idle if person is not last] or idle)
            if (yield from ring_people(pbx, call, [last], 15_000)) is not None:
                music.hang_up(pbx.now, "TRANSFERRED")
                return True
        if call.lost_in is None:
            yield from pause(pbx, call, 2_500, 4_000)
    music.hang_up(pbx.now, "CALLER_DISCONNECTED")
    call.lost_in = "in_ivr"
    return False


def outbound(pbx: Pbx, number: int) -> Journey:
    """A person calls a customer through a trunk, or through the other one if the first fails."""
    rng = pbx.rng
    person = pbx.roster.idle_person(pbx.now)
    person.busy = True
    customer = pbx.customers.next_callee(pbx.now)
    call = start_call(pbx, number, "out", person.number, customer)
    call.dialed_by = person
    call.contact_id = pbx.customers.contact_id(customer)
    call.external_id = f"{rng.getrandbits(64):016x}" if rng.random() < 0.5 else None
    for trunk in rng.sample(TRUNKS, len(TRUNKS)):
        if rng.random() >= pbx.parameters.trunk_failure_probability:
            yield from _dial(pbx, call, person, trunk)
            return
        is_timeout = rng.random() < 0.3
        offer, leg = _add_trunk_leg(pbx, call, trunk)
        yield pbx.now + (pbx.random_int(4_000, 6_500) if is_timeout else pbx.random_int(100, 1_000))
        leg.fail(
            pbx.now,
            "network",
            code=408 if is_timeout else 503,
            reason="REQUEST_TIMEOUT" if is_timeout else "SERVICE_UNAVAILABLE",
        )
        offer.outcome = "network"
        if rng.random() < 0.2:
            break
        yield pbx.now + pbx.random_int(50, 300)
    person.busy = False
    call.ending = "ended_by_pbx"
    end_call(pbx, call)


def _add_trunk_leg(pbx: Pbx, call: Call, trunk: str) -> tuple[Offer, Leg]:
    """A new leg through a trunk, and its offer.

    A refused attempt is so short that the next leg belongs to the same offer. After a timeout, the
    next leg begins another offer.
    """
    offer = (
        call.offers[-1]
        if call.offers and pbx.now - call.legs[-1].add_time < 2_000
        else call.add_offer(call.callee)
    )
    at = pbx.now + pbx.random_int(5, 40)
    return offer, call.add_leg(call.callee, at, trunk, kind="customer")


_OUTBOUND_OUTCOMES = {
    "answered": 66,
    "rna_timeout": 12,
    "caller_gave_up": 8,
    "busy_or_rejected": 7,
    "unreachable": 6,
    "other": 1,
}
"""Outcomes of calls that a trunk carries, in percent."""

_FAILURES = {
    "busy_or_rejected": ((486, "USER_BUSY"), (603, "DECLINED")),
    "unreachable": ((404, "UNALLOCATED_NUMBER"), (480, "SUBSCRIBER_ABSENT")),
    "other": ((403, "FORBIDDEN"),),
}

_ENDINGS = {"caller_gave_up": "abandoned", "other": "end_unknown"}
"""Who ended such a call; all other outcomes without an answer come from the PBX or the network."""


def _dial(pbx: Pbx, call: Call, person: Person, trunk: str) -> Journey:
    """A call that a trunk carries, with one of the outbound outcomes."""
    rng = pbx.rng
    offer, leg = _add_trunk_leg(pbx, call, trunk)
    outcome = rng.choices(tuple(_OUTBOUND_OUTCOMES), tuple(_OUTBOUND_OUTCOMES.values()))[0]
    if outcome == "other" and len(call.legs) > 1:
        # Otherwise one offer could have a failed trunk and a forbidden number, and the outcome of
        # the offer would be that of the trunk.
        outcome = "unreachable"
    connected_at = leg.add_time + pbx.random_int(900, 4_500)
    if outcome in _FAILURES:
        yield connected_at
        code, reason = rng.choice(_FAILURES[outcome])
        leg.fail(pbx.now, outcome, code=code, reason=reason)
    else:
        leg.ring_time = connected_at
        minimum, maximum = {
            "answered": (2_000, 22_000),
            "rna_timeout": (28_000, 45_000),
            "caller_gave_up": (6_000, 30_000),
        }[outcome]
        yield connected_at + pbx.random_int(minimum, maximum)
        if outcome == "answered":
            leg.answer(pbx.now)
            offer.outcome, call.answered_leg, call.answered_by = outcome, leg, person
            yield from talk(pbx, call)
            return
        code = 487 if outcome == "caller_gave_up" else rng.choice((408, 480))
        leg.fail(
            pbx.now,
            outcome,
            code=code,
            reason="CALLER_DISCONNECTED" if code == 487 else "NO_ANSWER",
        )
    offer.outcome = outcome
    person.busy = False
    call.ending = _ENDINGS.get(outcome, "ended_by_pbx")
    end_call(pbx, call)


def internal(pbx: Pbx, number: int) -> Journey:
    """One extension calls another; the session has two logs, `ext_out` and `ext_in`."""
    rng = pbx.rng
    person = pbx.roster.idle_person(pbx.now)
    person.busy = True
    others = [other for other in rng.choice(pbx.roster.teams(pbx.now)) if other is not person]
    other = rng.choice(others or [pbx.roster.idle_person(pbx.now)])
    call = start_call(pbx, number, "ext_out", person.number, other.number)
    call.dialed_by = person
    call.leaves_at = call.started_at + pbx.random_int(8_000, 60_000)
    answered_leg = yield from ring_people(pbx, call, [other], 30_000)
    if answered_leg is not None:
        yield from talk(pbx, call)
    else:
        if call.lost_in is None:
            yield pbx.now + pbx.random_int(3_000, 6_000)  # a tone or an announcement
        end_call(pbx, call)
    call.lost_in = None
    person.busy = False
