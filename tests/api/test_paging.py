"""Following cursors: every page once, only an empty `next` ends it, and no loop goes on for ever."""

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

        def take(page: Page) -> int:
            name = page.body.decode()
            new = not page.is_empty and name not in names
            names.append(name)
            return int(new)

        assert follow(self.ask, take) == len(names)
        return names


def test_an_empty_cursor_ends_the_chain():
    chain = Chain(
        {"": page("one", "a"), "a": page("two", "b"), "b": page("none", "", is_empty=True)}
    )

    assert chain.walk() == ["one", "two", "none"]


def test_three_empty_pages_in_the_middle_are_gone_through():
    chain = Chain(
        {"": page("one", "a")}
        | {c: page(c, n, is_empty=True) for c, n in ("ab", "bc", "cd")}
        | {"d": page("two", "")}
    )

    assert chain.walk() == ["one", "a", "b", "c", "two"]


def test_a_fourth_empty_page_with_a_cursor_is_an_error():
    chain = Chain(
        {"": page("one", "a")} | {c: page(c, n, is_empty=True) for c, n in ("ab", "bc", "cd", "de")}
    )

    with pytest.raises(PagingError, match="4 empty pages in a row") as caught:
        chain.walk()
    assert (caught.value.cursor, caught.value.pages) == ("e", 5)


@given(length=st.integers(1, 9), back_to=st.integers(0, 8))
def test_a_cycle_of_any_length_is_probed_once_and_then_an_error(length: int, back_to: int):
    cursors = ["", *(f"c{place}" for place in range(1, length + 1))]
    returns = cursors[min(back_to, length)] or "."
    pages = dict(
        zip(
            cursors,
            [
                page(f"p{place}", following)
                for place, following in enumerate([*cursors[1:], returns])
            ],
            strict=True,
        )
    )
    chain = Chain({**pages, ".": pages[""]})

    with pytest.raises(PagingError, match="came twice and brought nothing new") as caught:
        chain.walk()
    assert caught.value.cursor == returns
    assert caught.value.pages == length + 1
    assert len(chain.asked) == length + 2


def test_ever_new_cursors_that_bring_nothing_new_are_an_error():
    chain = Chain({"": page("one", "c0")} | {f"c{n}": page("one", f"c{n + 1}") for n in range(9)})

    with pytest.raises(PagingError, match="3 pages without anything new in a row") as caught:
        chain.walk()
    assert (caught.value.cursor, caught.value.pages) == ("c3", 4)


def test_two_pages_that_bring_nothing_new_are_gone_through():
    chain = Chain(
        {
            "": page("one", "a"),
            "a": page("one", "b"),
            "b": page("one", "c"),
            "c": page("two", "d"),
            "d": page("one", ""),
        }
    )

    assert chain.walk() == ["one", "one", "one", "two", "one"]


def test_a_cursor_that_repeats_but_brings_new_calls_goes_on():
    chain = Chain(
        {
            "": page("one", "same"),
            "same": [page("two", "same"), page("three", "same"), page("four", "")],
        }
    )

    assert chain.walk() == ["one", "two", "three", "four"]
