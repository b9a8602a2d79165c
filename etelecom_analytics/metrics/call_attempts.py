"""Attempts: outbound calls to customers, with the customer, the own number and the carrier.

A customer is the number that was called, in normal form, so that 0912..., 84912... and +84912...
are one customer. Only external numbers are customers, see `kind_of` of legs: at least 8 digits, and
in no list of the options. A pseudonym stands for one number. A mask such as 091*****78 may stand
for several, so calls to masked numbers are not attempts.
"""

from datetime import UTC

import polars as pl

from ..phone_numbers import is_subscriber, normalized
from .call_facts import CALL_COLUMNS, COMPUTED_DIMENSIONS, NAME_COLUMNS, call_facts, name_columns
from .call_legs import false_if_null, is_outside_number
from .carriers import carrier_of
from .dimensions import CALL_DIMENSIONS, Names, as_names, check_dimensions
from .local_dimensions import start_dimensions
from .options import MetricOptions

__all__ = ["OUTBOUND_DIMENSIONS", "attempts_of", "outbound_calls", "outbound_dimensions"]

OUTBOUND_DIMENSIONS = ("carrier", "prefix", "own_number")
"""Further dimensions of outbound calls, besides those of calls.

`carrier` of the customer by prefix, one of `CARRIERS`; `prefix`, the first digits of the customer's
number: three of a mobile number, the area code of a landline, 1800 or 1900, null for others.
`own_number` is the number that the call was made from: the caller, if that is a phone number; else
the hotline of the extension, which needs `logs.with_names`, also if only other calls of the
extension show it.
"""

_PREFIXES = (
    r"^(0[3-9][0-9])[0-9]{7}$",
    r"^(02[48]|02[0-9]{2})[0-9]{7,8}$",
    r"^(1[89]00)[0-9]{4,6}$",
)
"""Of mobile numbers, of landlines, and of toll-free and premium numbers."""


def outbound_dimensions(
    calls: pl.LazyFrame, by: Names, options: MetricOptions
) -> dict[str, pl.Expr]:
    """An expression over `outbound_calls` for each of these dimensions.

    Raises:
        UnknownName: there is no such dimension; the message lists the nearest names.
        InputError: `by` is no name or sequence of names, or the calls lack the names that a
            dimension needs.
    """
    names = as_names(by, "by")
    allowed = (*CALL_DIMENSIONS, *NAME_COLUMNS, *OUTBOUND_DIMENSIONS)
    check_dimensions(calls, names, allowed=allowed, kind="dimension of outbound calls")
    return {name: pl.col(name) for name in names} | start_dimensions(names, options)


def outbound_calls(calls: pl.LazyFrame, options: MetricOptions) -> pl.LazyFrame:
    """One row per outbound call that began by `as_of`, in the order of the calls.

    Columns: `id`, `started_at`, the dimensions, `number` of the callee in normal form, `answered`,
    `is_attempt`, and `OUTBOUND_DIMENSIONS`. An attempt is an answered or missed call to a customer,
    except a missed log of a session of which another log shows that the same customer answered.
    """
    columns = calls.collect_schema()
    session = pl.col("external_session_id") if "external_session_id" in columns else pl.lit("")
    # `call_facts` passes ids through, so they carry the session.
    facts = call_facts(
        calls.filter(false_if_null(pl.col("direction").cast(pl.String) == "out")).with_columns(
            id=pl.struct("id", session=session)
        ),
        options=options,
    ).unnest("id")
    if options.as_of is not None:
        as_of = pl.lit(options.as_of.astimezone(UTC), pl.Datetime("us", "UTC"))
        facts = facts.filter(pl.col("started_at") <= as_of)
    number = pl.col("callee")
    is_customer = is_outside_number(lambda _: number, options) & ~false_if_null(
        number.str.contains("*", literal=True)
    )
    is_to_customer = is_customer & pl.col("started_at").is_not_null()
    # A session may have calls to several customers, and each of them has attempts of its own.
    attempt = ["session", "callee"]
    answered = facts.filter("answered", is_to_customer, pl.col("session") != "")
    rows = facts.join(
        answered.select(*attempt, is_answered_elsewhere=pl.lit(value=True)).unique(),
        on=attempt,
        how="left",
        maintain_order="left",
    )
    is_same_attempt = pl.col("missed") & pl.col("is_answered_elsewhere").is_not_null()
    rows = rows.with_columns(
        number=number,
        is_attempt=is_to_customer & pl.col("offered") & ~is_same_attempt,
        carrier=carrier_of(number),
        prefix=pl.coalesce(number.str.extract(pattern) for pattern in _PREFIXES),
    )
    return _with_own_number(rows, calls).select(
        "id",
        "started_at",
        *CALL_COLUMNS,
        *COMPUTED_DIMENSIONS,
        name_columns(),
        "number",
        "answered",
        "is_attempt",
        *OUTBOUND_DIMENSIONS,
    )


def attempts_of(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The attempts of `outbound_calls`, in the order in which they began, with their history.

    `attempt` counts the attempts to the customer from 1; `reached_before` is whether an earlier one
    was answered.
    """
    answers = pl.col("answered").cast(pl.Int64)
    return (
        rows.filter("is_attempt")
        .sort("started_at", "id")
        .with_columns(
            attempt=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("number"),
            reached_before=(answers.cum_sum() - answers).over("number") > 0,
        )
    )


def _with_own_number(rows: pl.LazyFrame, calls: pl.LazyFrame) -> pl.LazyFrame:
    """The rows with `own_number`."""
    columns, caller = calls.collect_schema(), pl.col("caller")
    own = pl.when(is_subscriber(caller)).then(caller)
    if "hotline" not in columns:
        return rows.with_columns(own_number=own)
    hotline = pl.col("hotline")
    hotline = pl.when(is_subscriber(hotline)).then(normalized(hotline)).otherwise(hotline)
    if "extension_number" not in columns:
        return rows.with_columns(own_number=pl.coalesce(own, hotline))
    # A missed call has no extension, but its caller is one. An extension whose calls have several
    # hotlines does not show from which of them it called.
    of_extension = (
        calls.select(caller=normalized(pl.col("extension_number")), of_extension=hotline)
        .drop_nulls()
        .group_by("caller")
        .agg(pl.col("of_extension").unique())
        .filter(pl.col("of_extension").list.len() == 1)
        .with_columns(pl.col("of_extension").list.first())
    )
    return rows.join(of_extension, on="caller", how="left", maintain_order="left").with_columns(
        own_number=pl.coalesce(own, hotline, "of_extension")
    )
