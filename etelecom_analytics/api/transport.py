"""HTTP connections whose whole response has one deadline, and bodies of limited size.

The HTTP library limits the time of each read only, so a server that sends one byte now and then
could hold a request for ever: in the status line, the headers, or the sizes of chunks.
"""

import http.client
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from ..errors import Unreadable

__all__ = ["BoundedAdapter", "deadline", "read_body"]

_CHUNK_BYTES = 1 << 16

_current = threading.local()


@contextmanager
def deadline(seconds_left: Callable[[], float]) -> Iterator[None]:
    """Limit all reads of this thread to the remaining seconds."""
    _current.seconds_left = seconds_left
    try:
        yield
    finally:
        del _current.seconds_left


class _TimedReader(io.RawIOBase):
    """Reads from a socket; each read may take as long as its timeout and the deadline allow."""

    def __init__(self, source: Any, connection: socket.socket) -> None:
        self._source, self._connection = source, connection
        self._timeout_s = connection.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds_left = getattr(_current, "seconds_left", None)
        if seconds_left is not None:
            left = seconds_left()
            if left <= 0:
                raise TimeoutError("the deadline has passed")
            limits = (left, self._timeout_s)
            self._connection.settimeout(min(limit for limit in limits if limit is not None))
        count: int | None = self._source.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock))


# The debug output of http.client would print the header with the key.
class _Connection(HTTPConnection):
    response_class = _TimedResponse
    debuglevel = 0


class _SecureConnection(HTTPSConnection):
    response_class = _TimedResponse
    debuglevel = 0


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class BoundedAdapter(HTTPAdapter):
    """An adapter of requests whose connections obey `deadline`."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Create the pools of connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """The pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        if not str(proxy).lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


def read_body(
    response: requests.Response, *, max_bytes: int, seconds_left: Callable[[], float]
) -> bytes:
    """The whole decoded body.

    Raises:
        Unreadable: it has more than `max_bytes`.
        requests.ReadTimeout: no seconds are left.
        urllib3.exceptions.HTTPError: the body is incomplete, or cannot be decompressed.
    """
    content = bytearray()
    # `response.content` would never return if a server sends single bytes for ever, and would
    # decompress a small body to any size.
    while part := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        content += part
        if len(content) > max_bytes:
            raise Unreadable(
                f"the body has more than {max_bytes:,} bytes", status=response.status_code
            )
        if seconds_left() <= 0:
            raise requests.ReadTimeout
    return bytes(content)
