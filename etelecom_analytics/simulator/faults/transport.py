"""The correct answer, sent incorrectly: cut, reset, late, slow, or compressed."""

import signal
import threading
import zlib
from dataclasses import replace
from itertools import chain, repeat

from .base import Answer, Transform, then

__all__ = [
    "cut",
    "drip_chunk_size",
    "drip_headers",
    "drip_status_line",
    "empty_gzip",
    "endless_continue",
    "inflating_gzip",
    "interrupt",
    "late",
    "reset",
    "slow_body",
    "wrong_content_type",
]

_MB = 1 << 20
_GZIP = 31
"""zlib's `wbits` for the gzip format."""
_CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sTransfer-Encoding: chunked\r\n\r\n"
)
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
"""A stored block of a deflate stream without data."""


def reset(after: int | None = None) -> Transform:
    """A TCP reset instead of an answer, or after this many bytes of its body."""
    return lambda request, correct: replace(correct, reset=True, cut_after=after)


def cut(after: int) -> Transform:
    """Close the connection after this many bytes of the body."""
    return lambda request, correct: replace(correct, cut_after=after)


def late(seconds: float) -> Transform:
    """Delay the correct answer by this many seconds."""
    return lambda request, correct: replace(correct, delay_s=correct.delay_s + seconds)


def slow_body(bytes_per_s: float) -> Transform:
    """Send the correct body at this speed."""
    return lambda request, correct: replace(correct, bytes_per_s=bytes_per_s)


def wrong_content_type(content_type: str = "text/html") -> Transform:
    """Send the correct body with a wrong Content-Type."""
    return lambda request, correct: replace(correct, content_type=content_type)


def interrupt() -> Transform:
    """Simulate Ctrl-C: raise KeyboardInterrupt in the main thread of this process."""
    return then(lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))


# Phases of a response that never end. The client must end them by its own limit of time.


def drip_status_line(pause_s: float = 0.05) -> Answer:
    """A status line that grows by one byte per pause, and never ends."""
    return _endless(b"HTTP/1.1 200 O", b"K", pause_s)


def drip_headers(pause_s: float = 0.05) -> Answer:
    """A header that grows by one byte per pause, and never ends."""
    return _endless(b"HTTP/1.1 200 OK\r\nX-Trace: ", b"x", pause_s)


def endless_continue(pause_s: float = 0.05) -> Answer:
    """Interim responses `100 Continue`, one per pause, and never the final one."""
    return _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause_s)


def drip_chunk_size(pause_s: float = 0.05) -> Answer:
    """A chunked body whose first line, the size of a chunk, grows and never ends."""
    return _endless(_CHUNKED % b"" + b"1;", b"x", pause_s)


def empty_gzip(pause_s: float = 0.05) -> Answer:
    """A gzip body of blocks without data: bytes arrive, but they decode to nothing."""
    return _endless(
        _CHUNKED % b"Content-Encoding: gzip\r\n" + _chunk(_GZIP_HEADER),
        _chunk(_EMPTY_BLOCK),
        pause_s,
    )


def inflating_gzip(megabytes: int = 400) -> Transform:
    """The correct page in gzip, with so many MB of spaces after it: about 1 KB per MB is sent."""

    def compress(body: bytes) -> bytes:
        compressor = zlib.compressobj(wbits=_GZIP)
        blocks = chain([body], repeat(b" " * _MB, megabytes))
        return b"".join([*map(compressor.compress, blocks), compressor.flush()])

    def transform(request: object, correct: Answer) -> Answer:
        headers = {**correct.headers, "Content-Encoding": "gzip"}
        return replace(correct, headers=headers, body=compress(correct.payload))

    return transform


def _endless(begin: bytes, part: bytes, pause_s: float) -> Answer:
    return Answer(parts=lambda: chain([begin] if begin else [], repeat(part)), pause_s=pause_s)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
