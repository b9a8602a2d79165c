"""Plan: which stretches of time are walked by which chain of pages, and what is given to a worker that has nothing to do. No I/O.

A range begins as one chain. A worker that is free takes a part of what the fullest chain has left,
the older one, and that chain then ends where the part begins. So a busy hour holds nobody up, and
an empty year costs a handful of requests.

That a chain may end before its last cursor rests on the API's order, newest first, which is watched
on every page: a chain that breaks it gives nothing away, takes back what it gave, and is walked to
its very end.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .page_scan import PageScan

__all__ = ["Chain", "Plan"]

_ROUNDING = timedelta(seconds=2)
"""The API is asked in whole seconds, rounded outwards."""

_FAR = timedelta(days=1)
_NEVER = datetime.max.replace(tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)
_WORTH_SPLITTING = 4.0
"""Pages that a chain must have left to be split: a further chain costs a page or two."""
_LATEST = 4


@dataclass(eq=False, kw_only=True)
class Chain:
    """The calls that began from `begin` on, and before `end`, as one chain of pages brings them; None is no bound.

    Attributes:
        asked_from: the begin that its requests have; a part may have been given away since.
        newest, reached: the newest and the oldest start that it has shown.
        tops: where its latest pages began.
        pages, rows: what it brought.
        in_order: its calls stood newest first so far.
        done: it has come to its end.
        first_id: of the first call that it showed.
    """

    begin: datetime | None
    end: datetime | None
    asked_from: datetime | None = field(init=False)
    tops: deque[datetime] = field(default_factory=lambda: deque(maxlen=_LATEST))
    newest: datetime | None = None
    reached: datetime | None = None
    pages: int = 0
    rows: int = 0
    in_order: bool = True
    done: bool = False
    first_id: bytes = b""

    def __post_init__(self) -> None:
        self.asked_from = self.begin

    @property
    def missing(self) -> tuple[datetime | None, datetime | None] | None:
        """The part that it has not shown: from, and before; None once it is done."""
        if self.done:
            return None
        # Of the calls of one moment, a page's end may have parted some from the others.
        return self.begin, self.reached + _MOMENT if self.in_order and self.reached else self.end

    def spoil(self) -> None:
        """Count on nothing that it has shown: some of it could not be read."""
        self.begin, self.in_order, self.done = self.asked_from, False, False

    def lies_outside(self, start: datetime, by: timedelta) -> bool:
        """Whether a call that began then lies by more than that outside what was asked."""
        before = self.asked_from is not None and start < self.asked_from - by
        return before or (self.end is not None and start > self.end + by)

    def pages_left(self, begin: datetime) -> float:
        """About how many pages are left down to `begin`, at the density so far, or at the latest: whichever is more.

        A busy hour after quiet months is split too; what that costs where the hour ends soon is a
        few requests of the idle.
        """
        if not self.newest or not self.reached or self.reached <= begin:
            return 0.0
        left = self.reached - begin
        shown = (
            (self.pages, self.newest - self.reached),
            (len(self.tops), self.tops[0] - self.reached),
        )
        return max(pages * (left / span) if span else float("inf") for pages, span in shown)


class Plan:
    """The chains of one fetch.

    Args:
        chains: what is to be walked.
        whole: the range that they are parts of.
        oldest: when the oldest call began, where a chain has no begin; without it such a chain is
            never split.

    Attributes:
        chains: all of them.
        dates_ignored: the server was seen to pay no heed to dates; nothing is split any more.
    """

    def __init__(
        self,
        chains: Sequence[Chain],
        *,
        whole: tuple[datetime | None, datetime | None],
        oldest: datetime | None = None,
    ) -> None:
        self.chains, self._waiting = list(chains), list(chains)
        self._whole = whole
        self._oldest = oldest
        self.dates_ignored = False

    @property
    def all_done(self) -> bool:
        """Whether nothing is left to walk."""
        return all(chain.done for chain in self.chains)

    @property
    def rows(self) -> int:
        """How many calls the chains have shown."""
        return sum(chain.rows for chain in self.chains)

    @property
    def reached(self) -> datetime | None:
        """The moment from which on all calls were shown; None while it is not known."""
        shown = None
        for chain in sorted(self.chains, key=lambda chain: chain.end or _NEVER, reverse=True):
            if not chain.done:
                return chain.reached or shown
            shown = chain.begin or chain.reached
        return shown

    def next_chain(self, idle: int) -> Chain | None:
        """A chain for one of so many idle workers; None where none is worth its pages for now."""
        if not self._waiting:
            self._share_out(idle)
        return self._waiting.pop(0) if self._waiting else None

    def saw(self, chain: Chain, page: PageScan, new: int) -> None:
        """A page of the chain came, with so many calls that it had not shown before."""
        chain.pages += 1
        chain.rows += new
        if not page.starts:
            return
        chain.in_order = (
            chain.in_order
            and page.in_order
            and (chain.reached is None or page.starts[0] <= chain.reached)
        )
        if not chain.in_order:
            chain.begin = chain.asked_from
        chain.tops.append(page.starts[0])
        if chain.newest is None:
            chain.newest, chain.first_id = page.starts[0], page.ids[0] if page.ids else b""
        if not self.dates_ignored and self._shows_no_heed(chain, page):
            self._walk_as_one()
        chain.reached = min(page.starts[-1], chain.reached or page.starts[-1])

    def has_enough(self, chain: Chain) -> bool:
        """Whether the chain need not be followed any further: in order, it has passed its begin."""
        slack = _FAR if self.dates_ignored else timedelta()
        return bool(
            chain.in_order and chain.begin and chain.reached and chain.reached < chain.begin - slack
        )

    def _shows_no_heed(self, chain: Chain, page: PageScan) -> bool:
        """Whether the page is one that a server sends that ignores dates.

        The sign is not one call at an edge, but most of a page lying far outside, or two chains
        apart that begin with the same call.
        """
        edges = max(page.starts), min(page.starts)
        if any(chain.lies_outside(edge, _FAR) for edge in edges):
            far = sum(chain.lies_outside(start, _FAR) for start in page.starts)
            if 2 * far > len(page.starts):
                return True
        begins_alike = any(
            other.first_id == chain.first_id
            for other in self.chains
            if other is not chain and other.first_id
        )
        return (
            begins_alike
            and chain.newest is not None
            and chain.lies_outside(chain.newest, _ROUNDING)
        )

    def _walk_as_one(self) -> None:
        """Give up all chains for one over the whole range: the one that began so, if it is still walked."""
        self.dates_ignored = True
        first = self.chains[0]
        if first.done or (first.asked_from, first.end) != self._whole:
            first = Chain(begin=self._whole[0], end=self._whole[1])
            self._waiting = [first]
        else:
            first.begin, self._waiting = (
                first.asked_from,
                [chain for chain in self._waiting if chain is first],
            )
        self.chains = [first]

    def _share_out(self, idle: int) -> None:
        """Split what the fullest chain has left among itself and the idle."""
        splittable = [
            chain
            for chain in self.chains
            if not chain.done and chain.in_order and not self.dates_ignored
        ]
        left = [
            (chain.pages_left(begin), chain, begin)
            for chain in splittable
            if (begin := chain.begin or self._oldest)
        ]
        if not left:
            return
        pages, fullest, begin = max(left, key=lambda each: each[0])
        if pages < _WORTH_SPLITTING or fullest.reached is None:
            return
        room = fullest.reached - begin
        parts = int(min(idle + 1, pages * 2 / _WORTH_SPLITTING, room / _ROUNDING))
        if parts < 2:
            return
        edges = [(begin + room * part / parts).replace(microsecond=0) for part in range(1, parts)]
        older = [
            Chain(begin=since, end=until)
            for since, until in zip([fullest.begin, *edges], edges, strict=False)
        ]
        fullest.begin = edges[-1]
        self.chains += older
        self._waiting += reversed(older)
