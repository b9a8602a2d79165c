"""SQL oracle for service levels, lost calls, hunt paths and data quality."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from support import sql_oracle as sql
from support.sql_oracle_tables import FOR_FACTS, FOR_OFFERS, create_tables, to_rows


def assert_agree(
    table: pl.DataFrame, oracle: Sequence[dict[str, Any]], names: Sequence[str]
) -> None:
    """Compare the columns of these names row by row, floats to 1e-9."""
    assert table.height == len(oracle)
    for row, expected in zip(table.to_dicts(), oracle, strict=True):
        for name in names:
            value, other = row[name], expected[name]
            pairs = zip(value, other, strict=True) if isinstance(value, list) else [(value, other)]
            for one, two in pairs:
                if isinstance(one, float) and two is not None:
                    is_close = math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9)
                    assert is_close, (name, row, expected)
                else:
                    assert one == two, (name, row, expected)


def service_levels(parquet: Path, **options: Any) -> list[dict[str, Any]]:
    """The variant, numerator, denominator and value of each service level, one row per variant."""
    facts = create_tables(parquet, FOR_FACTS, **options).table("facts")
    return [
        {"variant": variant, **row}
        for variant, (above, below) in sql.SERVICE_LEVELS.items()
        for row in to_rows(
            facts.aggregate(
                f"{above} AS numerator, {below} AS denominator, {sql._share(above, below)} AS value"
            )
        )
    ]


def lost_calls(parquet: Path, **options: Any) -> list[dict[str, Any]]:
    """The id and the stage of each missed call, in the order of the file."""
    tables = create_tables(parquet, FOR_FACTS, **options)
    return to_rows(
        tables.execute("""
        SELECT
            call_id AS id,
            CASE
                WHEN short THEN 'short'
                WHEN EXISTS (
                    FROM legs
                    WHERE legs.call_row = facts.call_row AND is_answered AND by_machine
                        AND abs(legs.ended_us - facts.ended_us) <= 2000000
                ) THEN 'in_ivr'
                WHEN EXISTS (
                    FROM legs
                    WHERE legs.call_row = facts.call_row AND rang AND NOT by_machine
                        AND abs(legs.ended_us - facts.ended_us) <= 2000000
                ) THEN 'ringing'
                WHEN NOT EXISTS (
                    FROM legs
                    WHERE legs.call_row = facts.call_row AND rang AND NOT by_machine
                ) THEN 'before_ringing'
                ELSE 'between_rings'
            END AS stage
        FROM facts
        WHERE missed
        ORDER BY call_row
    """)
    )


def hunt_paths(parquet: Path, limit: int, **options: Any) -> list[dict[str, Any]]:
    """The most frequent paths: path, calls, the counts of both ratios, answer_rate, lost_s."""
    tables = create_tables(parquet, FOR_OFFERS, **options)
    return to_rows(
        tables.execute(
            """
        WITH counting AS (
            SELECT
                call_row, target_index, over_at,
                coalesce(target_number, '?') AS number,
                offered_at AS at_us,
                outcome = 'answered' AS talks,
                CASE outcome WHEN 'answered' THEN answered_at END AS answer_us,
                row_number() OVER in_order AS nth,
                offered_at - lag(offered_at) OVER in_order <= 2000000 AS near
            FROM offers
            WHERE outcome <> 'in_progress' AND kind = 'person'
            WINDOW in_order AS (
                PARTITION BY call_row ORDER BY offered_at NULLS LAST, target_index
            )
        ),
        chained AS (
            SELECT
                *,
                count(*) FILTER (NOT coalesce(near, false))
                    OVER (PARTITION BY call_row ORDER BY nth) AS chain
            FROM counting
        ),
        opening AS (
            SELECT *, NOT EXISTS (
                FROM chained AS earlier
                WHERE earlier.call_row = chained.call_row AND earlier.chain = chained.chain
                    AND earlier.nth < chained.nth
                    -- An offer without an end rings forever.
                    AND coalesce(
                        CASE WHEN earlier.talks THEN earlier.answer_us ELSE earlier.over_at END
                            > chained.at_us,
                        true
                    )
            ) AS opens
            FROM chained
        ),
        numbered AS (
            SELECT
                *, count(*) FILTER (opens) OVER (PARTITION BY call_row ORDER BY nth) AS step_no
            FROM opening
        ),
        steps AS (
            SELECT
                call_row, step_no,
                array_to_string(list_sort(list(DISTINCT number)), '+') AS step,
                min(at_us) AS begin_us,
                bool_or(talks) AS talks,
                min(answer_us) AS answer_us,
                max(over_at) AS over_us
            FROM numbered
            GROUP BY call_row, step_no
        ),
        timed AS (
            SELECT *, CASE
                WHEN talks THEN answer_us
                WHEN step_no = max(step_no) OVER (PARTITION BY call_row) THEN over_us
                ELSE lead(begin_us) OVER (PARTITION BY call_row ORDER BY step_no)
            END - begin_us AS lost_us
            FROM steps
        ),
        paths AS (
            SELECT call_row, string_agg(step, ' > ' ORDER BY step_no) AS path
            FROM steps
            GROUP BY call_row
        ),
        counted AS (
            SELECT path, count(*) AS calls, count(*) FILTER (answered) AS answered
            FROM paths JOIN facts USING (call_row)
            WHERE offered
            GROUP BY path
        ),
        lost AS (
            SELECT path, list(mean_s ORDER BY step_no) AS lost_s
            FROM (
                SELECT
                    path, step_no,
                    avg(CASE WHEN lost_us < 0 THEN 0 ELSE lost_us END) / 1e6 AS mean_s
                FROM timed JOIN paths USING (call_row) JOIN facts USING (call_row)
                WHERE offered
                GROUP BY path, step_no
            )
            GROUP BY path
        )
        SELECT
            path, calls, sum(calls) OVER ()::BIGINT AS share_den, answered AS answer_rate_num,
            answered / calls AS answer_rate, lost_s
        FROM counted JOIN lost USING (path)
        ORDER BY calls DESC, path
        LIMIT $1
    """,
            [limit],
        )
    )


_KNOWN_TIMES = "list_filter([add_us, ring_us, answered_us, ended_us], lambda t: t IS NOT NULL)"
_QUALITY = {
    "duration_off": (
        "calls",
        """ended_us IS NOT NULL AND call_state = 'answered' AND duration IS NOT NULL
            AND answered_legs > 0 AND untimed = 0""",
        "abs(duration::BIGINT * 1000000 - talk_us) > 2000000",
    ),
    "duration_of_missed": (
        "calls",
        "ended_us IS NOT NULL AND call_state = 'not_answered'",
        "duration > 0",
    ),
    "answered_without_leg": (
        "calls",
        "ended_us IS NOT NULL AND call_state = 'answered'",
        "answered_legs IS NULL",
    ),
    "missed_with_answered_leg": (
        "calls",
        "ended_us IS NOT NULL AND call_state = 'not_answered'",
        "by_persons > 0",
    ),
    "call_ends_before_start": (
        "calls",
        "started_us IS NOT NULL AND ended_us IS NOT NULL",
        "ended_us < started_us",
    ),
    "same_id": (
        "calls",
        "true",
        "(SELECT count(*) FROM calls AS other WHERE other.call_id = checked.call_id) > 1",
    ),
    "twin_calls": (
        "calls",
        """direction IS NOT NULL AND caller IS NOT NULL AND callee IS NOT NULL
            AND started_us IS NOT NULL""",
        """EXISTS (
            FROM calls AS other
            WHERE other.direction = checked.direction AND other.caller = checked.caller
                AND other.callee = checked.callee AND other.started_us = checked.started_us
                AND other.call_id <> checked.call_id
        )""",
    ),
    "leg_times_backwards": (
        "legs",
        f"len({_KNOWN_TIMES}) > 1",
        f"{_KNOWN_TIMES} <> list_sort({_KNOWN_TIMES})",
    ),
    "two_calls_at_once": (
        "legs",
        """direction IN ('in', 'ext', 'ext_in') AND is_answered AND NOT by_machine
            AND target_number IS NOT NULL AND answered_us < ended_us""",
        """EXISTS (
            FROM legs AS other JOIN calls AS its USING (call_row)
            WHERE other.call_row <> checked.call_row
                AND other.target_number = checked.target_number AND other.is_answered
                AND its.direction IN ('in', 'ext', 'ext_in')
                AND other.raw_answered_us < other.raw_ended_us
                AND other.raw_answered_us < checked.ended_us
                AND checked.answered_us < other.raw_ended_us
        )""",
    ),
    "without_recording": ("facts", "answered", "NOT recorded"),
}
"""Each check of calls: its table, the rows that it applies to, and the condition that matches."""

_ROWS = {
    "calls": """
        SELECT
            calls.* REPLACE (raw_duration AS duration), answered_legs, by_persons, talk_us, untimed
        FROM calls LEFT JOIN (
            SELECT
                call_row,
                count(*) AS answered_legs,
                count(*) FILTER (NOT by_machine) AS by_persons,
                sum(raw_ended_us - raw_answered_us) AS talk_us,
                count(*) FILTER (raw_ended_us IS NULL OR raw_answered_us IS NULL) AS untimed
            FROM legs WHERE is_answered GROUP BY call_row
        ) USING (call_row)
    """,
    "legs": """
        SELECT * REPLACE (
            raw_add_us AS add_us, raw_ring_us AS ring_us, raw_answered_us AS answered_us,
            raw_ended_us AS ended_us
        )
        FROM legs
    """,
    "facts": "FROM facts",
}
"""Quality checks see times as they are, also those that measures read as null."""


def data_quality(parquet: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """The count, of, and up to five examples of each check of calls."""
    tables = create_tables(parquet, FOR_FACTS, **options)
    return {
        check: to_rows(
            tables.execute(f"""
            WITH checked AS ({_ROWS[rows]}),
            results AS (
                SELECT call_id, ({applies}) AS applies, coalesce({condition}, false) AS matches
                FROM checked
            )
            SELECT
                count(*) FILTER (applies AND matches) AS count,
                count(*) FILTER (applies) AS of,
                coalesce(list_sort(list(DISTINCT call_id) FILTER (applies AND matches))[:5], [])
                    AS examples
            FROM results
        """)
        )[0]
        for check, (rows, applies, condition) in _QUALITY.items()
    }
