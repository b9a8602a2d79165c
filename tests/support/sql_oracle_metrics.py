"""Survival, callers, traffic, staffing, trunks, rings and update lags in SQL.

Like `sql_oracle`, on whose tables it is based, it is written from the definitions alone. Rows are
dictionaries, in the order of the package's tables; moments are epoch microseconds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.sql_oracle import PATIENCE_EVENT
from support.sql_oracle_tables import (
    CALLS,
    FOR_FACTS,
    FOR_OFFERS,
    LEGS,
    TRUNK_LEGS,
    create_tables,
    to_rows,
)

Rows = list[dict[str, Any]]

_Z = "1.959963984540054"


def _wilson(num: str, den: str, name: str = "") -> str:
    """The SQL of the columns `low` and `high`, or `<name>_low` and `<name>_high`."""
    prefix = f"{name}_" if name else ""
    share = f"({num})::DOUBLE / {den}"
    middle, spread = (
        f"{share} + {_Z}**2 / (2 * {den})",
        f"{_Z} * sqrt({share} * (1 - {share}) / {den} + {_Z}**2 / (4 * {den}**2))",
    )
    below = f"(1 + {_Z}**2 / {den})"
    # greatest and least ignore nulls, hence the CASE.
    return (
        f"CASE WHEN {den} > 0 THEN greatest(0, ({middle} - {spread}) / {below}) END "
        f"AS {prefix}low, "
        f"CASE WHEN {den} > 0 THEN least(1, ({middle} + {spread}) / {below}) END AS {prefix}high"
    )


# Facts of calls.


def facts(parquet: Path, **options: Any) -> Rows:
    result = create_tables(parquet, FOR_FACTS, **options).execute("""
        SELECT
            call_id AS id, kind = 'running' AS running, kind = 'unknown' AS unknown, answered,
                missed, offered, abandoned, ended_by_pbx, end_unknown,
            wait_us / 1e6 AS wait_s, offered AND wait_us IS NULL AS wait_unknown, short
                AS short_abandoned,
            CASE WHEN answered THEN duration::DOUBLE END AS talk_s,
            CASE WHEN answered THEN agent_talk_us / 1e6 END AS agent_talk_s,
            CASE WHEN answered THEN union_us / 1e6 END AS talk_with_agents_s,
            answered AND recorded AS recorded
        FROM facts ORDER BY call_row
    """)
    return to_rows(result)


# Survival.

_SURVIVAL = f"""
WITH leaving AS (
    SELECT key, time_us, count(*) FILTER (event) AS events, count(*) FILTER (NOT event) AS censored
    FROM times WHERE time_us IS NOT NULL AND event IS NOT NULL GROUP BY key, time_us
    UNION ALL
    -- The row of time 0, if nobody leaves at 0.
    SELECT DISTINCT key, 0, 0, 0 FROM times WHERE time_us IS NOT NULL AND event IS NOT NULL
),
steps AS (SELECT key, time_us, sum(events)::BIGINT AS events, sum(censored)::BIGINT AS censored
    FROM leaving GROUP BY key, time_us),
risks AS (
    SELECT *, sum(events + censored) OVER (PARTITION BY key
        ORDER BY time_us DESC ROWS UNBOUNDED PRECEDING)::BIGINT AS at_risk FROM steps
),
products AS (
    SELECT
        *,
        product(1 - events / at_risk) OVER along AS survival,
        -- If all leave, survival is 0, which has no interval.
        sum(CASE WHEN at_risk > events THEN events / (at_risk::DOUBLE * (at_risk - events)) END)
            OVER along AS greenwood
    FROM risks
    WINDOW along AS (PARTITION BY key ORDER BY time_us ROWS UNBOUNDED PRECEDING)
)
SELECT
    key, time_us / 1e6 AS time_s, at_risk, events, censored, survival,
    CASE WHEN survival > 0 AND survival < 1 THEN survival ** exp({_Z} * sqrt(greenwood)
        / abs(ln(survival))) END AS low,
    CASE WHEN survival > 0 AND survival < 1 THEN survival ** exp(-{_Z} * sqrt(greenwood)
        / abs(ln(survival))) END AS high
