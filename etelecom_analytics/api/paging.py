"""One chain of cursors, followed to its end and guarded against loops. Knows cursors, not HTTP."""

from collections.abc import Callable

from ..errors import PagingError
from .wire import Page

__all__ = ["follow"]

_MOST_EMPTY_IN_A_ROW = 3
_MOST_STALE_IN_A_ROW = 3
_BEGINNING = "."
"""As a cursor it means the beginning, so a `next` that says so leads in a circle."""


def follow(
    ask: Callable[[str], Page],
    take: Callable[[Page], int],
    *,
    enough: Callable[[], bool] = lambda: False,
) -> int:
    """How many pages were followed, from the first to the last; only an empty `next` ends the chain, not a short page.

    Args:
        ask: gives the page after a cursor; the first is asked for with "".
        take: is given every page, and says how many rows of it had not come before.
        enough: whether what comes after the pages so far is not wanted.

    Raises:
        PagingError: the chain does not end. A cursor that came before is asked for once more, since
            cursors are opaque and may repeat; if that brings nothing new, and leads on, it is a
            circle. So are several pages in a row with nothing new under ever new cursors, and
            several empty ones.
    """
    seen = {_BEGINNING}
    cursor, pages, empty, stale = "", 0, 0, 0
    while True:
        page = ask(cursor)
        new = take(page)
        pages += 1
        if not page.next or enough():
            return pages
        if cursor in seen and not new:
            raise PagingError(
                f"the cursor {cursor!r} came twice and brought nothing new; {pages - 1} pages were read",
                cursor=cursor,
                pages=pages - 1,
            )
        seen.add(cursor)
        empty = empty + 1 if page.is_empty else 0
        stale = stale + 1 if not page.is_empty and not new else 0
        if empty > _MOST_EMPTY_IN_A_ROW or stale >= _MOST_STALE_IN_A_ROW:
            told = f"{empty} empty pages" if empty else f"{stale} pages without anything new"
            raise PagingError(
                f"{told} in a row, and still a cursor {page.next!r}; {pages} pages were read",
                cursor=page.next,
                pages=pages,
            )
        cursor = page.next
