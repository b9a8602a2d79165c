"""A simulated call center with known truth, and a server with the same interface as the API."""

from .call_center import Parameters
from .directory import Directory
from .faults.base import Request
from .outbound_desk import OutboundSimulation, simulate_outbound
from .portal import PORTAL_CAUSES, PortalSimulation, portal_totals, simulate_portal
from .server import API_KEY, Answer, CallLogServer, serve
from .simulation import Simulation, simulate_calls
from .truth import Truth

__all__ = [
    "API_KEY",
    "PORTAL_CAUSES",
    "Answer",
    "CallLogServer",
    "Directory",
    "OutboundSimulation",
    "Parameters",
    "PortalSimulation",
    "Request",
    "Simulation",
    "Truth",
    "portal_totals",
    "serve",
    "simulate_calls",
    "simulate_outbound",
    "simulate_portal",
]


def __dir__() -> list[str]:
    return sorted(__all__)
