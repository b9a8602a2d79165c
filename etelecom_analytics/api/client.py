"""Client: one page per call, with a key, timeouts and retries."""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from ..errors import ApiError, EtelecomError, InputError
from ..parsing.documents import to_utf8
from ..query import CallQuery
from . import wire
from .credentials import ApiKey, Secret, check_address, is_loopback, read_settings
from .failures import ca_bundle, transport_error
from .listing import Listing, read_listing
from .retry import RateLimiter, Retry, run_with_retries
from .server_checks import ServerChecks
from .transport import BoundedAdapter, deadline, read_body

__all__ = ["MAX_WORKERS", "Client"]

MAX_WORKERS = 32
"""The maximum number of parallel requests, and the number of connections that are kept open."""

_MAX_BODY_BYTES = 64_000_000

_ReadResponse = Callable[[int, Mapping[str, str], bytes], wire.Page]
"""Reads status, headers and body as a page, or raises an ApiError."""


class Client:
    """A connection to the call-log API of one customer.

    Args:
        base_url: the address that belongs to the key; https, or http on this machine.
        api_key: the `api_key` of a shop, or the `shop_key` with which a partner acts for a shop.
        retry: when to repeat failed requests.
        timeouts_s: seconds to wait for a connection, and for each part of a response.
        max_body_bytes: a response with a larger body, after decompression, is an error.
        sleep: waits for a number of seconds.
        clock: a monotonic clock in seconds.

    Raises:
        SettingError: the address or the key is not valid.

    Examples:
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     with et.Client(server.base_url, server.api_key) as client:
        ...         page = client.list_calls(et.CallQuery(direction="in"), limit=3)
        >>> len(page.call_logs), page.call_logs[0]["direction"]
        (3, 'in')
    """

    def __init__(
        self,
        base_url: "str | Secret",
        api_key: "str | Secret",
        *,
        retry: Retry = Retry(),
        timeouts_s: tuple[float, float] = (10.0, 60.0),
        max_body_bytes: int = _MAX_BODY_BYTES,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.base_url = ""  # __repr__ needs it, and a traceback may print this client.
        self._key = ApiKey(api_key, source="Client's argument api_key")
        address = base_url if isinstance(base_url, Secret) else Secret(str(base_url))
        # A traceback may print the local variables of this frame, and the two may be swapped.
        api_key = base_url = ""
        self._key.check()
        self.base_url = check_address(address)
        self._retry, self._timeouts_s, self._clock = retry, timeouts_s, clock
        self._max_body_bytes = max_body_bytes
        self._limiter = RateLimiter(retry.requests_per_s, sleep=sleep, clock=clock)
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, BoundedAdapter(pool_maxsize=MAX_WORKERS))
        # Requests to this machine need no proxy, and a proxy could read a key sent over http.
        self._session.trust_env = not is_loopback(self.base_url)
        if not self._session.trust_env:
            self._session.verify = ca_bundle()[1] or True
        self._session.auth = self._key
        self._session.headers.update(
            {"Content-Type": "application/json", "Accept": "application/json"}
        )
        self._checks = ServerChecks(self.list_calls)
        self._clock_offset: timedelta | None = None

    @classmethod
    def from_env(cls, env_file: str | Path | None = None, *, retry: Retry = Retry()) -> "Client":
        """A client with the settings ETELECOM_BASE_URL and ETELECOM_API_KEY.

        Settings that are not in the environment are read from `env_file`; by default this is the
        nearest `.env` in this folder or one above it.

        Raises:
            SettingError: a setting is missing or not valid.
        """
        settings = read_settings(env_file)
        client = cls(settings.base_url, settings.api_key, retry=retry)
        client._key.source = settings.key_source
        return client

    def list_calls(
        self,
        query: CallQuery | None = None,
        *,
        limit: int = wire.PAGE_LIMIT,
        sort: str = "",
        after: str = "",
        before: str = "",
    ) -> wire.Page:
        """One page of calls, as the API returns it.

        Args:
            query: which calls; all by default.
            limit: maximum number of rows, up to 100; 0 means 100.
            sort: the sort order, as the API names it; newest first by default.
            after: the `next` of another page; "." is the first page.
            before: the `prev` of another page; not together with `after`.

        Raises:
            ApiError: the request failed; the class of the error shows what to do.
            InputError: an argument is not valid.

        Examples:
            >>> with et.simulator.serve(et.sample_logs().calls) as server:
            ...     client = et.Client(server.base_url, server.api_key)
            ...     first = client.list_calls(limit=100)
            ...     second = client.list_calls(limit=100, after=first.next)
            >>> first.call_logs[-1]["started_at"] > second.call_logs[0]["started_at"]
            True
        """
        if not 0 <= limit <= wire.PAGE_LIMIT:
            raise InputError(f"limit must be from 0 to {wire.PAGE_LIMIT} rows; got {limit}.")
        if after and before:
            raise InputError("Pass either `after` or `before`, not both.")
        body = wire.list_request(
            _filter_of(query or CallQuery()), limit=limit, sort=sort, after=after, before=before
        )
        return self._request_page(wire.CALL_LOGS, body, partial(self._read, wire.read_page))

    def _scan_calls(
        self,
        query: CallQuery,
        *,
        after: str,
        limit: int,
        keep_trying: Callable[[], bool],
        decode: bool = False,
    ) -> wire.Page:
        """One page of calls; `fetch_calls` uses it.

        Args:
            query: which calls.
            after: the `next` of another page; empty for the first page.
            limit: maximum number of rows, from 1 to 100.
            keep_trying: checked before each further attempt.
            decode: whether to decode the rows, so that a page is requested again if they are not
                valid. This takes several times as long.

        Raises:
            ApiError: the request failed; the class of the error shows what to do.
        """
        body = wire.list_request(_filter_of(query), limit=limit, sort="", after=after, before="")
        read = wire.read_page if decode else wire.scan_page
        return self._request_page(wire.CALL_LOGS, body, partial(self._read, read), keep_trying)

    def _list_names(
        self, listing: Listing, *, after: str, keep_trying: Callable[[], bool]
    ) -> wire.Page:
        """One page of a list of ids and names; `fetch_extensions` and similar functions use it.

        The arguments are those of `_scan_calls`.

        Raises:
            ApiError: the request failed; the class of the error shows what to do. The message does
                not quote the server, because its response may contain a password.
        """
        body = wire.list_request({}, limit=wire.PAGE_LIMIT, sort="", after=after, before="")
        read = partial(read_listing, listing)
        return self._request_page(listing.method, body, read, keep_trying)

    @property
    def clock_offset(self) -> timedelta | None:
        """How far the server's clock was ahead of this machine's, by its last `Date` header.

        None before the first response, or if the server sends no date. It is exact to a second.
        """
        return self._clock_offset

    def close(self) -> None:
        """Close all open connections."""
        self._session.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Client contains a key, so it cannot be pickled: create a new one.")

    def __repr__(self) -> str:
        return f"Client({self._key.redact(self.base_url)!r}, {self._key})"

    def _request_page(
        self,
        method: str,
        body: bytes,
        read: _ReadResponse,
        keep_trying: Callable[[], bool] = lambda: True,
    ) -> wire.Page:
        """The page in the response, after as many attempts as the retry policy allows."""
        url = wire.service_url(self.base_url, method)
        return run_with_retries(
            self._retry,
            lambda seconds_left: self._request_once(url, body, read, seconds_left),
            limiter=self._limiter,
            keep_trying=keep_trying,
        )

    def _request_once(
        self, url: str, body: bytes, read: _ReadResponse, seconds_left: float
    ) -> wire.Page:
        failure: ApiError | KeyboardInterrupt
        try:
            return read(*self._post(url, body, seconds_left))
        except ApiError as error:
            # The frames that read a response hold its whole body, in which a server may echo the
            # key. The traceback starts here without them.
            failure = error.with_traceback(None)
            failure.url, failure.key_source = self._key.redact(url), self._key.source
        except KeyboardInterrupt:
            failure = KeyboardInterrupt()
        raise failure

    def _read(
        self, read: _ReadResponse, status: int, headers: Mapping[str, str], body: bytes
    ) -> wire.Page:
        """The page in the response.

        For an error, the key is removed from the response before any text is shortened or masked.
        """
        if status == 200:
            body = self._key.redact_page(to_utf8(body))
            with suppress(ApiError):
                return read(status, headers, body)
        redacted = {name: self._key.redact(value) for name, value in headers.items()}
        return wire.read_page(
            status,
            CaseInsensitiveDict(redacted),
            self._key.redact(body.decode(errors="replace")).encode(errors="replace"),
        )

    def _post(
        self, url: str, body: bytes, seconds_left: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and whole body of the response; redirects are not followed."""
        timeouts_s = (
            min(self._timeouts_s[0], max(seconds_left, 0.001)),
            min(self._timeouts_s[1], max(seconds_left, 0.001)),
        )
        end = self._clock() + seconds_left
        outer = sys.exception()
        failure: EtelecomError
        try:
            with (
                deadline(lambda: end - self._clock()),
                self._session.post(
                    url,
                    data=body,
                    timeout=timeouts_s,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                content = read_body(
                    response,
                    max_bytes=self._max_body_bytes,
                    seconds_left=lambda: end - self._clock(),
                )
                if server_time := wire.http_date(response.headers.get("Date", "")):
                    self._clock_offset = server_time - datetime.now(UTC)
                return response.status_code, response.headers, content
        except EtelecomError:
            raise
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
        ) as error:
            failure = transport_error(error, url, timeouts_s=timeouts_s, outer=outer)
        # Raised outside of the handler, the error has no `__context__`: the frames of the HTTP
        # library hold the header with the key.
        raise failure


def _filter_of(query: CallQuery) -> dict[str, object]:
    date_from, date_to = query.closed_range(datetime.now(UTC))
    return replace(query, date_from=date_from, date_to=date_to).to_filter()
