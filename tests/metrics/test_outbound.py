"""The outbound desk: by hand, by SQL, by lifelines and statsmodels, and with planted changes."""

from datetime import date, timedelta
from itertools import permutations
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from benchmarks import outbound as benchmark
from lifelines import KaplanMeierFitter
from polars.testing import assert_frame_equal
from scipy import stats
from support import sql_oracle_outbound as oracle
from support.call_cases import call, frame, ringing, talk
from support.examples import scaled
from support.measure_tables import assert_agree
from support.random_calls import OPTIONS, OTHER_OPTIONS, random_calls

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import rate_levels
from etelecom_analytics.schema import DIRECTIONS

DAY = 86_400.0
NUMBER = "0912345678"


def out(call_id: str, at: float, callee: str | None = NUMBER, **more: Any) -> dict[str, Any]:
    """An outbound call to this number that was not answered."""
    record = call(
        call_id,
        ringing(callee or "x", 0, 30),
        **{"ended": 30, "shift": at, "direction": "out", "caller": "101"} | more,
    )
    return record | {"callee": callee}


def reached(call_id: str, at: float, callee: str = NUMBER, **more: Any) -> dict[str, Any]:
    """An outbound call to this number that was answered."""
    record = call(
        call_id,
        talk(callee, 0, 5, 60),
        **{"state": "answered", "ended": 60, "shift": at, "direction": "out", "caller": "101"}
        | more,
    )
    return record | {"callee": callee}


def test_a_customer_counts_once_whatever_the_notation():
    calls = frame(
        out("1", 0, "0912345678"),
        out("2", 100, "84912345678"),
        reached("3", 200, "+84 912 345 678"),
        out("4", 300, "0912.345.678"),
        out("5", 400, "01234567890"),  # the old form of 0834567890
        reached("6", 500, "0834567890"),
        out("7", 600, "02471234567"),
    )
    row = et.metrics.outbound_customers(calls).row(0, named=True)

    assert (row["customers"], row["reached"], row["never_reached"]) == (3, 2, 1)
    assert (row["attempts"], row["attempts_per_customer"]) == (7, 7 / 3)
    assert (row["reach_rate"], row["first_attempt_rate_num"]) == (2 / 3, 0)
    assert row["reach_rate_low"] < 2 / 3 < row["reach_rate_high"]
    table = et.metrics.outbound_attempts(calls)
    columns = ["attempts", "at_risk", "events", "censored"]
    assert table.select(columns).rows() == [(0, 3, 0, 0), (1, 3, 0, 1), (2, 2, 1, 0), (3, 1, 1, 0)]


def test_only_decided_calls_to_customers_are_attempts():
    calls = frame(
        out("1", 0),
        out("2", 10, "102"),  # a colleague
        out("3", 20, "113"),
        out("4", 30, None),
        out("5", 40, "091*****78"),  # a mask may be of several customers
        out("6", 50, "x0abcdefghijklmnopabcd"),  # a pseudonym is of one
        out("7", 60, ended=None),  # running
        out("8", 70, state="unknown"),
        out("9", 80, start=None),
        out("10", 90, "0987654321"),  # the mobile phone of an agent
        out("11", 100, direction="in"),
        out("12", 110) | {"external_session_id": "s"},
        reached("13", 115) | {"external_session_id": "s"},  # the same attempt
    )
    options = et.MetricOptions(agent_numbers=["+84987654321"])
    row = et.metrics.outbound_customers(calls, options=options).row(0, named=True)

    assert (row["customers"], row["attempts"], row["reached"]) == (2, 3, 1)
    assert row["customers"] + row["left_out"] + 1 == 12
    rate = et.metrics.outbound_answer_rate(calls, options=options)
    assert rate.select("customers", "answer_rate_num", "answer_rate_den").row(0) == (2, 1, 3)


def test_an_answer_of_another_customer_of_the_session_is_another_attempt():
    of_session = {"external_session_id": "s"}
    calls = frame(
        out("1", 0) | of_session,
        reached("2", 10, "0987654321") | of_session,
        out("3", 20, "+84 987 654 321") | of_session,  # the attempt of call 2
        out("4", 30, "0900000001") | {"external_session_id": "without a start"},
        reached("5", 40, "0900000001", start=None) | {"external_session_id": "without a start"},
    )
    row = et.metrics.outbound_customers(calls).row(0, named=True)

    assert (row["customers"], row["attempts"], row["reached"], row["left_out"]) == (3, 3, 1, 2)


