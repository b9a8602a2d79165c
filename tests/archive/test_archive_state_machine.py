"""Any order of fetches, syncs and maintenance gives what a dictionary predicts.

`tests/benchmarks/archive_states.py` runs longer.
"""

import pytest
from hypothesis import HealthCheck, settings
from support.archive_machine import ArchiveMachine
from support.examples import scaled


@pytest.mark.slow
class TestArchive(ArchiveMachine.TestCase):  # type: ignore[misc]
    """The rules of the machine, in a few orders that are the same at each run."""

    settings = settings(
        max_examples=scaled(4, at_least=2),
        stateful_step_count=14,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
