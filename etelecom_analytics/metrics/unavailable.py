"""Common measures that cannot be computed from call logs."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["UNAVAILABLE_MEASURES"]

_REASONS: Mapping[tuple[str, ...], str] = MappingProxyType(
    {
        (
            "aht", "average_handle_time", "handle_time",
        ): "Handle time is talk, hold and after-call work, and a call log has only the talk. Use "
        "talk_avg_s, or agent_talk_avg_s, which excludes the IVR and the queue.",
        (
            "acw", "after_call_work", "wrap_up", "wrap_up_time",
        ): "A call log does not record what an agent does after the call. Use agent_talk_avg_s for "
        "the talk itself.",
        (
            "hold", "hold_time",
        ): "A call log does not record holds: hold time is part of the talk. Use agent_talk_s for "
        "the total.",
        (
            "occupancy", "utilization", "utilisation", "idle_time", "available_time",
        ): "It needs the time for which agents were signed in and ready, and a call log has only "
        "their calls. Use leg_talk_s by target_number for the talk, and et.metrics.erlangs for the "
        "load.",
        (
            "adherence", "schedule_adherence", "conformance", "shrinkage", "login_time",
        ): "It needs rosters and sign-in times, which call logs do not have. Use rna and rna_rate "
        "by target_number and hour, which show whose phone rang without an answer.",
        (
            "queue_position", "position_in_queue", "queue_length",
        ): "A call log has the wait of a caller, not the position in the queue. Use wait_p90_s, or "
        "et.metrics.concurrency for the number of simultaneous calls.",
        (
            "fcr", "first_contact_resolution", "first_call_resolution", "resolution_rate",
        ): "A call log does not record whether the caller's matter was resolved, or contacts "
        "through other channels. Use et.metrics.repeat_rate: the share of callers who call again "
        "within a day.",
    }
)  # fmt: skip

UNAVAILABLE_MEASURES: Mapping[str, str] = MappingProxyType(
    {name: reason for names, reason in _REASONS.items() for name in names}
)
"""Common measures that call logs cannot give, with the reason and an alternative."""