def test_calls_after_as_of_are_ignored():
    calls = frame(out("1", 0), reached("2", DAY))
    options = et.MetricOptions(as_of=calls["started_at"].min())
    assert et.metrics.outbound_customers(calls, options=options)["reached"].item() == 0


def test_calls_without_a_start_are_left_out_of_as_of():
    calls = frame(out("1", 0), out("2", 10, start=None))
    options = et.MetricOptions(as_of=calls["started_at"].min())
    assert et.metrics.outbound_customers(calls)["left_out"].item() == 1
    assert et.metrics.outbound_customers(calls, options=options)["left_out"].item() == 0


@pytest.mark.slow
def test_a_customer_is_in_one_group_only():
    simulation = et.simulator.simulate_outbound(300, seed=3, days=14)
    for by in ("day", "hour", "own_number", ["carrier", "weekday"]):
        table = et.metrics.outbound_customers(simulation.calls, by)
        assert table.height > 3
        assert table["customers"].sum() == simulation.customers.height
        assert table["reached"].sum() == simulation.customers["reached_at"].count()
        survival = et.metrics.outbound_attempts(simulation.calls, by).filter(attempts=0)
        assert survival["at_risk"].to_list() == table["customers"].to_list()


def test_groups_of_no_attempt_are_rows_of_what_was_left_out():
    table = et.metrics.outbound_customers(frame(out("1", 0), out("2", 0, "102")), "prefix")
    assert table.select("prefix", "customers", "left_out").rows() == [("091", 1, 0), (None, 0, 1)]
    assert et.metrics.outbound_customers(frame()).row(0)[:4] == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("number", "prefix", "carrier"),
    [
        ("84968123456", "096", "viettel"),
        ("+84 24 7108 0001", "024", "other"),
        ("02253123456", "0225", "other"),
        ("19001234", "1900", "other"),
        ("+442071234567", None, "other"),
        ("x0abcdefghijklmnopabcd", None, None),
    ],
)
def test_prefix_and_carrier(number: str, prefix: str | None, carrier: str | None):
    calls = frame(out("1", 0, number))
    table = et.metrics.outbound_answer_rate(calls, ["prefix", "carrier"])
    assert table.select("prefix", "carrier").rows() == [(prefix, carrier)]


def test_the_own_number_is_the_caller_or_the_hotline_of_its_extension():
    named = [
        (reached("1", 0), "101", "02471080001"),
        (out("2", 10), None, None),  # from 101, whose hotline is known
        (reached("3", 20, caller="+84 24 7108 0002"), "101", "02471080001"),
        (reached("4", 30, caller="102"), "102", "Sales"),
        (out("5", 40, caller="102"), None, None),
        (reached("6", 50, caller="103"), "103", "02471080001"),
        (reached("7", 60, caller="103"), "103", "Sales"),
        (out("8", 70, caller="103"), None, None),  # from either
        (out("9", 80, caller="104"), None, None),
        (call("10", direction="in", state="answered", ended=9), "104", "84 2471080001"),
    ]
    calls = frame(*(record for record, _, _ in named)).with_columns(
        extension_number=pl.Series([extension for _, extension, _ in named]),
        hotline=pl.Series([hotline for _, _, hotline in named]),
    )
    table = et.metrics.outbound_answer_rate(calls, "own_number", confidence=False)

    columns = ["own_number", "answer_rate_num", "answer_rate_den"]
    assert table.select(columns).rows() == [
        ("02471080001", 2, 4),
        ("02471080002", 1, 1),
        ("Sales", 2, 3),
        (None, 0, 1),
    ]
    without_names = et.metrics.outbound_answer_rate(calls.drop("hotline"), "own_number")
    assert without_names["own_number"].to_list() == ["02471080002", None]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [OPTIONS, OTHER_OPTIONS], ids=["default", "other"])
