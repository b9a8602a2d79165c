"""A second opinion on what charts are drawn from, in SQL on the tables of `sql_oracle`, from their definitions alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sql_oracle as sql


def wait_bins(
    parquet: Path, width_s: int, last: int, *, ivr_numbers: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The bins that hold calls: group, from_s, calls. Bin n is (n * width, (n + 1) * width]; the first holds 0, the last the rest."""
    facts = sql._tables(parquet, (sql._CALLS, sql._LEGS, sql._FACTS), ivr_numbers).execute(
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
    return sql._rows(facts)


def erlangs_profile(parquet: Path) -> list[dict[str, Any]]:
    """The mean, the most and the number of the hours of each weekday and hour, of `sql_oracle.erlangs`."""
    hours: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in sql.erlangs(parquet):
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


def highest(parquet: Path, edges_us: Sequence[int], length_us: int) -> list[int]:
    """The most calls on the line at once in each stretch of this length: at its begin, and at each call's begin within it."""
    found = sql._tables(parquet, (sql._CALLS,)).execute(
        """
        WITH held AS (SELECT started_us, ended_us FROM calls WHERE ended_us > started_us),
        edges AS (SELECT unnest(?::BIGINT[]) AS edge),
        moments AS (
            SELECT edge, edge AS moment FROM edges
            UNION ALL SELECT edge, started_us FROM edges JOIN held ON started_us >= edge AND started_us < edge + ?
        ),
        levels AS (
            SELECT edge, moment, count(started_us) AS level
            FROM (SELECT DISTINCT edge, moment FROM moments) LEFT JOIN held ON started_us <= moment AND ended_us > moment
            GROUP BY edge, moment
        )
        SELECT max(level) AS calls FROM levels GROUP BY edge ORDER BY edge
        """,
        [list(edges_us), length_us],
    )
    return [row["calls"] for row in sql._rows(found)]
