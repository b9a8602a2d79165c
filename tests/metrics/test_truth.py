"""Intervals of 95 % hold the simulation's truth about as often as they promise. `tests/benchmarks/truth.py` looks at 200 seeds."""

from typing import Any

import pytest
from benchmarks.truth import hits, reporting_options

SEEDS = range(24)


@pytest.fixture(scope="module")
def looked() -> Any:
    return reporting_options(SEEDS, 1_500)


def test_the_truth_lies_within_the_intervals(looked: Any):
    """Fewer than 20 of 24 would come once in two hundred times, were it 95 % each."""
    counted = hits(looked)

    assert len(counted) == 8
    assert {name: count for name, count in counted.items() if count < 20} == {}
    assert any(count < len(SEEDS) for count in counted.values())


def test_what_is_not_the_truth_does_not(looked: Any):
    """A third less; intervals that hold anything would hold it."""
    assert {name: count for name, count in hits(looked, wrong_by=2 / 3).items() if count > 12} == {}