def test_tables_agree_with_sql(settings: dict[str, Any], tmp_path: Path):
    # Few customers in two notations, so that some are called often.
    row = pl.int_range(pl.len())
    number = pl.format("0912 34 56 {}", row * 7 % 29 + 10)
    forms = pl.when(row % 5 < 2).then(number).when(row % 5 < 4).then("84" + number.str.slice(1))
    direction = pl.when(row % 3 > 0).then(pl.lit("out")).otherwise(pl.col("direction").cast(str))
    calls = random_calls(600, seed=71).with_columns(
        callee=forms.otherwise("callee"), direction=direction.cast(pl.Enum(DIRECTIONS))
    )
    path = tmp_path / "calls.parquet"
    calls.write_parquet(path)
    options = et.MetricOptions(**settings)

    def keyed(table: pl.DataFrame, by: str) -> pl.DataFrame:
        key = pl.col(by).cast(pl.String).fill_null("-")
        return table.with_columns(key=key).sort("key")

    for by in ("day", "carrier", "prefix"):
        expected = oracle.outbound_answer_rate(path, by, **settings)
        assert len(expected) > 1
        table = keyed(et.metrics.outbound_answer_rate(calls, by, options=options), by)
        assert_agree(table.select(list(expected[0])), expected)
    expected = oracle.outbound_customers(path, "day", **settings)
    assert sum(row["attempts"] - row["customers"] for row in expected) > 20
    table = keyed(et.metrics.outbound_customers(calls, "day", options=options), "day")
    assert_agree(table.select(list(expected[0])), expected)
    expected = oracle.outbound_attempts(path, **settings)
    assert len(expected) > 4
    survival = et.metrics.outbound_attempts(calls, options=options)
    assert_agree(survival.select(list(expected[0])), expected)


def test_attempts_until_contact_agree_with_lifelines():
    simulation = et.simulator.simulate_outbound(400, seed=5)
    customers = simulation.customers
    durations = customers.select(pl.coalesce("reached_at", "attempts")).to_series()
    fit = KaplanMeierFitter().fit(
        durations.to_list(), customers["reached_at"].is_not_null().to_list()
    )
    table = et.metrics.outbound_attempts(simulation.calls)

    expected = fit.survival_function_["KM_estimate"]
    assert table["attempts"].to_list() == [int(time) for time in expected.index]
    assert table["survival"].to_list() == pytest.approx(expected.to_list())
    assert table["censored"].sum() == customers["reached_at"].null_count()
    known = table.filter(pl.col("low").is_not_null())
    low, high = fit.confidence_interval_survival_function_.loc[known["attempts"].to_list()].T.values
    assert known["low"].to_list() == pytest.approx(low.tolist())
    assert known["high"].to_list() == pytest.approx(high.tolist())


def attempts_of(calls: pl.DataFrame) -> pl.DataFrame:
    """The attempts with their hour, day and stratum, computed from the record itself."""
    local = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh")
    number = pl.concat_str(pl.lit("0"), pl.col("callee").str.tail(9))
    before = (pl.col("answered").cum_sum() - pl.col("answered").cast(pl.Int64)).over("number")
    return (
        calls.sort("started_at")
        .with_columns(
            number=number,
            hour=local.dt.hour(),
            day=local.dt.date(),
            answered=pl.col("call_state").cast(pl.String) == "answered",
        )
        .with_columns(
            stratum=pl.struct(
                pl.min_horizontal(pl.int_range(pl.len()).over("number"), 2), was_reached=before > 0
            )
        )
        .with_columns(chance=pl.col("answered").cast(pl.Float64).mean().over("stratum"))
    )


