"""Client: a session, a key, time-outs and retry; one page at a time."""

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NoReturn
from urllib.parse import urlsplit

import requests
import urllib3
from dotenv import dotenv_values, find_dotenv
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict

from ..errors import ApiError, BadCertificate, EtelecomError, InputError, NoAnswer, SettingError
from ..phone_numbers import printable
from ..query import CallQuery
from . import wire
from .listing import Listing, read_listing
from .retry import Gate, Retry

__all__ = ["Client"]

_ADDRESS, _KEY = "ETELECOM_BASE_URL", "ETELECOM_API_KEY"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_CHUNK = 1 << 16
_CONNECTIONS = 32
"""Kept open at once: as many as `fetch_calls` may have workers."""

_Read = Callable[[int, Mapping[str, str], bytes], wire.Page]
"""Status, headers and body -> a page, or an ApiError."""


class _Key(AuthBase):
    """A key that puts itself into a request and shows itself nowhere else."""

    def __init__(self, value: str, *, given_in: str) -> None:
        self._header = _Unseen(f"Bearer {value}")
        self._value = _Unseen(value)
        self.given_in = given_in

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request

    def __repr__(self) -> str:
        return f"<API key from {self.given_in}>"

    def left_out_of(self, text: str) -> str:
        """The text without the key, should a server have echoed it, plainly or as JSON writes it."""
        return text.replace(self._value, "<API key>").replace(
            json.dumps(self._value)[1:-1], "<API key>"
        )


