"""Check that partial results add up to `summarize`, on calls full of holes, many ways.

    python tests/benchmarks/partials.py [CALLS] [SEED]

Splits 8,000 calls, half of them full of holes, by day and in random pieces; computes the partials
in this process and on a pool of started processes; and compares all measures with those of
`summarize`. Then does the same with an archive of the calls, once with all calls moved to within
20 s of midnight. Prints the times; a difference of more than 1e-9 is an error. Takes minutes.
"""

import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial as bound
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.day_archives import archive_of, around_midnight, days_of
from support.holes import calls_with_holes
from support.random_calls import OPTIONS

import etelecom_analytics as et

MEASURES = et.metrics.MEASURES
TABLES = {
    "all": ([], list(MEASURES)),
    "by day and direction": (["day", "direction"], list(MEASURES)),
    "by target": (
        ["target_number"],
        [name for name, each in MEASURES.items() if each.grain != "calls"],
    ),
}


def timed(label: str, compute: Callable[[], pl.DataFrame], expected: pl.DataFrame) -> None:
    """Compute, compare and print the seconds."""
    began = time.perf_counter()
    result = compute()
    seconds = time.perf_counter() - began
    assert_frame_equal(result, expected, rel_tol=1e-9, abs_tol=1e-9)
    print(f"| {label} | {result.height:,} | {seconds:.1f} |", flush=True)


def check_pieces(calls: pl.DataFrame, pool: ProcessPoolExecutor, seed: int) -> None:
    """Splits by day and at random, in this process and on the pool."""
    options = et.MetricOptions(**OPTIONS, as_of="2026-11-04T12:00")
    source = random.Random(seed)
    by_day = [each["id"] for each in days_of(calls).values()]
    day_of = {call: number for number, ids in enumerate(by_day) for call in ids}
    splits = {
        "days": pl.Series([day_of[call] for call in calls["id"]]),
        "pieces": pl.Series([source.randrange(4) for _ in range(calls.height)]),
    }
    for table, (by, measures) in TABLES.items():
        settings: dict[str, Any] = {"by": by, "measures": measures, "options": options}
        compute, whole = bound(et.partial, **settings), et.summarize(calls, **settings)
        for split, piece in splits.items():
            parts = [
                (calls.filter(piece == number), calls.filter(piece != number))
                for number in piece.unique()
            ]

            def in_process(parts: Any = parts, compute: Any = compute) -> list[pl.DataFrame]:
                return [compute(own, neighbours=others) for own, others in parts]

            def on_pool(parts: Any = parts, compute: Any = compute) -> list[pl.DataFrame]:
                futures = [pool.submit(compute, own, neighbours=rest) for own, rest in parts]
                return [future.result() for future in futures]

            for where, run in {"in process": in_process, "on a pool": on_pool}.items():
                timed(
                    f"{split}, {table}, {where}",
                    lambda run=run, by=by, measures=measures: et.finish(run(), by, measures),
                    whole,
                )


def check_archive(calls: pl.DataFrame, folder: Path, label: str) -> None:
    """The days of an archive, in this process and by processes."""
    archive = archive_of(folder, calls, **{name: list(each) for name, each in OPTIONS.items()})
    for table, (by, measures) in TABLES.items():
        whole = et.summarize(archive.scan(), by, measures, options=archive.options).collect()
        for executor in (None, et.archive.ProcessExecutor(2)):
            timed(
                f"archive of {label}, {table}, {executor or 'in process'}",
                lambda by=by, measures=measures, executor=executor: archive.summarize(
                    by, measures, executor=executor, progress=False
                ),
                whole,
            )


def main(count: int = 8_000, seed: int = 1) -> None:
    """Print the table."""
    calls = calls_with_holes(count, seed=seed)
    print("| check | rows | s |\n|---|---|---|")
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        check_pieces(calls, pool, seed)
    with tempfile.TemporaryDirectory() as folder:
        check_archive(calls, Path(folder) / "calls", "calls")
        check_archive(around_midnight(calls), Path(folder) / "midnight", "calls around midnight")


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))
