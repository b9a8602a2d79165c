"""A call centre's week, simulated: calls as the PBX would log them, and the truth behind each.

The exchange really runs: people are busy while they talk, callers lose patience while phones ring.
So waiting, loss and load hang together as in life, and a measure can be held against what the
simulation knows.
"""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate
from random import Random

import polars as pl

from ..errors import InputError
from ..local_time import parse_moment
from .centre import Customers, Hour, Parameters, Roster, hours_between
from .exchange import Exchange, Journey
from .journeys import inbound, internal, outbound
from .ledger import Truth, published, told

__all__ = ["Simulation", "simulate_calls"]

_EPOCH_ID = 4_000_000_000_000_000_000
_IDS_A_MS = 600_000
"""With these two, an id has 19 digits and grows with time from 1900 to 2200."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Calls, and the truth about them."""

    calls: pl.DataFrame
    truth: Truth


def simulate_calls(
    n: int = 10_000,
    *,
    seed: int = 7,
    start: date | str = "2026-11-02",
    days: int = 7,
    time_zone: str = "Asia/Ho_Chi_Minh",
) -> Simulation:
    """Exactly `n` call logs of the `days` from `start`, newest first, and their truth; the same for the same seed.

    Staff is hired for the load, so about 80-90 % of the inbound calls are answered whatever `n` is.
    The record is taken at the end of the last day, when a few calls are still running. An internal
    call is two logs.
    """
    if n < 0 or days < 1:
        raise InputError(f"A simulation needs n >= 0 and days >= 1; got n={n}, days={days}.")
    rng = Random(seed)
    begins = parse_moment(start, time_zone, "start")
    ends = parse_moment((begins + timedelta(days=days)).replace(tzinfo=None), time_zone, "days")
    hours = hours_between(begins, ends, time_zone)
    until = round(ends.timestamp() * 1000)
    parameters = Parameters()
    roster = Roster(rng, hours, n, parameters)
    exchange = Exchange(rng, roster, Customers(rng), parameters)
    for at, journey in _plan(exchange, hours, n, until):
        exchange.add(at, journey)
    exchange.run(until)
    arrivals = sum(call.direction == "in" for call in exchange.calls)
    parameters = replace(
        parameters,
        arrivals_a_day=arrivals / days,
        staff=len(roster.people),
        most_on_duty=roster.most_on_duty,
    )
    return Simulation(
        calls=published(rng, exchange.calls, until), truth=told(exchange.calls, parameters)
    )


def _plan(
    exchange: Exchange, hours: list[Hour], n: int, until: int
) -> Iterator[tuple[int, Journey]]:
    """When each call begins, and which way it goes."""
    rng, parameters = exchange.rng, exchange.parameters
    pairs = round(n * parameters.share_internal / 2)
    late = min(
        2 + n // 4_000, 8, n - 2 * pairs
    )  # so that some are under way when the record is taken
    shares = list(accumulate(hour.weight for hour in hours))
    moments = {until - 1_000 - 9_000 * place for place in range(late)}
    while len(moments) < n - pairs:
        hour = hours[bisect(shares, rng.random() * shares[-1])]
        moments.add(hour.begins + rng.randrange(hour.lasts))
    ordered = sorted(moments)
    # The late ones come from customers, who begin with the IVR or a ring: these are sure to be
    # under way.
    early = ordered[: len(ordered) - late]
    internal_at = set(rng.sample(early, pairs))
    out_at = set(
        rng.sample(
            [at for at in early if at not in internal_at], round(parameters.share_out * len(early))
        )
    )
    for at in ordered:
        number = _EPOCH_ID + at * _IDS_A_MS + 2 * rng.randrange(_IDS_A_MS // 2)
        way = internal if at in internal_at else outbound if at in out_at else inbound
        yield at, way(exchange, number)
