"""Costs of outbound calls by a tariff: of each call, and by any dimension of calls."""

from collections.abc import Container, Mapping
from typing import overload

import polars as pl

from ..errors import InputError
from .call_facts import call_facts
from .call_legs import false_if_null
from .carriers import CARRIERS, carrier_of
from .dimensions import Names, as_names, call_dimensions
from .options import MetricOptions, checked_options
from .selection import Calls, Selection, calls_frame, like_input
from .tariffs import PRICE_SCALE, Tariff, checked_tariff

__all__ = ["TariffInput", "call_costs", "cost", "fee_vnd", "is_charged", "is_free", "started_units"]

_CARRIER = "carrier"

TariffInput = Tariff | Mapping[str, object]
"""A tariff, or a mapping of its arguments."""


@overload
def call_costs(calls: pl.LazyFrame, tariff: TariffInput) -> pl.LazyFrame: ...
@overload
def call_costs(calls: pl.DataFrame | Selection, tariff: TariffInput) -> pl.DataFrame: ...
def call_costs(calls: Calls, tariff: TariffInput) -> pl.DataFrame | pl.LazyFrame:
    """One row per outbound call with what it costs, in the order of the calls.

    Columns: `call_id`; `carrier` of the callee by prefix, one of `CARRIERS` (a ported number keeps
    its prefix), null if the number is missing or masked; `duration`, seconds of talk; `charged`,
    whether it is billed: `call_status` P, and the hotline is not one of `tariff.free_hotlines`;
    `cost_vnd`: 0 if it is not charged, null if it is charged but carrier or duration is unknown.

    The cost is ceil(seconds * price), or the started minutes times the price rounded up, in whole
    VND and decimal arithmetic. LazyFrame in, LazyFrame out.

    Args:
        calls: calls of any direction; only those of direction `out` are rows.
        tariff: a `Tariff`, or a mapping of its arguments.

    Raises:
        InputError: the tariff is not valid, or it has free hotlines and the calls have no column
            `hotline`.
        UnknownName: a carrier does not exist; the message lists the names.

    Examples:
        >>> tariff = et.Tariff(per_second={"viettel": "7.5", "default": "13.4"})
        >>> et.metrics.call_costs(et.sample_logs().calls, tariff)["cost_vnd"].sum()
        105174
    """
    prices = checked_tariff(tariff)
    rows = _priced(_outbound(calls_frame(calls), prices), prices)
    columns = ("carrier", "duration", "charged", "cost_vnd")
    return like_input(calls, rows.select(pl.col("id").alias("call_id"), *columns))


@overload
def cost(
    calls: pl.LazyFrame, tariff: TariffInput, by: Names = ..., *, options: MetricOptions = ...
) -> pl.LazyFrame: ...
@overload
def cost(
    calls: pl.DataFrame | Selection,
    tariff: TariffInput,
    by: Names = ...,
    *,
    options: MetricOptions = ...,
) -> pl.DataFrame: ...
def cost(
    calls: Calls,
    tariff: TariffInput,
    by: Names = (),
    *,
    options: MetricOptions = MetricOptions(),
) -> pl.DataFrame | pl.LazyFrame:
    """What outbound calls cost, by any dimensions of calls and by carrier.

    Columns, after those of `by`: `calls`, the outbound calls; `charged_calls`; `unpriced_calls`,
    charged calls whose cost is unknown and in no sum; `charged_s` and `cost_vnd`, the talk in
    seconds and the cost in VND of the priced calls; `cost_avg_vnd`, their mean cost, null without
    any. Sorted by group, nulls last. LazyFrame in, LazyFrame out.

    Only outbound calls cost something; see `call_costs` for the rule and for single calls. The
    result is an estimate from call logs: the invoice of your carrier decides.

    Args:
        calls: calls of any direction.
        tariff: a `Tariff`, or a mapping of its arguments.
        by: dimensions of calls, as in `summarize`, and "carrier", that of the callee by prefix.
        options: the time zone of hours and days.

    Raises:
        InputError: the tariff is not valid, or the calls do not have the names or hotlines that
            are needed.
        UnknownName: a dimension or carrier does not exist; the message lists the nearest.

    Examples:
        >>> tariff = et.Tariff(per_second={"viettel": "7.5", "default": "13.4"})
        >>> table = et.metrics.cost(et.sample_logs().calls, tariff, by="carrier")
        >>> table.select("carrier", "charged_calls", "cost_vnd").head(2).rows()
        [('viettel', 15, 16819), ('mobifone', 4, 11942)]
    """
    options = checked_options(options)
    prices = checked_tariff(tariff)
    names = as_names(by, "by")
    own = [name for name in names if name != _CARRIER]
    outbound = _outbound(calls_frame(calls), prices)
    dimensions = call_dimensions(outbound, own, options)
    if own:
        # `call_facts` passes ids through, so they carry the values that facts do not have.
        passed = ("callee", "duration", "call_status", "is_free")
        facts = call_facts(outbound.with_columns(id=pl.struct(passed)), options=options)
        outbound = facts.select(
            pl.col("id").struct.unnest(),
            **{f"by_{name}": each for name, each in dimensions.items()},
        )
    rows = _priced(outbound, prices)
    keys = [pl.col(name if name == _CARRIER else f"by_{name}").alias(name) for name in names]
    is_priced = pl.col("charged") & pl.col("cost_vnd").is_not_null()
    n = is_priced.cast(pl.Int64).sum()
    total = pl.col("cost_vnd").filter(is_priced).sum()
    columns = {
        "calls": pl.len().cast(pl.Int64),
        "charged_calls": pl.col("charged").cast(pl.Int64).sum(),
        "unpriced_calls": (pl.col("charged") & ~is_priced).cast(pl.Int64).sum(),
        "charged_s": pl.col("duration").cast(pl.Int64).filter(is_priced).sum(),
        "cost_vnd": total,
        "cost_avg_vnd": pl.when(n > 0).then(total / n),
    }
    if not names:
        return like_input(calls, rows.select(**columns))
    return like_input(calls, rows.group_by(keys).agg(**columns).sort(names, nulls_last=True))


