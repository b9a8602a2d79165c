"""Prepared pages of simulated calls, and a fast server of them in a separate process.

    python tests/benchmarks/pages.py CALLS [LEGS]

Prints its port and serves until its standard input ends. Rows are stored as JSON text, newest
first, and a response joins a slice of them, so its cost does not depend on the dates. The address
contains the latency, as in `http://127.0.0.1:PORT/50ms/shop`; requests are delayed concurrently.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

import etelecom_analytics as et
from etelecom_analytics.schema import CALL_SCHEMA
from etelecom_analytics.simulator.rows import wire_rows

__all__ = ["DATE_FROM", "DATE_TO", "PAGE_LIMIT", "bodies_of", "calls_of", "serving"]

DATE_FROM, DATE_TO = "2025-03-01", "2025-03-31"
PAGE_LIMIT = 100

_DAYS = 30
_MAX_SIMULATED = 50_000
_FIRST_ID = 4_000_000_000_000_000_000
_REQUEST = re.compile(
    rb"POST (?:/(\d+)ms)?/shop\.Etelecom/ListCallLogs .*?^content-length: *(\d+)",
    re.S | re.M | re.I,
)


# The calls.


def calls_of(count: int, *, legs: int | None = None) -> pl.DataFrame:
    """Calls of a month, newest first, most of them at its beginning; optionally with `legs` each.

    More calls than can be simulated in a few seconds are repetitions with other ids, some seconds
    earlier. The times of legs are not shifted.
    """
    simulated = et.simulate_calls(
        min(count, _MAX_SIMULATED), seed=3, start=DATE_FROM, days=_DAYS
    ).calls
    if legs is not None:
        with_legs = simulated.filter(pl.col("call_targets").list.len() > 0)
        simulated = with_legs.with_columns(pl.concat_list(*["call_targets"] * legs).list.head(legs))
    repeats = -(-count // simulated.height)
    begin = pl.col("started_at").min()
    share = (pl.col("started_at") - begin) / (pl.col("started_at").max() - begin)
    earlier_s = ((share - share.pow(2)) * timedelta(days=_DAYS).total_seconds()).cast(pl.Int64)
    times = [name for name, dtype in CALL_SCHEMA.items() if isinstance(dtype, pl.Datetime)]
    parts = [
        simulated.with_columns(pl.col(times) - pl.duration(seconds=earlier_s + 7 * repeat)).head(
            count - repeat * simulated.height
        )
        for repeat in range(repeats)
    ]
    ids = (_FIRST_ID + pl.int_range(pl.len())).cast(pl.String).alias("id")
    return (
        pl.concat(parts)
        .with_columns(ids)
        .sort("started_at", "id", descending=[True, False], nulls_last=True)
    )


def rows_of(calls: pl.DataFrame) -> list[bytes]:
    """Each call as JSON of the API."""
    return [json.dumps(row, ensure_ascii=False).encode() for row in wire_rows(calls)]


def _cursor(row: int) -> str:
    """An opaque cursor of the next row: a cursor that is a number of rows is checked again."""
    digits, number = "", _FIRST_ID + row
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def page_of(rows: Sequence[bytes], next_cursor: str) -> bytes:
    """The body of a page."""
    paging = {
        "after": "",
        "before": "",
        "limit": PAGE_LIMIT,
        "next": next_cursor,
        "prev": "",
        "sort": "-started_at",
    }
    return b'{"call_logs":[' + b",".join(rows) + b'],"paging":' + json.dumps(paging).encode() + b"}"


def bodies_of(calls: pl.DataFrame) -> list[bytes]:
    """The bodies of the pages of these calls."""
    rows = rows_of(calls)
    return [
        page_of(rows[begin : begin + PAGE_LIMIT], _cursor(begin + PAGE_LIMIT))
        for begin in range(0, len(rows), PAGE_LIMIT)
    ]


# The server.


class _Pages:
    """Pages of any date range of the rows."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self._rows = rows_of(calls)
        self._ages = (-calls["started_at"].dt.epoch("us")).to_list()

    def response(self, body: bytes) -> bytes:
        request = json.loads(body)
        dates, paging = request.get("filter", {}), request.get("paging", {})
        begin = bisect_left(self._ages, -_epoch_us(dates["date_to"])) if "date_to" in dates else 0
        end = (
            bisect_right(self._ages, -_epoch_us(dates["date_from"]))
            if "date_from" in dates
            else len(self._rows)
        )
        if after := paging.get("after"):
            begin = int(after, 36) - _FIRST_ID
        stop = min(begin + paging.get("limit", PAGE_LIMIT), end)
        return page_of(self._rows[begin:stop], _cursor(stop) if stop > begin else "")


def _epoch_us(text: str) -> int:
    return round(
        (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC))
        / timedelta(microseconds=1)
    )


class _Connection(asyncio.Protocol):
    def __init__(self, pages: _Pages) -> None:
        self._pages = pages
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        request = _REQUEST.match(head)
        if request is None:
            self._transport.close()
        elif len(rest) >= (length := int(request[2])):
            self._received = rest[length:]
            asyncio.get_running_loop().call_later(
                int(request[1] or 0) / 1000, self._send, rest[:length]
            )

    def _send(self, body: bytes) -> None:
        response = self._pages.response(body)
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(response)}\r\n\r\n"
        )
        self._transport.write(head.encode() + response)


async def _serve(calls: pl.DataFrame) -> None:
    pages = _Pages(calls)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(pages), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(count: int, *, legs: int | None = None) -> Iterator[str]:
    """The address of a server of this many calls; replace `0ms` in it to add latency."""
    command = [
        sys.executable,
        str(Path(__file__)),
        str(count),
        *([str(legs)] if legs is not None else []),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/0ms/shop"
        finally:
            server.kill()


def _exit_after_standard_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_exit_after_standard_input, daemon=True).start()
    asyncio.run(
        _serve(calls_of(int(sys.argv[1]), legs=int(sys.argv[2]) if len(sys.argv) > 2 else None))
    )
