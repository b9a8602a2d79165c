"""Following cursors: every page once, only an empty `next` ends it, and no loop goes on for ever."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etelecom_analytics.api.paging import follow
from etelecom_analytics.api.wire import Page
from etelecom_analytics.errors import PagingError


def page(name: str, following: str, *, is_empty: bool = False) -> Page:
    return Page(body=name.encode(), next=following, prev="", is_empty=is_empty)


class Chain:
    """A server of pages by cursor, which counts what it is asked; a list of pages answers one request after the other."""

    def __init__(self, pages: dict[str, Page | list[Page]]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def ask(self, cursor: str) -> Page:
        self.asked.append(cursor)
        found = self.pages[cursor]
        return found.pop(0) if isinstance(found, list) else found

    def walk(self) -> list[str]:
        names: list[str] = []
        for each in follow(self.ask, brings_new(names)):
            names += [each.body.decode()]  # at once: `brings_new` looks at what came so far
        return names


def brings_new(names: list[str]) -> Callable[[Page], bool]:
    return lambda page: page.body.decode() not in names


def test_an_empty_cursor_ends_the_chain():
    chain = Chain({"": page("one", "a"), "a": page("two", "b"), "b": page("none", "", is_empty=True)})

    assert chain.walk() == ["one", "two", "none"]


def test_three_empty_pages_in_the_middle_are_gone_through():
    chain = Chain({"": page("one", "a")} | {c: page(c, n, is_empty=True) for c, n in ("ab", "bc", "cd")} | {"d": page("two", "")})

    assert chain.walk() == ["one", "a", "b", "c", "two"]


def test_a_fourth_empty_page_with_a_cursor_is_an_error():
    chain = Chain({"": page("one", "a")} | {c: page(c, n, is_empty=True) for c, n in ("ab", "bc", "cd", "de")})

    with pytest.raises(PagingError, match="4 empty pages in a row") as caught:
        chain.walk()
    assert (caught.value.cursor, caught.value.pages) == ("e", 5)


@given(length=st.integers(1, 9), back_to=st.integers(0, 8))
def test_a_cycle_of_any_length_is_probed_once_and_then_an_error(length: int, back_to: int):
    cursors = ["", *(f"c{place}" for place in range(1, length + 1))]
    returns = cursors[min(back_to, length)] or "."
    pages = dict(zip(cursors, [page(f"p{place}", following) for place, following in enumerate([*cursors[1:], returns])], strict=True))
    chain = Chain({**pages, ".": pages[""]})

    with pytest.raises(PagingError, match="came twice and brought nothing new") as caught:
        chain.walk()
    assert caught.value.cursor == returns
    assert caught.value.pages == length + 1
    assert len(chain.asked) == length + 2


def test_a_cursor_that_repeats_but_brings_new_calls_goes_on():
    chain = Chain({"": page("one", "same"), "same": [page("two", "same"), page("three", "same"), page("four", "")]})

    assert chain.walk() == ["one", "two", "three", "four"]
