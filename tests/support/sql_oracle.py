"""The measures of calls, offers and trunk legs in SQL, written independently of the package.

Nothing here uses the package's metrics, and it was written without them: where both engines agree,
the value follows from the definitions. It reads a `calls.parquet` with the columns of
`schema.CALL_SCHEMA`, and of `target_owners` if it has them. The keywords that functions pass on are
those of `MetricOptions`.

Rows are dictionaries; a row of a group has the value of the dimension under its name. A group
without counted offers (all of them running, or not of persons) has no row in `offer_measures`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from etelecom_analytics import schema
from support.sql_oracle_tables import (
    CALLS,
    FOR_FACTS,
    FOR_OFFERS,
    FOR_OUTCOMES,
    TRUNK_LEGS,
    create_tables,
    to_rows,
)

CALL_DIMENSIONS = (
    "hour", "half_hour", "quarter_hour", "weekday", "day", "week", "month", "in_hours",
    "direction", "call_state", "call_status", "extension_id", "user_id", "caller", "callee",
    "queue", "who_hung_up",
)  # fmt: skip
OFFER_DIMENSIONS = (*CALL_DIMENSIONS, "target_number", "trunk_name", "outcome", "fail_code")
OWNER_DIMENSIONS = ("user", "user_id", "extension_id", "extension_number", "department_id")
"""The dimensions of offers that are their owners', in a file with `target_owners`."""

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


def _count(condition: str) -> str:
    return f"count(*) FILTER ({condition})"


_CALL_MEASURES = {
    "calls": _count("NOT twice"),
    "offered": _count("offered"),
    "answered": _count("answered"),
    "missed": _count("missed"),
    "abandoned": _count("abandoned"),
    "ended_by_pbx": _count("ended_by_pbx"),
    "end_unknown": _count("end_unknown"),
    "short_abandoned": _S,
    "unknown": _count("kind = 'unknown'"),
    "running": _count("kind = 'running'"),
    "wait_unknown": _count("offered AND wait_us IS NULL"),
    "answer_rate": _share(_count("answered"), _count("offered")),
    "missed_rate": _share(_count("missed"), _count("offered")),
    "abandon_rate": _share(_count("abandoned"), _count("offered")),
    "abandon_rate_no_short": _share(f"{_count('abandoned')} - {_S}", f"{_count('offered')} - {_S}"),
    "asa_s": "avg(wait_us) FILTER (answered) / 1e6",
    "wait_p50_s": "quantile_cont(wait_us::DOUBLE, 0.5) FILTER (answered) / 1e6",
    "wait_p90_s": "quantile_cont(wait_us::DOUBLE, 0.9) FILTER (answered) / 1e6",
    "wait_p95_s": "quantile_cont(wait_us::DOUBLE, 0.95) FILTER (answered) / 1e6",
    "wait_max_s": "max(wait_us) FILTER (answered) / 1e6",
    "answered_within": _A_IN_TIME,
    "abandoned_within": _count("abandoned AND in_time"),
    "abandon_wait_s": "avg(wait_us) FILTER (abandoned) / 1e6",
    "abandon_wait_max_s": "max(wait_us) FILTER (abandoned) / 1e6",
    "talk_s": "coalesce(sum(duration) FILTER (answered), 0)::BIGINT",
    "talk_avg_s": "avg(duration) FILTER (answered)",
    "talk_p50_s": "quantile_cont(duration::DOUBLE, 0.5) FILTER (answered)",
    "talk_p90_s": "quantile_cont(duration::DOUBLE, 0.9) FILTER (answered)",
    "agent_talk_s": "coalesce(sum(agent_talk_us) FILTER (answered), 0) / 1e6",
    "agent_talk_avg_s": "avg(agent_talk_us) FILTER (answered) / 1e6",
    "talk_with_agents_s": "coalesce(sum(union_us) FILTER (answered), 0) / 1e6",
    "talk_with_agents_avg_s": "avg(union_us) FILTER (answered) / 1e6",
    "recording_coverage": _share(_count("answered AND recorded"), _count("answered")),
    "service_level": _share(*SERVICE_LEVELS["offered"]),
    "transfers": "coalesce(sum(transfers) FILTER (NOT twice), 0)::BIGINT",
    "transfer_rate": _share(_count("answered AND transfers > 0"), _count("answered")),
    "forwards": "coalesce(sum(forwards) FILTER (NOT twice), 0)::BIGINT",
    "hung_up_by_caller": _count("answered AND who_hung_up = 'caller'"),
    "hung_up_by_agent": _count("answered AND who_hung_up = 'agent'"),
    "unknown_callers": _count("by_nobody"),
    "calls_too_long": _count("too_long AND NOT twice"),
    "internal_twice": _count("twice"),
    "legs_outside": "coalesce(sum(legs_outside) FILTER (NOT twice), 0)::BIGINT",
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
    "owner_assumed": _count("owner_assumed"),
}

