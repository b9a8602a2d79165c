"""How fast calls are fetched and parsed, against what else one could do with the same pages, on this machine at this moment.

    python tests/benchmarks/fetching.py [--dlt PYTHON] [--only LINE ...] [--calls N] [--memory-calls
    N] [--rounds N]

Not a test: it prints a table of ratios. Ours and the peer take turns in the same run, so that the
machine's mood meets both; each time is the median of the rounds. The server is a process of its
own, with its rows made beforehand (`pages.py`).

Two peers are optional, and their lines say so where they are missing: pandas (`pip install
pandas`), and dlt, which wants an environment of its own:

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

FOLDER = Path(__file__).parent
QUERY = et.CallQuery(date_from=DATE_FROM, date_to=DATE_TO)
WANTED = {name: str(QUERY.to_filter()[name]) for name in ("date_from", "date_to")}
LATENCY_MS = 50
WORKERS = 8
MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table: what came out, and what was wanted of it; None where it stands for the record only."""

    what: str
    ours: str
    peer: str
    came: float
    unit: str = "x"
    at_least: float | None = None
    under: float | None = None

    def __str__(self) -> str:
        wanted, met = "for the record", ""
        if self.at_least is not None:
            wanted, met = (
                f"at least {self.at_least:g} {self.unit}",
                "yes" if self.came >= self.at_least else "NO",
            )
        elif self.under is not None:
            wanted, met = (
                f"under {self.under:g} {self.unit}",
                "yes" if self.came < self.under else "NO",
            )
        return f"| {self.what} | {self.ours} | {self.peer} | {self.came:.{0 if self.came > 100 else 2}f} {self.unit} | {wanted} | {met} |"


class Bench:
    """What the lines share: the options, the pages, and the server, each made once and only when it is wanted."""

    def __init__(self, given: argparse.Namespace, until: ExitStack) -> None:
        self.calls, self.memory_calls, self.rounds, self.dlt = (
            given.calls,
            given.memory_calls,
            given.rounds,
            given.dlt,
        )
        self._until = until

    @cached_property
    def bodies(self) -> list[bytes]:
        """The pages as they come over the wire."""
        return bodies_of(calls_of(self.calls))

    @cached_property
    def server(self) -> str:
        """The address of a server of the same calls."""
        return self._until.enter_context(serving(self.calls))

    def fetched(self, base_url: str, *, workers: int = 1) -> et.CallLogs:
        """All the server's calls, none missing."""
        with et.Client(base_url, "benchmark") as client:
            logs = et.fetch_calls(client, QUERY, workers=workers, progress=False)
        assert logs.calls.height == self.calls
        return logs

    def turns(
        self, *actions: Callable[[], object], most_rounds: int = 100, warm: bool = True
    ) -> list[float]:
        """The median seconds of each action; they take turns, and the first turn of all does not count if they shall be warm.

        An action that is a process of its own returns its own seconds.
        """
        spent: list[list[float]] = [[] for _ in actions]
        for _ in range(min(self.rounds, most_rounds) + warm):
            for action, seconds in zip(actions, spent, strict=True):
                gc.collect()
                began = time.perf_counter()
                told = action()
                seconds.append(told if isinstance(told, float) else time.perf_counter() - began)
        return [statistics.median(seconds[warm:]) for seconds in spent]


def parsed(bodies: list[bytes]) -> tuple[pl.DataFrame, pl.DataFrame]:
    calls = frames.PageReader().read(bodies)
    return calls, frames.call_targets(calls)


def faster(what: str, ours_s: float, peer_s: float, at_least: float | None) -> Line:
    return Line(
        what=what,
        ours=f"{ours_s:.3f} s",
        peer=f"{peer_s:.3f} s",
        came=peer_s / ours_s,
        at_least=at_least,
    )


def skipped(what: str, why: str) -> str:
    return f"| {what} | | | SKIPPED: {why} | | |"


# The lines.


def parse(bench: Bench) -> Iterator[Line | str]:
    """Pages to typed tables, against Polars by hand; both give the same."""
    for ours, theirs in zip(parsed(bench.bodies), with_from_dicts(bench.bodies), strict=True):
        assert_frame_equal(ours, theirs)
    ours_s, peer_s = bench.turns(
        lambda: parsed(bench.bodies), lambda: with_from_dicts(bench.bodies)
    )
    yield faster(
        "pages to typed calls and call_targets, against `pl.from_dicts`", ours_s, peer_s, 3
    )


def pandas(bench: Bench) -> Iterator[Line | str]:
    """The same, against pandas; its times and texts must be ours."""
    what = "the same against `pandas.json_normalize`, calls and legs"
    if importlib.util.find_spec("pandas") is None:
        yield skipped(what, "pandas is not installed in this environment")
        return
    reporting_options = (("started_at", "note"), ("answered_time", "target_number"))
    for ours, theirs, (time_name, text_name) in zip(
        parsed(bench.bodies), with_pandas(bench.bodies), reporting_options, strict=True
    ):
        assert ours[time_name].to_list() == [
            None if moment != moment else moment for moment in theirs[time_name]
        ]
        assert ours[text_name].to_list() == [
            text if isinstance(text, str) else None for text in theirs[text_name]
        ]
    ours_s, peer_s = bench.turns(lambda: parsed(bench.bodies), lambda: with_pandas(bench.bodies))
    yield faster(what, ours_s, peer_s, 3)


