"""A second look at the ends of pages where rows may have been skipped.

If a cursor is a number of rows, and rows before it are deleted during the walk, the rows that move
up are on no page. They began between the last call of one page and the first call of the next, so
a request for this short range finds them.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from ..errors import ApiError
from ..parsing.pages import PageReader
from ..parsing.records import Drift, merge_drift
from .collect import Hole
from .plan import Chain, Edge

__all__ = ["EdgeResult", "recheck_edges", "unverified_parts"]

_MAX_LOOKS = 3
_MAX_PARTS = 100
_SMALLEST_STEP = timedelta(microseconds=1)

ListRange = Callable[[datetime | None, datetime], list[bytes]]
"""The bodies of the pages with the calls from a time (None means the first call) to another."""


@dataclass(kw_only=True)
class EdgeResult:
    """The calls that were skipped, and the parts that could not be verified.

    Attributes:
        tables: the calls that were skipped.
        holes: parts that still changed at the last request, or that could not be requested.
        looks: the number of requests for ranges.
        more_pages: the number of requests for further pages of a range.
        error: the error of the first request that failed, or None.
        drift: irregularities of the pages with such calls.
    """

    tables: list[pl.DataFrame] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    looks: int = 0
    more_pages: int = 0
    error: ApiError | None = None
    drift: tuple[Drift, ...] = ()

    def add(self, other: "EdgeResult") -> None:
        """Add another result to this one."""
        self.tables += other.tables
        self.holes += other.holes
        self.looks += other.looks
        self.more_pages += other.more_pages
        self.error = self.error or other.error
        self.drift = merge_drift(self.drift, other.drift)


def unverified_parts(chain: Chain) -> list[Hole]:
    """The parts of a chain in which rows may have been skipped; there are at most a hundred."""
    if not chain.has_all_edges:
        return [Hole(chain.requested_from, chain.end)]
    parts = [_part_at(edge) for edge in chain.edges]
    if len(parts) > _MAX_PARTS:
        parts = [Hole(parts[-1].begin, parts[0].end)]
    return parts


def recheck_edges(
    edges: Iterable[Edge],
    known_ids: set[str],
    list_range: ListRange,
    *,
    workers: int,
    is_stopped: Callable[[], bool],
) -> EdgeResult:
    """The calls at these ends of pages that are not known yet; each is requested up to three times.

    Args:
        edges: the ends of pages.
        known_ids: the ids of the calls received so far.
        list_range: requests a range.
        workers: maximum number of parallel requests.
        is_stopped: whether the user has stopped the fetch; what was not requested is a hole then.
    """
    result = EdgeResult()

    def check(edge: Edge) -> EdgeResult:
        return _check_edge(edge, known_ids, list_range, is_stopped=is_stopped)

    with ThreadPoolExecutor(workers) as executor:
        for part in executor.map(check, edges):
            result.add(part)
    return result


def _part_at(edge: Edge) -> Hole:
    newer, older = edge
    return Hole(older, newer + _SMALLEST_STEP)


def _check_edge(
    edge: Edge,
    known_ids: set[str],
    list_range: ListRange,
    *,
    is_stopped: Callable[[], bool],
) -> EdgeResult:
    hole, end = _part_at(edge), edge[0] + _SMALLEST_STEP
    result, new_ids = EdgeResult(), set[str]()
    try:
        for _ in range(_MAX_LOOKS):
            if is_stopped():
                result.holes.append(hole)
                break
            result.looks += 1
            reader, bodies = PageReader(), list_range(hole.begin, end)
            result.more_pages += len(bodies) - 1
            table = reader.read(bodies)
            is_new = [
                call_id not in known_ids and call_id not in new_ids for call_id in table["id"]
            ]
            if not any(is_new):
                break
            new_ids.update(table["id"])
            result.drift = merge_drift(result.drift, reader.drift)
            result.tables.append(table.filter(pl.Series(is_new, dtype=pl.Boolean)))
        else:
            result.holes.append(hole)
    except ApiError as error:
        result.holes.append(hole)
        result.error = error
    return result