def is_charged() -> pl.Expr:
    """Whether a call succeeded, so that it is billed if it is outbound."""
    succeeded: pl.Expr = false_if_null(pl.col("call_status").cast(pl.String) == "P")
    return succeeded


def started_units(seconds: pl.Expr, unit: int) -> pl.Expr:
    """The number of started units, each of so many seconds."""
    return (seconds.cast(pl.Int64) + (unit - 1)) // unit


def fee_vnd(carrier: pl.Expr, seconds: pl.Expr, tariff: Tariff) -> pl.Expr:
    """The cost of a call in whole VND, rounded up; null for an unknown carrier or duration."""
    prices = {name: tariff.price(name) for name in CARRIERS}
    text = carrier.cast(pl.String)

    def of_carrier(values: list[int]) -> pl.Expr:
        return text.replace_strict(list(prices), values, default=None, return_dtype=pl.Int64)

    # Whole numbers: a product of floats, such as 60 * 13.4, may be just above the exact one.
    price = of_carrier([int(price * PRICE_SCALE) for price, _ in prices.values()])
    by_minute = of_carrier([unit for _, unit in prices.values()]) == 60
    units = pl.when(by_minute).then(started_units(seconds, 60)).otherwise(seconds.cast(pl.Int64))
    scaled = pl.when(seconds >= 0).then(units * price)
    fee: pl.Expr = (scaled + (PRICE_SCALE - 1)) // PRICE_SCALE
    return fee


def is_free(columns: Container[str], tariff: Tariff) -> pl.Expr:
    """Whether the hotline of a call is free of charge.

    Raises:
        InputError: the tariff has free hotlines, and the calls have no column `hotline`.
    """
    if not tariff.free_hotlines:
        return pl.lit(value=False)
    if "hotline" not in columns:
        raise InputError(
            "The tariff has free hotlines, and these calls carry no hotline: join it with "
            "logs.with_names(extensions, users, hotlines), and use the calls of the result."
        )
    free: pl.Expr = false_if_null(pl.col("hotline").is_in(tariff.free_hotlines))
    return free


def _outbound(calls: pl.LazyFrame, tariff: Tariff) -> pl.LazyFrame:
    """The outbound calls with `is_free`."""
    free = is_free(calls.collect_schema(), tariff)
    is_out = false_if_null(pl.col("direction").cast(pl.String) == "out")
    return calls.filter(is_out).with_columns(is_free=free)


def _priced(rows: pl.LazyFrame, tariff: Tariff) -> pl.LazyFrame:
    """The rows with `carrier`, `charged` and `cost_vnd`."""
    with_carrier = rows.with_columns(
        carrier=carrier_of(pl.col("callee")), charged=is_charged() & ~pl.col("is_free")
    )
    fee = fee_vnd(pl.col("carrier"), pl.col("duration"), tariff)
    return with_carrier.with_columns(cost_vnd=pl.when("charged").then(fee).otherwise(0))
