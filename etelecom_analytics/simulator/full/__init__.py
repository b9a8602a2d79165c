"""The preset "full": everything that a PBX can write into call logs, with known truth."""

from .center import IVR_NUMBERS, QUEUES, VOICEMAIL_PREFIX
from .customer_calls import inbound
from .staff import background, internal, outbound

__all__ = [
    "IVR_NUMBERS",
    "QUEUES",
    "VOICEMAIL_PREFIX",
    "background",
    "inbound",
    "internal",
    "outbound",
]
