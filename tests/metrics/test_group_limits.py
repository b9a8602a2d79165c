"""group_limits: hand-computed vectors, few false alarms, and groups that differ are named."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats
from support.chart_specs import longest_table, subtitle, title
from support.real_calls import needs_real_calls, real_calls

import etelecom_analytics as et
from etelecom_analytics import charts, schema
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import GroupLimits, group_limits, inward
from etelecom_analytics.metrics.group_differences import _remaining_part, limits_at
from etelecom_analytics.metrics.registry import measure

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def of_counts(numerators: list[int], denominators: list[int]) -> GroupLimits:
    groups = pl.DataFrame({"numerator": numerators, "denominator": denominators}).with_columns(
        value=pl.when(pl.col("denominator") > 0).then(pl.col("numerator") / pl.col("denominator"))
    )
    return limits_at(groups, measure("answer_rate"))


def calls_of(groups: dict[str, tuple[int, int]]) -> pl.DataFrame:
    """Answered and missed inbound calls of each hotline."""
    rows = [
        {
            "id": f"{callee}-{place}",
            "direction": "in",
            "started_at": MONDAY + timedelta(minutes=place),
            "ended_at": MONDAY + timedelta(minutes=place, seconds=30),
            "call_state": "answered" if place < answered else "not_answered",
            "duration": 20 if place < answered else 0,
            "callee": callee,
            "call_targets": [],
        }
        for callee, (answered, missed) in groups.items()
        for place in range(answered + missed)
    ]
    return pl.DataFrame(rows, schema=dict(schema.CALL_SCHEMA))


def test_hand_computed_limits():
    """Five groups of 100 with 80 % answered: z = (value - 0.8) / 0.04."""
    limits = of_counts([72, 76, 80, 84, 88], [100] * 5)
    table = limits.table

    assert limits.expected == 0.8
    assert table["z"].to_list() == pytest.approx([-2, -1, 0, 1, 2])
    # Winsorized: -1, -1, 0, 1, 1, so 4 / 4 degrees of freedom. Of normal values, the part 0.5026
    # of the sum of squares is left.
    assert _remaining_part(5, 1) == pytest.approx(0.5026, abs=1e-4)
    assert limits.phi == pytest.approx(1 / 0.5026, rel=1e-3)
    t95, t998 = 2.776445, 7.173182  # of Student, 4 degrees of freedom
    spread = 0.04 * math.sqrt(1 / _remaining_part(5, 1))
    assert table["low_95"].to_list() == pytest.approx([0.8 - t95 * spread] * 5, abs=1e-6)
    assert table["high_95"].to_list() == pytest.approx([0.8 + t95 * spread] * 5, abs=1e-6)
    assert table["low_998"].to_list() == pytest.approx([0.8 - t998 * spread] * 5, abs=1e-6)
    assert table["high_998"].to_list() == [1.0] * 5  # cut
    assert table["verdict"].to_list() == ["inside"] * 5
    at = limits.at([100, 400])
    assert at["low_95"][0] == table["low_95"][0]
    assert at["low_95"][1] == pytest.approx(0.8 - t95 * spread / 2, abs=1e-6)
    for wrong in (0, -5, 2.5, True):
        with pytest.raises(InputError, match="denominators must be an integer of at least 1"):
            limits.at([wrong])  # type: ignore[list-item]
        with pytest.raises(InputError, match="denominators must be an integer of at least 1"):
            limits.at(np.array([wrong]))  # type: ignore[arg-type]
    for none in (5, None, "10"):
        with pytest.raises(InputError, match="denominators are numbers of calls"):
            limits.at(none)  # type: ignore[arg-type]
    for same in (np.array([100, 400]), [np.int32(100), 400], pl.Series([100, 400])):
        assert limits.at(same).equals(at)  # type: ignore[arg-type]


@pytest.mark.parametrize("groups", [5, 9, 20, 57])
def test_remaining_part_is_that_of_simulated_normal_values(groups: int):
    cut = max(1, groups // 10)
    z = np.sort(np.random.default_rng(groups).normal(size=(40_000, groups)), axis=1)
    winsorized = np.clip(z, z[:, [cut]], z[:, [-1 - cut]])

    assert _remaining_part(groups, cut) == pytest.approx((winsorized**2).mean(), rel=0.01)


def test_phi_is_that_of_scipy_for_many_groups():
    """Scipy winsorizes the z-scores, and integrates the part that is left."""
    rng = np.random.default_rng(4)
    n = rng.integers(50, 2_000, size=400)
    y = rng.binomial(n, np.clip(rng.normal(0.7, 0.08, size=400), 0, 1))
    limits = of_counts(y.tolist(), n.tolist())

    p = y.sum() / n.sum()
    z = (y / n - p) / np.sqrt(p * (1 - p) / n)
    squares = float((stats.mstats.winsorize(z, limits=(0.1, 0.1)) ** 2).sum()) / 399
    end = stats.norm.ppf(0.9)
    part = stats.norm.expect(lambda x: x * x, lb=-end, ub=end) + 0.2 * end**2
    assert limits.phi == pytest.approx(squares / part, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("groups", [6, 15, 60])
@pytest.mark.parametrize("spread", [0.0, 0.08])
def test_false_alarms_are_rare(groups: int, spread: float):
    """Groups that differ by what all differ are within the limits."""
    rng = np.random.default_rng(groups)
    outside = {"outside 95 %": 0, "outside 99.8 %": 0}
    rounds = 6_000 // groups // 4
    for _ in range(rounds):
        n = rng.integers(100, 1_000, size=groups)
        # Beta-binomial with the same over-dispersion at any n.
        share = np.clip(0.7 + spread * rng.normal(size=groups) * np.sqrt(400 / n), 0, 1)
        verdicts = of_counts(rng.binomial(n, share).tolist(), n.tolist()).table["verdict"]
        for name in outside:
            outside[name] += int((verdicts == name).sum())
    tests = rounds * groups

    assert sum(outside.values()) / tests < 0.06
    assert outside["outside 99.8 %"] / tests < 0.006


def test_binomial_limits_would_flag_most_of_those_groups():
    rng = np.random.default_rng(1)
    n = np.full(400, 1_000)
    share = 0.7 + 0.08 * rng.normal(size=400)
    limits = of_counts(rng.binomial(n, share).tolist(), n.tolist())

    assert (limits.table["z"].abs() > 1.96).mean() > 0.6
    assert (limits.table["verdict"] != "inside").mean() < 0.08


def test_group_that_differs_does_not_hide_itself():
    limits = of_counts([80, 78, 82, 79, 81, 80, 83, 30], [100] * 8)

    assert limits.table["verdict"].to_list() == ["inside"] * 7 + ["outside 99.8 %"]
    assert limits.phi is not None
    assert limits.phi < 6


def test_groups_without_limits():
    few = of_counts([1, 2, 3, 9], [10] * 4)
    none = of_counts([0] * 6, [0] * 6)
    all_answered = of_counts([10] * 6, [10] * 6)

    assert few.phi is None
    assert few.table["z"].null_count() == 0
    assert few.table["low_95"].null_count() == 4
    assert few.table["verdict"].unique().to_list() == ["cannot tell"]
    assert (none.expected, none.phi, none.at([5])["low_95"][0]) == (None, None, None)
    assert (all_answered.phi, all_answered.table["verdict"].unique().to_list()) == (1, ["inside"])
    assert all_answered.table["low_998"].to_list() == [1.0] * 6


def test_calls_without_a_group_are_left_out():
    calls = calls_of({f"{number}": (8, 2) for number in range(101, 107)})
    unnamed = calls.with_columns(callee=pl.when(pl.col("callee") != "101").then("callee"))

    limits = group_limits(unnamed, "answer_rate", by="callee")
    assert limits.table["callee"].to_list() == ["102", "103", "104", "105", "106"]
    assert limits.table["denominator"].to_list() == [10] * 5


@needs_real_calls
def test_services_of_the_bank():
    calls = inward(real_calls())
    limits = group_limits(calls, "answer_rate", by="callee")

    assert limits.table["denominator"].sum() == 33_066
    assert limits.table.filter(pl.col("z").abs() > 3.1).height >= 4  # without dispersion
    assert "outside 99.8 %" not in limits.table["verdict"]
    assert limits.phi > 100


def test_chart_names_the_groups_outside():
    groups = {f"{number}": (80 + number % 5, 20) for number in range(101, 113)}
    calls = calls_of(groups | {"113": (30, 70), "0901234567": (85, 15)})
    chart = charts.group_limits(calls, measure="answer_rate", by="callee", masked=True)
    table = group_limits(calls, "answer_rate", by="callee").table

    rows = longest_table(chart, "key", "value", "verdict", "name", "shape")
    assert rows.filter(pl.col("name") != "").rows() == [
        ("113", 0.3, "outside 99.8 %", "113", "square")
    ]
    assert sorted(rows["value"]) == sorted(table["value"].round(6))
    assert "1 below the 99.8 % limits" in title(chart)
    assert "1,423 offered calls in 14 groups" in subtitle(chart)
    assert "090*****67" in rows["key"]
    assert "limits need at least 5 groups" not in subtitle(chart).lower()
    curve = longest_table(chart, "denominator", "low_95", "high_998", "expected")
    assert curve["denominator"].min() <= 100 <= curve["denominator"].max()


def test_chart_of_few_groups_has_no_limits():
    chart = charts.group_limits(calls_of({"101": (3, 1)}), measure="answer_rate", by="callee")

    assert "too few for limits" in title(chart)
    assert "limits need at least 5 groups" in subtitle(chart)


def test_arguments_that_cannot_be_meant():
    calls = et.sample_logs().calls
    with pytest.raises(InputError, match="measure is a share"):
        group_limits(calls, "offered", by="hour")
    with pytest.raises(InputError, match="measure is a name"):
        group_limits(calls, ["answer_rate"])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="by needs"):
        group_limits(calls, by=())
    with pytest.raises(UnknownName):
        group_limits(calls, "answer_rat")
