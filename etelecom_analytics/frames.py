"""Typed frames of calls and legs, and the one validation of tables that users pass in."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import polars as pl

from .errors import InputError
from .schema import CALL_SCHEMA, CALL_TARGETS_SCHEMA

__all__ = [
    "METRIC_COLUMNS",
    "Frame",
    "call_targets",
    "checked_calls",
    "checked_table",
    "in_order",
    "leg_count",
    "newest",
    "same_kind",
]

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)
"""A function returns the kind of frame that it receives, eager or lazy."""

METRIC_COLUMNS = (
    "id",
    "direction",
    "call_state",
    "call_status",
    "started_at",
    "ended_at",
    "duration",
    "caller",
    "callee",
    "extension_id",
    "user_id",
    "recording_urls",
    "call_targets",
)
"""The columns of calls that measures need."""


def same_kind(source: Frame, result: pl.LazyFrame) -> Frame:
    """`result`, collected if `source` is a DataFrame."""
    return result.collect() if isinstance(source, pl.DataFrame) else result


def call_targets(calls: Frame) -> Frame:
    """One row per leg: `call_id`, `target_index` (its position in the call, from 0), leg columns.

    Calls without legs have no row. The result of a LazyFrame is lazy.

    Raises:
        InputError: `calls` is not a frame with the columns `id` and `call_targets`.

    Examples:
        >>> legs = et.call_targets(et.sample_logs().calls)
        >>> legs.height, legs["target_number"][0]
        (1251, '8000')
    """
    needed = {name: CALL_SCHEMA[name] for name in ("id", "call_targets")}
    legs = pl.col("call_targets")
    exploded = (
        checked_table(calls, needed, needed, what="calls")
        .lazy()
        .select(
            call_id=pl.col("id"),
            target_index=pl.int_ranges(legs.list.len(), dtype=pl.Int32),
            leg=legs,
        )
        .explode("target_index", "leg", empty_as_null=False, keep_nulls=False)
    )
    return same_kind(calls, exploded.unnest("leg").select(*CALL_TARGETS_SCHEMA))


def leg_count(calls: pl.DataFrame) -> int:
    """The number of rows of `call_targets`, without making them."""
    return int(calls["call_targets"].list.len().sum() or 0)


def newest(calls: pl.DataFrame) -> pl.DataFrame:
    """One row per id: the newest `updated_at`; the last row if it is equal or null."""
    index = "row index"
    repeated = (
        calls.select("id", "updated_at").with_row_index(index).filter(pl.col("id").is_duplicated())
    )
    if repeated.is_empty():
        return calls
    latest = repeated.sort("updated_at", index, descending=True, nulls_last=True).unique(
        "id", keep="first", maintain_order=True
    )
    outdated = repeated.join(latest, on=index, how="anti")[index]
    return calls.with_row_index(index).filter(~pl.col(index).is_in(outdated.implode())).drop(index)


def in_order(calls: pl.DataFrame) -> pl.DataFrame:
    """The calls newest first, then by id; calls without a start are last."""
    newest_first = pl.arg_sort_by(
        "started_at", "id", descending=[True, False], nulls_last=True, maintain_order=True
    )
    order = calls.select(newest_first).to_series()
    # Gathering whole rows is expensive, so calls that are already sorted are returned as they are.
    return calls if order.is_sorted() else calls[order]


def checked_calls(
    calls: object, *, columns: Iterable[str] = METRIC_COLUMNS
) -> pl.DataFrame | pl.LazyFrame:
    """The calls as a frame with the dtypes of `schema.CALL_SCHEMA`; other columns stay as they are.

    Times of other zones and units become UTC microseconds. Enum, Categorical and String columns
    become the Enums of the schema. A frame that already has these dtypes is returned unchanged.

    Args:
        calls: a DataFrame or a LazyFrame.
        columns: the columns that must exist.

    Raises:
        InputError: it is no Polars frame, lacks a column, or has a column that cannot be converted,
            such as times without a time zone.
    """
    return checked_table(calls, CALL_SCHEMA, columns, what="calls")


def checked_table(
    table: object, schema: Mapping[str, pl.DataType], columns: Iterable[str], *, what: str
) -> pl.DataFrame | pl.LazyFrame:
    """The table with the dtypes of `schema`, as `checked_calls` describes it.

    Args:
        table: a DataFrame or a LazyFrame.
        schema: the dtypes by column.
        columns: the columns that must exist.
        what: the noun of the table in an error message, such as "calls".

    Raises:
        InputError: as for `checked_calls`.
    """
    if not isinstance(table, pl.DataFrame | pl.LazyFrame):
        raise InputError(_not_a_frame(table, what))
    present = table.collect_schema()
    missing = [name for name in columns if name not in present]
    if missing:
        raise InputError(_missing(missing, list(present), what))
    conversions = [
        _converted(pl.col(name), present[name], dtype, name, what).alias(name)
        for name, dtype in schema.items()
        if name in present and present[name] != dtype
    ]
    return table.with_columns(conversions) if conversions else table


def _not_a_frame(table: object, what: str) -> str:
    expected = f"{what} must be a Polars DataFrame or LazyFrame"
    match type(table).__module__.partition(".")[0]:
        case "pandas":
            return f"{expected}; convert the pandas table with pl.from_pandas(...)."
        case "pyarrow":
            return f"{expected}; convert the Arrow table with pl.from_arrow(...)."
    if type(table).__name__ == "CallLogs":
        return f"{expected}; got CallLogs: pass logs.calls."
    return f"{expected}, such as logs.calls; got {type(table).__name__}."


def _missing(missing: list[str], present: list[str], what: str) -> str:
    names = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
    plural = "s" if len(missing) > 1 else ""
    return (
        f"These {what} have no column{plural} {names}. Keep the column{plural} of logs.{what}, or "
        f"rename yours; they have {', '.join(present[:12])}{', ...' if len(present) > 12 else ''}."
    )


def _converted(
    column: pl.Expr, present: pl.DataType, wanted: pl.DataType, name: str, what: str
) -> pl.Expr:
    """The column with the dtype of the schema.

    Raises:
        InputError: values of this dtype cannot be converted without guessing.
    """
    if isinstance(present, pl.Null):
        return column.cast(wanted)
    match wanted:
        case pl.Datetime():
            return _moment(column, present, name)
        case pl.Enum():
            if isinstance(present, pl.String | pl.Categorical | pl.Enum):
                return column.cast(pl.String).cast(wanted, strict=False)
        case pl.String():
            if isinstance(present, pl.Categorical | pl.Enum):
                return column.cast(wanted)
            if present.is_integer() and (name == "id" or name.endswith("_id")):
                return column.cast(wanted)
        case pl.Int8() | pl.Int16() | pl.Int32() | pl.Int64():
            if present.is_integer():
                return column.cast(wanted, strict=False)
            if present.is_float():  # pandas has no integers with missing values
                return pl.when(column == column.round(0)).then(column).cast(wanted, strict=False)
        case pl.Boolean():
            pass
        case pl.List(inner=pl.Struct() as leg):
            return _legs(column, present, leg, name)
        case pl.List(inner=inner):
            if isinstance(present, pl.List | pl.Array) and isinstance(
                present.inner, pl.String | pl.Null | pl.Categorical
            ):
                return column.cast(pl.List(inner))
    raise InputError(
        f"Column {name} of these {what} has the dtype {_short(present)}, which cannot become "
        f"{_short(wanted)}. {_advice(present, wanted)}"
    )


def _moment(column: pl.Expr, present: pl.DataType, name: str) -> pl.Expr:
    if isinstance(present, pl.Datetime) and present.time_zone:
        return column.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    if isinstance(present, pl.Datetime):
        raise InputError(
            f"The times in column {name} have no time zone. Say which one they are in: "
            f'pl.col("{name}").dt.replace_time_zone("Asia/Ho_Chi_Minh").'
        )
    if isinstance(present, pl.String):
        raise InputError(
            f"Column {name} holds times as text. Parse them first: "
            f'pl.col("{name}").str.to_datetime("%Y-%m-%dT%H:%M:%S%z").'
        )
    raise InputError(f"Column {name} must hold times with a time zone; its dtype is {present}.")


def _legs(column: pl.Expr, present: pl.DataType, leg: pl.Struct, name: str) -> pl.Expr:
    if isinstance(present, pl.List | pl.Array) and isinstance(present.inner, pl.Null):
        return column.cast(pl.List(leg))
    if not isinstance(present, pl.List) or not isinstance(present.inner, pl.Struct):
        raise InputError(
            f"Column {name} must hold a list of structs, one per leg; its dtype is "
            f"{_short(present)}."
        )
    fields, wanted = pl.Schema(present.inner), pl.Schema(leg)
    missing = [field for field in wanted if field not in fields]
    if missing:
        raise InputError(_missing(missing, list(fields), name))
    element = pl.element().struct.field
    return column.list.eval(
        pl.struct(
            (
                element(field)
                if fields[field] == dtype
                else _converted(element(field), fields[field], dtype, field, name)
            ).alias(field)
            for field, dtype in wanted.items()
        )
    )


def _advice(present: pl.DataType, wanted: pl.DataType) -> str:
    if isinstance(wanted, pl.String) and present.is_numeric():
        return "Phone numbers and ids are text: as numbers they lose leading zeros."
    return "Cast it first, or keep the column of logs.calls."


def _short(dtype: pl.DataType) -> str:
    return str(dtype) if len(str(dtype)) <= 40 else type(dtype).__name__
