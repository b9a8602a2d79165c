"""Reference measures by day, computed in SQL from the flat facts of an archive.

DuckDB reads the parquet files directly. Only their paths come from the package, and legs are not
read.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

MEASURES_BY_DAY = """
WITH calls AS (
    SELECT *,
        epoch_us(answered_at) - epoch_us(started_at) AS answer_us,
        epoch_us(ended_at) - epoch_us(started_at) AS whole_us
    FROM read_parquet($files, hive_partitioning => true, hive_types => {'local_day': DATE})
    WHERE state <> 'internal_twice'
),
waited AS (
    -- Not greatest(0, wait): greatest(0, NULL) is 0 here, so an unknown wait would be the shortest.
    SELECT *, CASE state WHEN 'answered' THEN answer_us WHEN 'missed' THEN whole_us END AS raw_us,
        CASE WHEN raw_us < 0 THEN 0 ELSE raw_us END AS wait_us
    FROM calls
)
SELECT
    local_day AS day,
    count(*) AS calls,
    count(*) FILTER (state IN ('answered', 'missed')) AS offered,
    count(*) FILTER (state = 'missed') AS missed,
    count(*) FILTER (state = 'running') AS running,
    count(*) FILTER (state = 'unknown') AS unknown,
    count(*) FILTER (state = 'answered')
        / nullif(count(*) FILTER (state IN ('answered', 'missed')), 0) AS answer_rate,
    avg(wait_us) FILTER (state = 'answered') / 1e6 AS asa_s,
    quantile_cont(wait_us::DOUBLE, 0.9) FILTER (state = 'answered') / 1e6 AS wait_p90_s,
    quantile_cont(wait_us::DOUBLE, 0.5) FILTER (state = 'answered') / 1e6 AS wait_p50_s,
    avg(duration) FILTER (state = 'answered') AS talk_avg_s,
    count(*) FILTER (state = 'answered' AND wait_us <= 20000000)
        / nullif(count(*) FILTER (state IN ('answered', 'missed') AND wait_us IS NOT NULL), 0)
        AS service_level
FROM waited
GROUP BY local_day
ORDER BY local_day
"""

NAMES = (
    "calls",
    "offered",
    "missed",
    "running",
    "unknown",
    "answer_rate",
    "asa_s",
    "wait_p90_s",
    "wait_p50_s",
    "talk_avg_s",
    "service_level",
)


def measures_by_day(files: Sequence[Path]) -> list[dict[str, Any]]:
    """One dictionary of measures per local day."""
    result = duckdb.connect().execute(MEASURES_BY_DAY, {"files": [str(path) for path in files]})
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def rows_of(files: Sequence[Path], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """These columns of all calls, sorted by id; times in microseconds since the epoch."""
    read = "read_parquet($files, hive_partitioning => true, hive_types => {'local_day': DATE})"
    # The columns are constants of the tests.
    query = f"SELECT {', '.join(columns)} FROM {read} ORDER BY id"
    return duckdb.connect().execute(query, {"files": [str(path) for path in files]}).fetchall()
