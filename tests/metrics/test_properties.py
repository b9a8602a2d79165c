"""Properties of every public function that takes calls; `PUBLIC` lists the functions.

The order of calls does not matter; counts of two parts add up to those of the whole; no calls, one
call and calls of nulls give tables of the same types; both engines give the same for a lazy frame.
The pooled measures of groups are those of the whole.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples

import etelecom_analytics as et
from etelecom_analytics import metrics
from etelecom_analytics.metrics import MEASURES, MetricOptions, summarize
from etelecom_analytics.metrics.internal_calls import counted_facts
from etelecom_analytics.metrics.legs_and_offers import leg_facts, offer_facts
from etelecom_analytics.metrics.registry import Mean, Quantile, Ratio, Total

SIMULATION = et.simulate_calls(900, seed=23, days=4)
CALLS = SIMULATION.calls
OPTIONS = MetricOptions(
    ivr_numbers=["8000"],
    queue_numbers=["8100"],
    business_hours={"mon-fri": ("08:00", "17:30")},
    as_of=datetime(2026, 11, 5, 12, tzinfo=UTC),
)
TARIFF = et.Tariff(per_second={"viettel": "7.5"}, per_minute={"default": 450})
COVERAGE = et.FetchReport(
    rows=0, received=0, repeated=0, outside=0, pages=1, began_at=datetime(2026, 12, 1, tzinfo=UTC),
    seconds=0.1,
    complete_from=datetime(2026, 11, 2, tzinfo=UTC), complete_to=datetime(2026, 11, 4, tzinfo=UTC),
)  # fmt: skip
TOTALS = [
    name
    for name, each in MEASURES.items()
    if isinstance(each.aggregation, Total) and name != "busy_offers"
]
OF_CALLS = [name for name in TOTALS if MEASURES[name].grain == "calls"]


@dataclass(frozen=True, kw_only=True)
class Public:
    """A function and the properties of its table.

    Attributes:
        table: the function of calls that returns the table.
        key: the key of a row. The rows have a fixed order unless `follows`.
        adds_up: the columns whose sums over parts of the calls are those of the whole; if empty,
        the rows are those of the parts.
        across: the function combines calls, so parts do not add up.
        follows: the rows have the order of the calls.
        lazy: the function returns a lazy frame for one.
    """

    table: Callable[[Any], Any]
    key: tuple[str, ...] = ()
    adds_up: tuple[str, ...] = ()
    across: bool = False
    follows: bool = False
    lazy: bool = True


def _over_time(calls: Any) -> pl.DataFrame:
    result = metrics.concurrency(calls)
    row = {
        "peak": result.peak,
        "first": result.at,
        "ids": ",".join(result.call_ids),
        "without": result.without_span,
    }
    types = {
        "peak": pl.Int64,
        "first": pl.Datetime("us", "UTC"),
        "ids": pl.String,
        "without": pl.Int64,
    }
    return pl.concat([pl.DataFrame(row, schema=types), result.over_time], how="diagonal")


def _findings(calls: Any) -> pl.DataFrame:
    """The outcome of the tests of days; too few days give no findings."""
    result = metrics.findings(calls, history=calls, by="hour", options=OPTIONS)
    row = {"verdict": result.verdict, "tests": result.tests, "permutations": result.permutations}
    return pl.concat([pl.DataFrame(row), result.table], how="diagonal")


PUBLIC: dict[str, Public] = {
    "agents_by_interval": Public(
        table=lambda calls: metrics.agents_by_interval(calls, options=OPTIONS), key=("hour",),
        adds_up=("calls",), lazy=False
    ),
    "agent_days": Public(table=lambda calls: metrics.agent_days(calls, options=OPTIONS),
        across=True),
    "agent_hours": Public(
        table=lambda calls: metrics.agent_hours(calls, options=OPTIONS),
        key=("agent", "day", "hour"), adds_up=("calls", "answered_calls", "placed_calls")
    ),
    "caller_summary": Public(table=lambda calls: metrics.caller_summary(calls, ["in_hours"],
        options=OPTIONS), across=True),
    "busy_hour": Public(table=lambda calls: metrics.busy_hour(calls, options=OPTIONS), across=True),
    "busy_hours": Public(table=lambda calls: metrics.busy_hours(calls, options=OPTIONS),
        across=True),
    "callback_rate": Public(table=lambda calls: metrics.callback_rate(calls, ["in_hours"],
        options=OPTIONS), across=True),
    "control_limits": Public(
        table=lambda calls: metrics.control_limits(calls, "offered", options=OPTIONS).table,
        across=True, lazy=False,
    ),
    "call_costs": Public(table=lambda calls: metrics.call_costs(calls, TARIFF), key=("call_id",),
        follows=True),
    "cost": Public(
        table=lambda calls: metrics.cost(calls, TARIFF, ["carrier", "hour"]),
        key=("carrier", "hour"), adds_up=("calls", "charged_calls", "charged_s", "cost_vnd")
    ),
    "drill_through": Public(
        table=lambda calls: metrics.drill_through(calls, {"in_hours": True, "outcome": "answered"},
            options=OPTIONS).drop(
            "recording_urls", "call_targets"
        ),
        key=("id",), follows=True,
    ),
    "concurrency": Public(table=_over_time, across=True, lazy=False),
    "erlangs_profile": Public(
        table=lambda calls: metrics.erlangs_profile(calls, ["weekday", "hour"], options=OPTIONS),
        across=True, lazy=False
    ),
    "erlangs": Public(
        table=lambda calls: metrics.erlangs(calls, options=OPTIONS), key=("hour_begin",),
        adds_up=("erlangs", "calls")
    ),
    "explain": Public(
        table=lambda calls: metrics.explain(calls, "answer_rate", at={"in_hours": True},
            options=OPTIONS).rows,
        key=("call_id",), lazy=False,
    ),
    "facts": Public(table=lambda calls: metrics.facts(calls, options=OPTIONS), key=("id",),
        follows=True),
    "fail_codes": Public(
        table=lambda calls: metrics.fail_codes(calls, options=OPTIONS), key=("trunk_name",
            "fail_code", "side"), adds_up=("legs",)
    ),
    "findings": Public(table=_findings, across=True, lazy=False),
    "funnel": Public(table=lambda calls: metrics.funnel(calls, options=OPTIONS), key=("stage",),
        adds_up=("calls",), lazy=False),
    "group_limits": Public(
        table=lambda calls: metrics.group_limits(calls, "answer_rate", by="hour",
            options=OPTIONS).table,
        across=True, lazy=False,
    ),
    "hunt_paths": Public(
        table=lambda calls: metrics.hunt_paths(calls, limit=CALLS.height, options=OPTIONS),
        key=("path",), adds_up=("calls", "answer_rate_num")
    ),
    "inward": Public(table=lambda calls: metrics.inward(calls).drop("recording_urls",
        "call_targets"), key=("id",), follows=True),
    "legs": Public(table=lambda calls: metrics.legs(calls, options=OPTIONS), key=("call_id",
        "target_index"), follows=True),
    "lost_calls": Public(table=lambda calls: metrics.lost_calls(calls, options=OPTIONS),
        key=("id",), follows=True),
    "missed_ledger": Public(table=lambda calls: metrics.missed_ledger(calls, options=OPTIONS),
        across=True),
    "offers": Public(
        table=lambda calls: metrics.offers(calls, options=OPTIONS).drop("busy"), key=("call_id",
            "target_index"), follows=True
    ),
    "outbound_answer_rate": Public(
        table=lambda calls: metrics.outbound_answer_rate(calls, ["hour", "carrier"],
            options=OPTIONS).drop("customers"),
        key=("hour", "carrier"), adds_up=("answer_rate_num", "answer_rate_den")
    ),
    "outbound_attempts": Public(
        table=lambda calls: metrics.outbound_attempts(calls, ["in_hours"], options=OPTIONS),
        across=True
    ),
    "outbound_customers": Public(
        table=lambda calls: metrics.outbound_customers(calls, ["in_hours", "prefix"],
            options=OPTIONS),
        across=True
    ),
    "outbound_hours": Public(
        table=lambda calls: metrics.outbound_hours(calls, options=OPTIONS), across=True, lazy=False
    ),
    "outbound_levels": Public(
        table=lambda calls: metrics.outbound_levels(calls, "carrier", options=OPTIONS),
        across=True, lazy=False
    ),
    "partial": Public(
        table=lambda calls: metrics.partial(calls, ["hour", "direction"], TOTALS,
            options=OPTIONS),
        key=("hour", "direction", "fact", "value", "kind", "fingerprint"), adds_up=("n",),
        lazy=False,
    ),
    "patience": Public(
        table=lambda calls: metrics.patience(calls, ["in_hours"], options=OPTIONS),
        key=("in_hours", "time_s"), adds_up=("events", "censored"),
    ),
    "queue_visits": Public(
        table=lambda calls: metrics.queue_visits(calls, options=OPTIONS), key=("call_id",
            "entered_at"), follows=True,
    ),
    "repeat_rate": Public(table=lambda calls: metrics.repeat_rate(calls, ["day"], options=OPTIONS),
        across=True),
    "ring_seconds": Public(
        table=lambda calls: metrics.ring_seconds(calls, options=OPTIONS).groups, key=("group",),
        adds_up=("offers",), lazy=False
    ),
    "service_level_curve": Public(
        table=lambda calls: metrics.service_level_curve(calls, thresholds_s=[0, 12.5, 60],
            options=OPTIONS),
        key=("threshold_s", "variant"), adds_up=("numerator", "denominator"),
    ),
    "service_levels": Public(
        table=lambda calls: metrics.service_levels(calls, options=OPTIONS), key=("variant",),
        adds_up=("numerator", "denominator")
    ),
    "staffing_backtest": Public(
        table=lambda calls: metrics.staffing_backtest(calls, options=OPTIONS), across=True,
        lazy=False,
    ),
    "summarize": Public(
        table=lambda calls: summarize(calls, ["hour", "direction"], TOTALS, options=OPTIONS),
        key=("hour", "direction"), adds_up=tuple(TOTALS),
    ),
    "summarize_fetched": Public(
        table=lambda calls: metrics.summarize_fetched(calls, ["in_hours"], OF_CALLS,
            coverage=COVERAGE, options=OPTIONS),
        key=("in_hours",), adds_up=tuple(OF_CALLS), lazy=False,
    ),
    "time_to_callback": Public(table=lambda calls: metrics.time_to_callback(calls, ["in_hours"],
        options=OPTIONS), across=True),
    "trunk_peaks": Public(table=metrics.trunk_peaks, key=("trunk_name",), adds_up=("legs",
        "without_span")),
    "update_lag": Public(table=metrics.update_lag, adds_up=("calls", "late")),
    "wait_seconds": Public(
        table=lambda calls: metrics.wait_seconds(calls, options=OPTIONS).groups, key=("group",),
        adds_up=("calls",), lazy=False
    ),
}  # fmt: skip

OF_ONE_CALL = {"call_phases"}
"""Functions of one call and its id."""

by_function = pytest.mark.parametrize("name", PUBLIC)


@st.composite
def some_calls(draw: st.DrawFn) -> pl.DataFrame:
    """Some simulated calls in any order, with missing values, legs and times."""
    some = CALLS[draw(st.lists(st.integers(0, CALLS.height - 1), unique=True, max_size=60))]
    columns = draw(
        st.sets(st.sampled_from([name for name in CALLS.columns if name != "id"]), max_size=3)
    )
    every = draw(st.integers(1, 4))
    some = some.with_columns(
        pl.when(pl.int_range(pl.len()) % every > 0).then(pl.col(list(columns))) if columns else []
    )
    leg = draw(
        st.sampled_from(
            [
                None,
                "target_number",
                "add_time",
                "ring_time",
                "answered_time",
                "ended_time",
                "trunk_name",
                "fail_code",
            ]
        )
    )
    if leg is None:
        return some
    with_nulls = pl.element().struct.with_fields(
        pl.when(pl.int_range(pl.len()) % 2 > 0).then(pl.field(leg)).alias(leg)
    )
    return some.with_columns(pl.col("call_targets").list.eval(with_nulls))


def table_of(name: str, calls: Any, *, engine: Any = "auto") -> pl.DataFrame:
    table = PUBLIC[name].table(calls)
    return table.collect(engine=engine) if isinstance(table, pl.LazyFrame) else table


@cache
def table_of_calls(name: str) -> pl.DataFrame:
    """The table of all calls, once for all tests."""
    return table_of(name, CALLS)


def in_fixed_order(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """The rows, sorted by key if they have the order of the calls."""
    return table.sort(PUBLIC[name].key) if PUBLIC[name].follows else table


def test_every_public_function_of_calls_is_listed():
    functions = {
        name: value
        for name in metrics.__all__
        if inspect.isfunction(value := getattr(metrics, name))
    }
    of_calls = {
        name
        for name, value in functions.items()
        if next(iter(inspect.signature(value).parameters), "") == "calls"
    }

    assert of_calls == PUBLIC.keys() | OF_ONE_CALL


@pytest.mark.slow
@examples(8)
@given(calls=some_calls(), seed=st.integers(0, 99))
def test_the_phases_of_a_call_do_not_depend_on_other_calls(calls: pl.DataFrame, seed: int):
    shuffled = calls.sample(fraction=1, shuffle=True, seed=seed)
    for place in range(min(calls.height, 3)):
        call_id, alone = calls["id"][place], calls[place]
        expected = metrics.call_phases(alone, call_id, options=OPTIONS)
        for table in (shuffled, shuffled.lazy()):
            assert_frame_equal(
                metrics.call_phases(table, call_id, options=OPTIONS),
                expected,
                check_exact=True,
            )


@pytest.mark.slow
@by_function
@examples(8)
@given(calls=some_calls(), seed=st.integers(0, 99))
def test_the_order_of_calls_does_not_matter(name: str, calls: pl.DataFrame, seed: int):
    shuffled = calls.sample(fraction=1, shuffle=True, seed=seed)

    assert_frame_equal(
        in_fixed_order(name, table_of(name, shuffled)),
        in_fixed_order(name, table_of(name, calls)),
        check_exact=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, each in PUBLIC.items() if not each.across])
@examples(8)
@given(calls=some_calls(), places=st.data())
def test_two_parts_add_up_to_the_whole(name: str, calls: pl.DataFrame, places: st.DataObject):
    function = PUBLIC[name]
    # Both logs of an internal call are in one part: it would count twice in two.
    pair = pl.concat_str("caller", "callee", separator=" ", ignore_nulls=True)
    numbers = calls.select(pair.rank("dense") - 1).to_series()
    size = numbers.n_unique()
    in_one = pl.Series(
        places.draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=pl.Boolean
    ).gather(numbers)
    parts = pl.concat([table_of(name, calls.filter(in_one)), table_of(name, calls.filter(~in_one))])
    whole = table_of(name, calls)

    if function.adds_up:
        sums = pl.col(function.adds_up).fill_null(0).sum()
        parts = parts.group_by(function.key).agg(sums) if function.key else parts.select(sums)
        # The whole may have further rows without calls, such as hours between the parts.
        has_calls = pl.any_horizontal(pl.col(function.adds_up).fill_null(0) != 0)
        parts, whole = (
            parts.filter(has_calls),
            whole.select(*function.key, pl.col(function.adds_up)).filter(has_calls),
        )
    assert_frame_equal(parts, whole, check_row_order=False, abs_tol=1e-9)


@pytest.mark.slow
@by_function
def test_no_calls_one_call_and_nulls_give_the_same_types(name: str):
    expected = table_of_calls(name).schema
    no_legs, a_null_leg = (
        pl.lit(legs, dtype=CALLS.schema["call_targets"]) for legs in ([], [None])
    )
    nulls = CALLS.clear(3)

    for table in (CALLS.clear(), CALLS.head(1), nulls, nulls.with_columns(id=pl.lit("1")),
        nulls.with_columns(call_targets=no_legs),
                nulls.with_columns(call_targets=a_null_leg),
                CALLS.head(5).with_columns(call_targets=a_null_leg)):  # fmt: skip
        assert table_of(name, table).schema == expected
    for table in (CALLS.clear(), nulls):
        assert table_of(name, table.lazy()).schema == expected


@pytest.mark.slow
@by_function
def test_a_lazy_frame_gives_the_same_on_both_engines(name: str):
    expected = in_fixed_order(name, table_of_calls(name))

    assert isinstance(PUBLIC[name].table(CALLS.lazy()), pl.LazyFrame) == PUBLIC[name].lazy
    assert expected.height > 0
    for engine in ("in-memory", "streaming"):
        assert_frame_equal(
            in_fixed_order(name, table_of(name, CALLS.lazy(), engine=engine)),
            expected,
            abs_tol=1e-9,
        )


@pytest.mark.slow
@by_function
def test_a_lazy_frame_without_a_fixed_order_gives_the_same(name: str):
    expected = in_fixed_order(name, table_of_calls(name))
    unordered = pl.concat([CALLS.head(600), CALLS.tail(600)]).lazy().unique(subset="id")

    result = in_fixed_order(name, table_of(name, unordered, engine="streaming"))
    if PUBLIC[name].follows:  # the calls have no fixed order
        assert sorted(map(str, result.rows())) == sorted(map(str, expected.rows()))
    else:
        assert_frame_equal(result, expected, abs_tol=1e-9)


# All measures.


def values(calls: pl.DataFrame) -> dict[str, list[float]]:
    """The sorted known values of each fact that a mean or a quantile aggregates."""
    grains = {
        "calls": counted_facts(calls.lazy(), options=OPTIONS),
        "offers": offer_facts(calls.lazy(), options=OPTIONS, busy=False),
        "legs": leg_facts(calls.lazy(), options=OPTIONS),
    }
    facts_of = {
        grain: {_fact(each) for each in MEASURES.values() if each.grain == grain} - {""}
        for grain in grains
    }
    tables = pl.collect_all([rows.select(facts_of[grain]) for grain, rows in grains.items()])
    return {
        fact: table[fact].drop_nulls().sort().to_list()
        for table in tables
        for fact in table.columns
    }


def _fact(each: metrics.Measure) -> str:
    return each.aggregation.fact if isinstance(each.aggregation, Mean | Quantile) else ""


def linear_quantile(ordered: list[float], share: float) -> float | None:
    """The quantile of these values, linearly interpolated."""
    if not ordered:
        return None
    position = share * (len(ordered) - 1)
    low, high = ordered[math.floor(position)], ordered[math.ceil(position)]
    return low + (high - low) * (position - math.floor(position))


@pytest.mark.slow
@examples(15)
@given(calls=some_calls(), labels=st.data())
def test_pooled_measures_of_groups_are_those_of_the_whole(
    calls: pl.DataFrame, labels: st.DataObject
):
    groups = labels.draw(
        st.lists(
            st.sampled_from(["a", "b", "c", None]), min_size=calls.height, max_size=calls.height
        )
    )
    grouped = calls.with_columns(caller=pl.Series(groups, dtype=pl.String))
    names = [name for name in MEASURES if name != "busy_offers"]
    parts = summarize(grouped, ["caller"], names, options=OPTIONS, confidence=True)
    of_groups = [values(part) for part in grouped.partition_by("caller")]
    pooled = {
        fact: sorted(chain.from_iterable(part[fact] for part in of_groups))
        for fact in values(calls)
    }
    whole = summarize(grouped, measures=names, options=OPTIONS, confidence=True).row(0, named=True)

    for name in names:
        value = whole[name]
        match MEASURES[name].aggregation:
            case Total():
                assert value == pytest.approx(parts[name].sum(), abs=1e-9)
            case Ratio():
                above, below = parts[f"{name}_num"].sum(), parts[f"{name}_den"].sum()
                assert (whole[f"{name}_num"], whole[f"{name}_den"]) == (above, below)
                assert value == (above / below if below else None)
            case Mean(fact):
                pool = pooled[fact]
                assert value == (
                    pytest.approx(math.fsum(pool) / len(pool), rel=1e-9, abs=1e-9) if pool else None
                )
            case Quantile(fact, share):
                expected = linear_quantile(pooled[fact], share)
                assert value == (
                    expected if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9)
                )


@pytest.mark.slow
@examples(25)
@given(calls=some_calls())
def test_counts_add_up(calls: pl.DataFrame):
    row = summarize(calls, measures=TOTALS, options=OPTIONS).row(0, named=True)

    assert (
        row["calls"]
        == calls.height - row["internal_twice"]
        == row["running"] + row["unknown"] + row["answered"] + row["missed"]
    )
    assert row["offered"] == row["answered"] + row["missed"]
    assert row["missed"] == row["abandoned"] + row["ended_by_pbx"] + row["end_unknown"]
    for by, of in (
        (["outcome"], "offers"),
        (["trunk_name", "fail_code"], "trunk_legs"),
        (["in_hours"], "calls"),
    ):
        assert summarize(calls, by, [of], options=OPTIONS)[of].sum() == row[of]
    patience = metrics.patience(calls, options=OPTIONS)
    assert (
        patience["events"].sum() + patience["censored"].sum()
        == row["offered"] - row["wait_unknown"]
    )
    rings = metrics.ring_seconds(calls, options=OPTIONS)
    assert (rings.calls, rings.offers, rings.bins["offers"].sum()) == (
        calls.height,
        row["offers"],
        rings.groups["offers"].sum(),
    )
    assert metrics.fail_codes(calls, options=OPTIONS)["legs"].sum() == row["trunk_legs"]