class _Unseen(str):
    """A text whose repr does not tell it: tracebacks that print local variables print reprs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


class Client:
    """A connection to the call-log API of one customer.

    Args:
        base_url: the address given with the key; https, or http on this very machine.
        api_key: a shop's `api_key`, or the `shop_key` with which a partner acts for it.
        retry: when to ask again.
        timeouts_s: seconds to wait for a connection, and for each part of an answer.
        sleep: how to wait.
        clock: seconds that only go forward.

    Raises:
        SettingError: the address or the key cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        retry: Retry = Retry(),
        timeouts_s: tuple[float, float] = (10.0, 60.0),
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.base_url = ""  # so that a traceback of a refusal can show this client
        key_is_sound = isinstance(api_key, str) and bool(re.fullmatch(r"[!-~]+", api_key.strip()))
        self._key = _Key(str(api_key).strip(), given_in="Client's argument api_key")
        api_key = ""  # a traceback may show this frame
        if not key_is_sound:
            raise SettingError(
                f"The API key is empty or has characters that no key has: give it to Client, or set {_KEY}."
            )
        self.base_url = _checked(base_url)
        self._retry, self._timeouts_s, self._clock = retry, timeouts_s, clock
        self._gate = Gate(retry.requests_per_s, sleep=sleep, clock=clock)
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
        # What is on this machine needs no proxy, and a proxy must not see a key that goes there
        # without https.
        self._session.trust_env = urlsplit(self.base_url).hostname not in _LOOPBACK
        self._session.auth = self._key
        self._session.headers.update(
            {"Content-Type": "application/json", "Accept": "application/json"}
        )

    @classmethod
    def from_env(cls, env_file: str | Path | None = None, *, retry: Retry = Retry()) -> "Client":
        """The client that ETELECOM_BASE_URL and ETELECOM_API_KEY describe.

        They are read from the environment, and where it has none from `env_file`: by default the
        nearest `.env` in this folder or one above it.

        Raises:
            SettingError: one of them is set nowhere.
        """
        path = str(env_file or find_dotenv(usecwd=True))
        if env_file and not Path(env_file).is_file():
            raise SettingError(f"There is no file {path}.")
        found, in_environment = _settings(path)
        for name in (_ADDRESS, _KEY):
            if not found[name]:
                raise SettingError(
                    f"{name} is not set: set it in the environment, or write {name}=... into a file named .env."
                )
        client = cls(found[_ADDRESS], found[_KEY], retry=retry)
        client._key.given_in = _KEY if in_environment else f"{_KEY} in {path}"
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
        """One page of calls, as the API gives it.

        Args:
            query: which calls; all by default.
            limit: rows at most, up to 100; 0 means 100.
            sort: the API's word for an order; newest first by default.
            after: the `next` of another page. "." is the beginning.
            before: the `prev` of another page; not together with `after`.

        Raises:
            ApiError: no answer, or a refusal; its kind says what to do.
        """
        if not 0 <= limit <= wire.PAGE_LIMIT:
            raise InputError(
                f"limit is at most {wire.PAGE_LIMIT} rows a page, and not negative; got {limit}."
            )
        if after and before:
            raise InputError(
                "A page comes after one cursor or before one: give `after` or `before`, not both."
            )
        body = wire.list_request(
            (query or CallQuery()).to_filter(), limit=limit, sort=sort, after=after, before=before
        )
        return self._page(wire.CALL_LOGS, body, partial(self._read, wire.read_page))

    def scan_calls(
        self, query: CallQuery, *, after: str, limit: int, wanted: Callable[[], bool]
    ) -> wire.Page:
        """One page for a fetch, whose rows were not looked at; who parses them sees whether each is JSON.

        Args:
            query: which calls.
            after: the `next` of another page; empty for the first.
            limit: rows at most, from 1 to 100.
            wanted: asked before each further attempt; once it is false, there is none.

        Raises:
            ApiError: no answer, or a refusal; its kind says what to do.
        """
        body = wire.list_request(query.to_filter(), limit=limit, sort="", after=after, before="")
        return self._page(wire.CALL_LOGS, body, partial(self._read, wire.scan_page), wanted)

    def list_names(self, listing: Listing, *, after: str = "") -> wire.Page:
        """One page of a list that gives ids their names; `fetch_extensions` and its like follow all of them.

        Args:
            listing: which list.
            after: the `next` of another page.

        Raises:
            ApiError: no answer, or a refusal; its kind says what to do. What the server said is not
                quoted: it may hold a password.
        """
        body = wire.list_request({}, limit=wire.PAGE_LIMIT, sort="", after=after, before="")
        return self._page(listing.method, body, partial(read_listing, listing))

    def close(self) -> None:
        """Close the connections that are kept open."""
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
        raise TypeError("A Client holds a key, so it is not pickled: make one where it is needed.")

    def __repr__(self) -> str:
        return f"Client({self.base_url!r}, {self._key})"

    def _page(
        self, method: str, body: bytes, read: _Read, wanted: Callable[[], bool] = lambda: True
    ) -> wire.Page:
        """What this request is answered with in the end."""
        url = wire.service_url(self.base_url, method)
        return self._retry.run(
            lambda seconds_left: self._ask(url, body, read, seconds_left),
            gate=self._gate,
            wanted=wanted,
        )

    def _ask(self, url: str, body: bytes, read: _Read, seconds_left: float) -> wire.Page:
        failure: ApiError | KeyboardInterrupt
        try:
            return read(*self._answer(url, body, seconds_left))
        except ApiError as error:
            # The frames that read an answer hold all of it, and a server may echo the key: the
            # traceback begins here.
            failure = error.with_traceback(None)
            failure.url, failure.key_source = url, self._key.given_in
        except KeyboardInterrupt:
            failure = KeyboardInterrupt()
        raise failure

    def _read(self, read: _Read, status: int, headers: Mapping[str, str], body: bytes) -> wire.Page:
        """The page; whatever else it is, is read again without the key in it, before anything is cut or masked."""
        if status == 200:
            with suppress(ApiError):
                return read(status, headers, body)
        clean = {name: self._key.left_out_of(value) for name, value in headers.items()}
        return wire.read_page(
            status,
            CaseInsensitiveDict(clean),
            self._key.left_out_of(body.decode(errors="replace")).encode(),
        )

    def _answer(
        self, url: str, body: bytes, seconds_left: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and the whole body; the certificate is checked, and no redirect followed."""
        connect_s, read_s = (min(limit, max(seconds_left, 0.001)) for limit in self._timeouts_s)
        deadline = self._clock() + seconds_left
        failure: EtelecomError
        try:
            with self._session.post(
                url, data=body, timeout=(connect_s, read_s), allow_redirects=False, stream=True
            ) as response:
                content = bytearray()
                # Parts as they come: `response.content` would wait without end on a server that
                # sends a byte now and then.
                while part := response.raw.read1(_CHUNK, decode_content=True):
                    content += part
                    if self._clock() > deadline:
                        raise requests.ReadTimeout
                return response.status_code, response.headers, bytes(content)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = _failure(error, connect_s, read_s)
        # Raised out here, the error has no `__context__`: the frames of the HTTP library hold the
        # header with the key.
        raise failure


def _settings(path: str) -> tuple[dict[str, "_Unseen"], bool]:
    """The address and the key, empty where they are set nowhere, and whether the key came from the environment."""
    try:
        in_file = dotenv_values(path) if path else {}
    except (OSError, UnicodeDecodeError):
        in_file = None
    if in_file is None:
        raise SettingError(f"{path} cannot be read as text: save it as UTF-8.")
    found = {
        name: _Unseen(os.environ.get(name) or in_file.get(name) or "") for name in (_ADDRESS, _KEY)
    }
    return found, bool(os.environ.get(_KEY))


def _checked(base_url: str) -> str:
    """The address without a slash at its end, if a key may be sent to it."""
    try:
        parts = urlsplit(str(base_url).strip())
        sound = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:  # no port, or half an IPv6 address
        sound = False
    # The service's name is put right behind the address: without a path it would become part of the
    # host's.
    if (
        not sound
        or not parts.path.strip("/")
        or parts.query
        or parts.fragment
        or parts.username
        or re.search(r"\s", parts.netloc)
    ):
        raise SettingError(
            f"base_url is an address such as https://host/v1/shop: give the one you got with the key, or set {_ADDRESS}."
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingError(
            f"base_url must begin with https: over http anyone on the way could read the key ({_ADDRESS})."
        )
    return base_url.strip().rstrip("/")


def _failure(error: Exception, connect_s: float, read_s: float) -> EtelecomError:
    """What went wrong on the way, in words."""
    if isinstance(error, requests.exceptions.InvalidURL):
        return SettingError(
            f"base_url is no address that can be reached: {printable(str(error))} ({_ADDRESS})."
        )
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(
        error
    ):
        return BadCertificate(_innermost(error))
    if isinstance(error, OSError) and "CA certificate bundle" in str(error):
        return SettingError(f"{printable(str(error))}: check REQUESTS_CA_BUNDLE.")
    if isinstance(error, requests.ConnectTimeout):
        return NoAnswer(f"no connection within {connect_s:.0f} s")
    if isinstance(error, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
        return NoAnswer(f"nothing more came within {read_s:.0f} s")
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return NoAnswer("the connection was cut in the middle of the answer")
    return NoAnswer(_innermost(error))


def _innermost(error: BaseException) -> str:
    """What the operating system said, which the HTTP library wraps several times."""
    inner = getattr(error, "reason", None)
    wrapped = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
    if wrapped is not None:
        return _innermost(wrapped)
    return printable(str(getattr(error, "strerror", None) or error or type(error).__name__))
