"""Queries of `measures_sql` on ClickHouse (chdb) and Spark SQL (Sail) equal `summarize` to 1e-9.

8,000 calls, half of them full of holes, all measures by each dimension, and the options that change
a measure. DuckDB answers the same queries.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl
import pytest
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
from support.random_calls import OPTIONS

import etelecom_analytics as et
from etelecom_analytics.engines import Publication
from etelecom_analytics.metrics import MetricOptions, Selection

pytestmark = [
    pytest.mark.engines,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the engines' own packages
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

COUNT = 8_000
Expected = Callable[[Sequence[str], Sequence[str], MetricOptions], pl.DataFrame]


@pytest.fixture(scope="module")
def calls() -> Selection:
    return Selection(calls_with_holes(COUNT, seed=5))


@pytest.fixture(scope="module")
def expected(calls: Selection) -> Expected:
    """The tables of `summarize`, computed once for all engines."""

    @cache
    def summary(measures: tuple[str, ...], by: tuple[str, ...], options: MetricOptions) -> Any:
        return et.summarize(calls, by, measures, options=options)

    return lambda measures, by, options: summary(tuple(measures), tuple(by), options)


@pytest.fixture(scope="module")
def publication(calls: Selection, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    options = et.MetricOptions(**OPTIONS, business_hours=HOURS, holidays=["2026-11-02"])
    return publish_calls(calls.calls, tmp_path_factory.mktemp("tables"), options)


@pytest.fixture(scope="module", params=list(ENGINES))
def engine(request: pytest.FixtureRequest, publication: Publication) -> Iterator[tuple[Any, Run]]:
    with ENGINES[request.param](publication) as run:
        yield request.param, run


@pytest.mark.parametrize(
    ("measures", "by"), list(checks()), ids=lambda each: "-".join(each[:2]) or "all"
)
def test_measures_equal_summarize(
    measures: list[str],
    by: list[str],
    engine: tuple[Any, Run],
    publication: Publication,
    expected: Expected,
):
    dialect, run = engine

    result = run(et.measures_sql(measures, by, dialect=dialect, publication=publication))

    assert_equal(result, expected(measures, by, publication.options))


@pytest.mark.parametrize("changed", FREE.values(), ids=FREE)
def test_other_options_equal_summarize(
    changed: dict[str, Any],
    engine: tuple[Any, Run],
    publication: Publication,
    expected: Expected,
):
    dialect, run = engine
    options = replace(publication.options, **changed)

    result = run(et.measures_sql(LEVELS, "in_hours", options, dialect, publication=publication))

    assert_equal(result, expected(LEVELS, ["in_hours"], options))


def test_without_calls_counts_are_0(engine: tuple[Any, Run], calls: Selection):
    dialect, run = engine
    names, options = list(et.metrics.MEASURES), et.MetricOptions()
    nothing = calls.calls.clear()

    for by in ([], ["hour"]):
        result = run(et.measures_sql(names, by, options, dialect, tables=NO_TABLES))

        assert_equal(result, et.summarize(nothing, by, names, options=options))
