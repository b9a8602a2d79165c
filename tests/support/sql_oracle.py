"""The measures of calls, offers and trunk legs in SQL, written independently from the definitions.

Nothing here uses the package's metrics, and it was written without them: where both engines agree,
the value follows from the definitions. It reads a `calls.parquet` with the columns of
`schema.CALL_SCHEMA`. All times are integer microseconds; local time is UTC+7, the offset of
Asia/Ho_Chi_Minh since 1975.

Rows are dictionaries; a row of a group has the value of the dimension under its name. A group
without counted offers (all of them running, or to `ivr_numbers`) has no row in `offer_measures`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from etelecom_analytics import schema

OpenSpan = tuple[int, str, str]
"""Weekday (1 = Monday), begin and end (exclusive) of opening hours, as "HH:MM"."""

CALL_DIMENSIONS = (
    "hour", "quarter_hour", "weekday", "day", "week", "month", "in_hours",
    "direction", "call_state", "call_status", "extension_id", "user_id", "caller", "callee",
)  # fmt: skip
OFFER_DIMENSIONS = (*CALL_DIMENSIONS, "target_number", "trunk_name", "outcome", "fail_code")

# Legs are joined to calls by file_row_number, not id: a repeated id would multiply them.
_CALLS = """
CREATE OR REPLACE TABLE calls AS
WITH local AS (
    SELECT *, make_timestamp(epoch_us(started_at) + 25200000000) AS local_start
    FROM read_parquet(getvariable('parquet'), file_row_number => true)
)
SELECT
    file_row_number AS call_row,
    id AS call_id,
    epoch_us(started_at) AS started_us,
    epoch_us(ended_at) AS ended_us,
    duration,
    -- An empty link is not a recording.
    coalesce(len(list_filter(recording_urls, lambda link: coalesce(link, '') <> '')), 0) > 0
        AS recorded,
    call_targets,
    hour(local_start) AS hour,
    hour(local_start) * 4 + minute(local_start) // 15 AS quarter_hour,
    isodow(local_start) AS weekday,
    local_start::DATE AS day,
    date_trunc('week', local_start)::DATE AS week,
    date_trunc('month', local_start)::DATE AS month,
    CASE
        WHEN started_at IS NULL THEN NULL
        WHEN list_contains(getvariable('holidays'), local_start::DATE) THEN false
        WHEN getvariable('open_spans') IS NULL THEN true
        -- [weekday, begin, end) in seconds of the day; the last microsecond before the end is
        -- inside.
        ELSE len(list_filter(
            getvariable('open_spans'),
            lambda span: span[1] = isodow(local_start)
                AND span[2] * 1000000 <= epoch_us(local_start) - epoch_us(date_trunc('day',
                    local_start))
                AND epoch_us(local_start) - epoch_us(date_trunc('day',
                    local_start)) < span[3] * 1000000
        )) > 0
    END AS in_hours,
    direction::VARCHAR AS direction,
    call_state::VARCHAR AS call_state,
    call_status::VARCHAR AS call_status,
    extension_id, user_id, caller, callee
FROM local
"""

_LEGS = """
CREATE OR REPLACE TABLE legs AS
WITH exploded AS (
    SELECT
        call_row, call_id,
        ended_us AS call_ended_us,
        i::INTEGER AS target_index,
        call_targets[i + 1] AS leg
    FROM calls, LATERAL (SELECT unnest(range(coalesce(len(call_targets), 0))) AS i)
)
SELECT
    call_row, call_id, call_ended_us, target_index,
    leg.target_number AS target_number,
    epoch_us(leg.add_time) AS add_us,
    epoch_us(leg.ring_time) AS ring_us,
    epoch_us(leg.answered_time) AS answered_us,
    epoch_us(leg.ended_time) AS ended_us,
    leg.ring_duration AS ring_duration,
    leg.fail_code AS fail_code,
    leg.trunk_name AS trunk_name,
    lower(leg.end_reason) AS end_reason,
    leg.answered_time IS NOT NULL OR coalesce(upper(leg.status) = 'ANSWERED', false) AS is_answered,
    leg.ring_time IS NOT NULL OR coalesce(leg.ring_duration > 0, false) AS rang,
    -- A null number is not in the list; `x IN (...)` would be null for it.
    coalesce(list_contains(getvariable('ivr_numbers'), leg.target_number), false) AS to_ivr
