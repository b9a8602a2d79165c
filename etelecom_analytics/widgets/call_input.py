"""The table of calls that a panel receives, as one validated Selection, and as code."""

from datetime import date, datetime

import polars as pl

from .. import local_time
from ..frames import checked_calls
from ..metrics import Calls, Selection
from ..schema import CALL_SCHEMA

__all__ = ["latest_day", "selection_of", "table_code", "with_imports"]

_TO_UTC = '.with_columns(pl.col("started_at").dt.convert_time_zone("UTC"))'


def selection_of(calls: Calls) -> Selection:
    """All calls of a table. A LazyFrame is collected; a Selection keeps its computed facts.

    Raises:
        InputError: as for `frames.checked_calls`.
    """
    if isinstance(calls, Selection):
        return calls
    checked = checked_calls(calls)
    # Selections of the same DataFrame share their computed facts.
    return Selection(checked.collect() if isinstance(checked, pl.LazyFrame) else checked)


def table_code(calls: Calls) -> str:
    """Python code of the DataFrame of `calls`, a variable that holds this value.

    Times of another zone become UTC, because Polars compares only times of one zone.
    """
    code = "calls"
    if not isinstance(calls, pl.DataFrame):
        code = "calls.calls" if isinstance(calls, Selection) else "calls.collect()"
    start = calls.lazy().collect_schema()["started_at"]
    return code if start == CALL_SCHEMA["started_at"] else f"{code}{_TO_UTC}"


def with_imports(code: str) -> str:
    """The code with the import of Polars, if it uses Polars."""
    return code.replace("\n", "\nimport polars as pl\n", 1) if _TO_UTC in code else code


def latest_day(calls: Selection, time_zone: str) -> date | None:
    """The local day of the latest call; None if no call has a start."""
    latest = calls.lazy().select(pl.col("started_at").max()).collect().item()
    if not isinstance(latest, datetime):
        return None
    return latest.astimezone(local_time.zone(time_zone)).date()