def test_the_difference_of_an_hour_is_that_of_a_regression_clustered_by_day():
    calls = et.simulator.simulate_outbound(1_200, seed=2).calls
    table = et.metrics.outbound_hours(calls, confidence=0.9)
    attempts = attempts_of(calls)

    checked = 0
    for hour, rows in attempts.group_by("hour"):
        residual = rows.select(pl.col("answered") - pl.col("chance")).to_series().to_numpy()
        model = sm.OLS(residual, np.ones(len(residual)))
        groups = rows["day"].to_physical().to_numpy()
        # The correction (D / (D - 1)) * ((N - 1) / (N - 1)) is that of a ratio estimator.
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
        row = table.filter(hour=hour[0]).row(0, named=True)
        assert row["difference"] == pytest.approx(fit.params[0])
        assert row["expected"] == pytest.approx(rows["chance"].mean())
        independent = np.sqrt((rows["chance"] * (1 - rows["chance"])).sum()) / len(residual)
        error = max(fit.bse[0], independent)
        checked += fit.bse[0] > independent
        distance = stats.t(row["days"] - 1)
        assert row["p_value"] == pytest.approx(2 * distance.sf(abs(row["difference"]) / error))
        assert row["difference_high"] - row["difference"] == pytest.approx(
            distance.ppf(0.95) * error
        )
    assert checked > 2
    q_values = stats.false_discovery_control(table["p_value"].to_numpy())
    assert table["q_value"].to_list() == pytest.approx(q_values.tolist())


def test_hours_that_differ_have_a_verdict_and_retries_are_no_reason():
    """Retries at noon are answered less often, as everywhere; 17:00 is better for all."""
    simulation = et.simulator.simulate_outbound(3_000, seed=1)
    verdicts = benchmark.verdicts_by(simulation, "hour")

    assert verdicts[simulation.best_hour] == "better"
    assert verdicts[8] == "worse"
    week = et.metrics.outbound_hours(simulation.calls.head(200))
    assert set(week["verdict"]) == {"cannot tell"}
    assert week["p_value"].null_count() == week["q_value"].null_count() == week.height


