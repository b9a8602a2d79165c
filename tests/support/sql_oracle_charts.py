"""SQL oracle for the tables behind charts: wait bins, Erlang profiles and concurrency peaks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support import sql_oracle as sql
from support.sql_oracle_tables import CALLS, FOR_FACTS, create_tables, to_rows


def wait_bins(parquet: Path, width_s: int, last: int, **options: Any) -> list[dict[str, Any]]:
    """The bins that are not empty: group, from_s, calls.

    Bin n is (n * width, (n + 1) * width]. The first includes 0, and the last has no end.
    """
    result = create_tables(parquet, FOR_FACTS, **options).execute(
        """
        SELECT
            CASE WHEN answered THEN 'answered' ELSE 'missed' END AS group,
            (? * least(greatest((wait_us - 1) // (? * 1000000), 0), ?))::BIGINT AS from_s,
            count(*) AS calls
        FROM facts
        WHERE wait_us IS NOT NULL
        GROUP BY ALL
        ORDER BY 1, 2
        """,
        [width_s, width_s, last],
    )
    return to_rows(result)


def erlangs_profile(parquet: Path, **options: Any) -> list[dict[str, Any]]:
    """The statistics of `sql_oracle.erlangs` for each weekday and hour."""
    hours: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in sql.erlangs(parquet, **options):
        hours.setdefault((row["day"].isoweekday(), row["hour"]), []).append(row)
    return [
        {
            "weekday": weekday,
            "hour": hour,
            "hours": len(rows),
            "erlangs": sum(row["erlangs"] for row in rows) / len(rows),
            "peak": max(row["erlangs"] for row in rows),
            "calls": sum(row["calls"] for row in rows) / len(rows),
        }
        for (weekday, hour), rows in sorted(hours.items())
    ]


def concurrency_peaks(
    parquet: Path, edges_us: Sequence[int], length_us: int, **options: Any
) -> list[int]:
    """The highest number of calls at once in each interval of this length.

    It occurs at the begin of the interval or at the begin of a call in it.
    """
    result = create_tables(parquet, (CALLS,), **options).execute(
        f"""
        WITH lines AS (SELECT started_us, ended_us FROM calls WHERE {sql.LINES}),
        edges AS (SELECT unnest(?::BIGINT[]) AS edge),
        moments AS (
            SELECT edge, edge AS moment FROM edges
            UNION ALL
            SELECT edge, started_us
            FROM edges JOIN lines ON started_us >= edge AND started_us < edge + ?
        ),
        levels AS (
            SELECT edge, moment, count(started_us) AS level
            FROM (SELECT DISTINCT edge, moment FROM moments)
            LEFT JOIN lines ON started_us <= moment AND ended_us > moment
            GROUP BY edge, moment
        )
        SELECT max(level) AS calls FROM levels GROUP BY edge ORDER BY edge
        """,
        [list(edges_us), length_us],
    )
    return [row["calls"] for row in to_rows(result)]
