"""compare: published intervals, independent computations, and properties of any calls."""

import math
import random
import statistics
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy import stats

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import MEASURES, Selection, compare
from etelecom_analytics.metrics.confidence import (
    Interval,
    count_interval,
    difference_interval,
    mean_interval,
    share_interval,
    student_t95,
    welch_interval,
)
from etelecom_analytics.metrics.registry import Mean, Quantile, Ratio

DAYS = ["before_days", "after_days", "q_value", "verdict"]
"""Columns that depend on the days, or on all rows."""
NEWCOMBE = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((6, 7), (2, 7), (0.0582, 0.8062)),
    ((5, 56), (0, 29), (-0.0381, 0.1926)),
    ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ((0, 10), (0, 10), (-0.2775, 0.2775)),
    ((10, 10), (0, 20), (0.6791, 1.0)),
    ((10, 10), (0, 10), (0.6075, 1.0)),
]
"""The eight examples of Newcombe 1998, table II, method 10."""
STUDENT = {
    1: 12.7062047362,
    2: 4.3026527297,
    3: 3.1824463053,
    5: 2.5705818356,
    10: 2.2281388520,
    30: 2.0422724563,
    120: 1.9799304051,
}
"""The 97.5 % quantiles of Student's t."""
DARWIN = {
    "crossed": [
        23.5,
        12.0,
        21.0,
        22.0,
        19.125,
        21.5,
        22.125,
        20.375,
        18.25,
        21.625,
        23.25,
        21.0,
        22.125,
        23.0,
        12.0,
    ],
    "selfed": [
        17.375,
        20.375,
        20.0,
        20.0,
        18.375,
        18.625,
        18.625,
        15.25,
        16.5,
        18.0,
        16.25,
        18.0,
        12.75,
        15.5,
        18.0,
    ],
}
"""Heights of maize in inches, crossed and self-fertilized (Darwin 1876).

As two samples, Welch's t is 2.4371 with 22.164 degrees of freedom.
"""


def answered(waits: list[float], call: pl.DataFrame) -> pl.DataFrame:
    """Calls that a person answered after these waits in seconds."""
    end = pl.lit(datetime(2026, 11, 2, 2, tzinfo=UTC), pl.Datetime("us", "UTC"))
    seconds = pl.DataFrame(
        {"place": range(len(waits)), "wait": [round(wait * 1e6) for wait in waits]},
        schema_overrides={"wait": pl.Int64},
    )
    target = pl.element().struct.with_fields(
        target_number=pl.lit("101"), status=pl.lit("ANSWERED"), answered_time=end, ended_time=end
    )
    one = call.with_columns(
        started_at=end,
        ended_at=end,
        call_targets=pl.col("call_targets").list.head(1).list.eval(target),
    )
    many = seconds.join(one, how="cross")
    return many.with_columns(
        id=pl.format("{}", "place"),
        started_at=pl.col("started_at") - pl.duration(microseconds="wait"),
    ).select(call.columns)


@pytest.fixture(scope="module")
def one(calls: pl.DataFrame) -> pl.DataFrame:
    return calls.filter(
        pl.col("ended_at").is_not_null(), direction="in", call_state="answered"
    ).head(1)


def spread_in_sql(fact: pl.Series, path: Path) -> tuple[int, float, float]:
    """The number of values, their mean and their variance, from DuckDB."""
    pl.DataFrame({"fact": fact}).write_parquet(path)
    with duckdb.connect() as connection:
        row = connection.execute(
            "SELECT count(fact), avg(fact), var_samp(fact) FROM read_parquet(?)", [str(path)]
        ).fetchone()
    assert row
    return row


def tails(t: float, freedom: float) -> float:
    """The probability of Student's t outside (-t, t), by Simpson's rule over the angle."""
    steps, top = 4_000, math.atan(t / math.sqrt(freedom))

    def area(upper: float) -> float:
        width = upper / steps
        heights = [math.cos(step * width) ** (freedom - 1) for step in range(steps + 1)]
        return (
            width
            / 3
            * (heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2]))
        )

    return 1 - area(top) / area(math.pi / 2)


def poisson_cdf(maximum: int, mean: float) -> float:
    return math.fsum(
        math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(maximum + 1)
    )


