"""Partial results add up to the measures of the whole, however the calls are split."""

import multiprocessing
import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial as bound
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.call_cases import call, frame, ringing, talk
from support.examples import examples
from support.holes import calls_with_holes
from support.random_calls import OPTIONS, OTHER_OPTIONS, random_calls, with_random_owners

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.local_time import COARSER_DIMENSIONS, LOCAL_DIMENSIONS
from etelecom_analytics.metrics import MEASURES, merge_partials, partials
from etelecom_analytics.metrics.registry import FACTS

ALL = list(MEASURES)
SOME = [
    "offered",
    "answer_rate",
    "asa_s",
    "wait_p90_s",
    "talk_s",
    "busy_offers",
    "ring_p50_s",
    "asr",
]
OF_LEGS = [name for name, each in MEASURES.items() if each.grain != "calls"]
AS_OF = datetime(2026, 11, 4, 12, tzinfo=UTC)
DAY = LOCAL_DIMENSIONS["day"]("Asia/Ho_Chi_Minh")
TABLES: dict[str, tuple[list[str], list[str]]] = {
    "all": ([], ALL),
    "by hour": (["hour"], ALL),
    "by queue": (["queue", "in_hours"], ALL),
    "by target": (["target_number"], OF_LEGS),
    "by trunk and outcome": (["trunk_name", "outcome"], OF_LEGS),
}


def options(**settings: Any) -> et.MetricOptions:
    return et.MetricOptions(**(OPTIONS | {"as_of": AS_OF} | settings))


def assert_equal(finished: pl.DataFrame, whole: pl.DataFrame) -> None:
    assert_frame_equal(finished, whole, rel_tol=1e-9, abs_tol=1e-9)


def in_pieces(calls: pl.DataFrame, piece: pl.Series) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """The calls of each piece, and all others."""
    return [
        (calls.filter(piece == number), calls.filter(piece != number))
        for number in piece.unique(maintain_order=True)
    ]


def random_pieces(calls: pl.DataFrame, count: int, *, seed: int) -> pl.Series:
    source = random.Random(seed)
    return pl.Series([source.randrange(count) for _ in range(calls.height)])


def days_of(calls: pl.DataFrame) -> pl.Series:
    """The local day of each call; a call without a start is in one of them, as in an archive."""
    known = calls.select(DAY.forward_fill().backward_fill()).to_series()
    return known.rank("dense")


def partials_of(
    calls: pl.DataFrame, piece: pl.Series, by: list[str], measures: list[str], **settings: Any
) -> list[pl.DataFrame]:
    return [
        et.partial(own, by, measures, options=options(**settings), neighbours=others)
        for own, others in in_pieces(calls, piece)
    ]


@pytest.fixture(scope="module")
def few_calls() -> pl.DataFrame:
    return calls_with_holes(400, seed=4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "split"),
    [
        ("all", bound(random_pieces, count=3, seed=1)),
        ("by hour", days_of),
        ("by queue", bound(random_pieces, count=2, seed=1)),
        ("by target", days_of),
        ("by trunk and outcome", bound(random_pieces, count=3, seed=1)),
    ],
)
def test_partials_add_up_to_the_whole(
    few_calls: pl.DataFrame, table: str, split: Callable[[pl.DataFrame], pl.Series]
):
    by, measures = TABLES[table]
    parts = partials_of(few_calls, split(few_calls), by, measures)
    whole = et.summarize(few_calls, by, measures, options=options(), confidence=0.9)

    assert len(parts) >= 2
    assert_equal(et.finish(parts, by, measures, confidence=0.9), whole)
    assert_equal(et.finish(merge_partials(parts), by, measures, confidence=0.9), whole)


@pytest.mark.slow
def test_partials_from_a_pool_of_processes_are_the_same(few_calls: pl.DataFrame):
    """`tests/benchmarks/partials.py` does the same with 8,000 calls."""
    pieces = in_pieces(few_calls, random_pieces(few_calls, 3, seed=2))
    compute = bound(et.partial, by=["day", "direction"], measures=SOME, options=options())
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(compute, own, neighbours=others) for own, others in pieces]
        from_pool = [future.result() for future in futures]

    for result, (own, others) in zip(from_pool, pieces, strict=True):
        assert result.equals(compute(own, neighbours=others))


