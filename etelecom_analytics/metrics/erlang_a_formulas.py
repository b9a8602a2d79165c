"""Erlang A: waiting calls whose callers hang up, with the shares abandoned and answered in time.

The model is that of Erlang C, except that each caller has an exponentially distributed patience,
and hangs up when it ends. So the queue never grows without limit.

C. Palm, Research on Telephone Traffic Carried by Full Availability Groups, Tele 1 (1957).
O. Garnett, A. Mandelbaum and M. Reiman, Designing a Call Center with Impatient Customers,
Manufacturing & Service Operations Management 4 (2002).
"""

from typing import TYPE_CHECKING, NamedTuple

from .erlang_formulas import positive_seconds, real_number, traffic_erlangs, whole_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ErlangA", "erlang_a"]

_FAR = 12
"""Standard deviations beyond which a number of calls is negligible."""


class ErlangA(NamedTuple):
    """The shares of calls that Erlang A expects.

    Attributes:
        abandoned: the share of calls whose callers hang up.
        service_level: the share of calls that are answered within the threshold.

    Examples:
        >>> expected = et.metrics.erlang_a(10.0, 10, 180, 180)
        >>> round(expected.abandoned, 3)
        0.125
    """

    abandoned: float
    service_level: float


def erlang_a(
    traffic: float, agents: int, talk_s: float, patience_s: float, *, threshold_s: float = 20.0
) -> ErlangA:
    """The shares of calls abandoned, and answered within the threshold, by Erlang A.

    From the probabilities p(i) of i calls in the system, a birth-death process with rates traffic
    up and min(i, n) + max(i - n, 0) * talk_s / patience_s down. A caller hangs up with the
    probability E[queue] * (talk_s / patience_s) / traffic. Who finds k callers in the queue waits
    for k + 1 departures of rates n + j * talk_s / patience_s, j = 0 ... k; exp(-wait / patience_s)
    then has the beta distribution with c = n * patience_s / talk_s and k + 1, so that the share
    answered within t is c / (c + k + 1) * P(Beta(c + 1, k + 1) >= exp(-t / patience_s)).

    Args:
        traffic: the offered traffic in Erlangs, at most 1,000,000.
        agents: the number of agents.
        talk_s: the mean talk in seconds, with wrap-up if agents have some.
        patience_s: the mean patience in seconds: the total wait of all calls / abandoned calls.
        threshold_s: the longest wait that counts as in time, in seconds.

    Raises:
        InputError: an argument is not a number in its range; `talk_s` and `patience_s` must be
            above 0.

    Examples:
        >>> expected = et.metrics.erlang_a(20.0, 22, 180, 300)
        >>> [round(share, 3) for share in expected]
        [0.04, 0.757]
    """
    import numpy as np
    from scipy import special

    load, servers = traffic_erlangs(traffic), whole_number("agents", agents)
    threshold = real_number("threshold_s", threshold_s)
    impatience = positive_seconds("talk_s", talk_s) / positive_seconds("patience_s", patience_s)
    if load == 0:
        return ErlangA(0.0, 1.0 if servers else 0.0)
    if not servers:
        return ErlangA(1.0, 0.0)
    if servers > load + _FAR * (np.sqrt(load) + 1):
        return ErlangA(0.0, 1.0)  # nobody waits
    numbers, probabilities = _probabilities(load, servers, impatience)
    free = float(probabilities[numbers < servers].sum())
    queue, waiting = numbers[numbers >= servers] - servers, probabilities[numbers >= servers]
    abandoned = float((queue * waiting).sum()) * impatience / load
    rate = servers / impatience
    in_time = special.betaincc(rate + 1, queue + 1, np.exp(-threshold / patience_s))
    answered = float((waiting * rate / (rate + queue + 1) * in_time).sum())
    return ErlangA(min(abandoned, 1.0), min(free + answered, 1.0))


def _probabilities(
    load: float, servers: int, impatience: float
) -> tuple["NDArray[np.float64]", "NDArray[np.float64]"]:
    """The numbers of calls in the system that are not negligible, and their probabilities."""
    import numpy as np

    # The queue is most probable where its rates balance, and has a tail below that of a normal.
    most = max(load - servers, 0.0) / impatience
    reach = _FAR * (np.sqrt(most + (load + 1) / impatience) + 5)
    first = max(0, int(servers + most - reach)) if load > servers else 0
    numbers = np.arange(first, int(servers + most + reach), dtype=float)
    departures = np.minimum(numbers, servers) + np.maximum(numbers - servers, 0) * impatience
    logs = np.concatenate([[0.0], np.cumsum(np.log(load) - np.log(departures[1:]))])
    weights = np.exp(logs - logs.max())
    return numbers, np.asarray(weights / weights.sum())
