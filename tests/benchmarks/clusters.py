"""Comparison of Spark on a JVM and Ray with `summarize`, for the table of docs/scale.md.

    apt-get install --no-install-recommends default-jre-headless
    pip install "pyspark[connect]" ray
    python tests/benchmarks/clusters.py [CALLS [spark | ray]]

Half of the calls are full of holes. Spark and Ray compute the days of an archive, and Spark SQL
runs the queries of `et.measures_sql` over the published tables. Prints a table of seconds; ends
with an error if a table differs from that of `summarize` by more than 1e-9.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.day_archives import archive_of
from support.flat_engines import assert_equal, publish_calls, statements
from support.holes import calls_with_holes
from support.random_calls import OPTIONS

import etelecom_analytics as et

ALL = list(et.metrics.MEASURES)
BY = (["day"], ["hour", "direction"], ["weekday"])


@contextmanager
def spark() -> Iterator[Any]:
    """A Spark Connect server with a JVM in this machine, of which pyspark takes care."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote("local[2]").getOrCreate()
    yield session
    session.stop()


@contextmanager
def ray() -> Iterator[Any]:
    import ray as library

    library.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield et.archive.RayExecutor()
    library.shutdown()


def report(engine: str, package: str, what: str, began: float) -> None:
    seconds = time.perf_counter() - began
    print(f"| {engine} | {version(package)} | {what} | {seconds:.1f} |", flush=True)


def compare_executor(
    archive: et.Archive, expected: pl.DataFrame, executor: Any, engine: str, package: str
) -> None:
    began = time.perf_counter()
    result = archive.summarize("day", ALL, executor=executor, progress=False)
    assert_frame_equal(result, expected, rel_tol=1e-9, abs_tol=1e-9)
    report(engine, package, "all measures by day, as executor", began)


def compare_sql(session: Any, calls: pl.DataFrame, folder: Path) -> None:
    options = et.MetricOptions(**OPTIONS)
    publication = publish_calls(calls, folder, options)
    for statement in statements("Spark", publication):
        session.sql(statement)
    for by in BY:
        measures = [name for name in ALL if name != "busy_offers"]
        if "direction" in by:
            measures = ["offered", "answer_rate", "wait_p90_s"]
        began = time.perf_counter()
        sql = et.measures_sql(measures, by, dialect="spark", publication=publication)
        result = pl.from_arrow(session.sql(sql).toArrow())
        assert isinstance(result, pl.DataFrame)
        assert_equal(result, et.summarize(calls, by, measures, options=options))
        report("Spark SQL", "pyspark", f"{len(measures)} measures by {', '.join(by)}", began)


def main(count: int = 2_000, engines: tuple[str, ...] = ("spark", "ray")) -> None:
    calls = calls_with_holes(count, seed=5)
    lists = {name: list(numbers) for name, numbers in OPTIONS.items()}
    with tempfile.TemporaryDirectory() as name:
        archive = archive_of(Path(name) / "calls", calls, **lists)
        scan = archive.scan()
        expected = et.summarize(scan, "day", ALL, options=archive.options).collect()
        print(f"{count:,} calls\n\n| engine | version | what | s |\n|---|---|---|---|")
        if "spark" in engines:
            with spark() as session:
                executor = et.archive.SparkExecutor(session)
                compare_executor(archive, expected, executor, "Spark", "pyspark")
                compare_sql(session, calls, Path(name) / "tables")
        if "ray" in engines:
            with ray() as executor:
                compare_executor(archive, expected, executor, "Ray", "ray")
    print("\nAll tables equal those of summarize.")


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:2]]
    main(*numbers, *([tuple(sys.argv[2:])] if sys.argv[2:] else []))
