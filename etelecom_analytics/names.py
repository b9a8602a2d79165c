"""Names for ids: extensions, users and hotlines joined to calls, and how a named thing is told to people."""

import polars as pl

from .errors import InputError
from .frames import call_targets
from .schema import NAMES_SCHEMA

__all__ = ["call_targets_with_users", "labels", "one_per_key", "with_names"]

_NEEDED = {
    "extensions": ("id", "extension_number", "hotline_id", "user_id"),
    "users": ("user_id", "full_name", "short_name", "department_id"),
    "hotlines": ("id", "hotline", "name"),
}
_UNKNOWN = "(unknown)"
"""Stands for whoever else has a number, when only some of those who have it are known by name."""
_MOST_USERS = 3


def with_names(
    calls: pl.DataFrame,
    *,
    extensions: pl.DataFrame | None,
    users: pl.DataFrame | None,
    hotlines: pl.DataFrame | None,
) -> pl.DataFrame:
    """The calls with those columns of `schema.NAMES` that the lists can tell, after all others; `CallLogs.with_names` tells the rules."""
    if hotlines is not None and extensions is None:
        raise InputError(
            "A call's hotline is that of its extension: give extensions too, from et.fetch_extensions(client)."
        )
    found = calls.select("extension_id", "user_id", "call_targets")
    columns: list[str] = []
    if extensions is not None:
        found = found.join(_lines(extensions), on="extension_id", how="left", maintain_order="left")
        columns.append("extension_number")
    if users is not None:
        owner = pl.coalesce("user_id", "owner_id") if extensions is not None else pl.col("user_id")
        found = found.with_columns(user_id=owner).join(
            _people(users), on="user_id", how="left", maintain_order="left"
        )
        columns += ["user", "department_id"]
    if hotlines is not None:
        found = found.join(_hotlines(hotlines), on="hotline_id", how="left", maintain_order="left")
        columns.append("hotline")
    if extensions is not None and users is not None:
        found = found.with_columns(
            target_names=_of_targets(_numbers(_lines(extensions), _people(users)))
        )
        columns.append("target_names")
    named = calls.with_columns(found.select(columns).get_columns())
    return named.select(
        pl.exclude(*NAMES_SCHEMA), *(name for name in NAMES_SCHEMA if name in named.columns)
    )


def one_per_key(table: pl.DataFrame, key: str) -> pl.DataFrame:
    """One row a key: not deleted before deleted, then the newest `created_at`, then the row that stands last.

    Rows without a key are left out.
    """
    place = "place in the table"
    numbered = table.filter(pl.col(key).is_not_null()).with_row_index(place)
    order = [pl.col(place)]
    if "created_at" in table.columns:
        order.insert(0, pl.col("created_at"))
    if table.schema.get("deleted") == pl.Boolean:
        order.insert(0, ~pl.col("deleted").fill_null(value=False))
    return (
        numbered.sort(order, descending=True, nulls_last=True)
        .unique(key, keep="first", maintain_order=True)
        .drop(place)
    )


def call_targets_with_users(calls: pl.DataFrame) -> pl.DataFrame:
    """One row a leg, as `call_targets` gives it; with `user`, whose its target number is, where calls carry names."""
    legs = call_targets(calls)
    if "target_names" not in calls.columns:
        return legs
    users = calls.select(user="target_names").explode("user", empty_as_null=False, keep_nulls=False)
    return legs.with_columns(users)


def labels(calls: pl.DataFrame | pl.LazyFrame, by: str) -> dict[str, str]:
    """How people are told of each extension, user or target number, as far as these calls carry names: "An (101)".

    `by` is `extension_id`, `extension_number`, `user_id` or `target_number`; for any other there
    are none. No two have the same label. Collects.
    """
    carried = calls.lazy().collect_schema()
    if by == "target_number" and "target_names" in carried:
        number = pl.col("call_targets").list.eval(pl.element().struct.field("target_number"))
        legs = (
            calls.lazy()
            .select(key=number, user="target_names")
            .explode("key", "user", empty_as_null=False, keep_nulls=False)
        )
        seen = legs.with_columns(number="key")
    elif by in ("extension_id", "extension_number", "user_id") and not carried.keys().isdisjoint(
        ("extension_number", "user")
    ):
        number = (
            pl.col("extension_number")
            if "extension_number" in carried and by != "user_id"
            else pl.lit(None, pl.String)
        )
        user = pl.col("user") if "user" in carried else pl.lit(None, pl.String)
        seen = calls.lazy().select(key=by, number=number, user=user)
    else:
        return {}
    return dict(_told(seen).collect().iter_rows())


