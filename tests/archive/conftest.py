"""Fixtures: a week of calls in the past, a server for it, and a synchronized archive."""

import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.simulator import CallLogServer, Simulation, serve

UNTIL = "2024-01-09"


@pytest.fixture(scope="session")
def past() -> Simulation:
    return et.simulate_calls(1_200, seed=5, start=date(2024, 1, 1), days=7)


@pytest.fixture(scope="session")
def past_calls(past: Simulation) -> pl.DataFrame:
    return past.calls


@pytest.fixture(scope="session")
def _past_server(past_calls: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(past_calls) as server:
        yield server


@pytest.fixture
def past_server(_past_server: CallLogServer) -> CallLogServer:
    _past_server.forget()
    return _past_server


@pytest.fixture
def past_client(client_of: Callable[..., et.Client], past_server: CallLogServer) -> et.Client:
    return client_of(past_server)


@pytest.fixture(scope="session")
def _synchronized(
    past: Simulation, _past_server: CallLogServer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of an archive of all calls of the server, to be copied."""
    _past_server.forget()
    archive = et.Archive(
        tmp_path_factory.mktemp("synchronized") / "calls", ivr_numbers=past.truth.ivr_numbers
    )
    with et.Client(_past_server.base_url, _past_server.api_key) as client:
        archive.sync(client, since="2024-01-01", until=UNTIL, progress=False)
    return archive.path


@pytest.fixture
def archive(_synchronized: Path, past: Simulation, tmp_path: Path) -> et.Archive:
    folder = shutil.copytree(_synchronized, tmp_path / "calls")
    return et.Archive(folder, ivr_numbers=past.truth.ivr_numbers)
