"""Following a chain of cursors: each page once, and an end to every chain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etelecom_analytics.api.paging import follow
from etelecom_analytics.api.wire import Page
from etelecom_analytics.errors import PagingError


def page(name: str, following: str, *, is_empty: bool = False) -> Page:
    return Page(body=name.encode(), next=following, prev="", is_empty=is_empty)


class FakeServer:
    """Pages by cursor; a list of pages answers one request after the other."""

    def __init__(self, pages: dict[str, Page | list[Page]]) -> None:
        self.pages = pages
        self.cursors: list[str] = []

    def fetch_page(self, cursor: str) -> Page:
        self.cursors.append(cursor)
        result = self.pages[cursor]
        return result.pop(0) if isinstance(result, list) else result

    def follow(self) -> list[str]:
        """The names of all pages, in the order in which they were fetched."""
        names: list[str] = []

        def add_page(page: Page) -> int:
            name = page.body.decode()
            is_new = not page.is_empty and name not in names
            names.append(name)
            return int(is_new)

        assert follow(self.fetch_page, add_page) == len(names)
        return names


def test_empty_cursor_ends_the_chain():
    server = FakeServer(
        {"": page("one", "a"), "a": page("two", "b"), "b": page("none", "", is_empty=True)}
    )

    assert server.follow() == ["one", "two", "none"]


def test_three_empty_pages_in_a_row_are_allowed():
    server = FakeServer(
        {"": page("one", "a")}
        | {c: page(c, n, is_empty=True) for c, n in ("ab", "bc", "cd")}
        | {"d": page("two", "")}
    )

    assert server.follow() == ["one", "a", "b", "c", "two"]


def test_fourth_empty_page_with_a_cursor_is_an_error():
    server = FakeServer(
        {"": page("one", "a")} | {c: page(c, n, is_empty=True) for c, n in ("ab", "bc", "cd", "de")}
    )

    with pytest.raises(PagingError, match="4 empty pages in a row") as caught:
        server.follow()
    assert (caught.value.cursor, caught.value.pages) == ("e", 5)


@given(length=st.integers(1, 9), back_to=st.integers(0, 8))
def test_cycle_of_any_length_is_an_error_after_one_repeated_request(length: int, back_to: int):
    cursors = ["", *(f"c{index}" for index in range(1, length + 1))]
    repeated_cursor = cursors[min(back_to, length)] or "."
    pages = dict(
        zip(
            cursors,
            [
                page(f"p{index}", following)
                for index, following in enumerate([*cursors[1:], repeated_cursor])
            ],
            strict=True,
        )
    )
    server = FakeServer({**pages, ".": pages[""]})

    with pytest.raises(PagingError, match="was repeated without new rows") as caught:
        server.follow()
    assert caught.value.cursor == repeated_cursor
    assert caught.value.pages == length + 1
    assert len(server.cursors) == length + 2


def test_new_cursors_without_new_rows_are_an_error():
    server = FakeServer(
        {"": page("one", "c0")} | {f"c{n}": page("one", f"c{n + 1}") for n in range(9)}
    )

    with pytest.raises(PagingError, match="3 pages without new rows in a row") as caught:
        server.follow()
    assert (caught.value.cursor, caught.value.pages) == ("c3", 4)


def test_two_pages_without_new_rows_are_allowed():
    server = FakeServer(
        {
            "": page("one", "a"),
            "a": page("one", "b"),
            "b": page("one", "c"),
            "c": page("two", "d"),
            "d": page("one", ""),
        }
    )

    assert server.follow() == ["one", "one", "one", "two", "one"]


def test_repeated_cursor_with_new_rows_is_followed():
    server = FakeServer(
        {
            "": page("one", "same"),
            "same": [page("two", "same"), page("three", "same"), page("four", "")],
        }
    )

    assert server.follow() == ["one", "two", "three", "four"]
