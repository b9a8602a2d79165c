"""Plan: whatever is split, whenever, every moment of the range is some chain's; and nobody gets a share that is not worth its pages."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etelecom_analytics.api.page_scan import PageScan
from etelecom_analytics.api.plan import Chain, Plan

BEGIN, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def page(*starts: datetime, ids: tuple[bytes, ...] = ()) -> PageScan:
    return PageScan(ids=ids, starts=starts)


def at(day: float) -> datetime:
    return BEGIN + timedelta(days=day)


def one_chain(**options: datetime) -> tuple[Plan, Chain]:
    plan = Plan([Chain(begin=BEGIN, end=END)], whole=(BEGIN, END), **options)
    chain = plan.next_chain(1)
    assert chain
    return plan, chain


def covered(plan: Plan) -> list[tuple[datetime | None, datetime | None]]:
    return sorted(
        ((chain.begin, chain.end) for chain in plan.chains),
        key=lambda span: span[0] or datetime.min.replace(tzinfo=UTC),
    )


def test_what_is_left_is_shared_out_among_the_idle_and_the_busy_one():
    plan, chain = one_chain()
    plan.saw(chain, page(at(30), at(29)), 100)

    taken = [plan.next_chain(idle) for idle in (3, 2, 1)]

    assert [(each.begin, each.end) for each in taken if each] == [
        (at(14.5), at(21.75)),
        (at(7.25), at(14.5)),
        (BEGIN, at(7.25)),
    ]
    assert chain.begin == at(21.75)
    assert chain.asked_from == BEGIN


def test_little_is_not_shared():
    plan, chain = one_chain()
    plan.saw(chain, page(at(30), at(7)), 100)

    assert plan.next_chain(7) is None


def test_a_chain_without_a_page_or_a_begin_is_not_split():
    plan, _ = one_chain()
    assert plan.next_chain(1) is None

    open_start = Plan([Chain(begin=None, end=END)], whole=(None, END))
    chain = open_start.next_chain(1)
    assert chain
    open_start.saw(chain, page(at(30), at(29)), 100)
    assert open_start.next_chain(1) is None


def test_an_open_start_is_split_where_the_oldest_call_is_known_and_stays_open():
    plan = Plan([Chain(begin=None, end=END)], whole=(None, END), oldest=BEGIN)
    chain = plan.next_chain(1)
    assert chain
    plan.saw(chain, page(at(30), at(28)), 100)
    half = plan.next_chain(1)

    assert half
    assert (half.begin, half.end) == (None, at(14))


def test_a_chain_has_enough_once_it_has_passed_its_begin_in_order():
    plan, chain = one_chain()
    plan.saw(chain, page(at(30), at(29)), 100)
    assert plan.next_chain(1)
    plan.saw(chain, page(at(20), at(14.5)), 100)
    assert not plan.has_enough(chain)
    plan.saw(chain, page(at(14.5), at(14.4)), 100)
    assert plan.has_enough(chain)


def test_a_chain_out_of_order_takes_back_what_it_gave_and_goes_to_its_end():
    plan, chain = one_chain()
    plan.saw(chain, page(at(30), at(29)), 100)
    assert plan.next_chain(1)
    plan.saw(chain, page(at(28), at(28.5), at(10)), 100)

    assert chain.begin == BEGIN
    assert not plan.has_enough(chain)
    assert chain.missing == (BEGIN, END)


def test_most_of_a_page_far_outside_is_a_server_that_ignores_dates():
    plan, chain = one_chain()
    plan.saw(chain, page(END + timedelta(days=3), END + timedelta(days=2), at(29)), 3)

    assert plan.dates_ignored
    assert plan.chains == [chain]


@pytest.mark.parametrize("far", [1, 0.9])
def test_a_call_at_an_edge_is_no_sign(far: float):
    plan, chain = one_chain()
    plan.saw(chain, page(END + timedelta(days=far), at(29.5), at(29)), 3)

    assert not plan.dates_ignored


def test_two_chains_that_begin_with_the_same_call_are_a_sign_even_within_a_day():
    whole = (at(0), at(0.5))
    plan = Plan([Chain(begin=whole[0], end=whole[1])], whole=whole)
    chain = plan.next_chain(1)
    assert chain
    newest = page(at(0.5), at(0.49), ids=(b"7", b"6"))
    plan.saw(chain, newest, 2)
    older = plan.next_chain(1)
    assert older
    plan.saw(older, newest, 2)

    assert plan.dates_ignored
    assert covered(plan) == [whole]
    assert plan.next_chain(5) is None


def test_if_the_first_chain_has_ended_a_new_one_is_walked_over_all():
    plan, chain = one_chain()
    plan.saw(chain, page(at(30), at(29)), 100)
    older = plan.next_chain(1)
    assert older
    chain.done = True
    plan.saw(older, page(at(30), at(29)), 100)

    whole = plan.next_chain(1)
    assert whole not in (None, chain, older)
    assert covered(plan) == [(BEGIN, END)]


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
def test_every_moment_is_some_chains_and_what_is_missing_was_not_shown(
    steps: list[tuple[int, float, int, bool, int]],
):
    """Pages come to any chain, in any pace; workers ask for shares; order breaks now and then."""
    plan, first = one_chain()
    walked = [first]
    for which, share, idle, asks, mess in steps:
        chain = walked[which % len(walked)]
        top = chain.reached or chain.end
        assert top
        bottom = top - (top - BEGIN) * share
        if not chain.done:
            starts = (bottom, top) if mess == 0 else (top, bottom)
            plan.saw(chain, page(*starts), 100)
            chain.done = plan.has_enough(chain)
        if asks and (taken := plan.next_chain(idle)):
            walked.append(taken)
        edge = BEGIN
        for begin, end in covered(plan):
            assert begin is not None
            assert end is not None
            assert begin <= edge
            edge = max(edge, end)
        assert edge == END
        for each in plan.chains:
            if (missing := each.missing) and each.in_order and each.reached:
                assert missing[0] is None or missing[1] is None or missing[1] > each.reached