FROM exploded
"""

# The first WHEN that is true gives the outcome. A comparison with null is null, so not true, as in
# the definitions.
_OUTCOMES = """
CREATE OR REPLACE TABLE leg_outcomes AS
SELECT
    legs.*,
    CASE
        WHEN call_ended_us IS NULL THEN 'in_progress'
        WHEN is_answered THEN 'answered'
        WHEN fail_code IN (486, 600, 603) THEN 'busy_or_rejected'
        WHEN fail_code BETWEEN 500 AND 599 THEN 'network'
        WHEN fail_code = 408 AND NOT rang THEN 'network'
        WHEN fail_code IN (404, 410, 480, 484, 604) AND NOT rang THEN 'unreachable'
        WHEN EXISTS (
            SELECT 1
            FROM legs AS other
            WHERE other.call_row = legs.call_row
                AND other.target_index <> legs.target_index
                AND other.is_answered
                AND NOT other.to_ivr
                AND legs.add_us <= other.answered_us
                AND other.answered_us <= legs.ended_us + 2000000
                AND other.add_us < legs.ended_us
        ) THEN 'answered_elsewhere'
        WHEN (
            fail_code = 487
            -- Not LIKE, whose underscore matches any character.
            OR starts_with(end_reason, 'caller_disconnect')
            OR end_reason IN ('cancelled', 'canceled')
        ) AND ended_us >= call_ended_us - 2000000 THEN 'caller_gave_up'
        WHEN rang THEN 'rna_timeout'
        ELSE 'other'
    END AS outcome
FROM legs
"""

_OFFERS = """
CREATE OR REPLACE TABLE offers AS
WITH timed AS (
    SELECT *, coalesce(add_us, ring_us, answered_us) AS t
    FROM leg_outcomes
),
stepped AS (
    SELECT *, t - lag(t) OVER (PARTITION BY call_row, target_number ORDER BY t NULLS LAST,
        target_index) AS gap_us
    FROM timed
),
numbered AS (
    SELECT
        *,
        -- The first leg has no gap. Legs without a time are last in their partition: each starts an
        -- offer and splits no chain. Null numbers share a partition, in which every leg starts one.
        count(*) FILTER (target_number IS NULL OR gap_us IS NULL OR gap_us > 2000000) OVER (
            PARTITION BY call_row, target_number ORDER BY t NULLS LAST,
                target_index ROWS UNBOUNDED PRECEDING
        ) AS offer_no
    FROM stepped
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY call_row, target_number, offer_no ORDER BY t NULLS LAST, target_index
        ) AS nth,
        row_number() OVER (
            PARTITION BY call_row, target_number, offer_no
            ORDER BY
                list_position(
                    ['answered', 'answered_elsewhere', 'busy_or_rejected', 'caller_gave_up',
                        'rna_timeout',
                     'unreachable', 'network', 'other', 'in_progress'],
                    outcome
                ),
                t NULLS LAST, target_index
        ) AS best
    FROM numbered
),
grouped_legs AS (
    SELECT
        call_row, call_id, target_number, to_ivr,
        max(target_index) FILTER (nth = 1) AS target_index,
        max(outcome) FILTER (best = 1) AS outcome,
        min(t) AS offered_at,
        min(answered_us) FILTER (is_answered) AS answered_at,
        max(ended_us) AS over_at,
        max(ring_duration) FILTER (rang) AS ring_s,
        sum(ended_us - answered_us) FILTER (is_answered) / 1e6 AS talk_s,
        max(trunk_name) FILTER (best = 1) AS trunk_name,
        max(fail_code) FILTER (best = 1) AS fail_code,
        count(*) AS legs
    FROM ranked
    GROUP BY call_row, call_id, target_number, to_ivr, offer_no
)
SELECT
    grouped_legs.*,
    EXISTS (
        SELECT 1
        FROM legs AS other
        WHERE other.call_row <> grouped_legs.call_row
            AND other.target_number = grouped_legs.target_number
            AND other.is_answered
            AND other.answered_us <= grouped_legs.offered_at
            AND grouped_legs.offered_at < other.ended_us
    ) AS busy,
    dimensions.* EXCLUDE (call_row)
FROM grouped_legs
JOIN (
    SELECT
        call_row, hour, quarter_hour, weekday, day, week, month, in_hours, direction, call_state,
            call_status,
        extension_id, user_id, caller, callee
    FROM calls
) AS dimensions USING (call_row)
"""

_TRUNK_LEGS = """
CREATE OR REPLACE TABLE trunk_legs AS
SELECT
    outcome, is_answered, fail_code, trunk_name, target_number, add_us, ring_us,
    hour, quarter_hour, weekday, day, week, month, in_hours, direction, call_state, call_status,
        extension_id, user_id, caller, callee
