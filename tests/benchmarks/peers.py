"""Alternatives with which fetching and parsing are compared."""

import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import requests

from etelecom_analytics.schema import CALLS, LEGS, Column, Kind

__all__ = [
    "bare_loop",
    "bare_threads",
    "cursor_in_json",
    "cursor_in_tail",
    "with_from_dicts",
    "with_pandas",
]

Frames = tuple[Any, Any]
"""Calls, and their call targets."""

_NO_TIME = "0001-01-01T00:00:00Z"
_RAW = {Kind.INTEGER: pl.Int64(), Kind.LINKS: pl.List(pl.String)}
_RAW_LEG = pl.Struct({leg.name: _RAW.get(leg.kind or Kind.TEXT, pl.String()) for leg in LEGS})
_RAW_CALL = {
    call.name: pl.List(_RAW_LEG)
    if call.kind is Kind.LEGS
    else _RAW.get(call.kind or Kind.TEXT, pl.String())
    for call in CALLS
}


def _rows(bodies: Sequence[bytes]) -> list[dict[str, Any]]:
    return [row for body in bodies for row in json.loads(body)["call_logs"]]


# Pages to tables.


def with_from_dicts(bodies: Sequence[bytes]) -> Frames:
    """Handwritten Polars: dicts with a schema, then typed columns; only for regular pages."""
    calls = pl.from_dicts(_rows(bodies), schema=_RAW_CALL).select(
        _typed(pl.col(call.name), call) for call in CALLS
    )
    legs = (
        calls.select(
            call_id="id",
            target_index=pl.int_ranges(pl.col("call_targets").list.len(), dtype=pl.Int32),
            leg="call_targets",
        )
        .explode("target_index", "leg", empty_as_null=False, keep_nulls=False)
        .unnest("leg")
    )
    return calls, legs


def _typed(value: pl.Expr, column: Column) -> pl.Expr:
    match column.kind:
        case Kind.LEGS:
            leg = pl.struct(*(_typed(pl.element().struct.field(leg.name), leg) for leg in LEGS))
            return value.list.eval(leg)
        case Kind.LINKS | Kind.INTEGER:
            return value.cast(column.dtype)
        case Kind.TIME:
            text = pl.when(value != _NO_TIME).then(value)
            typed = text.str.to_datetime("%+", time_unit="us", time_zone="UTC")
        case Kind.ID:
            typed = pl.when(~value.is_in(["", "0"])).then(value)
        case _:
            typed = pl.when(value != "").then(value).cast(column.dtype)
    return typed.alias(column.name)


def with_pandas(bodies: Sequence[bytes]) -> Frames:
    """Handwritten pandas: `json_normalize` for calls and for legs, then typed columns."""
    import pandas as pd

    rows = _rows(bodies)
    calls = pd.json_normalize(rows)
    legs = pd.json_normalize(rows, record_path="call_targets", meta=["id"])
    for frame, columns in ((calls, CALLS), (legs, LEGS)):
        for column in columns:
            name = column.name
            if column.kind is Kind.TIME:
                texts = frame[name].mask(frame[name] == _NO_TIME)
                frame[name] = pd.to_datetime(texts, format="ISO8601", utc=True)
            elif column.kind is Kind.WORD:
                frame[name] = pd.Categorical(frame[name], categories=list(column.words))
            elif column.kind in (Kind.TEXT, Kind.ID):
                frame[name] = frame[name].mask(
                    frame[name].isin(["", "0"] if column.kind is Kind.ID else [""])
                )
    return calls, legs


# Pages over HTTP.


def cursor_in_json(body: bytes) -> str:
    """The next cursor, from the decoded page."""
    return str(json.loads(body)["paging"]["next"])


def cursor_in_tail(body: bytes) -> str:
    """The next cursor, without decoding the rows."""
    return str(json.loads(body[body.rindex(b'"paging":') + len(b'"paging":') : -1])["next"])


def bare_loop(
    url: str, dates: dict[str, str], cursor: Callable[[bytes], str] = cursor_in_tail
) -> int:
    """Download the pages of one chain, and return the number of bytes."""
    received = 0
    with requests.Session() as session:
        session.trust_env = False
        after = ""
        while True:
            request = json.dumps({"filter": dates, "paging": {"after": after}})
            body = session.post(
                url, data=request, headers={"Content-Type": "application/json"}, timeout=60
            ).content
            received += len(body)
            if not (after := cursor(body)):
                return received


def bare_threads(url: str, begin: datetime, end: datetime, *, workers: int) -> None:
    """Download the pages of a range with several threads, one day at a time."""
    days: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
    for day in _days(begin, end):
        days.put(day)

    def work() -> None:
        while True:
            try:
                bare_loop(url, days.get_nowait())
            except queue.Empty:
                return

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _days(begin: datetime, end: datetime) -> Iterator[dict[str, str]]:
    while begin < end:
        yield {
            "date_from": begin.isoformat(),
            "date_to": (begin + timedelta(days=1, microseconds=-1)).isoformat(),
        }
        begin += timedelta(days=1)
