"""The public names of the simulator are listed, documented, and have examples that hold."""

import doctest
import importlib
import inspect
import pkgutil

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.simulator import faults

MODULES = [
    "etelecom_analytics.sample",
    *(
        module.name
        for module in pkgutil.walk_packages(et.simulator.__path__, "etelecom_analytics.simulator.")
    ),
]


def test_dir_lists_the_public_names_only():
    assert dir(et.simulator) == sorted(et.simulator.__all__)
    assert dir(faults) == sorted(faults.__all__)


@pytest.mark.parametrize(
    "name",
    [name for name in et.simulator.__all__ if callable(getattr(et.simulator, name))],
)
def test_each_class_and_function_has_an_example(name: str):
    text = inspect.getdoc(getattr(et.simulator, name)) or ""

    assert "Examples:\n    >>> " in text


@pytest.mark.parametrize("name", faults.__all__)
def test_each_fault_is_documented(name: str):
    if inspect.isfunction(value := getattr(faults, name)):
        assert inspect.getdoc(value)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str):
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs={"et": et, "pl": pl}, verbose=False)

    assert result.failed == 0


def test_examples_are_run():
    assert (
        sum(
            doctest.testmod(
                importlib.import_module(name), extraglobs={"et": et, "pl": pl}
            ).attempted
            for name in ("etelecom_analytics.simulator.server", "etelecom_analytics.sample")
        )
        >= 5
    )
