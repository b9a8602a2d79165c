"""A simulated call center with known truth, and a server with the same interface as the API."""

from .call_center import Parameters
from .directory import Directory
from .faults.base import Request
from .server import API_KEY, Answer, CallLogServer, serve
from .simulation import Simulation, simulate_calls
from .truth import Truth

__all__ = [
    "API_KEY",
    "Answer",
    "CallLogServer",
    "Directory",
    "Parameters",
    "Request",
    "Simulation",
    "Truth",
    "serve",
    "simulate_calls",
]


def __dir__() -> list[str]:
    return sorted(__all__)
