"""A second look at the parts of a chain where rows may have been skipped between two pages.

If a cursor is a number of rows, and rows before it are deleted during the walk, the rows that move
up are on no page.

- A row with a start began between the last call of one page and the first call of the next, so a
  request for this short range finds it.
- A row without a start matches no range. Such rows are before or behind all others, so the pages
  there are read again without dates. They begin with a call that was known before, which shows that
  no row has moved up before them.

Rows may be deleted during the second look too. It is trusted if all of its rows are on one page, or
if the next look has all of its rows again: after a deletion one would be missing.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from ..errors import ApiError, BadRequest
from ..parsing.pages import PageReader
from ..parsing.records import Drift, merge_drift
from .chain import Chain
from .collect import Hole

__all__ = ["EdgeResult", "Part", "parts_of", "recheck"]

_MAX_LOOKS = 3
_MAX_PARTS = 100
_SMALLEST_STEP = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a chain that is read again.

    Attributes:
        hole: the part of the range that is a gap if it cannot be verified.
        begin, end: the dates of the requests; without both, they have none.
        cursors: where to begin; an earlier page follows if rows have moved up before this one.
        reached: the start of the oldest call before the part; it, or a later one, must be on the
            first page, unless that is the first of all.
        until_dated: whether only the pages up to the first call with a start are read.
    """

    hole: Hole
    begin: datetime | None = None
    end: datetime | None = None
    cursors: Sequence[str] = ("",)
    reached: datetime | None = None
    until_dated: bool = False


ReadAgain = Callable[[Part, str], list[bytes]]
"""The bodies of the pages of a part from a cursor on."""


@dataclass(kw_only=True)
class EdgeResult:
    """The calls that were skipped, and the parts that could not be verified.

    Attributes:
        tables: the calls that were skipped.
        holes: parts that still changed at the last request, or that could not be requested.
        looks: the number of first requests for parts.
        more_pages: the number of requests for further pages of a part.
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


def parts_of(
    chains: Iterable[Chain], may_request_ranges: Callable[[], bool]
) -> tuple[list[Part], list[Hole]]:
    """The parts to read again, and those that cannot be verified, at most a hundred of a chain.

    Args:
        chains: the chains of a walk; those that cannot have skipped rows have no parts.
        may_request_ranges: whether a request for a short range shows all of its calls.
    """
    parts: list[Part] = []
    holes: list[Hole] = []
    for chain in chains:
        if not chain.may_skip_rows:
            continue
        if not chain.has_all_edges:
            holes.append(Hole(chain.requested_from, chain.end))
            continue
        edges = [Hole(older, newer + _SMALLEST_STEP) for newer, older in chain.edges]
        if edges and not may_request_ranges():
            holes += edges if len(edges) <= _MAX_PARTS else [Hole(edges[-1].begin, edges[0].end)]
        else:
            parts += [Part(hole=hole, begin=hole.begin, end=hole.end) for hole in edges]
        parts += _undated_parts(chain) if chain.undated else []
    return parts, holes


def recheck(
    parts: Iterable[Part],
    known_ids: set[str],
    read_again: ReadAgain,
    *,
    limit: int,
    workers: int,
    is_stopped: Callable[[], bool],
) -> EdgeResult:
    """The calls in these parts that are not known yet; each part is read up to three times.

    Args:
        parts: the parts.
        known_ids: the ids of the calls received so far.
        read_again: reads a part.
        limit: the maximum number of rows of a page.
        workers: maximum number of parallel requests.
        is_stopped: whether the user has stopped the fetch; what was not requested is a hole then.
    """
    result = EdgeResult()

    def check(part: Part) -> EdgeResult:
        return _PartCheck(part, known_ids, read_again, limit).run(is_stopped)

    with ThreadPoolExecutor(workers) as executor:
        for each in executor.map(check, parts):
            result.add(each)
    return result


def _undated_parts(chain: Chain) -> list[Part]:
    """The pages where calls without a start may be: behind all others, or before them."""
    end = chain.reached + _SMALLEST_STEP if chain.reached else chain.end
    hole = Hole(None, end)
    first, last = chain.dated_pages or (0, 0)
    parts = [Part(hole=hole, cursors=chain.cursors_back_from(last), reached=chain.reached)]
    if chain.undated_pages and chain.undated_pages[0] < first:
        parts.append(Part(hole=hole, until_dated=True))
    return parts


class _Look:
    """The pages of a part, read once."""

    def __init__(self, bodies: list[bytes], limit: int) -> None:
        reader = PageReader()
        self.pages: list[pl.DataFrame] = []
        rows: list[int] = []
        for body in bodies:
            before = len(reader.set_aside)
            self.pages.append(reader.read([body]))
            rows.append(self.pages[-1].height + len(reader.set_aside) - before)
        self.drift = reader.drift
        self.table = pl.concat(self.pages)
        self.ids = set(self.table["id"])
        filled = [index for index, height in enumerate(rows) if height]
        self.is_one_page = not filled or (
            len(filled) == 1 and (filled[0] == len(rows) - 1 or rows[filled[0]] < limit)
        )
        self.repeats_rows = len(self.ids) < sum(page["id"].n_unique() for page in self.pages)

    def begins_before(self, reached: datetime | None, known_ids: set[str]) -> bool:
        """Whether the first page has a call that was before the part in the order of the server."""
        first = next((page for page in self.pages if page.height), None)
        if first is None or reached is None:
            return False
        return any(
            start and (start > reached or (start == reached and call_id in known_ids))
            for call_id, start in first.select("id", "started_at").iter_rows()
        )


class _PartCheck:
    """Reads one part until two looks agree."""

    def __init__(self, part: Part, known_ids: set[str], read_again: ReadAgain, limit: int) -> None:
        self._part, self._known_ids, self._limit = part, known_ids, limit
        self._read_again, self._cursors = read_again, list(part.cursors)
        self._result = EdgeResult()

    def run(self, is_stopped: Callable[[], bool]) -> EdgeResult:
        """The calls of the part that are not known yet."""
        result, new_ids = self._result, set[str]()
        before: set[str] | None = None
        try:
            for _ in range(_MAX_LOOKS):
                if is_stopped():
                    result.holes.append(self._part.hole)
                    break
                look = self._look()
                is_new = [
                    call_id not in self._known_ids and call_id not in new_ids
                    for call_id in look.table["id"]
                ]
                if any(is_new):
                    new_ids |= look.ids
                    result.drift = merge_drift(result.drift, look.drift)
                    result.tables.append(look.table.filter(pl.Series(is_new, dtype=pl.Boolean)))
                elif look.is_one_page or (before is not None and before <= look.ids):
                    break
                before = None if look.repeats_rows else look.ids
            else:
                result.holes.append(self._part.hole)
        except ApiError as error:
            result.holes.append(self._part.hole)
            result.error = error
        return result

    def _look(self) -> _Look:
        """The pages of the part, from the last cursor on before which no row has moved up."""
        while True:
            cursor = self._cursors[0]
            is_last = len(self._cursors) == 1
            self._result.looks += 1
            try:
                bodies = self._read_again(self._part, cursor)
            except BadRequest:  # the server may not know an old cursor any more
                if is_last:
                    raise
            else:
                self._result.more_pages += len(bodies) - 1
                look = _Look(bodies, self._limit)
                if is_last or look.begins_before(self._part.reached, self._known_ids):
                    return look
            del self._cursors[0]
