"""SQL oracle for unique callers, and for the hours and days of agents."""

from pathlib import Path
from typing import Any

from support.sql_oracle_metrics import _CALLER_CALLS
from support.sql_oracle_tables import FOR_FACTS, FOR_OFFERS, create_tables, to_rows

__all__ = ["agent_days", "agent_hours", "caller_summary"]


def caller_summary(parquet: Path, by: str = "NULL", **options: Any) -> list[dict[str, Any]]:
    """Callers with offered inbound calls, one row per group, without the intervals."""
    return to_rows(
        create_tables(parquet, (*FOR_FACTS, _CALLER_CALLS), **options).execute(f"""
        WITH ranked AS (
            SELECT {by} AS key, number, answered OR coalesce(resumed, false) AS ok,
                rank() OVER (PARTITION BY {by}, number ORDER BY started_us) AS nth
            FROM caller_calls WHERE direction = 'in' AND offered
        ),
        callers AS (
            SELECT key, number, count(*) AS calls, bool_or(ok) AS ever,
                bool_or(ok AND nth = 1) AS at_once
            FROM ranked GROUP BY key, number
        )
        SELECT key, count(*) AS callers, sum(calls)::BIGINT AS calls,
            count(*) FILTER (at_once) AS first_attempt_answer_rate_num,
            count(*) FILTER (NOT ever) AS never_answered_rate_num
        FROM callers GROUP BY key ORDER BY key NULLS LAST
    """)
    )


_ANSWERS = """
CREATE OR REPLACE TABLE answers AS
WITH begun AS (
    SELECT target_number AS agent, coalesce(answered_at, offered_at) AS begin_us, over_at
    FROM offers WHERE outcome = 'answered' AND kind = 'person'
)
SELECT
    agent, begin_us,
    CASE WHEN over_at - begin_us BETWEEN 0 AND getvariable('longest_us') THEN over_at
        ELSE begin_us END AS end_us,
    make_timestamp(begin_us + 25200000000)::DATE AS day,
    hour(make_timestamp(begin_us + 25200000000)) AS hour
FROM begun WHERE agent IS NOT NULL AND begin_us IS NOT NULL
"""


def agent_hours(parquet: Path, **options: Any) -> list[dict[str, Any]]:
    """Answered offers by agent, day and hour."""
    return to_rows(
        create_tables(parquet, (*FOR_OFFERS, _ANSWERS), **options).execute("""
        SELECT agent, day, hour, count(*) AS calls FROM answers GROUP BY ALL ORDER BY ALL
    """)
    )


def agent_days(parquet: Path, **options: Any) -> list[dict[str, Any]]:
    """The first and last answer of a day, and the longest time without a call between them."""
    return to_rows(
        create_tables(parquet, (*FOR_OFFERS, _ANSWERS), **options).execute("""
        WITH gaps AS (
            SELECT *, begin_us - max(end_us) OVER (
                PARTITION BY agent, day ORDER BY begin_us, end_us
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS gap_us
            FROM answers
        )
        SELECT agent, day, count(*) AS calls, min(begin_us) AS first_call_at,
            max(begin_us) AS last_call_at,
            CASE WHEN count(*) > 1 THEN greatest(0, max(gap_us)) / 1e6 END AS longest_gap_s,
            count(DISTINCT hour) AS active_hours, count(*) / count(DISTINCT hour) AS calls_per_hour
        FROM gaps GROUP BY agent, day ORDER BY agent, day
    """)
    )