FROM products
ORDER BY key NULLS LAST, time_us
"""


def patience(parquet: Path, by: str, **options: Any) -> Rows:
    tables = create_tables(parquet, FOR_FACTS, **options)
    tables.execute(
        f"CREATE OR REPLACE TABLE times AS SELECT {by} AS key, wait_us AS time_us, "
        f"({PATIENCE_EVENT}) AS event FROM facts WHERE offered"
    )
    return to_rows(tables.execute(_SURVIVAL))


def time_to_callback(parquet: Path, by: str, as_of: int | None, **options: Any) -> Rows:
    tables = _callers(parquet, as_of, **options)
    tables.execute(f"""
        CREATE OR REPLACE TABLE times AS
        SELECT {by} AS key, coalesce(resolved_at - ended_us, age_us) AS time_us, outcome <> 'open'
            AS event FROM ledger
    """)
    return to_rows(tables.execute(_SURVIVAL))


def medians(parquet: Path, by: str, **options: Any) -> Rows:
    """The medians of `patience`."""
    patience(parquet, by, **options)
    result = create_tables(parquet, (), **options).execute(f"""
        SELECT
            key, max(at_risk) AS n, sum(events)::BIGINT AS events,
            -- Rounding may move a product of shares that is exactly one half.
            min(time_s) FILTER (survival <= 0.5 + 1e-9) AS median_s,
            min(time_s) FILTER (low <= 0.5 + 1e-9) AS low_s,
            min(time_s) FILTER (high <= 0.5 + 1e-9) AS high_s
        FROM ({_SURVIVAL}) GROUP BY key ORDER BY key NULLS LAST
    """)
    return to_rows(result)


# Callers.

_CALLER_CALLS = """
CREATE OR REPLACE TABLE caller_calls AS
WITH numbered AS (
    SELECT
        *, coalesce(getvariable('as_of'), (SELECT max(started_us) FROM calls)) AS as_of,
        CASE direction WHEN 'in' THEN caller WHEN 'out' THEN callee END AS number,
        -- The other log of its session was answered.
        session <> '' AND EXISTS (
            FROM facts AS other
            WHERE other.session = facts.session AND other.answered
                AND other.call_row <> facts.call_row
        ) AS resumed
    FROM facts WHERE direction IN ('in', 'out')
)
SELECT * FROM numbered
WHERE started_us <= as_of AND NOT by_nobody AND regexp_matches(number, '\\d')
"""

_LEDGER = """
CREATE OR REPLACE TABLE ledger AS
WITH missed_calls AS (
    SELECT * FROM caller_calls WHERE direction = 'in' AND missed AND NOT coalesce(resumed, false)
),
later AS (
    SELECT
        missed_calls.call_row,
        min(k.started_us) FILTER (k.direction = 'in' AND k.answered) AS served_at,
        min(k.started_us) FILTER (k.direction = 'out') AS called_at,
        min(k.started_us) FILTER (k.answered) AS talk_at
    FROM missed_calls LEFT JOIN caller_calls AS k ON k.number = missed_calls.number
        AND k.started_us > missed_calls.ended_us
        AND k.call_row <> missed_calls.call_row
    GROUP BY missed_calls.call_row
),
resolved AS (
    SELECT
        missed_calls.*, served_at, called_at, talk_at,
        least(served_at, called_at) AS resolved_at,
        CASE
            WHEN served_at IS NULL AND called_at IS NULL THEN 'open'
            WHEN called_at IS NULL OR served_at <= called_at THEN 'served'
            ELSE 'called_back'
        END AS outcome
    FROM missed_calls JOIN later USING (call_row)
)
SELECT
    resolved.*,
    greatest(0, as_of - ended_us) AS age_us,
    CASE outcome
        WHEN 'served' THEN (
            SELECT min(k.call_id) FROM caller_calls AS k
            WHERE k.number = resolved.number AND k.started_us = resolved_at AND k.direction = 'in'
                AND k.answered
        )
        WHEN 'called_back' THEN (
            SELECT coalesce(min(k.call_id) FILTER (k.answered), min(k.call_id)) FROM caller_calls
                AS k
            WHERE k.number = resolved.number AND k.started_us = resolved_at AND k.direction = 'out'
        )
    END AS resolved_by,
    CASE outcome WHEN 'called_back' THEN (
        SELECT bool_or(k.answered) FROM caller_calls AS k
        WHERE k.number = resolved.number AND k.started_us = resolved_at AND k.direction = 'out'
    ) END AS reached,
    (
        SELECT count(*) FROM caller_calls AS k
        WHERE k.number = resolved.number AND k.direction = 'out'
            AND k.started_us > resolved.ended_us
            AND k.started_us <= coalesce(talk_at, resolved.as_of)
    ) AS attempts,
    (
        SELECT count(*) FROM caller_calls AS k
        WHERE k.number = resolved.number AND k.direction = 'in' AND k.missed
            AND k.call_row <> resolved.call_row
            AND k.started_us > resolved.ended_us AND k.started_us <= coalesce(resolved_at,
                resolved.as_of)
    ) AS missed_again
