"""SQL oracle for visits to queues."""

from pathlib import Path
from typing import Any

from support.sql_oracle_tables import FOR_FACTS, create_tables, to_rows

__all__ = ["queue_visits"]


def queue_visits(parquet: Path, **options: Any) -> list[dict[str, Any]]:
    """One row per call and uninterrupted stay in a queue; moments in epoch microseconds."""
    return to_rows(
        create_tables(parquet, FOR_FACTS, **options).execute("""
        WITH stays AS (
            SELECT call_row, call_id, target_number AS queue, at_us, ended_us, target_index,
                row_number() OVER in_order AS nth,
                target_number = lag(target_number) OVER in_order
                    AND at_us <= lag(ended_us) OVER in_order + 2000000 AS stays_on
            FROM leg_outcomes
            WHERE kind = 'queue' AND NOT twice
            WINDOW in_order AS (PARTITION BY call_row ORDER BY at_us NULLS LAST, target_index)
        ),
        visits AS (
            SELECT call_row, call_id, queue, visit, min(at_us) AS entered_us, max(ended_us)
                AS over_us
            FROM (
                SELECT *, count(*) FILTER (NOT coalesce(stays_on, false))
                    OVER (PARTITION BY call_row ORDER BY nth) AS visit
                FROM stays
            )
            GROUP BY ALL
        ),
        next_visits AS (
            SELECT *,
                lead(entered_us) OVER (PARTITION BY call_row ORDER BY visit) AS next_us,
                lead(visit) OVER (PARTITION BY call_row ORDER BY visit) IS NOT NULL AS is_left
            FROM visits
        ),
        answers AS (
            SELECT next_visits.*, abandoned, ended_by_pbx, (
                SELECT min(agent.answered_us)
                FROM legs AS agent
                WHERE agent.call_row = next_visits.call_row
                    AND agent.kind = 'person'
                    AND agent.is_answered
                    AND agent.answered_us >= entered_us
                    -- From then on, the caller waits in the next queue.
                    AND coalesce(agent.answered_us < next_us, true)
                    AND agent.answered_us <= over_us + 2000000
            ) AS answer_us
            FROM next_visits JOIN (
                SELECT call_row, abandoned, ended_by_pbx FROM facts
            ) AS facts USING (call_row)
        ),
        waits AS (
            SELECT *, coalesce(answer_us, over_us) - entered_us AS wait_us FROM answers
        )
        SELECT
            call_id, queue, entered_us AS entered_at,
            least(over_us, answer_us) AS left_at,
            CASE
                WHEN answer_us IS NOT NULL THEN 'answered'
                WHEN is_left THEN 'overflowed'
                WHEN abandoned THEN 'abandoned'
                WHEN ended_by_pbx THEN 'ended_by_pbx'
                ELSE 'unknown'
            END AS outcome,
            -- greatest(0, NULL) is 0 in DuckDB.
            CASE
                WHEN wait_us < 0 THEN 0
                WHEN wait_us <= getvariable('longest_us') THEN wait_us
            END / 1e6 AS wait_s
        FROM waits
        ORDER BY call_row, visit
    """)
    )
