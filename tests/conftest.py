"""Shared fixtures: simulated calls, a server of them over HTTP, and a client without delays."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

if "PYTEST_XDIST_WORKER" in os.environ:
    # Tests run side by side already. Polars reads this when it is imported.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from support.examples import USUAL
from support.real_calls import VARIABLE as REAL_CALLS

import etelecom_analytics as et
from etelecom_analytics.simulator import CallLogServer, Simulation, serve

# A deadline would fail on slow machines.
settings.register_profile(
    "steady",
    max_examples=USUAL,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),  # CI decides by the same examples each time
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cells of notebooks, and tests of a month of real calls, as slow."""
    for item in items:
        needs_real_calls = any(
            REAL_CALLS in mark.kwargs.get("reason", "") for mark in item.iter_markers("skipif")
        )
        is_notebook = item.path.suffix == ".ipynb"
        if is_notebook:
            item.add_marker(pytest.mark.notebook)
        if is_notebook or needs_real_calls or "real_calls" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the garbage collector away from the half a million objects of a collection."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove API settings and proxies of the user, and disable progress bars."""
    for name in (
        "ETELECOM_BASE_URL",
        "ETELECOM_SITE",
        "ETELECOM_API_KEY",
        *(name for name in os.environ if name.lower().endswith("_proxy")),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C interrupt tests and their processes.

    A job in the background of a shell ignores SIGINT, and so would every process that it starts.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
    """The delays that clients of `client_of` would have waited, in seconds."""
    return []


@pytest.fixture
def client_of(waits: list[float]) -> Iterator[Callable[..., et.Client]]:
    """A factory of clients without delays, for a server or for an address and key."""
    clients: list[et.Client] = []

    def make(
        server: CallLogServer | None = None,
        *,
        base_url: str = "",
        api_key: str = "",
        **options: Any,
    ) -> et.Client:
        address, key = (server.base_url, server.api_key) if server else ("", "")
        clients.append(
            et.Client(base_url or address, api_key or key, sleep=waits.append, **options)
        )
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(client_of: Callable[..., et.Client], server: CallLogServer) -> et.Client:
    return client_of(server)