@pytest.mark.slow
def test_partials_of_days_add_up_to_the_whole(few_calls: pl.DataFrame):
    by, measures = ["day", "direction"], SOME
    parts = partials_of(few_calls, days_of(few_calls), by, measures)
    whole = et.summarize(few_calls, by, measures, options=options(), confidence=True)

    assert len(parts) > 2
    assert_equal(et.finish(parts, by, measures, confidence=True), whole)


SMALL = random_calls(80, seed=3)


@pytest.mark.slow
@examples(2)
@given(
    piece=st.lists(st.integers(0, 3), min_size=SMALL.height, max_size=SMALL.height),
    order=st.permutations(range(4)),
)
@example(piece=[row * 7 % 4 for row in range(SMALL.height)], order=[2, 0, 3, 1])
def test_any_split_and_any_order_of_merging_give_the_same(piece: list[int], order: list[int]):
    by, measures = ["hour"], ["answered", "asa_s", "wait_p90_s", "busy_offers", "ring_p50_s"]
    empty = et.partial(SMALL.clear(), by, measures, options=options())
    parts = partials_of(SMALL, pl.Series(piece), by, measures)
    parts += [empty] * (4 - len(parts))
    one, two, three, four = (parts[place] for place in order)
    at_once = merge_partials(parts)

    for merged in (
        merge_partials([merge_partials([one, two]), merge_partials([three, four])]),
        merge_partials([one, merge_partials([two, merge_partials([three, four])])]),
    ):
        assert merged.equals(at_once)
    whole = et.summarize(SMALL, by, measures, options=options())
    assert_equal(et.finish(parts, by, measures), whole)
    assert_equal(et.finish([at_once], by, measures), whole)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, OTHER_OPTIONS], ids=["lists", "other options"])
def test_names_and_owners_add_up(settings: dict[str, Any]):
    calls = with_random_owners(random_calls(150, seed=6), seed=6)
    for by in (["user", "hotline"], ["extension_number", "outcome"]):
        measures = OF_LEGS if "outcome" in by else ALL
        parts = partials_of(calls, random_pieces(calls, 2, seed=5), by, measures, **settings)
        whole = et.summarize(calls, by, measures, options=options(**settings))

        assert_equal(et.finish(parts, by, measures), whole)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["DataFrame", "LazyFrame", "Selection"])
def test_any_kind_of_calls_gives_the_same_partial(kind: str):
    calls = {
        "DataFrame": SMALL,
        "LazyFrame": SMALL.lazy(),
        "Selection": et.metrics.Selection(SMALL),
    }[kind]
    expected = et.partial(SMALL[:40], ["hour"], SOME, neighbours=SMALL[40:])
    own = (
        calls.where(pl.lit(pl.Series([row < 40 for row in range(SMALL.height)])))
        if isinstance(calls, et.metrics.Selection)
        else calls.head(40)
    )
    others = calls.lazy().tail(40) if kind == "LazyFrame" else SMALL[40:]

    assert et.partial(own, ["hour"], SOME, neighbours=others).equals(expected)


# What follows from finer dimensions.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("coarse", "fine"),
    [(coarse, fine) for coarse, finer in COARSER_DIMENSIONS.items() for fine in finer],
)
def test_coarser_dimensions_follow_from_finer_ones(few_calls: pl.DataFrame, coarse: str, fine: str):
    measures = ["offered", "asa_s", "wait_p95_s", "ring_wasted_s"]
    fine_parts = et.partial(few_calls, [fine, "direction"], measures)

    for by in ([coarse], ["direction", coarse]):
        assert_equal(et.finish(fine_parts, by, measures), et.summarize(few_calls, by, measures))
    assert_equal(et.finish(fine_parts, [], measures), et.summarize(few_calls, [], measures))


def test_a_partial_answers_each_of_its_measures(few_calls: pl.DataFrame):
    parts = et.partial(few_calls, "hour", SOME)

    for name in SOME:
        assert_equal(et.finish(parts, "hour", name), et.summarize(few_calls, "hour", name))


