"""Fixtures: a week of calls in the past, a server for it, and a synchronized archive."""

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


@pytest.fixture
def archive(past_client: et.Client, past: Simulation, tmp_path: Path) -> et.Archive:
    archive = et.Archive(tmp_path / "calls", ivr_numbers=past.truth.ivr_numbers)
    archive.sync(past_client, since="2024-01-01", until=UNTIL)
    return archive