@pytest.mark.parametrize(("after", "before", "expected"), NEWCOMBE)
def test_newcombe_examples(
    after: tuple[int, int], before: tuple[int, int], expected: tuple[float, float]
):
    names = ["answer_rate", "answer_rate_num", "answer_rate_den"]
    summaries = [
        pl.DataFrame([(above / below, above, below)], schema=names, orient="row")
        for above, below in (before, after)
    ]
    result = compare(*summaries, ["answer_rate"]).row(0, named=True)

    assert (round(result["low"], 4), round(result["high"], 4)) == expected
    assert result["difference"] == pytest.approx(after[0] / after[1] - before[0] / before[1])
    assert result["method"] == "Newcombe"


@pytest.mark.parametrize(("freedom", "quantile"), STUDENT.items())
def test_student_quantiles(freedom: int, quantile: float):
    # SciPy 1.15 has nine correct digits here, later versions have more.
    assert student_t95(freedom) == pytest.approx(quantile, abs=1e-9)


@given(freedom=st.floats(3, 1e4))
def test_student_quantile_leaves_five_percent_outside(freedom: float):
    assert tails(student_t95(freedom), freedom) == pytest.approx(0.05, abs=1e-7)


def test_welch_on_darwins_maize():
    crossed, selfed = DARWIN["crossed"], DARWIN["selfed"]
    variances = (statistics.variance(selfed), statistics.variance(crossed))
    difference = statistics.mean(crossed) - statistics.mean(selfed)
    low, high = welch_interval(difference, variances, (15, 15))

    assert difference / math.sqrt(sum(variances) / 15) == pytest.approx(2.4371, abs=5e-5)
    # 22.164 degrees of freedom, from a table: 2.0729
    assert ((low or 0) + (high or 0)) / 2 == pytest.approx(difference)
    assert (high or 0) - difference == pytest.approx(
        2.0729 * math.sqrt(sum(variances) / 15), abs=1e-3
    )


def test_means_agree_with_exact_fractions(one: pl.DataFrame):
    draw = random.Random(4)
    waits = [
        [round(draw.expovariate(1 / mean), 6) for _ in range(n)]
        for mean, n in ((12.0, 40), (20.0, 25))
    ]
    result = compare(*(answered(some, one) for some in waits), ["asa_s"]).row(0, named=True)

    exact = [[Fraction(wait).limit_denominator(1_000_000) for wait in some] for some in waits]
    means = [sum(some, Fraction()) / len(some) for some in exact]
    variances = [
        sum((wait - mean) ** 2 for wait in some) / (len(some) - 1)
        for some, mean in zip(exact, means, strict=True)
    ]
    parts = [variance / len(some) for variance, some in zip(variances, exact, strict=True)]
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(some) - 1) for part, some in zip(parts, exact, strict=True)
    )
    low, high = result["low"], result["high"]
    assert result["difference"] == pytest.approx(float(means[1] - means[0]), abs=1e-12)
    assert (low + high) / 2 == pytest.approx(result["difference"])
    assert tails((high - low) / 2 / math.sqrt(sum(parts)), float(freedom)) == pytest.approx(
        0.05, abs=1e-7
    )
    values = [float(wait) for wait in exact[1]]
    expected = mean_interval(
        float(means[1]), float(variances[1]), float(stats.skew(values)), len(values)
    )
    assert [result["after_low"], result["after_high"]] == pytest.approx(list(expected))


@pytest.mark.parametrize("count", [0, 1, 2, 5, 20, 200])
def test_the_interval_of_a_count_is_close_to_the_exact_one(count: int):
    low, high = count_interval(count)

    def exact(probability: float, maximum: int) -> float:
        below, above = 1e-9, count + 40.0 + 10 * math.sqrt(count)
        for _ in range(200):
            middle = (below + above) / 2
            below, above = (
                (middle, above) if poisson_cdf(maximum, middle) > probability else (below, middle)
            )
        return below

    assert high == pytest.approx(exact(0.025, count), abs=0.03)
    assert low == pytest.approx(exact(0.975, count - 1) if count else 0, abs=0.03)


