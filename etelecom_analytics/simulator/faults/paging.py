"""Cursors that do not lead on as they should. No row is lost by the faults themselves."""

from ..service import DETOUR, offset_cursor, offset_of
from .base import Page, Request, Transform, on_page, with_next

__all__ = ["cycle", "empty_page", "offset_cursors"]


def cycle(of: int, *, begin: int = 1) -> Transform:
    """A cycle of cursors: after `of` pages from page `begin` on, the next page is `begin` again.

    A cycle of one page is a cursor that repeats.
    """

    def turn_back(request: Request, page: Page) -> Page:
        return (
            with_next(request.cursors[begin] or ".", page)
            if request.page >= begin + of - 1 and page["paging"]["next"]
            else page
        )

    return on_page(turn_back)


def empty_page(times: int = 1, *, null: bool = False, same_cursor: bool = False) -> Transform:
    """Empty pages before each page. Their `next` leads to it, so that no row is lost.

    Args:
        times: number of empty pages in a row.
        null: the list of rows is null.
        same_cursor: `next` is the requested cursor, and a repeated request returns the rows. The
            first page has no cursor and is returned at once.
    """

    def hold_back(request: Request, page: Page) -> Page:
        after = request.after
        count = request.attempt if same_cursor else len(after) - len(after.lstrip(DETOUR))
        if count >= times or (same_cursor and not after):
            return page
        next_cursor = after if same_cursor else DETOUR + after
        return with_next(next_cursor, {**page, "call_logs": None if null else []})

    return on_page(hold_back)


def offset_cursors() -> Transform:
    """Cursors that are a number of rows: the next page begins so many rows after the first one.

    Rows therefore move between pages when calls are added or deleted during a walk.
    """

    def count(request: Request, page: Page) -> Page:
        begin = offset_of(request.after)
        end = begin + len(page["call_logs"])
        cursors = {"prev": offset_cursor(begin), "next": offset_cursor(end)}
        return {**page, "paging": {**page["paging"], **(cursors if end > begin else {})}}

    return on_page(count)
