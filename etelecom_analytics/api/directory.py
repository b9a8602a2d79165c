"""Fetching the lists of extensions, users and hotlines as typed tables."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping

import polars as pl

from ..errors import ApiError, BadRequest, BadRoute, PermissionDenied, Unauthenticated
from ..names import one_per_key
from ..parsing.values import DriftKind, ParsedValue, read_text, read_value
from ..schema import EXTENSIONS, HOTLINES, USERS, Column, Kind, schema_of
from .client import Client
from .listing import Listing
from .paging import follow

__all__ = [
    "extensions_table",
    "fetch_extensions",
    "fetch_hotlines",
    "fetch_users",
    "hotlines_table",
    "users_table",
]

_KeepTrying = Callable[[], bool]

_PARTNER_LIST, _SHOP_LIST = "Etelecom/GetPartnerHotlineList", "Shop/GetHotlines"
_REFUSALS = (Unauthenticated, PermissionDenied, BadRoute, BadRequest)
"""What a server may answer to a key that may not read a list."""

_logger = logging.getLogger(__name__)


def fetch_extensions(client: Client) -> pl.DataFrame:
    """One row per extension, with the columns of `schema.EXTENSIONS`, sorted by `id`.

    Passwords are removed before the response is parsed. Of a repeated id, the row that was created
    last is kept. Unexpected values are logged as a warning, with counts only.

    Raises:
        ApiError: the request failed; no partial table is returned.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     table = et.fetch_extensions(et.Client(server.base_url, server.api_key))
        >>> table.height, table["extension_number"][0]
        (7, '101')
    """
    return extensions_table(client)


def fetch_users(client: Client) -> pl.DataFrame:
    """One row per user, with the columns of `schema.USERS`, sorted by `user_id`.

    Deleted users are included. Of a repeated id, the row that is not deleted is kept. Unexpected
    values are logged as a warning, with counts only.

    Raises:
        ApiError: the request failed; no partial table is returned.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     table = et.fetch_users(et.Client(server.base_url, server.api_key))
        >>> table.height, table["full_name"][0]
        (8, 'Nguyễn Thị An')
    """
    return users_table(client)


def fetch_hotlines(client: Client) -> pl.DataFrame:
    """One row per hotline, with the columns of `schema.HOTLINES`, sorted by `id`.

    The list of a partner is requested; if the API refuses it, as to the key of a shop, the list of
    the shop's own hotlines. Of a repeated id, the last row is kept. Unexpected values are logged as
    a warning, with counts only.

    Raises:
        ApiError: the request failed, or both lists were refused; no partial table is returned.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     table = et.fetch_hotlines(et.Client(server.base_url, server.api_key))
        >>> table.height, table["hotline"][0]
        (2, '19000123')
    """
    return hotlines_table(client)


def extensions_table(client: Client, *, keep_trying: _KeepTrying = lambda: True) -> pl.DataFrame:
    """The result of `fetch_extensions`; `keep_trying` is checked before each further attempt."""
    return _fetch_table(client, "Etelecom/GetExtensions", "extensions", EXTENSIONS, keep_trying)


def users_table(client: Client, *, keep_trying: _KeepTrying = lambda: True) -> pl.DataFrame:
    """The result of `fetch_users`; `keep_trying` is checked before each further attempt."""
    return _fetch_table(client, "Shop/GetAccountUsers", "account_users", USERS, keep_trying)


def hotlines_table(client: Client, *, keep_trying: _KeepTrying = lambda: True) -> pl.DataFrame:
    """The result of `fetch_hotlines`; `keep_trying` is checked before each further attempt."""
    refusal: ApiError
    try:
        return _fetch_table(client, _PARTNER_LIST, "hotlines", HOTLINES, keep_trying)
    except _REFUSALS as error:
        refusal = error
    try:
        return _fetch_table(client, _SHOP_LIST, "hotlines", HOTLINES, keep_trying)
    except _REFUSALS as error:
        texts = (refusal.message, f"{_SHOP_LIST} was refused too, with status {error.status}")
        both = type(refusal)(
            "; ".join(filter(None, texts)), status=refusal.status, code=refusal.code
        )
        both.url, both.key_source = refusal.url, refusal.key_source
        refusal = both
    raise refusal


def _fetch_table(
    client: Client,
    method: str,
    rows_key: str,
    columns: tuple[Column, ...],
    keep_trying: _KeepTrying,
) -> pl.DataFrame:
    listing = Listing(method=method, rows=rows_key, fields=tuple(column.name for column in columns))
    reader = _ListReader(columns)
    follow(
        lambda cursor: client._list_names(listing, after=cursor, keep_trying=keep_trying),
        lambda page: reader.add(json.loads(page.body)[rows_key] or []),
    )
    id_name = columns[0].name
    rows = pl.DataFrame(reader.rows, schema=dict(schema_of(columns)), orient="row")
    table = one_per_key(rows, id_name)
    if repeated := rows.height - table.height:
        reader.drift["repeated id"] = repeated
    if reader.drift:
        counts = (f"{kind}, {count:,} x" for kind, count in sorted(reader.drift.items()))
        _logger.warning("%s: %s", rows_key, "; ".join(counts))
    return table.sort(id_name)


class _ListReader:
    """Reads raw records as rows, and counts unexpected values by field and kind.

    The values themselves are not logged, because they may be private.
    """

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self._columns = columns
        self._records: set[str] = set()
        self.rows: list[list[object]] = []
        self.drift: Counter[str] = Counter()

    def add(self, records: list[object]) -> int:
        """Read the records of a page, and return how many of them are new."""
        before = len(self._records)
        for record in records:
            self._records.add(json.dumps(record))
            row = (
                [self._value(record, column) for column in self._columns]
                if isinstance(record, dict)
                else []
            )
            if not row or row[0] is None:
                self.drift["row without an id (dropped)"] += 1
            else:
                self.rows.append(row)
        return len(self._records) - before

    def _value(self, record: Mapping[str, object], column: Column) -> object:
        value = record.get(column.name)
        if value is None:
            if column.kind is Kind.TEXTS:
                return []
            kind = DriftKind.NULL if column.name in record else DriftKind.MISSING
            self.drift[f"{column.name}: {kind}"] += 1
            return None
        read = _READERS.get(column.kind or Kind.TEXT, read_value)
        parsed, drift = read(value, column)
        if drift:
            self.drift[f"{column.name}: {drift}"] += 1
        return parsed


def _read_flag(value: object, _: Column) -> ParsedValue:
    if isinstance(value, bool):
        return value, None
    flag = (
        {"true": True, "false": False, 1: True, 0: False}.get(value)
        if isinstance(value, str | int)
        else None
    )
    return flag, DriftKind.WRONG_TYPE


def _read_texts(value: object, column: Column) -> ParsedValue:
    items = value if isinstance(value, list) else [value]
    parsed = [
        read_text(item, column) if isinstance(item, str) else (None, DriftKind.WRONG_TYPE)
        for item in items
    ]
    drift = next(
        (kind for _, kind in parsed if kind),
        None if isinstance(value, list) else DriftKind.WRONG_TYPE,
    )
    return [text for text, _ in parsed if text], drift


_READERS: Mapping[Kind, Callable[[object, Column], ParsedValue]] = {
    Kind.FLAG: _read_flag,
    Kind.TEXTS: _read_texts,
}