FROM resolved
"""


def _callers(parquet: Path, as_of: int | None, **options: Any) -> Any:
    return create_tables(
        parquet, (*FOR_FACTS, _CALLER_CALLS, _LEDGER), **options | {"as_of": as_of}
    )


def missed_ledger(parquet: Path, as_of: int | None, **options: Any) -> Rows:
    result = _callers(parquet, as_of, **options).execute("""
        SELECT
            call_id AS id, started_us AS started_at, ended_us AS ended_at, raw_caller AS caller,
                number, raw_callee AS callee,
                outcome, resolved_at, resolved_by,
            (resolved_at - ended_us) / 1e6 AS resolved_after_s, reached, age_us / 1e6 AS age_s,
                attempts, missed_again
        FROM ledger ORDER BY started_us DESC, call_id
    """)
    return to_rows(result)


def callback_rate(parquet: Path, by: str, as_of: int | None, **options: Any) -> Rows:
    result = _callers(parquet, as_of, **options).execute(f"""
        SELECT key, num / nullif(den, 0) AS value, num AS numerator, den AS denominator,
            {_wilson("num", "den")}
        FROM (
            SELECT {by} AS key, count(*) FILTER (resolved_at - ended_us <= 86400000000) AS num,
                count(*) AS den
            FROM ledger WHERE age_us >= 86400000000 GROUP BY key
        ) ORDER BY key NULLS LAST
    """)
    return to_rows(result)


def repeat_rate(parquet: Path, by: str, as_of: int | None, **options: Any) -> Rows:
    result = _callers(parquet, as_of, **options).execute(f"""
        SELECT key, num / nullif(den, 0) AS value, num AS numerator, den AS denominator,
            {_wilson("num", "den")}
        FROM (
            SELECT {by} AS key, count(*) FILTER (EXISTS (
                SELECT 1 FROM caller_calls AS k WHERE k.direction = 'in'
                    AND k.number = caller_calls.number
                    AND k.started_us > caller_calls.started_us
                        AND k.started_us <= caller_calls.started_us
                        + 86400000000
            )) AS num, count(*) AS den
            FROM caller_calls WHERE direction = 'in' AND started_us <= as_of - 86400000000
                GROUP BY key
        ) ORDER BY key NULLS LAST
    """)
    return to_rows(result)


# Traffic: calls occupy lines, or legs occupy a trunk.

_SPANS = """
CREATE OR REPLACE TABLE spans AS
SELECT NULL AS trunk_name, call_id, started_us AS begin_us, ended_us AS end_us, too_long
FROM calls WHERE NOT twice
UNION ALL
SELECT trunk_name, call_id, at_us, ended_us, too_long FROM legs
    WHERE trunk_name IS NOT NULL AND NOT twice
