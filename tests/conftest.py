"""What many tests share: simulated calls, a server of them over real HTTP, and a client that does not wait."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, settings

import etelecom_analytics as et
from etelecom_analytics.simulator import CallLogServer, Simulation, serve

# The machines that run this are slow at times, and a deadline would make a slow one fail.
settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _no_settings_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a key set, and a progress bar is noise."""
    for name in (
        "ETELECOM_BASE_URL",
        "ETELECOM_API_KEY",
        *(name for name in os.environ if name.lower().endswith("_proxy")),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return et.simulate_calls(1_500, seed=11)


@pytest.fixture(scope="session")
def calls(simulation: Simulation) -> pl.DataFrame:
    return simulation.calls


@pytest.fixture(scope="session")
def shared_server(calls: pl.DataFrame) -> Iterator[CallLogServer]:
    with serve(calls) as server:
        yield server


@pytest.fixture
def server(shared_server: CallLogServer) -> CallLogServer:
    shared_server.forget()
    return shared_server


@pytest.fixture
def waits() -> list[float]:
    """Where `client_of` notes the seconds that it would have waited."""
    return []


@pytest.fixture
def client_of(waits: list[float]) -> Iterator[Callable[..., et.Client]]:
    """Makes clients that take no time between attempts; given a server, or an address and a key."""
    made: list[et.Client] = []

    def make(
        server: CallLogServer | None = None,
        *,
        base_url: str = "",
        api_key: str = "",
        **options: Any,
    ) -> et.Client:
        address, key = (server.base_url, server.api_key) if server else ("", "")
        made.append(et.Client(base_url or address, api_key or key, sleep=waits.append, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(client_of: Callable[..., et.Client], server: CallLogServer) -> et.Client:
    return client_of(server)
