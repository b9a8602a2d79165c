"""Following one chain of cursors to its end, with protection against endless chains. No HTTP."""

from collections.abc import Callable

from ..errors import PagingError
from .wire import Page

__all__ = ["follow"]

_MAX_EMPTY_PAGES = 3
_MAX_REPEATED_PAGES = 3
_FIRST_PAGE = "."
"""This cursor means the first page, so a `next` with this value starts a cycle."""


def follow(
    fetch_page: Callable[[str], Page],
    add_page: Callable[[Page], int],
    *,
    first: str = "",
    is_complete: Callable[[], bool] = lambda: False,
) -> int:
    """Follow a chain of pages to its end, and return the number of pages.

    Only an empty `next` ends a chain; a short or empty page does not.

    Args:
        fetch_page: returns the page after a cursor; the cursor of the first page is "".
        add_page: receives each page, and returns how many of its rows are new.
        first: the cursor to begin with.
        is_complete: whether the pages so far are enough.

    Raises:
        PagingError: the chain does not end. Cursors are opaque and may repeat, so a repeated cursor
            is followed once; if its page has no new rows and a `next`, the chain is a cycle.
            Several empty pages in a row, or pages without new rows, are an error too.
    """
    cursors = {_FIRST_PAGE}
    cursor, pages, empty, repeated = first, 0, 0, 0
    while True:
        page = fetch_page(cursor)
        new_rows = add_page(page)
        pages += 1
        if not page.next or is_complete():
            return pages
        if cursor in cursors and not new_rows:
            raise PagingError(
                f"the cursor {cursor!r} was repeated without new rows; {pages - 1} pages were read",
                cursor=cursor,
                pages=pages - 1,
            )
        cursors.add(cursor)
        empty = empty + 1 if page.is_empty else 0
        repeated = repeated + 1 if not page.is_empty and not new_rows else 0
        if empty > _MAX_EMPTY_PAGES or repeated >= _MAX_REPEATED_PAGES:
            reason = f"{empty} empty pages" if empty else f"{repeated} pages without new rows"
            raise PagingError(
                f"{reason} in a row, followed by the cursor {page.next!r}; {pages} pages were read",
                cursor=page.next,
                pages=pages,
            )
        cursor = page.next
