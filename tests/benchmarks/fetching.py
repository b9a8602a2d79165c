"""Benchmark of fetching and parsing calls, compared with alternatives on the same pages.

    python tests/benchmarks/fetching.py [--dlt PYTHON] [--only LINE ...] [--calls N] [--memory-calls
    N] [--rounds N]

Prints a table of ratios. This package and the alternative run in turns, so that the load of the
machine affects both; each time is the median of the rounds. The server is a separate process with
prepared rows (`pages.py`).

Two alternatives are optional and skipped if they are missing: pandas (`pip install pandas`), and
dlt, which needs its own environment:

    python -m venv dlt-peer && dlt-peer/bin/pip install "dlt[parquet]"
    python tests/benchmarks/fetching.py --dlt dlt-peer/bin/python
"""

import argparse
import gc
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
from pages import DATE_FROM, DATE_TO, bodies_of, calls_of, serving
from peers import (
    bare_loop,
    bare_threads,
    cursor_in_json,
    cursor_in_tail,
    with_from_dicts,
    with_pandas,
)
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics import frames
from etelecom_analytics.parsing.pages import PageReader

FOLDER = Path(__file__).parent
QUERY = et.CallQuery(date_from=DATE_FROM, date_to=DATE_TO)
FILTER = {name: str(QUERY.to_filter()[name]) for name in ("date_from", "date_to")}
LATENCY_MS = 50
WORKERS = 8
MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the table: the result, and its target if there is one."""

    what: str
    ours: str
    peer: str
    result: float
    unit: str = "x"
    at_least: float | None = None
    under: float | None = None

    def __str__(self) -> str:
        target, met = "none", ""
        if self.at_least is not None:
            target, met = (
                f"at least {self.at_least:g} {self.unit}",
                "yes" if self.result >= self.at_least else "NO",
            )
        elif self.under is not None:
            target, met = (
                f"under {self.under:g} {self.unit}",
                "yes" if self.result < self.under else "NO",
            )
        digits = 0 if self.result > 100 else 2
        result = f"{self.result:.{digits}f} {self.unit}"
        return f"| {self.what} | {self.ours} | {self.peer} | {result} | {target} | {met} |"


class Bench:
    """The options, pages and server that the lines share, created on first use."""

    def __init__(self, arguments: argparse.Namespace, stack: ExitStack) -> None:
        self.calls, self.memory_calls, self.rounds, self.dlt = (
            arguments.calls,
            arguments.memory_calls,
            arguments.rounds,
            arguments.dlt,
        )
        self._stack = stack

    @cached_property
    def bodies(self) -> list[bytes]:
        """The bodies of the pages."""
        return bodies_of(calls_of(self.calls))

    @cached_property
    def server(self) -> str:
        """The address of a server of the same calls."""
        return self._stack.enter_context(serving(self.calls))

    def fetch(self, base_url: str, *, workers: int = 1) -> et.CallLogs:
        """All calls of the server."""
        with et.Client(base_url, "benchmark") as client:
            logs = et.fetch_calls(client, QUERY, workers=workers, progress=False)
        assert logs.calls.height == self.calls
        return logs

    def turns(
        self, *actions: Callable[[], object], max_rounds: int = 100, warm: bool = True
    ) -> list[float]:
        """The median seconds of each action, run in turns; `warm` omits the first turn.

        An action that runs in another process returns its seconds.
        """
        times: list[list[float]] = [[] for _ in actions]
        for _ in range(min(self.rounds, max_rounds) + warm):
            for action, seconds in zip(actions, times, strict=True):
                gc.collect()
                began = time.perf_counter()
                result = action()
                seconds.append(result if isinstance(result, float) else time.perf_counter() - began)
        return [statistics.median(seconds[warm:]) for seconds in times]


def parse_pages(bodies: list[bytes]) -> tuple[pl.DataFrame, pl.DataFrame]:
    calls = PageReader().read(bodies)
    return calls, frames.call_targets(calls)


def speedup(what: str, ours_s: float, peer_s: float, at_least: float | None) -> Line:
    return Line(
        what=what,
        ours=f"{ours_s:.3f} s",
        peer=f"{peer_s:.3f} s",
        result=peer_s / ours_s,
        at_least=at_least,
    )


def skip(what: str, reason: str) -> str:
    return f"| {what} | | | SKIPPED: {reason} | | |"


# Lines of the table.


def parse(bench: Bench) -> Iterator[Line | str]:
    """Pages to typed tables, compared with handwritten Polars; the results are equal."""
    for ours, theirs in zip(parse_pages(bench.bodies), with_from_dicts(bench.bodies), strict=True):
        assert_frame_equal(ours, theirs)
    ours_s, peer_s = bench.turns(
        lambda: parse_pages(bench.bodies), lambda: with_from_dicts(bench.bodies)
    )
    yield speedup(
        "pages to typed calls and call_targets, relative to `pl.from_dicts`", ours_s, peer_s, 5
    )


def pandas(bench: Bench) -> Iterator[Line | str]:
    """The same, compared with pandas; times and texts must be equal."""
    what = "the same, relative to `pandas.json_normalize`, calls and legs"
    if importlib.util.find_spec("pandas") is None:
        yield skip(what, "pandas is not installed in this environment")
        return
    columns = (("started_at", "note"), ("answered_time", "target_number"))
    for ours, theirs, (time_name, text_name) in zip(
        parse_pages(bench.bodies), with_pandas(bench.bodies), columns, strict=True
    ):
        assert ours[time_name].to_list() == [
            None if moment != moment else moment for moment in theirs[time_name]
        ]
        assert ours[text_name].to_list() == [
            text if isinstance(text, str) else None for text in theirs[text_name]
        ]
    ours_s, peer_s = bench.turns(
        lambda: parse_pages(bench.bodies), lambda: with_pandas(bench.bodies)
    )
    yield speedup(what, ours_s, peer_s, 3)


def loop(bench: Bench) -> Iterator[Line | str]:
    """One worker without latency, compared with loops that only read the cursor."""
    url = f"{bench.server}.Etelecom/ListCallLogs"
    ours_s, json_s, tail_s = bench.turns(
        lambda: bench.fetch(bench.server),
        lambda: bare_loop(url, FILTER, cursor_in_json),
        lambda: bare_loop(url, FILTER, cursor_in_tail),
    )
    peers = (
        ("fetch, one worker, relative to a bare loop with `response.json()`", json_s, 1.0),
        ("the same, relative to a loop that reads only the cursor", tail_s, None),
    )
    for what, peer_s, at_least in peers:
        rates = [f"{bench.calls / seconds:,.0f} rows/s" for seconds in (ours_s, peer_s)]
        yield Line(
            what=what,
            ours=rates[0],
            peer=rates[1],
            result=peer_s / ours_s,
            unit="of its rows/s",
            at_least=at_least,
        )


def dlt(bench: Bench) -> Iterator[Line | str]:
    """From the server to parquet, compared with the REST client and a pipeline of dlt."""
    what = "fetch and snapshot, one worker, relative to dlt to parquet"
    if not bench.dlt:
        yield skip(what, "no --dlt PYTHON argument")
        return

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            et.write_snapshot(bench.fetch(bench.server), Path(folder, "snapshot"))

    def theirs() -> float:
        with tempfile.TemporaryDirectory() as folder:
            output = _json_of(
                bench.dlt,
                "dlt_peer.py",
                bench.server,
                FILTER["date_from"],
                FILTER["date_to"],
                folder,
            )
        assert output["calls"] == bench.calls
        return output["seconds"]

    ours_s, peer_s = bench.turns(ours, theirs, max_rounds=3)
    yield speedup(what, ours_s, peer_s, 5)


def latency(bench: Bench) -> Iterator[Line | str]:
    """Eight workers compared with one, for a month with most calls at its beginning."""
    slow = bench.server.replace("/0ms/", f"/{LATENCY_MS}ms/")
    url, (begin, end) = f"{slow}.Etelecom/ListCallLogs", (QUERY.date_from, QUERY.date_to)
    assert begin
    assert end
    many_s, one_s, bare_many_s, bare_one_s = bench.turns(
        lambda: bench.fetch(slow, workers=WORKERS),
        lambda: bench.fetch(slow, workers=1),
        lambda: bare_threads(url, begin, end, workers=WORKERS),
        lambda: bare_loop(url, FILTER),
        max_rounds=3,
        warm=False,
    )
    pages = bench.calls // 100
    yield speedup(
        f"{pages} pages of {LATENCY_MS} ms, {WORKERS} workers relative to 1", many_s, one_s, 4
    )
    yield speedup(
        f"the same with {WORKERS} bare threads, one day each, relative to a bare loop",
        bare_many_s,
        bare_one_s,
        None,
    )


def memory(bench: Bench) -> Iterator[Line | str]:
    """The peak memory of a process that fetches, without that of the imports."""
    with serving(bench.memory_calls, legs=3) as base_url:
        output = _json_of(
            sys.executable, "fetch_memory.py", base_url, DATE_FROM, DATE_TO, str(WORKERS)
        )
    assert (output["calls"], output["legs"]) == (bench.memory_calls, 3 * bench.memory_calls)
    peak, imported, tables = (output[name] / MB for name in ("peak", "imported", "frames"))
    facts = f"peak {peak:.0f} MB, {imported:.0f} MB of it for imports", f"frames {tables:.0f} MB"
    what = f"memory of fetching {bench.memory_calls:,} calls of 3 legs, {WORKERS} workers"
    yield Line(
        what=what, ours=facts[0], peer=facts[1], result=peak - imported, unit="MB", under=700
    )
    yield Line(
        what="the same, relative to the returned frames",
        ours="",
        peer="",
        result=(peak - imported) / tables,
        under=2.5,
    )


def _json_of(python: str, script: str, *arguments: str) -> dict[str, float]:
    """The output of a script of this folder."""
    process = subprocess.run(
        [python, str(FOLDER / script), *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    output: dict[str, float] = json.loads(process.stdout)
    return output


LINES: dict[str, Callable[[Bench], Iterator[Line | str]]] = {
    "parse": parse,
    "pandas": pandas,
    "loop": loop,
    "dlt": dlt,
    "latency": latency,
    "memory": memory,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Compares fetching and parsing of calls with alternatives."
    )
    parser.add_argument(
        "--only", nargs="+", choices=LINES, default=list(LINES), help="only these lines"
    )
    parser.add_argument(
        "--dlt", metavar="PYTHON", help="the interpreter of an environment with dlt[parquet]"
    )
    parser.add_argument(
        "--calls", type=int, default=20_000, help="calls on the server, 100 per page"
    )
    parser.add_argument(
        "--memory-calls", type=int, default=200_000, help="calls of the memory line"
    )
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(
        "| what | this package | alternative | result | target | met |\n|---|---|---|---|---|---|"
    )
    with ExitStack() as stack:
        bench = Bench(arguments, stack)
        for name in arguments.only:
            for line in LINES[name](bench):
                print(line, flush=True)


if __name__ == "__main__":
    main()
