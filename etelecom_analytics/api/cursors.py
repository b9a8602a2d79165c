"""Cursors that are a number of rows or pages. No I/O.

With such a cursor, rows are skipped if rows before them are deleted during the walk. A cursor that
names a row is safe.
"""

import base64
import binascii
import re
from collections import Counter
from urllib.parse import unquote

from .wire import PAGE_LIMIT

__all__ = ["OffsetPattern"]

_NUMBER = re.compile(r"(?<![\w.])\d{1,12}(?![\w.])")
_ONE_NUMBER = re.compile(r"[^\W\d]*[\W_]*(\d{1,12})\W*")

_MIN_ROWS = 10
"""A smaller number of rows may equal a flag or a position in the cursor by chance. It counts only
after a full page, because no row is behind a short one."""


class OffsetPattern:
    """Whether the cursors of a chain look like a number of rows or pages.

    A cursor may contain several numbers, and may be encoded in base64. At one place of the cursor,
    the number must grow by one for most pages, or by about the rows of each page.
    """

    def __init__(self) -> None:
        self._last: list[int] = []
        self._exact: tuple[int, ...] = ()
        self._cursors = self._rows = 0
        self._hits: Counter[tuple[int, str]] = Counter()

    @property
    def matches(self) -> bool:
        """Whether at least half of the cursors so far fit."""
        return 2 * max(self._hits.values(), default=0) >= max(self._cursors, 1)

    def add(self, cursor: str, rows: int, *, copies: int = 0, is_full: bool = False) -> None:
        """Add the cursor that follows a page with so many rows.

        Args:
            cursor: the cursor.
            rows: the number of different rows.
            copies: the number of further copies of them on the page, which a server may count.
            is_full: whether the page has as many rows as were requested.
        """
        numbers = _numbers_in(cursor)
        if not rows and self._cursors and numbers == self._last:  # an empty page with its cursor
            return
        last = self._last if self._cursors else [0] * len(numbers)
        self._exact = (rows, rows + copies) if is_full or rows >= _MIN_ROWS else ()
        self._cursors += 1
        self._rows += rows
        self._last = numbers
        if len(last) == len(numbers):
            for place, (number, before) in enumerate(zip(numbers, last, strict=True)):
                if number == before and rows:  # a constant, such as the size of a page
                    del self._hits[place, "rows"]
                elif len(numbers) == 1:
                    self._add_only(number, number - before, rows)
                else:
                    self._add_one_of_several(place, number, number - before, rows)

    def _add_only(self, number: int, step: int, rows: int) -> None:
        largest = 2 * rows if self._cursors == 1 else max(2 * rows, PAGE_LIMIT)
        self._hits[0, "rows"] += rows / 2 <= step <= largest
        self._hits[0, "pages"] += number in (self._cursors, self._cursors + 1)

    def _add_one_of_several(self, place: int, number: int, step: int, rows: int) -> None:
        # The numbers of a key may be close to a count, so the first one must be exact, and too
        # large for a flag. Later, a server may count rows that it removes from a page.
        if self._cursors == 1:
            self._hits[place, "rows"] += number in self._exact
            return
        largest = max(2 * self._rows, self._cursors * PAGE_LIMIT)
        self._hits[place, "rows"] += step >= rows and self._rows <= number <= largest
        self._hits[place, "pages"] += number in (self._cursors, self._cursors + 1)


def _numbers_in(cursor: str) -> list[int]:
    text = unquote(cursor).rstrip("=")
    try:
        padded = text + "=" * (-len(text) % 4)
        decoded = base64.urlsafe_b64decode(padded.encode()).decode("ascii")
        text = decoded if decoded.isprintable() and decoded else text
    except (binascii.Error, ValueError):
        pass
    one_number = _ONE_NUMBER.fullmatch(text)
    return [int(one_number[1])] if one_number else [int(each) for each in _NUMBER.findall(text)]
