"""Frames of simulated calls: the call logs, and the truth that only the simulation knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import polars as pl

from ..schema import CALL_SCHEMA, LEG_OUTCOMES, LEGS
from .call_center import IVR, QUEUE, Parameters
from .entities import Call, Leg

__all__ = ["LOSS_STAGES", "Truth", "calls_frame", "truth_of"]

LOSS_STAGES = ("short", "in_ivr", "ringing", "before_ringing", "between_rings")
"""Stages in which an inbound call can be lost, in the order in which they are tested."""

_OUTCOME = pl.Enum(LEG_OUTCOMES)
_MOMENT = pl.Datetime("us", "UTC")

_NOTES = (
    "Khách hỏi giá gói doanh nghiệp, hẹn gọi lại sau 14h.",
    'Khách nói: "hôm qua đã gọi mà không ai nghe máy".',
    "Đã tư vấn xong.\nGửi báo giá qua email trước thứ Sáu.",
    "Khiếu nại hóa đơn tháng 10; chuyển kế toán (ưu tiên).",
    "Gọi nhầm số",
    "Khách ở Đắk Lắk, muốn đổi số tổng đài;\n- giữ số cũ\n- thêm 3 máy lẻ",
    "Không nghe rõ, mạng yếu… gọi lại bằng Zalo",
)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """True events of a simulation, recorded directly and not derived from the call logs.

    Values that are unknown or do not exist, such as those of running calls, are null.

    Attributes:
        legs: call_id, target_index, cause: why the leg ended, one of `LEG_OUTCOMES`.
        offers: call_id, target_index (of the first leg), target_number, outcome, one of
            `LEG_OUTCOMES`. An offer is one ring of one person on all devices.
        calls: call_id; answered (by a person); running; lost_in, for inbound calls without an
            answer; patience_s, after which an inbound caller leaves or would have left; wait_s,
            from the start to the answer of a person or to the end; talk_s with that person.
        ivr_numbers: target numbers that are not persons.
        parameters: the parameters of the simulation.

    Examples:
        >>> truth = et.simulate_calls(400).truth
        >>> truth.calls["lost_in"].drop_nulls().value_counts(sort=True).rows()
        [('in_ivr', 17), ('ringing', 9), ('short', 7)]
        >>> truth.ivr_numbers, truth.parameters.mean_patience_s
        (('8000', '8100'), 130.0)
    """

    legs: pl.DataFrame
    offers: pl.DataFrame
    calls: pl.DataFrame
    ivr_numbers: tuple[str, ...]
    parameters: Parameters


@dataclass(frozen=True)
class _Log:
    """One row of the call logs; an internal session has two."""

    id: str
    direction: str
    call: Call


def _logs(calls: Sequence[Call]) -> list[_Log]:
    logs = []
    for call in calls:
        logs.append(_Log(str(call.number), call.direction, call))
        if call.direction == "ext_out":
            logs.append(_Log(str(call.number + 1), "ext_in", call))
    return sorted(logs, key=lambda log: (-log.call.started_at, log.id))


def _frame(rows: list[tuple[Any, ...]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def _moments(*names: str) -> list[pl.Expr]:
    return [
        pl.from_epoch(pl.col(name), "ms")
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
        .alias(name)
        for name in names
    ]


def _answered_by(log: _Log) -> tuple[str | None, str | None]:
    person = log.call.answered_by if log.direction in ("in", "ext_in") else log.call.dialed_by
    if log.call.answered_leg is None or person is None:
        return None, None
    return person.extension_id, person.user_id


def _note(rng: Random, call: Call, until: int) -> tuple[str | None, int]:
    """A note about the call, and the time after its end (ms) at which it was written."""
    if call.answered_leg is None or call.ended_at is None or rng.random() >= 0.06:
        return None, 0
    delay = rng.randint(5_000, 180_000)
    return (rng.choice(_NOTES), delay) if call.ended_at + delay < until else (None, 0)


def _recordings(rng: Random, log: _Log) -> list[str]:
    if log.call.answered_leg is None or log.call.ended_at is None or rng.random() >= 0.94:
        return []
    parts = 2 if rng.random() < 0.02 else 1
    return [f"https://recordings.example/{log.id}/{part}.mp3" for part in range(1, parts + 1)]


def _call_row(rng: Random, log: _Log, until: int) -> tuple[Any, ...]:
    call = log.call
    running = call.ended_at is None
    answered = [leg for leg in call.legs if leg.answered_time is not None]
    talk_ms = sum((leg.ended_time or 0) - (leg.answered_time or 0) for leg in answered)
    note, note_delay = _note(rng, call, until)
    created_at = call.started_at + rng.randint(40, 1_500)
    last_event = (
        max(
            [
                call.started_at,
                *(leg.ended_time or leg.answered_time or leg.add_time for leg in call.legs),
            ]
        )
        if call.ended_at is None
        else call.ended_at
    )
    failed = "NS" if call.legs and call.legs[-1].cause == "network" else "N"
    extension_id, user_id = (None, None) if running else _answered_by(log)
    return (
        log.id,
        call.external_id,
        call.session_id,
        call.caller,
        call.callee,
        log.direction,
        "answered" if answered else "unknown" if running else "not_answered",
        "Z" if running else "P" if answered else failed,
        call.started_at,
        call.ended_at,
        created_at,
        max(created_at, last_event + rng.randint(150, 4_000) + note_delay),
        0 if running else talk_ms // 1000,
        extension_id,
        user_id,
        call.contact_id,
        note,
        _recordings(rng, log),
    )


def _leg_row(row: int, leg: Leg, until: int) -> tuple[Any, ...]:
    # Rings planned after the end of the simulation have not happened.
    ring_time = leg.ring_time if leg.ring_time is not None and leg.ring_time < until else None
    is_over = leg.ended_time is not None or leg.answered_time is not None
    ring_ms = (leg.answered_time or leg.ended_time or until) - (ring_time or 0)
    return (
        row,
        leg.target,
        leg.add_time,
        ring_time,
        leg.answered_time,
        leg.ended_time,
        ring_ms // 1000 if is_over and ring_time is not None else 0,
        leg.status,
        leg.end_reason or None,
        leg.code,
        leg.trunk,
    )


def calls_frame(rng: Random, calls: Sequence[Call], until: int) -> pl.DataFrame:
    """The call logs, with the columns of `CALL_SCHEMA`; newest first."""
    logs = _logs(calls)
    leg_schema = {
        "row": pl.Int64,
        **{column.name: pl.Int64 if column.dtype == _MOMENT else column.dtype for column in LEGS},
    }
    legs = _frame(
        [_leg_row(row, leg, until) for row, log in enumerate(logs) for leg in log.call.legs],
        leg_schema,
    ).with_columns(_moments("add_time", "ring_time", "answered_time", "ended_time"))
    targets = legs.group_by("row", maintain_order=True).agg(
        pl.struct([column.name for column in LEGS]).alias("call_targets")
    )
    flat_schema = {
        name: pl.Int64 if dtype == _MOMENT else dtype
        for name, dtype in CALL_SCHEMA.items()
        if name != "call_targets"
    }
    return (
        _frame([_call_row(rng, log, until) for log in logs], flat_schema)
        .with_columns(_moments("started_at", "ended_at", "created_at", "updated_at"))
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
        .join(targets, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("call_targets").fill_null([]))
        .select(pl.col(name).cast(dtype) for name, dtype in CALL_SCHEMA.items())
    )


def _truth_row(log: _Log) -> tuple[Any, ...]:
    call, leg = log.call, log.call.answered_leg
    patience = (
        call.patience / 1000 if call.direction == "in" and call.patience is not None else None
    )
    if call.ended_at is None:
        return log.id, None, True, None, patience, None, None
    wait = (
        leg.answered_time if leg is not None and leg.answered_time is not None else call.ended_at
    ) - call.started_at
    talk = None if leg is None else ((leg.ended_time or 0) - (leg.answered_time or 0)) / 1000
    return log.id, leg is not None, False, call.lost_in, patience, wait / 1000, talk


def truth_of(calls: Sequence[Call], parameters: Parameters) -> Truth:
    """The truth about these calls."""
    logs = _logs(calls)
    legs = [
        (log.id, index, "in_progress" if log.call.ended_at is None else leg.cause)
        for log in logs
        for index, leg in enumerate(log.call.legs)
    ]
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
    call_schema = {
        "call_id": pl.String,
        "answered": pl.Boolean,
        "running": pl.Boolean,
        "lost_in": pl.Enum(LOSS_STAGES),
        "patience_s": pl.Float64,
        "wait_s": pl.Float64,
        "talk_s": pl.Float64,
    }
    leg_schema = {"call_id": pl.String, "target_index": pl.Int32}
    return Truth(
        legs=_frame(legs, {**leg_schema, "cause": _OUTCOME}),
        offers=_frame(offers, {**leg_schema, "target_number": pl.String, "outcome": _OUTCOME}),
        calls=_frame([_truth_row(log) for log in logs], call_schema),
        ivr_numbers=(IVR, QUEUE),
        parameters=parameters,
    )