FROM leg_outcomes
JOIN calls USING (call_row)
WHERE trunk_name IS NOT NULL AND calls.ended_us IS NOT NULL
"""

_FACTS = """
CREATE OR REPLACE TABLE facts AS
WITH of_legs AS (
    SELECT
        call_row,
        count(*) FILTER (NOT to_ivr) AS person_legs,
        count(*) FILTER (is_answered) AS answered_legs,
        count(*) FILTER (is_answered AND NOT to_ivr) AS person_answered_legs,
        min(answered_us) FILTER (is_answered AND NOT to_ivr) AS first_answer_us,
        min(coalesce(ring_us, add_us)) FILTER (NOT to_ivr) AS first_person_ring_us,
        min(coalesce(ring_us, add_us)) AS first_ring_us,
        sum(ended_us - answered_us) FILTER (is_answered AND NOT to_ivr) AS agent_talk_us
    FROM legs
    GROUP BY call_row
),
states AS (
    SELECT
        calls.*, agent_talk_us, first_answer_us,
        CASE
            WHEN ended_us IS NULL THEN 'running'
            WHEN call_state = 'answered' AND answered_legs > 0 AND person_answered_legs = 0
                THEN 'missed'
            WHEN call_state = 'answered' THEN 'answered'
            WHEN call_state = 'not_answered' THEN 'missed'
            ELSE 'unknown'
        END AS kind,
        CASE
            WHEN getvariable('wait_from') = 'started_at' THEN started_us
            -- Legs to ivr_numbers count only if there are no other legs, not if the others have
            -- no times.
            WHEN person_legs > 0 THEN first_person_ring_us
            ELSE first_ring_us
        END AS wait_start_us
    FROM calls
    LEFT JOIN of_legs USING (call_row)
),
waited AS (
    SELECT
        *,
        CASE kind WHEN 'answered' THEN first_answer_us WHEN 'missed' THEN ended_us
            END - wait_start_us AS raw_wait_us
    FROM states
)
SELECT
    *,
    -- greatest(0, NULL) is 0 in DuckDB, but an unknown wait must stay unknown.
    CASE WHEN raw_wait_us < 0 THEN 0 ELSE raw_wait_us END AS wait_us,
    kind = 'answered' AS answered,
    kind = 'missed' AS missed,
    kind IN ('answered', 'missed') AS offered,
    coalesce(kind = 'missed' AND wait_us < getvariable('short_us'), false) AS short,
    coalesce(wait_us <= getvariable('threshold_us'), false) AS in_time,
    coalesce(duration >= getvariable('min_talk_s'), false) AS talked
