"""Pages of simulated calls, made beforehand, and a server of them that does next to nothing for a request, in a process of its own.

    python tests/benchmarks/pages.py CALLS [LEGS]

prints its port and serves until its standard input ends. Rows are kept as JSON text, newest first;
an answer is a slice of them, joined, so any window of dates and any page size costs the same.
Latency stands in the address, `http://127.0.0.1:PORT/50ms/shop`, and is waited side by side.
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
_MOST_SIMULATED = 50_000
_FIRST_ID = 4_000_000_000_000_000_000
_REQUEST = re.compile(
    rb"POST (?:/(\d+)ms)?/shop\.Etelecom/ListCallLogs .*?^content-length: *(\d+)",
    re.S | re.M | re.I,
)


# The calls.


def calls_of(count: int, *, legs: int | None = None) -> pl.DataFrame:
    """So many calls of a month, newest first, most of them early in it; with so many legs each if that is given.

    Beyond what can be simulated in a few seconds the calls repeat, each time under other ids and
    some seconds earlier. The times of legs stay where they are: here only their form matters.
    """
    simulated = et.simulate_calls(
        min(count, _MOST_SIMULATED), seed=3, start=DATE_FROM, days=_DAYS
    ).calls
    if legs is not None:
        kept = simulated.filter(pl.col("call_targets").list.len() > 0)
        simulated = kept.with_columns(pl.concat_list(*["call_targets"] * legs).list.head(legs))
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
    """Each call as the API writes it."""
    return [json.dumps(row, ensure_ascii=False).encode() for row in wire_rows(calls)]


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
    """The pages of all these calls."""
    rows = rows_of(calls)
    return [
        page_of(rows[begin : begin + PAGE_LIMIT], f"rows:{begin + PAGE_LIMIT}")
        for begin in range(0, len(rows), PAGE_LIMIT)
    ]


# The server.


class _Pages:
    """Any page of any window of the rows."""

    def __init__(self, calls: pl.DataFrame) -> None:
        self._rows = rows_of(calls)
        self._ages = (-calls["started_at"].dt.epoch("us")).to_list()

    def answer(self, body: bytes) -> bytes:
        request = json.loads(body)
        wanted, paging = request.get("filter", {}), request.get("paging", {})
        begin = bisect_left(self._ages, -_epoch_us(wanted["date_to"])) if "date_to" in wanted else 0
        end = (
            bisect_right(self._ages, -_epoch_us(wanted["date_from"]))
            if "date_from" in wanted
            else len(self._rows)
        )
        if after := paging.get("after"):
            begin = int(after.removeprefix("rows:"))
        stop = min(begin + paging.get("limit", PAGE_LIMIT), end)
        return page_of(self._rows[begin:stop], f"rows:{stop}" if stop > begin else "")


def _epoch_us(text: str) -> int:
    return round(
        (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC))
        / timedelta(microseconds=1)
    )


class _Connection(asyncio.Protocol):
    def __init__(self, pages: _Pages) -> None:
        self._pages = pages
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, found, rest = self._heard.partition(b"\r\n\r\n")
        if not found:
            return
        request = _REQUEST.match(head)
        if request is None:
            self._transport.close()
        elif len(rest) >= (length := int(request[2])):
            self._heard = rest[length:]
            asyncio.get_running_loop().call_later(
                int(request[1] or 0) / 1000, self._send, rest[:length]
            )

    def _send(self, body: bytes) -> None:
        answer = self._pages.answer(body)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
        self._transport.write(head.encode() + answer)


async def _serve(calls: pl.DataFrame) -> None:
    pages = _Pages(calls)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(pages), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(count: int, *, legs: int | None = None) -> Iterator[str]:
    """The address of a server of so many calls; what latency it shall have is put in the place of `0ms`."""
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


def _end_with_standard_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    asyncio.run(
        _serve(calls_of(int(sys.argv[1]), legs=int(sys.argv[2]) if len(sys.argv) > 2 else None))
    )
