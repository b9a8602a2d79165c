"""Simulation of a call center: call logs as the PBX writes them, and the truth about each call.

The simulation is event-based: people are busy while they talk, and callers lose patience while
phones ring. Waiting, loss and load are therefore related as in reality, and measures can be
compared with the truth.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate
from random import Random

import polars as pl

from ..errors import InputError, UnknownName
from ..local_time import parse_moment, zone
from .call_center import Hour, Roster, hours_between
from .call_frames import calls_frame
from .directory import Directory, directory_of_staff
from .pbx import Journey, Pbx
from .presets import PRESETS, Preset
from .truth import Truth, truth_of

__all__ = ["Simulation", "simulate_calls"]


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Call logs, and the truth about them.

    Attributes:
        calls: one row per call log, newest first, with the columns of `et.sample_logs().calls`.
        truth: what really happened, which call logs show only in part.
        directory: extensions, users and hotlines of the whole staff, for `CallLogServer.directory`.

    Examples:
        >>> simulation = et.simulate_calls(400)
        >>> simulation.calls.shape
        (400, 19)
        >>> simulation.truth.calls["answered"].sum()
        328
        >>> with et.simulator.serve(simulation.calls) as server:
        ...     server.directory = simulation.directory
        ...     client = et.Client(server.base_url, server.api_key)
        ...     et.fetch_extensions(client).height == len(simulation.directory.extensions)
        True
    """

    calls: pl.DataFrame
    truth: Truth
    directory: Directory


def simulate_calls(
    n: int = 10_000,
    *,
    seed: int = 7,
    start: date | str = "2026-11-02",
    days: int = 7,
    time_zone: str = "Asia/Ho_Chi_Minh",
    preset: str = "basic",
) -> Simulation:
    """Exactly `n` simulated call logs of the `days` from `start`, newest first, and their truth.

    The result depends on the arguments only. The number of staff follows the load, so about 80-90 %
    of inbound calls are answered for any `n`. The simulation stops at the end of the last day, when
    a few calls are still running. An internal call has two logs.

    The preset "basic" has one IVR, one queue, hunts and ring groups, and all missed calls are
    abandoned by their callers. The preset "full" adds closed hours, an IVR and queues that end
    calls, overflow between queues, voicemail, pickups, forwards and blind transfers, shared and
    hidden numbers in many written forms, internal calls in one log, and an extension that changes
    hands; outside opening hours nobody answers.

    The preset "busy" is "basic" with the ups and downs of real calls: days with more or fewer calls
    and staff than planned, congestion that lasts, callers who give up after 5 to 20 s, callers who
    call very often, and redials after a missed call. At 1,200 inbound calls a day, the number of
    calls varies about 20 times more between days of one weekday than that of independent calls.

    Raises:
        InputError: `n` is negative, or `days` is less than 1.
        UnknownName: the time zone or the preset does not exist.

    Examples:
        >>> simulation = et.simulate_calls(400, days=7)
        >>> simulation.calls["direction"].value_counts(sort=True).rows()
        [('in', 284), ('out', 84), ('ext_out', 16), ('ext_in', 16)]
        >>> simulation.calls.equals(et.simulate_calls(400, days=7).calls)
        True
        >>> endings = et.simulate_calls(400, preset="full").truth.endings["ending"]
        >>> endings.drop_nulls().unique().sort().to_list()
        ['abandoned', 'ended_by_pbx', 'end_unknown']
    """
    if n < 0 or days < 1:
        raise InputError(f"n must be at least 0, and days at least 1; got n={n}, days={days}.")
    chosen = _checked_preset(preset)
    rng = Random(seed)
    begin = parse_moment(start, time_zone, "start")
    end = parse_moment((begin + timedelta(days=days)).replace(tzinfo=None), time_zone, "days")
    hours = hours_between(begin, end, time_zone)
    until = round(end.timestamp() * 1000)
    parameters = chosen.parameters
    arrivals, staffing = chosen.load(rng, hours)
    roster = Roster(rng, staffing, round(n * chosen.staffed_share), parameters)
    pbx = Pbx(rng, roster, chosen.customers(rng), parameters, zone(time_zone))
    for at, journey in _plan(pbx, arrivals, n, until, chosen):
        pbx.schedule(at, journey)
    for at, journey in chosen.background(pbx, hours[0].start, until) if chosen.background else ():
        pbx.schedule(at, journey)
    pbx.run(until)
    inbound = sum(call.direction == "in" for call in pbx.calls)
    parameters = replace(
        parameters,
        arrivals_per_day=inbound / days,
        staff=len(roster.people),
        max_on_duty=roster.max_on_duty,
    )
    return Simulation(
        calls=calls_frame(rng, pbx.calls, until),
        truth=truth_of(
            pbx.calls,
            parameters,
            ivr_numbers=chosen.ivr_numbers,
            queue_numbers=chosen.queue_numbers,
            voicemail_numbers=chosen.voicemail_numbers,
        ),
        directory=directory_of_staff(roster.people),
    )


def _checked_preset(preset: str) -> Preset:
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    return PRESETS[preset]


def _plan(
    pbx: Pbx, periods: Sequence[Hour], n: int, until: int, preset: Preset
) -> Iterator[tuple[int, Journey]]:
    """The start of each call, and its journey."""
    rng, parameters = pbx.rng, pbx.parameters
    pairs = round(n * parameters.internal_share / 2)
    late = min(2 + n // 4_000, 8, n - 2 * pairs)  # calls that still run at the end
    cumulative = list(accumulate(period.weight for period in periods))
    moments = {until - 1_000 - 9_000 * index for index in range(late)}
    while len(moments) < n - pairs:
        period = periods[bisect(cumulative, rng.random() * cumulative[-1])]
        moments.add(period.start + rng.randrange(period.duration))
    ordered = sorted(moments)
    # The late calls are inbound: they begin with the IVR or a ring, so they are certainly running.
    early = ordered[: len(ordered) - late]
    internal_at = set(rng.sample(early, pairs))
    out_at = set(
        rng.sample(
            [at for at in early if at not in internal_at],
            round(parameters.outbound_share * len(early)),
        )
    )
    pbx.customers.expect_calls(
        [at for at in early if at not in internal_at and at not in out_at], moments
    )
    for at in ordered:
        number = pbx.new_id(at)
        start_call = (
            preset.internal
            if at in internal_at
            else preset.outbound
            if at in out_at
            else preset.inbound
        )
        yield at, start_call(pbx, number)
