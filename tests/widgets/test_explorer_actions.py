"""After any actions the Explorer shows the measures of the matching calls, and sends little."""

import pytest
from support.explorer_actions import RandomActions, check_explorer, sent_bytes

import etelecom_analytics as et
from etelecom_analytics.metrics import cube_store

SAMPLE = et.sample_logs()
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"), as_of="2026-11-09")
MAX_KB = 150


def test_random_actions_show_the_measures_of_the_matching_calls(monkeypatch: pytest.MonkeyPatch):
    """`tests/benchmarks/explorer.py` does 300 at a million calls."""
    monkeypatch.setattr(cube_store, "MIN_CALLS", 0)
    explorer = et.Explorer(SAMPLE, options=OPTIONS, debounce_s=0)
    explorer.selection.precompute(OPTIONS, wait=True)
    actions = RandomActions(explorer, SAMPLE.calls, OPTIONS, seed=5)
    sent = []
    for number in range(20):
        with sent_bytes() as sizes:
            actions.run()
        sent.append(sum(sizes) / 1_000)
        if number % 10 == 9:
            check_explorer(explorer, OPTIONS)
    explorer.close()
    assert 1 < max(sent) <= MAX_KB
