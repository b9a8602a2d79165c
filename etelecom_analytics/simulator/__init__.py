"""A call centre with known truth, and a server that answers like the API: for tests, examples and trials, never for measuring."""

from .directory import Directory
from .ledger import Truth
from .pbx import Simulation, simulate_calls
from .server import API_KEY, Answer, CallLogServer, serve

__all__ = [
    "API_KEY",
    "Answer",
    "CallLogServer",
    "Directory",
    "Simulation",
    "Truth",
    "serve",
    "simulate_calls",
]
