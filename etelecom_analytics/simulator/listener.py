"""Answers over real sockets: sent at once or slowly, cut short, or broken off by a reset."""

import json
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from .faults import Answer

__all__ = ["Listener", "Owner"]

_BREATH_S = 0.05
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""Closed with this option, a connection ends in a reset."""


class Owner(Protocol):
    """Who knows the answers."""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What to send back."""

    def leaves(self) -> None:
        """Told when an answer begins to be sent."""


class Listener(ThreadingHTTPServer):
    """A thread for each connection. They end with the program, and a client that goes away is no news."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: Owner) -> None:
        super().__init__(address, _Handler)
        self.owner = owner
        self._open: set[socket.socket] = set()
        self._broken: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, orderly or by a reset."""
        self._open.discard(request)
        if request in self._broken:
            self._broken.discard(request)
            with suppress(OSError):
                request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            request.close()  # and no shutdown, which would say an orderly end first
        else:
            super().shutdown_request(request)

    def break_off(self, request: Any) -> None:
        """Let this connection end in a reset."""
        self._broken.add(request)

    def end(self) -> None:
        """Stop listening, and hang up on whoever is connected; whoever calls from now on is refused."""
        self.shutdown()
        self.server_close()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing is printed: connections break in the tests of connections that break."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    server: Listener

    def do_POST(self) -> None:
        owner = self.server.owner
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer = owner.answer(self.command, self.path, dict(self.headers.items()), sent)
            time.sleep(answer.delay_s)
        finally:
            owner.leaves()
        if answer.reset:
            self.server.break_off(self.connection)
        self.close_connection = (
            self.close_connection or answer.reset or answer.cut_after is not None
        )
        if not answer.reset or answer.cut_after is not None:
            self._send(answer)

    do_GET = do_PUT = do_DELETE = do_POST  # names that http.server looks for  # noqa: N815

    def _send(self, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
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

    def log_message(self, *arguments: Any) -> None:
        """Nothing is printed."""


def _parts(body: bytes, bytes_per_s: float | None) -> Iterator[bytes]:
    """The body at this speed, at least one part."""
    if not bytes_per_s or not body:
        yield body
        return
    step = max(1, round(bytes_per_s * _BREATH_S))
    for begin in range(0, len(body), step):
        part = body[begin : begin + step]
        yield part
        time.sleep(len(part) / bytes_per_s)
