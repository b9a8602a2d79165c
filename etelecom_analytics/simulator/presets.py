"""Presets of the simulation: which journeys calls take, and which numbers are not persons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from . import busy, full, journeys
from .call_center import IVR, QUEUE, Customers, Hour, Parameters
from .pbx import Journey, Pbx

__all__ = ["PRESETS", "Preset"]

StartCall = Callable[[Pbx, int], Journey]
"""The journey of a call with this id."""

Load = Callable[[Random, Sequence[Hour]], tuple[Sequence[Hour], Sequence[Hour]]]
"""Two results from the planned hours: the periods of arrivals, and the hours of the staff."""


def _as_planned(rng: Random, hours: Sequence[Hour]) -> tuple[Sequence[Hour], Sequence[Hour]]:
    return hours, hours


_PARAMETERS = Parameters()


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A kind of call center.

    Attributes:
        inbound, outbound, internal: the journeys of calls.
        background: other events between two times (ms), with their starts.
        load: how arrivals and staff differ from what is planned.
        staffed_share: the share of the calls for which there is staff.
        customers: who calls.
        parameters: the parameters of the simulation.
        ivr_numbers, queue_numbers, voicemail_numbers: targets that are not persons.
    """

    inbound: StartCall
    outbound: StartCall
    internal: StartCall
    background: Callable[[Pbx, int, int], list[tuple[int, Journey]]] | None = None
    load: Load = _as_planned
    staffed_share: float = 1.0
    customers: Callable[[Random], Customers] = Customers
    parameters: Parameters = _PARAMETERS
    ivr_numbers: tuple[str, ...] = ()
    queue_numbers: tuple[str, ...] = ()
    voicemail_numbers: tuple[str, ...] = ()


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "basic": Preset(
            inbound=journeys.inbound,
            outbound=journeys.outbound,
            internal=journeys.internal,
            ivr_numbers=(IVR, QUEUE),
        ),
        "full": Preset(
            inbound=full.inbound,
            outbound=full.outbound,
            internal=full.internal,
            background=full.background,
            ivr_numbers=full.IVR_NUMBERS,
            queue_numbers=full.QUEUES,
            voicemail_numbers=(f"{full.VOICEMAIL_PREFIX}*",),
        ),
        "busy": Preset(
            inbound=busy.inbound,
            outbound=journeys.outbound,
            internal=journeys.internal,
            load=busy.uneven_load,
            staffed_share=busy.STAFFED_SHARE,
            customers=busy.BusyCustomers,
            parameters=busy.PARAMETERS,
            ivr_numbers=(IVR, QUEUE),
        ),
    }
)
