"""Calls and their causes as frames: what the exchange publishes, and what only the simulation knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import polars as pl

from ..schema import CALL_SCHEMA, LEG_OUTCOMES, LEGS
from .centre import IVR, QUEUE, Parameters
from .record import Call, Leg

__all__ = ["LOST_IN", "Truth", "published", "told"]

LOST_IN = ("short", "in_ivr", "ringing", "before_ringing", "between_rings")
"""Where an inbound call was lost, in the order in which a call is looked at."""

_CAUSE = pl.Enum(LEG_OUTCOMES)
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
    """What really happened; known to the simulation, and worked out by no rule of measuring.

    Attributes:
        legs: call_id, target_index, cause: why the leg ended, in the words of `LEG_OUTCOMES`.
        offers: call_id, target_index (of its first leg), target_number, outcome: what came of one
            ring of one person on all devices.
        calls: call_id; answered (by a person); running; lost_in, for inbound calls that nobody
            answered; patience_s, the time after which an inbound caller leaves, or would have left;
            wait_s, from the start to the person's answer or to the end; talk_s with the person.
            Unknown or unborn values, those of running calls too, are null.
        ivr_numbers: the targets that are no person.
        parameters: what the calls were drawn from.
    """

    legs: pl.DataFrame
    offers: pl.DataFrame
    calls: pl.DataFrame
    ivr_numbers: tuple[str, ...]
    parameters: Parameters


@dataclass(frozen=True)
class _Log:
    """One row to be: an internal session has two."""

    id: str
    direction: str
    call: Call


def _logs(calls: Sequence[Call]) -> list[_Log]:
    logs = []
    for call in calls:
        logs.append(_Log(str(call.number), call.direction, call))
        if call.direction == "ext_out":
            logs.append(_Log(str(call.number + 1), "ext_in", call))
    return sorted(logs, key=lambda log: (-log.call.started, log.id))


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
    person = log.call.by if log.direction in ("in", "ext_in") else log.call.dialled
    if log.call.taken is None or person is None:
        return None, None
    return person.extension_id, person.user_id


def _note(rng: Random, call: Call, until: int) -> tuple[str | None, int]:
    """What somebody wrote about the call, and when, in ms after its end."""
    if call.taken is None or call.ended is None or rng.random() >= 0.06:
        return None, 0
    later = rng.randint(5_000, 180_000)
    return (rng.choice(_NOTES), later) if call.ended + later < until else (None, 0)


def _recordings(rng: Random, log: _Log) -> list[str]:
    if log.call.taken is None or log.call.ended is None or rng.random() >= 0.94:
        return []
    parts = 2 if rng.random() < 0.02 else 1
    return [f"https://recordings.example/{log.id}/{part}.mp3" for part in range(1, parts + 1)]


def _call_row(rng: Random, log: _Log, until: int) -> tuple[Any, ...]:
    call = log.call
    running = call.ended is None
    taken = [leg for leg in call.legs if leg.answered is not None]
    talk = 0 if running else sum((leg.ended or 0) - (leg.answered or 0) for leg in taken) // 1000
    note, later = _note(rng, call, until)
    created = call.started + rng.randint(40, 1_500)
    touched = (
        max([call.started, *(leg.ended or leg.answered or leg.add for leg in call.legs)])
        if call.ended is None
        else call.ended
    )
    failed = "NS" if call.legs and call.legs[-1].cause == "network" else "N"
    extension_id, user_id = (None, None) if running else _answered_by(log)
    return (
        log.id,
        call.external_id,
        call.session,
        call.caller,
        call.callee,
        log.direction,
        "answered" if taken else "unknown" if running else "not_answered",
        "Z" if running else "P" if taken else failed,
        call.started,
        call.ended,
        created,
        max(created, touched + rng.randint(150, 4_000) + later),
        talk,
        extension_id,
        user_id,
        call.contact,
        note,
        _recordings(rng, log),
    )


def _leg_row(row: int, leg: Leg, until: int) -> tuple[Any, ...]:
    # What the exchange had planned for a moment after the record was taken has not happened yet.
    ring = leg.ring if leg.ring is not None and leg.ring < until else None
    rang = ((leg.answered or leg.ended or until) - ring) // 1000 if ring is not None else 0
    over = leg.ended is not None or leg.answered is not None
    return (
        row,
        leg.target,
        leg.add,
        ring,
        leg.answered,
        leg.ended,
        rang if over else 0,
        leg.status,
        leg.end_reason or None,
        leg.code,
        leg.trunk,
    )


def published(rng: Random, calls: Sequence[Call], until: int) -> pl.DataFrame:
    """The calls as the exchange publishes them: `CALL_SCHEMA`, newest first."""
    logs = _logs(calls)
    plain = {
        "row": pl.Int64,
        **{column.name: pl.Int64 if column.dtype == _MOMENT else column.dtype for column in LEGS},
    }
    legs = _frame(
        [_leg_row(row, leg, until) for row, log in enumerate(logs) for leg in log.call.legs], plain
    ).with_columns(_moments("add_time", "ring_time", "answered_time", "ended_time"))
    gathered = legs.group_by("row", maintain_order=True).agg(
        pl.struct([column.name for column in LEGS]).alias("call_targets")
    )
    flat = {
        name: pl.Int64 if dtype == _MOMENT else dtype
        for name, dtype in CALL_SCHEMA.items()
        if name != "call_targets"
    }
    return (
        _frame([_call_row(rng, log, until) for log in logs], flat)
        .with_columns(_moments("started_at", "ended_at", "created_at", "updated_at"))
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
        .join(gathered, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("call_targets").fill_null([]))
        .select(pl.col(name).cast(dtype) for name, dtype in CALL_SCHEMA.items())
    )


def _true_call(log: _Log) -> tuple[Any, ...]:
    call, taken = log.call, log.call.taken
    patience = (
        call.patience / 1000 if call.direction == "in" and call.patience is not None else None
    )
    if call.ended is None:
        return log.id, None, True, None, patience, None, None
    wait = (
        taken.answered if taken is not None and taken.answered is not None else call.ended
    ) - call.started
    talk = None if taken is None else ((taken.ended or 0) - (taken.answered or 0)) / 1000
    return log.id, taken is not None, False, call.lost_in, patience, wait / 1000, talk


def told(calls: Sequence[Call], parameters: Parameters) -> Truth:
    """What only the simulation knows about these calls."""
    logs = _logs(calls)
    legs = [
        (log.id, place, "in_progress" if log.call.ended is None else leg.cause)
        for log in logs
        for place, leg in enumerate(log.call.legs)
    ]
    offers = [
        (
            log.id,
            offer.first_leg,
            offer.target,
            "in_progress" if log.call.ended is None else offer.outcome,
        )
        for log in logs
        for offer in log.call.offers
    ]
    call = {
        "call_id": pl.String,
        "answered": pl.Boolean,
        "running": pl.Boolean,
        "lost_in": pl.Enum(LOST_IN),
    }
    times = {"patience_s": pl.Float64, "wait_s": pl.Float64, "talk_s": pl.Float64}
    leg = {"call_id": pl.String, "target_index": pl.Int32}
    return Truth(
        legs=_frame(legs, {**leg, "cause": _CAUSE}),
        offers=_frame(offers, {**leg, "target_number": pl.String, "outcome": _CAUSE}),
        calls=_frame([_true_call(log) for log in logs], {**call, **times}),
        ivr_numbers=(IVR, QUEUE),
        parameters=parameters,
    )
