"""Erlang A matches the solution of its Markov chain, its limits, and a simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg
from support.examples import examples

from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import erlang_a, erlang_b, erlang_c_service_level


def of_chain(
    traffic: float, agents: int, talk_s: float, patience_s: float, threshold_s: float
) -> tuple[float, float]:
    """The shares abandoned and answered in time, by linear algebra.

    The stationary probabilities solve p Q = 0. The position of a waiting caller is a chain of its
    own, whose probability of being answered by the threshold is a matrix exponential.
    """
    size = agents + 250
    up, leave = traffic / talk_s, 1 / patience_s
    rates = np.zeros((size, size))
    for calls in range(size):
        if calls + 1 < size:
            rates[calls, calls + 1] = up
        if calls:
            rates[calls, calls - 1] = min(calls, agents) / talk_s + max(calls - agents, 0) * leave
    rates -= np.diag(rates.sum(axis=1))
    equations = np.vstack([rates.T, np.ones(size)])
    p = np.linalg.lstsq(equations, np.r_[np.zeros(size), 1.0], rcond=None)[0]
    abandoned = (np.arange(size) - agents)[agents:] @ p[agents:] * leave / up
    places = size - agents
    moves = np.zeros((places + 1, places + 1))
    for ahead in range(places):
        moves[ahead, ahead - 1 if ahead else places] = agents / talk_s + ahead * leave
        moves[ahead, ahead] = -(agents / talk_s + (ahead + 1) * leave)
    answered = linalg.expm(moves * threshold_s)[:places, places]
    return float(abandoned), float(p[:agents].sum() + p[agents:] @ answered)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("traffic", "agents", "talk_s", "patience_s", "threshold_s"),
    [(20, 22, 180, 300, 20), (10, 10, 180, 180, 20), (15, 10, 200, 60, 30), (3, 5, 100, 900, 0),
     (2, 1, 100, 5, 20)],
)  # fmt: skip
def test_markov_chain(
    traffic: float, agents: int, talk_s: float, patience_s: float, threshold_s: float
):
    expected = of_chain(traffic, agents, talk_s, patience_s, threshold_s)

    assert erlang_a(traffic, agents, talk_s, patience_s, threshold_s=threshold_s) == pytest.approx(
        expected, abs=1e-8
    )


@pytest.mark.parametrize(("traffic", "agents"), [(10, 14), (5, 8), (0.5, 2)])
def test_endless_patience_is_erlang_c(traffic: float, agents: int):
    expected = erlang_a(traffic, agents, 180, 1e9)

    assert expected.abandoned < 1e-6
    assert expected.service_level == pytest.approx(
        erlang_c_service_level(traffic, agents, 180, 20), abs=1e-6
    )


@pytest.mark.parametrize(("traffic", "agents"), [(10, 14), (3, 5), (8, 4)])
def test_without_patience_calls_are_lost_as_in_erlang_b(traffic: float, agents: int):
    assert erlang_a(traffic, agents, 180, 1e-6).abandoned == pytest.approx(
        erlang_b(traffic, agents), abs=1e-6
    )


def test_patience_as_long_as_a_talk_is_a_poisson_queue():
    """All calls then leave at the same rate, so their number is Poisson distributed."""
    traffic, agents = 10, 10
    mean_queue = sum(
        (k - agents) * math.exp(k * math.log(traffic) - traffic - math.lgamma(k + 1))
        for k in range(agents, 200)
    )

    assert erlang_a(traffic, agents, 180, 180).abandoned == pytest.approx(mean_queue / traffic)


@examples(60)
@given(
    traffic=st.floats(0.01, 300),
    agents=st.integers(1, 350),
    patience_s=st.floats(1, 5_000),
    threshold_s=st.floats(0, 300),
)
def test_shares_are_shares_and_more_agents_help(
    traffic: float, agents: int, patience_s: float, threshold_s: float
):
    one, more = (
        erlang_a(traffic, n, 180, patience_s, threshold_s=threshold_s) for n in (agents, agents + 1)
    )

    assert 0 <= more.abandoned <= one.abandoned + 1e-9 <= 1 + 1e-9
    assert 0 <= one.service_level <= more.service_level + 1e-9 <= 1 + 1e-9
    assert one.abandoned + one.service_level <= 1 + 1e-9
    assert one.abandoned >= 1 - agents / traffic - 1e-9  # agents cannot do more than all their time


def test_extreme_loads():
    assert erlang_a(0, 3, 180, 60) == (0, 1)
    assert erlang_a(0, 0, 180, 60) == (0, 0)
    assert erlang_a(5, 0, 180, 60) == (1, 0)
    assert erlang_a(1, 10**9, 180, 60) == (0, 1)
    assert erlang_a(1_000_000, 10, 180, 100).abandoned == pytest.approx(0.99999)
    assert erlang_a(10_000, 10_000, 180, 180).abandoned == pytest.approx(
        1 / math.sqrt(2 * math.pi * 10_000), rel=0.01
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 2, 180, 60), "traffic must be"),
        ((1, 2.0, 180, 60), "agents must be"),
        ((1, 2, 0, 60), "talk_s must be the mean talk in seconds"),
        ((1, 2, 180, 0), "patience_s must be the mean patience in seconds"),
        ((1, 2, 180, None), "patience_s must be"),
    ],
)
def test_invalid_arguments(arguments: tuple[float, int, float, float], message: str):
    with pytest.raises(InputError, match=message):
        erlang_a(*arguments)
