"""summarize agrees with SQL and the simulation, on both engines and for any subset of calls."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support import sql_oracle as sql
from support.call_cases import call, frame, ringing
from support.examples import examples
from support.measure_tables import CALL_MEASURES, LEG_MEASURES, OFFER_MEASURES, assert_agree
from support.real_calls import needs_real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import DIMENSIONS, MEASURES, legs, offers, summarize
from etelecom_analytics.metrics.options import SERVICE_LEVEL_VARIANTS
from etelecom_analytics.schema import DIRECTIONS
from etelecom_analytics.simulator import Simulation, serve

TOTALS = [
    "calls",
    "offered",
    "answered",
    "missed",
    "short_abandoned",
    "unknown",
    "running",
    "wait_unknown",
    "talk_s",
    "agent_talk_s",
]
OFFER_TOTALS = ["offers", "answered_offers", "rna", "busy_offers", "ring_wasted_s", "leg_talk_s"]


@pytest.fixture(scope="session")
def ivr(simulation: Simulation) -> tuple[str, ...]:
    return simulation.truth.ivr_numbers


@pytest.fixture(scope="session")
def parquet(calls: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "calls.parquet"
    calls.write_parquet(path)
    return path


def test_sql_has_the_same_measures_and_dimensions():
    assert tuple(CALL_MEASURES) == sql.CALL_MEASURES
    assert tuple(OFFER_MEASURES) == sql.OFFER_MEASURES
    assert tuple(LEG_MEASURES) == sql.LEG_MEASURES
    assert len(CALL_MEASURES + OFFER_MEASURES + LEG_MEASURES) == len(MEASURES)
    assert set(DIMENSIONS) == set(sql.OFFER_DIMENSIONS)


@pytest.mark.slow
@pytest.mark.parametrize("by", [None, *sql.CALL_DIMENSIONS])
@pytest.mark.parametrize("wait_from", ["started_at", "first_ring"])
def test_call_measures_agree_with_sql(
    by: str | None, wait_from: Any, calls: pl.DataFrame, parquet: Path, ivr: tuple[str, ...]
):
    options = et.MetricOptions(ivr_numbers=ivr, wait_from=wait_from)

    table = summarize(calls, [by] if by else [], CALL_MEASURES, options=options)
    assert_agree(table, sql.call_measures(parquet, by, ivr_numbers=ivr, wait_from=wait_from))


@pytest.mark.slow
@pytest.mark.parametrize("variant", SERVICE_LEVEL_VARIANTS)
def test_service_levels_agree_with_sql(
    variant: Any, calls: pl.DataFrame, parquet: Path, ivr: tuple[str, ...]
):
    arguments = {
        "variant": variant,
        "threshold_s": 12.5,
        "short_s": 7.5,
        "min_talk_s": 60,
        "ivr_numbers": ivr,
    }

    table = summarize(
        calls, ["hour"], ["service_level", "short_abandoned"], options=et.MetricOptions(**arguments)
    )
    assert_agree(table, sql.call_measures(parquet, "hour", **arguments))


@pytest.mark.slow
@pytest.mark.parametrize("by", [None, *sql.OFFER_DIMENSIONS])
def test_offer_measures_agree_with_sql(
    by: str | None, calls: pl.DataFrame, parquet: Path, ivr: tuple[str, ...]
):
    table = summarize(
        calls, [by] if by else [], OFFER_MEASURES, options=et.MetricOptions(ivr_numbers=ivr)
    )

    assert_agree(table, sql.offer_measures(parquet, by, ivr_numbers=ivr))


@pytest.mark.slow
@pytest.mark.parametrize("by", [None, *sql.OFFER_DIMENSIONS])
def test_leg_measures_agree_with_sql(
    by: str | None, calls: pl.DataFrame, parquet: Path, ivr: tuple[str, ...]
):
    table = summarize(
        calls, [by] if by else [], LEG_MEASURES, options=et.MetricOptions(ivr_numbers=ivr)
    )

    assert_agree(table, sql.leg_measures(parquet, by, ivr_numbers=ivr))


def test_legs_and_offers_agree_with_sql_row_by_row(
    calls: pl.DataFrame, parquet: Path, ivr: tuple[str, ...]
):
    options = et.MetricOptions(ivr_numbers=ivr)

    assert legs(calls, options=options).select(
        "call_id", "target_index", "outcome"
    ).rows() == sql.leg_outcomes(parquet, ivr)
    table = (
        offers(calls, options=options)
        .with_columns(pl.col("offered_at").dt.timestamp("us"))
        .sort("call_id", "target_index")
    )
    assert_agree(
        table,
        sorted(
            sql.offers(parquet, ivr), key=lambda offer: (offer["call_id"], offer["target_index"])
        ),
    )


# The simulation has the true outcomes.


def test_outcomes_of_legs_agree_with_the_simulation(simulation: Simulation, ivr: tuple[str, ...]):
    result = legs(simulation.calls, options=et.MetricOptions(ivr_numbers=ivr)).select(
        "call_id", "target_index", cause="outcome"
    )

    assert_frame_equal(result, simulation.truth.legs, check_row_order=False)


def test_offers_agree_with_the_simulation(simulation: Simulation, ivr: tuple[str, ...]):
    options = et.MetricOptions(ivr_numbers=ivr)
    truth = simulation.truth.offers
    result = offers(simulation.calls, options=options).select(truth.columns)

    # The truth has the offers of both logs of an internal call.
    twice = et.metrics.facts(simulation.calls, options=options).filter("internal_twice")
    assert twice.height > 0
    once = truth.filter(~pl.col("call_id").is_in(twice["id"].implode()))
    assert_frame_equal(result, once, check_row_order=False)


def test_facts_of_calls_agree_with_the_simulation(simulation: Simulation, ivr: tuple[str, ...]):
    result = et.metrics.facts(simulation.calls, options=et.MetricOptions(ivr_numbers=ivr)).join(
        simulation.truth.calls, left_on="id", right_on="call_id", suffix="_true"
    )

    assert result.height == simulation.calls.height
    assert result.filter(pl.col("running") != pl.col("running_true")).is_empty()
    offered = result.filter("offered")
    assert offered.filter(pl.col("answered") != pl.col("answered_true")).is_empty()
    assert offered.filter((pl.col("wait_s") - pl.col("wait_s_true")).abs() > 1e-9).is_empty()
    assert offered.filter(
        "answered", (pl.col("agent_talk_s") - pl.col("talk_s_true")).abs() > 1e-9
    ).is_empty()


# Real calls, served and fetched.


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, Path]:
    """33,066 real calls, fetched by a client from a server, and the file of their snapshot."""
    import gzip
    import json

    with gzip.open(os.environ["ETELECOM_REAL_CALLS"], "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    with serve(rows) as server, et.Client(server.base_url, server.api_key) as client:
        logs = et.fetch_calls(client)
    assert logs.report.drift == ()
    assert logs.report.received == logs.report.rows == len(rows)
    folder = et.write_snapshot(logs, tmp_path_factory.mktemp("real") / "february")
    return et.read_snapshot(folder).calls, folder / "calls.parquet"


@needs_real_calls
@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("answered", 27162),
        ("offered", 33066),
        ("answer_rate", 0.821448013),
        ("asa_s", 48.520138429),
        ("wait_p50_s", 16),
        ("wait_p90_s", 136),
        ("abandon_wait_s", 61.983231707),
        ("short_abandoned", 478),
        ("talk_avg_s", 4_790_100 / 27_162),
        ("talk_p50_s", 107),
        ("talk_p90_s", 408),
        ("service_level", 0.456995101),
    ],
)
def test_the_measures_of_real_calls(measure: str, expected: float, real: tuple[pl.DataFrame, Path]):
    assert summarize(real[0], measures=[measure]).item() == pytest.approx(expected, abs=6e-10)


@needs_real_calls
def test_the_measures_of_real_calls_with_other_options(real: tuple[pl.DataFrame, Path]):
    from_first_ring = summarize(
        real[0], measures=["asa_s"], options=et.MetricOptions(wait_from="first_ring")
    )
    answered_only = summarize(
        real[0], measures=["service_level"], options=et.MetricOptions(variant="answered_only")
    )

    assert from_first_ring.item() == pytest.approx(40.085928871, abs=6e-10)
    assert answered_only.item() == pytest.approx(0.556328694, abs=6e-10)


@needs_real_calls
@pytest.mark.parametrize("by", ["hour", "weekday", "day", "callee"])
def test_the_measures_of_real_calls_agree_with_sql(by: str, real: tuple[pl.DataFrame, Path]):
    assert_agree(summarize(real[0], [by], CALL_MEASURES), sql.call_measures(real[1], by))
    assert_agree(summarize(real[0], [by], OFFER_MEASURES), sql.offer_measures(real[1], by))


@pytest.mark.parametrize("copies", [1, 2, 40])
def test_a_wait_equal_to_the_threshold_does_not_depend_on_the_number_of_calls(copies: int):
    """Dividing many rows at once would round down a third of all milliseconds."""
    rows = [
        call(f"{wait}-{copy}", ringing("101", 0, wait / 1000), ended=wait / 1000)
        for wait in range(3_900, 4_000)
        for copy in range(copies)
    ]
    calls = frame(*rows)

    assert set(et.metrics.facts(calls)["wait_s"]) == {wait / 1000 for wait in range(3_900, 4_000)}
    for threshold_s in (3.943, 3.999):
        short = summarize(
            calls, measures=["short_abandoned"], options=et.MetricOptions(short_s=threshold_s)
        ).item()
        assert short == copies * (round(threshold_s * 1000) - 3_900)


# Properties of any calls.


@pytest.mark.slow
@examples(40)
@given(places=st.lists(st.integers(0, 1499), unique=True, max_size=80))
def test_counts_add_up_for_any_subset(places: list[int], calls: pl.DataFrame, ivr: tuple[str, ...]):
    options = et.MetricOptions(ivr_numbers=ivr)
    some = calls[places]
    row = summarize(some, measures=[*CALL_MEASURES, *OFFER_MEASURES], options=options).row(
        0, named=True
    )

    assert (
        row["calls"]
        == len(places) - row["internal_twice"]
        == row["running"] + row["unknown"] + row["answered"] + row["missed"]
    )
    assert row["offered"] == row["answered"] + row["missed"]
    assert row["short_abandoned"] <= row["missed"]
    by_outcome = summarize(some, ["outcome"], ["offers"], options=options)
    assert by_outcome["offers"].sum() == row["offers"]


@pytest.mark.slow
@examples(25)
@given(
    places=st.lists(st.integers(0, 1499), unique=True, max_size=60),
    by=st.sampled_from(["hour", "caller", "direction", "day"]),
)
def test_totals_of_groups_add_up_in_any_order(
    places: list[int], by: str, calls: pl.DataFrame, ivr: tuple[str, ...]
):
    options = et.MetricOptions(ivr_numbers=ivr)
    some = calls[places]
    groups = summarize(some, [by], TOTALS + OFFER_TOTALS, options=options)

    whole = summarize(some, measures=TOTALS + OFFER_TOTALS, options=options)
    assert_frame_equal(groups.select(pl.col(*TOTALS, *OFFER_TOTALS).sum()), whole, abs_tol=1e-9)
    assert_frame_equal(
        summarize(some.reverse(), [by], TOTALS + OFFER_TOTALS, options=options),
        groups,
        abs_tol=1e-9,
    )


@pytest.mark.slow
@pytest.mark.parametrize("by", [[], ["hour"], ["day", "direction"]])
def test_a_lazy_frame_agrees_on_both_engines(
    by: list[str], calls: pl.DataFrame, ivr: tuple[str, ...]
):
    options = et.MetricOptions(ivr_numbers=ivr)
    expected = summarize(calls, by, list(MEASURES), options=options, confidence=True)

    lazy = summarize(calls.lazy(), by, list(MEASURES), options=options, confidence=True)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), expected, abs_tol=1e-9)
    assert_frame_equal(lazy.collect(engine="streaming"), expected, abs_tol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    "of", [et.call_targets, legs, offers, et.metrics.facts], ids=lambda of: of.__name__
)
def test_tables_agree_lazily_and_streamed(of: Callable[[Any], Any], calls: pl.DataFrame):
    assert_frame_equal(of(calls.lazy()).collect(), of(calls))
    assert_frame_equal(
        of(calls.lazy()).collect(engine="streaming"),
        of(calls),
        check_row_order=of is not et.metrics.facts,
    )
    assert isinstance(of(calls.lazy()), pl.LazyFrame)


@pytest.mark.parametrize(
    "of", [et.call_targets, legs, offers, et.metrics.facts], ids=lambda of: of.__name__
)
def test_no_calls_give_empty_tables_with_the_right_types(
    of: Callable[[Any], Any], calls: pl.DataFrame
):
    assert of(calls.clear()).schema == of(calls).schema
    assert of(calls.clear()).is_empty()


def test_no_calls_give_no_groups_with_the_right_types(calls: pl.DataFrame):
    result = summarize(calls.clear(), ["hour", "caller"], list(MEASURES), confidence=True)

    assert result.is_empty()
    assert (
        result.schema
        == summarize(calls, ["hour", "caller"], list(MEASURES), confidence=True).schema
    )


def test_a_call_of_nulls_is_running_and_not_in_a_rate(calls: pl.DataFrame):
    nulls = calls.clear(1).with_columns(id=pl.lit("1"))
    row = summarize(
        nulls,
        ["hour", "direction", "caller"],
        ["calls", "running", "offered", "answer_rate", "asa_s", "offers"],
    ).row(0)

    assert row == (None, None, None, 1, 1, 0, None, None, 0)
    assert et.call_targets(nulls).is_empty()


def test_calls_without_legs_have_no_offers(calls: pl.DataFrame):
    for no_legs in ([], None):
        bare = calls.head(20).with_columns(
            call_targets=pl.lit(no_legs, dtype=calls.schema["call_targets"])
        )
        assert offers(bare).is_empty()
        assert summarize(bare, measures=["calls", "offers"]).row(0) == (20, 0)


# Shape.


def test_counts_are_int64_and_the_rest_float64(calls: pl.DataFrame):
    result = summarize(calls, measures=list(MEASURES), confidence=True).schema

    for name, each in MEASURES.items():
        assert result[name] == (
            pl.Int64 if each.unit in ("calls", "offers", "legs") else pl.Float64
        )


def test_confidence_adds_counts_and_the_interval_of_each_share(calls: pl.DataFrame):
    result = summarize(calls, ["day"], ["answer_rate", "asa_s"], confidence=True)

    assert result.columns == [
        "day",
        "answer_rate",
        "answer_rate_num",
        "answer_rate_den",
        "answer_rate_low",
        "answer_rate_high",
        "asa_s",
    ]
    for row in result.to_dicts():
        assert row["answer_rate"] == row["answer_rate_num"] / row["answer_rate_den"]
        assert 0 <= row["answer_rate_low"] <= row["answer_rate"] <= row["answer_rate_high"] <= 1


def test_rows_are_sorted_by_the_dimensions_nulls_last(calls: pl.DataFrame):
    directions = summarize(calls, ["direction", "hour"], ["calls"])["direction"].unique(
        maintain_order=True
    )
    callers = summarize(calls, ["caller"], ["calls"])["caller"]

    assert directions.to_list() == [name for name in DIRECTIONS if name in set(calls["direction"])]
    assert callers.null_count() == 1
    assert callers[-1] is None


def test_measures_of_two_grains_are_joined(calls: pl.DataFrame):
    """Calls without offers have a row with 0 offers."""
    inbound = calls.filter(direction="in")
    bare = inbound.head(40).with_columns(
        call_targets=pl.lit([], dtype=calls.schema["call_targets"]), caller=pl.lit("999")
    )
    result = summarize(
        pl.concat([bare, inbound.tail(40)]),
        ["caller"],
        ["calls", "offers", "ring_avg_s", "rna_rate"],
        confidence=True,
    )

    assert result.filter(pl.col("caller") == "999").row(0) == (
        "999",
        40,
        0,
        None,
        None,
        0,
        0,
        None,
        None,
    )
    assert result["calls"].sum() == 80


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"by": ["hours"]}, UnknownName, "Did you mean hour"),
        ({"measures": ["answer_rat"]}, UnknownName, "Did you mean answer_rate"),
        ({"by": ["target_number"], "measures": ["answer_rate"]}, InputError, "fair_answer_rate"),
        ({"by": ["outcome"], "measures": ["offers", "calls"]}, InputError, "a call has many legs"),
        ({"by": 3}, InputError, "by is a name"),
        ({"by": ["hour", "hour"]}, InputError, "by names a column twice"),
        ({"measures": {"calls"}}, InputError, "measures is a name"),
        ({"measures": []}, InputError, "at least one name"),
    ],
)
def test_invalid_arguments_raise_a_helpful_error(
    arguments: dict[str, Any], error: type[Exception], message: str, calls: pl.DataFrame
):
    with pytest.raises(error, match=message):
        summarize(calls, **arguments)


def test_calls_must_be_a_table():
    with pytest.raises(InputError, match=r"such as logs\.calls"):
        summarize([1, 2, 3])


def test_one_call_of_five_days_changes_no_mean(calls: pl.DataFrame):
    """A record that was never closed has a wait, a ring and a talk of days."""
    inbound = calls.filter(pl.col("direction") == "in")
    state = pl.col("call_state").cast(pl.String)
    missed = inbound.filter(state == "not_answered").head(1)
    late = pl.duration(days=5)
    legs = pl.col("call_targets").list.eval(
        pl.element().struct.with_fields(
            ring_duration=pl.lit(432_000, pl.Int32), ended_time=pl.field("ended_time") + late
        )
    )
    never_closed = missed.with_columns(
        id=pl.lit("never closed"), ended_at=pl.col("ended_at") + late, call_targets=legs
    )
    seconds = ["asa_s", "abandon_wait_s", "wait_p90_s", "ring_avg_s", "ring_p90_s", "talk_avg_s"]
    before, after = (
        summarize(table, measures=[*seconds, "wait_unknown", "missed", "calls_too_long"])
        for table in (inbound, pl.concat([inbound, never_closed]))
    )

    assert_frame_equal(before.select(seconds), after.select(seconds))
    for name in ("wait_unknown", "missed", "calls_too_long"):
        assert after[name].item() == before[name].item() + 1, name
