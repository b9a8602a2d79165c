"""Words that many texts share: counts with their noun, dimensions and their values, and lists."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from ..language import mark, ntr, tr

__all__ = ["and_list", "count", "dimension_name", "or_list", "plural", "unit_name", "value_names"]

_COUNTS: Mapping[str, Callable[[int], str]] = MappingProxyType(
    {
        "attempt": lambda n: ntr("{n} attempt", "{n} attempts", n),
        "available agent": lambda n: ntr("{n} available agent", "{n} available agents", n),
        "call": lambda n: ntr("{n} call", "{n} calls", n),
        "cell": lambda n: ntr("{n} cell", "{n} cells", n),
        "customer": lambda n: ntr("{n} customer", "{n} customers", n),
        "day": lambda n: ntr("{n} day", "{n} days", n),
        "group": lambda n: ntr("{n} group", "{n} groups", n),
        "hour": lambda n: ntr("{n} hour", "{n} hours", n),
        "inbound offered call": lambda n: ntr(
            "{n} inbound offered call", "{n} inbound offered calls", n
        ),
        "level": lambda n: ntr("{n} level", "{n} levels", n),
        "leg": lambda n: ntr("{n} leg", "{n} legs", n),
        "missed call": lambda n: ntr("{n} missed call", "{n} missed calls", n),
        "month": lambda n: ntr("{n} month", "{n} months", n),
        "number": lambda n: ntr("{n} number", "{n} numbers", n),
        "offer": lambda n: ntr("{n} offer", "{n} offers", n),
        "offered call": lambda n: ntr("{n} offered call", "{n} offered calls", n),
        "quarter hour": lambda n: ntr("{n} quarter hour", "{n} quarter hours", n),
        "week": lambda n: ntr("{n} week", "{n} weeks", n),
    }
)

_PLURALS: Mapping[str, str] = MappingProxyType(
    {
        "attempt": mark("attempts"),
        "call": mark("calls"),
        "leg": mark("legs"),
        "missed call": mark("missed calls"),
        "offer": mark("offers"),
        "offered call": mark("offered calls"),
    }
)

_DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "call_state": mark("call state"),
        "call_status": mark("call status"),
        "callee": mark("callee"),
        "caller": mark("caller"),
        "carrier": mark("carrier"),
        "day": mark("day"),
        "department_id": mark("department id"),
        "direction": mark("direction"),
        "extension_id": mark("extension id"),
        "extension_number": mark("extension number"),
        "fail_code": mark("fail code"),
        "half_hour": mark("half hour"),
        "hotline": mark("hotline"),
        "hotline_id": mark("hotline id"),
        "hour": mark("hour"),
        "in_hours": mark("in hours"),
        "month": mark("month"),
        "outcome": mark("outcome"),
        "own_number": mark("own number"),
        "prefix": mark("prefix"),
        "quarter_hour": mark("quarter hour"),
        "queue": mark("queue"),
        "target_number": mark("target number"),
        "trunk_name": mark("trunk name"),
        "user": mark("user"),
        "user_id": mark("user id"),
        "week": mark("week"),
        "weekday": mark("weekday"),
        "who_hung_up": mark("who hung up"),
    }
)

_VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "call_state": (
            mark("answered", context="value"),
            mark("not_answered", context="value"),
            mark("unknown", context="value"),
        ),
        "carrier": (
            mark("mobifone", context="value"),
            mark("other", context="value"),
            mark("viettel", context="value"),
            mark("vinaphone", context="value"),
        ),
        "direction": (
            mark("ext", context="value"),
            mark("ext_in", context="value"),
            mark("ext_out", context="value"),
            mark("in", context="value"),
            mark("out", context="value"),
            mark("unknown", context="value"),
        ),
        "outcome": (
            mark("answered", context="value"),
            mark("answered_elsewhere", context="value"),
            mark("busy_or_rejected", context="value"),
            mark("caller_gave_up", context="value"),
            mark("in_progress", context="value"),
            mark("network", context="value"),
            mark("other", context="value"),
            mark("rna_timeout", context="value"),
            mark("unreachable", context="value"),
        ),
        "who_hung_up": (mark("agent", context="value"), mark("caller", context="value")),
    }
)

_UNITS = (
    mark("s", context="unit"),
    mark("min", context="unit"),
    mark("h", context="unit"),
    mark("days", context="unit"),
    mark("m:ss", context="unit"),
)


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 call", "1,200 calls"."""
    return _COUNTS[noun](number)


def plural(noun: str) -> str:
    """The noun without a number: "calls"."""
    return tr(_PLURALS[noun])


def dimension_name(dimension: str) -> str:
    """The dimension as text, such as "target number"."""
    return tr(_DIMENSIONS[dimension])


def value_names(dimension: str) -> dict[str, str]:
    """The names of the values of a dimension, as far as these are words; empty for others."""
    return {value: tr(value, context="value") for value in _VALUES.get(dimension, ())}


def unit_name(unit: str) -> str:
    """The unit of time: "s", "min", "m:ss", "h" or "days"."""
    return tr(unit, context="unit")


def and_list(texts: Sequence[str]) -> str:
    """The texts as a list, such as "a, b and c"."""
    *first, last = texts
    return tr("{texts} and {last}", texts=", ".join(first), last=last) if first else last


def or_list(texts: Sequence[str]) -> str:
    """The texts as a list, such as "a or b"."""
    *first, last = texts
    return tr("{texts} or {last}", texts=", ".join(first), last=last) if first else last
