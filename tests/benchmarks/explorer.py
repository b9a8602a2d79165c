"""Benchmark of the Explorer: changes answered by cubes and by facts, and random actions.

    python tests/benchmarks/explorer.py [CALLS] [ACTIONS]

Repeats 100,000 simulated calls of a week over ten weeks; the default is 1,000,000 calls. Prints a
table of the kernel time from a change to the new data and of what it sends to the browser, once
with cubes and once with facts only, and how much of the time cards, chart and call table take; the
fastest of four rounds counts. The goals are 50 ms and 150 kB. Then sorts and searches the table of
calls. Then does 300 random actions, of which every tenth is compared with `summarize` of the
matching calls, and prints the memory of the process. Takes about ten minutes.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.explorer_actions import RandomActions, check_explorer, sent_bytes
from support.widget_driver import walk
from ten_million import IVR, prepare

import etelecom_analytics as et
from etelecom_analytics.metrics import cube_store
from etelecom_analytics.widgets.explorer import chart_tabs, matching_calls, panel
from etelecom_analytics.widgets.explorer.matching_calls import MatchingCalls

ROUNDS = 4
OPTIONS = et.MetricOptions(ivr_numbers=IVR)
MB = 1_000_000


def logs_of(calls: pl.DataFrame) -> et.CallLogs:
    """The calls as logs of a complete fetch."""
    day = pl.col("started_at").dt.convert_time_zone(OPTIONS.time_zone).dt.truncate("1d")
    end = calls.select(day.max().dt.offset_by("1d").dt.convert_time_zone("UTC")).item()
    report = replace(
        et.sample_logs().report, rows=calls.height, complete_to=end, began_at=end, gaps=()
    )
    return et.CallLogs(calls=calls, query=et.CallQuery(), report=report)


def memory_mb() -> float:
    """The resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096 / MB