def _told(seen: pl.LazyFrame) -> pl.LazyFrame:
    """One row a key with its label; the keys that have neither a user nor a number of their own are left out."""
    users = pl.col("user").drop_nulls().unique().sort()
    some = pl.col("users").list.head(_MOST_USERS).list.join(" / ") + pl.when(
        pl.col("users").list.len() > _MOST_USERS
    ).then(pl.lit(" / …")).otherwise(pl.lit(""))
    name, number = pl.when(pl.col("users").list.len() > 0).then(some), pl.col("number")
    label = (
        pl.when(number.is_null())
        .then(name)
        .when(name.is_null())
        .then(number)
        .otherwise(pl.format("{} ({})", name, number))
    )
    twice = pl.len().over("label") > 1
    return (
        seen.unique()
        .filter(pl.col("key").is_not_null())
        .group_by("key")
        .agg(users=users, number=pl.col("number").drop_nulls().first())
        .select("key", label=label)
        .filter(pl.col("label").is_not_null(), pl.col("label") != pl.col("key"))
        .select(
            "key",
            label=pl.when(twice).then(pl.format("{} [{}]", "label", "key")).otherwise("label"),
        )
        .sort("key")
    )


def _lines(extensions: pl.DataFrame) -> pl.DataFrame:
    """One row an extension: `extension_id`, `extension_number`, `hotline_id`, `owner_id`."""
    listed = _checked("extensions", extensions)
    return one_per_key(listed, "id").select(
        "hotline_id",
        extension_id="id",
        extension_number=_text("extension_number"),
        owner_id="user_id",
    )


def _people(users: pl.DataFrame) -> pl.DataFrame:
    """One row a user: `user_id`, `user`, `department_id`; two who have the same name are told apart by their ids."""
    name = pl.coalesce(_text("full_name"), _text("short_name"))
    listed = one_per_key(_checked("users", users), "user_id").select(
        "user_id", "department_id", user=name
    )
    twice = pl.len().over("user") > 1
    return listed.with_columns(
        user=pl.when(twice).then(pl.format("{} ({})", "user", "user_id")).otherwise("user")
    )


def _hotlines(hotlines: pl.DataFrame) -> pl.DataFrame:
    """One row a hotline: `hotline_id`, `hotline`."""
    listed = one_per_key(_checked("hotlines", hotlines), "id")
    return listed.select(hotline_id="id", hotline=pl.coalesce(_text("hotline"), _text("name")))


def _numbers(lines: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """One row a number that somebody has whose name is known: `extension_number`, and `user`, all who have it."""
    owned = lines.filter(pl.col("extension_number").is_not_null()).join(
        people, left_on="owner_id", right_on="user_id", how="left"
    )
    names = pl.col("user").drop_nulls().unique().sort()
    others = (
        pl.when(pl.col("user").is_null().any())
        .then(pl.lit([_UNKNOWN]))
        .otherwise(pl.lit([], pl.List(pl.String)))
    )
    gathered = (
        owned.group_by("extension_number")
        .agg(names=names, others=others)
        .filter(pl.col("names").list.len() > 0)
    )
    return gathered.select(
        "extension_number", user=pl.concat_list("names", "others").list.join(" / ")
    ).sort("extension_number")


def _of_targets(numbers: pl.DataFrame) -> pl.Expr:
    target = pl.element().struct.field("target_number")
    name = target.replace_strict(
        numbers["extension_number"], numbers["user"], default=None, return_dtype=pl.String
    )
    return pl.col("call_targets").list.eval(name)


def _text(column: str) -> pl.Expr:
    """The text without blanks around it; null where nothing is left."""
    bare = pl.col(column).str.strip_chars()
    return pl.when(bare != "").then(bare)


def _checked(name: str, table: object) -> pl.DataFrame:
    """The list, its columns as text, if it is one."""
    fetched = f"such as et.fetch_{name}(client) gives"
    if not isinstance(table, pl.DataFrame):
        raise InputError(f"{name} is a table {fetched}; got {type(table).__name__}.")
    if missing := [column for column in _NEEDED[name] if column not in table.columns]:
        raise InputError(
            f"{name} is a table {fetched}; this one has no column {', '.join(missing)}."
        )
    for column in _NEEDED[name]:
        if not (table.schema[column] in (pl.String, pl.Null) or table.schema[column].is_integer()):
            raise InputError(
                f"{name} is a table {fetched}; its column {column} is {table.schema[column]}, not text."
            )
    return table.with_columns(pl.col(*_NEEDED[name]).cast(pl.String))
