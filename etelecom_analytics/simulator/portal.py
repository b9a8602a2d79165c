"""The totals of the vendor's portal, and calls for which they differ from ours for known causes."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from random import Random
from types import MappingProxyType
from typing import Any

import polars as pl

from ..errors import InputError, UnknownName
from ..local_time import HOME_ZONE, parse_moment
from ..schema import CALL_SCHEMA
from .simulation import simulate_calls

__all__ = ["PORTAL_CAUSES", "PortalSimulation", "portal_totals", "simulate_portal"]

Record = dict[str, Any]

_IVR = "8000"
_AFTER = timedelta(seconds=3)
_FIRST_DAY, _DAYS = "2026-11-02", 3
_PREFIXES = {
    "mobifone": "089 090 093 070 076 077 078 079",
    "vinaphone": "088 091 094 081 082 083 084 085",
    "viettel": "086 096 097 098 032 033 034 035 036 037 038 039",
}
TARIFF = MappingProxyType({"per_second": {"viettel": "7.5", "default": "13.4"}})
"""The prices of the simulated portal, as arguments of `et.Tariff`."""


@dataclass(frozen=True, kw_only=True)
class PortalSimulation:
    """Simulated calls of three days, and what the portal shows for the second one.

    Attributes:
        calls: one row per call log, newest first.
        date_from, date_to: the period of the portal, half-open.
        totals: what the portal shows: calls, succeeded, failed, talk_in_s, talk_out_s, minutes,
            fee.
        planted: for each cause, the ids of the calls that differ because of it.
        tariff: the prices behind `fee`, as arguments of `et.Tariff`.
        ivr_numbers: target numbers that are not persons.

    Examples:
        >>> portal = et.simulator.simulate_portal(300, causes=["status_missing"], each=2)
        >>> len(portal.planted["status_missing"]), portal.ivr_numbers
        (2, ('8000', '8100'))
    """

    calls: pl.DataFrame
    date_from: datetime
    date_to: datetime
    totals: Mapping[str, int]
    planted: Mapping[str, tuple[str, ...]]
    tariff: Mapping[str, Mapping[str, str]]
    ivr_numbers: tuple[str, ...]


def simulate_portal(
    n: int = 600, *, seed: int = 7, causes: str | Collection[str] | None = None, each: int = 3
) -> PortalSimulation:
    """About `n` calls of three days, with `each` calls for each cause of a difference.

    All other calls count the same for the portal and for us: they have ended, with a status that
    fits their state and a duration of whole minutes, and were created on the day they started.

    Args:
        n: the number of calls that are simulated; some are left out.
        seed: the same seed gives the same calls.
        causes: one name or several names in `PORTAL_CAUSES`; None: all.
        each: the number of calls for each cause.

    Raises:
        InputError: there are too few calls for so many causes.
        UnknownName: a cause does not exist; the message lists them.

    Examples:
        >>> portal = et.simulator.simulate_portal(300, causes=["running"], each=1)
        >>> {name: len(ids) for name, ids in portal.planted.items()}
        {'running': 1}
        >>> sorted(portal.totals)
        ['calls', 'failed', 'fee', 'minutes', 'succeeded', 'talk_in_s', 'talk_out_s']
    """
    chosen = (
        list(PORTAL_CAUSES)
        if causes is None
        else [causes]
        if isinstance(causes, str)
        else [*causes]
    )
    for cause in chosen:
        if cause not in PORTAL_CAUSES:
            raise UnknownName("cause", str(cause), PORTAL_CAUSES)
    rng = Random(seed)
    begin, end = (
        parse_moment(f"2026-11-0{day}", HOME_ZONE, "day").astimezone(UTC) for day in (3, 4)
    )
    records = _plain_calls(n, seed)
    planted: dict[str, tuple[str, ...]] = {}
    free = list(range(len(records)))
    rng.shuffle(free)
    for cause in chosen:
        plant = PORTAL_CAUSES[cause]
        fits = [row for row in free if plant.fits(records[row], begin, end)][:each]
        if len(fits) < each:
            raise InputError(f"{n} calls are too few for {each} with the cause {cause}.")
        free = [row for row in free if row not in fits]
        ids = []
        for row in fits:
            added = plant.change(records[row], begin, end)
            records += added
            ids += [record["id"] for record in added or [records[row]]]
        planted[cause] = tuple(ids)
    calls = pl.DataFrame(records, schema=dict(CALL_SCHEMA)).sort(
        "started_at", "id", descending=[True, False]
    )
    return PortalSimulation(
        calls=calls,
        date_from=begin,
        date_to=end,
        totals=portal_totals(calls, date_from=begin, date_to=end, tariff=TARIFF),
        planted=planted,
        tariff=TARIFF,
        ivr_numbers=(_IVR, "8100"),
    )


def portal_totals(
    calls: pl.DataFrame,
    *,
    date_from: datetime,
    date_to: datetime,
    tariff: Mapping[str, Mapping[str, str]] = TARIFF,
) -> dict[str, int]:
    """What the portal shows for a period: totals of the logs that were created in it.

    Args:
        calls: call logs; the numbers of callees are in national form.
        date_from: the begin of the period, inclusive.
        date_to: its end, exclusive.
        tariff: prices by carrier as text, `per_second` or `per_minute`.

    Examples:
        >>> portal = et.simulator.simulate_portal(300, causes=[])
        >>> dates = {"date_from": portal.date_from, "date_to": portal.date_to}
        >>> et.simulator.portal_totals(portal.calls, **dates) == portal.totals
        True
    """
    logs = [
        log
        for log in calls.iter_rows(named=True)
        if log["created_at"] is not None and date_from <= log["created_at"] < date_to
    ]
    succeeded = [log for log in logs if log["call_status"] == "P"]
    return {
        "calls": len(logs),
        "succeeded": len(succeeded),
        "failed": len(logs) - len(succeeded),
        "talk_in_s": _seconds(log for log in logs if log["direction"] == "in"),
        "talk_out_s": _seconds(log for log in logs if log["direction"] == "out"),
        "minutes": sum(-(-(log["duration"] or 0) // 60) for log in logs),
        "fee": sum(_fee(log, tariff) for log in succeeded if log["direction"] == "out"),
    }


def _seconds(logs: Iterable[Record]) -> int:
    return sum(log["duration"] or 0 for log in logs)


def _fee(log: Record, tariff: Mapping[str, Mapping[str, str]]) -> int:
    prefix = (log["callee"] or "")[:3]
    carrier = next((name for name, group in _PREFIXES.items() if prefix in group.split()), "other")
    seconds = Decimal(log["duration"] or 0)
    for name in (carrier, "default"):
        if name in tariff.get("per_second", {}):
            fee = seconds * Decimal(tariff["per_second"][name])
            return int(fee.to_integral_value(ROUND_CEILING))
        if name in tariff.get("per_minute", {}):
            minutes = (seconds / 60).to_integral_value(ROUND_CEILING)
            fee = minutes * Decimal(tariff["per_minute"][name])
            return int(fee.to_integral_value(ROUND_CEILING))
    raise InputError(f"The tariff has no price for {carrier}.")


def _plain_calls(n: int, seed: int) -> list[Record]:
    """Calls that count the same for the portal and for us."""
    simulation = simulate_calls(n, seed=seed, start=_FIRST_DAY, days=_DAYS)
    answers = simulation.truth.calls.select("answered", id="call_id")
    started, created = (
        pl.col(name).dt.convert_time_zone(HOME_ZONE).dt.date()
        for name in ("started_at", "created_at")
    )
    plain = (
        simulation.calls.join(answers, on="id", maintain_order="left")
        .filter(
            pl.col("direction").cast(pl.String).is_in(["in", "out"]),
            pl.col("ended_at").is_not_null(),
            pl.col("call_status").cast(pl.String).is_in(["P", "N", "NS"]),
            started == created,
            pl.col("answered") == (pl.col("call_state").cast(pl.String) == "answered"),
        )
        .drop("answered")
    )
    return plain.with_columns(duration=pl.col("duration") // 60 * 60).to_dicts()


@dataclass(frozen=True)
class _Plant:
    """How a plain call becomes one with a cause.

    Attributes:
        fits: whether the call, of this period, is one that can have the cause.
        change: changes the call, and returns the further logs of it.
    """

    fits: Callable[[Record, datetime, datetime], bool]
    change: Callable[[Record, datetime, datetime], list[Record]]


def _set(**values: Any) -> Callable[[Record, datetime, datetime], list[Record]]:
    def change(call: Record, begin: datetime, end: datetime) -> list[Record]:
        call.update({name: each(call) if callable(each) else each for name, each in values.items()})
        return []

    return change


def _of_period(state: str | None = None) -> Callable[[Record, datetime, datetime], bool]:
    """Whether a call of the period, with talk if it was answered, has this state."""

    def fits(call: Record, begin: datetime, end: datetime) -> bool:
        talks = call["call_state"] != "answered" or call["duration"] > 0
        is_state = state is None or call["call_state"] == state
        return begin <= call["started_at"] < end and talks and is_state

    return fits


def _started_before(call: Record, begin: datetime, end: datetime) -> bool:
    return bool(call["started_at"] < begin)


def _create_late(call: Record, begin: datetime, end: datetime) -> list[Record]:
    call["created_at"] = (begin if call["started_at"] < begin else end) + _AFTER
    return []


def _log_twice(call: Record, begin: datetime, end: datetime) -> list[Record]:
    call.update(direction="ext_in", caller="101", callee="102")
    second = {**call, "direction": "ext_out", "id": f"{call['id']}1"}
    return [second]


def _machine_leg(call: Record) -> list[Record]:
    """One leg, answered by the IVR."""
    leg = dict.fromkeys(call["call_targets"][0])
    leg |= {
        "target_number": _IVR,
        "status": "ANSWERED",
        "add_time": call["started_at"],
        "answered_time": call["started_at"],
        "ended_time": call["ended_at"],
    }
    return [leg]


def _impossible_duration(call: Record) -> int:
    seconds = (call["ended_at"] - call["started_at"]).total_seconds()
    return int(seconds // 60 + 10) * 60


_ANSWERED, _MISSED = _of_period("answered"), _of_period("not_answered")

PORTAL_CAUSES: Mapping[str, _Plant] = MappingProxyType(
    {
        "created_outside": _Plant(_ANSWERED, _create_late),
        "started_outside": _Plant(_started_before, _create_late),
        "internal_twice": _Plant(_ANSWERED, _log_twice),
        "running": _Plant(_MISSED, _set(ended_at=None, call_status="Z")),
        "status_missing": _Plant(_ANSWERED, _set(call_status=None)),
        "state_unknown": _Plant(_ANSWERED, _set(call_state="unknown")),
        "answered_by_machine": _Plant(_ANSWERED, _set(call_targets=_machine_leg)),
        "status_differs": _Plant(_MISSED, _set(call_status="P")),
        "duration_implausible": _Plant(_ANSWERED, _set(duration=_impossible_duration)),
        "talk_without_answer": _Plant(_MISSED, _set(duration=120)),
        "rounded_minutes": _Plant(_ANSWERED, _set(duration=lambda call: call["duration"] - 17)),
    }
)
"""Each cause of a difference that `simulate_portal` can plant."""
