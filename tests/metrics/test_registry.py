"""Measures as data, options as a value, and the doubt of a share."""

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import MEASURES, wilson
from etelecom_analytics.metrics.call_facts import SERVICE_LEVELS
from etelecom_analytics.metrics.options import SERVICE_LEVEL_VARIANTS
from etelecom_analytics.metrics.registry import FACTS, TOTALS, Total


def test_every_measure_is_made_of_facts_that_exist():
    for each in MEASURES.values():
        parts = vars(each.made_of).values()
        assert {part for part in parts if isinstance(part, str)} <= set(FACTS[each.grain])


def test_every_grain_has_a_measure_that_counts_its_rows():
    assert set(TOTALS) == set(FACTS)
    for grain, name in TOTALS.items():
        assert (MEASURES[name].grain, MEASURES[name].unit, MEASURES[name].made_of) == (
            grain,
            grain,
            Total(name),
        )


def test_the_table_of_measures_gives_each_its_formula():
    table = et.measures()

    assert table.columns == ["name", "title", "unit", "grain", "formula", "source"]
    assert table["name"].to_list() == list(MEASURES)
    assert table.filter(pl.col("name") == "answer_rate")["formula"].item() == "answered / offered"
    assert not table["formula"].str.contains("^$").any()


@pytest.mark.parametrize("variant", SERVICE_LEVEL_VARIANTS)
def test_the_service_level_always_names_its_formula(variant: str):
    row = (
        et.measures(options=et.MetricOptions(variant=variant))
        .filter(pl.col("name") == "service_level")
        .row(0, named=True)
    )

    assert (row["formula"], row["source"]) == (
        SERVICE_LEVELS[variant].formula,
        SERVICE_LEVELS[variant].source,
    )


@pytest.mark.parametrize(
    ("numerator", "denominator", "low", "high"),
    [
        (81, 263, 0.2552885199, 0.3662095770),
        (0, 20, 0.0, 0.1611251581),
        (10, 10, 0.7224672001, 1.0),
    ],
)
def test_wilsons_interval(numerator: int, denominator: int, low: float, high: float):
    found = (
        pl.select(pl.concat_list(wilson(pl.lit(numerator), pl.lit(denominator)))).item().to_list()
    )

    assert found == [pytest.approx(low, abs=6e-11), pytest.approx(high, abs=6e-11)]
    assert 0 <= found[0] <= found[1] <= 1


def test_an_interval_of_nothing_is_null():
    assert pl.select(pl.concat_list(wilson(pl.lit(0), pl.lit(0)))).item().to_list() == [None, None]


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        ({"variant": "offerd"}, UnknownName, "Did you mean offered"),
        ({"wait_from": "queue"}, UnknownName, "started_at, first_ring"),
        ({"time_zone": "Hanoi"}, UnknownName, "Asia/Ho_Chi_Minh"),
        ({"threshold_s": -1}, InputError, "not negative"),
        ({"ivr_numbers": "8000"}, InputError, "tuple of numbers as text"),
        ({"ivr_numbers": (8000,)}, InputError, "tuple of numbers as text"),
    ],
)
def test_options_without_sense_are_refused(
    wrong: dict[str, object], kind: type[Exception], says: str
):
    with pytest.raises(kind, match=says):
        et.MetricOptions(**wrong)


def test_options_are_a_value():
    assert et.MetricOptions(ivr_numbers=["8000"]) == et.MetricOptions(ivr_numbers=("8000",))
    assert len({et.MetricOptions(), et.MetricOptions(), et.MetricOptions(threshold_s=30)}) == 2