FROM waited
"""

# a, q, s as in the definitions: only calls of known wait.
_A = "count(*) FILTER (answered AND wait_us IS NOT NULL)"
_A_IN_TIME = "count(*) FILTER (answered AND in_time)"
_Q = "count(*) FILTER (missed AND wait_us IS NOT NULL)"
_Q_IN_TIME = "count(*) FILTER (missed AND in_time)"
_S = "count(*) FILTER (short)"

SERVICE_LEVELS: Mapping[str, tuple[str, str]] = {
    "offered": (_A_IN_TIME, f"{_A} + {_Q}"),
    "no_short": (_A_IN_TIME, f"{_A} + {_Q} - {_S}"),
    "answered_only": (_A_IN_TIME, _A),
    "abandon_positive": (f"{_A_IN_TIME} + {_Q_IN_TIME}", f"{_A} + {_Q}"),
    "abandon_neutral": (_A_IN_TIME, f"{_A} + {_Q} - {_Q_IN_TIME}"),
    "min_talk": (
        "count(*) FILTER (answered AND in_time AND talked)",
        f"count(*) FILTER (answered AND wait_us IS NOT NULL AND talked) + {_Q}",
    ),
}
"""The numerator and denominator of each variant."""


def _share(numerator: str, denominator: str) -> str:
    return f"({numerator}) / nullif({denominator}, 0)"


_CALL_MEASURES = {
    "calls": "count(*)",
    "offered": "count(*) FILTER (offered)",
    "answered": "count(*) FILTER (answered)",
    "missed": "count(*) FILTER (missed)",
    "short_abandoned": _S,
    "unknown": "count(*) FILTER (kind = 'unknown')",
    "running": "count(*) FILTER (kind = 'running')",
    "wait_unknown": "count(*) FILTER (offered AND wait_us IS NULL)",
    "answer_rate": _share("count(*) FILTER (answered)", "count(*) FILTER (offered)"),
    "abandon_rate": _share("count(*) FILTER (missed)", "count(*) FILTER (offered)"),
    "abandon_rate_no_short": _share(
        f"count(*) FILTER (missed) - {_S}", f"count(*) FILTER (offered) - {_S}"
    ),
    "asa_s": "avg(wait_us) FILTER (answered) / 1e6",
    "wait_p50_s": "quantile_cont(wait_us::DOUBLE, 0.5) FILTER (answered) / 1e6",
    "wait_p90_s": "quantile_cont(wait_us::DOUBLE, 0.9) FILTER (answered) / 1e6",
    "abandon_wait_s": "avg(wait_us) FILTER (missed) / 1e6",
    "talk_s": "coalesce(sum(duration) FILTER (answered), 0)::BIGINT",
    "talk_avg_s": "avg(duration) FILTER (answered)",
    "talk_p50_s": "quantile_cont(duration::DOUBLE, 0.5) FILTER (answered)",
    "talk_p90_s": "quantile_cont(duration::DOUBLE, 0.9) FILTER (answered)",
    "agent_talk_s": "coalesce(sum(agent_talk_us) FILTER (answered), 0) / 1e6",
    "agent_talk_avg_s": "avg(agent_talk_us) FILTER (answered) / 1e6",
    "recording_coverage": _share(
        "count(*) FILTER (answered AND recorded)", "count(*) FILTER (answered)"
    ),
}

_OFFER_MEASURES = {
    "offers": "count(*)",
    "answered_offers": "count(*) FILTER (outcome = 'answered')",
    "rna": "count(*) FILTER (outcome = 'rna_timeout')",
    "busy_offers": "count(*) FILTER (busy)",
    "offer_answer_rate": _share("count(*) FILTER (outcome = 'answered')", "count(*)"),
    "fair_answer_rate": _share(
        "count(*) FILTER (outcome = 'answered')",
        "count(*) FILTER (outcome NOT IN ('answered_elsewhere', 'caller_gave_up'))",
    ),
    "rna_rate": _share(
        "count(*) FILTER (outcome = 'rna_timeout')",
        "count(*) FILTER (outcome IN ('answered', 'busy_or_rejected', 'rna_timeout'))",
    ),
    # ring_s is null without a ring, and aggregates ignore nulls.
    "ring_avg_s": "avg(ring_s)",
    "ring_p50_s": "quantile_cont(ring_s::DOUBLE, 0.5)",
    "ring_p90_s": "quantile_cont(ring_s::DOUBLE, 0.9)",
    "ring_wasted_s": "coalesce(sum(ring_s) FILTER (outcome = 'rna_timeout'), 0)::DOUBLE",
    "leg_talk_s": "coalesce(sum(talk_s), 0)",
}

_LEG_MEASURES = {
    "trunk_legs": "count(*)",
    "asr": _share("count(*) FILTER (is_answered)", "count(*)"),
    "ner": _share(
        "count(*) FILTER (outcome IN ('answered', 'busy_or_rejected', 'caller_gave_up',"
        " 'rna_timeout', 'answered_elsewhere')"
        " OR outcome = 'unreachable' AND fail_code = 480)",
        "count(*)",
    ),
    "post_dial_delay_avg_s": "avg(ring_us - add_us) FILTER (ring_us >= add_us) / 1e6",
    "post_dial_delay_p90_s": (
        "quantile_cont((ring_us - add_us)::DOUBLE, 0.9) FILTER (ring_us >= add_us) / 1e6"
    ),
}

CALL_MEASURES = (*_CALL_MEASURES, "service_level")
OFFER_MEASURES = tuple(_OFFER_MEASURES)
LEG_MEASURES = tuple(_LEG_MEASURES)


def call_measures(
    parquet: Path,
    by: str | None = None,
    *,
    wait_from: str = "started_at",
    threshold_s: float = 20,
    variant: str = "offered",
    short_s: float = 5,
    min_talk_s: float = 10,
    ivr_numbers: Sequence[str] = (),
    business_hours: Sequence[OpenSpan] | None = None,
    holidays: Sequence[date] = (),
) -> list[dict[str, Any]]:
    """All call measures, one row per value of `by`, or one row for all calls."""
    tables = _tables(
        parquet,
        (_CALLS, _LEGS, _FACTS),
        ivr_numbers,
        wait_from=wait_from,
        threshold_s=threshold_s,
        short_s=short_s,
        min_talk_s=min_talk_s,
        business_hours=business_hours,
        holidays=holidays,
    )
    measures = _CALL_MEASURES | {"service_level": _share(*SERVICE_LEVELS[variant])}
    return _grouped(tables.table("facts"), by, CALL_DIMENSIONS, measures)


def offer_measures(
    parquet: Path,
    by: str | None = None,
    *,
    ivr_numbers: Sequence[str] = (),
    business_hours: Sequence[OpenSpan] | None = None,
    holidays: Sequence[date] = (),
) -> list[dict[str, Any]]:
    """All offer measures, one row per value of `by`, or one row for all offers."""
    offers = (
        _tables(parquet, _FOR_OFFERS, ivr_numbers, business_hours=business_hours, holidays=holidays)
        .table("offers")
        .filter("outcome <> 'in_progress' AND NOT to_ivr")
    )
    return _grouped(offers, by, OFFER_DIMENSIONS, _OFFER_MEASURES)


def leg_measures(
    parquet: Path,
    by: str | None = None,
    *,
    ivr_numbers: Sequence[str] = (),
    business_hours: Sequence[OpenSpan] | None = None,
    holidays: Sequence[date] = (),
) -> list[dict[str, Any]]:
    """All measures of trunk legs, one row per value of `by`, or one row for all legs."""
    legs = _tables(
        parquet,
        (*_FOR_OUTCOMES, _TRUNK_LEGS),
        ivr_numbers,
        business_hours=business_hours,
        holidays=holidays,
    ).table("trunk_legs")
    return _grouped(legs, by, OFFER_DIMENSIONS, _LEG_MEASURES)


def leg_outcomes(parquet: Path, ivr_numbers: Sequence[str] = ()) -> list[tuple[str, int, str]]:
    """(call_id, target_index, outcome) of every leg, in the order of the file."""
    return (
        _tables(parquet, _FOR_OUTCOMES, ivr_numbers)
        .execute(
            "SELECT call_id, target_index, outcome FROM leg_outcomes "
            "ORDER BY call_row, target_index"
        )
        .fetchall()
    )


def offers(parquet: Path, ivr_numbers: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One row per offer, also of running calls and IVRs; `offered_at` in epoch microseconds."""
    result = _tables(parquet, _FOR_OFFERS, ivr_numbers).execute("""
        SELECT
            call_id, target_index, target_number, outcome, offered_at, ring_s::DOUBLE AS ring_s,
                talk_s,
            trunk_name, fail_code, legs, busy
        FROM offers
        ORDER BY call_row, offered_at NULLS LAST, target_index
    """)
    return _rows(result)


