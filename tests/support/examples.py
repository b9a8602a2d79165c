"""How many examples tests take, which `ETELECOM_MAX_EXAMPLES` scales."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

__all__ = ["USUAL", "examples", "scaled", "some"]

Case = TypeVar("Case")

_DEFAULT = 25
USUAL = int(os.environ.get("ETELECOM_MAX_EXAMPLES", _DEFAULT))
"""The examples of a property test that does not say how many it takes."""


def scaled(count: int, *, at_least: int) -> int:
    """The examples of a test that takes `count` where others take 25, in the same proportion."""
    return max(at_least, round(count * USUAL / _DEFAULT))


def examples(count: int) -> settings:
    """Settings for so many examples where other tests take 25.

    Hypothesis begins with the simplest example, such as no calls, so a test takes at least three.
    """
    return settings(max_examples=scaled(count, at_least=min(count, 3)))


def some(cases: Sequence[Case], *, at_least: int) -> list[Case]:
    """All cases; if tests take fewer than 25 examples, some of them, the same each time."""
    count = min(len(cases), scaled(len(cases), at_least=at_least))
    return random.Random(1).sample(cases, count)
