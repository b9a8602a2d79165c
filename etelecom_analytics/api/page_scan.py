"""What a page shows without decoding its rows: its paging, and the ids and starts of its calls.

Decoding each page to read its cursor would cost as much as parsing all rows. A quote inside a JSON
text is always escaped, so the bytes of a key such as `"id":` occur only where it is a key.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["PageScan", "parse_time", "scan_body", "scan_paging"]

_ROWS_FIRST = re.compile(rb'\s*\{\s*"(\w+)"\s*:\s*(?:(null|\[\s*\])|\[)')
_PAGING_LAST = re.compile(rb'(?:\]|null)\s*,\s*"paging"\s*:\s*(\{[^{}]*\})\s*\}\s*\Z')
_MAX_PAGING_BYTES = 4_096
_ID = re.compile(rb'"id"\s*:\s*"?([^",}\s]*)')
_NO_START = re.compile(rb'"started_at"\s*:\s*[^"\s]')
_STARTED_AT = re.compile(rb'"started_at"\s*:\s*"([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class PageScan:
    """The calls of a page, read from its bytes.

    Attributes:
        ids: the ids of the calls, as the page has them.
        starts: the start times, in the order of the page; calls without a valid start are omitted.
        has_undated: whether it has a call without a valid start.
    """

    ids: tuple[bytes, ...]
    starts: tuple[datetime, ...]
    has_undated: bool = False

    @property
    def in_order(self) -> bool:
        """Whether the calls are sorted newest first."""
        return list(self.starts) == sorted(self.starts, reverse=True)


def scan_body(body: bytes) -> PageScan:
    """A scan of a page of calls; on an irregular page it may miss a call or count one too many."""
    texts = b"\n".join(_STARTED_AT.findall(body)).decode("ascii", errors="replace").split("\n")
    ids, starts = tuple(_ID.findall(body)), _starts_of(texts)
    return PageScan(
        ids=ids,
        starts=starts,
        has_undated=bool(ids) and (len(starts) < len(texts) or bool(_NO_START.search(body))),
    )


def _starts_of(texts: list[str]) -> tuple[datetime, ...]:
    try:
        starts = tuple(map(datetime.fromisoformat, texts))
        # Times with and without an offset cannot be compared.
        if min(starts).tzinfo and min(starts).year > 1:
            return starts
    except (ValueError, TypeError):
        pass
    return tuple(start for start in map(parse_time, texts) if start)


def scan_paging(body: bytes, rows_key: str) -> tuple[dict[str, Any], bool] | None:
    """The paging of a page and whether the page is empty; None if this needs a full decode.

    The paging must be the last key and must contain no braces. A truncated body has no paging at
    its end.
    """
    rows = _ROWS_FIRST.match(body)
    if rows is None or rows[1] != rows_key.encode():
        return None
    paging = _PAGING_LAST.search(body, max(rows.end(1), len(body) - _MAX_PAGING_BYTES))
    if paging is None:
        return None
    try:
        return json.loads(paging[1]), rows[2] is not None
    except ValueError:
        return None


def parse_time(text: str) -> datetime | None:
    """The time in a text of the API; None if it is the zero time or not a time with an offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo and moment.year > 1 else None