def peak_concurrency(parquet: Path) -> tuple[int, int]:
    """The maximum of simultaneous calls, and its first moment in epoch microseconds."""
    result = (
        _tables(parquet, (_CALLS,))
        .execute("""
        WITH edges AS (
            SELECT started_us AS at_us, 1 AS step FROM calls WHERE ended_us > started_us
            UNION ALL
            SELECT ended_us, -1 FROM calls WHERE ended_us > started_us
        ),
        -- -1 sorts before 1: at a tie the end is first.
        lines AS (SELECT at_us, sum(step) OVER (ORDER BY at_us, step ROWS UNBOUNDED PRECEDING)
            AS busy FROM edges)
        SELECT busy::BIGINT, at_us FROM lines ORDER BY busy DESC, at_us LIMIT 1
    """)
        .fetchone()
    )
    return result or (0, 0)


def erlangs(parquet: Path) -> list[dict[str, Any]]:
    """The Erlangs of each local hour of the days with calls: day, hour, erlangs, calls."""
    result = _tables(parquet, (_CALLS,)).execute("""
        WITH spans AS (
            SELECT started_us + 25200000000 AS begin_us, ended_us + 25200000000 AS end_us FROM calls
                WHERE ended_us > started_us
        ),
        pieces AS (
            SELECT hour_no, least(end_us, (hour_no + 1) * 3600000000) - greatest(begin_us,
                hour_no * 3600000000) AS piece_us
            FROM spans, LATERAL (SELECT unnest(range(begin_us // 3600000000,
                (end_us - 1) // 3600000000 + 1)) AS hour_no)
        ),
        hours AS (SELECT unnest(range(min(hour_no) // 24 * 24, max(hour_no) // 24 * 24 + 24))
            AS hour_no FROM pieces)
        SELECT
            make_timestamp(hour_no * 3600000000)::DATE AS day, (hour_no % 24)::INTEGER AS hour,
            coalesce(sum(piece_us), 0) / 3600000000 AS erlangs, count(piece_us) AS calls
        FROM hours LEFT JOIN pieces USING (hour_no)
        GROUP BY hour_no
        ORDER BY hour_no
    """)
    return _rows(result)


