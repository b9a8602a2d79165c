"""Benchmark of the Explorer of a large archive.

    python tests/benchmarks/explorer_of_archive.py [CALLS] [FOLDER]

Writes an archive with 20,000 simulated calls a day, unless there is one in the folder; the default
is 10,000,000 calls. Prints the seconds until the outline and the first view, and those of changes
within the calls that were read and of other dates, and the memory of the process. The goals are
15 s for the first view and 100 ms for a change.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

from archive import create_archive, simulated_days
from explorer import memory_mb

import etelecom_analytics as et

ROUNDS = 5


def seconds(action: Callable[[], object]) -> float:
    """How long the action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def print_line(what: str, duration: float, rounds: int = 1) -> None:
    """One line of the table."""
    print(f"| {what} | {duration:.3f} | {rounds} | {memory_mb():,.0f} |", flush=True)


def print_table(archive: et.Archive) -> None:
    """The table."""
    et.Explorer(et.sample_logs())  # imports
    print(f"{archive.status()}\n\n| what | s | fastest of | memory, MB |\n|---|---|---|---|")
    explorers: list[et.Explorer] = []
    opened = seconds(lambda: explorers.append(et.Explorer(archive, debounce_s=0)))
    print_line("outline", opened)
    explorer = explorers[0]
    print_line("first view", opened + seconds(lambda: explorer.kpis))
    first, options = explorer.state(), explorer._options
    read = explorer._source.calls.height
    print_line(
        f"cubes of {read:,} calls",
        seconds(lambda: explorer.selection.precompute(options, wait=True)),
    )
    changes = {
        "any direction": {**first, "direction": None},
        "answered calls": {**first, "call_state": "answered"},
        "an hour": {**first, "group_filters": {"hour": 9}},
        "by hour": {**first, "chart": {"tab": "group", "measure": "offered", "by": "hour"}},
        "heat map": {**first, "chart": {"tab": "heat", "measure": "answer_rate", "by": "day"}},
    }
    for what, change in changes.items():
        state = {name: value for name, value in change.items() if value is not None}
        times = []
        for number in range(ROUNDS + 1):
            explorer.restore(first)
            if number == 1:  # the first round requests cubes that are built in the background
                explorer.selection.precompute(options, wait=True)
            times.append(seconds(lambda state=state: explorer.restore(state)))  # type: ignore[misc]
        print_line(what, min(times[1:]), ROUNDS)
    days = archive.days()["local_day"]
    week = {**first, "date_from": str(days[-60]), "date_to": str(days[-53])}
    print_line("another week", seconds(lambda: explorer.restore(week)))


def main(calls: int = 10_000_000, folder: str = "") -> None:
    """Write the archive, unless it exists, and print the table."""
    if folder and Path(folder).exists():
        print_table(et.Archive(folder))
        return
    with TemporaryDirectory() as name:
        path = Path(folder or f"{name}/calls")
        print_table(create_archive(path, calls, simulated_days()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 10_000_000, *sys.argv[2:3])
