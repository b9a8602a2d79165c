"""Calls written to a file as they are shown: parquet for programs, CSV for spreadsheets."""

import os
from pathlib import Path

import polars as pl
from polars import selectors

from ... import local_time
from ...errors import InputError
from ...privacy import Privacy

__all__ = ["write_calls"]

_FORMULA = r"^[\s'\"]*[=+\-@＝＋－＠|%]|^[\t\r\n]"
"""How a text begins that a spreadsheet may take for a formula (OWASP, CSV Injection)."""
_LONG_RUN = r"(\d{2})(?:[\s.()/\-]?\d){4,}"


def write_calls(
    calls: pl.DataFrame, path: str | Path, *, keep: tuple[str, ...] | None, time_zone: str
) -> Path:
    """The file that was written: all of these calls in their order, as parquet or CSV, by the ending of its name.

    Links to recordings are withheld, and outside numbers masked but for those to `keep`, in notes
    all; None masks none. A CSV has the flat columns, local times, and a quotation mark before any
    text that a spreadsheet would take for a formula.

    Raises:
        InputError: another ending, a folder that is not there, or a file that is there already.
    """
    target = Path(path).expanduser()
    if target.suffix not in (".parquet", ".csv"):
        raise InputError(f"A file of calls ends in .parquet or .csv; got {target.name!r}.")
    if not target.parent.is_dir():
        raise InputError(f"There is no folder {str(target.parent)!r}.")
    if target.exists():
        raise InputError(f"{target.name!r} is there already: choose another name.")
    privacy = Privacy(
        numbers="kept" if keep is None else "masked", own_numbers=keep or (), notes="kept"
    )
    shown = privacy.apply(calls)
    if keep is not None:
        shown = shown.with_columns(pl.col("note").str.replace_all(_LONG_RUN, "${1}…"))
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if target.suffix == ".csv":
            _flat(shown, time_zone).write_csv(beside, include_bom=True)
        else:
            shown.write_parquet(beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def _flat(calls: pl.DataFrame, time_zone: str) -> pl.DataFrame:
    """The columns that fit into cells, safe to open."""
    cells = calls.select(~selectors.by_dtype(pl.List, pl.Struct)).with_columns(
        selectors.datetime()
        .dt.convert_time_zone(local_time.zone(time_zone).key)
        .dt.strftime("%Y-%m-%d %H:%M:%S%.3f%:z"),
        selectors.by_dtype(pl.Enum).cast(pl.String),
    )
    text = selectors.string()
    return cells.with_columns(
        pl.when(text.str.contains(_FORMULA)).then(pl.lit("'") + text).otherwise(text).name.keep()
    )
