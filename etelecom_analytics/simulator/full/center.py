"""Numbers and opening hours of the call center of the preset "full"."""

from datetime import UTC, datetime

from ..call_center import IVR
from ..pbx import Pbx

__all__ = [
    "CLOSED_IVR",
    "IVR_NUMBERS",
    "OVERFLOW_QUEUE",
    "QUEUES",
    "VOICEMAIL_PREFIX",
    "is_open",
    "mobile_number",
    "voicemail_number",
]

CLOSED_IVR = "8009"
"""The announcement outside opening hours."""

IVR_NUMBERS = (IVR, CLOSED_IVR)

OVERFLOW_QUEUE = "8300"
QUEUES = ("8100", "8200", OVERFLOW_QUEUE)
"""Sales, support, and the queue to which both overflow."""

VOICEMAIL_PREFIX = "*98"

_OPENING_HOURS = dict.fromkeys(range(5), (8, 19)) | {5: (8, 13)}
"""First hour and the hour after the last, by weekday from Monday, 0; closed on other days."""


def is_open(pbx: Pbx) -> bool:
    """Whether the center is open now."""
    local = datetime.fromtimestamp(pbx.now / 1000, UTC).astimezone(pbx.zone)
    first, end = _OPENING_HOURS.get(local.weekday(), (0, 0))
    return first <= local.hour < end


def voicemail_number(number: str) -> str:
    """The voicemail box of an extension or a queue."""
    return f"{VOICEMAIL_PREFIX}{number}"


def mobile_number(extension: str) -> str:
    """The fictitious mobile phone to which an extension forwards."""
    return f"0888{int(extension):06d}"
