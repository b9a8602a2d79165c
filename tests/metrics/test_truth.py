"""95 % intervals cover the true values of a simulation about as often as they should.

`tests/benchmarks/truth.py` tests 200 seeds.
"""

from typing import Any

import pytest
from benchmarks.truth import hits, truths_and_intervals

pytestmark = pytest.mark.slow

SEEDS = range(24)


@pytest.fixture(scope="module")
def estimates() -> Any:
    return truths_and_intervals(SEEDS, 1_500)


def test_intervals_cover_the_true_values(estimates: Any):
    """Fewer than 20 of 24 has a probability of 1 in 200 at 95 % coverage."""
    counts = hits(estimates)

    assert len(counts) == 8
    assert {name: count for name, count in counts.items() if count < 20} == {}
    assert any(count < len(SEEDS) for count in counts.values())


def test_intervals_do_not_cover_wrong_values(estimates: Any):
    """Values too low by a third; intervals that are too wide would cover them."""
    assert {
        name: count for name, count in hits(estimates, factor=2 / 3).items() if count > 12
    } == {}
