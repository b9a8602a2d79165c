"""The ways of a call through the exchange: in, out, and from one extension to another."""

import math
from collections.abc import Generator

from .centre import HOTLINES, IVR, QUEUE, TRUNKS, written
from .exchange import Exchange, Journey, ring, stay, where_quiet
from .record import Call, Person

__all__ = ["inbound", "internal", "outbound"]

_SPREAD = 0.85
"""Of the logarithm of talk times."""

Taken = Generator[int, None, bool]
"""A part of the way; in the end, whether a person took the call."""


def _begin(
    exchange: Exchange, number: int, direction: str, caller: str | None, callee: str
) -> Call:
    call = Call(
        number,
        direction,
        exchange.now,
        caller,
        callee,
        session=f"{exchange.rng.getrandbits(128):032x}",
    )
    exchange.calls.append(call)
    return call


def _talk(exchange: Exchange, call: Call) -> Journey:
    """The talk on the leg that was taken, and the end of the call."""
    parameters = exchange.parameters
    # The mean of a log-normal time is exp(mu + spread^2 / 2).
    mu = math.log(parameters.mean_talk_s - parameters.least_talk_s) - _SPREAD**2 / 2
    yield exchange.now + round(
        1000 * (parameters.least_talk_s + exchange.rng.lognormvariate(mu, _SPREAD))
    )
    if call.taken is not None:
        call.taken.hang_up(
            exchange.now, exchange.rng.choice(("CALLER_DISCONNECTED", "CALLEE_DISCONNECTED"))
        )
    if call.by is not None:
        call.by.engaged = False
    _finish(exchange, call)


def _finish(exchange: Exchange, call: Call) -> None:
    call.ended = exchange.now + exchange.between(5, 80)


def inbound(exchange: Exchange, number: int) -> Journey:
    """A customer calls: an IVR for most, then a hunt, a ring group or a queue, again and again until somebody answers or patience ends."""
    rng, customers = exchange.rng, exchange.customers
    customer = customers.calling(exchange.now)
    hotline = rng.choices(HOTLINES, (78, 22))[0]
    call = _begin(exchange, number, "in", written(rng, customer), hotline)
    call.contact = customers.contact(customer)
    call.patience = max(
        1_000, round(1000 * rng.expovariate(1 / exchange.parameters.mean_patience_s))
    )
    call.leaves = call.started + call.patience
    if hotline == HOTLINES[0]:
        yield from _ivr(exchange, call)
    if call.lost_in is None:
        way = rng.choices(
            (_hunt, _group, _queue), (45, 30, 25) if hotline == HOTLINES[0] else (40, 60, 0)
        )[0]
        if (yield from way(exchange, call)):
            yield from _talk(exchange, call)
            return
    _finish(exchange, call)
    if call.ended is not None and call.ended - call.started < 5_000:
        call.lost_in = "short"
    customers.missed(exchange.now, customer)


def _ivr(exchange: Exchange, call: Call) -> Journey:
    """The greeting and its menu; some leave before they have chosen."""
    offer = call.offer(IVR)
    leg = call.leg(IVR, call.started + exchange.between(10, 80))
    leg.answer(leg.add + exchange.between(100, 400))
    offer.outcome = "answered"
    done = call.started + 500 + exchange.between(5_000, 18_000)
    leaves = call.leaves if call.leaves is not None and call.leaves < done else None
    yield leaves or done
    leg.hang_up(exchange.now, "CALLER_DISCONNECTED" if leaves else "TRANSFERRED")
    if leaves:
        call.lost_in = "in_ivr"
    else:
        stay(call, done)


def _pause(exchange: Exchange, call: Call, least: int, most: int) -> Journey:
    """Nobody rings for a while; the caller may leave."""
    stay(call, exchange.now, 0)  # patience may have ended while the exchange found everybody busy
    end = exchange.now + exchange.between(least, most)
    leaves = call.leaves if call.leaves is not None and call.leaves <= end else None
    yield leaves or end
    if leaves:
        call.lost_in = where_quiet(call)


def _hunt(exchange: Exchange, call: Call) -> Taken:
    """One person after the other, each for 15 or 20 s; after a round without success an announcement, and another team."""
    rng = exchange.rng
    limit = rng.choice((15_000, 20_000))
    while True:
        team = rng.choice(exchange.roster.teams(exchange.now))
        first = rng.randrange(len(team))
        for person in team[first:] + team[:first]:
            if (yield from ring(exchange, call, [person], limit)) is not None:
                return True
            if call.lost_in is None:
                yield from _pause(exchange, call, 150, 900)
            if call.lost_in is not None:
                return False
        yield from _pause(exchange, call, 5_000, 9_000)
        if call.lost_in is not None:
            return False


def _group(exchange: Exchange, call: Call) -> Taken:
    """A whole team at once for 25 s; an announcement, and another team."""
    rng = exchange.rng
    while True:
        team = rng.choice(exchange.roster.teams(exchange.now))
        if (yield from ring(exchange, call, team, 25_000)) is not None:
            return True
        if call.lost_in is None:
            yield from _pause(exchange, call, 5_000, 9_000)
        if call.lost_in is not None:
            return False


