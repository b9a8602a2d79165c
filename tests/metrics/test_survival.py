"""Survival tables match a textbook example, exact fractions and SQL."""

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times
from polars.testing import assert_frame_equal
from support import sql_oracle as sql
from support.examples import examples
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import MetricOptions, facts
from etelecom_analytics.metrics.options import UnknownEndings
from etelecom_analytics.metrics.survival import kaplan_meier, median_survival, patience
from etelecom_analytics.simulator import Simulation

Times = Sequence[tuple[float, bool]]

REMISSIONS = {
    6: (3, 1),
    7: (1, 0),
    9: (0, 1),
    10: (1, 1),
    11: (0, 1),
    13: (1, 0),
    16: (1, 0),
    17: (0, 1),
    19: (0, 1),
    20: (0, 1),
    22: (1, 0),
    23: (1, 0),
    25: (0, 1),
    32: (0, 2),
    34: (0, 1),
    35: (0, 1),
}
"""Weeks of remission under 6-MP: relapses and censorings (Freireich et al. 1963)."""


def frame(times: Times) -> pl.DataFrame:
    return pl.DataFrame(times, schema={"time_s": pl.Float64, "event": pl.Boolean}, orient="row")


def exact_rows(times: Times) -> list[tuple[float, int, int, int, Fraction, Fraction | None]]:
    """The rows with survival and Greenwood's sum as fractions; the sum is None if survival is 0."""
    rows, survival, greenwood = [], Fraction(1), Fraction(0)
    for time in sorted({0.0, *(time for time, _ in times)}) if times else []:
        at_risk = sum(other >= time for other, _ in times)
        events = sum(other == time and happened for other, happened in times)
        censored = sum(other == time and not happened for other, happened in times)
        survival *= 1 - Fraction(events, at_risk)
        if survival:
            greenwood += Fraction(events, at_risk * (at_risk - events))
        rows.append((time, at_risk, events, censored, survival, greenwood if survival else None))
    return rows


some_times = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 1.0, 1.5, 2.0, 7.0, 30.0, 31.0]), st.booleans()),
    max_size=40,
)


def test_textbook_example():
    times = [
        (week, happened)
        for week, counts in REMISSIONS.items()
        for happened, n in zip((True, False), counts, strict=True)
        for _ in range(n)
    ]
    table = kaplan_meier(frame(times))

    at_events = (
        table.filter(pl.col("events") > 0)
        .select("time_s", "at_risk", pl.col("survival", "low", "high").round(3))
        .rows()
    )
    assert at_events == [
        (6, 21, 0.857, 0.620, 0.952),
        (7, 17, 0.807, 0.563, 0.923),
        (10, 15, 0.753, 0.503, 0.889),
        (13, 12, 0.690, 0.432, 0.849),
        (16, 11, 0.627, 0.368, 0.805),
        (22, 7, 0.538, 0.268, 0.747),
        (23, 6, 0.448, 0.188, 0.680),
    ]
    assert median_survival(table).row(0) == (21, 9, 23, 13, None)


@pytest.mark.slow
@given(times=some_times)
def test_table_matches_exact_fractions(times: Times):
    table = kaplan_meier(frame(times))

    expected = exact_rows(times)
    assert table.select("time_s", "at_risk", "events", "censored").rows() == [
        row[:4] for row in expected
    ]
    for row, (*_, survival, greenwood) in zip(table.iter_rows(named=True), expected, strict=True):
        assert row["survival"] == pytest.approx(float(survival), abs=1e-12)
        if survival in (0, 1) or greenwood is None:
            assert (row["low"], row["high"]) == (None, None)
        else:
            spread = 1.959963984540054 * math.sqrt(greenwood) / abs(math.log(survival))
            assert row["low"] == pytest.approx(float(survival) ** math.exp(spread), abs=1e-12)
            assert row["high"] == pytest.approx(float(survival) ** math.exp(-spread), abs=1e-12)
            assert 0 <= row["low"] < row["survival"] < row["high"] <= 1


@given(times=some_times)
def test_median_matches_exact_fractions(times: Times):
    """Also if the product of floats differs slightly from one half."""
    table = kaplan_meier(frame(times))
    halves = [time for time, *_, survival, _ in exact_rows(times) if survival <= Fraction(1, 2)]

    assert median_survival(table)["median_s"].item() == (halves[0] if halves else None)


def lifelines_fit(times: Times, level: float) -> KaplanMeierFitter:
    seconds, events = zip(*times, strict=True)
    return KaplanMeierFitter(alpha=1 - level).fit(seconds, events)


