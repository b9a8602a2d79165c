"""Calls of which half are full of holes: nulls, ties, duplicated legs, empty lists, odd words."""

import random
from typing import Any

import polars as pl

from etelecom_analytics.schema import CALL_SCHEMA, LEGS
from support.random_calls import random_calls

__all__ = ["calls_with_holes"]

_ODD_WORDS = ("", " ", "IN", "Answered", "ký tự", "null", "N/A", "ANSWERED\u200b")
_WORDS = ("direction", "call_state", "call_status")
_LEG_WORDS = ("status", "end_reason", "target_number", "trunk_name")


def calls_with_holes(count: int, *, seed: int) -> pl.DataFrame:
    """Random calls; of every second one some values are damaged. Words are plain strings."""
    source = random.Random(seed)
    calls = random_calls(count, seed=seed).to_dicts()
    for call in calls[::2]:
        for _ in range(source.randint(1, 4)):
            _damage(source, call)
        if source.random() < 0.3:  # a tie with another call, down to the microsecond
            other = source.choice(calls)
            for name in ("started_at", "ended_at", "call_targets"):
                call[name] = other[name]
        if source.random() < 0.02:
            call["id"] = source.choice(calls)["id"]
    schema = dict(CALL_SCHEMA) | dict.fromkeys(_WORDS, pl.String())
    return pl.DataFrame(calls, schema=schema)


def _damage(source: random.Random, call: dict[str, Any]) -> None:
    legs = call["call_targets"]
    match source.randrange(6):
        case 0:
            call[source.choice([name for name in CALL_SCHEMA if name != "id"])] = None
        case 1:
            call[source.choice(_WORDS)] = source.choice(_ODD_WORDS)
        case 2:
            call["call_targets"] = source.choice((None, [], [None]))
        case 3 if legs:
            call["call_targets"] = [*legs, *source.choices(legs, k=source.randint(1, 3))]
        case 4 if legs:
            changed = [dict(leg) if leg else None for leg in legs]
            if leg := source.choice(changed):
                leg[source.choice([field.name for field in LEGS])] = None
                leg[source.choice(_LEG_WORDS)] = source.choice(_ODD_WORDS)
            call["call_targets"] = changed
        case 5:
            call["recording_urls"] = source.choice((None, [], [None], ["", None]))
