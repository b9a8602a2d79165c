"""SQL oracle for the outbound desk: customers, attempts until contact, and answer rates."""

from pathlib import Path
from typing import Any

from support.sql_oracle_tables import FOR_FACTS, create_tables, to_rows

__all__ = ["outbound_answer_rate", "outbound_attempts", "outbound_customers"]

_CARRIERS = {
    "mobifone": "089 090 093 070 076 077 078 079",
    "vinaphone": "088 091 094 081 082 083 084 085",
    "viettel": "086 096 097 098 032 033 034 035 036 037 038 039",
}
_CARRIER = " ".join(
    f"WHEN len(number) = 10 AND left(number, 3) IN ({', '.join(map(repr, prefixes.split()))}) "
    f"THEN '{name}'"
    for name, prefixes in _CARRIERS.items()
)

_ATTEMPTS = rf"""
CREATE OR REPLACE TABLE attempts AS
WITH outs AS (
    SELECT *, callee AS number FROM facts
    WHERE direction = 'out'
        AND (getvariable('as_of') IS NULL OR started_us <= getvariable('as_of'))
),
judged AS (
    SELECT *, offered AND started_us IS NOT NULL
        AND regexp_full_match(coalesce(number, ''), '\+?[0-9]{{8,}}')
        AND NOT listed(number, getvariable('ivr_numbers') || getvariable('queue_numbers')
            || getvariable('voicemail_numbers') || getvariable('agent_numbers'))
        AND NOT (missed AND session <> '' AND EXISTS (
            FROM outs AS other
            WHERE other.session = outs.session AND other.callee = outs.callee
                AND other.answered AND other.started_us IS NOT NULL
        ) IS TRUE) AS is_attempt
    FROM outs
)
SELECT
    *, CASE {_CARRIER} ELSE 'other' END AS carrier,
    CASE
        WHEN regexp_full_match(number, '0[3-9]\d{{8}}') THEN left(number, 3)
        WHEN regexp_full_match(number, '02[48]\d{{7,8}}') THEN left(number, 3)
        WHEN regexp_full_match(number, '02\d{{9,10}}') THEN left(number, 4)
        WHEN regexp_full_match(number, '1[89]00\d{{4,6}}') THEN left(number, 4)
    END AS prefix,
    row_number() OVER (PARTITION BY is_attempt IS TRUE, number ORDER BY started_us, call_id) AS nth
FROM judged
"""

_CUSTOMERS = """
WITH customers AS (
    SELECT
        number, arg_min({by}, nth) AS key, count(*) AS attempts,
        min(nth) FILTER (answered) AS reached_at, max(nth) AS last
    FROM attempts WHERE is_attempt GROUP BY number
)
"""


def outbound_customers(parquet: Path, by: str = "NULL", **options: Any) -> list[dict[str, Any]]:
    """Customers by the group of their first attempt, without the intervals."""
    return to_rows(
        create_tables(parquet, (*FOR_FACTS, _ATTEMPTS), **options).execute(f"""
        {_CUSTOMERS.format(by=f"coalesce({by}::VARCHAR, '-')")},
        others AS (
            SELECT coalesce({by}::VARCHAR, '-') AS key, count(*) AS left_out
            FROM attempts WHERE is_attempt IS NOT TRUE GROUP BY key
        ),
        counts AS (
            SELECT
                key, count(*) AS customers, count(reached_at) AS reached,
                sum(attempts)::BIGINT AS attempts,
                count(*) FILTER (reached_at = 1) AS first_attempt_rate_num
            FROM customers GROUP BY key
        )
        SELECT
            key, coalesce(customers, 0) AS customers, coalesce(reached, 0) AS reached,
            coalesce(customers - reached, 0) AS never_reached, coalesce(attempts, 0) AS attempts,
            attempts / customers AS attempts_per_customer,
            coalesce(first_attempt_rate_num, 0) AS first_attempt_rate_num,
            coalesce(left_out, 0) AS left_out
        FROM counts FULL JOIN others USING (key) ORDER BY key
    """)
    )


def outbound_attempts(parquet: Path, **options: Any) -> list[dict[str, Any]]:
    """At risk, events and censored customers after each number of attempts."""
    return to_rows(
        create_tables(parquet, (*FOR_FACTS, _ATTEMPTS), **options).execute(f"""
        {_CUSTOMERS.format(by="NULL")}
        SELECT
            n AS attempts,
            (SELECT count(*) FROM customers WHERE coalesce(reached_at, last) >= n) AS at_risk,
            (SELECT count(*) FROM customers WHERE reached_at = n) AS events,
            (SELECT count(*) FROM customers WHERE reached_at IS NULL AND last = n) AS censored
        FROM (
            SELECT 0 AS n UNION SELECT coalesce(reached_at, last) FROM customers
        ) ORDER BY n
    """)
    )


def outbound_answer_rate(parquet: Path, by: str, **options: Any) -> list[dict[str, Any]]:
    """Answered attempts, all attempts and customers per group, without the intervals."""
    return to_rows(
        create_tables(parquet, (*FOR_FACTS, _ATTEMPTS), **options).execute(f"""
        SELECT
            coalesce({by}::VARCHAR, '-') AS key, count(DISTINCT number) AS customers,
            count(*) FILTER (answered) / count(*) AS answer_rate,
            count(*) FILTER (answered) AS answer_rate_num, count(*) AS answer_rate_den
        FROM attempts WHERE is_attempt GROUP BY key ORDER BY key
    """)
    )
