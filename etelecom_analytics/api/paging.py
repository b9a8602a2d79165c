"""One chain of cursors, followed to its end and guarded against loops. Knows cursors, not HTTP."""

from collections.abc import Callable, Iterator

from ..errors import PagingError
from .wire import Page

__all__ = ["follow"]

_MOST_EMPTY_IN_A_ROW = 3
_BEGINNING = "."
"""As a cursor it means the beginning, so a `next` that says so leads in a circle."""


def follow(ask: Callable[[str], Page], brings_new: Callable[[Page], bool]) -> Iterator[Page]:
    """Every page from the first on; only an empty `next` ends the chain, not a short page.

    Args:
        ask: gives the page after a cursor; the first is asked for with "".
        brings_new: whether a page has a call that no page before it had. It is asked only when a cursor comes a second time: cursors are
            opaque and may repeat, so one more page is asked for, and the chain goes on if it brought anything.

    Raises:
        PagingError: a cursor led back to pages already read, or too many empty pages followed each other.
    """
    seen = {_BEGINNING}
    cursor, pages, empty_in_a_row = "", 0, 0
    while True:
        page = ask(cursor)
        if cursor in seen and not brings_new(page):
            raise PagingError(
                f"the cursor {cursor!r} came twice and brought nothing new; {pages} pages were read", cursor=cursor, pages=pages
            )
        seen.add(cursor)
        pages += 1
        yield page
        empty_in_a_row = empty_in_a_row + 1 if page.is_empty else 0
        if not page.next:
            return
        if empty_in_a_row > _MOST_EMPTY_IN_A_ROW:
            raise PagingError(
                f"{empty_in_a_row} empty pages in a row, and still a cursor {page.next!r}; {pages} pages were read",
                cursor=page.next,
                pages=pages,
            )
        cursor = page.next
