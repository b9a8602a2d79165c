"""Erlang's formulas: lost calls, waiting calls, and the agents that a service level needs.

Erlang C assumes that calls arrive at random at a constant rate (Poisson), that talk times are
exponentially distributed, that callers never hang up while they wait, and that agents do nothing
else. Traffic in Erlangs = arrivals per second * mean talk seconds, the mean number of simultaneous
talks if nobody waits.

A. K. Erlang, Solution of Some Problems in the Theory of Probabilities of Significance in Automatic
Telephone Exchanges (1917).
"""

import math

from ..errors import InputError
from ..phone_numbers import describe

__all__ = [
    "agents_needed",
    "erlang_b",
    "erlang_c",
    "erlang_c_asa",
    "erlang_c_service_level",
    "positive_seconds",
    "real_number",
    "target_share",
    "traffic_erlangs",
    "whole_number",
]


_MAX_TRAFFIC = 1_000_000
"""Erlangs; the recursion takes as many steps."""


def erlang_b(traffic: float, lines: int) -> float:
    """Erlang B: the share of calls that find all lines busy and are lost.

    Computed by the recursion B(0) = 1, B(n) = A * B(n - 1) / (n + A * B(n - 1)), whose terms stay
    within 0 and 1 for any traffic A.

    Args:
        traffic: the offered traffic in Erlangs.
        lines: the number of lines.

    Raises:
        InputError: an argument is not a number in its range.

    Examples:
        >>> round(et.metrics.erlang_b(2.0, 5), 4)
        0.0367
    """
    return _blocked(traffic_erlangs(traffic), whole_number("lines", lines))


def erlang_c(traffic: float, agents: int) -> float:
    """Erlang C: the share of calls that must wait, if all wait until they are answered.

    n * B / (n - A * (1 - B)), with B = erlang_b(A, n). It is 1 if agents <= traffic, because then
    the queue grows without limit.

    Args:
        traffic: the offered traffic in Erlangs.
        agents: the number of agents.

    Raises:
        InputError: an argument is not a number in its range.

    Examples:
        >>> round(et.metrics.erlang_c(2.0, 5), 4)
        0.0597
    """
    blocked = _blocked(traffic_erlangs(traffic), whole_number("agents", agents))
    return _must_wait(traffic, agents, blocked)


def erlang_c_asa(traffic: float, agents: int, talk_s: float) -> float:
    """The mean wait of all calls in seconds (average speed of answer) by Erlang C.

    C * talk_s / (n - A); infinite if agents <= traffic.

    Args:
        traffic: the offered traffic in Erlangs.
        agents: the number of agents.
        talk_s: the mean talk in seconds.

    Raises:
        InputError: an argument is not a number in its range; `talk_s` must be above 0.

    Examples:
        >>> round(et.metrics.erlang_c_asa(2.0, 5, 180), 2)
        3.58
    """
    waits = erlang_c(traffic, agents) * _talk(talk_s)
    return math.inf if agents <= traffic else waits / (agents - traffic)


def erlang_c_service_level(traffic: float, agents: int, talk_s: float, threshold_s: float) -> float:
    """The share of calls that wait at most `threshold_s`, by Erlang C.

    1 - C * exp(-(n - A) * threshold_s / talk_s); 0 if agents <= traffic.

    Args:
        traffic: the offered traffic in Erlangs.
        agents: the number of agents.
        talk_s: the mean talk in seconds.
        threshold_s: the longest wait that counts as in time, in seconds.

    Raises:
        InputError: an argument is not a number in its range; `talk_s` must be above 0.

    Examples:
        >>> round(et.metrics.erlang_c_service_level(2.0, 5, 180, 20), 4)
        0.9572
    """
    must_wait = erlang_c(traffic, agents)
    talks = real_number("threshold_s", threshold_s) / _talk(talk_s)
    return _level(must_wait, traffic, agents, talks)


def agents_needed(
    traffic: float, talk_s: float, *, threshold_s: float = 20.0, target: float = 0.8
) -> int:
    """The smallest number of agents for the service level `target` by Erlang C; 0 without traffic.

    At least the share `target` of calls then waits at most `threshold_s`. Use `agents_by_interval`
    for a table of calls.

    Args:
        traffic: the offered traffic in Erlangs.
        talk_s: the mean talk in seconds.
        threshold_s: the longest wait that counts as in time, in seconds.
        target: the service level, a share between 0 and 1.

    Raises:
        InputError: an argument is not a number in its range.

    Examples:
        >>> et.metrics.agents_needed(20.0, 180)
        24
    """
    talks, target = real_number("threshold_s", threshold_s) / _talk(talk_s), target_share(target)
    if traffic_erlangs(traffic) == 0:
        return 0
    agents = math.floor(traffic) + 1
    blocked = _blocked(traffic, agents)
    while _level(_must_wait(traffic, agents, blocked), traffic, agents, talks) < target:
        agents += 1
        blocked = traffic * blocked / (agents + traffic * blocked)
    return agents


def real_number(name: str, value: object) -> float:
    """The argument; `InputError` unless it is a finite number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InputError(f"{name} must be a finite number of 0 or more; got {describe(value)}.")
    return value


def traffic_erlangs(traffic: object) -> float:
    """The argument; `InputError` unless it is a number of Erlangs."""
    erlangs = real_number("traffic", traffic)
    if erlangs > _MAX_TRAFFIC:
        raise InputError(
            f"traffic must be at most {_MAX_TRAFFIC:,} Erlangs; got {describe(traffic)}."
        )
    return erlangs


def whole_number(name: str, value: object, *, minimum: int = 0) -> int:
    """The argument; `InputError` unless it is an integer of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise InputError(f"{name} must be an integer of at least {minimum}; got {describe(value)}.")
    return value


def positive_seconds(name: str, value: object) -> float:
    """The argument; `InputError` unless it is a finite number above 0."""
    seconds = real_number(name, value)
    if seconds == 0:
        noun = name.removesuffix("_s").replace("_", " ")
        raise InputError(f"{name} must be the mean {noun} in seconds, above 0.")
    return seconds


def _talk(talk_s: object) -> float:
    return positive_seconds("talk_s", talk_s)


def target_share(target: object) -> float:
    """The argument; `InputError` unless it is a number between 0 and 1."""
    share = real_number("target", target)
    if not 0 < share < 1:
        raise InputError(
            f"target must be a share between 0 and 1, such as 0.8; got {describe(target)}. "
            "No number of agents guarantees 100 %."
        )
    return share


def _blocked(traffic: float, lines: int) -> float:
    blocked = 1.0
    for line in range(1, lines + 1):
        blocked = traffic * blocked / (line + traffic * blocked)
        if not blocked:  # no traffic, or less than the smallest float
            break
    return blocked


def _must_wait(traffic: float, agents: int, blocked: float) -> float:
    return 1.0 if agents <= traffic else agents * blocked / (agents - traffic * (1 - blocked))


def _level(must_wait: float, traffic: float, agents: int, talks: float) -> float:
    """The service level of Erlang C for a threshold in units of the mean talk."""
    return 0.0 if agents <= traffic else 1 - must_wait * math.exp((traffic - agents) * talks)
