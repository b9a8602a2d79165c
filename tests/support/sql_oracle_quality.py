"""Checks of times, recordings and sessions in SQL, from the rules in `docs/measures.md`."""

from pathlib import Path
from typing import Any

import duckdb

__all__ = ["data_quality"]

_CALLS = """
    CREATE TABLE calls AS
    SELECT
        row_number() OVER () AS call_row, id AS call_id, external_session_id AS session,
        call_state::VARCHAR AS state, epoch_us(started_at) AS started_us,
        epoch_us(ended_at) AS ended_us, duration, recording_urls, call_targets
    FROM read_parquet($1)
"""
_LEGS = """
    CREATE TABLE legs AS
    SELECT
        call_id, started_us, ended_us, leg.ring_duration AS ring,
        list_filter(
            [
                epoch_us(leg.add_time), epoch_us(leg.ring_time),
                epoch_us(leg.answered_time), epoch_us(leg.ended_time)
            ],
            lambda t: t IS NOT NULL
        ) AS times
    FROM (SELECT *, unnest(call_targets) AS leg FROM calls)
"""

_CHECKS = {
    "leg_outside_call": (
        "legs",
        "len(times) > 0 AND (started_us IS NOT NULL OR ended_us IS NOT NULL)",
        """coalesce(list_min(times) < started_us - 300000000, false)
            OR coalesce(list_max(times) > ended_us + 300000000, false)""",
    ),
    "call_too_long": (
        "calls",
        "started_us IS NOT NULL AND ended_us IS NOT NULL",
        "ended_us - started_us > $longest::DOUBLE * 1000000",
    ),
    "duration_above_call": (
        "calls",
        "duration IS NOT NULL AND started_us IS NOT NULL AND ended_us IS NOT NULL",
        "duration::BIGINT * 1000000 > ended_us - started_us + 300000000",
    ),
    "negative_seconds": (
        "rings",
        "duration IS NOT NULL OR shortest IS NOT NULL",
        "coalesce(duration < 0, false) OR coalesce(shortest < 0, false)",
    ),
    "missed_with_recording": (
        "calls",
        "ended_us IS NOT NULL AND state = 'not_answered'",
        "len(list_filter(recording_urls, lambda url: url <> '')) > 0",
    ),
    "contradicting_sessions": (
        "sessions",
        "ended_us IS NOT NULL AND session IS NOT NULL AND state IN ('answered', 'not_answered')",
        "contradicts",
    ),
}
_ROWS = {
    "calls": "FROM calls",
    "legs": "FROM legs",
    "rings": """
        SELECT *, list_min([leg.ring_duration FOR leg IN call_targets]) AS shortest FROM calls
    """,
    "sessions": """
        SELECT *, EXISTS (
            FROM calls AS one JOIN calls AS two USING (session)
            WHERE one.session = every.session AND one.state = 'answered'
                AND two.state = 'not_answered' AND one.ended_us IS NOT NULL
                AND two.ended_us IS NOT NULL
        ) AS contradicts
        FROM calls AS every
    """,
}


def data_quality(parquet: Path, *, longest_call_s: float = 43_200.0) -> dict[str, dict[str, Any]]:
    """The count, of, and up to five examples of each of these checks."""
    tables = duckdb.connect()
    tables.execute("SET TimeZone = 'UTC'")
    tables.execute(_CALLS, [str(parquet)])
    tables.execute(_LEGS)
    results = {}
    for check, (rows, applies, condition) in _CHECKS.items():
        condition = condition.replace("$longest", str(longest_call_s))
        count, of, examples = tables.execute(f"""
            WITH checked AS ({_ROWS[rows]}),
            results AS (
                SELECT call_id, ({applies}) AS applies, coalesce({condition}, false) AS matches
                FROM checked
            )
            SELECT
                count(*) FILTER (applies AND matches),
                count(*) FILTER (applies),
                coalesce(list_sort(list(DISTINCT call_id) FILTER (applies AND matches))[:5], [])
            FROM results
        """).fetchone() or (0, 0, [])
        results[check] = {"count": count, "of": of, "examples": examples}
    return results
