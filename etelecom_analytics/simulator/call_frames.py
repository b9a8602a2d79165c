"""The call logs of simulated calls, as the PBX writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import polars as pl

from ..schema import CALL_SCHEMA, LEGS
from .entities import Call, Leg

__all__ = ["Log", "calls_frame", "frame_of", "logs_of", "moments"]

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


@dataclass(frozen=True)
class Log:
    """One row of the call logs; an internal session has two."""

    id: str
    direction: str
    call: Call
    started_at: int


def logs_of(calls: Sequence[Call]) -> list[Log]:
    """The logs of these calls, newest first."""
    logs = []
    for call in calls:
        logs.append(Log(str(call.number), call.direction, call, call.started_at))
        if call.direction == "ext_out":
            second = call.started_at + call.second_log_delay
            logs.append(Log(str(call.number + 1), "ext_in", call, second))
    return sorted(logs, key=lambda log: (-log.started_at, log.id))


def frame_of(rows: list[tuple[Any, ...]], schema: dict[str, Any]) -> pl.DataFrame:
    """A frame of these rows."""
    return pl.DataFrame(rows, schema=schema, orient="row")


def moments(*names: str) -> list[pl.Expr]:
    """These columns of milliseconds as times in UTC."""
    return [
        pl.from_epoch(pl.col(name), "ms")
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
        .alias(name)
        for name in names
    ]


def _answered_by(log: Log) -> tuple[str | None, str | None]:
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


def _recordings(rng: Random, log: Log) -> list[str]:
    if log.call.answered_leg is None or log.call.ended_at is None or rng.random() >= 0.94:
        return []
    parts = 2 if rng.random() < 0.02 else 1
    return [f"https://recordings.example/{log.id}/{part}.mp3" for part in range(1, parts + 1)]


def _call_row(rng: Random, log: Log, until: int) -> tuple[Any, ...]:
    call = log.call
    running = call.ended_at is None
    answered = [leg for leg in call.legs if leg.answered_time is not None]
    talk_ms = sum((leg.ended_time or 0) - (leg.answered_time or 0) for leg in answered)
    note, note_delay = _note(rng, call, until)
    created_at = log.started_at + rng.randint(40, 1_500)
    last_event = (
        max(
            [
                log.started_at,
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
        log.started_at,
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
    logs = logs_of(calls)
    leg_schema = {
        "row": pl.Int64,
        **{column.name: pl.Int64 if column.dtype == _MOMENT else column.dtype for column in LEGS},
    }
    legs = frame_of(
        [_leg_row(row, leg, until) for row, log in enumerate(logs) for leg in log.call.legs],
        leg_schema,
    ).with_columns(moments("add_time", "ring_time", "answered_time", "ended_time"))
    targets = legs.group_by("row", maintain_order=True).agg(
        pl.struct([column.name for column in LEGS]).alias("call_targets")
    )
    flat_schema = {
        name: pl.Int64 if dtype == _MOMENT else dtype
        for name, dtype in CALL_SCHEMA.items()
        if name != "call_targets"
    }
    return (
        frame_of([_call_row(rng, log, until) for log in logs], flat_schema)
        .with_columns(moments("started_at", "ended_at", "created_at", "updated_at"))
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
        .join(targets, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("call_targets").fill_null([]))
        .select(pl.col(name).cast(dtype) for name, dtype in CALL_SCHEMA.items())
    )
