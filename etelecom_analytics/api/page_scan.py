"""What can be seen of a page without decoding its rows: its paging, which calls it has, and when they began.

Decoding every page to find its cursor would cost as much as all of the parsing. A quote within a
JSON text is always escaped, so a key such as `"id":` stands in the bytes nowhere but where it is a
key.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["PageScan", "glance", "paging_of"]

_LIST_FIRST = re.compile(rb'\s*\{\s*"(\w+)"\s*:\s*(?:(null|\[\s*\])|\[)')
_PAGING_LAST = re.compile(rb'(?:\]|null)\s*,\s*"paging"\s*:\s*(\{[^{}]*\})\s*\}\s*\Z')
_LONGEST_END = 4_096
_ID = re.compile(rb'"id"\s*:\s*"?([^",}\s]*)')
_STARTED_AT = re.compile(rb'"started_at"\s*:\s*"([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class PageScan:
    """What a look at a page shows.

    Attributes:
        ids: of its calls, as they are written.
        starts: when they began, of those that tell it, in the page's order.
    """

    ids: tuple[bytes, ...]
    starts: tuple[datetime, ...]

    @property
    def in_order(self) -> bool:
        """Whether the calls stand newest first."""
        return list(self.starts) == sorted(self.starts, reverse=True)


def glance(body: bytes) -> PageScan:
    """A look at a page of calls. Where the wire is strange it may miss a call, or see one too many."""
    starts = (_moment(text) for text in _STARTED_AT.findall(body))
    return PageScan(ids=tuple(_ID.findall(body)), starts=tuple(start for start in starts if start))


def paging_of(body: bytes, rows_key: str) -> tuple[dict[str, Any], bool] | None:
    """The page's paging, and whether it has no rows; None where that cannot be told without decoding all of it.

    A body that was cut shows no paging at its end. Paging that comes first, or holds braces, is
    left to the decoder.
    """
    first = _LIST_FIRST.match(body)
    if first is None or first[1] != rows_key.encode():
        return None
    last = _PAGING_LAST.search(body, max(first.end(1), len(body) - _LONGEST_END))
    if last is None:
        return None
    try:
        return json.loads(last[1]), first[2] is not None
    except ValueError:
        return None


def _moment(text: bytes) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.decode("ascii"))
    except ValueError:
        return None
    return moment if moment.tzinfo and moment.year > 1 else None
