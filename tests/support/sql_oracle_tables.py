"""The tables of the SQL oracle: calls, legs, their outcomes, offers, trunk legs and facts of calls.

Each statement replaces one table; `create_tables` executes those that a query needs, and keeps the
tables of the query before if its calls and options are the same. All times are integer
microseconds; local time is UTC+7, the offset of Asia/Ho_Chi_Minh since 1975.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from support.sql_oracle_numbers import LISTED, NUMBERS

__all__ = [
    "CALLS",
    "FACTS",
    "FOR_FACTS",
    "FOR_OFFERS",
    "FOR_OUTCOMES",
    "LEGS",
    "OFFERS",
    "OUTCOMES",
    "TRUNK_LEGS",
    "OpenSpan",
    "create_tables",
    "to_rows",
]

OpenSpan = tuple[int, str, str]
"""Weekday (1 = Monday), begin and end (exclusive) of opening hours, as "HH:MM"."""

# Legs are joined to calls by file_row_number, not id: a repeated id would multiply them.
CALLS = """
CREATE OR REPLACE TABLE calls AS
WITH local AS (
    SELECT
        *,
        make_timestamp(epoch_us(started_at) + 25200000000) AS local_start,
        epoch_us(ended_at) - epoch_us(started_at) AS length_us
    FROM read_parquet(getvariable('parquet'), file_row_number => true)
)
SELECT
    file_row_number AS call_row,
    id AS call_id,
    external_session_id AS session,
    epoch_us(started_at) AS started_us,
    epoch_us(ended_at) AS ended_us,
    length_us,
    coalesce(length_us > getvariable('longest_us'), false) AS too_long,
    duration AS raw_duration,
    -- A comparison with an unknown length does not hold.
    CASE
        WHEN duration < 0 OR duration::BIGINT * 1000000 > length_us + 300000000
            OR length_us > getvariable('longest_us') THEN NULL
        ELSE duration
    END AS duration,
    -- An empty link is not a recording.
    coalesce(len(list_filter(recording_urls, lambda link: coalesce(link, '') <> '')), 0) > 0
        AS recorded,
    call_targets,
    OWNERS AS owners,
    hour(local_start) AS hour,
    hour(local_start) * 2 + minute(local_start) // 30 AS half_hour,
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
    extension_id, user_id,
    caller AS raw_caller,
    callee AS raw_callee,
    of_caller.normal AS caller,
    of_callee.normal AS callee,
    coalesce(direction::VARCHAR = 'in' AND coalesce(of_caller.is_nobody, true), false)
        AS by_nobody,
    file_row_number IN (FROM second_logs) AS twice
