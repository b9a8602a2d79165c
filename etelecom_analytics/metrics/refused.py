"""What is often asked for, and cannot be had from call logs: by name, with the reason and what to use instead."""

from collections.abc import Mapping
from types import MappingProxyType

from ..errors import MeasureUnavailable

__all__ = ["NOT_IN_RECORD", "refuse"]

_SEVERAL: Mapping[tuple[str, ...], str] = MappingProxyType(
    {
        (
            "aht", "average_handle_time", "handle_time",
        ): "Handle time is talk, hold and after-call work, and of these only talk is in a call log. Use talk_avg_s, or agent_talk_avg_s, "
        "which leaves out the IVR and the queue.",
        (
            "acw", "after_call_work", "wrap_up", "wrap_up_time",
        ): "What an agent does after hanging up leaves no trace in a call log. Use agent_talk_avg_s for the talk itself.",
        (
            "hold", "hold_time",
        ): "A call log does not tell when a caller was put on hold: it is part of the talk. Use agent_talk_s for all of it.",
        (
            "occupancy", "utilization", "utilisation", "idle_time", "available_time",
        ): "It needs the time for which agents were signed in and ready, and a call log has only their calls. Use leg_talk_s by "
        "target_number for the talk, and et.metrics.erlangs for the load.",
        (
            "adherence", "schedule_adherence", "conformance", "shrinkage", "login_time",
        ): "It needs rosters and the times at which agents signed in, which call logs do not have. Use rna and rna_rate by target_number "
        "and hour, which show whose phone rang for nobody.",
        (
            "queue_position", "position_in_queue", "queue_length",
        ): "A call log tells how long somebody waited, not who stood before him. Use wait_p90_s, or et.metrics.concurrency for how many "
        "were on the line at once.",
        (
            "fcr", "first_contact_resolution", "first_call_resolution", "resolution_rate",
        ): "Whether a caller's matter was settled is not in a call log, nor is any other way of contact. Use et.metrics.repeat_rate: who "
        "calls again within a day.",
    }
)  # fmt: skip

NOT_IN_RECORD: Mapping[str, str] = MappingProxyType(
    {name: reason for names, reason in _SEVERAL.items() for name in names}
)
"""Names that are refused, and why. A unit after the name ("aht_s", "hold_time_avg_s", "fcr_rate") makes no difference."""

_ENDINGS = ("_s", "_avg", "_p50", "_p90", "_rate")


def refuse(name: str) -> None:
    """Raise `MeasureUnavailable` where that is what the name stands for, however it is spelt: "AHT", "hold time", "average-handle-time"."""
    plain = "_".join(str(name).lower().replace("-", " ").replace("_", " ").split())
    while plain not in NOT_IN_RECORD and plain.endswith(_ENDINGS):
        plain = plain.rpartition("_")[0]
    if plain in NOT_IN_RECORD:
        raise MeasureUnavailable(plain, NOT_IN_RECORD[plain])
