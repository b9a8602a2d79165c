"""A local HTTP server with the interface of the API, and faults on demand."""

import ssl
from collections.abc import Iterable, Mapping
from threading import Thread
from types import TracebackType
from typing import Any

import polars as pl

from ..errors import InputError
from .faults import Answer, Request
from .filters import Row
from .listener import Listener
from .responder import API_KEY, BASE_PATH, CallLogResponder, Rewrite
from .rows import wire_rows

__all__ = ["API_KEY", "Answer", "CallLogServer", "Request", "serve"]


class CallLogServer(CallLogResponder):
    """A running server, and a context manager that stops it; `serve` starts one.

    `latency_s`, `clock_offset` and `die_after` may be changed at any time.

    Attributes:
        base_url: the base URL for a client, without the final dot.
        api_key: the valid API key.
        latency_s: seconds before each answer is sent.
        clock_offset: how much the clock of the `Date` header is ahead.
        die_after: number of requests to answer; the next one stops the server.

    Examples:
        >>> from etelecom_analytics.simulator import faults
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     server.misbehave(faults.error_status(503), times=2)
        ...     client = et.Client(server.base_url, server.api_key, sleep=lambda seconds: None)
        ...     page = client.list_calls(limit=5)
        ...     len(page.call_logs), len(server.requests)
        (5, 3)
    """

    def __init__(
        self,
        calls: Iterable[Row],
        *,
        port: int = 0,
        api_key: str = API_KEY,
        departments: Mapping[str, str] | None = None,
        hotlines: Mapping[str, str] | None = None,
        both_dates: bool = True,
        rewrite: Rewrite | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(
            calls,
            api_key=api_key,
            departments=departments,
            hotlines=hotlines,
            both_dates=both_dates,
            rewrite=rewrite,
        )
        try:
            self._http = Listener(("127.0.0.1", port), self)
        except (OSError, OverflowError) as error:
            raise InputError(
                f"Cannot listen on port {port} ({error}): use another port, or 0 for any free one."
            ) from None
        if tls:
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        host = "https://localhost" if tls else "http://127.0.0.1"
        self.base_url = f"{host}:{self._http.server_port}{BASE_PATH}"
        self._thread = Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and close all connections; the port is free afterwards."""
        self._http.end()
        self._thread.join()

    def __enter__(self) -> "CallLogServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def end(self) -> None:
        """Stop listening, and close all connections."""
        self._http.end()


def serve(
    calls: pl.DataFrame | Iterable[Any],
    *,
    port: int = 0,
    api_key: str = API_KEY,
    departments: Mapping[str, str] | None = None,
    hotlines: Mapping[str, str] | None = None,
    both_dates: bool = True,
    rewrite: Rewrite | None = None,
    tls: ssl.SSLContext | None = None,
) -> CallLogServer:
    """A started server of these calls on the loopback interface; it runs until it is closed.

    Args:
        calls: typed calls, or raw rows as the API writes them.
        port: the port to listen on; 0 selects a free one.
        api_key: the valid API key.
        departments: department id by call id; by default that of the call's user in the directory.
        hotlines: hotline id by call id; by default that of the number called in the directory, or
            for an outbound call that of the extension.
        both_dates: refuse a filter with only one of `date_from` and `date_to`, as the API does.
        rewrite: changes each correct response before it is sent.
        tls: serve https with the certificate of this context, which must be for "localhost".

    Raises:
        InputError: the port is in use.

    Examples:
        >>> query = et.CallQuery(date_from="2026-11-02", date_to="2026-11-09", direction="in")
        >>> with et.simulator.serve(et.sample_logs().calls) as server:
        ...     client = et.Client(server.base_url, server.api_key)
        ...     et.fetch_calls(client, query, progress=False).calls.height
        284
    """
    return CallLogServer(
        wire_rows(calls) if isinstance(calls, pl.DataFrame) else calls,
        port=port,
        api_key=api_key,
        departments=departments,
        hotlines=hotlines,
        both_dates=both_dates,
        rewrite=rewrite,
        tls=tls,
    )
