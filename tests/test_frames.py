"""PageReader: any pages, in any batches and any order, with one account; and what is made of the calls afterwards."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_strategies import Raw, by_record, page_of, rows_of
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.errors import Unreadable
from etelecom_analytics.frames import Drift, PageReader, in_order, merged_drift, newest
from etelecom_analytics.schema import CALL_SCHEMA, CALL_TARGETS_SCHEMA

ROWS = rows_of(40, seed=3)
PAGES = [
    page_of(ROWS[:2]),
    page_of([ROWS[0] | {"duration": "30"}, {"id": ""}, ROWS[1] | {"caller": 84900000001}]),
    page_of([]),
    page_of([17, ROWS[2] | {"direction": "sideways"}]),
    page_of(ROWS[2:30]),
    page_of([ROWS[3] | {"duration": "12"}, ROWS[4] | {"direction": "abroad", "mood": 1}]),
    page_of([ROWS[5] | {"note": "caf\udce9"}]),
    page_of([ROWS[6] | {"duration": Raw("1.5"), "0900000001": 1}, ROWS[7] | {"0900000002": None}]),
]
_pages = st.lists(st.sampled_from(PAGES), max_size=40)


@settings(max_examples=30)
@given(bodies=_pages, cuts=st.lists(st.integers(0, 40), max_size=4))
def test_the_pages_may_come_in_any_batches(bodies: list[bytes], cuts: list[int]):
    """Calls and account are those of the pages read record by record, one after the other."""
    calls, drift, set_aside = by_record(bodies)
    reader = PageReader()
    edges = [0, *sorted(cuts), len(bodies)]
    parts = [reader.read(bodies[begin:end]) for begin, end in pairwise(edges)]

    assert_frame_equal(pl.concat(parts), calls)
    assert (reader.drift, repr(reader.set_aside)) == (drift, set_aside)


def test_no_pages_are_no_calls():
    assert PageReader().read([]).equals(pl.DataFrame(schema=CALL_SCHEMA))


def test_what_is_set_aside_says_on_which_of_the_reader_s_pages_it_stood():
    reader = PageReader()
    reader.read(PAGES[:2])
    reader.read(PAGES[2:5])

    assert [(each.page, each.position, each.record) for each in reader.set_aside] == [
        (1, 1, {"id": ""}),
        (3, 0, 17),
    ]


@pytest.mark.parametrize("place", [0, 3, 20])
def test_of_a_batch_with_something_that_is_no_page_nothing_is_counted(place: int):
    reader = PageReader()
    reader.read(PAGES[:2])
    before = (reader.drift, list(reader.set_aside))
    bodies = PAGES * 3
    with pytest.raises(Unreadable):
        reader.read([*bodies[:place], b'{"call_logs": [', *bodies[place:]])

    assert (reader.drift, reader.set_aside) == before
    reader.read([page_of([5])])
    assert reader.set_aside[-1].page == 2


@given(bodies=_pages, seed=st.integers(0, 99))
@settings(max_examples=20)
def test_drift_is_the_same_in_whatever_order_the_pages_come_and_whoever_reads_them(
    bodies: list[bytes], seed: int
):
    """Examples too: one reader for all, or one for each page, in any order."""
    shuffled = random.Random(seed).sample(bodies, len(bodies))
    one, each = PageReader(), [PageReader() for _ in bodies]
    one.read(bodies)
    for reader, body in zip(each, shuffled, strict=True):
        reader.read([body])

    assert merged_drift(*(reader.drift for reader in each)) == one.drift
    assert merged_drift(one.drift) == one.drift


def test_accounts_are_added_by_field_and_kind_and_hold_no_numbers():
    drift = (Drift("duration", "fraction", 2, "1.5"), Drift("caller", "number", 1, "84…"))

    assert merged_drift(drift, [], [Drift("duration", "fraction", 3, "1.25")]) == (
        Drift("caller", "number", 1, "84…"),
        Drift("duration", "fraction", 5, "1.25"),
    )
    reader = PageReader()
    reader.read(PAGES)
    new = [each for each in reader.drift if each.kind == "new field"]
    assert [(each.field, each.count) for each in new] == [("09…", 2), ("mood", 1)]


# What is made of calls.

_times = st.none() | st.integers(0, 3).map(
    lambda minute: datetime(2026, 11, 2, 3, minute, tzinfo=UTC)
)
_few_calls = st.lists(st.tuples(st.sampled_from("abc"), _times, _times), max_size=8)


def frame(calls: Sequence[tuple[str, datetime | None, datetime | None]]) -> pl.DataFrame:
    """These ids, with when they began and were changed; their place in `note`."""
    full = {name: [None] * len(calls) for name in CALL_SCHEMA} | {
        "id": [each[0] for each in calls],
        "started_at": [each[1] for each in calls],
        "updated_at": [each[2] for each in calls],
        "note": [str(place) for place in range(len(calls))],
    }
    return pl.DataFrame(full, schema=CALL_SCHEMA)


@given(calls=_few_calls)
def test_the_newest_of_an_id_stays_where_it_stood(
    calls: list[tuple[str, datetime | None, datetime | None]],
):
    best: dict[str, int] = {}
    for place, (name, _, changed) in enumerate(calls):
        other = calls[best[name]][2] if name in best else None
        if other is None or (changed is not None and changed >= other):
            best[name] = place

    assert newest(frame(calls))["note"].to_list() == [str(place) for place in sorted(best.values())]


@given(calls=_few_calls)
def test_calls_are_newest_first_then_by_id_and_unknown_starts_last(
    calls: list[tuple[str, datetime | None, datetime | None]],
):
    far = datetime.max.replace(tzinfo=UTC)
    by_age = sorted(
        range(len(calls)),
        key=lambda at: (calls[at][1] is None, far - (calls[at][1] or far), calls[at][0]),
    )

    ordered = in_order(frame(calls))
    assert ordered["note"].to_list() == [str(place) for place in by_age]
    assert in_order(ordered).equals(ordered)


@given(rows=st.lists(st.sampled_from(ROWS), max_size=6))
@settings(max_examples=30)
def test_call_targets_are_the_legs_in_their_order_from_a_frame_or_a_plan(
    rows: list[dict[str, object]],
):
    calls = PageReader().read([page_of(rows)])
    expected = [
        {"call_id": call["id"], "target_index": place, **leg}
        for call in calls.to_dicts()
        for place, leg in enumerate(call["call_targets"])
    ]

    legs = et.call_targets(calls)
    assert legs.to_dicts() == expected
    assert legs.schema == pl.Schema(CALL_TARGETS_SCHEMA)
    assert_frame_equal(et.call_targets(calls.lazy()).collect(), legs)