FROM local
LEFT JOIN numbers AS of_caller ON of_caller.number = caller
LEFT JOIN numbers AS of_callee ON of_callee.number = callee
"""
"""All logs, also the `ext_out` logs of internal calls that have two: `twice`."""

LEGS = """
CREATE OR REPLACE TABLE legs AS
WITH exploded AS (
    SELECT
        call_row, call_id, direction, too_long, twice,
        started_us AS call_started_us, ended_us AS call_ended_us, length_us AS call_length_us,
        i::INTEGER AS target_index,
        call_targets[i + 1] AS leg,
        owners[i + 1] AS owner
    FROM calls, LATERAL (SELECT unnest(range(coalesce(len(call_targets), 0))) AS i)
),
targets AS (
    SELECT
        number,
        listed(normal, getvariable('ivr_numbers')) AS to_ivr,
        listed(normal, getvariable('queue_numbers')) AS to_queue,
        listed(normal, getvariable('voicemail_numbers')) AS to_voicemail,
        listed(normal, getvariable('agent_numbers')) AS to_agent,
        regexp_full_match(normal, '\\+?\\d{8,}') AS is_outside
    FROM numbers
),
raw AS (
    SELECT
        exploded.* EXCLUDE (leg),
        leg.target_number AS target_number,
        epoch_us(leg.add_time) AS raw_add_us,
        epoch_us(leg.ring_time) AS raw_ring_us,
        epoch_us(leg.answered_time) AS raw_answered_us,
        epoch_us(leg.ended_time) AS raw_ended_us,
        leg.ring_duration AS raw_ring_duration,
        leg.fail_code AS fail_code,
        leg.trunk_name AS trunk_name,
        lower(leg.end_reason) AS end_reason,
        -- Before any time is read as null.
        leg.answered_time IS NOT NULL OR coalesce(upper(leg.status) = 'ANSWERED', false)
            AS is_answered,
        CASE
            WHEN to_ivr THEN 'ivr'
            WHEN to_queue THEN 'queue'
            WHEN to_voicemail THEN 'voicemail'
            WHEN is_outside AND NOT to_agent AND direction = 'out' THEN 'customer'
            WHEN is_outside AND NOT to_agent THEN 'external'
            ELSE 'person'
        END AS kind
    FROM exploded LEFT JOIN targets ON leg.target_number = number
),
bounded AS (
    SELECT
        *,
        within_call(raw_add_us, call_started_us, call_ended_us) AS add_us,
        within_call(raw_ring_us, call_started_us, call_ended_us) AS ring_us,
        within_call(raw_answered_us, call_started_us, call_ended_us) AS answered_us,
        within_call(raw_ended_us, call_started_us, call_ended_us) AS ended_us,
        CASE
            WHEN raw_ring_duration < 0
                OR raw_ring_duration::BIGINT * 1000000 > call_length_us + 300000000 THEN NULL
            ELSE raw_ring_duration
        END AS ring_duration
    FROM raw
)
SELECT
    *,
    kind IN ('ivr', 'queue', 'voicemail') AS by_machine,
    ring_us IS NOT NULL OR coalesce(ring_duration > 0, false) AS rang,
    coalesce(add_us, ring_us, answered_us) AS at_us,
    CASE WHEN is_answered AND NOT too_long AND ended_us >= answered_us
        THEN ended_us - answered_us END AS talk_us,
    raw_add_us IS DISTINCT FROM add_us OR raw_ring_us IS DISTINCT FROM ring_us
        OR raw_answered_us IS DISTINCT FROM answered_us OR raw_ended_us IS DISTINCT FROM ended_us
        AS is_outside
FROM bounded
"""

# A time of a leg more than 300 s outside its call; a null bound does not count.
_WITHIN_CALL = """
CREATE OR REPLACE MACRO within_call(t, began, ended) AS CASE
    WHEN t < began - 300000000 THEN NULL
    WHEN t > ended + 300000000 THEN NULL
    ELSE t
END
"""

# The first WHEN that is true gives the outcome. A comparison with null is null, so not true, as in
# the definitions.
OUTCOMES = """
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
                AND other.kind IN ('person', 'external')
                AND other.answered_us >= legs.at_us - 2000000
                AND other.answered_us <= over_us(legs) + 2000000
                AND (
                    other.at_us < over_us(legs)
                    OR NOT other.rang AND other.at_us <= over_us(legs) + 2000000
                )
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

_OVER = """
CREATE OR REPLACE MACRO over_us(leg) AS coalesce(
    leg.ended_us, coalesce(leg.ring_us, leg.add_us) + leg.ring_duration::BIGINT * 1000000
)
"""