def patience(parquet: Path, *, ivr_numbers: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The Kaplan-Meier estimate of patience: time_s, at_risk, events, censored, survival."""
    result = _tables(parquet, (_CALLS, _LEGS, _FACTS), ivr_numbers).execute("""
        WITH times AS (
            SELECT wait_us, count(*) AS leaving, count(*) FILTER (missed) AS events, count(*) FILTER
                (answered) AS censored
            FROM facts
            WHERE wait_us IS NOT NULL
            GROUP BY wait_us
        ),
        -- All who leave at a time are at risk at it, so events are before censorings.
        risks AS (
            SELECT *, sum(leaving) OVER (ORDER BY wait_us DESC ROWS UNBOUNDED PRECEDING)::BIGINT
                AS at_risk FROM times
        )
        SELECT
            wait_us / 1e6 AS time_s, at_risk, events, censored,
            product(1 - events / at_risk) OVER (ORDER BY wait_us ROWS UNBOUNDED PRECEDING)
                AS survival
        FROM risks
        ORDER BY wait_us
    """)
    return _rows(result)


_FOR_OUTCOMES = (_CALLS, _LEGS, _OUTCOMES)
_FOR_OFFERS = (*_FOR_OUTCOMES, _OFFERS)


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One database in memory, since opening one is slow; each query replaces its tables."""
    return duckdb.connect()


def _tables(
    parquet: Path,
    statements: Sequence[str],
    ivr_numbers: Sequence[str] = (),
    *,
    wait_from: str = "started_at",
    threshold_s: float = 20,
    short_s: float = 5,
    min_talk_s: float = 10,
    business_hours: Sequence[OpenSpan] | None = None,
    holidays: Sequence[date] = (),
) -> duckdb.DuckDBPyConnection:
    """The database with the tables that the statements create from the file."""
    if wait_from not in ("started_at", "first_ring"):
        raise ValueError(wait_from)
    tables = _database()
    tables.execute("SET VARIABLE parquet = $1::VARCHAR", [str(parquet)])
    tables.execute("SET VARIABLE ivr_numbers = $1::VARCHAR[]", [list(ivr_numbers)])
    tables.execute("SET VARIABLE wait_from = $1::VARCHAR", [wait_from])
    tables.execute("SET VARIABLE threshold_us = $1::BIGINT", [round(threshold_s * 1_000_000)])
    tables.execute("SET VARIABLE short_us = $1::BIGINT", [round(short_s * 1_000_000)])
    tables.execute("SET VARIABLE min_talk_s = $1::DOUBLE", [min_talk_s])
    tables.execute(
        "SET VARIABLE open_spans = $1::BIGINT[][]",
        [None if business_hours is None else [_seconds(span) for span in business_hours]],
    )
    tables.execute("SET VARIABLE holidays = $1::DATE[]", [list(holidays)])
    for statement in statements:
        tables.execute(statement)
    return tables


def _seconds(span: OpenSpan) -> list[int]:
    weekday, begin, end = span
    return [weekday, *(int(text[:2]) * 3600 + int(text[3:]) * 60 for text in (begin, end))]


_ORDERS: Mapping[str, tuple[str, ...]] = {
    "direction": schema.DIRECTIONS,
    "call_state": schema.CALL_STATES,
    "call_status": schema.CALL_STATUSES,
    "outcome": schema.LEG_OUTCOMES,
}


def _grouped(
    facts: duckdb.DuckDBPyRelation,
    by: str | None,
    dimensions: Sequence[str],
    measures: Mapping[str, str],
) -> list[dict[str, Any]]:
    """The measures by one dimension, nulls last; without a dimension one row, also of no calls."""
    columns = [f"{expression} AS {name}" for name, expression in measures.items()]
    if by is None:
        return _rows(facts.aggregate(", ".join(columns)))
    if by not in dimensions:
        raise ValueError(by)
    rows = _rows(facts.aggregate(", ".join([by, *columns]), by))
    order = _ORDERS.get(by)
    not_null = [row for row in rows if row[by] is not None]
    not_null.sort(key=lambda row: order.index(row[by]) if order else row[by])
    return not_null + [row for row in rows if row[by] is None]


def _rows(result: duckdb.DuckDBPyConnection | duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