def test_no_calls_give_the_table_of_no_calls():
    for by in ([], ["day", "direction"]):
        empty = et.partial(SMALL.clear(), by, ALL)
        expected = et.summarize(SMALL.clear(), by, ALL)

        assert_frame_equal(et.finish(empty, by, ALL), expected)
        assert_frame_equal(et.finish([empty, empty], by, ALL), expected)


def test_a_group_of_one_grain_only_is_included():
    calls = frame(call("no leg", state="answered"), call("rings", ringing("101", 0, 5), shift=1))
    by, measures = ["caller"], ["calls", "offers", "ring_p50_s", "asa_s", "trunk_legs"]

    assert_equal(
        et.finish(et.partial(calls, by, measures), by, measures), et.summarize(calls, by, measures)
    )


# Calls that depend on other calls.

NIGHT = 16 * 3600 - 60
"""Seconds from BASE, 08:00, to a minute before midnight."""


@pytest.mark.slow
def test_a_talk_across_midnight_makes_offers_of_the_next_day_busy():
    calls = frame(
        call("talks", talk("101", 0, 5, 300), state="answered", shift=NIGHT, ended=300),
        call("offered", ringing("101", 0, 20), shift=NIGHT + 120, ended=20),
    )
    whole = et.summarize(calls, "day", "busy_offers")
    first, second = (
        et.partial(own, "day", "busy_offers", options=options(), neighbours=others)
        for own, others in in_pieces(calls, days_of(calls))
    )
    alone = et.partial(calls[1:], "day", "busy_offers", options=options())

    assert whole["busy_offers"].to_list() == [0, 1]
    assert_equal(et.finish([first, second], "day", "busy_offers"), whole)
    assert et.finish([first, alone], "day", "busy_offers")["busy_offers"].to_list() == [0, 0]


def test_an_internal_call_across_midnight_counts_once():
    calls = frame(
        call("out", state="answered", direction="ext_out", shift=NIGHT + 59, ended=9),
        call("in", state="answered", direction="ext_in", shift=NIGHT + 60, ended=9),
    )
    measures = ["calls", "internal_twice"]
    whole = et.summarize(calls, "day", measures)
    parts = [
        et.partial(own, "day", measures, neighbours=others)
        for own, others in in_pieces(calls, days_of(calls))
    ]

    assert whole.rows()[0][1:] == (0, 1)
    assert_equal(et.finish(parts, "day", measures), whole)


def test_busy_offers_of_parts_with_other_last_calls_are_refused():
    parts = [et.partial(calls, "day", "busy_offers") for calls in (SMALL[:40], SMALL[40:])]

    assert et.finish(parts[:1], "day", "busy_offers").height > 0
    with pytest.raises(InputError, match="different options"):
        et.finish(parts, "day", "busy_offers")


# What is refused.


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": et.MetricOptions(threshold_s=30)}, "different options"),
        ({"options": et.MetricOptions(time_zone="UTC")}, "different options"),
        ({"measures": ["answered", "asa_s"]}, "different dimensions or measures"),
        ({"measures": ["wait_p90_s", "answered"]}, "different dimensions or measures"),
        ({"by": ["day"]}, "different dimensions or measures"),
        ({"calls": with_random_owners(SMALL, seed=1)}, "different columns"),
    ],
)
def test_partials_that_do_not_fit_together_are_refused(changes: dict[str, Any], message: str):
    same: dict[str, Any] = {"calls": SMALL, "by": ["hour"], "measures": ["asa_s", "wait_p90_s"]}
    one, other = et.partial(**same), et.partial(**(same | changes))

    for join in (merge_partials, lambda parts: et.finish(parts, "hour", "asa_s")):
        with pytest.raises(InputError, match=message):
            join([one, other])
    assert merge_partials([one, et.partial(**same)]).height == one.height


