"""Engines that run a query over published tables, and the comparison with `summarize`."""

import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from etelecom_analytics.engines import Publication
from etelecom_analytics.engines.flat_tables import TABLE_DIMENSIONS, flat_tables
from etelecom_analytics.engines.publication import write_month
from etelecom_analytics.metrics import MEASURES, NAME_DIMENSIONS, MetricOptions
from etelecom_analytics.metrics.options import SERVICE_LEVEL_VARIANTS
from support.sail import sail_session

__all__ = [
    "ENGINES",
    "FREE",
    "HOURS",
    "LEVELS",
    "NO_TABLES",
    "Run",
    "assert_equal",
    "checks",
    "publish_calls",
]

HOURS = {"mon-fri": ("08:00", "17:30"), "sat": ("20:00", "03:00")}
FREE: dict[str, dict[str, Any]] = {
    "waits from the queue": {"wait_from": "queue"},
    "waits from the first ring": {"wait_from": "first_ring"},
    "thresholds at the edge": {"threshold_s": 4.0, "short_s": 3.0, "min_talk_s": 15.0},
    "thresholds with fractions": {"threshold_s": 2.000001, "short_s": 1.9999999},
    "no thresholds": {"threshold_s": 0, "short_s": 0, "min_talk_s": 0},
    "huge thresholds": {"threshold_s": 1e300, "short_s": 1e12, "min_talk_s": 1e18},
    "business hours": {"business_hours": HOURS, "holidays": ["2026-11-03"]},
    "holidays": {"holidays": ["2026-11-02", "2026-11-03"]},
    **{f"variant {each}": {"variant": each, "min_talk_s": 30.0} for each in SERVICE_LEVEL_VARIANTS},
}
"""Options that other queries over the same tables may have."""

LEVELS = (
    *("service_level", "answered_within", "abandoned_within", "short_abandoned", "wait_unknown"),
    *("abandon_rate_no_short", "asa_s", "wait_p90_s", "abandon_wait_s"),
)
"""The measures that these options change."""

NO_TABLES = {"calls": "no_calls", "offers": "no_offers", "legs": "no_legs"}
"""Tables without rows, which each engine knows too."""

DOCS = Path(__file__).parents[2] / "docs" / "sql.md"

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
        folder=folder,
        options=options,
        personal=personal,
        names=tuple(name for name in NAME_DIMENSIONS if name in calls.columns),
        rows=rows,
        months=("2026-11",),
    )
    publication.save()
    return publication


def statements(engine: str, publication: Publication) -> list[str]:
    """The statements of the documentation that make the tables known to an engine.

    And further ones for the tables without rows, `NO_TABLES`.
    """
    page = DOCS.read_text(encoding="utf-8")
    block = page.split(f"**{engine}**")[1].split("```sql\n")[1].split("```")[0]
    assert "/data/tables" in block
    text = block.replace("/data/tables", str(publication.folder))
    views = [statement.strip() for statement in text.split(";") if statement.strip()]
    create = views[0].split(" calls ")[0]
    for name, without_rows in NO_TABLES.items():
        views.append(f"{create} {without_rows} AS SELECT * FROM {name} WHERE 1 = 0")  # noqa: S608
    return views


@contextmanager
def duckdb(publication: Publication) -> Iterator[Run]:
    import duckdb

    with duckdb.connect() as connection:
        for statement in statements("DuckDB", publication):
            connection.execute(statement)
        yield lambda sql: pl.from_arrow(connection.sql(sql).to_arrow_table())  # type: ignore[misc]


@contextmanager
def clickhouse(publication: Publication) -> Iterator[Run]:
    from chdb import session

    with session.Session() as connection:
        for statement in statements("ClickHouse", publication):
            connection.query(statement)
        yield lambda sql: _plain(pl.read_ipc(io.BytesIO(connection.query(sql, "Arrow").bytes())))


@contextmanager
def spark(publication: Publication) -> Iterator[Run]:
    with sail_session() as session:
        for statement in statements("Spark", publication):
            session.sql(statement)
        yield lambda sql: pl.from_arrow(session.sql(sql).toArrow())  # type: ignore[return-value]


ENGINES = {"duckdb": duckdb, "clickhouse": clickhouse, "spark": spark}


def checks() -> Iterator[tuple[list[str], list[str]]]:
    """Measures and dimensions: all measures at once and by each dimension, and pairs of some.

    Busy offers, which take long, are only by the dimensions of offers, which include all.
    """
    of_calls = [name for name, each in MEASURES.items() if each.grain == "calls"]
    of_legs = [name for name in MEASURES if name not in of_calls]
    yield list(MEASURES), []
    for name in TABLE_DIMENSIONS["calls"]:
        yield [name for name in MEASURES if name != "busy_offers"], [name]
    for name in TABLE_DIMENSIONS["offers"]:
        yield of_legs, [name]
    yield list(MEASURES), ["weekday", "direction"]
    yield of_legs, ["trunk_name", "outcome", "in_hours"]


def assert_equal(result: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Check that columns, rows, their order and nulls are those of `summarize`, to 1e-9."""
    assert result.columns == expected.columns
    assert result.height == expected.height
    for name in expected.columns:
        values = zip(result[name].to_list(), expected[name].to_list(), strict=True)
        for row, (value, known) in enumerate(values):
            assert _is_close(value, known), (name, row, value, known)


def _is_close(value: object, known: object) -> bool:
    if isinstance(known, float) and isinstance(value, float):
        return math.isclose(value, known, rel_tol=1e-9, abs_tol=1e-9)
    is_number = isinstance(known, int | float) and not isinstance(known, bool)
    return value == known and (not is_number or type(value) is type(known))


def _plain(table: pl.DataFrame) -> pl.DataFrame:
    """The table with texts; ClickHouse writes them as bytes."""
    return table.with_columns(pl.col(pl.Binary).cast(pl.String))
