"""Names for ids: join extensions, users and hotlines to calls, and create labels."""

import polars as pl

from .errors import InputError
from .frames import call_targets
from .schema import NAMES_SCHEMA
from .target_owners import departments, target_owners

__all__ = [
    "LABELS",
    "call_targets_with_users",
    "hotline_table",
    "keep_labels",
    "labels",
    "names_last",
    "one_per_key",
    "with_names",
]

LABELS = ("department_id", "hotline_id", "hotline")
"""The columns of `schema.NAMES` that a fetch with `label_hotlines` adds."""

_REQUIRED = {
    "extensions": ("id", "extension_number", "hotline_id", "user_id"),
    "users": ("user_id", "full_name", "short_name", "department_id"),
    "hotlines": ("id", "hotline", "name"),
}
_UNKNOWN = "(unknown)"
"""Stands for the other users of a number if only some of them have a name."""
_MAX_USERS = 3
_MOMENT = pl.Datetime("us", "UTC")


def with_names(
    calls: pl.DataFrame,
    *,
    extensions: pl.DataFrame | None,
    users: pl.DataFrame | None,
    hotlines: pl.DataFrame | None,
) -> pl.DataFrame:
    """The calls with the columns of `schema.NAMES` last; `CallLogs.with_names` has the rules."""
    is_labelled = "hotline_id" in calls.columns
    if hotlines is not None and extensions is None and not is_labelled:
        raise InputError(
            "The hotline of a call is that of its extension: pass extensions too, from "
            "et.fetch_extensions(client)."
        )
    joined = calls.select(
        "started_at",
        "extension_id",
        "user_id",
        "call_targets",
        "direction",
        "call_state",
        label="hotline_id" if is_labelled else pl.lit(None, pl.String),
    )
    columns: list[str] = []
    if extensions is not None:
        joined = joined.join(
            _extension_table(extensions), on="extension_id", how="left", maintain_order="left"
        )
        columns.append("extension_number")
        named_users = None if users is None else _user_table(users)
        joined = joined.with_columns(
            target_owners(calls, _extension_table(extensions), named_users)
        )
        columns.append("target_owners")
    if users is not None:
        owner = pl.coalesce("user_id", "owner_id") if extensions is not None else pl.col("user_id")
        joined = joined.with_columns(user_id=owner).join(
            _user_table(users), on="user_id", how="left", maintain_order="left"
        )
        columns += ["user", "department_id"]
    if extensions is not None and users is not None:
        joined = joined.with_columns(department_id=departments(joined))
    if hotlines is not None:
        of_extension = pl.col("hotline_id") if extensions is not None else pl.lit(None, pl.String)
        joined = joined.with_columns(hotline_id=pl.coalesce("label", of_extension)).join(
            hotline_table(hotlines), on="hotline_id", how="left", maintain_order="left"
        )
        columns += ["hotline_id", "hotline"] if is_labelled else ["hotline"]
    if extensions is not None and users is not None:
        numbers = _users_by_number(_extension_table(extensions), _user_table(users))
        joined = joined.with_columns(target_names=_target_names(numbers))
        joined = joined.with_columns(_with_owners(joined))
        columns.append("target_names")
    named = calls.with_columns(joined.select(columns).get_columns())
    return names_last(named)


def names_last(calls: pl.DataFrame) -> pl.DataFrame:
    """The calls with the columns of `schema.NAMES` last, in their order."""
    return calls.select(
        pl.exclude(*NAMES_SCHEMA), *(name for name in NAMES_SCHEMA if name in calls.columns)
    )


def keep_labels(calls: pl.DataFrame, older: pl.DataFrame) -> pl.DataFrame:
    """The calls; one without a hotline or department has that of its older state.

    What could not be requested again must not remove what is known.
    """
    if older.is_empty():
        return calls
    names = [name for name in LABELS if name in calls.columns and name in older.columns]
    known = older.select("id", *(pl.col(name).alias(f"older {name}") for name in names))
    is_bare = pl.col("hotline_id").is_null()
    kept = {
        name: pl.when(is_bare).then(f"older {name}").otherwise(name)
        if name == "hotline"
        else pl.coalesce(name, f"older {name}")
        for name in names
    }
    joined = calls.join(known, on="id", how="left", maintain_order="left")
    return joined.with_columns(**kept).select(calls.columns)


def one_per_key(table: pl.DataFrame, key: str) -> pl.DataFrame:
    """One row per key: preferably not deleted, then the newest `created_at`, then the last row.

    Rows without a key are dropped.
    """
    index = "row index"
    indexed = table.filter(pl.col(key).is_not_null()).with_row_index(index)
    order = [pl.col(index)]
    if "created_at" in table.columns:
        order.insert(0, pl.col("created_at"))
    if table.schema.get("deleted") == pl.Boolean:
        order.insert(0, ~pl.col("deleted").fill_null(value=False))
    return (
        indexed.sort(order, descending=True, nulls_last=True)
        .unique(key, keep="first", maintain_order=True)
        .drop(index)
    )


def hotline_table(hotlines: pl.DataFrame) -> pl.DataFrame:
    """One row per hotline: `hotline_id`, and `hotline`, its number or else its name."""
    table = one_per_key(_checked("hotlines", hotlines), "id")
    return table.select(hotline_id="id", hotline=pl.coalesce(_text("hotline"), _text("name")))


def call_targets_with_users(calls: pl.DataFrame) -> pl.DataFrame:
    """One row per leg, like `call_targets`; with `user` if the calls have `target_names`."""
    legs = call_targets(calls)
    if "target_names" not in calls.columns:
        return legs
    users = calls.select(user="target_names").explode("user", empty_as_null=False, keep_nulls=False)
    return legs.with_columns(users)


def labels(calls: pl.DataFrame | pl.LazyFrame, by: str) -> dict[str, str]:
    """A label such as "An (101)" for each extension, user or target number with a name.

    `by` is `extension_id`, `extension_number`, `user_id` or `target_number`; other dimensions have
    no labels. Labels are unique. Collects a LazyFrame.
    """
    schema = calls.lazy().collect_schema()
    if by == "target_number" and "target_names" in schema:
        number = pl.col("call_targets").list.eval(pl.element().struct.field("target_number"))
        legs = (
            calls.lazy()
            .select(key=number, user="target_names")
            .explode("key", "user", empty_as_null=False, keep_nulls=False)
        )
        pairs = legs.with_columns(number="key")
    elif by in ("extension_id", "extension_number", "user_id") and not schema.keys().isdisjoint(
        ("extension_number", "user")
    ):
        number = (
            pl.col("extension_number")
            if "extension_number" in schema and by != "user_id"
            else pl.lit(None, pl.String)
        )
        user = pl.col("user") if "user" in schema else pl.lit(None, pl.String)
        pairs = calls.lazy().select(key=by, number=number, user=user)
        if "target_owners" in schema:
            pairs = pl.concat([pairs, _owner_pairs(calls.lazy(), by)])
    else:
        return {}
    return dict(_label_table(pairs).collect().iter_rows())


def _owner_pairs(calls: pl.LazyFrame, by: str) -> pl.LazyFrame:
    """The keys, numbers and users of the owners of all legs."""
    number = pl.lit(None, pl.String) if by == "user_id" else pl.col("extension_number")
    return (
        calls.select(owner="target_owners")
        .explode("owner", empty_as_null=False, keep_nulls=False)
        .unnest("owner")
        .select(key=by, number=number, user="user")
    )


def _label_table(pairs: pl.LazyFrame) -> pl.LazyFrame:
    """One row per key with its label; keys without a user and without a number are dropped."""
    users = pl.col("user").drop_nulls().unique().sort()
    joined = pl.col("users").list.head(_MAX_USERS).list.join(" / ") + pl.when(
        pl.col("users").list.len() > _MAX_USERS
    ).then(pl.lit(" / …")).otherwise(pl.lit(""))
    name, number = pl.when(pl.col("users").list.len() > 0).then(joined), pl.col("number")
    label = (
        pl.when(number.is_null())
        .then(name)
        .when(name.is_null())
        .then(number)
        .otherwise(pl.format("{} ({})", name, number))
    )
    is_ambiguous = pl.len().over("label") > 1
    return (
        pairs.unique()
        .filter(pl.col("key").is_not_null())
        .group_by("key")
        .agg(users=users, number=pl.col("number").drop_nulls().first())
        .select("key", label=label)
        .filter(pl.col("label").is_not_null(), pl.col("label") != pl.col("key"))
        .select(
            "key",
            label=pl.when(is_ambiguous)
            .then(pl.format("{} [{}]", "label", "key"))
            .otherwise("label"),
        )
        .sort("key")
    )


def _extension_table(extensions: pl.DataFrame) -> pl.DataFrame:
    """One row per extension: id, number, hotline and owner, and when it was created and expires."""
    table = one_per_key(_checked("extensions", extensions), "id")
    moments = {
        name: pl.col(name) if table.schema.get(name) == _MOMENT else pl.lit(None, _MOMENT)
        for name in ("created_at", "expires_at")
    }
    return table.select(
        "hotline_id",
        **moments,
        extension_id="id",
        extension_number=_text("extension_number"),
        owner_id="user_id",
    )


def _user_table(users: pl.DataFrame) -> pl.DataFrame:
    """One row per user: `user_id`, `user`, `department_id`; equal names are followed by the id."""
    name = pl.coalesce(_text("full_name"), _text("short_name"))
    table = one_per_key(_checked("users", users), "user_id").select(
        "user_id", "department_id", user=name
    )
    is_ambiguous = pl.len().over("user") > 1
    return table.with_columns(
        user=pl.when(is_ambiguous).then(pl.format("{} ({})", "user", "user_id")).otherwise("user")
    )


def _users_by_number(extensions: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    """One row per number with a named user: `extension_number`, and `user`, all its users."""
    owned = extensions.filter(pl.col("extension_number").is_not_null()).join(
        users, left_on="owner_id", right_on="user_id", how="left"
    )
    names = pl.col("user").drop_nulls().unique().sort()
    others = (
        pl.when(pl.col("user").is_null().any())
        .then(pl.lit([_UNKNOWN]))
        .otherwise(pl.lit([], pl.List(pl.String)))
    )
    grouped = (
        owned.group_by("extension_number")
        .agg(names=names, others=others)
        .filter(pl.col("names").list.len() > 0)
    )
    return grouped.select(
        "extension_number", user=pl.concat_list("names", "others").list.join(" / ")
    ).sort("extension_number")


def _target_names(numbers: pl.DataFrame) -> pl.Expr:
    target = pl.element().struct.field("target_number")
    name = target.replace_strict(
        numbers["extension_number"], numbers["user"], default=None, return_dtype=pl.String
    )
    return pl.col("call_targets").list.eval(name)


def _with_owners(joined: pl.DataFrame) -> pl.Series:
    """`target_names`, but the name of the owner where the owner is known, not assumed."""
    owner = pl.element().struct
    known = pl.when(~owner.field("owner_assumed")).then(owner.field("user"))
    flat = (
        joined.with_row_index("call_row")
        .select("call_row", "target_names", owner=pl.col("target_owners").list.eval(known))
        .explode("target_names", "owner", empty_as_null=False, keep_nulls=False)
        .group_by("call_row", maintain_order=True)
        .agg(pl.coalesce("owner", "target_names").alias("with_owners"))
    )
    rows = joined.with_row_index("call_row").join(
        flat, on="call_row", how="left", maintain_order="left"
    )
    return rows.select(target_names=pl.coalesce("with_owners", "target_names")).to_series()


def _text(column: str) -> pl.Expr:
    """The text without surrounding whitespace; null if it is empty."""
    stripped = pl.col(column).str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def _checked(name: str, table: object) -> pl.DataFrame:
    """The table with its id columns as text; `InputError` if it is not such a table."""
    expected = f"{name} must be a table such as et.fetch_{name}(client) returns"
    if not isinstance(table, pl.DataFrame):
        raise InputError(f"{expected}; got {type(table).__name__}.")
    if missing := [column for column in _REQUIRED[name] if column not in table.columns]:
        raise InputError(f"{expected}; this one has no column {', '.join(missing)}.")
    for column in _REQUIRED[name]:
        dtype = table.schema[column]
        if not (dtype in (pl.String, pl.Null) or dtype.is_integer()):
            raise InputError(f"{expected}; its column {column} is {dtype}, not text.")
    return table.with_columns(pl.col(*_REQUIRED[name]).cast(pl.String))
