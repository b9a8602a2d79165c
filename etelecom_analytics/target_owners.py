"""Owners: which person each leg of a call rang, also if its number changed hands since.

And the departments of the people whom a missed call rang, since it has no user.
"""

import polars as pl

from .phone_numbers import normalized
from .schema import INBOUND_DIRECTIONS, NAMES_SCHEMA, OWNERS_SCHEMA

__all__ = ["departments", "target_owners"]


def target_owners(
    calls: pl.DataFrame, extensions: pl.DataFrame, users: pl.DataFrame | None
) -> pl.Series:
    """The owner of each leg, parallel to `call_targets`; null for a number of no extension.

    The owner of an answered leg of the call's own extension is the call's user. Of other legs it is
    the user of the only extension with this number that existed when the leg began, by
    `created_at` and `expires_at`. Else it is the user of the present extension, the newest of
    several, and `owner_assumed`.

    Args:
        calls: with `started_at`, `ended_at`, `user_id`, `extension_id` and `call_targets`.
        extensions: one row per extension: `extension_id`, `extension_number`, `owner_id`,
            `created_at`, `expires_at`.
        users: one row per user: `user_id`, `user`, `department_id`; or None.
    """
    number = normalized(pl.col("extension_number"))
    numbered = extensions.lazy().with_columns(number=number).filter(number.is_not_null())
    own = extensions.lazy().select("extension_id", own_number=number)
    target = pl.col("call_targets").list.eval(pl.element().struct.field("target_number"))
    answer = pl.col("call_targets").list.eval(_is_answered())
    legs = (
        calls.lazy()
        .with_row_index("call_row")
        .select(
            *("call_row", "started_at", "ended_at", "user_id", "extension_id"),
            target=target,
            answer=answer,
            begin=pl.col("call_targets").list.eval(_began()),
        )
        .explode("target", "answer", "begin", empty_as_null=False, keep_nulls=False)
        .with_columns(begin=_within_call(pl.col("begin")))
        .with_row_index("leg_row")
    )
    # To normalize each number once is faster than each leg.
    forms = legs.select("target").unique().with_columns(number=normalized(pl.col("target")))
    legs = legs.join(forms, on="target", how="left").join(own, on="extension_id", how="left")
    is_own = pl.col("answer") & pl.col("user_id").is_not_null()
    is_own = is_own & (pl.col("number") == pl.col("own_number"))
    owned = pl.concat(
        [
            legs.filter(is_own).select(
                "leg_row",
                "extension_id",
                "user_id",
                extension_number="number",
                owner_assumed=pl.lit(value=False),
            ),
            _by_period(legs.filter(~is_own.fill_null(value=False)), numbered),
        ],
        how="diagonal",
    )
    names = _EMPTY_USERS if users is None else users.lazy()
    owners = owned.join(names, on="user_id", how="left")
    is_known = pl.col("extension_number").is_not_null()
    lists = (
        legs.select("leg_row", "call_row")
        .join(owners, on="leg_row", how="left")
        .sort("leg_row")
        .group_by("call_row")
        .agg(target_owners=pl.when(is_known).then(pl.struct(*OWNERS_SCHEMA)))
    )
    count = pl.col("call_targets").list.len()
    none = pl.lit([], NAMES_SCHEMA["target_owners"])
    return (
        calls.lazy()
        .with_row_index("call_row")
        .join(lists, on="call_row", how="left", maintain_order="left")
        .select(pl.when(count == 0).then(none).otherwise("target_owners").alias("target_owners"))
        .collect()
        .to_series()
    )


def departments(calls: pl.DataFrame) -> pl.Series:
    """The department of each call, parallel to the calls.

    That of an answered call is that of its user. Of an inbound call that was not answered, those of
    the extensions that rang, joined by " / " if there are several, else that of its user. A call
    without a user always has those of the extensions that rang.

    Args:
        calls: with `direction`, `call_state`, `user_id`, `department_id` of their users,
            `call_targets` and `target_owners`.
    """
    leg = pl.element().struct
    rang = leg.field("ring_time").is_not_null() | (leg.field("ring_duration") > 0)
    rows = calls.lazy().with_row_index("call_row")
    rung = (
        rows.select(
            "call_row",
            rang=pl.col("call_targets").list.eval(rang.fill_null(value=False)),
            rung=pl.col("target_owners").list.eval(leg.field("department_id")),
        )
        .explode("rang", "rung", empty_as_null=False, keep_nulls=False)
        .filter("rang", pl.col("rung").is_not_null())
        .group_by("call_row")
        .agg(pl.col("rung").unique().sort().str.join(" / "))
    )
    direction, state = (pl.col(name).cast(pl.String) for name in ("direction", "call_state"))
    is_missed = direction.is_in(INBOUND_DIRECTIONS) & (state == "not_answered")
    of_user, of_legs = pl.col("department_id"), pl.col("rung")
    return (
        rows.select("call_row", "direction", "call_state", "user_id", "department_id")
        .join(rung, on="call_row", how="left", maintain_order="left")
        .select(
            pl.when(is_missed)
            .then(pl.coalesce(of_legs, of_user))
            .when(pl.col("user_id").is_null())
            .then(of_legs)
            .otherwise(of_user)
            .alias("department_id")
        )
        .collect()
        .to_series()
    )


_EMPTY_USERS = pl.LazyFrame(schema=dict.fromkeys(("user_id", "user", "department_id"), pl.String))


def _is_answered() -> pl.Expr:
    status = pl.element().struct.field("status").str.contains("^(?i:ANSWERED)$")
    answered_time = pl.element().struct.field("answered_time")
    return status.fill_null(value=False) | answered_time.is_not_null()


def _began() -> pl.Expr:
    names = ("add_time", "ring_time", "answered_time")
    return pl.coalesce(pl.element().struct.field(name) for name in names)


def _within_call(begin: pl.Expr) -> pl.Expr:
    """When a leg began: not before its call, nor after its end, whatever the clock of the leg."""
    known = pl.coalesce(begin, "started_at")
    return pl.max_horizontal("started_at", pl.min_horizontal(known, "ended_at"))


def _by_period(legs: pl.LazyFrame, extensions: pl.LazyFrame) -> pl.LazyFrame:
    """The owner of each leg by the time at which the extensions of its number existed."""
    created, expires = pl.col("created_at"), pl.col("expires_at")
    begin = pl.col("begin")
    exists = (created <= begin) & (expires.is_null() | (begin < expires))
    return (
        legs.select("leg_row", "number", "begin")
        .join(
            extensions.select(
                *("number", "extension_id", "extension_number", "created_at", "expires_at"),
                user_id="owner_id",
            ),
            on="number",
        )
        .with_columns(exists=exists.fill_null(value=False))
        .sort(
            "leg_row",
            "exists",
            "created_at",
            "extension_id",
            descending=[False, True, True, True],
            nulls_last=True,
        )
        .group_by("leg_row")
        .agg(
            pl.col("extension_id", "extension_number", "user_id").first(),
            owner_assumed=pl.col("exists").sum() != 1,
        )
    )
