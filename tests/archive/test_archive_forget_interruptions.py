"""A forget that is killed leaves the old or the new archive, and the next one finishes."""

import pytest
from benchmarks.killed_forgets import killing

_KILLS = (
    ("rename", 2),
    ("link", 1),
    ("fsync", 17),
    ("unlinkat", 13),
    ("renameat2", 2),
)
"""System calls in about the order of a forget; `tests/benchmarks/killed_forgets.py` tries all."""


@pytest.mark.slow
def test_killed_forget_leaves_the_old_or_the_new_archive():
    with killing() as subject:
        states = [subject.kill_once(call, number) for call, number in _KILLS]

    assert states == sorted(states, key=["old", "new"].index)
    assert states.count("old") >= 2
    assert states.count("new") >= 2
