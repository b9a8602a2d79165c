"""Every table beside `summarize` is that of a second reckoning in SQL, to 1e-9, on the sample and on real calls."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
import sql_oracle as sql
import sql_oracle_of_tables as second
from real_calls import needs_real_calls, real_calls
from test_summary import CALL_MEASURES, LEG_MEASURES, OFFER_MEASURES, assert_agree

from etelecom_analytics import metrics
from etelecom_analytics.metrics import MetricOptions

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample" / "calls.parquet"


class Given(NamedTuple):
    """Calls, the file that holds them, and what they are reckoned with."""

    calls: pl.DataFrame
    parquet: Path
    ivr: tuple[str, ...]
    as_of: datetime | None

    @property
    def options(self) -> MetricOptions:
        return MetricOptions(ivr_numbers=self.ivr, as_of=self.as_of)

    @property
    def until(self) -> int | None:
        return (
            None
            if self.as_of is None
            else (self.as_of - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        )


@pytest.fixture(scope="module")
def bank_parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bank") / "calls.parquet"
    real_calls().write_parquet(path)
    return path


@pytest.fixture(scope="module", params=["sample", pytest.param("bank", marks=needs_real_calls)])
def given_calls(request: pytest.FixtureRequest) -> Given:
    if request.param == "sample":
        return Given(pl.read_parquet(SAMPLE), SAMPLE, ("8000", "8100"), None)
    return Given(real_calls(), request.getfixturevalue("bank_parquet"), (), None)


def plain(table: pl.DataFrame) -> pl.DataFrame:
    """Moments as microseconds of the epoch, as SQL tells them."""
    return table.with_columns(pl.col(pl.Datetime("us", "UTC")).dt.timestamp("us"))


def by_key(table: pl.DataFrame, by: str) -> pl.DataFrame:
    return table.rename({by: "key"})


TABLES: dict[str, tuple[Callable[[Given], pl.DataFrame], Callable[[Given], list[dict[str, Any]]]]] = {
    "facts": (
        lambda its: metrics.facts(its.calls, options=its.options),
        lambda its: second.facts(its.parquet, ivr_numbers=its.ivr),
    ),
    "legs": (
        lambda its: metrics.legs(its.calls, options=its.options).select("call_id", "target_index", "outcome"),
        lambda its: [
            dict(zip(("call_id", "target_index", "outcome"), row, strict=True)) for row in sql.leg_outcomes(its.parquet, its.ivr)
        ],
    ),
    "offers": (
        lambda its: metrics.offers(its.calls, options=its.options).sort("call_id", "target_index"),
        lambda its: sorted(sql.offers(its.parquet, its.ivr), key=lambda row: (row["call_id"], row["target_index"])),
    ),
    "calls by hour": (
        lambda its: metrics.summarize(its.calls, ["hour"], CALL_MEASURES, options=its.options),
        lambda its: sql.call_measures(its.parquet, "hour", ivr_numbers=its.ivr),
    ),
    "offers by hour": (
        lambda its: metrics.summarize(its.calls, ["hour"], OFFER_MEASURES, options=its.options),
        lambda its: sql.offer_measures(its.parquet, "hour", ivr_numbers=its.ivr),
    ),
    "legs by trunk": (
        lambda its: metrics.summarize(its.calls, ["trunk_name"], LEG_MEASURES, options=its.options),
        lambda its: sql.leg_measures(its.parquet, "trunk_name", ivr_numbers=its.ivr),
    ),
    "patience": (
        lambda its: by_key(metrics.patience(its.calls, ["weekday"], options=its.options), "weekday"),
        lambda its: second.patience(its.parquet, "weekday", ivr_numbers=its.ivr),
    ),
    "patience of all": (
        lambda its: metrics.patience(its.calls, options=its.options).select(pl.lit("all").alias("key"), pl.all()),
        lambda its: second.patience(its.parquet, "'all'", ivr_numbers=its.ivr),
    ),
    "median patience": (
        lambda its: by_key(metrics.median_survival(metrics.patience(its.calls, ["hour"], options=its.options), ["hour"]), "hour"),
        lambda its: second.medians(its.parquet, "hour", ivr_numbers=its.ivr),
    ),
    "erlangs": (
        lambda its: metrics.erlangs(its.calls, options=its.options),
        lambda its: second.erlangs(its.parquet, None),
    ),
    "busy hours": (
        lambda its: metrics.busy_hours(its.calls, options=its.options),
        lambda its: second.busy_hours(its.parquet, None),
    ),
    "busy hour": (
        lambda its: metrics.busy_hour(its.calls, options=its.options),
        lambda its: second.busy_hour(its.parquet, None),
    ),
    "trunk peaks": (
        lambda its: metrics.trunk_peaks(its.calls),
        lambda its: second.trunk_peaks(its.parquet),
    ),
    "fail codes": (
        lambda its: metrics.fail_codes(its.calls, options=its.options).drop("meaning", "side"),
        lambda its: second.fail_codes(its.parquet, ivr_numbers=its.ivr),
    ),
    **{
        f"agents by {' and '.join(keys)}": (
            lambda its, keys=keys: metrics.agents_by_interval(
                its.calls, interval=keys[-1], by_weekday=len(keys) > 1, options=its.options
            ).select(
                *keys, "days", "calls", "arrivals", "arrivals_low", "arrivals_high", "dispersion", "talk_s", "talk_low_s", "talk_high_s",
                "traffic",
            ),
            lambda its, keys=keys: second.agents_by_interval(its.parquet, keys, ivr_numbers=its.ivr),
        )
        for keys in (("hour",), ("quarter_hour",), ("weekday", "hour"))
    },
    "ring bins": (
        lambda its: metrics.ring_seconds(its.calls, options=its.options).bins,
        lambda its: second.ring_bins(its.parquet, ivr_numbers=its.ivr),
    ),
    "ring groups": (
        lambda its: metrics.ring_seconds(its.calls, options=its.options).groups,
        lambda its: second.ring_groups(its.parquet, ivr_numbers=its.ivr),
    ),
    "update lag": (
        lambda its: metrics.update_lag(its.calls),
        lambda its: second.update_lag(its.parquet),
    ),
}  # fmt: skip
"""A table of the package, and the same of SQL; add a line for a new one."""

OF_CALLERS: dict[
    str, tuple[Callable[[Given], pl.DataFrame], Callable[[Given], list[dict[str, Any]]]]
] = {
    "missed ledger": (
        lambda its: metrics.missed_ledger(its.calls, options=its.options),
        lambda its: second.missed_ledger(its.parquet, its.until, ivr_numbers=its.ivr),
    ),
    "callback rate": (
        lambda its: by_key(metrics.callback_rate(its.calls, ["hour"], options=its.options), "hour"),
        lambda its: second.callback_rate(its.parquet, "hour", its.until, ivr_numbers=its.ivr),
    ),
    "repeat rate": (
        lambda its: by_key(metrics.repeat_rate(its.calls, ["day"], options=its.options), "day"),
        lambda its: second.repeat_rate(its.parquet, "day", its.until, ivr_numbers=its.ivr),
    ),
    "time to call back": (
        lambda its: by_key(
            metrics.time_to_callback(its.calls, ["weekday"], options=its.options), "weekday"
        ),
        lambda its: second.time_to_callback(its.parquet, "weekday", its.until, ivr_numbers=its.ivr),
    ),
}
"""Those that look at callers as of a moment."""


@pytest.mark.parametrize("name", TABLES)
def test_a_table_agrees_with_the_second_reckoning(name: str, given_calls: Given):
    of_package, of_sql = TABLES[name]
    expected = of_sql(given_calls)

    assert expected
    table = plain(of_package(given_calls))
    if name == "facts":
        table = table.select(list(expected[0]))
    assert_agree(table, expected)


@pytest.mark.parametrize("days", [None, 2.5])
@pytest.mark.parametrize("name", OF_CALLERS)
def test_a_table_of_callers_agrees_with_the_second_reckoning(
    name: str, days: float | None, given_calls: Given
):
    first = given_calls.calls["started_at"].min()
    assert isinstance(first, datetime)
    its = given_calls._replace(as_of=None if days is None else first + timedelta(days=days))
    of_package, of_sql = OF_CALLERS[name]
    expected = of_sql(its)

    assert expected
    assert_agree(plain(of_package(its)), expected)


@pytest.mark.parametrize("of_trunks", [False, True])
def test_concurrency_agrees_with_the_second_reckoning(of_trunks: bool, given_calls: Given):
    names = (
        given_calls.calls["call_targets"]
        .explode()
        .struct.field("trunk_name")
        .drop_nulls()
        .unique()
        .sort()
        if of_trunks
        else [None]
    )
    assert len(names) > 0
    for trunk in names:
        found, expected = (
            metrics.concurrency(given_calls.calls, trunk=trunk),
            second.concurrency(given_calls.parquet, trunk),
        )

        assert (found.peak, found.call_ids, found.without_span) == (
            expected["peak"],
            expected["call_ids"],
            expected["without_span"],
        )
        assert found.at is not None
        assert (found.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
            microseconds=1
        ) == expected["at"]
        assert_agree(plain(found.over_time), expected["over_time"])
        for ours, theirs in (
            (metrics.erlangs, second.erlangs), (metrics.busy_hours, second.busy_hours), (metrics.busy_hour, second.busy_hour),
        ):  # fmt: skip
            assert_agree(
                plain(ours(given_calls.calls, trunk=trunk)), theirs(given_calls.parquet, trunk)
            )
