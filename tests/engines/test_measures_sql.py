"""measures_sql: queries over published tables, equal to `summarize` on DuckDB to 1e-9.

`test_other_engines.py` runs them on other engines.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from polars.testing import assert_frame_equal
from sqlglot import exp
from support.flat_engines import (
    ENGINES,
    FREE,
    HOURS,
    LEVELS,
    NO_TABLES,
    Run,
    assert_equal,
    checks,
    publish_calls,
)
from support.holes import calls_with_holes
from support.random_calls import OPTIONS, OTHER_OPTIONS, with_random_owners

import etelecom_analytics as et
from etelecom_analytics import metrics
from etelecom_analytics.engines import DIALECTS, Publication
from etelecom_analytics.engines.flat_tables import (
    FIXED_OPTIONS,
    FREE_OPTIONS,
    TABLE_DIMENSIONS,
    flat_tables,
)
from etelecom_analytics.engines.sql_queries import NOT_IN_TABLES
from etelecom_analytics.errors import InputError, MeasureUnavailable, UnknownName
from etelecom_analytics.metrics import DIMENSIONS, MEASURES, Selection, summarize


@pytest.fixture(scope="module")
def calls() -> Selection:
    return Selection(calls_with_holes(160, seed=11))


@pytest.fixture(scope="module")
def publication(calls: Selection, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    options = et.MetricOptions(**OPTIONS, business_hours=HOURS, holidays=["2026-11-02"])
    return publish_calls(calls.calls, tmp_path_factory.mktemp("tables"), options)


@pytest.fixture(scope="module")
def run(publication: Publication) -> Iterator[Run]:
    with ENGINES["duckdb"](publication) as run:
        yield run


FEW = ([], ["in_hours"], ["direction"], ["target_number"], ["weekday", "direction"])
"""The dimensions of the quick checks."""


def slow_unless(quick: bool) -> Any:
    return () if quick else pytest.mark.slow


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measures", "by"),
    [pytest.param(*check, marks=slow_unless(check[1] in FEW)) for check in checks()],
    ids=lambda each: "-".join(each[:2]) or "all",
)
def test_measures_equal_summarize(
    measures: list[str], by: list[str], calls: Selection, run: Run, publication: Publication
):
    result = run(et.measures_sql(measures, by, publication=publication))

    assert_equal(result, summarize(calls, by, measures, options=publication.options))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(changed, id=name, marks=slow_unless(name.startswith("waits")))
        for name, changed in FREE.items()
    ],
)
def test_other_options_of_a_query_equal_summarize(
    changed: dict[str, Any], calls: Selection, run: Run, publication: Publication
):
    options = replace(publication.options, **changed)

    result = run(et.measures_sql(LEVELS, "in_hours", options, publication=publication))

    assert_equal(result, summarize(calls, "in_hours", LEVELS, options=options))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [OTHER_OPTIONS, {}, {"time_zone": "America/St_Johns", "as_of": "2026-11-03T00:00Z"}],
    ids=["other lists and limits", "no lists", "another time zone"],
)
def test_other_tables_equal_summarize(settings: dict[str, Any], calls: Selection, tmp_path: Path):
    options = et.MetricOptions(**settings)
    publication = publish_calls(calls.calls, tmp_path, options)

    with ENGINES["duckdb"](publication) as run:
        for by in ([], ["quarter_hour"]):
            result = run(et.measures_sql(list(MEASURES), by, publication=publication))
            assert_equal(result, summarize(calls, by, list(MEASURES), options=options))


@pytest.mark.slow
def test_names_are_dimensions_of_tables_that_have_them(calls: Selection, tmp_path: Path):
    named, options = with_random_owners(calls.calls, seed=2), et.MetricOptions(**OPTIONS)
    publication = publish_calls(named, tmp_path, options)

    with ENGINES["duckdb"](publication) as run:
        for by in (["department_id"], ["hotline", "user"]):
            measures = ["offered", "offers", "owner_assumed", "rna_rate", "aloc_s"]
            result = run(et.measures_sql(measures, by, publication=publication))
            assert_equal(result, summarize(named, by, measures, options=options))


def test_without_calls_counts_are_0(calls: Selection, run: Run):
    nothing, options = calls.calls.clear(), et.MetricOptions()

    for by in ([], ["hour"]):
        result = run(et.measures_sql(list(MEASURES), by, tables=NO_TABLES))

        assert_equal(result, summarize(nothing, by, list(MEASURES), options=options))


@pytest.mark.slow
def test_tables_do_not_depend_on_options_of_a_query(calls: Selection):
    changed = {name: value for each in FREE.values() for name, value in each.items()}
    changed |= {"threshold_s": 3.0, "short_s": 9.0, "unknown_endings": "censored"}
    assert set(changed) == {*FREE_OPTIONS}

    options = et.MetricOptions(**OPTIONS)
    tables = flat_tables(calls.calls, options=options)

    for grain, table in flat_tables(calls.calls, options=replace(options, **changed)).items():
        assert_frame_equal(table, tables[grain])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("/ 1000000 ", "/ 1000000.01 "), ("'in'", "'out'"), ("<= ", "< "), ("0.9", "0.91")],
)
def test_a_query_that_is_wrong_is_noticed(
    right: str, wrong: str, calls: Selection, run: Run, publication: Publication
):
    waits = metrics.facts(calls, options=publication.options).filter("answered")["wait_s"]
    options = replace(publication.options, threshold_s=waits.drop_nulls()[0])
    measures = ["answered_within", "wait_p90_s"]
    sql = et.measures_sql(measures, "direction", options, publication=publication)
    expected = summarize(calls, "direction", measures, options=options)
    assert_equal(run(sql), expected)
    assert right in sql

    with pytest.raises(AssertionError):
        assert_equal(run(sql.replace(right, wrong)), expected)


def test_every_dimension_of_calls_and_legs_is_in_a_table():
    assert set(DIMENSIONS) == {*TABLE_DIMENSIONS["calls"], *TABLE_DIMENSIONS["offers"]}


def test_every_option_is_of_the_tables_or_of_a_query():
    assert set(FREE_OPTIONS) | set(FIXED_OPTIONS) == set(vars(et.MetricOptions()))
    changed = {name for each in FREE.values() for name in each}
    assert changed == {*FREE_OPTIONS} - {"unknown_endings"}  # which changes no measure


# ClickHouse runs its queries in `test_other_engines.py`; older versions of sqlglot write its
# quantiles, but do not parse them.
@pytest.mark.slow
@pytest.mark.parametrize("dialect", [each for each in DIALECTS if each != "clickhouse"])
def test_every_query_of_a_dialect_is_parsed(dialect: Any):
    for measures, by in list(checks())[-2:]:
        sql = et.measures_sql(measures, by, dialect=dialect)
        (query,) = sqlglot.parse(sql, dialect=dialect)

        assert isinstance(query, exp.Select)
        approximate = dialect == "trino"
        assert ("approx" in sql.lower()) == approximate
        names = [
            name.removesuffix("_approx") if approximate else name for name in query.named_selects
        ]
        assert names == [*by, *measures]


def test_quantiles_that_are_approximate_say_so():
    sql = et.measures_sql(["wait_p90_s", "wait_max_s", "asa_s"], dialect="trino")

    query = sqlglot.parse_one(sql, dialect="trino")
    assert query.named_selects == ["wait_p90_s_approx", "wait_max_s", "asa_s"]


def test_tables_have_the_names_of_the_database():
    sql = et.measures_sql("rna", tables={"offers": "lake.telephony.rings"}, dialect="trino")

    assert '"lake"."telephony"."rings"' in sql
    with pytest.raises(UnknownName, match="table"):
        et.measures_sql("rna", tables={"offer": "rings"})
    for tables in ("rings", {"offers": "a.b.c.d"}, {"offers": "a..b"}):
        with pytest.raises(InputError, match="tables maps"):
            et.measures_sql("rna", tables=tables)  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_odd_names_of_tables_are_quoted(dialect: Any):
    name = 'a"b`c; DROP TABLE d'

    sql = et.measures_sql("calls", tables={"calls": name}, dialect=dialect)

    (query,) = sqlglot.parse(sql, dialect=dialect)
    assert isinstance(query, exp.Select)
    assert name in {table.name for table in query.find_all(exp.Table)}


@pytest.mark.parametrize(
    "changed",
    [
        {"time_zone": "UTC"},
        {"ivr_numbers": ["1"]},
        {"longest_call_s": 60.0},
        {"as_of": "2026-11-02"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_options_of_other_tables_are_refused(changed: dict[str, Any], publication: Publication):
    options = replace(publication.options, **changed)

    with pytest.raises(InputError, match=f"another {next(iter(changed))}.*another folder"):
        et.measures_sql("calls", options=options, publication=publication)


def test_personal_dimensions_need_personal_tables(publication: Publication):
    without = replace(publication, personal=False)

    assert et.measures_sql("calls", "caller", publication=publication)
    with pytest.raises(InputError, match="no caller: publish them with personal=True"):
        et.measures_sql("calls", "caller", publication=without)


@pytest.mark.parametrize("name", NOT_IN_TABLES)
def test_functions_of_several_calls_are_unavailable(name: str):
    with pytest.raises(MeasureUnavailable) as error:
        et.measures_sql(name)

    assert NOT_IN_TABLES[name] in str(error.value)
    assert name == "reconcile" or callable(getattr(et.metrics, name))


def test_arguments_are_checked(publication: Publication):
    with pytest.raises(UnknownName, match="answer_rate"):
        et.measures_sql("answer_rat")
    with pytest.raises(MeasureUnavailable, match="Handle time"):
        et.measures_sql("aht")
    with pytest.raises(UnknownName, match="dialect"):
        et.measures_sql("calls", dialect="oracle")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="dimension"):
        et.measures_sql("calls", "our")
    with pytest.raises(InputError, match="counts calls"):
        et.measures_sql("calls", "outcome")
    with pytest.raises(InputError, match="An archive stores ids"):
        et.measures_sql("calls", "user", publication=publication)
    with pytest.raises(InputError, match="at least one name"):
        et.measures_sql([])
    with pytest.raises(InputError, match=r"Publication.read"):
        et.measures_sql("calls", publication="folder")  # type: ignore[arg-type]


def test_without_sqlglot_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    from etelecom_analytics.engines import sql_facts

    sql_facts.load_sqlglot.cache_clear()
    monkeypatch.setitem(sys.modules, "sqlglot", None)

    with pytest.raises(InputError, match=r"etelecom_analytics\[sql\]"):
        et.measures_sql("calls")


def test_the_sample_is_summarized_by_a_query(tmp_path: Path):
    calls, options = et.sample_logs().calls, et.MetricOptions(ivr_numbers=["8000", "8100"])
    publication = publish_calls(calls, tmp_path, options, personal=False)

    with ENGINES["duckdb"](publication) as run:
        result = run(et.measures_sql("answer_rate", "weekday", publication=publication))

    expected = summarize(calls, "weekday", "answer_rate", options=options)
    assert result.rows() == expected.rows()
