"""fetch_extensions, fetch_users, fetch_hotlines: the lists that give ids their names, typed."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping

import polars as pl

from ..names import one_per_key
from ..parsing.values import DriftKind, Read, read_text, read_value
from ..schema import EXTENSIONS, HOTLINES, USERS, Column, Kind, schema_of
from .client import Client
from .listing import Listing
from .paging import follow
from .wire import Page

__all__ = ["fetch_extensions", "fetch_hotlines", "fetch_users"]

_logger = logging.getLogger(__name__)


def fetch_extensions(client: Client) -> pl.DataFrame:
    """One row an extension, with the columns of `schema.EXTENSIONS`, by `id`; its password is dropped before anything is made of it.

    Of an id that comes twice, what was created last is kept. What was strange is told by a warning
    in the log, as counts alone.

    Raises:
        ApiError: no answer, or a refusal; its kind says what to do. Nothing is returned then.
    """
    return _fetched(client, "Etelecom/GetExtensions", "extensions", EXTENSIONS)


def fetch_users(client: Client) -> pl.DataFrame:
    """One row a user of the account, with the columns of `schema.USERS`, by `user_id`; those who have left are rows too.

    Of a user who comes twice, the row that is not deleted is kept. What was strange is told by a
    warning in the log, as counts alone.

    Raises:
        ApiError: no answer, or a refusal; its kind says what to do. Nothing is returned then.
    """
    return _fetched(client, "Shop/GetAccountUsers", "account_users", USERS)


def fetch_hotlines(client: Client) -> pl.DataFrame:
    """One row a hotline, with the columns of `schema.HOTLINES`, by `id`; the API gives them to a partner.

    Of an id that comes twice, the row that came last is kept. What was strange is told by a warning
    in the log, as counts alone.

    Raises:
        ApiError: no answer, or a refusal; its kind says what to do. Nothing is returned then.
    """
    return _fetched(client, "Etelecom/GetPartnerHotlineList", "hotlines", HOTLINES)


def _fetched(
    client: Client, method: str, rows_key: str, columns: tuple[Column, ...]
) -> pl.DataFrame:
    listing = Listing(method=method, rows=rows_key, fields=tuple(column.name for column in columns))
    reader = _Reader(columns)
    follow(
        lambda cursor: client.list_names(listing, after=cursor),
        lambda page: reader.take(_rows(page, listing)),
    )
    table = one_per_key(
        pl.DataFrame(reader.rows, schema=dict(schema_of(columns)), orient="row"), columns[0].name
    )
    if repeated := len(reader.rows) - table.height:
        reader.strange["a row of an id that came before"] = repeated
    if reader.strange:
        told = (f"{what}, {count:,} x" for what, count in sorted(reader.strange.items()))
        _logger.warning("%s: %s", rows_key, "; ".join(told))
    return table.sort(columns[0].name)


def _rows(page: Page, listing: Listing) -> list[object]:
    rows: list[object] = json.loads(page.body)[listing.rows] or []
    return rows


class _Reader:
    """Makes rows of what came, and counts what was strange, by field and kind; of the values themselves nothing is told."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self._columns = columns
        self._seen: set[str] = set()
        self.rows: list[list[object]] = []
        self.strange: Counter[str] = Counter()

    def take(self, records: list[object]) -> int:
        """How many of these had not come before."""
        before = len(self._seen)
        for record in records:
            self._seen.add(json.dumps(record))
            row = (
                [self._value(record, column) for column in self._columns]
                if isinstance(record, dict)
                else []
            )
            if not row or row[0] is None:
                self.strange["a row without an id, left out"] += 1
            else:
                self.rows.append(row)
        return len(self._seen) - before

    def _value(self, record: Mapping[str, object], column: Column) -> object:
        value = record.get(column.name)
        if value is None:
            if column.kind is Kind.TEXTS:
                return []
            self.strange[
                f"{column.name}: {DriftKind.NULL if column.name in record else DriftKind.MISSING}"
            ] += 1
            return None
        read = _READERS.get(column.kind or Kind.TEXT, read_value)
        known, strange = read(value, column)
        if strange:
            self.strange[f"{column.name}: {strange}"] += 1
        return known


def _read_flag(value: object, _: Column) -> Read:
    if isinstance(value, bool):
        return value, None
    known = (
        {"true": True, "false": False, 1: True, 0: False}.get(value)
        if isinstance(value, str | int)
        else None
    )
    return known, DriftKind.WRONG_TYPE


def _read_texts(value: object, column: Column) -> Read:
    texts = value if isinstance(value, list) else [value]
    read = [
        read_text(each, column) if isinstance(each, str) else (None, DriftKind.WRONG_TYPE)
        for each in texts
    ]
    strange = next(
        (kind for _, kind in read if kind),
        None if isinstance(value, list) else DriftKind.WRONG_TYPE,
    )
    return [text for text, _ in read if text], strange


_READERS: Mapping[Kind, Callable[[object, Column], Read]] = {
    Kind.FLAG: _read_flag,
    Kind.TEXTS: _read_texts,
}
