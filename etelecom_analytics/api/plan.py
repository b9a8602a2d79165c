"""Plan: which chain of pages covers which part of the range, and how it is shared out. No I/O.

A fetch starts with one chain for the whole range. An idle worker takes the older part of what the
longest chain has left, and that chain then ends where the part begins. So a busy hour does not hold
up the other workers, and an empty year costs a few requests.

A chain may end before its last cursor only because the API returns calls newest first. Every page
is checked for this order. A chain that violates it is not split, takes back the parts that it gave
away, and is followed to its last cursor.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from .chain import Chain
from .page_scan import PageScan
from .wire import PAGE_LIMIT

__all__ = ["Plan"]

_ROUNDING = timedelta(seconds=2)
"""Requests to the API have whole seconds, rounded outwards."""

_FAR = timedelta(days=1)
_NEVER = datetime.max.replace(tzinfo=UTC)
_MIN_PAGES_TO_SPLIT = 4.0
"""A chain with fewer pages left is not split, because another chain costs a page or two."""


class Plan:
    """The chains of one fetch.

    Args:
        chains: the chains to follow.
        full_range: the range that they are parts of.
        oldest: the start of the oldest call, for a chain without `begin`; if it is not known, such
            a chain is not split.
        margin: how much wider than its chain a request is.
        may_split: whether chains may be split.
        page_limit: maximum number of rows per page.

    Attributes:
        chains: all chains of the fetch.
        dates_ignored: whether the server ignores dates; then nothing is split any more.
    """

    def __init__(
        self,
        chains: Sequence[Chain],
        *,
        full_range: tuple[datetime | None, datetime | None],
        oldest: datetime | None = None,
        margin: timedelta = timedelta(),
        may_split: bool = True,
        page_limit: int = PAGE_LIMIT,
    ) -> None:
        self.chains, self._waiting = list(chains), list(chains)
        self._full_range = full_range
        self._oldest, self._margin, self._may_split = oldest, margin, may_split
        self._page_limit = page_limit
        self.dates_ignored = False

    @property
    def all_done(self) -> bool:
        """Whether all chains were followed to their end."""
        return all(chain.done for chain in self.chains)

    @property
    def rows(self) -> int:
        """The number of calls so far."""
        return sum(chain.rows for chain in self.chains)

    @property
    def reached(self) -> datetime | None:
        """The moment from which on all calls were received; None if it is not known yet."""
        moment = None
        for chain in sorted(self.chains, key=lambda chain: chain.end or _NEVER, reverse=True):
            if not chain.done:
                return chain.reached or moment
            moment = chain.begin or chain.reached
        return moment

    def next_chain(self, idle: int) -> Chain | None:
        """A chain for one of the idle workers; None if there is none worth its requests now."""
        if not self._waiting:
            self._split_longest(idle)
        return self._waiting.pop(0) if self._waiting else None

    def record_page(
        self,
        chain: Chain,
        page: PageScan,
        new_rows: int,
        *,
        cursor: str = "",
        repeats: bool = False,
    ) -> None:
        """Record a received page of a chain.

        Args:
            chain: the chain.
            page: the scan of the page.
            new_rows: the number of its calls that are new.
            cursor: the cursor of the next page.
            repeats: whether it repeats a row of an earlier page.
        """
        chain.record_undated(page, cursor)
        chain.pages += 1
        chain.rows += new_rows
        chain.has_moved = chain.has_moved or repeats
        if cursor:
            rows = len(set(page.ids))
            copies, is_full = len(page.ids) - rows, rows >= self._page_limit
            chain.offsets.add(cursor, rows, copies=copies, is_full=is_full)
        if not page.starts:
            return
        chain.in_order = (
            chain.in_order
            and page.in_order
            and (chain.reached is None or page.starts[0] <= chain.reached)
        )
        if not chain.in_order:
            chain.begin = chain.requested_from
        if chain.reached is not None:
            chain.edges.append((chain.reached, page.starts[0]))
        chain.page_starts.append(page.starts[0])
        if chain.newest is None:
            chain.newest, chain.first_id = page.starts[0], page.ids[0] if page.ids else b""
        if not self.dates_ignored and self._ignores_dates(chain, page):
            self._merge_chains()
        chain.reached = min(page.starts[-1], chain.reached or page.starts[-1])

    def is_complete(self, chain: Chain) -> bool:
        """Whether the chain, in order, has passed its begin, so that it needs no more pages."""
        tolerance = _FAR if self.dates_ignored else timedelta()
        return bool(
            chain.in_order
            and chain.begin
            and chain.reached
            and chain.reached < chain.begin - tolerance
        )

    def ignore_dates(self) -> None:
        """Follow one chain over the full range, because the server ignores dates."""
        self._merge_chains()

    def _ignores_dates(self, chain: Chain, page: PageScan) -> bool:
        """Whether the page shows that the server ignores dates.

        A single call near an edge is no evidence. Evidence is a page with most of its calls far
        outside the range, or two chains of different ranges that begin with the same call.
        """
        edges, far = (max(page.starts), min(page.starts)), _FAR + 2 * self._margin
        if any(chain.is_outside(edge, far) for edge in edges):
            outside = sum(chain.is_outside(start, far) for start in page.starts)
            if 2 * outside > len(page.starts):
                return True
        same_first_call = any(
            other.first_id == chain.first_id
            for other in self.chains
            if other is not chain and other.first_id
        )
        return (
            same_first_call
            and chain.newest is not None
            and chain.is_outside(chain.newest, _ROUNDING + 2 * self._margin)
        )

    def _merge_chains(self) -> None:
        """Replace all chains by one over the full range, the first one if it still runs."""
        self.dates_ignored = True
        first = self.chains[0]
        if first.done or (first.requested_from, first.end) != self._full_range:
            first = Chain(begin=self._full_range[0], end=self._full_range[1])
            self._waiting = [first]
        else:
            first.begin = first.requested_from
            self._waiting = [chain for chain in self._waiting if chain is first]
        self.chains = [first]

    def _split_longest(self, idle: int) -> None:
        """Split the rest of the longest chain between its worker and the idle workers."""
        candidates = [
            (chain.pages_left(begin), chain, begin)
            for chain in self.chains
            if not chain.done and chain.in_order and not self.dates_ignored and self._may_split
            if (begin := chain.begin or self._oldest)
        ]
        if not candidates:
            return
        pages, longest, begin = max(candidates, key=lambda candidate: candidate[0])
        if pages < _MIN_PAGES_TO_SPLIT:
            return
        span = longest.time_left(begin)
        parts = int(min(idle + 1, pages * 2 / _MIN_PAGES_TO_SPLIT, span / _ROUNDING))
        if parts < 2:
            return
        edges = [(begin + span * part / parts).replace(microsecond=0) for part in range(1, parts)]
        older = [
            Chain(begin=since, end=until)
            for since, until in zip([longest.begin, *edges], edges, strict=False)
        ]
        longest.begin = edges[-1]
        self.chains += older
        self._waiting += reversed(older)
