"""Tables of metrics agree with SQL to 1e-9, on the sample and on real calls."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from support import sql_oracle as sql
from support import sql_oracle_metrics as oracle
from support.measure_tables import CALL_MEASURES, LEG_MEASURES, OFFER_MEASURES, assert_agree
from support.real_calls import needs_real_calls, real_calls

from etelecom_analytics import metrics
from etelecom_analytics.metrics import MetricOptions

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample" / "calls.parquet"


class Data(NamedTuple):
    """Calls, their file, and the options of the metrics."""

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
def real_parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("real") / "calls.parquet"
    real_calls().write_parquet(path)
    return path


@pytest.fixture(scope="module", params=["sample", pytest.param("real", marks=needs_real_calls)])
def data(request: pytest.FixtureRequest) -> Data:
    if request.param == "sample":
        return Data(pl.read_parquet(SAMPLE), SAMPLE, ("8000", "8100"), None)
    return Data(real_calls(), request.getfixturevalue("real_parquet"), (), None)


def plain(table: pl.DataFrame) -> pl.DataFrame:
    """The table with moments as epoch microseconds, as in SQL."""
    return table.with_columns(pl.col(pl.Datetime("us", "UTC")).dt.timestamp("us"))


def by_key(table: pl.DataFrame, by: str) -> pl.DataFrame:
    return table.rename({by: "key"})


TABLES: dict[str, tuple[Callable[[Data], pl.DataFrame], Callable[[Data], list[dict[str, Any]]]]] = {
    "facts": (
        lambda data: metrics.facts(data.calls, options=data.options),
        lambda data: oracle.facts(data.parquet, ivr_numbers=data.ivr),
    ),
    "legs": (
        lambda data: metrics.legs(data.calls, options=data.options).select("call_id",
            "target_index", "outcome"),
        lambda data: [
            dict(zip(("call_id", "target_index", "outcome"), row, strict=True))
                for row in sql.leg_outcomes(data.parquet, data.ivr)
        ],
    ),
    "offers": (
        lambda data: metrics.offers(data.calls, options=data.options).sort("call_id",
            "target_index"),
        lambda data: sorted(sql.offers(data.parquet, data.ivr), key=lambda row: (row["call_id"],
            row["target_index"])),
    ),
    "calls by hour": (
        lambda data: metrics.summarize(data.calls, ["hour"], CALL_MEASURES, options=data.options),
        lambda data: sql.call_measures(data.parquet, "hour", ivr_numbers=data.ivr),
    ),
    "offers by hour": (
        lambda data: metrics.summarize(data.calls, ["hour"], OFFER_MEASURES, options=data.options),
        lambda data: sql.offer_measures(data.parquet, "hour", ivr_numbers=data.ivr),
    ),
    "legs by trunk": (
        lambda data: metrics.summarize(data.calls, ["trunk_name"], LEG_MEASURES,
            options=data.options),
        lambda data: sql.leg_measures(data.parquet, "trunk_name", ivr_numbers=data.ivr),
    ),
    "patience": (
        lambda data: by_key(metrics.patience(data.calls, ["weekday"], options=data.options),
            "weekday"),
        lambda data: oracle.patience(data.parquet, "weekday", ivr_numbers=data.ivr),
    ),
    "patience of all": (
        lambda data: metrics.patience(data.calls,
            options=data.options).select(pl.lit("all").alias("key"), pl.all()),
        lambda data: oracle.patience(data.parquet, "'all'", ivr_numbers=data.ivr),
    ),
    "median patience": (
        lambda data: by_key(metrics.median_survival(metrics.patience(data.calls, ["hour"],
            options=data.options), ["hour"]), "hour"),
        lambda data: oracle.medians(data.parquet, "hour", ivr_numbers=data.ivr),
    ),
    "erlangs": (
        lambda data: metrics.erlangs(data.calls, options=data.options),
        lambda data: oracle.erlangs(data.parquet, None),
    ),
    "busy hours": (
        lambda data: metrics.busy_hours(data.calls, options=data.options),
        lambda data: oracle.busy_hours(data.parquet, None),
    ),
    "busy hour": (
        lambda data: metrics.busy_hour(data.calls, options=data.options),
        lambda data: oracle.busy_hour(data.parquet, None),
    ),
    "trunk peaks": (
        lambda data: metrics.trunk_peaks(data.calls),
        lambda data: oracle.trunk_peaks(data.parquet),
    ),
    "fail codes": (
        lambda data: metrics.fail_codes(data.calls, options=data.options).drop("meaning", "side"),
        lambda data: oracle.fail_codes(data.parquet, ivr_numbers=data.ivr),
    ),
    **{
        f"agents by {' and '.join(keys)}": (
            lambda data, keys=keys: metrics.agents_by_interval(
                data.calls, interval=keys[-1], by_weekday=len(keys) > 1, options=data.options
            ).select(
                *keys, "days", "calls", "arrivals", "arrivals_low", "arrivals_high", "dispersion",
                "talk_s", "talk_low_s", "talk_high_s",
                "traffic",
            ),
            lambda data, keys=keys: oracle.agents_by_interval(data.parquet, keys,
                ivr_numbers=data.ivr),
        )
        for keys in (("hour",), ("quarter_hour",), ("weekday", "hour"))
    },
    "ring bins": (
        lambda data: metrics.ring_seconds(data.calls, options=data.options).bins,
        lambda data: oracle.ring_bins(data.parquet, ivr_numbers=data.ivr),
    ),
    "ring groups": (
        lambda data: metrics.ring_seconds(data.calls, options=data.options).groups,
        lambda data: oracle.ring_groups(data.parquet, ivr_numbers=data.ivr),
    ),
    "update lag": (
        lambda data: metrics.update_lag(data.calls),
        lambda data: oracle.update_lag(data.parquet),
    ),
}  # fmt: skip
"""A table of the package, and the same table in SQL."""

OF_CALLERS: dict[
    str, tuple[Callable[[Data], pl.DataFrame], Callable[[Data], list[dict[str, Any]]]]
] = {
    "missed ledger": (
        lambda data: metrics.missed_ledger(data.calls, options=data.options),
        lambda data: oracle.missed_ledger(data.parquet, data.until, ivr_numbers=data.ivr),
    ),
    "callback rate": (
        lambda data: by_key(
            metrics.callback_rate(data.calls, ["hour"], options=data.options), "hour"
        ),
        lambda data: oracle.callback_rate(data.parquet, "hour", data.until, ivr_numbers=data.ivr),
    ),
    "repeat rate": (
        lambda data: by_key(metrics.repeat_rate(data.calls, ["day"], options=data.options), "day"),
        lambda data: oracle.repeat_rate(data.parquet, "day", data.until, ivr_numbers=data.ivr),
    ),
    "time to call back": (
        lambda data: by_key(
            metrics.time_to_callback(data.calls, ["weekday"], options=data.options), "weekday"
        ),
        lambda data: oracle.time_to_callback(
            data.parquet, "weekday", data.until, ivr_numbers=data.ivr
        ),
    ),
}
"""Tables of callers as of a moment."""


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_a_table_agrees_with_sql(name: str, data: Data):
    of_package, of_sql = TABLES[name]
    expected = of_sql(data)

    assert expected
    table = plain(of_package(data))
    if name == "facts":
        table = table.select(list(expected[0]))
    assert_agree(table, expected)


@pytest.mark.slow
@pytest.mark.parametrize("days", [None, 2.5])
@pytest.mark.parametrize("name", OF_CALLERS)
def test_a_table_of_callers_agrees_with_sql(name: str, days: float | None, data: Data):
    first = data.calls["started_at"].min()
    assert isinstance(first, datetime)
    data = data._replace(as_of=None if days is None else first + timedelta(days=days))
    of_package, of_sql = OF_CALLERS[name]
    expected = of_sql(data)

    assert expected
    assert_agree(plain(of_package(data)), expected)


@pytest.mark.parametrize("of_trunks", [False, True])
def test_concurrency_agrees_with_sql(of_trunks: bool, data: Data):
    names = (
        data.calls["call_targets"].explode().struct.field("trunk_name").drop_nulls().unique().sort()
        if of_trunks
        else [None]
    )
    assert len(names) > 0
    for trunk in names:
        result, expected = (
            metrics.concurrency(data.calls, trunk=trunk),
            oracle.concurrency(data.parquet, trunk),
        )

        assert (result.peak, result.call_ids, result.without_span) == (
            expected["peak"],
            expected["call_ids"],
            expected["without_span"],
        )
        assert result.at is not None
        assert (result.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
            microseconds=1
        ) == expected["at"]
        assert_agree(plain(result.over_time), expected["over_time"])
        for of_package, of_sql in (
            (metrics.erlangs, oracle.erlangs), (metrics.busy_hours, oracle.busy_hours),
            (metrics.busy_hour, oracle.busy_hour),
        ):  # fmt: skip
            assert_agree(plain(of_package(data.calls, trunk=trunk)), of_sql(data.parquet, trunk))