def _queue(exchange: Exchange, call: Call) -> Taken:
    """Music on a leg of its own while the exchange looks for somebody free.

    Whoever leaves here leaves the queue, whether a phone rings or not.
    """
    rng = exchange.rng
    offer = call.offer(QUEUE)
    music = call.leg(QUEUE, exchange.now + exchange.between(10, 60))
    music.answer(music.add + exchange.between(20, 120))
    offer.outcome = "answered"
    yield from _pause(exchange, call, 500, 1_500)
    last: Person | None = None
    while call.lost_in is None:
        free = [
            person
            for team in exchange.roster.teams(exchange.now)
            for person in team
            if not person.engaged
        ]
        if free:
            last = rng.choice([person for person in free if person is not last] or free)
            if (yield from ring(exchange, call, [last], 15_000)) is not None:
                music.hang_up(exchange.now, "TRANSFERRED")
                return True
        if call.lost_in is None:
            yield from _pause(exchange, call, 2_500, 4_000)
    music.hang_up(exchange.now, "CALLER_DISCONNECTED")
    call.lost_in = "in_ivr"
    return False


def outbound(exchange: Exchange, number: int) -> Journey:
    """Somebody calls a customer through a trunk, and through the other one where the first fails."""
    rng = exchange.rng
    person = exchange.roster.free(exchange.now)
    person.engaged = True
    customer = exchange.customers.called(exchange.now)
    call = _begin(exchange, number, "out", person.number, customer)
    call.dialled = person
    call.contact = exchange.customers.contact(customer)
    call.external_id = f"{rng.getrandbits(64):016x}" if rng.random() < 0.5 else None
    for trunk in rng.sample(TRUNKS, len(TRUNKS)):
        if rng.random() >= exchange.parameters.trunk_failure:
            yield from _dial(exchange, call, person, trunk)
            return
        slow = rng.random() < 0.3
        # A refusal is so quick that the second attempt belongs to the same offer; a time-out is so
        # slow that it is another.
        offer = (
            call.offers[-1]
            if call.offers and exchange.now - call.legs[-1].add < 2_000
            else call.offer(customer)
        )
        leg = call.leg(customer, exchange.now + exchange.between(5, 40), trunk)
        yield exchange.now + (
            exchange.between(4_000, 6_500) if slow else exchange.between(100, 1_000)
        )
        code = 408 if slow else 503
        leg.close(
            exchange.now,
            "network",
            code=code,
            reason="REQUEST_TIMEOUT" if slow else "SERVICE_UNAVAILABLE",
        )
        offer.outcome = "network"
        if rng.random() < 0.2:
            break
        yield exchange.now + exchange.between(50, 300)
    person.engaged = False
    _finish(exchange, call)


_FATES = {
    "answered": 66,
    "rna_timeout": 12,
    "caller_gave_up": 8,
    "busy_or_rejected": 7,
    "unreachable": 6,
    "other": 1,
}
"""What becomes of a call that a trunk carries, in per cent."""

_REFUSALS = {
    "busy_or_rejected": ((486, "USER_BUSY"), (603, "DECLINED")),
    "unreachable": ((404, "UNALLOCATED_NUMBER"), (480, "SUBSCRIBER_ABSENT")),
    "other": ((403, "FORBIDDEN"),),
}


def _dial(exchange: Exchange, call: Call, person: Person, trunk: str) -> Journey:
    """A trunk that carries the call: answered, not answered, busy, unreachable, or given up by the person who dialled."""
    rng = exchange.rng
    offer = (
        call.offers[-1]
        if call.offers and exchange.now - call.legs[-1].add < 2_000
        else call.offer(call.callee)
    )
    leg = call.leg(call.callee, exchange.now + exchange.between(5, 40), trunk)
    fate = rng.choices(tuple(_FATES), tuple(_FATES.values()))[0]
    if fate == "other" and len(call.legs) > 1:
        # One offer would then hold a failed trunk and a forbidden number, and speak of the trunk.
        fate = "unreachable"
    connected = leg.add + exchange.between(900, 4_500)
    if fate in _REFUSALS:
        yield connected
        code, reason = rng.choice(_REFUSALS[fate])
        leg.close(exchange.now, fate, code=code, reason=reason)
    else:
        leg.ring = connected
        least, most = {
            "answered": (2_000, 22_000),
            "rna_timeout": (28_000, 45_000),
            "caller_gave_up": (6_000, 30_000),
        }[fate]
        yield connected + exchange.between(least, most)
        if fate == "answered":
            leg.answer(exchange.now)
            offer.outcome, call.taken, call.by = fate, leg, person
            yield from _talk(exchange, call)
            return
        code = 487 if fate == "caller_gave_up" else rng.choice((408, 480))
        leg.close(
            exchange.now,
            fate,
            code=code,
            reason="CALLER_DISCONNECTED" if code == 487 else "NO_ANSWER",
        )
    offer.outcome = fate
    person.engaged = False
    _finish(exchange, call)


def internal(exchange: Exchange, number: int) -> Journey:
    """One extension calls another; the exchange writes the session down twice, as `ext_out` and as `ext_in`."""
    rng = exchange.rng
    person = exchange.roster.free(exchange.now)
    person.engaged = True
    others = [
        other for other in rng.choice(exchange.roster.teams(exchange.now)) if other is not person
    ]
    other = rng.choice(others or [exchange.roster.free(exchange.now)])
    call = _begin(exchange, number, "ext_out", person.number, other.number)
    call.dialled = person
    call.leaves = call.started + exchange.between(8_000, 60_000)
    taken = yield from ring(exchange, call, [other], 30_000)
    if taken is not None:
        yield from _talk(exchange, call)
    else:
        if call.lost_in is None:
            yield exchange.now + exchange.between(3_000, 6_000)  # a tone or an announcement
        _finish(exchange, call)
    call.lost_in = None
    person.engaged = False
