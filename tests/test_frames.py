"""PageReader reads pages in any batches and order; newest, in_order and call_targets."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples
from support.page_strategies import Raw, by_record, page_of, rows_of

import etelecom_analytics as et
from etelecom_analytics.errors import Unreadable
from etelecom_analytics.frames import in_order, newest
from etelecom_analytics.parsing.pages import PageReader
from etelecom_analytics.parsing.records import Drift, merge_drift
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


@pytest.mark.slow
@examples(30)
@given(bodies=_pages, cuts=st.lists(st.integers(0, 40), max_size=4))
def test_result_does_not_depend_on_the_batches(bodies: list[bytes], cuts: list[int]):
    """Calls and counts equal those of a reader that reads each record on its own."""
    calls, drift, set_aside = by_record(bodies)
    reader = PageReader()
    edges = [0, *sorted(cuts), len(bodies)]
    parts = [reader.read(bodies[begin:end]) for begin, end in pairwise(edges)]

    assert_frame_equal(pl.concat(parts), calls)
    assert (reader.drift, repr(reader.set_aside)) == (drift, set_aside)


def test_no_pages_give_an_empty_frame():
    assert PageReader().read([]).equals(pl.DataFrame(schema=CALL_SCHEMA))


def test_records_set_aside_have_page_and_position():
    reader = PageReader()
    reader.read(PAGES[:2])
    reader.read(PAGES[2:5])

    assert [(each.page, each.position, each.record) for each in reader.set_aside] == [
        (1, 1, {"id": ""}),
        (3, 0, 17),
    ]


@pytest.mark.parametrize("index", [0, 3, 20])
def test_batch_with_an_unreadable_page_is_not_counted(index: int):
    reader = PageReader()
    reader.read(PAGES[:2])
    before = (reader.drift, list(reader.set_aside))
    bodies = PAGES * 3
    with pytest.raises(Unreadable):
        reader.read([*bodies[:index], b'{"call_logs": [', *bodies[index:]])

    assert (reader.drift, reader.set_aside) == before
    reader.read([page_of([5])])
    assert reader.set_aside[-1].page == 2


@pytest.mark.slow
@given(bodies=_pages, seed=st.integers(0, 99))
@examples(20)
def test_drift_does_not_depend_on_page_order_or_number_of_readers(bodies: list[bytes], seed: int):
    """Neither do its examples."""
    shuffled = random.Random(seed).sample(bodies, len(bodies))
    single, readers = PageReader(), [PageReader() for _ in bodies]
    single.read(bodies)
    for reader, body in zip(readers, shuffled, strict=True):
        reader.read([body])

    assert merge_drift(*(reader.drift for reader in readers)) == single.drift
    assert merge_drift(single.drift) == single.drift


def test_merge_drift_adds_by_field_and_kind_without_phone_numbers():
    drift = (Drift("duration", "fraction", 2, "1.5"), Drift("caller", "number", 1, "84…"))

    assert merge_drift(drift, [], [Drift("duration", "fraction", 3, "1.25")]) == (
        Drift("caller", "number", 1, "84…"),
        Drift("duration", "fraction", 5, "1.25"),
    )
    reader = PageReader()
    reader.read(PAGES)
    new = [each for each in reader.drift if each.kind == "new field"]
    assert [(each.field, each.count) for each in new] == [("09…", 2), ("mood", 1)]


# Functions of calls.

_times = st.none() | st.integers(0, 3).map(
    lambda minute: datetime(2026, 11, 2, 3, minute, tzinfo=UTC)
)
_few_calls = st.lists(st.tuples(st.sampled_from("abc"), _times, _times), max_size=8)


def frame(calls: Sequence[tuple[str, datetime | None, datetime | None]]) -> pl.DataFrame:
    """Calls with these values of id, started_at and updated_at; `note` is the row index."""
    full = {name: [None] * len(calls) for name in CALL_SCHEMA} | {
        "id": [each[0] for each in calls],
        "started_at": [each[1] for each in calls],
        "updated_at": [each[2] for each in calls],
        "note": [str(index) for index in range(len(calls))],
    }
    return pl.DataFrame(full, schema=CALL_SCHEMA)


@pytest.mark.slow
@given(calls=_few_calls)
def test_newest_keeps_the_position_of_the_latest_state(
    calls: list[tuple[str, datetime | None, datetime | None]],
):
    best: dict[str, int] = {}
    for index, (id_, _, updated_at) in enumerate(calls):
        other = calls[best[id_]][2] if id_ in best else None
        if other is None or (updated_at is not None and updated_at >= other):
            best[id_] = index

    assert newest(frame(calls))["note"].to_list() == [str(index) for index in sorted(best.values())]


@pytest.mark.slow
@given(calls=_few_calls)
def test_in_order_sorts_newest_first_then_by_id_with_nulls_last(
    calls: list[tuple[str, datetime | None, datetime | None]],
):
    far = datetime.max.replace(tzinfo=UTC)
    expected = sorted(
        range(len(calls)),
        key=lambda index: (
            calls[index][1] is None,
            far - (calls[index][1] or far),
            calls[index][0],
        ),
    )

    ordered = in_order(frame(calls))
    assert ordered["note"].to_list() == [str(index) for index in expected]
    assert in_order(ordered).equals(ordered)


@given(rows=st.lists(st.sampled_from(ROWS), max_size=6))
@examples(30)
def test_call_targets_are_the_legs_in_order_eager_and_lazy(
    rows: list[dict[str, object]],
):
    calls = PageReader().read([page_of(rows)])
    expected = [
        {"call_id": call["id"], "target_index": index, **leg}
        for call in calls.to_dicts()
        for index, leg in enumerate(call["call_targets"])
    ]

    legs = et.call_targets(calls)
    assert legs.to_dicts() == expected
    assert legs.schema == pl.Schema(CALL_TARGETS_SCHEMA)
    assert_frame_equal(et.call_targets(calls.lazy()).collect(), legs)