OFFERS = """
CREATE OR REPLACE TABLE offers AS
WITH timed AS (
    SELECT *, at_us AS t
    FROM leg_outcomes
    WHERE NOT twice
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
        call_row, call_id, target_number, kind,
        max(target_index) FILTER (nth = 1) AS target_index,
        max(outcome) FILTER (best = 1) AS outcome,
        min(t) AS offered_at,
        min(answered_us) FILTER (is_answered) AS answered_at,
        max(ended_us) AS over_at,
        max(ring_duration) FILTER (
            rang AND ring_duration::BIGINT * 1000000 <= getvariable('longest_us')
        ) AS ring_s,
        sum(talk_us) / 1e6 AS talk_s,
        max(trunk_name) FILTER (best = 1) AS trunk_name,
        max(fail_code) FILTER (best = 1) AS fail_code,
        any_value(owner) FILTER (best = 1) AS owner,
        count(*) AS legs
    FROM ranked
    GROUP BY call_row, call_id, target_number, kind, offer_no
),
talks AS (
    SELECT
        call_row, target_number, answered_us,
        -- A talk without an end is open until the call's end, or until now.
        coalesce(ended_us, call_ended_us, getvariable('as_of'),
            (SELECT max(started_us) FROM calls)) AS until_us
    FROM legs
    WHERE is_answered AND answered_us IS NOT NULL AND NOT twice AND NOT too_long
)
SELECT
    grouped_legs.* EXCLUDE (owner),
    EXISTS (
        SELECT 1
        FROM talks AS other
        WHERE other.call_row <> grouped_legs.call_row
            AND other.target_number = grouped_legs.target_number
            AND other.answered_us <= grouped_legs.offered_at
            AND grouped_legs.offered_at < other.until_us
    ) AS busy,
    coalesce(owner.owner_assumed, false) AS owner_assumed,
    OWNED,
    dimensions.* EXCLUDE (call_row)
FROM grouped_legs
JOIN (
    SELECT
        call_row, hour, half_hour, quarter_hour, weekday, day, week, month, in_hours, direction,
            call_state, call_status, NOT_OWNED
        caller, callee, queue, who_hung_up
    FROM facts
) AS dimensions USING (call_row)
"""

TRUNK_LEGS = """
CREATE OR REPLACE TABLE trunk_legs AS
SELECT
    outcome, is_answered, fail_code, trunk_name, target_number, add_us, ring_us, talk_us, call_row,
    target_index = min(target_index) OVER (PARTITION BY call_row, trunk_name) AS is_first,
    bool_or(is_answered) OVER (PARTITION BY call_row, trunk_name) AS bid_answered,
    hour, half_hour, quarter_hour, weekday, day, week, month, in_hours, facts.direction, call_state,
        call_status, extension_id, user_id, caller, callee, queue, who_hung_up
FROM leg_outcomes
JOIN facts USING (call_row)
WHERE trunk_name IS NOT NULL AND facts.ended_us IS NOT NULL AND NOT facts.twice
"""

_ENDINGS = """
CREATE OR REPLACE TABLE endings AS
WITH last_legs AS (
    SELECT
        *,
        coalesce(abs(ended_us - call_ended_us) <= 2000000, false) AS is_last,
        coalesce(fail_code = 487, false)
            OR coalesce(end_reason IN ('cancelled', 'canceled'), false) AS is_cancelled,
        coalesce(ring_duration >= getvariable('ring_timeout_s') - 1, false) AS rang_out
    FROM leg_outcomes
),
counted AS (
    SELECT
        call_row,
        bool_or(kind = 'voicemail' AND (is_last OR is_answered)) AS voicemail,
        bool_or(is_last AND coalesce(starts_with(end_reason, 'caller_disconnect'), false))
            AS by_caller,
        bool_or(is_last AND coalesce(
            contains(end_reason, 'timeout') OR contains(end_reason, 'overflow')
                OR contains(end_reason, 'closed')
                OR kind = 'ivr' AND starts_with(end_reason, 'callee_disconnect'),
            false
        )) AS by_pbx,
        bool_or(is_last AND is_cancelled) AS cancelled,
        bool_or(is_last AND is_cancelled AND NOT rang_out) AS cancelled_early,
        count(*) FILTER (is_last) AS last_legs,
        count(*) FILTER (is_last AND (
            outcome IN ('busy_or_rejected', 'unreachable', 'network')
            OR outcome = 'rna_timeout' AND fail_code IN (408, 480)
            OR is_cancelled AND rang_out
        )) AS explained_legs
    FROM last_legs
    GROUP BY call_row
)
SELECT
    call_row,
    CASE
        WHEN voicemail THEN 'ended_by_pbx'
        WHEN by_caller THEN 'abandoned'
        WHEN by_pbx THEN 'ended_by_pbx'
        -- Every one of them rang until the time-out of the PBX.
        WHEN cancelled AND cancelled_early THEN 'abandoned'
        WHEN last_legs > 0 AND explained_legs = last_legs THEN 'ended_by_pbx'
        ELSE 'end_unknown'
    END AS ending
FROM counted
"""

