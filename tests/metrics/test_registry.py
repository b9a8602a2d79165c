"""The registry of measures, metric options, and intervals of shares."""

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import MEASURES, wilson
from etelecom_analytics.metrics.call_facts import SERVICE_LEVELS
from etelecom_analytics.metrics.options import SERVICE_LEVEL_VARIANTS
from etelecom_analytics.metrics.registry import FACTS, TOTALS, Total


def test_every_measure_aggregates_existing_facts():
    for each in MEASURES.values():
        parts = vars(each.aggregation).values()
        assert {part for part in parts if isinstance(part, str)} <= set(FACTS[each.grain])


def test_every_grain_has_a_measure_that_counts_its_rows():
    assert set(TOTALS) == set(FACTS)
    for grain, name in TOTALS.items():
        assert (MEASURES[name].grain, MEASURES[name].unit, MEASURES[name].aggregation) == (
            grain,
            grain,
            Total(name),
        )


def test_shares_state_which_direction_is_better():
    assert MEASURES["answer_rate"].better == "higher"
    assert MEASURES["abandon_rate"].better == "lower"
    assert MEASURES["calls"].better is None
    shares = [each for each in MEASURES.values() if each.unit == "share"]
    assert all(each.better for each in shares)


def test_measures_with_a_published_definition_name_it():
    sources = {each.name: each.source for each in MEASURES.values() if each.source}

    assert sources["asr"] == "ITU-T E.411"
    assert sources["ner"] == "ITU-T E.425"
    assert sources["answer_rate"] == "Genesys Cloud, Answer %"
    assert len(sources) == 14
    for name in (3, ["calls"], None):
        with pytest.raises(InputError, match="measure is a name"):
            et.metrics.explain(et.sample_logs().calls, name)  # type: ignore[arg-type]


def test_the_repr_of_options_shows_what_differs_and_no_number():
    assert repr(et.MetricOptions()) == "MetricOptions()"
    options = et.MetricOptions(threshold_s=30, ivr_numbers=["0912345678", "8000"])
    assert repr(options) == "MetricOptions(threshold_s=30, ivr_numbers=['09…', '8000'])"


def test_the_table_of_measures_has_every_formula():
    table = et.measures()

    assert table.columns == ["name", "title", "unit", "grain", "formula", "source"]
    assert table["name"].to_list() == list(MEASURES)
    assert table.filter(pl.col("name") == "answer_rate")["formula"].item() == "answered / offered"
    assert not table["formula"].str.contains("^$").any()


@pytest.mark.parametrize("variant", SERVICE_LEVEL_VARIANTS)
def test_the_service_level_has_the_formula_of_its_variant(variant: str):
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
def test_wilson_interval(numerator: int, denominator: int, low: float, high: float):
    ends = (
        pl.select(pl.concat_list(wilson(pl.lit(numerator), pl.lit(denominator)))).item().to_list()
    )

    assert ends == [pytest.approx(low, abs=6e-11), pytest.approx(high, abs=6e-11)]
    assert 0 <= ends[0] <= ends[1] <= 1


def test_an_interval_without_data_is_null():
    assert pl.select(pl.concat_list(wilson(pl.lit(0), pl.lit(0)))).item().to_list() == [None, None]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"variant": "offerd"}, UnknownName, "Did you mean offered"),
        ({"wait_from": "ring"}, UnknownName, "Did you mean first_ring"),
        ({"time_zone": "Hanoi"}, UnknownName, "Asia/Ho_Chi_Minh"),
        ({"threshold_s": -1}, InputError, "at least 0"),
        ({"ivr_numbers": "8000"}, InputError, "numbers as text"),
        ({"ivr_numbers": (8000,)}, InputError, "numbers as text"),
    ],
)
def test_invalid_options_raise(arguments: dict[str, object], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        et.MetricOptions(**arguments)


def test_options_are_a_hashable_value():
    assert et.MetricOptions(ivr_numbers=["8000"]) == et.MetricOptions(ivr_numbers=("8000",))
    assert len({et.MetricOptions(), et.MetricOptions(), et.MetricOptions(threshold_s=30)}) == 2
