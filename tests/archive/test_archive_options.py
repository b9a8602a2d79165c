"""Calls of an archive are measured with its own IVR numbers, or with a warning."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.damage import week

import etelecom_analytics as et
from etelecom_analytics.errors import DataLossError
from etelecom_analytics.simulator import serve


@pytest.fixture(scope="module")
def sample_archive(tmp_path_factory: pytest.TempPathFactory) -> et.Archive:
    """An archive that no test changes."""
    archive = et.Archive(tmp_path_factory.mktemp("archive") / "calls", ivr_numbers=["8000", "8100"])
    with (
        serve(et.sample_logs().calls) as server,
        et.Client(server.base_url, server.api_key) as client,
    ):
        archive.sync(client, since="2026-11-02", until="2026-11-09", progress=False)
    return archive


@pytest.mark.slow
def test_options_are_those_of_the_archive(sample_archive: et.Archive):
    assert sample_archive.options == et.MetricOptions(
        time_zone="Asia/Ho_Chi_Minh", ivr_numbers=["8000", "8100"]
    )
    assert et.Archive(sample_archive.path).options == sample_archive.options


def test_measures_of_an_archive_are_those_of_its_calls(sample_archive: et.Archive):
    options = sample_archive.options
    expected = et.summarize(et.sample_logs().calls, by="day", options=options)
    assert_frame_equal(
        et.summarize(sample_archive.scan(), by="day", options=options).collect(), expected
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "derive",
    [
        lambda calls: calls,
        lambda calls: calls.filter(pl.col("direction") == "in"),
        lambda calls: calls.filter(et.CallQuery(direction="in").to_expr()).with_columns(x=1),
        lambda calls: pickle.loads(pickle.dumps(calls)),  # noqa: S301
        copy.copy,
    ],
)
@pytest.mark.parametrize("ivr_numbers", [(), ("8000",), ("8000", "8100", "8200")])
def test_other_ivr_numbers_give_a_warning(
    derive: Callable[[Any], Any], ivr_numbers: tuple[str, ...], sample_archive: et.Archive
):
    calls = derive(sample_archive.scan())
    with pytest.warns(UserWarning, match=r"archive has 8000, 8100: pass options=archive\.options"):
        et.summarize(calls, options=et.MetricOptions(ivr_numbers=ivr_numbers))


def test_same_ivr_numbers_in_another_order_give_no_warning(sample_archive: et.Archive):
    options = et.MetricOptions(ivr_numbers=("8100", "8000"))
    assert et.summarize(sample_archive.scan(), options=options).collect().height == 1


@pytest.fixture(scope="module")
def values(sample_archive: et.Archive) -> dict[str, Any]:
    with serve(week(3)) as server, et.Client(server.base_url, server.api_key) as client:
        other = et.Archive(sample_archive.path.parent / "other")
        report = other.sync(client, since="2024-01-01", until="2024-01-08", progress=False)
    return {
        "Archive": sample_archive,
        "ArchiveStatus": sample_archive.status(),
        "SyncReport": report,
        "ArchiveDiff": sample_archive.diff(0),
        "DataLossError": DataLossError({}, report),
        "IncompleteSync": et.IncompleteSync(KeyboardInterrupt(), report),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["Archive", "ArchiveStatus", "SyncReport", "ArchiveDiff", "DataLossError", "IncompleteSync"],
)
def test_values_can_be_pickled_copied_and_compared(name: str, values: dict[str, Any]):
    value = values[name]
    restored = pickle.loads(pickle.dumps(value))  # noqa: S301
    for other in (restored, copy.copy(value), copy.deepcopy(value)):
        assert type(other) is type(value)
        assert repr(other) == repr(value)
        assert str(other) == str(value)
        assert isinstance(other == value, bool)
    assert value != 5
    if name in ("Archive", "ArchiveStatus", "SyncReport", "ArchiveDiff"):
        assert copy.deepcopy(value) == value


def test_no_message_of_an_archive_shows_a_number(sample_archive: et.Archive, tmp_path: Path):
    number = "0912345678"
    for attempt in (
        lambda: et.Archive(tmp_path / "new", time_zone=number),
        lambda: sample_archive.vacuum(keep=number),
        lambda: sample_archive.prune(before=number),
        lambda: sample_archive.sync(None, workers=number),
        lambda: sample_archive.sync(None, lookback=number),
    ):
        with pytest.raises(et.errors.EtelecomError) as caught:
            attempt()
        assert number not in str(caught.value)