def test_texts_of_facts_do_not_matter_but_their_rules_do(monkeypatch: pytest.MonkeyPatch):
    """A corrected description keeps stored partials; another computation does not."""
    texts = {grain: dict.fromkeys(facts, "another text") for grain, facts in FACTS.items()}
    before = et.partial(SMALL, "hour", "asa_s")

    monkeypatch.setattr(partials, "FACTS", texts)
    assert et.partial(SMALL, "hour", "asa_s").equals(before)
    monkeypatch.setattr(partials, "_RULES", partials._RULES + 1)
    with pytest.raises(InputError, match="versions of this package"):
        merge_partials([before, et.partial(SMALL, "hour", "asa_s")])


def test_as_of_matters_only_to_busy_offers():
    earlier, later = options(as_of="2026-11-03"), options(as_of="2026-11-04")
    parts = [et.partial(SMALL, "hour", "asa_s", options=each) for each in (earlier, later)]

    assert merge_partials(parts).height == parts[0].height


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("day", "asa_s"), InputError, r"by hour, from which day does not follow"),
        (("our", "asa_s"), UnknownName, "hour"),
        (("hour", "answer_rate"), InputError, "do not have the parts of answer_rate"),
        (("hour", "wait_p90_s"), InputError, "do not have the parts of wait_p90_s"),
        (("hour", []), InputError, "at least one name"),
    ],
)
def test_what_partials_cannot_give_is_refused(
    arguments: tuple[Any, Any], error: type[Exception], message: str
):
    with pytest.raises(error, match=message):
        et.finish(et.partial(SMALL, "hour", "asa_s"), *arguments)


@pytest.mark.parametrize(
    "wrong",
    [None, 3, "hour", [], [None], SMALL, [SMALL.lazy()], {"a": 1}],
    ids=["none", "number", "text", "empty", "list of none", "calls", "lazy frames", "dict"],
)
def test_other_tables_are_refused(wrong: Any):
    for join in (merge_partials, et.finish):
        with pytest.raises(InputError, match="partials"):
            join(wrong)


PARTS = et.partial(SMALL, ["day", "direction"], ["asa_s", "wait_p90_s"])
IS_SECONDS = pl.col("fact").str.ends_with("_s")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ([PARTS, PARTS.drop("day")], "column day is Date in one and missing in another"),
        ([PARTS.drop("day"), PARTS], "column day is missing in one and Date in another"),
        ([PARTS, PARTS.cast({"direction": pl.String})], "column direction is Enum"),
        (PARTS.cast({"n": pl.Int32}), "column n of a partial has the type Int32, not Int64"),
        (pl.read_csv(PARTS.write_csv().encode()), "column day .* String, not Date"),
        (PARTS.with_columns(fingerprint=pl.lit(None, pl.String)), "fingerprint .* null values"),
        (PARTS.with_columns(n=pl.lit(None, pl.Int64)), "column n .* null values"),
        (PARTS.with_columns(kind=pl.lit("total")), "got 'total'"),
    ],
)
def test_changed_columns_are_refused(changed: Any, message: str):
    for join in (merge_partials, lambda parts: et.finish(parts, "direction", "asa_s")):
        with pytest.raises(InputError, match=message):
            join(changed)


@pytest.mark.parametrize("kind", ["sum", "count", "value"])
def test_missing_rows_are_refused(kind: str):
    """Also if they are missing in one group only."""
    measures = ["asa_s", "wait_p90_s"]
    is_kind = IS_SECONDS & (pl.col("kind") == kind)
    of_inbound = is_kind & (pl.col("direction").cast(pl.String) == "in")

    for missing in (is_kind, of_inbound):
        with pytest.raises(InputError, match="lack rows of answered_wait_s"):
            et.finish(PARTS.filter(~missing), "direction", measures)
    assert et.finish(PARTS, "direction", measures).height > 1


def test_neighbours_that_contain_the_calls_are_refused():
    """They would be offered twice, and busy with themselves."""
    own = SMALL[:40]

    for neighbours in (SMALL, own, SMALL.lazy()):
        with pytest.raises(InputError, match="without the calls themselves"):
            et.partial(own, "day", "busy_offers", neighbours=neighbours)
    assert et.partial(own.clear(), "day", "busy_offers", neighbours=SMALL).height > 0