_LEG_MEASURES = {
    "trunk_legs": "count(*)",
    "asr": _share("count(*) FILTER (is_answered)", "count(*)"),
    "abr": _share(
        "count(DISTINCT (call_row, trunk_name)) FILTER (is_first AND bid_answered)",
        "count(DISTINCT (call_row, trunk_name)) FILTER (is_first)",
    ),
    "aloc_s": "avg(talk_us) FILTER (is_answered) / 1e6",
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

CALL_MEASURES = tuple(_CALL_MEASURES)
OFFER_MEASURES = tuple(_OFFER_MEASURES)
LEG_MEASURES = tuple(_LEG_MEASURES)


def call_measures(
    parquet: Path, by: str | None = None, *, variant: str = "offered", **options: Any
) -> list[dict[str, Any]]:
    """All call measures, one row per value of `by`, or one row for all calls."""
    facts = create_tables(parquet, FOR_FACTS, **options).table("facts")
    measures = _CALL_MEASURES | {"service_level": _share(*SERVICE_LEVELS[variant])}
    return _grouped(facts, by, CALL_DIMENSIONS, measures)


def offer_measures(parquet: Path, by: str | None = None, **options: Any) -> list[dict[str, Any]]:
    """All offer measures, one row per value of `by`, or one row for all offers."""
    offers = create_tables(parquet, FOR_OFFERS, **options).table("offers")
    counted = offers.filter("outcome <> 'in_progress' AND kind = 'person'")
    return _grouped(counted, by, (*OFFER_DIMENSIONS, *OWNER_DIMENSIONS), _OFFER_MEASURES)


def leg_measures(parquet: Path, by: str | None = None, **options: Any) -> list[dict[str, Any]]:
    """All measures of trunk legs, one row per value of `by`, or one row for all legs."""
    legs = create_tables(parquet, (*FOR_FACTS, TRUNK_LEGS), **options).table("trunk_legs")
    return _grouped(legs, by, OFFER_DIMENSIONS, _LEG_MEASURES)


def leg_outcomes(
    parquet: Path, ivr_numbers: Sequence[str] = (), **options: Any
) -> list[tuple[str, int, str]]:
    """(call_id, target_index, outcome) of every leg, in the order of the file."""
    return [
        (row["call_id"], row["target_index"], row["outcome"])
        for row in legs(parquet, ivr_numbers, **options)
    ]


def legs(parquet: Path, ivr_numbers: Sequence[str] = (), **options: Any) -> list[dict[str, Any]]:
    """The outcome and the kind of every leg, in the order of the file."""
    return to_rows(
        create_tables(parquet, FOR_OUTCOMES, ivr_numbers, **options).execute("""
        SELECT call_id, target_index, outcome, kind
        FROM leg_outcomes
        ORDER BY call_row, target_index
    """)
    )


def offers(parquet: Path, ivr_numbers: Sequence[str] = (), **options: Any) -> list[dict[str, Any]]:
    """One row per offer, also of running calls and of all kinds; `offered_at` in microseconds."""
    result = create_tables(parquet, FOR_OFFERS, ivr_numbers, **options).execute("""
        SELECT
            call_id, target_index, target_number, outcome, offered_at, ring_s::DOUBLE AS ring_s,
                talk_s,
            trunk_name, fail_code, legs, busy, owner_assumed, kind
        FROM offers
        ORDER BY call_row, offered_at NULLS LAST, target_index
    """)
    return to_rows(result)


LINES = "ended_us > started_us AND NOT too_long AND NOT twice"
"""The calls that occupy a line."""


def peak_concurrency(parquet: Path, **options: Any) -> tuple[int, int]:
    """The maximum of simultaneous calls, and its first moment in epoch microseconds."""
    result = (
        create_tables(parquet, (CALLS,), **options)
        .execute(f"""
        WITH edges AS (
            SELECT started_us AS at_us, 1 AS step FROM calls WHERE {LINES}
            UNION ALL
            SELECT ended_us, -1 FROM calls WHERE {LINES}
        ),
        -- -1 sorts before 1: at a tie the end is first.
        lines AS (SELECT at_us, sum(step) OVER (ORDER BY at_us, step ROWS UNBOUNDED PRECEDING)
            AS busy FROM edges)
        SELECT busy::BIGINT, at_us FROM lines ORDER BY busy DESC, at_us LIMIT 1
    """)
        .fetchone()
    )
    return result or (0, 0)


def erlangs(parquet: Path, **options: Any) -> list[dict[str, Any]]:
    """The Erlangs of each local hour of the days with calls: day, hour, erlangs, calls."""
    result = create_tables(parquet, (CALLS,), **options).execute(f"""
        WITH spans AS (
            SELECT started_us + 25200000000 AS begin_us, ended_us + 25200000000 AS end_us FROM calls
                WHERE {LINES}
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
    return to_rows(result)


PATIENCE_EVENT = (
    "abandoned OR end_unknown AND getvariable('unknown_endings') IS DISTINCT FROM 'censored'"
)
"""Whether the caller's patience ended; the other offered calls are censored."""


def patience(parquet: Path, **options: Any) -> list[dict[str, Any]]:
    """The Kaplan-Meier estimate of patience: time_s, at_risk, events, censored, survival."""
    result = create_tables(parquet, FOR_FACTS, **options).execute(f"""
        WITH times AS (
            SELECT wait_us, count(*) AS leaving, count(*) FILTER ({PATIENCE_EVENT}) AS events,
                count(*) FILTER (NOT ({PATIENCE_EVENT})) AS censored
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
    return to_rows(result)


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
        return to_rows(facts.aggregate(", ".join(columns)))
    if by not in dimensions:
        raise ValueError(by)
    key = f'"{by}"'
    groups = to_rows(facts.aggregate(", ".join([key, *columns]), key))
    order = _ORDERS.get(by)
    not_null = [row for row in groups if row[by] is not None]
    not_null.sort(key=lambda row: order.index(row[by]) if order else row[by])
    return not_null + [row for row in groups if row[by] is None]
