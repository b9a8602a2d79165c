"""Plan: the chains always cover the full range, and only long chains are split."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etelecom_analytics.api.chain import Chain
from etelecom_analytics.api.page_scan import PageScan
from etelecom_analytics.api.plan import Plan

BEGIN, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def page(*starts: datetime, ids: tuple[bytes, ...] = ()) -> PageScan:
    return PageScan(ids=ids, starts=starts)


def at(day: float) -> datetime:
    return BEGIN + timedelta(days=day)


def one_chain(**options: datetime) -> tuple[Plan, Chain]:
    plan = Plan([Chain(begin=BEGIN, end=END)], full_range=(BEGIN, END), **options)
    chain = plan.next_chain(1)
    assert chain
    return plan, chain


def ranges(plan: Plan) -> list[tuple[datetime | None, datetime | None]]:
    return sorted(
        ((chain.begin, chain.end) for chain in plan.chains),
        key=lambda bounds: bounds[0] or datetime.min.replace(tzinfo=UTC),
    )


def test_rest_of_a_chain_is_split_between_its_worker_and_the_idle_workers():
    plan, chain = one_chain()
    plan.record_page(chain, page(at(30), at(29)), 100)

    chains = [plan.next_chain(idle) for idle in (3, 2, 1)]

    assert [(each.begin, each.end) for each in chains if each] == [
        (at(14.5), at(21.75)),
        (at(7.25), at(14.5)),
        (BEGIN, at(7.25)),
    ]
    assert chain.begin == at(21.75)
    assert chain.requested_from == BEGIN


def test_chain_with_few_pages_left_is_not_split():
    plan, chain = one_chain()
    plan.record_page(chain, page(at(30), at(7)), 100)

    assert plan.next_chain(7) is None


def test_chain_without_a_page_or_a_begin_is_not_split():
    plan, _ = one_chain()
    assert plan.next_chain(1) is None

    unbounded = Plan([Chain(begin=None, end=END)], full_range=(None, END))
    chain = unbounded.next_chain(1)
    assert chain
    unbounded.record_page(chain, page(at(30), at(29)), 100)
    assert unbounded.next_chain(1) is None


def test_calls_after_the_end_of_a_chain_do_not_split_it_into_itself():
    """A request has a margin: its first call may belong to the next newer chain."""
    begin = at(1)
    chain = Chain(begin=begin, end=begin + timedelta(seconds=2))
    plan = Plan([chain], full_range=(BEGIN, END))
    assert plan.next_chain(1) is chain
    plan.record_page(chain, page(begin + timedelta(seconds=4)), 1)

    assert plan.next_chain(3) is None
    assert plan.chains == [chain]


def test_unbounded_chain_is_split_if_the_oldest_call_is_known_and_stays_unbounded():
    plan = Plan([Chain(begin=None, end=END)], full_range=(None, END), oldest=BEGIN)
    chain = plan.next_chain(1)
    assert chain
    plan.record_page(chain, page(at(30), at(28)), 100)
    half = plan.next_chain(1)

    assert half
    assert (half.begin, half.end) == (None, at(14))


def test_chain_in_order_is_complete_once_it_has_passed_its_begin():
    plan, chain = one_chain()
    plan.record_page(chain, page(at(30), at(29)), 100)
    assert plan.next_chain(1)
    plan.record_page(chain, page(at(20), at(14.5)), 100)
    assert not plan.is_complete(chain)
    plan.record_page(chain, page(at(14.5), at(14.4)), 100)
    assert plan.is_complete(chain)


def test_chain_out_of_order_takes_back_its_parts_and_is_followed_to_its_end():
    plan, chain = one_chain()
    plan.record_page(chain, page(at(30), at(29)), 100)
    assert plan.next_chain(1)
    plan.record_page(chain, page(at(28), at(28.5), at(10)), 100)

    assert chain.begin == BEGIN
    assert not plan.is_complete(chain)
    assert chain.missing == (BEGIN, END)


def test_page_mostly_outside_the_range_shows_that_dates_are_ignored():
    plan, chain = one_chain()
    plan.record_page(chain, page(END + timedelta(days=3), END + timedelta(days=2), at(29)), 3)

    assert plan.dates_ignored
    assert plan.chains == [chain]


@pytest.mark.parametrize("far", [1, 0.9])
def test_single_call_outside_the_range_is_no_evidence(far: float):
    plan, chain = one_chain()
    plan.record_page(chain, page(END + timedelta(days=far), at(29.5), at(29)), 3)

    assert not plan.dates_ignored


def test_two_chains_with_the_same_first_call_show_that_dates_are_ignored():
    whole = (at(0), at(0.5))
    plan = Plan([Chain(begin=whole[0], end=whole[1])], full_range=whole)
    chain = plan.next_chain(1)
    assert chain
    newest = page(at(0.5), at(0.49), ids=(b"7", b"6"))
    plan.record_page(chain, newest, 2)
    older = plan.next_chain(1)
    assert older
    plan.record_page(older, newest, 2)

    assert plan.dates_ignored
    assert ranges(plan) == [whole]
    assert plan.next_chain(5) is None


def test_new_chain_over_the_full_range_replaces_a_finished_first_chain():
    plan, chain = one_chain()
    plan.record_page(chain, page(at(30), at(29)), 100)
    older = plan.next_chain(1)
    assert older
    chain.done = True
    plan.record_page(older, page(at(30), at(29)), 100)

    whole = plan.next_chain(1)
    assert whole not in (None, chain, older)
    assert ranges(plan) == [(BEGIN, END)]


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 20),
            st.floats(0.001, 0.9),
            st.integers(1, 8),
            st.booleans(),
            st.integers(0, 9),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_chains_always_cover_the_full_range_and_missing_parts_have_no_pages(
    steps: list[tuple[int, float, int, bool, int]],
):
    """Any chain may receive the next page, workers take parts, and some pages are out of order."""
    plan, first = one_chain()
    chains = [first]
    for number, share, idle, take_part, disorder in steps:
        chain = chains[number % len(chains)]
        top = chain.reached or chain.end
        assert top
        bottom = top - (top - BEGIN) * share
        if not chain.done:
            starts = (bottom, top) if disorder == 0 else (top, bottom)
            plan.record_page(chain, page(*starts), 100)
            chain.done = plan.is_complete(chain)
        if take_part and (part := plan.next_chain(idle)):
            chains.append(part)
        edge = BEGIN
        for begin, end in ranges(plan):
            assert begin is not None
            assert end is not None
            assert begin <= edge
            edge = max(edge, end)
        assert edge == END
        for each in plan.chains:
            if (missing := each.missing) and each.in_order and each.reached:
                assert missing[0] is None or missing[1] is None or missing[1] > each.reached
