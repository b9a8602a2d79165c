"""Every control has a label, can be reached by keyboard, and the code can be copied."""

import json
import subprocess
import sys
from collections.abc import Callable

import ipywidgets as ui
import polars as pl
import pytest
from widget_driver import control, put, walk

import etelecom_analytics as et
from etelecom_analytics.widgets import FetchPanel, FilterPanel
from etelecom_analytics.widgets.copy_button import CopyButton
from etelecom_analytics.widgets.panel import Panel

PANELS: list[Callable[[pl.DataFrame], Panel]] = [
    FilterPanel,
    lambda calls: FetchPanel(
        fetch=lambda *told: et.fetch_calls(et.Client("http://127.0.0.1:9/v1/shop", "k"))
    ),
]
FOR_SHOW = ui.HTML | ui.Box | CopyButton


@pytest.mark.parametrize("make", PANELS)
def test_every_control_has_a_label_of_its_own(
    calls: pl.DataFrame, make: Callable[[pl.DataFrame], Panel]
):
    controls = [
        part
        for part in walk(make(calls))
        if hasattr(part, "description") and not isinstance(part, FOR_SHOW)
    ]
    labels = [part.description for part in controls]

    assert len(labels) >= 10
    assert all(labels)
    assert len(set(labels)) == len(labels)
    assert all(len(label) <= 11 for label in labels)  # a longer one would be cut


@pytest.mark.parametrize("make", PANELS)
def test_no_control_is_one_without_a_label_for_screen_readers(
    calls: pl.DataFrame, make: Callable[[pl.DataFrame], Panel]
):
    assert not [
        part
        for part in walk(make(calls))
        if isinstance(part, ui.TagsInput | ui.ColorsInput | ui.Valid)
    ]


@pytest.mark.parametrize("make", PANELS)
def test_the_button_has_the_code_at_any_moment(
    calls: pl.DataFrame, make: Callable[[pl.DataFrame], Panel]
):
    panel = make(calls)
    button = next(part for part in walk(panel) if isinstance(part, CopyButton))
    assert (button.label, button.code) == ("Copy as code", panel.code())
    put(panel, "Direction", "in")
    assert 'direction="in"' in button.code
    assert button.code == panel.code()


@pytest.mark.parametrize("make", PANELS)
def test_a_state_is_json(calls: pl.DataFrame, make: Callable[[pl.DataFrame], Panel]):
    panel = make(calls)
    put(panel, "Duration", "equal_to")
    state = json.loads(json.dumps(panel.state()))
    assert state["duration"] == ["equal_to", 30]
    panel.restore({})
    assert control(panel, "Dates").value == "all"
    panel.restore(state)
    assert panel.state() == state


def test_the_package_does_not_load_widgets_before_they_are_asked_for():
    code = "import etelecom_analytics, sys; print([name for name in ('ipywidgets', 'anywidget') if name in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )
