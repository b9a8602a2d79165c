"""A second opinion on whole tables, in SQL on the tables of `second_reckoning`, from their definitions alone."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import second_reckoning as sql


def assert_agree(table: pl.DataFrame, second: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    """Row by row and name by name, to 1e-9."""
    assert table.height == len(second)
    for ours, theirs in zip(table.to_dicts(), second, strict=True):
        for name in names:
            mine, expected = ours[name], theirs[name]
            pairs = zip(mine, expected, strict=True) if isinstance(mine, list) else [(mine, expected)]
            for one, other in pairs:
                if isinstance(one, float) and other is not None:
                    assert math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9), (name, ours, theirs)
                else:
                    assert one == other, (name, ours, theirs)


def service_levels(parquet: Path, **settings: Any) -> list[dict[str, Any]]:
    """One row a variant: its name, numerator, denominator and value; the settings are those of `call_measures`."""
    facts = sql._tables(parquet, (sql._CALLS, sql._LEGS, sql._FACTS), **settings).table("facts")
    return [
        {"variant": variant, **row}
        for variant, (above, below) in sql.SERVICE_LEVELS.items()
        for row in sql._rows(facts.aggregate(f"{above} AS numerator, {below} AS denominator, {sql._share(above, below)} AS value"))
    ]


def lost_calls(parquet: Path, **settings: Any) -> list[dict[str, Any]]:
    """One row a missed call, in the order of the file: its id, and the stage at which it was lost."""
    tables = sql._tables(parquet, (sql._CALLS, sql._LEGS, sql._FACTS), **settings)
    return sql._rows(
        tables.execute("""
        SELECT
            call_id AS id,
            CASE
                WHEN short THEN 'short'
                WHEN EXISTS (
                    FROM legs
                    WHERE legs.call_row = facts.call_row AND is_answered AND to_ivr
                        AND legs.ended_us BETWEEN facts.ended_us - 2000000 AND facts.ended_us + 2000000
                ) THEN 'in_ivr'
                WHEN EXISTS (
                    FROM legs
                    WHERE legs.call_row = facts.call_row AND rang AND NOT to_ivr
                        AND legs.ended_us BETWEEN facts.ended_us - 2000000 AND facts.ended_us + 2000000
                ) THEN 'ringing'
                WHEN NOT EXISTS (FROM legs WHERE legs.call_row = facts.call_row AND rang AND NOT to_ivr) THEN 'before'
                ELSE 'between'
            END AS stage
        FROM facts
        WHERE missed
        ORDER BY call_row
    """)
    )
