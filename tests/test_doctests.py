"""The examples in docstrings run and show what they promise, module by module."""

import doctest
import importlib
from pathlib import Path

import polars as pl
import pytest

import etelecom_analytics as et

pytestmark = pytest.mark.slow

PACKAGE = Path(et.__file__).parent
MODULES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_a_module(module: str):
    results = doctest.testmod(
        importlib.import_module(module), extraglobs={"et": et, "pl": pl}, optionflags=FLAGS
    )

    assert results.attempted > 0
    assert results.failed == 0, "see the captured output"
