"""Chain: what one chain of pages has shown so far, and where it may have skipped rows. No I/O."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .cursors import OffsetPattern
from .page_scan import PageScan

__all__ = ["Chain", "Edge"]

_NEVER = datetime.max.replace(tzinfo=UTC)
_SMALLEST_STEP = timedelta(microseconds=1)
_RECENT_PAGES = 4


Edge = tuple[datetime, datetime | None]
"""A time, and an earlier one or the same; None means no bound."""


@dataclass(eq=False, kw_only=True)
class Chain:
    """A chain of pages with the calls that began from `begin` on and before `end`.

    Attributes:
        begin, end: the range; None is unbounded.
        undated: whether its requests have no dates, because calls without a start belong to it.
        requested_from: the `begin` of its requests; the plan may have moved `begin` since.
        page_starts: the first start of each of its latest pages.
        newest, reached: the newest and the oldest start so far.
        pages, rows: the number of pages and of new calls so far.
        in_order: whether its calls were sorted newest first so far.
        done: whether it was followed to its end.
        first_id: the id of its first call.
        edges: the times on both sides of each end of a page: the last start before it, and the
            first start after it; at the end of the chain, its `begin`.
        offsets: whether its cursors look like a number of rows or pages.
        has_moved: whether a row of an earlier page was received again.
        cursors: the cursor of the next page, for each page; kept only if `undated`.
        dated_pages, undated_pages: the numbers of the first and the last page with a call that has
            a start, and of those with a call that has none.
        mixes_undated: whether a page with calls without a start is between pages of others; if not
            `undated`, whether there is a page of such calls.
    """

    begin: datetime | None
    end: datetime | None
    undated: bool = False
    requested_from: datetime | None = field(init=False)
    page_starts: deque[datetime] = field(default_factory=lambda: deque(maxlen=_RECENT_PAGES))
    newest: datetime | None = None
    reached: datetime | None = None
    pages: int = 0
    rows: int = 0
    in_order: bool = True
    done: bool = False
    first_id: bytes = b""
    edges: list[Edge] = field(default_factory=list)
    offsets: OffsetPattern = field(default_factory=OffsetPattern)
    has_moved: bool = False
    cursors: list[str] = field(default_factory=list)
    dated_pages: tuple[int, int] | None = None
    undated_pages: tuple[int, int] | None = None
    mixes_undated: bool = False

    def __post_init__(self) -> None:
        self.requested_from = self.begin

    @property
    def missing(self) -> tuple[datetime | None, datetime | None] | None:
        """The part without pages so far, as begin and exclusive end; None if there is none."""
        if self.done:
            return None
        # Calls that began at the same moment may be split between two pages.
        reached = self.reached if self.in_order else None
        if reached and self.begin and reached < self.begin:
            return None
        end = reached + _SMALLEST_STEP if reached else self.end
        return self.begin, min(end, self.end) if end and self.end else end

    @property
    def may_skip_rows(self) -> bool:
        """Whether rows may have been skipped between two pages."""
        return self.pages > 0 and (self.offsets.matches or self.has_moved)

    @property
    def has_all_edges(self) -> bool:
        """Whether each end of a page lies between two known times, or among undated calls."""
        return self.in_order and not self.mixes_undated

    def record_undated(self, page: PageScan, cursor: str) -> None:
        """Record where the calls without a start are, before the page is counted.

        Args:
            page: the scan of the page.
            cursor: the cursor of the next page.
        """
        number, has_undated = self.pages, page.has_undated or bool(page.ids and not page.starts)
        if self.undated:
            self.cursors.append(cursor)
        if page.starts:
            if self.undated and self.dated_pages and self.undated_pages:
                self.mixes_undated |= self.dated_pages[0] < self.undated_pages[1]
            self.dated_pages = (self.dated_pages or (number, number))[0], number
        if has_undated:
            self.undated_pages = (self.undated_pages or (number, number))[0], number
            # No edge of such a page is between two times.
            self.mixes_undated |= not self.undated and not page.starts

    def cursors_back_from(self, number: int) -> list[str]:
        """The cursors of a page and of earlier ones, in growing steps, with the first page last."""
        numbers, step = [number], 1
        while numbers[-1] > 0:
            numbers.append(max(numbers[-1] - step, 0))
            step *= 2
        return [self.cursors[each - 1] if each else "" for each in numbers]

    def close(self, *, by_cursor: bool) -> None:
        """Mark the chain as done, `by_cursor` if the server had no more pages."""
        self.done = True
        if self.undated:  # a request without dates shows what is behind the last page
            return
        if by_cursor and self.reached and (self.begin is None or self.begin <= self.reached):
            self.edges.append((self.reached, self.begin))

    def invalidate(self) -> None:
        """Mark the whole chain as missing, because some of its pages could not be parsed."""
        self.begin, self.in_order, self.done = self.requested_from, False, False

    def is_outside(self, start: datetime, tolerance: timedelta) -> bool:
        """Whether a start is outside the requested range by more than the tolerance."""
        if self.undated:
            return False
        early = self.requested_from is not None and start < self.requested_from - tolerance
        return early or (self.end is not None and start > self.end + tolerance)

    def time_left(self, begin: datetime) -> timedelta:
        """The length of the part down to `begin` that is not read; 0 if there is none.

        The first calls may have started after the end, because requests have a margin.
        """
        end = min(moment for moment in (self.reached, self.end, _NEVER) if moment)
        return max(end - begin, timedelta())

    def pages_left(self, begin: datetime) -> float:
        """An estimate of the pages left down to `begin`.

        It is the larger of two: at the density of all pages, and at that of the latest pages. So a
        busy hour after quiet months is split too; if it ends soon, this costs a few requests.
        """
        if not self.newest or not self.reached or not (left := self.time_left(begin)):
            return 0.0
        densities = (
            (self.pages, self.newest - self.reached),
            (len(self.page_starts), self.page_starts[0] - self.reached),
        )
        return max(pages * (left / span) if span else float("inf") for pages, span in densities)