"""


def _spans(parquet: Path, trunk: str | None, **options: Any) -> Any:
    tables = create_tables(parquet, (CALLS, LEGS, _SPANS), **options)
    tables.execute("SET VARIABLE trunk = $1::VARCHAR", [trunk])
    tables.execute(
        "CREATE OR REPLACE TABLE mine AS SELECT * FROM spans "
        "WHERE trunk_name IS NOT DISTINCT FROM getvariable('trunk')"
    )
    tables.execute(
        "CREATE OR REPLACE TABLE line_spans AS "
        "SELECT * FROM mine WHERE end_us > begin_us AND NOT too_long"
    )
    return tables


def concurrency(parquet: Path, trunk: str | None, **options: Any) -> dict[str, Any]:
    """The fields peak, at, call_ids and without_span, and the rows of over_time."""
    tables = _spans(parquet, trunk, **options)
    over_time = to_rows(
        tables.execute("""
            WITH edges AS (SELECT begin_us AS at_us, 1 AS step FROM line_spans
                UNION ALL SELECT end_us, -1
                FROM line_spans),
            moments AS (SELECT at_us, sum(step)::BIGINT AS change FROM edges
                GROUP BY at_us HAVING sum(step) <> 0)
            SELECT at_us AS "at", sum(change) OVER (ORDER BY at_us)::BIGINT AS calls FROM moments
                ORDER BY at_us
        """)
    )
    peak = max((row["calls"] for row in over_time), default=0)
    at = next((row["at"] for row in over_time if row["calls"] == peak), None)
    on_line = tables.execute(
        "SELECT call_id FROM line_spans WHERE begin_us <= $1 AND $1 < end_us ORDER BY call_id", [at]
    ).fetchall()
    (without,) = tables.execute(
        "SELECT (SELECT count(*) FROM mine) - (SELECT count(*) FROM line_spans)"
    ).fetchone()
    return {
        "peak": peak,
        "at": at,
        "call_ids": tuple(row[0] for row in on_line),
        "without_span": without,
        "over_time": over_time,
    }


def trunk_peaks(parquet: Path, **options: Any) -> Rows:
    trunks = _spans(parquet, None, **options).execute("""
        SELECT trunk_name, count(*) AS legs FROM spans WHERE trunk_name IS NOT NULL
            GROUP BY trunk_name ORDER BY trunk_name
    """)
    rows = []
    for name, legs in trunks.fetchall():
        result = concurrency(parquet, name, **options)
        rows.append(
            {
                "trunk_name": name,
                "peak": result["peak"],
                "at": result["at"],
                "legs": legs,
                "without_span": result["without_span"],
            }
        )
    return rows


_HOURS = """
CREATE OR REPLACE TABLE hours AS
WITH local AS (
    SELECT begin_us + 25200000000 AS begin_us, end_us + 25200000000 AS end_us FROM line_spans
),
pieces AS (
    SELECT hour_no, least(end_us, (hour_no + 1) * 3600000000) - greatest(begin_us,
        hour_no * 3600000000) AS piece_us
    FROM local, LATERAL (SELECT unnest(range(begin_us // 3600000000, (end_us - 1) // 3600000000
        + 1)) AS hour_no)
),
every AS (SELECT unnest(range(min(hour_no) // 24 * 24, max(hour_no) // 24 * 24 + 24)) AS hour_no
    FROM pieces)
SELECT
    hour_no * 3600000000 - 25200000000 AS hour_begin,
    make_timestamp(hour_no * 3600000000)::DATE AS day, (hour_no % 24)::INTEGER AS hour,
    coalesce(sum(piece_us), 0) / 3600000000 AS erlangs, count(piece_us) AS calls
FROM every LEFT JOIN pieces USING (hour_no)
GROUP BY hour_no
"""


def erlangs(parquet: Path, trunk: str | None, **options: Any) -> Rows:
    tables = _spans(parquet, trunk, **options)
    tables.execute(_HOURS)
    return to_rows(tables.execute("SELECT * FROM hours ORDER BY hour_begin"))


def busy_hours(parquet: Path, trunk: str | None, **options: Any) -> Rows:
    erlangs(parquet, trunk, **options)
    result = create_tables(parquet, ()).execute("""
        SELECT
            day, CASE WHEN erlangs > 0 THEN hour_begin END AS hour_begin, CASE WHEN erlangs > 0
                THEN hour END AS hour, erlangs, calls
        FROM hours QUALIFY row_number() OVER (PARTITION BY day ORDER BY erlangs DESC, hour) = 1
            ORDER BY day
    """)
    return to_rows(result)


def busy_hour(parquet: Path, trunk: str | None, **options: Any) -> Rows:
    erlangs(parquet, trunk, **options)
    result = create_tables(parquet, ()).execute("""
        WITH means AS (SELECT hour, avg(erlangs) AS erlangs FROM hours GROUP BY hour),
        peaks AS (SELECT max(erlangs) AS highest FROM hours GROUP BY day)
        SELECT hour, erlangs, (SELECT count(*) FROM peaks) AS days, (SELECT avg(highest) FROM peaks)
            AS daily_peak_erlangs
        FROM means ORDER BY erlangs DESC, hour LIMIT 1
    """)
    return to_rows(result)


# Trunks, staffing, rings and updates.


def fail_codes(parquet: Path, **options: Any) -> Rows:
    result = create_tables(parquet, (*FOR_FACTS, TRUNK_LEGS), **options).execute(f"""
        SELECT trunk_name, fail_code, legs, legs / of_trunk AS share, legs AS share_num,
            of_trunk AS share_den, {_wilson("legs", "of_trunk", "share")}
        FROM (
            SELECT trunk_name, fail_code, count(*) AS legs,
                (sum(count(*)) OVER (PARTITION BY trunk_name))::BIGINT AS of_trunk
            FROM trunk_legs GROUP BY trunk_name, fail_code
        )
        ORDER BY trunk_name, legs DESC, fail_code NULLS LAST
    """)
    return to_rows(result)


def agents_by_interval(parquet: Path, keys: Sequence[str], **options: Any) -> Rows:
    """Arrivals and traffic by ("hour",), ("quarter_hour",) or ("weekday", "hour")."""
    interval = keys[-1]
    lasts, many = (3600, 24) if interval == "hour" else (900, 96)
    names = ", ".join(keys)
    result = create_tables(parquet, FOR_FACTS, **options).execute(f"""
        WITH incoming AS (
            SELECT *, CASE WHEN answered THEN coalesce(agent_talk_us / 1e6, duration) END AS spoken
                FROM facts
            WHERE direction = 'in' AND offered AND started_us IS NOT NULL
        ),
        days AS (
            SELECT day::DATE AS day, isodow(day) AS weekday
            FROM (SELECT unnest(generate_series(min(day)::TIMESTAMP, max(day)::TIMESTAMP,
                INTERVAL 1 DAY)) AS day FROM facts)
        ),
        cells AS (SELECT *, unnest(range({many})) AS {interval} FROM days),
        counted AS (SELECT day, {interval}, count(*) AS calls FROM incoming GROUP BY day,
            {interval}),
        filled AS (SELECT {names}, day, coalesce(calls, 0) AS calls FROM cells
            LEFT JOIN counted USING (day, {interval})),
        means AS (SELECT *, avg(calls) OVER (PARTITION BY {names}) AS expected FROM filled),
        arrivals AS (
            SELECT
                {names}, count(*) AS days, sum(calls)::BIGINT AS calls, avg(calls) AS arrivals,
                CASE WHEN sum(calls) > 0 AND count(*) > 1
                    THEN sum((calls - expected)**2 / nullif(expected, 0)) / (count(*) - 1) END
                        AS dispersion
            FROM means GROUP BY {names}
        ),
        talks AS (
            SELECT {names}, avg(spoken) AS mean FROM incoming GROUP BY {names}
        ),
        joined AS (SELECT *, coalesce(mean, (SELECT avg(spoken) FROM incoming)) AS all_or_own
            FROM arrivals LEFT JOIN talks USING ({names}))
        SELECT
            {names}, days, calls, arrivals, dispersion,
            CASE WHEN all_or_own > 0 THEN all_or_own END AS talk_s,
            CASE WHEN calls = 0 THEN 0 WHEN all_or_own > 0 THEN arrivals / {lasts} * all_or_own END
                AS traffic
        FROM joined ORDER BY {names}
    """)
    return to_rows(result)


def ring_bins(parquet: Path, **options: Any) -> Rows:
    """The histogram of rings: up to 60 bins for 99 % of them; the last bin has all longer rings."""
    result = _ring_rows(parquet, **options).execute(f"""
        WITH sizes AS (
            SELECT
                (
                    SELECT min(w) FROM (SELECT unnest([1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800,
                        3600]) AS w) WHERE tail < w * 60
                ) AS width,
                tail, longest
            FROM (SELECT quantile_cont(ring_s::DOUBLE, 0.99) AS tail, max(ring_s) AS longest
                FROM ring_rows)
        ),
        last AS (SELECT *, floor(CASE WHEN longest < width * 60 THEN longest ELSE tail END
            / width)::BIGINT AS last_bin FROM sizes),
        placed AS (SELECT *, least(ring_s // width, last_bin) AS bin FROM ring_rows, last),
        every AS (SELECT rank, bin FROM (SELECT DISTINCT rank FROM ring_rows),
            (SELECT unnest(range(last_bin + 1)) AS bin FROM last)),
        counted AS (
            SELECT
                rank, bin, width, longest, last_bin, count(outcome) AS offers,
                count(*) FILTER (outcome = 'rna_timeout') AS rna_timeout,
                count(*) FILTER (outcome = 'caller_gave_up') AS caller_gave_up,
                count(*) FILTER (outcome = 'busy_or_rejected') AS busy_or_rejected
            FROM (SELECT rank, bin, outcome FROM every LEFT JOIN placed USING (rank, bin)), last
            GROUP BY ALL
        ),
        cumulative AS (
            SELECT *, (sum(offers) OVER of_group)::BIGINT AS total,
                (sum(offers) OVER (of_group ORDER BY bin))::BIGINT AS reached
            FROM counted WINDOW of_group AS (PARTITION BY rank)
        )
        SELECT
            ['answered', 'lost', 'elsewhere'][rank] AS "group", bin * width AS from_s,
            CASE WHEN bin < last_bin OR longest < (last_bin + 1) * width THEN (bin + 1) * width END
                AS to_s,
            offers, rna_timeout, caller_gave_up, busy_or_rejected,
            offers / total AS share, offers AS share_num, total AS share_den,
            {_wilson("offers", "total", "share")},
            reached / total AS up_to, reached AS up_to_num, total AS up_to_den,
            {_wilson("reached", "total", "up_to")}
        FROM cumulative ORDER BY rank, bin
    """)
    return to_rows(result)


def ring_groups(parquet: Path, **options: Any) -> Rows:
    result = _ring_rows(parquet, **options).execute("""
        SELECT
            ['answered', 'lost', 'elsewhere'][rank] AS "group", count(*) AS offers,
            quantile_cont(ring_s::DOUBLE, 0.5) AS ring_p50_s, quantile_cont(ring_s::DOUBLE, 0.9)
                AS ring_p90_s
        FROM ring_rows GROUP BY rank ORDER BY rank
    """)
    return to_rows(result)


def _ring_rows(parquet: Path, **options: Any) -> Any:
    tables = create_tables(parquet, FOR_OFFERS, **options)
    tables.execute("""
        CREATE OR REPLACE TABLE ring_rows AS
        SELECT *, CASE outcome WHEN 'answered' THEN 1 WHEN 'answered_elsewhere' THEN 3 ELSE 2 END
            AS rank
        FROM offers WHERE outcome <> 'in_progress' AND kind = 'person' AND ring_s IS NOT NULL
    """)
    return tables


def update_lag(parquet: Path) -> Rows:
    quantiles = ", ".join(
        f"quantile_cont(lag::DOUBLE, {share}) / 1e6 AS lag_p{name}_s"
        for name, share in (("50", 0.5), ("90", 0.9), ("99", 0.99), ("999", 0.999))
    )
    result = create_tables(parquet, (CALLS,)).execute(f"""
        WITH changed AS (
            SELECT
                greatest(0, epoch_us(updated_at) - epoch_us(ended_at)) AS lag,
                    epoch_us(updated_at) - epoch_us(started_at) AS since
            FROM read_parquet(getvariable('parquet')) WHERE updated_at IS NOT NULL
                AND ended_at IS NOT NULL
        ),
        late AS (
            SELECT since, row_number() OVER (ORDER BY since) AS nth, count(*) OVER () AS n
                FROM changed WHERE lag > 0 AND since IS NOT NULL
        )
        SELECT
            count(*) AS calls, count(*) FILTER (lag > 0) AS late, {quantiles}, max(lag) / 1e6
                AS lag_max_s,
            -- The first of n sorted values at or above the 99.9 % rank, in whole hours.
            (SELECT ceil(min(since) / 3.6e9) * 3600 FROM late WHERE nth >= 1 + 0.999 * (n - 1))
                AS lookback_s
        FROM changed
    """)
    return to_rows(result)
