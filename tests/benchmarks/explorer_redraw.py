"""Time in the kernel from a change to everything redrawn in the Explorer, and bytes sent to the browser, at 100,000 and 1,000,000 calls.

    python tests/benchmarks/explorer_redraw.py [CALLS ...]

Not a test: it prints a table; the aim is below 300 ms and 300 kB at a million calls. Numbers, chart
and table are all of it. What is reckoned once (offers, legs, numbers in one form) is reckoned
beside, once the Explorer is there; who asks for it sooner waits for it, and that is told first. As
a yardstick that shares the machine's mood, each time also stands as a multiple of the time that
counting the same calls by hour takes in Polars.
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
SENT: list[int] = []


def listen() -> None:
    """Count what goes to the browser."""
    send = ui.Widget._send

    def counted(self: Any, msg: Any, buffers: Any = None) -> None:
        SENT.append(
            len(json.dumps(msg, default=str).encode()) + sum(len(each) for each in buffers or ())
        )
        send(self, msg, buffers)

    ui.Widget._send = counted


def timed(action: Callable[[], object], prepare: Callable[[], object]) -> tuple[float, float, int]:
    """The first time, the median of the others in milliseconds, and the most bytes."""
    spent, sent = [], []
    for _ in range(ROUNDS + 1):
        prepare()
        SENT.clear()
        began = time.perf_counter()
        action()
        spent.append((time.perf_counter() - began) * 1000)
        sent.append(sum(SENT))
    return spent[0], statistics.median(spent[1:]), max(sent)


def main(count: int) -> None:
    simulation = et.simulate_calls(count, seed=3, days=90)
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    sample = et.read_snapshot(SNAPSHOT)
    logs = et.CallLogs(calls=simulation.calls, query=et.CallQuery(), report=sample.report)
    et.charts  # which loads Altair, as long as all the rest  # noqa: B018
    began = time.perf_counter()
    explorer = et.Explorer(logs, options=options, debounce_s=0)
    opened = time.perf_counter() - began
    first = explorer.state()
    number = simulation.calls.filter(direction="in")["caller"].drop_nulls()[0]
    middle = str(simulation.calls["started_at"].dt.date().sort()[count // 2])

    def put(label: str, value: object) -> Callable[[], object]:
        return lambda: setattr(control(explorer, label), "value", value)

    def chart(tab: str, measure: str = "offered", by: str = "day") -> Callable[[], object]:
        return lambda: explorer.restore(
            {**first, "chart": {"tab": tab, "measure": measure, "by": by}}
        )

    changes: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "direction: any": (put("Direction", ""), chart("time")),
        "direction: in": (put("Direction", "in"), lambda: explorer.restore({})),
        "call state: answered": (put("Call state", "answered"), chart("time")),
        "dates: last 7 days": (put("Dates", "last 7 days"), chart("time")),
        "30 days, against the 30 before": (
            lambda: explorer.restore(
                {**first, "dates": "custom", "date_from": middle, "date_to": "2027-12-31"}
            ),
            chart("time"),
        ),
        "number": (put("Number", number), chart("time")),
        "a click on an hour": (lambda: explorer._pick({"hour": 9}), chart("group", by="hour")),
        "a click on a cell": (
            lambda: explorer._pick({"hour": 9, "weekday": 2}),
            chart("heat", "answer_rate"),
        ),
        "a click on a target number": (
            lambda: explorer._pick({"target_number": "101"}),
            chart("group", "fair_answer_rate", "target_number"),
        ),
        "90 % wait by day": (put("Measure", "wait_p90_s"), chart("time")),
        "offered by caller": (put("By", "caller"), chart("group", by="hour")),
        "waits": (put("Chart", "waits"), chart("time")),
        "rings": (put("Chart", "rings"), chart("time")),
        "sort by wait": (lambda: explorer._sort("wait_s"), chart("time")),
        "undo": (explorer.undo, put("Call state", "answered")),
    }
    began = time.perf_counter()
    chart("group", "fair_answer_rate", "target_number")()
    waited = time.perf_counter() - began
    yardstick = timed(
        lambda: simulation.calls.group_by(pl.col("started_at").dt.hour()).len(), lambda: None
    )[1]
    print(
        f"\n{count:,} calls; opened in {opened:.1f} s; who asks for offers at once waits {waited:.1f} s;",
        end=" ",
    )
    print(f"counting them by hour: {yardstick:.1f} ms\n")
    print("| change | first, ms | then, ms | of the yardstick | kB sent |\n|---|---|---|---|---|")
    for name, (action, prepare) in changes.items():
        at_first, then, sent = timed(action, prepare)
        print(
            f"| {name} | {at_first:.0f} | {then:.0f} | {then / yardstick:.0f} x | {sent / 1000:.0f} |"
        )
    explorer.close()


if __name__ == "__main__":
    listen()
    for asked in sys.argv[1:] or ["100000", "1000000"]:
        main(int(asked))
