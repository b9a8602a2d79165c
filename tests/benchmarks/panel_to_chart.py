"""Benchmark of the kernel time from a changed control to the specification of the new chart.

    python tests/benchmarks/panel_to_chart.py [CALLS]

Prints a table. Times are also given relative to counting the same calls by hour in Polars, which
depends on the machine in the same way. The default is 100,000 calls.
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
    """The median milliseconds of the action; `prepare` runs before each round, untimed."""
    times_ms = []
    for _ in range(ROUNDS):
        prepare()
        began = time.perf_counter()
        action()
        times_ms.append((time.perf_counter() - began) * 1000)
    return statistics.median(times_ms)


def control(widget: Any, description: str) -> Any:
    """The control of a panel with this label."""
    if getattr(widget, "description", "") == description:
        return widget
    return next(
        (
            match
            for child in getattr(widget, "children", ())
            if (match := control(child, description))
        ),
        None,
    )


def main(count: int) -> None:
    simulation = et.simulate_calls(count, seed=3, days=30)
    calls, options = simulation.calls, et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    draws: dict[str, Callable[[et.metrics.Selection], object]] = {
        "answer_rate by day": lambda calls: et.charts.answer_rate(calls, options=options),
        "answer_rate by hour": lambda calls: et.charts.answer_rate(
            calls, by="hour", options=options
        ),
        "heatmap": lambda calls: et.charts.heatmap(calls, options=options),
        "ring_durations": lambda calls: et.charts.ring_durations(calls, options=options),
        "extension_performance": lambda calls: et.charts.extension_performance(
            calls, options=options
        ),
    }
    reference_ms = median_ms(lambda: calls.group_by(pl.col("started_at").dt.hour()).len())
    print(f"{count:,} calls; counting them by hour: {reference_ms:.1f} ms\n")
    print("| chart | ms | relative to counting |\n|---|---|---|")
    for name, draw in draws.items():
        panel = et.FilterPanel(calls, debounce_s=0)
        view = et.ChartView(panel, draw)  # type: ignore[arg-type]

        direction = control(panel, "Direction")

        def select(word: str, direction: Any = direction) -> None:
            direction.value = word

        # From the smaller to the larger part of the calls.
        ms = median_ms(lambda select=select: select("in"), lambda select=select: select("out"))
        print(f"| {name} | {ms:.0f} | {ms / reference_ms:.0f} x |")
        view.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