def test_no_time_differs_if_every_attempt_was_answered():
    # Two hours of ten days, four attempts in each: enough to tell.
    calls = frame(
        *(
            reached(f"{n}", n // 8 * DAY + n % 8 // 4 * 3_600 + n % 4, f"0912000{n:03d}")
            for n in range(80)
        )
    )
    table = et.metrics.outbound_hours(calls, "hour")

    assert table["answer_rate_den"].to_list() == [40, 40]
    assert table["verdict"].to_list() == ["no evidence"] * 2
    assert table["p_value"].to_list() == [1.0, 1.0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(scaled(5, at_least=2)))
def test_a_blocked_number_is_dated_within_a_day(seed: int):
    simulation, day = benchmark.desk(seed, n=4_000)
    levels = et.metrics.outbound_levels(simulation.calls)
    blocked = levels.filter(own_number=benchmark.BLOCKED)

    assert benchmark.dated_within(levels, day) in (0, 1)
    assert benchmark.false_changes(levels) == 0
    assert not benchmark.wrong_customers(simulation)
    before, after = blocked["answer_rate"].to_list()
    assert isclose(blocked["change"][1], after - before)
    assert after < 0.2 < 0.35 < before
    assert blocked["others_answer_rate_low"][1] > 0.35
    assert levels["answer_rate_den"].sum() == simulation.calls.height


def test_levels_cover_all_days_of_the_biggest_groups():
    simulation, _ = benchmark.desk(9)
    levels = et.metrics.outbound_levels(simulation.calls, limit=2)
    rates = et.metrics.outbound_answer_rate(simulation.calls, "own_number")
    biggest = rates.sort("answer_rate_den").tail(2)["own_number"].sort()

    assert levels["own_number"].unique().sort().equals(biggest)
    for name, rows in levels.group_by("own_number"):
        ordered = rows.sort("from_day")
        gaps = ordered.select(pl.col("from_day").shift(-1) - pl.col("to_day")).to_series()
        assert ordered["change"].null_count() == 1
        assert ordered["change"][0] is None
        assert set(gaps.drop_nulls()) <= {timedelta(days=1)}
        total = rates.filter(own_number=name[0])["answer_rate_num"].item()
        assert ordered["answer_rate_num"].sum() == total


def best_split(answered: list[int], attempts: list[int]) -> tuple[float, int]:
    """The best split by the likelihood of binomial counts, day by day."""

    def likelihood(days: slice) -> float:
        y, n = answered[days], attempts[days]
        return float(stats.binom.logpmf(y, n, sum(y) / sum(n)).sum())

    end, least = len(answered), rate_levels.MIN_LEVEL_DAYS
    both = [
        likelihood(slice(0, place)) + likelihood(slice(place, end))
        for place in range(least, end - least + 1)
    ]
    return max(both) - likelihood(slice(0, end)), int(np.argmax(both)) + least


@pytest.mark.parametrize("seed", range(6))
def test_the_split_is_the_most_likely_one(seed: int):
    rng = np.random.default_rng(seed)
    attempts = rng.integers(1, 30, 14)
    answered = rng.binomial(attempts, np.where(np.arange(14) < 3 + seed, 0.6, 0.2))
    all_levels = rate_levels.levels_of(answered.astype(float), attempts.astype(float), 1.0)
    levels = rate_levels.levels_of(answered.astype(float), attempts.astype(float), 0.05)

    _, expected = best_split(answered.tolist(), attempts.tolist())
    assert len(all_levels) > 1  # everything is split at the significance of 1
    assert [level.position for level in levels[1:2]] == [expected]


def test_the_p_value_is_the_share_of_all_orders():
    """Six days have one possible split; all 720 orders are computed."""
    answered, attempts = [9, 8, 9, 3, 4, 1], [12, 11, 14, 12, 13, 9]
    observed, _ = best_split(answered, attempts)
    orders = list(permutations(range(6)))
    exact = np.mean(
        [
            best_split([answered[day] for day in order], [attempts[day] for day in order])[0]
            >= observed - 1e-9
            for order in orders
        ]
    )
    days = np.array(answered, float), np.array(attempts, float)
    (_, change) = rate_levels.levels_of(*days, 0.5)

    assert change.p_value == pytest.approx(exact, abs=0.02)
    assert len(rate_levels.levels_of(*days, float(exact) / 3)) == 1


def test_a_change_is_found_however_many_groups_are_shown():
    """The smallest p-value is below the threshold, which is smaller with more groups."""
    attempts = np.full(28, 40.0)
    answered = np.where(np.arange(28) < 14, 20.0, 4.0)
    few, many = (rate_levels.levels_of(answered, attempts, 0.05 / groups) for groups in (40, 200))

    assert few == [(0, None), (14, 1 / 2_000)]
    assert many == [(0, None), (14, 1 / 8_000)]


def test_days_without_attempts_or_change_have_one_level():
    assert et.metrics.outbound_levels(frame()).is_empty()
    calls = frame(*(reached(f"{n}", n * DAY) for n in range(20)))
    levels = et.metrics.outbound_levels(calls)
    assert levels.select("days", "answer_rate", "change", "p_value").rows() == [
        (20, 1.0, None, None)
    ]


def test_wrong_dimensions_are_refused_with_the_nearest():
    calls = et.sample_logs().calls
    with pytest.raises(UnknownName, match="carrier"):
        et.metrics.outbound_answer_rate(calls, "carriers")
    with pytest.raises(InputError, match="limit"):
        et.metrics.outbound_levels(calls, limit=0)


@pytest.mark.parametrize("name", ["customers", "answer_rate", "attempts", "hours", "levels"])
def test_calls_without_names_and_wrong_levels_are_refused(name: str):
    table = getattr(et.metrics, f"outbound_{name}")
    with pytest.raises(InputError, match="with_names"):
        table(et.sample_logs().calls, "hotline")
    with pytest.raises(InputError, match="confidence"):
        table(et.sample_logs().calls, confidence=2)


def test_simulated_customers_depend_on_the_seed_only():
    one, same, other = (et.simulator.simulate_outbound(50, seed=seed) for seed in (1, 1, 2))
    assert_frame_equal(one.calls, same.calls)
    assert not one.calls.equals(other.calls)
    assert one.customers["number"].n_unique() == 50
    with pytest.raises(InputError, match="blocked"):
        et.simulator.simulate_outbound(5, blocked={"101": date(2026, 11, 3)})
    with pytest.raises(InputError, match="days"):
        et.simulator.simulate_outbound(5, days=0)
    for odds in (0, -1.5, float("nan")):
        with pytest.raises(InputError, match=rf"^blocked_odds must be above 0; got {odds}\.$"):
            et.simulator.simulate_outbound(5, blocked_odds=odds)
    assert et.simulator.simulate_outbound(0).calls.is_empty()
