"""Engines that run a query over published tables, and the comparison with `summarize`."""

import io
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from etelecom_analytics import metrics
from etelecom_analytics.engines import Publication, measures_sql
from etelecom_analytics.engines.flat_tables import TABLE_DIMENSIONS, flat_tables
from etelecom_analytics.engines.publication import GRAINS, write_month
from etelecom_analytics.engines.sql_measures import Dialect
from etelecom_analytics.metrics import MEASURES, MetricOptions

__all__ = ["ENGINES", "Run", "assert_equal", "checks", "publish_calls"]

Run = Callable[[str], pl.DataFrame]
"""Runs a query over the tables calls, offers and legs."""


def publish_calls(
    calls: pl.DataFrame, folder: Path, options: MetricOptions, *, personal: bool = True
) -> Publication:
    """Publish calls that are in no archive, as one month."""
    tables = flat_tables(calls, options=options, personal=personal)
    write_month(folder, "2026-11", tables)
    rows = {grain: table.height for grain, table in tables.items()}
    publication = Publication(
        folder=folder, options=options, personal=personal, rows=rows, months=("2026-11",)
    )
    publication.save()
    return publication


@contextmanager
def duckdb(publication: Publication) -> Iterator[Run]:
    import duckdb

    with duckdb.connect() as connection:
        for grain in GRAINS:
            connection.execute(
                f"CREATE VIEW {grain} AS FROM read_parquet('{publication.pattern(grain)}')"
            )
        yield lambda sql: pl.from_arrow(connection.sql(sql).to_arrow_table())  # type: ignore[misc]


@contextmanager
def clickhouse(publication: Publication) -> Iterator[Run]:
    from chdb import session

    with session.Session() as connection:
        for grain in GRAINS:
            connection.query(
                f"CREATE VIEW {grain} AS SELECT * FROM "  # noqa: S608
                f"file('{publication.pattern(grain)}', 'Parquet')"
            )
        yield lambda sql: _plain(pl.read_ipc(io.BytesIO(connection.query(sql, "Arrow").bytes())))


@contextmanager
def spark(publication: Publication) -> Iterator[Run]:
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    try:
        host, port = server.listening_address
        connection = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
        try:
            for grain in GRAINS:
                table = connection.read.parquet(str(publication.folder / grain))
                table.createOrReplaceTempView(grain)
            yield lambda sql: pl.from_arrow(connection.sql(sql).toArrow())  # type: ignore[return-value]
        finally:
            connection.stop()
    finally:
        server.stop()


ENGINES = {"duckdb": duckdb, "clickhouse": clickhouse, "spark": spark}


def checks() -> Iterator[tuple[list[str], list[str]]]:
    """Measures and dimensions: all measures at once and by each dimension, and pairs of some."""
    of_calls = [name for name, each in MEASURES.items() if each.grain == "calls"]
    of_legs = [name for name in MEASURES if name not in of_calls]
    yield list(MEASURES), []
    for name in TABLE_DIMENSIONS["calls"]:
        yield list(MEASURES), [name]
    for name in TABLE_DIMENSIONS["offers"]:
        yield of_legs, [name]
    yield list(MEASURES), ["weekday", "direction"]
    yield of_legs, ["trunk_name", "outcome", "in_hours"]


def assert_equal(
    run: Run,
    calls: Any,
    measures: Sequence[str],
    by: Sequence[str],
    options: MetricOptions,
    dialect: Dialect,
    *,
    publication: Publication,
) -> None:
    """Check that the rows, their order and their nulls are those of `summarize`, to 1e-9."""
    sql = measures_sql(measures, by, options, dialect, publication=publication)
    result = run(sql)
    expected = metrics.summarize(calls, by, measures, options=options)
    context = (dialect, by, options)
    assert result.columns == expected.columns, context
    assert result.height == expected.height, context
    for name in expected.columns:
        values = zip(result[name].to_list(), expected[name].to_list(), strict=True)
        for row, (value, known) in enumerate(values):
            assert _is_close(value, known), (context, name, row, value, known)


def _is_close(value: object, known: object) -> bool:
    if isinstance(known, float) and isinstance(value, float):
        return math.isclose(value, known, rel_tol=1e-9, abs_tol=1e-9)
    is_number = isinstance(known, int | float) and not isinstance(known, bool)
    return value == known and (not is_number or type(value) is type(known))


def _plain(table: pl.DataFrame) -> pl.DataFrame:
    """The table with texts; ClickHouse writes them as bytes."""
    return table.with_columns(pl.col(pl.Binary).cast(pl.String))
