"""Presets of the simulation: which journeys calls take, and which numbers are not persons."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from . import full, journeys
from .call_center import IVR, QUEUE
from .pbx import Journey, Pbx

__all__ = ["PRESETS", "Preset"]

StartCall = Callable[[Pbx, int], Journey]
"""The journey of a call with this id."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A kind of call center.

    Attributes:
        inbound, outbound, internal: the journeys of calls.
        background: other events between two times (ms), with their starts.
        ivr_numbers, queue_numbers, voicemail_numbers: targets that are not persons.
    """

    inbound: StartCall
    outbound: StartCall
    internal: StartCall
    background: Callable[[Pbx, int, int], list[tuple[int, Journey]]] | None = None
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
    }
)
