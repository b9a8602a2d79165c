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
            SELECT call_row, call_id, queue, visit, min(at_us) AS entered_us, max(ended_us) AS over_us
            FROM (
                SELECT *, count(*) FILTER (NOT coalesce(stays_on, false))
                    OVER (PARTITION BY call_row ORDER BY nth) AS visit
                FROM stays
            )
            GROUP BY ALL
        ),
        answers AS (
            SELECT visits.*, (
                SELECT min(person.answered_us)
                FROM legs AS person
                WHERE person.call_row = visits.call_row AND person.kind = 'person'
                    AND person.is_answered
                    AND person.answered_us >= entered_us
                    AND person.answered_us <= over_us + 2000000
            ) AS answer_us,
            lead(entered_us) OVER (PARTITION BY call_row ORDER BY visit) AS next_us
            FROM visits
        )
        SELECT
            answers.call_id, answers.queue, entered_us AS entered_at,
            least(over_us, answer_us) AS left_at,
            CASE
                WHEN answer_us IS NOT NULL THEN 'answered'
                WHEN next_us IS NOT NULL THEN 'overflowed'
                WHEN abandoned THEN 'abandoned'
                WHEN ended_by_pbx THEN 'ended_by_pbx'
                ELSE 'unknown'
            END AS outcome,
            greatest(0, coalesce(answer_us, over_us) - entered_us) / 1e6 AS wait_s
        FROM answers JOIN facts USING (call_row)
        ORDER BY call_row, visit
    """)
    )
