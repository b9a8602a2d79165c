"""HotlineWalks: one chain of pages per hotline, which shows the hotline of each missed call."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from ..errors import PagingError
from ..parsing.pages import PageReader
from ..query import CallQuery
from .paging import follow
from .side_by_side import SideBySide
from .wire import Page

__all__ = ["LABEL_SCHEMA", "HotlineWalks"]

LABEL_SCHEMA = {"id": pl.String, "hotline_id": pl.String}
_COLUMNS = ("id", "direction", "call_state")
_IGNORED_SHARE = 0.5
"""If each hotline has more than this share of its calls in common with others, it is no filter."""

FetchPage = Callable[[CallQuery, str, Callable[[], bool]], Page]
"""The page of a query after a cursor; the function returns whether to keep trying."""


class _Ended(Exception):
    """The walks have ended, so this page is not needed any more."""


@dataclass(eq=False, kw_only=True)
class _Walk:
    """The pages of one request for one hotline.

    Attributes:
        hotline_id, query: the hotline, and the query of its requests.
        tables: `_COLUMNS` of the calls of each page.
        cursor: that of the next page.
        done: whether it was read to its end.
    """

    hotline_id: str
    query: CallQuery
    tables: list[pl.DataFrame] = field(default_factory=list)
    cursor: str = ""
    done: bool = False


class HotlineWalks:
    """Reads the missed calls of each hotline in one chain of pages, several hotlines side by side.

    All first pages are read first: if they show that the server ignores the filter, the walks end.

    Args:
        queries: the id of the hotline of each walk, and its query.
        fetch_page: fetches a page.
        tasks: runs the walks.
        max_pages: more pages than these are an error.

    Attributes:
        pages: the number of pages so far.
    """

    def __init__(
        self,
        queries: Iterable[tuple[str, CallQuery]],
        fetch_page: FetchPage,
        tasks: SideBySide,
        *,
        max_pages: int,
    ) -> None:
        self.pages = 0
        self._walks = [_Walk(hotline_id=each, query=query) for each, query in queries]
        self._fetch_page, self._tasks, self._max_pages = fetch_page, tasks, max_pages

    def run(self) -> None:
        """Read the pages; the error of `tasks` shows what ended it early."""
        self._tasks.run(partial(self._follow, walk, only_first=True) for walk in self._walks)
        if not self.filter_is_ignored:
            rest = [walk for walk in self._walks if not walk.done]
            self._tasks.run(partial(self._follow, walk) for walk in rest)

    @property
    def unread(self) -> set[str]:
        """The hotlines whose calls were not read to the end."""
        return {walk.hotline_id for walk in self._walks if not walk.done}

    @property
    def filter_is_ignored(self) -> bool:
        """Whether the server returns about the same calls for all of several hotlines."""
        ids = self._ids()
        if len(ids) < 2 or not all(ids.values()):
            return False
        hotlines = Counter(call_id for own in ids.values() for call_id in own)
        return all(
            sum(hotlines[call_id] > 1 for call_id in own) > _IGNORED_SHARE * len(own)
            for own in ids.values()
        )

    @property
    def fewest(self) -> int:
        """The number of calls of the hotline with the fewest."""
        return min(map(len, self._ids().values()), default=0)

    @property
    def wrong_fields(self) -> tuple[str, ...]:
        """The other fields of the requests that do not hold for all of the calls."""
        rows = pl.concat([pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String)), *self._texts()])
        wrong = {
            "direction": (pl.col("direction") != "in").any(),
            "call_state": (pl.col("call_state") != "not_answered").any(),
        }
        return tuple(name for name, each in wrong.items() if rows.select(each).item())

    def labels(self) -> tuple[pl.DataFrame, pl.Series]:
        """The hotline of each call, one row per call, and the ids of calls of several hotlines."""
        rows = [
            table.select("id", hotline_id=pl.lit(walk.hotline_id))
            for walk in self._walks
            for table in walk.tables
        ]
        labels = pl.concat([pl.DataFrame(schema=LABEL_SCHEMA), *rows]).unique(maintain_order=True)
        several = labels.filter(pl.col("id").is_duplicated())["id"].unique(maintain_order=True)
        return labels.filter(~pl.col("id").is_in(several.implode())), several

    def _texts(self) -> Iterable[pl.DataFrame]:
        for walk in self._walks:
            for table in walk.tables:
                yield table.with_columns(pl.all().cast(pl.String))

    def _ids(self) -> Mapping[str, set[str]]:
        """The ids of the calls of each hotline; none for one that has not been requested."""
        ids = defaultdict[str, set[str]](set)
        for walk in self._walks:
            ids[walk.hotline_id].update(*(table["id"] for table in walk.tables))
        return ids

    def _follow(self, walk: _Walk, *, only_first: bool = False) -> None:
        known: set[str] = {each for table in walk.tables for each in table["id"]}

        def fetch_page(cursor: str) -> Page:
            return self._fetch_page(walk.query, cursor, lambda: not self._tasks.has_ended)

        def add_page(page: Page) -> int:
            table = PageReader().read([page.body]).select(_COLUMNS)
            new = set(table["id"]) - known
            known.update(new)
            with self._tasks.lock:
                if self._tasks.has_ended:
                    raise _Ended
                self.pages += 1
                if self.pages > self._max_pages:
                    raise PagingError(
                        f"{self._max_pages:,} pages of hotlines were read, and there are more",
                        cursor=walk.cursor,
                        pages=self._max_pages,
                    )
                walk.tables.append(table)
                walk.cursor, walk.done = page.next, not page.next
            return len(new)

        follow(fetch_page, add_page, first=walk.cursor, is_complete=lambda: only_first)