@contextmanager
def timed_parts() -> Iterator[dict[str, float]]:
    """The milliseconds that the parts of an Explorer take."""
    parts: dict[str, float] = {}
    targets: list[tuple[Any, str, str]] = [
        (panel, "compare_periods", "cards"),
        (chart_tabs.ChartTabs, "draw", "chart"),
        (matching_calls.MatchingCalls, "show", "table"),
    ]
    originals = [getattr(owner, name) for owner, name, _ in targets]
    for (owner, name, label), original in zip(targets, originals, strict=True):

        def timed(*args: Any, _call: Any = original, _label: str = label, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return _call(*args, **options)
            finally:
                parts[_label] = parts.get(_label, 0) + (time.perf_counter() - began) * 1_000

        setattr(owner, name, timed)
    try:
        yield parts
    finally:
        for (owner, name, _), original in zip(targets, originals, strict=True):
            setattr(owner, name, original)


def changes_of(explorer: et.Explorer, calls: pl.DataFrame) -> dict[str, Callable[[], object]]:
    """Typical changes, each from the first state on."""
    first = explorer.state()
    days = calls["started_at"].dt.date().unique().sort()
    user = calls["user_id"].drop_nulls()[0]
    month, week = ({"date_from": str(days[-n]), "date_to": str(days[-2])} for n in (32, 9))

    def change(**fields: object) -> Callable[[], object]:
        state = {name: each for name, each in {**first, **fields}.items() if each is not None}
        return lambda: explorer.restore(state)

    def chart(tab: str, measure: str = "offered", by: str = "day") -> dict[str, dict[str, str]]:
        return {"chart": {"tab": tab, "measure": measure, "by": by}}

    by_hour = chart("group", by="hour")
    return {
        "any direction": change(direction=None),
        "answered calls": change(call_state="answered"),
        "30 days": change(dates="custom", **month),
        "7 days": change(dates="custom", **week),
        "an hour": change(group_filters={"hour": 9}, **by_hour),
        "a cell": change(group_filters={"hour": 9, "weekday": 2}, **chart("heat")),
        "a user": change(group_filters={"user_id": user}, **chart("group", by="user_id")),
        "a user and an hour": change(group_filters={"user_id": user, "hour": 9}, **by_hour),
        "longer than 30 s": change(duration=("greater_than", 30)),
        "chart by hour": change(**by_hour),
        "90th-percentile wait": change(**chart("time", "wait_p90_s")),
        "heat map": change(**chart("heat", "answer_rate")),
        "offers by target": change(**chart("group", "fair_answer_rate", "target_number")),
        "waits": change(**chart("waits")),
    }


def measure(explorer: et.Explorer, calls: pl.DataFrame) -> dict[str, dict[str, float]]:
    """The milliseconds and kB of the fastest round of each change."""
    first, results = explorer.state(), {}
    for label, action in changes_of(explorer, calls).items():
        rounds: list[dict[str, float]] = []
        for number in range(ROUNDS + 1):
            explorer.restore(first)
            if number == 1:  # the first round requests cubes that are built in the background
                explorer.selection.precompute(OPTIONS, wait=True)
            with timed_parts() as parts, sent_bytes() as sizes:
                began = time.perf_counter()
                action()
                total = (time.perf_counter() - began) * 1_000
            rounds.append({"total": total, "kB": sum(sizes) / 1_000, **parts})
        results[label] = min(rounds[1:], key=lambda each: each["total"])
    explorer.restore(first)
    return results


def print_table(calls: pl.DataFrame) -> None:
    """Both ways for all changes, in one table."""
    began = time.perf_counter()
    explorer = et.Explorer(logs_of(calls), options=OPTIONS, debounce_s=0)
    opened_s = time.perf_counter() - began
    began, before = time.perf_counter(), memory_mb()
    explorer.selection.precompute(OPTIONS, wait=True)
    print(
        f"{calls.height:,} calls; opened in {opened_s:.1f} s; offers, legs and cubes take another "
        f"{time.perf_counter() - began:.1f} s and {memory_mb() - before:,.0f} MB\n"
    )
    with_cubes = measure(explorer, calls)
    cube_store.MIN_CALLS, least = calls.height + 1, cube_store.MIN_CALLS
    with_facts = measure(explorer, calls)
    cube_store.MIN_CALLS = least
    explorer.close()
    print("| change | facts, ms | cubes, ms | cards | chart | table | kB sent |")
    print("|---|---|---|---|---|---|---|")
    for label, each in with_cubes.items():
        parts = " | ".join(f"{each.get(name, 0):.0f}" for name in ("cards", "chart", "table"))
        print(
            f"| {label} | {with_facts[label]['total']:.0f} | {each['total']:.0f} | {parts} "
            f"| {each['kB']:.0f} |"
        )


def print_sorts(calls: pl.DataFrame) -> None:
    """The milliseconds of sorts and searches of the table of calls."""
    explorer = et.Explorer(logs_of(calls), options=OPTIONS, debounce_s=0)
    explorer.selection.precompute(OPTIONS, wait=True)
    table = next(each for each in walk(explorer) if isinstance(each, MatchingCalls))
    inbound = explorer.selection
    longer = inbound.where(pl.col("duration") > 30)
    actions: dict[str, Callable[[], object]] = {
        "sort by caller": lambda: table.sort("caller"),
        "in reverse": lambda: table.sort("caller"),
        "other calls": lambda: table.show(longer, ""),
        "page 1,000": lambda: table.go_to(1_000),
        "first search": lambda: table.search("0912"),
        "next search": lambda: table.search("0913"),
        "search of other calls": lambda: table.show(inbound, ""),
    }
    print("\n| table of calls | ms |\n|---|---|")
    for label, action in actions.items():
        began = time.perf_counter()
        action()
        print(f"| {label} | {(time.perf_counter() - began) * 1_000:.0f} |")
    explorer.close()


def act(calls: pl.DataFrame, count: int) -> None:
    """Random actions; a difference or an exception is an error."""
    explorer = et.Explorer(logs_of(calls), options=OPTIONS, debounce_s=0)
    explorer.selection.precompute(OPTIONS, wait=True)
    actions = RandomActions(explorer, calls, OPTIONS, seed=26)
    print("\n| actions | slowest, ms | most kB sent | memory, MB |\n|---|---|---|---|")
    slowest = most = 0.0
    for number in range(1, count + 1):
        with sent_bytes() as sizes:
            began = time.perf_counter()
            actions.run()
            slowest = max(slowest, (time.perf_counter() - began) * 1_000)
        most = max(most, sum(sizes) / 1_000)
        if number % 10 == 0:
            check_explorer(explorer, OPTIONS)
        if number % 50 == 0:
            print(f"| {number} | {slowest:.0f} | {most:.0f} | {memory_mb():,.0f} |", flush=True)
            slowest = most = 0.0
    explorer.close()


def main(count: int = 1_000_000, actions: int = 300) -> None:
    """Print the tables."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "calls.parquet"
        prepare(file, count)
        calls = pl.read_parquet(file)
    print_table(calls)
    print_sorts(calls)
    act(calls, actions)


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))