@pytest.mark.slow
@given(share=st.sampled_from([0.5, 0.9]), n=st.integers(0, 300), seed=st.integers(0, 5))
def test_the_interval_of_a_quantile_is_two_order_statistics(share: float, n: int, seed: int):
    draw = random.Random(seed)
    waits = [round(draw.uniform(0, 100), 3) for _ in range(n)]
    call = et.simulate_calls(30, seed=1).calls.filter(direction="in", call_state="answered").head(1)
    result = compare(
        answered(waits, call), answered(waits, call), [f"wait_p{share * 100:.0f}_s"]
    ).row(0, named=True)

    reach = 1.959963984540054 * math.sqrt(n * share * (1 - share))
    ranks = [math.ceil(n * share - reach), math.ceil(n * share + reach)]
    expected = [sorted(waits)[rank - 1] if 1 <= rank <= n else None for rank in ranks]
    assert [result["before_low"], result["before_high"]] == pytest.approx(expected)
    assert result["before_n"] == n
    if n:
        assert result["difference"] == 0


@given(
    st.tuples(st.integers(0, 40), st.integers(1, 40)),
    st.tuples(st.integers(0, 40), st.integers(1, 40)),
)
def test_a_reversed_comparison_has_the_reversed_interval(
    one: tuple[int, int], other: tuple[int, int]
):
    shares = [
        (min(above, below) / below, share_interval(min(above, below), below))
        for above, below in (one, other)
    ]
    low, high = difference_interval(*shares[0], *shares[1])
    back_low, back_high = difference_interval(*shares[1], *shares[0])

    assert (low, high) == (pytest.approx(-(back_high or 0)), pytest.approx(-(back_low or 0)))
    assert -1 - 1e-12 <= (low or 0) <= shares[1][0] - shares[0][0] + 1e-12
    assert shares[1][0] - shares[0][0] - 1e-12 <= (high or 0) <= 1 + 1e-12


@pytest.mark.slow
def test_values_are_those_of_summarize(calls: pl.DataFrame):
    names = list(MEASURES)
    early, late = (
        calls.filter(pl.col("started_at").dt.day() < 5),
        calls.filter(pl.col("started_at").dt.day() >= 5),
    )
    result = compare(early, late, names)

    assert result["measure"].to_list() == names
    for column, some in (("before", early), ("after", late)):
        numbers = et.summarize(some, [], names, confidence=True).row(0, named=True)
        for row in result.iter_rows(named=True):
            assert row[column] == numbers[row["measure"]]
            if isinstance(MEASURES[row["measure"]].aggregation, Ratio):
                assert (row[f"{column}_low"], row[f"{column}_n"]) == (
                    numbers[f"{row['measure']}_low"],
                    numbers[f"{row['measure']}_den"],
                )
    table = Selection(calls)
    of_selections = compare(
        table.where(pl.col("started_at").dt.day() < 5),
        table.where(pl.col("started_at").dt.day() >= 5),
        names,
    )
    assert_frame_equal(of_selections, result, check_exact=True)
    assert_frame_equal(
        compare(early.lazy(), late.sample(fraction=1, shuffle=True, seed=3), names),
        result,
        check_exact=True,
    )


@pytest.mark.slow
def test_quantiles_of_groups_are_those_of_each_group(calls: pl.DataFrame):
    names = ["wait_p50_s", "wait_p90_s", "talk_p90_s"]
    ends = [f"{side}_{end}" for side in ("before", "after") for end in ("low", "high")]
    columns = ["measure", *ends, "before_n"]
    hour = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.hour()
    grouped = compare(calls, calls, names, by="hour", uncertainty="calls")

    known = 0
    for (value,), rows in grouped.group_by("hour"):
        some = calls.filter(hour == value)
        alone = compare(some, some, names, uncertainty="calls").select(columns)
        assert_frame_equal(rows.select(columns), alone)
        known += alone["before_high"].count()
    assert known > 20


