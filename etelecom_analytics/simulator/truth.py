"""The truth about simulated calls, which only the simulation knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ..schema import LEG_OUTCOMES
from .call_center import Parameters
from .call_frames import Log, frame_of, logs_of, moments
from .entities import Call

__all__ = ["ENDINGS", "KINDS", "LOSS_STAGES", "VISIT_OUTCOMES", "Truth", "truth_of"]

LOSS_STAGES = ("short", "in_ivr", "ringing", "before_ringing", "between_rings")
"""Stages in which an inbound call can be lost, in the order in which they are tested."""

KINDS = ("ivr", "queue", "voicemail", "customer", "external", "person")
"""Kinds of legs."""

ENDINGS = ("abandoned", "ended_by_pbx", "end_unknown")
"""Who ended a call without an answer: its caller, the PBX, or nobody whom a log could name."""

VISIT_OUTCOMES = ("answered", "abandoned", "overflowed", "ended_by_pbx", "unknown")
"""Outcomes of a stay in a queue."""

_OUTCOME = pl.Enum(LEG_OUTCOMES)
_LEG_KEY = {"call_id": pl.String(), "target_index": pl.Int32()}


@dataclass(frozen=True, kw_only=True)
class Truth:
    """True events of a simulation, recorded directly and not derived from the call logs.

    Values that are unknown or do not exist, such as those of running calls, are null.

    Attributes:
        legs: call_id, target_index, cause: why the leg ended, one of `LEG_OUTCOMES`.
        offers: call_id, target_index (of the first leg), target_number, outcome, one of
            `LEG_OUTCOMES`. An offer is one ring of one person on all devices.
        calls: call_id; answered (by a person or a mobile phone); running; lost_in, for inbound
            calls that their callers ended; patience_s, after which an inbound caller leaves or
            would have left; wait_s, from the start to the answer or to the end; talk_s of the first
            talk.
        leg_owners: call_id, target_index; kind: "ivr", "queue", "voicemail", "customer" (of an
            outbound call), "external" (a mobile phone, by forward or transfer) or "person"; user_id
            of the person whose extension it was at that time.
        endings: call_id; ending of a call without an answer: "abandoned" by its caller,
            "ended_by_pbx", or "end_unknown" if no leg shows it; who_hung_up in an answered call:
            "caller" (who called), "agent" (who was called), or null if the log does not say it;
            transfers and forwards to mobile phones that were answered; internal_twice: whether it
            is the `ext_out` log of a call in two logs; customer, also if the number is shared or
            hidden; caller_number of an inbound call in national form, null if it is hidden. The
            last two are null in the preset "basic".
        queue_visits: call_id, queue, entered_at, left_at, outcome: "answered", "abandoned",
            "overflowed", "ended_by_pbx" or "unknown".
        ivr_numbers, queue_numbers, voicemail_numbers: target numbers that are not persons. In the
            preset "basic", the queue is one of `ivr_numbers`.
        parameters: the parameters of the simulation.

    Examples:
        >>> truth = et.simulate_calls(400).truth
        >>> truth.calls["lost_in"].drop_nulls().value_counts(sort=True).rows()
        [('in_ivr', 17), ('ringing', 9), ('short', 7)]
        >>> truth.ivr_numbers, truth.parameters.mean_patience_s
        (('8000', '8100'), 130.0)
        >>> truth = et.simulate_calls(400, preset="full").truth
        >>> truth.queue_numbers, truth.voicemail_numbers
        (('8100', '8200', '8300'), ('*98*',))
    """

    legs: pl.DataFrame
    offers: pl.DataFrame
    calls: pl.DataFrame
    leg_owners: pl.DataFrame
    endings: pl.DataFrame
    queue_visits: pl.DataFrame
    ivr_numbers: tuple[str, ...]
    queue_numbers: tuple[str, ...] = ()
    voicemail_numbers: tuple[str, ...] = ()
    parameters: Parameters


def truth_of(calls: Sequence[Call], parameters: Parameters, **numbers: tuple[str, ...]) -> Truth:
    """The truth about these calls; `numbers` are those of targets that are not persons."""
    logs = logs_of(calls)
    visits = frame_of(
        [visit for log in logs for visit in _visits(log)],
        {
            "call_id": pl.String(),
            "queue": pl.String(),
            "entered_at": pl.Int64(),
            "left_at": pl.Int64(),
            "outcome": pl.Enum(VISIT_OUTCOMES),
        },
    )
    return Truth(
        legs=_legs(logs),
        offers=_offers(logs),
        calls=_calls(logs),
        leg_owners=_leg_owners(logs),
        endings=_endings(logs),
        queue_visits=visits.with_columns(moments("entered_at", "left_at")),
        parameters=parameters,
        **numbers,
    )


def _legs(logs: Sequence[Log]) -> pl.DataFrame:
    legs = [
        (log.id, index, "in_progress" if log.call.ended_at is None else leg.cause)
        for log in logs
        for index, leg in enumerate(log.call.legs)
    ]
    return frame_of(legs, {**_LEG_KEY, "cause": _OUTCOME})


def _offers(logs: Sequence[Log]) -> pl.DataFrame:
    offers = [
        (
            log.id,
            offer.first_leg,
            offer.target,
            "in_progress" if log.call.ended_at is None else offer.outcome,
        )
        for log in logs
        for offer in log.call.offers
    ]
    return frame_of(offers, {**_LEG_KEY, "target_number": pl.String(), "outcome": _OUTCOME})


def _calls(logs: Sequence[Log]) -> pl.DataFrame:
    return frame_of(
        [_call_row(log) for log in logs],
        {
            "call_id": pl.String(),
            "answered": pl.Boolean(),
            "running": pl.Boolean(),
            "lost_in": pl.Enum(LOSS_STAGES),
            "patience_s": pl.Float64(),
            "wait_s": pl.Float64(),
            "talk_s": pl.Float64(),
        },
    )


def _call_row(log: Log) -> tuple[Any, ...]:
    call, leg = log.call, log.call.answered_leg
    patience = (
        call.patience / 1000 if call.direction == "in" and call.patience is not None else None
    )
    if call.ended_at is None:
        return log.id, None, True, None, patience, None, None
    wait = (
        leg.answered_time if leg is not None and leg.answered_time is not None else call.ended_at
    ) - log.started_at
    talk = None if leg is None else ((leg.ended_time or 0) - (leg.answered_time or 0)) / 1000
    return log.id, leg is not None, False, call.lost_in, patience, wait / 1000, talk


def _leg_owners(logs: Sequence[Log]) -> pl.DataFrame:
    legs = [
        (log.id, index, leg.kind, leg.person.user_id if leg.person is not None else None)
        for log in logs
        for index, leg in enumerate(log.call.legs)
    ]
    return frame_of(legs, {**_LEG_KEY, "kind": pl.Enum(KINDS), "user_id": pl.String()})


def _endings(logs: Sequence[Log]) -> pl.DataFrame:
    return frame_of(
        [_ending_row(log) for log in logs],
        {
            "call_id": pl.String(),
            "ending": pl.Enum(ENDINGS),
            "who_hung_up": pl.Enum(("caller", "agent")),
            "transfers": pl.Int32(),
            "forwards": pl.Int32(),
            "internal_twice": pl.Boolean(),
            "customer": pl.String(),
            "caller_number": pl.String(),
        },
    )


def _ending_row(log: Log) -> tuple[Any, ...]:
    call = log.call
    ended = call.ended_at is not None
    return (
        log.id,
        call.ending if ended and call.answered_leg is None else None,
        call.who_hung_up if ended else None,
        call.transfers,
        call.forwards,
        log.direction == "ext_out",
        call.customer,
        call.caller_number,
    )


def _visits(log: Log) -> list[tuple[Any, ...]]:
    is_over = log.call.ended_at is not None
    return [
        (
            log.id,
            visit.queue,
            visit.entered_at,
            visit.leg.ended_time,
            visit.outcome if is_over else None,
        )
        for visit in log.call.visits
    ]
