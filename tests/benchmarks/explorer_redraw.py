"""Benchmark of redrawing the Explorer after a change: kernel time, and bytes sent to the browser.

    python tests/benchmarks/explorer_redraw.py [CALLS ...]

Prints a table for 100,000 and 1,000,000 calls. The target is below 300 ms and 300 kB at a million
calls, for KPIs, chart and table together. Offers, legs and normalized numbers are computed once, in
the background after the Explorer opens; the first line has the waiting time of a change that needs
them immediately. Times are also given relative to counting the same calls by hour in Polars, which
depends on the machine in the same way.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as ui
import polars as pl
from panel_to_chart import control

import etelecom_analytics as et

ROUNDS = 7
SNAPSHOT = Path(__file__).parent.parent.parent / "data" / "sample"
SENT_BYTES: list[int] = []


def count_sent_bytes() -> None:
    """Record the size of all messages to the browser in `SENT_BYTES`."""
    send = ui.Widget._send

    def counting_send(self: Any, msg: Any, buffers: Any = None) -> None:
        SENT_BYTES.append(
            len(json.dumps(msg, default=str).encode()) + sum(len(each) for each in buffers or ())
        )
        send(self, msg, buffers)

    ui.Widget._send = counting_send


def measure(
    action: Callable[[], object], prepare: Callable[[], object]
) -> tuple[float, float, int]:
    """The first time and the median of the others in milliseconds, and the maximum of bytes."""
    times_ms, sent = [], []
    for _ in range(ROUNDS + 1):
        prepare()
        SENT_BYTES.clear()
        began = time.perf_counter()
        action()
        times_ms.append((time.perf_counter() - began) * 1000)
        sent.append(sum(SENT_BYTES))
    return times_ms[0], statistics.median(times_ms[1:]), max(sent)


def main(count: int) -> None:
    simulation = et.simulate_calls(count, seed=3, days=90)
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    sample = et.read_snapshot(SNAPSHOT)
    logs = et.CallLogs(calls=simulation.calls, query=et.CallQuery(), report=sample.report)
    et.charts  # noqa: B018  # loads Altair, which is slow
    began = time.perf_counter()
    explorer = et.Explorer(logs, options=options, debounce_s=0)
    opened_s = time.perf_counter() - began
    first = explorer.state()
    number = simulation.calls.filter(direction="in")["caller"].drop_nulls()[0]
    middle = str(simulation.calls["started_at"].dt.date().sort()[count // 2])

    def set_control(label: str, value: object) -> Callable[[], object]:
        return lambda: setattr(control(explorer, label), "value", value)

    def show_chart(tab: str, measure: str = "offered", by: str = "day") -> Callable[[], object]:
        return lambda: explorer.restore(
            {**first, "chart": {"tab": tab, "measure": measure, "by": by}}
        )

    changes: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "direction: any": (set_control("Direction", ""), show_chart("time")),
        "direction: in": (set_control("Direction", "in"), lambda: explorer.restore({})),
        "call state: answered": (set_control("Call state", "answered"), show_chart("time")),
        "dates: last 7 days": (set_control("Dates", "last 7 days"), show_chart("time")),
        "30 days, compared with the previous 30": (
            lambda: explorer.restore(
                {**first, "dates": "custom", "date_from": middle, "date_to": "2027-12-31"}
            ),
            show_chart("time"),
        ),
        "number": (set_control("Number", number), show_chart("time")),
        "click on an hour": (
            lambda: explorer._pick({"hour": 9}, False),
            show_chart("group", by="hour"),
        ),
        "click on a cell": (
            lambda: explorer._pick({"hour": 9, "weekday": 2}, False),
            show_chart("heat", "answer_rate"),
        ),
        "click on a target number": (
            lambda: explorer._pick({"target_number": "101"}, False),
            show_chart("group", "fair_answer_rate", "target_number"),
        ),
        "90th-percentile wait by day": (set_control("Measure", "wait_p90_s"), show_chart("time")),
        "offered by caller": (set_control("By", "caller"), show_chart("group", by="hour")),
        "waits": (set_control("Chart", "waits"), show_chart("time")),
        "rings": (set_control("Chart", "rings"), show_chart("time")),
        "sort by wait": (lambda: explorer._calls.sort("wait_s"), show_chart("time")),
        "search for a part of a number": (
            lambda: explorer._calls.search("+8491"),
            lambda: explorer._calls.search(""),
        ),
        "search for a state": (
            lambda: explorer._calls.search("missed"),
            lambda: explorer._calls.search(""),
        ),
        "undo": (explorer.undo, set_control("Call state", "answered")),
    }
    began = time.perf_counter()
    show_chart("group", "fair_answer_rate", "target_number")()
    wait_s = time.perf_counter() - began
    reference_ms = measure(
        lambda: simulation.calls.group_by(pl.col("started_at").dt.hour()).len(), lambda: None
    )[1]
    print(
        f"\n{count:,} calls; opened in {opened_s:.1f} s; a chart of offers right after that takes "
        f"{wait_s:.1f} s; counting by hour takes {reference_ms:.1f} ms\n"
    )
    print("| change | first, ms | median, ms | relative to counting | kB sent |")
    print("|---|---|---|---|---|")
    for name, (action, prepare) in changes.items():
        first_ms, median, sent = measure(action, prepare)
        print(
            f"| {name} | {first_ms:.0f} | {median:.0f} | {median / reference_ms:.0f} x "
            f"| {sent / 1000:.0f} |"
        )
    explorer.close()


if __name__ == "__main__":
    count_sent_bytes()
    for count in sys.argv[1:] or ["100000", "1000000"]:
        main(int(count))
