"""Time in the kernel from a changed control to the new chart's specification, at 100,000 calls.

    python tests/benchmarks/panel_to_chart.py [CALLS]

Not a test: it prints a table. As a yardstick that shares the machine's mood, each time also stands
as a multiple of the time that counting the same calls by hour takes in Polars.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import polars as pl

import etelecom_analytics as et

ROUNDS = 9


def median_ms(action: Callable[[], object], prepare: Callable[[], object] = lambda: None) -> float:
    """The median of several rounds of the action in milliseconds; `prepare` goes before each, untimed."""
    spent = []
    for _ in range(ROUNDS):
        prepare()
        began = time.perf_counter()
        action()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def control(widget: Any, description: str) -> Any:
    """The control of a panel that bears this label."""
    if getattr(widget, "description", "") == description:
        return widget
    return next(
        (
            found
            for child in getattr(widget, "children", ())
            if (found := control(child, description))
        ),
        None,
    )


def main(count: int) -> None:
    simulation = et.simulate_calls(count, seed=3, days=30)
    calls, options = simulation.calls, et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    draws: dict[str, Callable[[et.metrics.Selection], object]] = {
        "answer_rate by day": lambda some: et.charts.answer_rate(some, options=options),
        "answer_rate by hour": lambda some: et.charts.answer_rate(some, by="hour", options=options),
        "heatmap": lambda some: et.charts.heatmap(some, options=options),
        "ring_durations": lambda some: et.charts.ring_durations(some, options=options),
        "extension_performance": lambda some: et.charts.extension_performance(
            some, options=options
        ),
    }
    yardstick = median_ms(lambda: calls.group_by(pl.col("started_at").dt.hour()).len())
    print(f"{count:,} calls; counting them by hour: {yardstick:.1f} ms\n")
    print("| chart | ms | of the yardstick |\n|---|---|---|")
    for name, draw in draws.items():
        panel = et.FilterPanel(calls, debounce_s=0)
        view = et.ChartView(panel, draw)  # type: ignore[arg-type]

        direction = control(panel, "Direction")

        def turn_to(word: str, direction: Any = direction) -> None:
            direction.value = word

        # To most of the calls, from the fewer.
        ms = median_ms(
            lambda turn_to=turn_to: turn_to("in"), lambda turn_to=turn_to: turn_to("out")
        )
        print(f"| {name} | {ms:.0f} | {ms / yardstick:.0f} x |")
        view.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