def loop(bench: Bench) -> Iterator[Line | str]:
    """One worker without latency, against loops that parse nothing: one finds the cursor as anybody would, one looks at no row."""
    url = f"{bench.server}.Etelecom/ListCallLogs"
    ours_s, json_s, tail_s = bench.turns(
        lambda: bench.fetched(bench.server),
        lambda: bare_loop(url, WANTED, cursor_in_json),
        lambda: bare_loop(url, WANTED, cursor_in_tail),
    )
    whats = (
        "fetch, one worker, against a bare loop with `response.json()`",
        "the same against a loop that reads only the cursor",
    )
    for what, peer_s in zip(whats, (json_s, tail_s), strict=True):
        rates = [f"{bench.calls / seconds:,.0f} rows/s" for seconds in (ours_s, peer_s)]
        yield Line(
            what=what,
            ours=rates[0],
            peer=rates[1],
            came=peer_s / ours_s,
            unit="of its rows/s",
            at_least=0.8,
        )


def dlt(bench: Bench) -> Iterator[Line | str]:
    """From the server to parquet, against dlt's REST client and pipeline."""
    what = "fetch and snapshot, one worker, against dlt to parquet"
    if not bench.dlt:
        yield skipped(what, "no --dlt PYTHON was given")
        return

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            et.write_snapshot(bench.fetched(bench.server), Path(folder, "snapshot"))

    def theirs() -> float:
        with tempfile.TemporaryDirectory() as folder:
            told = _json_of(
                bench.dlt,
                "dlt_peer.py",
                bench.server,
                WANTED["date_from"],
                WANTED["date_to"],
                folder,
            )
        assert told["calls"] == bench.calls
        return told["seconds"]

    ours_s, peer_s = bench.turns(ours, theirs, most_rounds=3)
    yield faster(what, ours_s, peer_s, 5)


def latency(bench: Bench) -> Iterator[Line | str]:
    """Eight workers against one, over a month that is full at its begin and thin at its end; and what eight bare threads get."""
    slow = bench.server.replace("/0ms/", f"/{LATENCY_MS}ms/")
    url, (begin, end) = f"{slow}.Etelecom/ListCallLogs", (QUERY.date_from, QUERY.date_to)
    assert begin
    assert end
    many_s, one_s, bare_many_s, bare_one_s = bench.turns(
        lambda: bench.fetched(slow, workers=WORKERS),
        lambda: bench.fetched(slow, workers=1),
        lambda: bare_threads(url, begin, end, workers=WORKERS),
        lambda: bare_loop(url, WANTED),
        most_rounds=3,
        warm=False,
    )
    pages = bench.calls // 100
    yield faster(f"{pages} pages of {LATENCY_MS} ms, {WORKERS} workers against 1", many_s, one_s, 4)
    yield faster(
        f"the same by bare threads, a day each, against a bare loop (ours: {WORKERS} threads)",
        bare_many_s,
        bare_one_s,
        None,
    )


def memory(bench: Bench) -> Iterator[Line | str]:
    """The peak of a process that fetches, beyond what importing takes."""
    with serving(bench.memory_calls, legs=3) as base_url:
        told = _json_of(
            sys.executable, "fetch_memory.py", base_url, DATE_FROM, DATE_TO, str(WORKERS)
        )
    assert (told["calls"], told["legs"]) == (bench.memory_calls, 3 * bench.memory_calls)
    peak, imported, tables = (told[name] / MB for name in ("peak", "imported", "frames"))
    facts = f"peak {peak:.0f} MB, {imported:.0f} MB of it by importing", f"frames {tables:.0f} MB"
    what = f"memory of fetching {bench.memory_calls:,} calls of 3 legs, {WORKERS} workers"
    yield Line(what=what, ours=facts[0], peer=facts[1], came=peak - imported, unit="MB", under=700)
    yield Line(
        what="the same, of the frames that it returns",
        ours="",
        peer="",
        came=(peak - imported) / tables,
        under=3,
    )


def _json_of(python: str, script: str, *arguments: str) -> dict[str, float]:
    """What a script of this folder prints."""
    done = subprocess.run(
        [python, str(FOLDER / script), *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


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
        description="Prints how fast calls are fetched and parsed, against peers."
    )
    parser.add_argument(
        "--only", nargs="+", choices=LINES, default=list(LINES), help="these lines alone"
    )
    parser.add_argument(
        "--dlt", metavar="PYTHON", help="the Python of an environment that has dlt[parquet]"
    )
    parser.add_argument("--calls", type=int, default=20_000, help="calls on the server; 100 a page")
    parser.add_argument(
        "--memory-calls", type=int, default=200_000, help="calls of the line about memory"
    )
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print("| what | ours | peer | came out | wanted | met |\n|---|---|---|---|---|---|")
    with ExitStack() as until:
        bench = Bench(given, until)
        for name in given.only:
            for line in LINES[name](bench):
                print(line, flush=True)


if __name__ == "__main__":
    main()
