"""Labels of controls, the copy button, and the state of all panels."""

import json
import subprocess
import sys
from collections.abc import Callable

import ipywidgets as ui
import polars as pl
import pytest
from support.widget_driver import control, put, walk

import etelecom_analytics as et
from etelecom_analytics.widgets import FetchPanel, FilterPanel
from etelecom_analytics.widgets.copy_button import CopyButton
from etelecom_analytics.widgets.panel import Panel

PANELS: list[Callable[[pl.DataFrame], Panel]] = [
    FilterPanel,
    lambda calls: FetchPanel(
        fetch=lambda *_: et.fetch_calls(et.Client("http://127.0.0.1:9/v1/shop", "k"))
    ),
]
OUTPUTS = ui.HTML | ui.Box | CopyButton


@pytest.mark.parametrize("make", PANELS)
def test_labels_are_unique_and_short(calls: pl.DataFrame, make: Callable[[pl.DataFrame], Panel]):
    controls = [
        part
        for part in walk(make(calls))
        if hasattr(part, "description") and not isinstance(part, OUTPUTS)
    ]
    labels = [part.description for part in controls]

    assert len(labels) >= 10
    assert all(labels)
    assert len(set(labels)) == len(labels)
    assert all(len(label) <= 11 for label in labels)  # a longer one would be cut off


@pytest.mark.parametrize("make", PANELS)
def test_controls_support_screen_readers(
    calls: pl.DataFrame, make: Callable[[pl.DataFrame], Panel]
):
    assert not [
        part
        for part in walk(make(calls))
        if isinstance(part, ui.TagsInput | ui.ColorsInput | ui.Valid)
    ]


@pytest.mark.parametrize("make", PANELS)
def test_copy_button_has_the_current_code(
    calls: pl.DataFrame, make: Callable[[pl.DataFrame], Panel]
):
    panel = make(calls)
    button = next(part for part in walk(panel) if isinstance(part, CopyButton))
    assert (button.label, button.code) == ("Copy as code", panel.code())
    put(panel, "Direction", "in")
    assert 'direction="in"' in button.code
    assert button.code == panel.code()


@pytest.mark.parametrize("make", PANELS)
def test_state_is_json(calls: pl.DataFrame, make: Callable[[pl.DataFrame], Panel]):
    panel = make(calls)
    put(panel, "Duration", "equal_to")
    state = json.loads(json.dumps(panel.state()))
    assert state["duration"] == ["equal_to", 30]
    panel.restore({})
    assert control(panel, "Dates").value == "all"
    panel.restore(state)
    assert panel.state() == state


def test_import_does_not_load_widgets():
    code = (
        "import etelecom_analytics, sys; "
        "print([name for name in ('ipywidgets', 'anywidget') if name in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )
