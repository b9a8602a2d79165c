"""HotlineLists: the hotlines of a client, and the hotlines and users of its extensions."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from ..errors import ApiError, QueryError
from ..names import hotline_table, one_per_key
from ..query import CallQuery
from ..schema import EXTENSIONS, HOTLINES, USERS, Column, schema_of
from .client import Client
from .directory import extensions_table, hotlines_table, users_table

__all__ = ["HotlineLists", "error_kind", "fetch_lists"]


@dataclass(kw_only=True)
class HotlineLists:
    """The lists of extensions, users and hotlines, and how the server reads requests.

    Attributes:
        extensions, users: as `fetch_extensions` and `fetch_users` return them; empty if they were
            not received.
        hotlines: one row per hotline: `hotline_id`, `hotline`.
        problems: why lists are empty, one sentence each.
        is_final: whether they need not be fetched again.
        filter_is_ignored: whether the server is known to ignore the filter.
    """

    extensions: pl.DataFrame
    users: pl.DataFrame
    hotlines: pl.DataFrame
    problems: list[str]
    is_final: bool = True
    filter_is_ignored: bool = False

    @property
    def of_extensions(self) -> pl.DataFrame:
        """One row per extension: `extension_id`, `hotline_id`."""
        return one_per_key(self.extensions, "id").select("hotline_id", extension_id="id")

    @property
    def ids(self) -> list[str]:
        """All known hotlines, sorted, that a filter can have."""
        ids = pl.concat([self.hotlines["hotline_id"], self.extensions["hotline_id"]])
        return sorted(each for each in ids.drop_nulls().unique() if _is_id(each))


def fetch_lists(client: Client, keep_trying: Callable[[], bool]) -> HotlineLists:
    """The lists; what could not be fetched is empty, and has a problem."""
    problems: list[str] = []
    is_final = True

    def fetched(
        fetch: Callable[..., pl.DataFrame], columns: tuple[Column, ...], name: str, result: str
    ) -> pl.DataFrame:
        nonlocal is_final
        try:
            return fetch(client, keep_trying=keep_trying)
        except ApiError as error:
            is_final &= not error.transient
            problems.append(f"The list of {name} was not received ({error_kind(error)}), {result}.")
            return pl.DataFrame(schema=dict(schema_of(columns)))

    extensions = fetched(
        extensions_table,
        EXTENSIONS,
        "extensions",
        "so calls only have a hotline if they were requested by hotline",
    )
    hotlines = fetched(
        hotlines_table,
        HOTLINES,
        "hotlines",
        "so only hotlines with an extension are known, and shown by their id"
        if extensions["hotline_id"].count()
        else "so no hotline is known",
    )
    users = fetched(users_table, USERS, "users", "so no department is known")
    return HotlineLists(
        extensions=extensions,
        users=users,
        hotlines=hotline_table(hotlines),
        problems=problems,
        is_final=is_final,
    )


def _is_id(text: str) -> bool:
    try:
        return bool(CallQuery(hotline_ids=[text]))
    except QueryError:
        return False


def error_kind(error: BaseException) -> str:
    """The kind of an error, without the texts of the server, which may be private."""
    status = f", status {error.status}" if isinstance(error, ApiError) and error.status else ""
    return f"{type(error).__name__}{status}"
