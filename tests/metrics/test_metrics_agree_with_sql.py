"""Tables of metrics agree with SQL to 1e-9, on the sample, random and real calls."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from support import sql_oracle as sql
from support import sql_oracle_calls as of_calls
from support import sql_oracle_metrics as oracle
from support import sql_oracle_queues as of_queues
from support.examples import USUAL
from support.measure_tables import CALL_MEASURES, LEG_MEASURES, OFFER_MEASURES, assert_agree
from support.random_calls import OPTIONS, OTHER_OPTIONS, random_calls, with_random_owners
from support.real_calls import needs_real_calls, real_calls

from etelecom_analytics import metrics, schema
from etelecom_analytics.metrics import MetricOptions

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample" / "calls.parquet"


class Data(NamedTuple):
    """Calls, their file, and the options of the metrics without `as_of`."""

    calls: pl.DataFrame
    parquet: Path
    settings: dict[str, Any]
    as_of: datetime | None = None

    @property
    def options(self) -> MetricOptions:
        return MetricOptions(**self.settings, as_of=self.as_of)

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


RANDOM = {"lists of numbers": OPTIONS, "other options": OTHER_OPTIONS, "no lists": {}}


@pytest.fixture(scope="module", params=["sample", *RANDOM, pytest.param("real",
    marks=needs_real_calls)])  # fmt: skip
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Data:
    if request.param == "sample":
        return Data(pl.read_parquet(SAMPLE), SAMPLE, {"ivr_numbers": ("8000", "8100")})
    if request.param == "real":
        return Data(real_calls(), request.getfixturevalue("real_parquet"), {})
    calls, path = random_calls(600, seed=20), tmp_path_factory.mktemp("random") / "calls.parquet"
    calls.write_parquet(path)
    return Data(calls, path, RANDOM[request.param])


def plain(table: pl.DataFrame) -> pl.DataFrame:
    """The table with moments as epoch microseconds, as in SQL."""
    return table.with_columns(pl.col(pl.Datetime("us", "UTC")).dt.timestamp("us"))


def by_key(table: pl.DataFrame, by: str) -> pl.DataFrame:
    return table.rename({by: "key"})


TABLES: dict[str, tuple[Callable[[Data], pl.DataFrame], Callable[[Data], list[dict[str, Any]]]]] = {
    "facts": (
        lambda data: metrics.facts(data.calls, options=data.options),
        lambda data: oracle.facts(data.parquet, **data.settings),
    ),
    "legs": (
        lambda data: metrics.legs(data.calls, options=data.options).select("call_id",
            "target_index", "kind", "outcome"),
        lambda data: sql.legs(data.parquet, **data.settings),
    ),
    "offers": (
        lambda data: metrics.offers(data.calls, options=data.options).sort("call_id",
            "target_index"),
        lambda data: sorted(sql.offers(data.parquet, **data.settings),
            key=lambda row: (row["call_id"], row["target_index"])),
    ),
    "calls by hour": (
        lambda data: metrics.summarize(data.calls, ["hour"], CALL_MEASURES, options=data.options),
        lambda data: sql.call_measures(data.parquet, "hour", **data.settings),
    ),
    "offers by hour": (
        lambda data: metrics.summarize(data.calls, ["hour"], OFFER_MEASURES, options=data.options),
        lambda data: sql.offer_measures(data.parquet, "hour", **data.settings),
    ),
    "legs by trunk": (
        lambda data: metrics.summarize(data.calls, ["trunk_name"], LEG_MEASURES,
            options=data.options),
        lambda data: sql.leg_measures(data.parquet, "trunk_name", **data.settings),
    ),
    "patience": (
        lambda data: by_key(metrics.patience(data.calls, ["weekday"], options=data.options),
            "weekday"),
        lambda data: oracle.patience(data.parquet, "weekday", **data.settings),
    ),
    "patience of all": (
        lambda data: metrics.patience(data.calls,
            options=data.options).select(pl.lit("all").alias("key"), pl.all()),
        lambda data: oracle.patience(data.parquet, "'all'", **data.settings),
    ),
    "median patience": (
        lambda data: by_key(metrics.median_survival(metrics.patience(data.calls, ["hour"],
            options=data.options), ["hour"]), "hour"),
        lambda data: oracle.medians(data.parquet, "hour", **data.settings),
    ),
    "erlangs": (
        lambda data: metrics.erlangs(data.calls, options=data.options),
        lambda data: oracle.erlangs(data.parquet, None, **data.settings),
    ),
    "busy hours": (
        lambda data: metrics.busy_hours(data.calls, options=data.options),
        lambda data: oracle.busy_hours(data.parquet, None, **data.settings),
    ),
    "busy hour": (
        lambda data: metrics.busy_hour(data.calls, options=data.options),
        lambda data: oracle.busy_hour(data.parquet, None, **data.settings),
    ),
    "trunk peaks": (
        lambda data: metrics.trunk_peaks(data.calls, options=data.options),
        lambda data: oracle.trunk_peaks(data.parquet, **data.settings),
    ),
    "fail codes": (
        lambda data: metrics.fail_codes(data.calls, options=data.options).drop("meaning", "side"),
        lambda data: oracle.fail_codes(data.parquet, **data.settings),
    ),
    **{
        f"agents by {' and '.join(keys)}": (
            lambda data, keys=keys: metrics.agents_by_interval(
                data.calls, interval=keys[-1], by_weekday=len(keys) > 1, options=data.options
            ).select(
                *keys, "days", "calls", "arrivals", "dispersion", "talk_s", "traffic",
            ),
            lambda data, keys=keys: oracle.agents_by_interval(data.parquet, keys,
                **data.settings),
        )
        for keys in (("hour",), ("quarter_hour",), ("weekday", "hour"))
    },
    "ring bins": (
        lambda data: metrics.ring_seconds(data.calls, options=data.options).bins,
        lambda data: oracle.ring_bins(data.parquet, **data.settings),
    ),
    "ring groups": (
        lambda data: metrics.ring_seconds(data.calls, options=data.options).groups,
        lambda data: oracle.ring_groups(data.parquet, **data.settings),
    ),
    "service levels": (
        lambda data: metrics.service_levels(data.calls, options=data.options).select("variant",
            "numerator", "denominator", "value"),
        lambda data: of_calls.service_levels(data.parquet, **data.settings),
    ),
    "lost calls": (
        lambda data: metrics.lost_calls(data.calls, options=data.options).select("id", "stage"),
        lambda data: of_calls.lost_calls(data.parquet, **data.settings),
    ),
    "hunt paths": (
        lambda data: metrics.hunt_paths(data.calls, limit=10_000, options=data.options).select(
            "path", "calls", "share_den", "answer_rate_num", "answer_rate", "lost_s"),
        lambda data: of_calls.hunt_paths(data.parquet, 10_000, **data.settings),
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
        lambda data: oracle.missed_ledger(data.parquet, data.until, **data.settings),
    ),
    "callback rate": (
        lambda data: by_key(
            metrics.callback_rate(data.calls, ["hour"], options=data.options), "hour"
        ),
        lambda data: oracle.callback_rate(data.parquet, "hour", data.until, **data.settings),
    ),
    "repeat rate": (
        lambda data: by_key(metrics.repeat_rate(data.calls, ["day"], options=data.options), "day"),
        lambda data: oracle.repeat_rate(data.parquet, "day", data.until, **data.settings),
    ),
    "time to call back": (
        lambda data: by_key(
            metrics.time_to_callback(data.calls, ["weekday"], options=data.options), "weekday"
        ),
        lambda data: oracle.time_to_callback(data.parquet, "weekday", data.until, **data.settings),
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


@pytest.mark.slow
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
            metrics.concurrency(data.calls, trunk=trunk, options=data.options),
            oracle.concurrency(data.parquet, trunk, **data.settings),
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
            assert_agree(
                plain(of_package(data.calls, trunk=trunk, options=data.options)),
                of_sql(data.parquet, trunk, **data.settings),
            )


@pytest.mark.slow
@pytest.mark.parametrize("name", RANDOM)
def test_measures_of_random_calls_agree_with_sql_by_every_dimension(name: str, tmp_path: Path):
    # With few examples, each dimension is tested with one of the settings only.
    settings, first = RANDOM[name], list(RANDOM).index(name) if USUAL < 25 else 0
    step = len(RANDOM) if USUAL < 25 else 1
    calls, path = random_calls(250, seed=31), tmp_path / "calls.parquet"
    calls.write_parquet(path)
    options = MetricOptions(**settings)

    for names, of_sql, dimensions in (
        (CALL_MEASURES, sql.call_measures, sql.CALL_DIMENSIONS),
        (OFFER_MEASURES, sql.offer_measures, sql.OFFER_DIMENSIONS),
        (LEG_MEASURES, sql.leg_measures, sql.OFFER_DIMENSIONS),
    ):
        for by in (None, *dimensions[first::step]):
            table = metrics.summarize(calls, [by] if by else [], names, options=options)
            assert_agree(table, of_sql(path, by, **settings))


@pytest.mark.slow
def test_offers_of_owners_agree_with_sql(tmp_path: Path):
    calls, path = with_random_owners(random_calls(500, seed=41), seed=1), tmp_path / "calls.parquet"
    calls.write_parquet(path)

    for by in sql.OWNER_DIMENSIONS:
        table = metrics.summarize(calls, [by], OFFER_MEASURES, options=MetricOptions(**OPTIONS))
        assert table["owner_assumed"].sum() > 100
        assert_agree(table, sql.offer_measures(path, by, **OPTIONS))


@pytest.mark.slow
@pytest.mark.parametrize("settings", [OPTIONS, OTHER_OPTIONS], ids=["default", "other"])
def test_visits_to_queues_agree_with_sql(settings: dict[str, Any], tmp_path: Path):
    calls, path = random_calls(600, seed=51), tmp_path / "calls.parquet"
    calls.write_parquet(path)
    table = metrics.queue_visits(calls, options=MetricOptions(**settings))

    assert set(table["outcome"]) == {
        "answered", "abandoned", "overflowed", "ended_by_pbx", "unknown"
    }  # fmt: skip
    assert_agree(plain(table), of_queues.queue_visits(path, **settings))


@pytest.mark.slow
def test_every_rule_decides_some_random_calls(tmp_path: Path):
    """So that agreement means something."""
    calls, path = random_calls(2_000, seed=61), tmp_path / "calls.parquet"
    calls.write_parquet(path)
    (measures,) = sql.call_measures(path, **OTHER_OPTIONS)
    legs = pl.DataFrame(sql.legs(path, **OTHER_OPTIONS))
    ledger = pl.DataFrame(oracle.missed_ledger(path, None, **OTHER_OPTIONS))

    assert {name for name in CALL_MEASURES if not measures[name]} == set()
    assert legs["kind"].value_counts()["count"].min() >= 50
    assert set(legs["outcome"]) == set(schema.LEG_OUTCOMES)
    assert legs["outcome"].value_counts()["count"].min() >= 50
    assert set(ledger["outcome"]) == set(metrics.MISSED_OUTCOMES)
    (repeats,) = oracle.repeat_rate(path, "direction", None, **OTHER_OPTIONS)
    assert 0.1 < repeats["value"] < 0.9
