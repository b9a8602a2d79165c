"""HTTP server that sends responses at once or slowly, truncated, or ended by a TCP reset."""

import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from .faults import Answer

__all__ = ["Listener", "Responder"]

_PART_S = 0.05
"""Seconds between the parts of a slow body."""
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""A connection closed with this option ends in a TCP reset."""


class Responder(Protocol):
    """Computes the responses.

    Attributes:
        clock_offset: how much the clock of the `Date` header is ahead.
    """

    clock_offset: timedelta

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The response to a request."""

    def before_send(self) -> None:
        """Called before a response is sent."""


class Listener(ThreadingHTTPServer):
    """A server with one daemon thread per connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], responder: Responder) -> None:
        super().__init__(address, _Handler)
        self.responder = responder
        self._open: set[socket.socket] = set()
        self._to_reset: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in its own thread."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, normally or by a reset."""
        self._open.discard(request)
        if request in self._to_reset:
            self._to_reset.discard(request)
            with suppress(OSError):
                request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            request.close()  # without a shutdown, which would end the connection normally
        else:
            super().shutdown_request(request)

    def reset_on_close(self, request: Any) -> None:
        """End this connection by a reset when it is closed."""
        self._to_reset.add(request)

    def end(self) -> None:
        """Stop listening, and close all connections; new ones are refused."""
        self.shutdown()
        self.server_close()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: tests break connections on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # sends headers and body together
    server: Listener

    def do_POST(self) -> None:
        responder = self.server.responder
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer = responder.answer(self.command, self.path, dict(self.headers.items()), body)
            time.sleep(answer.delay_s)
        finally:
            responder.before_send()
        if answer.reset:
            self.server.reset_on_close(self.connection)
        self.close_connection = (
            self.close_connection or answer.reset or answer.cut_after is not None
        )
        if answer.parts:
            self.close_connection = True
            for part in answer.parts():
                self.wfile.write(part)
                self.wfile.flush()
                time.sleep(answer.pause_s)
        elif not answer.reset or answer.cut_after is not None:
            self._send(answer)

    do_GET = do_PUT = do_DELETE = do_POST  # names of http.server  # noqa: N815

    def _send(self, answer: Answer) -> None:
        body = answer.payload
        self.send_response(answer.status)
        for name, value in {
            "Content-Type": answer.content_type,
            **answer.headers,
            "Content-Length": str(len(body)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        for part in _parts(body[: answer.cut_after], answer.bytes_per_s):
            self.wfile.write(part)
            self.wfile.flush()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` header, by the clock of the server."""
        moment = time.time() if timestamp is None else timestamp
        offset_s = self.server.responder.clock_offset.total_seconds()
        return formatdate(moment + offset_s, usegmt=True)

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""


def _parts(body: bytes, bytes_per_s: float | None) -> Iterator[bytes]:
    """The body in parts, sent at this speed; at least one part."""
    if not bytes_per_s or not body:
        yield body
        return
    step = max(1, round(bytes_per_s * _PART_S))
    for begin in range(0, len(body), step):
        part = body[begin : begin + step]
        yield part
        time.sleep(len(part) / bytes_per_s)