@pytest.mark.slow
def test_intervals_of_means_agree_with_sql(calls: pl.DataFrame, tmp_path: Path):
    facts = et.metrics.facts(calls)
    names = [
        name
        for name, each in MEASURES.items()
        if each.grain == "calls" and isinstance(each.aggregation, Mean | Quantile)
    ]
    result = {
        row["measure"]: row
        for row in compare(calls, calls, names, uncertainty="calls").iter_rows(named=True)
    }
    for name in names:
        fact = MEASURES[name].aggregation.fact
        n, mean, variance = spread_in_sql(facts[fact], tmp_path / "seconds.parquet")
        assert result[name]["before_n"] == n
        if isinstance(MEASURES[name].aggregation, Mean):
            skewness = float(stats.skew(facts[fact].drop_nulls().to_numpy()))
            expected = mean_interval(mean, variance, skewness, n)
            # Powers are computed in milliseconds.
            assert result[name]["before_low"] == pytest.approx(expected.low, rel=1e-5)
            assert result[name]["before_high"] == pytest.approx(expected.high, rel=1e-5)
            assert result[name]["low"] == pytest.approx(
                -student_t95(2 * (n - 1)) * math.sqrt(2 * variance / n), rel=1e-9
            )


def test_a_summary_gives_intervals_of_counts_and_shares(calls: pl.DataFrame):
    early, late = (
        calls.filter(pl.col("started_at").dt.day() < 5),
        calls.filter(pl.col("started_at").dt.day() >= 5),
    )
    of_calls = compare(early, late, uncertainty="calls").drop(DAYS)
    of_summaries = compare(
        et.summarize(early, confidence=True),
        et.summarize(late.lazy(), confidence=True),
        uncertainty="calls",
    ).drop(DAYS)

    has_interval = of_summaries["measure"].is_in(["offered", "answer_rate"])
    assert_frame_equal(of_summaries.filter(has_interval), of_calls.filter(has_interval))
    assert_frame_equal(
        of_summaries.select("measure", "before", "after", "difference"),
        of_calls.select("measure", "before", "after", "difference"),
    )
    assert of_summaries.filter(~has_interval)["low"].null_count() == 3
    assert of_calls["low"].null_count() == 0


def test_no_calls_one_call_and_no_change(calls: pl.DataFrame, one: pl.DataFrame):
    empty = compare(calls.clear(), calls.clear())
    assert empty["before"].to_list() == [0, None, None, None, None]
    assert empty["low"].drop_nulls().len() == 1  # of the count
    of_one = compare(one, one)
    assert of_one["low"].null_count() == 3  # one value has no variance
    same = compare(answered([5.0] * 4, one), answered([5.0] * 4, one), ["asa_s"]).row(0, named=True)
    assert (same["low"], same["high"]) == (0, 0)


def test_without_calls_before_only_the_values_are_known(calls: pl.DataFrame):
    alone, compared = (
        compare(before, calls, by="direction", uncertainty="calls")
        for before in (None, calls.reverse())
    )
    names = [name for name in alone.columns if name.startswith(("direction", "measure", "after"))]

    assert_frame_equal(alone.select(names), compared.select(names))
    assert alone["verdict"].unique().to_list() == ["cannot tell"]
    unknown = alone.select("before", "difference", "low", "high", "p_value", "method")
    assert set(unknown.null_count().row(0)) == {alone.height}


def test_invalid_arguments_raise(calls: pl.DataFrame):
    summary = et.summarize(calls, ["day"], confidence=True)
    with pytest.raises(InputError, match="one row"):
        compare(summary, summary)
    with pytest.raises(InputError, match="confidence=True"):
        compare(et.summarize(calls), et.summarize(calls))
    with pytest.raises(InputError, match="talk_s"):
        compare(
            et.summarize(calls, confidence=True), et.summarize(calls, confidence=True), ["talk_s"]
        )
    with pytest.raises(UnknownName, match="answer_rate"):
        compare(calls, calls, ["answer_rat"])
    with pytest.raises(InputError, match="list of names"):
        compare(calls, calls, 3)  # type: ignore[arg-type]
    assert_frame_equal(compare(calls, calls, "calls"), compare(calls, calls, ["calls"]))
    for after in (3, None):
        with pytest.raises(InputError, match=f"got {type(after).__name__}"):
            compare(None, after)  # type: ignore[arg-type]


def test_an_unknown_end_leaves_one_side_open():
    assert difference_interval(1.0, Interval(None, 2.0), 3.0, Interval(2.0, None)) == Interval(
        pytest.approx(3 - 1 - math.sqrt(2)), None
    )