_UNIONS = """
CREATE OR REPLACE TABLE unions AS
WITH talks AS (
    SELECT call_row, answered_us AS begin_us, ended_us AS end_us
    FROM legs WHERE talk_us IS NOT NULL AND kind IN ('person', 'customer')
),
reached AS (
    SELECT *, max(end_us) OVER (
        PARTITION BY call_row ORDER BY begin_us, end_us
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached_us
    FROM talks
)
SELECT
    call_row,
    -- Only what lies after the end of all talks that began before.
    sum(greatest(0, end_us - greatest(begin_us, coalesce(reached_us, begin_us))))::BIGINT
        AS union_us
FROM reached
GROUP BY call_row
"""

FACTS = """
CREATE OR REPLACE TABLE facts AS
WITH of_legs AS (
    SELECT
        call_row,
        count(*) FILTER (NOT by_machine) AS person_legs,
        count(*) FILTER (kind <> 'ivr') AS not_ivr_legs,
        count(*) FILTER (kind = 'queue') AS queue_legs,
        count(*) FILTER (is_answered) AS answered_legs,
        count(*) FILTER (is_answered AND NOT by_machine) AS person_answered_legs,
        count(*) FILTER (is_outside) AS legs_outside,
        min(answered_us) FILTER (is_answered AND NOT by_machine) AS first_answer_us,
        min(coalesce(ring_us, add_us)) FILTER (NOT by_machine) AS first_person_ring_us,
        min(coalesce(ring_us, add_us)) AS first_ring_us,
        min(at_us) FILTER (kind = 'queue') AS queued_us,
        min(at_us) FILTER (kind <> 'ivr') AS not_ivr_us,
        arg_min(target_number, queue_rank) FILTER (kind = 'queue') AS queue,
        arg_min(end_reason_or_empty, answer_rank) FILTER (is_answered) AS last_reason,
        sum(talk_us) FILTER (kind IN ('person', 'customer'))::BIGINT AS agent_talk_us
    FROM (
        SELECT
            *,
            coalesce(end_reason, '') AS end_reason_or_empty,
            row_number() OVER (PARTITION BY call_row, kind ORDER BY at_us NULLS LAST, target_index)
                AS queue_rank,
            row_number() OVER (PARTITION BY call_row, is_answered
                ORDER BY answered_us DESC NULLS LAST, target_index DESC) AS answer_rank
        FROM legs
    )
    GROUP BY call_row
),
outside AS (
    SELECT
        call_row,
        count(*) FILTER (after_person) AS transfers,
        count(*) FILTER (NOT after_person) AS forwards
    FROM (
        SELECT call_row, EXISTS (
            FROM legs AS person
            WHERE person.call_row = legs.call_row AND person.kind = 'person'
                AND person.is_answered AND person.answered_us <= legs.answered_us
        ) AS after_person
        FROM legs
        WHERE kind = 'external' AND is_answered
    )
    GROUP BY call_row
),
states AS (
    SELECT
        calls.*, agent_talk_us, union_us, first_answer_us, queue,
        coalesce(legs_outside, 0) AS legs_outside,
        coalesce(transfers, 0) AS transfers,
        coalesce(forwards, 0) AS forwards,
        CASE
            WHEN ended_us IS NULL THEN 'running'
            WHEN call_state = 'answered' AND answered_legs > 0 AND person_answered_legs = 0
                THEN 'missed'
            WHEN call_state = 'answered' THEN 'answered'
            WHEN call_state = 'not_answered' THEN 'missed'
            ELSE 'unknown'
        END AS state,
        CASE WHEN twice THEN 'twice' ELSE state END AS kind,
        CASE
            WHEN getvariable('wait_from') = 'started_at' THEN started_us
            WHEN getvariable('wait_from') = 'queue' THEN CASE
                WHEN queue_legs > 0 THEN queued_us
                WHEN not_ivr_legs > 0 THEN not_ivr_us
                ELSE started_us
            END
            -- Legs to ivr_numbers count only if there are no other legs, not if the others have
            -- no times.
            WHEN person_legs > 0 THEN first_person_ring_us
            ELSE first_ring_us
        END AS wait_start_us,
        last_reason,
        coalesce(ending, 'end_unknown') AS ending
    FROM calls
    LEFT JOIN of_legs USING (call_row)
    LEFT JOIN outside USING (call_row)
    LEFT JOIN unions USING (call_row)
    LEFT JOIN endings USING (call_row)
),
waited AS (
    SELECT
        *,
        CASE kind WHEN 'answered' THEN first_answer_us WHEN 'missed' THEN ended_us
            END - wait_start_us AS raw_wait_us
    FROM states
)
SELECT
    * EXCLUDE (state, ending, last_reason),
    -- greatest(0, NULL) is 0 in DuckDB, but an unknown wait must stay unknown.
    CASE
        WHEN raw_wait_us < 0 THEN 0
        WHEN raw_wait_us <= getvariable('longest_us') THEN raw_wait_us
    END AS wait_us,
    kind = 'answered' AS answered,
    kind = 'missed' AS missed,
    kind IN ('answered', 'missed') AS offered,
    kind = 'missed' AND ending = 'abandoned' AS abandoned,
    kind = 'missed' AND ending = 'ended_by_pbx' AS ended_by_pbx,
    kind = 'missed' AND ending = 'end_unknown' AS end_unknown,
    CASE
        WHEN state <> 'answered' THEN NULL
        WHEN starts_with(last_reason, 'caller_disconnect') THEN 'caller'
        WHEN starts_with(last_reason, 'callee_disconnect') THEN 'agent'
    END AS who_hung_up,
    coalesce(kind = 'missed' AND ending = 'abandoned' AND wait_us < getvariable('short_us'), false)
        AS short,
    coalesce(wait_us <= getvariable('threshold_us'), false) AS in_time,
    coalesce(duration >= getvariable('min_talk_s'), false) AS talked
FROM waited
"""

