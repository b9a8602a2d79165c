"""Display masks external phone numbers, except own numbers, and names the values of dimensions."""

import copy
import pickle

import polars as pl
import pytest

from etelecom_analytics.locale.display import Display
from etelecom_analytics.metrics import MetricOptions

HOTLINE, CALLER = "19001234", "0912345678"
DISPLAY = Display(options=MetricOptions(ivr_numbers=("8000",)), own_numbers=(HOTLINE,))
CALLS = pl.DataFrame({"caller": [CALLER, None], "callee": [HOTLINE, HOTLINE]})


def test_external_numbers_are_masked_and_own_numbers_are_not():
    assert DISPLAY.masked(CALLS).rows() == [("091*****78", HOTLINE), (None, HOTLINE)]
    assert DISPLAY.unmasked == (HOTLINE, "8000")


def test_show_numbers_shows_all_numbers():
    display = Display(show_numbers=True)

    assert display.masked(CALLS).equals(CALLS)
    assert display.label("caller", CALLER) == CALLER


def test_lazy_frames_stay_lazy():
    masked = DISPLAY.masked(CALLS.lazy())

    assert isinstance(masked, pl.LazyFrame)
    assert masked.collect().equals(DISPLAY.masked(CALLS))


@pytest.mark.parametrize("dimension", ["caller", "callee", "target_number"])
def test_labels_of_numbers_are_masked(dimension: str):
    assert DISPLAY.label(dimension, CALLER) == "091*****78"
    assert DISPLAY.label(dimension, HOTLINE) == HOTLINE
    assert DISPLAY.label(dimension, "101") == "101"


def test_labels_use_names():
    names = {"target_number": {"101": "An (101)"}, "callee": {HOTLINE: f"Sales ({CALLER})"}}
    display = Display(names=names)

    assert display.label("target_number", "101") == "An (101)"
    assert display.label("callee", HOTLINE) == "Sales (09…)"
    assert Display(names=names, show_numbers=True).label("callee", HOTLINE) == f"Sales ({CALLER})"


def test_labels_of_other_dimensions_are_their_values():
    assert DISPLAY.label("hour", 9) == "9"
    assert DISPLAY.label("caller", None) == "none"


def test_a_display_can_be_compared_pickled_and_copied():
    display = Display(names={"callee": {HOTLINE: "Sales"}}, own_numbers=(HOTLINE,))

    unpickled = pickle.loads(pickle.dumps(display))  # noqa: S301  # our own bytes
    for same in (unpickled, copy.copy(display), copy.deepcopy(display)):
        assert same == display
        assert same.label("callee", HOTLINE) == "Sales"
    assert display != Display()