def assert_matches_lifelines(table: pl.DataFrame, fit: KaplanMeierFitter) -> None:
    """Both have a row for time 0 and for each time of a case."""
    ends = fit.confidence_interval_.to_numpy()
    expected = pl.DataFrame(
        {
            "time_s": fit.survival_function_.index.to_numpy(),
            "at_risk": fit.event_table["at_risk"].to_numpy(),
            "events": fit.event_table["observed"].to_numpy(),
            "censored": fit.event_table["censored"].to_numpy(),
            "survival": fit.survival_function_.to_numpy()[:, 0],
            "low": ends[:, 0],
            "high": ends[:, 1],
        }
    )
    # Where survival is 0 or 1 there is no interval; lifelines has 0 or 1 there.
    has_interval = pl.col("survival").is_between(1e-12, 1 - 1e-12)
    ends_or_null = pl.when(has_interval).then(pl.col("low", "high"))
    assert_frame_equal(
        table.with_columns(ends_or_null),
        expected.with_columns(ends_or_null),
        check_dtypes=False,
        abs_tol=1e-9,
    )


@pytest.mark.slow
@examples(60)
@given(times=some_times.filter(bool), level=st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
def test_table_and_median_match_lifelines(times: Times, level: float):
    table, fit = kaplan_meier(frame(times), confidence=level), lifelines_fit(times, level)
    median = median_survival(table).row(0, named=True)

    assert_matches_lifelines(table, fit)
    assume(all(abs(survival - 0.5) > 1e-9 for survival in table["survival"]))
    expected = fit.median_survival_time_
    assert median["median_s"] == (None if math.isinf(expected) else expected)


def test_median_tolerates_rounding_errors_of_one_half():
    """12 of 24 events, one at a time."""
    table = kaplan_meier(frame([(float(time), True) for time in range(1, 25)]))

    assert table.filter(pl.col("time_s") == 12)["survival"].item() == 0.5000000000000001
    assert median_survival(table)["median_s"].item() == 12


def test_events_at_time_0_count_in_the_row_of_time_0():
    """There is one row per distinct time."""
    table = kaplan_meier(frame([(0.0, True), (0.0, False), (2.0, True), (2.0, False)]))

    assert table.select("time_s", "at_risk", "events", "censored", "survival").rows() == [
        (0, 4, 1, 1, 0.75),
        (2, 2, 1, 1, 0.375),
    ]


@pytest.mark.slow
@given(
    times=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]), st.sampled_from([0.0, 1.0, 2.5]), st.booleans()
        ),
        max_size=30,
    )
)
def test_each_group_has_the_same_table_as_alone(
    times: list[tuple[str | None, float, bool]],
):
    rows = pl.DataFrame(
        times, schema={"who": pl.String, "time_s": pl.Float64, "event": pl.Boolean}, orient="row"
    )
    table = kaplan_meier(rows, ["who"])

    assert table["who"].unique(maintain_order=True).to_list() == [
        who for who in ("a", "b", None) if who in {row[0] for row in times}
    ]
    for (who,), group in table.group_by("who", maintain_order=True):
        alone = kaplan_meier(rows.filter(pl.col("who").eq_missing(who)))
        assert_frame_equal(group.drop("who"), alone)
        medians = median_survival(table, ["who"]).filter(pl.col("who").eq_missing(who))
        assert_frame_equal(medians.drop("who"), median_survival(alone))


@pytest.mark.slow
@given(times=some_times, seed=st.integers(0, 9))
def test_survival_does_not_depend_on_row_order(times: Times, seed: int):
    rows = frame(times)

    assert kaplan_meier(rows.sample(fraction=1, shuffle=True, seed=seed)).equals(kaplan_meier(rows))


def test_rows_with_nulls_are_ignored():
    rows = pl.DataFrame({"time_s": [None, 3.0, 3.0], "event": [True, None, True]})

    assert kaplan_meier(rows).select("time_s", "at_risk", "events").rows() == [(0, 1, 0), (3, 1, 1)]


# Patience.


@pytest.fixture(scope="module")
def parquet(calls: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("survival") / "calls.parquet"
    calls.write_parquet(path)
    return path


def test_patience_matches_sql(simulation: Simulation, parquet: Path):
    ivr = simulation.truth.ivr_numbers
    table = patience(simulation.calls, options=MetricOptions(ivr_numbers=ivr))
    oracle = pl.DataFrame(sql.patience(parquet, ivr_numbers=ivr), infer_schema_length=None)

    rows = table.filter(pl.col("events") + pl.col("censored") > 0)
    assert rows.height > 500
    assert_frame_equal(rows.select(oracle.columns), oracle, abs_tol=1e-12)


def test_patience_matches_lifelines(simulation: Simulation):
    options = MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    rows = facts(simulation.calls, options=options).filter("offered", ~pl.col("wait_unknown"))

    for level in (0.95, 0.9):
        table = patience(simulation.calls, options=options, confidence=level)
        event = pl.col("abandoned") | pl.col("end_unknown")
        fit = lifelines_fit(rows.select("wait_s", event).rows(), level)
        assert_matches_lifelines(table, fit)
        median = median_survival(table).row(0, named=True)
        assert median["median_s"] == fit.median_survival_time_
        ends = median_survival_times(fit.confidence_interval_).to_numpy()[0]
        assert [median["low_s"], median["high_s"]] == [
            None if math.isinf(end) else end for end in ends
        ]


@pytest.mark.parametrize("unknown_endings", ["event", "censored"])
def test_abandoned_calls_are_events_and_others_censored(
    simulation: Simulation, unknown_endings: UnknownEndings
):
    options = MetricOptions(
        ivr_numbers=simulation.truth.ivr_numbers, unknown_endings=unknown_endings
    )
    table, rows = (
        patience(simulation.calls, options=options),
        facts(simulation.calls, options=options),
    )

    known = rows.filter("offered", ~pl.col("wait_unknown"))
    unknown = known["end_unknown"].sum()
    abandoned, others = known["abandoned"].sum(), known.height - known["abandoned"].sum()
    is_event = unknown_endings == "event"
    assert unknown > 0
    assert table["events"].sum() == abandoned + unknown * is_event > 0
    assert table["censored"].sum() == others - unknown * is_event > 0
    assert table["at_risk"][0] == known.height


@needs_real_calls
def test_patience_of_real_callers():
    table = patience(real_calls())

    assert table.filter(pl.col("time_s") == 20)["survival"].item() == pytest.approx(
        0.919666595, abs=6e-10
    )
    assert median_survival(table)["median_s"].item() == 232


def test_patience_by_local_hours(calls: pl.DataFrame):
    hours = patience(calls, ["hour"])
    at_10 = calls.filter(
        pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.hour() == 10
    )

    assert_frame_equal(hours.filter(pl.col("hour") == 10).drop("hour"), patience(at_10))
    assert hours.schema["hour"] == pl.Int8


def test_patience_by_names_if_calls_carry_them(calls: pl.DataFrame):
    with pytest.raises(InputError, match=r"carry no hotline: join it with logs\.with_names"):
        patience(calls, ["hotline"])
    named = calls.with_columns(hotline=pl.col("callee"))
    assert_frame_equal(
        patience(named, ["hotline"]), patience(calls, ["callee"]).rename({"callee": "hotline"})
    )


@pytest.mark.slow
@pytest.mark.parametrize("by", [[], ["hour"], ["direction", "caller"]])
def test_patience_of_a_lazy_frame_on_both_engines(by: list[str], calls: pl.DataFrame):
    expected = patience(calls, by)

    lazy = patience(calls.lazy(), by)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), expected)
    assert_frame_equal(lazy.collect(engine="streaming"), expected)
    assert_frame_equal(median_survival(lazy, by).collect(), median_survival(expected, by))


@pytest.mark.slow
@pytest.mark.parametrize("by", [[], ["hour"]])
def test_no_waits_give_an_empty_table_with_the_same_schema(by: list[str], calls: pl.DataFrame):
    empty_frames = (calls.clear(), calls.clear(1), calls.filter(pl.col("ended_at").is_null()))

    for empty in empty_frames:
        assert patience(empty, by).is_empty()
        assert patience(empty, by).schema == patience(calls, by).schema
        assert median_survival(patience(empty, by), by).rows() == (
            [] if by else [(0, 0, None, None, None)]
        )


def test_patience_of_one_call():
    missed = (
        et.simulate_calls(300, seed=5)
        .calls.filter(pl.col("call_state") == "not_answered", pl.col("direction") == "in")
        .head(1)
    )

    assert patience(missed).select("at_risk", "events", "survival", "low", "high").rows() == [
        (1, 0, 1, None, None),
        (1, 1, 0, None, None),
    ]


def test_invalid_dimensions_raise_helpful_errors(calls: pl.DataFrame):
    with pytest.raises(UnknownName, match="Did you mean hour"):
        patience(calls, ["hours"])
    with pytest.raises(UnknownName, match="There is no dimension of calls 'target_number'"):
        patience(calls, ["target_number"])
    with pytest.raises(InputError, match="by is a name"):
        patience(calls, 3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="table has no column hour"):
        median_survival(patience(calls), "hour")
