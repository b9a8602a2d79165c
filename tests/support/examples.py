"""The number of examples of a property test, which `ETELECOM_MAX_EXAMPLES` scales."""

import os

from hypothesis import settings

__all__ = ["USUAL", "examples"]

USUAL = int(os.environ.get("ETELECOM_MAX_EXAMPLES", "25"))
"""The examples of a test that does not say how many it takes."""


def examples(count: int) -> settings:
    """Take `count` examples where other tests take 25; more or fewer in the same proportion.

    Hypothesis begins with the simplest example, such as no calls, so a test takes at least three.
    """
    return settings(max_examples=max(min(count, 3), round(count * USUAL / 25)))
