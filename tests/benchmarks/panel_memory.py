"""Memory of a process that opens and closes many Explorers, and of one that keeps changing.

    python tests/benchmarks/panel_memory.py [CALLS] [EXPLORERS]

Prints the resident memory and the number of open widgets after every tenth Explorer, first of the
same calls, then of other calls each time, then after every tenth change of one Explorer. Memory
is flat after the first lines: the allocator keeps some of what was freed.
"""

import gc
import sys
from collections.abc import Callable
from pathlib import Path

from ipywidgets.widgets.widget import _instances as open_widgets

import etelecom_analytics as et

STEPS = 10


def resident_mb() -> float:
    """The resident memory of this process, on Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def repeat(name: str, count: int, action: Callable[[int], object]) -> None:
    """Run the action and print the memory after every tenth time."""
    print(f"\n{name}\n{'times':>8} {'memory, MB':>12} {'widgets':>8}")
    for number in range(1, count + 1):
        action(number)
        if number % STEPS == 0 or number == 1:
            gc.collect()
            print(f"{number:8,} {resident_mb():12,.0f} {len(open_widgets):8,}", flush=True)


def main(calls: int, explorers: int) -> None:
    logs = et.simulate_calls(calls, seed=1, days=30).calls

    def open_and_close(table: object) -> None:
        explorer = et.Explorer(table, debounce_s=0)
        explorer.restore({"direction": "in", "chart": {"tab": "group", "by": "hour"}})
        explorer.close()

    print(f"{calls:,} calls: {logs.estimated_size('mb'):,.0f} MB")
    repeat("Explorers of the same calls", explorers, lambda _: open_and_close(logs))
    repeat("Explorers of other calls", explorers, lambda n: open_and_close(logs.slice(n)))
    explorer = et.Explorer(logs, debounce_s=0)
    repeat(
        "Changes of one Explorer",
        5 * explorers,
        lambda n: explorer.restore({"direction": "in", "group_filters": {"hour": n % 24}}),
    )


if __name__ == "__main__":
    main(*(int(text) for text in [*sys.argv[1:], "100000", "50"][:2]))
