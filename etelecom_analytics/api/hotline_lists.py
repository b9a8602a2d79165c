"""HotlineLists: the hotlines of a client, and those of its extensions."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from ..errors import ApiError, QueryError
from ..names import hotline_table, one_per_key
from ..query import CallQuery
from .client import Client
from .directory import extensions_table, hotlines_table

__all__ = ["HotlineLists", "error_kind", "fetch_lists"]


@dataclass(kw_only=True)
class HotlineLists:
    """The lists of extensions and hotlines, and how the server reads requests.

    Attributes:
        extensions: one row per extension: `extension_id`, `hotline_id`.
        hotlines: one row per hotline: `hotline_id`, `hotline`.
        problems: why one of them is empty, by list.
        is_final: whether they need not be fetched again.
        filter_is_ignored: whether the server is known to ignore the filter.
    """

    extensions: pl.DataFrame
    hotlines: pl.DataFrame
    problems: dict[str, str]
    is_final: bool = True
    filter_is_ignored: bool = False

    @property
    def ids(self) -> list[str]:
        """All known hotlines, sorted, that a filter can have."""
        ids = pl.concat([self.hotlines["hotline_id"], self.extensions["hotline_id"]])
        return sorted(each for each in ids.drop_nulls().unique() if _is_id(each))


def fetch_lists(client: Client, keep_trying: Callable[[], bool]) -> HotlineLists:
    """The lists; what could not be fetched is empty, and has a problem."""
    problems: dict[str, str] = {}
    is_final = True
    extensions = pl.DataFrame(schema=dict.fromkeys(("extension_id", "hotline_id"), pl.String))
    hotlines = pl.DataFrame(schema=dict.fromkeys(("hotline_id", "hotline"), pl.String))
    try:
        rows = one_per_key(extensions_table(client, keep_trying=keep_trying), "id")
        extensions = rows.select("hotline_id", extension_id="id")
    except ApiError as error:
        is_final &= not error.transient
        problems["extensions"] = (
            f"The list of extensions was not received ({error_kind(error)}), so calls only have a "
            "hotline if they were requested by hotline."
        )
    try:
        hotlines = hotline_table(hotlines_table(client, keep_trying=keep_trying))
    except ApiError as error:
        is_final &= not error.transient
        known = extensions["hotline_id"].count()
        problems["hotlines"] = (
            f"The list of hotlines was not received ({error_kind(error)}), so "
            + (
                "only hotlines with an extension are known, and shown by their id."
                if known
                else "no hotline is known."
            )
        )
    return HotlineLists(
        extensions=extensions, hotlines=hotlines, problems=problems, is_final=is_final
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