FOR_OUTCOMES = (CALLS, LEGS, OUTCOMES)
FOR_FACTS = (*FOR_OUTCOMES, _ENDINGS, _UNIONS, FACTS)
FOR_OFFERS = (*FOR_FACTS, OFFERS)


_made_of: list[Any] = []
"""The content of the file and the variables that the present tables were made of."""

_made: set[str] = set()
"""The statements that were executed for them."""


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One database in memory, since opening one is slow; other calls or options replace its tables.

    One thread is faster for some hundred calls.
    """
    database = duckdb.connect(config={"threads": 1})
    for statement in (_WITHIN_CALL, _OVER):
        database.execute(statement)
    return database


def create_tables(
    parquet: Path,
    statements: Sequence[str],
    ivr_numbers: Sequence[str] = (),
    *,
    queue_numbers: Sequence[str] = (),
    voicemail_numbers: Sequence[str] = (),
    agent_numbers: Sequence[str] = (),
    wait_from: str = "started_at",
    threshold_s: float = 20,
    short_s: float = 5,
    min_talk_s: float = 10,
    longest_call_s: float = 43_200,
    ring_timeout_s: float | None = None,
    unknown_endings: str = "event",
    business_hours: Sequence[OpenSpan] | None = None,
    holidays: Sequence[date] = (),
    as_of: datetime | int | None = None,
) -> duckdb.DuckDBPyConnection:
    """The database with the tables that the statements create from the file."""
    if wait_from not in ("started_at", "first_ring", "queue"):
        raise ValueError(wait_from)
    database = _database()
    if isinstance(as_of, datetime):
        as_of = (as_of - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    variables: dict[str, tuple[str, Any]] = {
        "parquet": ("VARCHAR", str(parquet)),
        "ivr_numbers": ("VARCHAR[]", list(ivr_numbers)),
        "queue_numbers": ("VARCHAR[]", list(queue_numbers)),
        "voicemail_numbers": ("VARCHAR[]", list(voicemail_numbers)),
        "agent_numbers": ("VARCHAR[]", list(agent_numbers)),
        "wait_from": ("VARCHAR", wait_from),
        "threshold_us": ("BIGINT", round(threshold_s * 1_000_000)),
        "short_us": ("BIGINT", round(short_s * 1_000_000)),
        "min_talk_s": ("DOUBLE", min_talk_s),
        "longest_us": ("BIGINT", round(longest_call_s * 1_000_000)),
        "ring_timeout_s": ("DOUBLE", ring_timeout_s),
        "unknown_endings": ("VARCHAR", unknown_endings),
        "open_spans": (
            "BIGINT[][]",
            None if business_hours is None else [_seconds(span) for span in business_hours],
        ),
        "holidays": ("DATE[]", list(holidays)),
        "as_of": ("BIGINT", as_of),
    }
    made_of = [hashlib.sha256(parquet.read_bytes()).digest(), variables]
    if _made_of != made_of:
        _made.clear()
        _made_of[:] = made_of
        for name, (kind, value) in variables.items():
            database.execute(f"SET VARIABLE {name} = $1::{kind}", [value])
    if CALLS in statements and CALLS not in _made:
        database.execute(NUMBERS)
        database.execute(LISTED)
        _create_second_logs(database)
    missing = [statement for statement in statements if statement not in _made]
    columns = {row[0] for row in _columns(database)} if missing else set()
    for statement in missing:
        database.execute(_with_owners(statement, columns))
        _made.add(statement)
    return database


def _columns(database: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return database.execute("DESCRIBE FROM read_parquet(getvariable('parquet'))").fetchall()


def _with_owners(statement: str, columns: set[str]) -> str:
    """The statement for files with or without `target_owners`, which may name its offers' owners.

    Without the column, an offer's extension and user are those of its call.
    """
    if "target_owners" not in columns:
        no_owner = "NULL::STRUCT(owner_assumed BOOLEAN)[]"
        return (
            statement.replace("OWNERS", no_owner)
            .replace("    OWNED,\n", "")
            .replace("NOT_OWNED", "extension_id, user_id,")
        )
    names = ("extension_id", "extension_number", "user_id", "user", "department_id")
    owned = ", ".join(f'owner."{name}" AS "{name}"' for name in names)
    return (
        statement.replace("OWNERS", "target_owners")
        .replace("NOT_OWNED", "")
        .replace("OWNED", owned)
    )


def _create_second_logs(database: duckdb.DuckDBPyConnection) -> None:
    """The rows of `ext_out` logs whose `ext_in` log is there too, each paired once.

    In order of time, each log is paired with the first one that is at most 2 s away.
    """
    logs = database.execute("""
        SELECT of_caller.normal, of_callee.normal, direction::VARCHAR, epoch_us(started_at),
            file_row_number
        FROM read_parquet(getvariable('parquet'), file_row_number => true)
        JOIN numbers AS of_caller ON of_caller.number = caller
        JOIN numbers AS of_callee ON of_callee.number = callee
        WHERE direction IN ('ext_out', 'ext_in') AND started_at IS NOT NULL
        ORDER BY 1, 2, 4, id, 5
    """).fetchall()
    second_logs: list[int] = []
    for _, group in groupby(logs, key=lambda log: log[:2]):
        sides: dict[str, list[tuple[int, int]]] = {"ext_out": [], "ext_in": []}
        for _, _, direction, at, row in group:
            sides[direction].append((at, row))
        outs, ins = sides["ext_out"], sides["ext_in"]
        while outs and ins:
            if abs(outs[0][0] - ins[0][0]) <= 2_000_000:
                second_logs.append(outs.pop(0)[1])
                ins.pop(0)
            elif outs[0][0] < ins[0][0]:
                outs.pop(0)
            else:
                ins.pop(0)
    database.execute(
        "CREATE OR REPLACE TABLE second_logs AS SELECT unnest($1::BIGINT[]) AS call_row",
        [second_logs],
    )


def _seconds(span: OpenSpan) -> list[int]:
    weekday, begin, end = span
    return [weekday, *(int(text[:2]) * 3600 + int(text[3:]) * 60 for text in (begin, end))]


def to_rows(result: duckdb.DuckDBPyConnection | duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    """The rows of a result as dictionaries."""
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
