"""The days of an archive are computed by clusters, which run in this machine for the test."""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.day_archives import archive_of
from support.holes import calls_with_holes
from support.random_calls import OPTIONS
from support.sail import sail_session

import etelecom_analytics as et
from etelecom_analytics.metrics import MEASURES

pytestmark = [
    pytest.mark.engines,
    pytest.mark.filterwarnings("ignore::FutureWarning:pyspark.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ALL = list(MEASURES)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> et.Archive:
    lists = {name: list(numbers) for name, numbers in OPTIONS.items()}
    calls = calls_with_holes(400, seed=2)
    return archive_of(tmp_path_factory.mktemp("engines") / "calls", calls, **lists)


@pytest.fixture(scope="module")
def expected(archive: et.Archive) -> pl.DataFrame:
    return et.summarize(archive.scan(), "day", ALL, options=archive.options).collect()


def dask() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield et.archive.DaskExecutor(client)


def ray() -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="ray is not in test-engines")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield et.archive.RayExecutor()
    ray.shutdown()


def sail() -> Iterator[Any]:
    with sail_session() as session:
        yield et.archive.SparkExecutor(session)


@pytest.fixture(params=[dask, sail, ray], ids=["dask", "sail", "ray"])
def executor(request: pytest.FixtureRequest) -> Iterator[Any]:
    yield from request.param()


def test_a_cluster_gives_the_measures_of_all_calls(
    archive: et.Archive, expected: pl.DataFrame, executor: Any
):
    result = archive.summarize("day", ALL, executor=executor, progress=False)

    assert_frame_equal(result, expected, rel_tol=1e-9, abs_tol=1e-9)
    none = archive.summarize("day", ALL, query=et.CallQuery(date_from="2030-01-01"),
        executor=executor, progress=False)  # fmt: skip
    assert none.is_empty()
